/* Plans: problems as text, JSON and what is wrong with it, programs that follow a plan and tell the one they were compiled by,
 * and plans that cannot be followed. */
#include "op_cases.h"

#include <ito/plan.h>

#include "kernel/cpu/isa.h"
#include "scratch.h"

static void test_problem(void **state)
{
    ito_attr_conv a = {.stride = {2, 1}, .dilation = {1, 1}, .pad_before = {1, 0}, .groups = 1, .act = ITO_UNARY_silu};
    ito_kernel k = {.attr = &a, .n_in = 2, .n_out = 1};
    char text[ITO_PROBLEM_TEXT];
    (void)state;
    k.in[0] = (ito_desc){ITO_F32, ITO_SHAPE(2, 8, 8, 3)};
    k.in[1] = (ito_desc){ITO_F32, ITO_SHAPE(4, 3, 3, 3)};
    k.out[0] = (ito_desc){ITO_F32, ITO_SHAPE(2, 4, 8, 4)};
    assert_string_equal(ito__problem_text(&k, "conv2d", text),
                        "conv2d f32[2,8,8,3] f32[4,3,3,3] -> f32[2,4,8,4] stride=2,1 dilation=1,1 pad_before=1,0 "
                        "pad_after=0,0 groups=1 act=silu");
    ito_kernel scalar = {.n_in = 1, .n_out = 1, .in = {{ITO_F64, ITO_SCALAR}}, .out = {{ITO_I32, ITO_SCALAR}}};
    assert_string_equal(ito__problem_text(&scalar, "cast", text), "cast f64[] -> i32[]");
}

/* Whether weights are packed once is part of the problem wherever a kernel packs. */
static void test_frozen(void **state)
{
    static const int64_t attr[64]; /* room for any */
    const ito_kernel_def *defs[ITO_ISA_MAX_KERNELS];
    int n = ito__isa_kernels(ito__isa_best(), defs), n_packed = 0;
    char once[ITO_PROBLEM_TEXT], every[ITO_PROBLEM_TEXT];
    (void)state;
    for (int i = 0; i < n; i++) {
        ito_kernel k = {.attr = attr};
        ito__problem_text(&k, defs[i]->op, every);
        k.frozen = 1; /* the image of a convolution: nothing is packed */
        assert_string_equal(ito__problem_text(&k, defs[i]->op, once), every);
        k.frozen = 2;
        ito__problem_text(&k, defs[i]->op, once);
        if (!defs[i]->pack) continue;
        assert_memory_equal(once, every, strlen(every));
        assert_string_equal(once + strlen(every), " frozen");
        n_packed++;
    }
    assert_true(n_packed > 2);
}

static void test_file(void **state)
{
    ito_ctx *ctx = ctx_open(0);
    const char *path = scratch_path(*state, "plan.json");
    ito_plan *plan, *again;
    assert_ok(ctx, ito_plan_create(ctx, &plan));
    assert_ok(ctx, ito_plan_set(plan, "add f32[2]", "simd"));
    assert_ok(ctx, ito_plan_set(plan, "add f32[3]", "simd"));
    assert_ok(ctx, ito_plan_write(plan, path));
    assert_ok(ctx, ito_plan_read(ctx, path, &again));
    assert_string_equal(ito_plan_text(plan), ito_plan_text(again));
    assert_int_equal(ito_plan_common(plan, again), 2);
    assert_ok(ctx, ito_plan_set(again, "add f32[3]", "ref"));
    assert_ok(ctx, ito_plan_set(again, "add f32[4]", "ref"));
    assert_int_equal(ito_plan_common(plan, again), 1);
    assert_int_equal(ito_plan_common(again, plan), 1);
    assert_fails(ctx, ITO_NOT_FOUND, "no/such", ito_plan_write(plan, "no/such/folder/plan.json"));
    ito_plan_destroy(plan);
    ito_plan_destroy(again);
    ito_ctx_destroy(ctx);
}

