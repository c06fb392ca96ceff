/* What samplers ask of ito_vec, on doubles: for verifying a solver beyond the rounding of float32. Plain loops on one thread. */
#ifndef ITO_VEC64_H
#define ITO_VEC64_H

#include <ito/rng.h>

/* dst_i = sum_k coef[k * n + i] * src[k]_i */
void ito__vec64_lincomb(int64_t n, int64_t size, int n_terms, const double *coef, const double *const *src,
                        double *dst);
/* The numbers that the float32 function gives. */
void ito__vec64_normal(int64_t n, int64_t size, const ito_rng_key *key, double *dst);
/* out_i = ||x_i||_2 */
void ito__vec64_norm(int64_t n, int64_t size, const double *x, double *out);

#endif
