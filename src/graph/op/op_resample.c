/* Resampling of images [N, H, W, C] by whole factors: nearest upsampling repeats each pixel, average downsampling takes
 * the mean of each block. Up to the factor f_h f_w they are each other's transposes. */
#include "graph/op/op_util.h"

static ito_status infer_up(ito_infer *n)
{
    const ito_attr_resample *a = n->attr;
    ITO_TRY(ito__infer_same(n));
    if (n->in[0]->shape.n_dims != 4) return ito__infer_fail(n, "expected an image [N, H, W, C]");
    for (int i = 0; i < 2; i++) {
        if (a->factor[i] < 1) return ito__infer_fail(n, "factors must be positive");
        n->out[0].shape.d[1 + i] *= a->factor[i];
    }
    return ITO_OK;
}

static ito_status infer_down(ito_infer *n)
{
    const ito_attr_resample *a = n->attr;
    ITO_TRY(ito__infer_same(n));
    if (n->in[0]->shape.n_dims != 4) return ito__infer_fail(n, "expected an image [N, H, W, C]");
    for (int i = 0; i < 2; i++) {
        if (a->factor[i] < 1 || n->in[0]->shape.d[1 + i] % a->factor[i])
            return ito__infer_fail(n, "%lld does not divide the image", (long long)a->factor[i]);
        n->out[0].shape.d[1 + i] /= a->factor[i];
    }
    return ITO_OK;
}

static void up_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    const ito_attr_resample *a = n->attr;
    (void)need;
    ito_value *mean = ito_op_downsample_average(g, dy[0], a->factor[0], a->factor[1]);
    dx[0] = ito_op_scale(g, mean, (double)(a->factor[0] * a->factor[1]), 0);
}

static void down_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    const ito_attr_resample *a = n->attr;
    (void)need;
    ito_value *share = ito_op_scale(g, dy[0], 1 / (double)(a->factor[0] * a->factor[1]), 0);
    dx[0] = ito_op_upsample_nearest(g, share, a->factor[0], a->factor[1]);
}

static const ito_op_def upsample = {.name = "upsample_nearest",
                                    .summary = "each pixel repeated",
                                    .kernel = "upsample_nearest",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .attr_size = sizeof(ito_attr_resample),
                                    .infer = infer_up,
                                    .grad = up_rule,
                                    .moves = true};
static const ito_op_def downsample = {.name = "downsample_average",
                                      .summary = "the mean of each block of pixels",
                                      .kernel = "downsample_average",
                                      .min_in = 1,
                                      .max_in = 1,
                                      .n_out = 1,
                                      .attr_size = sizeof(ito_attr_resample),
                                      .infer = infer_down,
                                      .grad = down_rule};

ito_value *ito_op_upsample_nearest(ito_graph *g, ito_value *x, int64_t factor_h, int64_t factor_w)
{
    ito_attr_resample attr = {{factor_h, factor_w}};
    return ITO_OP(g, &upsample, &attr, x);
}

ito_value *ito_op_downsample_average(ito_graph *g, ito_value *x, int64_t factor_h, int64_t factor_w)
{
    ito_attr_resample attr = {{factor_h, factor_w}};
    return ITO_OP(g, &downsample, &attr, x);
}

/* ---- cases ---- */

static ito_value *build_up(ito_graph *g, ito_value *const *in, const void *arg)
{
    const int64_t *factor = arg;
    return ito_op_square(g, ito_op_upsample_nearest(g, in[0], factor[0], factor[1]));
}

static ito_value *build_down(ito_graph *g, ito_value *const *in, const void *arg)
{
    const int64_t *factor = arg;
    return ito_op_square(g, ito_op_downsample_average(g, in[0], factor[0], factor[1]));
}

static const int64_t two[] = {2, 2}, uneven[] = {3, 1};
#define CASE(text, make, factor, ...)                                                                                  \
    {                                                                                                                  \
        .name = text, .n_in = 1, .in = {{.shape = {4, {__VA_ARGS__}}}}, .build = make, .arg = factor                   \
    }
static const ito_op_case cases[] = {
    CASE("upsample x2", build_up, two, 2, 3, 5, 17),        CASE("upsample 1x1 image", build_up, two, 1, 1, 1, 3),
    CASE("upsample 3x1", build_up, uneven, 2, 2, 3, 4),     CASE("downsample x2", build_down, two, 2, 4, 6, 17),
    CASE("downsample 3x1", build_down, uneven, 1, 6, 3, 4),
};
static const ito_op_case real_cases[] = {
    CASE("upsample x2 16x16x256", build_up, two, 16, 16, 16, 256),
    CASE("downsample x2 32x32x128", build_down, two, 16, 32, 32, 128),
};
static const ito_op_def *const ops[] = {&upsample, &downsample};
const ito_op_family ito__ops_resample = ITO_OP_TABLES("resample");
