/* Bilinear scaling of one image. */
#include "format/bilinear.h"

#include <stddef.h>

/* Between which two rows or columns a pixel lies, and how far behind the first. */
typedef struct place {
    int first, second;
    double share;
} place;

static place place_of(int i, int n, int n_out)
{
    double at = (i + 0.5) * n / n_out - 0.5;
    if (at < 0) at = 0;
    int first = (int)at < n - 1 ? (int)at : n - 1;
    return (place){first, first + 1 < n ? first + 1 : first, at - first};
}

void ito__bilinear(const float *in, int height, int width, int channels, int out_height, int out_width, float *out)
{
    for (int y = 0; y < out_height; y++) {
        place row = place_of(y, height, out_height);
        const float *upper = in + (ptrdiff_t)row.first * width * channels;
        const float *lower = in + (ptrdiff_t)row.second * width * channels;
        for (int x = 0; x < out_width; x++) {
            place column = place_of(x, width, out_width);
            for (int c = 0; c < channels; c++) {
                ptrdiff_t a = (ptrdiff_t)column.first * channels + c, b = (ptrdiff_t)column.second * channels + c;
                double top = (double)upper[a] + column.share * ((double)upper[b] - (double)upper[a]);
                double bottom = (double)lower[a] + column.share * ((double)lower[b] - (double)lower[a]);
                *out++ = (float)(top + row.share * (bottom - top));
            }
        }
    }
}
