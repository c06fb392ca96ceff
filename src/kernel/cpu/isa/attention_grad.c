/* Gradient of attention from its results o and lse (Dao et al. 2022), the scores computed again tile by tile:
 *   p = e^{s - lse},  ds = p (do v^T - delta),  delta_i = do_i . o_i
 *   dq = scale ds k,  dk = scale ds^T q,  dv = p^T do
 * Where heads are enough for all threads, a slice is a whole head. With few, one pass owns tiles of queries and adds up dq
 * over the keys, another owns tiles of keys and adds up dk and dv over the queries: every sum stays in one slice, at the
 * price of making the scores twice. Both add in the same order and give the same bits. */
#include "kernel/cpu/isa/attention.h"

/* Packed copies of one head, in this order. */
enum { KEYS_TURNED, VALUES_TURNED, KEYS_STRAIGHT, QUERIES_STRAIGHT, GRAD_STRAIGHT, DELTA, PARTS };

typedef struct grad_job {
    attention a;
    const float *q, *k, *v, *o, *lse, *grad; /* grad is that of o */
    float *dq, *dk, *dv;
    float *packed, *scratch;
    int64_t first_head;
    int64_t part_at[PARTS + 1]; /* where each copy begins in a packed head */
} grad_job;

static void place_parts(const attention *a, int64_t part_at[PARTS + 1])
{
    const int64_t size[PARTS] = {a->padded_keys * a->depth,        a->padded_keys * a->depth,
                                 a->padded_keys * a->padded_depth, a->n_queries * a->padded_depth,
                                 a->n_queries * a->padded_depth,   div_up(a->n_queries, 16) * 16};
    part_at[0] = 0;
    for (int i = 0; i < PARTS; i++) part_at[i + 1] = part_at[i] + size[i];
}

static ito_status grad_prepare(ito_kernel *k)
{
    if (!all_f32(k) || !count_in(k, 0) || !count_in(k, 1)) return ITO_UNSUPPORTED;
    attention a = attention_of(k);
    int64_t part_at[PARTS + 1];
    place_parts(&a, part_at);
    a.per_head = part_at[PARTS];
    const int64_t all_queries = a.query_tiles * QUERIES * a.width;
    a.whole_heads = heads_suffice(k, &a) && all_queries <= ROUND_BYTES / 4;
    a.per_thread = 2 * QUERIES * TILE_LD + 2 * KEYS * a.width + (a.whole_heads ? all_queries : QUERIES * a.width);
    attention_plan(k, &a);
    if (!(k->state = ito__alloc(k->ctx, sizeof a))) return ITO_MEMORY;
    memcpy(k->state, &a, sizeof a);
    return ITO_OK;
}

static float *part_of(const grad_job *j, int64_t head, int part)
{
    return j->packed + (head - j->first_head) * j->a.per_head + j->part_at[part];
}

/* --- packing ------------------------------------------------------------------------------------------------------ */

static void pack_keys_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const grad_job *j = arg;
    const attention *a = &j->a;
    int64_t head = j->first_head + slice / a->key_tiles, tile = slice % a->key_tiles;
    int64_t first = tile * (KEYS / GEMM_NR), panels = div_up(keys_of(a, tile), GEMM_NR);
    int64_t start = position(a, head, a->n_keys, 0);
    pack_turned(a->n_keys, a->depth, a->row, j->k + start, first, panels, part_of(j, head, KEYS_TURNED));
    pack_turned(a->n_keys, a->depth, a->row, j->v + start, first, panels, part_of(j, head, VALUES_TURNED));
    pack_straight(a->padded_keys, a->depth, a->row, j->k + start, tile * KEYS, tile * KEYS + keys_of(a, tile),
                  part_of(j, head, KEYS_STRAIGHT));
}

