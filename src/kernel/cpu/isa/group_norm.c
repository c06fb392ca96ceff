/* Group norm (Wu and He 2018) with an activation after the affine map, and its gradient. x is [n, spatial, channels];
 * a sample's pixels are cut into chunks of fixed size, so that its result depends on nothing but itself.
 *
 *   forward   1. per chunk and channel: mean and sum of squared deviations, taken about the chunk's first pixel, so
 *                that a large mean cancels before anything is squared
 *             2. per sample: chunks and channels combined to the group's mean and variance (Chan, Golub and LeVeque
 *                1979) in double
 *             3. per chunk: y = act(gamma (x - mean) rstd + beta)
 *   gradient  1. per chunk: du = act'(u) dy, kept in dx, and per channel the sums of du and du (x - mean)
 *             2. per sample: a = avg(gamma du), b = avg(gamma du xhat) over each group
 *             3. per chunk: dx = rstd (gamma du - a - xhat b) [+ residual]; last, dgamma and dbeta as sums over samples in order
 *
 * With enough samples a thread takes a whole sample through all three steps while it lies in the cache; with few, each
 * step is parallel over chunks. Both give the same bits. y may be x, and dx may be dy: that saves reading y's lines from
 * memory only to overwrite them. Identity and SiLU are computed in registers, other activations in a pass of their own. x in bf16 is widened chunk by chunk. */
#include <math.h>

#include "kernel/cpu/isa/mem.h"
#include "kernel/cpu/isa/vmath.h"

#define AHEAD 1024 /* floats: how far ahead of the first pass over a sample its memory is asked for */

typedef struct shape3 {
    int64_t n, spatial, channels, groups, width; /* width: channels of a group */
    int64_t rows, chunks;                        /* pixels of a chunk, chunks of a sample */
} shape3;

static shape3 shape_of(const ito_kernel *k)
{
    const ito_attr_norm *attr = k->attr;
    const ito_shape *x = &k->in[0].shape;
    shape3 s = {.n = x->d[0], .channels = last_dim(*x), .groups = attr->groups};
    s.spatial = ito_shape_count(*x) / (s.n * s.channels);
    s.width = s.channels / s.groups;
    s.rows = ITO_MIN(chunk_rows(s.channels), s.spatial);
    s.chunks = div_up(s.spatial, s.rows);
    return s;
}

/* Workspace: per chunk two rows of channels, per sample four. */
enum { PARTIAL_ROWS = 2, SAMPLE_ROWS = 4 };

static bool all_f32_but_kept(const ito_kernel *k)
{
    const ito_attr_norm *attr = k->attr;
    ito_kernel plain = *k;
    plain.n_out -= attr->keeps_x + attr->keeps_y;
    return all_f32_from(&plain, 1);
}

static ito_status norm_prepare(ito_kernel *k)
{
    if (!all_f32_but_kept(k) || count_in(k, 0) == 0) return ITO_UNSUPPORTED;
    shape3 s = shape_of(k);
    bool is_narrow = k->in[0].dtype == ITO_BF16 && s.channels <= CHUNK;
    if (!is_narrow && k->in[0].dtype != ITO_F32) return ITO_UNSUPPORTED;
    k->workspace_bytes = (size_t)(s.n * s.channels * (s.chunks * PARTIAL_ROWS + SAMPLE_ROWS)) * sizeof(float);
    return ITO_OK;
}

typedef struct norm_job {
    shape3 s;
    int32_t act;
    bool rounds;
    double eps;
    const uint16_t *narrow; /* x when it is bf16; else NULL */
    const float *x, *gamma, *beta, *stats, *dy, *residual;
    uint16_t *x_kept, *y_kept;           /* NULL: not asked for */
    float *y, *y_stats, *dgamma, *dbeta; /* y is dx in the gradient */
    float *partials, *samples;
} norm_job;

static norm_job job_of(const ito_kernel *k, const void *const *in, void *work)
{
    const ito_attr_norm *attr = k->attr;
    norm_job j = {.s = shape_of(k), .act = attr->act, .eps = attr->eps, .x = in[0], .gamma = in[1], .beta = in[2]};
    j.rounds = attr->rounds;
    if (k->in[0].dtype == ITO_BF16) j.narrow = in[0];
    j.samples = work;
    j.partials = j.samples + j.s.n * j.s.channels * SAMPLE_ROWS;
    return j;
}

