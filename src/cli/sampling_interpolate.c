/* ito sample --interpolate A,B: frames whose noise lies on the way from seed A's to seed B's. */
#include <stdlib.h>

#include <ito/rng.h>
#include <ito/tensor.h>

#include "sampling.h"
#include "scatter.h"

static int read_seeds(const char *text, uint64_t seed[2])
{
    char *end;
    for (int k = 0; k < 2; k++) {
        seed[k] = strtoull(text, &end, 10);
        if (end == text || *text == '-' || *end != (k ? '\0' : ','))
            return cli_usage("sample", "--interpolate is '%s', expected two seeds with a comma between: 1,2", text);
        text = end + 1;
    }
    return CLI_DONE;
}

/* The noise of image --first of a seed, where sampling starts, into every frame. */
static void fill_noise(const sampling *s, uint64_t seed, float *x)
{
    size_t size = sampling_image_size(s);
    double sd = ito_process_prior_sd(s->info->process);
    ito_rng_key key = {.seed = seed, .stream = ITO_STREAM_PRIOR, .sample = s->options.sample.first_sample};
    ito_rng_normal(key, 0, size, x);
    for (size_t j = 0; j < size; j++) x[j] = (float)(sd * (double)x[j]);
}

int sampling_interpolate(sampling *s, const args *a, const char *text)
{
    uint64_t seed[2] = {0};
    int n = s->options.n, status = read_seeds(text, seed);
    int64_t size = (int64_t)sampling_image_size(s);
    if (status != CLI_DONE) return status;
    if (points_are(s->info->height, s->info->width))
        return cli_usage("sample", "--interpolate is for images, and %s makes points", s->path);
    if (n < 2) return cli_usage("sample", "--interpolate makes two frames or more, -n is %d", n);
    status = sampling_one_label(s, a);
    if (status != CLI_DONE) return status;
    s->start = cli_alloc((size_t)(n + 2) * (size_t)size * sizeof *s->start);
    s->samples = cli_alloc((size_t)n * sizeof *s->samples);
    float *ends = s->start + n * size;
    for (int k = 0; k < 2; k++) fill_noise(s, seed[k], ends + k * size);
    for (int i = 0; i < n; i++) {
        ito_tensor from = ito_tensor_view(ITO_F32, ITO_SHAPE(1, size), ends);
        ito_tensor to = ito_tensor_view(ITO_F32, ITO_SHAPE(1, size), ends + size);
        ito_tensor frame = ito_tensor_view(ITO_F32, ITO_SHAPE(1, size), s->start + i * size);
        ito_status st = ito_tensor_slerp(s->app->ctx, &from, &to, (double)i / (n - 1), &frame);
        if (st != ITO_OK) return cli_fail(s->app, st);
        s->samples[i] = s->options.sample.first_sample; /* what a sampler injects is the same in all */
    }
    s->options.sample.seed = seed[0];
    s->options.sample.start = s->start;
    s->options.sample.samples = s->samples;
    return CLI_DONE;
}