static void test_json(void **state)
{
    static const char *const wrong[] = {
        "[]",
        "{\"format\": 2, \"backend\": \"cpu\", \"instruction_set\": \"avx2\", \"kernels\": {}}",
        "{\"format\": 1, \"instruction_set\": \"avx2\", \"kernels\": {}}",
        "{\"format\": 1, \"backend\": \"cpu\", \"instruction_set\": \"avx2\"}",
        "{\"format\": 1, \"backend\": \"cpu\", \"instruction_set\": \"avx2\", \"kernels\": {\"add\": 3}}",
        "{\"format\": 1,"};
    ito_ctx *ctx = ctx_open(0);
    ito_plan *plan, *again;
    (void)state;
    for (int i = 0; i < ITO_COUNT(wrong); i++) {
        assert_fails(ctx, ITO_FORMAT, "here.json", ito_plan_parse(ctx, "here.json", wrong[i], &plan));
        assert_null(plan);
    }
    assert_fails(ctx, ITO_NOT_FOUND, "no/such", ito_plan_read(ctx, "no/such/plan.json", &plan));
    assert_ok(ctx, ito_plan_create(ctx, &plan));
    assert_ok(ctx, ito_plan_set(plan, "add f32[2]", "simd"));
    assert_ok(ctx, ito_plan_set(plan, "add f32[3]", "simd"));
    assert_ok(ctx, ito_plan_set(plan, "add f32[2]", "ref"));
    assert_ok(ctx, ito_plan_parse(ctx, "text", ito_plan_text(plan), &again));
    assert_int_equal(ito_plan_count(again), 2);
    assert_string_equal(ito_plan_find(again, "add f32[2]"), "ref");
    assert_null(ito_plan_find(again, "add f32[4]"));
    assert_string_equal(ito_plan_text(plan), ito_plan_text(again));
    ito_plan_destroy(plan);
    ito_plan_destroy(again);
    ito_ctx_destroy(ctx);
}

/* ---- one convolution that several algorithms can compute ---- */

typedef struct conv {
    ito_ctx *ctx;
    ito_graph *g;
    ito_value *x, *w, *y;
} conv;

static conv open_conv(void)
{
    conv c = {.ctx = ctx_open(0)};
    assert_ok(c.ctx, ito_graph_create(c.ctx, &c.g));
    c.x = ito_graph_input(c.g, "x", ITO_F32, ITO_SHAPE(1, 16, 16, 32));
    c.w = ito_graph_input(c.g, "w", ITO_F32, ITO_SHAPE(32, 32, 3, 3));
    c.y = ito_op_conv2d(c.g, c.x, c.w, NULL, &(ito_conv_options){.pad_before = {1, 1}, .pad_after = {1, 1}});
    return c;
}

static void close_conv(conv *c)
{
    ito_graph_destroy(c->g);
    ito_ctx_destroy(c->ctx);
}

/* The plan of the program without a plan; its one problem. */
static ito_plan *default_plan(conv *c, char problem[ITO_PROBLEM_TEXT])
{
    ito_program *p;
    ito_plan *plan;
    assert_ok(c->ctx, ito_program_create(c->g, 1, &c->y, NULL, &p));
    assert_ok(c->ctx, ito_plan_create(c->ctx, &plan));
    assert_ok(c->ctx, ito_program_plan(p, plan));
    assert_int_equal(ito_plan_count(plan), 1);
    ito_program_destroy(p);
    ito_kernel k = {.n_in = 2, .n_out = 1, .attr = c->y->node->attr};
    for (int i = 0; i < 2; i++) k.in[i] = (ito_desc){ITO_F32, c->y->node->in[i]->shape};
    k.out[0] = (ito_desc){ITO_F32, c->y->shape};
    ito__problem_text(&k, "conv2d", problem);
    assert_non_null(ito_plan_find(plan, problem));
    return plan;
}

