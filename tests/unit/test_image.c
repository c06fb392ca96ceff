/* Images: PNG of every kind there and back, text chunks, JPEG, errors instead of exits, conversions, scaling. */
#include "scratch.h"

#include <math.h>
#include <stdio.h>

#include <jpeglib.h>
#include <png.h>

#include <ito/image.h>

static ito_image pattern(scratch *s, int width, int height, int channels, ito_dtype dtype)
{
    ito_image image;
    assert_ok(s->ctx, ito_image_create(s->ctx, width, height, channels, dtype, &image));
    for (int i = 0; i < width * height * channels; i++) {
        unsigned v = (unsigned)(i * 2654435761u) >> 16;
        if (dtype == ITO_U8)
            ((unsigned char *)image.pixels)[i] = (unsigned char)v;
        else
            ((float *)image.pixels)[i] = (float)(v & 0xffff) / 65535.0f;
    }
    return image;
}

static void test_png_round_trip(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "a.png");
    for (int channels = 1; channels <= 4; channels++)
        for (int wide = 0; wide < 2; wide++) {
            ito_dtype dtype = wide ? ITO_F32 : ITO_U8;
            ito_image image = pattern(s, 7, 5, channels, dtype), back;
            assert_ok(s->ctx, ito_image_write_png(s->ctx, path, &image, NULL));
            assert_ok(s->ctx, ito_image_read(s->ctx, path, dtype, &back));
            assert_true(back.width == 7 && back.height == 5 && back.channels == channels && back.dtype == dtype);
            assert_memory_equal(back.pixels, image.pixels, 35 * (size_t)channels * ito_dtype_size(dtype));
            ito_image_clear(s->ctx, &image);
            ito_image_clear(s->ctx, &back);
        }
}

static void test_png_16_to_8(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "b.png");
    ito_image image = pattern(s, 16, 16, 3, ITO_F32), back;
    assert_ok(s->ctx, ito_image_write_png(s->ctx, path, &image, NULL));
    assert_ok(s->ctx, ito_image_read(s->ctx, path, ITO_U8, &back));
    for (int i = 0; i < 768; i++) {
        double error = (double)((unsigned char *)back.pixels)[i] - 255.0 * (double)((float *)image.pixels)[i];
        assert_true(fabs(error) <= 0.51); /* rounding, and libpng's own at the half */
    }
    ito_image_clear(s->ctx, &image);
    ito_image_clear(s->ctx, &back);
}

/* A 2 x 2 palette image of 2 bits with one transparent entry, as libpng itself writes it. */
static void write_palette(const char *path)
{
    png_color palette[3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}};
    png_byte alpha[1] = {128}, rows[2][1] = {{0x10}, {0x80}}; /* 0 1 / 2 0 */
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, 2, 2, 2, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_ADAM7, 0, 0);
    png_set_PLTE(png, info, palette, 3);
    png_set_tRNS(png, info, alpha, 1, NULL);
    png_write_info(png, info);
    for (int pass = png_set_interlace_handling(png); pass > 0; pass--)
        for (int y = 0; y < 2; y++) png_write_row(png, rows[y]);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

static void test_png_palette(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "p.png");
    const unsigned char expected[] = {255, 0, 0, 128, 0, 255, 0, 255, 0, 0, 255, 255, 255, 0, 0, 128};
    ito_image image;
    write_palette(path);
    assert_ok(s->ctx, ito_image_read(s->ctx, path, ITO_U8, &image));
    assert_int_equal(image.channels, 4);
    assert_memory_equal(image.pixels, expected, sizeof expected);
    ito_image_clear(s->ctx, &image);
}

