/* The kernel distance (Binkowski, Sutherland, Arbel, Gretton 2018): MMD^2 with a cubic kernel, KID of Inception's features. */
#include <math.h>
#include <string.h>

#include <ito/rng.h>

#include "metric/pairs.h"

#define SUBSETS     100
#define SUBSET_SIZE 1000

/* EQ[kid:s4]  k(x, y) = (x.y / d + 1)^3 */
static void cubic(const void *arg, int n, double *numbers)
{
    double d = *(const double *)arg;
    for (int i = 0; i < n; i++) {
        double k = numbers[i] / d + 1;
        numbers[i] = k * k * k;
    }
}

/* `count` of n rows, none twice, into out: the first places of a shuffle of their numbers in `order`. */
static void draw_rows(const float *x, int64_t n, int64_t d, ito_rng_key key, int64_t count, int64_t *order, float *out)
{
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = 0; i < count; i++) {
        int64_t j = i + (int64_t)ito_rng_below(key, (uint64_t)i, (uint64_t)(n - i)), taken = order[j];
        order[j] = order[i];
        order[i] = taken;
        memcpy(out + i * d, x + taken * d, (size_t)d * sizeof *out);
    }
}

typedef struct subsets {
    const ito_sets *all;
    float *x, *y;   /* [size, d] */
    int64_t *order; /* [max(n, m)] */
    double *values; /* [n_subsets] */
} subsets;

static ito_status each_subset(ito_ctx *ctx, const subsets *s, const ito__pair_kernel *kernel, uint64_t seed,
                              const ito_kernel_distance_result *out)
{
    const ito_resampling none = {.level = 0.95};
    int64_t size = out->subset_size, d = s->all->d;
    ito_sets sets = {.x = s->x, .y = s->y, .n = size, .m = size, .d = d};
    for (int i = 0; i < out->n_subsets; i++) {
        ito_rng_key key = {.seed = seed, .stream = ITO_STREAM_SUBSET, .step = (uint32_t)i};
        ito_score one;
        draw_rows(s->all->x, s->all->n, d, key, size, s->order, s->x);
        key.sample = 1;
        draw_rows(s->all->y, s->all->m, d, key, size, s->order, s->y);
        ITO_TRY(ito__pair_discrepancy(ctx, &sets, kernel, &none, &one));
        s->values[i] = one.value;
    }
    return ITO_OK;
}

static void add_up(const double *values, ito_kernel_distance_result *out)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < out->n_subsets; i++) mean += values[i] / out->n_subsets;
    for (int i = 0; i < out->n_subsets; i++) squares += (values[i] - mean) * (values[i] - mean) / out->n_subsets;
    out->subset_mean = mean;
    out->subset_sd = sqrt(squares);
}

static ito_status run_subsets(ito_ctx *ctx, const ito_sets *sets, const ito__pair_kernel *kernel, uint64_t seed,
                              ito_kernel_distance_result *out)
{
    subsets s = {.all = sets};
    size_t floats = (size_t)out->subset_size * (size_t)sets->d;
    s.x = ito__alloc_array(ctx, floats, sizeof *s.x);
    s.y = ito__alloc_array(ctx, floats, sizeof *s.y);
    s.order = ito__alloc_array(ctx, (size_t)ITO_MAX(sets->n, sets->m), sizeof *s.order);
    s.values = ito__alloc_array(ctx, (size_t)out->n_subsets, sizeof *s.values);
    ito_status st = s.x && s.y && s.order && s.values ? each_subset(ctx, &s, kernel, seed, out) : ITO_MEMORY;
    if (st == ITO_OK) add_up(s.values, out);
    void *parts[] = {s.x, s.y, s.order, s.values};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
    return st;
}

static ito_status read_options(ito_ctx *ctx, const ito_sets *sets, const ito_kernel_distance_options *o,
                               ito_kernel_distance_result *out)
{
    int64_t smaller = ITO_MIN(sets->n, sets->m), usual = ITO_MAX(ITO_MIN(SUBSET_SIZE, smaller / 2), 2);
    *out = (ito_kernel_distance_result){.subset_mean = NAN, .subset_sd = NAN};
    out->n_subsets = o->n_subsets ? ITO_MAX(o->n_subsets, 0) : SUBSETS;
    out->subset_size = o->subset_size ? o->subset_size : usual;
    if (out->subset_size >= 2 && out->subset_size <= smaller) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "the kernel distance: subsets of %lld rows, expected 2 to %lld",
                     (long long)out->subset_size, (long long)smaller);
}

ito_status ito_kernel_distance(ito_ctx *ctx, const ito_sets *sets, const ito_kernel_distance_options *options,
                               const ito_resampling *resampling, ito_kernel_distance_result *out)
{
    static const ito_kernel_distance_options usual;
    const ito_kernel_distance_options *o = options ? options : &usual;
    ito_resampling r;
    double d = (double)sets->d;
    const ito__pair_kernel kernel = {.apply = cubic, .arg = &d};
    ITO_TRY(ito__sets_check(ctx, "the kernel distance", sets, 2));
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    ITO_TRY(read_options(ctx, sets, o, out));
    ITO_TRY(ito__pair_discrepancy(ctx, sets, &kernel, &r, &out->whole));
    return out->n_subsets ? run_subsets(ctx, sets, &kernel, o->seed, out) : ITO_OK;
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    ito_kernel_distance_result r;
    ito_kernel_distance_options o = {.n_subsets = (int)ito_opts_int(opts, "subsets"),
                                     .subset_size = ito_opts_int(opts, "subset_size"),
                                     .seed = in->resampling ? in->resampling->seed : 0};
    if (!o.n_subsets) o.n_subsets = -1;
    ITO_TRY(ito_kernel_distance(ctx, &in->features, &o, in->resampling, &r));
    *out = (ito_metric_result){.n = 1, .names = {"kd"}, .scores = {r.whole}};
    if (!r.n_subsets) return ITO_OK;
    out->n = 2;
    out->names[1] = "kd_subsets";
    out->scores[1] = (ito_score){.value = r.subset_mean, .sd = r.subset_sd, .low = NAN, .high = NAN};
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("subsets", SUBSETS, 0, 100000, "random subsets whose mean and deviation the paper reports; 0: none"),
    ITO_OPT_INT("subset_size", 0, 0, 1e9, "rows of each; 0: 1000, at most half of the smaller set"),
    ITO_OPT_END,
};

extern const ito_metric_def ito__metric_kd;
const ito_metric_def ito__metric_kd = {
    .choice = {.name = "kd",
               .summary = "kernel distance of features: MMD^2 with a cubic kernel, without bias",
               .formula = "E k(x, x') + E k(y, y') - 2 E k(x, y), k(x, y) = (x.y / d + 1)^3",
               .paper = "kid",
               .eq = "kid:s4",
               .file = "src/metric/kernel_distance.c",
               .options = options},
    .needs = ITO_METRIC_FEATURES,
    .compute = compute,
};
