/* Schedulers opened from a scheduler_config.json go diffusers' own ways: tests/golden/scheduler/, made by
 * tools/make_scheduler_fixtures.py, which says what a file holds. Timesteps and sigmas are diffusers', and half-way and at the end the
 * state is within 1e-4 max(1, max |x|) of its float32. The model, a closed form, is the same function here and there. */
#include "testing.h"

#include <math.h>
#include <string.h>

#include <ito/rng.h>
#include <ito/scheduler.h>

#include "base/json.h"

#define FOLDER    "tests/golden/scheduler/"
#define N_SAMPLES 2
#define SIZE      6
#define PIXELS    2
#define N_NUMBERS (N_SAMPLES * SIZE)
#define DEVIATION 0.4
#define TOLERANCE 1e-4

/* ---- the model ---- */

typedef struct model {
    const char *class_name;
    const json_t *config;
    const ito_scheduler *scheduler;
} model;

static const char *config_text(const json_t *config, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(config, key));
    return text ? text : otherwise;
}

static bool starts(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/* The noise that the model believes a timestep to have, and what x was multiplied by for it. */
typedef struct belief {
    double signal, sigma, scale;
} belief;

static belief believe(const model *m, double label)
{
    const json_t *trained = json_object_get(m->config, "num_train_timesteps");
    double T = trained ? json_number_value(trained) : 1000, log_snr = 9 - 19 * (label + 1) / T;
    if (starts(m->class_name, "EDM") || starts(m->class_name, "CM")) {
        double sigma = exp(starts(m->class_name, "EDM") ? 4 * label : label / 250);
        return (belief){1, sigma, 1 / sqrt(sigma * sigma + 0.25)};
    }
    if (starts(m->class_name, "ScoreSde")) return (belief){1, label, 1};
    if (starts(m->class_name, "IPNDM"))
        return (belief){cos(1.5707963267948966 * label), sin(1.5707963267948966 * label), 1};
    if (starts(m->class_name, "FlowMatch") || json_is_true(json_object_get(m->config, "use_flow_sigmas"))) {
        double u = fmin(fmax(label / T, 1e-3), 1);
        return (belief){1 - u, u, 1};
    }
    if (!strcmp(config_text(m->config, "timestep_type", ""), "continuous") &&
        !strcmp(config_text(m->config, "prediction_type", ""), "v_prediction"))
        log_snr = -8 * label;
    return (belief){sqrt(1 / (1 + exp(-log_snr))), sqrt(1 / (1 + exp(log_snr))), 1};
}

/* What the network's output means: 'e'ps, 's'ample, 'v', 'f'low, s'c'ore, e'd'm's F, '-' that negated. */
static char kind_of(const model *m)
{
    const char *name = m->class_name, *type = config_text(m->config, "prediction_type", "epsilon");
    if (starts(name, "ScoreSde")) return 'c';
    if (starts(name, "CM")) return 'd';
    if (starts(name, "EDM")) return *type == 'v' ? '-' : 'd';
    if (starts(name, "FlowMatch")) return 'f';
    return starts(name, "IPNDM") ? 'v' : *type;
}

static double answer(char kind, const belief *b, double x, double x0)
{
    double eps = (x - b->signal * x0) / b->sigma, variance = b->sigma * b->sigma;
    double edm = (x0 - 0.25 / (variance + 0.25) * x) * sqrt(variance + 0.25) / (0.5 * b->sigma);
    switch (kind) {
    case 'e': return eps;
    case 's': return x0;
    case 'v': return b->signal * eps - b->sigma * x0;
    case 'f': return eps - x0;
    case 'c': return -eps / b->sigma;
    default: return kind == 'd' ? edm : -edm;
    }
}

/* As a network behind ito_model_denoiser: it is told the label, and sees x scaled. */
static ito_status evaluate(void *self, ito_ctx *ctx, const ito_tensor *in, const double *t,
                           const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    const model *m = self;
    const ito_process *process = ito_scheduler_process(m->scheduler);
    const float *x = in->data;
    (void)ctx;
    (void)condition;
    for (int i = 0; i < N_NUMBERS; i++) {
        ito_level level = ito_process_level(process, t[i / SIZE]);
        belief b = believe(m, ito_process_label(process, t[i / SIZE]));
        double mean = 0.3 + 0.25 * (i % SIZE), v = b.signal * b.signal * DEVIATION * DEVIATION + b.sigma * b.sigma;
        double seen =
            (double)(float)(ito_prediction_scale_in(ito_scheduler_prediction(m->scheduler), &level) * (double)x[i]);
        double at = seen / b.scale;
        double x0 =
            b.signal * DEVIATION * DEVIATION / v * at + b.sigma * b.sigma / v * mean * tanh(b.signal * mean * at / v);
        ((float *)out->data)[i] = (float)answer(kind_of(m), &b, at, x0);
        if (extra) ((float *)extra->data)[i] = (float)tanh(0.5 * at + mean - 1);
    }
    return ITO_OK;
}

/* ---- one run ---- */

typedef struct run {
    ito_ctx *ctx;
    const json_t *file, *config, *expected; /* the whole file; a case's config; one of its runs */
    const char *class_name, *text;          /* of the config, for messages */
    int n, n_bad;
    double worst;
} run;

static double list_number(const run *r, const char *which, int i)
{
    size_t list = (size_t)json_integer_value(json_object_get(r->expected, which));
    return json_number_value(json_array_get(json_array_get(json_object_get(r->file, "lists"), list), (size_t)i));
}

static size_t list_length(const run *r, const char *which)
{
    size_t list = (size_t)json_integer_value(json_object_get(r->expected, which));
    return json_array_size(json_array_get(json_object_get(r->file, "lists"), list));
}

static void complain(run *r, const char *what, int i, double got, double want)
{
    if (r->n_bad++ < 20)
        print_error("%s %s, %d steps: %s %d is %.9g, expected %.9g\n", r->class_name, r->text, r->n, what, i, got,
                    want);
}

/* PNDM has a step of the loop for each evaluation. Evaluations made before step i of n. */
static int loop_index(const run *r, int i)
{
    if (!starts(r->class_name, "PNDM")) return i;
    if (json_is_true(json_object_get(r->config, "skip_prk_steps"))) return i > 0 ? i + 1 : 0;
    return i < 3 ? 4 * i : i + 9;
}

/* In float32 diffusers' own numbers are good to a few 1e-7; where alpha_bar was rescaled, to what the square roots of its tensor library,
 * which are not rounded correctly, leave of 1 - alpha_bar. */
static void check_schedule(run *r, const ito_scheduler *s, const ito_sample_options *o)
{
    const ito_process *process = ito_scheduler_process(s);
    bool is_flow = !strcmp(ito_process_get_def(process)->choice.name, "flow");
    double close = json_is_true(json_object_get(r->config, "rescale_betas_zero_snr")) ? 2e-5 : 2e-6;
    int n_sigmas = (int)list_length(r, "sigmas"), n_times = (int)list_length(r, "timesteps");
    assert_int_equal(n_times, r->n);
    for (int i = 0; i < n_times; i++) {
        const ito_step_levels *l = &o->levels[loop_index(r, i)];
        double want = list_number(r, "timesteps", i),
               got = starts(r->class_name, "ScoreSde") ? l->t.t : ito_process_label(process, l->t.t);
        if (!(fabs(got - want) <= 1e-4 + 1e-6 * fabs(want))) complain(r, "timestep", i, got, want);
    }
    for (int i = 0; i < n_sigmas; i++) {
        ito_level l = i < r->n ? o->levels[i].t : o->levels[r->n - 1].s;
        double want = list_number(r, "sigmas", i), got = is_flow ? l.sigma : l.sigma / l.signal;
        if (!(fabs(got - want) <= close * fabs(want))) complain(r, "sigma", i, got, want);
    }
}

static void check_state(run *r, const char *what, const float *x, double scale)
{
    const json_t *list = json_object_get(r->expected, what);
    double most = 1;
    assert_int_equal(json_array_size(list), N_NUMBERS);
    for (int i = 0; i < N_NUMBERS; i++) most = fmax(most, fabs(json_number_value(json_array_get(list, (size_t)i))));
    for (int i = 0; i < N_NUMBERS; i++) {
        double want = json_number_value(json_array_get(list, (size_t)i)), got = scale * (double)x[i];
        double error = fabs(got - want) / most;
        r->worst = fmax(r->worst, error);
        if (!(error <= TOLERANCE)) complain(r, what, i, got, want);
    }
}

/* Classes whose middle state is as the network sees it: x / sqrt(sigma_hat^2 + 1). */
static double middle_scale(const run *r, const ito_step_levels *l)
{
    static const char *const scaled[] = {"Euler", "Heun", "LMS", "KDPM2", "DPMSolverSDE"};
    for (int i = 0; i < 5; i++)
        if (starts(r->class_name, scaled[i])) return 1 / hypot(l->t.signal, l->t.sigma);
    return 1;
}

static ito_status keyed_noise(void *self, ito_ctx *ctx, ito_stream stream, uint32_t step, int64_t n,
                              const uint64_t *sample, int64_t size, float *dst)
{
    const uint64_t *seed = self;
    (void)ctx;
    for (int64_t i = 0; i < n; i++)
        ito_rng_normal((ito_rng_key){*seed, (uint32_t)stream, step, sample[i]}, 0, (size_t)size, dst + i * size);
    return ITO_OK;
}

static void sample(run *r, ito_scheduler *s, ito_sample_options *o)
{
    model m = {r->class_name, r->config, s};
    ito_denoiser denoiser = {.self = &m, .eval = evaluate, .prediction = *ito_scheduler_prediction(s)};
    ito_sampler *sampler;
    float start[N_NUMBERS], x[N_NUMBERS];
    uint64_t seed = (uint64_t)json_integer_value(json_object_get(r->file, "seed")), rows[] = {0, 1};
    ito_noise noise = {&seed, keyed_noise};
    assert_ok(r->ctx, keyed_noise(&seed, r->ctx, ITO_STREAM_PRIOR, 0, N_SAMPLES, rows, SIZE, start));
    if (ito_scheduler_learns_variance(s)) denoiser.n_extra = SIZE;
    if (o->encode) o->start = start;
    o->seed = seed;
    bool follows_path = starts(r->class_name, "DPMSolverSDE") || starts(r->class_name, "SASolver");
    if (follows_path) o->noise = &noise; /* in place of a Brownian path */
    assert_ok(r->ctx, ito_sampler_create(r->ctx, ito_scheduler_process(s), &denoiser, NULL, ITO_SHAPE(N_SAMPLES, SIZE),
                                         o, &sampler));
    for (int i = 0; !ito_sampler_is_done(sampler); i++) {
        ito_sampler_get_x(sampler, x);
        if (i == loop_index(r, r->n / 2)) check_state(r, "middle", x, middle_scale(r, &o->levels[i]));
        ito_status st = ito_sampler_step(sampler);
        if (st != ITO_OK) complain(r, ito_last_error(r->ctx), i, (double)NAN, (double)NAN);
        if (st != ITO_OK) break;
    }
    ito_sampler_get_x(sampler, x);
    check_state(r, "final", x, 1);
    ito_sampler_destroy(sampler);
}

static void check_run(run *r, ito_scheduler *s)
{
    ito_sample_options o = {0};
    ito_scheduler_use use = {r->n, (int)json_integer_value(json_object_get(r->file, "tokens"))};
    ito_status st = ito_scheduler_plan(s, &use, &o);
    if (st != ITO_OK) {
        complain(r, ito_last_error(r->ctx), 0, (double)NAN, (double)NAN);
        return;
    }
    check_schedule(r, s, &o);
    sample(r, s, &o);
}

/* Every run of a case. */
static void check_case(run *r, const json_t *item)
{
    json_t *config = json_deep_copy(json_object_get(item, "config"));
    const json_t *runs = json_object_get(item, "runs");
    char class_name[64];
    ito_scheduler *s;
    snprintf(class_name, sizeof class_name, "%s", json_string_value(json_object_get(r->file, "class")));
    json_object_set_new(config, "_class_name", json_string(class_name));
    char *text = json_dumps(config, JSON_COMPACT);
    r->class_name = class_name;
    r->config = config;
    r->text = text;
    ito_status st = ito_scheduler_parse(r->ctx, "scheduler_config.json", text, strlen(text), &s);
    if (st != ITO_OK) complain(r, ito_last_error(r->ctx), 0, (double)NAN, (double)NAN);
    for (size_t i = 0; st == ITO_OK && i < json_array_size(runs); i++) {
        r->expected = json_array_get(runs, i);
        r->n = (int)json_integer_value(json_object_get(r->expected, "n"));
        check_run(r, s);
    }
    ito_scheduler_destroy(s);
    free(text);
    json_decref(config);
}

static void check_file(ito_ctx *ctx, const char *name)
{
    char path[128];
    json_t *file;
    snprintf(path, sizeof path, FOLDER "%s.json", name);
    assert_ok(ctx, ito__json_read(ctx, path, &file));
    const json_t *cases = json_object_get(file, "cases");
    run r = {.ctx = ctx, .file = file};
    for (size_t i = 0; i < json_array_size(cases); i++) check_case(&r, json_array_get(cases, i));
    print_message("%s: %zu configurations, largest error %.1e\n", name, json_array_size(cases), r.worst);
    assert_true(json_array_size(cases) > 0);
    assert_int_equal(r.n_bad, 0);
    json_decref(file);
}

/* ---- the tests ---- */

#define SCHEDULER_TEST(name)                                                                                           \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        check_file(*state, #name);                                                                                     \
    }
