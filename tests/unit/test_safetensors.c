/* safetensors: every dtype there and back, the same bytes for the same contents, and every lie a header can tell. */
#include "scratch.h"

#include <math.h>

#include <ito/safetensors.h>

#include "base/base.h"
#include "base/file.h"

static void test_round_trip(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "a.safetensors");
    const float w[6] = {1, -2, 3.5f, 0, 1e-8f, INFINITY};
    const double d[1] = {0.1};
    const int64_t steps[1] = {(int64_t)1 << 40};
    const unsigned char u[3] = {1, 2, 255};
    const ito_safetensors_entry entries[] = {
        {"u", ITO_SAFETENSORS_U8, ITO_SHAPE(3), u, 3},
        {"w.weight", ITO_SAFETENSORS_F32, ITO_SHAPE(2, 3), w, 24},
        {"step", ITO_SAFETENSORS_I64, ITO_SCALAR, steps, 8},
        {"d", ITO_SAFETENSORS_F64, ITO_SHAPE(1), d, 8},
        {"none", ITO_SAFETENSORS_F32, ITO_SHAPE(0, 4), NULL, 0},
    };
    const ito_safetensors_text texts[] = {{"z", "last"}, {"format", "pt"}};
    ito_safetensors *file;
    assert_ok(s->ctx, ito_safetensors_write(s->ctx, path, entries, 5, texts, 2));
    assert_ok(s->ctx, ito_safetensors_open(s->ctx, path, &file));
    assert_int_equal(ito_safetensors_count(file), 5);
    assert_string_equal(ito_safetensors_get(file, 0)->name, "d");
    assert_null(ito_safetensors_get(file, 5));
    assert_null(ito_safetensors_find(file, "absent"));
    assert_string_equal(ito_safetensors_metadata(file, "format"), "pt");
    assert_null(ito_safetensors_metadata(file, "absent"));
    for (int i = 0; i < 5; i++) {
        const ito_safetensors_entry *e = ito_safetensors_find(file, entries[i].name);
        assert_non_null(e);
        assert_true(e->dtype == entries[i].dtype && ito_shape_equal(e->shape, entries[i].shape));
        assert_int_equal(e->n_bytes, entries[i].n_bytes);
        if (e->n_bytes) assert_memory_equal(e->data, entries[i].data, e->n_bytes);
    }
    float out[6];
    int64_t back;
    assert_ok(s->ctx, ito_safetensors_load_f32(s->ctx, ito_safetensors_find(file, "w.weight"), out, 6));
    assert_memory_equal(out, w, sizeof w);
    assert_ok(s->ctx, ito_safetensors_load_i64(s->ctx, ito_safetensors_find(file, "step"), &back, 1));
    assert_true(back == steps[0]);
    assert_fails(s->ctx, ITO_SHAPE, "shape [2, 3], expected 5",
                 ito_safetensors_load_f32(s->ctx, ito_safetensors_find(file, "w.weight"), out, 5));
    assert_fails(s->ctx, ITO_DTYPE, "d is F64",
                 ito_safetensors_load_i64(s->ctx, ito_safetensors_find(file, "d"), &back, 1));
    ito_safetensors_close(file);
}

static void test_same_bytes_in_any_order(void **state)
{
    scratch *s = *state;
    const float a[2] = {1, 2}, b[1] = {3};
    const ito_safetensors_entry one[] = {{"a", ITO_SAFETENSORS_F32, ITO_SHAPE(2), a, 8},
                                         {"b", ITO_SAFETENSORS_F32, ITO_SHAPE(1), b, 4}},
                                other[] = {one[1], one[0]};
    const ito_safetensors_text texts[] = {{"x", "1"}, {"y", "2"}}, turned[] = {texts[1], texts[0]};
    unsigned char *first, *second;
    size_t n, m;
    const char *path = scratch_path(s, "order.safetensors");
    assert_ok(s->ctx, ito_safetensors_write(s->ctx, path, one, 2, texts, 2));
    assert_ok(s->ctx, ito__file_read(s->ctx, path, 4096, &first, &n));
    assert_ok(s->ctx, ito_safetensors_write(s->ctx, path, other, 2, turned, 2));
    assert_ok(s->ctx, ito__file_read(s->ctx, path, 4096, &second, &m));
    assert_int_equal(n, m);
    assert_memory_equal(first, second, n);
    assert_int_equal((n - 12) % 8, 0); /* the data starts aligned */
    ito__free(s->ctx, first);
    ito__free(s->ctx, second);
    assert_fails(s->ctx, ITO_USAGE, "used twice",
                 ito_safetensors_write(s->ctx, path, (ito_safetensors_entry[]){one[0], one[0]}, 2, NULL, 0));
    ito_safetensors_entry wrong = one[0];
    wrong.n_bytes = 9;
    assert_fails(s->ctx, ITO_SHAPE, "are not 9 bytes", ito_safetensors_write(s->ctx, path, &wrong, 1, NULL, 0));
}

