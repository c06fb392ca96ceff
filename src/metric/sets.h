/* What metrics share: checks of their inputs, and resampling. Internal. */
#ifndef ITO_METRIC_SETS_H
#define ITO_METRIC_SETS_H

#include <ito/metric.h>

#include "base/base.h"

/* Two sets of at least `least` finite rows. what: the metric, "the energy distance". */
ito_status ito__sets_check(ito_ctx *ctx, const char *what, const ito_sets *sets, int64_t least);

/* Resampling with its defaults filled in; NULL becomes none, n 0. ITO_USAGE for a level outside 0..1 or a negative n. */
ito_status ito__resampling_read(ito_ctx *ctx, const ito_resampling *in, ito_resampling *out);

/* How often each of n rows counts, [1 + resamples, n]: 1 in row 0, which stands for the set itself, then what was drawn. side
 * tells sets apart. The caller frees; NULL with the error recorded. */
double *ito__resample(ito_ctx *ctx, const ito_resampling *r, int side, int64_t n);

/* Of values [1 + resamples], that of the sets themselves first; sorts the others. */
ito_score ito__score(const ito_resampling *r, double *values);

/* The mean of n numbers with its resampled interval. */
ito_status ito__mean_score(ito_ctx *ctx, const ito_resampling *r, int side, int64_t n, const double *values,
                           ito_score *out);

#endif
