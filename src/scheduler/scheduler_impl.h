/* The inside of schedulers: scheduler_read.c reads a file into options, scheduler_classes.c has a row for every class,
 * scheduler_process.c makes process and prediction, scheduler_times.c and scheduler_sigmas.c diffusers' timesteps and sigmas,
 * scheduler_levels.c and scheduler_chain.c the levels of the steps, scheduler_sampler.c the sampler's options. */
#ifndef ITO_SCHEDULER_IMPL_H
#define ITO_SCHEDULER_IMPL_H

#include <ito/clip.h>
#include <ito/scheduler.h>

#include "base/json.h"

/* Fields of the file that some classes have: which, a class's row says. */
enum {
    ITO__OF_BETAS = 1 << 0, /* num_train_timesteps, beta_start, beta_end, beta_schedule, trained_betas */
    ITO__OF_PREDICTION = 1 << 1,
    ITO__OF_SPACING = 1 << 2,
    ITO__OF_SIGMAS = 1 << 3, /* use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas */
    ITO__OF_RANGE = 1 << 4,  /* sigma_min, sigma_max */
    ITO__OF_FINAL = 1 << 5,  /* final_sigmas_type */
    ITO__OF_ZERO_SNR = 1 << 6,
    ITO__OF_CLIP = 1 << 7,
    ITO__OF_THRESHOLD = 1 << 8,
    ITO__OF_ALPHA_ONE = 1 << 9,
    ITO__OF_PRK = 1 << 10,
    ITO__OF_EULER = 1 << 11, /* interpolation_type, timestep_type */
    ITO__OF_VARIANCE = 1 << 12,
    ITO__OF_SOLVER = 1 << 13, /* solver_order, solver_type, lower_order_final */
    ITO__OF_ALGORITHM = 1 << 14,
    ITO__OF_FLOW = 1 << 15, /* use_flow_sigmas, flow_shift */
    ITO__OF_DYNAMIC = 1 << 16,
    ITO__OF_LAMBDA = 1 << 17, /* lambda_min_clipped */
    ITO__OF_UNIPC = 1 << 18,
    ITO__OF_SA = 1 << 19,
    ITO__OF_EDM = 1 << 20,
    ITO__OF_SCORE = 1 << 21,
    ITO__OF_CONSISTENCY = 1 << 22,
    ITO__OF_LCM = 1 << 23,
    ITO__OF_MATCHING = 1 << 24, /* shift and the other fields of flow matching */
    ITO__OF_SHIFT = 1 << 25,
    ITO__OF_TIMESTEPS = 1 << 26, /* num_train_timesteps */
    ITO__OF_EULER_END = 1 << 27, /* euler_at_final */
    ITO__OF_LU = 1 << 28,        /* use_lu_lambdas */
};

/* Indices into the lists of names of scheduler_read.c. */
enum {
    ITO__BETAS_LINEAR,
    ITO__BETAS_SCALED,
    ITO__BETAS_COSINE,
    ITO__BETAS_SIGMOID,
    ITO__BETAS_LAPLACE,
    ITO__BETAS_EXP
};
enum { ITO__THEIR_EPS, ITO__THEIR_X0, ITO__THEIR_V, ITO__THEIR_FLOW, ITO__THEIR_SAMPLE };
enum { ITO__LINSPACE, ITO__LEADING, ITO__TRAILING };
enum { ITO__FINAL_ZERO, ITO__FINAL_SIGMA_MIN };
enum { ITO__DPM_PP, ITO__DPM, ITO__SDE_DPM_PP, ITO__SDE_DPM, ITO__DEIS, ITO__DATA, ITO__NOISE };
enum { ITO__MIDPOINT, ITO__HEUN, ITO__LOGRHO, ITO__BH1, ITO__BH2 };
enum { ITO__SMALL, ITO__SMALL_LOG, ITO__LARGE, ITO__LARGE_LOG, ITO__LEARNED, ITO__LEARNED_RANGE, ITO__NO_VARIANCE };

#define ITO__MOST_DISABLED 1000

/* What a file says, under diffusers' names where a name stands for itself. */
typedef struct ito__their_options {
    int T, schedule, spacing, offset, prediction;
    double beta_start, beta_end;
    bool karras, exponential, beta, lu;
    double sigma_min, sigma_max; /* NAN: null */
    int final;
    bool zero_snr, clip, thresholding, alpha_one, skip_prk;
    double clip_range, threshold_ratio, threshold_max;
    int interpolation, timestep_type, variance;
    int order, solver, algorithm;
    bool lower_order_final, euler_at_final;
    bool flow, dynamic;
    int time_shift; /* 1: linear */
    double flow_shift, lambda_min, shift_terminal;
    bool predict_x0;
    bool disabled[ITO__MOST_DISABLED]; /* UniPC: no corrector after that step */
    int predictor_order, corrector_order;
    double sigma_data, rho;
    int sigma_schedule;
    double snr, sampling_eps, s_noise, timestep_scaling;
    int correct_steps, original_steps;
    double shift, base_shift, max_shift;
    int base_tokens, max_tokens;
    bool invert, stochastic;
} ito__their_options;

