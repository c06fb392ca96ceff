/* Convolutions of any kind and their input gradients as implicit products: the rows of A are made from the image while
 * the product runs (conv_fill.c), the weights are packed as B. The rows of a 1x1 convolution are the image's pixels. */
#include "kernel/cpu/isa.h"
#include "kernel/cpu/isa/gemm.h"

#include "kernel/cpu/isa/conv_fill.h"

typedef struct phase {
    conv_view view;
    int64_t k;        /* the reduction */
    size_t packed_at; /* elements before its packed weights */
    gemm_grid grid;
    bool plain; /* rows of A are pixels of the source */
} phase;

typedef struct conv {
    int64_t groups, n;                    /* n columns (target channels) per group */
    int64_t height, width;                /* of the target; a pixel has groups * n channels */
    int64_t k_stride, n_stride, g_stride; /* of the weights: per reduced channel, per column, per group */
    bool narrow;                          /* packed weights are binary16 */
    size_t packed_size;                   /* elements */
    int64_t scratch_size;                 /* floats of a thread: int64 offsets of rows of C, then a product's buffer */
    int64_t n_phases;
    phase phase[];
} conv;

#define ROWS_FLOATS (2 * GEMM_MC)

static conv *make(ito_kernel *k, int64_t n_phases)
{
    const ito_attr_conv *attr = k->attr;
    conv *s = ito__alloc(k->ctx, sizeof *s + (size_t)n_phases * sizeof *s->phase);
    if (!s) return NULL;
    k->state = s;
    s->groups = attr->groups;
    s->g_stride = ito_shape_count(attr->w_shape) / attr->groups;
    s->n_phases = n_phases;
    s->height = k->out[0].shape.d[1];
    s->width = k->out[0].shape.d[2];
    s->n = k->out[0].shape.d[3] / attr->groups;
    return s;
}

/* After the views are set: grids, places of the packed weights, memory. */
static void plan(ito_kernel *k, conv *s)
{
    s->narrow = gemm_packs_narrow(k);
    for (int64_t i = 0; i < s->n_phases; i++) {
        phase *p = &s->phase[i];
        p->k = conv_view_reduction(&p->view);
        p->plain = ito__conv_view_is_plain(&p->view);
        p->grid = gemm_grid_make(k->n_threads, s->groups, conv_view_pixels(&p->view), s->n, p->k);
        p->packed_at = s->packed_size;
        s->scratch_size = ITO_MAX(s->scratch_size, ROWS_FLOATS + gemm_buffer_floats(p->grid.rows, p->k));
        s->packed_size += (size_t)(s->groups * gemm_panels(s->n) * p->k * GEMM_NR);
    }
    k->workspace_bytes = (size_t)ITO_MAX(1, k->n_threads) * (size_t)s->scratch_size * sizeof(float);
    if (k->frozen & 2)
        k->packed_bytes = s->packed_size * (size_t)gemm_element(s->narrow);
    else
        k->workspace_bytes += s->packed_size * sizeof(float);
}

