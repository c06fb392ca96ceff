/* Sampling with guidance when memory runs out at any point. */
#include "oom/oom.h"

#include <ito/guidance.h>
#include <ito/mixture.h>
#include <ito/sampler.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_guided_samples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
