/* Samplers: how the reverse process is integrated from noise to data.
 *
 * The loop owns the times, the history, the noise, the hooks and cancellation; a sampler is one function that goes from
 * level t to level s. It computes its coefficients in double and touches tensors only through the ito_step functions
 * below, so the same few lines serve built-in samplers and a program's own (ito_sampler_register).
 *
 * Whole:          ito_sample(ctx, process, &denoiser, NULL, NULL, &x);
 * Step by step:   ito_sampler_create(...);  while (!ito_sampler_is_done(s)) ito_sampler_step(s);  ito_sampler_x(s) ...
 *
 * Everything passed in is borrowed and must live until the sampler is destroyed. Samples are dense [n, ...], of f32, or of f64 to
 * verify a solver with a denoiser that computes in it: the same steps then run on doubles, without clipping, hooks and
 * progress, whose functions see floats. */
#ifndef ITO_SAMPLER_H
#define ITO_SAMPLER_H

#include <ito/denoiser.h>
#include <ito/noise.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_sampler ito_sampler;

/* One step from level t to the cleaner level s, or to the noisier one when the run encodes. Samplers read it; the arrays are
 * [n, size], of the run's dtype, and only handed on. */
typedef struct ito_step {
    ito_ctx *ctx;
    const ito_process *process;
    const ito_opts *opts; /* of the sampler's descriptor */
    int index, n_steps;
    int64_t n, size;
    ito_level t, s;
    const void *x;        /* the state at t */
    void *const *scratch; /* the descriptor's n_scratch arrays; they keep what is in them from step to step */
    /* The descriptor's n_numbers arrays [n]; the same, and zero at the start. They lie behind one another, as ito_step_combine_each
     * wants coefficients. */
    double *const *number;
    ito_sampler *sampler; /* the loop's own */
} ito_step;

/* What the denoiser says at one level. */
typedef struct ito_estimate {
    ito_level t; /* of the first sample, where each has its own */
    const void *x0, *eps;
    /* What the denoiser's extra channels say, of x's shape, until the denoiser is asked again; NULL unless the sampler
     * says uses_extra, and in the history. */
    const float *extra;
} ito_estimate;

typedef struct ito_term {
    double coef;
    const void *src;
} ito_term;

typedef struct ito_sampler_def {
    ito_choice choice;
    /* Claims, checked by the tests and by `ito verify`: orders of convergence to the probability-flow ODE's solution, with default
     * options and without their noise. */
    int order; /* of the formula: with exact values to start from and without a cautious last step; 0: does not follow it */
    int run_order;      /* of a whole run, from its own first steps to its last; 0: the same */
    bool is_stochastic; /* injects noise, with default options */
    /* needs */
    int n_estimates; /* estimates alive at once in a step; 0 means 1 */
    int n_history;   /* estimates of earlier steps that step() may ask for */
    int n_scratch, n_numbers;
    bool follows_path; /* uses ito_step_brownian */
    /* Optional: do these options inject noise? NULL: as is_stochastic says. */
    bool (*is_noisy)(const ito_opts *opts);
    ito_status (*check)(ito_ctx *ctx, const ito_opts *opts); /* optional: are the options sane? */
    /* Optional: do these options ask for the denoiser's extra output, a learned variance for each element of x? */
    bool (*uses_extra)(ito_ctx *ctx, const ito_opts *opts);
    ito_status (*step)(ito_step *step); /* ends with ito_step_to */
} ito_sampler_def;

ito_status ito_sampler_register(ito_ctx *ctx, const ito_sampler_def *def);
ito_status ito_sampler_find(ito_ctx *ctx, const char *name, const ito_sampler_def **out);

/* ---- what a step is made of ---- */

/* Asks the denoiser at (x, t), clips x_0 and runs the hooks on it. The arrays stay valid in this step until the same
 * slot (0 .. n_estimates - 1) is asked for again; slot 0 goes into the history. ITO_NUMERIC where x_0 cannot be had. */
ito_status ito_step_predict(ito_step *step, int slot, const ito_level *t, const void *x, ito_estimate *out);

