/* The axis "weighting", and weights as factors of the network's own error. */
#include <ito/weighting.h>

#include <stdio.h>

#define ITO_CHOICE_LIST "weighting/weighting_list.h"
#include "base/axis.h"

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    static const char *const error[] = {[ITO_ERROR_OF_OUTPUT] = "the output's error",
                                        [ITO_ERROR_OF_X0] = "the error of x_0",
                                        [ITO_ERROR_OF_EPS] = "the error of eps"};
    snprintf(text, size, "times %s", error[((const ito_weighting_def *)choice)->error]);
    return text;
}

ITO_AXIS_DEFINE(weighting, .question = "how much does the error at each noise level count?", .claims = claims);

ito_status ito_weighting_register(ito_ctx *ctx, const ito_weighting_def *def)
{
    if (!def->weight) return ito__fail(ctx, ITO_USAGE, "a weighting to register needs its weight function");
    return ito_choice_register(ctx, &ito__axis_weighting, &def->choice);
}

ito_status ito_weighting_find(ito_ctx *ctx, const char *name, const ito_weighting_def **out)
{
    return ito__def_find(ctx, &ito__axis_weighting, name, out);
}

double ito_weighting_at(const ito_weighting *weighting, const ito_process *process, const ito_prediction *prediction,
                        const ito_level *t)
{
    double weight = weighting->def->weight(weighting->opts, process, t);
    if (weighting->def->error == ITO_ERROR_OF_OUTPUT) return weight;
    ito_prediction_map map = ito_prediction_map_in(prediction, process, t);
    double factor = weighting->def->error == ITO_ERROR_OF_X0 ? map.x0_out : map.eps_out;
    return weight * factor * factor;
}