static float row_dot(int64_t n, const float *x, const float *y)
{
    vf sum = {0};
    for (int64_t i = 0; i < n; i += VF_WIDTH) {
        int left = (int)ITO_MIN(n - i, VF_WIDTH);
        sum += vload_n(x + i, left) * vload_n(y + i, left);
    }
    return vsum(sum);
}

static void pack_queries_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const grad_job *j = arg;
    const attention *a = &j->a;
    int64_t head = j->first_head + slice / a->query_tiles, first = slice % a->query_tiles * QUERIES;
    int64_t end = ITO_MIN(first + QUERIES, a->n_queries), start = position(a, head, a->n_queries, 0);
    pack_straight(a->n_queries, a->depth, a->row, j->q + start, first, end, part_of(j, head, QUERIES_STRAIGHT));
    pack_straight(a->n_queries, a->depth, a->row, j->grad + start, first, end, part_of(j, head, GRAD_STRAIGHT));
    float *delta = part_of(j, head, DELTA);
    for (int64_t i = first; i < end; i++)
        delta[i] = row_dot(a->depth, j->grad + start + i * a->row, j->o + start + i * a->row);
}

/* --- a tile of p and ds ------------------------------------------------------------------------------------------- */

/* As weigh_row(), for vectors all of whose lanes are seen. */
VEC_INLINE void weigh_vectors(int vectors, float scale, float lse, float delta, float *p, float *ds)
{
    vf weight[VEC_TOGETHER];
    VEC_EACH(vectors) weight[i] = vload(p + i * VF_WIDTH) * scale - lse;
    vexp_each(vectors, weight);
    VEC_EACH(vectors)
    {
        vstore(p + i * VF_WIDTH, weight[i]);
        vstore(ds + i * VF_WIDTH, weight[i] * (vload(ds + i * VF_WIDTH) - delta));
    }
}

static void weigh_row(const score_row *row, int columns, float scale, float lse, float delta, float *p, float *ds)
{
    const int whole = row->bias || lse == -INFINITY ? 0 : row->visible;
    int j = 0;
    for (; j + 4 * VF_WIDTH <= whole; j += 4 * VF_WIDTH) weigh_vectors(4, scale, lse, delta, p + j, ds + j);
    for (; j + VF_WIDTH <= whole; j += VF_WIDTH) weigh_vectors(1, scale, lse, delta, p + j, ds + j);
    for (; j < columns; j += VF_WIDTH) {
        int lanes = lse == -INFINITY ? 0 : seen_lanes(row, j);
        vf score = score_vector(row, vload(p + j), scale, j, lanes);
        vf weight = vselect(vmask(lanes), vexp(score - lse), vset(0.0f));
        vstore(p + j, weight);
        vstore(ds + j, vselect(vmask(lanes), weight * (vload(ds + j) - delta), vset(0.0f)));
    }
}

static void weigh_tile(const grad_job *j, int64_t head, int64_t query_tile, int64_t key_tile, float *p, float *ds)
{
    const attention *a = &j->a;
    const int64_t n = queries_of(a, query_tile), first = query_tile * QUERIES;
    const int64_t start = position(a, head, a->n_queries, first), at = key_tile * KEYS * a->depth;
    const int columns = columns_of(a, key_tile);
    tile_product(n, columns, a->depth, j->q + start, a->row, part_of(j, head, KEYS_TURNED) + at, a->depth * GEMM_NR, p,
                 TILE_LD);
    tile_product(n, columns, a->depth, j->grad + start, a->row, part_of(j, head, VALUES_TURNED) + at,
                 a->depth * GEMM_NR, ds, TILE_LD);
    const float *lse = j->lse + head * a->n_queries + first, *delta = part_of(j, head, DELTA) + first;
    for (int64_t i = 0; i < n; i++) {
        score_row row = score_row_of(a, head, first + i, key_tile * KEYS);
        weigh_row(&row, columns, (float)a->scale, lse[i], delta[i], p + i * TILE_LD, ds + i * TILE_LD);
    }
}

