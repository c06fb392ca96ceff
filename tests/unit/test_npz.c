/* Batches in .npz files: what numpy wrote (tools/make_npz_fixtures.py) and what ito wrote is read back to the byte; hostile archives
 * are refused with the reason; and no prefix or changed byte of an archive does more than fail. */
#include "scratch.h"

#include <ito/npz.h>

#include "base/file.h"
#include "format/npy.h"

#define CORPUS "tests/fuzz/corpus/npz/"

static unsigned char pixel(int64_t k)
{
    return (unsigned char)((7 * k + 3) % 256);
}

static void check(const ito_npz *s, int64_t n, int height, int width, int channels, bool labels)
{
    assert_int_equal(s->n, n);
    assert_true(s->height == height && s->width == width && s->channels == channels);
    for (int64_t k = 0; k < n * height * width * channels; k++) assert_int_equal(s->images[k], pixel(k));
    assert_true((s->labels != NULL) == labels);
    for (int64_t i = 0; labels && i < n; i++) assert_int_equal(s->labels[i], (5 * i + 1) % 11);
}

static void test_numpy(void **state)
{
    scratch *s = *state;
    ito_npz a;
    assert_ok(s->ctx, ito_npz_read(s->ctx, CORPUS "stored.npz", &a));
    check(&a, 5, 4, 6, 3, true);
    ito_npz_clear(s->ctx, &a);
    assert_ok(s->ctx, ito_npz_read(s->ctx, CORPUS "deflated.npz", &a));
    check(&a, 5, 4, 6, 3, true);
    ito_npz_clear(s->ctx, &a);
    assert_ok(s->ctx, ito_npz_read(s->ctx, CORPUS "grey.npz", &a));
    check(&a, 3, 2, 2, 1, false);
    ito_npz_clear(s->ctx, &a);
    assert_ok(s->ctx, ito_npz_read(s->ctx, CORPUS "big_endian.npz", &a));
    check(&a, 4, 2, 3, 3, true);
    ito_npz_clear(s->ctx, &a);
    assert_fails(s->ctx, ITO_UNSUPPORTED, "Fortran order", ito_npz_read(s->ctx, CORPUS "fortran.npz", &a));
    assert_fails(s->ctx, ITO_FORMAT, "arr_0 is f8 of 4 dimensions, expected uint8",
                 ito_npz_read(s->ctx, CORPUS "floats.npz", &a));
    assert_fails(s->ctx, ITO_NOT_FOUND, "none.npz", ito_npz_read(s->ctx, CORPUS "none.npz", &a));
}

static void test_round_trip(void **state)
{
    scratch *s = *state;
    static unsigned char images[40 * 5 * 3 * 3];
    int32_t labels[40];
    for (int k = 0; k < (int)sizeof images; k++) images[k] = pixel(k);
    for (int i = 0; i < 40; i++) labels[i] = (5 * i + 1) % 11;
    for (int deflated = 0; deflated < 2; deflated++)
        for (int n = 0; n <= 40; n += 40)
            for (int with = 0; with < 2; with++) {
                const char *path = scratch_path(s, "batch.npz");
                ito_npz in = {n, 5, 3, 3, images, with ? labels : NULL}, out;
                assert_ok(s->ctx, ito_npz_write(s->ctx, path, &in, deflated));
                assert_ok(s->ctx, ito_npz_read(s->ctx, path, &out));
                check(&out, n, 5, 3, 3, with);
                ito_npz_clear(s->ctx, &out);
            }
    ito_npz bad = {1, 5, 3, 2, images, NULL};
    assert_fails(s->ctx, ITO_USAGE, "3 channels or 1", ito_npz_write(s->ctx, scratch_path(s, "bad.npz"), &bad, false));
}

/* Incompressible bytes, longer than deflate's own buffers. */
static void test_large_members(void **state)
{
    enum { n = 30, side = 100, total = n * side * side * 3 };
    scratch *s = *state;
    unsigned char *images = malloc(total);
    uint32_t x = 1;
    for (int k = 0; k < total; k++) images[k] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24);
    for (int deflated = 0; deflated < 2; deflated++) {
        const char *path = scratch_path(s, "batch.npz");
        ito_npz in = {n, side, side, 3, images, NULL}, out;
        assert_ok(s->ctx, ito_npz_write(s->ctx, path, &in, deflated));
        assert_ok(s->ctx, ito_npz_read(s->ctx, path, &out));
        assert_memory_equal(out.images, images, total);
        ito_npz_clear(s->ctx, &out);
    }
    free(images);
}

/* Every prefix of an archive, and every one with one byte turned over, is read or refused; whatever is read has the pixels that the
 * checksums vouch for. */
static void damage(scratch *s, const char *path)
{
    unsigned char *bytes;
    size_t n;
    ito_npz a;
    assert_ok(s->ctx, ito__file_read(s->ctx, path, 1 << 20, &bytes, &n));
    for (size_t k = 0; k < n; k++) {
        unsigned char *prefix = malloc(k ? k : 1); /* of its own: sanitizers see the first byte behind it */
        memcpy(prefix, bytes, k);
        assert_true(ito_npz_parse(s->ctx, "prefix", prefix, k, &a) != ITO_OK);
        assert_true(*ito_last_error(s->ctx) != 0);
        free(prefix);
    }
    for (size_t k = 0; k < n; k++)
        for (int bit = 0; bit < 8; bit += 7) {
            bytes[k] ^= (unsigned char)(1 << bit);
            if (ito_npz_parse(s->ctx, "turned", bytes, n, &a) == ITO_OK) {
                for (int64_t i = 0; i < a.n * a.height * a.width * a.channels; i++)
                    assert_int_equal(a.images[i], pixel(i));
                ito_npz_clear(s->ctx, &a);
            }
            bytes[k] ^= (unsigned char)(1 << bit);
        }
    ito__free(s->ctx, bytes);
}

