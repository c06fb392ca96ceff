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
    float *param, *m, *v, *ema;
    const float *x; /* gradients, or what is measured */
    double *sums;
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

static void run(const ito_queue *q, optim_job j, void (*fn)(void *arg, int64_t slice, int thread))
{
    ito__parallel(q, n_slices(&j), fn, &j);
}

static void adamw(const ito_queue *q, int64_t n, const ito_adamw *o, float *param, const float *grad, float *m,
                  float *v, float *ema)
{
    run(q,
        (optim_job){
            .loops = loops(), .n = n, .slice = SLICE, .o = o, .param = param, .x = grad, .m = m, .v = v, .ema = ema},
        adamw_slice);
}

/* At most MAX_PARTS slices, so that their sums fit the stack. */
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

/* In double over fixed slices added in order. */
static double sum_squares(const ito_queue *q, int64_t n, const float *x)
{
    double sums[MAX_PARTS], total = 0;
    optim_job j = measure(n, x);
    j.sums = sums;
    ito__parallel(q, n_slices(&j), sum_slice, &j);
    for (int64_t i = 0; i < n_slices(&j); i++) total += sums[i];
    return total;
}

const ito_optim ito__cpu_optim = {.adamw = adamw, .sum_squares = sum_squares};
