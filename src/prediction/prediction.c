/* The linear maps between (x_t, output) and (x_0, eps), written once for every kind:
 *     [ x_t    ]   [ signal  sigma   ] [ x_0 ]
 *     [ output ] = [ out_x0  out_eps ] [ eps ]
 * Its determinant vanishes exactly where the output tells nothing new: eps at signal = 0, x_0 at sigma = 0. There the
 * other unknown still follows from x_t alone. */
#include <ito/prediction.h>

#include <math.h>
#include <stdio.h>

#define ITO_CHOICE_LIST "prediction/prediction_list.h"
#include "base/axis.h"

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    const ito_prediction_def *def = (const ito_prediction_def *)choice;
    snprintf(text, size, "%s", def->row_to ? "of the step from t to t - 1: discrete time only" : "");
    return text;
}

ITO_AXIS_DEFINE(prediction, .question = "what does the network's output mean?", .claims = claims);

ito_status ito_prediction_register(ito_ctx *ctx, const ito_prediction_def *def)
{
    if (!def->row == !def->row_to)
        return ito__fail(ctx, ITO_USAGE, "a prediction to register needs its row function, or row_to instead");
    return ito_choice_register(ctx, &ito__axis_prediction, &def->choice);
}

ito_status ito_prediction_find(ito_ctx *ctx, const char *name, ito_prediction *out)
{
    *out = (ito_prediction){0};
    return ito__def_find(ctx, &ito__axis_prediction, name, &out->def);
}

ito_status ito_prediction_check(ito_ctx *ctx, const ito_prediction *prediction, const ito_process *process)
{
    if (!prediction->def->row_to || ito_process_n_timesteps(process)) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE,
                     "%s prediction is about the step from t to t - 1, but time is continuous in process %s: take a "
                     "discrete process or another prediction, such as x0",
                     prediction->def->choice.name, ito_process_get_def(process)->choice.name);
}

/* The coefficients of output = row[0] x_0 + row[1] eps, solved for x_0 and eps. */
static ito_prediction_map solve(const double row[2], const ito_level *t)
{
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

ito_prediction_map ito_prediction_map_to(const ito_prediction *prediction, const ito_level *t, const ito_level *s)
{
    double row[2];
    if (prediction->def->row_to)
        prediction->def->row_to(prediction->opts, t, s, row);
    else
        prediction->def->row(prediction->opts, t, row);
    return solve(row, t);
}

static ito_prediction_map nothing(void)
{
    const double nan = (double)NAN;
    return (ito_prediction_map){nan, nan, nan, nan, nan, nan, false, false};
}

ito_prediction_map ito_prediction_map_at(const ito_prediction *prediction, const ito_level *t)
{
    return prediction->def->row_to ? nothing() : ito_prediction_map_to(prediction, t, NULL);
}

ito_prediction_map ito_prediction_map_in(const ito_prediction *prediction, const ito_process *process,
                                         const ito_level *t)
{
    if (!prediction->def->row_to) return ito_prediction_map_at(prediction, t);
    if (!ito_process_n_timesteps(process)) return nothing();
    ito_level s = ito_process_level(process, t->t - 1);
    return ito_prediction_map_to(prediction, t, &s);
}

double ito_prediction_scale_in(const ito_prediction *prediction, const ito_level *t)
{
    return prediction->def->scale_in ? prediction->def->scale_in(prediction->opts, t) : 1;
}

bool ito_prediction_map_convert(const ito_prediction_map *from, const ito_prediction_map *to, double *of_x,
                                double *of_out)
{
    *of_x = *of_out = 0;
    if (to->out_x0 != 0) { /* 0 times what cannot be recovered is not needed */
        *of_x += to->out_x0 * from->x0_x;
        *of_out += to->out_x0 * from->x0_out;
    }
    if (to->out_eps != 0) {
        *of_x += to->out_eps * from->eps_x;
        *of_out += to->out_eps * from->eps_out;
    }
    return isfinite(*of_x) && isfinite(*of_out);
}

bool ito_prediction_convert(const ito_prediction *from, const ito_prediction *to, const ito_level *t, double *of_x,
                            double *of_out)
{
    ito_prediction_map a = ito_prediction_map_at(from, t), b = ito_prediction_map_at(to, t);
    return ito_prediction_map_convert(&a, &b, of_x, of_out);
}
