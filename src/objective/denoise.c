/* Noising, targets and levels of a batch (Ho, Jain and Abbeel 2020, algorithm 1) for any process and linear prediction. */
#include "objective/denoise.h"

#include <math.h>

#include <ito/ops.h>

/* What the variational bound of a discrete chain needs, s = t - 1. */
static void chain_columns(const ito_denoise_setup *setup, const ito_level *t, float *row)
{
    const ito_level s = ito_process_level(setup->process, t->t - 1);
    const ito_posterior q = ito_level_posterior(t, &s);
    row[ITO_DENOISE_COEF_X] = (float)q.coef_x;
    row[ITO_DENOISE_COEF_X0] = (float)q.coef_x0;
    row[ITO_DENOISE_LOG_Q] = (float)ito_variance_log_clipped(setup->process, NULL, t, &s);
    row[ITO_DENOISE_IS_FIRST] = t->t < 1.5;
    if (!setup->variance || !setup->variance->range) return;
    const ito_log_variance learned = ito_variance_log(setup->variance, setup->process, NULL, t, &s);
    row[ITO_DENOISE_LOG_P_0] = (float)learned.shift;
    row[ITO_DENOISE_LOG_P_1] = (float)learned.scale;
}

ito_status ito__denoise_columns(ito_ctx *ctx, const ito_denoise_setup *setup, double t, double factor, float *row)
{
    const ito_level level = ito_process_level(setup->process, t);
    const ito_prediction_map map = ito_prediction_map_in(&setup->prediction, setup->process, &level);
    double weight = ito_weighting_at(&setup->weighting, setup->process, &setup->prediction, &level);
    row[ITO_DENOISE_SIGNAL] = (float)level.signal;
    row[ITO_DENOISE_SIGMA] = (float)level.sigma;
    row[ITO_DENOISE_OUT_X0] = (float)map.out_x0;
    row[ITO_DENOISE_OUT_EPS] = (float)map.out_eps;
    row[ITO_DENOISE_SCALE_IN] = (float)ito_prediction_scale_in(&setup->prediction, &level);
    row[ITO_DENOISE_WEIGHT] = (float)(weight * factor);
    row[ITO_DENOISE_FACTOR] = (float)factor;
    row[ITO_DENOISE_SCORE_X] = (float)(-map.eps_x / level.sigma); /* score = -eps / sigma */
    row[ITO_DENOISE_SCORE_OUT] = (float)(-map.eps_out / level.sigma);
    row[ITO_DENOISE_SCORE_WEIGHT] = (float)(weight * factor * pow(level.sigma / map.eps_out, 2));
    row[ITO_DENOISE_X0_X] = map.has_x0 ? (float)map.x0_x : 0;
    row[ITO_DENOISE_X0_OUT] = map.has_x0 ? (float)map.x0_out : 0;
    row[ITO_DENOISE_SEES_X0] = 0;
    int last = setup->needs_score ? ITO_DENOISE_SCORE_WEIGHT : ITO_DENOISE_FACTOR;
    for (int k = 0; k <= last; k++)
        if (!isfinite(row[k]))
            return ito__fail(ctx, ITO_USAGE,
                             "process %s at t = %g: prediction %s and weighting %s have no finite target, scale or "
                             "weight; choose others, or times that keep away from the end",
                             ito_process_get_def(setup->process)->choice.name, t, setup->prediction.def->choice.name,
                             setup->weighting.def->choice.name);
    if (ito_process_n_timesteps(setup->process)) chain_columns(setup, &level, row);
    return ITO_OK;
}

ito_value *ito__denoise_column(ito_graph *g, const ito_denoise *d, int k)
{
    return ito_op_reshape(g, ito_op_slice_axis(g, d->coef, 1, k, k + 1), ITO_SHAPE(-1, 1, 1, 1));
}

/* of_x0 x_0 + of_eps eps, two columns. */
static ito_value *mix(ito_graph *g, const ito_denoise *d, ito_value *eps, int of_x0, int of_eps)
{
    return ito_op_add(g, ito_op_mul(g, d->x0, ito__denoise_column(g, d, of_x0)),
                      ito_op_mul(g, eps, ito__denoise_column(g, d, of_eps)));
}

ito_value *ito__denoise_error(ito_graph *g, const ito_denoise *d, ito_value *output)
{
    return ito_op_sub(g, output, mix(g, d, d->eps, ITO_DENOISE_OUT_X0, ITO_DENOISE_OUT_EPS));
}

ito_value *ito__denoise_mean(ito_graph *g, ito_value *x)
{
    return ito_op_mean(g, x, 1u << 1 | 1u << 2 | 1u << 3, false);
}

ito_denoise ito__denoise_begin(ito_graph *g, ito_shape image, bool scaled, bool perturbed)
{
    ito_denoise d = {.x0 = ito_graph_input(g, "x0", ITO_F32, image),
                     .eps = ito_graph_input(g, "eps", ITO_F32, image),
                     .coef = ito_graph_input(g, "coef", ITO_F32, ITO_SHAPE(image.d[0], ITO_DENOISE_COLUMNS))};
    d.eps_in = perturbed ? ito_graph_input(g, "noisier eps", ITO_F32, image) : d.eps;
    d.x_t = mix(g, &d, d.eps_in, ITO_DENOISE_SIGNAL, ITO_DENOISE_SIGMA); /* EQ[survey:3] = EQ[ddpm:4] */
    d.x_in = scaled ? ito_op_mul(g, d.x_t, ito__denoise_column(g, &d, ITO_DENOISE_SCALE_IN)) : d.x_t;
    return d;
}
