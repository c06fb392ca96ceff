/* The benches: every op with a kernel has a row, rows add up, the roofs hold. Times themselves are not tested. */
#include "testing.h"

#include <string.h>

#include <math.h>

#include <ito/bench.h>

#include "graph/graph_impl.h"

/* Round figures instead of measured ones. */
static const ito_bench_roofs roofs = {.n_threads = 2,
                                      .n_isas = 2,
                                      .isa = {{"generic", 10}, {"avx2", 100}},
                                      .l2_gbytes = 100,
                                      .l3_gbytes = 40,
                                      .memory_gbytes = 20,
                                      .l2_bytes = 2000000,
                                      .l3_bytes = 40000000};

#define assert_near(got, want, tolerance) assert_true(fabs((got) - (want)) <= (tolerance))

/* ---- rates ---- */

static void test_rate_memory(void **state)
{
    (void)state;
    ito_bench_row row = {.op = "add", .ms = 10, .bytes = 100e6};
    ito_bench_rate(&roofs, &row);
    assert_near(row.gbytes, 10, 1e-9);
    assert_near(row.roof_ms, 5, 1e-9);
    assert_near(row.share, 0.5, 1e-9);
    assert_string_equal(row.bound, "memory");
    row.bytes = 10e6;
    ito_bench_rate(&roofs, &row);
    assert_string_equal(row.bound, "L3");
    assert_near(row.roof_ms, 0.25, 1e-9);
    row.bytes = 1e6;
    ito_bench_rate(&roofs, &row);
    assert_string_equal(row.bound, "L2");
}

static void test_rate_compute(void **state)
{
    (void)state;
    ito_bench_row row = {.op = "conv2d", .algorithm = "direct", .ms = 20, .flops = 1e9, .bytes = 1e6};
    ito_bench_rate(&roofs, &row);
    assert_string_equal(row.bound, "compute");
    assert_near(row.gflops, 50, 1e-9);
    assert_near(row.share, 0.5, 1e-9);
    row.algorithm = "winograd4"; /* a quarter of the multiplications, the same work done */
    ito_bench_rate(&roofs, &row);
    assert_near(row.gflops, 50, 1e-9);
    assert_near(row.share, 0.125, 1e-9);
    row.algorithm = "winograd2-stages"; /* four ninths of them */
    ito_bench_rate(&roofs, &row);
    assert_near(row.share, 2.0 / 9, 1e-9);
}

static void test_roofs(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(1);
    ito_bench_roofs r;
    assert_int_equal(ito_bench_roofs_measure(ctx, &r), ITO_OK);
    assert_int_equal(r.n_threads, 1);
    assert_in_range(r.n_isas, 1, ITO_BENCH_ISAS);
    assert_string_equal(r.isa[0].name, "generic");
    for (int i = 0; i < r.n_isas; i++) assert_true(r.isa[i].gflops > 0.1);
    assert_true(r.l2_gbytes > 0 && r.l3_gbytes > 0 && r.memory_gbytes > 0);
    assert_true(r.l2_bytes > 0 && r.l3_bytes > r.l2_bytes);
    ito_ctx_destroy(ctx);
}

/* ---- operations ---- */

#define MAX_OPS 512

typedef struct seen {
    int n_rows, n_backward, n_ops;
    char ops[MAX_OPS][40];
} seen;

static bool has(const seen *s, const char *op)
{
    for (int i = 0; i < s->n_ops; i++)
        if (!strcmp(s->ops[i], op)) return true;
    return false;
}

static void see(void *user, const ito_bench_row *row)
{
    seen *s = user;
    s->n_rows++;
    s->n_backward += !strcmp(row->pass, "backward");
    assert_non_null(row->name);
    assert_true(*row->algorithm != 0);
    assert_true(row->ms >= 0 && row->bytes > 0 && row->roof_ms > 0);
    if (has(s, row->op)) return;
    assert_true(s->n_ops < MAX_OPS && strlen(row->op) < sizeof s->ops[0]);
    strcpy(s->ops[s->n_ops++], row->op);
}

