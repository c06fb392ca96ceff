/* The reference softmax family, norms and attention: closed forms of small cases. The gradient kernels are compared
 * with central differences of the forward ones (step 1e-5, tolerance 1e-8: error of order step squared). */
#include "unit/ref_check.h"

#include <ito/rng.h>

#define MINUS_INFINITY (-(double)INFINITY)

static void test_softmax(void **state)
{
    (void)state;
    ito_attr_axis first = {0}, last = {1};
    double ln2 = log(2.0), ln3 = log(3.0), half = MINUS_INFINITY;
    arg x = F(D(2, 2), 0, ln3, 1e5, 1e5);
    check("softmax", &last, ARGS(x), ARGS(F(D(2, 2), 0.25, 0.75, 0.5, 0.5)));
    check("softmax", &first, ARGS(F(D(2, 2), 0, half, ln3, 5)), ARGS(F(D(2, 2), 0.25, 0, 0.75, 1)));
    check("log_softmax", &last, ARGS(F(D(1, 2), 0, 0)), ARGS(F(D(1, 2), -ln2, -ln2)));
    check("logsumexp", &last, ARGS(F(D(2, 2), 0, 0, half, half)), ARGS(F(D(2), ln2, half)));
    check("logsumexp", &last, ARGS(F(D(1, 2), 0, (double)NAN)), ARGS(F(D(1), (double)NAN)));
    check("softmax", &last, ARGS(F(D(2, 1), 7, -800)), ARGS(F(D(2, 1), 1, 1)));
}

static void test_softmax_gradients(void **state)
{
    (void)state;
    ito_attr_axis last = {1};
    check("softmax_grad", &last, ARGS(F(D(1, 2), 0.25, 0.75), F(D(1, 2), 4, 0)), ARGS(F(D(1, 2), 0.75, -0.75)));
    double y = -log(2.0);
    check("log_softmax_grad", &last, ARGS(F(D(1, 2), y, y), F(D(1, 2), 3, 1)), ARGS(F(D(1, 2), 1, -1)));
}

/* eps chosen so that var + eps is a square: x = -1, 1 has mean 0, var 1; with eps 3, rstd = 1/2. */
static void test_norm_values(void **state)
{
    (void)state;
    ito_attr_norm attr = {.groups = 2, .eps = 3};
    arg x = F(D(1, 2, 2), -1, 9, 1, 11), gamma = F(D(2), 2, 4), beta = F(D(2), 0, 100);
    check("group_norm", &attr, ARGS(x, gamma, beta),
          ARGS(F(D(1, 2, 2), -1, 98, 1, 102), F(D(1, 2, 2), 0, 0.5, 10, 0.5)));
    attr.act = ITO_UNARY_relu;
    check("group_norm", &attr, ARGS(x, gamma, beta), ARGS(F(D(1, 2, 2), 0, 98, 1, 102), SOME(D(1, 2, 2))));
    ito_attr_norm rows = {.eps = 3};
    check("layer_norm", &rows, ARGS(F(D(2, 2), 9, 11, 5, 3), gamma, beta),
          ARGS(F(D(2, 2), -1, 102, 1, 98), F(D(2, 2), 10, 0.5, 4, 0.5)));
    check("rms_norm", &rows, ARGS(F(D(1, 2), -1, 1), gamma), ARGS(F(D(1, 2), -1, 2), F(D(1, 1), 0.5)));
}

static void test_norm_of_one_element(void **state)
{
    (void)state;
    ito_attr_norm attr = {.groups = 1, .eps = 0.25};
    check("group_norm", &attr, ARGS(F(D(1, 1, 1, 1), 5), F(D(1), 3), F(D(1), 7)),
          ARGS(F(D(1, 1, 1, 1), 7), F(D(1, 1, 2), 5, 2)));
    check("group_norm", &attr, ARGS(F(D(1, 1, 1, 1), (double)NAN), F(D(1), 3), F(D(1), 7)),
          ARGS(F(D(1, 1, 1, 1), (double)NAN), SOME(D(1, 1, 2))));
}

