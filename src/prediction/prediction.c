/* The linear maps between (x_t, output) and (x_0, eps), written once for every kind:
 *     [ x_t    ]   [ signal  sigma   ] [ x_0 ]
 *     [ output ] = [ out_x0  out_eps ] [ eps ]
 * Its determinant vanishes exactly where the output tells nothing new: eps at signal = 0, x_0 at sigma = 0. There the
 * other unknown still follows from x_t alone. */
#include <ito/prediction.h>

#include <math.h>

#define ITO_CHOICE_LIST "prediction/prediction_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(prediction, .question = "what does the network's output mean?");

ito_status ito_prediction_register(ito_ctx *ctx, const ito_prediction_def *def)
{
    if (!def->row) return ito__fail(ctx, ITO_USAGE, "a prediction to register needs its row function");
    return ito_choice_register(ctx, &ito__axis_prediction, &def->choice);
}

ito_status ito_prediction_find(ito_ctx *ctx, const char *name, ito_prediction *out)
{
    *out = (ito_prediction){0};
    return ito__def_find(ctx, &ito__axis_prediction, name, &out->def);
}

ito_prediction_map ito_prediction_map_at(const ito_prediction *prediction, const ito_level *t)
{
    double row[2];
    prediction->def->row(prediction->opts, t, row);
    ito_prediction_map m = {.out_x0 = row[0], .out_eps = row[1]};
    double determinant = t->signal * row[1] - t->sigma * row[0];
    if (fabs(determinant) > 0) {
        m.x0_x = row[1] / determinant;
        m.x0_out = -t->sigma / determinant;
        m.eps_x = -row[0] / determinant;
        m.eps_out = t->signal / determinant;
    } else {
        /* x_t is x_0 alone or eps alone, up to its factor. */
        m.x0_x = t->sigma > 0 ? (double)NAN : 1 / t->signal;
        m.eps_x = t->signal > 0 ? (double)NAN : 1 / t->sigma;
        m.x0_out = t->sigma > 0 ? (double)NAN : 0;
        m.eps_out = t->signal > 0 ? (double)NAN : 0;
    }
    m.has_x0 = isfinite(m.x0_x) && isfinite(m.x0_out);
    m.has_eps = isfinite(m.eps_x) && isfinite(m.eps_out);
    return m;
}

double ito_prediction_scale_in(const ito_prediction *prediction, const ito_level *t)
{
    return prediction->def->scale_in ? prediction->def->scale_in(prediction->opts, t) : 1;
}

bool ito_prediction_convert(const ito_prediction *from, const ito_prediction *to, const ito_level *t, double *of_x,
                            double *of_out)
{
    ito_prediction_map a = ito_prediction_map_at(from, t), b = ito_prediction_map_at(to, t);
    *of_x = *of_out = 0;
    if (b.out_x0 != 0) { /* 0 times what cannot be recovered is not needed */
        *of_x += b.out_x0 * a.x0_x;
        *of_out += b.out_x0 * a.x0_out;
    }
    if (b.out_eps != 0) {
        *of_x += b.out_eps * a.eps_x;
        *of_out += b.out_eps * a.eps_out;
    }
    return isfinite(*of_x) && isfinite(*of_out);
}
