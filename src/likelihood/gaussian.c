/* Gaussians of one dimension: their divergence, their density, and the mass of a bin of 8-bit data (Ho, Jain, Abbeel
 * 2020, section 3.3). Everything is written so that it keeps its digits in the tails and for nearly equal
 * distributions. */
#include <ito/likelihood.h>

#include <math.h>

#define HALF_BIN       (1.0 / 255)
#define LAST_BINS      0.999 /* what lies beyond is the first or the last bin */
#define LEAST_MASS     1e-12
#define LOG_2PI        1.8378770664093454836
#define SQRT_2_OVER_PI 0.79788456080286535588
#define SQRT_HALF      0.70710678118654752440

double ito_gaussian_kl(double mean_a, double log_variance_a, double mean_b, double log_variance_b)
{
    double log_ratio = log_variance_a - log_variance_b, d = mean_a - mean_b;
    /* KL = 1/2 (var_a / var_b - 1 - log(var_a / var_b) + (mean_a - mean_b)^2 / var_b) */
    return 0.5 * (expm1(log_ratio) - log_ratio + d * d * exp(-log_variance_b));
}

double ito_gaussian_log_density(double x, double mean, double log_variance)
{
    double d = x - mean;
    return -0.5 * (LOG_2PI + log_variance + d * d * exp(-log_variance));
}

static double cdf_of(double z, ito_cdf cdf)
{
    if (cdf == ITO_CDF_EXACT) return 0.5 * erfc(-SQRT_HALF * z);
    /* (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)), which keeps its digits where it is small */
    return 1 / (1 + exp(-2 * SQRT_2_OVER_PI * (z + 0.044715 * z * z * z)));
}

/* Both functions have cdf(-z) = 1 - cdf(z): to the right of 0 the mirrored bin has the same mass and no cancellation.
 * */
static double mass(double low, double high, ito_cdf cdf)
{
    return low > 0 ? cdf_of(-low, cdf) - cdf_of(-high, cdf) : cdf_of(high, cdf) - cdf_of(low, cdf);
}

double ito_gaussian_log_bin(double x, double mean, double log_variance, ito_cdf cdf)
{
    double per_sd = exp(-0.5 * log_variance);
    double low = x < -LAST_BINS ? -(double)INFINITY : (x - HALF_BIN - mean) * per_sd;
    double high = x > LAST_BINS ? (double)INFINITY : (x + HALF_BIN - mean) * per_sd;
    /* EQ[ddpm:13]  p(x_0 | x_1) = integral of N(x; mu, sd^2) over the bin of x_0 */
    return log(fmax(mass(low, high, cdf), LEAST_MASS));
}

ito_interval ito_interval_of(const double *values, int64_t n)
{
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) mean += values[i] / (double)n;
    for (int64_t i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
    double se = n > 1 ? sqrt(squares / (double)(n - 1) / (double)n) : (double)NAN;
    return (ito_interval){mean, se, mean - 1.96 * se, mean + 1.96 * se};
}