SCHEDULER_TEST(DDPM)
SCHEDULER_TEST(DDIM)
SCHEDULER_TEST(DDIMInverse)
SCHEDULER_TEST(PNDM)
SCHEDULER_TEST(EulerDiscrete)
SCHEDULER_TEST(EulerAncestralDiscrete)
SCHEDULER_TEST(HeunDiscrete)
SCHEDULER_TEST(LMSDiscrete)
SCHEDULER_TEST(KDPM2Discrete)
SCHEDULER_TEST(KDPM2AncestralDiscrete)
SCHEDULER_TEST(DPMSolverSDE)
SCHEDULER_TEST(DPMSolverMultistep)
SCHEDULER_TEST(DPMSolverSinglestep)
SCHEDULER_TEST(DEISMultistep)
SCHEDULER_TEST(UniPCMultistep)
SCHEDULER_TEST(SASolver)
SCHEDULER_TEST(IPNDM)
SCHEDULER_TEST(EDMEuler)
SCHEDULER_TEST(EDMDPMSolverMultistep)
SCHEDULER_TEST(ScoreSdeVe)
SCHEDULER_TEST(CMStochasticIterative)
SCHEDULER_TEST(LCM)
SCHEDULER_TEST(TCD)
SCHEDULER_TEST(FlowMatchEulerDiscrete)
SCHEDULER_TEST(FlowMatchHeunDiscrete)

