/* The graph from inside: nodes, values, op definitions and the cases every op brings along. */
#ifndef ITO_GRAPH_IMPL_H
#define ITO_GRAPH_IMPL_H

#include <ito/graph.h>

#include "base/base.h"
#include "kernel/kernel.h"

typedef struct ito_node ito_node;
typedef struct ito_op_def ito_op_def;

struct ito_value {
    ito_graph *graph;
    ito_node *node; /* NULL: poisoned */
    int index;      /* which output of the node */
    int id;         /* dense number within the graph */
    ito_dtype dtype;
    ito_shape shape;
};

struct ito_node {
    const ito_op_def *op;
    int id; /* nodes are numbered in building order, which is a topological order */
    int n_in, n_out;
    ito_value **in;
    ito_value *out; /* n_out of them */
    void *attr;
    const char *label; /* of a source: its name */
    const void *data;  /* of a constant */
    bool is_gradient;  /* appended by ito_graph_grad */
    bool is_repeat;    /* computes again what an earlier node computed (graph/recompute.h) */
    bool is_rounded;   /* output 0 holds numbers that bf16 has (graph/narrow.h) */
    bool is_storage;   /* puts a value away or fetches it (graph/narrow.h) */
};

/* What a shape rule sees and fills. To fail: `return ito__infer_fail(n, "expected ..., found ...")`. */
typedef struct ito_infer {
    ito_ctx *ctx;
    const ito_op_def *op;
    const void *attr;
    int n_in, n_out;
    ito_value *const *in;
    ito_desc out[ITO_MAX_OUTPUTS];
} ito_infer;
ito_status ito__infer_fail(const ito_infer *n, const char *format, ...) ITO_PRINTF(2, 3);

/* An operation. At most one of these gives its derivative: grad; compose (the composition is differentiated instead);
 * zero_grad. With none of them the op is not differentiable. */
struct ito_op_def {
    const char *name, *summary;
    const char *kernel; /* name in kernel/attr.h; NULL: the output is the input's memory (reshape) or a source */
    int min_in, max_in, n_out;
    size_t attr_size;
    ito_status (*infer)(ito_infer *n);
    /* dy[o] is NULL when nothing flows into output o; set dx[i] where need[i], leave NULL for zero. */
    void (*grad)(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);
    /* The same function from simpler ops; y[o] may stay NULL for an output that nobody may differentiate. */
    void (*compose)(ito_graph *g, const ito_node *n, ito_value **y);
    double (*flops)(const ito_node *n);
    bool zero_grad;      /* piecewise constant: the derivative is 0 where it exists */
    uint32_t reads_bf16; /* bit i: kernels take input i in bf16 too, where an f32 is expected */
    bool moves;          /* every element of the output is one of an input's */
    uint32_t inplace;    /* bit i: output 0 may overwrite input i when shapes and dtypes agree */
};

/* One use of an op that serves as unit test, gradient check and bench row. Ranges keep away from kinks and poles. */
#define ITO_CASE_INPUTS 6
typedef struct ito_case_input {
    ito_dtype dtype; /* ITO_F32: real, float64 in gradient checks; ITO_I32: whole numbers low .. high */
    ito_shape shape;
    double low, high; /* uniform; both 0: -1 .. 1 */
} ito_case_input;

typedef struct ito_op_case {
    const char *name; /* "conv2d n2 8x8 c16 k3 s1 p1 oc16" */
    int n_in;
    bool no_grad; /* no gradient check (integer results, zero gradients) */
    ito_case_input in[ITO_CASE_INPUTS];
    ito_value *(*build)(ito_graph *g, ito_value *const *in, const void *arg);
    const void *arg;
    double tolerance; /* fast kernel against reference, relative to the largest reference value; 0: 2e-6 */
} ito_op_case;

typedef struct ito_op_family {
    const char *name;
    int n_ops, n_cases;
    const ito_op_def *const *ops;
    const ito_op_case *cases;
    int n_real_cases;
    const ito_op_case *real_cases; /* of the size networks have: only timed, too large for differences */
} ito_op_family;
/* Of a file whose tables are ops, cases and real_cases. */
#define ITO_OP_TABLES(family)                                                                                          \
    {                                                                                                                  \
        family, ITO_COUNT(ops), ITO_COUNT(cases), ops, cases, ITO_COUNT(real_cases), real_cases                        \
    }

/* All families, from the registry op_list.h. */
int ito__op_families(const ito_op_family *const **out);
const ito_op_def *ito__op_find(const char *name); /* NULL when there is none */

#define ITO_SCOPE_DEPTH 32

struct ito_graph {
    ito_ctx *ctx;
    ito_arena *arena;
    ito_node **nodes;
    int n_nodes, cap_nodes, n_values;
    ito_value poison;
    ito_status status;
    const char *message;
    const char *scope[ITO_SCOPE_DEPTH]; /* the label at each depth, already joined with the outer ones */
    int depth;
    bool in_gradient; /* ito_graph_grad is at work */
};

/* Sources are nodes of these ops. */
extern const ito_op_def ito__op_input, ito__op_param, ito__op_const;
bool ito__node_is_source(const ito_node *n);

/* Appends a node and returns its first output; the others are ito__output(v, i). attr is copied. A poisoned or NULL input
 * gives poison; a failing shape rule gives poison and is remembered. */
ito_value *ito__op(ito_graph *g, const ito_op_def *op, const void *attr, int n_in, ito_value *const *in);
#define ITO_OP(g, op, attr, ...)                                                                                       \
    ito__op(g, op, attr, (int)(sizeof((ito_value *[]){__VA_ARGS__}) / sizeof(ito_value *)),                            \
            (ito_value *[]){__VA_ARGS__})

/* Remembers the first failure; returns the poison. */
ito_value *ito__graph_fail(ito_graph *g, ito_status status, const char *format, ...) ITO_PRINTF(3, 4);
bool ito__is_poison(const ito_value *v);
/* The i-th output of v's node; poison stays poison. */
ito_value *ito__output(ito_value *v, int i);

/* Which nodes the outputs need, by node id; to be freed with ito__free, NULL when memory ran out. */
bool *ito__graph_mark_live(ito_graph *g, int n_out, ito_value *const *outputs);

/* Gradients that are to be kept in bf16: each becomes its cast. */
void ito__graph_narrow_gradients(ito_graph *g, int n, ito_value **grads);

/* A copy of the nodes that the outputs need, for passes that rewrite. map[value id in g] is the copy or NULL; the caller
 * destroys *out and frees *map with ito__free. */
ito_status ito__graph_copy_live(ito_graph *g, int n_out, ito_value *const *outputs, ito_graph **out, ito_value ***map);

/* A copy of n in another graph, reading in[] there; its first output, NULL when memory ran out. */
ito_value *ito__graph_copy_node(ito_graph *to, const ito_node *n, ito_value *const *in);
/* The same with n_more outputs behind its own. */
ito_value *ito__graph_copy_node_more(ito_graph *to, const ito_node *n, ito_value *const *in, int n_more,
                                     const ito_desc *more);

/* An alias has no kernel: its output is its input's memory. */
bool ito__node_is_alias(const ito_node *n);
/* The value whose memory v is. */
ito_value *ito__value_root(ito_value *v);

/* Fuses in place: norm + activation (forward and backward), product or convolution + residual + activation. Nodes that
 * became dead stay in the list. keep[] are the outputs; an entry whose node was fused away is replaced. */
ito_status ito__graph_fuse(ito_graph *g, int n_keep, ito_value **keep);

#endif
