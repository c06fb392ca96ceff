/* diffusers' sigmas (of x / signal): a table over the training timesteps in float32, read between them or replaced by another spacing, and
 * the timestep that the network is told for each. Every list ends in float32. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "scheduler/scheduler_impl.h"
#include "spacing/beta_quantile.h"

#define KARRAS_RHO    7
#define BETA_SHAPE    0.6
#define LEAST_SIGMA   1e-10 /* whose logarithm is taken */
#define FLOW_NEAR_ONE 1e-6  /* UniPC's first sigma is that far from 1 at least */

double ito__karras(double from, double to, double rho, int i, int n)
{
    double first = pow(from, 1 / rho), last = pow(to, 1 / rho);
    return pow(first + ito__np_linspace(0, 1, i, n) * (last - first), rho);
}

double ito__exponential(double from, double to, int i, int n)
{
    return exp(ito__np_linspace(log(from), log(to), i, n));
}

double ito__beta_spaced(double from, double to, int i, int n)
{
    return to + ito__beta_quantile(1 - ito__np_linspace(0, 1, i, n), BETA_SHAPE, BETA_SHAPE) * (from - to);
}

double ito__sigma_at(const ito_scheduler *s, double timestep)
{
    int last = s->o.T - 1, low = (int)floor(timestep);
    if (timestep >= last) return (double)s->table[last];
    if (timestep <= 0) return (double)s->table[0];
    double a = (double)s->table[low], b = (double)s->table[low + 1];
    return (b - a) * (timestep - low) + a;
}

static double log_table(const ito_scheduler *s, int i)
{
    return (double)(float)log((double)s->table[i]);
}

double ito__timestep_of(const ito_scheduler *s, double sigma)
{
    double at = log(fmax(sigma, LEAST_SIGMA));
    int low = 0, high = s->o.T - 1;
    if (high < 1) return 0;
    while (high - low > 1) { /* the last entry that is not above */
        int middle = (low + high) / 2;
        if (at >= log_table(s, middle))
            low = middle;
        else
            high = middle;
    }
    double from = log_table(s, low), to = log_table(s, low + 1);
    double w = fmin(fmax((from - at) / (from - to), 0), 1);
    return (1 - w) * low + w * (low + 1);
}

/* ---- the ends ---- */

static double given(double value, double otherwise)
{
    return isfinite(value) ? value : otherwise;
}

/* Replaces sigmas that fall from `from` to `to` as the file asks. False: as they are. */
static bool space(const ito_scheduler *s, double from, double to, int i, int n, double *sigma)
{
    from = given(s->o.sigma_max, from);
    to = given(s->o.sigma_min, to);
    if (s->o.karras)
        *sigma = ito__karras(from, to, KARRAS_RHO, i, n);
    else if (s->o.exponential)
        *sigma = ito__exponential(from, to, i, n);
    else if (s->o.beta)
        *sigma = ito__beta_spaced(from, to, i, n);
    else
        return false;
    return true;
}

static void round_sigmas(ito_scheduler *s, int n)
{
    for (int i = 0; i <= n; i++) s->sigmas[i] = (double)(float)s->sigmas[i];
}

/* ---- those of k-diffusion ---- */

static double plain_time(const ito_scheduler *s, int i)
{
    const ito__their_options *o = &s->o;
    int n = s->n, apart = o->T / n;
    if (o->spacing == ITO__LEADING) return (n - 1 - i) * apart + o->offset;
    if (o->spacing == ITO__TRAILING) return ito__trailing(o->T, (double)o->T / n, i);
    double t = ito__np_linspace(0, o->T - 1, n - 1 - i, n);
    return s->class->is_double ? t : (double)(float)t;
}

/* Euler's other reading of a table: evenly in log sigma, all of the table, the end sigma_min. */
static void fill_log_linear(ito_scheduler *s, int n)
{
    float from = (float)log_table(s, s->o.T - 1), to = (float)log_table(s, 0);
    float step = (to - from) / (float)n;
    for (int i = 0; i <= n; i++) {
        float at = i < (n + 1) / 2 ? fmaf(step, (float)i, from) : fmaf(-step, (float)(n - i), to);
        s->sigmas[i] = (double)expf(at);
    }
}

static void respace_plain(ito_scheduler *s, int n)
{
    double from = s->sigmas[0], to = s->sigmas[n - (s->o.interpolation == 0)];
    for (int i = 0; i < n; i++) {
        if (!space(s, from, to, i, n, &s->sigmas[i])) continue;
        s->times[i] = ito__timestep_of(s, s->sigmas[i]);
        if (s->class->rounds_karras && s->o.karras) s->times[i] = rint(s->times[i]);
    }
}

ito_status ito__sigmas_plain(ito_scheduler *s)
{
    int n = s->n;
    const ito__their_options *o = &s->o;
    bool respaced = o->karras || o->exponential || o->beta, log_linear = o->interpolation == 1;
    if (n > o->T && o->spacing != ITO__LINSPACE)
        return ito__fail(s->ctx, ITO_USAGE, "%s: %d steps asked for, but there are %d timesteps", s->where, n, o->T);
    for (int i = 0; i < n; i++) {
        s->times[i] = plain_time(s, i);
        s->sigmas[i] = ito__sigma_at(s, s->times[i]);
    }
    if (log_linear) fill_log_linear(s, n);
    respace_plain(s, n);
    if (!log_linear || respaced) s->sigmas[n] = o->final == ITO__FINAL_SIGMA_MIN ? (double)s->table[0] : 0;
    round_sigmas(s, n);
    if (o->timestep_type == 1 && o->prediction == ITO__THEIR_V)
        for (int i = 0; i < n; i++) s->times[i] = (double)(0.25f * logf((float)s->sigmas[i]));
    return ITO_OK;
}

