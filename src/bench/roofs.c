/* The roofline (Williams, Waterman and Patterson 2009): a kernel is no faster than its arithmetic at the processor's peak, nor
 * than its data at the peak of where they lie. Both peaks are measured here, so a share of them means the same anywhere. */
#include <string.h>

#include "bench/bench_impl.h"
#include "kernel/cpu/peak.h"

/* Floats per array and thread: two arrays together fill half of a core's second-level cache, a quarter of the third-level
 * cache shared by all threads (others use it too), three times that cache. */
typedef struct stream_sizes {
    int64_t l2, l3, memory;
} stream_sizes;

static int64_t floats(double bytes)
{
    return ITO_MAX((int64_t)(bytes / 2 / sizeof(float)) / 64 * 64, 64);
}

static stream_sizes sizes_for(int n_threads)
{
    double l2 = (double)ito__peak_cache(2), l3 = (double)ito__peak_cache(3);
    return (stream_sizes){floats(l2 / 2), floats(l3 / 4 / n_threads), floats(3 * l3 / n_threads)};
}

/* A neighbour on the machine may be busy for a while, so everything is measured again and again; the best counts. */
#define ROUNDS 5

static void keep_best(double *best, double per_second)
{
    *best = ITO_MAX(*best, 1e-9 * per_second);
}

static void measure_once(const ito_queue *q, const stream_sizes *n, float *memory, ito_bench_roofs *r)
{
    ito_isa best = ito__isa_best();
    int at = 0;
    for (int isa = 0; isa <= (int)best; isa++) {
        if (!ito__isa_available((ito_isa)isa)) continue;
        r->isa[at].name = ito__isa_name((ito_isa)isa);
        keep_best(&r->isa[at++].gflops, ito__peak_flops(q, (ito_isa)isa));
    }
    r->n_isas = at;
    keep_best(&r->l2_gbytes, ito__peak_stream(q, best, n->l2, memory));
    keep_best(&r->l3_gbytes, ito__peak_stream(q, best, n->l3, memory));
    keep_best(&r->memory_gbytes, ito__peak_stream(q, best, n->memory, memory));
}

ito_status ito_bench_roofs_measure(ito_ctx *ctx, ito_bench_roofs *out)
{
    ito_queue q = {ito_ctx_n_threads(ctx)};
    stream_sizes n = sizes_for(q.n_threads);
    int64_t most = ITO_MAX(ITO_MAX(n.l2, n.l3), n.memory);
    float *memory = ito__alloc_array(ctx, (size_t)(2 * most * q.n_threads), sizeof *memory);
    if (!memory) return ITO_MEMORY;
    for (int64_t i = 0; i < 2 * most * q.n_threads; i++) memory[i] = 1; /* zeroed pages may all be the same one */
    *out = (ito_bench_roofs){
        .n_threads = q.n_threads, .l2_bytes = (size_t)q.n_threads * ito__peak_cache(2), .l3_bytes = ito__peak_cache(3)};
    for (int i = 0; i < ROUNDS; i++) measure_once(&q, &n, memory, out);
    ito__free(ctx, memory);
    return ITO_OK;
}

/* F(4x4, 3x3) multiplies 36 times where the direct algorithm does 144 times, F(2x2, 3x3) 16 instead of 36 times. */
static double multiplications(const ito_bench_row *row)
{
    if (row->algorithm && !strncmp(row->algorithm, "winograd4", 9)) return row->flops / 4;
    if (row->algorithm && !strncmp(row->algorithm, "winograd2", 9)) return row->flops * 4 / 9;
    return row->flops;
}

void ito_bench_rate(const ito_bench_roofs *roofs, ito_bench_row *row)
{
    double bandwidth = roofs->memory_gbytes;
    const char *level = "memory";
    if (row->bytes <= (double)roofs->l3_bytes / 2) bandwidth = roofs->l3_gbytes, level = "L3";
    if (row->bytes <= (double)roofs->l2_bytes) bandwidth = roofs->l2_gbytes, level = "L2";
    double compute_ms = 1e-6 * multiplications(row) / roofs->isa[roofs->n_isas - 1].gflops;
    double data_ms = 1e-6 * row->bytes / bandwidth;
    row->roof_ms = ITO_MAX(compute_ms, data_ms);
    row->bound = compute_ms > data_ms ? "compute" : level;
    row->share = row->ms > 0 ? row->roof_ms / row->ms : 0;
    row->gflops = row->ms > 0 ? 1e-6 * row->flops / row->ms : 0;
    row->gbytes = row->ms > 0 ? 1e-6 * row->bytes / row->ms : 0;
}
