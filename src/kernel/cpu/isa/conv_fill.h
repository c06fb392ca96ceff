/* Makes rows of the im2col matrix of a view, on the fly and in pieces; see kernel/cpu/conv_view.h. */
#ifndef ITO_CONV_FILL_H
#define ITO_CONV_FILL_H

#include "kernel/cpu/conv_view.h"

typedef struct conv_source {
    const conv_view *view;
    const float *data;      /* the first channel of the group in the first pixel */
    const uint16_t *narrow; /* or, when it is bf16, this */
} conv_source;

static inline conv_source conv_source_of(const conv_view *view, ito_dtype dtype, const void *data)
{
    conv_source s = {.view = view};
    if (dtype == ITO_BF16)
        s.narrow = data;
    else
        s.data = data;
    return s;
}

/* The same, `channels` on. */
static inline conv_source conv_source_from(const conv_source *s, int64_t channels)
{
    conv_source from = *s;
    if (s->narrow)
        from.narrow += channels;
    else
        from.data += channels;
    return from;
}

#define conv_fill ITO_ISA_FN(ito__conv_fill)

/* A gemm_fill whose argument is a conv_source: rows are pixels of the grid, columns (tap y, tap x, channel). */
void conv_fill(const void *arg, int64_t m0, int64_t m, int64_t k0, int64_t k1, float *buffer, int64_t ld);

#endif
