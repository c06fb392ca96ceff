/* Sums over all pairs of rows, for the sets themselves and for all their resamples at once: a pair's kernel is computed once and
 * counts w_i w_k times in a resample that has w_i and w_k copies of its rows. Rows are taken in blocks, each a slice of the
 * parallel loop with sums of its own, which are added in order. */
#include "metric/pairs.h"

#include <math.h>

#include "kernel/kernel.h"

#define BLOCK   64
#define COLUMNS ITO_PAIR_COLUMNS

typedef struct work {
    const ito__pair_kernel *kernel;
    const float *x, *y; /* [n, d], [m, d]; y is x for pairs within a set, k < i only */
    int64_t n, m, d;
    bool within;
    const double *w_x, *w_y; /* [n, n_sums], [m, n_sums] */
    int n_sums;
    double *sums;                  /* [blocks, n_sums] */
    double *panels, *tiles, *rows; /* per thread: [d, COLUMNS], [BLOCK, COLUMNS], [BLOCK, n_sums] */
} work;

void ito__pair_tile(bool of_distance, const float *x, int n_rows, const float *y, int count, int64_t d, double *panel,
                    double *numbers)
{
    for (int c = 0; c < COLUMNS; c++)
        for (int64_t k = 0; k < d; k++) panel[k * COLUMNS + c] = (double)y[(c < count ? c : 0) * d + k];
    for (int r = 0; r < n_rows; r++) {
        const float *row = x + r * d;
        double sum[COLUMNS] = {0};
        if (of_distance)
            for (int64_t k = 0; k < d; k++)
                for (int c = 0; c < COLUMNS; c++) {
                    double away = (double)row[k] - panel[k * COLUMNS + c];
                    sum[c] += away * away;
                }
        else
            for (int64_t k = 0; k < d; k++)
                for (int c = 0; c < COLUMNS; c++) sum[c] += (double)row[k] * panel[k * COLUMNS + c];
        for (int c = 0; c < COLUMNS; c++) numbers[r * COLUMNS + c] = sum[c];
    }
}

/* rows [n_rows, n_sums] grows by the tile times the weights of its columns. */
static void add_tile(const double *tile, int n_rows, const double *w, int count, int n_sums, double *rows)
{
    for (int r = 0; r < n_rows; r++)
        for (int c = 0; c < count; c++) {
            double k = tile[r * COLUMNS + c], *row = rows + (ptrdiff_t)r * n_sums;
            const double *weight = w + (ptrdiff_t)c * n_sums;
            for (int s = 0; s < n_sums; s++) row[s] += k * weight[s];
        }
}

static void one_block(void *arg, int64_t block, int thread)
{
    work *w = arg;
    int64_t first = block * BLOCK, end = w->within ? ITO_MIN(first + BLOCK, w->n) : w->m;
    int n_rows = (int)ITO_MIN(BLOCK, w->n - first);
    double *panel = w->panels + thread * w->d * COLUMNS, *tile = w->tiles + (ptrdiff_t)thread * BLOCK * COLUMNS;
    double *rows = w->rows + (ptrdiff_t)thread * BLOCK * w->n_sums, *sums = w->sums + block * w->n_sums;
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n_rows * w->n_sums; i++) rows[i] = 0;
    for (int64_t k = 0; k < end; k += COLUMNS) {
        int count = (int)ITO_MIN(COLUMNS, end - k);
        ito__pair_tile(w->kernel->of_distance, w->x + first * w->d, n_rows, w->y + k * w->d, count, w->d, panel, tile);
        w->kernel->apply(w->kernel->arg, n_rows * COLUMNS, tile);
        for (int r = 0; w->within && r < n_rows; r++)
            for (int64_t c = ITO_MAX(first + r - k, 0); c < COLUMNS; c++) tile[r * COLUMNS + c] = 0;
        add_tile(tile, n_rows, w->w_y + k * w->n_sums, count, w->n_sums, rows);
    }
    for (int r = 0; r < n_rows; r++)
        for (int s = 0; s < w->n_sums; s++)
            sums[s] += w->w_x[(first + r) * w->n_sums + s] * rows[(ptrdiff_t)r * w->n_sums + s];
}

/* Adds factor times the sum over pairs, over the sum of their weights, to out [n_sums]. */
static ito_status add_mean(ito_ctx *ctx, work *w, double factor, const double *pairs, double *out)
{
    ito_queue queue = {ito_ctx_n_threads(ctx)};
    int64_t n_blocks = (w->n + BLOCK - 1) / BLOCK;
    size_t n_threads = (size_t)queue.n_threads, n_sums = (size_t)w->n_sums;
    w->sums = ito__alloc_array(ctx, (size_t)n_blocks, n_sums * sizeof(double));
    w->panels = ito__alloc_array(ctx, n_threads, (size_t)w->d * COLUMNS * sizeof(double));
    w->tiles = ito__alloc_array(ctx, n_threads, (size_t)BLOCK * COLUMNS * sizeof(double));
    w->rows = ito__alloc_array(ctx, n_threads, BLOCK * n_sums * sizeof(double));
    ito_status st = w->sums && w->panels && w->tiles && w->rows ? ITO_OK : ITO_MEMORY;
    if (st == ITO_OK) ito__parallel(&queue, n_blocks, one_block, w);
    for (int s = 0; st == ITO_OK && s < w->n_sums; s++) {
        double sum = 0;
        for (int64_t b = 0; b < n_blocks; b++) sum += w->sums[b * w->n_sums + s];
        out[s] += factor * sum / pairs[s];
    }
    void *parts[] = {w->sums, w->panels, w->tiles, w->rows};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
    return st;
}

