/* Scores of samples: distances between a set of samples and a set of data, how near and how varied samples are, how many are
 * what was asked for; and errors of denoisers. Everything here is computed in double and never trains. Points are rows of
 * floats: features from an extractor (ito_model_features), or the images or points themselves. Nothing is kept or owned.
 *
 *     ito_sets sets = {.x = samples, .n = 10000, .y = data, .m = 10000, .d = 64};
 *     ito_score fd;
 *     ito_frechet_distance(ctx, &sets, &(ito_resampling){0}, &fd);
 *     printf("%g, 95 %% from %g to %g\n", fd.value, fd.low, fd.high);
 *
 * Results are the same bits for any number of threads. */
#ifndef ITO_METRIC_H
#define ITO_METRIC_H

#include <stdint.h>

#include <ito/denoiser.h>
#include <ito/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- two sets and a score ---- */

/* Two sets of points in rows, row-major: x [n, d] as a rule samples, y [m, d] data. Every function that takes them gives
 * ITO_USAGE for d below 1 or too few rows, and ITO_NUMERIC, naming the set and the row, for a number that is not finite. */
typedef struct ito_sets {
    const float *x, *y;
    int64_t n, m, d;
} ito_sets;

/* Bootstrap: a set is drawn again from itself, n rows out of n with replacement, many times, and the score computed each
 * time. All fields may be zero. Draws are functions of (seed, resample, set). NULL instead of a pointer to one: no interval. */
typedef struct ito_resampling {
    int n; /* resamples; 0: 200 */
    uint64_t seed;
    double level; /* of the interval, between 0 and 1; 0: 0.95 */
} ito_resampling;

/* low and high: the quantiles (1 -+ level) / 2 of the resampled scores, moved by value minus their mean. The move takes out
 * what drawing with replacement adds to every distance (sets drawn from n rows have fewer different ones), so the interval is
 * one for the expected score at this many rows; what few rows alone add to a distance (large for the Frechet distance) stays
 * in. Without resampling sd, low and high are NAN. */
typedef struct ito_score {
    double value;
    double sd; /* of the resampled scores: the standard error of value */
    double low, high;
} ito_score;

/* ---- distances between sets ---- */

/* The squared Frechet (2-Wasserstein) distance of the Gaussians fitted to the sets (Heusel et al. 2017, equation 6: FID where
 * the rows are Inception's features): |mean_x - mean_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)), covariances S with divisor
 * n - 1. In squared units of the rows, 0 or more; biased upwards, the more the fewer rows there are and the larger d is. Singular
 * covariances are fine, as is n below d. Takes n d^2 + d^3 multiplications, that for each resample too. n and m at least 2;
 * ITO_NUMERIC when LAPACK's singular values do not converge. */
ito_status ito_frechet_distance(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *resampling, ito_score *out);

/* All fields may be zero. */
typedef struct ito_kernel_distance_options {
    int n_subsets;       /* 0: 100; negative: none */
    int64_t subset_size; /* rows of either set; 0: 1000, at most half of the smaller set */
    uint64_t seed;       /* of the subsets */
} ito_kernel_distance_options;

typedef struct ito_kernel_distance_result {
    ito_score whole;               /* of all rows */
    double subset_mean, subset_sd; /* over subsets (divisor: their number); NAN without */
    int n_subsets;
    int64_t subset_size;
} ito_kernel_distance_result;

/* The kernel distance (Binkowski et al. 2018, KID where the rows are Inception's features): the squared maximum mean
 * discrepancy with the kernel (x.y / d + 1)^3, estimated without bias, so it may come out below 0. Both as the paper
 * reports it, mean and deviation over random subsets without replacement, and of all rows. Takes (n + m)^2 / 2 products of
 * rows. n and m at least 2; options and resampling may be NULL. */
ito_status ito_kernel_distance(ito_ctx *ctx, const ito_sets *sets, const ito_kernel_distance_options *options,
                               const ito_resampling *resampling, ito_kernel_distance_result *out);

/* The squared maximum mean discrepancy (Gretton et al. 2012, equation 3), estimated without bias, so it may come out below 0;
 * at most 2. The kernel is the mean of exp(-|x - y|^2 / (2 h^2)) over n_bandwidths bandwidths h, finite and above 0, in units of
 * the rows; n_bandwidths 0: one, the median distance. n and m at least 2; ITO_USAGE for other bandwidths and where the
 * median is 0. */
