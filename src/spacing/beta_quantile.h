/* The quantile function of the Beta distribution. */
#ifndef ITO_SPACING_BETA_QUANTILE_H
#define ITO_SPACING_BETA_QUANTILE_H

/* x with I_x(a, b) = p, to the last digits of a double; a and b in 0.1 .. 10. */
double ito__beta_quantile(double p, double a, double b);

#endif
