/* Graphs and programs from outside: the first error is kept and says what and where; dead code costs nothing; fused and
 * unfused programs agree, forward and gradients, and fusion does happen; a non-finite value is traced to its operation. */
#include "tiny_unet.h"

static void test_first_error_is_kept(void **state)
{
    (void)state;
    bench f = bench_open();
    ito_value *a = ito_graph_input(f.g, "a", ITO_F32, ITO_SHAPE(2, 3)),
              *b = ito_graph_input(f.g, "b", ITO_F32, ITO_SHAPE(4, 5));
    ito_graph_push(f.g, "encoder");
    ito_graph_push(f.g, "layer1");
    ito_value *bad = ito_op_matmul(f.g, a, b, false, false);
    ito_graph_pop(f.g);
    ito_value *later = ito_op_add(f.g, bad, b), *d;
    assert_true(ito__is_poison(bad) && ito__is_poison(later));
    assert_int_equal(ito_graph_status(f.g), ITO_SHAPE);
    assert_string_equal(ito_last_error(f.ctx),
                        "encoder.layer1: matmul: inner extents 3 and 4 differ (inputs: f32 [2, 3], f32 [4, 5])");
    ito_program *p;
    assert_int_equal(ito_graph_grad(f.g, 1, &a, NULL, 1, &a, &d), ITO_SHAPE);
    assert_int_equal(ito_program_create(f.g, 1, &bad, NULL, &p), ITO_SHAPE);
    assert_null(p);
    bench_close(&f);
}

static void test_wrong_uses(void **state)
{
    (void)state;
    bench f = bench_open(), other = bench_open();
    ito_program *p;
    ito_value *a = ito_graph_input(f.g, "a", ITO_F32, ITO_SHAPE(2)),
              *w = ito_graph_param(f.g, "weight", ITO_F32, ITO_SHAPE(2));
    ito_value *b = ito_graph_input(other.g, "b", ITO_F32, ITO_SHAPE(2)), *y = ito_op_mul(f.g, a, w), *d;
    assert_int_equal(ito_program_create(f.g, 1, &y, &(ito_program_options){.backend = "gpu"}, &p), ITO_NOT_FOUND);
    assert_ok(f.ctx, ito_program_create(f.g, 1, &y, NULL, &p));
    assert_int_equal(ito_program_run(p), ITO_STATE); /* the parameter has no memory */
    assert_non_null(strstr(ito_last_error(f.ctx), "'weight'"));
    ito_program_destroy(p);
    ito_value *i = ito_op_argmax(f.g, y, 0), *s = ito_op_cast(f.g, i, ITO_F32);
    assert_int_equal(ito_graph_grad(f.g, 1, &i, NULL, 1, &a, &d), ITO_DTYPE);
    assert_non_null(s);
    ito_op_add(other.g, a, b);
    assert_int_equal(ito_graph_status(other.g), ITO_USAGE);
    bench_close(&f);
    bench_close(&other);
}

static void test_dead_code_is_dropped(void **state)
{
    (void)state;
    bench f = bench_open();
    ito_program *p;
    ito_value *x = ito_graph_input(f.g, "x", ITO_F32, ITO_SHAPE(1000)), *y = ito_op_exp(f.g, x), *unused = x;
    for (int i = 0; i < 10; i++) unused = ito_op_sin(f.g, unused);
    assert_ok(f.ctx, ito_program_create(f.g, 1, &y, NULL, &p));
    assert_int_equal(ito_program_n_steps(p), 1);
    ito_program_destroy(p);
    /* a chain of elementwise operations needs the input and one buffer, written in place */
    ito_value *last = ito_op_exp(f.g, unused);
    assert_ok(f.ctx, ito_program_create(f.g, 1, &last, NULL, &p));
    assert_int_equal(ito_program_n_steps(p), 11);
    assert_in_range(ito_program_memory(p).slab_bytes, 8000, 8192);
    ito_program_destroy(p);
    bench_close(&f);
}

static void test_nonfinite_is_traced(void **state)
{
    (void)state;
    bench f = bench_open();
    ito_program *p;
    float values[4] = {1, 2, -3, 4};
    ito_value *x = ito_graph_input(f.g, "x", ITO_F32, ITO_SHAPE(4));
    ito_graph_push(f.g, "head");
    ito_value *y = ito_op_square(f.g, ito_op_log(f.g, x));
    ito_graph_pop(f.g);
    assert_ok(f.ctx, ito_program_create(f.g, 1, &y, NULL, &p));
    assert_ok(f.ctx, ito_program_write(p, x, values));
    assert_int_equal(ito_program_find_nonfinite(p), ITO_NUMERIC);
    assert_non_null(strstr(ito_last_error(f.ctx), "log in head"));
    values[2] = 3;
    assert_ok(f.ctx, ito_program_write(p, x, values));
    assert_ok(f.ctx, ito_program_find_nonfinite(p));
    ito_program_destroy(p);
    bench_close(&f);
}

