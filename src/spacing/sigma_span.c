/* Times by their sigma_hat. */
#include "spacing/sigma_span.h"

#include <math.h>

static double sigma_hat_at(const ito_process *process, double t)
{
    return exp(-0.5 * ito_process_level(process, t).log_snr);
}

ito__sigma_span ito__sigma_span_of(const ito_process *process, double sigma_min, double sigma_max, int n_steps)
{
    bool whole = ito_process_n_timesteps(process) > 0;
    double end = sigma_hat_at(process, ito_process_t_min(process));
    ito__sigma_span span = {.process = process, .n_steps = n_steps};
    span.max = fmin(sigma_max, sigma_hat_at(process, ito_process_t_max(process)));
    span.min = fmax(sigma_min, whole ? sigma_hat_at(process, 1) : end);
    /* The end of the process comes after the last step: it is sigma = 0 after sigma_min, or, where it has more, sigma_min. */
    span.last = end < span.min ? n_steps - 1 : n_steps;
    return span;
}

void ito__spacing_put(const ito_process *process, int n_steps, int k, double at, double *t)
{
    t[k] = at;
    if (k == 0)
        t[k] = ito_process_t_max(process);
    else if (ito_process_n_timesteps(process))
        t[k] = fmax(n_steps - k, fmin(rint(at), t[k - 1] - 1));
}

void ito__sigma_span_put(const ito__sigma_span *span, int k, double sigma_hat, double *t)
{
    double at = k ? ito_process_time(span->process, -2 * log(sigma_hat)) : 0;
    ito__spacing_put(span->process, span->n_steps, k, at, t);
}
