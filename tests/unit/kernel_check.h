/* Runs a fast kernel beside the reference kernel: on every instruction set of this machine, results near the
 * reference, and the same bits for 1, 2, 3 and 8 threads. Outputs and workspace are poisoned before. */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "fast_kernel.h"

/* How inputs are drawn. */
typedef enum check_fill { CHECK_NORMAL, CHECK_POSITIVE, CHECK_WIDE, CHECK_INDEX, CHECK_BITS } check_fill;

typedef struct check_case {
    const char *op;
    const void *attr;
    int n_in, n_out;
    ito_desc in[ITO_MAX_INPUTS], out[ITO_MAX_OUTPUTS];
    check_fill fill[ITO_MAX_INPUTS];
    int index_bound;                  /* CHECK_INDEX draws from -1 .. index_bound, both ends outside the table */
    double tolerance;                 /* |fast - ref| <= tolerance (|ref| + largest |ref| of the output * spread) */
    double spread;                    /* 0: relative element by element; 1: sums, where an element may cancel */
    const void *data[ITO_MAX_INPUTS]; /* when set, used instead of random numbers */
} check_case;

static inline ito_desc check_f32(ito_shape shape)
{
    return (ito_desc){ITO_F32, shape};
}

static inline ito_desc check_i32(ito_shape shape)
{
    return (ito_desc){ITO_I32, shape};
}

static inline size_t check_bytes(ito_desc desc)
{
    return (size_t)ito_shape_count(desc.shape) * ito_dtype_size(desc.dtype);
}

static inline float check_normal(uint64_t *seed)
{
    float sum = 0;
    for (int i = 0; i < 6; i++) sum += (float)fast_random(seed) / 1073741824.0f - 1;
    return sum * 0.70710678f;
}

static inline float check_draw(check_fill fill, uint64_t *seed)
{
    float x = check_normal(seed);
    switch (fill) {
    case CHECK_POSITIVE: return fabsf(x) + 0.01f;
    case CHECK_WIDE: return x * 8;
    default: return x;
    }
}

static inline void *check_input(const check_case *c, int i, uint64_t *seed)
{
    int64_t n = ito_shape_count(c->in[i].shape);
    void *data = fast_poison(check_bytes(c->in[i]));
    if (c->data[i]) return memcpy(data, c->data[i], check_bytes(c->in[i]));
    for (int64_t e = 0; e < n; e++) {
        if (c->fill[i] == CHECK_INDEX)
            ((int32_t *)data)[e] = (int32_t)fast_between(-1, c->index_bound, seed);
        else if (c->fill[i] == CHECK_BITS)
            ((int32_t *)data)[e] = (int32_t)fast_random(seed);
        else
            ((float *)data)[e] = check_draw(c->fill[i], seed);
    }
    return data;
}

typedef struct check_results {
    void *out[ITO_MAX_OUTPUTS];
} check_results;

static inline void check_free(check_results *r, int n)
{
    for (int i = 0; i < n; i++) free(r->out[i]);
}

/* isa < 0: the reference kernel. */
static inline check_results check_run(const check_case *c, int isa, int n_threads, void *const *in)
{
    ito_ctx *ctx = ctx_open(0);
    ito_kernel k = {.ctx = ctx, .attr = c->attr, .n_in = c->n_in, .n_out = c->n_out, .n_threads = n_threads};
    memcpy(k.in, c->in, sizeof k.in);
    memcpy(k.out, c->out, sizeof k.out);
    const ito_kernel_def *defs[ITO_ISA_MAX_KERNELS];
    int n = isa < 0 ? 0 : ito__isa_kernels((ito_isa)isa, defs);
    ito_status st = isa < 0 ? ito__backend_ref.prepare(&k, c->op, NULL) : ito__kernel_choose(&k, c->op, NULL, n, defs);
    if (st) fail_msg("%s: %s", c->op, ito_last_error(ctx));
    ito_queue q = {n_threads};
    check_results r = {{0}};
    for (int i = 0; i < c->n_out; i++) r.out[i] = fast_poison(check_bytes(c->out[i]));
    void *work = fast_poison(k.workspace_bytes);
    k.def->run(&k, &q, (const void *const *)in, r.out, work, NULL);
    ito__kernel_release(&k);
    free(work);
    ito_ctx_destroy(ctx);
    return r;
}

static inline double check_largest(int64_t n, const float *x)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i])) largest = fmax(largest, fabs((double)x[i]));
    return largest;
}

static inline void check_floats(const check_case *c, const char *isa, int which, const float *fast, const float *ref)
{
    int64_t n = ito_shape_count(c->out[which].shape);
    double floor = c->spread * check_largest(n, ref);
    for (int64_t i = 0; i < n; i++) {
        if (fast[i] == ref[i] || (isnan(fast[i]) && isnan(ref[i]))) continue;
        double error = fabs((double)fast[i] - (double)ref[i]);
        if (error <= c->tolerance * (fabs((double)ref[i]) + floor) + (double)FLT_MIN)
            continue; /* subnormal numbers may flush */
        char text[ITO_SHAPE_TEXT];
        fail_msg("%s %s %s output %d element %lld of %lld: %.9g, reference %.9g", isa, c->op,
                 ito_shape_text(c->in[0].shape, text), which, (long long)i, (long long)n, (double)fast[i],
                 (double)ref[i]);
    }
}

static inline void check_against(const check_case *c, const char *isa, const check_results *fast,
                                 const check_results *ref)
{
    for (int i = 0; i < c->n_out; i++) {
        if (c->out[i].dtype == ITO_F32)
            check_floats(c, isa, i, fast->out[i], ref->out[i]);
        else if (memcmp(fast->out[i], ref->out[i], check_bytes(c->out[i])))
            fail_msg("%s %s output %d differs from the reference", isa, c->op, i);
    }
}

static inline void check_threads(const check_case *c, int isa, const check_results *one, void *const *in)
{
    for (int t = 1; t < ITO_COUNT(fast_threads); t++) {
        check_results many = check_run(c, isa, fast_threads[t], in);
        for (int i = 0; i < c->n_out; i++)
            if (memcmp(one->out[i], many.out[i], check_bytes(c->out[i])))
                fail_msg("%s %s output %d: other bits with %d threads", ito__isa_name((ito_isa)isa), c->op, i,
                         fast_threads[t]);
        check_free(&many, c->n_out);
    }
}

static inline void check_kernel(const check_case *c, uint64_t seed)
{
    void *in[ITO_MAX_INPUTS] = {0};
    for (int i = 0; i < c->n_in; i++) in[i] = check_input(c, i, &seed);
    check_results ref = check_run(c, -1, 1, in);
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        if (!ito__isa_available((ito_isa)isa)) continue;
        check_results fast = check_run(c, isa, 1, in);
        check_against(c, ito__isa_name((ito_isa)isa), &fast, &ref);
        check_threads(c, isa, &fast, in);
        check_free(&fast, c->n_out);
    }
    check_free(&ref, c->n_out);
    for (int i = 0; i < c->n_in; i++) free(in[i]);
}

/* x -> y of one shape and one more */
static inline void check_map(const char *op, const void *attr, ito_shape x, ito_shape y, check_fill fill,
                             double tolerance)
{
    check_case c = {.op = op, .attr = attr, .n_in = 1, .n_out = 1, .in = {check_f32(x)}, .out = {check_f32(y)}};
    c.fill[0] = fill;
    c.tolerance = tolerance;
    check_kernel(&c, (uint64_t)ito_shape_count(x));
}

#endif
