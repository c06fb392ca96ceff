/* Targets, losses and gradients of training against tools/make_training_fixtures.py, which computes them in float64 from
 * the papers' definitions: improved DDPM, NCSN and score SDE, EDM, flow matching. The same x0, eps, outputs and times go
 * through what training uses: a process's levels and label, the columns of objective/denoise.h, a compiled objective. The
 * fixture is in the papers' terms; the table below says how ito's differ.
 *
 * Tolerances: 1e-9 for what is computed in double. Through float32 1e-5 of max(1, |value|), and of losses, which may be
 * small, of max(0.002, |value|). Gradients: 1e-4 of a sample's largest, since the logarithm of a variance of 1e-4 has an
 * error of 1e-6 and what a bin's mass makes of it is ten times that; and 1e-10, where 1 - v_q / v_p is all there is. */
#include "exact/process_cases.h"
#include "golden_file.h"

#include <ito/timedist.h>

#include "objective/objective.h"

#define FILE_NAME "tests/golden/training/training.safetensors"

enum { N = 8, H = 2, W = 3, C = 2, SIZE = H * W * C };

/* How a paper counts and tells times, and what sign its network's output has. */
typedef struct convention {
    double (*time)(const ito_process *p, double t);      /* the paper's as ito's */
    double (*label)(const ito_process *p, double label); /* ito's as the paper's; NULL: the same */
    bool opposite;                                       /* ito's output is the paper's with another sign */
} convention;

typedef struct training_case {
    const char *name;
    process_case process;
    const char *prediction, *weighting, *objective;
    double loss; /* ito's loss / the paper's */
    const convention *paper;
} training_case;

/* ---- the papers' conventions ---- */

#define OF_SUM  (1.0 / SIZE) /* papers add up a sample's squares, ito takes their mean */
#define OF_HALF (2.0 / SIZE) /* half the sum */

static double same_time(const ito_process *p, double t)
{
    (void)p;
    return t;
}

static double after_0(const ito_process *p, double t)
{
    (void)p;
    return t + 1;
}

static double from_largest(const ito_process *p, double t)
{
    return ito_process_n_timesteps(p) - t;
}

static double label_from_largest(const ito_process *p, double label)
{
    return ito_process_n_timesteps(p) - 1 - label;
}

static double of_sigma(const ito_process *p, double sigma)
{
    return ito_process_time(p, -2 * log(sigma));
}

static double log_half(const ito_process *p, double label)
{
    (void)p;
    return log(label / 2);
}

static double from_data(const ito_process *p, double t)
{
    (void)p;
    return 1 - t;
}

static double label_from_data(const ito_process *p, double label)
{
    (void)p;
    return 1 - label / 1000;
}

/* Timesteps from 0. */
static const convention chain = {after_0, NULL, false};
/* Score SDE, EDM, Stable Diffusion 3. */
static const convention itos = {same_time, NULL, false};
/* NCSN counts levels, and tells them to the network, from the largest. */
static const convention ladder = {from_largest, label_from_largest, false};
/* EDM's sigma, on a process of others sigma_t / signal_t. Of VE its F is -eps, told ln(sigma / 2); score SDE's own program
 * hands over sigma, whose logarithm the embedding takes. */
static const convention vp = {of_sigma, NULL, false}, ve = {of_sigma, log_half, true};
/* Flow matching has the data at t = 1 and goes there. */
static const convention to_data = {from_data, label_from_data, true};

