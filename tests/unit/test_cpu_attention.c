/* Fast attention and its gradient against the reference kernels: lengths around the tile sizes, odd depths, causal,
 * every way a bias broadcasts, queries that see nothing. */
#include "kernel_check.h"

typedef struct attention_case {
    int64_t n, heads, n_queries, n_keys, depth;
    bool causal;
    int bias; /* how many of [N, H, Lq, Lk] are 1, from the left; 0 = no bias, 5 = all of full extent */
} attention_case;

static ito_shape bias_shape(attention_case a)
{
    ito_shape shape = ITO_SHAPE(a.n, a.heads, a.n_queries, a.n_keys);
    if (a.bias < 5)
        for (int axis = 0; axis < a.bias; axis++) shape.d[axis] = 1;
    return shape;
}

static void check_grad(const check_case *c, void *const *in, const check_results *forward)
{
    check_case g = {.op = "attention_grad", .attr = c->attr, .n_out = 3, .tolerance = 5e-6, .spread = 1};
    int n = c->n_in;
    memcpy(g.in, c->in, sizeof g.in);
    for (int i = 0; i < n; i++) g.data[i] = in[i];
    for (int i = 0; i < 2; i++) {
        g.in[n] = c->out[i];
        g.data[n++] = forward->out[i];
    }
    g.in[n++] = c->out[0];
    g.n_in = n;
    for (int i = 0; i < 3; i++) g.out[i] = c->in[i];
    check_kernel(&g, 41);
}

static void check_attention(attention_case a)
{
    ito_attr_attention attr = {.scale = 1 / sqrt((double)a.depth), .causal = a.causal, .has_bias = a.bias > 0};
    check_case c = {.op = "attention", .attr = &attr, .n_in = 3, .n_out = 2, .tolerance = 2e-6, .spread = 1};
    c.in[0] = c.out[0] = check_f32(ITO_SHAPE(a.n, a.n_queries, a.heads, a.depth));
    c.in[1] = c.in[2] = check_f32(ITO_SHAPE(a.n, a.n_keys, a.heads, a.depth));
    c.out[1] = check_f32(ITO_SHAPE(a.n, a.heads, a.n_queries));
    if (a.bias) c.in[c.n_in++] = check_f32(bias_shape(a));
    check_kernel(&c, 37);

    uint64_t seed = 37;
    void *in[4] = {0};
    for (int i = 0; i < c.n_in; i++) in[i] = check_input(&c, i, &seed);
    check_results forward = check_run(&c, -1, 1, in);
    check_grad(&c, in, &forward);
    check_free(&forward, 2);
    for (int i = 0; i < 4; i++) free(in[i]);
}

static void shapes(void **state)
{
    (void)state;
    check_attention((attention_case){2, 3, 49, 49, 8, false, 0});
    check_attention((attention_case){1, 1, 1, 1, 1, false, 0});
    check_attention((attention_case){1, 2, 130, 257, 33, false, 0});
    check_attention((attention_case){3, 1, 64, 64, 64, false, 0});
    check_attention((attention_case){1, 1, 48, 128, 70, false, 0});
    check_attention((attention_case){9, 5, 7, 77, 12, false, 0});
}

static void causal_and_biased(void **state)
{
    (void)state;
    check_attention((attention_case){2, 2, 150, 150, 16, true, 0});
    check_attention((attention_case){1, 2, 40, 170, 10, true, 0});
    check_attention((attention_case){1, 2, 170, 40, 10, true, 0}); /* the first queries see nothing */
    for (int bias = 1; bias <= 5; bias++) check_attention((attention_case){2, 3, 51, 135, 9, bias % 2 == 0, bias});
}

/* Scores of several hundred: the running maximum keeps e^s in range. */
static void large_scores(void **state)
{
    (void)state;
    ito_attr_attention attr = {.scale = 10};
    check_case c = {.op = "attention", .attr = &attr, .n_in = 3, .n_out = 2, .tolerance = 2e-4, .spread = 1};
    c.in[0] = c.out[0] = check_f32(ITO_SHAPE(1, 60, 2, 24));
    c.in[1] = c.in[2] = check_f32(ITO_SHAPE(1, 300, 2, 24));
    c.out[1] = check_f32(ITO_SHAPE(1, 2, 60));
    check_kernel(&c, 43);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(causal_and_biased),
        cmocka_unit_test(large_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
