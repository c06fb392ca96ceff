/* A network behind the seam of samplers and likelihoods. */
#include "pipeline/net_denoiser.h"

#include <string.h>

typedef struct net_denoiser {
    ito_ctx *ctx;
    ito__runner *runner;
    const ito_arch_info *info;
    ito__net_use use;
    int64_t channels; /* of x */
} net_denoiser;

/* What a batch becomes for the network: inputs scaled and with an estimate of x_0, times as labels, and room for all channels. */
typedef struct batch {
    int64_t n, h, w, pixels; /* pixels: of all samples */
    int64_t in, image, out;  /* channels of the network's input, of x, of the network's output */
    float *t, *scale;        /* [n] */
    float *x, *all, *dx;     /* the network's input, output and gradient; NULL: they are the caller's */
    const float *given, *x0; /* x; the estimate or NULL */
    const int32_t *labels;
} batch;

static void close_batch(ito_ctx *ctx, batch *b)
{
    void *arrays[] = {b->t, b->scale, b->x, b->all, b->dx};
    for (int i = 0; i < ITO_COUNT(arrays); i++) ito__free(ctx, arrays[i]);
}

/* x scaled, and behind its channels those of x_0, zeros where nothing is known of it. */
static void fill_input(batch *b)
{
    for (int64_t i = 0; i < b->pixels; i++) {
        const float *from = b->given + i * b->image;
        float *to = b->x + i * b->in, scale = b->scale[i / (b->h * b->w)];
        for (int64_t k = 0; k < b->image; k++) to[k] = scale * from[k];
        for (int64_t k = b->image; k < b->in; k++) to[k] = b->x0 ? b->x0[i * b->image + k - b->image] : 0;
    }
}

static ito_status check_batch(const net_denoiser *r, const ito_tensor *x, const ito_tensor *label, const ito_tensor *x0)
{
    if (x->dtype != ITO_F32) return ito__fail(r->ctx, ITO_DTYPE, "this network computes in f32");
    if (x->shape.n_dims != 4 || x->shape.d[3] != r->channels)
        return ito__fail(r->ctx, ITO_SHAPE, "this network expects images [n, H, W, %lld]", (long long)r->channels);
    if (label && label->shape.d[0] != x->shape.d[0])
        return ito__fail(r->ctx, ITO_SHAPE, "one label for each of %lld samples is needed", (long long)x->shape.d[0]);
    if (x0 && (x0->dtype != ITO_F32 || !ito_shape_equal(x0->shape, x->shape)))
        return ito__fail(r->ctx, ITO_SHAPE, "the condition " ITO_CONDITION_X0 " must be f32 of the samples' shape");
    return ITO_OK;
}

static ito_status open_batch(const net_denoiser *r, const ito_tensor *x, const double *t,
                             const ito_condition *condition, batch *b)
{
    ito_ctx *ctx = r->ctx;
    const ito_tensor *label = ito_condition_get(condition, "label"), *x0 = NULL;
    const ito_prediction *prediction = &r->use.prediction;
    if (r->use.takes_x0) x0 = ito_condition_get(condition, ITO_CONDITION_X0);
    ITO_TRY(check_batch(r, x, label, x0));
    *b = (batch){.n = x->shape.d[0],
                 .h = x->shape.d[1],
                 .w = x->shape.d[2],
                 .given = x->data,
                 .in = r->info->in_channels,
                 .image = r->channels,
                 .out = r->info->out_channels,
                 .labels = label ? label->data : NULL,
                 .x0 = x0 ? x0->data : NULL};
    b->pixels = b->n * b->h * b->w;
    bool changed = prediction->def->scale_in || r->use.takes_x0, extra = b->out > b->image;
    b->t = ito__alloc_array(ctx, (size_t)b->n, sizeof *b->t);
    b->scale = ito__alloc_array(ctx, (size_t)b->n, sizeof *b->scale);
    if (changed) b->x = ito__alloc_array(ctx, (size_t)(b->pixels * b->in), sizeof *b->x);
    if (extra) b->all = ito__alloc_array(ctx, (size_t)(b->pixels * b->out), sizeof *b->all);
    if (!b->t || !b->scale || (changed && !b->x) || (extra && !b->all)) return ITO_MEMORY;
    for (int64_t i = 0; i < b->n; i++) {
        const ito_level level = ito_process_level(r->use.process, t[i]);
        b->t[i] = (float)ito_process_label(r->use.process, t[i]);
        b->scale[i] = (float)ito_prediction_scale_in(prediction, &level);
    }
    if (changed) fill_input(b);
    return ITO_OK;
}

