/* Sliced score matching against explicit score matching (Hyvarinen 2005), which needs the score that nobody has but a
 * Gaussian mixture: for every network s,
 *     E[|s - grad log q|^2 / 2] - E[tr(ds/dx) + |s|^2 / 2] = E[|grad log q|^2 / 2].
 * Networks are MLPs with random weights, data a mixture in the plane noised to one level. Expectations are sums over a
 * grid: the trapezoid rule on smooth functions that vanish at its edge, whose error is far below float32's. Directions are
 * three, at 120 degrees and of length sqrt(2), so that the mean of v v^T is 1 and that of v^T A v is tr(A), exactly. Only
 * the last test draws at random, as training does. */
#include "exact/process_cases.h"
#include "networks.h"
#include "op_cases.h"

#include <ito/mixture.h>

#include "objective/objective.h"

#define HALF_SIDE 6.0
enum { SIDE = 81, POINTS = SIDE * SIDE, PROBES = 3, NETWORKS = 3 };
enum { PLAIN, REDUCED, FORMS };
#define STEP (2 * HALF_SIDE / (SIDE - 1))

/* What the network's output is, and the process and time whose noise there is. */
static const struct choice {
    process_case process;
    double t;
    const char *prediction;
} choices[] = {
    {{"edm", {NULL}}, 0.5, "score"}, /* the output itself */
    {{"edm", {NULL}}, 0.7, "edm"},   /* has a part of x_t, and sees it scaled */
    {{"vp-sde", {NULL}}, 0.3, "eps"},
    {{"vp-sde", {NULL}}, 0.25, "v"},
};
#define N_CHOICES ((int)(sizeof choices / sizeof choices[0]))

static ito_ctx *ctx;
static ito_network *network;
static ito_mixture *mixture;

typedef struct problem {
    const struct choice *choice;
    ito_process *process;
    ito_level t;
    ito_denoise_setup setup;
    float row[ITO_DENOISE_COLUMNS];
    ito_params *weights, *exact_weights;
    /* the objective, in float32 as in training */
    ito_graph *g;
    ito_net *net;
    ito_denoise d;
    ito_arch_inputs in;
    ito_value *loss[FORMS];
    ito_program *program;
    /* the network alone, in double */
    ito_graph *exact_g;
    ito_net *exact_net;
    ito_arch_inputs exact_in;
    ito_value *exact_out;
    ito_program *exact;
} problem;

/* At every point of the grid. */
typedef struct field {
    double x[POINTS][2];
    double q[POINTS];        /* the density times a cell's area */
    double s[POINTS][2];     /* the network's score */
    double score[POINTS][2]; /* the data's */
} field;

static int setup(void **state)
{
    static const double mean[] = {-1.2, -0.4, 1, 0.9, 0.3, -1.1}, sd[] = {0.3, 0.5, 0.4, 0.2, 0.6, 0.25};
    static const double weight[] = {0.5, 0.3, 0.2};
    (void)state;
    ctx = ctx_open(0);
    network =
        network_open(ctx, "{\"_class_name\": \"MLP\", \"in_channels\": 2, \"hidden_width\": 16, \"n_blocks\": 1}");
    assert_ok(ctx,
              ito_mixture_create(
                  ctx, &(ito_mixture_options){.dim = 2, .n_components = 3, .weight = weight, .mean = mean, .sd = sd},
                  &mixture));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_mixture_destroy(mixture);
    ito__network_destroy(network);
    ito_ctx_destroy(ctx);
    return 0;
}

/* ---- a network as a score ---- */

