/* EDM's stochastic sampler (Karras, Aittala, Aila, Laine 2022, algorithm 2) for any process, in y = x / signal and sigma_hat = sigma /
 * signal: a little fresh noise raises sigma_hat by the factor 1 + gamma, and Heun's rule goes from there to s:
 *     y^ = y_t + sqrt(sigma^^2 - sigma_t^2) s_noise z,    sigma^ = (1 + gamma) sigma_t,
 *     y' = y^ + (sigma_s - sigma^) eps(y^, sigma^),    y_s = y^ + (sigma_s - sigma^) (eps(y^, sigma^) + eps(y', sigma_s)) / 2.
 * gamma = min(s_churn / n_steps, sqrt(2) - 1) where s_min <= sigma_t <= s_max, or 0; noise is not raised over the process's own.
 * s_churn = 0, the default, is the deterministic Heun sampler of algorithm 1, of order 2. The step is Euler's where an end has no
 * noise or no signal. Two evaluations a step, one in the last. Tested in tests/exact/test_ancestral.c. */
#include <math.h>

#include "sampler/ancestral.h"

/* EQ[edm:a2]  gamma = min(s_churn / N, sqrt(2) - 1) if s_min <= sigma_t <= s_max, or 0 */
static ito_level raised(const ito_step *st, double sigma)
{
    double churn = ito_opts_real(st->opts, "s_churn");
    bool churns = churn > 0 && ito__level_is_inner(&st->t) && sigma >= ito_opts_real(st->opts, "s_min") &&
                  sigma <= ito_opts_real(st->opts, "s_max");
    if (!churns) return st->t;
    double gamma = fmin(churn / st->n_steps, sqrt(2) - 1);
    return ito__level_at_sigma_hat(st->process, (1 + gamma) * sigma);
}

/* The state at the raised level into scratch[0]. */
static ito_status raise(ito_step *st, const ito_level *hat, double from, double to)
{
    double fresh = to * to - from * from, scale = hat->signal / st->t.signal;
    ito_status status = ito_step_noise(st, 0, st->scratch[1]);
    if (status != ITO_OK) return status;
    double sd = hat->signal * sqrt(fmax(fresh, 0)) * ito_opts_real(st->opts, "s_noise");
    ito_step_combine(st, 2, (const ito_term[]){{scale, st->x}, {sd, st->scratch[1]}}, st->scratch[0]);
    return ITO_OK;
}

static ito_status step(ito_step *st)
{
    ito_estimate d, next;
    ito_status status;
    double from = ito__level_sigma_hat(&st->t);
    ito_level hat = raised(st, from);
    const void *x = st->x;
    if (hat.log_snr < st->t.log_snr) {
        status = raise(st, &hat, from, ito__level_sigma_hat(&hat));
        if (status != ITO_OK) return status;
        x = st->scratch[0];
    }
    status = ito_step_predict(st, 0, &hat, x, &d);
    if (status != ITO_OK) return status;
    if (!ito__level_is_inner(&hat) || !ito__level_is_inner(&st->s)) return ito__ancestral_euler(st, &d, 0, 0);
    ito__walk_to(st, &d, &st->s, st->scratch[1]);
    status = ito_step_predict(st, 1, &st->s, st->scratch[1], &next);
    if (status != ITO_OK) return status;
    /* EQ[edm:a1]  y_s = y^ + (sigma_s - sigma^) (d_t + d_s) / 2, d = dy/dsigma_hat = eps */
    double scale = st->s.signal / hat.signal, half = 0.5 * (st->s.sigma - scale * hat.sigma);
    return ito_step_to(st, 3, (const ito_term[]){{scale, x}, {half, d.eps}, {half, next.eps}}, 0);
}

static bool is_noisy(const ito_opts *opts)
{
    return ito_opts_real(opts, "s_churn") > 0;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("s_churn", 0, 0, 1e6, "how much noise is added over all steps; 0: deterministic"),
    ITO_OPT_REAL("s_min", 0, 0, 1e9, "sigma / signal below which none is"),
    ITO_OPT_REAL("s_max", 1e9, 0, 1e9, "sigma / signal above which none is"),
    ITO_OPT_REAL("s_noise", 1, 0, 10, "factor of the added noise; the paper's is 1.003 to 1.007"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_edm = {
    .choice = {.name = "edm",
               .summary = "EDM's: Heun's rule, with churned noise where it is asked for",
               .formula = "y_s = y^ + (sigma_s - sigma^) (eps(y^, sigma^) + eps(y', sigma_s)) / 2, y = x / signal",
               .paper = "edm",
               .eq = "edm:a2",
               .file = "src/sampler/sampler_edm.c",
               .options = options},
    .order = 2,
    .n_estimates = 2,
    .n_scratch = 2,
    .is_noisy = is_noisy,
    .step = step,
};