static const training_case cases[] = {
    /* improved DDPM: means over elements; L_simple of DDPM's three predictions */
    {"simple_eps", {"vp-linear", {NULL}}, "eps", "simple", "error", 1, &chain},
    {"simple_x0", {"vp-linear", {NULL}}, "x0", "simple", "error", 1, &chain},
    {"simple_mu", {"vp-linear", {NULL}}, "mu", "simple", "error", 1, &chain},
    {"hybrid_eps", {"vp-cosine", {NULL}}, "eps", "simple", "hybrid", 1, &chain},
    {"hybrid_x0", {"vp-cosine", {"T=40"}}, "x0", "simple", "hybrid", 1, &chain},
    {"hybrid_mu", {"vp-linear", {NULL}}, "mu", "simple", "hybrid", 1, &chain},
    /* the term L_t, which ito takes T times: it stands for their sum */
    {"vlb_eps", {"vp-cosine", {"T=40"}}, "eps", "simple", "vlb", 40, &chain},
    {"vlb_x0", {"vp-linear", {NULL}}, "x0", "simple", "vlb", 1000, &chain},
    {"vlb_mu", {"vp-linear", {"T=40", "beta_start=0.0025", "beta_end=0.5"}}, "mu", "simple", "vlb", 40, &chain},
    /* score SDE and NCSN */
    {"vp_sde", {"vp-sde", {NULL}}, "eps", "simple", "error", OF_SUM, &itos},
    {"vp_sde_likelihood", {"vp-sde", {NULL}}, "eps", "likelihood", "error", OF_HALF, &itos},
    {"subvp_sde", {"subvp-sde", {NULL}}, "eps", "simple", "error", OF_SUM, &itos},
    {"subvp_sde_likelihood", {"subvp-sde", {NULL}}, "eps", "likelihood", "error", OF_HALF, &itos},
    {"ve_sde", {"ve-sde", {NULL}}, "score", "sigma2", "error", OF_SUM, &itos},
    {"ve_sde_likelihood", {"ve-sde", {NULL}}, "score", "likelihood", "error", OF_HALF, &itos},
    {"ncsn", {"ve-geometric", {"T=1000", "sigma_max=50"}}, "score", "sigma2", "error", OF_HALF, &ladder},
    {"sde_chain", {"vp-linear", {"T=200", "beta_start=0.0005", "beta_end=0.1"}}, "eps", "simple", "error", 1, &chain},
    /* EDM */
    {"edm", {"edm", {NULL}}, "edm", "edm", "error", OF_SUM, &itos},
    {"edm_vp", {"vp-sde", {NULL}}, "eps", "simple", "error", OF_SUM, &vp},
    {"edm_ve", {"ve-sde", {"sigma_min=0.02", "sigma_max=100"}}, "eps", "simple", "error", OF_SUM, &ve},
    /* flow matching */
    {"flow", {"flow", {NULL}}, "velocity", "simple", "error", OF_SUM, &to_data},
    {"flow_shift", {"flow", {"shift=3"}}, "velocity", "simple", "error", OF_SUM, &itos},
};
#define N_CASES ((int)(sizeof cases / sizeof cases[0]))

/* ---- one case on ito's side ---- */

static ito_ctx *ctx;
static golden_file file;
static double *x0, *eps, *extra;

typedef struct problem {
    const training_case *c;
    ito_process *process;
    ito_denoise_setup setup;
    const ito_objective_def *objective;
    ito_opts *opts, *weighting_opts;
    ito_graph *g;
    ito_denoise d;
    ito_objective_parts parts;
    ito_program *program;
    double t[N], output[N * SIZE], columns[N * ITO_DENOISE_COLUMNS];
} problem;

/* Tensor NAME.part, n numbers; free() it. */
static double *get(const char *name, const char *part, int64_t n)
{
    char key[64];
    golden_tensor t;
    snprintf(key, sizeof key, "%s%s%s", name, *name ? "." : "", part);
    double *x = golden_doubles(&file, key, false, &t);
    assert_int_equal(ito_shape_count(t.shape), n);
    return x;
}

static int setup(void **state)
{
    (void)state;
    ctx = ctx_open(0);
    file = golden_open(ctx, FILE_NAME);
    x0 = get("", "x0", N * SIZE);
    eps = get("", "eps", N * SIZE);
    extra = get("", "extra", N * SIZE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(x0);
    free(eps);
    free(extra);
    golden_close(&file);
    ito_ctx_destroy(ctx);
    return 0;
}

/* n numbers, each to `tolerance` of what the paper has, or of `floor` if that is more. */
static void check(const problem *p, const char *what, int n, const double *got, const double *want, double tolerance,
                  double floor)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance * fmax(floor, fabs(want[i]))))
            fail_msg("%s, sample %d: %s is %.9g, expected %.9g", p->c->name, i * N / n, what, got[i], want[i]);
}

