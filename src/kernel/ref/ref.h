/* The reference kernels: the specification of every op, and the oracle of the tests. One file per family, written as
 * plain nested loops: every element is read as a double whatever the dtype, every sum is taken in double in the order
 * of the loops, and the result is rounded once. Single-threaded.
 *
 * Where IEEE arithmetic leaves a choice: NaN propagates (through max, min, relu, pooling and clip too; argmax takes the
 * first NaN), ties of a maximum go to the first, and an index outside its table reads as zero.
 *
 * A kernel is a function of ito_ref, its operands unpacked; ref_list.h has one line for each. */
#ifndef ITO_REF_H
#define ITO_REF_H

#include "kernel/kernel.h"
#include "tensor/bf16.h"

typedef struct ito_ref_array {
    ito_dtype dtype;
    ito_shape shape;
    int64_t count;
    void *data; /* inputs are only read */
} ito_ref_array;

typedef struct ito_ref {
    const void *attr;
    int n_in, n_out;
    ito_ref_array in[ITO_MAX_INPUTS], out[ITO_MAX_OUTPUTS];
    double *scratch; /* as many as the kernel's prepare() asked for */
} ito_ref;

/* def comes first, so that the shared run() finds its ito_ref_def in k->def. */
typedef struct ito_ref_def {
    ito_kernel_def def;
    void (*compute)(const ito_ref *r);
} ito_ref_def;

#define ITO_REF_KERNEL(op, prepare)                                                                                    \
    const ito_ref_def ito__ref_##op = {{#op, "ref", prepare, NULL, ito__ref_run, NULL}, run_##op}

void ito__ref_run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                  const void *packed);
/* prepare() of the kernels that need one double of scratch for each element of their first output. */
ito_status ito__ref_prepare_sums(ito_kernel *k);

#define ITO_X(op) extern const ito_ref_def ito__ref_##op;
#include "kernel/ref/ref_list.h"
#undef ITO_X

/* All of them, for a backend that falls back on them. */
extern const ito_kernel_def *const ito__ref_kernels[];
extern const int ito__ref_kernel_count;

extern const ito_optim ito__ref_optim; /* ref_optim.c */

/* The elementwise functions, shared by every kernel that applies an activation: f(x) and f'(x). */
double ito__unary_value(int32_t kind, double x);
double ito__unary_slope(int32_t kind, double x);

static inline double ref_get(const ito_ref_array *a, int64_t i)
{
    switch (a->dtype) {
    case ITO_F32: return (double)((const float *)a->data)[i];
    case ITO_F64: return ((const double *)a->data)[i];
    case ITO_I32: return (double)((const int32_t *)a->data)[i];
    case ITO_BF16: return (double)ito__bf16_widen(((const uint16_t *)a->data)[i]);
    default: return (double)((const uint8_t *)a->data)[i];
    }
}

/* Integers truncate toward zero and saturate; NaN becomes 0. */
static inline double ref_saturate(double x, double low, double high)
{
    if (x != x) return 0;
    return x < low ? low : x > high ? high : x;
}

static inline void ref_put(const ito_ref_array *a, int64_t i, double x)
{
    switch (a->dtype) {
    case ITO_F32: ((float *)a->data)[i] = (float)x; return;
    case ITO_F64: ((double *)a->data)[i] = x; return;
    case ITO_I32: ((int32_t *)a->data)[i] = (int32_t)ref_saturate(x, INT32_MIN, INT32_MAX); return;
    case ITO_BF16: ((uint16_t *)a->data)[i] = ito__bf16_narrow_double(x); return;
    default: ((uint8_t *)a->data)[i] = (uint8_t)ref_saturate(x, 0, UINT8_MAX); return;
    }
}

/* Position of element [i, j, k, l] of a four-dimensional array. */
static inline int64_t ref_at(const ito_ref_array *a, int64_t i, int64_t j, int64_t k, int64_t l)
{
    const int64_t *d = a->shape.d;
    return ((i * d[1] + j) * d[2] + k) * d[3] + l;
}

/* Is x a better maximum than best? The first largest wins, and the first NaN beats all. */
static inline bool ref_larger(double x, double best)
{
    return x > best || (x != x && best == best);
}

/* Flat position to one index per axis, and back. */
static inline void ref_unravel(const ito_shape *shape, int64_t position, int64_t index[ITO_MAX_DIMS])
{
    for (int axis = shape->n_dims - 1; axis >= 0; axis--) {
        index[axis] = position % shape->d[axis];
        position /= shape->d[axis];
    }
}

static inline int64_t ref_ravel(const ito_shape *shape, const int64_t index[ITO_MAX_DIMS])
{
    int64_t position = 0;
    for (int axis = 0; axis < shape->n_dims; axis++) position = position * shape->d[axis] + index[axis];
    return position;
}

/* Where element `position` of an array of shape `from` lies in one of shape `to` that broadcasts to it: axes are
 * aligned at the last, and an extent of 1 repeats. */
static inline int64_t ref_broadcast(const ito_shape *from, int64_t position, const ito_shape *to)
{
    int64_t index[ITO_MAX_DIMS], result = 0;
    ref_unravel(from, position, index);
    for (int axis = 0; axis < to->n_dims; axis++) {
        int64_t i = index[axis + from->n_dims - to->n_dims];
        result = result * to->d[axis] + (to->d[axis] == 1 ? 0 : i);
    }
    return result;
}

/* An array seen as [outer, extent, inner] around one axis. */
typedef struct ref_axis {
    int64_t outer, extent, inner;
} ref_axis;

static inline ref_axis ref_around(const ito_shape *shape, int axis)
{
    ref_axis a = {1, shape->d[axis], 1};
    for (int i = 0; i < axis; i++) a.outer *= shape->d[i];
    for (int i = axis + 1; i < shape->n_dims; i++) a.inner *= shape->d[i];
    return a;
}

#endif
