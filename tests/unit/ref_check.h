/* One line runs a reference kernel and compares it with expected numbers: in float32 and float64, on the ref backend
 * and on the test backend, whose memory faults when touched from outside. Inputs are given as doubles; an argument of
 * dtype ITO_F64 stands for "the floating type under test", others stay what they are.
 * Tolerance, relative to 1 + |expected|: 1e-12 in float64 (rounding of the expected numbers), 2e-6 in float32 (one
 * rounding of inputs, one of the result). NaN expects NaN. */
#ifndef ITO_REF_CHECK_H
#define ITO_REF_CHECK_H

#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ref/ref.h"

typedef struct arg {
    ito_dtype dtype;
    ito_shape shape;
    const double *x;
} arg;

/* Arguments: a floating array, an integer array, "nothing expected of this output". */
#define F(shape, ...) ((arg){ITO_F64, shape, (const double[]){__VA_ARGS__}})
#define I(shape, ...) ((arg){ITO_I32, shape, (const double[]){__VA_ARGS__}})
#define SOME(shape)   ((arg){ITO_F64, shape, NULL})
#define D(...)        ITO_SHAPE(__VA_ARGS__)
#define ARGS(...)                                                                                                      \
    ITO_COUNT(((arg[]){__VA_ARGS__})), (const arg[])                                                                   \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define NONE 0, NULL

static void *to_device(const ito_backend *b, ito_ctx *ctx, ito_desc desc, const double *x, size_t *bytes)
{
    int64_t n = ito_shape_count(desc.shape);
    *bytes = (size_t)n * ito_dtype_size(desc.dtype);
    void *host = calloc((size_t)n, 8), *device = b->alloc(ctx, *bytes);
    assert_non_null(host);
    assert_non_null(device);
    ito_ref_array a = {desc.dtype, desc.shape, n, host};
    for (int64_t i = 0; x && i < n; i++) ref_put(&a, i, x[i]);
    if (x) b->upload(device, host, *bytes);
    free(host);
    return device;
}

static void compare(const ito_backend *b, const char *op, ito_desc desc, const void *device, const double *expected)
{
    int64_t n = ito_shape_count(desc.shape);
    void *host = calloc((size_t)n, 8);
    assert_non_null(host);
    b->download(host, device, (size_t)n * ito_dtype_size(desc.dtype));
    ito_ref_array a = {desc.dtype, desc.shape, n, host};
    double tolerance = desc.dtype == ITO_F64 ? 1e-12 : 2e-6;
    for (int64_t i = 0; expected && i < n; i++) {
        double found = ref_get(&a, i), wanted = expected[i];
        bool same = found == wanted || (isnan(found) && isnan(wanted));
        if (!same && !(fabs(found - wanted) <= tolerance * (1 + fabs(wanted))))
            fail_msg("%s (%s, %s): element %d is %.17g, expected %.17g", op, b->name, ito_dtype_name(desc.dtype),
                     (int)i, found, wanted);
    }
    free(host);
}

static void check_on(const ito_backend *b, ito_dtype real, const char *op, const void *attr, int n_in, const arg *in,
                     int n_out, const arg *out)
{
    ito_ctx *ctx = ctx_open(0);
    const ito_queue q = {1};
    ito_kernel k = {.ctx = ctx, .attr = attr, .n_in = n_in, .n_out = n_out, .n_threads = 1};
    void *ins[ITO_MAX_INPUTS], *outs[ITO_MAX_OUTPUTS];
    size_t in_bytes[ITO_MAX_INPUTS], out_bytes[ITO_MAX_OUTPUTS];
    for (int i = 0; i < n_in; i++) {
        k.in[i] = (ito_desc){in[i].dtype == ITO_F64 ? real : in[i].dtype, in[i].shape};
        ins[i] = to_device(b, ctx, k.in[i], in[i].x, &in_bytes[i]);
    }
    for (int i = 0; i < n_out; i++) {
        k.out[i] = (ito_desc){out[i].dtype == ITO_F64 ? real : out[i].dtype, out[i].shape};
        outs[i] = to_device(b, ctx, k.out[i], NULL, &out_bytes[i]);
    }
    if (b->prepare(&k, op, NULL) != ITO_OK) fail_msg("%s", ito_last_error(ctx));
    void *workspace = b->alloc(ctx, k.workspace_bytes);
    b->run(&k, &q, (const void *const *)ins, outs, workspace, NULL);
    for (int i = 0; i < n_out; i++) compare(b, op, k.out[i], outs[i], out[i].x);
    b->free(ctx, workspace, k.workspace_bytes);
    ito__kernel_release(&k);
    for (int i = 0; i < n_in; i++) b->free(ctx, ins[i], in_bytes[i]);
    for (int i = 0; i < n_out; i++) b->free(ctx, outs[i], out_bytes[i]);
    ito_ctx_destroy(ctx);
}

static void check(const char *op, const void *attr, int n_in, const arg *in, int n_out, const arg *out)
{
    check_on(&ito__backend_ref, ITO_F64, op, attr, n_in, in, n_out, out);
    check_on(&ito__backend_ref, ITO_F32, op, attr, n_in, in, n_out, out);
    check_on(&ito__backend_test, ITO_F64, op, attr, n_in, in, n_out, out);
    check_on(&ito__backend_test, ITO_F32, op, attr, n_in, in, n_out, out);
}

#endif
