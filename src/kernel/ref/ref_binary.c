/* Elementwise arithmetic of several arguments with numpy broadcasting: binary, select, scale, clip, full. */
#include <math.h>

#include "kernel/ref/ref.h"

static double binary_value(int32_t kind, double a, double b)
{
    switch ((ito_binary)kind) {
    case ITO_BINARY_add: return a + b;
    case ITO_BINARY_sub: return a - b;
    case ITO_BINARY_mul: return a * b;
    case ITO_BINARY_div: return a / b;
    case ITO_BINARY_pow: return pow(a, b);
    case ITO_BINARY_min: return a < b || a != a ? a : b;
    case ITO_BINARY_max: return a > b || a != a ? a : b;
    case ITO_BINARY_eq: return a == b;
    case ITO_BINARY_ne: return a != b;
    case ITO_BINARY_lt: return a < b;
    case ITO_BINARY_le: return a <= b;
    case ITO_BINARY_gt: return a > b;
    case ITO_BINARY_ge: return a >= b;
    case ITO_BINARY_COUNT: break;
    }
    return a;
}

/* Input `which` at the element that output element i sees. */
static double operand(const ito_ref *r, int which, int64_t i)
{
    const ito_ref_array *a = &r->in[which];
    return ref_get(a, ref_broadcast(&r->out[0].shape, i, &a->shape));
}

static void run_binary(const ito_ref *r)
{
    const ito_attr_binary *attr = r->attr;
    for (int64_t i = 0; i < r->out[0].count; i++)
        ref_put(&r->out[0], i, binary_value(attr->kind, operand(r, 0, i), operand(r, 1, i)));
}

static void run_select(const ito_ref *r)
{
    for (int64_t i = 0; i < r->out[0].count; i++)
        ref_put(&r->out[0], i, operand(r, 0, i) != 0 ? operand(r, 1, i) : operand(r, 2, i));
}

static void run_scale(const ito_ref *r)
{
    const ito_attr_scale *attr = r->attr;
    for (int64_t i = 0; i < r->out[0].count; i++)
        ref_put(&r->out[0], i, attr->scale * ref_get(&r->in[0], i) + attr->shift);
}

static void run_clip(const ito_ref *r)
{
    const ito_attr_clip *attr = r->attr;
    for (int64_t i = 0; i < r->out[0].count; i++) {
        double x = ref_get(&r->in[0], i);
        ref_put(&r->out[0], i, x < attr->low ? attr->low : x > attr->high ? attr->high : x);
    }
}

static void run_full(const ito_ref *r)
{
    const ito_attr_full *attr = r->attr;
    for (int64_t i = 0; i < r->out[0].count; i++) ref_put(&r->out[0], i, attr->value);
}

ITO_REF_KERNEL(binary, NULL);
ITO_REF_KERNEL(select, NULL);
ITO_REF_KERNEL(scale, NULL);
ITO_REF_KERNEL(clip, NULL);
ITO_REF_KERNEL(full, NULL);