/* No zeros: no layer starts as the identity, and no hidden layer is the same everywhere. */
static void draw_weights(problem *p, uint64_t seed)
{
    assert_ok(ctx, ito_params_create(ctx, network->params, ITO_F32, &p->weights));
    assert_ok(ctx, ito_params_create(ctx, network->params, ITO_F64, &p->exact_weights));
    ito_params_init(p->weights, seed);
    for (int i = 0; i < ito_param_list_count(network->params); i++) {
        int64_t n = ito_param_list_get(network->params, i)->count;
        float *w = ito_params_data(p->weights, i);
        double *exact = ito_params_data(p->exact_weights, i), *more = calloc((size_t)n, sizeof *more);
        random_doubles(1000 * seed + (unsigned)i, n, -0.7, 0.7, more);
        for (int64_t k = 0; k < n; k++) {
            w[k] += (float)more[k];
            exact[k] = (double)w[k];
        }
        free(more);
    }
}

static ito_value *build_network(ito_net *net, ito_graph *g, ito_arch_inputs *in, ito_dtype dtype)
{
    in->t = ito_graph_input(g, "t", dtype, ITO_SHAPE(1));
    ito_scope root = ito__net_scope(net);
    return network->arch->build(&root, network->config, in);
}

static void build_exact(problem *p)
{
    assert_ok(ctx, ito_graph_create(ctx, &p->exact_g));
    assert_ok(ctx, ito__net_create(p->exact_g, network->params, ITO_F64, false, &p->exact_net));
    p->exact_in.x = ito_graph_input(p->exact_g, "x", ITO_F64, ITO_SHAPE(POINTS, 1, 1, 2));
    p->exact_out = build_network(p->exact_net, p->exact_g, &p->exact_in, ITO_F64);
    assert_ok(ctx, ito_program_create(p->exact_g, 1, &p->exact_out, NULL, &p->exact));
    assert_ok(ctx, ito__net_bind(p->exact_net, p->exact, p->exact_weights));
    write_doubles(p->exact, ctx, p->exact_in.t, (double[]){ito_process_label(p->process, p->t.t)});
}

static void build_form(problem *p, const ito_objective_parts *parts, int form)
{
    const ito_objective_def *sliced;
    ito_objective_parts own = *parts;
    ito_opts *opts;
    assert_ok(ctx, ito__objective_find(ctx, "sliced", &sliced));
    assert_ok(ctx, ito_opts_create(ctx, sliced->choice.options, &opts));
    assert_ok(ctx, ito_opts_set(opts, "sliced", "variance_reduced", form == REDUCED ? "true" : "false"));
    own.opts = opts;
    p->loss[form] = sliced->build(&own);
    ito_opts_destroy(opts);
}

static void build_objective(problem *p)
{
    assert_ok(ctx, ito_graph_create(ctx, &p->g));
    assert_ok(ctx, ito__net_create(p->g, network->params, ITO_F32, false, &p->net));
    p->d = ito__denoise_begin(p->g, ITO_SHAPE(POINTS, 1, 1, 2), p->setup.prediction.def->scale_in != NULL, false);
    p->d.probe = ito_graph_input(p->g, "probe", ITO_F32, ITO_SHAPE(POINTS, 1, 1, 2));
    p->in.x = p->d.x_in;
    ito_objective_parts parts = {.g = p->g, .noised = &p->d};
    parts.output = build_network(p->net, p->g, &p->in, ITO_F32);
    for (int form = 0; form < FORMS; form++) build_form(p, &parts, form);
    assert_ok(ctx, ito_program_create(p->g, FORMS, p->loss, NULL, &p->program));
    assert_ok(ctx, ito__net_bind(p->net, p->program, p->weights));
    write_doubles(p->program, ctx, p->in.t, (double[]){ito_process_label(p->process, p->t.t)});
}

static void write_columns(problem *p)
{
    double *columns = calloc((size_t)POINTS * ITO_DENOISE_COLUMNS, sizeof *columns);
    for (int i = 0; i < POINTS * ITO_DENOISE_COLUMNS; i++) columns[i] = (double)p->row[i % ITO_DENOISE_COLUMNS];
    write_doubles(p->program, ctx, p->d.coef, columns);
    free(columns);
}

