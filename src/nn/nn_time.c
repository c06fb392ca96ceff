/* Features of a noise level. Sinusoidal (Vaswani et al. 2017, section 3.5; DDPM): sines and cosines of t at frequencies
 * 10000^(-i / (half - freq_shift)), i = 0 .. half - 1. Fourier (Song et al. 2021, NCSN++): sines and cosines of
 * 2 pi w log t at fixed random frequencies w. Both are followed by a perceptron of two layers. */
#include <math.h>

#include "nn/layers.h"

#define MAX_PERIOD 10000.0
#define TWO_PI     6.283185307179586

/* The frequencies as a constant [1, half]. Rounded to float32 at the steps where diffusers rounds: at t = 1000 another
 * rounding would move a sine by 1e-4. */
static ito_value *frequencies(const ito_scope *s, ito_dtype dtype, int64_t half, double freq_shift)
{
    ito_ctx *ctx = ito_graph_ctx(s->g);
    double *wide = ito__alloc_array(ctx, (size_t)half, sizeof *wide);
    float *narrow = ito__alloc_array(ctx, (size_t)half, sizeof *narrow);
    for (int64_t i = 0; wide && narrow && i < half; i++) {
        float exponent = (float)-log(MAX_PERIOD) * (float)i / (float)((double)half - freq_shift);
        narrow[i] = (float)exp((double)exponent);
        wide[i] = (double)narrow[i];
    }
    ito_value *f = wide && narrow ? ito_graph_const(s->g, dtype, ITO_SHAPE(1, half),
                                                    dtype == ITO_F64 ? (const void *)wide : narrow)
                                  : ito__graph_fail(s->g, ITO_MEMORY, "%s", ito_last_error(ctx));
    ito__free(ctx, wide);
    ito__free(ctx, narrow);
    return f;
}

/* t [N] as a column [N, 1]. */
static ito_value *column(const ito_scope *s, ito_value *t)
{
    return ito_op_reshape(s->g, t, ITO_SHAPE(-1, 1));
}

static ito_value *sines_and_cosines(const ito_scope *s, ito_value *angle, bool cos_first)
{
    ito_value *sine = ito_op_sin(s->g, angle), *cosine = ito_op_cos(s->g, angle);
    ito_value *parts[] = {cos_first ? cosine : sine, cos_first ? sine : cosine};
    return ito_op_concat(s->g, 2, parts, 1);
}

ito_value *ito__sinusoidal(const ito_scope *s, ito_value *t, int64_t width, bool cos_first, double freq_shift)
{
    ito_value *f = frequencies(s, ito_value_dtype(t), width / 2, freq_shift);
    ito_value *y = sines_and_cosines(s, ito_op_mul(s->g, column(s, t), f), cos_first);
    if (width % 2 == 0) return y;
    return ito_op_pad(s->g, y, (int64_t[]){0, 0}, (int64_t[]){0, 1}, 0); /* an odd width ends in a zero */
}

ito_value *ito__fourier(const ito_scope *outer, const char *name, ito_value *t, int64_t n_frequencies, double scale)
{
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *w = ito__param(&s, "weight", ITO_SHAPE(n_frequencies), ITO_INIT_NORMAL, scale, false);
    w = ito_op_scale(s.g, ito_op_stop_gradient(s.g, w), TWO_PI, 0);
    ito_value *y = sines_and_cosines(&s, ito_op_mul(s.g, column(&s, ito_op_log(s.g, t)), w), false);
    ito__scope_end(&s);
    return y;
}

ito_value *ito__time_mlp(const ito_scope *outer, const char *name, ito_value *x, int64_t width)
{
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *hidden = ito_op_silu(s.g, ito__linear(&s, "linear_1", x, width));
    ito_value *y = ito__linear(&s, "linear_2", hidden, width);
    ito__scope_end(&s);
    return y;
}
