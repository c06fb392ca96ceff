/* The sliced Wasserstein distance (Rabin, Peyre, Delon, Bernot 2011; as in Kolouri et al. 2019, section 2): Wasserstein distances
 * of one-dimensional projections, where they are the difference of quantile functions. */
#include <math.h>
#include <stdlib.h>

#include <ito/rng.h>

#include "kernel/kernel.h"
#include "metric/sets.h"

#define PROJECTIONS 128
#define MOST_ROWS   ((int64_t)1 << 24) /* masses n m stay exact in double */

/* A row of a set, projected. */
typedef struct place {
    double at;
    int64_t row;
} place;

typedef struct work {
    const ito_sets *sets;
    const ito_sliced_options *o;
    const double *weights[2]; /* [n_sums, n or m] */
    int n_sums;
    double *powers; /* [projections, n_sums] */
    place *places;  /* per thread [n + m] */
    double *directions;
    float *normals; /* per thread [d] */
} work;

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (x->row > y->row) - (x->row < y->row);
}

/* A direction uniform on the sphere. */
static void draw_direction(uint64_t seed, int64_t k, int64_t d, float *normals, double *direction)
{
    double squares = 0;
    ito_rng_key key = {.seed = seed, .stream = ITO_STREAM_PROJECTION, .step = (uint32_t)k};
    ito_rng_normal(key, 0, (size_t)d, normals);
    for (int64_t j = 0; j < d; j++) squares += (double)normals[j] * (double)normals[j];
    for (int64_t j = 0; j < d; j++) direction[j] = (double)normals[j] / sqrt(squares);
}

static void project(const float *x, int64_t n, int64_t d, const double *direction, place *out)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < d; j++) sum += direction[j] * (double)x[i * d + j];
        out[i] = (place){sum, i};
    }
    qsort(out, (size_t)n, sizeof *out, by_place);
}

/* W_p^p of two weighted sets on a line: both are gone through from the left, and the mass that either has left at its place moves
 * to the other's. A copy of a row of x has mass m, one of y mass n, which are whole numbers and add up to n m on either side. */
static double power(const place *x, const double *w_x, int64_t n, const place *y, const double *w_y, int64_t m, int p)
{
    int64_t i = 0, k = 0;
    double left_x = w_x[x[0].row] * (double)m, left_y = w_y[y[0].row] * (double)n, sum = 0;
    while (i < n && k < m) {
        double mass = fmin(left_x, left_y), away = fabs(x[i].at - y[k].at);
        /* EQ[gsw:s2]  the integral of |F_x^-1(u) - F_y^-1(u)|^p over u in 0..1 */
        sum += mass * (p == 1 ? away : away * away);
        left_x -= mass;
        left_y -= mass;
        if (left_x == 0 && ++i < n) left_x = w_x[x[i].row] * (double)m;
        if (left_y == 0 && ++k < m) left_y = w_y[y[k].row] * (double)n;
    }
    return sum / ((double)n * (double)m);
}

static void one_projection(void *arg, int64_t k, int thread)
{
    work *w = arg;
    const ito_sets *s = w->sets;
    place *x = w->places + thread * (s->n + s->m), *y = x + s->n;
    double *direction = w->directions + thread * s->d;
    draw_direction(w->o->seed, k, s->d, w->normals + thread * s->d, direction);
    project(s->x, s->n, s->d, direction, x);
    project(s->y, s->m, s->d, direction, y);
    for (int b = 0; b < w->n_sums; b++)
        w->powers[k * w->n_sums + b] =
            power(x, w->weights[0] + b * s->n, s->n, y, w->weights[1] + b * s->m, s->m, w->o->p);
}

/* The distances of the sets and of their resamples, into the powers' first row. */
static void add_up(work *w)
{
    for (int b = 0; b < w->n_sums; b++) {
        double sum = 0;
        for (int k = 0; k < w->o->n_projections; k++) sum += w->powers[(ptrdiff_t)k * w->n_sums + b];
        sum /= w->o->n_projections;
        w->powers[b] = w->o->p == 1 ? sum : sqrt(sum);
    }
}

static ito_status run(ito_ctx *ctx, work *w, const ito_resampling *r, ito_score *out)
{
    ito_queue queue = {ito_ctx_n_threads(ctx)};
    size_t n_threads = (size_t)queue.n_threads, d = (size_t)w->sets->d, rows = (size_t)(w->sets->n + w->sets->m);
    double *x = ito__resample(ctx, r, 0, w->sets->n), *y = ito__resample(ctx, r, 1, w->sets->m);
    w->weights[0] = x;
    w->weights[1] = y;
    w->powers = ito__alloc_array(ctx, (size_t)w->o->n_projections, (size_t)w->n_sums * sizeof(double));
    w->places = ito__alloc_array(ctx, n_threads, rows * sizeof *w->places);
    w->directions = ito__alloc_array(ctx, n_threads, d * sizeof *w->directions);
    w->normals = ito__alloc_array(ctx, n_threads, d * sizeof *w->normals);
    ito_status st = x && y && w->powers && w->places && w->directions && w->normals ? ITO_OK : ITO_MEMORY;
    if (st == ITO_OK) {
        ito__parallel(&queue, w->o->n_projections, one_projection, w);
        add_up(w);
        *out = ito__score(r, w->powers);
    }
    void *parts[] = {x, y, w->powers, w->places, w->directions, w->normals};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
    return st;
}

ito_status ito_sliced_wasserstein(ito_ctx *ctx, const ito_sets *sets, const ito_sliced_options *options,
                                  const ito_resampling *resampling, ito_score *out)
{
    ito_sliced_options o = options ? *options : (ito_sliced_options){0};
    ito_resampling r;
    if (o.n_projections <= 0) o.n_projections = PROJECTIONS;
    if (!o.p) o.p = 2;
    ITO_TRY(ito__sets_check(ctx, "the sliced Wasserstein distance", sets, 1));
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    if (o.p != 1 && o.p != 2)
        return ito__fail(ctx, ITO_USAGE, "the sliced Wasserstein distance: p is %d, expected 1 or 2", o.p);
    if (sets->n >= MOST_ROWS || sets->m >= MOST_ROWS)
        return ito__fail(ctx, ITO_USAGE, "the sliced Wasserstein distance: %lld and %lld rows, expected less than %lld",
                         (long long)sets->n, (long long)sets->m, (long long)MOST_ROWS);
    work w = {.sets = sets, .o = &o, .n_sums = r.n + 1};
    return run(ctx, &w, &r, out);
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    ito_sliced_options o = {.n_projections = (int)ito_opts_int(opts, "projections"),
                            .p = (int)ito_opts_int(opts, "p"),
                            .seed = in->resampling ? in->resampling->seed : 0};
    *out = (ito_metric_result){.n = 1, .names = {"swd"}};
    return ito_sliced_wasserstein(ctx, &in->points, &o, in->resampling, &out->scores[0]);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("projections", PROJECTIONS, 1, 1000000, "random directions"),
    ITO_OPT_INT("p", 2, 1, 2, "of W_p: 1 or 2"),
    ITO_OPT_END,
};

extern const ito_metric_def ito__metric_swd;
const ito_metric_def ito__metric_swd = {
    .choice = {.name = "swd",
               .summary = "sliced Wasserstein distance over random directions",
               .formula = "(E_w int_0^1 |F_{w.x}^-1(u) - F_{w.y}^-1(u)|^p du)^(1/p)",
               .paper = "gsw",
               .eq = "gsw:s2",
               .file = "src/metric/sliced_wasserstein.c",
               .options = options},
    .needs = ITO_METRIC_POINTS,
    .compute = compute,
};