static float *partial_of(const norm_job *j, int64_t n, int64_t chunk)
{
    return j->partials + (n * j->s.chunks + chunk) * PARTIAL_ROWS * j->s.channels;
}

static float *sample_row(const norm_job *j, int64_t n, int row)
{
    return j->samples + (n * SAMPLE_ROWS + row) * j->s.channels;
}

static int64_t rows_of(const shape3 *s, int64_t chunk)
{
    return ITO_MIN(s->rows, s->spatial - chunk * s->rows);
}

static int64_t chunk_at(const shape3 *s, int64_t n, int64_t chunk)
{
    return (n * s->spatial + chunk * s->rows) * s->channels;
}

/* x of a chunk; wide is where it may be widened. */
static const float *x_chunk(const norm_job *j, int64_t n, int64_t chunk, float wide[CHUNK])
{
    const int64_t at = chunk_at(&j->s, n, chunk);
    if (!j->narrow) return j->x + at;
    widen_row(rows_of(&j->s, chunk) * j->s.channels, j->narrow + at, wide);
    return wide;
}

/* --- the three steps, by sample or by chunk ----------------------------------------------------------------------- */

typedef struct steps {
    norm_job *job;
    void (*measure)(const norm_job *j, int64_t n, int64_t chunk);
    void (*combine)(const norm_job *j, int64_t n);
    void (*apply)(const norm_job *j, int64_t n, int64_t chunk);
} steps;

static void sample_slice(void *arg, int64_t n, int thread)
{
    (void)thread;
    const steps *s = arg;
    for (int64_t chunk = 0; chunk < s->job->s.chunks; chunk++) s->measure(s->job, n, chunk);
    s->combine(s->job, n);
    for (int64_t chunk = s->job->s.chunks - 1; chunk >= 0; chunk--) s->apply(s->job, n, chunk); /* warm ones first */
}

static void measure_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const steps *s = arg;
    s->measure(s->job, slice / s->job->s.chunks, slice % s->job->s.chunks);
}

static void combine_slice(void *arg, int64_t n, int thread)
{
    (void)thread;
    const steps *s = arg;
    s->combine(s->job, n);
}

static void apply_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const steps *s = arg;
    s->apply(s->job, slice / s->job->s.chunks, slice % s->job->s.chunks);
}

static void run_steps(const ito_queue *q, steps s)
{
    int64_t n = s.job->s.n, all = n * s.job->s.chunks;
    if (n % q->n_threads == 0 || n >= 4 * q->n_threads) {
        ito__parallel(q, n, sample_slice, &s);
        return;
    }
    ito__parallel(q, all, measure_slice, &s);
    ito__parallel(q, n, combine_slice, &s);
    ito__parallel(q, all, apply_slice, &s);
}

/* --- forward ------------------------------------------------------------------------------------------------------ */

#define INLINE static inline __attribute__((always_inline))

/* The first `lanes` floats; a constant VF_WIDTH costs no mask. */
INLINE vf load(const float *p, int lanes)
{
    return lanes == VF_WIDTH ? vload(p) : vload_n(p, lanes);
}

INLINE void store(float *p, int lanes, vf x)
{
    if (lanes == VF_WIDTH)
        vstore(p, x);
    else
        vstore_n(p, lanes, x);
}

/* `vectors` vectors of columns: mean and squared deviations of each column over the rows; `left` lanes of each. */
INLINE void measure_columns(int vectors, int left, int64_t rows, int64_t stride, const float *x, float *mean,
                            float *squares)
{
    vf first[4], sum[4], square[4];
    for (int i = 0; i < vectors; i++) {
        first[i] = load(x + i * VF_WIDTH, left);
        sum[i] = square[i] = vset(0.0f);
    }
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < vectors; i++) {
            const float *at = x + r * stride + i * VF_WIDTH;
            __builtin_prefetch(at + AHEAD);
            vf d = load(at, left) - first[i];
            sum[i] += d;
            square[i] += d * d;
        }
    const float scale = 1.0f / (float)rows;
    for (int i = 0; i < vectors; i++) {
        store(mean + i * VF_WIDTH, left, first[i] + sum[i] * scale);
        store(squares + i * VF_WIDTH, left, vmax(square[i] - sum[i] * (sum[i] * scale), vset(0.0f)));
    }
}