static void test_every_op_has_a_row(void **state)
{
    (void)state;
    static seen s;
    ito_ctx *ctx = ctx_open(1);
    ito_bench_op_options options = {.roofs = &roofs, .sizes = ITO_BENCH_SMALL, .repeats = 1};
    assert_int_equal(ito_bench_ops(ctx, &options, see, &s), ITO_OK);
    assert_true(s.n_backward > 0 && s.n_backward < s.n_rows);
    const ito_op_family *const *families;
    int n = ito__op_families(&families);
    for (int f = 0; f < n; f++)
        for (int i = 0; i < families[f]->n_ops; i++) {
            const ito_op_def *op = families[f]->ops[i];
            if (op->kernel && !has(&s, op->name)) fail_msg("%s: no case compiles to %s", families[f]->name, op->name);
        }
    ito_ctx_destroy(ctx);
}

/* Each case of real size builds and is differentiable: only those of one family run here, since they take their time. */
static void test_real_sizes(void **state)
{
    (void)state;
    static seen s;
    ito_ctx *ctx = ctx_open(1);
    const ito_op_family *const *families;
    int n = ito__op_families(&families);
    for (int f = 0; f < n; f++)
        if (strcmp(families[f]->name, "reshape") != 0) assert_true(families[f]->n_real_cases > 0);
    ito_bench_op_options options = {.roofs = &roofs, .filter = "gather/gather class", .repeats = 1};
    assert_int_equal(ito_bench_ops(ctx, &options, see, &s), ITO_OK);
    assert_true(has(&s, "gather") && has(&s, "gather_grad"));
    options.backend = "nowhere";
    assert_int_equal(ito_bench_ops(ctx, &options, see, &s), ITO_NOT_FOUND);
    ito_ctx_destroy(ctx);
}

/* ---- convolutions ---- */

static void test_conv(void **state)
{
    (void)state;
    static seen s;
    ito_ctx *ctx = ctx_open(2);
    const char *algorithms[] = {"direct", "all"};
    ito_bench_conv_options options = {.roofs = &roofs, .filter = "128 ch 16x16, batch 1", .repeats = 1};
    assert_int_equal(ito_bench_conv(ctx, &options, see, &s), ITO_OK);
    assert_int_equal(s.n_rows, 4);
    assert_true(has(&s, "conv2d") && has(&s, "conv2d_grad_input") && has(&s, "conv2d_grad_weight"));
    options.algorithms = algorithms;
    options.n_algorithms = 1;
    assert_int_equal(ito_bench_conv(ctx, &options, see, &s), ITO_OK);
    assert_int_equal(s.n_rows, 8);
    options.n_algorithms = 2; /* "direct" is not timed twice */
    assert_int_equal(ito_bench_conv(ctx, &options, see, &s), ITO_OK);
    assert_int_equal(
        s.n_rows, 8 + 3 * 5 + 3); /* direct, Winograd in two orders of work, and for images with two sizes of tiles */
    ito_ctx_destroy(ctx);
}

/* ---- networks ---- */

typedef struct totals {
    int n, n_backward, n_update;
    double flops;
} totals;

static void add_up(void *user, const ito_bench_row *row)
{
    totals *t = user;
    t->n++;
    t->n_backward += !strcmp(row->pass, "backward");
    t->n_update += !strcmp(row->pass, "update");
    t->flops += row->flops;
}

static void test_unet_steps(void **state)
{
    (void)state;
    totals forward = {0}, train = {0};
    ito_ctx *ctx = ctx_open(2);
    ito_bench_options options = {.batch = 1, .size = 8, .repeats = 1, .roofs = &roofs};
    ito_bench_result r;
    assert_int_equal(ito_bench_unet(ctx, &options, &r, add_up, &forward), ITO_OK);
    assert_int_equal(r.height, 8);
    assert_int_equal(r.batch, 1);
    assert_int_equal(forward.n_backward + forward.n_update, 0);
    assert_near(forward.flops, r.gflops * r.ms * 1e6, 1e-6 * forward.flops);
    options.train = true;
    assert_int_equal(ito_bench_unet(ctx, &options, &r, add_up, &train), ITO_OK);
    assert_true(train.n_backward > forward.n / 2);
    assert_int_equal(train.n_update, 1);
    assert_true(train.flops > 2.5 * forward.flops && train.flops < 3.2 * forward.flops);
    options.size = 7; /* not a multiple of what two strides need */
    assert_int_equal(ito_bench_unet(ctx, &options, &r, NULL, NULL), ITO_SHAPE);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_memory),        cmocka_unit_test(test_rate_compute), cmocka_unit_test(test_roofs),
        cmocka_unit_test(test_every_op_has_a_row), cmocka_unit_test(test_real_sizes),   cmocka_unit_test(test_conv),
        cmocka_unit_test(test_unet_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
