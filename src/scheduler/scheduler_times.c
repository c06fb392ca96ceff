/* diffusers' timesteps, in its own arithmetic: rounding decides which timestep is visited. Rounding halves goes to even, as numpy's and
 * rint do. */
#include <math.h>

#include "scheduler/scheduler_impl.h"

double ito__np_linspace(double first, double last, int i, int n)
{
    if (n < 2) return first;
    double step = (last - first) / (n - 1);
    return i == n - 1 ? last : i * step + first;
}

double ito__trailing(double last, double ratio, int i)
{
    /* np.arange goes on by the difference of its first two numbers. */
    double delta = (last - ratio) - last;
    return rint(last + i * delta) - 1;
}
