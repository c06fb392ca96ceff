/* Processes: how data is noised. x_t = signal(t) x_0 + sigma(t) eps, eps standard normal. A process is double-precision
 * functions of the time t and knows no tensors. Everything a sampler or a loss needs follows from two levels, s the
 * cleaner and t the noisier one (s < t), and works for any such pair, not only neighbours.
 *
 * Discrete processes are defined at the integers 1..T, with the data at 0 (alpha_bar_0 = 1); between the integers
 * log(alpha_bar) is linear, so that solvers of differential equations see a continuous process. A file that counts
 * timesteps from 0 is mapped where it is read.
 *
 * The caller destroys what he creates; a process is constant once made and may be shared by threads. */
#ifndef ITO_PROCESS_H
#define ITO_PROCESS_H

#include <ito/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where x_t stands. At the data sigma is 0 and log_snr +infinity; where no signal is left log_snr is -infinity. A rate is
 * infinite where the coefficient's graph is vertical: sigma of a variance preserving process at the data. Where a
 * process's functions have a limit at an end, or none, its file says so. */
typedef struct ito_level {
    double t;
    double signal, sigma;
    double log_snr;                 /* log(signal^2 / sigma^2); DPM-Solver's lambda is half of it */
    double signal_rate, sigma_rate; /* d signal / dt and d sigma / dt */
    double u_rate;                  /* d u / dt where the path has a time u of its own (flow's shift); 0: u is t */
} ito_level;

typedef struct ito_process_ends {
    double t_min, t_max;
    double prior_sd;
    int n_timesteps;
} ito_process_ends;

/* What process descriptors compute with; `state` is what create() returned. All functions of t take any t between
 * t_min and t_max of the process. */
typedef struct ito_process_def {
    ito_choice choice;
    /* claims, checked by the tests */
    bool is_discrete;            /* integers 1..T; false: t is continuous */
    bool is_variance_preserving; /* signal^2 + sigma^2 = 1 */
    /* Checks the options, builds tables and sets what it must of *ends: t_min and t_max, prior_sd (the standard
     * deviation of x at t_max), n_timesteps (0 when continuous). */
    ito_status (*create)(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state);
    void (*destroy)(ito_ctx *ctx, void *state);
    ito_level (*level)(const void *state, double t);
    double (*time)(const void *state, double log_snr); /* inverse of the log-SNR, clamped to t_min..t_max */
    double (*drift)(const void *state, double t);      /* f of dx = f(t) x dt + g(t) dw: d log(signal) / dt */
    double (*diffusion)(const void *state, double t);  /* g(t), g^2 = d sigma^2 / dt - 2 f sigma^2 */
    double (*label)(const void *state, double t);      /* what a network is told of t */
} ito_process_def;

typedef struct ito_process ito_process;

ito_status ito_process_register(ito_ctx *ctx, const ito_process_def *def);
ito_status ito_process_find(ito_ctx *ctx, const char *name, const ito_process_def **out);

/* opts: values of the descriptor's options, or NULL for the defaults; not kept. Errors: ITO_NOT_FOUND, ITO_USAGE for
 * an impossible schedule. */
ito_status ito_process_create(ito_ctx *ctx, const char *name, const ito_opts *opts, ito_process **out);
void ito_process_destroy(ito_process *process);

const ito_process_def *ito_process_get_def(const ito_process *process);
int ito_process_n_timesteps(const ito_process *process); /* T; 0 when t is continuous */
double ito_process_t_min(const ito_process *process);    /* the data, or as near as the process comes to it */
double ito_process_t_max(const ito_process *process);    /* where sampling starts */
double ito_process_prior_sd(const ito_process *process); /* x at t_max is sampled as N(0, prior_sd^2) */

/* Functions of t. Out of t_min..t_max, t is taken to the nearer end. */
ito_level ito_process_level(const ito_process *process, double t);
double ito_process_signal(const ito_process *process, double t);
double ito_process_sigma(const ito_process *process, double t);
double ito_process_log_snr(const ito_process *process, double t);
double ito_process_time(const ito_process *process, double log_snr); /* the inverse */
double ito_process_drift(const ito_process *process, double t);
double ito_process_diffusion(const ito_process *process, double t);
/* What networks are told of t: t - 1 of discrete processes, whose files count from 0; for others t, sigma or log(sigma), in
 * the units of the paper's code (each process's file says which). */
double ito_process_label(const ito_process *process, double t);
/* DDPM's letters: alpha_bar = signal^2 and beta_t = 1 - alpha_bar_t / alpha_bar_{t-1}. Meaningful for variance
 * preserving processes. */
double ito_process_alpha_bar(const ito_process *process, double t);
double ito_process_beta(const ito_process *process, int t);

/* q(x_t | x_s) = N(scale x_s, variance), s < t. */
typedef struct ito_transition {
    double scale, variance;
} ito_transition;
ito_transition ito_level_transition(const ito_level *t, const ito_level *s);

/* q(x_s | x_t, x_0) = N(coef_x x_t + coef_x0 x_0, variance), s < t. */
typedef struct ito_posterior {
    double coef_x, coef_x0, variance;
} ito_posterior;
ito_posterior ito_level_posterior(const ito_level *t, const ito_level *s);

#ifdef __cplusplus
}
#endif
#endif