static void measure_forward(const norm_job *j, int64_t n, int64_t chunk)
{
    const int64_t channels = j->s.channels, rows = rows_of(&j->s, chunk);
    float wide[CHUNK], *mean = partial_of(j, n, chunk), *squares = mean + channels;
    const float *x = x_chunk(j, n, chunk, wide);
    int64_t c = 0;
    for (; c + 4 * VF_WIDTH <= channels; c += 4 * VF_WIDTH)
        measure_columns(4, VF_WIDTH, rows, channels, x + c, mean + c, squares + c);
    for (; c + 2 * VF_WIDTH <= channels; c += 2 * VF_WIDTH)
        measure_columns(2, VF_WIDTH, rows, channels, x + c, mean + c, squares + c);
    for (; c + VF_WIDTH <= channels; c += VF_WIDTH)
        measure_columns(1, VF_WIDTH, rows, channels, x + c, mean + c, squares + c);
    if (c < channels) measure_columns(1, (int)(channels - c), rows, channels, x + c, mean + c, squares + c);
}

static double group_mean(const norm_job *j, int64_t n, int64_t first)
{
    double total = 0;
    for (int64_t chunk = 0; chunk < j->s.chunks; chunk++) {
        const float *mean = partial_of(j, n, chunk) + first;
        double sum = 0;
        for (int64_t c = 0; c < j->s.width; c++) sum += (double)mean[c];
        total += sum * (double)rows_of(&j->s, chunk);
    }
    return total / (double)(j->s.spatial * j->s.width);
}

static double group_variance(const norm_job *j, int64_t n, int64_t first, double mean)
{
    double total = 0;
    for (int64_t chunk = 0; chunk < j->s.chunks; chunk++) {
        const float *means = partial_of(j, n, chunk) + first, *squares = means + j->s.channels;
        double within = 0, between = 0;
        for (int64_t c = 0; c < j->s.width; c++) {
            double d = (double)means[c] - mean;
            within += (double)squares[c];
            between += d * d;
        }
        total += within + between * (double)rows_of(&j->s, chunk);
    }
    return total / (double)(j->s.spatial * j->s.width);
}

/* Rows of the sample's workspace: mean and factor of each channel. */
static void combine_forward(const norm_job *j, int64_t n)
{
    float *mean_row = sample_row(j, n, 0), *factor_row = sample_row(j, n, 1);
    for (int64_t g = 0; g < j->s.groups; g++) {
        int64_t first = g * j->s.width;
        double mean = group_mean(j, n, first), rstd = 1 / sqrt(group_variance(j, n, first, mean) + j->eps);
        float *stats = j->y_stats + (n * j->s.groups + g) * 2;
        stats[0] = (float)mean;
        stats[1] = (float)rstd;
        for (int64_t c = first; c < first + j->s.width; c++) {
            mean_row[c] = (float)mean;
            factor_row[c] = (float)rstd * j->gamma[c];
        }
    }
}

/* What the affine map needs to know of a sample's channels. */
typedef struct affine {
    const float *mean, *factor, *beta;
} affine;

static affine affine_of(const norm_job *j, int64_t n)
{
    return (affine){sample_row(j, n, 0), sample_row(j, n, 1), j->beta};
}

/* u = gamma xhat + beta for one vector of channels */
INLINE vf affine_vector(const affine *a, int lanes, const float *x, int64_t c)
{
    return (load(x, lanes) - load(a->mean + c, lanes)) * load(a->factor + c, lanes) + load(a->beta + c, lanes);
}

/* Up to VEC_TOGETHER vectors of channels from c on. */
INLINE void apply_vectors(bool silu, bool rounds, const affine *a, int vectors, int lanes, const float *x, int64_t c,
                          float *y)
{
    vf u[VEC_TOGETHER];
    VEC_EACH(vectors) u[i] = affine_vector(a, lanes, x + i * VF_WIDTH, c + i * VF_WIDTH);
    if (silu) vsilu_each(vectors, u);
    VEC_EACH(vectors) store(y + i * VF_WIDTH, lanes, rounds ? vround_bf16(u[i]) : u[i]);
}