static void test_attention_values(void **state)
{
    (void)state;
    ito_attr_attention attr = {.scale = 1};
    double ln3 = log(3.0), ln4 = log(4.0), nothing = MINUS_INFINITY;
    arg q = F(D(1, 1, 1, 1), 1), k = F(D(1, 2, 1, 1), 0, ln3), v = F(D(1, 2, 1, 1), 8, 16);
    check("attention", &attr, ARGS(q, k, v), ARGS(F(D(1, 1, 1, 1), 14), F(D(1, 1, 1), ln4)));
    attr.has_bias = true;
    check("attention", &attr, ARGS(q, k, v, F(D(2), 0, nothing)), ARGS(F(D(1, 1, 1, 1), 8), F(D(1, 1, 1), 0)));
    check("attention", &attr, ARGS(q, k, v, F(D(1, 1), nothing)), ARGS(F(D(1, 1, 1, 1), 0), F(D(1, 1, 1), nothing)));
}

/* Queries 0 and 1 of two see keys 0 .. 1 and 0 .. 2 of three; with three queries on two keys the first sees none. */
static void test_attention_causal(void **state)
{
    (void)state;
    ito_attr_attention attr = {.scale = 1, .causal = true};
    arg keys = F(D(1, 3, 1, 1), 0, 0, 0), values = F(D(1, 3, 1, 1), 3, 6, 12);
    check("attention", &attr, ARGS(F(D(1, 2, 1, 1), 1, 1), keys, values),
          ARGS(F(D(1, 2, 1, 1), 4.5, 7), F(D(1, 1, 2), log(2.0), log(3.0))));
    check("attention", &attr, ARGS(F(D(1, 3, 1, 1), 1, 1, 1), F(D(1, 2, 1, 1), 0, 0), F(D(1, 2, 1, 1), 2, 4)),
          ARGS(F(D(1, 3, 1, 1), 0, 2, 3), F(D(1, 1, 3), MINUS_INFINITY, 0, log(2.0))));
}

/* --- gradients against differences --- */

enum { MAX = 64 };

/* A forward kernel with its inputs; its loss is <output 0, dy>. */
typedef struct problem {
    const ito_ref_def *def;
    ito_ref r;
    double store[ITO_MAX_INPUTS + ITO_MAX_OUTPUTS][MAX], dy[MAX], scratch[MAX];
} problem;

static void bind_array(problem *p, ito_ref_array *a, int slot, ito_shape shape)
{
    *a = (ito_ref_array){ITO_F64, shape, ito_shape_count(shape), p->store[slot]};
    assert_true(a->count <= MAX);
    ito_rng_key key = {.seed = 5, .stream = ITO_STREAM_USER, .sample = (uint64_t)slot};
    ito_rng_uniform(key, 0, (size_t)a->count, p->store[slot]);
}

static void start_problem(problem *p, const ito_ref_def *def, const void *attr, int n_in, const ito_shape *in,
                          ito_shape y, ito_shape extra)
{
    *p = (problem){.def = def, .r = {.attr = attr, .n_in = n_in, .n_out = 2, .scratch = p->scratch}};
    for (int i = 0; i < n_in; i++) bind_array(p, &p->r.in[i], i, in[i]);
    bind_array(p, &p->r.out[0], ITO_MAX_INPUTS, y);
    bind_array(p, &p->r.out[1], ITO_MAX_INPUTS + 1, extra);
    ito_rng_uniform((ito_rng_key){.seed = 9, .stream = ITO_STREAM_USER}, 0, MAX, p->dy);
}

static double loss(problem *p)
{
    double sum = 0;
    p->def->compute(&p->r);
    for (int64_t i = 0; i < p->r.out[0].count; i++) sum += p->dy[i] * ref_get(&p->r.out[0], i);
    return sum;
}

/* found[0 .. count) against the derivative of the loss by input `which`. */
static void check_gradient(problem *p, int which, const double *found)
{
    double h = 1e-5;
    for (int64_t i = 0; i < p->r.in[which].count; i++) {
        double *x = &p->store[which][i], x0 = *x;
        *x = x0 + h;
        double above = loss(p);
        *x = x0 - h;
        double below = loss(p), slope = (above - below) / (2 * h);
        *x = x0;
        if (!(fabs(found[i] - slope) < 1e-8 * (1 + fabs(slope))))
            fail_msg("%s, input %d, element %d: %.12g, differences say %.12g", p->def->def.op, which, (int)i, found[i],
                     slope);
    }
    loss(p);
}

