/* Spacings: which timesteps a sampler with few steps visits. Times are those of the process (1..T when it is discrete;
 * diffusers counts the same timesteps from 0). */
#ifndef ITO_SPACING_H
#define ITO_SPACING_H

#include <ito/process.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_spacing_def {
    ito_choice choice;
    /* Fills t[0 .. n_steps - 1], strictly decreasing; the end of the process is not among them. */
    ito_status (*fill)(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t);
} ito_spacing_def;

ito_status ito_spacing_register(ito_ctx *ctx, const ito_spacing_def *def);
ito_status ito_spacing_find(ito_ctx *ctx, const char *name, const ito_spacing_def **out);

/* The named spacing's n_steps times into t (opts NULL: defaults). ITO_USAGE when the process has fewer timesteps. */
ito_status ito_spacing_fill(ito_ctx *ctx, const char *name, const ito_opts *opts, const ito_process *process,
                            int n_steps, double *t);

#ifdef __cplusplus
}
#endif
#endif
