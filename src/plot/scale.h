/* Scales of plots: values to pixels, linear or logarithmic, with ticks at round numbers. Internal to plot/. */
#ifndef ITO_PLOT_SCALE_H
#define ITO_PLOT_SCALE_H

#include <stdbool.h>

#define ITO__SCALE_TICKS 24

/* Values low .. high (their logarithms to base 10 when is_log) lie on pixels from .. to. */
typedef struct ito__scale {
    bool is_log;
    double low, high, from, to;
    int n_ticks;
    double ticks[ITO__SCALE_TICKS];
} ito__scale;

/* Without any values yet. */
ito__scale ito__scale_empty(bool is_log);
/* Finite, and positive on a logarithmic scale. */
bool ito__scale_takes(const ito__scale *scale, double value);
void ito__scale_widen(ito__scale *scale, double value);
/* About `wanted` ticks. A linear scale is widened out to whole ticks, a logarithmic one ends where the values end. */
void ito__scale_set_ticks(ito__scale *scale, int wanted);
double ito__scale_place(const ito__scale *scale, double value);

#endif
