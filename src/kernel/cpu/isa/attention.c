/* Scaled dot-product attention without the matrix of scores (Dao et al. 2022, "FlashAttention"; the running maximum is
 * Milakov and Gimelshein 2018). For a tile of queries, over tiles of keys in order:
 *   s = scale q k^T + bias,  m' = max(m, max s),  p = e^{s - m'},  l = l e^{m - m'} + sum p,  o = o e^{m - m'} + p v
 * and at the end o / l and lse = m + log l. A query that sees nothing gives o = 0 and lse = -inf. */
#include "kernel/cpu/isa/attention.h"

/* Packed head: keys in panels over positions, values in panels over depth. Per thread: scores, sums. */
static ito_status forward_prepare(ito_kernel *k)
{
    if (!all_f32(k) || !count_out(k, 0) || !count_in(k, 1)) return ITO_UNSUPPORTED;
    attention a = attention_of(k);
    a.per_head = a.padded_keys * (a.depth + a.padded_depth);
    a.per_thread = QUERIES * (TILE_LD + a.width);
    a.whole_heads = heads_suffice(k, &a);
    attention_plan(k, &a);
    if (!(k->state = ito__alloc(k->ctx, sizeof a))) return ITO_MEMORY;
    memcpy(k->state, &a, sizeof a);
    return ITO_OK;
}

typedef struct forward_job {
    attention a;
    const float *q, *k, *v;
    float *o, *lse;
    float *packed, *scratch;
    int64_t first_head; /* of the round */
} forward_job;

static float *packed_keys(const forward_job *j, int64_t slot)
{
    return j->packed + slot * j->a.per_head;
}

static float *packed_values(const forward_job *j, int64_t slot)
{
    return packed_keys(j, slot) + j->a.padded_keys * j->a.depth;
}

static void pack_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const forward_job *j = arg;
    const attention *a = &j->a;
    int64_t slot = slice / a->key_tiles, tile = slice % a->key_tiles;
    int64_t start = position(a, j->first_head + slot, a->n_keys, 0);
    pack_turned(a->n_keys, a->depth, a->row, j->k + start, tile * (KEYS / GEMM_NR), div_up(keys_of(a, tile), GEMM_NR),
                packed_keys(j, slot));
    pack_straight(a->padded_keys, a->depth, a->row, j->v + start, tile * KEYS, tile * KEYS + keys_of(a, tile),
                  packed_values(j, slot));
}

/* --- a tile of queries -------------------------------------------------------------------------------------------- */

typedef struct running {
    float largest[QUERIES], sum[QUERIES];
} running;

/* Scores of one row, in place, and their maximum; those not seen are -infinity. */
static vf score_columns(const score_row *row, int columns, float scale, float *s)
{
    vf high = vset(-INFINITY);
    int j = 0;
    for (; !row->bias && j + VF_WIDTH <= row->visible; j += VF_WIDTH) {
        vf v = vload(s + j) * scale;
        vstore(s + j, v);
        high = vmax(high, v);
    }
    for (; j < columns; j += VF_WIDTH) {
        int lanes = seen_lanes(row, j);
        vf v = score_vector(row, vload(s + j), scale, j, lanes);
        v = vselect(vmask(lanes), v, vset(-INFINITY));
        vstore(s + j, v);
        high = vmax(high, v);
    }
    return high;
}

/* `vectors` vectors to e^{s - m}, and their sum */
VEC_INLINE vf soften_vectors(int vectors, float m, float *s)
{
    vf p[VEC_TOGETHER], total = {0};
    VEC_EACH(vectors) p[i] = vload(s + i * VF_WIDTH) - m;
    vexp_each(vectors, p);
    VEC_EACH(vectors) vstore(s + i * VF_WIDTH, p[i]);
    VEC_EACH(vectors) total += p[i];
    return total;
}

/* Scores of one row to e^{s - m'}; updates the running maximum and sum and returns e^{m - m'}. */
static float soften_row(const score_row *row, int columns, float scale, float *s, float *largest, float *sum)
{
    const float high = vlargest(score_columns(row, columns, scale, s)), m = ITO_MAX(*largest, high);
    vf total = {0};
    if (m == -INFINITY) { /* nothing seen so far, or NaN alone: that stays */
        for (int j = 0; j < columns; j += VF_WIDTH) {
            vf v = vload(s + j);
            v = vselect(v == v, (vf){0}, v);
            vstore(s + j, v);
            total += v;
        }
        *sum += vsum(total);
        return 1;
    }
    int j = 0;
    for (; j + 4 * VF_WIDTH <= columns; j += 4 * VF_WIDTH) total += soften_vectors(4, m, s + j);
    for (; j < columns; j += VF_WIDTH) total += soften_vectors(1, m, s + j);
    float keep = *largest == -INFINITY ? 0 : expf(*largest - m);
    *largest = m;
    *sum = *sum * keep + vsum(total);
    return keep;
}

