/* Precision and recall (Kynkaanniemi, Karras, Laine, Lehtinen, Aila 2019), density and coverage (Naeem, Oh, Uh, Choi, Yoo 2020):
 * whether points of one set lie in the neighbourhoods of another. A neighbourhood is the closed ball that reaches the k-th nearest
 * other point of a point's own set. Distances are kept squared. */
#include <math.h>

#include "kernel/kernel.h"
#include "metric/pairs.h"

#define K       3
#define K_DENSE 5
#define BLOCK   64
#define COLUMNS ITO_PAIR_COLUMNS

/* What is asked of the distances from rows x to all of y. */
typedef struct pass {
    const float *x, *y; /* [n, d], [m, d] */
    int64_t n, m, d;
    /* within a set, y = x: radii [2, n], the squared distances to the k[0]-th and k[1]-th other point */
    int k[2], most; /* most: the larger one */
    double *radii;
    /* between sets */
    const double *radii_x, *radii_y;  /* [2, n], [2, m] */
    double *inside;                   /* [n]: is the row in a ball of radius radii_y[0]? */
    double *balls;                    /* [n]: in how many of radius radii_y[1]? */
    double *covered;                  /* [n]: does a row of y lie in its ball of radius radii_x[1]? */
    double *panels, *tiles, *nearest; /* per thread: [d, COLUMNS], [BLOCK, COLUMNS], [BLOCK, most] */
} pass;

/* Keeps the `most` smallest, ascending. */
static void insert(double *smallest, int most, double value)
{
    int i = most - 1;
    if (value >= smallest[i]) return;
    for (; i > 0 && smallest[i - 1] > value; i--) smallest[i] = smallest[i - 1];
    smallest[i] = value;
}

static void add_within(const pass *p, int64_t first, int n_rows, int64_t at, int count, const double *tile,
                       double *nearest)
{
    for (int r = 0; r < n_rows; r++)
        for (int c = 0; c < count; c++)
            if (first + r != at + c) insert(nearest + (ptrdiff_t)r * p->most, p->most, tile[r * COLUMNS + c]);
}

static void add_between(const pass *p, int64_t first, int n_rows, int64_t at, int count, const double *tile)
{
    const double *near = p->radii_y, *dense = p->radii_y + p->m;
    for (int r = 0; r < n_rows; r++)
        for (int c = 0; c < count; c++) {
            double squared = tile[r * COLUMNS + c];
            int64_t i = first + r, k = at + c;
            if (squared <= near[k]) p->inside[i] = 1;
            if (squared <= dense[k]) p->balls[i]++;
            if (squared <= p->radii_x[p->n + i]) p->covered[i] = 1;
        }
}

static void one_block(void *arg, int64_t block, int thread)
{
    const pass *p = arg;
    int64_t first = block * BLOCK;
    int n_rows = (int)ITO_MIN(BLOCK, p->n - first);
    double *panel = p->panels + thread * p->d * COLUMNS, *tile = p->tiles + (ptrdiff_t)thread * BLOCK * COLUMNS;
    double *nearest = p->radii ? p->nearest + (ptrdiff_t)thread * BLOCK * p->most : NULL;
    for (int i = 0; nearest && i < n_rows * p->most; i++) nearest[i] = INFINITY;
    for (int64_t k = 0; k < p->m; k += COLUMNS) {
        int count = (int)ITO_MIN(COLUMNS, p->m - k);
        ito__pair_tile(true, p->x + first * p->d, n_rows, p->y + k * p->d, count, p->d, panel, tile);
        if (nearest)
            add_within(p, first, n_rows, k, count, tile, nearest);
        else
            add_between(p, first, n_rows, k, count, tile);
    }
    for (int r = 0; nearest && r < n_rows; r++)
        for (int j = 0; j < 2; j++) p->radii[j * p->n + first + r] = nearest[(ptrdiff_t)r * p->most + p->k[j] - 1];
}

static ito_status run_pass(ito_ctx *ctx, pass *p)
{
    ito_queue queue = {ito_ctx_n_threads(ctx)};
    size_t n_threads = (size_t)queue.n_threads;
    p->most = ITO_MAX(ITO_MAX(p->k[0], p->k[1]), 1);
    p->panels = ito__alloc_array(ctx, n_threads, (size_t)p->d * COLUMNS * sizeof(double));
    p->tiles = ito__alloc_array(ctx, n_threads, (size_t)BLOCK * COLUMNS * sizeof(double));
    p->nearest = ito__alloc_array(ctx, n_threads, BLOCK * (size_t)p->most * sizeof(double));
    ito_status st = p->panels && p->tiles && p->nearest ? ITO_OK : ITO_MEMORY;
    if (st == ITO_OK) ito__parallel(&queue, (p->n + BLOCK - 1) / BLOCK, one_block, p);
    void *parts[] = {p->panels, p->tiles, p->nearest};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
    return st;
}

/* What the passes leave, for either set: radii [2, n], and for each row whether it is inside, in how many balls, covered. */
typedef struct found {
    double *radii, *inside, *balls, *covered;
} found;

