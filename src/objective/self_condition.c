/* Self-conditioning (Chen, Zhang and Hinton 2023): the network is given what it thinks of x_0. In training that is its own output for
 * zeros, in a share of the samples; in sampling its estimate of the step before. */
#include <ito/ops.h>

#include "objective/extras.h"

/* x_0 of the output, for the samples that see it, zeros for the others. */
static ito_value *estimate(ito_graph *g, const ito_denoise *d, ito_value *output, double limit)
{
    ito_value *x0 = ito_op_add(g, ito_op_mul(g, d->x_t, ito__denoise_column(g, d, ITO_DENOISE_X0_X)),
                               ito_op_mul(g, output, ito__denoise_column(g, d, ITO_DENOISE_X0_OUT)));
    if (limit > 0) x0 = ito_op_clip(g, x0, -limit, limit);
    return ito_op_mul(g, ito_op_stop_gradient(g, x0), ito__denoise_column(g, d, ITO_DENOISE_SEES_X0));
}

ito_value *ito__self_condition(ito_graph *g, const ito_denoise *d, ito_value *output, double limit)
{
    /* EQ[chen23:a1]  f(x_t, x_0', t), x_0' = stop_gradient(x_0 of f(x_t, 0, t)) or 0 */
    ito_value *x0 = output ? estimate(g, d, output, limit) : ito_op_full(g, ITO_F32, ito_value_shape(d->x_t), 0);
    return ito_op_concat(g, 2, (ito_value *[]){d->x_in, x0}, 3);
}
