/* The order of a deterministic sampler, and the strong order of one that follows a Brownian path. */
#include <math.h>

#include "verify/verify_impl.h"

#define CAUTIOUS 3 /* steps at the end in which a solver may lower its order */

/* One case: its grids, its points, and the flow from them. */
typedef struct bed {
    ito_ctx *ctx;
    const ito_verify *what;
    ito__verify_times times;
    ito_denoiser denoiser;
    int64_t size;
    double *to, *start, *path, *x;
} bed;

static void close_bed(bed *b)
{
    void *arrays[] = {b->to, b->start, b->path, b->x};
    for (int i = 0; i < ITO_COUNT(arrays); i++) ito__free(b->ctx, arrays[i]);
    ito_denoiser_clear(&b->denoiser);
    ito__verify_times_close(b->ctx, &b->times);
}

static ito_status open_bed(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid, int runs, bool needs_path,
                           bed *b)
{
    *b = (bed){.ctx = ctx, .what = what};
    ITO_TRY(ito__verify_times_open(ctx, what, grid, runs, &b->times));
    ITO_TRY(ito_mixture_denoiser(ctx, what->mixture, what->process, "x0", &b->denoiser));
    b->size = (int64_t)b->times.grid.n_points * what->dim;
    b->to = ito__alloc_array(ctx, (size_t)b->times.n + 1, sizeof *b->to);
    b->start = ito__alloc_array(ctx, (size_t)b->size, sizeof *b->start);
    b->x = ito__alloc_array(ctx, (size_t)b->size, sizeof *b->x);
    b->path = ito__alloc_array(ctx, needs_path ? (size_t)(b->size * (b->times.n + 1)) : 0, sizeof *b->path);
    if (!b->to || !b->start || !b->x || !b->path) return ITO_MEMORY;
    ito__verify_start(what, &b->times, b->start);
    return needs_path ? ito__verify_flow(ctx, what, &b->times, b->start, b->path) : ITO_OK;
}

static ito_tensor points(const bed *b, double *x)
{
    return ito_tensor_view(ITO_F64, ITO_SHAPE(b->times.grid.n_points, b->what->dim), x);
}

/* The whole run with n / stride steps; its end into b->x. */
static ito_status whole(bed *b, int stride)
{
    ito_tensor x = points(b, b->x);
    ito_sample_options o = ito__verify_options(b->what, &b->times, stride, b->to, b->start);
    return ito_sample(b->ctx, b->what->process, &b->denoiser, NULL, &o, &x);
}

/* Root mean square of what a run with n / stride steps is off by, at the coarsest run's times after the first up to its `last`-th. At one
 * time alone an error may pass through zero. exact: the states of its first steps are set to the flow's. */
static ito_status along_path(bed *b, int stride, int last, bool exact, double *error)
{
    ito_sampler *s;
    const ito_sampler_def *def;
    ito_sample_options o = ito__verify_options(b->what, &b->times, stride, b->to, b->start);
    int coarse = b->times.n / b->times.grid.n_steps / stride; /* steps between the times that are compared */
    double squares = 0;
    ito_status st = ITO_OK;
    o.dtype = ITO_F64;
    ITO_TRY(ito_sampler_find(b->ctx, b->what->sampler, &def));
    ITO_TRY(ito_sampler_create(b->ctx, b->what->process, &b->denoiser, NULL, points(b, b->x).shape, &o, &s));
    for (int k = 1; st == ITO_OK && k <= last * coarse; k++) {
        const double *flow = b->path + k * stride * b->size;
        st = ito_sampler_step(s);
        ito_sampler_get_x(s, b->x);
        if (k % coarse == 0) squares += pow(ito__verify_distance(b->size, b->x, flow), 2);
        if (exact && k <= def->n_history + 1) ito_sampler_set_x(s, flow);
    }
    *error = sqrt(squares / last);
    ito_sampler_destroy(s);
    return st;
}

ito_status ito_verify_order(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid, ito_verify_rate *formula,
                            ito_verify_rate *run)
{
    bed b;
    ito_status st;
    ITO_GO(open_bed(ctx, what, grid, ITO_VERIFY_RUNS, true, &b));
    for (int k = 0; k < ITO_VERIFY_RUNS; k++) {
        int stride = 1 << (ITO_VERIFY_RUNS - 1 - k), n = b.times.grid.n_steps;
        ITO_GO(along_path(&b, stride, n, false, &run->error[k]));
        ITO_GO(along_path(&b, stride, n - CAUTIOUS, true, &formula->error[k]));
    }
    ito__verify_rate_fit(formula);
    ito__verify_rate_fit(run);
done:
    close_bed(&b);
    return st;
}

ito_status ito_verify_strong(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid, ito_verify_rate *strong)
{
    enum { FINER = 2 }; /* the reference's halvings beyond the finest run */
    bed b;
    double *reference = NULL;
    ito_status st;
    ITO_GO(open_bed(ctx, what, grid, ITO_VERIFY_RUNS + FINER, false, &b));
    ITO_GO(whole(&b, 1));
    reference = ito__alloc_array(ctx, (size_t)b.size, sizeof *reference);
    if (!reference) ITO_GO(ITO_MEMORY);
    for (int64_t i = 0; i < b.size; i++) reference[i] = b.x[i];
    for (int k = 0; k < ITO_VERIFY_RUNS; k++) {
        ITO_GO(whole(&b, 1 << (ITO_VERIFY_RUNS + FINER - 1 - k)));
        strong->error[k] = ito__verify_distance(b.size, b.x, reference);
    }
    ito__verify_rate_fit(strong);
done:
    ito__free(ctx, reference);
    close_bed(&b);
    return st;
}
