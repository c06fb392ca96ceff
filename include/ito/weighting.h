/* Weightings: how much the error at each noise level counts. Papers weigh the error of x_0 or of eps, whatever their network
 * predicts; a weighting says which, and ito_weighting_at() turns it into the factor of the network's own squared error. */
#ifndef ITO_WEIGHTING_H
#define ITO_WEIGHTING_H

#include <ito/prediction.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whose squared error a weight belongs to. The score's is eps's over sigma^2. */
typedef enum ito_error_of { ITO_ERROR_OF_OUTPUT, ITO_ERROR_OF_X0, ITO_ERROR_OF_EPS } ito_error_of;

typedef struct ito_weighting_def {
    ito_choice choice;
    ito_error_of error;
    /* opts: values of the choice's options, NULL when it has none. */
    double (*weight)(const ito_opts *opts, const ito_process *process, const ito_level *t);
} ito_weighting_def;

/* A weighting with its options; both are borrowed. */
typedef struct ito_weighting {
    const ito_weighting_def *def;
    const ito_opts *opts;
} ito_weighting;

ito_status ito_weighting_register(ito_ctx *ctx, const ito_weighting_def *def);
ito_status ito_weighting_find(ito_ctx *ctx, const char *name, const ito_weighting_def **out);

/* The factor of |output - target|^2 at level t: x_0 is x0_out times the output, so its squared error is x0_out^2 times the
 * output's. Not finite where the weight, or the quantity that it weighs, does not exist. */
double ito_weighting_at(const ito_weighting *weighting, const ito_process *process, const ito_prediction *prediction,
                        const ito_level *t);

#ifdef __cplusplus
}
#endif
#endif
