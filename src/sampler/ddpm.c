/* DDPM's ancestral sampling (Ho, Jain, Abbeel 2020, algorithm 2), for any s < t:
 *     x_s = mu_tilde(x_t, x_0) + sqrt(variance) z,
 * the posterior q(x_s | x_t, x_0) with x_0 replaced by its prediction. No noise in the last step, which ends at the
 * data, unless asked for. With every timestep and fixed_small it is DDIM with eta = 1; use it with many steps. A learned variance is of
 * each element (improved DDPM), from the denoiser's extra output. Tested on exact denoisers in
 * tests/exact/test_sampler.c. */
#include <ito/sampler.h>
#include <ito/variance.h>

#include <math.h>

static ito_status check(ito_ctx *ctx, const ito_opts *opts)
{
    const ito_variance_def *variance;
    return ito_variance_find(ctx, ito_opts_text(opts, "variance"), &variance);
}

static bool uses_extra(ito_ctx *ctx, const ito_opts *opts)
{
    const ito_variance_def *variance;
    return ito_variance_find(ctx, ito_opts_text(opts, "variance"), &variance) == ITO_OK && variance->range;
}

/* diffusers injects noise in the step to the data, too, unless it starts at the first timestep; a variance of 0 is 1e-20 there. */
#define LEAST_VARIANCE 1e-20

static bool has_noise(const ito_step *st)
{
    return st->s.sigma > 0 || (ito_opts_bool(st->opts, "noisy_end") && st->t.t > 1);
}

static ito_log_variance learned(const ito_step *st, const ito_variance_def *variance)
{
    if (st->s.sigma > 0) return ito_variance_log(variance, st->process, NULL, &st->t, &st->s);
    double least = log(LEAST_VARIANCE), most = log(ito_level_transition(&st->t, &st->s).variance);
    return (ito_log_variance){0.5 * (least + most), 0.5 * (most - least)};
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    const ito_variance_def *variance;
    ito_status status = ito_variance_find(st->ctx, ito_opts_text(st->opts, "variance"), &variance);
    if (status == ITO_OK) status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    ito_posterior q = ito_level_posterior(&st->t, &st->s);
    bool is_noisy = has_noise(st);
    /* EQ[ddpm:11] = EQ[survey:12] = EQ[survey:17] = EQ[survey:6]  x_s = mu_tilde(x_t, x_0) + sd z; for s = t - 1 the
     * mean is (x_t - beta_t / sqrt(1 - alpha_bar_t) eps) / sqrt(1 - beta_t) */
    const ito_term mean[] = {{q.coef_x, st->x}, {q.coef_x0, e.x0}};
    if (!is_noisy || variance->fixed)
        return ito_step_to(st, 2, mean, is_noisy ? sqrt(variance->fixed(&st->t, &st->s)) : 0);
    ito_log_variance range = learned(st, variance);
    return ito_step_to_learned(st, 2, mean, range.shift, range.scale, e.extra);
}

static const ito_opt_def options[] = {
    ITO_OPT_TEXT("variance", "fixed_small", "variance of the injected noise (`ito list variance`)"),
    ITO_OPT_BOOL("noisy_end", 0, "noise also in a step to the data from after the first timestep, as diffusers has it"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_ddpm = {
    .choice = {.name = "ddpm",
               .summary = "ancestral sampling, for many steps",
               .formula = "x_s = mu_tilde(x_t, x_0) + sqrt(variance) z",
               .paper = "ddpm",
               .eq = "ddpm:11",
               .file = "src/sampler/ddpm.c",
               .options = options},
    .order = 0,
    .is_stochastic = true,
    .check = check,
    .uses_extra = uses_extra,
    .step = step,
};
