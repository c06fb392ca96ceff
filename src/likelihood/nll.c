/* The log-likelihood by the probability-flow ODE (Song et al. 2021, appendix D.2): x_0 is carried to x_T along
 *     dx/dt = signal' x0_hat + sigma' eps_hat
 * and log p(x_0) = log p(x_T) + the integral of the divergence.
 *
 * The path is integrated not over t but over the angle phi = atan(sigma / signal), from 0 at the data to pi/2 where no
 * signal is left, and for y = x / rho, rho = sqrt(signal^2 + sigma^2). With signal = rho cos(phi) and sigma = rho
 * sin(phi) the ODE of every process becomes that of a variance preserving one (Salimans, Ho 2022, appendix D):
 *     dy/dphi = cos(phi) eps_hat - sin(phi) x0_hat,
 * in which no rate is infinite, neither sigma' at the data of a variance preserving process nor the drift of a flow at
 * t = 1, and no table of betas has its corners. Only what the prediction cannot tell is cut off: eps of x_0 at sigma =
 * 0 (t_eps), x_0 of eps at signal = 0, where the path ends at signal / sigma = 1e-4 and y stands for its own end.
 *
 * The state is double, with the divergence divided by the number of dimensions behind it, one for each probe; the
 * denoiser sees float32. Padding is no part of the state: on the path of a denoiser that knows it, its eps does not
 * change, so it goes along as signal x_0 + sigma eps. Proven on mixtures in tests/exact/test_nll.c. */
#include <ito/likelihood.h>

#include <math.h>

#include "likelihood/rk45.h"
#include "likelihood/samples.h"
#include "process/angle.h"

#define LOG_2      0.69314718055994530942
#define LAST_RATIO 1e-4 /* signal / sigma where they end if x_0 cannot be told from the noise alone */
#define TOLERANCE  1e-5
#define MAX_STEPS  10000

typedef struct flow {
    ito_ctx *ctx;
    const ito_process *process;
    const ito_denoiser *denoiser;
    const ito_condition *condition;
    const uint64_t *samples;
    ito_nll_options options;
    ito_shape shape;
    int64_t n, size, dims; /* size: of a sample, dims: of what is scored of it */
    const float *data;     /* [n, size] */
    int n_probes;          /* accumulators behind each row's state; 1 when the trace is exact */
    ito_level first, top;
    double *times;               /* [n] */
    double *of_x, *of_out, *rho; /* [n]: dy/dphi = of_x x + of_out out, x = rho y */
    double *state;               /* [n, dims + n_probes] */
    double *uniform;             /* [size] */
    float *x, *out, *dout, *dx;  /* [n, size] */
    int64_t *scored;             /* [dims] */
    float *padding;              /* [n, size]: the noise of what is not scored; NULL when everything is */
    float *probes;               /* [n_probes, n, size]; NULL when exact */
    ito__ode_row *paths;         /* [n] */
} flow;

/* ---- where the path runs ---- */

/* Coefficients of dy/dphi at a level. False where the prediction leaves something open. */
static bool rates_at(const flow *f, const ito_level *t, double *of_x, double *of_out, double *rho)
{
    ito_prediction_map m = ito_prediction_map_in(&f->denoiser->prediction, f->process, t);
    *rho = hypot(t->signal, t->sigma);
    double c = t->signal / *rho, s = t->sigma / *rho;
    *of_x = *of_out = 0;
    if (c > 0) *of_x += c * m.eps_x, *of_out += c * m.eps_out;
    if (s > 0) *of_x -= s * m.x0_x, *of_out -= s * m.x0_out;
    return isfinite(*of_x) && isfinite(*of_out);
}

static ito_status set_ends(flow *f)
{
    double t_min = ito_process_t_min(f->process), t_max = ito_process_t_max(f->process), of_x, of_out, rho;
    double t_eps = f->options.t_eps != 0 ? f->options.t_eps : ito__first_time(f->process);
    ITO_TRY(ito_prediction_check(f->ctx, &f->denoiser->prediction, f->process));
    if (!(t_eps >= t_min && t_eps < t_max))
        return ito__fail(f->ctx, ITO_USAGE, "t_eps is %g, but the path of process %s starts between %g and %g", t_eps,
                         ito_process_get_def(f->process)->choice.name, t_min, t_max);
    f->first = ito_process_level(f->process, t_eps);
    f->top = ito_process_level(f->process, t_max);
    if (!rates_at(f, &f->first, &of_x, &of_out, &rho))
        return ito__fail(
            f->ctx, ITO_USAGE,
            "%s prediction cannot tell the noise at t_eps = %g, where there is none: choose a larger t_eps",
            f->denoiser->prediction.def->choice.name, t_eps);
    if (!rates_at(f, &f->top, &of_x, &of_out, &rho))
        f->top = ito_process_level(f->process, ito_process_time(f->process, 2 * log(LAST_RATIO)));
    return ITO_OK;
}

