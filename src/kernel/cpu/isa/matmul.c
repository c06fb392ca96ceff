/* Matrix products [..., M, K] x [..., K, N] with numpy broadcasting of the leading dimensions.
 *
 * B is packed once when it is frozen, otherwise at the start of every run; A is packed block by block. When all products
 * share one B, A's leading dimensions are more rows of one product. */
#include "kernel/cpu/isa.h"
#include "kernel/cpu/isa/gemm.h"

typedef struct matmul {
    int64_t m, n, k, batch; /* batch products of [m, k] x [k, n] */
    int64_t n_b;            /* how many different B there are */
    int64_t a_size;         /* floats of one A */
    int n_lead;
    int64_t lead[ITO_MAX_DIMS], a_step[ITO_MAX_DIMS], b_step[ITO_MAX_DIMS]; /* in matrices; 0 where broadcast */
    bool narrow;                                                            /* the packed B is binary16 */
    gemm_grid grid;
} matmul;

/* How many matrices to move per step of every leading dimension of the output. */
static int64_t lead_steps(ito_shape shape, int n_out, int64_t step[ITO_MAX_DIMS])
{
    int64_t count = 1;
    for (int i = n_out - 3, j = shape.n_dims - 3; i >= 0; i--, j--) {
        int64_t d = j >= 0 ? shape.d[j] : 1;
        step[i] = d == 1 ? 0 : count;
        count *= d;
    }
    return count;
}

static bool is_float32(const ito_kernel *k)
{
    bool all = k->out[0].dtype == ITO_F32;
    for (int i = 0; i < k->n_in; i++) all = all && k->in[i].dtype == ITO_F32;
    return all;
}

static int64_t buffer_floats(const matmul *s)
{
    return gemm_buffer_floats(s->grid.rows, s->k);
}

/* Buffers of the threads, before the packed B of a B that is not frozen. */
static size_t buffer_bytes(const ito_kernel *k)
{
    return (size_t)(ITO_MAX(1, k->n_threads) * buffer_floats(k->state)) * sizeof(float);
}

static ito_status prepare(ito_kernel *k)
{
    const ito_attr_matmul *attr = k->attr;
    ito_shape a = k->in[0].shape, b = k->in[1].shape, y = k->out[0].shape;
    if (!is_float32(k) || a.n_dims < 2 || b.n_dims < 2 || y.n_dims < 2) return ITO_UNSUPPORTED;
    matmul *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->m = y.d[y.n_dims - 2];
    s->n = y.d[y.n_dims - 1];
    s->k = a.d[a.n_dims - (attr->trans_a ? 2 : 1)];
    s->a_size = s->m * s->k;
    s->n_lead = y.n_dims - 2;
    s->batch = 1;
    for (int i = 0; i < s->n_lead; i++) s->batch *= s->lead[i] = y.d[i];
    int64_t n_a = lead_steps(a, y.n_dims, s->a_step);
    s->n_b = lead_steps(b, y.n_dims, s->b_step);
    if (s->n_b == 1 && n_a == s->batch && !attr->trans_a) {
        s->m *= s->batch;
        s->batch = 1;
        s->n_lead = 0;
    }
    s->grid = gemm_grid_make(k->n_threads, s->batch, s->m, s->n, s->k);
    k->workspace_bytes = buffer_bytes(k);
    s->narrow = gemm_packs_narrow(k) && !attr->trans_a;
    size_t packed = gemm_packed_bytes(s->k, s->n, s->narrow) * (size_t)s->n_b;
    *(k->frozen & 2 ? &k->packed_bytes : &k->workspace_bytes) += packed;
    return ITO_OK;
}

typedef struct pack_job {
    const ito_kernel *k;
    const float *b;
    void *packed;
} pack_job;

static void pack_panel(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const pack_job *job = arg;
    const matmul *s = job->k->state;
    const ito_attr_matmul *attr = job->k->attr;
    int64_t panels = gemm_panels(s->n), matrix = slice / panels, column = slice % panels * GEMM_NR;
    const gemm_panel panel = {.k = s->k,
                              .columns = ITO_MIN(GEMM_NR, s->n - column),
                              .k_stride = attr->trans_b ? 1 : s->n,
                              .n_stride = attr->trans_b ? s->k : 1,
                              .wide = attr->trans_a,
                              .narrow = s->narrow};
    gemm_pack(&panel, 0, s->k, job->b + matrix * s->k * s->n + column * panel.n_stride,
              (char *)job->packed + slice * s->k * GEMM_NR * gemm_element(s->narrow));
}

static void pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    const matmul *s = k->state;
    pack_job job = {k, in[1], packed};
    ito__parallel(q, s->n_b * gemm_panels(s->n), pack_panel, &job);
}

typedef struct run_job {
    const ito_kernel *k;
    const float *a, *bias, *residual;
    const void *packed;
    float *y, *buffers;
} run_job;

static void run_block(void *arg, int64_t slice, int thread)
{
    const run_job *job = arg;
    const matmul *s = job->k->state;
    const ito_attr_matmul *attr = job->k->attr;
    int64_t per_product = s->grid.n_rows * s->grid.n_columns, product = slice / per_product;
    int64_t row = slice % per_product / s->grid.n_columns * s->grid.rows;
    int64_t column = slice % s->grid.n_columns * s->grid.columns;
    int64_t at_a = 0, at_b = 0, rest = product, at_y = (product * s->m + row) * s->n + column;
    for (int i = s->n_lead - 1; i >= 0; rest /= s->lead[i--]) {
        at_a += rest % s->lead[i] * s->a_step[i];
        at_b += rest % s->lead[i] * s->b_step[i];
    }
    gemm_run(&(gemm_block){.m = ITO_MIN(s->grid.rows, s->m - row),
                           .n = ITO_MIN(s->grid.columns, s->n - column),
                           .k = s->k,
                           .a = job->a + at_a * s->a_size + row * (attr->trans_a ? 1 : s->k),
                           .lda = attr->trans_a ? s->m : s->k,
                           .layout = attr->trans_a ? GEMM_BY_COLUMNS : GEMM_BY_ROWS,
                           .wide_panels = attr->trans_a,
                           .buffer = job->buffers + thread * buffer_floats(s),
                           .b = (const char *)job->packed +
                                (at_b * gemm_panels(s->n) * GEMM_NR + column) * s->k * gemm_element(s->narrow),
                           .narrow = s->narrow,
                           .c = job->y + at_y,
                           .ldc = s->n,
                           .bias = job->bias ? job->bias + column : NULL,
                           .residual = job->residual ? job->residual + at_y : NULL,
                           .act = attr->act});
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    const matmul *s = k->state;
    const ito_attr_matmul *attr = k->attr;
    if (!(k->frozen & 2)) {
        float *b = (float *)workspace + buffer_bytes(k) / sizeof(float);
        pack(k, q, in, b);
        packed = b;
    }
    run_job job = {.k = k, .a = in[0], .packed = packed, .y = out[0], .buffers = workspace};
    if (attr->has_bias) job.bias = in[2];
    if (attr->has_residual) job.residual = in[2 + attr->has_bias];
    ito__parallel(q, s->batch * s->grid.n_rows * s->grid.n_columns, run_block, &job);
}

static const ito_kernel_def defs[] = {
    {.op = "matmul", .name = "gemm", .prepare = prepare, .pack = pack, .run = run},
};

ITO_ISA_FAMILY(matmul, defs);
