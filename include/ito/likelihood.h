/* Likelihoods: how well a denoiser explains data, in bits per dimension. Everything works on the seam ito_denoiser and
 * a process, so a network, the exact denoiser of a mixture and a program's own function are all scored alike.
 *
 *   Gaussians      KL divergence, log-density, the discretised decoder of 8-bit data.
 *   ito_vlb        the variational bound of a discrete chain, term by term, with rate and distortion (Ho, Jain, Abbeel
 *                  2020, sections 3 and 4.3). Needs eval alone.
 *   ito_nll        the log-likelihood by the probability-flow ODE (Song et al. 2021, appendix D.2). Needs vjp.
 *
 * Data is f32, dense, [n, ...]; pictures are [n, H, W, C] in -1..1. Sums are in double. Everything random is a function
 * of (seed, index of the sample, timestep), so a sample's numbers do not depend on its batch. Process, denoiser,
 * condition and options are borrowed. Densities are in nats; what is called bits is divided by the number of dimensions
 * too. */
#ifndef ITO_LIKELIHOOD_H
#define ITO_LIKELIHOOD_H

#include <ito/denoiser.h>
#include <ito/variance.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Gaussians, in nats ---- */

/* KL(N(mean_a, exp(log_variance_a)) || N(mean_b, exp(log_variance_b))) of two scalars. */
double ito_gaussian_kl(double mean_a, double log_variance_a, double mean_b, double log_variance_b);

/* log N(x; mean, exp(log_variance)). */
double ito_gaussian_log_density(double x, double mean, double log_variance);

/* The normal distribution function in the decoder. ITO_CDF_TANH, the default, is 0.5 (1 + tanh(sqrt(2/pi) (z + 0.044715
 * z^3))), within 4e-4 of the exact one: the code of DDPM and of improved DDPM has it, so published numbers do. */
typedef enum ito_cdf { ITO_CDF_TANH, ITO_CDF_EXACT } ito_cdf;

/* log of the mass that N(mean, exp(log_variance)) gives to the bin of x, x on the grid of 8-bit data, 2 k / 255 - 1, k
 * = 0..255 (DDPM, equation 13): a bin reaches 1/255 to both sides, the first and the last to infinity. Probabilities
 * below 1e-12 count as 1e-12, as in the papers' code. Relative precision is kept in both tails. */
double ito_gaussian_log_bin(double x, double mean, double log_variance, ito_cdf cdf);

/* The mean of n independent numbers, its standard error and the 95 percent interval mean -+ 1.96 se. n = 1: se is NAN.
 * */
typedef struct ito_interval {
    double mean, se, low, high;
} ito_interval;
ito_interval ito_interval_of(const double *values, int64_t n);

/* A rectangle of [H, W, C] pictures: what is scored, where data is padded for the network. All zero: everything. */
typedef struct ito_inner {
    int top, left, height, width;
} ito_inner;

/* ---- the variational bound ---- */

/* All fields may be zero. */
typedef struct ito_vlb_options {
    /* A chain of one's own: strictly decreasing times, without the data; NULL: T, T - 1, .., 1. Not kept. */
    const double *times;
    int n_times;
    /* Of p(x_s | x_t), the last step's as ito_variance_log has it: NULL is learned_range for a denoiser with extra output,
     * fixed_small for any other. Borrowed. */
    const ito_variance_def *variance;
    int n_evals;     /* 0: every term of every image; K: K terms per image, see below */
    bool keep_range; /* leave the predicted x_0 as it is; false: clip it to -1..1, as the papers' code does */
    bool continuous; /* data is not 8-bit: the last term is the negative log-density of x_0, not the mass of its bin */
    ito_cdf cdf;
    ito_inner inner; /* padding is seen by the network, never scored */
    uint64_t seed;
} ito_vlb_options;

/* One step of the chain, t -> s. Averages are over the n images whose term was computed, NAN when there are none. */
typedef struct ito_vlb_term {
    double t, s;
    int64_t n;
    double bits;       /* L_{t-1}: KL(q(x_s | x_t, x_0) || p(x_s | x_t)); of the last step L_0: -log p(x_0 | x_t) */
    double x0_mse;     /* mean (x_0 - x0_hat)^2, after clipping */
    double eps_mse;    /* of the eps that fits x0_hat: (signal / sigma)^2 x0_mse */
    double rate;       /* bits that x_t has cost: L_T and the terms of all steps before this one */
    double distortion; /* root of the mean squared error of x0_hat, on the scale 0..255 */
} ito_vlb_term;

typedef struct ito_vlb_result {
    int64_t n_images, dims;    /* dims: of one image, padding not counted */
    double total, total_se;    /* the bound on -log p(x_0), and its standard error over images (NAN of one image) */
    double prior, kl, decoder; /* L_T, the sum of all L_{t-1}, L_0; total is their sum */
    const ito_variance_def *variance; /* of the options, or what NULL there came to */
    int n_terms;
    const ito_vlb_term *terms; /* from the noisiest to the last; valid until the object is used again */
} ito_vlb_result;