static void test_damage(void **state)
{
    scratch *s = *state;
    static unsigned char images[60];
    int32_t labels[5] = {1, 6, 0, 5, 10};
    for (int k = 0; k < 60; k++) images[k] = pixel(k);
    damage(s, CORPUS "stored.npz");
    damage(s, CORPUS "deflated.npz");
    char path[1100];
    snprintf(path, sizeof path, "%s", scratch_path(s, "ours.npz"));
    assert_ok(s->ctx, ito_npz_write(s->ctx, path, &(ito_npz){5, 2, 2, 3, images, labels}, true));
    damage(s, path);
}

/* ---- hostile headers ---- */

static ito_status parse(ito_ctx *ctx, const char *header, size_t n_values, ito__npy *out)
{
    static unsigned char bytes[4096];
    size_t length = strlen(header);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (unsigned char)length;
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + 10, header, length);
    return ito__npy_parse(ctx, "h", bytes, 10 + length + n_values, out);
}

static void test_headers(void **state)
{
    ito_ctx *ctx = ((scratch *)*state)->ctx;
    ito__npy a;
    assert_ok(ctx, parse(ctx, "{\"shape\":(2,3),'fortran_order':False,'descr':'<i2'}\n", 12, &a));
    assert_true(a.kind == 'i' && a.item_size == 2 && !a.is_big && a.shape.n_dims == 2 && a.shape.d[1] == 3);
    assert_ok(ctx, parse(ctx, "{'descr': '|u1', 'fortran_order': False, 'shape': (), }", 1, &a)); /* one number */
    static const struct {
        const char *header, *words;
    } bad[] = {
        {"", "a dictionary"},
        {"{", "a text in quotes"},
        {"{'descr", "a short text in quotes"},
        {"{'descr': '|u1'}", "the keys descr, fortran_order and shape"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4,), 'more': 1}", "the keys descr"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (4,)}", "type '|O'"},
        {"{'descr': '|u9999', 'fortran_order': False, 'shape': (4,)}", "type '|u9999'"},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (4,)}", "Fortran order"},
        {"{'descr': '|u1', 'fortran_order': 0, 'shape': (4,)}", "True or False"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-4,)}", "dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4 5)}", "a ')' behind the shape"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", "a smaller dimension"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296,4294967296,4)}", "values fit into memory"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1)}", "fewer dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (5,)}", "wants 5 bytes of values, found 4"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(parse(ctx, bad[i].header, 4, &a) != ITO_OK);
        if (!strstr(ito_last_error(ctx), bad[i].words))
            fail_msg("%s: '%s' lacks '%s'", bad[i].header, ito_last_error(ctx), bad[i].words);
    }
}

static void test_hostile_archives(void **state)
{
    ito_ctx *ctx = ((scratch *)*state)->ctx;
    ito_npz a;
    unsigned char *bytes;
    size_t n;
    assert_fails(ctx, ITO_FORMAT, "no end record", ito_npz_parse(ctx, "z", "", 0, &a));
    assert_fails(ctx, ITO_FORMAT, "no end record", ito_npz_parse(ctx, "z", "PK\5\6", 4, &a));
    assert_ok(ctx, ito__file_read(ctx, CORPUS "grey.npz", 1 << 20, &bytes, &n));
    unsigned char *end = bytes + n - 22, keep[22];
    memcpy(keep, end, 22);
    end[16] = 0xff; /* the directory's place */
    end[17] = 0xff;
    assert_fails(ctx, ITO_FORMAT, "lies outside", ito_npz_parse(ctx, "z", bytes, n, &a));
    memcpy(end, keep, 22);
    end[10] = 200; /* members */
    assert_true(ito_npz_parse(ctx, "z", bytes, n, &a) != ITO_OK);
    assert_non_null(strstr(ito_last_error(ctx), "cut off"));
    memcpy(end, keep, 22);
    size_t at = (size_t)end[16] | (size_t)end[17] << 8; /* its only entry */
    bytes[at + 10] = 99;
    assert_fails(ctx, ITO_UNSUPPORTED, "method 99", ito_npz_parse(ctx, "z", bytes, n, &a));
    bytes[at + 10] = 8; /* stored data is not deflated */
    assert_true(ito_npz_parse(ctx, "z", bytes, n, &a) != ITO_OK);
    bytes[at + 10] = 0;
    bytes[at + 8] |= 1;
    assert_fails(ctx, ITO_UNSUPPORTED, "encrypted", ito_npz_parse(ctx, "z", bytes, n, &a));
    bytes[at + 8] &= 0xfe;
    bytes[at + 16] ^= 1;
    assert_fails(ctx, ITO_FORMAT, "checksum", ito_npz_parse(ctx, "z", bytes, n, &a));
    bytes[at + 16] ^= 1;
    assert_ok(ctx, ito_npz_parse(ctx, "z", bytes, n, &a));
    ito_npz_clear(ctx, &a);
    ito__free(ctx, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numpy, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_round_trip, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_large_members, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_damage, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_headers, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_hostile_archives, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