INLINE void apply_rows(bool silu, bool rounds, const affine *a, int64_t rows, int64_t channels, const float *x,
                       float *y)
{
    for (; rows > 0; rows--, x += channels, y += channels) {
        int64_t c = 0;
        for (; c + 4 * VF_WIDTH <= channels; c += 4 * VF_WIDTH)
            apply_vectors(silu, rounds, a, 4, VF_WIDTH, x + c, c, y + c);
        for (; c + 2 * VF_WIDTH <= channels; c += 2 * VF_WIDTH)
            apply_vectors(silu, rounds, a, 2, VF_WIDTH, x + c, c, y + c);
        for (; c + VF_WIDTH <= channels; c += VF_WIDTH) apply_vectors(silu, rounds, a, 1, VF_WIDTH, x + c, c, y + c);
        if (c < channels) apply_vectors(silu, rounds, a, 1, (int)(channels - c), x + c, c, y + c);
    }
}

static void apply_act(const norm_job *j, const affine *a, int64_t rows, const float *x, float *y)
{
    const int64_t channels = j->s.channels;
    if (j->act == ITO_UNARY_silu && j->rounds) {
        apply_rows(true, true, a, rows, channels, x, y);
    } else if (j->act == ITO_UNARY_silu) {
        apply_rows(true, false, a, rows, channels, x, y);
    } else {
        apply_rows(false, false, a, rows, channels, x, y);
        unary_row(j->act, rows * channels, y, y);
        if (j->rounds) unary_row(ITO_UNARY_round_bf16, rows * channels, y, y);
    }
}

/* y may be x: what is kept of x is kept first. */
static void apply_forward(const norm_job *j, int64_t n, int64_t chunk)
{
    const int64_t rows = rows_of(&j->s, chunk), count = rows * j->s.channels, at = chunk_at(&j->s, n, chunk);
    const affine a = affine_of(j, n);
    float wide[CHUNK];
    const float *x = x_chunk(j, n, chunk, wide);
    if (j->x_kept) narrow_row(count, x, j->x_kept + at);
    apply_act(j, &a, rows, x, j->y + at);
    if (j->y_kept) narrow_row(count, j->y + at, j->y_kept + at);
}

static void forward_run(RUN_ARGS)
{
    (void)packed;
    norm_job j = job_of(k, in, work);
    j.y = out[0];
    j.y_stats = out[1];
    const ito_attr_norm *attr = k->attr;
    if (attr->keeps_x) j.x_kept = out[2];
    if (attr->keeps_y) j.y_kept = out[2 + attr->keeps_x];
    run_steps(q, (steps){&j, measure_forward, combine_forward, apply_forward});
}

/* --- gradient ----------------------------------------------------------------------------------------------------- */

/* A chunk of step 1. */
typedef struct sums {
    affine a;
    int64_t rows, channels;
    const float *x, *dy;
    float *du, *partial;
} sums;

/* For `vectors` vectors of columns from c on: the sums of du and du (x - mean) over the rows. With SiLU du is made from dy
 * on the way and kept; otherwise dy is du already. */
INLINE void sum_columns(bool silu, const sums *s, int vectors, int lanes, int64_t c)
{
    vf sum[4], sum_x[4], d[4], slope[4];
    VEC_EACH(vectors) sum[i] = sum_x[i] = vset(0.0f);
    for (int64_t row = 0; row < s->rows; row++) {
        const int64_t at = row * s->channels + c;
        const float *x = s->x + at, *dy = s->dy + at;
        VEC_EACH(vectors)
        {
            __builtin_prefetch(x + i * VF_WIDTH + AHEAD);
            __builtin_prefetch(dy + i * VF_WIDTH + AHEAD);
            d[i] = load(dy + i * VF_WIDTH, lanes);
        }
        if (silu) {
            VEC_EACH(vectors) slope[i] = affine_vector(&s->a, lanes, x + i * VF_WIDTH, c + i * VF_WIDTH);
            slope_silu_each(vectors, slope);
            VEC_EACH(vectors) d[i] *= slope[i];
            VEC_EACH(vectors) store(s->du + at + i * VF_WIDTH, lanes, d[i]);
        }
        VEC_EACH(vectors) sum[i] += d[i];
        VEC_EACH(vectors)
        sum_x[i] += d[i] * (load(x + i * VF_WIDTH, lanes) - load(s->a.mean + c + i * VF_WIDTH, lanes));
    }
    for (int i = 0; i < vectors; i++) {
        float *to = s->partial + c + i * VF_WIDTH;
        store(to, lanes, sum[i]);
        store(to + s->channels, lanes, sum_x[i]);
    }
}

