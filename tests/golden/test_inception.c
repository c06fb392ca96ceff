/* Inception-v3 with weights drawn from a formula, against the same network in PyTorch (tools/make_inception_fixtures.py): opened from a
 * weights file, images scaled, features and logits. Tolerance: 1e-4 of the largest, of float32 through 48 convolutions. */
#include "golden_file.h"
#include "scratch.h"

#include <math.h>

#include <ito/model.h>
#include <ito/safetensors.h>

#include "arch/arch.h"
#include "format/bilinear.h"

#define FILE_NAME "tests/golden/inception/inception.safetensors"

enum { N = 2, H = 20, W = 30, FEATURES = 2048, CLASSES = 1008 };

/* A number in -1..1 from a hash of the name and the index: what the tool's uniform() is. */
static double uniform(uint32_t seed, uint64_t k)
{
    uint32_t h = (uint32_t)(k * 2654435761u) + seed;
    h = (h ^ h >> 15) * 2246822519u;
    h = (h ^ h >> 13) * 3266489917u;
    h ^= h >> 16;
    return (h >> 8) / 8388608.0 - 1;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcmp(text + n - k, end);
}

static void draw(const ito_param *p, float *out)
{
    uint32_t seed = 2166136261u;
    for (const char *c = p->name; *c; c++) seed = (seed ^ (unsigned char)*c) * 16777619u;
    double offset = 0, scale = 0.2;
    if (ends_in(p->name, "bn.weight")) offset = 1;
    if (ends_in(p->name, "running_var")) {
        offset = 1;
        scale = 0.5;
    }
    if (p->shape.n_dims > 1) scale = sqrt(6 / ((double)p->count / (double)p->shape.d[0]));
    for (int64_t i = 0; i < p->count; i++) out[i] = (float)(offset + scale * uniform(seed, (uint64_t)i));
}

/* All weights into a file, with one more entry that is nobody's, as there are in files from elsewhere. */
static void write_weights(ito_ctx *ctx, const char *path)
{
    json_t *config = json_pack("{s:s}", "_class_name", "ItoInceptionV3");
    ito_network *network;
    ito_params *params;
    assert_ok(ctx, ito__network_create(ctx, "test", config, &network));
    json_decref(config);
    assert_ok(ctx, ito_params_create(ctx, network->params, ITO_F32, &params));
    int n = ito_param_list_count(network->params);
    ito_safetensors_entry *entries = calloc((size_t)n + 1, sizeof *entries);
    for (int i = 0; i < n; i++) {
        const ito_param *p = ito_param_list_get(network->params, i);
        draw(p, ito_params_data(params, i));
        entries[i] = (ito_safetensors_entry){.name = p->name,
                                             .dtype = ITO_SAFETENSORS_F32,
                                             .shape = p->shape,
                                             .data = ito_params_data(params, i),
                                             .n_bytes = (size_t)p->count * sizeof(float)};
    }
    int64_t tracked = 5;
    entries[n] = (ito_safetensors_entry){.name = "Mixed_5b.branch1x1.bn.num_batches_tracked",
                                         .dtype = ITO_SAFETENSORS_I64,
                                         .data = &tracked,
                                         .n_bytes = sizeof tracked};
    assert_ok(ctx, ito_safetensors_write(ctx, path, entries, n + 1, NULL, 0));
    free(entries);
    ito_params_destroy(params);
    ito__network_destroy(network);
}

static void compare(const float *got, const golden_file *file, const char *name, int n)
{
    golden_tensor want = golden_get(file, name);
    double largest = 0, worst = 0;
    assert_non_null(want.data);
    for (int i = 0; i < n; i++) {
        double w = (double)((const float *)want.data)[i];
        largest = fmax(largest, fabs(w));
        worst = fmax(worst, fabs(w - (double)got[i]));
    }
    if (!(worst <= 1e-4 * largest)) fail_msg("%s: off by %g, the largest is %g", name, worst, largest);
}

static void test_scaling(void **state)
{
    scratch *s = *state;
    golden_file file = golden_open(s->ctx, FILE_NAME);
    const float *images = golden_get(&file, "images").data;
    float out[N * 7 * 11 * 3];
    for (int i = 0; i < N; i++) ito__bilinear(images + i * H * W * 3, H, W, 3, 7, 11, out + (ptrdiff_t)i * 7 * 11 * 3);
    const float *want = golden_get(&file, "scaled").data;
    for (int i = 0; i < N * 7 * 11 * 3; i++) assert_float_equal(out[i], want[i], 1e-6f);
    golden_close(&file);
}

static void test_features(void **state)
{
    scratch *s = *state;
    static float features[N * FEATURES], probabilities[N * CLASSES], grey[FEATURES], three[FEATURES];
    golden_file file = golden_open(s->ctx, FILE_NAME);
    const float *images = golden_get(&file, "images").data;
    char path[1100];
    ito_model *model;
    snprintf(path, sizeof path, "%s", scratch_path(s, "inception.safetensors"));
    write_weights(s->ctx, path);
    assert_ok(s->ctx, ito_model_open(s->ctx, path, &model));
    const ito_model_info *info = ito_model_get_info(model);
    assert_true(info->n_features == FEATURES && info->n_classes == CLASSES && info->height == 299 &&
                info->takes_any_size);
    assert_ok(s->ctx, ito_model_features_of(model, N, H, W, 3, images, features, probabilities));
    compare(features, &file, "features", N * FEATURES);
    const float *logits = golden_get(&file, "logits").data;
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int k = 0; k < CLASSES; k++) sum += exp((double)logits[i * CLASSES + k] - (double)logits[i * CLASSES]);
        for (int k = 0; k < CLASSES; k++) {
            double want = exp((double)logits[i * CLASSES + k] - (double)logits[i * CLASSES]) / sum;
            assert_true(fabs((double)probabilities[i * CLASSES + k] - want) < 1e-3 * want + 1e-9);
        }
    }
    static float tripled[H * W * 3];
    for (int i = 0; i < H * W * 3; i++) tripled[i] = images[i / 3];
    assert_ok(s->ctx, ito_model_features_of(model, 1, H, W, 1, images, grey, NULL));
    assert_ok(s->ctx, ito_model_features_of(model, 1, H, W, 3, tripled, three, NULL));
    assert_memory_equal(grey, three, sizeof grey);
    assert_fails(s->ctx, ITO_SHAPE, "found 30 x 20 x 2", ito_model_features_of(model, 1, H, W, 2, images, grey, NULL));
    ito_model_destroy(model);
    golden_close(&file);
    assert_fails(s->ctx, ITO_FORMAT, "no tensor 'fc.weight'", ito_model_open(s->ctx, FILE_NAME, &model));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scaling, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_features, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
