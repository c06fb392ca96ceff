/* Parts of tensors: slice, its transpose slice_grad, concat and pad. Every gradient here is another of these. */
#include "graph/op/op_util.h"

/* Does `part` lie inside `whole`, stepping as attr says? */
static ito_status check_part(const ito_infer *n, const ito_shape *whole, const ito_shape *part)
{
    const ito_attr_slice *attr = n->attr;
    if (part->n_dims != whole->n_dims)
        return ito__infer_fail(n, "the slice has %d axes, expected %d", part->n_dims, whole->n_dims);
    for (int i = 0; i < whole->n_dims; i++) {
        int64_t first = attr->start[i], last = first + (part->d[i] - 1) * attr->step[i], extent = whole->d[i];
        if (part->d[i] < 1 || !attr->step[i] || first < 0 || first >= extent || last < 0 || last >= extent)
            return ito__infer_fail(n, "axis %d: %lld elements from %lld by %lld do not lie within %lld", i,
                                   (long long)part->d[i], (long long)first, (long long)attr->step[i],
                                   (long long)extent);
    }
    return ITO_OK;
}

static ito_status infer_slice(ito_infer *n)
{
    const ito_attr_slice *attr = n->attr;
    n->out[0] = (ito_desc){n->in[0]->dtype, attr->shape};
    return check_part(n, &n->in[0]->shape, &attr->shape);
}

static ito_status infer_slice_grad(ito_infer *n)
{
    const ito_attr_slice *attr = n->attr;
    n->out[0] = (ito_desc){n->in[0]->dtype, attr->shape};
    return check_part(n, &attr->shape, &n->in[0]->shape);
}

static void slice_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);

static void slice_grad_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need,
                                 ito_value **dx)
{
    const ito_attr_slice *attr = n->attr;
    (void)need;
    dx[0] = ito_op_slice(g, dy[0], attr->start, attr->step, n->in[0]->shape);
}

static const ito_op_def slice_op = {.name = "slice",
                                    .summary = "a part, every step-th element of each axis",
                                    .kernel = "slice",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .attr_size = sizeof(ito_attr_slice),
                                    .infer = infer_slice,
                                    .grad = slice_grad_rule,
                                    .moves = true};
static const ito_op_def slice_grad = {.name = "slice_grad",
                                      .summary = "a part put back into zeros",
                                      .kernel = "slice_grad",
                                      .min_in = 1,
                                      .max_in = 1,
                                      .n_out = 1,
                                      .attr_size = sizeof(ito_attr_slice),
                                      .infer = infer_slice_grad,
                                      .grad = slice_grad_grad_rule};

static void slice_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    const ito_attr_slice *attr = n->attr;
    (void)need;
    dx[0] = ito__slice_back(g, dy[0], attr->start, attr->step, n->in[0]->shape);
}

static ito_attr_slice attr_of(const int64_t *start, const int64_t *step, ito_shape shape)
{
    ito_attr_slice attr = {.shape = shape};
    for (int i = 0; i < shape.n_dims; i++) {
        attr.start[i] = start[i];
        attr.step[i] = step[i];
    }
    return attr;
}

ito_value *ito_op_slice(ito_graph *g, ito_value *x, const int64_t *start, const int64_t *step, ito_shape shape)
{
    ito_attr_slice attr = attr_of(start, step, shape);
    return ITO_OP(g, &slice_op, &attr, x);
}

ito_value *ito__slice_back(ito_graph *g, ito_value *part, const int64_t *start, const int64_t *step, ito_shape whole)
{
    ito_attr_slice attr = attr_of(start, step, whole);
    return ITO_OP(g, &slice_grad, &attr, part);
}

