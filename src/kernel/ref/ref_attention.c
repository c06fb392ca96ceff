/* Scaled dot-product attention (Vaswani et al. 2017), one head at a time:
 *   s_ij = scale q_i . k_j + bias_ij,  p_ij = e^{s_ij - lse_i},  lse_i = log sum_j e^{s_ij},  o_i = sum_j p_ij v_j
 * where a causal query i sees keys j <= i + Lk - Lq. A query that sees nothing gives o = 0 and lse = -inf.
 *
 * Gradients from the saved o and lse (Dao et al. 2022), with do the gradient of o:
 *   ds_ij = p_ij (do_i . v_j - do_i . o_i),   dq_i = scale sum_j ds_ij k_j,
 *   dk_j = scale sum_i ds_ij q_i,             dv_j = sum_i p_ij do_i
 *
 * q, o, do [N, Lq, H, D]; k, v [N, Lk, H, D]; bias broadcasts to [N, H, Lq, Lk]; lse [N, H, Lq]. */
#include <math.h>

#include "kernel/ref/ref.h"

/* One head of one sample. */
typedef struct head {
    const ito_attr_attention *attr;
    const ito_ref_array *q, *k, *v, *bias; /* bias may be NULL */
    int64_t n, h, n_queries, n_keys, depth;
} head;

static head head_of(const ito_ref *r, int64_t n, int64_t h)
{
    const ito_attr_attention *attr = r->attr;
    const int64_t *q = r->in[0].shape.d;
    return (head){.attr = attr,
                  .q = &r->in[0],
                  .k = &r->in[1],
                  .v = &r->in[2],
                  .bias = attr->has_bias ? &r->in[3] : NULL,
                  .n = n,
                  .h = h,
                  .n_queries = q[1],
                  .n_keys = r->in[1].shape.d[1],
                  .depth = q[3]};
}

static double dot(const head *a, const ito_ref_array *x, int64_t i, const ito_ref_array *y, int64_t j)
{
    double sum = 0;
    for (int64_t d = 0; d < a->depth; d++)
        sum += ref_get(x, ref_at(x, a->n, i, a->h, d)) * ref_get(y, ref_at(y, a->n, j, a->h, d));
    return sum;
}

/* s_ij; -inf where query i does not see key j. */
static double score(const head *a, int64_t i, int64_t j)
{
    if (a->attr->causal && j > i + a->n_keys - a->n_queries) return -(double)INFINITY;
    double s = a->attr->scale * dot(a, a->q, i, a->k, j);
    if (!a->bias) return s;
    ito_shape full = ITO_SHAPE(a->q->shape.d[0], a->q->shape.d[2], a->n_queries, a->n_keys);
    int64_t at = ((a->n * full.d[1] + a->h) * a->n_queries + i) * a->n_keys + j;
    return s + ref_get(a->bias, ref_broadcast(&full, at, &a->bias->shape));
}

/* p_ij for all j into p; returns lse_i. */
static double probabilities(const head *a, int64_t i, double *p)
{
    double largest = -(double)INFINITY, sum = 0;
    for (int64_t j = 0; j < a->n_keys; j++) {
        p[j] = score(a, i, j);
        if (ref_larger(p[j], largest)) largest = p[j];
    }
    for (int64_t j = 0; j < a->n_keys; j++) {
        p[j] = largest == (double)-INFINITY ? 0 : exp(p[j] - largest);
        sum += p[j];
    }
    for (int64_t j = 0; j < a->n_keys && sum != 0; j++) p[j] /= sum;
    return largest + log(sum);
}

static void head_forward(const ito_ref *r, const head *a, double *p)
{
    const ito_ref_array *o = &r->out[0], *lse = &r->out[1];
    for (int64_t i = 0; i < a->n_queries; i++) {
        double value = probabilities(a, i, p);
        ref_put(lse, (a->n * a->q->shape.d[2] + a->h) * a->n_queries + i, value);
        for (int64_t d = 0; d < a->depth; d++) {
            double sum = 0;
            for (int64_t j = 0; j < a->n_keys; j++) sum += p[j] * ref_get(a->v, ref_at(a->v, a->n, j, a->h, d));
            ref_put(o, ref_at(o, a->n, i, a->h, d), sum);
        }
    }
}

