/* Round numbers for axes. */
#include "plot/ticks.h"

#include <math.h>

double ito__tick_step(double span, int wanted)
{
    const double factors[] = {1, 2, 5, 10};
    double power = pow(10.0, floor(log10(span / wanted)));
    int k = 0;
    while (k < 3 && span / (power * factors[k]) > wanted) k++;
    return power * factors[k];
}
