/* A classifier's features: its last layer makes the probabilities of them, they do not depend on the batch, and the fingerprint
 * follows every weight. */
#include "scratch.h"

#include <math.h>

#include <ito/model.h>
#include <ito/rng.h>
#include <ito/safetensors.h>
#include <ito/train.h>

enum { SIDE = 8, SIZE = SIDE * SIDE * 3, N = 70, FEATURES = 16 };

static void train(ito_ctx *ctx, const char *task, const char *out)
{
    static const char *const classifier[] = {"steps=4", "batch=8", "architecture.block_out_channels=[8,16]", NULL};
    static const char *const denoiser[] = {"steps=1", "batch=2", "architecture.block_out_channels=[16,16]",
                                           "architecture.attention_head_dim=8", NULL};
    bool classifies = !strcmp(task, "classifier");
    ito_train_options o = {.data = "shapes",
                           .data_settings = (const char *const[]){"size=8", NULL},
                           .out = out,
                           .recipe = classifies ? "classifier" : "shapes",
                           .settings = classifies ? classifier : denoiser};
    ito_train_result result;
    assert_ok(ctx, ito_train(ctx, &o, &result));
}

static void draw_images(float *images)
{
    ito_rng_key key = {.seed = 3, .stream = ITO_STREAM_USER};
    ito_rng_normal(key, 0, (size_t)N * SIZE, images);
    for (int i = 0; i < N * SIZE; i++) images[i] = fmaxf(-1, fminf(1, images[i] / 2));
}

/* The parameter's values; the caller frees. */
static float *read_weight(ito_ctx *ctx, const char *folder, const char *name, int64_t n)
{
    char path[1200];
    ito_safetensors *file;
    snprintf(path, sizeof path, "%s/classifier/diffusion_pytorch_model.safetensors", folder);
    assert_ok(ctx, ito_safetensors_open(ctx, path, &file));
    const ito_safetensors_entry *entry = ito_safetensors_find(file, name);
    assert_non_null(entry);
    float *out = calloc((size_t)n, sizeof *out);
    assert_ok(ctx, ito_safetensors_load_f32(ctx, entry, out, (size_t)n));
    ito_safetensors_close(file);
    return out;
}

/* softmax(W f + b), W and b from the file, is what classify says. Tolerance: float32 sums of 16 products. */
static void check_head(ito_ctx *ctx, const char *folder, int n_classes, const float *features,
                       const float *probabilities)
{
    float *w = read_weight(ctx, folder, "head.weight", (int64_t)n_classes * FEATURES);
    float *b = read_weight(ctx, folder, "head.bias", n_classes);
    for (int i = 0; i < N; i++) {
        double logits[16], sum = 0;
        for (int k = 0; k < n_classes; k++) {
            logits[k] = (double)b[k];
            for (int j = 0; j < FEATURES; j++)
                logits[k] += (double)w[k * FEATURES + j] * (double)features[i * FEATURES + j];
            sum += exp(logits[k]);
        }
        for (int k = 0; k < n_classes; k++)
            assert_true(fabs(exp(logits[k]) / sum - (double)probabilities[i * n_classes + k]) < 1e-5);
    }
    free(w);
    free(b);
}

static void test_features(void **state)
{
    scratch *s = *state;
    static float images[N * SIZE], features[N * FEATURES], alone[FEATURES], both[N * 16], plain[N * 16];
    ito_model *model;
    const char *folder = scratch_path(s, "classifier");
    train(s->ctx, "classifier", folder);
    assert_ok(s->ctx, ito_model_open(s->ctx, folder, &model));
    const ito_model_info *info = ito_model_get_info(model);
    assert_int_equal(info->n_features, FEATURES);
    draw_images(images);
    assert_ok(s->ctx, ito_model_features(model, N, images, features, both));
    assert_ok(s->ctx, ito_model_classify(model, N, images, plain));
    for (int i = 0; i < N * info->n_classes; i++) assert_float_equal(both[i], plain[i], 1e-5f);
    check_head(s->ctx, folder, info->n_classes, features, plain);
    assert_ok(s->ctx, ito_model_features(model, 1, images + 65 * SIZE, alone, NULL));
    for (int k = 0; k < FEATURES; k++) assert_float_equal(alone[k], features[65 * FEATURES + k], 1e-4f);
    ito_model_destroy(model);
}

/* Changes the last byte of the weights' file: a bit of one weight. */
static void flip_bit(const char *folder)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/classifier/diffusion_pytorch_model.safetensors", folder);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -4, SEEK_END), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, -4, SEEK_END), 0);
    fputc(byte ^ 1, file);
    assert_int_equal(fclose(file), 0);
}

static uint64_t fingerprint(ito_ctx *ctx, const char *folder)
{
    ito_model *model;
    uint64_t out, again;
    assert_ok(ctx, ito_model_open(ctx, folder, &model));
    assert_ok(ctx, ito_model_fingerprint(model, &out));
    assert_ok(ctx, ito_model_fingerprint(model, &again));
    assert_true(out == again);
    ito_model_destroy(model);
    return out;
}

static void test_fingerprint(void **state)
{
    scratch *s = *state;
    const char *folder = scratch_path(s, "classifier");
    train(s->ctx, "classifier", folder);
    uint64_t before = fingerprint(s->ctx, folder);
    assert_true(before == fingerprint(s->ctx, folder));
    flip_bit(folder);
    assert_true(before != fingerprint(s->ctx, folder));
}

static void test_denoisers_have_none(void **state)
{
    scratch *s = *state;
    static float images[SIZE];
    float features[FEATURES];
    ito_model *model;
    const char *folder = scratch_path(s, "denoiser");
    train(s->ctx, "denoiser", folder);
    assert_ok(s->ctx, ito_model_open(s->ctx, folder, &model));
    assert_int_equal(ito_model_get_info(model)->n_features, 0);
    assert_fails(s->ctx, ITO_STATE, "is a denoiser, expected a classifier",
                 ito_model_features(model, 1, images, features, NULL));
    ito_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_features, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_fingerprint, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_denoisers_have_none, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
