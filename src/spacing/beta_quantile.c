/* The quantile function of the Beta distribution: the regularised incomplete beta function by its continued fraction, inverted by
 * bisection. Tested in tests/exact/test_spacing.c. */
#include "spacing/beta_quantile.h"

#include <math.h>

#define MOST_TERMS 200

/* Coefficient number n of the fraction 1 / (1 + d_1 / (1 + d_2 / (1 + ...))). */
static double coefficient(int n, double x, double a, double b)
{
    int m = n / 2;
    /* EQ[dlmf:8.17.23]  d_2m = m (b - m) x / ((a + 2m - 1) (a + 2m)),
     * d_2m+1 = -(a + m) (a + b + m) x / ((a + 2m) (a + 2m + 1)) */
    if (n % 2) return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
}

/* I_x(a, b) where the fraction converges fast, x < (a + 1) / (a + b + 2). */
static double fraction(double x, double a, double b)
{
    double value = 1, beta = tgamma(a) * tgamma(b) / tgamma(a + b);
    for (int n = MOST_TERMS; n >= 1; n--) value = 1 + coefficient(n, x, a, b) / value;
    /* EQ[dlmf:8.17.22]  I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) times the fraction */
    return pow(x, a) * pow(1 - x, b) / (a * beta) / value;
}

static double incomplete(double x, double a, double b)
{
    /* EQ[dlmf:8.17.4]  I_x(a, b) = 1 - I_(1-x)(b, a) */
    return x < (a + 1) / (a + b + 2) ? fraction(x, a, b) : 1 - fraction(1 - x, b, a);
}

double ito__beta_quantile(double p, double a, double b)
{
    double low = 0, high = 1;
    if (!(p > 0) || p >= 1) return p > 0;
    for (;;) {
        double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) return middle;
        if (incomplete(middle, a, b) < p)
            low = middle;
        else
            high = middle;
    }
}
