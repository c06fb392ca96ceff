/* Clipping of the predicted x_0: keeps it in the range of the data. */
#ifndef ITO_CLIP_H
#define ITO_CLIP_H

#include <ito/sampler.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_clip_def {
    ito_choice choice;
    /* Changes x0 [n, size] in place; limit has room for n numbers. NULL: nothing to do. */
    ito_status (*apply)(ito_step *step, const ito_opts *opts, double *limit, float *x0);
} ito_clip_def;

ito_status ito_clip_register(ito_ctx *ctx, const ito_clip_def *def);
ito_status ito_clip_find(ito_ctx *ctx, const char *name, const ito_clip_def **out);

#ifdef __cplusplus
}
#endif
#endif
