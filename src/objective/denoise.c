/* L_simple (Ho, Jain and Abbeel 2020, equation 14) for any linear prediction. */
#include "objective/denoise.h"

#include <ito/ops.h>

/* Column k of the coefficients as [N, 1, 1, 1]. */
static ito_value *column(ito_graph *g, ito_value *coef, int k)
{
    return ito_op_reshape(g, ito_op_slice_axis(g, coef, 1, k, k + 1), ITO_SHAPE(-1, 1, 1, 1));
}

static ito_value *mix(ito_graph *g, const ito_denoise *d, int of_x0, int of_eps)
{
    return ito_op_add(g, ito_op_mul(g, d->x0, column(g, d->coef, of_x0)),
                      ito_op_mul(g, d->eps, column(g, d->coef, of_eps)));
}

ito_denoise ito__denoise_begin(ito_graph *g, ito_shape image)
{
    ito_denoise d = {.x0 = ito_graph_input(g, "x0", ITO_F32, image),
                     .eps = ito_graph_input(g, "eps", ITO_F32, image),
                     .coef = ito_graph_input(g, "coef", ITO_F32, ITO_SHAPE(image.d[0], ITO_DENOISE_COLUMNS))};
    d.x_t = mix(g, &d, ITO_DENOISE_SIGNAL, ITO_DENOISE_SIGMA); /* EQ[survey:3] = EQ[ddpm:4] */
    return d;
}

ito_value *ito__denoise_loss(ito_graph *g, const ito_denoise *d, ito_value *output)
{
    ito_value *target = mix(g, d, ITO_DENOISE_OUT_X0, ITO_DENOISE_OUT_EPS);
    /* EQ[ddpm:14] = EQ[survey:19] = EQ[survey:20]  mean |output - target|^2 */
    return ito_op_mean(g, ito_op_square(g, ito_op_sub(g, output, target)), 1u << 1 | 1u << 2 | 1u << 3, false);
}