/* ---- the right-hand side ---- */

static void place_row(flow *f, int64_t i, double phi, const double *y)
{
    ito_level t = ito__level_at_angle(f->process, phi, &f->first, &f->top);
    (void)rates_at(f, &t, &f->of_x[i], &f->of_out[i], &f->rho[i]); /* what is not finite is found by the solver */
    f->times[i] = t.t;
    float *x = f->x + i * f->size;
    for (int64_t j = i * f->size; f->padding && j < (i + 1) * f->size; j++)
        f->x[j] = (float)(t.signal * (double)f->data[j] + t.sigma * (double)f->padding[j]);
    for (int64_t j = 0; j < f->dims; j++) x[f->scored[j]] = (float)(f->rho[i] * y[j]);
}

static ito_status ask(flow *f, float *dout)
{
    ito_tensor x = ito_tensor_view(ITO_F32, f->shape, f->x), out = ito_tensor_view(ITO_F32, f->shape, f->out);
    ito_tensor seed = ito_tensor_view(ITO_F32, f->shape, dout), dx = ito_tensor_view(ITO_F32, f->shape, f->dx);
    return f->denoiser->vjp(f->denoiser->self, f->ctx, &x, f->times, f->condition, &seed, &out, &dx);
}

/* z^T (dv / dy) z per dimension for v = of_x x + of_out out, from |z|^2 and z^T (d out / dx) z. The parts may be large
 * and cancel, so both are taken with the same z. */
static double divergence(const flow *f, int64_t i, double squares, double sum)
{
    return f->rho[i] * (f->of_x[i] * squares + f->of_out[i] * sum) / (double)f->dims;
}

/* EQ[sde:40] = EQ[ffjord:s3.1]  trace J = E[z^T J z] for E[z z^T] = 1 (Hutchinson 1990) */
static ito_status estimated_trace(flow *f, double *dy)
{
    int64_t width = f->dims + f->n_probes;
    for (int p = 0; p < f->n_probes; p++) {
        float *z = f->probes + p * f->n * f->size;
        ITO_TRY(ask(f, z));
        for (int64_t i = 0; i < f->n; i++) {
            double squares = 0, sum = 0;
            for (int64_t j = i * f->size; j < (i + 1) * f->size; j++) {
                squares += (double)z[j] * (double)z[j];
                sum += (double)z[j] * (double)f->dx[j];
            }
            dy[i * width + f->dims + p] = divergence(f, i, squares, sum);
        }
    }
    return ITO_OK;
}

/* One vjp for each row of the Jacobian. */
static ito_status exact_trace(flow *f, double *dy)
{
    int64_t width = f->dims + 1;
    for (int64_t i = 0; i < f->n; i++) dy[i * width + f->dims] = 0;
    for (int64_t k = 0; k < f->dims; k++) {
        for (int64_t j = 0; j < f->n * f->size; j++) f->dout[j] = j % f->size == f->scored[k] ? 1 : 0;
        ITO_TRY(ask(f, f->dout));
        for (int64_t i = 0; i < f->n; i++) dy[i * width + f->dims] += (double)f->dx[i * f->size + f->scored[k]];
    }
    for (int64_t i = 0; i < f->n; i++)
        dy[i * width + f->dims] = divergence(f, i, (double)f->dims, dy[i * width + f->dims]);
    return ITO_OK;
}

static ito_status rate(void *self, const double *phi, const double *y, double *dy)
{
    flow *f = self;
    int64_t width = f->dims + f->n_probes;
    for (int64_t i = 0; i < f->n; i++) place_row(f, i, phi[i], y + i * width);
    ITO_TRY(f->probes ? estimated_trace(f, dy) : exact_trace(f, dy));
    for (int64_t i = 0; i < f->n; i++)
        for (int64_t j = 0; j < f->dims; j++) {
            int64_t at = i * f->size + f->scored[j];
            /* EQ[salimans22:D]  dy/dphi = cos(phi) eps - sin(phi) x_0, from dx = x_0 dsignal + eps dsigma */
            dy[i * width + j] = f->of_x[i] * (double)f->x[at] + f->of_out[i] * (double)f->out[at];
        }
    return ITO_OK;
}

/* ---- before and after ---- */

