/* Tuning: when the table's choice goes, what comes out as a plan, what a plan given before keeps; and programs compiled by another
 * plan than the table's: the same results to 1e-5, the same bits for any number of threads. */
#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include "bench/bench_impl.h"
#include "graph/program_impl.h"

#define TOLERANCE 1e-5 /* ||difference|| / ||result|| */

/* ---- the choice ---- */

static int choose(double ratio, double ms_min, double difference)
{
    ito_bench_tune_row row = {
        .n_trials = 3,
        .trials = {{"table", 1.1, 1, 1, 0}, {"slow", 2.2, 2, 2, 0}, {"other", 1, ms_min, ratio, difference}}};
    return ito__bench_tune_choose(&row);
}

static void test_choice(void **state)
{
    (void)state;
    assert_int_equal(choose(0.9, 0.9, 1e-7), 2);
    assert_int_equal(choose(0.97, 0.9, 1e-7), 0); /* not clearly faster */
    assert_int_equal(choose(0.9, 0.97, 1e-7), 0); /* not in the best turn */
    assert_int_equal(choose(0.9, 0.9, 2e-5), 0);  /* something else */
    assert_int_equal(choose(0.9, 0.9, (double)INFINITY), 0);
    ito_bench_tune_row row = {
        .n_trials = 3, .trials = {{"table", 1, 1, 1, 0}, {"fast", 0.8, 0.8, 0.8, 0}, {"faster", 0.7, 0.7, 0.7, 0}}};
    assert_int_equal(ito__bench_tune_choose(&row), 2);
}

/* ---- the plan ---- */

typedef struct seen {
    ito_plan *plan;
    int n_rows, n_frozen, n_steps;
} seen;

static void see(void *user, const ito_bench_tune_row *row)
{
    seen *s = user;
    s->n_rows++;
    s->n_steps += row->n_steps;
    s->n_frozen += strstr(row->problem, " frozen") != NULL;
    assert_true(row->n_trials > 1 && row->n_steps > 0);
    for (int i = 0; i < row->n_trials; i++) {
        assert_true(row->trials[i].ms >= row->trials[i].ms_min && row->trials[i].ms_min > 0);
        assert_true(row->trials[i].difference <= TOLERANCE);
        assert_string_not_equal(row->trials[i].algorithm, "ref");
    }
    assert_int_equal(row->chosen, ito__bench_tune_choose(row));
}

static void tune(seen *s, ito_ctx *ctx, bool train, int batch, ito_bench_tune_result *r)
{
    const ito_bench_options o = {.batch = batch, .size = 8, .repeats = 1, .train = train};
    *s = (seen){.plan = s->plan};
    assert_ok(ctx, ito_bench_tune(ctx, &o, s->plan, r, see, s));
    assert_int_equal(r->n_measured, s->n_rows);
    assert_int_equal(r->batch, batch);
    assert_int_equal(r->height, 8);
    assert_true(r->difference <= TOLERANCE);
    assert_true(r->gain_min > 0 && r->gain_min <= r->gain && r->gain <= r->gain_max);
    assert_true((r->n_changed > 0) == (r->table_ms > 0));
}

static void test_plan(void **state)
{
    ito_ctx *ctx = ctx_open(1);
    ito_bench_tune_result r;
    seen s = {0};
    (void)state;
    assert_ok(ctx, ito_plan_create(ctx, &s.plan));
    tune(&s, ctx, false, 1, &r);
    assert_true(s.n_rows > 5 && s.n_frozen == s.n_rows && s.n_steps > s.n_rows);
    assert_int_equal(ito_plan_count(s.plan), r.n_problems); /* those without a choice too */
    int n = ito_plan_count(s.plan);
    tune(&s, ctx, false, 1, &r); /* nothing is new */
    assert_int_equal(s.n_rows, 0);
    assert_int_equal(ito_plan_count(s.plan), n);
    tune(&s, ctx, true, 1, &r); /* weights that are not frozen are other problems */
    assert_true(s.n_rows > 10 && s.n_frozen == 0);
    assert_true(ito_plan_count(s.plan) > n);
    ito_plan_destroy(s.plan);
    ito_ctx_destroy(ctx);
}

