/* The registry: every built-in descriptor is complete, names are found or the nearest is suggested, a program's own
 * choices join the list. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ito/registry.h>

#include "base/base.h"

/* A file of the source tree (tests run at its root), or NULL. The caller frees. */
static char *slurp(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) return NULL;
    char *text = calloc(1, 1 << 20);
    size_t got = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[got] = 0;
    return text;
}

static void check_choice(const ito_choice *c)
{
    assert_non_null(c->name);
    assert_non_null(c->summary);
    assert_non_null(c->file);
    assert_null(strchr(c->name, ' '));
    assert_true(strlen(c->summary) <= 100 && c->summary[strlen(c->summary) - 1] != '.');
    /* the file named is there and holds the tag named */
    char tag[64], *source = slurp(c->file);
    snprintf(tag, sizeof tag, "EQ[%s]", c->eq ? c->eq : "");
    assert_non_null(source);
    if (c->eq) {
        assert_true(c->formula && c->paper);
        assert_non_null(strstr(source, tag));
    } else {
        assert_false(c->formula || c->paper); /* a data set computes no equation */
    }
    free(source);
}

static void test_builtin_choices_are_complete(void **state)
{
    ito_ctx *ctx = *state;
    const ito_axis *axis;
    for (int a = 0; (axis = ito_axis_get(a)); a++) {
        assert_ptr_equal(ito_axis_find(axis->name), axis);
        assert_non_null(axis->question);
        assert_true(axis->n_builtin > 0);
        const ito_choice *c, *found;
        for (int i = 0; (c = ito_choice_get(ctx, axis, i)); i++) {
            check_choice(c);
            assert_int_equal(ito_choice_find(ctx, axis, c->name, &found), ITO_OK);
            assert_ptr_equal(found, c); /* so names are unique */
            char text[256];
            if (axis->claims) assert_true(strlen(axis->claims(c, text, sizeof text)) < sizeof text - 1);
        }
    }
    assert_null(ito_axis_get(-1));
    assert_null(ito_axis_find("color"));
}

/* The defaults of every choice lie in their own ranges. */
static void test_default_options(void **state)
{
    ito_ctx *ctx = *state;
    const ito_axis *axis;
    const ito_choice *c;
    for (int a = 0; (axis = ito_axis_get(a)); a++)
        for (int i = 0; (c = ito_choice_get(ctx, axis, i)); i++) {
            ito_opts *opts;
            assert_int_equal(ito_opts_create(ctx, c->options, &opts), ITO_OK);
            for (const ito_opt_def *o = c->options; o && o->name; o++) {
                assert_non_null(o->help);
                if (o->type == ITO_OPT_INT_TYPE || o->type == ITO_OPT_REAL_TYPE)
                    assert_int_equal(ito_opts_set_number(opts, c->name, o->name, o->value), ITO_OK);
            }
            ito_opts_destroy(opts);
        }
}

static void test_nearest_name(void **state)
{
    ito_ctx *ctx = *state;
    const ito_choice *c;
    const ito_axis *process = ito_axis_find("process");
    assert_int_equal(ito_choice_find(ctx, process, "vp-lineer", &c), ITO_NOT_FOUND);
    assert_null(c);
    assert_non_null(strstr(ito_last_error(ctx), "did you mean 'vp-linear'"));
    assert_int_equal(ito_choice_find(ctx, process, "zzzzzzzzzzzzzzzzzzzzzz", &c), ITO_NOT_FOUND);
    assert_null(strstr(ito_last_error(ctx), "did you mean"));
}

static void test_run_time_registration(void **state)
{
    ito_ctx *ctx = *state;
    static char names[20][8];
    static ito_choice own[20];
    const ito_axis *axis = ito_axis_find("process");
    const ito_choice *c;
    for (int i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "mine%d", i);
        own[i] = (ito_choice){.name = names[i], .summary = "a test's own"};
        assert_int_equal(ito_choice_register(ctx, axis, &own[i]), ITO_OK);
    }
    for (int i = 0; i < 20; i++) {
        assert_ptr_equal(ito_choice_get(ctx, axis, axis->n_builtin + i), &own[i]);
        assert_int_equal(ito_choice_find(ctx, axis, names[i], &c), ITO_OK);
        assert_ptr_equal(c, &own[i]);
    }
    assert_null(ito_choice_get(ctx, axis, axis->n_builtin + 20));
    assert_int_equal(ito_choice_register(ctx, axis, &own[3]), ITO_USAGE);
    assert_int_equal(ito_choice_register(ctx, axis, &(ito_choice){.name = "x"}), ITO_USAGE);
    ito_ctx *other = ctx_open(0);
    assert_null(ito_choice_get(other, axis, axis->n_builtin)); /* another context does not see them */
    ito_ctx_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_builtin_choices_are_complete, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_default_options, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_nearest_name, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_run_time_registration, ctx_setup, ctx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