INLINE void sum_chunk(bool silu, const sums *s)
{
    int64_t c = 0;
    for (; c + 4 * VF_WIDTH <= s->channels; c += 4 * VF_WIDTH) sum_columns(silu, s, 4, VF_WIDTH, c);
    for (; c + 2 * VF_WIDTH <= s->channels; c += 2 * VF_WIDTH) sum_columns(silu, s, 2, VF_WIDTH, c);
    for (; c + VF_WIDTH <= s->channels; c += VF_WIDTH) sum_columns(silu, s, 1, VF_WIDTH, c);
    if (c < s->channels) sum_columns(silu, s, 1, (int)(s->channels - c), c);
}

/* Mean and factor of each channel from the saved statistics, as the forward pass had them. */
static void expand_stats(const norm_job *j, int64_t n)
{
    float *mean = sample_row(j, n, 0), *factor = sample_row(j, n, 1);
    for (int64_t c = 0; c < j->s.channels; c++) {
        const float *stats = j->stats + (n * j->s.groups + c / j->s.width) * 2;
        mean[c] = stats[0];
        factor[c] = stats[1] * j->gamma[c];
    }
}

static const float *du_chunk(const norm_job *j, int64_t n, int64_t chunk)
{
    return (j->act == ITO_UNARY_identity ? j->dy : j->y) + chunk_at(&j->s, n, chunk);
}

/* du of any activation, kept; u has a place of its own, for du may be dy. */
static void slope_chunk(int act, const sums *s)
{
    enum { PIECE = 256 };
    float u[PIECE];
    for (int64_t row = 0; row < s->rows; row++)
        for (int64_t c = 0; c < s->channels; c += PIECE) {
            const int64_t n = ITO_MIN(s->channels - c, PIECE), at = row * s->channels + c;
            const affine piece = {s->a.mean + c, s->a.factor + c, s->a.beta + c};
            apply_rows(false, false, &piece, 1, n, s->x + at, u);
            slope_row(act, n, u, s->dy + at, s->du + at);
        }
}

static void measure_grad(const norm_job *j, int64_t n, int64_t chunk)
{
    const int64_t at = chunk_at(&j->s, n, chunk);
    float wide[CHUNK];
    sums s = {.a = affine_of(j, n), .rows = rows_of(&j->s, chunk), .channels = j->s.channels};
    s.x = x_chunk(j, n, chunk, wide);
    s.dy = j->dy + at;
    s.du = j->y + at;
    s.partial = partial_of(j, n, chunk);
    if (j->act == ITO_UNARY_silu) {
        sum_chunk(true, &s);
        return;
    }
    if (j->act != ITO_UNARY_identity) slope_chunk(j->act, &s);
    s.dy = du_chunk(j, n, chunk);
    sum_chunk(false, &s);
}

/* The sample's sums of du and du xhat for channel c, its chunks in order. */
static void channel_sums(const norm_job *j, int64_t n, int64_t c, double rstd, double *du, double *du_xhat)
{
    *du = *du_xhat = 0;
    for (int64_t chunk = 0; chunk < j->s.chunks; chunk++) {
        const float *partial = partial_of(j, n, chunk);
        *du += (double)partial[c];
        *du_xhat += (double)partial[j->s.channels + c];
    }
    *du_xhat *= rstd;
}

/* Afterwards the chunk 0 partials hold the sample's own dbeta and dgamma, and rows 2 and 3 of its workspace the factor
 * of x - mean and the constant of dx = factor du + row2 (x - mean) + row3. */
