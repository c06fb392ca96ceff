/* The table of algorithms: which one computes what when no plan says otherwise. It is the order of the kernels in ISA families and
 * what each prepare() refuses (docs/architecture.md); here stands what that comes to for the layers of U-Nets, so that no change of
 * it goes unnoticed, and that whatever a plan may take instead computes the same. */
#include "testing.h"

#include <stdlib.h>

#include "bench/bench_impl.h"
#include "kernel/cpu/isa.h"

#define AGREE 5e-6 /* ||difference|| / ||result||, from the table's choice, so that any two are within 1e-5 */

/* A convolution's three directions, by their algorithms in the table. Same for all instruction sets. */
static const struct layer {
    int64_t batch, size, in, out, kernel, stride;
    const char *forward, *packed; /* packed: with weights packed beforehand, as in sampling */
    const char *grad_input, *grad_weight;
} layers[] = {
    /* the large U-Net, batch 16 */
    {16, 32, 3, 128, 3, 1, "direct", "direct", "winograd4", "direct"},
    {16, 32, 128, 128, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4-blocks"},
    {16, 32, 128, 128, 3, 2, "direct", "direct", "direct", "direct"},
    {16, 16, 128, 256, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4"},
    {16, 16, 128, 256, 1, 1, "direct", "direct", "direct", "direct"},
    {16, 16, 256, 256, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4"},
    {16, 16, 512, 256, 3, 1, "winograd4-stages", "winograd4-stages", "winograd4", "winograd4"},
    {16, 8, 256, 256, 3, 1, "winograd4-stages", "winograd4-stages", "winograd4-stages", "winograd4"},
    {16, 4, 256, 256, 3, 1, "winograd2", "winograd4-stages", "winograd2", "winograd4-blocks"},
    {16, 32, 128, 3, 3, 1, "winograd4", "winograd4", "direct", "winograd4-blocks"},
    /* the small one, batch 64 */
    {64, 32, 1, 32, 3, 1, "direct", "direct", "winograd4", "direct"},
    {64, 32, 32, 32, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4-blocks"},
    {64, 32, 96, 32, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4-blocks"},
    {64, 16, 64, 64, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4-blocks"},
    {64, 8, 128, 64, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4-blocks"},
    {64, 32, 32, 1, 3, 1, "winograd4", "winograd4", "direct", "winograd4-blocks"},
    /* single images, odd sizes, few pixels */
    {1, 32, 64, 64, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4-blocks"},
    {1, 16, 256, 256, 3, 1, "winograd2", "winograd4-stages", "winograd2", "winograd4-blocks"},
    {1, 8, 256, 256, 3, 1, "winograd2", "winograd2-stages", "winograd2", "winograd4-blocks"},
    {16, 7, 32, 32, 3, 1, "winograd4", "winograd4", "winograd4", "winograd4-blocks"},
    {16, 2, 64, 64, 3, 1, "direct", "direct", "direct", "direct"},
    {16, 28, 8, 16, 3, 1, "direct", "direct", "winograd4", "direct"},
    {1, 4, 256, 256, 3, 1, "winograd2", "direct", "winograd2", "direct"},
};

/* A problem with its attributes. */
typedef struct problem {
    ito_attr_conv conv;
    ito_attr_matmul matmul;
    ito_attr_permute permute;
    ito_kernel k;
    const char *op, *algorithm;
} problem;

static ito_desc f32(ito_shape shape)
{
    return (ito_desc){ITO_F32, shape};
}

/* direction: 0 forward, 1 gradient in the input, 2 in the weight. */
static problem conv_problem(const struct layer *l, int direction, uint32_t frozen)
{
    static const char *const ops[] = {"conv2d", "conv2d_grad_input", "conv2d_grad_weight"};
    const char *const algorithms[] = {l->forward, l->grad_input, l->grad_weight};
    int64_t pad = l->kernel / 2, out = (l->size + 2 * pad - l->kernel) / l->stride + 1;
    problem p = {.op = ops[direction], .algorithm = algorithms[direction]};
    if (frozen) p.algorithm = l->packed;
    p.conv = (ito_attr_conv){.stride = {l->stride, l->stride},
                             .dilation = {1, 1},
                             .pad_before = {pad, pad},
                             .pad_after = {pad, pad},
                             .groups = 1,
                             .x_shape = ITO_SHAPE(l->batch, l->size, l->size, l->in),
                             .w_shape = ITO_SHAPE(l->out, l->in, l->kernel, l->kernel)};
    ito_desc x = f32(p.conv.x_shape), w = f32(p.conv.w_shape), y = f32(ITO_SHAPE(l->batch, out, out, l->out));
    p.k = (ito_kernel){.n_in = 2, .n_out = 1, .frozen = frozen};
    p.k.in[0] = direction == 1 ? y : x;
    p.k.in[1] = direction == 2 ? y : w;
    p.k.out[0] = direction == 0 ? y : direction == 1 ? x : w;
    return p;
}

static problem matmul_problem(ito_shape a, ito_shape b, ito_shape y, bool trans_a, bool trans_b, const char *algorithm)
{
    problem p = {.op = "matmul", .algorithm = algorithm, .matmul = {.trans_a = trans_a, .trans_b = trans_b}};
    p.k = (ito_kernel){.n_in = 2, .n_out = 1, .in = {f32(a), f32(b)}, .out = {f32(y)}};
    return p;
}

static problem permute_problem(ito_shape x, ito_shape y, int p1, int p2, int p3, const char *algorithm)
{
    problem p = {.op = "permute", .algorithm = algorithm, .permute = {.perm = {0, p1, p2, p3}}};
    p.k = (ito_kernel){.n_in = 1, .n_out = 1, .in = {f32(x)}, .out = {f32(y)}};
    return p;
}

/* What else has a choice: linear layers, their weight gradients, heads of attention. */
#define OTHERS 5
static problem other_problem(int i)
{
    switch (i) {
    case 0: /* 16 x 256 pixels by a 1x1 layer */
        return matmul_problem(ITO_SHAPE(4096, 256), ITO_SHAPE(256, 256), ITO_SHAPE(4096, 256), false, true, "gemm");
    case 1: /* its weight gradient */
        return matmul_problem(ITO_SHAPE(4096, 256), ITO_SHAPE(4096, 256), ITO_SHAPE(256, 256), true, false, "long");
    case 2: /* of the time embedding */
        return matmul_problem(ITO_SHAPE(16, 512), ITO_SHAPE(16, 128), ITO_SHAPE(512, 128), true, false, "gemm");
    case 3: /* heads aside */ return permute_problem(ITO_SHAPE(4, 64, 4, 16), ITO_SHAPE(4, 4, 64, 16), 2, 1, 3, "rows");
    default: /* channels first */
        return permute_problem(ITO_SHAPE(4, 16, 16, 32), ITO_SHAPE(4, 32, 16, 16), 3, 1, 2, "tiles");
    }
}

static const void *attr_of(const problem *p)
{
    if (!strcmp(p->op, "matmul")) return &p->matmul;
    return !strcmp(p->op, "permute") ? (const void *)&p->permute : &p->conv;
}

/* Every problem: fn is handed each for each instruction set of this machine. */
static void each(void (*fn)(ito_ctx *ctx, const char *isa, problem *p), int64_t most_images)
{
    ito_ctx *ctx = ctx_open(2);
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        const char *name = ito__isa_name((ito_isa)isa);
        if (!ito__isa_available((ito_isa)isa)) continue;
        setenv("ITO_ISA", name, 1);
        for (int i = 0; i < ITO_COUNT(layers); i++)
            for (int direction = 0; direction < 4; direction++) { /* the last one: weights packed beforehand */
                struct layer l = layers[i];
                l.batch = ITO_MIN(l.batch, most_images);
                problem p = conv_problem(&l, direction % 3, direction == 3 ? 2 : 0);
                fn(ctx, name, &p);
            }
        for (int i = 0; i < OTHERS; i++) {
            problem p = other_problem(i);
            fn(ctx, name, &p);
        }
    }
    unsetenv("ITO_ISA");
    ito_ctx_destroy(ctx);
}

/* ---- the table ---- */

static void check_choice(ito_ctx *ctx, const char *isa, problem *p)
{
    static const int threads[] = {1, 2, 8};
    char text[ITO_PROBLEM_TEXT];
    for (int t = 0; t < ITO_COUNT(threads); t++) {
        ito_kernel k = p->k;
        k.ctx = ctx;
        k.attr = attr_of(p);
        k.n_threads = threads[t];
        assert_ok(ctx, ito__backend_cpu.prepare(&k, p->op, NULL));
        if (strcmp(k.def->name, p->algorithm) != 0)
            fail_msg("%s, %d threads, %s: the table takes %s, expected %s", isa, threads[t],
                     ito__problem_text(&k, p->op, text), k.def->name, p->algorithm);
        ito__kernel_release(&k);
    }
}

static void test_table(void **state)
{
    (void)state;
    each(check_choice, 64);
}

/* ---- what may stand in its place ---- */

static void check_agreement(ito_ctx *ctx, const char *isa, problem *p)
{
    char text[ITO_PROBLEM_TEXT];
    ito_bench_race race;
    p->k.attr = attr_of(p);
    ito__bench_race_begin(ctx, &ito__backend_cpu, p->op, &p->k, &race);
    assert_ok(ctx, ito__bench_race_add(&race, NULL));
    assert_ok(ctx, ito__bench_race_add_every(&race));
    assert_ok(ctx, ito__bench_race_run(&race, 1, 0, NULL, 0));
    for (int i = 1; i < race.n; i++)
        if (!(race.candidates[i]->difference <= AGREE))
            fail_msg("%s, %s: %s differs by %g from %s", isa, ito__problem_text(&p->k, p->op, text),
                     race.candidates[i]->k.def->name, race.candidates[i]->difference, race.candidates[0]->k.def->name);
    ito__bench_race_close(&race);
}

static void test_agreement(void **state)
{
    (void)state;
    each(check_agreement, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_agreement)};
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
