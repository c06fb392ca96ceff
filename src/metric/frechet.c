/* The Frechet distance of two Gaussians (Dowson, Landau 1982) fitted to sets of points: FID (Heusel et al. 2017) is this one, of
 * Inception's features. The trace of (S_x S_y)^(1/2) is the sum of the roots of the eigenvalues of S_x S_y. With S_x = A^T A and
 * S_y = B^T B these roots are the singular values of A B^T, which LAPACK gives to rounding of the largest one; eigenvalues of a
 * product would first be squared, and noise of 1e-16 in one that is zero would become 1e-8 in its root. A and B are Cholesky
 * factors with pivots, which have as many rows as the covariance has rank. */
#include <lapacke.h>
#include <math.h>

#include "kernel/kernel.h"
#include "metric/sets.h"

#define ROWS 4 /* of a set, added to the covariance at a time */

/* What one thread works in. */
typedef struct scratch {
    double *mean[2], *rows, *covariance; /* [d], [ROWS, d], [d, d] */
    double *factor[2], *product;         /* [d, d] */
    double *values, *superdiagonal;      /* [d] */
    lapack_int *pivots;
} scratch;

typedef struct work {
    const ito_sets *sets;
    const double *weights[2]; /* [1 + resamples, n or m] */
    double *values;           /* [1 + resamples] */
    scratch *threads;
} work;

/* ---- moments ---- */

static void weighted_mean(const float *x, int64_t n, int64_t d, const double *w, double *mean)
{
    for (int64_t k = 0; k < d; k++) mean[k] = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; w[i] != 0 && k < d; k++) mean[k] += w[i] * (double)x[i * d + k];
    for (int64_t k = 0; k < d; k++) mean[k] /= (double)n;
}

/* The lower triangle grows by the products of ROWS rows of deviations, the weight of each in one factor. */
static void add_products(const double *rows, const double *w, int64_t d, double *lower)
{
    const double *a = rows, *b = rows + d, *c = rows + 2 * d, *e = rows + 3 * d;
    for (int64_t i = 0; i < d; i++) {
        double wa = w[0] * a[i], wb = w[1] * b[i], wc = w[2] * c[i], we = w[3] * e[i], *row = lower + i * d;
        for (int64_t k = 0; k <= i; k++) row[k] += wa * a[k] + wb * b[k] + wc * c[k] + we * e[k];
    }
}

/* Row-major lower triangle, divisor n - 1. Weights add up to n. */
static void weighted_covariance(const float *x, int64_t n, int64_t d, const double *w, scratch *t, const double *mean)
{
    double taken[ROWS] = {0};
    int n_taken = 0;
    for (int64_t i = 0; i < d * d; i++) t->covariance[i] = 0;
    for (int64_t i = 0; i < n; i++) {
        if (w[i] != 0) {
            for (int64_t k = 0; k < d; k++) t->rows[n_taken * d + k] = (double)x[i * d + k] - mean[k];
            taken[n_taken++] = w[i];
        }
        if (n_taken == ROWS || (n_taken && i == n - 1)) {
            add_products(t->rows, taken, d, t->covariance);
            for (int r = 0; r < ROWS; r++) taken[r] = 0;
            n_taken = 0;
        }
    }
    for (int64_t i = 0; i < d * d; i++) t->covariance[i] /= (double)(n - 1);
}

/* ---- the distance ---- */

static double trace(const double *s, int64_t d)
{
    double sum = 0;
    for (int64_t i = 0; i < d; i++) sum += s[i * d + i];
    return sum;
}

/* factor [rank, d] with factor^T factor = the covariance; returns the rank. The lower triangle by rows is LAPACK's upper one by
 * columns. What falls below d 2^-53 of the largest variance is rounding, and left out. */
static int64_t factorise(scratch *t, int64_t d, double *factor)
{
    lapack_int rank = 0;
    LAPACKE_dpstrf(LAPACK_COL_MAJOR, 'U', (lapack_int)d, t->covariance, (lapack_int)d, t->pivots, &rank, -1);
    for (int64_t i = 0; i < rank * d; i++) factor[i] = 0;
    for (int64_t j = 0; j < d; j++)
        for (int64_t i = 0; i < rank && i <= j; i++) factor[i * d + t->pivots[j] - 1] = t->covariance[j * d + i];
    return rank;
}

/* tr (S_x S_y)^(1/2) from the factors; NAN when the singular values do not converge. */
static double trace_of_root(scratch *t, int64_t d, int64_t n_a, int64_t n_b)
{
    double sum = 0, *m = t->product;
    if (!n_a || !n_b) return 0;
    for (int64_t i = 0; i < n_a; i++)
        for (int64_t k = 0; k < n_b; k++) {
            double dot = 0;
            for (int64_t j = 0; j < d; j++) dot += t->factor[0][i * d + j] * t->factor[1][k * d + j];
            m[i * n_b + k] = dot;
        }
    /* By columns it is the transposed matrix, of the same singular values. */
    lapack_int info = LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'N', (lapack_int)n_b, (lapack_int)n_a, m, (lapack_int)n_b,
                                     t->values, NULL, 1, NULL, 1, t->superdiagonal);
    for (int64_t i = 0; i < ITO_MIN(n_a, n_b); i++) sum += t->values[i];
    return info ? (double)NAN : sum;
}