static void open_problem(problem *p, const struct choice *choice, uint64_t seed)
{
    *p = (problem){.choice = choice, .process = process_open(ctx, &choice->process)};
    p->t = ito_process_level(p->process, choice->t);
    p->setup = (ito_denoise_setup){.process = p->process, .needs_score = true};
    assert_ok(ctx, ito_prediction_find(ctx, choice->prediction, &p->setup.prediction));
    assert_ok(ctx, ito_weighting_find(ctx, "sigma2", &p->setup.weighting.def));
    assert_ok(ctx, ito__denoise_columns(ctx, &p->setup, choice->t, 1, p->row));
    draw_weights(p, seed);
    build_objective(p);
    write_columns(p);
    build_exact(p);
}

static void close_problem(problem *p)
{
    ito_program_destroy(p->program);
    ito_program_destroy(p->exact);
    ito__net_destroy(p->net);
    ito__net_destroy(p->exact_net);
    ito_graph_destroy(p->g);
    ito_graph_destroy(p->exact_g);
    ito_params_destroy(p->weights);
    ito_params_destroy(p->exact_weights);
    ito_process_destroy(p->process);
}

/* ---- both sides ---- */

/* The score that the network stands for, in double, at the grid's points moved by (dx, dy). */
static void score_at(problem *p, const field *f, double dx, double dy, double s[POINTS][2])
{
    double scale = ito_prediction_scale_in(&p->setup.prediction, &p->t);
    ito_prediction_map map = ito_prediction_map_at(&p->setup.prediction, &p->t);
    double *x = calloc((size_t)POINTS * 2, sizeof *x);
    for (int i = 0; i < POINTS; i++) {
        x[2 * i] = scale * (f->x[i][0] + dx);
        x[2 * i + 1] = scale * (f->x[i][1] + dy);
    }
    write_doubles(p->exact, ctx, p->exact_in.x, x);
    assert_ok(ctx, ito_program_run(p->exact));
    double *out = read_doubles(p->exact, ctx, p->exact_out);
    for (int i = 0; i < 2 * POINTS; i++)
        s[i / 2][i % 2] = -(map.eps_x * (x[i] / scale) + map.eps_out * out[i]) / p->t.sigma;
    free(x);
    free(out);
}

static void fill_field(problem *p, field *f)
{
    for (int i = 0; i < POINTS; i++) {
        int row = i / SIDE, column = i % SIDE;
        f->x[i][0] = -HALF_SIDE + STEP * column;
        f->x[i][1] = -HALF_SIDE + STEP * row;
        f->q[i] = STEP * STEP * exp(ito_mixture_log_density(mixture, &p->t, ITO_MIXTURE_ALL, f->x[i]));
        ito_mixture_score(mixture, &p->t, ITO_MIXTURE_ALL, f->x[i], f->score[i]);
    }
    score_at(p, f, 0, 0, f->s);
}

static double half_square(const double v[2])
{
    return 0.5 * (v[0] * v[0] + v[1] * v[1]);
}

/* EQ[hyvarinen05:s2]  tr(ds/dx) + |s|^2 / 2, the trace by central differences, which err by 1e-8 at h = 1e-4. */
static void fill_implicit(problem *p, const field *f, double implicit[POINTS])
{
    const double h = 1e-4;
    double(*up)[2] = calloc(POINTS, sizeof *up), (*down)[2] = calloc(POINTS, sizeof *down);
    for (int i = 0; i < POINTS; i++) implicit[i] = half_square(f->s[i]);
    for (int axis = 0; axis < 2; axis++) {
        score_at(p, f, axis ? 0 : h, axis ? h : 0, up);
        score_at(p, f, axis ? 0 : -h, axis ? -h : 0, down);
        for (int i = 0; i < POINTS; i++) implicit[i] += (up[i][axis] - down[i][axis]) / (2 * h);
    }
    free(up);
    free(down);
}

static void run_sliced(problem *p, const double *x0, const double *eps, const double *probe)
{
    write_doubles(p->program, ctx, p->d.x0, x0);
    write_doubles(p->program, ctx, p->d.eps, eps);
    write_doubles(p->program, ctx, p->d.probe, probe);
    assert_ok(ctx, ito_program_run(p->program));
}

