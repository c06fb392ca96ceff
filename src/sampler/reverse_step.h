/* Steps of the reverse SDE dx = (f x - g^2 score) dt + g dw, as the predictors of score_sde take them: x_s = of_x x + of_x0 x_0 +
 * of_eps eps + sd z, with score = -eps / sigma. */
#ifndef ITO_REVERSE_STEP_H
#define ITO_REVERSE_STEP_H

#include <ito/sampler.h>

typedef enum ito__reverse_kind { ITO__EULER_MARUYAMA, ITO__REVERSE_DIFFUSION, ITO__ANCESTRAL } ito__reverse_kind;

typedef struct ito__reverse_step {
    double of_x, of_x0, of_eps, sd;
} ito__reverse_step;

/* euler_maruyama.c, reverse_diffusion.c; the ancestral one is in reverse_step.c. */
ito__reverse_step ito__euler_maruyama(const ito_process *process, const ito_level *t, const ito_level *s);
ito__reverse_step ito__reverse_diffusion(const ito_level *t, const ito_level *s);
ito__reverse_step ito__reverse_step_between(ito__reverse_kind kind, const ito_process *process, const ito_level *t,
                                            const ito_level *s);

/* The step from x, whose estimate is e; without noise where the run ends and `denoise` says so. ITO_NUMERIC where the SDE's rates
 * are infinite. */
ito_status ito__reverse_step_end(ito_step *st, ito__reverse_kind kind, const void *x, const ito_estimate *e,
                                 bool denoise);

#define ITO__DENOISE_OPTION ITO_OPT_BOOL("denoise", true, "leave the noise out of the last step")

#endif
