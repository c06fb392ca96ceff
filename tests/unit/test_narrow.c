/* Forward values in bf16: less memory, gradients near float32's, storage that changes no bit, and what is left alone.
 * test_recompute.c has the same for random networks, with limits and threads. */
#include "tiny_unet.h"

#include "bench/bench_impl.h"
#include "graph/narrow.h"
#include "graph/program_impl.h"

/* The loss and all gradients; the caller frees. */
static float *gradients(ito_dtype precision, double *loss, size_t *bytes, size_t *slab)
{
    tiny_unet u = tiny_unet_open(2);
    u.precision = precision;
    tiny_unet_compile_train(&u, 8);
    assert_ok(u.ctx, ito_program_run(u.program));
    float value;
    assert_ok(u.ctx, ito_program_read(u.program, u.loss, &value));
    *loss = (double)value;
    *bytes = (size_t)ito_param_list_size(u.network->params) * sizeof(float);
    *slab = ito_program_memory(u.program).slab_bytes;
    float *out = malloc(*bytes);
    memcpy(out, ito_params_flat(u.optimizer->grads), *bytes);
    tiny_unet_close(&u);
    return out;
}

/* One rounding to 8 bits is 2^-9 at most; a network has some forty one after the other. */
static void test_near_f32(void **state)
{
    (void)state;
    double wide_loss, narrow_loss, difference = 0, norm = 0;
    size_t bytes, wide_slab, narrow_slab;
    float *wide = gradients(ITO_F32, &wide_loss, &bytes, &wide_slab);
    float *narrow = gradients(ITO_BF16, &narrow_loss, &bytes, &narrow_slab);
    for (size_t i = 0; i < bytes / sizeof *wide; i++) {
        double d = (double)(wide[i] - narrow[i]);
        difference += d * d;
        norm += (double)wide[i] * (double)wide[i];
    }
    difference = sqrt(difference / norm);
    assert_true(difference > 1e-5 && difference < 0.02); /* 2.8e-3 when this was written */
    assert_true(fabs(wide_loss - narrow_loss) < 2e-3 * wide_loss);
    assert_true(narrow_slab < wide_slab * 8 / 10); /* of so small a network, scratch memory is much */
    free(wide);
    free(narrow);
}

/* ---- a chain of residual blocks ---- */

enum { BLOCKS = 6, CHANNELS = 16, OUTPUTS = BLOCKS + 2 };

typedef struct chain {
    ito_ctx *ctx;
    ito_graph *g;
    ito_value *x, *out[OUTPUTS]; /* the gradients of weights and x, the loss */
} chain;

static ito_value *random_const(chain *c, ito_shape shape, uint64_t seed)
{
    size_t n = (size_t)ito_shape_count(shape);
    float *x = calloc(n, sizeof *x);
    ito_rng_normal((ito_rng_key){.seed = seed, .stream = ITO_STREAM_USER}, 0, n, x);
    ito_value *v = ito_graph_const(c->g, ITO_F32, shape, x);
    free(x);
    return v;
}

static chain open_chain(void)
{
    static const ito_conv_options same = {.pad_before = {1, 1}, .pad_after = {1, 1}};
    chain c = {.ctx = ctx_open(2)};
    ito_value *sources[BLOCKS + 1], *h;
    assert_ok(c.ctx, ito_graph_create(c.ctx, &c.g));
    h = c.x = sources[BLOCKS] = random_const(&c, ITO_SHAPE(2, 16, 16, CHANNELS), 100);
    for (int i = 0; i < BLOCKS; i++) {
        sources[i] = random_const(&c, ITO_SHAPE(CHANNELS, CHANNELS, 3, 3), (uint64_t)i);
        ito_value *y = ito_op_silu(c.g, ito_op_group_norm(c.g, h, NULL, NULL, 4, 1e-5));
        h = ito_op_add(c.g, h, ito_op_conv2d(c.g, y, sources[i], NULL, &same));
    }
    c.out[BLOCKS + 1] = ito_op_mean(c.g, ito_op_square(c.g, h), ITO_ALL_AXES, false);
    assert_ok(c.ctx, ito_graph_grad(c.g, 1, &c.out[BLOCKS + 1], NULL, BLOCKS + 1, sources, c.out));
    return c;
}

static void close_chain(chain *c)
{
    ito_graph_destroy(c->g);
    ito_ctx_destroy(c->ctx);
}

/* All outputs of a program, one after the other, and its memory; the caller frees. */
static char *outputs_of(ito_ctx *ctx, ito_graph *g, int n, ito_value *const *out, ito_dtype precision, size_t *bytes,
                        ito_program_memory_info *memory)
{
    ito_program *p;
    assert_ok(ctx, ito_program_create(g, n, out, &(ito_program_options){.precision = precision}, &p));
    assert_ok(ctx, ito_program_run(p));
    assert_ok(ctx, ito_program_run(p)); /* nothing is left over from the first run */
    *memory = ito_program_memory(p);
    *bytes = 0;
    for (int i = 0; i < n; i++) *bytes += (size_t)ito_shape_count(out[i]->shape) * sizeof(float);
    char *all = malloc(*bytes), *at = all;
    for (int i = 0; i < n; i++) {
        assert_ok(ctx, ito_program_read(p, out[i], at));
        at += (size_t)ito_shape_count(out[i]->shape) * sizeof(float);
    }
    ito_program_destroy(p);
    return all;
}

