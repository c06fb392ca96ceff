/* The optimizer of a parameter set: what it keeps in bf16 leads where float32 leads, with the weights in float32. */
#include <math.h>

#include "networks.h"
#include "tensor/bf16.h"
#include "train/optimizer.h"

enum { STEPS = 300 };

static ito_param_list *open_list(ito_ctx *ctx)
{
    ito_param_list *list;
    int index;
    assert_ok(ctx, ito_param_list_create(ctx, &list));
    assert_ok(ctx, ito_param_list_add(list, "a.weight", ITO_SHAPE(37, 91), ITO_INIT_NORMAL, 0.1, true, &index));
    assert_ok(ctx, ito_param_list_add(list, "a.bias", ITO_SHAPE(37), ITO_INIT_ZERO, 0, false, &index));
    return list;
}

static ito_optimizer *open_optimizer(ito_ctx *ctx, const ito_param_list *list, ito_dtype kept)
{
    const ito_optimizer_config config = {0.9, 0.999, 1e-8, 0.01, 1, 0.99, kept};
    ito_optimizer *o;
    assert_ok(ctx, ito__optimizer_create(ctx, list, &config, 4, &o));
    return o;
}

/* Half the squared distance to 1 / (1 + i): its gradient, with noise. */
static void write_gradient(ito_optimizer *o, uint64_t step)
{
    const float *w = ito_params_flat(o->weights);
    for (int p = 0; p < ito_param_list_count(o->list); p++) {
        const ito_param *param = ito_param_list_get(o->list, p);
        for (int64_t k = 0; k < param->count; k++) {
            int64_t i = param->offset + k;
            float noise;
            ito_rng_normal((ito_rng_key){.seed = 1, .stream = ITO_STREAM_USER, .sample = step}, (uint64_t)i, 1, &noise);
            float g = w[i] - 1 / (1 + (float)i) + 0.1f * noise;
            if (o->config.kept == ITO_BF16)
                ((uint16_t *)ito_params_flat(o->grads))[i] = ito__bf16_narrow(g);
            else
                ((float *)ito_params_flat(o->grads))[i] = g;
        }
    }
}

static void train(ito_optimizer *o)
{
    double norm;
    for (uint64_t t = 0; t < STEPS; t++) {
        write_gradient(o, t);
        assert_ok(o->ctx, ito__optimizer_step(o, 1e-3, &norm));
    }
}

/* ||a - b|| / ||b - c||: how far a is from b, beside how far b has come from c. */
static double apart(int64_t n, const float *a, const float *b, const float *c)
{
    double difference = 0, way = 0;
    for (int64_t i = 0; i < n; i++) {
        difference += pow((double)a[i] - (double)b[i], 2);
        way += pow((double)b[i] - (double)c[i], 2);
    }
    return sqrt(difference / way);
}

static void test_bf16_follows_f32(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(2);
    ito_param_list *list = open_list(ctx);
    ito_optimizer *wide = open_optimizer(ctx, list, ITO_F32), *narrow = open_optimizer(ctx, list, ITO_BF16);
    ito_params *start, *a, *b;
    int64_t n = ito_param_list_size(list);
    assert_ok(ctx, ito_params_create(ctx, list, ITO_F32, &start));
    ito_params_init(start, 4);
    assert_ok(ctx, ito__optimizer_best(narrow, &a)); /* before any step the average is the weights */
    assert_memory_equal(ito_params_flat(a), ito_params_flat(start), (size_t)n * sizeof(float));
    ito__optimizer_give_back(narrow, a);
    train(wide);
    train(narrow);
    assert_true(apart(n, ito_params_flat(narrow->weights), ito_params_flat(wide->weights), ito_params_flat(start)) <
                0.01);
    assert_ok(ctx, ito__optimizer_best(narrow, &a));
    assert_ok(ctx, ito__optimizer_best(wide, &b));
    assert_true(b == wide->ema && a != narrow->ema);
    assert_true(apart(n, ito_params_flat(a), ito_params_flat(b), ito_params_flat(start)) < 0.01);
    /* the average is not the weights: what it lags behind is kept well */
    assert_true(apart(n, ito_params_flat(a), ito_params_flat(b), ito_params_flat(wide->weights)) < 0.1);
    ito__optimizer_give_back(narrow, a);
    ito__optimizer_give_back(wide, b);
    ito_params_destroy(start);
    ito__optimizer_destroy(wide);
    ito__optimizer_destroy(narrow);
    ito_param_list_destroy(list);
    ito_ctx_destroy(ctx);
}

static void test_bytes(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(1);
    ito_param_list *list = open_list(ctx);
    ito_optimizer *wide = open_optimizer(ctx, list, ITO_F32), *narrow = open_optimizer(ctx, list, ITO_BF16), *none;
    const ito_optimizer_config odd = {0.9, 0.999, 1e-8, 0.01, 1, 0.99, ITO_I32};
    size_t n = (size_t)ito_param_list_size(list);
    assert_int_equal(ito__optimizer_bytes(wide), 20 * n);
    assert_int_equal(ito__optimizer_bytes(narrow), 12 * n);
    assert_fails(ctx, ITO_USAGE, "in i32, expected f32 or bf16", ito__optimizer_create(ctx, list, &odd, 4, &none));
    ito__optimizer_destroy(wide);
    ito__optimizer_destroy(narrow);
    ito_param_list_destroy(list);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bf16_follows_f32),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests_name("optimizer", tests, NULL, NULL);
}
