/* 01 - Sampling with a denoiser of your own.
 *
 * A sampler asks one question: given noisy samples x_t and their times, what was the noise? Here the answer is a C
 * function. The data are two round blobs in the plane, for which it is known in closed form; put your network in its
 * place. Build: cc 01_mixture.c $(pkg-config --cflags --libs ito). Prints the moments of 4,000 samples beside the true
 * ones. */
#include <ito/sampler.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#define N 4000

static const double centre[2][2] = {{-1, 0.5}, {1, -0.5}}, weight[2] = {0.25, 0.75}, width = 0.2;

/* What the denoiser needs to know besides its arguments. */
typedef struct blobs {
    const ito_process *process;
} blobs;

/* E[eps | x_t] for one point: each blob's answer, weighed by how likely the point came from it. */
static void noise_in(ito_level t, const float x[2], float eps[2])
{
    double v = t.signal * t.signal * width * width + t.sigma * t.sigma, likely[2], sum = 0;
    for (int k = 0; k < 2; k++) {
        double dx = (double)x[0] - t.signal * centre[k][0], dy = (double)x[1] - t.signal * centre[k][1];
        sum += likely[k] = weight[k] * exp(-0.5 * (dx * dx + dy * dy) / v);
    }
    for (int j = 0; j < 2; j++) {
        double e = 0;
        for (int k = 0; k < 2; k++) e += likely[k] / sum * t.sigma / v * ((double)x[j] - t.signal * centre[k][j]);
        eps[j] = (float)e;
    }
}

/* The denoiser: x [n, 2] at times t [n] to out [n, 2]. */
static ito_status predict_noise(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t,
                                const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    const blobs *b = self;
    (void)ctx;
    (void)condition;
    (void)extra;
    for (int64_t i = 0; i < x->shape.d[0]; i++)
        noise_in(ito_process_level(b->process, t[i]), (const float *)x->data + 2 * i, (float *)out->data + 2 * i);
    return ITO_OK;
}

/* Says on one line how far the sampler is. */
static bool show(void *user, const ito_progress *p)
{
    (void)user;
    if (p->index % 10 == 9)
        printf("step %2d of %d, t = %4.0f: x[0] = (%6.3f, %6.3f)\n", p->index + 1, p->n_steps, p->t, (double)p->x[0],
               (double)p->x[1]);
    return true; /* false would cancel */
}

static int report(const float *x)
{
    double mean[2] = {0}, covariance = 0;
    for (int i = 0; i < 2 * N; i++) mean[i % 2] += (double)x[i] / N;
    for (int i = 0; i < N; i++) covariance += ((double)x[2 * i] - mean[0]) * ((double)x[2 * i + 1] - mean[1]) / N;
    printf("mean (%.3f, %.3f), true (0.500, -0.250); covariance %.3f, true -0.375\n", mean[0], mean[1], covariance);
    return fabs(mean[0] - 0.5) < 0.07 && fabs(mean[1] + 0.25) < 0.05 && fabs(covariance + 0.375) < 0.05 ? 0 : 1;
}

int main(void)
{
    static float x[2 * N];
    ito_ctx *ctx;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 1;

    ito_process *process = NULL;
    ito_status st = ito_process_create(ctx, "vp-cosine", NULL, &process);

    blobs mine = {process};
    ito_denoiser denoiser = {.self = &mine, .eval = predict_noise};
    if (st == ITO_OK) st = ito_prediction_find(ctx, "eps", &denoiser.prediction);

    ito_sample_options options = {.sampler = "ddim", .n_steps = 50, .seed = 1, .progress = show};
    ito_tensor samples = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), x);
    if (st == ITO_OK) st = ito_sample(ctx, process, &denoiser, NULL, &options, &samples);

    int result = 1;
    if (st == ITO_OK)
        result = report(x);
    else
        fprintf(stderr, "%s: %s\n", ito_status_name(st), ito_last_error(ctx));
    ito_process_destroy(process);
    ito_ctx_destroy(ctx);
    return result;
}
