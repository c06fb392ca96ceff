/* A network behind the seam of samplers and likelihoods. */
#include "pipeline/net_denoiser.h"

#include <string.h>

typedef struct net_denoiser {
    ito_ctx *ctx;
    ito__runner *runner;
    const ito_arch_info *info;
    const ito_process *process;
    ito_prediction prediction;
} net_denoiser;

/* What a batch becomes for the network: inputs scaled, times as labels, and room for all of its output channels. */
typedef struct batch {
    int64_t n, h, w, in, out; /* in, out: floats of a sample */
    float *t, *scale;         /* [n] */
    float *x;                 /* scaled; NULL: as it is */
    float *all;               /* output with its extra channels; NULL: there are none */
    const int32_t *labels;
} batch;

static void close_batch(ito_ctx *ctx, batch *b)
{
    ito__free(ctx, b->t);
    ito__free(ctx, b->scale);
    ito__free(ctx, b->x);
    ito__free(ctx, b->all);
}

/* to = a from row by row, of n floats each. */
static void scale_rows(int64_t rows, int64_t n, const float *a, const float *from, float *to)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < n; k++) to[i * n + k] = a[i] * from[i * n + k];
}

static ito_status open_batch(const net_denoiser *r, const ito_tensor *x, const double *t,
                             const ito_condition *condition, batch *b)
{
    ito_ctx *ctx = r->ctx;
    const ito_tensor *label = ito_condition_get(condition, "label");
    const ito_arch_info *info = r->info;
    if (x->shape.n_dims != 4) return ito__fail(ctx, ITO_SHAPE, "this network expects images [n, H, W, C]");
    *b = (batch){.n = x->shape.d[0], .h = x->shape.d[1], .w = x->shape.d[2], .labels = label ? label->data : NULL};
    b->in = b->h * b->w * info->in_channels;
    b->out = b->h * b->w * info->out_channels;
    if (label && label->shape.d[0] != b->n)
        return ito__fail(ctx, ITO_SHAPE, "one label for each of %lld samples is needed", (long long)b->n);
    bool scaled = r->prediction.def->scale_in != NULL, extra = info->out_channels > info->in_channels;
    b->t = ito__alloc_array(ctx, (size_t)b->n, sizeof *b->t);
    b->scale = ito__alloc_array(ctx, (size_t)b->n, sizeof *b->scale);
    if (scaled) b->x = ito__alloc_array(ctx, (size_t)(b->n * b->in), sizeof *b->x);
    if (extra) b->all = ito__alloc_array(ctx, (size_t)(b->n * b->out), sizeof *b->all);
    if (!b->t || !b->scale || (scaled && !b->x) || (extra && !b->all)) return ITO_MEMORY;
    for (int64_t i = 0; i < b->n; i++) {
        const ito_level level = ito_process_level(r->process, t[i]);
        b->t[i] = (float)ito_process_label(r->process, t[i]);
        b->scale[i] = (float)ito_prediction_scale_in(&r->prediction, &level);
    }
    if (scaled) scale_rows(b->n, b->in, b->scale, x->data, b->x);
    return ITO_OK;
}

/* The first channels of every pixel to out, the others to extra unless it is NULL. */
static void split_output(const net_denoiser *r, const batch *b, float *out, float *extra)
{
    int64_t in = r->info->in_channels, all = r->info->out_channels;
    for (int64_t i = 0; b->all && i < b->n * b->h * b->w; i++) {
        const float *from = b->all + i * all;
        memcpy(out + i * in, from, (size_t)in * sizeof *out);
        if (extra) memcpy(extra + i * (all - in), from + in, (size_t)(all - in) * sizeof *out);
    }
}

/* `group` samples in a run of the network. */
static ito_status run_groups(const net_denoiser *r, const batch *b, const float *x, const float *dout, int64_t group,
                             float *out, float *dx)
{
    for (int64_t i = 0; i < b->n; i += group)
        ITO_TRY(ito__runner_run(r->runner, &(ito__runner_batch){.n = group,
                                                                .h = b->h,
                                                                .w = b->w,
                                                                .x = x + i * b->in,
                                                                .t = b->t + i,
                                                                .labels = b->labels ? b->labels + i : NULL,
                                                                .dout = dout ? dout + i * b->in : NULL,
                                                                .out = out + i * b->out,
                                                                .dx = dx ? dx + i * b->in : NULL}));
    return ITO_OK;
}

static ito_status eval_groups(const net_denoiser *r, const ito_tensor *x, const double *t,
                              const ito_condition *condition, bool each, ito_tensor *out, ito_tensor *extra)
{
    batch b = {0};
    ito_status st;
    ITO_GO(open_batch(r, x, t, condition, &b));
    ITO_GO(run_groups(r, &b, b.x ? b.x : x->data, NULL, each ? 1 : b.n, b.all ? b.all : out->data, NULL));
    split_output(r, &b, out->data, extra ? extra->data : NULL);
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
    ITO_GO(run_groups(r, &b, b.x ? b.x : x->data, dout->data, b.n, b.all ? b.all : out->data, dx->data));
    split_output(r, &b, out->data, NULL);
    if (b.x) scale_rows(b.n, b.in, b.scale, dx->data, dx->data); /* the chain rule through scale x */
done:
    close_batch(r->ctx, &b);
    return st;
}

static void destroy(void *self)
{
    net_denoiser *d = self;
    ito__free(d->ctx, d);
}

ito_status ito__net_denoiser(ito_ctx *ctx, ito__runner *runner, const ito_process *process, ito_prediction prediction,
                             bool exact, ito_denoiser *out)
{
    net_denoiser *d = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = (net_denoiser){ctx, runner, &ito__runner_network(runner)->info, process, prediction};
    *out = (ito_denoiser){.self = d,
                          .eval = exact ? eval_each : eval_batch,
                          .vjp = vjp,
                          .destroy = destroy,
                          .prediction = prediction,
                          .n_extra = (int)(d->info->out_channels - d->info->in_channels)};
    return ITO_OK;
}
