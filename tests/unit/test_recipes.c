/* The built-in recipes: each says what it is and where it comes from, trains at a tiny size to the same bits whether or not it was
 * stopped half way, and makes samples; so do the choices that keep state or draw numbers of their own. */
#include "train_state.h"

#include <jansson.h>
#include <math.h>

#include <ito/model.h>
#include <ito/train.h>

enum { MOST_LINES = 40, STEPS = 12, HALF = 6, MOST_SETTINGS = 24 };

/* ---- what they say ---- */

static json_t *parse(const ito_recipe *r)
{
    json_error_t error;
    json_t *root = json_loads(r->json, JSON_REJECT_DUPLICATES, &error);
    if (!root) fail_msg("recipe %s: %s", r->name, error.text);
    return root;
}

static const char *text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text ? text : "";
}

static int count_lines(const char *text)
{
    int n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static char *read_references(void)
{
    FILE *f = fopen("docs/references.md", "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 20);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    return text;
}

/* Every key of its papers has a row in docs/references.md, and `source` names one of the papers, where there are any. */
static void check_papers(const ito_recipe *r, const json_t *root, const char *references)
{
    const json_t *papers = json_object_get(root, "paper"), *paper;
    const char *source = text_of(root, "source");
    bool is_named = false;
    size_t i;
    char row[64];
    json_array_foreach(papers, i, paper)
    {
        snprintf(row, sizeof row, "\n| `%s` |", json_string_value(paper));
        if (!strstr(references, row)) fail_msg("recipe %s: docs/references.md has no %s", r->name, row + 1);
        is_named |= strstr(source, json_string_value(paper)) != NULL;
    }
    if (!is_named) fail_msg("recipe %s: its source '%s' names none of its papers", r->name, source);
}

static void test_they_say_what_they_are(void **state)
{
    (void)state;
    char *references = read_references();
    for (int i = 0; ito_recipe_get(i); i++) {
        const ito_recipe *r = ito_recipe_get(i);
        json_t *root = parse(r);
        assert_string_equal(text_of(root, "name"), r->name);
        assert_string_equal(text_of(root, "summary"), r->summary);
        assert_true(strlen(r->summary) > 10 && strlen(text_of(root, "task")) > 0);
        if (count_lines(r->json) > MOST_LINES) fail_msg("recipe %s: more than %d lines", r->name, MOST_LINES);
        check_papers(r, root, references);
        json_decref(root);
    }
    free(references);
}

/* ---- what they do ---- */

/* Over a U-Net's recipe. Rates high enough that the weights move within a few steps. */
static const char *const tiny_unet[] = {"architecture.block_out_channels=[8,16]",
                                        "architecture.norm_num_groups=4",
                                        "architecture.attention_head_dim=8",
                                        "architecture.layers_per_block=1",
                                        "architecture.down_block_types=[\"DownBlock2D\",\"AttnDownBlock2D\"]",
                                        "architecture.up_block_types=[\"AttnUpBlock2D\",\"UpBlock2D\"]",
                                        "warmup=2",
                                        "log_every=1",
                                        "batch=3",
                                        NULL};
static const char *const tiny_convnet[] = {"architecture.block_out_channels=[8,16]", "warmup=2", "log_every=1",
                                           "batch=3", NULL};
static const char *const tiny_mlp[] = {"architecture.hidden_width=16", "warmup=2", "log_every=1", "batch=3", NULL};

typedef struct trial {
    const char *recipe;
    const char *const *extra; /* further settings, ended by NULL; or NULL */
} trial;

static bool stop_half_way(void *user, const ito_train_progress *p)
{
    (void)user;
    return p->step != HALF;
}

static bool is_of_points(const json_t *root)
{
    return !strcmp(text_of(json_object_get(root, "architecture"), "_class_name"), "MLP");
}

static const ito_recipe *find(const char *name)
{
    const ito_recipe *r;
    for (int i = 0; (r = ito_recipe_get(i)); i++)
        if (!strcmp(r->name, name)) return r;
    fail_msg("no recipe %s", name);
    return NULL;
}

static int add_settings(const char **settings, int n, const char *const *more)
{
    for (; more && *more; more++) {
        assert_true(n < MOST_SETTINGS - 1);
        settings[n++] = *more;
    }
    return n;
}

static void train(const trial *t, const char *out, bool resume, bool stop)
{
    ito_ctx *ctx = ctx_open(resume ? 3 : 2); /* another number of threads changes nothing */
    json_t *root = parse(find(t->recipe));
    bool points = is_of_points(root), classifier = !strcmp(text_of(root, "task"), "classifier");
    const char *settings[MOST_SETTINGS] = {"steps=12", "seed=7"};
    int n = add_settings(settings, 2, points ? tiny_mlp : classifier ? tiny_convnet : tiny_unet);
    add_settings(settings, n, t->extra);
    ito_train_options o = {.data = points ? "moons" : "shapes",
                           .data_settings = points ? NULL : (const char *const[]){"size=16", NULL},
                           .out = out,
                           .recipe = t->recipe,
                           .settings = settings,
                           .resume = resume,
                           .progress = stop ? stop_half_way : NULL};
    ito_train_result result;
    if (ito_train(ctx, &o, &result) != ITO_OK) fail_msg("recipe %s: %s", t->recipe, ito_last_error(ctx));
    assert_int_equal(result.step, stop ? HALF : STEPS);
    assert_true(isfinite(result.loss));
    json_decref(root);
    ito_ctx_destroy(ctx);
}

/* Opens the model and, of a denoiser, samples as its recipe says, but for the number of steps. */
static void check_samples(const char *recipe, const char *dir)
{
    enum { N = 2, MOST = N * 16 * 16 * 3 };
    ito_ctx *ctx = ctx_open(0);
    ito_model *model;
    float images[MOST];
    assert_ok(ctx, ito_model_open(ctx, dir, &model));
    const ito_model_info *info = ito_model_get_info(model);
    if (!strcmp(info->task, "denoiser")) {
        int size = info->height * info->width * info->channels;
        ito_generate_options o = {.n = N, .spread = info->n_classes > 0, .sample = {.n_steps = 3, .seed = 1}};
        if (ito_generate(model, &o, images, NULL) != ITO_OK) fail_msg("recipe %s: %s", recipe, ito_last_error(ctx));
        for (int i = 0; i < N * size; i++) assert_true(isfinite(images[i]));
        assert_memory_not_equal(images, images + size, (size_t)size * sizeof *images);
    }
    ito_model_destroy(model);
    ito_ctx_destroy(ctx);
}

/* 12 steps, and 6 + 6, whose state and weights are the same bits. */
static void check(void **state, const trial *t)
{
    char a[1024], b[1024];
    snprintf(a, sizeof a, "%s", scratch_path(*state, "a"));
    snprintf(b, sizeof b, "%s", scratch_path(*state, "b"));
    train(t, a, false, false);
    train(t, b, false, true);
    train(t, b, true, false);
    assert_same_state(a, b);
    check_samples(t->recipe, b);
    scratch_remove(a);
    scratch_remove(b);
}

static void test_every_recipe_resumes_and_samples(void **state)
{
    int n = 0;
    for (; ito_recipe_get(n); n++) check(state, &(trial){.recipe = ito_recipe_get(n)->name});
    assert_true(n >= 19);
}

/* ---- what keeps state or draws numbers of its own ---- */

/* Whether the resampler had seen enough losses of every timestep when the run stopped: its last number, the cumulated probability of
 * all timesteps, is then 1. */
static bool history_is_warm(const char *dir)
{
    ito_ctx *ctx = ctx_open(0);
    ito_safetensors *file;
    size_t n;
    double last = NAN;
    char *bytes = state_file(dir, &n);
    assert_ok(ctx, ito_safetensors_parse(ctx, dir, bytes, n, &file));
    for (int i = 0; i < ito_safetensors_count(file); i++) {
        const ito_safetensors_entry *e = ito_safetensors_get(file, i);
        if (!strcmp(e->name, "timedist")) memcpy(&last, (const char *)e->data + e->n_bytes - sizeof last, sizeof last);
    }
    ito_safetensors_close(file);
    ito_ctx_destroy(ctx);
    free(bytes);
    assert_true(isfinite(last)); /* the checkpoint has it */
    return last == 1;
}

/* Three timesteps and six samples a step: each timestep has its ten losses after five steps, so that the second half of the run draws
 * its times from what the first half saw. */
static void test_importance_resumes_warm(void **state)
{
    static const char *const short_chain[] = {"process.T=3", "batch=6", NULL};
    trial t = {"iddpm-vlb", short_chain};
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", scratch_path(*state, "half"));
    train(&t, dir, false, true);
    assert_true(history_is_warm(dir));
    check(state, &t);
}

static void test_noise_of_training_resumes(void **state)
{
    static const char *const offset[] = {"offset_noise=0.1", NULL},
                             *const perturbed[] = {"input_perturbation=0.1", NULL},
                             *const immiscible[] = {"immiscible=true", NULL},
                             *const all[] = {"offset_noise=0.1", "input_perturbation=0.1", "immiscible=true", NULL};
    check(state, &(trial){"ddpm", offset});
    check(state, &(trial){"ddpm", perturbed});
    check(state, &(trial){"flow", immiscible});
    check(state, &(trial){"edm", all});
}

/* Trained, opened and sampled; with a learned variance, too. */
static void test_self_conditioning_resumes(void **state)
{
    static const char *const half[] = {"self_conditioning=0.5", NULL};
    check(state, &(trial){"ddpm", half});
    check(state, &(trial){"iddpm", half});
    check(state, &(trial){"points", half});
}

/* Second derivatives of a whole U-Net, and the directions that the objective draws. */
static void test_sliced_resumes(void **state)
{
    static const char *const sliced[] = {"objective=sliced", "prediction=eps", NULL},
                             *const plain[] = {"objective=sliced", "objective.variance_reduced=false", NULL};
    check(state, &(trial){"ddpm", sliced});
    check(state, &(trial){"points", plain});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_say_what_they_are),
        cmocka_unit_test_setup_teardown(test_every_recipe_resumes_and_samples, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_importance_resumes_warm, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_noise_of_training_resumes, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_self_conditioning_resumes, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_sliced_resumes, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests_name("recipes", tests, NULL, NULL);
}
