/* Sampling with guidance when memory runs out at any point. */
#include "oom/oom.h"

#include <ito/guidance.h>
#include <ito/mixture.h>
#include <ito/sampler.h>
#include <ito/timedist.h>

static ito_status guided_samples(ito_ctx *ctx, void *arg)
{
    static const double mean[] = {1, -1}, sd[] = {0.2, 0.3};
    static const int label[] = {0, 1};
    int32_t labels[] = {0, 1, 1}, none[] = {2};
    ito_mixture_options o = {.dim = 1, .n_components = 2, .mean = mean, .sd = sd, .label = label};
    ito_process *process = NULL;
    ito_mixture *mixture = NULL;
    ito_denoiser exact = {0}, guided = {0};
    ito_condition condition = {0}, null_condition = {0};
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(3, 1), arg);
    ito_sample_options run = {.n_steps = 4, .clip = "dynamic"};
    ito_status st = ito_condition_add(ctx, &condition, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(3), labels));
    if (!st) st = ito_condition_add(ctx, &null_condition, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(1), none));
    if (!st) st = ito_process_create(ctx, "vp-cosine", NULL, &process);
    if (!st) st = ito_mixture_create(ctx, &o, &mixture);
    if (!st) st = ito_mixture_denoiser(ctx, mixture, process, "v", &exact);
    if (!st) st = ito_guidance_cfg(ctx, &exact, &null_condition, 2, &guided);
    if (!st) st = ito_sample(ctx, process, &guided, &condition, &run, &xs);
    ito_denoiser_clear(&guided);
    ito_denoiser_clear(&exact);
    ito_mixture_destroy(mixture);
    ito_process_destroy(process);
    return st;
}

static void test_guided_samples(void **state)
{
    (void)state;
    float x[3];
    assert_true(oom_check(guided_samples, x) > 20);
}

/* A denoiser with learned variances behind guidance, and a distribution that learns: what else keeps arrays of its own. */
static ito_status zeros(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *condition,
                        ito_tensor *out, ito_tensor *extra)
{
    (void)self;
    (void)ctx;
    (void)t;
    (void)condition;
    memset(out->data, 0, (size_t)ito_shape_count(x->shape) * sizeof(float));
    if (extra) memset(extra->data, 0, (size_t)ito_shape_count(x->shape) * sizeof(float));
    return ITO_OK;
}

static ito_status learned_samples(ito_ctx *ctx, void *arg)
{
    ito_process *process = NULL;
    ito_timedist *times = NULL;
    ito_opts *opts = NULL;
    const ito_sampler_def *ddpm;
    ito_denoiser inner = {.eval = zeros, .n_extra = 1}, guided = {0};
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(3, 1), arg);
    ito_status st = ito_process_create(ctx, "vp-cosine", NULL, &process);
    if (!st) st = ito_timedist_create(ctx, "importance", NULL, process, &times);
    if (!st) st = ito_prediction_find(ctx, "x0", &inner.prediction);
    if (!st) st = ito_guidance_cfg(ctx, &inner, NULL, 2, &guided);
    if (!st) st = ito_sampler_find(ctx, "ddpm", &ddpm);
    if (!st) st = ito_opts_create(ctx, ddpm->choice.options, &opts);
    if (!st) st = ito_opts_set(opts, "ddpm", "variance", "learned_range");
    ito_sample_options run = {.sampler = "ddpm", .sampler_opts = opts, .n_steps = 4};
    if (!st) st = ito_sample(ctx, process, &guided, NULL, &run, &xs);
    ito_denoiser_clear(&guided);
    ito_opts_destroy(opts);
    ito_timedist_destroy(times);
    ito_process_destroy(process);
    return st;
}

static void test_learned_samples(void **state)
{
    (void)state;
    float x[3];
    assert_true(oom_check(learned_samples, x) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_guided_samples), cmocka_unit_test(test_learned_samples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
