/* Likelihoods when memory runs out at any point. */
#include "oom/oom.h"

#include <ito/likelihood.h>
#include <ito/mixture.h>

static ito_status score(ito_ctx *ctx, void *arg)
{
    static const double mean[] = {0.5, -0.5}, sd[] = {0.2, 0.3};
    ito_mixture_options o = {.dim = 1, .n_components = 2, .mean = mean, .sd = sd};
    ito_process *process = NULL;
    ito_mixture *mixture = NULL;
    ito_denoiser exact = {0};
    ito_vlb *vlb = NULL;
    ito_vlb_result bound;
    ito_nll_row rows[3];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(3, 1), arg);
    ito_status st = ito_process_create(ctx, "vp-cosine", NULL, &process);
    if (!st) st = ito_mixture_create(ctx, &o, &mixture);
    if (!st) st = ito_mixture_denoiser(ctx, mixture, process, "v", &exact);
    if (!st) st = ito_vlb_create(ctx, process, &exact, ITO_SHAPE(1), &(ito_vlb_options){.n_evals = 5}, &vlb);
    if (!st) st = ito_vlb_add(vlb, &xs, NULL, NULL, NULL);
    if (!st) st = ito_vlb_get(vlb, &bound);
    if (!st) st = ito_nll(ctx, process, &exact, &xs, NULL, NULL, NULL, rows);
    ito_vlb_destroy(vlb);
    ito_denoiser_clear(&exact);
    ito_mixture_destroy(mixture);
    ito_process_destroy(process);
    return st;
}

static void test_likelihoods(void **state)
{
    (void)state;
    float x[3] = {-1, 1, -1 + 200 / 127.5F};
    assert_true(oom_check(score, x) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_likelihoods)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
