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

/* ---- the update ---- */

typedef struct adamw_job {
    const ito_optim_loops *loops;
    const ito_adamw *o;
    const ito_optim_arrays *arrays;
    int n_spans;
    const ito_optim_span *spans;
} adamw_job;

static int64_t end_of(const ito_optim_span *s)
{
    return s->first + s->count;
}

/* The first span that ends behind `at`. */
static int find_span(const adamw_job *j, int64_t at)
{
    int low = 0, high = j->n_spans;
    while (low < high) {
        int middle = (low + high) / 2;
        if (end_of(&j->spans[middle]) <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Slices are of the flat arrays: a network has hundreds of small parameters, and each would be a parallel loop of its own. */
static void adamw_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const adamw_job *j = arg;
    int64_t begin = slice * SLICE, end = begin + SLICE;
    for (int s = find_span(j, begin); s < j->n_spans && j->spans[s].first < end; s++) {
        const ito_optim_span *span = &j->spans[s];
        int64_t first = ITO_MAX(begin, span->first);
        j->loops->adamw(first, ITO_MIN(end, end_of(span)) - first, j->o, span->weight_decay, j->arrays);
    }
}

static void adamw(const ito_queue *q, const ito_adamw *o, int n_spans, const ito_optim_span *spans,
                  const ito_optim_arrays *a)
{
    adamw_job j = {loops(), o, a, n_spans, spans};
    if (n_spans) ito__parallel(q, (end_of(&spans[n_spans - 1]) + SLICE - 1) / SLICE, adamw_slice, &j);
}

/* ---- the norm ---- */

typedef struct sum_job {
    const ito_optim_loops *loops;
    int64_t n, slice;
    ito_dtype dtype;
    const void *x;
    double *sums;
} sum_job;

static void sum_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const sum_job *j = arg;
    int64_t first = slice * j->slice, n = ITO_MIN(j->slice, j->n - first);
    j->sums[slice] = j->dtype == ITO_BF16 ? j->loops->sum_squares_bf16(n, (const uint16_t *)j->x + first)
                                          : j->loops->sum_squares(n, (const float *)j->x + first);
}

/* In double over fixed slices added in order, at most MAX_PARTS, so that their sums fit the stack. */
static double sum_squares(const ito_queue *q, int64_t n, ito_dtype dtype, const void *x)
{
    double sums[MAX_PARTS], total = 0;
    int64_t size = (n + MAX_PARTS - 1) / MAX_PARTS, slice = ITO_MAX((size + 1023) / 1024 * 1024, SLICE);
    int64_t n_slices = (n + slice - 1) / slice;
    sum_job j = {loops(), n, slice, dtype, x, sums};
    ito__parallel(q, n_slices, sum_slice, &j);
    for (int64_t i = 0; i < n_slices; i++) total += sums[i];
    return total;
}

const ito_optim ito__cpu_optim = {.adamw = adamw, .sum_squares = sum_squares};