/* The objective of every sample, without its weight and the division by the number of dimensions. */
static double *read_sliced(problem *p, int form)
{
    double *loss = read_doubles(p->program, ctx, p->loss[form]);
    for (int i = 0; i < POINTS; i++) loss[i] *= 2 / (double)p->row[ITO_DENOISE_SCORE_WEIGHT];
    return loss;
}

/* The mean over the three directions at every point, x_t = x. */
static void sliced_at_points(problem *p, const field *f, double mean[FORMS][POINTS])
{
    double *zero = calloc((size_t)POINTS * 2, sizeof *zero), *eps = calloc((size_t)POINTS * 2, sizeof *eps);
    double *probe = calloc((size_t)POINTS * 2, sizeof *probe);
    for (int i = 0; i < 2 * POINTS; i++) eps[i] = f->x[i / 2][i % 2] / p->t.sigma;
    memset(mean, 0, FORMS * sizeof *mean);
    for (int k = 0; k < PROBES; k++) {
        double angle = 0.2 + 2 * M_PI * k / PROBES;
        for (int i = 0; i < 2 * POINTS; i++) probe[i] = sqrt(2) * (i % 2 ? sin(angle) : cos(angle));
        run_sliced(p, zero, eps, probe);
        for (int form = 0; form < FORMS; form++) {
            double *loss = read_sliced(p, form);
            for (int i = 0; i < POINTS; i++) mean[form][i] += loss[i] / PROBES;
            free(loss);
        }
    }
    free(zero);
    free(eps);
    free(probe);
}

/* Sums over the grid. */
typedef struct sums {
    double mass, explicit, rest, size; /* of q, |s - score|^2 / 2, |score|^2 / 2, |s|^2 / 2 */
} sums;

static sums integrate(const field *f)
{
    sums m = {0};
    for (int i = 0; i < POINTS; i++) {
        double away[] = {f->s[i][0] - f->score[i][0], f->s[i][1] - f->score[i][1]};
        m.mass += f->q[i];
        m.explicit += f->q[i] * half_square(away);
        m.rest += f->q[i] * half_square(f->score[i]);
        m.size += f->q[i] * half_square(f->s[i]);
    }
    assert_true(fabs(m.mass - 1) < 1e-9);
    return m;
}

/* Every point's loss, to 5e-5 of the largest: second derivatives of a network in float32. */
static void check_points(problem *p, const field *f, double sliced[FORMS][POINTS])
{
    double most = 0, *want = calloc(POINTS, sizeof *want);
    fill_implicit(p, f, want);
    for (int i = 0; i < POINTS; i++) most = fmax(most, fabs(want[i]));
    for (int k = 0; k < FORMS * POINTS; k++) {
        int form = k / POINTS, i = k % POINTS;
        if (!(fabs(sliced[form][i] - want[i]) <= 5e-5 * most))
            fail_msg("%s, form %d, at (%g, %g): %.9g, expected %.9g of up to %g", p->choice->prediction, form,
                     f->x[i][0], f->x[i][1], sliced[form][i], want[i], most);
    }
    free(want);
}

static void check_means(const problem *p, const field *f, const sums *m, double sliced[FORMS][POINTS])
{
    for (int form = 0; form < FORMS; form++) {
        double mean = 0;
        for (int i = 0; i < POINTS; i++) mean += f->q[i] * sliced[form][i];
        if (!(fabs(m->explicit - mean - m->rest) <= 1e-5 * (m->explicit + m->rest)))
            fail_msg("%s, form %d: %.9g - %.9g is not %.9g", p->choice->prediction, form, m->explicit, mean, m->rest);
    }
}

/* EQ[ssm:7] EQ[ssm:8] EQ[hyvarinen05:s2]: at every point the mean over directions is the implicit form, and in the mean
 * over points it is the explicit one but for a constant that no network changes, to 1e-5. */
