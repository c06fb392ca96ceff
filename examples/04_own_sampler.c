/* 04 - A sampler of your own, outside the library.
 *
 * A sampler is one function from level t to level s. This is DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): it looks
 * back at the previous prediction, which the loop keeps, and so has order 2 where DDIM has order 1. The data are a
 * mixture of two Gaussians, whose denoiser the library knows exactly; the program prints how far each sampler ends from
 * where a thousand steps of DDIM end. */
#include <ito/mixture.h>
#include <ito/sampler.h>

#include <math.h>
#include <stdio.h>

#define N 64

/* x_s = (sigma_s / sigma_t) x_t - signal_s (e^-h - 1) D, with h the step in half log-SNR and D the prediction of x_0,
 * extrapolated to the middle of the step. */
static ito_status step(ito_step *st)
{
    ito_estimate now, before;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &now);
    if (status != ITO_OK) return status;
    if (st->s.sigma == 0) return ito_step_to(st, 1, (const ito_term[]){{1, now.x0}}, 0); /* the last step, of order 1 */
    double h = 0.5 * (st->s.log_snr - st->t.log_snr), of_before = 0;
    if (ito_step_history(st, 1, &before))
        of_before = -h / (st->t.log_snr - before.t.log_snr);
    else
        before = now;
    double gain = -st->s.signal * expm1(-h);
    const ito_term terms[] = {
        {st->s.sigma / st->t.sigma, st->x}, {gain * (1 - of_before), now.x0}, {gain * of_before, before.x0}};
    return ito_step_to(st, 3, terms, 0);
}

static const ito_sampler_def mine = {
    .choice = {.name = "my-2m", .summary = "DPM-Solver++(2M), written outside the library"},
    .order = 2,
    .n_history = 1,
    .step = step,
};

static ito_status sample(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser, const char *sampler,
                         int n_steps, float *x)
{
    ito_sample_options options = {.sampler = sampler, .n_steps = n_steps, .seed = 1};
    ito_tensor samples = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), x);
    return ito_sample(ctx, process, denoiser, NULL, &options, &samples);
}

static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < 2 * N; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum / N);
}

static ito_status compare(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser, bool *better)
{
    static float reference[2 * N], x[2 * N];
    const char *const samplers[] = {"ddim", "my-2m"};
    double far[2];
    ito_status st = sample(ctx, process, denoiser, "ddim", 1000, reference);
    for (int i = 0; st == ITO_OK && i < 2; i++) {
        st = sample(ctx, process, denoiser, samplers[i], 20, x);
        if (st != ITO_OK) break;
        far[i] = distance(x, reference);
        printf("%-6s 20 steps: %.4f from the reference\n", samplers[i], far[i]);
    }
    *better = st == ITO_OK && far[1] < far[0];
    return st;
}

int main(void)
{
    static const double mean[] = {-1, 0.5, 1, -0.5}, sd[] = {0.3, 0.3, 0.5, 0.3};
    const ito_mixture_options options = {.dim = 2, .n_components = 2, .mean = mean, .sd = sd};
    ito_process *process = NULL;
    ito_mixture *mixture = NULL;
    ito_denoiser denoiser = {0};
    bool better = false;
    ito_ctx *ctx;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 1;
    ito_status st = ito_sampler_register(ctx, &mine);
    if (st == ITO_OK) st = ito_process_create(ctx, "vp-linear", NULL, &process);
    if (st == ITO_OK) st = ito_mixture_create(ctx, &options, &mixture);
    if (st == ITO_OK) st = ito_mixture_denoiser(ctx, mixture, process, "eps", &denoiser);
    if (st == ITO_OK) st = compare(ctx, process, &denoiser, &better);
    if (st != ITO_OK) fprintf(stderr, "%s: %s\n", ito_status_name(st), ito_last_error(ctx));
    ito_denoiser_clear(&denoiser);
    ito_mixture_destroy(mixture);
    ito_process_destroy(process);
    ito_ctx_destroy(ctx);
    return better ? 0 : 1;
}
