/* Max and average pooling of images [N, H, W, C]. The gradient of a maximum goes to the first largest of its window.
 * Average pooling is linear, so it and its gradient are each other's gradients; the gradient of max pooling is linear in dy
 * and is differentiated through a sum over kernel positions (compose_max_grad). */
#include <math.h>

#include "graph/op/op_util.h"

static ito_shape y_shape(const ito_attr_pool *a)
{
    ito_shape shape = a->x_shape;
    for (int i = 0; i < 2; i++) {
        int64_t room = shape.d[1 + i] + a->pad_before[i] + a->pad_after[i] - a->kernel[i];
        shape.d[1 + i] = room < 0 ? 0 : room / a->stride[i] + 1;
    }
    return shape;
}

/* Padding below the kernel's extent: then no window lies wholly outside the image. */
static ito_status check_pool(const ito_infer *n)
{
    const ito_attr_pool *a = n->attr;
    ITO_TRY(ito__infer_real(n));
    if (a->x_shape.n_dims != 4) return ito__infer_fail(n, "expected an image [N, H, W, C]");
    for (int i = 0; i < 2; i++) {
        bool inside = a->pad_before[i] >= 0 && a->pad_before[i] < a->kernel[i] && a->pad_after[i] >= 0 &&
                      a->pad_after[i] < a->kernel[i];
        if (a->kernel[i] < 1 || a->stride[i] < 1 || !inside)
            return ito__infer_fail(n, "kernel and stride must be positive, padding within 0 .. kernel - 1");
    }
    ito_shape y = y_shape(a);
    return y.d[1] > 0 && y.d[2] > 0 ? ITO_OK : ito__infer_fail(n, "the kernel is larger than the padded image");
}

static ito_status infer_pool(ito_infer *n)
{
    ITO_TRY(check_pool(n));
    n->out[0] = (ito_desc){n->in[0]->dtype, y_shape(n->attr)};
    return ITO_OK;
}

/* dy is the last input of both gradients. */
static ito_status infer_pool_grad(ito_infer *n)
{
    const ito_attr_pool *a = n->attr;
    ITO_TRY(check_pool(n));
    n->out[0] = (ito_desc){n->in[0]->dtype, a->x_shape};
    if (!ito_shape_equal(n->in[n->n_in - 1]->shape, y_shape(a)))
        return ito__infer_fail(n, "dy has another shape than y");
    return ITO_OK;
}

static void max_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);
static void avg_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);
static void avg_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);
static void compose_max_grad(ito_graph *g, const ito_node *n, ito_value **out);

static const ito_op_def max_pool = {.name = "max_pool",
                                    .summary = "largest of each window",
                                    .kernel = "max_pool",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .attr_size = sizeof(ito_attr_pool),
                                    .infer = infer_pool,
                                    .grad = max_rule,
                                    .moves = true};
static const ito_op_def max_pool_grad = {.name = "max_pool_grad",
                                         .summary = "gradient of max_pool from x and dy",
                                         .kernel = "max_pool_grad",
                                         .min_in = 2,
                                         .max_in = 2,
                                         .n_out = 1,
                                         .attr_size = sizeof(ito_attr_pool),
                                         .infer = infer_pool_grad,
                                         .compose = compose_max_grad};
static const ito_op_def avg_pool = {.name = "avg_pool",
                                    .summary = "mean of each window",
                                    .kernel = "avg_pool",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .attr_size = sizeof(ito_attr_pool),
                                    .infer = infer_pool,
                                    .grad = avg_rule};
static const ito_op_def avg_pool_grad = {.name = "avg_pool_grad",
                                         .summary = "gradient of avg_pool from dy",
                                         .kernel = "avg_pool_grad",
                                         .min_in = 1,
                                         .max_in = 1,
                                         .n_out = 1,
                                         .attr_size = sizeof(ito_attr_pool),
                                         .infer = infer_pool_grad,
                                         .grad = avg_grad_rule};

static void max_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ITO_OP(g, &max_pool_grad, n->attr, n->in[0], dy[0]);
}

static void avg_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ITO_OP(g, &avg_pool_grad, n->attr, dy[0]);
}

static void avg_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ITO_OP(g, &avg_pool, n->attr, dy[0]);
}

/* For each kernel position in turn: where x there is the maximum of its window and no earlier position was, dy goes there.
 * A slice with the pooling's strides sees one position of all windows at once; padding by one kernel around dx makes room
 * for positions outside the image. */
