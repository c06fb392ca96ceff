/* Guidance: wrappers that make one denoiser of another, steered by its condition. */
#ifndef ITO_GUIDANCE_H
#define ITO_GUIDANCE_H

#include <ito/denoiser.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_guidance_def {
    ito_choice choice;
    /* inner and null_condition are borrowed and must outlive *out, which the caller clears. */
    ito_status (*wrap)(ito_ctx *ctx, const ito_opts *opts, const ito_denoiser *inner,
                       const ito_condition *null_condition, ito_denoiser *out);
} ito_guidance_def;

ito_status ito_guidance_register(ito_ctx *ctx, const ito_guidance_def *def);
ito_status ito_guidance_find(ito_ctx *ctx, const char *name, const ito_guidance_def **out);

/* Classifier-free guidance: eps_null + scale (eps_y - eps_null). 0 is unconditional, 1 conditional (the papers' weight w
 * is scale - 1). Both halves are evaluated as one batch; at 0 and 1 only the half that counts is. null_condition holds
 * the same names as the conditions that will be given, with one row or as many as the batch. Extra output channels are
 * those of the conditional half (of the null half at scale 0). The caller clears *out. */
ito_status ito_guidance_cfg(ito_ctx *ctx, const ito_denoiser *inner, const ito_condition *null_condition, double scale,
                            ito_denoiser *out);

#ifdef __cplusplus
}
#endif
#endif