static void add_tile(const forward_job *j, int64_t head, int64_t query_tile, int64_t key_tile, float *s, float *o,
                     running *r)
{
    const attention *a = &j->a;
    const int64_t n = queries_of(a, query_tile), first = query_tile * QUERIES, width = a->width;
    const int64_t slot = head - j->first_head;
    const int columns = columns_of(a, key_tile);
    float keep[QUERIES];
    tile_product(n, columns, a->depth, j->q + position(a, head, a->n_queries, first), a->row,
                 packed_keys(j, slot) + key_tile * KEYS * a->depth, a->depth * GEMM_NR, s, TILE_LD);
    for (int64_t i = 0; i < n; i++) {
        score_row row = score_row_of(a, head, first + i, key_tile * KEYS);
        keep[i] = soften_row(&row, columns, (float)a->scale, s + i * TILE_LD, &r->largest[i], &r->sum[i]);
    }
    const float *values = packed_values(j, slot) + key_tile * KEYS * GEMM_NR;
    const int64_t k = keys_of(a, key_tile), panel = a->padded_keys * GEMM_NR;
    if (key_tile == 0) /* nothing to keep */
        tile_product(n, width, k, s, TILE_LD, values, panel, o, width);
    else
        tile_product_add(n, width, k, s, TILE_LD, values, panel, keep, o, width);
}

static void store_tile(const forward_job *j, int64_t head, int64_t query_tile, const float *o, const running *r)
{
    const attention *a = &j->a;
    for (int64_t i = 0; i < queries_of(a, query_tile); i++) {
        int64_t query = query_tile * QUERIES + i;
        float *to = j->o + position(a, head, a->n_queries, query);
        float scale = r->largest[i] == -INFINITY ? 0 : 1 / r->sum[i];
        for (int64_t d = 0; d < a->depth; d++) to[d] = o[i * a->width + d] * scale;
        j->lse[head * a->n_queries + query] = r->largest[i] + logf(r->sum[i]);
    }
}

static void query_slice(void *arg, int64_t slice, int thread)
{
    const forward_job *j = arg;
    const attention *a = &j->a;
    int64_t head = j->first_head + slice / a->query_tiles, tile = slice % a->query_tiles;
    float *s = j->scratch + thread * a->per_thread, *o = s + QUERIES * TILE_LD;
    running r;
    for (int i = 0; i < QUERIES; i++) {
        r.largest[i] = -INFINITY;
        r.sum[i] = 0;
    }
    if (!tile_visible(a, tile, 0)) memset(o, 0, (size_t)(QUERIES * a->width) * sizeof *o);
    for (int64_t key_tile = 0; key_tile < a->key_tiles && tile_visible(a, tile, key_tile); key_tile++)
        add_tile(j, head, tile, key_tile, s, o, &r);
    store_tile(j, head, tile, o, &r);
}

static void head_slice(void *arg, int64_t head, int thread)
{
    forward_job j = *(const forward_job *)arg;
    j.first_head = head;
    j.packed += thread * j.a.per_head;
    for (int64_t tile = 0; tile < j.a.key_tiles; tile++) pack_slice(&j, tile, thread);
    for (int64_t tile = 0; tile < j.a.query_tiles; tile++) query_slice(&j, tile, thread);
}

static void forward_run(RUN_ARGS)
{
    (void)packed;
    forward_job j = {.a = *(const attention *)k->state, .q = in[0], .k = in[1], .v = in[2], .o = out[0], .lse = out[1]};
    const ito_attr_attention *attr = k->attr;
    j.a.bias = attr->has_bias ? in[3] : NULL;
    j.packed = work;
    j.scratch = j.packed + j.a.round * j.a.per_head;
    if (j.a.whole_heads) {
        ito__parallel(q, j.a.n * j.a.heads, head_slice, &j);
        return;
    }
    for (int64_t heads = j.a.n * j.a.heads; j.first_head < heads; j.first_head += j.a.round) {
        int64_t n = ITO_MIN(j.a.round, heads - j.first_head);
        ito__parallel(q, n * j.a.key_tiles, pack_slice, &j);
        ito__parallel(q, n * j.a.query_tiles, query_slice, &j);
    }
}

static const ito_kernel_def defs[] = {
    {.op = "attention", .name = "tiles", .prepare = forward_prepare, .run = forward_run},
};

ITO_ISA_FAMILY(attention, defs);
