/* Cuts the optimiser's flat arrays into slices and hands them to the loops of the chosen instruction set. */
#include "kernel/cpu/optim.h"

#include "kernel/cpu/isa.h"
#include "kernel/cpu/isa/optim_slice.h"

#define SLICE     16384 /* floats; all arrays of a slice of AdamW fit the second-level cache */
#define MAX_PARTS 256

#define DECLARE(isa) extern const ito_optim_loops ito__optim_loops_##isa;
ITO_ISA_MAP(DECLARE)
#undef DECLARE

static const ito_optim_loops *loops(void)
{
#define ENTRY(isa) &ito__optim_loops_##isa,
    static const ito_optim_loops *const table[ITO_ISA_COUNT] = {ITO_ISA_MAP(ENTRY)};
#undef ENTRY
    return table[ito__isa_best()];
}

typedef struct optim_job {
    const ito_optim_loops *loops;
    int64_t n, slice;
    const ito_adamw *o;
    double decay;
    float *param, *m, *v, *ema;
    const float *x; /* gradients, or what is measured */
    double *sums;
    bool *finite;
} optim_job;

static int64_t slice_size(const optim_job *j, int64_t slice)
{
    return ITO_MIN(j->slice, j->n - slice * j->slice);
}

static int64_t n_slices(const optim_job *j)
{
    return (j->n + j->slice - 1) / j->slice;
}

static void adamw_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const optim_job *j = arg;
    int64_t at = slice * j->slice;
    j->loops->adamw(slice_size(j, slice), j->o, j->param + at, j->x + at, j->m + at, j->v + at,
                    j->ema ? j->ema + at : NULL);
}

void ito__adamw(const ito_queue *q, int64_t n, const ito_adamw *o, float *param, const float *grad, float *m, float *v,
                float *ema)
{
    optim_job j = {.loops = loops(), .n = n, .slice = SLICE, .o = o, .param = param, .m = m, .v = v, .ema = ema};
    j.x = grad;
    ito__parallel(q, n_slices(&j), adamw_slice, &j);
}

static void ema_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const optim_job *j = arg;
    int64_t at = slice * j->slice;
    j->loops->ema(slice_size(j, slice), j->decay, j->x + at, j->ema + at);
}

void ito__ema(const ito_queue *q, int64_t n, double decay, const float *param, float *ema)
{
    optim_job j = {.loops = loops(), .n = n, .slice = SLICE, .decay = decay, .x = param, .ema = ema};
    ito__parallel(q, n_slices(&j), ema_slice, &j);
}

/* --- measures: at most MAX_PARTS slices, so that the parts fit the stack ------------------------------------------ */

static optim_job measure(int64_t n, const float *x)
{
    int64_t size = (n + MAX_PARTS - 1) / MAX_PARTS;
    return (optim_job){.loops = loops(), .n = n, .slice = ITO_MAX((size + 1023) / 1024 * 1024, SLICE), .x = x};
}

static void sum_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const optim_job *j = arg;
    j->sums[slice] = j->loops->sum_squares(slice_size(j, slice), j->x + slice * j->slice);
}

double ito__sum_squares(const ito_queue *q, int64_t n, const float *x)
{
    double sums[MAX_PARTS], total = 0;
    optim_job j = measure(n, x);
    j.sums = sums;
    ito__parallel(q, n_slices(&j), sum_slice, &j);
    for (int64_t i = 0; i < n_slices(&j); i++) total += sums[i];
    return total;
}

static void finite_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const optim_job *j = arg;
    j->finite[slice] = j->loops->all_finite(slice_size(j, slice), j->x + slice * j->slice);
}

bool ito__all_finite(const ito_queue *q, int64_t n, const float *x)
{
    bool finite[MAX_PARTS], all = true;
    optim_job j = measure(n, x);
    j.finite = finite;
    ito__parallel(q, n_slices(&j), finite_slice, &j);
    for (int64_t i = 0; i < n_slices(&j); i++) all = all && finite[i];
    return all;
}