static ito_status alloc_flow(flow *f)
{
    size_t n = (size_t)f->n, size = (size_t)f->size, count = n * size;
    bool exact = f->options.probe == ITO_PROBE_EXACT, padded = f->dims < f->size;
    f->times = ito__alloc_array(f->ctx, 4 * n, sizeof *f->times);
    f->state = ito__alloc_array(f->ctx, n, ((size_t)f->dims + (size_t)f->n_probes) * sizeof *f->state);
    f->uniform = ito__alloc_array(f->ctx, size, sizeof *f->uniform);
    f->x = ito__alloc_array(f->ctx, 4 * count, sizeof *f->x);
    f->paths = ito__alloc_array(f->ctx, n, sizeof *f->paths);
    if (!exact) f->probes = ito__alloc_array(f->ctx, (size_t)f->n_probes, count * sizeof *f->probes);
    if (padded) f->padding = ito__alloc_array(f->ctx, count, sizeof *f->padding);
    if (!f->times || !f->state || !f->uniform || !f->x || !f->paths || (!exact && !f->probes) ||
        (padded && !f->padding))
        return ITO_MEMORY;
    f->of_x = f->times + n;
    f->of_out = f->of_x + n;
    f->rho = f->of_out + n;
    f->out = f->x + count;
    f->dout = f->out + count;
    f->dx = f->dout + count;
    return ITO_OK;
}

/* Which elements are scored. */
static ito_status set_inner(flow *f)
{
    ito_shape sample = {.n_dims = f->shape.n_dims - 1};
    for (int k = 0; k < sample.n_dims; k++) sample.d[k] = f->shape.d[k + 1];
    f->scored = ito__alloc_array(f->ctx, (size_t)f->size, sizeof *f->scored);
    if (!f->scored) return ITO_MEMORY;
    return ito__inner_elements(f->ctx, &sample, &f->options.inner, f->scored, &f->dims);
}

static void free_flow(flow *f)
{
    ito__free(f->ctx, f->times);
    ito__free(f->ctx, f->state);
    ito__free(f->ctx, f->uniform);
    ito__free(f->ctx, f->x);
    ito__free(f->ctx, f->paths);
    ito__free(f->ctx, f->probes);
    ito__free(f->ctx, f->padding);
    ito__free(f->ctx, f->scored);
}

static ito_status set_options(flow *f, const ito_tensor *x)
{
    ito_nll_options *o = &f->options;
    if (!f->denoiser->vjp)
        return ito__fail(
            f->ctx, ITO_NOT_DIFFERENTIABLE,
            "the log-likelihood needs the divergence of the denoiser, and this one has no vjp: use one that has, "
            "or the variational bound");
    if (!(o->rtol >= 0) || !(o->atol >= 0) || o->max_steps < 0 || o->n_probes < 0)
        return ito__fail(f->ctx, ITO_USAGE,
                         "rtol (%g), atol (%g), max_steps (%d) and n_probes (%d) must not be negative", o->rtol,
                         o->atol, o->max_steps, o->n_probes);
    if (o->rtol == 0) o->rtol = TOLERANCE;
    if (o->atol == 0) o->atol = TOLERANCE;
    if (o->max_steps == 0) o->max_steps = MAX_STEPS;
    f->n_probes = o->probe == ITO_PROBE_EXACT || o->n_probes == 0 ? 1 : o->n_probes;
    return o->dequantise == ITO_DEQUANTISE_NONE ? ITO_OK : ito__check_8bit(f->ctx, x);
}

/* Probe p of row i: normal or +-1, and 0 where nothing is scored. */
static void draw_probe(flow *f, int p, int64_t i)
{
    float *z = f->probes + (p * f->n + i) * f->size;
    ito_rng_key key = ito__sample_key(f->options.seed, ITO_STREAM_PROBE, (uint32_t)p, f->samples, i);
    if (f->options.probe == ITO_PROBE_GAUSSIAN)
        ito_rng_normal(key, 0, (size_t)f->size, z);
    else
        ito_rng_uniform(key, 0, (size_t)f->size, f->uniform);
    for (int64_t j = 0, k = 0; j < f->size; j++) {
        bool counts = k < f->dims && f->scored[k] == j;
        k += counts;
        if (!counts)
            z[j] = 0;
        else if (f->options.probe == ITO_PROBE_RADEMACHER)
            z[j] = f->uniform[j] < 0.5 ? -1 : 1;
    }
}

/* What a row keeps along its path. Step 1 of the stream that fills bins is the noise of padding. */
static void draw_row(flow *f, int64_t i)
{
    ito_rng_key key = ito__sample_key(f->options.seed, ITO_STREAM_DEQUANTISE, 1, f->samples, i);
    if (f->padding) ito_rng_normal(key, 0, (size_t)f->size, f->padding + i * f->size);
    for (int p = 0; f->probes && p < f->n_probes; p++) draw_probe(f, p, i);
}

