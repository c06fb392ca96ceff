/* Quantiles of the beta distribution, for the spacing of sigmas that is named after it. The distribution function by its continued fraction
 * (DLMF 8.17.22, modified Lentz), the quantile by bisection on it, to the last digit. */
#include <math.h>

#include "scheduler/scheduler_impl.h"

#define MOST_TERMS 500
#define HALVINGS   200

static double keep_off_zero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* The fraction behind x^a (1 - x)^b / (a B(a, b)), fast for x < (a + 1) / (a + b + 2). */
static double fraction(double x, double a, double b)
{
    double c = 1, d = 1 / keep_off_zero(1 - (a + b) * x / (a + 1)), value = d;
    for (int m = 1; m < MOST_TERMS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / keep_off_zero(1 + even * d);
        c = keep_off_zero(1 + even / c);
        value *= d * c;
        d = 1 / keep_off_zero(1 + odd * d);
        c = keep_off_zero(1 + odd / c);
        value *= d * c;
        if (fabs(d * c - 1) < 1e-16) break;
    }
    return value;
}

/* The incomplete beta function I_x(a, b). */
static double below(double x, double a, double b)
{
    if (x <= 0 || x >= 1) return x >= 1;
    double front = pow(x, a) * pow(1 - x, b) * tgamma(a + b) / (tgamma(a) * tgamma(b));
    if (x < (a + 1) / (a + b + 2)) return front * fraction(x, a, b) / a;
    return 1 - front * fraction(1 - x, b, a) / b;
}

double ito__beta_quantile(double p, double a, double b)
{
    double low = 0, high = 1;
    if (p <= 0 || p >= 1) return p >= 1;
    for (int i = 0; i < HALVINGS && low < high; i++) {
        double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) break;
        if (below(middle, a, b) < p)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}
