/* The terms of the variational bound for a batch of images (Ho, Jain, Abbeel 2020, sections 3.2 and 3.3). Both
 * Gaussians of a step have the same part of x_t in their means, so their distance is coef_x0 (x_0 - x0_hat), whatever
 * x_t is. */
#include <math.h>

#include "likelihood/samples.h"
#include "likelihood/vlb_impl.h"

#define LOG_2 0.69314718055994530942

static ito_status alloc_batch(ito__vlb_batch *b)
{
    ito_vlb *v = b->vlb;
    size_t n = (size_t)b->n, count = n * (size_t)v->size, entries = n * (size_t)v->n_evals;
    bool learned = v->options.variance->range != NULL;
    b->link = ito__alloc_array(v->ctx, n, sizeof *b->link);
    b->times = ito__alloc_array(v->ctx, 3 * n, sizeof *b->times);
    b->x_t = ito__alloc_array(v->ctx, count, sizeof *b->x_t);
    b->out = ito__alloc_array(v->ctx, count, sizeof *b->out);
    b->entries = ito__alloc_array(v->ctx, entries, sizeof *b->entries);
    if (learned) b->extra = ito__alloc_array(v->ctx, count, sizeof *b->extra);
    if (!b->link || !b->times || !b->x_t || !b->out || !b->entries || (learned && !b->extra)) return ITO_MEMORY;
    b->weight = b->times + n;
    b->prior = b->weight + n;
    return ITO_OK;
}

ito_status ito__vlb_batch_open(ito__vlb_batch *b)
{
    ito_vlb *v = b->vlb;
    char found[ITO_SHAPE_TEXT], want[ITO_SHAPE_TEXT];
    ITO_TRY(ito__check_samples(v->ctx, b->x, b->condition));
    ito_shape row = {.n_dims = b->x->shape.n_dims - 1};
    for (int k = 0; k < row.n_dims; k++) row.d[k] = b->x->shape.d[k + 1];
    if (!ito_shape_equal(row, v->shape))
        return ito__fail(v->ctx, ITO_SHAPE, "this bound was made for samples of shape %s, found %s",
                         ito_shape_text(v->shape, want), ito_shape_text(row, found));
    if (!v->options.continuous) ITO_TRY(ito__check_8bit(v->ctx, b->x));
    b->n = b->x->shape.d[0];
    return alloc_batch(b);
}

void ito__vlb_batch_close(ito__vlb_batch *b)
{
    ito_ctx *ctx = b->vlb->ctx;
    ito__free(ctx, b->link);
    ito__free(ctx, b->times);
    ito__free(ctx, b->x_t);
    ito__free(ctx, b->out);
    ito__free(ctx, b->extra);
    ito__free(ctx, b->entries);
}

static const ito__link *link_of(const ito__vlb_batch *b, int64_t i)
{
    return &b->vlb->chain.link[b->link[i]];
}

/* The noise of a link is numbered by its distance from the data: T counts from there. */
static void noise_row(ito__vlb_batch *b, int64_t i)
{
    ito_vlb *v = b->vlb;
    const ito_level *t = &link_of(b, i)->t;
    const float *x = (const float *)b->x->data + i * v->size;
    float *x_t = b->x_t + i * v->size;
    uint32_t step = (uint32_t)(v->chain.n - b->link[i]);
    ito_rng_normal(ito__sample_key(v->options.seed, ITO_STREAM_BOUND, step, b->samples, i), 0, (size_t)v->size, x_t);
    for (int64_t j = 0; j < v->size; j++) x_t[j] = (float)(t->signal * (double)x[j] + t->sigma * (double)x_t[j]);
    b->times[i] = t->t;
}

ito_status ito__vlb_batch_predict(ito__vlb_batch *b)
{
    ito_vlb *v = b->vlb;
    ito_tensor x_t = ito_tensor_view(ITO_F32, b->x->shape, b->x_t), out = ito_tensor_view(ITO_F32, b->x->shape, b->out),
               extra = {0};
    if (b->extra) {
        ito_shape shape = b->x->shape;
        shape.d[shape.n_dims - 1] = v->denoiser->n_extra;
        extra = ito_tensor_view(ITO_F32, shape, b->extra);
    }
    for (int64_t i = 0; i < b->n; i++) noise_row(b, i);
    return v->denoiser->eval(v->denoiser->self, v->ctx, &x_t, b->times, b->condition, &out, b->extra ? &extra : NULL);
}