static void choose(problem *p)
{
    const training_case *c = p->c;
    p->process = process_open(ctx, &c->process);
    p->setup.process = p->process;
    assert_ok(ctx, ito_prediction_find(ctx, c->prediction, &p->setup.prediction));
    assert_ok(ctx, ito_weighting_find(ctx, c->weighting, &p->setup.weighting.def));
    assert_ok(ctx, ito_opts_create(ctx, p->setup.weighting.def->choice.options, &p->weighting_opts));
    p->setup.weighting.opts = p->weighting_opts;
    assert_ok(ctx, ito_variance_find(ctx, "learned_range", &p->setup.variance));
    assert_ok(ctx, ito__objective_find(ctx, c->objective, &p->objective));
    assert_ok(ctx, ito_opts_create(ctx, p->objective->choice.options, &p->opts));
}

/* factor: the time distribution's, [N]; NULL: 1. */
static void place(problem *p, const double *factor)
{
    double *t = get(p->c->name, "t", N), *output = get(p->c->name, "output", N * SIZE);
    float row[ITO_DENOISE_COLUMNS] = {0};
    for (int i = 0; i < N; i++) {
        p->t[i] = p->c->paper->time(p->process, t[i]);
        assert_ok(ctx, ito__denoise_columns(ctx, &p->setup, p->t[i], factor ? factor[i] : 1, row));
        for (int k = 0; k < ITO_DENOISE_COLUMNS; k++) p->columns[i * ITO_DENOISE_COLUMNS + k] = (double)row[k];
        for (int k = i * SIZE; k < (i + 1) * SIZE; k++) p->output[k] = p->c->paper->opposite ? -output[k] : output[k];
    }
    free(t);
    free(output);
}

static void open_problem(problem *p, const training_case *c, const double *factor)
{
    *p = (problem){.c = c};
    choose(p);
    place(p, factor);
    assert_ok(ctx, ito_graph_create(ctx, &p->g));
    p->d = ito__denoise_begin(p->g, ITO_SHAPE(N, H, W, C), p->setup.prediction.def->scale_in != NULL, false);
    p->parts = (ito_objective_parts){
        .g = p->g, .noised = &p->d, .opts = p->opts, .n_timesteps = ito_process_n_timesteps(p->process)};
    p->parts.output = ito_graph_input(p->g, "output", ITO_F32, ITO_SHAPE(N, H, W, C));
    p->parts.extra = ito_graph_input(p->g, "extra", ITO_F32, ITO_SHAPE(N, H, W, C));
    assert_ok(ctx, ito_loss_find(ctx, "l2", &p->parts.loss));
}

static void run(problem *p, int n, ito_value *const *values)
{
    assert_ok(ctx, ito_program_create(p->g, n, values, NULL, &p->program));
    write_doubles(p->program, ctx, p->d.x0, x0);
    write_doubles(p->program, ctx, p->d.eps, eps);
    write_doubles(p->program, ctx, p->d.coef, p->columns);
    write_doubles(p->program, ctx, p->parts.output, p->output);
    write_doubles(p->program, ctx, p->parts.extra, extra);
    assert_ok(ctx, ito_program_run(p->program));
}

static void close_problem(problem *p)
{
    ito_program_destroy(p->program);
    ito_graph_destroy(p->g);
    ito_opts_destroy(p->opts);
    ito_opts_destroy(p->weighting_opts);
    ito_process_destroy(p->process);
}

/* ---- in double: levels, labels, predictions ---- */

static void check_levels(const problem *p)
{
    const char *name = p->c->name;
    double *label = get(name, "label", N), *signal = get(name, "signal", N), *sigma = get(name, "sigma", N);
    double got[4][N];
    for (int i = 0; i < N; i++) {
        ito_level at = ito_process_level(p->process, p->t[i]);
        got[0][i] = at.signal;
        got[1][i] = at.sigma;
        got[2][i] = ito_process_diffusion(p->process, p->t[i]);
        got[3][i] = ito_process_label(p->process, p->t[i]);
        if (p->c->paper->label) got[3][i] = p->c->paper->label(p->process, got[3][i]);
    }
    check(p, "signal", N, got[0], signal, 1e-9, 0);
    check(p, "sigma", N, got[1], sigma, 1e-9, 0);
    check(p, "label", N, got[3], label, 1e-9, 1);
    free(label);
    free(signal);
    free(sigma);
    if (!strstr(name, "_sde")) return;
    double *g = get(name, "g", N);
    check(p, "g", N, got[2], g, 1e-9, 0);
    free(g);
}

