/* UNet2DModel against diffusers: the output and the gradients of L = <output, cotangent> in every weight and in the image,
 * for every fixture of tests/golden/unet (tools/make_unet_fixtures.py), on the fast and on the reference kernels.
 *
 * Tolerance: the fixtures were computed in float64, so the differences are float32 rounding through some forty layers:
 * 1e-4 of the largest reference value of each tensor. Some gradients are zero in exact arithmetic (a shift of all keys
 * does not move a softmax); what rounding leaves of them is held against 1e-6 of the fixture's largest gradient. */
#include "golden_file.h"
#include "networks.h"

#define FOLDER    "tests/golden/unet"
#define FIXTURES  12
#define TOLERANCE 1e-4
#define FLOOR     1e-6

typedef struct model {
    golden_file file;
    ito_network *network;
    ito_params *weights, *gradients;
    ito_graph *g;
    ito_net *net;
    ito_arch_inputs in;
    ito_value *cotangent, *y, *dx, **dw;
    ito_program *program;
    double worst;
} model;

static ito_network *open_network(ito_ctx *ctx, const golden_file *file)
{
    const char *text = json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), "config"));
    assert_non_null(text);
    return network_open(ctx, text);
}

/* Every weight of the file has a place, of its shape, and every place is filled. */
static void load_weights(model *m)
{
    const char *name;
    json_t *entry;
    int filled = 0;
    json_object_foreach(m->file.header, name, entry)
    {
        if (!strncmp(name, "grad.", 5) || !strncmp(name, "input.", 6) || !strncmp(name, "output.", 7) ||
            !strcmp(name, "__metadata__"))
            continue;
        int i = ito__network_find_param(m->network, name);
        if (i < 0) fail_msg("the network has no parameter '%s'", name);
        golden_tensor t = golden_get(&m->file, name);
        const ito_param *p = ito_param_list_get(m->network->params, i);
        assert_true(ito_shape_equal(t.shape, p->shape));
        memcpy(ito_params_data(m->weights, i), t.data, (size_t)p->count * sizeof(float));
        filled++;
    }
    assert_int_equal(filled, ito_param_list_count(m->network->params));
}

static void build(ito_ctx *ctx, model *m)
{
    ito_shape image = golden_get(&m->file, "input.sample").shape, out = golden_get(&m->file, "output.sample").shape;
    int n = ito_param_list_count(m->network->params);
    assert_ok(ctx, ito_graph_create(ctx, &m->g));
    assert_ok(ctx, ito__net_create(m->g, m->network->params, ITO_F32, false, &m->net));
    m->in = ito__network_inputs(m->network, m->g, ITO_F32, image.d[0], image.d[2], image.d[3]);
    ito_scope root = ito__net_scope(m->net);
    m->y = m->network->arch->build(&root, m->network->config, &m->in);
    m->cotangent = ito_graph_input(m->g, "cotangent", ITO_F32, ITO_SHAPE(out.d[0], out.d[2], out.d[3], out.d[1]));
    ito_value *loss = ito_op_sum(m->g, ito_op_mul(m->g, m->y, m->cotangent), ITO_ALL_AXES, false);
    m->dw = calloc((size_t)n, sizeof(ito_value *));
    assert_ok(ctx, ito__net_grad(m->net, loss, m->dw));
    assert_ok(ctx, ito_graph_grad(m->g, 1, &loss, NULL, 1, &m->in.x, &m->dx));
}

static void compile(ito_ctx *ctx, model *m, const char *backend)
{
    int n = ito_param_list_count(m->network->params);
    ito_value **outputs = calloc((size_t)n + 2, sizeof *outputs);
    memcpy(outputs, m->dw, (size_t)n * sizeof *outputs);
    outputs[n] = m->y;
    outputs[n + 1] = m->dx;
    assert_ok(ctx, ito_program_create(m->g, n + 2, outputs, &(ito_program_options){.backend = backend, .n_bound = n},
                                      &m->program));
    assert_ok(ctx, ito__net_bind(m->net, m->program, m->weights));
    for (int i = 0; i < n; i++)
        assert_ok(ctx, ito_program_bind(m->program, m->dw[i], ito_params_data(m->gradients, i)));
    free(outputs);
}

static void write_input(ito_ctx *ctx, model *m, const ito_value *v, const char *name, bool image)
{
    golden_tensor t;
    double *x = golden_doubles(&m->file, name, image, &t);
    assert_true(ito_shape_equal(t.shape, ito_value_shape(v)));
    write_doubles(m->program, ctx, v, x);
    free(x);
}