/* Gathers the bound over any number of batches. With n_evals = K, every image has its L_0 computed and one term from
 * each of K - 1 equal parts of the rest of the chain, drawn for that image alone and weighed by the part's length: an
 * unbiased estimate of the sum, whose standard error over images says what this costs. K is at least 2. */
typedef struct ito_vlb ito_vlb;

/* shape: of one sample, [H, W, C] or [d]. The caller destroys *out. Errors: ITO_USAGE for a process in continuous time
 * without times, times that do not decrease, an inner rectangle outside the picture; ITO_SHAPE when a learned
 * variance's channels do not match; ITO_NUMERIC where the prediction cannot tell x_0 or a variance is not positive. */
ito_status ito_vlb_create(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser, ito_shape shape,
                          const ito_vlb_options *options, ito_vlb **out);
void ito_vlb_destroy(ito_vlb *vlb);

/* Adds a batch x [n, ...]. samples: global index of each row, NULL: 0 .. n - 1. total, when not NULL, receives each
 * image's bound in bits per dimension. ITO_USAGE for non-8-bit data: values farther than 1e-4 from the grid. After an
 * error nothing of the batch counts. */
ito_status ito_vlb_add(ito_vlb *vlb, const ito_tensor *x, const ito_condition *condition, const uint64_t *samples,
                       double *total);

/* Everything so far. ITO_STATE before the first image. */
ito_status ito_vlb_get(ito_vlb *vlb, ito_vlb_result *out);

/* Progressive reconstructions: x0_hat of x_t, t of the given terms (0 .. n_terms - 1), with the same noise as the bound
 * has. out is f32 [n, n_of, ...]: a row of pictures for each image. Does not count as a batch. */
ito_status ito_vlb_reconstruct(ito_vlb *vlb, const ito_tensor *x, const ito_condition *condition,
                               const uint64_t *samples, int n_of, const int *of, float *out);

/* ---- the log-likelihood by the probability-flow ODE ---- */

/* What the divergence is estimated with: z^T J z with E[z z^T] = 1 (Hutchinson), or the trace itself with as many vjps
 * as the data has dimensions. */
typedef enum ito_probe { ITO_PROBE_RADEMACHER, ITO_PROBE_GAUSSIAN, ITO_PROBE_EXACT } ito_probe;

/* 8-bit data is made continuous by uniform noise that fills its bins; E over the noise of the bits is then an upper
 * bound on those of the discrete data. NONE: x is continuous. BINS_255: bins of 2/255 around the grid 2 k / 255 - 1 of
 * ito's own data, bits = -log2 p / d + log2(255 / 2). BINS_256: x = (k + u) / 128 - 1 as in the SDE paper's code,
 * offset 7. */
typedef enum ito_dequantise { ITO_DEQUANTISE_NONE, ITO_DEQUANTISE_BINS_255, ITO_DEQUANTISE_BINS_256 } ito_dequantise;

/* All fields may be zero. */
typedef struct ito_nll_options {
    /* Where the path starts: x_0 stands for x_t / signal there, so the density is that of x_0 with noise of sigma /
     * signal. 0: timestep 1 of a discrete process, the cleanest that networks know; otherwise sigma / signal = 1e-3, or
     * t_min where that is noisier. Exact denoisers may go much lower. */
    double t_eps;
    double rtol, atol; /* of a step, for every number of the state and for the log-volume per dimension; 0: 1e-5 */
    int max_steps;     /* 0: 10000, tried ones included */
    ito_probe probe;
    int n_probes; /* 0: 1; each is integrated on its own along the same path */
    ito_dequantise dequantise;
    /* What lies outside is held to its own noising, signal x_0 + sigma eps with one eps for each sample, and the
     * density is that of the rest: exact for a denoiser that knows its padding. */
    ito_inner inner;
    uint64_t seed;
} ito_nll_options;

typedef struct ito_nll_row {
    double log_density; /* of x_0, in nats; dequantised data's when it was */
    double probe_se;    /* standard error of log_density over probes; 0 when exact, NAN of one probe */
    double log_prior;   /* log N(x_T; 0, prior_sd^2) at t_max, a part of log_density */
    double bits;        /* per dimension, the offset of dequantisation included */
    int n_evals;        /* NFE: evaluations of the ODE; each is n_probes vjps, or d of them when exact */
    int n_steps;        /* accepted ones */
} ito_nll_row;

/* One row for each sample of x [n, ...]. samples as above. condition and options may be NULL. Dormand and Prince's RK45
 * with a step of its own for each sample; the batch is evaluated until its last sample is done. ito_interval_of the
 * rows' bits is what a data set has. Errors: ITO_NOT_DIFFERENTIABLE without a vjp; ITO_USAGE for t_eps outside of the
 * process, an inner rectangle outside of the picture, non-8-bit data, a kind of prediction that the process has no
 * meaning for (one without a density at its data cannot be made at all); ITO_NUMERIC when the path is not finite or
 * needs more than max_steps. */
ito_status ito_nll(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser, const ito_tensor *x,
                   const ito_condition *condition, const uint64_t *samples, const ito_nll_options *options,
                   ito_nll_row *rows);

#ifdef __cplusplus
}
#endif
#endif