/* rows of a tile, scaled, to their places in an array of `length` positions */
static void store_rows(const attention *a, int64_t head, int64_t length, int64_t first, int64_t n, float scale,
                       const float *rows, float *to)
{
    for (int64_t i = 0; i < n; i++) {
        float *row = to + position(a, head, length, first + i);
        for (int64_t d = 0; d < a->depth; d++) row[d] = scale * rows[i * a->width + d];
    }
}

/* --- slices ------------------------------------------------------------------------------------------------------- */

/* A thread's scratch: a tile of p and of ds, sums of a tile of keys, sums of a tile of queries or of all. */
typedef struct grad_scratch {
    float *p, *ds, *dk, *dv, *dq;
} grad_scratch;

static grad_scratch scratch_of(const grad_job *j, int thread)
{
    const attention *a = &j->a;
    grad_scratch s = {.p = j->scratch + thread * a->per_thread};
    s.ds = s.p + QUERIES * TILE_LD;
    s.dk = s.ds + QUERIES * TILE_LD;
    s.dv = s.dk + KEYS * a->width;
    s.dq = s.dv + KEYS * a->width;
    return s;
}

/* dq is that of the tile of queries; the first tile of keys begins it. */
static void add_queries(const grad_job *j, int64_t head, int64_t query_tile, int64_t key_tile, const grad_scratch *s,
                        float *dq)
{
    const attention *a = &j->a;
    const int64_t m = queries_of(a, query_tile), k = keys_of(a, key_tile), panel = a->padded_keys * GEMM_NR;
    const float *b = part_of(j, head, KEYS_STRAIGHT) + key_tile * KEYS * GEMM_NR;
    if (key_tile == 0)
        tile_product(m, a->width, k, s->ds, TILE_LD, b, panel, dq, a->width);
    else
        tile_product_add(m, a->width, k, s->ds, TILE_LD, b, panel, NULL, dq, a->width);
}

/* To the sums of the tile of keys, or, the first time, in their place. */
static void add_keys(const grad_job *j, int64_t head, int64_t query_tile, int64_t key_tile, bool first,
                     const grad_scratch *s)
{
    const attention *a = &j->a;
    const int64_t n = keys_of(a, key_tile), rows = queries_of(a, query_tile), width = a->width;
    const int64_t at = query_tile * QUERIES * GEMM_NR, panel = a->n_queries * GEMM_NR;
    tile_product_turned(!first, n, width, rows, s->p, TILE_LD, part_of(j, head, GRAD_STRAIGHT) + at, panel, s->dv,
                        width);
    tile_product_turned(!first, n, width, rows, s->ds, TILE_LD, part_of(j, head, QUERIES_STRAIGHT) + at, panel, s->dk,
                        width);
}

/* Zero where no query saw a key of the tile. */
static void store_keys(const grad_job *j, int64_t head, int64_t tile, bool seen, const grad_scratch *s)
{
    const attention *a = &j->a;
    const int64_t first = tile * KEYS, n = keys_of(a, tile);
    if (!seen) memset(s->dk, 0, (size_t)(2 * KEYS * a->width) * sizeof *s->dk);
    store_rows(a, head, a->n_keys, first, n, (float)a->scale, s->dk, j->dk);
    store_rows(a, head, a->n_keys, first, n, 1, s->dv, j->dv);
}

static void store_queries(const grad_job *j, int64_t head, int64_t tile, const float *dq)
{
    const attention *a = &j->a;
    store_rows(a, head, a->n_queries, tile * QUERIES, queries_of(a, tile), (float)a->scale, dq, j->dq);
}