static void run_attention(const ito_ref *r)
{
    const int64_t *q = r->in[0].shape.d;
    for (int64_t n = 0; n < q[0]; n++)
        for (int64_t h = 0; h < q[2]; h++) {
            head a = head_of(r, n, h);
            head_forward(r, &a, r->scratch);
        }
}

static ito_status prepare_attention(ito_kernel *k)
{
    k->workspace_bytes = (size_t)k->in[1].shape.d[1] * sizeof(double); /* one row of probabilities */
    return ITO_OK;
}

/* The saved results and the incoming gradient. */
typedef struct saved {
    const ito_ref_array *o, *lse, *dy;
} saved;

/* p_ij and ds_ij */
static void pair_grad(const head *a, const saved *s, int64_t i, int64_t j, double *p, double *ds)
{
    double lse = ref_get(s->lse, (a->n * a->q->shape.d[2] + a->h) * a->n_queries + i);
    *p = lse == (double)-INFINITY ? 0 : exp(score(a, i, j) - lse);
    *ds = *p == 0 ? 0 : *p * (dot(a, s->dy, i, a->v, j) - dot(a, s->dy, i, s->o, i));
}

static void add_row(const head *a, double *total, double factor, const ito_ref_array *x, int64_t i)
{
    for (int64_t d = 0; d < a->depth; d++) total[d] += factor * ref_get(x, ref_at(x, a->n, i, a->h, d));
}

static void put_row(const head *a, const ito_ref_array *to, int64_t i, double factor, const double *row)
{
    for (int64_t d = 0; d < a->depth; d++) ref_put(to, ref_at(to, a->n, i, a->h, d), factor * row[d]);
}

static void grad_query(const ito_ref *r, const head *a, const saved *s, int64_t i)
{
    double *dq = r->scratch, p, ds;
    for (int64_t d = 0; d < a->depth; d++) dq[d] = 0;
    for (int64_t j = 0; j < a->n_keys; j++) {
        pair_grad(a, s, i, j, &p, &ds);
        add_row(a, dq, ds, a->k, j);
    }
    put_row(a, &r->out[0], i, a->attr->scale, dq);
}

static void grad_key_value(const ito_ref *r, const head *a, const saved *s, int64_t j)
{
    double *dk = r->scratch, *dv = r->scratch + a->depth, p, ds;
    for (int64_t d = 0; d < a->depth; d++) dk[d] = dv[d] = 0;
    for (int64_t i = 0; i < a->n_queries; i++) {
        pair_grad(a, s, i, j, &p, &ds);
        add_row(a, dk, ds, a->q, i);
        add_row(a, dv, p, s->dy, i);
    }
    put_row(a, &r->out[1], j, a->attr->scale, dk);
    put_row(a, &r->out[2], j, 1, dv);
}

/* q, k, v [, bias], o, lse, dy -> dq, dk, dv */
static void run_attention_grad(const ito_ref *r)
{
    const int64_t *q = r->in[0].shape.d;
    const ito_ref_array *rest = &r->in[r->n_in - 3];
    saved s = {&rest[0], &rest[1], &rest[2]};
    for (int64_t n = 0; n < q[0]; n++)
        for (int64_t h = 0; h < q[2]; h++) {
            head a = head_of(r, n, h);
            for (int64_t i = 0; i < a.n_queries; i++) grad_query(r, &a, &s, i);
            for (int64_t j = 0; j < a.n_keys; j++) grad_key_value(r, &a, &s, j);
        }
}

static ito_status prepare_attention_grad(ito_kernel *k)
{
    k->workspace_bytes = (size_t)k->in[0].shape.d[3] * 2 * sizeof(double); /* two rows of sums */
    return ITO_OK;
}

ITO_REF_KERNEL(attention, prepare_attention);
ITO_REF_KERNEL(attention_grad, prepare_attention_grad);