/* ---- those of the exponential integrators ---- */

/* Timesteps that are not clipped away because too little signal is left. */
static int count_kept(const ito_scheduler *s)
{
    int n = s->o.T;
    while (n > 1) {
        float alpha_bar = s->alpha_bar[n - 1], lambda = logf(sqrtf(alpha_bar)) - logf(sqrtf(1 - alpha_bar));
        if ((double)lambda >= s->o.lambda_min) break;
        n--;
    }
    return n;
}

static double lambda_time(const ito_scheduler *s, int kept, int i)
{
    const ito__their_options *o = &s->o;
    int n = s->n, apart = kept / (n + 1);
    if (o->spacing == ITO__LEADING) return (n - i) * apart + o->offset;
    if (o->spacing == ITO__TRAILING) return ito__trailing(kept, (double)o->T / n, i);
    return rint(ito__np_linspace(0, kept - 1, n - i, n + 1));
}

static double flow_sigma(const ito_scheduler *s, int i)
{
    double shift = s->o.flow_shift, sigma = 1 - ito__np_linspace(1, 1.0 / s->o.T, s->n - i, s->n + 1);
    return shift * sigma / (1 + (shift - 1) * sigma);
}

/* UniPC counts the other way: sigma from 1, the end left out. */
static void fill_unipc_flow(ito_scheduler *s, int n)
{
    double shift = s->o.flow_shift, last = 1;
    for (int i = 0; i < n; i++) {
        double sigma = ito__np_linspace(1, 1.0 / s->o.T, i, n + 1);
        s->sigmas[i] = last = shift * sigma / (1 + (shift - 1) * sigma);
    }
    /* 1 - sigma is stretched so that the last sigma is shift_terminal. */
    double scale = s->o.shift_terminal > 0 ? (1 - last) / (1 - s->o.shift_terminal) : 1;
    for (int i = 0; i < n; i++) s->sigmas[i] = 1 - (1 - s->sigmas[i]) / scale;
    if (fabs(s->sigmas[0] - 1) < FLOW_NEAR_ONE) s->sigmas[0] -= FLOW_NEAR_ONE;
    for (int i = 0; i < n; i++) s->times[i] = s->sigmas[i] * s->o.T;
}

static void fill_respaced(ito_scheduler *s, int n)
{
    const ito__their_options *o = &s->o;
    double from = (double)s->table[o->T - 1], to = (double)s->table[0];
    bool is_cosine = o->schedule == ITO__BETAS_COSINE && s->class->keeps_cosine;
    for (int i = 0; i < n; i++) {
        if (!space(s, from, to, i, n, &s->sigmas[i]))
            s->sigmas[i] = exp(ito__np_linspace(log_table(s, o->T - 1), log_table(s, 0), i, n));
        s->times[i] = ito__timestep_of(s, s->sigmas[i]);
        if ((o->karras || o->lu) && !is_cosine) s->times[i] = rint(s->times[i]);
    }
    if (!o->flow || !s->class->is_unipc || !o->karras) return;
    for (int i = 0; i < n; i++) {
        s->sigmas[i] = s->sigmas[i] / (s->sigmas[i] + 1);
        s->times[i] = s->sigmas[i] * o->T;
    }
}

static void fill_lambda_plain(ito_scheduler *s, int n)
{
    int kept = count_kept(s);
    for (int i = 0; i < n; i++) {
        s->times[i] = lambda_time(s, kept, i);
        s->sigmas[i] = ito__sigma_at(s, s->times[i]);
    }
}

ito_status ito__sigmas_lambda(ito_scheduler *s)
{
    int n = s->n;
    const ito__their_options *o = &s->o;
    bool respaced = o->karras || o->exponential || o->beta || o->lu, is_plain = !respaced && !o->flow;
    if (n >= o->T)
        return ito__fail(s->ctx, ITO_USAGE, "%s: %d steps asked for, expected fewer than the %d timesteps", s->where, n,
                         o->T);
    if (respaced)
        fill_respaced(s, n);
    else if (o->flow && s->class->is_unipc)
        fill_unipc_flow(s, n);
    else
        fill_lambda_plain(s, n);
    for (int i = 0; i < n && o->flow && !respaced && !s->class->is_unipc; i++) {
        s->sigmas[i] = flow_sigma(s, i);
        s->times[i] = s->sigmas[i] * o->T;
    }
    bool repeats = s->class->repeats_last || (s->class->is_unipc && o->final == ITO__FINAL_SIGMA_MIN);
    s->sigmas[n] = o->final == ITO__FINAL_SIGMA_MIN || s->class->repeats_last ? (double)s->table[0] : 0;
    if (repeats && !is_plain) s->sigmas[n] = s->sigmas[n - 1];
    round_sigmas(s, n);
    for (int i = 0; i < n; i++) s->times[i] = trunc(s->times[i]); /* they are whole numbers in the end */
    return ITO_OK;
}