static double distance(const ito_sets *sets, const double *w_x, const double *w_y, scratch *t)
{
    const float *const x[] = {sets->x, sets->y};
    const double *const w[] = {w_x, w_y};
    const int64_t n[] = {sets->n, sets->m};
    int64_t d = sets->d, rank[2];
    double squares = 0, traces = 0;
    for (int s = 0; s < 2; s++) {
        weighted_mean(x[s], n[s], d, w[s], t->mean[s]);
        weighted_covariance(x[s], n[s], d, w[s], t, t->mean[s]);
        traces += trace(t->covariance, d);
        rank[s] = factorise(t, d, t->factor[s]);
    }
    for (int64_t k = 0; k < d; k++) squares += (t->mean[0][k] - t->mean[1][k]) * (t->mean[0][k] - t->mean[1][k]);
    double root = trace_of_root(t, d, rank[0], rank[1]);
    /* EQ[fid:6]  |mean_x - mean_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)) */
    double value = squares + traces - 2 * root;
    return value < 0 ? 0 : value; /* rounding */
}

static void one(void *arg, int64_t b, int thread)
{
    work *w = arg;
    const ito_sets *s = w->sets;
    w->values[b] = distance(s, w->weights[0] + b * s->n, w->weights[1] + b * s->m, &w->threads[thread]);
}

/* ---- memory ---- */

static void scratch_clear(ito_ctx *ctx, scratch *t)
{
    void *parts[] = {t->mean[0],   t->mean[1], t->rows,   t->covariance,    t->factor[0],
                     t->factor[1], t->product, t->values, t->superdiagonal, t->pivots};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
}

static ito_status scratch_create(ito_ctx *ctx, int64_t d, scratch *t)
{
    double **const vectors[] = {&t->mean[0], &t->mean[1], &t->values, &t->superdiagonal};
    double **const matrices[] = {&t->covariance, &t->factor[0], &t->factor[1], &t->product};
    for (int i = 0; i < ITO_COUNT(vectors); i++)
        if (!(*vectors[i] = ito__alloc_array(ctx, (size_t)d, sizeof(double)))) return ITO_MEMORY;
    for (int i = 0; i < ITO_COUNT(matrices); i++)
        if (!(*matrices[i] = ito__alloc_array(ctx, (size_t)d, (size_t)d * sizeof(double)))) return ITO_MEMORY;
    t->rows = ito__alloc_array(ctx, (size_t)d, ROWS * sizeof *t->rows);
    t->pivots = ito__alloc_array(ctx, (size_t)d, sizeof *t->pivots);
    return t->rows && t->pivots ? ITO_OK : ITO_MEMORY;
}

static ito_status run(ito_ctx *ctx, work *w, const ito_resampling *r, int n_threads)
{
    ito_queue queue = {n_threads};
    for (int i = 0; i < n_threads; i++) ITO_TRY(scratch_create(ctx, w->sets->d, &w->threads[i]));
    ito__parallel(&queue, r->n + 1, one, w);
    for (int b = 0; b <= r->n; b++)
        if (isnan(w->values[b])) return ito__fail(ctx, ITO_NUMERIC, "the Frechet distance: no singular values");
    return ITO_OK;
}

ito_status ito_frechet_distance(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *resampling, ito_score *out)
{
    ito_resampling r;
    work w = {.sets = sets};
    ITO_TRY(ito__sets_check(ctx, "the Frechet distance", sets, 2));
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    if (sets->d > 46340) return ito__fail(ctx, ITO_USAGE, "the Frechet distance: d is more than 46340");
    int n_threads = ITO_MIN(ito_ctx_n_threads(ctx), r.n + 1);
    double *x = ito__resample(ctx, &r, 0, sets->n), *y = ito__resample(ctx, &r, 1, sets->m);
    w.weights[0] = x;
    w.weights[1] = y;
    w.values = ito__alloc_array(ctx, (size_t)r.n + 1, sizeof *w.values);
    w.threads = ito__alloc_array(ctx, (size_t)n_threads, sizeof *w.threads);
    ito_status st = x && y && w.values && w.threads ? run(ctx, &w, &r, n_threads) : ITO_MEMORY;
    if (st == ITO_OK) *out = ito__score(&r, w.values);
    for (int i = 0; w.threads && i < n_threads; i++) scratch_clear(ctx, &w.threads[i]);
    void *parts[] = {x, y, w.values, w.threads};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
    return st;
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    (void)opts;
    *out = (ito_metric_result){.n = 1, .names = {"fd"}};
    return ito_frechet_distance(ctx, &in->features, in->resampling, &out->scores[0]);
}

extern const ito_metric_def ito__metric_fd;
const ito_metric_def ito__metric_fd = {
    .choice = {.name = "fd",
               .summary = "Frechet distance of Gaussians fitted to features",
               .formula = "|mean_x - mean_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2))",
               .paper = "fid",
               .eq = "fid:6",
               .file = "src/metric/frechet.c"},
    .needs = ITO_METRIC_FEATURES,
    .compute = compute,
};
