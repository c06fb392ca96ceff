/* What several distributions have in common: a share of the range of times, as a time of the process. */
#ifndef ITO_TIMEDIST_SPAN_H
#define ITO_TIMEDIST_SPAN_H

#include <ito/process.h>

typedef struct ito__span {
    int n_timesteps; /* 0: continuous */
    double low, high;
} ito__span;

ito__span ito__span_of(const ito_process *process);

/* t_min + share (t_max - t_min); of a discrete process the timestep in whose T-th part of 0..1 the share lies, so that
 * uniform shares give uniform timesteps: 1 + floor(share T), at most T. */
double ito__span_time(const ito__span *span, double share);

#endif
