/* Data sets: detection, IDX, folders with their options and their rejects, a program's own kind, the real data. */
#include "scratch.h"

#include <zlib.h>

#include <ito/data.h>
#include <ito/image.h>

#include "base/base.h"
#include "base/file.h"

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A picture of one colour; the channels follow from how many values are not negative. */
static void put_picture(scratch *s, const char *name, int width, int height, const int rgba[4])
{
    ito_image image;
    int channels = 0;
    while (channels < 4 && rgba[channels] >= 0) channels++;
    assert_ok(s->ctx, ito_image_create(s->ctx, width, height, channels, ITO_U8, &image));
    for (int i = 0; i < width * height * channels; i++)
        ((unsigned char *)image.pixels)[i] = (unsigned char)rgba[i % channels];
    assert_ok(s->ctx, ito_image_write_png(s->ctx, scratch_path(s, name), &image, NULL));
    ito_image_clear(s->ctx, &image);
}

static const int red[] = {255, 0, 0, -1}, grey[] = {51, -1, -1, -1}, faint_green[] = {0, 255, 0, 51};

static void make_folder(scratch *s, const char *name)
{
    char path[256];
    const char *folders[] = {"b/deep", "a", "empty"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", name, folders[i]);
        assert_ok(s->ctx, ito__dir_make(s->ctx, scratch_path(s, path)));
    }
    snprintf(path, sizeof path, "%s/b/deep/1.png", name);
    put_picture(s, path, 12, 10, red);
    snprintf(path, sizeof path, "%s/b/2.png", name);
    put_picture(s, path, 12, 10, grey);
    snprintf(path, sizeof path, "%s/a/3.png", name);
    put_picture(s, path, 24, 20, faint_green);
    snprintf(path, sizeof path, "%s/top.png", name);
    put_picture(s, path, 12, 10, red);
    snprintf(path, sizeof path, "%s/a/notes.txt", name);
    scratch_put(scratch_path(s, path), "hello", 5);
    snprintf(path, sizeof path, "%s/b/up", name);
    assert_int_equal(symlink("..", scratch_path(s, path)), 0); /* a loop */
    scratch_path(s, name);
}

static void test_folder(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    make_folder(s, "pictures");
    assert_ok(s->ctx, ito_data_open(s->ctx, s->path, NULL, &data));
    const ito_dataset_info *info = ito_dataset_get_info(data);
    assert_string_equal(ito_dataset_get_def(data)->choice.name, "folder");
    assert_true(info->n_samples == 3 && info->width == 12 && info->height == 10 && info->channels == 3);
    assert_int_equal(info->n_classes, 2);
    assert_string_equal(info->class_names[0], "a");
    assert_string_equal(info->class_names[1], "b");
    assert_int_equal(info->n_rejected, 2);
    assert_non_null(strstr(info->rejected[0].path, "a/notes.txt"));
    assert_string_equal(info->rejected[0].reason, "not a PNG or JPEG: it starts with bytes 68 65 6c");
    assert_non_null(strstr(info->rejected[1].path, "top.png"));
    assert_non_null(strstr(info->rejected[1].reason, "beside the class folders"));
    float image[360];
    int32_t label;
    /* a/3.png: green at 20 % over black; b/2.png: grey; b/deep/1.png: red */
    const float expected[3][3] = {{-1, -0.6f, -1}, {-0.6f, -0.6f, -0.6f}, {1, -1, -1}};
    for (int i = 0; i < 3; i++) {
        assert_ok(s->ctx, ito_dataset_get(data, s->ctx, i, (void *[]){image, &label}));
        assert_int_equal(label, i > 0);
        for (int k = 0; k < 360; k++) assert_float_equal(image[k], expected[i][k % 3], 1e-5f);
    }
    assert_fails(s->ctx, ITO_USAGE, "expected 0 to 2", ito_dataset_get(data, s->ctx, 3, (void *[]){image, &label}));
    ito_dataset_destroy(data);
}