static void check_x0_hat(const problem *p)
{
    double *want = get(p->c->name, "x0_hat", N * SIZE), got[N * SIZE];
    for (int k = 0; k < N * SIZE; k++) {
        ito_level at = ito_process_level(p->process, p->t[k / SIZE]);
        ito_prediction_map map = ito_prediction_map_in(&p->setup.prediction, p->process, &at);
        got[k] = map.x0_x * (at.signal * x0[k] + at.sigma * eps[k]) + map.x0_out * p->output[k];
    }
    check(p, "x0_hat", N * SIZE, got, want, 1e-9, 1);
    free(want);
}

static void test_levels(void **state)
{
    (void)state;
    for (int c = 0; c < N_CASES; c++) {
        problem p;
        open_problem(&p, &cases[c], NULL);
        check_levels(&p);
        check_x0_hat(&p);
        close_problem(&p);
    }
}

/* ---- through a compiled graph ---- */

/* What the network sees, and the target, which is the output without its error. */
static void check_fields(problem *p, const ito_value *x_in, const ito_value *error)
{
    double *seen = read_doubles(p->program, ctx, x_in), *away = read_doubles(p->program, ctx, error);
    double *want_seen = get(p->c->name, "in", N * SIZE), *want = get(p->c->name, "target", N * SIZE);
    for (int k = 0; k < N * SIZE; k++) away[k] = (p->output[k] - away[k]) * (p->c->paper->opposite ? -1 : 1);
    check(p, "the network's input", N * SIZE, seen, want_seen, 1e-5, 1);
    check(p, "the target", N * SIZE, away, want, 1e-5, 1);
    free(seen);
    free(away);
    free(want_seen);
    free(want);
}

/* Each sample's loss in the paper's terms. */
static void check_losses(problem *p, const ito_value *losses)
{
    double *got = read_doubles(p->program, ctx, losses), *want = get(p->c->name, "loss", N);
    for (int i = 0; i < N; i++) got[i] /= p->c->loss;
    check(p, "the loss", N, got, want, 1e-5, 0.002);
    free(got);
    free(want);
}

/* EQ[ddpm:14] EQ[ncsn:6] EQ[sde:7] EQ[mle:7] EQ[edm:7] EQ[edm:t1] EQ[flow:15] EQ[iddpm:4] EQ[iddpm:16] */
static void test_losses(void **state)
{
    (void)state;
    for (int c = 0; c < N_CASES; c++) {
        problem p;
        open_problem(&p, &cases[c], NULL);
        ito_value *values[] = {p.objective->build(&p.parts), p.d.x_in, ito__denoise_error(p.g, &p.d, p.parts.output),
                               p.parts.extra};
        run(&p, 4, values);
        check_fields(&p, values[1], values[2]);
        check_losses(&p, values[0]);
        close_problem(&p);
    }
}

static void check_gradient(problem *p, const char *part, const ito_value *gradient)
{
    double *got = read_doubles(p->program, ctx, gradient), *want = get(p->c->name, part, N * SIZE);
    for (int i = 0; i < N; i++) {
        double most = 0;
        for (int k = i * SIZE; k < (i + 1) * SIZE; k++) most = fmax(most, fabs(want[k]));
        for (int k = i * SIZE; k < (i + 1) * SIZE; k++)
            if (!(fabs(got[k] / p->c->loss - want[k]) <= 1e-4 * most + 1e-10))
                fail_msg("%s, sample %d: %s is %.9g, expected %.9g of up to %.9g", p->c->name, i, part,
                         got[k] / p->c->loss, want[k], most);
    }
    free(got);
    free(want);
}

/* EQ[iddpm:15] EQ[iddpm:16]: of L_hybrid the output's gradient is L_simple's alone, the variance's is L_vlb's. */
static void test_gradients(void **state)
{
    (void)state;
    for (int c = 0; c < N_CASES; c++) {
        if (!strcmp(cases[c].objective, "error")) continue;
        problem p;
        open_problem(&p, &cases[c], NULL);
        ito_value *loss = p.objective->build(&p.parts), *gradients[2];
        assert_ok(ctx,
                  ito_graph_grad(p.g, 1, &loss, NULL, 2, (ito_value *[]){p.parts.output, p.parts.extra}, gradients));
        run(&p, 2, gradients);
        check_gradient(&p, "d_output", gradients[0]);
        check_gradient(&p, "d_extra", gradients[1]);
        close_problem(&p);
    }
}