static void test_texts(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "t.png");
    ito_image image = pattern(s, 3, 3, 1, ITO_U8);
    ito_image_text items[] = {{"ito", "{\"seed\": 7}"}, {"Author", "Kiyosi It\xc3\xb4"}};
    ito_image_texts texts = {2, items}, back;
    assert_ok(s->ctx, ito_image_write_png(s->ctx, path, &image, &texts));
    assert_ok(s->ctx, ito_image_read_texts(s->ctx, path, &back));
    assert_int_equal(back.n, 2);
    assert_string_equal(ito_image_texts_find(&back, "ito"), items[0].value);
    assert_string_equal(ito_image_texts_find(&back, "Author"), items[1].value);
    assert_null(ito_image_texts_find(&back, "none"));
    ito_image_texts_clear(s->ctx, &back);
    char key[] = "";
    items[0].key = key;
    assert_fails(s->ctx, ITO_USAGE, "expected 1 to 79", ito_image_write_png(s->ctx, path, &image, &texts));
    assert_ok(s->ctx, ito_image_read_texts(s->ctx, path, &back)); /* the old file stays */
    assert_int_equal(back.n, 2);
    ito_image_texts_clear(s->ctx, &back);
    ito_image_clear(s->ctx, &image);
}

static void write_jpeg(const char *path, int width, int height, bool colour)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *file = fopen(path, "wb");
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = colour ? 3 : 1;
    jpeg.in_color_space = colour ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    unsigned char *row = malloc((size_t)width * 3);
    for (int y = 0; y < height; y++) {
        for (int i = 0; i < width * jpeg.input_components; i++)
            row[i] = colour ? (unsigned char)(i % 3 == 0 ? 200 : 50) : 100;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(file);
}

static void test_jpeg(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "a_jpeg_named.png"); /* first bytes decide, not the name */
    ito_image image;
    for (int colour = 0; colour < 2; colour++) {
        write_jpeg(path, 20, 10, colour);
        assert_ok(s->ctx, ito_image_read(s->ctx, path, ITO_U8, &image));
        assert_true(image.width == 20 && image.height == 10 && image.channels == (colour ? 3 : 1));
        assert_true(abs(((unsigned char *)image.pixels)[0] - (colour ? 200 : 100)) <= 3); /* lossy */
        ito_image_clear(s->ctx, &image);
    }
}

static void test_cut_files(void **state)
{
    scratch *s = *state;
    unsigned char bytes[4096];
    const char *path = scratch_path(s, "cut");
    for (int kind = 0; kind < 2; kind++) {
        if (kind == 0) {
            ito_image image = pattern(s, 20, 20, 3, ITO_U8);
            assert_ok(s->ctx, ito_image_write_png(s->ctx, path, &image, NULL));
            ito_image_clear(s->ctx, &image);
        } else {
            write_jpeg(path, 64, 64, true);
        }
        FILE *file = fopen(path, "rb");
        size_t n = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        assert_true(n > 200 && n < sizeof bytes);
        for (size_t cut = 0; cut < n - 20; cut += 7) {
            ito_image image;
            assert_int_equal(ito_image_decode(s->ctx, "cut", bytes, cut, ITO_U8, &image), ITO_FORMAT);
            assert_null(image.pixels);
            assert_non_null(strstr(ito_last_error(s->ctx), "cut: "));
        }
    }
}

static void test_limits(void **state)
{
    scratch *s = *state;
    ito_image image;
    /* A PNG header that claims 60000 x 60000. */
    unsigned char png[33] = {0x89, 'P', 'N', 'G',  '\r', '\n', 0x1a, '\n', 0,    0, 0, 13, 'I', 'H', 'D',
                             'R',  0,   0,   0xea, 0x60, 0,    0,    0xea, 0x60, 8, 2, 0,  0,   0};
    assert_int_equal(ito_image_decode(s->ctx, "huge", png, sizeof png, ITO_U8, &image), ITO_FORMAT);
    assert_fails(s->ctx, ITO_FORMAT, "expected sides", ito_image_create(s->ctx, 0, 5, 1, ITO_U8, &image));
    assert_fails(s->ctx, ITO_SHAPE, "5 channels", ito_image_create(s->ctx, 5, 5, 5, ITO_U8, &image));
    assert_fails(s->ctx, ITO_FORMAT, "starts with bytes 68 65 6c",
                 ito_image_decode(s->ctx, "t", "hello", 5, ITO_U8, &image));
}

