/* The variational bound in bits per dimension, added up over batches: what a chain of Gaussian steps pays to send an
 * image without loss, step by step, and how good the image is that the receiver has so far (Ho, Jain, Abbeel 2020,
 * section 4.3). Proven on closed forms in tests/exact/test_vlb.c. */
#include <ito/likelihood.h>

#include <math.h>

#include "likelihood/samples.h"
#include "likelihood/vlb_impl.h"

#define HALF_RANGE 127.5 /* -1..1 is 0..255 */

static ito_status check_options(const ito_vlb *v)
{
    const ito_shape *s = &v->shape;
    char text[ITO_SHAPE_TEXT];
    if (s->n_dims < 1 || s->n_dims >= ITO_MAX_DIMS || ito_shape_count(*s) < 1)
        return ito__fail(v->ctx, ITO_SHAPE, "the shape of one sample must have 1 to %d axes, none empty; found %s",
                         ITO_MAX_DIMS - 1, ito_shape_text(*s, text));
    if (v->options.variance->range && v->denoiser->n_extra != s->d[s->n_dims - 1])
        return ito__fail(
            v->ctx, ITO_SHAPE,
            "variance %s is learned and needs as many extra output channels as the data has, %lld; the denoiser has %d",
            v->options.variance->choice.name, (long long)s->d[s->n_dims - 1], v->denoiser->n_extra);
    return ITO_OK;
}

/* How often the denoiser is asked about each image. */
static ito_status set_evals(ito_vlb *v)
{
    int wanted = v->options.n_evals, n = v->chain.n;
    v->n_evals = wanted > 0 ? ITO_MIN(wanted, n) : n;
    if (wanted >= 0 && (v->n_evals >= 2 || n == 1)) return ITO_OK;
    return ito__fail(
        v->ctx, ITO_USAGE,
        "n_evals is %d, but must be at least 2: the last term is always computed, the others share the rest "
        "(0: all %d)",
        wanted, n);
}

static ito_status alloc_sums(ito_vlb *v)
{
    v->size = ito_shape_count(v->shape);
    v->scored = ito__alloc_array(v->ctx, (size_t)v->size, sizeof *v->scored);
    v->sums = ito__alloc_array(v->ctx, (size_t)v->chain.n, sizeof *v->sums);
    v->terms = ito__alloc_array(v->ctx, (size_t)v->chain.n, sizeof *v->terms);
    if (!v->scored || !v->sums || !v->terms) return ITO_MEMORY;
    return ito__inner_elements(v->ctx, &v->shape, &v->options.inner, v->scored, &v->dims);
}

static ito_status build(ito_vlb *v, const ito_process *process)
{
    ito_vlb_options *o = &v->options;
    ITO_TRY(ito__check_denoiser(v->ctx, v->denoiser));
    const char *variance = v->denoiser->n_extra ? "learned_range" : "fixed_small";
    if (!o->variance) ITO_TRY(ito_variance_find(v->ctx, variance, &o->variance));
    ITO_TRY(check_options(v));
    ITO_TRY(ito__chain_create(v->ctx, process, &v->denoiser->prediction, o, &v->chain));
    ITO_TRY(set_evals(v));
    return alloc_sums(v);
}

ito_status ito_vlb_create(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser, ito_shape shape,
                          const ito_vlb_options *options, ito_vlb **out)
{
    *out = NULL;
    ito_vlb *v = ito__alloc(ctx, sizeof *v);
    if (!v) return ITO_MEMORY;
    v->ctx = ctx;
    v->denoiser = denoiser;
    v->shape = shape;
    if (options) v->options = *options;
    ito_status st = build(v, process);
    if (st == ITO_OK)
        *out = v;
    else
        ito_vlb_destroy(v);
    return st;
}

void ito_vlb_destroy(ito_vlb *v)
{
    if (!v) return;
    ito__free(v->ctx, v->chain.link);
    ito__free(v->ctx, v->scored);
    ito__free(v->ctx, v->sums);
    ito__free(v->ctx, v->terms);
    ito__free(v->ctx, v);
}

