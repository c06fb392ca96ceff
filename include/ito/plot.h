/* Line plots with axes, as PNG or SVG: loss curves and the like. */
#ifndef ITO_PLOT_H
#define ITO_PLOT_H

#include <stdbool.h>

#include <ito/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Points that are not finite, or not positive on a logarithmic axis, are left out and break the line. */
typedef struct ito_plot_series {
    const char *name; /* in the legend, or NULL */
    int n;
    const double *x, *y;
    bool is_faint; /* thin and pale: the raw values behind a smoothed line */
    bool has_dots; /* a dot at every point */
    bool is_right; /* read off a second, linear scale on the right */
} ito_plot_series;

/* All fields but the series may be zero. */
typedef struct ito_plot_options {
    const char *title, *x_label, *y_label, *right_label;
    bool log_x, log_y;
    int width, height; /* pixels of 1/96 inch; 0 is 720 and 420 */
    int scale;         /* a PNG has so many pixels for each of these along both sides; 0: 2 */
} ito_plot_options;

/* A path that ends in .png or .svg says which; the file is written whole or not at all. ITO_USAGE: another ending, not a single
 * point to draw, no room for the curves. */
ito_status ito_plot_write(ito_ctx *ctx, const char *path, const ito_plot_series *series, int n_series,
                          const ito_plot_options *options);

/* Exponential moving average that starts at the first value: out[i] = (1 - w) sum w^k y[i - k], debiased. */
void ito_plot_smooth(const double *y, int n, double weight, double *out);

#ifdef __cplusplus
}
#endif
#endif
