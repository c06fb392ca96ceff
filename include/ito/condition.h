/* Conditions: what steers a denoiser, as a set of named tensors whose first axis is the sample: "label" i32 [n], "text"
 * f32 [n, tokens, width], "image" f32 [n, H, W, C], ... A condition borrows its names and tensors, except one made by
 * ito_condition_stack, which owns its data until ito_condition_clear. */
#ifndef ITO_CONDITION_H
#define ITO_CONDITION_H

#include <ito/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ITO_CONDITION_MAX 8

/* An estimate of x_0, f32 of the samples' shape, of denoisers that take one (takes_x0). */
#define ITO_CONDITION_X0 "x0"

typedef struct ito_condition_entry {
    const char *name;
    ito_tensor tensor; /* dense, [n, ...] */
} ito_condition_entry;

/* Zero it for "no condition". */
typedef struct ito_condition {
    int n_entries;
    ito_condition_entry entry[ITO_CONDITION_MAX];
    void *owned; /* memory of ito_condition_stack; NULL otherwise */
} ito_condition;

/* Adds a tensor; ITO_USAGE when the name is taken, the condition full or the tensor not dense. */
ito_status ito_condition_add(ito_ctx *ctx, ito_condition *condition, const char *name, ito_tensor tensor);

/* NULL when there is none of that name (or no condition at all). */
const ito_tensor *ito_condition_get(const ito_condition *condition, const char *name);

/* ITO_SHAPE unless the first axis of every tensor is n. NULL is a condition without tensors. */
ito_status ito_condition_check(ito_ctx *ctx, const ito_condition *condition, int64_t n);

/* The n rows of a, and below them the n rows of b unless b is NULL; both must hold the same names with the same dtypes
 * and row shapes. A tensor of one row serves all n. The caller clears *out. */
ito_status ito_condition_stack(ito_ctx *ctx, int64_t n, const ito_condition *a, const ito_condition *b,
                               ito_condition *out);
void ito_condition_clear(ito_ctx *ctx, ito_condition *condition);

#ifdef __cplusplus
}
#endif
#endif
