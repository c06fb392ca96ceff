/* Conditions: named tensors, and stacking two of them so that both halves of a guided evaluation make one batch. */
#include <ito/condition.h>

#include <assert.h>
#include <string.h>

#include "base/base.h"

#define ALIGNMENT 64

ito_status ito_condition_add(ito_ctx *ctx, ito_condition *condition, const char *name, ito_tensor tensor)
{
    if (condition->n_entries == ITO_CONDITION_MAX)
        return ito__fail(ctx, ITO_USAGE, "a condition holds at most %d tensors", ITO_CONDITION_MAX);
    if (ito_condition_get(condition, name)) return ito__fail(ctx, ITO_USAGE, "the condition has a '%s' already", name);
    if (tensor.shape.n_dims < 1 || !ito_tensor_is_dense(&tensor))
        return ito__fail(ctx, ITO_USAGE, "condition '%s' must be a dense tensor whose first axis is the sample", name);
    condition->entry[condition->n_entries++] = (ito_condition_entry){name, tensor};
    return ITO_OK;
}

const ito_tensor *ito_condition_get(const ito_condition *condition, const char *name)
{
    for (int i = 0; condition && i < condition->n_entries; i++)
        if (!strcmp(condition->entry[i].name, name)) return &condition->entry[i].tensor;
    return NULL;
}

static ito_status check_rows(ito_ctx *ctx, const ito_condition *condition, int64_t n, bool one_will_do)
{
    for (int i = 0; condition && i < condition->n_entries; i++) {
        const ito_condition_entry *e = &condition->entry[i];
        char text[ITO_SHAPE_TEXT];
        if (e->tensor.shape.d[0] != n && !(one_will_do && e->tensor.shape.d[0] == 1))
            return ito__fail(ctx, ITO_SHAPE, "condition '%s' has shape %s, but the first axis must be %lld%s", e->name,
                             ito_shape_text(e->tensor.shape, text), (long long)n, one_will_do ? " or 1" : "");
    }
    return ITO_OK;
}

ito_status ito_condition_check(ito_ctx *ctx, const ito_condition *condition, int64_t n)
{
    return check_rows(ctx, condition, n, false);
}

static ito_shape row_shape(const ito_tensor *t)
{
    return ito_shape_make(t->shape.n_dims - 1, t->shape.d + 1);
}

static size_t row_bytes(const ito_tensor *t)
{
    return (size_t)ito_shape_count(row_shape(t)) * ito_dtype_size(t->dtype);
}

static size_t padded(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* n rows of src to dst, its only row n times when it has one. Returns the end of what was written. */
static char *copy_rows(char *dst, const ito_tensor *src, int64_t n)
{
    size_t bytes = row_bytes(src);
    if (src->shape.d[0] == n) {
        memcpy(dst, src->data, (size_t)n * bytes);
        return dst + (size_t)n * bytes;
    }
    assert(src->shape.d[0] == 1);
    for (int64_t i = 0; i < n; i++, dst += bytes) memcpy(dst, src->data, bytes);
    return dst;
}

/* Do two conditions hold the same things? */
static ito_status check_pair(ito_ctx *ctx, const ito_condition *a, const ito_condition *b)
{
    if (a->n_entries != b->n_entries)
        return ito__fail(ctx, ITO_USAGE, "two conditions to stack hold %d and %d tensors; give both the same names",
                         a->n_entries, b->n_entries);
    for (int i = 0; i < a->n_entries; i++) {
        const ito_tensor *x = &a->entry[i].tensor, *y = ito_condition_get(b, a->entry[i].name);
        if (!y)
            return ito__fail(ctx, ITO_USAGE, "two conditions to stack: only the first holds '%s'", a->entry[i].name);
        if (x->dtype != y->dtype || !ito_shape_equal(row_shape(x), row_shape(y)))
            return ito__fail(ctx, ITO_SHAPE, "two conditions to stack: '%s' differs in dtype or in the shape of a row",
                             a->entry[i].name);
    }
    return ITO_OK;
}

ito_status ito_condition_stack(ito_ctx *ctx, int64_t n, const ito_condition *a, const ito_condition *b,
                               ito_condition *out)
{
    int64_t rows = b ? 2 * n : n;
    size_t bytes = 0;
    *out = (ito_condition){0};
    ITO_TRY(check_rows(ctx, a, n, true));
    ITO_TRY(check_rows(ctx, b, n, true));
    if (b) ITO_TRY(check_pair(ctx, a, b));
    for (int i = 0; i < a->n_entries; i++) bytes += padded((size_t)rows * row_bytes(&a->entry[i].tensor));
    if (!(out->owned = ito__alloc(ctx, bytes))) return ITO_MEMORY;
    char *at = out->owned;
    for (int i = 0; i < a->n_entries; i++) {
        const ito_tensor *x = &a->entry[i].tensor;
        ito_shape shape = x->shape;
        shape.d[0] = rows;
        out->entry[i] = (ito_condition_entry){a->entry[i].name, ito_tensor_view(x->dtype, shape, at)};
        char *end = copy_rows(at, x, n);
        if (b) copy_rows(end, ito_condition_get(b, a->entry[i].name), n);
        at += padded((size_t)rows * row_bytes(x));
    }
    out->n_entries = a->n_entries;
    return ITO_OK;
}

void ito_condition_clear(ito_ctx *ctx, ito_condition *condition)
{
    ito__free(ctx, condition->owned);
    *condition = (ito_condition){0};
}