ito_value *ito_op_slice_axis(ito_graph *g, ito_value *x, int axis, int64_t start, int64_t end)
{
    int64_t starts[ITO_MAX_DIMS] = {0}, steps[ITO_MAX_DIMS];
    ito_shape shape = ito__is_poison(x) ? ITO_SCALAR : x->shape;
    for (int i = 0; i < ITO_MAX_DIMS; i++) steps[i] = 1;
    axis = ito__axis(x, axis);
    if (!ito__is_poison(x) && (axis < 0 || axis >= shape.n_dims))
        return ito__graph_fail(g, ITO_SHAPE, "slice: no axis %d in an input of %d axes", axis, shape.n_dims);
    if (!ito__is_poison(x)) {
        starts[axis] = start;
        shape.d[axis] = end - start;
        if (!start && end == x->shape.d[axis]) return x;
    }
    return ito_op_slice(g, x, starts, steps, shape);
}

/* ---- concat ---- */

static ito_status infer_concat(ito_infer *n)
{
    int axis = ((const ito_attr_axis *)n->attr)->axis;
    ito_shape out = n->in[0]->shape;
    if (axis < 0 || axis >= out.n_dims) return ito__infer_fail(n, "no axis %d", axis);
    for (int i = 1; i < n->n_in; i++) {
        ito_shape next = n->in[i]->shape;
        if (next.n_dims != out.n_dims || n->in[i]->dtype != n->in[0]->dtype)
            return ito__infer_fail(n, "input %d has another dtype or number of axes", i);
        int64_t extent = out.d[axis] + next.d[axis];
        next.d[axis] = out.d[axis];
        if (!ito_shape_equal(next, out)) return ito__infer_fail(n, "input %d differs beside axis %d", i, axis);
        out.d[axis] = extent;
    }
    n->out[0] = (ito_desc){n->in[0]->dtype, out};
    return ITO_OK;
}

static void concat_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    int axis = ((const ito_attr_axis *)n->attr)->axis;
    int64_t offset = 0;
    for (int i = 0; i < n->n_in; i++) {
        int64_t extent = n->in[i]->shape.d[axis];
        if (need[i]) dx[i] = ito_op_slice_axis(g, dy[0], axis, offset, offset + extent);
        offset += extent;
    }
}

static const ito_op_def concat = {.name = "concat",
                                  .summary = "tensors one after another along an axis",
                                  .kernel = "concat",
                                  .min_in = 1,
                                  .max_in = ITO_MAX_INPUTS,
                                  .n_out = 1,
                                  .attr_size = sizeof(ito_attr_axis),
                                  .infer = infer_concat,
                                  .grad = concat_grad,
                                  .moves = true};

ito_value *ito_op_concat(ito_graph *g, int n, ito_value *const *parts, int axis)
{
    if (n == 1) return parts[0];
    ito_attr_axis attr = {n > 0 ? ito__axis(parts[0], axis) : axis};
    return ito__op(g, &concat, &attr, n, parts);
}

/* ---- pad ---- */

static ito_status infer_pad(ito_infer *n)
{
    const ito_attr_pad *attr = n->attr;
    ito_shape shape = n->in[0]->shape;
    for (int i = 0; i < shape.n_dims; i++) {
        if (attr->before[i] < 0 || attr->after[i] < 0)
            return ito__infer_fail(n, "axis %d: padding must not be negative (take a slice instead)", i);
        shape.d[i] += attr->before[i] + attr->after[i];
    }
    n->out[0] = (ito_desc){n->in[0]->dtype, shape};
    return ITO_OK;
}

static void pad_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    const ito_attr_pad *attr = n->attr;
    const int64_t ones[ITO_MAX_DIMS] = {1, 1, 1, 1, 1, 1};
    (void)need;
    dx[0] = ito_op_slice(g, dy[0], attr->before, ones, n->in[0]->shape);
}

static const ito_op_def pad_op = {.name = "pad",
                                  .summary = "a constant around",
                                  .kernel = "pad",
                                  .min_in = 1,
                                  .max_in = 1,
                                  .n_out = 1,
                                  .attr_size = sizeof(ito_attr_pad),
                                  .infer = infer_pad,
                                  .grad = pad_grad};