static double largest(int64_t n, const double *x)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* Keeps the worst error, as a fraction of what is allowed. */
static void assert_near(model *m, const char *what, int64_t n, const double *got, const double *want, double floor)
{
    double allowed = fmax(TOLERANCE * largest(n, want), floor);
    for (int64_t i = 0; i < n; i++) {
        double error = fabs(got[i] - want[i]);
        if (!(error <= allowed))
            fail_msg("%s[%lld]: got %.9g, want %.9g, off by %.2g, allowed %.2g", what, (long long)i, got[i], want[i],
                     error, allowed);
        if (error > 0) m->worst = fmax(m->worst, error / allowed);
    }
}

static void check_value(ito_ctx *ctx, model *m, const ito_value *v, const char *name)
{
    golden_tensor t;
    double *want = golden_doubles(&m->file, name, true, &t), *got = read_doubles(m->program, ctx, v);
    assert_true(ito_shape_equal(t.shape, ito_value_shape(v)));
    assert_near(m, name, ito_shape_count(t.shape), got, want, 0);
    free(want);
    free(got);
}

/* The gradient that the file has for parameter i; NULL when it is not trainable there. */
static double *wanted_gradient(const model *m, int i, char name[256])
{
    golden_tensor t;
    snprintf(name, 256, "grad.%s", ito_param_list_get(m->network->params, i)->name);
    return golden_get(&m->file, name).data ? golden_doubles(&m->file, name, false, &t) : NULL;
}

static double largest_gradient(const model *m)
{
    double most = 0;
    char name[256];
    for (int i = 0; i < ito_param_list_count(m->network->params); i++) {
        double *want = wanted_gradient(m, i, name);
        if (want) most = fmax(most, largest(ito_param_list_get(m->network->params, i)->count, want));
        free(want);
    }
    return most;
}

/* What is not trainable in the file must have a gradient of exactly zero. */
static void check_gradients(model *m)
{
    double floor = FLOOR * largest_gradient(m);
    char name[256];
    for (int i = 0; i < ito_param_list_count(m->network->params); i++) {
        int64_t n = ito_param_list_get(m->network->params, i)->count;
        const float *data = ito_params_data(m->gradients, i);
        double *want = wanted_gradient(m, i, name), *got = calloc((size_t)n, sizeof *got);
        double *zero = calloc((size_t)n, sizeof *zero);
        for (int64_t k = 0; k < n; k++) got[k] = (double)data[k];
        assert_near(m, name, n, got, want ? want : zero, want ? floor : 0);
        free(want);
        free(got);
        free(zero);
    }
}

static void check_fixture(ito_ctx *ctx, const char *path, const char *backend)
{
    model m = {.file = golden_open(ctx, path)};
    m.network = open_network(ctx, &m.file);
    assert_ok(ctx, ito_params_create(ctx, m.network->params, ITO_F32, &m.weights));
    assert_ok(ctx, ito_params_create(ctx, m.network->params, ITO_F32, &m.gradients));
    load_weights(&m);
    build(ctx, &m);
    compile(ctx, &m, backend);
    write_input(ctx, &m, m.in.x, "input.sample", true);
    write_input(ctx, &m, m.in.t, "input.timestep", false);
    if (m.in.label) write_input(ctx, &m, m.in.label, "input.class_labels", false);
    write_input(ctx, &m, m.cotangent, "input.cotangent", true);
    assert_ok(ctx, ito_program_run(m.program));
    check_value(ctx, &m, m.y, "output.sample");
    check_value(ctx, &m, m.dx, "grad.input.sample");
    check_gradients(&m);
    print_message("  %s on %s: worst error %.3f of the tolerance\n", path, backend, m.worst);
    ito_program_destroy(m.program);
    ito__net_destroy(m.net);
    ito_graph_destroy(m.g);
    ito_params_destroy(m.weights);
    ito_params_destroy(m.gradients);
    ito__network_destroy(m.network);
    golden_close(&m.file);
    free(m.dw);
}

/* EQ[ddpm:appB] */
static void check_backend(const char *backend)
{
    ito_ctx *ctx = ctx_open(0);
    ito__dir dir;
    assert_ok(ctx, ito__dir_list(ctx, FOLDER, &dir));
    assert_int_equal(dir.n, FIXTURES);
    for (int i = 0; i < dir.n; i++) {
        char path[256];
        snprintf(path, sizeof path, FOLDER "/%s", dir.entries[i].name);
        check_fixture(ctx, path, backend);
    }
    ito__dir_clear(ctx, &dir);
    ito_ctx_destroy(ctx);
}

static void test_reference_kernels_match_diffusers(void **state)
{
    (void)state;
    check_backend("ref");
}

static void test_fast_kernels_match_diffusers(void **state)
{
    (void)state;
    check_backend("cpu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_kernels_match_diffusers),
        cmocka_unit_test(test_fast_kernels_match_diffusers),
    };
    return cmocka_run_group_tests_name("golden U-Nets", tests, NULL, NULL);
}
