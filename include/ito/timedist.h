/* Time distributions: which noise levels training sees. A distribution is its quantile function: t of u, u uniform in [0, 1),
 * so that a batch may take stratified u and see all levels.
 *
 * The caller destroys what he creates. */
#ifndef ITO_TIMEDIST_H
#define ITO_TIMEDIST_H

#include <ito/process.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_timedist_def {
    ito_choice choice;
    ito_status (*create)(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, void **state);
    void (*destroy)(ito_ctx *ctx, void *state);
    /* The u-quantile, a time of the process (an integer of 1..T when it is discrete). *factor multiplies the loss: 1 where the
     * distribution is a preference, p_uniform / p where its mean is to stay that of uniform times. */
    double (*quantile)(const void *state, double u, double *factor);
    /* Optional: learns from the losses of a batch, before factors. */
    void (*observe)(void *state, int n, const double *t, const double *loss);
    /* Optional, with observe: what a checkpoint keeps, in place. */
    void *(*history)(void *state, size_t *bytes);
} ito_timedist_def;

typedef struct ito_timedist ito_timedist;

ito_status ito_timedist_register(ito_ctx *ctx, const ito_timedist_def *def);
ito_status ito_timedist_find(ito_ctx *ctx, const char *name, const ito_timedist_def **out);

/* opts: values of the descriptor's options, or NULL for the defaults; not kept. Borrows the process. ITO_USAGE when the
 * distribution has no meaning for it. */
ito_status ito_timedist_create(ito_ctx *ctx, const char *name, const ito_opts *opts, const ito_process *process,
                               ito_timedist **out);
void ito_timedist_destroy(ito_timedist *timedist);

const ito_timedist_def *ito_timedist_get_def(const ito_timedist *timedist);
double ito_timedist_quantile(const ito_timedist *timedist, double u, double *factor);
void ito_timedist_observe(ito_timedist *timedist, int n, const double *t, const double *loss);
/* NULL, and 0 bytes, when it keeps nothing. Belongs to the distribution. */
void *ito_timedist_history(ito_timedist *timedist, size_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
