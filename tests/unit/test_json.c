/* JSON: errors that name place, field, expected and found; typed getters with fallbacks. */
#include "scratch.h"

#include "base/file.h"
#include "base/json.h"

static json_t *parse(scratch *s, const char *text)
{
    json_t *value;
    assert_ok(s->ctx, ito__json_parse(s->ctx, "here", text, strlen(text), &value));
    return value;
}

static void test_parse_errors(void **state)
{
    scratch *s = *state;
    json_t *value;
    const char *text = "{\n \"a\": 1,\n oops }";
    assert_fails(s->ctx, ITO_FORMAT, "f.json: line 3, column",
                 ito__json_parse(s->ctx, "f.json", text, strlen(text), &value));
    assert_null(value);
    text = "{\"a\": 1, \"a\": 2}";
    assert_fails(s->ctx, ITO_FORMAT, "duplicate", ito__json_parse(s->ctx, "x", text, strlen(text), &value));
    assert_fails(s->ctx, ITO_FORMAT, "line 1", ito__json_parse(s->ctx, "x", "", 0, &value));
}

static void test_getters(void **state)
{
    scratch *s = *state;
    json_t *o = parse(s, "{\"i\": 7, \"whole\": 1000.0, \"r\": 2.5, \"b\": true, \"t\": \"x\", \"null\": null}");
    int64_t i;
    double r;
    bool b;
    const char *t;
    assert_ok(s->ctx, ito__json_int(s->ctx, "here", o, "i", 1, &i));
    assert_int_equal(i, 7);
    assert_ok(s->ctx, ito__json_int(s->ctx, "here", o, "whole", 1, &i));
    assert_int_equal(i, 1000);
    assert_ok(s->ctx, ito__json_int(s->ctx, "here", o, "absent", -3, &i));
    assert_int_equal(i, -3);
    assert_ok(s->ctx, ito__json_real(s->ctx, "here", o, "i", 0, &r));
    assert_true(r == 7.0);
    assert_ok(s->ctx, ito__json_bool(s->ctx, "here", o, "b", false, &b));
    assert_true(b);
    assert_ok(s->ctx, ito__json_text(s->ctx, "here", o, "null", "fallback", &t));
    assert_string_equal(t, "fallback");
    assert_fails(s->ctx, ITO_FORMAT, "here: t: expected a whole number, found \"x\"",
                 ito__json_int(s->ctx, "here", o, "t", 0, &i));
    assert_fails(s->ctx, ITO_FORMAT, "found 2.5", ito__json_int(s->ctx, "here", o, "r", 0, &i));
    assert_fails(s->ctx, ITO_FORMAT, "expected a number, found true", ito__json_real(s->ctx, "here", o, "b", 0, &r));
    assert_fails(s->ctx, ITO_FORMAT, "expected true or false", ito__json_bool(s->ctx, "here", o, "i", 0, &b));
    assert_fails(s->ctx, ITO_FORMAT, "expected a text, found 7", ito__json_text(s->ctx, "here", o, "i", 0, &t));
    json_decref(o);
}

static void test_structures(void **state)
{
    scratch *s = *state;
    json_t *o = parse(s, "{\"l\": [1, 2, 3], \"mixed\": [1, \"a\"], \"o\": {}}"), *field;
    int64_t ints[3];
    int n;
    assert_ok(s->ctx, ito__json_ints(s->ctx, "here", o, "l", 3, ints, &n));
    assert_int_equal(n, 3);
    assert_int_equal(ints[2], 3);
    assert_ok(s->ctx, ito__json_ints(s->ctx, "here", o, "absent", 3, ints, &n));
    assert_int_equal(n, 0);
    assert_fails(s->ctx, ITO_FORMAT, "at most 2", ito__json_ints(s->ctx, "here", o, "l", 2, ints, &n));
    assert_fails(s->ctx, ITO_FORMAT, "found \"a\"", ito__json_ints(s->ctx, "here", o, "mixed", 3, ints, &n));
    assert_ok(s->ctx, ito__json_require(s->ctx, "here", o, "o", JSON_OBJECT, &field));
    assert_fails(s->ctx, ITO_FORMAT, "expected an object, found nothing",
                 ito__json_require(s->ctx, "here", o, "absent", JSON_OBJECT, &field));
    assert_fails(s->ctx, ITO_FORMAT, "found a list of 3",
                 ito__json_require(s->ctx, "here", o, "l", JSON_OBJECT, &field));
    json_decref(o);
}

static void test_files(void **state)
{
    scratch *s = *state;
    json_t *o = parse(s, "{\"z\": 0.1, \"a\": [1]}"), *back;
    const char *path = scratch_path(s, "x.json");
    assert_ok(s->ctx, ito__json_write(s->ctx, path, o));
    assert_ok(s->ctx, ito__json_read(s->ctx, path, &back));
    assert_true(json_equal(o, back));
    json_decref(o);
    json_decref(back);
    scratch_put(path, "{", 1);
    assert_fails(s->ctx, ITO_FORMAT, "x.json: line 1", ito__json_read(s->ctx, path, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_errors),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_structures),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