double ito__vlb_batch_x0(const ito__vlb_batch *b, int64_t i, int64_t j)
{
    const ito__link *l = link_of(b, i);
    int64_t at = i * b->vlb->size + j;
    double x0 = l->x0_x * (double)b->x_t[at] + l->x0_out * (double)b->out[at];
    if (b->vlb->options.keep_range) return x0;
    return x0 < -1 ? -1 : x0 > 1 ? 1 : x0; /* what is not a number stays so and is found */
}

/* One term of one image. */
static void score_row(const ito__vlb_batch *b, int64_t i, ito__vlb_entry *entry)
{
    const ito_vlb *v = b->vlb;
    const ito__link *l = link_of(b, i);
    bool is_last = b->link[i] == v->chain.n - 1;
    double nats = 0, squares = 0;
    for (int64_t k = 0; k < v->dims; k++) {
        int64_t j = v->scored[k], at = i * v->size + j;
        double x0 = (double)((const float *)b->x->data)[at], x0_hat = ito__vlb_batch_x0(b, i, j), d = x0 - x0_hat;
        double log_p = l->log_p.shift + (b->extra ? l->log_p.scale * (double)b->extra[at] : 0);
        squares += d * d;
        /* EQ[survey:16]  L_{t-1} = KL(q(x_s | x_t, x_0) || p(x_s | x_t)), L_0 = -log p(x_0 | x_1) */
        if (!is_last)
            nats += ito_gaussian_kl(l->coef_x0 * d, l->log_q, 0, log_p);
        else if (v->options.continuous)
            nats -= ito_gaussian_log_density(x0, x0_hat, log_p);
        else
            nats -= ito_gaussian_log_bin(x0, x0_hat, log_p, v->options.cdf);
    }
    double dims = (double)v->dims;
    *entry = (ito__vlb_entry){b->link[i], b->weight[i], nats / (dims * LOG_2), squares / dims};
}

/* L_T: what x_T still tells of x_0. */
static double prior_row(const ito__vlb_batch *b, int64_t i)
{
    const ito_vlb *v = b->vlb;
    const ito_level *t = &v->chain.link[0].t;
    const float *x = (const float *)b->x->data + i * v->size;
    double nats = 0;
    for (int64_t k = 0; k < v->dims; k++)
        nats += ito_gaussian_kl(t->signal * (double)x[v->scored[k]], 2 * log(t->sigma), 0, 2 * log(v->chain.prior_sd));
    return nats / ((double)v->dims * LOG_2);
}

/* Evaluation 0 is the decoder's; each of the others stands for one part of the links before it, and takes one of them.
 * */
static void choose_links(ito__vlb_batch *b, int eval)
{
    const ito_vlb *v = b->vlb;
    int64_t links = v->chain.n - 1, parts = v->n_evals - 1;
    for (int64_t i = 0; i < b->n; i++) {
        b->link[i] = (int)links;
        b->weight[i] = 1;
        if (eval == 0) continue;
        int64_t low = (eval - 1) * links / parts, high = eval * links / parts;
        ito_rng_key key = ito__sample_key(v->options.seed, ITO_STREAM_BOUND, 0, b->samples, i);
        b->link[i] = (int)(low + (int64_t)ito_rng_below(key, (uint64_t)eval, (uint64_t)(high - low)));
        b->weight[i] = (double)(high - low);
    }
}

static ito_status check_entry(const ito__vlb_batch *b, int64_t i, const ito__vlb_entry *entry)
{
    if (isfinite(entry->bits) && isfinite(entry->x0_mse)) return ITO_OK;
    return ito__fail(
        b->vlb->ctx, ITO_NUMERIC,
        "the bound of row %lld is not finite at t = %g: the denoiser's output%s is not finite or too large",
        (long long)i, link_of(b, i)->t.t, b->extra ? " or its learned variance" : "");
}

ito_status ito__vlb_batch_score(ito__vlb_batch *b)
{
    ito_vlb *v = b->vlb;
    for (int eval = 0; eval < v->n_evals; eval++) {
        choose_links(b, eval);
        ITO_TRY(ito__vlb_batch_predict(b));
        for (int64_t i = 0; i < b->n; i++) {
            ito__vlb_entry *entry = &b->entries[i * v->n_evals + eval];
            score_row(b, i, entry);
            ITO_TRY(check_entry(b, i, entry));
        }
    }
    for (int64_t i = 0; i < b->n; i++) b->prior[i] = prior_row(b, i);
    return ITO_OK;
}