ito_value *ito_op_pad(ito_graph *g, ito_value *x, const int64_t *before, const int64_t *after, double value)
{
    ito_attr_pad attr = {.value = value};
    for (int i = 0; !ito__is_poison(x) && i < x->shape.n_dims; i++) {
        attr.before[i] = before[i];
        attr.after[i] = after[i];
    }
    return ITO_OP(g, &pad_op, &attr, x);
}

/* ---- cases ---- */

static ito_value *build_slice(ito_graph *g, ito_value *const *in, const void *arg)
{
    const ito_attr_slice *a = arg;
    return ito_op_square(g, ito_op_slice(g, in[0], a->start, a->step, a->shape));
}

static ito_value *build_concat(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_concat(g, 3, in, *(const int *)arg));
}

static ito_value *build_pad(ito_graph *g, ito_value *const *in, const void *arg)
{
    const ito_attr_pad *a = arg;
    return ito_op_square(g, ito_op_pad(g, in[0], a->before, a->after, a->value));
}

static const ito_attr_slice channels = {{0, 0, 0, 5}, {1, 1, 1, 1}, {4, {2, 3, 4, 9}}},
                            every_other = {{1, 0, 1, 0}, {1, 2, 2, 1}, {4, {1, 2, 2, 17}}},
                            half_channels = {{0, 0, 0, 128}, {1, 1, 1, 1}, {4, {16, 32, 32, 128}}},
                            backward = {{0, 2, 3, 0}, {1, -1, -2, 1}, {4, {2, 3, 2, 17}}};
static const int last = -1, middle = 1;
static const ito_attr_pad image_pad = {{0, 1, 2, 0}, {0, 0, 1, 0}, 0}, row_pad = {{1, 0}, {0, 2}, 1.5};

#define S(n, ...)                                                                                                      \
    {                                                                                                                  \
        .shape = { n, {__VA_ARGS__} }                                                                                  \
    }
#define SLICE(text, a)                                                                                                 \
    {                                                                                                                  \
        .name = "slice " text, .n_in = 1, .in = {S(4, 2, 3, 4, 17)}, .build = build_slice, .arg = &a                   \
    }
static const ito_op_case cases[] = {
    SLICE("channels", channels),
    SLICE("every other", every_other),
    SLICE("backward", backward),
    {.name = "concat last",
     .n_in = 3,
     .in = {S(3, 2, 3, 5), S(3, 2, 3, 1), S(3, 2, 3, 17)},
     .build = build_concat,
     .arg = &last},
    {.name = "concat middle",
     .n_in = 3,
     .in = {S(3, 2, 1, 4), S(3, 2, 3, 4), S(3, 2, 2, 4)},
     .build = build_concat,
     .arg = &middle},
    {.name = "pad image", .n_in = 1, .in = {S(4, 2, 3, 2, 5)}, .build = build_pad, .arg = &image_pad},
    {.name = "pad rows", .n_in = 1, .in = {S(2, 3, 4)}, .build = build_pad, .arg = &row_pad},
};
static const ito_op_case real_cases[] = {
    {.name = "slice half the channels",
     .n_in = 1,
     .in = {S(4, 16, 32, 32, 256)},
     .build = build_slice,
     .arg = &half_channels},
    {.name = "concat skip",
     .n_in = 3,
     .in = {S(4, 16, 32, 32, 128), S(4, 16, 32, 32, 64), S(4, 16, 32, 32, 64)},
     .build = build_concat,
     .arg = &last},
    {.name = "pad 32x32x128", .n_in = 1, .in = {S(4, 16, 32, 32, 128)}, .build = build_pad, .arg = &image_pad},
};
static const ito_op_def *const ops[] = {&slice_op, &slice_grad, &concat, &pad_op};
const ito_op_family ito__ops_slice = ITO_OP_TABLES("slice");