/* u fills the bin of k = 0..255. */
static double dequantised(ito_dequantise bins, double x, double u)
{
    double k = round((x + 1) * 127.5);
    if (bins == ITO_DEQUANTISE_BINS_256) return (k + u) / 128 - 1;
    return (k + u - 0.5) / 127.5 - 1;
}

/* y_0 = cos(phi) x_0: x_0 stands for x_t / signal at the first level. */
static void start_row(flow *f, int64_t i)
{
    double cosine = cos(ito__angle_of(&f->first)), *y = f->state + i * (f->dims + f->n_probes);
    ito_dequantise bins = f->options.dequantise;
    ito_rng_key key = ito__sample_key(f->options.seed, ITO_STREAM_DEQUANTISE, 0, f->samples, i);
    if (bins != ITO_DEQUANTISE_NONE) ito_rng_uniform(key, 0, (size_t)f->size, f->uniform);
    for (int64_t k = 0; k < f->dims; k++) {
        int64_t j = f->scored[k];
        double x0 = (double)f->data[i * f->size + j];
        y[k] = cosine * (bins == ITO_DEQUANTISE_NONE ? x0 : dequantised(bins, x0, f->uniform[j]));
    }
}

/* Bits that a density is short of a probability: -log2 of a bin's width. */
static double offset_of(ito_dequantise bins)
{
    return bins == ITO_DEQUANTISE_NONE ? 0 : bins == ITO_DEQUANTISE_BINS_256 ? 7 : log2(127.5);
}

static void finish_row(const flow *f, int64_t i, ito_nll_row *row)
{
    double *y = f->state + i * (f->dims + f->n_probes), *volume = y + f->dims, d = (double)f->dims;
    double sd = ito_process_prior_sd(f->process);
    ito_level end = ito_process_level(f->process, ito_process_t_max(f->process));
    double rho = hypot(end.signal, end.sigma);
    *row = (ito_nll_row){.n_evals = f->paths[i].n_evals, .n_steps = f->paths[i].n_steps};
    for (int64_t j = 0; j < f->dims; j++) row->log_prior += ito_gaussian_log_density(rho * y[j], 0, 2 * log(sd));
    /* EQ[sde:39]  log p_0(x_0) = log p_T(x_T) + the integral of div dx/dt */
    for (int p = 0; p < f->n_probes; p++)
        volume[p] = row->log_prior + d * (volume[p] + log(rho) + log(cos(ito__angle_of(&f->first))));
    ito_interval mean = ito_interval_of(volume, f->n_probes);
    row->log_density = mean.mean;
    row->probe_se = f->probes ? mean.se : 0;
    row->bits = -row->log_density / (d * LOG_2) + offset_of(f->options.dequantise);
}

static ito_status follow(flow *f, const ito_tensor *x, ito_nll_row *rows)
{
    ITO_TRY(set_options(f, x));
    ITO_TRY(set_ends(f));
    ITO_TRY(set_inner(f));
    ITO_TRY(alloc_flow(f));
    for (int64_t i = 0; i < f->n; i++) {
        draw_row(f, i);
        start_row(f, i);
    }
    ito__ode ode = {.ctx = f->ctx,
                    .n = f->n,
                    .size = f->dims + f->n_probes,
                    .n_main = f->dims,
                    .from = ito__angle_of(&f->first),
                    .to = ito__angle_of(&f->top),
                    .rtol = f->options.rtol,
                    .atol = f->options.atol,
                    .max_steps = f->options.max_steps,
                    .self = f,
                    .rate = rate};
    ITO_TRY(ito__rk45(&ode, f->state, f->paths));
    for (int64_t i = 0; i < f->n; i++) finish_row(f, i, &rows[i]);
    return ITO_OK;
}

ito_status ito_nll(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser, const ito_tensor *x,
                   const ito_condition *condition, const uint64_t *samples, const ito_nll_options *options,
                   ito_nll_row *rows)
{
    flow f = {.ctx = ctx, .process = process, .denoiser = denoiser, .condition = condition, .samples = samples};
    ITO_TRY(ito__check_denoiser(ctx, denoiser));
    ITO_TRY(ito__check_samples(ctx, x, condition));
    f.shape = x->shape;
    f.data = x->data;
    f.n = x->shape.d[0];
    f.size = ito_shape_count(x->shape) / f.n;
    if (options) f.options = *options;
    ito_status st = follow(&f, x, rows);
    free_flow(&f);
    return st;
}
