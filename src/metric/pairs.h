/* Sums of a kernel over pairs of rows: what kernel distances, MMD and the energy distance are made of. Internal. */
#ifndef ITO_METRIC_PAIRS_H
#define ITO_METRIC_PAIRS_H

#include "metric/sets.h"

/* A kernel of two rows, of their product x.y or of their squared distance |x - y|^2. */
typedef struct ito__pair_kernel {
    bool of_distance;
    void (*apply)(const void *arg, int n,
                  double *numbers); /* in place: a product or squared distance to the kernel's value */
    const void *arg;
} ito__pair_kernel;

#define ITO_PAIR_COLUMNS 8 /* rows of the second set that are paired at a time */

/* numbers [n_rows, ITO_PAIR_COLUMNS]: products or squared distances of rows x [n_rows, d] and the first `count` rows of y; the
 * rest is that of y's first row. panel [d, ITO_PAIR_COLUMNS] is scratch. */
void ito__pair_tile(bool of_distance, const float *x, int n_rows, const float *y, int count, int64_t d, double *panel,
                    double *numbers);

/* The squared maximum mean discrepancy E k(x, x') + E k(y, y') - 2 E k(x, y) without bias: pairs of a row with itself (and, in a
 * resampled set, with its copies) do not count. */
ito_status ito__pair_discrepancy(ito_ctx *ctx, const ito_sets *sets, const ito__pair_kernel *kernel,
                                 const ito_resampling *r, ito_score *out);

#endif