static void test_convert(void **state)
{
    scratch *s = *state;
    ito_image rgba, out;
    const unsigned char pixels[] = {255, 0, 0, 255, 0, 255, 0, 0, 0, 0, 255, 128};
    assert_ok(s->ctx, ito_image_create(s->ctx, 3, 1, 4, ITO_U8, &rgba));
    memcpy(rgba.pixels, pixels, sizeof pixels);
    assert_ok(s->ctx, ito_image_convert(s->ctx, &rgba, 3, (const double[]){1, 1, 1}, &out));
    const unsigned char over_white[] = {255, 0, 0, 255, 255, 255, 127, 127, 255};
    assert_memory_equal(out.pixels, over_white, 9);
    ito_image_clear(s->ctx, &out);
    assert_ok(s->ctx, ito_image_convert(s->ctx, &rgba, 1, NULL, &out));
    const unsigned char grey[] = {76, 0, 15}; /* 0.299 * 255, nothing, 0.114 * 128 */
    assert_memory_equal(out.pixels, grey, 3);
    ito_image_clear(s->ctx, &rgba);
    assert_ok(s->ctx, ito_image_convert(s->ctx, &out, 4, NULL, &rgba));
    assert_memory_equal(rgba.pixels, ((unsigned char[]){76, 76, 76, 255}), 4);
    ito_image_clear(s->ctx, &out);
    ito_image_clear(s->ctx, &rgba);
}

static void test_fit(void **state)
{
    scratch *s = *state;
    ito_image image, out;
    assert_ok(s->ctx, ito_image_create(s->ctx, 8, 4, 1, ITO_F32, &image));
    for (int i = 0; i < 32; i++) ((float *)image.pixels)[i] = (float)(i % 8) / 8.0f;
    assert_ok(s->ctx, ito_image_fit(s->ctx, &image, 2, 2, &out)); /* columns 2..5 in pairs */
    float expected[] = {2.5f / 8, 4.5f / 8, 2.5f / 8, 4.5f / 8};
    for (int i = 0; i < 4; i++) assert_true(fabsf(((float *)out.pixels)[i] - expected[i]) < 1e-6f);
    ito_image_clear(s->ctx, &out);
    assert_ok(s->ctx, ito_image_fit(s->ctx, &image, 8, 4, &out));
    assert_memory_equal(out.pixels, image.pixels, 32 * sizeof(float));
    ito_image_clear(s->ctx, &out);
    assert_ok(s->ctx, ito_image_fit(s->ctx, &image, 16, 8, &out)); /* enlarged: stays a ramp */
    for (int x = 1; x < 15; x++) assert_true(fabsf(((float *)out.pixels)[x] - ((float)x / 16 - 1.0f / 32)) < 1e-6f);
    ito_image_clear(s->ctx, &out);
    ito_image_clear(s->ctx, &image);
    image = pattern(s, 31, 17, 3, ITO_U8);
    for (int w = 1; w < 40; w += 6) {
        assert_ok(s->ctx, ito_image_fit(s->ctx, &image, w, 41 - w, &out));
        ito_image_clear(s->ctx, &out);
    }
    ito_image_clear(s->ctx, &image);
}

static void test_unit_range(void **state)
{
    (void)state;
    unsigned char all[256], back[256];
    float values[256];
    for (int i = 0; i < 256; i++) all[i] = (unsigned char)i;
    ito_image_to_unit(all, 256, values);
    assert_true(values[0] == -1.0f && values[255] == 1.0f);
    ito_image_from_unit(values, 256, back);
    assert_memory_equal(all, back, 256);
    ito_image_from_unit((const float[]){-3.0f, 7.0f, NAN}, 3, back);
    assert_memory_equal(back, ((unsigned char[]){0, 255, 0}), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_round_trip), cmocka_unit_test(test_png_16_to_8), cmocka_unit_test(test_png_palette),
        cmocka_unit_test(test_texts),          cmocka_unit_test(test_jpeg),        cmocka_unit_test(test_cut_files),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_convert),     cmocka_unit_test(test_fit),
        cmocka_unit_test(test_unit_range),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
