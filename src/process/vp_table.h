/* Discrete variance-preserving processes: a list of betas is all that tells them apart. */
#ifndef ITO_VP_TABLE_H
#define ITO_VP_TABLE_H

#include <ito/process.h>

/* beta_t of step t, 1 <= t <= n_timesteps. */
typedef double (*ito__beta_fn)(const ito_opts *opts, int t, int n_timesteps);

/* The body of a create(): tables from beta_1 .. beta_T. ITO_USAGE names the first beta outside (0, 1). */
ito_status ito__vp_create(ito_ctx *ctx, const char *name, const ito_opts *opts, int n_timesteps, ito__beta_fn beta,
                          ito_process_ends *ends, void **state);
void ito__vp_destroy(ito_ctx *ctx, void *state);
ito_level ito__vp_level(const void *state, double t);
double ito__vp_time(const void *state, double log_snr);
double ito__vp_drift(const void *state, double t);
double ito__vp_diffusion(const void *state, double t);
double ito__vp_label(const void *state, double t);

/* The functions of a descriptor that go with ito__vp_create. */
#define ITO__VP_FUNCTIONS                                                                                              \
    .is_discrete = true, .is_variance_preserving = true, .destroy = ito__vp_destroy, .level = ito__vp_level,           \
    .time = ito__vp_time, .drift = ito__vp_drift, .diffusion = ito__vp_diffusion, .label = ito__vp_label

#endif