/* Weights as the tiles want them, [n, n_sums], and for each column half of (sum w)^2 - sum w^2: the pairs k < i. */
static double *turned_weights(ito_ctx *ctx, const ito_resampling *r, int side, int64_t n, double *pairs)
{
    int n_sums = r->n + 1;
    double *rows = ito__resample(ctx, r, side, n);
    double *turned = rows ? ito__alloc_array(ctx, (size_t)n, (size_t)n_sums * sizeof *turned) : NULL;
    for (int s = 0; turned && s < n_sums; s++) {
        double squares = 0;
        for (int64_t i = 0; i < n; i++) {
            double w = rows[s * n + i];
            turned[i * n_sums + s] = w;
            squares += w * w;
        }
        pairs[s] = ((double)n * (double)n - squares) / 2;
    }
    ito__free(ctx, rows);
    return turned;
}

/* The parts of a discrepancy: weights of either set, numbers of pairs, results. */
typedef struct parts {
    double *w_x, *w_y, *pairs_x, *pairs_y, *pairs_between, *out;
} parts;

static ito_status create(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *r, parts *p)
{
    double **const rows[] = {&p->pairs_x, &p->pairs_y, &p->pairs_between, &p->out};
    for (int i = 0; i < ITO_COUNT(rows); i++)
        if (!(*rows[i] = ito__alloc_array(ctx, (size_t)r->n + 1, sizeof(double)))) return ITO_MEMORY;
    for (int s = 0; s <= r->n; s++) p->pairs_between[s] = (double)sets->n * (double)sets->m;
    p->w_x = turned_weights(ctx, r, 0, sets->n, p->pairs_x);
    p->w_y = turned_weights(ctx, r, 1, sets->m, p->pairs_y);
    return p->w_x && p->w_y ? ITO_OK : ITO_MEMORY;
}

/* EQ[mmd:3]  mean over i != k of k(x_i, x_k) + mean over i != k of k(y_i, y_k) - 2 mean of k(x_i, y_k) */
static ito_status add_means(ito_ctx *ctx, const ito_sets *s, const ito__pair_kernel *kernel, int n_sums, const parts *p)
{
    work xx = {.kernel = kernel, .x = s->x, .y = s->x, .n = s->n, .m = s->n, .d = s->d, .within = true};
    work yy = {.kernel = kernel, .x = s->y, .y = s->y, .n = s->m, .m = s->m, .d = s->d, .within = true};
    work xy = {.kernel = kernel, .x = s->x, .y = s->y, .n = s->n, .m = s->m, .d = s->d};
    xx.w_x = xx.w_y = xy.w_x = p->w_x;
    yy.w_x = yy.w_y = xy.w_y = p->w_y;
    xx.n_sums = yy.n_sums = xy.n_sums = n_sums;
    ITO_TRY(add_mean(ctx, &xx, 1, p->pairs_x, p->out));
    ITO_TRY(add_mean(ctx, &yy, 1, p->pairs_y, p->out));
    return add_mean(ctx, &xy, -2, p->pairs_between, p->out);
}

/* A set of two or three rows may be drawn as copies of one of them: it has no pairs, and its score is left out. */
static int drop_empty(double *values, int n)
{
    int kept = 1;
    for (int b = 1; b < n; b++)
        if (isfinite(values[b])) values[kept++] = values[b];
    return kept - 1;
}

ito_status ito__pair_discrepancy(ito_ctx *ctx, const ito_sets *sets, const ito__pair_kernel *kernel,
                                 const ito_resampling *r, ito_score *out)
{
    parts p = {0};
    ito_resampling kept = *r;
    ito_status st = create(ctx, sets, r, &p);
    if (st == ITO_OK) st = add_means(ctx, sets, kernel, r->n + 1, &p);
    if (st == ITO_OK && !isfinite(p.out[0]))
        st = ito__fail(ctx, ITO_NUMERIC, "a kernel of two rows is not finite: the numbers are too large");
    if (st == ITO_OK) {
        kept.n = drop_empty(p.out, r->n + 1);
        *out = ito__score(&kept, p.out);
    }
    void *all[] = {p.w_x, p.w_y, p.pairs_x, p.pairs_y, p.pairs_between, p.out};
    for (int i = 0; i < ITO_COUNT(all); i++) ito__free(ctx, all[i]);
    return st;
}