typedef struct ito__scheduler_class {
    const char *name;
    unsigned fields;                                                    /* ITO__OF_... */
    unsigned predictions;                                               /* 1 << ITO__THEIR_...: those the class knows */
    unsigned schedules;                                                 /* 1 << ITO__BETAS_...: */
    unsigned algorithms;                                                /* 1 << ITO__DPM_... */
    void (*defaults)(ito__their_options *o);                            /* NULL: as every class has them */
    ito_status (*open)(ito_scheduler *s);                               /* process and prediction */
    ito_status (*fill)(ito_scheduler *s, const ito_scheduler_use *use); /* levels */
    const char *sampler; /* with its own options as they are; NULL: choose() says */
    ito_status (*choose)(ito_scheduler *s, ito_sample_options *options); /* sampler and its options */
    bool is_double;     /* its evenly spaced timesteps are not rounded to float32 */
    bool rounds_karras; /* timesteps of use_karras_sigmas become whole numbers */
    bool keeps_cosine;  /* not so for the squared cosine */
    bool repeats_last;  /* the end is the last sigma again, or the table's first */
    bool is_unipc;
    bool has_sigmas;    /* its arithmetic is in sigmas, which must be finite */
    bool is_float;      /* EDM: sigmas are computed in float32 */
    bool ends_at_first; /* few steps: at the first timestep, not at the data */
} ito__scheduler_class;

struct ito_scheduler {
    ito_ctx *ctx;
    ito_arena *arena;
    const char *where;
    json_t *config;
    const ito__scheduler_class *class;
    ito__their_options o;
    ito_process *process;
    ito_prediction prediction;
    ito_opts *prediction_opts;
    float *alpha_bar,
        *table; /* [T] of the variance-preserving ones: alphas_cumprod, and sqrt((1 - alpha_bar) / alpha_bar) */

    /* the plan */
    int n;                   /* of the loop's steps */
    ito_step_levels *levels; /* [n] */
    double *times, *sigmas;  /* diffusers' own: [n], [n + 1] */
    double prior_sd;
    const char *sampler;
    ito_opts *sampler_opts, *clip_opts;
};

/* ---- scheduler_read.c ---- */

ito_status ito__their_options_read(ito_scheduler *s);

/* ---- scheduler_classes.c ---- */

const ito__scheduler_class *ito__scheduler_class_get(int index); /* NULL past the end */

/* ---- scheduler_process.c ---- */

ito_status ito__their_vp(ito_scheduler *s); /* of the classes with betas */
ito_status ito__their_edm(ito_scheduler *s);
ito_status ito__their_consistency(ito_scheduler *s);
ito_status ito__their_turn(ito_scheduler *s); /* iPNDM's */
ito_status ito__their_score(ito_scheduler *s);
ito_status ito__their_flow(ito_scheduler *s);

/* ---- scheduler_times.c ---- */

/* n numbers from first to last as np.linspace computes them. */
double ito__np_linspace(double first, double last, int i, int n);
/* np.arange(T, 0, -T / n), rounded, less one: entry i. */
double ito__trailing(double last, double ratio, int i);

/* ---- scheduler_sigmas.c ---- */

/* Entry i of n sigmas that fall from `from` to `to`. */
double ito__karras(double from, double to, double rho, int i, int n);
double ito__exponential(double from, double to, int i, int n);
double ito__beta_spaced(double from, double to, int i, int n);
double ito__sigma_at(const ito_scheduler *s, double timestep); /* the table, linear between timesteps */
double ito__timestep_of(const ito_scheduler *s, double sigma); /* the inverse, linear in log sigma */
/* s->times and s->sigmas: of the classes that k-diffusion has, and of the exponential integrators. */
ito_status ito__sigmas_plain(ito_scheduler *s);
ito_status ito__sigmas_lambda(ito_scheduler *s);

/* ---- scheduler_levels.c ---- */

ito_level ito__level_of_alpha_bar(double alpha_bar, double t);
ito_level ito__level_of_sigma(double sigma, double t); /* variance preserving, of sigma / signal */
ito_level ito__level_exploding(double sigma, double t);
ito_level ito__level_flow(double sigma, double t);
/* Room for n steps. */
ito_status ito__scheduler_room(ito_scheduler *s, int n);

/* ---- the classes' own ---- */

ito_status ito__fill_ddpm(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_ddim(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_inverse(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_pndm(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_lcm(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_plain(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_lambda(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_edm(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_score(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_consistency(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_ipndm(ito_scheduler *s, const ito_scheduler_use *use);
ito_status ito__fill_flow(ito_scheduler *s, const ito_scheduler_use *use);

/* The sampler of that name, with all defaults. */
ito_status ito__scheduler_use_sampler(ito_scheduler *s, const char *name);
ito_status ito__choose_ddpm(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_ddim(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_inverse(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_pndm(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_multistep(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_singlestep(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_deis(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_unipc(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_sa(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_edm(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_score(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_consistency(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_ipndm(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_lcm(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_flow(ito_scheduler *s, ito_sample_options *options);
ito_status ito__choose_flow_heun(ito_scheduler *s, ito_sample_options *options);

#endif