/* The first channels of every pixel to out, the others to extra unless it is NULL. */
static void split_output(const batch *b, float *out, float *extra)
{
    int64_t image = b->image, more = b->out - b->image;
    for (int64_t i = 0; b->all && i < b->pixels; i++) {
        const float *from = b->all + i * b->out;
        memcpy(out + i * image, from, (size_t)image * sizeof *out);
        if (extra) memcpy(extra + i * more, from + image, (size_t)more * sizeof *out);
    }
}

/* The chain rule through scale x, for the channels of x: x_0 is what it is. */
static void split_gradient(const batch *b, float *dx)
{
    for (int64_t i = 0; b->dx && i < b->pixels; i++)
        for (int64_t k = 0; k < b->image; k++)
            dx[i * b->image + k] = b->scale[i / (b->h * b->w)] * b->dx[i * b->in + k];
}

/* `group` samples in a run of the network. */
static ito_status run_groups(const net_denoiser *r, const batch *b, int64_t group, const float *dout, float *out,
                             float *dx)
{
    int64_t pixels = b->h * b->w;
    const float *x = b->x ? b->x : b->given;
    if (b->all) out = b->all;
    if (b->dx) dx = b->dx;
    for (int64_t i = 0; i < b->n; i += group)
        ITO_TRY(ito__runner_run(r->runner, &(ito__runner_batch){.n = group,
                                                                .h = b->h,
                                                                .w = b->w,
                                                                .x = x + i * pixels * b->in,
                                                                .t = b->t + i,
                                                                .labels = b->labels ? b->labels + i : NULL,
                                                                .n_dout = dout ? b->image : 0,
                                                                .dout = dout ? dout + i * pixels * b->image : NULL,
                                                                .out = out + i * pixels * b->out,
                                                                .dx = dx ? dx + i * pixels * b->in : NULL}));
    return ITO_OK;
}

static ito_status eval_groups(const net_denoiser *r, const ito_tensor *x, const double *t,
                              const ito_condition *condition, bool each, ito_tensor *out, ito_tensor *extra)
{
    batch b = {0};
    ito_status st;
    ITO_GO(open_batch(r, x, t, condition, &b));
    ITO_GO(run_groups(r, &b, each ? 1 : b.n, NULL, out->data, NULL));
    split_output(&b, out->data, extra ? extra->data : NULL);
done:
    close_batch(r->ctx, &b);
    return st;
}

static ito_status eval_batch(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t,
                             const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    (void)ctx;
    return eval_groups(self, x, t, condition, false, out, extra);
}

static ito_status eval_each(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t,
                            const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    (void)ctx;
    return eval_groups(self, x, t, condition, true, out, extra);
}

static ito_status vjp(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *condition,
                      const ito_tensor *dout, ito_tensor *out, ito_tensor *dx)
{
    const net_denoiser *r = self;
    batch b = {0};
    ito_status st;
    (void)ctx;
    ITO_GO(open_batch(r, x, t, condition, &b));
    if (b.x) {
        b.dx = ito__alloc_array(r->ctx, (size_t)(b.pixels * b.in), sizeof *b.dx);
        if (!b.dx) ITO_GO(ITO_MEMORY);
    }
    ITO_GO(run_groups(r, &b, b.n, dout->data, out->data, dx->data));
    split_output(&b, out->data, NULL);
    split_gradient(&b, dx->data);
done:
    close_batch(r->ctx, &b);
    return st;
}

static void destroy(void *self)
{
    net_denoiser *d = self;
    ito__free(d->ctx, d);
}

int64_t ito__net_channels(const ito_network *network, bool takes_x0)
{
    return network->info.in_channels / (1 + takes_x0);
}

ito_status ito__net_denoiser(ito_ctx *ctx, ito__runner *runner, const ito__net_use *use, bool exact, ito_denoiser *out)
{
    const ito_network *network = ito__runner_network(runner);
    net_denoiser *d = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = (net_denoiser){ctx, runner, &network->info, *use, ito__net_channels(network, use->takes_x0)};
    *out = (ito_denoiser){.self = d,
                          .eval = exact ? eval_each : eval_batch,
                          .vjp = vjp,
                          .destroy = destroy,
                          .prediction = use->prediction,
                          .n_extra = (int)(network->info.out_channels - d->channels),
                          .takes_x0 = use->takes_x0};
    return ITO_OK;
}