static void test_grid(void **state)
{
    (void)state;
    field *f = calloc(1, sizeof *f);
    double(*sliced)[POINTS] = calloc(FORMS, sizeof *sliced);
    for (int c = 0; c < N_CHOICES; c++) {
        double least = (double)INFINITY, most = 0;
        for (uint64_t seed = 1; seed <= NETWORKS; seed++) {
            problem p;
            open_problem(&p, &choices[c], seed);
            fill_field(&p, f);
            sliced_at_points(&p, f, sliced);
            sums m = integrate(f);
            if (seed == 1) check_points(&p, f, sliced);
            check_means(&p, f, &m, sliced);
            least = fmin(least, m.explicit);
            most = fmax(most, m.explicit);
            close_problem(&p);
        }
        assert_true(most > 1.1 * least); /* the networks are not alike */
    }
    free(f);
    free(sliced);
}

/* ---- drawn as in training ---- */

enum { BATCHES = 6 };

typedef struct moments {
    double sum, squares;
} moments;

static void draw(int batch, ito_stream stream, double *out)
{
    float pair[2];
    for (int i = 0; i < POINTS; i++) {
        uint64_t sample = (uint64_t)batch * POINTS + (uint64_t)i;
        ito_rng_normal((ito_rng_key){.seed = 3, .stream = (uint32_t)stream, .sample = sample}, 0, 2, pair);
        out[2 * i] = (double)pair[0];
        out[2 * i + 1] = (double)pair[1];
    }
}

static void draw_losses(problem *p, moments m[FORMS])
{
    float *x = calloc((size_t)POINTS * 2, sizeof *x);
    double *x0 = calloc((size_t)POINTS * 2, sizeof *x0), *eps = calloc((size_t)POINTS * 2, sizeof *eps);
    double *probe = calloc((size_t)POINTS * 2, sizeof *probe);
    for (int batch = 0; batch < BATCHES; batch++) {
        ito_mixture_draw(mixture, ITO_MIXTURE_ALL, 3, (uint64_t)batch * POINTS, POINTS, x);
        for (int i = 0; i < 2 * POINTS; i++) x0[i] = (double)x[i];
        draw(batch, ITO_STREAM_NOISE, eps);
        draw(batch, ITO_STREAM_PROBE, probe);
        run_sliced(p, x0, eps, probe);
        for (int form = 0; form < FORMS; form++) {
            double *loss = read_sliced(p, form);
            for (int i = 0; i < POINTS; i++) {
                m[form].sum += loss[i];
                m[form].squares += loss[i] * loss[i];
            }
            free(loss);
        }
    }
    free(x);
    free(x0);
    free(eps);
    free(probe);
}

/* EQ[ssm:7] EQ[ssm:8]: the mean over data, noise and normal directions is the explicit loss less the constant, within
 * five standard errors; a wrong factor of |s|^2 / 2 or sign of the trace would move it by more than ten. */
static void check_drawn(const struct choice *choice)
{
    problem p;
    field *f = calloc(1, sizeof *f);
    moments m[FORMS] = {{0}};
    double n = (double)BATCHES * POINTS, se[FORMS];
    open_problem(&p, choice, 2);
    fill_field(&p, f);
    draw_losses(&p, m);
    sums want = integrate(f);
    double implicit = want.explicit - want.rest, trace = implicit - want.size;
    for (int form = 0; form < FORMS; form++) {
        double mean = m[form].sum / n;
        se[form] = sqrt((m[form].squares / n - mean * mean) / n);
        if (!(fabs(mean - implicit) <= 5 * se[form]))
            fail_msg("%s: %.6g +- %.2g, expected %.6g", choice->prediction, mean, se[form], implicit);
        assert_true(10 * se[form] < fmin(0.5 * want.size, 2 * fabs(trace)));
    }
    assert_true(se[REDUCED] < se[PLAIN]); /* which is its name */
    close_problem(&p);
    free(f);
}

static void test_drawn(void **state)
{
    (void)state;
    for (int c = 0; c < N_CHOICES; c++) check_drawn(&choices[c]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_grid), cmocka_unit_test(test_drawn)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
