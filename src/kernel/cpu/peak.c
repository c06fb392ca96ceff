/* Times the loops of isa/peak_loops.c on all threads at once; the best of several tries counts, since whatever else runs on
 * the machine can only slow them down. */
#include "kernel/cpu/peak.h"

#include <unistd.h>

#include "kernel/cpu/isa/peak_loops.h"

#define TRIES  8
#define ROUNDS 200000 /* some milliseconds of multiply-adds */
#define TRY_FLOATS                                                                                                     \
    16777216 /* what a thread streams in one try, the same small arrays again and again or large ones once */

#define DECLARE(isa) extern const ito_peak_loops ito__peak_loops_##isa;
ITO_ISA_MAP(DECLARE)
#undef DECLARE

static const ito_peak_loops *loops(ito_isa isa)
{
#define ENTRY(isa) &ito__peak_loops_##isa,
    static const ito_peak_loops *const table[ITO_ISA_COUNT] = {ITO_ISA_MAP(ENTRY)};
#undef ENTRY
    return table[isa];
}

typedef struct peak_job {
    const ito_peak_loops *loops;
    int64_t n, repeats;
    float *memory;
} peak_job;

/* One slice a thread. */
static double best_seconds(const ito_queue *q, void (*fn)(void *arg, int64_t slice, int thread), peak_job *j)
{
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        double start = ito__now();
        ito__parallel(q, q->n_threads, fn, j);
        double seconds = ito__now() - start;
        if (i == 0 || seconds < best) best = seconds;
    }
    return best;
}

static void multiply_add_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const peak_job *j = arg;
    volatile float kept = j->loops->multiply_add(j->repeats, 0.5F, 1.0F + (float)slice);
    (void)kept;
}

double ito__peak_flops(const ito_queue *q, ito_isa isa)
{
    peak_job j = {.loops = loops(isa), .repeats = ROUNDS};
    double seconds = best_seconds(q, multiply_add_slice, &j);
    return (double)q->n_threads * ROUNDS * (double)j.loops->round_flops / seconds;
}

static void stream_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const peak_job *j = arg;
    float *a = j->memory + 2 * slice * j->n;
    for (int64_t r = 0; r < j->repeats; r++) j->loops->stream(j->n, 0.0F, a + j->n, a);
}

double ito__peak_stream(const ito_queue *q, ito_isa isa, int64_t n, float *memory)
{
    peak_job j = {.loops = loops(isa), .n = n, .repeats = ITO_MAX(TRY_FLOATS / n, 1)};
    j.memory = memory;
    double seconds = best_seconds(q, stream_slice, &j);
    return 3.0 * sizeof(float) * (double)q->n_threads * (double)n * (double)j.repeats / seconds;
}

size_t ito__peak_cache(int level)
{
    long bytes = sysconf(level == 2 ? _SC_LEVEL2_CACHE_SIZE : _SC_LEVEL3_CACHE_SIZE);
    if (bytes > 0) return (size_t)bytes;
    return level == 2 ? (size_t)1 << 20 : (size_t)32 << 20;
}