/* The same with a level for each sample, t[n], for solvers that choose their steps sample by sample. active[n], or NULL for all: whose
 * evaluation counts; the others are evaluated with them. ITO_USAGE with hooks on x_0, which take one level. */
ito_status ito_step_predict_each(ito_step *step, int slot, const ito_level *t, const bool *active, const void *x,
                                 ito_estimate *out);

/* The estimate of slot 0 `back` steps ago (1: the step before this one). False when there is none: at the start, and
 * after a hook sent the state back. */
bool ito_step_history(const ito_step *step, int back, ito_estimate *out);

/* dst = sum of coef * src, in double, rounded once; up to 8 terms; dst may be one of the sources. */
void ito_step_combine(ito_step *step, int n_terms, const ito_term *terms, void *dst);
/* The same with coefficients for each sample: coef[k * n + i] of source k and sample i. Where a coefficient is 0 its source must be
 * finite. */
void ito_step_combine_each(ito_step *step, int n_terms, const double *coef, const void *const *src, void *dst);
/* out[i] = ||x_i||_2 */
void ito_step_norm(ito_step *step, const void *x, double *out);

/* Standard normal numbers of this step; draw (0 .. ITO_NOISE_DRAWS - 2) tells several apart. */
ito_status ito_step_noise(ito_step *step, int draw, void *dst);

/* The increment of each sample's Brownian path between two times of the process, over its standard deviation: standard normal numbers,
 * independent for times apart, that add up over adjoining times as a path's do. The path depends on (seed, sample)
 * alone, so runs with more and with fewer steps follow the same. For samplers that say follows_path. With a program's
 * own noise source they are draw `draw` of the step. */
ito_status ito_step_brownian(ito_step *step, int draw, double t, double s, void *dst);

/* x_s = sum of terms + sd z: the end of every step. Hooks on (mean, variance) run before the noise (draw 0) is added. */
ito_status ito_step_to(ito_step *step, int n_terms, const ito_term *terms, double sd);

/* The same with a deviation of its own for each element: log variance = shift + scale extra, the extra of an estimate.
 * For samplers that say uses_extra. */
ito_status ito_step_to_learned(ito_step *step, int n_terms, const ito_term *terms, double shift, double scale,
                               const float *extra);

/* For clipping and hooks. clamp: to [-limit_i, limit_i], then divided by limit_i when `divide`. quantile: of |x_i|. */
void ito_step_clamp(ito_step *step, const double *limit, bool divide, float *x);
void ito_step_abs_quantile(ito_step *step, double level, const float *x, double *out);

/* ---- hooks ---- */

/* The Gaussian p(x_s | x_t) of a step, before it is sampled. */
typedef struct ito_moments {
    float *mean; /* [n, size], may be changed */
    double variance;
    /* [n, size] where the variance is learned: that of element i is variance * sd_i^2, and variance is 1. NULL elsewhere */
    const float *sd;
} ito_moments;

/* Functions may be NULL. A status other than ITO_OK ends the run. */
typedef struct ito_hook {
    void *user;
    /* After x_0 is predicted from (x, t), and clipped: may change x0; eps follows. */
    ito_status (*on_x0)(void *user, ito_step *step, const ito_level *t, const float *x, float *x0);
    /* Before the step is sampled: may change the mean (classifier guidance). */
    ito_status (*on_moments)(void *user, ito_step *step, ito_moments *moments);
    /* After the step: may change x, now at level s (inpainting, correctors). To send the state back, set *go_to to the
     * index of an earlier step (or this one, step->index): the loop noises x from s to that step's time through the
     * process and goes on from there. */
    ito_status (*on_step)(void *user, ito_step *step, float *x, int *go_to);
} ito_hook;

/* ---- running ---- */

typedef struct ito_progress {
    int index, n_steps; /* the step that was just made */
    int n_evals;        /* denoiser evaluations so far (NFE), of the sample with most */
    double t, s;
    int64_t n, size;
    const float *x, *x0; /* the state at s and the last prediction of x_0, [n, size] */
    double mean_evals;   /* evaluations so far, the mean over samples */
} ito_progress;