static void combine_grad(const norm_job *j, int64_t n)
{
    const int64_t width = j->s.width;
    float *dbeta = partial_of(j, n, 0), *dgamma = dbeta + j->s.channels;
    float *slope = sample_row(j, n, 2), *constant = sample_row(j, n, 3);
    for (int64_t g = 0; g < j->s.groups; g++) {
        double rstd = (double)j->stats[(n * j->s.groups + g) * 2 + 1], a = 0, b = 0;
        for (int64_t c = g * width; c < (g + 1) * width; c++) {
            double du, du_xhat;
            channel_sums(j, n, c, rstd, &du, &du_xhat);
            a += (double)j->gamma[c] * du;
            b += (double)j->gamma[c] * du_xhat;
            dbeta[c] = (float)du;
            dgamma[c] = (float)du_xhat;
        }
        double size = (double)(j->s.spatial * width);
        for (int64_t c = g * width; c < (g + 1) * width; c++) {
            slope[c] = (float)(-rstd * rstd * b / size);
            constant[c] = (float)(-rstd * a / size);
        }
    }
}

/* What step 3 needs to know of a sample's channels. */
typedef struct grad_rows {
    const float *mean, *factor, *slope, *constant;
} grad_rows;

/* dx = factor du + slope (x - mean) + constant, + residual unless that is NULL, for one vector of channels */
INLINE void grad_vector(const grad_rows *g, int lanes, const float *x, const float *du, const float *residual,
                        int64_t c, float *dx)
{
    vf d = load(du, lanes) * load(g->factor + c, lanes) + load(g->constant + c, lanes);
    d += (load(x, lanes) - load(g->mean + c, lanes)) * load(g->slope + c, lanes);
    if (residual) d += load(residual, lanes);
    store(dx, lanes, d);
}

static void apply_grad(const norm_job *j, int64_t n, int64_t chunk)
{
    const int64_t channels = j->s.channels, first = chunk_at(&j->s, n, chunk);
    const int64_t end = rows_of(&j->s, chunk) * channels;
    const grad_rows g = {sample_row(j, n, 0), sample_row(j, n, 1), sample_row(j, n, 2), sample_row(j, n, 3)};
    float wide[CHUNK], *dx = j->y + first;
    const float *x = x_chunk(j, n, chunk, wide), *du = du_chunk(j, n, chunk);
    for (int64_t row = 0; row < end; row += channels)
        for (int64_t c = 0; c < channels; c += VF_WIDTH) {
            const int64_t at = row + c;
            const float *residual = j->residual ? j->residual + first + at : NULL;
            if (c + VF_WIDTH <= channels)
                grad_vector(&g, VF_WIDTH, x + at, du + at, residual, c, dx + at);
            else
                grad_vector(&g, (int)(channels - c), x + at, du + at, residual, c, dx + at);
        }
}

static void expand_slice(void *arg, int64_t n, int thread)
{
    (void)thread;
    expand_stats(arg, n);
}

static void affine_grad_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const norm_job *j = arg;
    int64_t end = ITO_MIN((slice + 1) * 256, j->s.channels);
    for (int64_t c = slice * 256; c < end; c++) {
        double dbeta = 0, dgamma = 0;
        for (int64_t n = 0; n < j->s.n; n++) {
            const float *own = partial_of(j, n, 0);
            dbeta += (double)own[c];
            dgamma += (double)own[j->s.channels + c];
        }
        j->dbeta[c] = (float)dbeta;
        j->dgamma[c] = (float)dgamma;
    }
}

static void grad_run(RUN_ARGS)
{
    (void)packed;
    norm_job j = job_of(k, in, work);
    j.stats = in[3];
    j.dy = in[4];
    if (k->n_in > 5) j.residual = in[5];
    j.y = out[0];
    j.dgamma = out[1];
    j.dbeta = out[2];
    ito__parallel(q, j.s.n, expand_slice, &j);
    run_steps(q, (steps){&j, measure_grad, combine_grad, apply_grad});
    ito__parallel(q, div_up(j.s.channels, 256), affine_grad_slice, &j);
}

static const ito_kernel_def defs[] = {
    {.op = "group_norm", .name = "chunks", .prepare = norm_prepare, .run = forward_run},
    {.op = "group_norm_grad", .name = "chunks", .prepare = norm_prepare, .run = grad_run},
};

ITO_ISA_FAMILY(group_norm, defs);
