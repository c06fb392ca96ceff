/* Are the samples the data? */
#include <math.h>

#include <ito/metric.h>

#include "verify/verify_impl.h"

/* The seed's sets of fresh points do not overlap. */
static void draw(const ito_verify *what, const ito_verify_samples *s, int set, float *x)
{
    ito_mixture_draw(what->mixture, ITO_MIXTURE_ALL, s->seed, (uint64_t)set * (uint64_t)s->n, s->n, x);
}

static ito_status measure(ito_ctx *ctx, const ito_verify *what, const ito_verify_samples *s, float *a, float *b,
                          double *distance, double *floor)
{
    ito_denoiser denoiser;
    ito_tensor x = ito_tensor_view(ITO_F32, ITO_SHAPE(s->n, what->dim), a);
    const ito_sample_options o = {.sampler = what->sampler,
                                  .sampler_opts = what->sampler_opts,
                                  .n_steps = s->n_steps,
                                  .spacing = s->spacing,
                                  .seed = s->seed};
    *floor = -INFINITY;
    for (int k = 0; k < s->n_pairs; k++) {
        double pair;
        draw(what, s, 2 * k + 1, a);
        draw(what, s, 2 * k + 2, b);
        ITO_TRY(ito_energy_distance(ctx, a, s->n, b, s->n, what->dim, &pair));
        *floor = fmax(*floor, pair);
    }
    ITO_TRY(ito_mixture_denoiser(ctx, what->mixture, what->process, "x0", &denoiser));
    ito_status st = ito_sample(ctx, what->process, &denoiser, NULL, &o, &x);
    ito_denoiser_clear(&denoiser);
    if (st != ITO_OK) return st;
    draw(what, s, 0, b);
    return ito_energy_distance(ctx, a, s->n, b, s->n, what->dim, distance);
}

ito_status ito_verify_energy(ito_ctx *ctx, const ito_verify *what, const ito_verify_samples *samples, double *distance,
                             double *floor)
{
    size_t floats = (size_t)samples->n * (size_t)what->dim;
    float *a = ito__alloc_array(ctx, floats, sizeof *a), *b = ito__alloc_array(ctx, floats, sizeof *b);
    ito_status st = a && b ? measure(ctx, what, samples, a, b, distance, floor) : ITO_MEMORY;
    ito__free(ctx, a);
    ito__free(ctx, b);
    return st;
}