/* Where a step starts and ends, for schedules whose levels are no process's times. */
typedef struct ito_step_levels {
    ito_level t; /* t.t, a time of the process, is what the denoiser is told; signal and sigma may be of another time */
    ito_level s; /* need not be the next step's t: some schedules jump */
} ito_step_levels;

/* All fields may be zero. */
typedef struct ito_sample_options {
    const char *sampler; /* NULL: "ddim" */
    const ito_opts *sampler_opts;
    const char *spacing; /* NULL: "trailing" */
    const ito_opts *spacing_opts;
    int n_steps;         /* 0: 50 */
    bool keep_eps;       /* after clipping, keep the network's eps instead of the one that fits the clipped x_0 */
    const double *times; /* instead of a spacing: n_steps times, strictly decreasing, without the end */
    double t_end;        /* stop here; 0: the process's t_min */
    /* Instead of times: the levels of all n_steps steps in the order they are made, as a scheduler's file says
     * (ito/scheduler.h). */
    const ito_step_levels *levels;
    double prior_sd;  /* the state at the first time is this times noise; 0: the process's */
    const char *clip; /* of x_0: NULL: "none"; "static", "dynamic" */
    const ito_opts *clip_opts;
    const void *start; /* [n, ...] of the run's dtype: the state at the first time; NULL: noise */
    /* The other way, from `start`, x_0, to its noise at the first of the times (DDIM inversion): the same times upward. Only
     * without injected noise. */
    bool encode;
    ito_dtype dtype;         /* of ito_sampler_create's run: ITO_F32 or ITO_F64; ito_sample takes x's */
    uint64_t seed;           /* of the default noise source */
    const ito_noise *noise;  /* NULL: the default source */
    const uint64_t *samples; /* global index of each row; NULL: first_sample + row */
    uint64_t first_sample;
    const ito_hook *hooks; /* run in order */
    int n_hooks;
    bool (*progress)(void *user, const ito_progress *progress); /* after every step; false cancels (ITO_CANCELLED) */
    void *user;
} ito_sample_options;

/* Samples of the given shape [n, ...] in one call; x is dense f32 and receives them. condition and options may be NULL. */
ito_status ito_sample(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser,
                      const ito_condition *condition, const ito_sample_options *options, ito_tensor *x);

/* The same in steps. The sampler is destroyed by the caller. */
ito_status ito_sampler_create(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser,
                              const ito_condition *condition, ito_shape shape, const ito_sample_options *options,
                              ito_sampler **out);
void ito_sampler_destroy(ito_sampler *sampler);

/* One step. ITO_CANCELLED after a step that the progress function answered with false (it counts; more may follow);
 * ITO_STATE when all steps are done; ITO_NUMERIC when a sample is not finite. */
ito_status ito_sampler_step(ito_sampler *sampler);
bool ito_sampler_is_done(const ito_sampler *sampler);
int ito_sampler_index(const ito_sampler *sampler); /* of the next step; hooks may send it back */
int ito_sampler_n_steps(const ito_sampler *sampler);
/* Denoiser evaluations so far (NFE): of the sample with most, and the mean. They differ for adaptive solvers alone. */
int ito_sampler_n_evals(const ito_sampler *sampler);
double ito_sampler_mean_evals(const ito_sampler *sampler);
double ito_sampler_time(const ito_sampler *sampler, int index); /* times[index]; index n_steps is the end */

/* The state out of and into memory [n, ...] of the run's dtype, between steps: to edit it, or to start a multistep solver from exact
 * values, whose history stays. */
void ito_sampler_get_x(const ito_sampler *sampler, void *x);
void ito_sampler_set_x(ito_sampler *sampler, const void *x);

/* The state [n, ...] and the last prediction of x_0 (NULL before the first step); valid until the next step. NULL in f64. */
const float *ito_sampler_x(const ito_sampler *sampler);
const float *ito_sampler_x0(const ito_sampler *sampler);

#ifdef __cplusplus
}
#endif
#endif
