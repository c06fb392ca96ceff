/* A share of the range of times, as a time. */
#include "timedist/span.h"

#include <math.h>

ito__span ito__span_of(const ito_process *process)
{
    return (ito__span){ito_process_n_timesteps(process), ito_process_t_min(process), ito_process_t_max(process)};
}

double ito__span_time(const ito__span *span, double share)
{
    if (span->n_timesteps) return 1 + fmin(floor(share * span->n_timesteps), span->n_timesteps - 1);
    return span->low + share * (span->high - span->low);
}