ito_status ito_mmd(ito_ctx *ctx, const ito_sets *sets, int n_bandwidths, const double *bandwidths,
                   const ito_resampling *resampling, ito_score *out);

/* The median of the distances |a - b| of all pairs among the first 500 rows of x and the first 500 of y together, the mean of
 * the two middle ones when their number is even (Gretton et al. 2012, section 8). n and m at least 1, together 2. */
ito_status ito_median_distance(ito_ctx *ctx, const ito_sets *sets, double *out);

/* All fields may be zero. */
typedef struct ito_sliced_options {
    int n_projections; /* 0: 128 */
    int p;             /* 1 or 2; 0: 2 */
    uint64_t seed;     /* of the directions */
} ito_sliced_options;

/* The sliced Wasserstein distance (Rabin et al. 2011; Kolouri et al. 2019, section 2, with the mean over random directions in place of the integral):
 * (mean over directions w of W_p(w.x, w.y)^p)^(1/p), W_p of one-dimensional sets by their quantile functions. Directions are
 * uniform on the unit sphere: direction k is ito_rng_normal of {seed, ITO_STREAM_PROJECTION, k, 0}, normalised. In units of
 * the rows; images may be given as rows of their values. n and m at least 1 and below 2^24, different ones welcome; options may
 * be NULL. ITO_USAGE for other p. */
ito_status ito_sliced_wasserstein(ito_ctx *ctx, const ito_sets *sets, const ito_sliced_options *options,
                                  const ito_resampling *resampling, ito_score *out);

/* The squared energy distance 2 E|x - y| - E|x - x'| - E|y - y'| (Szekely, Rizzo 2013) between the distributions of the sets,
 * Euclidean norm, in units of the rows; 0 only where they are the same. Without bias: pairs of a point with itself do not count,
 * so it may come out below 0. Takes (n + m)^2 / 2 distances. n and m at least 2. */
ito_status ito_energy_score(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *resampling, ito_score *out);
/* The same number alone, of x [n, d] and y [m, d]. */
ito_status ito_energy_distance(ito_ctx *ctx, const float *x, int64_t n, const float *y, int64_t m, int64_t d,
                               double *out);

/* ---- how near, how varied ---- */

/* All fields may be zero. */
typedef struct ito_neighbour_options {
    int k;       /* of precision and recall; 0: 3 */
    int k_dense; /* of density and coverage; 0: 5 */
} ito_neighbour_options;

/* Shares in 0..1; density may exceed 1. */
typedef struct ito_neighbour_result {
    ito_score precision; /* of samples that lie among the data */
    ito_score recall;    /* of the data that lies among the samples */
    ito_score density;   /* how many neighbourhoods of the data a sample lies in, over the number expected */
    ito_score coverage;  /* of the data that has a sample in its neighbourhood */
} ito_neighbour_result;

/* Precision and recall (Kynkaanniemi et al. 2019, equations 1 and 2), density and coverage (Naeem et al. 2020, section 3) of
 * samples x and data y. A point's neighbourhood is the closed ball that reaches its k-th nearest other point of its own set.
 * Intervals are those of a mean over the points that are tested, the neighbourhoods held: drawn again with replacement, points
 * would have themselves as neighbours. n and m above both k; options may be NULL. Takes (n + m)^2 distances. */
ito_status ito_precision_recall(ito_ctx *ctx, const ito_sets *sets, const ito_neighbour_options *options,
                                const ito_resampling *resampling, ito_neighbour_result *out);

/* The share of samples i with read[i] == asked[i], 0..1. Samples with asked[i] below 0 were asked for nothing and do not count; at
 * least one does, or it is ITO_USAGE. */
ito_status ito_accuracy(ito_ctx *ctx, int64_t n, const int32_t *asked, const int32_t *read,
                        const ito_resampling *resampling, ito_score *out);

typedef struct ito_inception_score_result {
    ito_score whole;             /* of all samples */
    double split_mean, split_sd; /* over ten equal parts in order, as published scores are; NAN below ten samples */
} ito_inception_score_result;

/* The Inception score (Salimans et al. 2016, section 4): exp(E_x KL(p(y | x) || p(y))) of probabilities [n, n_classes], 1 to n_classes.
 * Few samples make it smaller: p(y) is their mean. n and n_classes at least 1; ITO_NUMERIC where a row is not
 * probabilities that add up to 1 within 1e-3. */
ito_status ito_inception_score(ito_ctx *ctx, int64_t n, int n_classes, const float *probabilities,
                               const ito_resampling *resampling, ito_inception_score_result *out);

