/* Levels by their angle. */
#include "process/angle.h"

#include <math.h>

#define FIRST_RATIO 1e-3 /* sigma / signal */

double ito__angle_of(const ito_level *t)
{
    return atan2(t->sigma, t->signal);
}

ito_level ito__level_at_angle(const ito_process *process, double phi, const ito_level *low, const ito_level *high)
{
    if (phi <= ito__angle_of(low)) return *low;
    if (phi >= ito__angle_of(high)) return *high;
    return ito_process_level(process, ito_process_time(process, -2 * log(tan(phi))));
}

double ito__first_time(const ito_process *process)
{
    if (ito_process_get_def(process)->is_discrete) return 1;
    return fmax(ito_process_t_min(process), ito_process_time(process, -2 * log(FIRST_RATIO)));
}
