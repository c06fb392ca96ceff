/* The two-sample statistic of Kolmogorov and Smirnov. */
#ifndef ITO_TESTS_KS_H
#define ITO_TESTS_KS_H

#include <math.h>
#include <stdlib.h>

static inline int ks_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The largest distance between the two empirical distribution functions; sorts both. */
static inline double ks_distance(int n, double *a, double *b)
{
    double most = 0;
    qsort(a, (size_t)n, sizeof *a, ks_compare);
    qsort(b, (size_t)n, sizeof *b, ks_compare);
    for (int i = 0, j = 0; i < n && j < n;) {
        if (a[i] <= b[j])
            i++;
        else
            j++;
        most = fmax(most, fabs((double)(i - j) / n));
    }
    return most;
}

#endif
