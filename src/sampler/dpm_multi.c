/* DPM-Solver (Lu et al. 2022) and DPM-Solver++ (Lu et al. 2022), multistep: one evaluation a step, the rest of the order from the
 * estimates of the steps before, of eps (dpm) or x_0 (dpmpp). Over lambda, half the log-SNR, with r_0 = (lambda_t -
 * lambda_1) / h and so on, and D_0 = (m_t - m_1) / r_0, D_1 = (m_1 - m_2) / r_1:
 *     2M:  x_s = of_x x_t + gain psi_1 (m_t + D_0 / 2), or with "heun" gain (psi_1 m_t + psi_2 D_0);
 *     3M:  x_s = of_x x_t + gain (psi_1 m_t + psi_2 D + 2 psi_3 E), the polynomial through three estimates:
 *          D = D_0 + r_0 E, E = (D_0 - D_1) / (r_0 + r_1).
 * The program that the authors published, and diffusers after it, have psi_3 E, without the 2: with it the order is 3, without
 * it 2 (docs/errata.md); `form` chooses. The first steps, after a break, and at the ends of the process, where lambda is
 * infinite, are of lower order, and so are the last of a run of fewer than 15 steps. Tested in
 * tests/exact/test_exp_solvers.c and test_orders.c. */
#include <ito/sampler.h>

#include <math.h>

#include "base/base.h"
#include "sampler/exp_integrator.h"
#include "sampler/solver.h"

#define FEW_STEPS 15

enum { MIDPOINT, HEUN };
enum { TAYLOR, CODE };
static const char *const types[] = {"midpoint", "heun", NULL}, *const forms[] = {"taylor", "code", NULL};

/* EQ[dpmpp:a2]  w of m_t, m_1: psi_1 (1 + 1 / (2 r_0)), -psi_1 / (2 r_0); here r[1] = -r_0 */
static void weigh_two(const ito_opts *opts, double z, const double *r, double *w)
{
    if (ito_opts_choice(opts, "solver_type") == HEUN) {
        ito__exp_weights(z, 2, r, w);
        return;
    }
    w[1] = 0.5 * ito__psi(1, z) / r[1];
    w[0] = ito__psi(1, z) - w[1];
}

/* EQ[dpmpp:code]  psi_1 m_t + psi_2 D + 2 psi_3 E by the moments of its weights: sum_j w_j r_j^k = psi_1, psi_2, 2 psi_3 */
static void weigh_three(const ito_opts *opts, double z, const double *r, double *w)
{
    bool is_code = ito_opts_choice(opts, "form") == CODE;
    for (int k = 0; k < 3; k++) w[k] = ito__psi(k + 1, z);
    w[2] =
        is_code ? w[2] + ito_opts_bool(opts, "sde") : 2 * w[2]; /* of the SDE, diffusers has 1/2 with the wrong sign */
    ito__match_moments(3, r, w);
}

/* Fresh noise in every step: the reverse SDE of which the ODE is the mean. Turns *whole into its step and gives the deviation. */
static double add_noise(const ito_step *st, bool of_x0, ito__exp_step *whole)
{
    double h = whole->h;
    if (!ito_opts_bool(st->opts, "sde")) return 0;
    if (!of_x0) { /* EQ[dpmpp:s4.3]  x_s = signal_s / signal_t x_t - 2 sigma_s psi_1(h) eps + sigma_s sqrt(exp(2 h) - 1) z */
        whole->gain *= 2;
        return st->s.sigma * sqrt(expm1(2 * h));
    }
    /* EQ[dpmpp:s4.3]  x_s = sigma_s / sigma_t exp(-h) x_t - signal_s psi_1(-2 h) x_0 + sigma_s sqrt(1 - exp(-2 h)) z */
    whole->of_x *= exp(-h);
    whole->z = -2 * h;
    return st->s.sigma * sqrt(-expm1(-2 * h));
}

static int order_now(const ito_step *st, int order)
{
    int left = st->n_steps - st->index, most = (int)ito_opts_int(st->opts, "order");
    if (most) order = ITO_MIN(order, most);
    if (ito_opts_bool(st->opts, "lower_order_final") && st->n_steps < FEW_STEPS) order = ITO_MIN(order, left);
    return ito_opts_bool(st->opts, "euler_at_final") && left == 1 ? 1 : order;
}