/* Samples x and data y as images [height, width, 3] in -1..1 of the data set `shapes`. */
typedef struct ito_shapes_input {
    ito_sets sets; /* d = height width 3 */
    int height, width;
    const int32_t *
        asked; /* [n], the shape (0 .. ITO_SHAPES_KINDS - 1) that a sample was asked to be, -1: none; NULL: no sample */
} ito_shapes_input;

/* Shares in 0..1. */
typedef struct ito_shapes_result {
    ito_score shape; /* of samples whose main figure is the shape asked for; NAN where none was asked for one */
    /* How well the frequencies of what nobody asks for agree with the data's, as the reader reads both: the sum over values of
     * the smaller one. Of the main figure, and the number of figures. */
    ito_score colour, size, count;
    /* The reader's accuracy for each attribute, on 500 pictures whose scenes are known (the test part, one figure or two). */
    ito_score real_shape, real_colour, real_size, real_count;
} ito_shapes_result;

/* What the exact reader (ito_shapes_read) says of samples. Takes some milliseconds for each image. ITO_SHAPE when d is not height
 * width 3; n and m at least 1. */
ito_status ito_shapes_score(ito_ctx *ctx, const ito_shapes_input *in, const ito_resampling *resampling,
                            ito_shapes_result *out);

/* ---- the axis "metric" ---- */

/* What a metric is computed from, as bits. */
typedef enum ito_metric_needs {
    ITO_METRIC_FEATURES = 1, /* features of samples and data */
    ITO_METRIC_POINTS = 2,   /* samples and data themselves, one row each */
    ITO_METRIC_LABELS = 4,   /* the class that each sample was asked to be, and the one read in it */
    ITO_METRIC_MODEL = 8,    /* a denoiser and data: loss and likelihoods (ito/likelihood.h), which have no compute() */
    ITO_METRIC_READINGS = 32, /* a classifier's probabilities of each sample */
    ITO_METRIC_SHAPES = 16    /* images of the data set `shapes`, whose labels are the shapes' numbers */
} ito_metric_needs;

typedef struct ito_metric_input {
    ito_sets features, points;
    int height, width; /* of points that are images */
    int64_t n_labels;
    const int32_t *asked, *read; /* [n_labels] */
    int n_classes;               /* that the classifier knows */
    const float *probabilities;  /* [n_labels, n_classes] */
    const ito_resampling *resampling;
} ito_metric_input;

#define ITO_METRIC_MOST 8 /* numbers that one metric gives */

typedef struct ito_metric_result {
    int n;
    const char *names[ITO_METRIC_MOST]; /* "precision", ...: constants */
    ito_score scores[ITO_METRIC_MOST];
} ito_metric_result;

/* A metric: src/metric/NAME.c and ITO_CHOICE(metric, NAME) in src/metric/metric_list.h. */
typedef struct ito_metric_def {
    ito_choice choice;
    unsigned needs; /* of ito_metric_needs */
    ito_status (*compute)(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out);
} ito_metric_def;

ito_status ito_metric_register(ito_ctx *ctx, const ito_metric_def *def);
ito_status ito_metric_find(ito_ctx *ctx, const char *name, const ito_metric_def **out);
/* The metric's numbers. opts: values of its options, or NULL for the defaults. ITO_STATE for one of ITO_METRIC_MODEL. */
ito_status ito_metric_compute(ito_ctx *ctx, const ito_metric_def *def, const ito_opts *opts, const ito_metric_input *in,
                              ito_metric_result *out);

/* ---- errors of denoisers ---- */

/* All fields may be zero. */
typedef struct ito_denoising_options {
    int n_times; /* levels per sample, one from each of as many equal shares of the process's times; 0: 16 */
    const uint64_t *samples; /* global index of each row, the key of its noise; NULL: 0 .. n - 1 */
    uint64_t seed;
} ito_denoising_options;

/* Mean |output - target|^2 over elements and uniform times, the loss with weights of 1 (Ho, Jain, Abbeel 2020, equation 14), for each
 * sample of x f32 [n, ...] into error [n]. A sample's number does not depend on its batch. condition and options may be NULL.
 * ITO_NUMERIC when it is not finite. */
ito_status ito_denoising_error(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser,
                               const ito_tensor *x, const ito_condition *condition,
                               const ito_denoising_options *options, double *error);

#ifdef __cplusplus
}
#endif
#endif
