/* Rows of a table by index (embeddings), and one-hot rows. An index outside the table reads zeros and sends no gradient. */
#include "graph/op/op_util.h"

/* [...] and [rows, D...] -> [..., D...]; false when there are too many axes. */
static bool gathered_shape(ito_shape index, ito_shape table, ito_shape *out)
{
    if (table.n_dims < 1 || index.n_dims + table.n_dims - 1 > ITO_MAX_DIMS) return false;
    *out = index;
    for (int i = 1; i < table.n_dims; i++) out->d[out->n_dims++] = table.d[i];
    return true;
}

static ito_status infer_gather(ito_infer *n)
{
    if (n->in[1]->dtype != ITO_I32) return ito__infer_fail(n, "expected an index of i32");
    n->out[0].dtype = n->in[0]->dtype;
    if (!gathered_shape(n->in[1]->shape, n->in[0]->shape, &n->out[0].shape))
        return ito__infer_fail(n, "expected a table [rows, ...] and at most %d axes together", ITO_MAX_DIMS);
    return ITO_OK;
}

static ito_status infer_gather_grad(ito_infer *n)
{
    const ito_attr_gather *attr = n->attr;
    ito_shape want;
    n->out[0] = (ito_desc){n->in[1]->dtype, attr->table_shape};
    if (n->in[0]->dtype != ITO_I32) return ito__infer_fail(n, "expected an index of i32");
    if (!gathered_shape(n->in[0]->shape, attr->table_shape, &want) || !ito_shape_equal(want, n->in[1]->shape))
        return ito__infer_fail(n, "dy has another shape than y");
    return ITO_OK;
}

static void gather_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);
static void gather_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);

static const ito_op_def gather = {.name = "gather",
                                  .summary = "rows of a table",
                                  .kernel = "gather",
                                  .min_in = 2,
                                  .max_in = 2,
                                  .n_out = 1,
                                  .attr_size = sizeof(ito_attr_gather),
                                  .infer = infer_gather,
                                  .grad = gather_rule};
static const ito_op_def gather_grad = {.name = "gather_grad",
                                       .summary = "rows added into a table",
                                       .kernel = "gather_grad",
                                       .min_in = 2,
                                       .max_in = 2,
                                       .n_out = 1,
                                       .attr_size = sizeof(ito_attr_gather),
                                       .infer = infer_gather_grad,
                                       .grad = gather_grad_rule};

static void gather_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    if (need[0]) dx[0] = ITO_OP(g, &gather_grad, n->attr, n->in[1], dy[0]);
}

static void gather_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    if (need[1]) dx[1] = ITO_OP(g, &gather, n->attr, dy[0], n->in[0]);
}

ito_value *ito_op_gather(ito_graph *g, ito_value *table, ito_value *index)
{
    ito_attr_gather attr = {{0}};
    if (!ito__is_poison(table)) attr.table_shape = table->shape;
    return ITO_OP(g, &gather, &attr, table, index);
}

/* ---- one_hot ---- */

static ito_status infer_one_hot(ito_infer *n)
{
    const ito_attr_one_hot *attr = n->attr;
    ito_shape shape = n->in[0]->shape;
    if (n->in[0]->dtype != ITO_I32 || attr->depth < 1 || shape.n_dims == ITO_MAX_DIMS)
        return ito__infer_fail(n, "expected an index of i32, at most %d axes and a positive depth", ITO_MAX_DIMS - 1);
    shape.d[shape.n_dims++] = attr->depth;
    n->out[0] = (ito_desc){attr->dtype, shape};
    return ITO_OK;
}

static const ito_op_def one_hot = {.name = "one_hot",
                                   .summary = "1 at the index, 0 elsewhere",
                                   .kernel = "one_hot",
                                   .min_in = 1,
                                   .max_in = 1,
                                   .n_out = 1,
                                   .attr_size = sizeof(ito_attr_one_hot),
                                   .infer = infer_one_hot};

ito_value *ito_op_one_hot(ito_graph *g, ito_value *index, int64_t depth, ito_dtype dtype)
{
    ito_attr_one_hot attr = {.depth = depth, .dtype = dtype};
    return ITO_OP(g, &one_hot, &attr, index);
}

/* ---- cases ---- */

static ito_value *build_gather(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_square(g, ito_op_gather(g, in[0], in[1]));
}

static ito_value *build_one_hot(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_one_hot(g, in[0], 5, ITO_F32);
}

#define INDEX(lo, hi, n, ...)                                                                                          \
    {                                                                                                                  \
        .dtype = ITO_I32, .shape = {n, {__VA_ARGS__}}, .low = lo, .high = hi                                           \
    }
static const ito_op_case cases[] = {
    {.name = "gather rows", .n_in = 2, .in = {{.shape = {2, {5, 17}}}, INDEX(0, 4, 1, 8)}, .build = build_gather},
    {.name = "gather 2x3 from outside too",
     .n_in = 2,
     .in = {{.shape = {3, {4, 2, 3}}}, INDEX(-1, 4, 2, 2, 3)},
     .build = build_gather},
    {.name = "one_hot", .n_in = 1, .in = {INDEX(-1, 5, 2, 3, 4)}, .build = build_one_hot, .no_grad = true},
};
static const ito_op_case real_cases[] = {
    {.name = "gather class embeddings",
     .n_in = 2,
     .in = {{.shape = {2, {1001, 512}}}, INDEX(0, 1000, 1, 64)},
     .build = build_gather},
    {.name = "gather tokens",
     .n_in = 2,
     .in = {{.shape = {2, {49408, 512}}}, INDEX(0, 49407, 2, 16, 77)},
     .build = build_gather},
    {.name = "one_hot classes", .n_in = 1, .in = {INDEX(0, 4, 2, 256, 4096)}, .build = build_one_hot, .no_grad = true},
};
static const ito_op_def *const ops[] = {&gather, &gather_grad, &one_hot};
const ito_op_family ito__ops_gather = ITO_OP_TABLES("gather");