static void test_folder_options(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    float image[5 * 8 * 4];
    make_folder(s, "options");
    char path[1024];
    strcpy(path, s->path);
    assert_ok(s->ctx, ito_data_open(s->ctx, path, SET("size=5", "width=8", "background=white"), &data));
    assert_ok(s->ctx, ito_dataset_get(data, s->ctx, 0, (void *[]){image, NULL}));
    const float over_white[3] = {0.6f, 1, 0.6f};
    for (int k = 0; k < 120; k++) assert_float_equal(image[k], over_white[k % 3], 1e-5f);
    ito_dataset_destroy(data);
    assert_ok(s->ctx, ito_data_open(s->ctx, path, SET("size=5", "width=8", "alpha=keep"), &data));
    assert_int_equal(ito_dataset_get_info(data)->channels, 4);
    assert_ok(s->ctx, ito_dataset_get(data, s->ctx, 0, (void *[]){image, NULL}));
    const float kept[4] = {-1, 1, -1, -0.6f};
    for (int k = 0; k < 160; k++) assert_float_equal(image[k], kept[k % 4], 1e-5f);
    ito_dataset_destroy(data);
    assert_fails(s->ctx, ITO_USAGE, "#rrggbb", ito_data_open(s->ctx, path, SET("background=pink"), &data));
    assert_fails(s->ctx, ITO_USAGE, "did you mean 'size'", ito_data_open(s->ctx, path, SET("sise=5"), &data));
    assert_fails(s->ctx, ITO_USAGE, "expected name=value", ito_data_open(s->ctx, path, SET("size"), &data));
}

static void test_folder_without_classes(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    assert_ok(s->ctx, ito__dir_make(s->ctx, scratch_path(s, "pile")));
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "pile/%d.png", i);
        put_picture(s, name, 300 + i, 200, grey);
    }
    assert_ok(s->ctx, ito_data_open(s->ctx, scratch_path(s, "pile"), NULL, &data));
    const ito_dataset_info *info = ito_dataset_get_info(data);
    assert_true(info->n_samples == 5 && info->n_classes == 0 && info->n_fields == 1);
    assert_true(info->width == 64 && info->height == 64 && info->channels == 1); /* too large to be kept */
    assert_int_equal(ito_dataset_field(data, "label"), -1);
    ito_dataset_destroy(data);
}

static void test_nothing_fits(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    assert_fails(s->ctx, ITO_NOT_FOUND, "did you mean 'shapes'?", ito_data_open(s->ctx, "shaeps", NULL, &data));
    assert_null(data);
    scratch_put(scratch_path(s, "what.bin"), "what?", 5);
    assert_fails(s->ctx, ITO_FORMAT, "expected a folder of PNG or JPEG", ito_data_open(s->ctx, s->path, NULL, &data));
    assert_ok(s->ctx, ito__dir_make(s->ctx, scratch_path(s, "bare")));
    assert_fails(s->ctx, ITO_NOT_FOUND, "holds no files", ito_data_open(s->ctx, s->path, NULL, &data));
    scratch_put(scratch_path(s, "bare/x.png"), "\x89PNG\r\n\x1a\n oops", 13);
    assert_fails(s->ctx, ITO_NOT_FOUND, "none of 1 files", ito_data_open(s->ctx, scratch_path(s, "bare"), NULL, &data));
    assert_non_null(strstr(ito_last_error(s->ctx), "x.png: malformed PNG"));
}

static void put_idx(scratch *s, const char *name, int n, int side, bool packed)
{
    unsigned char bytes[16 + 512] = {0, 0, 8, side ? 3 : 1, 0, 0, 0, (unsigned char)n};
    size_t start = side ? 16 : 8, count = (size_t)n * (size_t)(side ? side * side : 1);
    if (side) bytes[11] = bytes[15] = (unsigned char)side;
    for (size_t i = 0; i < count; i++) bytes[start + i] = (unsigned char)(side ? i : i % 3);
    if (!packed) {
        scratch_put(scratch_path(s, name), bytes, start + count);
        return;
    }
    gzFile file = gzopen(scratch_path(s, name), "wb");
    gzwrite(file, bytes, (unsigned)(start + count));
    gzclose(file);
}