static void test_errors(void **state)
{
    static const char elsewhere[] =
        "{\"format\": 1, \"backend\": \"cpu\", \"instruction_set\": \"mmx\", \"kernels\": {}}";
    ito_ctx *ctx = ctx_open(1);
    ito_bench_tune_result r;
    ito_plan *plan;
    ito_bench_options o = {.batch = 1, .size = 8, .repeats = 1};
    (void)state;
    assert_ok(ctx, ito_plan_parse(ctx, "text", elsewhere, &plan));
    assert_fails(ctx, ITO_STATE, "mmx", ito_bench_tune(ctx, &o, plan, &r, NULL, NULL));
    o.preset = "medium";
    assert_fails(ctx, ITO_NOT_FOUND, "medium", ito_bench_tune(ctx, &o, plan, &r, NULL, NULL));
    ito_plan_destroy(plan);
    ito_ctx_destroy(ctx);
}

/* ---- programs by another plan ---- */

/* Every problem that has a choice by another algorithm than the table's, each in turn. */
static void turn_over(ito_ctx *ctx, const ito_program *p, ito_plan *plan)
{
    char problem[ITO_PROBLEM_TEXT];
    int n = 0;
    for (int i = 0; i < p->n_steps; i++) {
        const ito_kernel *k = &p->steps[i].kernel;
        ito_bench_race race;
        ito__bench_race_begin(ctx, p->backend, k->def->op, k, &race);
        assert_ok(ctx, ito__bench_race_add(&race, k->def->name));
        assert_ok(ctx, ito__bench_race_add_every(&race));
        if (race.n > 1) {
            const char *other = race.candidates[1 + n++ % (race.n - 1)]->k.def->name;
            assert_ok(ctx, ito_plan_set(plan, ito__problem_text(k, k->def->op, problem), other));
        }
        ito__bench_race_close(&race);
    }
    assert_true(n > 20);
}

/* One run with noise on the fresh weights, of which some are zero; all gradients, or the output. The caller frees. */
static float *results(bool train, int n_threads, const ito_plan *plan, ito_plan *turned, int64_t *n)
{
    const ito_bench_options o = {.batch = 2, .size = 16, .train = train, .plan = plan};
    ito_ctx *ctx = ctx_open(n_threads);
    ito_bench_net net;
    assert_ok(ctx, ito__bench_net_open(ctx, &o, &net));
    int64_t n_weights = ito_param_list_size(net.network->params);
    float *weights = ito_params_flat(train ? net.trained->optimizer->weights : net.params);
    float *noise = calloc((size_t)n_weights, sizeof *noise);
    assert_ok(ctx, ito__bench_fill(ctx, 3, ITO_F32, n_weights, -0.05, 0.05, noise));
    for (int64_t i = 0; i < n_weights; i++) weights[i] += noise[i];
    free(noise);
    assert_ok(ctx, ito_program_run(net.program));
    *n = train ? n_weights : ito_shape_count(ito_value_shape(net.out));
    float *out = calloc((size_t)*n, sizeof *out);
    if (train)
        memcpy(out, ito_params_flat(net.trained->optimizer->grads), (size_t)*n * sizeof *out);
    else
        assert_ok(ctx, ito_program_read(net.program, net.out, out));
    if (turned) turn_over(ctx, net.program, turned);
    ito__bench_net_close(&net);
    ito_ctx_destroy(ctx);
    return out;
}

static void check_other_plan(bool train)
{
    static const int threads[] = {2, 3, 8};
    ito_ctx *ctx = ctx_open(1);
    int64_t n;
    ito_plan *plan;
    assert_ok(ctx, ito_plan_create(ctx, &plan));
    float *by_table = results(train, 1, NULL, plan, &n), *by_plan = results(train, 1, plan, NULL, &n);
    double difference = ito__bench_difference(n, by_table, by_plan);
    if (!(difference > 0 && difference <= TOLERANCE)) fail_msg("results differ by %g", difference);
    for (int t = 0; t < ITO_COUNT(threads); t++) {
        float *again = results(train, threads[t], plan, NULL, &n);
        assert_memory_equal(again, by_plan, (size_t)n * sizeof *again);
        free(again);
    }
    free(by_table);
    free(by_plan);
    ito_plan_destroy(plan);
    ito_ctx_destroy(ctx);
}

static void test_other_forward(void **state)
{
    (void)state;
    check_other_plan(false);
}

static void test_other_training(void **state)
{
    (void)state;
    check_other_plan(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),        cmocka_unit_test(test_plan),           cmocka_unit_test(test_errors),
        cmocka_unit_test(test_other_forward), cmocka_unit_test(test_other_training),
    };
    return cmocka_run_group_tests_name("tune", tests, NULL, NULL);
}
