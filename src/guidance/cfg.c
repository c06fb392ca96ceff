/* Classifier-free guidance (Ho, Salimans 2022): eps = eps_null + scale (eps_y - eps_null), with scale = 1 + w.
 *
 * Written for eps and right for every prediction kind: outputs of one kind at one (x_t, t) are the same affine function
 * of eps, and the two weights add up to 1. The batch is stacked, conditional half first. */
#include <ito/guidance.h>

#include "base/base.h"
#include "kernel/kernel.h"

typedef struct cfg {
    ito_ctx *ctx;
    const ito_backend *backend;
    const ito_denoiser *inner;
    const ito_condition *null_condition;
    double scale;
    int64_t capacity; /* floats that each buffer holds */
    float *x, *out, *dout, *dx;
    int64_t extra_capacity; /* the same of extra */
    float *extra;
    int64_t n_capacity; /* samples */
    double *t, *coef;
} cfg;

/* The stacked inputs of one call. */
typedef struct pair {
    int64_t n, size;
    ito_tensor x, out;
    ito_condition condition;
} pair;

static const ito_condition no_condition;

static ito_status grow(cfg *g, int64_t n, int64_t floats)
{
    if (n > g->n_capacity) {
        ito__free(g->ctx, g->t);
        ito__free(g->ctx, g->coef);
        g->n_capacity = 0;
        g->t = ito__alloc_array(g->ctx, (size_t)n, sizeof *g->t);
        g->coef = ito__alloc_array(g->ctx, (size_t)n, sizeof *g->coef);
        if (!g->t || !g->coef) return ITO_MEMORY;
        g->n_capacity = n;
    }
    if (floats > g->capacity) {
        float **const buffers[] = {&g->x, &g->out, &g->dout, &g->dx};
        g->capacity = 0;
        for (int i = 0; i < ITO_COUNT(buffers); i++) {
            ito__free(g->ctx, *buffers[i]);
            if (!(*buffers[i] = ito__alloc_array(g->ctx, (size_t)floats, sizeof(float)))) return ITO_MEMORY;
        }
        g->capacity = floats;
    }
    return ITO_OK;
}

/* dst = a x + b y; y may be NULL. */
static void combine(cfg *g, int64_t n, int64_t size, double a, const float *x, double b, const float *y, float *dst)
{
    ito_queue queue = {ito_ctx_n_threads(g->ctx)};
    for (int64_t i = 0; i < n; i++) {
        g->coef[i] = a;
        g->coef[n + i] = b;
    }
    g->backend->vec->lincomb(&queue, n, size, y ? 2 : 1, g->coef, (const float *const[]){x, y}, dst);
}

/* What the null half is given: its own names, and the estimate of x_0 that the other half has. */
static ito_status null_half(const cfg *g, const ito_condition *given, ito_condition *out)
{
    const ito_tensor *x0 = ito_condition_get(given, ITO_CONDITION_X0);
    *out = *g->null_condition;
    return x0 ? ito_condition_add(g->ctx, out, ITO_CONDITION_X0, *x0) : ITO_OK;
}

static ito_status stack(cfg *g, const ito_tensor *x, const double *t, const ito_condition *condition, pair *p)
{
    if (x->dtype != ITO_F32) return ito__fail(g->ctx, ITO_DTYPE, "guidance computes in f32");
    p->n = x->shape.d[0];
    p->size = ito_shape_count(x->shape) / p->n;
    int64_t m = p->n * p->size;
    ITO_TRY(grow(g, 2 * p->n, 2 * m));
    ito_condition null;
    ITO_TRY(null_half(g, condition, &null));
    ITO_TRY(ito_condition_stack(g->ctx, p->n, condition ? condition : &no_condition, &null, &p->condition));
    combine(g, p->n, p->size, 1, x->data, 0, NULL, g->x);
    combine(g, p->n, p->size, 1, x->data, 0, NULL, g->x + m);
    for (int64_t i = 0; i < p->n; i++) g->t[i] = g->t[p->n + i] = t[i];
    ito_shape shape = x->shape;
    shape.d[0] *= 2;
    p->x = ito_tensor_view(ITO_F32, shape, g->x);
    p->out = ito_tensor_view(ITO_F32, shape, g->out);
    return ITO_OK;
}

/* EQ[cfg:6] = EQ[survey:26]  out = scale out_y + (1 - scale) out_null = out_null + scale (out_y - out_null) */
static void guide(cfg *g, const pair *p, ito_tensor *out)
{
    combine(g, p->n, p->size, g->scale, g->out, 1 - g->scale, g->out + p->n * p->size, out->data);
}

/* At scale 0 and 1 one half alone: *condition becomes what it needs, in `own` when it is made here. */
static ito_status single(cfg *g, int64_t n, const ito_condition **condition, ito_condition *own)
{
    *own = (ito_condition){0};
    if (g->scale == 1) return ITO_OK;
    ito_condition null;
    ITO_TRY(null_half(g, *condition, &null));
    ITO_TRY(ito_condition_stack(g->ctx, n, &null, NULL, own));
    *condition = own;
    return ITO_OK;
}

static bool is_single(const cfg *g)
{
    return g->scale == 0 || g->scale == 1;
}