static void test_idx(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    float image[64];
    int32_t label;
    char folder[1024];
    assert_ok(s->ctx, ito__dir_make(s->ctx, scratch_path(s, "digits")));
    strcpy(folder, s->path);
    put_idx(s, "digits/train-images-idx3-ubyte.gz", 5, 4, true);
    put_idx(s, "digits/train-labels-idx1-ubyte", 5, 0, false);
    assert_ok(s->ctx, ito_data_open(s->ctx, folder, NULL, &data));
    const ito_dataset_info *info = ito_dataset_get_info(data);
    assert_true(info->n_samples == 5 && info->width == 4 && info->channels == 1 && info->n_classes == 3);
    assert_string_equal(info->class_names[2], "2");
    assert_ok(s->ctx, ito_dataset_get(data, s->ctx, 4, (void *[]){image, &label}));
    assert_int_equal(label, 1);
    for (int i = 0; i < 16; i++) assert_float_equal(image[i], (float)(64 + i) / 127.5f - 1.0f, 1e-6f);
    ito_dataset_destroy(data);
    assert_ok(s->ctx,
              ito_data_open(s->ctx, scratch_path(s, "digits/train-images-idx3-ubyte.gz"), SET("size=8"), &data));
    assert_true(ito_dataset_get_info(data)->width == 8 && ito_dataset_get_info(data)->n_classes == 0);
    ito_dataset_destroy(data);
    assert_fails(s->ctx, ITO_NOT_FOUND, "no t10k-images", ito_data_open(s->ctx, folder, SET("split=test"), &data));
    put_idx(s, "digits/train-labels-idx1-ubyte", 4, 0, false);
    assert_fails(s->ctx, ITO_FORMAT, "expected 5 labels", ito_data_open(s->ctx, folder, NULL, &data));
}

/* A program's own kind of data set: one number a sample. */
static const ito_field own_field = {"image", ITO_F32, {3, {1, 1, 1}}, 0, 9};

static ito_status own_create(ito_ctx *ctx, const char *path, const ito_opts *opts, ito_dataset_info *info, void **st)
{
    (void)ctx, (void)path, (void)opts, (void)st;
    *info = (ito_dataset_info){.n_samples = 10, .height = 1, .width = 1, .channels = 1, .n_fields = 1};
    info->fields = &own_field;
    return ITO_OK;
}

static ito_status own_get(const void *state, ito_ctx *ctx, int64_t index, void *const *out)
{
    (void)state, (void)ctx;
    *(float *)out[0] = (float)index;
    return ITO_OK;
}

static void test_own_kind(void **state)
{
    scratch *s = *state;
    static const ito_dataset_def def = {
        .choice = {.name = "numbers", .summary = "0 to 9"}, .create = own_create, .get = own_get};
    ito_dataset *data;
    float value;
    assert_ok(s->ctx, ito_dataset_register(s->ctx, &def));
    assert_ok(s->ctx, ito_data_open(s->ctx, "numbers", NULL, &data));
    assert_ok(s->ctx, ito_dataset_get(data, s->ctx, 7, (void *[]){&value}));
    assert_true(value == 7.0f);
    ito_dataset_destroy(data);
}

static void test_real_tiles(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    char path[1024];
    if (!scratch_real_data("tiles", path)) skip();
    assert_ok(s->ctx, ito_data_open(s->ctx, path, NULL, &data));
    const ito_dataset_info *info = ito_dataset_get_info(data);
    assert_true(info->n_samples == 3868 && info->width == 32 && info->height == 32 && info->channels == 3);
    assert_int_equal(info->n_classes, 7);
    assert_int_equal(info->n_rejected, 1); /* ARTISTS.txt */
    ito_dataset_destroy(data);
}

static void test_real_mnist(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    char path[1024];
    if (!scratch_real_data("mnist", path)) skip();
    assert_ok(s->ctx, ito_data_open(s->ctx, path, SET("split=test"), &data));
    const ito_dataset_info *info = ito_dataset_get_info(data);
    assert_true(info->n_samples == 10000 && info->width == 28 && info->channels == 1 && info->n_classes == 10);
    ito_dataset_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_folder_options),
        cmocka_unit_test(test_folder_without_classes),
        cmocka_unit_test(test_nothing_fits),
        cmocka_unit_test(test_idx),
        cmocka_unit_test(test_own_kind),
        cmocka_unit_test(test_real_tiles),
        cmocka_unit_test(test_real_mnist),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
