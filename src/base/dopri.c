/* The tableau of Dormand and Prince (J. Comput. Appl. Math. 6, 1980, table 2) and the step-size rule. */
#include "base/dopri.h"

#include <math.h>

/* EQ[dopri:t2]  k_i = rate(t + c_i h, y + h sum_j a_ij k_j); row 6 is the fifth-order solution itself */
const double ito__dopri_node[ITO__DOPRI_STAGES] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
const double ito__dopri_tableau[ITO__DOPRI_STAGES][ITO__DOPRI_STAGES - 1] = {
    {0},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
};
/* fifth order less fourth */
const double ito__dopri_difference[ITO__DOPRI_STAGES] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                                         -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

/* 0.9 error^(-1/5), at most 10 times longer or 5 times shorter, and no longer right after a rejection. */
double ito__dopri_factor(double error, bool after_rejection)
{
    double most = after_rejection || error > 1 ? 1 : 10;
    return fmin(fmax(0.9 * pow(fmax(error, 1e-10), -0.2), 0.2), most);
}
