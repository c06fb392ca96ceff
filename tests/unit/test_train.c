/* Training end to end at a tiny size: a run stopped after 6 steps and resumed for 6 more leaves the bits of 12 steps, for
 * each task; so do other thread counts; settings that disagree refuse to resume; the model opens and samples. */
#include "train_state.h"

#include <jansson.h>

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

static const char *const points[] = {"architecture.hidden_width=16", "schedule=constant", "log_every=1", "batch=5"};

typedef struct run {
    const char *data; /* points, trained by their default recipe; NULL: shapes */
    const char *task;
    const char *const *base;
    int n_base;
    int n_threads;
    const char *steps;
    bool resume;
    const char *plan, *extra;
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
    ito_train_options o = {.data = r->data ? r->data : "shapes",
                           .data_settings = r->data ? NULL : (const char *const[]){"size=8", NULL},
                           .out = out,
                           .recipe = r->data   ? NULL
                                     : r->task ? "classifier"
                                               : "shapes",
                           .settings = settings,
                           .plan = r->plan,
                           .resume = r->resume,
                           .progress = count_down,
                           .user = &stop};
    ito_status st = ito_train(ctx, &o, result);
    snprintf(error, 256, "%s", ito_last_error(ctx));
    ito_ctx_destroy(ctx);
    return st;
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

static void test_resume_points(void **state)
{
    check_resume(state, &(run){.data = "moons", .base = points, .n_base = (int)(sizeof points / sizeof *points)});
}

static void test_resume_bf16(void **state)
{
    check_resume(state, &(run){.base = denoiser,
                               .n_base = (int)(sizeof denoiser / sizeof *denoiser),
                               .n_threads = 2,
                               .extra = "precision=bf16"});
}

static void test_resume_classifier(void **state)
{
    check_resume(state, &(run){.task = "classifier",
                               .base = classifier,
                               .n_base = (int)(sizeof classifier / sizeof *classifier),
                               .n_threads = 2});
}

/* ---- plans ---- */

/* The plan that the model in `folder` records, its convolutions by another algorithm, as a file. */
static void write_other_plan(const char *folder, const char *algorithm, const char *path)
{
    char record[1100];
    const char *problem;
    json_t *algorithm_of;
    snprintf(record, sizeof record, "%s/ito.json", folder);
    json_t *root = json_load_file(record, 0, NULL), *plan = json_object_get(root, "plan");
    json_t *kernels = json_object_get(plan, "kernels");
    int changed = 0;
    json_object_foreach(kernels, problem, algorithm_of)
    {
        if (strncmp(problem, "conv2d f32", 10) != 0 || strcmp(json_string_value(algorithm_of), "winograd4") != 0)
            continue;
        json_string_set(algorithm_of, algorithm);
        changed++;
    }
    assert_true(changed > 0);
    assert_int_equal(json_dump_file(plan, path, JSON_COMPACT), 0);
    json_decref(root);
}

/* As if the checkpoint had been written by a version with other algorithms: its plan becomes the file's. */
static void record_plan(const char *folder, const char *path)
{
    ito_ctx *ctx = ctx_open(0);
    ito_safetensors *file;
    size_t n;
    char state[1100], *bytes = state_file(folder, &n);
    static const char *const keys[] = {"recipe", "data", "fingerprint"};
    json_t *root = json_load_file(path, 0, NULL);
    char *plan = json_dumps(root, JSON_COMPACT);
    ito_safetensors_text texts[4] = {{"plan", plan}};
    ito_safetensors_entry entries[64];
    assert_ok(ctx, ito_safetensors_parse(ctx, folder, bytes, n, &file));
    for (int i = 0; i < 3; i++) texts[i + 1] = (ito_safetensors_text){keys[i], ito_safetensors_metadata(file, keys[i])};
    for (int i = 0; i < ito_safetensors_count(file); i++) entries[i] = *ito_safetensors_get(file, i);
    snprintf(state, sizeof state, "%s/checkpoint/state.safetensors", folder);
    assert_ok(ctx, ito_safetensors_write(ctx, state, entries, ito_safetensors_count(file), texts, 4));
    ito_safetensors_close(file);
    ito_ctx_destroy(ctx);
    json_decref(root);
    free(plan);
    free(bytes);
}

static void must_train(run r, const char *out)
{
    ito_train_result result;
    char error[256];
    if (train(&r, out, &result, error) != ITO_OK) fail_msg("%s", error);
}

/* A run begun under another plan than the table's goes on under it, to the bit. */
static void test_resume_keeps_its_plan(void **state)
{
    folders f = make_folders(state);
    char plan[1024];
    run by_table = {
        .base = denoiser, .n_base = (int)(sizeof denoiser / sizeof *denoiser), .n_threads = 2, .steps = "steps=6"};
    snprintf(plan, sizeof plan, "%s", scratch_path(*state, "plan.json"));
    must_train(by_table, f.a);
    write_other_plan(f.a, "direct", plan);
    run whole = by_table, part = by_table, rest = by_table;
    whole.plan = part.plan = plan;
    part.stop_after = 3;
    rest.resume = true;
    must_train(part, f.b);
    must_train(rest, f.b);
    assert_different_state(f.a, f.b); /* the plan does matter */
    must_train(whole, f.a);
    assert_same_state(f.a, f.b);
}

static void test_resume_without_its_algorithm(void **state)
{
    folders f = make_folders(state);
    char plan[1024], error[256];
    ito_train_result result;
    run r = {.base = denoiser, .n_base = (int)(sizeof denoiser / sizeof *denoiser), .n_threads = 1, .steps = "steps=2"};
    snprintf(plan, sizeof plan, "%s", scratch_path(*state, "plan.json"));
    must_train(r, f.a);
    write_other_plan(f.a, "abacus", plan);
    record_plan(f.a, plan);
    r.resume = true;
    assert_int_equal(train(&r, f.a, &result, error), ITO_STATE);
    assert_non_null(strstr(error, "state.safetensors cannot be resumed here"));
    assert_non_null(strstr(error, "'abacus'"));
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
    r.extra = "precision=bf16";
    assert_int_equal(train(&r, f.a, &result, error), ITO_STATE);
    assert_non_null(strstr(error, "recipe"));
    r.extra = "precision=f16";
    assert_int_equal(train(&r, f.a, &result, error), ITO_USAGE);
    assert_non_null(strstr(error, "f32, bf16"));
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
    static float exact[N * SIZE];
    o.exact = true;
    assert_ok(ctx, ito_generate(model, &o, exact, NULL));
    for (int i = 0; i < N * SIZE; i++) assert_float_equal(exact[i], images[i], 1e-4f);
    o.n = 1; /* the third sample on its own: the same bits, or without exact the same to 1e-4 */
    o.labels = &labels[2];
    o.sample.first_sample = 2;
    assert_ok(ctx, ito_generate(model, &o, alone, NULL));
    assert_memory_equal(alone, exact + 2 * SIZE, sizeof alone);
    o.exact = false;
    assert_ok(ctx, ito_generate(model, &o, alone, NULL));
    for (int i = 0; i < SIZE; i++) assert_float_equal(alone[i], images[2 * SIZE + i], 1e-4f);
    ito_model_destroy(model);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resume_denoiser, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_resume_points, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_resume_bf16, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_resume_classifier, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_resume_keeps_its_plan, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_resume_without_its_algorithm, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_refuses_other_settings, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_model_opens_and_samples, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