static ito_status create(ito_ctx *ctx, int64_t n, found *f)
{
    f->radii = ito__alloc_array(ctx, (size_t)n, 2 * sizeof(double));
    f->inside = ito__alloc_array(ctx, (size_t)n, sizeof(double));
    f->balls = ito__alloc_array(ctx, (size_t)n, sizeof(double));
    f->covered = ito__alloc_array(ctx, (size_t)n, sizeof(double));
    return f->radii && f->inside && f->balls && f->covered ? ITO_OK : ITO_MEMORY;
}

static void clear(ito_ctx *ctx, found *f)
{
    void *parts[] = {f->radii, f->inside, f->balls, f->covered};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
}

static ito_status within(ito_ctx *ctx, const float *x, int64_t n, int64_t d, const ito_neighbour_options *o, found *f)
{
    pass p = {.x = x, .y = x, .n = n, .m = n, .d = d, .k = {o->k, o->k_dense}, .radii = f->radii};
    return run_pass(ctx, &p);
}

static ito_status between(ito_ctx *ctx, const ito_sets *s, found *x, const found *y)
{
    pass p = {.x = s->x,
              .y = s->y,
              .n = s->n,
              .m = s->m,
              .d = s->d,
              .radii_x = x->radii,
              .radii_y = y->radii,
              .inside = x->inside,
              .balls = x->balls,
              .covered = x->covered};
    return run_pass(ctx, &p);
}

static ito_status measure(ito_ctx *ctx, const ito_sets *s, const ito_neighbour_options *o, found *x, found *y)
{
    const ito_sets turned = {.x = s->y, .y = s->x, .n = s->m, .m = s->n, .d = s->d};
    ITO_TRY(create(ctx, s->n, x));
    ITO_TRY(create(ctx, s->m, y));
    ITO_TRY(within(ctx, s->x, s->n, s->d, o, x));
    ITO_TRY(within(ctx, s->y, s->m, s->d, o, y));
    ITO_TRY(between(ctx, s, x, y));
    return between(ctx, &turned, y, x);
}

static ito_status scores(ito_ctx *ctx, const ito_sets *s, const ito_neighbour_options *o, const ito_resampling *r,
                         const found *x, const found *y, ito_neighbour_result *out)
{
    /* EQ[prdc:s3]  density = 1 / (k n) sum over samples of the number of data's balls that it is in */
    for (int64_t i = 0; i < s->n; i++) x->balls[i] /= o->k_dense;
    /* EQ[precrec:2]  precision: the mean over samples of being in a ball of the data; recall: the same with the sets exchanged */
    ITO_TRY(ito__mean_score(ctx, r, 0, s->n, x->inside, &out->precision));
    ITO_TRY(ito__mean_score(ctx, r, 1, s->m, y->inside, &out->recall));
    ITO_TRY(ito__mean_score(ctx, r, 0, s->n, x->balls, &out->density));
    /* EQ[prdc:s3]  coverage: the mean over data of having a sample in its ball */
    return ito__mean_score(ctx, r, 1, s->m, y->covered, &out->coverage);
}

ito_status ito_precision_recall(ito_ctx *ctx, const ito_sets *sets, const ito_neighbour_options *options,
                                const ito_resampling *resampling, ito_neighbour_result *out)
{
    ito_neighbour_options o = options ? *options : (ito_neighbour_options){0};
    ito_resampling r;
    found x = {0}, y = {0};
    if (!o.k) o.k = K;
    if (!o.k_dense) o.k_dense = K_DENSE;
    if (o.k < 1 || o.k_dense < 1 || o.k > 10000 || o.k_dense > 10000)
        return ito__fail(ctx, ITO_USAGE, "precision and recall: the %d and %d nearest, expected 1 to 10000", o.k,
                         o.k_dense);
    ITO_TRY(ito__sets_check(ctx, "precision and recall", sets, ITO_MAX(o.k, o.k_dense) + 1));
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    ito_status st = measure(ctx, sets, &o, &x, &y);
    if (st == ITO_OK) st = scores(ctx, sets, &o, &r, &x, &y, out);
    clear(ctx, &x);
    clear(ctx, &y);
    return st;
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    ito_neighbour_result r;
    ito_neighbour_options o = {.k = (int)ito_opts_int(opts, "k"), .k_dense = (int)ito_opts_int(opts, "k_dense")};
    ITO_TRY(ito_precision_recall(ctx, &in->features, &o, in->resampling, &r));
    *out = (ito_metric_result){.n = 4,
                               .names = {"precision", "recall", "density", "coverage"},
                               .scores = {r.precision, r.recall, r.density, r.coverage}};
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("k", K, 1, 10000, "neighbours that make a ball of precision and recall"),
    ITO_OPT_INT("k_dense", K_DENSE, 1, 10000, "those of density and coverage"),
    ITO_OPT_END,
};

extern const ito_metric_def ito__metric_pr;
const ito_metric_def ito__metric_pr = {
    .choice = {.name = "pr",
               .summary = "precision, recall, density and coverage of features, by nearest neighbours",
               .formula = "precision = mean over x of [x in some ball of y]; recall: x and y exchanged",
               .paper = "precrec",
               .eq = "precrec:2",
               .file = "src/metric/neighbours.c",
               .options = options},
    .needs = ITO_METRIC_FEATURES,
    .compute = compute,
};
