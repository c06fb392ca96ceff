/* Predictor-corrector sampling (Song et al. 2021, algorithms 2 to 5): at each time n_corrections steps of Langevin dynamics at the
 * level of t, then a predictor's step to s. (The algorithms predict first; score_sde and this start with the corrector, so that the
 * last step, to the data, is a predictor's.) A corrector's step is x <- x + size score + sqrt(2 size) z with
 *     langevin:  size = 2 a (snr |z| / |score|)^2,    ald:  size = 2 a (snr sigma)^2,
 * a = (signal_t / signal_s)^2, which is 1 - beta_t of DDPM's steps and 1 where signal stays. Norms are of each sample, so that a
 * sample does not depend on its batch; batch_norms takes their means over the batch, as score_sde and diffusers' ScoreSdeVe do. With a few
 * dimensions, where the norm of a score may be near 0, single norms make steps of any length: batch_norms or ald are for those.
 * n_corrections + 1 evaluations a step. Tested in tests/exact/test_pc.c. */
#include <math.h>

#include "base/base.h"
#include "sampler/reverse_step.h"

enum { NO_PREDICTOR = ITO__ANCESTRAL + 1 }; /* behind ito__reverse_kind */
enum { LANGEVIN, ALD, NO_CORRECTOR };
enum { OF_SCORE, OF_NOISE, COEF }; /* numbers: norms, then three rows of coefficients */

#define N_NUMBERS (COEF + 3)

static void average(int64_t n, double *x)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    for (int64_t i = 0; i < n; i++) x[i] = sum / (double)n;
}

/* size / sigma^2 of each sample into the numbers OF_SCORE. */
static void choose_sizes(ito_step *st, const void *eps, const void *noise)
{
    double *of_eps = st->number[OF_SCORE], *of_noise = st->number[OF_NOISE], snr = ito_opts_real(st->opts, "snr");
    double scale = st->t.signal / st->s.signal, a = scale * scale;
    bool by_norm = ito_opts_choice(st->opts, "corrector") == LANGEVIN;
    ito_step_norm(st, eps, of_eps);
    ito_step_norm(st, noise, of_noise);
    if (ito_opts_bool(st->opts, "batch_norms")) {
        average(st->n, of_eps);
        average(st->n, of_noise);
    }
    for (int64_t i = 0; i < st->n; i++) {
        /* EQ[sde:a4] EQ[sde:a5]  size = 2 a (snr |z| / |score|)^2, |score| = |eps| / sigma; EQ[sde:s4.2]  or 2 a (snr sigma)^2 */
        double ratio = by_norm ? of_noise[i] / of_eps[i] : 1;
        of_eps[i] = isfinite(ratio) ? 2 * a * snr * snr * ratio * ratio : 0;
    }
}

/* One corrector's step of scratch[0]; scratch[1] is the noise. */
static ito_status correct(ito_step *st, int draw)
{
    ito_estimate e;
    void *x = st->scratch[0], *z = st->scratch[1];
    double *size = st->number[OF_SCORE], *coef = st->number[COEF];
    ITO_TRY(ito_step_predict(st, 0, &st->t, x, &e));
    ITO_TRY(ito_step_noise(st, draw, z));
    choose_sizes(st, e.eps, z);
    for (int64_t i = 0; i < st->n; i++) {
        coef[i] = 1;
        coef[st->n + i] = -size[i] * st->t.sigma;
        coef[2 * st->n + i] = sqrt(2 * size[i]) * st->t.sigma;
    }
    ito_step_combine_each(st, 3, coef, (const void *const[]){x, e.eps, z}, x);
    return ITO_OK;
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    int predictor = ito_opts_choice(st->opts, "predictor"), n = (int)ito_opts_int(st->opts, "n_corrections");
    bool corrects = ito_opts_choice(st->opts, "corrector") != NO_CORRECTOR;
    ito_step_combine(st, 1, (const ito_term[]){{1, st->x}}, st->scratch[0]);
    for (int j = 0; corrects && j < n; j++) ITO_TRY(correct(st, 1 + j));
    if (predictor == NO_PREDICTOR) return ito_step_to(st, 1, (const ito_term[]){{1, st->scratch[0]}}, 0);
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->scratch[0], &e));
    return ito__reverse_step_end(st, (ito__reverse_kind)predictor, st->scratch[0], &e,
                                 ito_opts_bool(st->opts, "denoise"));
}

static ito_status check(ito_ctx *ctx, const ito_opts *opts)
{
    if (ito_opts_choice(opts, "predictor") != NO_PREDICTOR || ito_opts_choice(opts, "corrector") != NO_CORRECTOR)
        return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "sampler pc has neither predictor nor corrector: choose one of each at least");
}

static const char *const predictors[] = {"euler-maruyama", "reverse-diffusion", "ancestral", "none", NULL};
static const char *const correctors[] = {"langevin", "ald", "none", NULL};
static const ito_opt_def options[] = {
    ITO_OPT_CHOICE("predictor", ITO__REVERSE_DIFFUSION, predictors, "the step from t to s"),
    ITO_OPT_CHOICE("corrector", LANGEVIN, correctors, "the step at t; ald: size by the level alone"),
    ITO_OPT_REAL("snr", 0.16, 1e-6, 10, "target of the corrector's signal-to-noise ratio"),
    ITO_OPT_INT("n_corrections", 1, 0, 1000, "corrector's steps at each time"),
    ITO_OPT_BOOL("batch_norms", false, "norms are means over the batch, as in score_sde and diffusers"),
    ITO__DENOISE_OPTION,
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_pc = {
    .choice = {.name = "pc",
               .summary = "predictor-corrector: steps of the reverse SDE with Langevin dynamics in between",
               .formula = "x <- x + size score + sqrt(2 size) z, size = 2 a (snr |z| / |score|)^2; then the predictor",
               .paper = "sde",
               .eq = "sde:a4",
               .file = "src/sampler/pc.c",
               .options = options},
    .has_no_limit = true,
    .is_stochastic = true,
    .n_scratch = 2,
    .n_numbers = N_NUMBERS,
    .check = check,
    .step = step,
};
