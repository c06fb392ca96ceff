/* The closed set of per-sample functions on [n, size] float arrays: what samplers, guidance and noising compute with.
 *
 * Every function is cut into the same pieces whatever the number of threads: spans of CHUNK floats of one sample, or
 * groups of whole samples when these are small. A span's result depends on its own sample alone, and the two functions
 * that reduce (norm, abs_quantile) go through a sample in one fixed order, so a sample's numbers are the same in any
 * batch. Sums are kept in double and rounded once. */
#include "kernel/cpu/cpu_vec.h"

#include <assert.h>
#include <math.h>

#define CHUNK 4096 /* floats; even, because normal numbers come in pairs */
#define LANES 8    /* partial sums of a norm: a fixed order that still vectorises */
#define BLOCK 256  /* doubles of a linear combination that stay in L1 */

typedef struct work {
    int64_t n, size, chunk;
    int n_terms;
    bool divide;
    double level;
    const double *coef, *scale;
    const ito_rng_key *key;
    const float *const *src;
    float *dst;
    double *out;
    void (*fn)(const struct work *w, int64_t sample, int64_t first, int64_t count);
} work;

static void run_slice(void *arg, int64_t slice, int thread)
{
    const work *w = arg;
    (void)thread;
    if (w->size >= w->chunk) {
        int64_t per_sample = (w->size + w->chunk - 1) / w->chunk, first = slice % per_sample * w->chunk;
        w->fn(w, slice / per_sample, first, ITO_MIN(w->chunk, w->size - first));
        return;
    }
    int64_t group = w->chunk / w->size;
    for (int64_t i = slice * group; i < ITO_MIN(w->n, (slice + 1) * group); i++) w->fn(w, i, 0, w->size);
}

/* Calls w->fn for every span. With `whole`, a span is always a whole sample. */
static void run(const ito_queue *q, work w, bool whole)
{
    if (w.n <= 0 || w.size <= 0) return;
    w.chunk = whole ? ITO_MAX(w.size, CHUNK) : CHUNK;
    int64_t group = w.chunk / w.size;
    int64_t n_slices = w.size >= w.chunk ? w.n * ((w.size + w.chunk - 1) / w.chunk) : (w.n + group - 1) / group;
    ito__parallel(q, n_slices, run_slice, &w);
}

static void lincomb_span(const work *w, int64_t sample, int64_t first, int64_t count)
{
    double sum[BLOCK];
    for (int64_t start = 0; start < count; start += BLOCK) {
        int64_t at = sample * w->size + first + start, m = ITO_MIN(BLOCK, count - start);
        for (int64_t j = 0; j < m; j++) sum[j] = 0;
        for (int k = 0; k < w->n_terms; k++) {
            const double c = w->coef[k * w->n + sample];
            const float *x = w->src[k] + at;
            for (int64_t j = 0; j < m; j++) sum[j] += c * (double)x[j];
        }
        for (int64_t j = 0; j < m; j++) w->dst[at + j] = (float)sum[j];
    }
}

static void lincomb(const ito_queue *q, int64_t n, int64_t size, int n_terms, const double *coef,
                    const float *const *src, float *dst)
{
    assert(n_terms >= 0 && n_terms <= ITO_VEC_MAX_TERMS);
    run(q, (work){.n = n, .size = size, .n_terms = n_terms, .coef = coef, .src = src, .dst = dst, .fn = lincomb_span},
        false);
}

static void normal_span(const work *w, int64_t sample, int64_t first, int64_t count)
{
    ito_rng_normal(w->key[sample], (uint64_t)first, (size_t)count, w->dst + sample * w->size + first);
}

static void normal(const ito_queue *q, int64_t n, int64_t size, const ito_rng_key *key, float *dst)
{
    run(q, (work){.n = n, .size = size, .key = key, .dst = dst, .fn = normal_span}, false);
}

/* Written so that NaN stays NaN. */
static void clamp_span(const work *w, int64_t sample, int64_t first, int64_t count)
{
    const double limit = w->coef[sample], scale = w->divide ? 1.0 / limit : 1.0;
    float *x = w->dst + sample * w->size + first;
    for (int64_t j = 0; j < count; j++) {
        double v = (double)x[j];
        v = v > limit ? limit : v < -limit ? -limit : v;
        x[j] = (float)(v * scale);
    }
}

static void clamp(const ito_queue *q, int64_t n, int64_t size, const double *limit, bool divide, float *x)
{
    run(q, (work){.n = n, .size = size, .coef = limit, .divide = divide, .dst = x, .fn = clamp_span}, false);
}

