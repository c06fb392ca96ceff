/* Scaling by area and cutting the centre. Each axis is a list of weighted source pixels per target pixel: when the axis
 * shrinks, the overlap of the target pixel with the source pixels (so that no detail aliases); when it grows, linear
 * interpolation. Width first, then height. */
#include <math.h>
#include <string.h>

#include "format/image_impl.h"

/* Target pixel i is the sum of weights[i * taps + k] times source pixel first[i] + k. */
typedef struct axis {
    int n, taps;
    int *first;
    float *weights;
} axis;

static void axis_clear(ito_ctx *ctx, axis *a)
{
    ito__free(ctx, a->first);
    ito__free(ctx, a->weights);
}

/* The part of [low, high) that lies in source pixel p, or its share in a linear interpolation at the middle. */
static double share(double low, double high, double scale, int p)
{
    if (scale >= 1.0) return fmax(0.0, fmin(high, p + 1.0) - fmax(low, p));
    return fmax(0.0, 1.0 - fabs(0.5 * (low + high) - 0.5 - p));
}

/* `cut` is where the kept middle starts, in source pixels; `scale` is source pixels per target pixel. */
static ito_status axis_make(ito_ctx *ctx, int source, int target, double cut, double scale, axis *a)
{
    int taps = (int)ceil(fmax(scale, 1.0)) + 2;
    *a = (axis){.n = target, .taps = taps};
    a->first = ito__alloc_array(ctx, (size_t)target, sizeof *a->first);
    a->weights = ito__alloc_array(ctx, (size_t)target * (size_t)taps, sizeof *a->weights);
    if (!a->first || !a->weights) return ITO_MEMORY;
    for (int i = 0; i < target; i++) {
        double low = cut + i * scale, high = low + scale, total = 0.0;
        int start = (int)floor(scale >= 1.0 ? low : 0.5 * (low + high) - 0.5);
        start = ITO_MAX(0, ITO_MIN(start, source - 1));
        float *w = a->weights + (size_t)i * (size_t)taps;
        a->first[i] = start;
        for (int k = 0; k < taps && start + k < source; k++) total += share(low, high, scale, start + k);
        for (int k = 0; k < taps && start + k < source && total > 0.0; k++)
            w[k] = (float)(share(low, high, scale, start + k) / total);
        if (total <= 0.0) w[0] = 1.0f; /* outside by a rounding error */
    }
    return ITO_OK;
}

static float value_at(const ito_image *image, size_t at)
{
    return image->dtype == ITO_F32 ? ((const float *)image->pixels)[at]
                                   : (float)((const unsigned char *)image->pixels)[at];
}

/* Row y of the source, narrowed to out [a->n, channels]. */
static void narrow_row(const ito_image *image, const axis *a, int y, float *out)
{
    int c = image->channels;
    for (int x = 0; x < a->n; x++)
        for (int k = 0; k < c; k++) {
            float sum = 0.0f;
            for (int t = 0; t < a->taps; t++) {
                float w = a->weights[(size_t)x * (size_t)a->taps + (size_t)t];
                size_t pixel = (size_t)y * (size_t)image->width + (size_t)(a->first[x] + t);
                if (w != 0.0f) sum += w * value_at(image, pixel * (size_t)c + (size_t)k);
            }
            out[(size_t)x * (size_t)c + (size_t)k] = sum;
        }
}

static void store_row(ito_image *out, int y, const float *row)
{
    size_t n = (size_t)out->width * (size_t)out->channels, at = (size_t)y * n;
    for (size_t i = 0; i < n; i++) {
        if (out->dtype == ITO_F32)
            ((float *)out->pixels)[at + i] = row[i];
        else
            ((unsigned char *)out->pixels)[at + i] = (unsigned char)fminf(row[i] + 0.5f, 255.0f);
    }
}

static ito_status resample(ito_ctx *ctx, const ito_image *image, const axis *across, const axis *down, ito_image *out)
{
    size_t n = (size_t)out->width * (size_t)out->channels;
    float *rows = ito__alloc_array(ctx, (size_t)image->height * n, sizeof *rows);
    float *row = ito__alloc_array(ctx, n, sizeof *row);
    ito_status st = rows && row ? ITO_OK : ITO_MEMORY;
    for (int y = 0; st == ITO_OK && y < image->height; y++) narrow_row(image, across, y, rows + (size_t)y * n);
    for (int y = 0; st == ITO_OK && y < down->n; y++) {
        memset(row, 0, n * sizeof *row);
        for (int t = 0; t < down->taps; t++) {
            float w = down->weights[(size_t)y * (size_t)down->taps + (size_t)t];
            if (w == 0.0f) continue;
            const float *from = rows + (size_t)(down->first[y] + t) * n;
            for (size_t i = 0; i < n; i++) row[i] += w * from[i];
        }
        store_row(out, y, row);
    }
    ito__free(ctx, rows);
    ito__free(ctx, row);
    return st;
}

ito_status ito_image_fit(ito_ctx *ctx, const ito_image *image, int width, int height, ito_image *out)
{
    axis across = {0}, down = {0};
    ito_status st = ITO_OK;
    ITO_TRY(ito_image_create(ctx, width, height, image->channels, image->dtype, out));
    double scale = fmin((double)image->width / width, (double)image->height / height);
    ITO_GO(axis_make(ctx, image->width, width, 0.5 * (image->width - scale * width), scale, &across));
    ITO_GO(axis_make(ctx, image->height, height, 0.5 * (image->height - scale * height), scale, &down));
    ITO_GO(resample(ctx, image, &across, &down, out));
done:
    axis_clear(ctx, &across);
    axis_clear(ctx, &down);
    if (st != ITO_OK) ito_image_clear(ctx, out);
    return st;
}