/* The fixtures' generator is ito's. */
static void test_noise(void **state)
{
    json_t *rows;
    assert_ok(*state, ito__json_read(*state, FOLDER "noise.json", &rows));
    assert_true(json_array_size(rows) >= 4);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i), *want = json_object_get(row, "normal");
        ito_rng_key key = {strtoull(config_text(row, "seed", ""), NULL, 10),
                           (uint32_t)json_integer_value(json_object_get(row, "stream")),
                           (uint32_t)json_integer_value(json_object_get(row, "step")),
                           strtoull(config_text(row, "sample", ""), NULL, 10)};
        float got[7];
        ito_rng_normal(key, 0, 7, got);
        for (size_t k = 0; k < 7; k++)
            assert_true(fabs((double)got[k] - json_number_value(json_array_get(want, k))) <= 1e-6);
    }
    json_decref(rows);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, ctx_setup, ctx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(noise),
                                       TEST(DDPM),
                                       TEST(DDIM),
                                       TEST(DDIMInverse),
                                       TEST(PNDM),
                                       TEST(EulerDiscrete),
                                       TEST(EulerAncestralDiscrete),
                                       TEST(HeunDiscrete),
                                       TEST(LMSDiscrete),
                                       TEST(KDPM2Discrete),
                                       TEST(KDPM2AncestralDiscrete),
                                       TEST(DPMSolverSDE),
                                       TEST(DPMSolverMultistep),
                                       TEST(DPMSolverSinglestep),
                                       TEST(DEISMultistep),
                                       TEST(UniPCMultistep),
                                       TEST(SASolver),
                                       TEST(IPNDM),
                                       TEST(EDMEuler),
                                       TEST(EDMDPMSolverMultistep),
                                       TEST(ScoreSdeVe),
                                       TEST(CMStochasticIterative),
                                       TEST(LCM),
                                       TEST(TCD),
                                       TEST(FlowMatchEulerDiscrete),
                                       TEST(FlowMatchHeunDiscrete)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