static ito_status step(ito_step *st, bool of_x0, int order)
{
    ito_estimate e, past[2];
    ito__exp_step whole;
    double r[3], w[3];
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->x, &e));
    if (!ito__exp_step_between(of_x0, &st->t, &st->s, &whole)) return ito__step_ddim(st, &e);
    int n = 1 + ito__step_past(st, order_now(st, order) - 1, past);
    ito__exp_nodes(&whole, &st->t, n - 1, past, r);
    double sd = add_noise(st, of_x0, &whole);
    if (n == 1)
        w[0] = ito__psi(1, whole.z);
    else if (n == 2)
        weigh_two(st->opts, whole.z, r, w);
    else
        weigh_three(st->opts, whole.z, r, w);
    ito_term terms[4] = {{whole.of_x, st->x}, {whole.gain * w[0], ito__exp_model(of_x0, &e)}};
    for (int j = 1; j < n; j++) terms[1 + j] = (ito_term){whole.gain * w[j], ito__exp_model(of_x0, &past[j - 1])};
    return ito_step_to(st, 1 + n, terms, sd);
}

static bool is_noisy(const ito_opts *opts)
{
    return ito_opts_bool(opts, "sde");
}

static ito_status step_dpm_2m(ito_step *st)
{
    return step(st, false, 2);
}

static ito_status step_dpm_3m(ito_step *st)
{
    return step(st, false, 3);
}

static ito_status step_dpmpp_2m(ito_step *st)
{
    return step(st, true, 2);
}

static ito_status step_dpmpp_3m(ito_step *st)
{
    return step(st, true, 3);
}

#define OPTIONS_TWO                                                                                                    \
    ITO_OPT_CHOICE("solver_type", MIDPOINT, types, "what two estimates weigh: psi_1 / 2 for psi_2, or psi_2 itself"),  \
        ITO_OPT_BOOL("lower_order_final", 1, "the last steps are of lower order in a run of fewer than 15"),           \
        ITO_OPT_BOOL("euler_at_final", 0, "the last step is of order 1"),                                              \
        ITO_OPT_INT("order", 0, 0, 3, "no more than this; 0: the method's"),                                           \
        ITO_OPT_BOOL("sde", 0, "fresh noise in every step: the reverse SDE instead of the ODE")

static const ito_opt_def options_two[] = {OPTIONS_TWO, ITO_OPT_END};
static const ito_opt_def options_three[] = {
    OPTIONS_TWO,
    ITO_OPT_CHOICE("form", TAYLOR, forms, "2 psi_3 for the second derivative, or psi_3 as in the published code"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_dpm_2m = {
    .choice = {.name = "dpm-2m",
               .summary = "DPM-Solver of order 2, multistep: 1 evaluation a step",
               .formula = "x_s = signal_s / signal_t x_t - sigma_s expm1(h) (eps_t + D_0 / 2)",
               .paper = "dpmpp",
               .eq = "dpmpp:a2",
               .file = "src/sampler/dpm_multi.c",
               .options = options_two},
    .order = 2,
    .n_history = 1,
    .is_noisy = is_noisy,
    .step = step_dpm_2m,
};

const ito_sampler_def ito__sampler_dpm_3m = {
    .choice = {.name = "dpm-3m",
               .summary = "DPM-Solver of order 3, multistep: 1 evaluation a step",
               .formula = "x_s = signal_s / signal_t x_t - sigma_s (psi_1(h) eps_t + psi_2(h) D + 2 psi_3(h) E)",
               .paper = "dpmpp",
               .eq = "dpmpp:code",
               .file = "src/sampler/dpm_multi.c",
               .options = options_three},
    .order = 3,
    .run_order = 2,
    .n_history = 2,
    .is_noisy = is_noisy,
    .step = step_dpm_3m,
};

const ito_sampler_def ito__sampler_dpmpp_2m = {
    .choice = {.name = "dpmpp-2m",
               .summary = "DPM-Solver++ (2M), multistep: the usual choice for 10 to 30 evaluations",
               .formula = "x_s = sigma_s / sigma_t x_t - signal_s expm1(-h) (x_0 + D_0 / 2)",
               .paper = "dpmpp",
               .eq = "dpmpp:a2",
               .file = "src/sampler/dpm_multi.c",
               .options = options_two},
    .order = 2,
    .n_history = 1,
    .is_noisy = is_noisy,
    .step = step_dpmpp_2m,
};

const ito_sampler_def ito__sampler_dpmpp_3m = {
    .choice = {.name = "dpmpp-3m",
               .summary = "DPM-Solver++ (3M), multistep: 1 evaluation a step",
               .formula = "x_s = sigma_s / sigma_t x_t - signal_s (psi_1(-h) x_0 + psi_2(-h) D + 2 psi_3(-h) E)",
               .paper = "dpmpp",
               .eq = "dpmpp:code",
               .file = "src/sampler/dpm_multi.c",
               .options = options_three},
    .order = 3,
    .run_order = 2,
    .n_history = 2,
    .is_noisy = is_noisy,
    .step = step_dpmpp_3m,
};
