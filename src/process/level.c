/* What follows from two levels: the forward kernel q(x_t | x_s) and the posterior q(x_s | x_t, x_0) for any s < t.
 *
 * Written with the difference of log-SNRs through expm1, so that nothing cancels when s and t are close and both ends
 * are exact: sigma_s = 0 gives log_snr_s = +inf and signal_t = 0 gives log_snr_t = -inf, and expm1(-inf) = -1. */
#include <ito/process.h>

#include <math.h>

/* 1 - snr_t / snr_s, in (0, 1] for s < t */
static double snr_drop(const ito_level *t, const ito_level *s)
{
    return -expm1(t->log_snr - s->log_snr);
}

ito_transition ito_level_transition(const ito_level *t, const ito_level *s)
{
    double scale = t->signal / s->signal;
    /* EQ[ddpm:2] = EQ[survey:1] = EQ[survey:8.3]  q(x_t | x_s) has mean a x_s with
     * a = signal_t / signal_s, and variance sigma_t^2 - a^2 sigma_s^2 = sigma_t^2 (1 - snr_t / snr_s) */
    return (ito_transition){scale, t->sigma * t->sigma * snr_drop(t, s)};
}

ito_posterior ito_level_posterior(const ito_level *t, const ito_level *s)
{
    double drop = snr_drop(t, s), ratio = s->sigma / t->sigma;
    ito_posterior q;
    /* EQ[ddpm:7] = EQ[survey:10]  mu_tilde = a (sigma_s / sigma_t)^2 x_t + signal_s (1 - snr_t / snr_s) x_0,
     * a = signal_t / signal_s */
    q.coef_x = t->signal / s->signal * ratio * ratio;
    q.coef_x0 = s->signal * drop;
    /* EQ[ddpm:6] = EQ[survey:7] = EQ[survey:9]  beta_tilde = sigma_s^2 (1 - snr_t / snr_s) is the
     * variance of q(x_s | x_t, x_0) */
    q.variance = s->sigma * s->sigma * drop;
    return q;
}
