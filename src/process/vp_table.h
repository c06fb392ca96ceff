/* Discrete variance-preserving processes: a list of betas, or of alpha_bars, is all that tells them apart. */
#ifndef ITO_VP_TABLE_H
#define ITO_VP_TABLE_H

#include <ito/process.h>

#include "process/process_impl.h"

/* beta_t of step t, 1 <= t <= n_timesteps. */
typedef double (*ito__beta_fn)(const ito_opts *opts, int t, int n_timesteps);

/* The body of a create(): tables from beta_1 .. beta_T. ITO_USAGE names the first beta outside (0, 1). */
ito_status ito__vp_create(ito_ctx *ctx, const char *name, const ito_opts *opts, int n_timesteps, ito__beta_fn beta,
                          ito_process_ends *ends, void **state);

/* The same in parts, for a create() that has its own source: an empty table, then every step in order, then the end. A
 * step is a beta, or log(alpha_bar_t) itself where a beta near 1 would round the signal away. */
ito_status ito__vp_begin(ito_ctx *ctx, int n_timesteps, void **state);
ito_status ito__vp_put_beta(ito_ctx *ctx, const char *name, void *state, int t, double beta);
ito_status ito__vp_put_log_alpha_bar(ito_ctx *ctx, const char *name, void *state, int t, double log_alpha_bar);
/* The log-SNR is linear in t between timesteps, from the first on; is_zero_snr: no signal is left at the last, which is put so. */
void ito__vp_follow_log_snr(void *state, bool is_zero_snr);
ito_status ito__vp_finish(ito_ctx *ctx, const char *name, const ito_opts *opts, ito_process_ends *ends, void *state);

/* ITO_USAGE unless the option `first` is at most the option `last`. */
ito_status ito__vp_check_order(ito_ctx *ctx, const char *name, const ito_opts *opts, const char *first,
                               const char *last);

ito_level ito__vp_level(const void *state, double t);
double ito__vp_time(const void *state, double log_snr);
double ito__vp_drift(const void *state, double t);
double ito__vp_diffusion(const void *state, double t);
double ito__vp_label(const void *state, double t);

/* The option that ito__vp_finish reads: every discrete variance-preserving process has it. */
#define ITO__VP_ZERO_SNR                                                                                               \
    ITO_OPT_BOOL("zero_snr", 0, "rescale sqrt(alpha_bar) so that no signal is left at T and the first beta stays")

/* "exact": in double. "diffusers": what its schedulers hold, betas and alpha_bars rounded to float32 (vp_float.c), with the log-SNR linear in t
 * between the timesteps, which is how they find the timestep of a sigma. */
#define ITO__VP_TABLES                                                                                                 \
    ITO_OPT_CHOICE("tables", 0, ito__vp_table_names, "in double, or the float32 numbers of diffusers' schedulers")
extern const char *const ito__vp_table_names[];
bool ito__vp_is_float(const ito_opts *opts); /* tables = diffusers */

/* ---- vp_float.c ---- */

/* Number i of n from first to last in float32, as torch.linspace computes it. */
double ito__vp_linspace(double first, double last, int i, int n);
/* ito__vp_create with those tables; betas are rounded. */
ito_status ito__vp_create_float(ito_ctx *ctx, const char *name, const ito_opts *opts, int n_timesteps,
                                ito__beta_fn beta, ito_process_ends *ends, void **state);
/* Rounded tables of betas[n_timesteps], which are used up. */
ito_status ito__vp_finish_float(ito_ctx *ctx, const char *name, const ito_opts *opts, int n_timesteps, float *betas,
                                ito_process_ends *ends, void **state);

/* The functions of a descriptor that go with ito__vp_create. */
#define ITO__VP_FUNCTIONS                                                                                              \
    .is_discrete = true, .is_variance_preserving = true, .destroy = ito__state_free, .level = ito__vp_level,           \
    .time = ito__vp_time, .drift = ito__vp_drift, .diffusion = ito__vp_diffusion, .label = ito__vp_label

#endif
