/* Ticks are at 1, 2 or 5 times a power of ten. A logarithmic scale has them at decades, with 2 and 5 between where there are few,
 * and at the round numbers of a linear one where the values span too little for that. */
#include "plot/scale.h"

#include <math.h>

#include "plot/ticks.h"

ito__scale ito__scale_empty(bool is_log)
{
    return (ito__scale){.is_log = is_log, .low = (double)INFINITY, .high = -(double)INFINITY};
}

bool ito__scale_takes(const ito__scale *s, double value)
{
    return isfinite(value) && (!s->is_log || value > 0.0);
}

static double own(const ito__scale *s, double value)
{
    return s->is_log ? log10(value) : value;
}

double ito__scale_place(const ito__scale *s, double value)
{
    return s->from + (own(s, value) - s->low) / (s->high - s->low) * (s->to - s->from);
}

void ito__scale_widen(ito__scale *s, double value)
{
    s->low = fmin(s->low, own(s, value));
    s->high = fmax(s->high, own(s, value));
}

static void add_tick(ito__scale *s, double tick)
{
    if (s->n_ticks < ITO__SCALE_TICKS) s->ticks[s->n_ticks++] = tick;
}

/* Multiples of the step from low to high. */
static void add_multiples(ito__scale *s, double low, double high, double step)
{
    double first = ceil(low / step - 1e-9), last = floor(high / step + 1e-9);
    for (int i = 0; i <= last - first && i < ITO__SCALE_TICKS; i++) add_tick(s, (first + i) * step);
}

static void set_linear(ito__scale *s, int wanted)
{
    double step = ito__tick_step(s->high - s->low, wanted);
    s->low = floor(s->low / step + 1e-9) * step;
    s->high = ceil(s->high / step - 1e-9) * step;
    add_multiples(s, s->low, s->high, step);
}

static void set_log(ito__scale *s, int wanted)
{
    int first = (int)floor(s->low), last = (int)ceil(s->high), skip = 1 + (last - first) / 8;
    for (int e = first; e <= last; e += skip)
        for (int k = 1; k <= (last - first <= 3 ? 5 : 1); k += k == 1 ? 1 : 3) {
            double v = e + log10(k);
            if (v >= s->low - 1e-9 && v <= s->high + 1e-9) add_tick(s, k * pow(10.0, e));
        }
    if (s->n_ticks > 2) return;
    double low = pow(10.0, s->low), high = pow(10.0, s->high);
    s->n_ticks = 0;
    add_multiples(s, low, high, ito__tick_step(high - low, wanted));
}

void ito__scale_set_ticks(ito__scale *s, int wanted)
{
    if (s->high - s->low < 1e-12 * fmax(fabs(s->low), 1e-300)) { /* room for a constant */
        double room = s->is_log || s->low == 0.0 ? 0.5 : 0.05 * fabs(s->low);
        s->low -= room;
        s->high += room;
    }
    if (s->is_log)
        set_log(s, wanted);
    else
        set_linear(s, wanted);
}