/* Adds one image; returns its bound. */
static double count_image(ito_vlb *v, double prior, const ito__vlb_entry *entries)
{
    double total = prior;
    for (int e = 0; e < v->n_evals; e++) {
        ito__vlb_sums *sums = &v->sums[entries[e].link];
        sums->n++;
        sums->bits += entries[e].bits;
        sums->weighted += entries[e].weight * entries[e].bits;
        sums->x0_mse += entries[e].x0_mse;
        /* EQ[ddpm:5] = EQ[survey:13] = EQ[survey:14] = EQ[survey:15]  -log p(x_0) <= L_T + sum_{t > 1} L_{t-1} + L_0 */
        total += entries[e].weight * entries[e].bits;
    }
    double before = v->mean;
    v->n_images++;
    v->prior += prior;
    v->mean += (total - before) / (double)v->n_images;
    v->squares += (total - before) * (total - v->mean);
    return total;
}

ito_status ito_vlb_add(ito_vlb *v, const ito_tensor *x, const ito_condition *condition, const uint64_t *samples,
                       double *total)
{
    ito__vlb_batch b = {.vlb = v, .x = x, .condition = condition, .samples = samples};
    ito_status st = ito__vlb_batch_open(&b);
    if (st == ITO_OK) st = ito__vlb_batch_score(&b);
    for (int64_t i = 0; st == ITO_OK && i < b.n; i++) {
        double bits = count_image(v, b.prior[i], b.entries + i * v->n_evals);
        if (total) total[i] = bits;
    }
    ito__vlb_batch_close(&b);
    return st;
}

ito_status ito_vlb_get(ito_vlb *v, ito_vlb_result *out)
{
    double n = (double)v->n_images;
    *out = (ito_vlb_result){0};
    if (!v->n_images) return ito__fail(v->ctx, ITO_STATE, "no image was added to the variational bound yet");
    double rate = v->prior / n, kl = 0;
    for (int k = 0; k < v->chain.n; k++) {
        const ito__link *l = &v->chain.link[k];
        const ito__vlb_sums *sums = &v->sums[k];
        double count = sums->n ? (double)sums->n : (double)NAN, mse = sums->x0_mse / count;
        double ratio = l->t.signal / l->t.sigma;
        /* EQ[ddpm:s4.3]  rate: the bits of x_T and of every step up to x_t; distortion: of x0_hat(x_t) */
        v->terms[k] = (ito_vlb_term){
            l->t.t, l->s.t, sums->n, sums->bits / count, mse, ratio * ratio * mse, rate, HALF_RANGE * sqrt(mse)};
        rate += sums->weighted / n;
        if (k < v->chain.n - 1) kl += sums->weighted / n;
    }
    double decoder = v->sums[v->chain.n - 1].weighted / n;
    *out = (ito_vlb_result){.n_images = v->n_images,
                            .dims = v->dims,
                            .total = rate,
                            .prior = v->prior / n,
                            .kl = kl,
                            .decoder = decoder,
                            .variance = v->options.variance,
                            .n_terms = v->chain.n,
                            .terms = v->terms};
    out->total_se = v->n_images > 1 ? sqrt(v->squares / (n - 1) / n) : (double)NAN;
    return ITO_OK;
}

ito_status ito_vlb_reconstruct(ito_vlb *v, const ito_tensor *x, const ito_condition *condition, const uint64_t *samples,
                               int n_of, const int *of, float *out)
{
    ito__vlb_batch b = {.vlb = v, .x = x, .condition = condition, .samples = samples};
    ito_status st = ito__vlb_batch_open(&b);
    for (int k = 0; st == ITO_OK && k < n_of; k++) {
        if (of[k] < 0 || of[k] >= v->chain.n)
            st = ito__fail(v->ctx, ITO_USAGE, "the chain has terms 0 to %d, found %d", v->chain.n - 1, of[k]);
        for (int64_t i = 0; st == ITO_OK && i < b.n; i++) b.link[i] = of[k];
        if (st == ITO_OK) st = ito__vlb_batch_predict(&b);
        for (int64_t i = 0; st == ITO_OK && i < b.n; i++)
            for (int64_t j = 0; j < v->size; j++)
                out[(i * n_of + k) * v->size + j] = (float)ito__vlb_batch_x0(&b, i, j);
    }
    ito__vlb_batch_close(&b);
    return st;
}
