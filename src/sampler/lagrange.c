/* Integrals of Lagrange's polynomials by Gauss's quadrature with 8 points, exact to degree 15. Tested in
 * tests/exact/test_solver_math.c. */
#include "sampler/lagrange.h"

#include <math.h>

#define HALF 4
/* Pieces halve towards 0, which is reached after so many. */
#define MOST_PIECES 40

/* Roots of the Legendre polynomial of degree 8 and their weights; the other half are mirrored. */
static const double root[HALF] = {0.18343464249564980494, 0.52553240991632898582, 0.79666647741362673959,
                                  0.96028985649753623168};
static const double weight[HALF] = {0.36268378337836198297, 0.31370664587788728734, 0.22238103445337447054,
                                    0.10122853629037625915};

double ito__lagrange(int n, const double *nodes, int j, double at)
{
    double product = 1;
    for (int k = 0; k < n; k++)
        if (k != j) product *= (at - nodes[k]) / (nodes[j] - nodes[k]);
    return product;
}

static double same(const void *user, double y)
{
    (void)user;
    return y;
}

/* Adds the integrals over one piece. */
static void add_piece(int n, const double *nodes, ito__lagrange_map map, const void *user, double from, double to,
                      double *w)
{
    double middle = 0.5 * (from + to), half = 0.5 * (to - from);
    for (int i = 0; i < HALF; i++)
        for (int side = -1; side <= 1; side += 2) {
            double at = map(user, middle + side * half * root[i]);
            for (int j = 0; j < n; j++) w[j] += half * weight[i] * ito__lagrange(n, nodes, j, at);
        }
}

void ito__lagrange_integrals(int n, const double *nodes, double from, double to, double *w)
{
    for (int j = 0; j < n; j++) w[j] = 0;
    add_piece(n, nodes, same, 0, from, to, w);
}

void ito__lagrange_integrals_of(int n, const double *nodes, ito__lagrange_map map, const void *user, double from,
                                double to, double *w)
{
    double high = fmax(from, to), low = fmin(from, to), sign = from < to ? 1 : -1;
    for (int j = 0; j < n; j++) w[j] = 0;
    for (int piece = 1; high > low; piece++) {
        double next = piece < MOST_PIECES ? fmax(low, 0.5 * high) : low;
        add_piece(n, nodes, map, user, next, high, w);
        high = next;
    }
    for (int j = 0; j < n; j++) w[j] *= sign;
}
