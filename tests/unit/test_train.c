/* Training end to end at a tiny size: a run stopped after 6 steps and resumed for 6 more leaves the bits of 12 steps, for
 * each task; so do other thread counts; settings that disagree refuse to resume; the model opens and samples. */
#include "scratch.h"

#include <ito/model.h>
#include <ito/safetensors.h>
#include <ito/train.h>

static const char *const denoiser[] = {"architecture.block_out_channels=[8,16]",
                                       "architecture.norm_num_groups=4",
                                       "architecture.attention_head_dim=8",
                                       "architecture.down_block_types=[\"DownBlock2D\",\"AttnDownBlock2D\"]",
                                       "architecture.up_block_types=[\"AttnUpBlock2D\",\"UpBlock2D\"]",
                                       "architecture.dropout=0.1",
                                       "schedule=constant",
                                       "log_every=1",
                                       "batch=3"};
static const char *const classifier[] = {"architecture.block_out_channels=[8,16]", "schedule=constant", "log_every=1",
                                         "batch=3"};

typedef struct run {
    const char *task;
    const char *const *base;
    int n_base;
    int n_threads;
    const char *steps;
    bool resume;
    const char *extra;
    int stop_after; /* reports; 0: never */
} run;

typedef struct stopper {
    int left;
} stopper;

static bool count_down(void *user, const ito_train_progress *p)
{
    stopper *s = user;
    return p->step == 0 || --s->left != 0;
}

static ito_status train(const run *r, const char *out, ito_train_result *result, char error[256])
{
    ito_ctx *ctx = ctx_open(r->n_threads);
    const char *settings[20] = {r->steps, "seed=7"};
    stopper stop = {r->stop_after};
    int n = 2;
    for (int i = 0; i < r->n_base; i++) settings[n++] = r->base[i];
    if (r->extra) settings[n++] = r->extra;
    ito_train_options o = {.data = "shapes",
                           .data_settings = (const char *const[]){"size=8", NULL},
                           .out = out,
                           .recipe = r->task ? "classifier" : "shapes",
                           .settings = settings,
                           .resume = r->resume,
                           .progress = count_down,
                           .user = &stop};
    ito_status st = ito_train(ctx, &o, result);
    snprintf(error, 256, "%s", ito_last_error(ctx));
    ito_ctx_destroy(ctx);
    return st;
}