static void compose_max_grad(ito_graph *g, const ito_node *n, ito_value **out)
{
    const ito_attr_pool *a = n->attr;
    ito_value *x = n->in[0], *dy = n->in[1], *y = ITO_OP(g, &max_pool, a, x);
    const int64_t before[ITO_MAX_DIMS] = {0, a->pad_before[0], a->pad_before[1]};
    const int64_t after[ITO_MAX_DIMS] = {0, a->pad_after[0], a->pad_after[1]};
    const int64_t step[ITO_MAX_DIMS] = {1, a->stride[0], a->stride[1], 1}, ones[ITO_MAX_DIMS] = {1, 1, 1, 1};
    ito_value *padded = ito_op_pad(g, x, before, after, -(double)INFINITY), *open = NULL, *sum = NULL;
    for (int64_t i = 0; i < a->kernel[0] * a->kernel[1]; i++) {
        const int64_t start[ITO_MAX_DIMS] = {0, i / a->kernel[1], i % a->kernel[1]};
        ito_value *hit = ito_op_eq(g, ito_op_slice(g, padded, start, step, dy->shape), y);
        if (open) hit = ito_op_mul(g, hit, open);
        open = open ? ito_op_sub(g, open, hit) : ito_op_scale(g, hit, -1, 1);
        ito_value *part = ito__slice_back(g, ito_op_mul(g, hit, dy), start, step, padded->shape);
        sum = sum ? ito_op_add(g, sum, part) : part;
    }
    out[0] = ito_op_slice(g, sum, before, ones, x->shape);
}

/* ---- builders ---- */

static ito_value *pool(ito_graph *g, const ito_op_def *op, ito_value *x, const ito_pool_options *options)
{
    ito_attr_pool attr = {.count_pad = options->count_pad};
    for (int i = 0; i < 2; i++) {
        attr.kernel[i] = options->kernel[i];
        attr.stride[i] = options->stride[i] ? options->stride[i] : options->kernel[i];
        attr.pad_before[i] = options->pad_before[i];
        attr.pad_after[i] = options->pad_after[i];
    }
    if (!ito__is_poison(x)) attr.x_shape = x->shape;
    return ITO_OP(g, op, &attr, x);
}

ito_value *ito_op_max_pool(ito_graph *g, ito_value *x, const ito_pool_options *options)
{
    return pool(g, &max_pool, x, options);
}

ito_value *ito_op_avg_pool(ito_graph *g, ito_value *x, const ito_pool_options *options)
{
    return pool(g, &avg_pool, x, options);
}

/* ---- cases ---- */

static ito_value *build_max(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_max_pool(g, in[0], arg));
}

static ito_value *build_avg(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_avg_pool(g, in[0], arg));
}

static const ito_pool_options half = {.kernel = {2, 2}},
                              overlapping = {.kernel = {3, 3},
                                             .stride = {2, 1},
                                             .pad_before = {1, 1},
                                             .pad_after = {1, 1}},
                              counted = {.kernel = {3, 2}, .stride = {2, 2}, .pad_before = {1, 1}, .count_pad = true};

#define CASE(text, make, options, ...)                                                                                 \
    {                                                                                                                  \
        .name = text, .n_in = 1, .in = {{.shape = {4, {__VA_ARGS__}}}}, .build = make, .arg = &options                 \
    }
static const ito_op_case cases[] = {
    CASE("max_pool k2", build_max, half, 2, 5, 6, 7),
    CASE("max_pool k3 overlapping", build_max, overlapping, 2, 6, 5, 3),
    CASE("max_pool k3 1x1 image", build_max, overlapping, 1, 1, 1, 18),
    CASE("avg_pool k2", build_avg, half, 2, 5, 6, 7),
    CASE("avg_pool k3 overlapping", build_avg, overlapping, 2, 6, 5, 3),
    CASE("avg_pool counting padding", build_avg, counted, 1, 6, 5, 17),
};
static const ito_op_case real_cases[] = {
    CASE("max_pool k2 32x32", build_max, half, 16, 32, 32, 128),
    CASE("avg_pool k2 32x32", build_avg, half, 16, 32, 32, 128),
    CASE("max_pool k3 overlapping 32x32", build_max, overlapping, 16, 32, 32, 64),
    CASE("avg_pool k3 overlapping 32x32", build_avg, overlapping, 16, 32, 32, 64),
};
static const ito_op_def *const ops[] = {&max_pool, &max_pool_grad, &avg_pool, &avg_pool_grad};
const ito_op_family ito__ops_pool = ITO_OP_TABLES("pool");