static void check_norm(const ito_ref_def *def, const ito_ref_def *grad, ito_shape x, ito_shape stats, int64_t groups,
                       bool has_beta)
{
    ito_attr_norm attr = {.groups = groups, .eps = 1e-2, .act = ITO_UNARY_silu};
    ito_shape c = D(x.d[x.n_dims - 1]);
    static problem p;
    start_problem(&p, def, &attr, has_beta ? 3 : 2, (const ito_shape[]){x, c, c}, x, stats);
    loss(&p);
    double found[3][MAX];
    ito_ref r = {.attr = &attr, .n_in = p.r.n_in + 2, .n_out = p.r.n_in};
    for (int i = 0; i < p.r.n_in; i++) {
        r.in[i] = r.out[i] = p.r.in[i];
        r.out[i].data = found[i];
    }
    r.in[p.r.n_in] = p.r.out[1];
    r.in[p.r.n_in + 1] = (ito_ref_array){ITO_F64, x, p.r.in[0].count, p.dy};
    grad->compute(&r);
    for (int i = 0; i < p.r.n_in; i++) check_gradient(&p, i, found[i]);
}

static void test_norm_gradients(void **state)
{
    (void)state;
    check_norm(&ito__ref_group_norm, &ito__ref_group_norm_grad, D(2, 3, 4), D(2, 2, 2), 2, true);
    check_norm(&ito__ref_group_norm, &ito__ref_group_norm_grad, D(1, 2, 2, 6), D(1, 3, 2), 3, true);
    check_norm(&ito__ref_layer_norm, &ito__ref_layer_norm_grad, D(2, 3, 4), D(2, 3, 2), 1, true);
    check_norm(&ito__ref_rms_norm, &ito__ref_rms_norm_grad, D(3, 5), D(3, 1), 1, false);
}

static void check_attention(ito_attr_attention attr, int64_t n_queries, int64_t n_keys)
{
    ito_shape q = D(1, n_queries, 2, 2), k = D(1, n_keys, 2, 2), bias = D(2, 1, n_keys);
    static problem p;
    start_problem(&p, &ito__ref_attention, &attr, attr.has_bias ? 4 : 3, (const ito_shape[]){q, k, k, bias}, q,
                  D(1, 2, n_queries));
    loss(&p);
    double found[3][MAX];
    ito_ref r = {.attr = &attr, .n_in = p.r.n_in + 3, .n_out = 3, .scratch = p.scratch};
    for (int i = 0; i < p.r.n_in; i++) r.in[i] = p.r.in[i];
    r.in[p.r.n_in] = p.r.out[0];
    r.in[p.r.n_in + 1] = p.r.out[1];
    r.in[p.r.n_in + 2] = (ito_ref_array){ITO_F64, q, p.r.out[0].count, p.dy};
    for (int i = 0; i < 3; i++) {
        r.out[i] = p.r.in[i];
        r.out[i].data = found[i];
    }
    ito__ref_attention_grad.compute(&r);
    for (int i = 0; i < 3; i++) check_gradient(&p, i, found[i]);
}

static void test_attention_gradients(void **state)
{
    (void)state;
    check_attention((ito_attr_attention){.scale = 0.7}, 3, 2);
    check_attention((ito_attr_attention){.scale = 0.7, .has_bias = true}, 2, 4);
    check_attention((ito_attr_attention){.scale = 2, .causal = true}, 2, 3);
    check_attention((ito_attr_attention){.scale = 2, .causal = true}, 3, 2);
    check_attention((ito_attr_attention){.scale = 1}, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax),          cmocka_unit_test(test_softmax_gradients),
        cmocka_unit_test(test_norm_values),      cmocka_unit_test(test_norm_of_one_element),
        cmocka_unit_test(test_norm_gradients),   cmocka_unit_test(test_attention_values),
        cmocka_unit_test(test_attention_causal), cmocka_unit_test(test_attention_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
