/* A rational approximation to 4.5e-4 (Abramowitz and Stegun 1964, 26.2.23), then Halley's method on the complementary
 * error function, whose error a step takes to its third power: the second step leaves nothing. All is done in the lower
 * tail, where the probability has all its digits; 1 - u of a larger u is exact. */
#include "timedist/normal_quantile.h"

#include <math.h>

#define SQRT_HALF   0.70710678118654752440
#define SQRT_TWO_PI 2.50662827463100050242

static double first_guess(double p)
{
    double r = sqrt(-2 * log(p));
    double above = 2.515517 + r * (0.802853 + r * 0.010328);
    double below = 1 + r * (1.432788 + r * (0.189269 + r * 0.001308));
    return above / below - r;
}

static double lower_tail(double p)
{
    double x = first_guess(p);
    for (int i = 0; i < 2; i++) {
        /* (P(X <= x) - p) over the density at x, as a share of p so that nothing underflows */
        double miss = (0.5 * erfc(-x * SQRT_HALF) / p - 1) * p * SQRT_TWO_PI * exp(0.5 * x * x);
        x -= miss / (1 + 0.5 * x * miss);
    }
    return x;
}

double ito__normal_quantile(double u)
{
    if (u <= 0 || u >= 1) return u <= 0 ? (double)-INFINITY : (double)INFINITY;
    return u <= 0.5 ? lower_tail(u) : 0 - lower_tail(1 - u);
}