/* Parses header text with n_data zero bytes behind it. */
static ito_status parse(scratch *s, const char *header, size_t n_data, ito_safetensors **out)
{
    unsigned char bytes[1024] = {0};
    size_t length = strlen(header);
    bytes[0] = (unsigned char)length;
    bytes[1] = (unsigned char)(length >> 8);
    memcpy(bytes + 8, header, length);
    return ito_safetensors_parse(s->ctx, "lie", bytes, 8 + length + n_data, out);
}

static void test_conversions(void **state)
{
    scratch *s = *state;
    ito_safetensors *file;
    float out[4];
    /* behind an odd byte, so that nothing is aligned */
    unsigned char bytes[256] = {0};
    const char *header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                         "\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[1,9]},"
                         "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[9,13]}}";
    size_t length = strlen(header);
    bytes[0] = (unsigned char)length;
    memcpy(bytes + 8, header, length);
    const unsigned char data[13] = {7, 0x00, 0x3c, 0x01, 0x80, 0x00, 0x7c, 0xff, 0x7b, 0x80, 0x3f, 0x49, 0xc0};
    memcpy(bytes + 8 + length, data, sizeof data);
    assert_ok(s->ctx, ito_safetensors_parse(s->ctx, "x", bytes, 8 + length + sizeof data, &file));
    assert_ok(s->ctx, ito_safetensors_load_f32(s->ctx, ito_safetensors_find(file, "h"), out, 4));
    assert_true(out[0] == 1.0f && out[1] == -0x1p-24f && isinf(out[2]) && out[3] == 65504.0f);
    assert_ok(s->ctx, ito_safetensors_load_f32(s->ctx, ito_safetensors_find(file, "b"), out, 2));
    assert_true(out[0] == 1.0f && out[1] == -3.140625f);
    assert_ok(s->ctx, ito_safetensors_load_f32(s->ctx, ito_safetensors_find(file, "a"), out, 1));
    assert_true(out[0] == 7.0f);
    ito_safetensors_close(file);
}

static void test_lies(void **state)
{
    scratch *s = *state;
    static const struct {
        const char *header, *words;
        size_t n_data;
        ito_status st;
    } cases[] = {
        {"{", "not JSON", 0, ITO_FORMAT},
        {"[]", "expected an object", 0, ITO_FORMAT},
        {"{\"a\":3}", "a: expected an object, found 3", 0, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", "found \"F31\"", 4, ITO_UNSUPPORTED},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", "found nothing", 4, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "expected a shape", 4, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "do not fill", 4, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "do not fill", 4, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", "fill", 0, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "at most 3", 3, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "in order", 4, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "starts at 4", 8, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "end at 4 of 8", 8, ITO_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         "before it ends at 4", 4, ITO_FORMAT},
        {"{\"__metadata__\":{\"a\":1}}", "expected a text", 0, ITO_FORMAT},
    };
    ito_safetensors *file;
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        assert_fails(s->ctx, cases[i].st, cases[i].words, parse(s, cases[i].header, cases[i].n_data, &file));
        assert_null(file);
    }
    assert_fails(s->ctx, ITO_FORMAT, "not safetensors", ito_safetensors_parse(s->ctx, "x", "1234567", 7, &file));
    assert_fails(s->ctx, ITO_FORMAT, "not safetensors",
                 ito_safetensors_parse(s->ctx, "x", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, &file));
    assert_fails(s->ctx, ITO_NOT_FOUND, "cannot open", ito_safetensors_open(s->ctx, "/no/such/file", &file));
    assert_ok(s->ctx, parse(s, "{}", 0, &file));
    assert_int_equal(ito_safetensors_count(file), 0);
    assert_null(ito_safetensors_find(file, "a"));
    ito_safetensors_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_same_bytes_in_any_order),
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_lies),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