/* Forward values are rounded, nothing else. */
static void check_rounded(const ito_graph *g)
{
    int n = 0;
    for (int id = 0; id < g->n_nodes; id++) {
        const ito_node *node = g->nodes[id];
        if (!node->is_rounded) continue;
        assert_false(node->is_gradient || ito__node_is_source(node) || ito_shape_count(node->out[0].shape) < 1000);
        n++;
    }
    assert_true(n >= 2 * BLOCKS - 2);
}

/* The graph as it is compiled, rounded; kept in float32 it gives the same bits as stored in bf16. */
static void test_storage_changes_nothing(void **state)
{
    (void)state;
    chain c = open_chain();
    ito_graph *fused, *rounded;
    ito_value **map, *out[OUTPUTS];
    size_t bytes;
    ito_program_memory_info stored, kept, wide;
    char *narrow = outputs_of(c.ctx, c.g, OUTPUTS, c.out, ITO_BF16, &bytes, &stored);
    assert_ok(c.ctx, ito__graph_copy_live(c.g, OUTPUTS, c.out, &fused, &map));
    for (int i = 0; i < OUTPUTS; i++) out[i] = map[c.out[i]->id];
    ito__free(c.ctx, map);
    assert_ok(c.ctx, ito__graph_fuse(fused, OUTPUTS, out));
    assert_ok(c.ctx, ito__graph_round(fused, OUTPUTS, out, &rounded, &map));
    for (int i = 0; i < OUTPUTS; i++) out[i] = map[out[i]->id];
    check_rounded(rounded);
    char *same = outputs_of(c.ctx, rounded, OUTPUTS, out, ITO_F32, &bytes, &kept);
    assert_memory_equal(narrow, same, bytes);
    char *other = outputs_of(c.ctx, c.g, OUTPUTS, c.out, ITO_F32, &bytes, &wide);
    assert_memory_not_equal(narrow, other, bytes);
    assert_true(stored.slab_bytes < kept.slab_bytes && kept.slab_bytes == wide.slab_bytes);
    ito__free(c.ctx, map);
    ito_graph_destroy(rounded);
    ito_graph_destroy(fused);
    free(narrow);
    free(same);
    free(other);
    close_chain(&c);
}

/* Without gradients nothing is kept for them. */
static void test_forward_is_left_alone(void **state)
{
    (void)state;
    chain c = open_chain();
    size_t bytes;
    ito_program_memory_info a, b;
    char *wide = outputs_of(c.ctx, c.g, 1, &c.out[BLOCKS + 1], ITO_F32, &bytes, &a);
    char *narrow = outputs_of(c.ctx, c.g, 1, &c.out[BLOCKS + 1], ITO_BF16, &bytes, &b);
    assert_memory_equal(wide, narrow, bytes);
    assert_int_equal(a.slab_bytes, b.slab_bytes);
    free(wide);
    free(narrow);
    close_chain(&c);
}

static void test_other_dtypes_are_refused(void **state)
{
    (void)state;
    chain c = open_chain();
    ito_program *p;
    assert_fails(c.ctx, ITO_USAGE, "is i32, expected f32 or bf16",
                 ito_program_create(c.g, OUTPUTS, c.out, &(ito_program_options){.precision = ITO_I32}, &p));
    close_chain(&c);
}

/* Gradients that are to be bf16 are narrowed as soon as they are there. */
static void test_gradients_are_narrowed_at_once(void **state)
{
    (void)state;
    chain c = open_chain();
    ito_graph *copy;
    ito_value **map;
    ito__graph_narrow_gradients(c.g, BLOCKS, c.out);
    assert_ok(c.ctx, ito__graph_copy_live(c.g, OUTPUTS, c.out, &copy, &map));
    for (int i = 0; i < BLOCKS; i++) {
        const ito_node *n = map[c.out[i]->id]->node;
        assert_int_equal(n->out[0].dtype, ITO_BF16);
        assert_int_equal(n->id, n->in[0]->node->id + 1);
        assert_true(n->is_gradient);
    }
    ito__free(c.ctx, map);
    ito_graph_destroy(copy);
    close_chain(&c);
}

/* ---- a real network ---- */

static size_t planned(ito_dtype precision)
{
    ito_ctx *ctx = ctx_open(2);
    ito_bench_net net;
    assert_ok(ctx, ito__bench_net_open(
                       ctx, &(ito_bench_options){.preset = "small", .train = true, .precision = precision}, &net));
    size_t bytes = ito__trained_net_memory(net.trained).planned_bytes;
    ito__bench_net_close(&net);
    ito_ctx_destroy(ctx);
    return bytes;
}

/* Weights, moments and average included. */
static void test_memory_of_training(void **state)
{
    (void)state;
    assert_true(planned(ITO_BF16) < planned(ITO_F32) * 60 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_f32),
        cmocka_unit_test(test_storage_changes_nothing),
        cmocka_unit_test(test_forward_is_left_alone),
        cmocka_unit_test(test_other_dtypes_are_refused),
        cmocka_unit_test(test_gradients_are_narrowed_at_once),
        cmocka_unit_test(test_memory_of_training),
    };
    return cmocka_run_group_tests_name("narrow", tests, NULL, NULL);
}
