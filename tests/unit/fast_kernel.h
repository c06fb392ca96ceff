/* What the tests of the fast kernels share: random inputs, and running one kernel of one instruction set with poisoned
 * output and workspace, so that whatever it forgets to write or reads too early shows as NaN. */
#ifndef FAST_KERNEL_H
#define FAST_KERNEL_H

#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/cpu/isa.h"

static const int fast_threads[] = {1, 2, 3, 8};

/* A small generator of its own, so that a failure repeats exactly: uniform in -1 .. 1. */
static inline uint32_t fast_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static inline float *fast_floats(int64_t n, uint64_t *seed)
{
    float *x = aligned_alloc(64, ((size_t)n * sizeof *x + 64) / 64 * 64);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)fast_random(seed) / 1073741824.0f - 1;
    return x;
}

static inline int64_t fast_between(int64_t low, int64_t high, uint64_t *seed)
{
    return low + fast_random(seed) % (high - low + 1);
}

typedef struct fast_case {
    const char *op, *algorithm; /* algorithm NULL: the first that fits */
    const void *attr;
    int n_in;
    ito_desc in[ITO_MAX_INPUTS], out;
    const void *data[ITO_MAX_INPUTS];
    uint32_t frozen;
    ito_dtype packs;
} fast_case;

static inline void *fast_poison(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
    assert_non_null(memory);
    return memset(memory, 0xff, (bytes + 64) / 64 * 64);
}

/* The output (free it), or NULL when the kernel does not take the case. */
static inline float *fast_run(const fast_case *c, ito_isa isa, int n_threads)
{
    const ito_kernel_def *defs[ITO_ISA_MAX_KERNELS];
    ito_ctx *ctx = ctx_open(0);
    ito_kernel k = {.ctx = ctx, .attr = c->attr, .n_in = c->n_in, .n_out = 1, .frozen = c->frozen, .packs = c->packs};
    k.n_threads = n_threads;
    memcpy(k.in, c->in, sizeof k.in);
    k.out[0] = c->out;
    float *y = NULL;
    int n = ito__isa_kernels(isa, defs);
    ito_status st = ito__kernel_choose(&k, c->op, c->algorithm, n, defs);
    if (st == ITO_OK) {
        ito_queue q = {n_threads};
        void *packed = fast_poison(k.packed_bytes), *workspace = fast_poison(k.workspace_bytes);
        y = fast_poison((size_t)ito_shape_count(c->out.shape) * sizeof *y);
        if (k.packed_bytes) k.def->pack(&k, &q, c->data, packed);
        k.def->run(&k, &q, c->data, (void *[]){y}, workspace, packed);
        ito__kernel_release(&k);
        free(packed);
        free(workspace);
    } else {
        assert_int_equal(st, ITO_UNSUPPORTED);
    }
    ito_ctx_destroy(ctx);
    return y;
}

/* ||y - want|| / ||want||; NaN anywhere gives NaN. */
static inline double fast_error(int64_t n, const float *y, const double *want)
{
    double error = 0, size = 1e-30;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)y[i] - want[i];
        error += d * d;
        size += want[i] * want[i];
    }
    return __builtin_sqrt(error / size);
}

/* Runs the case for every instruction set and number of threads: near want, and the same bits for all numbers of
 * threads. Prints `label` when it fails. */
static inline void fast_check(const fast_case *c, const double *want, double tolerance, const char *label)
{
    int64_t n = ito_shape_count(c->out.shape);
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        if (!ito__isa_available((ito_isa)isa)) continue;
        float *first = fast_run(c, (ito_isa)isa, 1);
        if (!first) fail_msg("%s %s: no kernel", ito__isa_name((ito_isa)isa), label);
        double error = fast_error(n, first, want);
        if (!(error <= tolerance)) fail_msg("%s %s: relative error %g", ito__isa_name((ito_isa)isa), label, error);
        for (int t = 1; t < ITO_COUNT(fast_threads); t++) {
            float *y = fast_run(c, (ito_isa)isa, fast_threads[t]);
            if (memcmp(first, y, (size_t)n * sizeof *y))
                fail_msg("%s %s: other bits with %d threads", ito__isa_name((ito_isa)isa), label, fast_threads[t]);
            free(y);
        }
        free(first);
    }
}

#endif
