/* Fast normalisations and their gradients against the reference kernels. The gradients start from the reference's own
 * statistics. Tolerance relative to the largest element of each output. */
#include "kernel_check.h"

#include "tensor/bf16.h"

static void check_norm(const char *op, ito_shape x, ito_shape stats, ito_attr_norm attr, bool has_beta,
                       const float *data)
{
    ito_desc image = check_f32(x), channels = check_f32(ITO_SHAPE(x.d[x.n_dims - 1])), s = check_f32(stats);
    check_case c = {.op = op, .attr = &attr, .n_in = has_beta ? 3 : 2, .n_out = 2, .tolerance = 2e-6, .spread = 1};
    c.in[0] = image;
    c.in[1] = c.in[2] = channels;
    c.data[0] = data;
    c.out[0] = image;
    c.out[1] = s;
    check_kernel(&c, 23);

    /* statistics of the same input for the gradient */
    uint64_t seed = 23;
    void *in[3] = {check_input(&c, 0, &seed), check_input(&c, 1, &seed), has_beta ? check_input(&c, 2, &seed) : NULL};
    check_results forward = check_run(&c, -1, 1, in);
    char grad[32];
    snprintf(grad, sizeof grad, "%s_grad", op);
    check_case g = {.op = grad, .attr = &attr, .n_out = has_beta ? 3 : 2, .tolerance = 1e-5, .spread = 1};
    int n = c.n_in;
    memcpy(g.in, c.in, sizeof g.in);
    for (int i = 0; i < n; i++) g.data[i] = in[i];
    g.in[n] = s;
    g.data[n++] = forward.out[1];
    g.in[n++] = image;
    g.n_in = n;
    g.out[0] = image;
    g.out[1] = g.out[2] = channels;
    check_kernel(&g, 29);
    if (!strcmp(op, "group_norm")) { /* and what flows past the norm */
        g.in[g.n_in++] = image;
        check_kernel(&g, 31);
    }
    check_free(&forward, 2);
    for (int i = 0; i < 3; i++) free(in[i]);
}

static void check_group_norm(ito_shape x, int64_t groups, int32_t act)
{
    check_norm("group_norm", x, ITO_SHAPE(x.d[0], groups, 2),
               (ito_attr_norm){.groups = groups, .eps = 1e-5, .act = act}, true, NULL);
}

static void group_norms(void **state)
{
    (void)state;
    check_group_norm(ITO_SHAPE(2, 16, 16, 32), 32, ITO_UNARY_identity);
    check_group_norm(ITO_SHAPE(3, 9, 7, 64), 8, ITO_UNARY_silu);
    check_group_norm(ITO_SHAPE(1, 33, 31, 20), 5, ITO_UNARY_silu);
    check_group_norm(ITO_SHAPE(5, 1, 1, 18), 3, ITO_UNARY_gelu);
    check_group_norm(ITO_SHAPE(2, 40, 40, 3), 1, ITO_UNARY_relu);
    check_group_norm(ITO_SHAPE(3, 24), 4, ITO_UNARY_identity);
    check_group_norm(ITO_SHAPE(1, 3, 5, 640), 32, ITO_UNARY_silu);
    check_group_norm(ITO_SHAPE(9, 6, 6, 96), 6, ITO_UNARY_tanh);
}

/* x in bf16 is the same numbers; a rounded y may go to the other neighbour, an ulp of bf16 away. */
static void check_narrow_norm(ito_shape x, int64_t groups, int32_t act)
{
    int64_t n = ito_shape_count(x);
    uint64_t seed = 5;
    float *wide = fast_floats(n, &seed);
    uint16_t *narrow = calloc((size_t)n, sizeof *narrow);
    for (int64_t i = 0; i < n; i++) narrow[i] = ito__bf16_narrow(wide[i]);
    for (int rounds = 0; rounds < 2; rounds++) {
        ito_attr_norm attr = {.groups = groups, .eps = 1e-5, .act = act, .rounds = rounds};
        ito_desc image = check_f32(x), channels = check_f32(ITO_SHAPE(x.d[x.n_dims - 1]));
        ito_desc stats = check_f32(ITO_SHAPE(x.d[0], groups, 2));
        check_case c = {.op = "group_norm", .attr = &attr, .n_in = 3, .n_out = 2, .out = {image, stats}, .spread = 1};
        c.tolerance = rounds ? 0x1p-8 : 5e-6;
        c.in[0] = (ito_desc){ITO_BF16, x};
        c.in[1] = c.in[2] = channels;
        c.data[0] = narrow;
        check_kernel(&c, 7);
        if (rounds) continue;
        check_case g = {
            .op = "group_norm_grad", .attr = &attr, .n_in = 5, .n_out = 3, .out = {image, channels, channels}};
        g.tolerance = 1e-5;
        g.spread = 1;
        memcpy(g.in, c.in, sizeof g.in);
        g.in[3] = stats;
        g.in[4] = image;
        g.data[0] = narrow;
        check_kernel(&g, 11);
    }
    free(wide);
    free(narrow);
}

static void assert_narrow(int64_t n, const float *x, const uint16_t *narrow)
{
    for (int64_t i = 0; i < n; i++) assert_int_equal(narrow[i], ito__bf16_narrow(x[i]));
}