static ito_status prepare_forward(ito_kernel *k)
{
    if (!ito__conv_fits(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    conv *s = make(k, 1);
    if (!s) return ITO_MEMORY;
    s->k_stride = attr->w_shape.d[2] * attr->w_shape.d[3];
    s->n_stride = attr->w_shape.d[1] * s->k_stride;
    s->phase[0].view = (conv_view){.y = ito__conv_axis_forward(attr, 0, s->height),
                                   .x = ito__conv_axis_forward(attr, 1, s->width),
                                   .images = attr->x_shape.d[0],
                                   .channels = attr->x_shape.d[3],
                                   .reduce = attr->w_shape.d[1]};
    plan(k, s);
    return ITO_OK;
}

static ito_status prepare_grad_input(ito_kernel *k)
{
    if (!ito__conv_fits(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    ito_shape dy = k->in[0].shape;
    conv *s = make(k, attr->stride[0] * attr->stride[1]);
    if (!s) return ITO_MEMORY;
    s->n_stride = attr->w_shape.d[2] * attr->w_shape.d[3];
    s->k_stride = attr->w_shape.d[1] * s->n_stride;
    for (int64_t i = 0; i < s->n_phases; i++)
        s->phase[i].view = (conv_view){.y = ito__conv_axis_grad(attr, 0, dy.d[1], i / attr->stride[1]),
                                       .x = ito__conv_axis_grad(attr, 1, dy.d[2], i % attr->stride[1]),
                                       .images = dy.d[0],
                                       .channels = dy.d[3],
                                       .reduce = dy.d[3] / attr->groups};
    plan(k, s);
    return ITO_OK;
}

typedef struct job {
    const ito_kernel *k;
    const phase *p;
    const float *source, *w, *bias, *residual;
    const void *packed;
    int64_t residual_rows; /* pixels that share one of the residual; 0: each has its own */
    float *target, *scratch;
    void *to_pack;
    int32_t act;
} job;

/* Panel `slice` of all groups' panels. */
static void pack_panel(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    const conv *s = j->k->state;
    const conv_axis *y = &j->p->view.y, *x = &j->p->view.x;
    int64_t kernel_width = ((const ito_attr_conv *)j->k->attr)->w_shape.d[3], reduce = j->p->view.reduce;
    int64_t group = slice / gemm_panels(s->n), column = slice % gemm_panels(s->n) * GEMM_NR;
    const float *w = j->w + group * s->g_stride + column * s->n_stride;
    const gemm_panel panel = {j->p->k, ITO_MIN(GEMM_NR, s->n - column), s->k_stride, s->n_stride, false, s->narrow};
    char *to = (char *)j->to_pack + ((int64_t)j->p->packed_at + slice * j->p->k * GEMM_NR) * gemm_element(s->narrow);
    for (int64_t t = 0; t < y->taps * x->taps; t++) {
        int64_t ky = y->kernel0 + t / x->taps * y->kernel_step, kx = x->kernel0 + t % x->taps * x->kernel_step;
        gemm_pack(&panel, t * reduce, reduce, w + ky * kernel_width + kx, to);
    }
}

static void pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    const conv *s = k->state;
    for (int64_t i = 0; i < s->n_phases; i++) {
        job j = {.k = k, .p = &s->phase[i], .w = in[1], .to_pack = packed};
        ito__parallel(q, s->groups * gemm_panels(s->n), pack_panel, &j);
    }
}

/* Where rows row .. row + m - 1 of the phase lie in the target, counted from its first float. */
static void list_rows(const conv *s, const conv_view *v, int64_t row, int64_t m, int64_t *rows)
{
    for (int64_t i = 0; i < m; i++) {
        int64_t at = row + i, x = at % v->x.grid, y = at / v->x.grid % v->y.grid, image = at / v->x.grid / v->y.grid;
        y = v->y.out0 + y * v->y.out_step;
        x = v->x.out0 + x * v->x.out_step;
        rows[i] = ((image * s->height + y) * s->width + x) * s->groups * s->n;
    }
}

static void run_block(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const conv *s = j->k->state;
    const phase *p = j->p;
    int64_t per_group = p->grid.n_rows * p->grid.n_columns, group = slice / per_group;
    int64_t row = slice % per_group / p->grid.n_columns * p->grid.rows;
    int64_t column = slice % p->grid.n_columns * p->grid.columns, channels = s->groups * s->n;
    float *scratch = j->scratch + thread * s->scratch_size;
    conv_source source = {.view = &p->view, .data = j->source + group * p->view.reduce};
    int64_t panel = (int64_t)p->packed_at + (group * gemm_panels(s->n) * GEMM_NR + column) * p->k;
    gemm_block g = {.m = ITO_MIN(p->grid.rows, conv_view_pixels(&p->view) - row),
                    .n = ITO_MIN(p->grid.columns, s->n - column),
                    .k = p->k,
                    .a = p->plain ? source.data + row * p->view.channels : NULL,
                    .lda = p->view.channels,
                    .fill = p->plain ? NULL : conv_fill,
                    .fill_arg = &source,
                    .first_row = row,
                    .buffer = scratch + ROWS_FLOATS,
                    .b = (const char *)j->packed + panel * gemm_element(s->narrow),
                    .narrow = s->narrow,
                    .ldc = channels,
                    .bias = j->bias ? j->bias + group * s->n + column : NULL,
                    .act = j->act};
    int64_t at = group * s->n + column;
    if (s->n_phases > 1) {
        int64_t *rows = (int64_t *)scratch;
        list_rows(s, &p->view, row, g.m, rows);
        g.c_rows = rows;
    } else {
        at += row * channels;
    }
    g.c = j->target + at;
    g.residual_rows = j->residual_rows;
    g.residual = j->residual ? j->residual + (j->residual_rows ? group * s->n + column : at) : NULL;
    gemm_run(&g);
}

static void run_phases(job *j, const ito_queue *q, const void *const *in, void *workspace)
{
    const conv *s = j->k->state;
    j->scratch = workspace;
    if (!(j->k->frozen & 2)) {
        size_t scratch = j->k->workspace_bytes / sizeof(float) - s->packed_size;
        pack(j->k, q, in, j->scratch + scratch);
        j->packed = j->scratch + scratch;
    }
    for (int64_t i = 0; i < s->n_phases; i++) {
        j->p = &s->phase[i];
        ito__parallel(q, s->groups * j->p->grid.n_rows * j->p->grid.n_columns, run_block, j);
    }
}

static void run_forward(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out,
                        void *workspace, const void *packed)
{
    const ito_attr_conv *attr = k->attr;
    job j = {.k = k, .source = in[0], .packed = packed, .target = out[0], .act = attr->act};
    if (attr->has_bias) j.bias = in[2];
    if (attr->has_residual) j.residual = in[2 + attr->has_bias];
    if (ito__conv_residual_per_image(k))
        j.residual_rows = conv_view_pixels(&((const conv *)k->state)->phase[0].view) / k->out[0].shape.d[0];
    run_phases(&j, q, in, workspace);
}

static void run_grad_input(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out,
                           void *workspace, const void *packed)
{
    const ito_attr_conv *attr = k->attr;
    job j = {.k = k, .source = in[0], .packed = packed, .target = out[0]};
    if (attr->has_residual) j.residual = in[2];
    run_phases(&j, q, in, workspace);
}

static const ito_kernel_def defs[] = {
    {.op = "conv2d", .name = "direct", .prepare = prepare_forward, .pack = pack, .run = run_forward},
    {.op = "conv2d_grad_input", .name = "direct", .prepare = prepare_grad_input, .pack = pack, .run = run_grad_input},
};

ITO_ISA_FAMILY(conv, defs);
