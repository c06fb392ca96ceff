/* IDX: every value type, wrong lengths, gzip, and MNIST where it is there. */
#include "scratch.h"

#include <zlib.h>

#include "format/gzip.h"
#include "format/idx.h"

static void test_types(void **state)
{
    scratch *s = *state;
    const unsigned char u8[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    const unsigned char i16[] = {0, 0, 0x0b, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 0};
    const unsigned char f32[] = {0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0};
    ito__idx idx;
    assert_ok(s->ctx, ito__idx_parse(s->ctx, "u8", u8, sizeof u8, &idx));
    assert_true(idx.dtype == ITO_U8 && ito_shape_equal(idx.shape, ITO_SHAPE(2, 3)));
    assert_memory_equal(idx.data, u8 + 12, 6);
    ito__idx_clear(s->ctx, &idx);
    assert_ok(s->ctx, ito__idx_parse(s->ctx, "i16", i16, sizeof i16, &idx));
    assert_true(idx.dtype == ITO_I32 && ((int32_t *)idx.data)[0] == -2 && ((int32_t *)idx.data)[1] == 256);
    ito__idx_clear(s->ctx, &idx);
    assert_ok(s->ctx, ito__idx_parse(s->ctx, "f32", f32, sizeof f32, &idx));
    assert_true(idx.dtype == ITO_F32 && *(float *)idx.data == 1.5f);
    ito__idx_clear(s->ctx, &idx);
}

static void test_wrong_lengths(void **state)
{
    scratch *s = *state;
    unsigned char bytes[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7};
    ito__idx idx;
    for (size_t n = 0; n <= sizeof bytes; n++)
        if (n != 18) assert_int_equal(ito__idx_parse(s->ctx, "cut", bytes, n, &idx), ITO_FORMAT);
    memset(bytes + 4, 0xff, 8); /* 2^64 values */
    assert_fails(s->ctx, ITO_FORMAT, "[4294967295, 4294967295]", ito__idx_parse(s->ctx, "x", bytes, 18, &idx));
    bytes[2] = 7;
    assert_fails(s->ctx, ITO_FORMAT, "value type 0x07", ito__idx_parse(s->ctx, "x", bytes, 18, &idx));
    bytes[2] = 8, bytes[3] = 9;
    assert_fails(s->ctx, ITO_FORMAT, "9 dimensions", ito__idx_parse(s->ctx, "x", bytes, 18, &idx));
}

static void test_gzip(void **state)
{
    scratch *s = *state;
    const unsigned char u8[] = {0, 0, 8, 1, 0, 0, 0, 4, 9, 8, 7, 6};
    const char *path = scratch_path(s, "v.gz");
    ito__idx idx;
    gzFile file = gzopen(path, "wb");
    gzwrite(file, u8, sizeof u8);
    gzclose(file);
    assert_ok(s->ctx, ito__idx_read(s->ctx, path, &idx));
    assert_memory_equal(idx.data, u8 + 8, 4);
    ito__idx_clear(s->ctx, &idx);
    FILE *plain = fopen(path, "rb");
    unsigned char packed[100];
    size_t n = fread(packed, 1, sizeof packed, plain), n_out;
    fclose(plain);
    unsigned char *out;
    assert_fails(s->ctx, ITO_FORMAT, "more than 11", ito__gzip_unpack(s->ctx, "z", packed, n, 11, &out, &n_out));
    assert_fails(s->ctx, ITO_FORMAT, "malformed gzip or deflated data",
                 ito__gzip_unpack(s->ctx, "z", packed, n - 9, 99, &out, &n_out));
    packed[n - 5] ^= 1; /* the check sum */
    assert_fails(s->ctx, ITO_FORMAT, "malformed gzip or deflated data",
                 ito__gzip_unpack(s->ctx, "z", packed, n, 99, &out, &n_out));
    assert_null(out);
}

static void test_mnist(void **state)
{
    scratch *s = *state;
    char path[1024];
    ito__idx idx;
    if (!scratch_real_data("mnist/t10k-labels-idx1-ubyte.gz", path)) skip();
    assert_ok(s->ctx, ito__idx_read(s->ctx, path, &idx));
    assert_true(idx.dtype == ITO_U8 && ito_shape_equal(idx.shape, ITO_SHAPE(10000)));
    assert_int_equal(((unsigned char *)idx.data)[0], 7); /* the test set starts with a seven */
    ito__idx_clear(s->ctx, &idx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_wrong_lengths),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_mnist),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