static char *state_file(const char *out, size_t *n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/checkpoint/state.safetensors", out);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(*n);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

/* Every tensor of the two states but the clock. */
static void assert_same_state(const char *a, const char *b)
{
    ito_ctx *ctx = ctx_open(0);
    ito_safetensors *x, *y;
    size_t n, m;
    char *bytes_a = state_file(a, &n), *bytes_b = state_file(b, &m);
    assert_ok(ctx, ito_safetensors_parse(ctx, a, bytes_a, n, &x));
    assert_ok(ctx, ito_safetensors_parse(ctx, b, bytes_b, m, &y));
    assert_int_equal(ito_safetensors_count(x), ito_safetensors_count(y));
    for (int i = 0; i < ito_safetensors_count(x); i++) {
        const ito_safetensors_entry *e = ito_safetensors_get(x, i), *o = ito_safetensors_get(y, i);
        assert_string_equal(e->name, o->name);
        if (!strcmp(e->name, "loop.elapsed")) continue;
        if (memcmp(e->data, o->data, e->n_bytes)) fail_msg("%s differs", e->name);
    }
    ito_safetensors_close(x);
    ito_safetensors_close(y);
    ito_ctx_destroy(ctx);
    free(bytes_a);
    free(bytes_b);
}

/* Two model directories in the test's own folder. */
typedef struct folders {
    char a[1024], b[1024];
} folders;

static folders make_folders(void **state)
{
    folders f;
    snprintf(f.a, sizeof f.a, "%s", scratch_path(*state, "a"));
    snprintf(f.b, sizeof f.b, "%s", scratch_path(*state, "b"));
    return f;
}

static void check_resume(void **state, const run *base)
{
    folders f = make_folders(state);
    ito_train_result result;
    char error[256];
    run whole = *base, first = *base, second = *base;
    whole.steps = "steps=12";
    first.steps = "steps=12";
    first.stop_after = 6;
    second.steps = "steps=12";
    second.resume = true;
    second.n_threads = 3; /* another thread count changes nothing */
    if (train(&whole, f.a, &result, error) != ITO_OK) fail_msg("%s", error);
    assert_true(result.finished);
    if (train(&first, f.b, &result, error) != ITO_OK) fail_msg("%s", error);
    assert_false(result.finished);
    assert_int_equal(result.step, 6);
    if (train(&second, f.b, &result, error) != ITO_OK) fail_msg("%s", error);
    assert_int_equal(result.step, 12);
    assert_same_state(f.a, f.b);
}

static void test_resume_denoiser(void **state)
{
    check_resume(state, &(run){.base = denoiser, .n_base = (int)(sizeof denoiser / sizeof *denoiser), .n_threads = 2});
}

static void test_resume_classifier(void **state)
{
    check_resume(state, &(run){.task = "classifier",
                               .base = classifier,
                               .n_base = (int)(sizeof classifier / sizeof *classifier),
                               .n_threads = 2});
}

static void test_refuses_other_settings(void **state)
{
    folders f = make_folders(state);
    ito_train_result result;
    char error[256];
    run r = {.task = "classifier",
             .base = classifier,
             .n_base = (int)(sizeof classifier / sizeof *classifier),
             .n_threads = 1,
             .steps = "steps=2"};
    assert_int_equal(train(&r, f.a, &result, error), ITO_OK);
    r.resume = true;
    r.extra = "rate=0.5";
    assert_int_equal(train(&r, f.a, &result, error), ITO_STATE);
    assert_non_null(strstr(error, "recipe"));
    r.extra = "rat=0.5";
    assert_int_equal(train(&r, f.a, &result, error), ITO_USAGE);
    assert_non_null(strstr(error, "did you mean 'rate'"));
}

static void test_model_opens_and_samples(void **state)
{
    folders f = make_folders(state);
    ito_train_result result;
    char error[256];
    run r = {.base = denoiser, .n_base = (int)(sizeof denoiser / sizeof *denoiser), .n_threads = 2, .steps = "steps=3"};
    if (train(&r, f.a, &result, error) != ITO_OK) fail_msg("%s", error);
    ito_ctx *ctx = ctx_open(0);
    ito_model *model;
    assert_ok(ctx, ito_model_open(ctx, f.a, &model));
    const ito_model_info *info = ito_model_get_info(model);
    assert_string_equal(info->task, "denoiser");
    assert_int_equal(info->height, 8);
    assert_int_equal(info->channels, 3);
    assert_true(info->n_classes > 1 && info->has_null_label);
    assert_string_equal(info->prediction, "v");
    enum { N = 5, SIZE = 8 * 8 * 3 };
    static float images[N * SIZE], alone[SIZE];
    int32_t labels[N];
    ito_generate_options o = {.n = N, .spread = true, .guidance = 2, .sample = {.n_steps = 4, .seed = 3}};
    assert_ok(ctx, ito_generate(model, &o, images, labels));
    assert_int_equal(labels[1], 1);
    o.n = 1; /* the third sample on its own: the same to 1e-4 */
    o.labels = &labels[2];
    o.sample.first_sample = 2;
    assert_ok(ctx, ito_generate(model, &o, alone, NULL));
    for (int i = 0; i < SIZE; i++) assert_float_equal(alone[i], images[2 * SIZE + i], 1e-4f);
    ito_model_destroy(model);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resume_denoiser, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_resume_classifier, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_refuses_other_settings, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_model_opens_and_samples, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
