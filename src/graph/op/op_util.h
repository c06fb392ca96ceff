/* Small things that op files share: common shape rules, broadcasting, and the way gradients fold back. */
#ifndef ITO_OP_UTIL_H
#define ITO_OP_UTIL_H

#include <ito/ops.h>

#include "graph/graph_impl.h"

/* Numpy broadcasting of two shapes; false when they do not fit. */
bool ito__broadcast(ito_shape a, ito_shape b, ito_shape *out);

/* Shape rules: one output like the first input; one broadcast output of two inputs of one dtype. */
ito_status ito__infer_same(ito_infer *n);
ito_status ito__infer_broadcast(ito_infer *n);

/* Fails unless every input is real (f32 or f64) and of the first one's dtype. */
ito_status ito__infer_real(const ito_infer *n);

/* An axis counted from the end when negative; out of range stays so, for the shape rule to report. */
int32_t ito__axis(const ito_value *x, int axis);
/* The shape without one axis. */
ito_shape ito__shape_without(ito_shape shape, int axis);

/* Sums a gradient back to the shape of the input it belongs to. */
ito_value *ito__fold(ito_graph *g, ito_value *dy, const ito_value *like);

/* The transpose of ito_op_slice: `part` put back into zeros of shape `whole`. */
ito_value *ito__slice_back(ito_graph *g, ito_value *part, const int64_t *start, const int64_t *step, ito_shape whole);

#endif
