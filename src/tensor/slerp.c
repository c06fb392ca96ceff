/* Spherical interpolation of latents (Song, Meng, Ermon 2021, appendix D.5): noise between two noises that keeps their length. */
#include <ito/tensor.h>

#include <math.h>

#include "base/base.h"

#define LEAST_SINE 1e-4

/* Factors of a and b. Their angle is that of the rows, in double. */
static void factors_of(int64_t size, const float *a, const float *b, double share, double *of_a, double *of_b)
{
    double aa = 0, bb = 0, ab = 0;
    for (int64_t j = 0; j < size; j++) {
        aa += (double)a[j] * (double)a[j];
        bb += (double)b[j] * (double)b[j];
        ab += (double)a[j] * (double)b[j];
    }
    double cosine = ab / sqrt(aa * bb), sine = sqrt(1 - cosine * cosine), angle = atan2(sine, cosine);
    *of_a = 1 - share;
    *of_b = share;
    if (!(sine > LEAST_SINE)) return; /* no circle, or any; NaN where one is 0 */
    /* EQ[ddim:67]  sin((1 - w) angle) / sin(angle) a + sin(w angle) / sin(angle) b */
    *of_a = sin((1 - share) * angle) / sine;
    *of_b = sin(share * angle) / sine;
}

static int is_row_tensor(const ito_tensor *t)
{
    return t->dtype == ITO_F32 && ito_tensor_is_dense(t) && t->shape.n_dims > 0;
}

ito_status ito_tensor_slerp(ito_ctx *ctx, const ito_tensor *a, const ito_tensor *b, double share, ito_tensor *out)
{
    char text[2][ITO_SHAPE_TEXT];
    if (!is_row_tensor(a) || !is_row_tensor(b) || !is_row_tensor(out))
        return ito__fail(ctx, ITO_DTYPE, "ito_tensor_slerp: expected dense f32 tensors [n, ...]");
    if (!ito_shape_equal(a->shape, b->shape) || !ito_shape_equal(a->shape, out->shape))
        return ito__fail(ctx, ITO_SHAPE, "ito_tensor_slerp: shapes %s and %s and that of the result must be the same",
                         ito_shape_text(a->shape, text[0]), ito_shape_text(b->shape, text[1]));
    int64_t n = a->shape.d[0], size = n ? ito_shape_count(a->shape) / n : 0;
    for (int64_t i = 0; i < n; i++) {
        const float *from = (const float *)a->data + i * size, *to = (const float *)b->data + i * size;
        float *dst = (float *)out->data + i * size;
        double of_a, of_b;
        factors_of(size, from, to, share, &of_a, &of_b);
        for (int64_t j = 0; j < size; j++) dst[j] = (float)(of_a * (double)from[j] + of_b * (double)to[j]);
    }
    return ITO_OK;
}