static void test_followed(void **state)
{
    static const char *const algorithms[] = {"direct", "winograd4", "ref"};
    char problem[ITO_PROBLEM_TEXT];
    conv c = open_conv();
    ito_plan *plan = default_plan(&c, problem), *told;
    (void)state;
    for (int i = 0; i < ITO_COUNT(algorithms); i++) {
        ito_program *p;
        assert_ok(c.ctx, ito_plan_set(plan, problem, algorithms[i]));
        assert_ok(c.ctx, ito_program_create(c.g, 1, &c.y, &(ito_program_options){.plan = plan}, &p));
        assert_string_equal(ito_program_step_get(p, 0).algorithm, algorithms[i]);
        assert_ok(c.ctx, ito_plan_create(c.ctx, &told));
        assert_ok(c.ctx, ito_program_plan(p, told));
        assert_string_equal(ito_plan_text(told), ito_plan_text(plan));
        ito_plan_destroy(told);
        ito_program_destroy(p);
    }
    ito_plan_destroy(plan);
    close_conv(&c);
}

static void assert_not_followed(conv *c, const ito_plan *plan, const char *backend, const char *word, const char *other)
{
    ito_program *p;
    ito_program_options o = {.plan = plan, .backend = backend};
    assert_fails(c->ctx, ITO_STATE, word, ito_program_create(c->g, 1, &c->y, &o, &p));
    assert_null(p);
    assert_non_null(strstr(ito_last_error(c->ctx), other));
}

static void test_not_followed(void **state)
{
    static const char elsewhere[] =
        "{\"format\": 1, \"backend\": \"cpu\", \"instruction_set\": \"mmx\", \"kernels\": {}}";
    char problem[ITO_PROBLEM_TEXT];
    conv c = open_conv();
    ito_plan *plan = default_plan(&c, problem), *other;
    (void)state;
    assert_ok(c.ctx, ito_plan_set(plan, problem, "abacus"));
    assert_not_followed(&c, plan, NULL, "'abacus'", "winograd4, direct, ref"); /* recorded; what there is */
    assert_not_followed(&c, plan, "ref", "backend cpu", "compiled for ref");
    assert_ok(c.ctx, ito_plan_parse(c.ctx, "text", elsewhere, &other));
    assert_not_followed(&c, other, NULL, "mmx", "ITO_ISA");
    ito_plan_destroy(other);
    ito_plan_destroy(plan);
    close_conv(&c);
}

/* A problem's text says all that the choice depends on: a plan of all cases of all ops makes of each case what the table
 * makes of it. */
static void add_or_compare(const ito_op_case *c, ito_plan *all, bool compare)
{
    built_case b = build_case(c, ITO_F32, 1);
    ito_program *p, *planned;
    assert_ok(b.ctx, ito_program_create(b.g, 1, &b.y, NULL, &p));
    if (!compare) assert_ok(b.ctx, ito_program_plan(p, all));
    assert_ok(b.ctx, ito_program_create(b.g, 1, &b.y, &(ito_program_options){.plan = all}, &planned));
    if (ito_program_fingerprint(p) != ito_program_fingerprint(planned)) fail_msg("%s", c->name);
    ito_program_destroy(p);
    ito_program_destroy(planned);
    destroy_case(&b);
}

static void test_problems_decide(void **state)
{
    const ito_op_family *const *families;
    int n_families = ito__op_families(&families);
    ito_ctx *ctx = ctx_open(0);
    ito_plan *all;
    (void)state;
    assert_ok(ctx, ito_plan_create(ctx, &all));
    for (int pass = 0; pass < 2; pass++)
        for (int f = 0; f < n_families; f++)
            for (int i = 0; i < families[f]->n_cases; i++) add_or_compare(&families[f]->cases[i], all, pass == 1);
    assert_true(ito_plan_count(all) > 100);
    ito_plan_destroy(all);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test_setup_teardown(test_file, scratch_setup, scratch_teardown),
        cmocka_unit_test(test_followed),
        cmocka_unit_test(test_not_followed),
        cmocka_unit_test(test_problems_decide),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
