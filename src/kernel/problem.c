/* What a kernel is asked for, as text: the key of a plan. Attributes that no choice of an algorithm may depend on (an epsilon,
 * the scale of attention, the probability of dropout) are left out, and so is what the shapes say already. Sampling packs its
 * weights once and training at every step, so that one may want another algorithm than the other: the kernels that pack say
 * which it is. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kernel.h"

typedef enum field_type { FLAG, INT32, INT64, UNARY, BINARY, REDUCE } field_type;

typedef struct field {
    const char *ops; /* that have it, with blanks around each */
    const char *name;
    field_type type;
    size_t offset;
    int n; /* how many of it in a row */
} field;

#define FIELD(ops, attr, member, type, n)                                                                              \
    {                                                                                                                  \
        " " ops " ", #member, type, offsetof(attr, member), n                                                          \
    }
#define AXIS_OPS "concat softmax softmax_grad log_softmax log_softmax_grad logsumexp argmax"
#define CONV_OPS "conv2d conv2d_grad_input conv2d_grad_weight"
#define PACK_OPS " conv2d conv2d_grad_input matmul "
#define POOL_OPS "max_pool max_pool_grad avg_pool avg_pool_grad"

static const field fields[] = {
    FIELD("unary unary_grad", ito_attr_unary, kind, UNARY, 1),
    FIELD("binary", ito_attr_binary, kind, BINARY, 1),
    FIELD("reduce", ito_attr_reduce, kind, REDUCE, 1),
    FIELD("reduce", ito_attr_reduce, axes, INT32, 1),
    FIELD(AXIS_OPS, ito_attr_axis, axis, INT32, 1),
    FIELD("permute", ito_attr_permute, perm, INT32, ITO_MAX_DIMS),
    FIELD("slice slice_grad", ito_attr_slice, start, INT64, ITO_MAX_DIMS),
    FIELD("slice slice_grad", ito_attr_slice, step, INT64, ITO_MAX_DIMS),
    FIELD("pad", ito_attr_pad, before, INT64, ITO_MAX_DIMS),
    FIELD("matmul", ito_attr_matmul, trans_a, FLAG, 1),
    FIELD("matmul", ito_attr_matmul, trans_b, FLAG, 1),
    FIELD("matmul", ito_attr_matmul, act, UNARY, 1),
    FIELD(CONV_OPS, ito_attr_conv, stride, INT64, 2),
    FIELD(CONV_OPS, ito_attr_conv, dilation, INT64, 2),
    FIELD(CONV_OPS, ito_attr_conv, pad_before, INT64, 2),
    FIELD(CONV_OPS, ito_attr_conv, pad_after, INT64, 2),
    FIELD(CONV_OPS, ito_attr_conv, groups, INT64, 1),
    FIELD(CONV_OPS, ito_attr_conv, act, UNARY, 1),
    FIELD(POOL_OPS, ito_attr_pool, kernel, INT64, 2),
    FIELD(POOL_OPS, ito_attr_pool, stride, INT64, 2),
    FIELD(POOL_OPS, ito_attr_pool, pad_before, INT64, 2),
    FIELD(POOL_OPS, ito_attr_pool, count_pad, FLAG, 1),
    FIELD("group_norm group_norm_grad", ito_attr_norm, groups, INT64, 1),
    FIELD("group_norm group_norm_grad", ito_attr_norm, act, UNARY, 1),
    FIELD("attention attention_grad", ito_attr_attention, causal, FLAG, 1),
};

#define NAME(name) #name,
static const char *const unary_names[] = {ITO_UNARY_MAP(NAME)};
static const char *const binary_names[] = {ITO_BINARY_MAP(NAME)};
#undef NAME
static const char *const reduce_names[] = {"sum", "mean", "max", "min"};

typedef struct writer {
    char *text;
    size_t used;
} writer;

static void put(writer *w, const char *format, ...) ITO_PRINTF(2, 3);
static void put(writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->text + w->used, ITO_PROBLEM_TEXT - w->used, format, args);
    va_end(args);
    w->used = ITO_MIN(w->used + (size_t)ITO_MAX(n, 0), (size_t)ITO_PROBLEM_TEXT - 1);
}

static void put_descs(writer *w, int n, const ito_desc *descs)
{
    for (int i = 0; i < n; i++) {
        put(w, " %s[", ito_dtype_name(descs[i].dtype));
        for (int d = 0; d < descs[i].shape.n_dims; d++) put(w, "%s%lld", d ? "," : "", (long long)descs[i].shape.d[d]);
        put(w, "]");
    }
}

static void put_value(writer *w, field_type type, const void *attr, size_t at)
{
    const char *p = (const char *)attr + at;
    const char *const *names = type == UNARY ? unary_names : type == BINARY ? binary_names : reduce_names;
    int32_t small;
    int64_t large;
    bool flag;
    switch (type) {
    case FLAG:
        memcpy(&flag, p, sizeof flag);
        put(w, "%d", flag);
        return;
    case INT64:
        memcpy(&large, p, sizeof large);
        put(w, "%lld", (long long)large);
        return;
    default:
        memcpy(&small, p, sizeof small);
        if (type == INT32)
            put(w, "%d", small);
        else
            put(w, "%s", names[small]);
    }
}

const char *ito__problem_text(const ito_kernel *k, const char *op, char text[ITO_PROBLEM_TEXT])
{
    writer w = {0};
    char word[64];
    w.text = text;
    snprintf(word, sizeof word, " %s ", op);
    put(&w, "%s", op);
    put_descs(&w, k->n_in, k->in);
    put(&w, " ->");
    put_descs(&w, k->n_out, k->out);
    for (int i = 0; i < ITO_COUNT(fields); i++) {
        const field *f = &fields[i];
        if (!strstr(f->ops, word)) continue;
        put(&w, " %s=", f->name);
        for (int j = 0; j < f->n; j++) {
            put(&w, "%s", j ? "," : "");
            put_value(&w, f->type, k->attr, f->offset + (size_t)j * (f->type == INT64 ? 8 : 4));
        }
    }
    if ((k->frozen & 2) && strstr(PACK_OPS, word)) put(&w, k->packs == ITO_BF16 ? " frozen bf16" : " frozen");
    return text;
}