/* y of a block that has every pattern that fusion knows, and its gradients. */
static int build_block(ito_graph *g, ito_value **in, ito_value **out)
{
    static const ito_conv_options same = {.pad_before = {1, 1}, .pad_after = {1, 1}};
    in[0] = ito_graph_input(g, "x", ITO_F32, ITO_SHAPE(2, 6, 5, 8));
    in[1] = ito_graph_input(g, "gamma", ITO_F32, ITO_SHAPE(8));
    in[2] = ito_graph_input(g, "beta", ITO_F32, ITO_SHAPE(8));
    in[3] = ito_graph_input(g, "w", ITO_F32, ITO_SHAPE(8, 8, 3, 3));
    in[4] = ito_graph_input(g, "bias", ITO_F32, ITO_SHAPE(8));
    in[5] = ito_graph_input(g, "l", ITO_F32, ITO_SHAPE(8, 8));
    in[6] = ito_graph_input(g, "temb", ITO_F32, ITO_SHAPE(2, 1, 1, 8));
    ito_value *h = ito_op_silu(g, ito_op_group_norm(g, in[0], in[1], in[2], 2, 1e-5));
    h = ito_op_add(g, ito_op_conv2d(g, h, in[3], in[4], &same), in[6]);
    h = ito_op_add(g, ito_op_conv2d(g, h, in[3], in[4], &same), ito_op_conv2d(g, in[0], in[3], NULL, &same));
    out[0] = ito_op_gelu(g, ito_op_linear(g, h, in[5], in[4]));
    assert_int_equal(ito_graph_grad(g, 1, out, NULL, 7, in, out + 1), ITO_OK);
    return 8;
}

static int run_block(bool no_fusion, bool with_gradients, double **values, int64_t *count)
{
    bench f = bench_open();
    ito_value *in[7], *out[8];
    ito_program *p;
    int n = build_block(f.g, in, out);
    if (!with_gradients) n = 1;
    assert_ok(f.ctx, ito_program_create(f.g, n, out, &(ito_program_options){.no_fusion = no_fusion}, &p));
    for (int i = 0; i < 7; i++) {
        int64_t size = ito_shape_count(ito_value_shape(in[i]));
        double *x = calloc((size_t)size, sizeof *x);
        random_doubles(40u + (unsigned)i, size, -1, 1, x);
        write_doubles(p, f.ctx, in[i], x);
        free(x);
    }
    assert_ok(f.ctx, ito_program_run(p));
    for (int i = 0; i < n; i++) {
        values[i] = read_doubles(p, f.ctx, out[i]);
        count[i] = ito_shape_count(ito_value_shape(out[i]));
    }
    int steps = ito_program_n_steps(p);
    ito_program_destroy(p);
    bench_close(&f);
    return steps;
}

static void test_fusion_changes_nothing(void **state)
{
    (void)state;
    for (int gradients = 0; gradients < 2; gradients++) {
        double *plain[8], *fused[8];
        int64_t count[8];
        int n = gradients ? 8 : 1, steps = run_block(true, gradients, plain, count),
            fewer = run_block(false, gradients, fused, count);
        /* act, two residuals, act; or act, its gradient, two residuals, what flows past the norm */
        assert_int_equal(steps - fewer, gradients ? 5 : 4);
        for (int i = 0; i < n; i++) {
            for (int64_t k = 0; k < count[i]; k++)
                if (!(fabs(plain[i][k] - fused[i][k]) <= 1e-5 * (1 + fabs(plain[i][k]))))
                    fail_msg("output %d element %lld: %.9g fused, %.9g not", i, (long long)k, fused[i][k], plain[i][k]);
            free(plain[i]);
            free(fused[i]);
        }
    }
}

static void test_fingerprint(void **state)
{
    (void)state;
    bench f = bench_open();
    ito_program *p, *same, *other;
    ito_value *x = ito_graph_input(f.g, "x", ITO_F32, ITO_SHAPE(8, 4)), *y = ito_op_exp(f.g, x),
              *z = ito_op_sin(f.g, x);
    assert_ok(f.ctx, ito_program_create(f.g, 1, &y, NULL, &p));
    assert_ok(f.ctx, ito_program_create(f.g, 1, &y, NULL, &same));
    assert_ok(f.ctx, ito_program_create(f.g, 1, &z, NULL, &other));
    assert_true(ito_program_fingerprint(p) == ito_program_fingerprint(same));
    assert_true(ito_program_fingerprint(p) != ito_program_fingerprint(other));
    ito_program_destroy(p);
    ito_program_destroy(same);
    ito_program_destroy(other);
    bench_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_error_is_kept),    cmocka_unit_test(test_wrong_uses),
        cmocka_unit_test(test_dead_code_is_dropped),   cmocka_unit_test(test_nonfinite_is_traced),
        cmocka_unit_test(test_fusion_changes_nothing), cmocka_unit_test(test_fingerprint),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
