/* Predictions: what a network's output means. Every kind is a linear map,
 *     output = out_x0 x_0 + out_eps eps,    with    x_t = signal x_0 + sigma eps,
 * so one two-by-two system per noise level converts any kind into any other. */
#ifndef ITO_PREDICTION_H
#define ITO_PREDICTION_H

#include <ito/process.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_prediction_def {
    ito_choice choice;
    /* row[0] = out_x0, row[1] = out_eps at level t. opts: values of the choice's options, or NULL for the defaults. A
     * coefficient that does not exist at this level is NAN. */
    void (*row)(const ito_opts *opts, const ito_level *t, double row[2]);
    /* Instead of row, for a kind that looks from t to the cleaner level s: the mean of q(x_s | x_t, x_0). */
    void (*row_to)(const ito_opts *opts, const ito_level *t, const ito_level *s, double row[2]);
    /* Optional: what x_t is multiplied by before the network sees it; NULL: 1. */
    double (*scale_in)(const ito_opts *opts, const ito_level *t);
} ito_prediction_def;

/* A kind with its options; both are borrowed. */
typedef struct ito_prediction {
    const ito_prediction_def *def;
    const ito_opts *opts; /* NULL: the defaults */
} ito_prediction;

ito_status ito_prediction_register(ito_ctx *ctx, const ito_prediction_def *def);
/* "eps", "x0", "v", ... with its default options. */
ito_status ito_prediction_find(ito_ctx *ctx, const char *name, ito_prediction *out);
/* ITO_USAGE when the kind has no meaning for the process: one that looks from t to t - 1 where time is continuous. */
ito_status ito_prediction_check(ito_ctx *ctx, const ito_prediction *prediction, const ito_process *process);

/* All coefficients at one level. What cannot be recovered there has NAN coefficients and its flag is false:
 * x_0 from eps where signal = 0, eps from x_0 where sigma = 0. */
typedef struct ito_prediction_map {
    double out_x0, out_eps; /* output = out_x0 x_0 + out_eps eps: the training target */
    double x0_x, x0_out;    /* x_0 = x0_x x_t + x0_out output */
    double eps_x, eps_out;  /* eps = eps_x x_t + eps_out output */
    bool has_x0, has_eps;
} ito_prediction_map;

/* All NAN for a kind that needs the cleaner level too. */
ito_prediction_map ito_prediction_map_at(const ito_prediction *prediction, const ito_level *t);
/* For such a kind; others do not look at s. */
ito_prediction_map ito_prediction_map_to(const ito_prediction *prediction, const ito_level *t, const ito_level *s);
/* What a network that was trained on the process means at t, whatever its kind: s is t - 1 where a kind asks for it. */
ito_prediction_map ito_prediction_map_in(const ito_prediction *prediction, const ito_process *process,
                                         const ito_level *t);

/* What the network sees is this times x_t. */
double ito_prediction_scale_in(const ito_prediction *prediction, const ito_level *t);

/* output of `to` = *of_x x_t + *of_out (output of `from`) at level t. False, and NANs, where it cannot be had. */
bool ito_prediction_convert(const ito_prediction *from, const ito_prediction *to, const ito_level *t, double *of_x,
                            double *of_out);
/* The same of two maps at one level. */
bool ito_prediction_map_convert(const ito_prediction_map *from, const ito_prediction_map *to, double *of_x,
                                double *of_out);

#ifdef __cplusplus
}
#endif
#endif
