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
    const int64_t threads = ITO_MAX(k->n_threads, 1), heads = a.n * a.heads, sums = 2 * a.padded_keys * a.width;
    a.whole_heads = (heads % threads == 0 || heads >= 4 * threads) && sums <= ROUND_BYTES / 4;
    a.per_thread = 2 * QUERIES * KEYS + QUERIES * a.width + (a.whole_heads ? sums : 2 * KEYS * a.width);
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

static void weigh_row(const score_row *row, int columns, float scale, float lse, float delta, float *p, float *ds)
{
    for (int j = 0; j < columns; j += VF_WIDTH) {
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
                 KEYS);
    tile_product(n, columns, a->depth, j->grad + start, a->row, part_of(j, head, VALUES_TURNED) + at,
                 a->depth * GEMM_NR, ds, KEYS);
    const float *lse = j->lse + head * a->n_queries + first, *delta = part_of(j, head, DELTA) + first;
    for (int64_t i = 0; i < n; i++) {
        score_row row = score_row_of(a, head, first + i, key_tile * KEYS);
        weigh_row(&row, columns, (float)a->scale, lse[i], delta[i], p + i * KEYS, ds + i * KEYS);
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

/* A thread's scratch: a tile of p and of ds, sums of a tile of queries, sums of keys. */
typedef struct grad_scratch {
    float *p, *ds, *dq, *dk, *dv;
} grad_scratch;

static grad_scratch scratch_of(const grad_job *j, int thread)
{
    const attention *a = &j->a;
    grad_scratch s = {.p = j->scratch + thread * a->per_thread};
    s.ds = s.p + QUERIES * KEYS;
    s.dq = s.ds + QUERIES * KEYS;
    s.dk = s.dq + QUERIES * a->width;
    s.dv = s.dk + (a->whole_heads ? a->padded_keys : KEYS) * a->width;
    return s;
}

static void add_queries(const grad_job *j, int64_t head, int64_t query_tile, int64_t key_tile, const grad_scratch *s)
{
    const attention *a = &j->a;
    tile_product_add(queries_of(a, query_tile), a->width, keys_of(a, key_tile), s->ds, KEYS,
                     part_of(j, head, KEYS_STRAIGHT) + key_tile * KEYS * GEMM_NR, a->padded_keys * GEMM_NR, NULL, s->dq,
                     a->width);
}

/* dk and dv are those of the tile of keys. */
static void add_keys(const grad_job *j, int64_t head, int64_t query_tile, int64_t key_tile, const grad_scratch *s,
                     float *dk, float *dv)
{
    const attention *a = &j->a;
    const int64_t n = keys_of(a, key_tile), rows = queries_of(a, query_tile), width = a->width;
    const int64_t at = query_tile * QUERIES * GEMM_NR, panel = a->n_queries * GEMM_NR;
    tile_product_turned_add(n, width, rows, s->p, KEYS, part_of(j, head, GRAD_STRAIGHT) + at, panel, dv, width);
    tile_product_turned_add(n, width, rows, s->ds, KEYS, part_of(j, head, QUERIES_STRAIGHT) + at, panel, dk, width);
}

static void store_queries(const grad_job *j, int64_t head, int64_t tile, const float *dq)
{
    const attention *a = &j->a;
    store_rows(a, head, a->n_queries, tile * QUERIES, queries_of(a, tile), (float)a->scale, dq, j->dq);
}

static void head_slice(void *arg, int64_t slice, int thread)
{
    const grad_job *j = arg;
    const attention *a = &j->a;
    const int64_t head = j->first_head + slice, tile = KEYS * a->width;
    const grad_scratch s = scratch_of(j, thread);
    memset(s.dk, 0, (size_t)(2 * a->padded_keys * a->width) * sizeof *s.dk);
    for (int64_t query = 0; query < a->query_tiles; query++) {
        memset(s.dq, 0, (size_t)(QUERIES * a->width) * sizeof *s.dq);
        for (int64_t key = 0; key < a->key_tiles && tile_visible(a, query, key); key++) {
            weigh_tile(j, head, query, key, s.p, s.ds);
            add_queries(j, head, query, key, &s);
            add_keys(j, head, query, key, &s, s.dk + key * tile, s.dv + key * tile);
        }
        store_queries(j, head, query, s.dq);
    }
    store_rows(a, head, a->n_keys, 0, a->n_keys, (float)a->scale, s.dk, j->dk);
    store_rows(a, head, a->n_keys, 0, a->n_keys, 1, s.dv, j->dv);
}

static void query_slice(void *arg, int64_t slice, int thread)
{
    const grad_job *j = arg;
    const attention *a = &j->a;
    const int64_t head = j->first_head + slice / a->query_tiles, tile = slice % a->query_tiles;
    const grad_scratch s = scratch_of(j, thread);
    memset(s.dq, 0, (size_t)(QUERIES * a->width) * sizeof *s.dq);
    for (int64_t key = 0; key < a->key_tiles && tile_visible(a, tile, key); key++) {
        weigh_tile(j, head, tile, key, s.p, s.ds);
        add_queries(j, head, tile, key, &s);
    }
    store_queries(j, head, tile, s.dq);
}

static void key_slice(void *arg, int64_t slice, int thread)
{
    const grad_job *j = arg;
    const attention *a = &j->a;
    const int64_t head = j->first_head + slice / a->key_tiles, tile = slice % a->key_tiles, n = keys_of(a, tile);
    const grad_scratch s = scratch_of(j, thread);
    memset(s.dk, 0, (size_t)(2 * KEYS * a->width) * sizeof *s.dk);
    for (int64_t query = 0; query < a->query_tiles; query++) {
        if (!tile_visible(a, query, tile)) continue;
        weigh_tile(j, head, query, tile, s.p, s.ds);
        add_keys(j, head, query, tile, &s, s.dk, s.dv);
    }
    store_rows(a, head, a->n_keys, tile * KEYS, n, (float)a->scale, s.dk, j->dk);
    store_rows(a, head, a->n_keys, tile * KEYS, n, 1, s.dv, j->dv);
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
    for (int64_t heads = j.a.n * j.a.heads; j.first_head < heads; j.first_head += j.a.round) {
        int64_t n = ITO_MIN(j.a.round, heads - j.first_head);
        ito__parallel(q, n * j.a.key_tiles, pack_keys_slice, &j);
        ito__parallel(q, n * j.a.query_tiles, pack_queries_slice, &j);
        if (j.a.whole_heads) {
            ito__parallel(q, n, head_slice, &j);
            continue;
        }
        ito__parallel(q, n * j.a.query_tiles, query_slice, &j);
        ito__parallel(q, n * j.a.key_tiles, key_slice, &j);
    }
}

static const ito_kernel_def defs[] = {
    {.op = "attention_grad", .name = "tiles", .prepare = grad_prepare, .run = grad_run},
};

ITO_ISA_FAMILY(attention_grad, defs);
