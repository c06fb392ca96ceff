/* Integrals of Lagrange's polynomials: what Adams-Bashforth methods on uneven steps are made of. Functions of doubles. */
#ifndef ITO_SAMPLER_LAGRANGE_H
#define ITO_SAMPLER_LAGRANGE_H

/* The polynomial that is 1 at nodes[j] and 0 at the others, at `at`. */
double ito__lagrange(int n, const double *nodes, int j, double at);

/* w[j] = the integral of polynomial j from `from` to `to`; exact to rounding for n up to 16. */
void ito__lagrange_integrals(int n, const double *nodes, double from, double to, double *w);

/* w[j] = the integral over y of polynomial j at map(y), y positive, or 0 at one end: to about 14 digits where map is smooth on
 * the scale of y, as powers and logarithms are. */
typedef double (*ito__lagrange_map)(const void *user, double y);
void ito__lagrange_integrals_of(int n, const double *nodes, ito__lagrange_map map, const void *user, double from,
                                double to, double *w);

#endif
