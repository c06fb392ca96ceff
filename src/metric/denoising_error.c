/* The error of a denoiser's output at random noise levels: what training minimises with weights of 1 (Ho, Jain, Abbeel 2020, equation
 * 14). */
#include <ito/metric.h>
#include <ito/rng.h>
#include <ito/timedist.h>

#include <math.h>

#include "base/base.h"

typedef struct work {
    const ito_denoising_options *o;
    const ito_process *process;
    const ito_timedist *times;
    const ito_denoiser *denoiser;
    int64_t n, size;
    double *t;
    float *x_t, *eps, *out;
} work;

static ito_rng_key key_of(const work *w, int64_t i, int step)
{
    uint64_t sample = w->o->samples ? w->o->samples[i] : (uint64_t)i;
    return (ito_rng_key){w->o->seed, ITO_STREAM_BOUND, (uint32_t)step, sample};
}

/* The time of sample i in the k-th of equal shares of all times. */
static double draw_time(const work *w, int64_t i, int k)
{
    double u, factor;
    ito_rng_uniform(key_of(w, i, 0), (uint64_t)k, 1, &u);
    return ito_timedist_quantile(w->times, (k + u) / w->o->n_times, &factor);
}

static void noise_rows(const work *w, const float *x, int k)
{
    for (int64_t i = 0; i < w->n; i++) {
        float *eps = w->eps + i * w->size, *x_t = w->x_t + i * w->size;
        w->t[i] = draw_time(w, i, k);
        const ito_level level = ito_process_level(w->process, w->t[i]);
        ito_rng_normal(key_of(w, i, 1 + k), 0, (size_t)w->size, eps);
        for (int64_t j = 0; j < w->size; j++)
            x_t[j] = (float)(level.signal * (double)x[i * w->size + j] + level.sigma * (double)eps[j]);
    }
}

static void add_errors(const work *w, const float *x, double *error)
{
    for (int64_t i = 0; i < w->n; i++) {
        const ito_level level = ito_process_level(w->process, w->t[i]);
        const ito_prediction_map map = ito_prediction_map_in(&w->denoiser->prediction, w->process, &level);
        double sum = 0;
        for (int64_t j = i * w->size; j < (i + 1) * w->size; j++) {
            double away = (double)w->out[j] - map.out_x0 * (double)x[j] - map.out_eps * (double)w->eps[j];
            sum += away * away; /* EQ[ddpm:14] */
        }
        error[i] += sum / (double)w->size / w->o->n_times;
    }
}

static ito_status run(ito_ctx *ctx, const work *w, const ito_tensor *x, const ito_condition *condition, double *error)
{
    ito_tensor x_t = ito_tensor_view(ITO_F32, x->shape, w->x_t), out = ito_tensor_view(ITO_F32, x->shape, w->out);
    for (int64_t i = 0; i < w->n; i++) error[i] = 0;
    for (int k = 0; k < w->o->n_times; k++) {
        noise_rows(w, x->data, k);
        ITO_TRY(w->denoiser->eval(w->denoiser->self, ctx, &x_t, w->t, condition, &out, NULL));
        add_errors(w, x->data, error);
    }
    for (int64_t i = 0; i < w->n; i++)
        if (!isfinite(error[i]))
            return ito__fail(ctx, ITO_NUMERIC, "the error of sample %lld is not finite", (long long)i);
    return ITO_OK;
}

ito_status ito_denoising_error(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser,
                               const ito_tensor *x, const ito_condition *condition,
                               const ito_denoising_options *options, double *error)
{
    ito_denoising_options o = options ? *options : (ito_denoising_options){0};
    if (o.n_times <= 0) o.n_times = 16;
    work w = {.o = &o, .process = process, .denoiser = denoiser, .n = x->shape.d[0]};
    size_t all = (size_t)ito_shape_count(x->shape);
    ito_timedist *times;
    w.size = (int64_t)all / w.n;
    ITO_TRY(ito_prediction_check(ctx, &denoiser->prediction, process));
    ITO_TRY(ito_timedist_create(ctx, "uniform", NULL, process, &times));
    w.times = times;
    w.t = ito__alloc_array(ctx, (size_t)w.n, sizeof *w.t);
    w.x_t = ito__alloc_array(ctx, all, sizeof *w.x_t);
    w.eps = ito__alloc_array(ctx, all, sizeof *w.eps);
    w.out = ito__alloc_array(ctx, all, sizeof *w.out);
    ito_status st = w.t && w.x_t && w.eps && w.out ? run(ctx, &w, x, condition, error) : ITO_MEMORY;
    void *arrays[] = {w.t, w.x_t, w.eps, w.out};
    for (int i = 0; i < ITO_COUNT(arrays); i++) ito__free(ctx, arrays[i]);
    ito_timedist_destroy(times);
    return st;
}