/* Tiles of keys come one after another: what belongs to one stays in the cache while all queries pass by. */
static void head_slice(void *arg, int64_t head, int thread)
{
    grad_job j = *(const grad_job *)arg;
    const attention *a = &j.a;
    const grad_scratch s = scratch_of(&j, thread);
    const int64_t dq_tile = QUERIES * a->width;
    j.first_head = head;
    j.packed += thread * a->per_head;
    for (int64_t query = 0; query < a->query_tiles; query++) {
        pack_queries_slice(&j, query, thread);
        if (!tile_visible(a, query, 0)) memset(s.dq + query * dq_tile, 0, (size_t)dq_tile * sizeof *s.dq);
    }
    for (int64_t key = 0; key < a->key_tiles; key++) {
        bool seen = false;
        pack_keys_slice(&j, key, thread);
        for (int64_t query = 0; query < a->query_tiles; query++) {
            if (!tile_visible(a, query, key)) continue;
            weigh_tile(&j, head, query, key, s.p, s.ds);
            add_queries(&j, head, query, key, &s, s.dq + query * dq_tile);
            add_keys(&j, head, query, key, !seen, &s);
            seen = true;
        }
        store_keys(&j, head, key, seen, &s);
    }
    for (int64_t query = 0; query < a->query_tiles; query++) store_queries(&j, head, query, s.dq + query * dq_tile);
}

static void query_slice(void *arg, int64_t slice, int thread)
{
    const grad_job *j = arg;
    const attention *a = &j->a;
    const int64_t head = j->first_head + slice / a->query_tiles, tile = slice % a->query_tiles;
    const grad_scratch s = scratch_of(j, thread);
    if (!tile_visible(a, tile, 0)) memset(s.dq, 0, (size_t)(QUERIES * a->width) * sizeof *s.dq);
    for (int64_t key = 0; key < a->key_tiles && tile_visible(a, tile, key); key++) {
        weigh_tile(j, head, tile, key, s.p, s.ds);
        add_queries(j, head, tile, key, &s, s.dq);
    }
    store_queries(j, head, tile, s.dq);
}

static void key_slice(void *arg, int64_t slice, int thread)
{
    const grad_job *j = arg;
    const attention *a = &j->a;
    const int64_t head = j->first_head + slice / a->key_tiles, tile = slice % a->key_tiles;
    const grad_scratch s = scratch_of(j, thread);
    bool seen = false;
    for (int64_t query = 0; query < a->query_tiles; query++) {
        if (!tile_visible(a, query, tile)) continue;
        weigh_tile(j, head, query, tile, s.p, s.ds);
        add_keys(j, head, query, tile, !seen, &s);
        seen = true;
    }
    store_keys(j, head, tile, seen, &s);
}

static void grad_run(RUN_ARGS)
{
    (void)packed;
    const ito_attr_attention *attr = k->attr;
    const void *const *rest = in + k->n_in - 3;
    grad_job j = {.a = *(const attention *)k->state, .q = in[0], .k = in[1], .v = in[2], .o = rest[0], .lse = rest[1]};
    j.grad = rest[2];
    j.dq = out[0];
    j.dk = out[1];
    j.dv = out[2];
    j.a.bias = attr->has_bias ? in[3] : NULL;
    place_parts(&j.a, j.part_at);
    j.packed = work;
    j.scratch = j.packed + j.a.round * j.a.per_head;
    if (j.a.whole_heads) {
        ito__parallel(q, j.a.n * j.a.heads, head_slice, &j);
        return;
    }
    for (int64_t heads = j.a.n * j.a.heads; j.first_head < heads; j.first_head += j.a.round) {
        int64_t n = ITO_MIN(j.a.round, heads - j.first_head);
        ito__parallel(q, n * j.a.key_tiles, pack_keys_slice, &j);
        ito__parallel(q, n * j.a.query_tiles, pack_queries_slice, &j);
        ito__parallel(q, n * j.a.query_tiles, query_slice, &j);
        ito__parallel(q, n * j.a.key_tiles, key_slice, &j);
    }
}

static const ito_kernel_def defs[] = {
    {.op = "attention_grad", .name = "tiles", .prepare = grad_prepare, .run = grad_run},
};

ITO_ISA_FAMILY(attention_grad, defs);
