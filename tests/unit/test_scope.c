/* Parameter lists, sets and nets: names, shapes, initial values, sharing, gradients into a flat set. */
#include <math.h>

#include "nn/scope.h"
#include "op_cases.h"

typedef struct fixture {
    ito_ctx *ctx;
    ito_graph *g;
    ito_param_list *list;
    ito_net *net;
} fixture;

static fixture begin(void)
{
    fixture f = {.ctx = ctx_open(0)};
    assert_ok(f.ctx, ito_graph_create(f.ctx, &f.g));
    assert_ok(f.ctx, ito_param_list_create(f.ctx, &f.list));
    assert_ok(f.ctx, ito__net_create(f.g, f.list, ITO_F32, true, &f.net));
    return f;
}

static void end(fixture *f)
{
    ito__net_destroy(f->net);
    ito_param_list_destroy(f->list);
    ito_graph_destroy(f->g);
    ito_ctx_destroy(f->ctx);
}

static ito_value *layer(const ito_scope *outer, const char *name, ito_value *x, int64_t n_in, int64_t n_out)
{
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *w = ito__param(&s, "weight", ITO_SHAPE(n_out, n_in), ITO_INIT_NORMAL, 0.5, true);
    ito_value *b = ito__param(&s, "bias", ITO_SHAPE(n_out), ITO_INIT_ZERO, 0, false);
    ito__scope_end(&s);
    return ito_op_linear(outer->g, x, w, b);
}

static void test_names_and_sharing(void **state)
{
    (void)state;
    fixture f = begin();
    ito_scope root = ito__net_scope(f.net), block = ito__scope(&root, "blocks.%d", 3);
    ito_value *x = ito_graph_input(f.g, "x", ITO_F32, ITO_SHAPE(2, 5));
    ito_value *once = layer(&block, "fc", x, 5, 5), *twice = layer(&block, "fc", once, 5, 5);
    assert_non_null(twice);
    assert_int_equal(ito_param_list_count(f.list), 2);
    assert_string_equal(ito_param_list_get(f.list, 0)->name, "blocks.3.fc.weight");
    assert_int_equal(ito_param_list_get(f.list, 1)->offset, 32); /* 25 rounded up to 16s */
    assert_int_equal(ito_param_list_n_weights(f.list), 30);
    assert_ok(f.ctx, ito_graph_status(f.g));
    ito__param(&block, "fc.weight", ITO_SHAPE(4, 5), ITO_INIT_ZERO, 0, false);
    assert_int_equal(ito_graph_status(f.g), ITO_SHAPE);
    assert_non_null(strstr(ito_last_error(f.ctx), "blocks.3.fc.weight"));
    end(&f);
}

static void test_init(void **state)
{
    (void)state;
    fixture f = begin();
    int i, j;
    assert_ok(f.ctx, ito_param_list_add(f.list, "w", ITO_SHAPE(100, 200), ITO_INIT_NORMAL, 0.1, true, &i));
    assert_ok(f.ctx, ito_param_list_add(f.list, "g", ITO_SHAPE(7), ITO_INIT_ONE, 0, false, &j));
    assert_int_equal(ito_param_list_add(f.list, "g", ITO_SHAPE(7), ITO_INIT_ONE, 0, false, &j), ITO_USAGE);
    ito_params *p;
    assert_ok(f.ctx, ito_params_create(f.ctx, f.list, ITO_F32, &p));
    ito_params_init(p, 7);
    const float *w = ito_params_data(p, i), *g = ito_params_data(p, 1);
    double sum = 0, square = 0;
    for (int k = 0; k < 20000; k++) {
        sum += (double)w[k];
        square += (double)w[k] * (double)w[k];
    }
    assert_true(fabs(sum / 20000) < 5 * 0.1 / sqrt(20000.0)); /* five standard errors */
    assert_true(fabs(square / 20000 - 0.01) < 5 * 0.01 * sqrt(2 / 20000.0));
    for (int k = 0; k < 7; k++) assert_true(g[k] == 1);
    ito_params_destroy(p);
    end(&f);
}

static void test_gradients_into_a_set(void **state)
{
    (void)state;
    fixture f = begin();
    ito_scope root = ito__net_scope(f.net);
    ito_value *x = ito_graph_input(f.g, "x", ITO_F32, ITO_SHAPE(2, 3)), *grads[2];
    ito_value *loss = ito_op_sum(f.g, layer(&root, "fc", x, 3, 4), ITO_ALL_AXES, false);
    assert_ok(f.ctx, ito__net_grad(f.net, loss, grads));
    ito_params *w, *d;
    assert_ok(f.ctx, ito_params_create(f.ctx, f.list, ITO_F32, &w));
    assert_ok(f.ctx, ito_params_create(f.ctx, f.list, ITO_F32, &d));
    ito_program *p;
    ito_value *outputs[] = {grads[0], grads[1], loss};
    assert_ok(f.ctx, ito_program_create(f.g, 3, outputs, &(ito_program_options){.n_bound = 2}, &p));
    assert_ok(f.ctx, ito__net_bind(f.net, p, w));
    assert_int_equal(ito_program_run(p), ITO_STATE); /* gradients are not bound yet */
    for (int i = 0; i < 2; i++) assert_ok(f.ctx, ito_program_bind(p, grads[i], ito_params_data(d, i)));
    float values[6] = {1, 2, 3, 4, 5, 6};
    assert_ok(f.ctx, ito_program_write(p, x, values));
    assert_ok(f.ctx, ito_program_run(p));
    for (int o = 0; o < 4; o++) {
        assert_true(((float *)ito_params_data(d, 1))[o] == 2);
        for (int k = 0; k < 3; k++)
            assert_true(((float *)ito_params_data(d, 0))[o * 3 + k] == values[k] + values[3 + k]);
    }
    ito_program_destroy(p);
    ito_params_destroy(w);
    ito_params_destroy(d);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_sharing),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_gradients_into_a_set),
    };
    return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
