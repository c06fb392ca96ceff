/* The standard normal distribution's quantile function, for the distributions that are made of it. */
#ifndef ITO_NORMAL_QUANTILE_H
#define ITO_NORMAL_QUANTILE_H

/* x with P(X <= x) = u, to the last digits; -infinity and infinity at u = 0 and 1. */
double ito__normal_quantile(double u);

#endif