/* ---- times ---- */

static const training_case *find_case(const char *name)
{
    for (int c = 0; c < N_CASES; c++)
        if (!strcmp(cases[c].name, name)) return &cases[c];
    fail_msg("no case %s", name);
    return NULL;
}

/* Every timestep's share of the probabilities is p[t], and its factor 1 / (T p[t]). */
static void check_shares(const ito_timedist *d, int T, const double *p, const double *factor)
{
    double sum = 0;
    for (int t = 0; t < T; t++) {
        double ends[] = {sum + 1e-6 * p[t], sum + 0.5 * p[t], sum + (1 - 1e-6) * p[t]}, got;
        for (int k = 0; k < 3; k++) {
            assert_true(ito_timedist_quantile(d, ends[k], &got) == t + 1);
            assert_true(fabs(got - factor[t]) <= 1e-9 * factor[t]);
        }
        sum += p[t];
    }
}

/* Losses of the bound with the resampler's factors. */
static void check_resampled(const training_case *c, const double *factors)
{
    double *want = get(c->name, "loss", N), *t = get(c->name, "t", N), factor[N];
    for (int i = 0; i < N; i++) factor[i] = factors[(int)t[i]];
    problem p;
    open_problem(&p, c, factor);
    ito_value *losses = p.objective->build(&p.parts);
    run(&p, 1, &losses);
    double *got = read_doubles(p.program, ctx, losses);
    for (int i = 0; i < N; i++) {
        got[i] /= c->loss;
        want[i] *= factor[i];
    }
    check(&p, "the resampled loss", N, got, want, 1e-5, 0.002);
    close_problem(&p);
    free(got);
    free(want);
    free(t);
}

/* EQ[iddpm:18]: one loss before it is warm, warm, and after old losses have left. */
static void test_resampler(void **state)
{
    (void)state;
    const training_case *c = find_case("vlb_eps");
    ito_process *process = process_open(ctx, &c->process);
    int T = ito_process_n_timesteps(process), from = 0;
    double *shown = get("resampler", "shown", 3), *p = get("resampler", "p", 3 * T);
    double *factor = get("resampler", "factor", 3 * T);
    double *t = get("resampler", "t", (int64_t)shown[2]), *loss = get("resampler", "loss", (int64_t)shown[2]);
    ito_timedist *d;
    assert_ok(ctx, ito_timedist_create(ctx, "importance", NULL, process, &d));
    for (int i = 0; i < (int)shown[2]; i++) t[i] += 1;
    for (int k = 0; k < 3; k++) {
        ito_timedist_observe(d, (int)shown[k] - from, t + from, loss + from);
        check_shares(d, T, p + (ptrdiff_t)k * T, factor + (ptrdiff_t)k * T);
        from = (int)shown[k];
    }
    check_resampled(c, factor + (ptrdiff_t)2 * T);
    ito_timedist_destroy(d);
    ito_process_destroy(process);
    for (int k = 0; k < 5; k++) free((double *[]){shown, p, factor, t, loss}[k]);
}

/* EQ[edm:t1] */
static void test_log_normal(void **state)
{
    (void)state;
    ito_process *process = process_open(ctx, &find_case("edm")->process);
    double *u = get("edm", "u", N), *sigma = get("edm", "sigma", N), factor;
    ito_timedist *d;
    assert_ok(ctx, ito_timedist_create(ctx, "log-normal", NULL, process, &d));
    for (int i = 0; i < N; i++) {
        assert_true(fabs(ito_timedist_quantile(d, u[i], &factor) / sigma[i] - 1) <= 1e-9);
        assert_true(factor == 1);
    }
    ito_timedist_destroy(d);
    ito_process_destroy(process);
    free(u);
    free(sigma);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),    cmocka_unit_test(test_losses),     cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_resampler), cmocka_unit_test(test_log_normal),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
