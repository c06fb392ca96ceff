/* Softmax, its logarithm and logsumexp along one axis, the largest element taken out first; and their gradients from
 * the results y:
 *   softmax      dx_i = y_i (dy_i - sum_j y_j dy_j)
 *   log_softmax  dx_i = dy_i - e^{y_i} sum_j dy_j */
#include <math.h>

#include "kernel/ref/ref.h"

/* One line along the axis: element i of it is array element first + i * stride. */
typedef struct line {
    int64_t first, stride, n;
} line;

static double line_logsumexp(const ito_ref_array *x, line l)
{
    double largest = -(double)INFINITY, sum = 0;
    for (int64_t i = 0; i < l.n; i++) {
        double value = ref_get(x, l.first + i * l.stride);
        if (ref_larger(value, largest)) largest = value;
    }
    if (isinf(largest)) return largest; /* nothing but -inf, or a +inf */
    for (int64_t i = 0; i < l.n; i++) sum += exp(ref_get(x, l.first + i * l.stride) - largest);
    return largest + log(sum);
}

static void line_softmax(const ito_ref *r, line l, bool logarithm)
{
    double lse = line_logsumexp(&r->in[0], l);
    for (int64_t i = 0; i < l.n; i++) {
        double y = ref_get(&r->in[0], l.first + i * l.stride) - lse;
        ref_put(&r->out[0], l.first + i * l.stride, logarithm ? y : exp(y));
    }
}

static void line_softmax_grad(const ito_ref *r, line l, bool logarithm)
{
    double sum = 0;
    for (int64_t i = 0; i < l.n; i++) {
        int64_t at = l.first + i * l.stride;
        sum += ref_get(&r->in[1], at) * (logarithm ? 1 : ref_get(&r->in[0], at));
    }
    for (int64_t i = 0; i < l.n; i++) {
        int64_t at = l.first + i * l.stride;
        double y = ref_get(&r->in[0], at), dy = ref_get(&r->in[1], at);
        ref_put(&r->out[0], at, logarithm ? dy - exp(y) * sum : y * (dy - sum));
    }
}

static void each_line(const ito_ref *r, bool logarithm, void (*fn)(const ito_ref *r, line l, bool logarithm))
{
    const ito_attr_axis *attr = r->attr;
    ref_axis a = ref_around(&r->in[0].shape, attr->axis);
    for (int64_t outer = 0; outer < a.outer; outer++)
        for (int64_t inner = 0; inner < a.inner; inner++)
            fn(r, (line){outer * a.extent * a.inner + inner, a.inner, a.extent}, logarithm);
}

static void run_softmax(const ito_ref *r)
{
    each_line(r, false, line_softmax);
}

static void run_log_softmax(const ito_ref *r)
{
    each_line(r, true, line_softmax);
}

static void run_softmax_grad(const ito_ref *r)
{
    each_line(r, false, line_softmax_grad);
}

static void run_log_softmax_grad(const ito_ref *r)
{
    each_line(r, true, line_softmax_grad);
}

static void run_logsumexp(const ito_ref *r)
{
    const ito_attr_axis *attr = r->attr;
    ref_axis a = ref_around(&r->in[0].shape, attr->axis);
    for (int64_t outer = 0; outer < a.outer; outer++)
        for (int64_t inner = 0; inner < a.inner; inner++) {
            line l = {outer * a.extent * a.inner + inner, a.inner, a.extent};
            ref_put(&r->out[0], outer * a.inner + inner, line_logsumexp(&r->in[0], l));
        }
}

ITO_REF_KERNEL(softmax, NULL);
ITO_REF_KERNEL(log_softmax, NULL);
ITO_REF_KERNEL(softmax_grad, NULL);
ITO_REF_KERNEL(log_softmax_grad, NULL);
ITO_REF_KERNEL(logsumexp, NULL);