/* What is handed out in bf16 is x and y rounded, by every instruction set and the reference (-1). */
static void check_kept(ito_shape x, int64_t groups)
{
    int64_t n = ito_shape_count(x);
    ito_attr_norm attr = {.groups = groups, .eps = 1e-5, .act = ITO_UNARY_silu, .keeps_x = true, .keeps_y = true};
    ito_desc image = check_f32(x), channels = check_f32(ITO_SHAPE(x.d[x.n_dims - 1])), narrow = {ITO_BF16, x};
    check_case c = {.op = "group_norm", .attr = &attr, .n_in = 3, .n_out = 4, .in = {image, channels, channels}};
    const ito_desc out[] = {image, check_f32(ITO_SHAPE(x.d[0], groups, 2)), narrow, narrow};
    memcpy(c.out, out, sizeof out);
    uint64_t seed = 13;
    void *in[] = {check_input(&c, 0, &seed), check_input(&c, 1, &seed), check_input(&c, 2, &seed)};
    for (int isa = -1; isa < ITO_ISA_COUNT; isa++) {
        if (isa >= 0 && !ito__isa_available((ito_isa)isa)) continue;
        check_results r = check_run(&c, isa, 3, in);
        assert_narrow(n, in[0], r.out[2]);
        assert_narrow(n, r.out[0], r.out[3]);
        check_free(&r, 4);
    }
    for (int i = 0; i < 3; i++) free(in[i]);
}

static void narrow_norms(void **state)
{
    (void)state;
    check_kept(ITO_SHAPE(2, 16, 16, 32), 8);
    check_kept(ITO_SHAPE(3, 9, 7, 21), 7);
    check_narrow_norm(ITO_SHAPE(2, 16, 16, 32), 8, ITO_UNARY_silu);
    check_narrow_norm(ITO_SHAPE(3, 9, 7, 20), 5, ITO_UNARY_identity);
    check_narrow_norm(ITO_SHAPE(1, 40, 40, 3), 1, ITO_UNARY_gelu);
}

/* A mean of a thousand standard deviations: what E[x^2] - E[x]^2 in float would lose altogether. */
static void far_from_zero(void **state)
{
    (void)state;
    ito_shape x = ITO_SHAPE(2, 12, 12, 24);
    uint64_t seed = 31;
    int64_t n = ito_shape_count(x);
    float *data = fast_floats(n, &seed);
    for (int64_t i = 0; i < n; i++) data[i] = 1000 + data[i];
    data[0] = -500; /* and an outlier where the shift is taken */
    ito_attr_norm attr = {.groups = 4, .eps = 1e-5, .act = ITO_UNARY_identity};
    ito_desc image = check_f32(x), channels = check_f32(ITO_SHAPE(24));
    check_case c = {.op = "group_norm", .attr = &attr, .n_in = 3, .n_out = 2, .tolerance = 2e-4, .spread = 0.1};
    c.in[0] = c.out[0] = image;
    c.in[1] = c.in[2] = channels;
    c.out[1] = check_f32(ITO_SHAPE(2, 4, 2));
    c.data[0] = data;
    check_kernel(&c, 1);
    free(data);
}

static void row_norms(void **state)
{
    (void)state;
    static const int64_t widths[] = {1, 5, 16, 33, 320, 9000};
    static const int32_t acts[] = {ITO_UNARY_identity, ITO_UNARY_silu};
    for (int i = 0; i < ITO_COUNT(widths); i++)
        for (int a = 0; a < ITO_COUNT(acts); a++) {
            int64_t rows = widths[i] > 1000 ? 3 : 600 / widths[i] + 37;
            ito_attr_norm attr = {.eps = 1e-5, .act = acts[a]};
            ito_shape x = ITO_SHAPE(rows, widths[i]);
            if (widths[i] > 1) check_norm("layer_norm", x, ITO_SHAPE(rows, 2), attr, true, NULL);
            check_norm("rms_norm", x, ITO_SHAPE(rows, 1), attr, false, NULL);
        }
}

/* A sample's result has the same bits alone and in a batch. */
static void sample_alone(void **state)
{
    (void)state;
    uint64_t seed = 3;
    ito_attr_norm attr = {.groups = 4, .eps = 1e-5, .act = ITO_UNARY_silu};
    ito_desc channels = check_f32(ITO_SHAPE(20));
    float *x = fast_floats(5 * 30 * 30 * 20, &seed), *gamma = fast_floats(20, &seed), *beta = fast_floats(20, &seed);
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        if (!ito__isa_available((ito_isa)isa)) continue;
        check_case c = {.op = "group_norm", .attr = &attr, .n_in = 3, .n_out = 2};
        c.in[1] = c.in[2] = channels;
        c.in[0] = c.out[0] = check_f32(ITO_SHAPE(5, 30, 30, 20));
        c.out[1] = check_f32(ITO_SHAPE(5, 4, 2));
        check_results all = check_run(&c, isa, 2, (void *[]){x, gamma, beta});
        c.in[0] = c.out[0] = check_f32(ITO_SHAPE(1, 30, 30, 20));
        c.out[1] = check_f32(ITO_SHAPE(1, 4, 2));
        check_results one = check_run(&c, isa, 2, (void *[]){x + 3 * 18000, gamma, beta});
        assert_memory_equal((float *)all.out[0] + 3 * 18000, one.out[0], 18000 * sizeof(float));
        check_free(&all, 2);
        check_free(&one, 2);
    }
    free(x);
    free(gamma);
    free(beta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_norms), cmocka_unit_test(narrow_norms), cmocka_unit_test(far_from_zero),
        cmocka_unit_test(row_norms),   cmocka_unit_test(sample_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