static ito_status grow_extra(cfg *g, int64_t floats)
{
    if (floats <= g->extra_capacity) return ITO_OK;
    ito__free(g->ctx, g->extra);
    g->extra_capacity = 0;
    g->extra = ito__alloc_array(g->ctx, (size_t)floats, sizeof *g->extra);
    if (!g->extra) return ITO_MEMORY;
    g->extra_capacity = floats;
    return ITO_OK;
}

/* The conditional half of the stacked extra channels. */
static ito_status eval_with_extra(cfg *g, pair *p, ito_tensor *extra)
{
    ito_tensor both = *extra;
    int64_t n = p->n, size = ito_shape_count(extra->shape) / n;
    ITO_TRY(grow_extra(g, 2 * n * size));
    both.shape.d[0] = 2 * n;
    both.data = g->extra;
    ITO_TRY(g->inner->eval(g->inner->self, g->ctx, &p->x, g->t, &p->condition, &p->out, &both));
    combine(g, n, size, 1, g->extra, 0, NULL, extra->data);
    return ITO_OK;
}

static ito_status eval(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *condition,
                       ito_tensor *out, ito_tensor *extra)
{
    cfg *g = self;
    const ito_denoiser *inner = g->inner;
    ito_condition own;
    ito_status st;
    if (is_single(g)) {
        ITO_TRY(single(g, x->shape.d[0], &condition, &own));
        st = inner->eval(inner->self, ctx, x, t, condition, out, extra);
        ito_condition_clear(ctx, &own);
        return st;
    }
    pair p = {0};
    ITO_TRY(stack(g, x, t, condition, &p));
    st = extra ? eval_with_extra(g, &p, extra) : inner->eval(inner->self, ctx, &p.x, g->t, &p.condition, &p.out, NULL);
    if (st == ITO_OK) guide(g, &p, out);
    ito_condition_clear(ctx, &p.condition);
    return st;
}

static ito_status vjp(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *condition,
                      const ito_tensor *dout, ito_tensor *out, ito_tensor *dx)
{
    cfg *g = self;
    const ito_denoiser *inner = g->inner;
    ito_condition own;
    ito_status st;
    if (is_single(g)) {
        ITO_TRY(single(g, x->shape.d[0], &condition, &own));
        st = inner->vjp(inner->self, ctx, x, t, condition, dout, out, dx);
        ito_condition_clear(ctx, &own);
        return st;
    }
    pair p = {0};
    ITO_TRY(stack(g, x, t, condition, &p));
    int64_t m = p.n * p.size;
    combine(g, p.n, p.size, g->scale, dout->data, 0, NULL, g->dout);
    combine(g, p.n, p.size, 1 - g->scale, dout->data, 0, NULL, g->dout + m);
    ito_tensor d = ito_tensor_view(ITO_F32, p.x.shape, g->dout), to = ito_tensor_view(ITO_F32, p.x.shape, g->dx);
    st = inner->vjp(inner->self, ctx, &p.x, g->t, &p.condition, &d, &p.out, &to);
    if (st == ITO_OK) {
        guide(g, &p, out);
        combine(g, p.n, p.size, 1, g->dx, 1, g->dx + m, dx->data);
    }
    ito_condition_clear(ctx, &p.condition);
    return st;
}

static void destroy(void *self)
{
    cfg *g = self;
    void *const parts[] = {g->x, g->out, g->dout, g->dx, g->extra, g->t, g->coef};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(g->ctx, parts[i]);
    ito__free(g->ctx, g);
}

ito_status ito_guidance_cfg(ito_ctx *ctx, const ito_denoiser *inner, const ito_condition *null_condition, double scale,
                            ito_denoiser *out)
{
    *out = (ito_denoiser){0};
    const ito_backend *backend;
    ITO_TRY(ito__backend_open(ctx, NULL, &backend));
    cfg *g = ito__alloc(ctx, sizeof *g);
    if (!g) return ITO_MEMORY;
    *g = (cfg){.ctx = ctx, .backend = backend, .inner = inner, .scale = scale};
    g->null_condition = null_condition ? null_condition : &no_condition;
    *out = (ito_denoiser){.self = g,
                          .eval = eval,
                          .vjp = inner->vjp ? vjp : NULL,
                          .destroy = destroy,
                          .prediction = inner->prediction,
                          .n_extra = inner->n_extra,
                          .takes_x0 = inner->takes_x0};
    return ITO_OK;
}

static ito_status wrap(ito_ctx *ctx, const ito_opts *opts, const ito_denoiser *inner,
                       const ito_condition *null_condition, ito_denoiser *out)
{
    return ito_guidance_cfg(ctx, inner, null_condition, ito_opts_real(opts, "scale"), out);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("scale", 1, -1000, 1000, "0 unconditional, 1 conditional, more follows the condition harder"),
    ITO_OPT_END,
};

const ito_guidance_def ito__guidance_cfg = {
    .choice = {.name = "cfg",
               .summary = "classifier-free guidance",
               .formula = "eps = eps_null + scale (eps_y - eps_null)",
               .paper = "cfg",
               .eq = "cfg:6",
               .file = "src/guidance/cfg.c",
               .options = options},
    .wrap = wrap,
};