static void norm_span(const work *w, int64_t sample, int64_t first, int64_t count)
{
    const float *x = w->src[0] + sample * w->size + first;
    double lane[LANES] = {0}, sum = 0;
    int64_t whole = count / LANES * LANES;
    for (int64_t j = 0; j < whole; j += LANES)
        for (int i = 0; i < LANES; i++) lane[i] += (double)x[j + i] * (double)x[j + i];
    for (int64_t j = whole; j < count; j++) lane[j - whole] += (double)x[j] * (double)x[j];
    for (int i = 0; i < LANES; i++) sum += lane[i];
    w->out[sample] = sqrt(sum);
}

static void norm(const ito_queue *q, int64_t n, int64_t size, const float *x, double *out)
{
    run(q, (work){.n = n, .size = size, .src = &x, .out = out, .fn = norm_span}, true);
}

static void swap(float *a, float *b)
{
    float keep = *a;
    *a = *b;
    *b = keep;
}

/* Hoare's selection: afterwards a[k] is the k-th smallest and nothing before it is larger. No NaN may be among them. */
static void select_kth(float *a, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        float pivot = a[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i <= j) swap(&a[i++], &a[j--]);
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            return;
    }
}

static void quantile_span(const work *w, int64_t sample, int64_t first, int64_t count)
{
    const float *x = w->src[0] + sample * w->size + first;
    float *a = w->dst + sample * w->size + first;
    bool has_nan = false;
    for (int64_t j = 0; j < count; j++) {
        a[j] = fabsf(x[j]);
        has_nan |= isnan(a[j]) != 0;
    }
    if (has_nan) {
        w->out[sample] = (double)NAN;
        return;
    }
    double position = w->level * (double)(count - 1);
    int64_t k = ITO_MIN((int64_t)position, count - 1);
    select_kth(a, count, k);
    double low = (double)a[k], high = k + 1 < count ? (double)a[k + 1] : low;
    for (int64_t j = k + 2; j < count; j++) high = ITO_MIN(high, (double)a[j]);
    /* Weighted, not low + f (high - low): two infinities must not make a NaN. */
    double f = position - (double)k;
    w->out[sample] = f > 0 ? (1 - f) * low + f * high : low;
}

static void abs_quantile(const ito_queue *q, int64_t n, int64_t size, double level, const float *x, float *scratch,
                         double *out)
{
    assert(level >= 0 && level <= 1);
    run(q, (work){.n = n, .size = size, .level = level, .src = &x, .dst = scratch, .out = out, .fn = quantile_span},
        true);
}

static void blend_span(const work *w, int64_t sample, int64_t first, int64_t count)
{
    int64_t at = sample * w->size + first;
    const float *mask = w->src[0] + at, *a = w->src[1] + at, *b = w->src[2] + at;
    float *dst = w->dst + at;
    for (int64_t j = 0; j < count; j++) {
        double m = (double)mask[j];
        dst[j] = (float)(m * (double)a[j] + (1 - m) * (double)b[j]);
    }
}

static void blend(const ito_queue *q, int64_t n, int64_t size, const float *mask, const float *a, const float *b,
                  float *dst)
{
    const float *const src[] = {mask, a, b};
    run(q, (work){.n = n, .size = size, .src = src, .dst = dst, .fn = blend_span}, false);
}

static void muladd_span(const work *w, int64_t sample, int64_t first, int64_t count)
{
    int64_t at = sample * w->size + first;
    const float *a = w->src[0] + at, *b = w->src[1] + at;
    float *dst = w->dst + at;
    const double c = w->coef[sample];
    for (int64_t j = 0; j < count; j++) dst[j] = (float)((double)dst[j] + c * (double)a[j] * (double)b[j]);
}

static void muladd(const ito_queue *q, int64_t n, int64_t size, const double *coef, const float *a, const float *b,
                   float *dst)
{
    const float *const src[] = {a, b};
    run(q, (work){.n = n, .size = size, .coef = coef, .src = src, .dst = dst, .fn = muladd_span}, false);
}

static void exp_span(const work *w, int64_t sample, int64_t first, int64_t count)
{
    int64_t at = sample * w->size + first;
    const double shift = w->coef[sample], scale = w->scale[sample];
    const float *x = w->src[0] + at;
    float *dst = w->dst + at;
    for (int64_t j = 0; j < count; j++) dst[j] = (float)exp(shift + scale * (double)x[j]);
}

static void exponential(const ito_queue *q, int64_t n, int64_t size, const double *shift, const double *scale,
                        const float *x, float *dst)
{
    run(q, (work){.n = n, .size = size, .coef = shift, .scale = scale, .src = &x, .dst = dst, .fn = exp_span}, false);
}

const ito_vec ito__cpu_vec = {
    .lincomb = lincomb,
    .normal = normal,
    .clamp = clamp,
    .norm = norm,
    .abs_quantile = abs_quantile,
    .blend = blend,
    .muladd = muladd,
    .exp = exponential,
};
