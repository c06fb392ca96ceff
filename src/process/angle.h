/* Levels by their angle phi = atan(sigma / signal), from 0 at the data to pi / 2 where no signal is left. Over it, and for
 * y = x / rho, rho = sqrt(signal^2 + sigma^2), the probability-flow ODE of every process is that of a variance preserving
 * one, dy/dphi = cos(phi) eps - sin(phi) x_0, in which no rate is infinite. */
#ifndef ITO_ANGLE_H
#define ITO_ANGLE_H

#include <ito/process.h>

double ito__angle_of(const ito_level *t);

/* The level at phi, no further than the cleaner `low` and the noisier `high`. */
ito_level ito__level_at_angle(const ito_process *process, double phi, const ito_level *low, const ito_level *high);

/* Where paths towards the data stop: the first timestep of a discrete process, sigma / signal = 1e-3 of others, or as near as
 * the process comes. At the data itself eps is not to be had. */
double ito__first_time(const ito_process *process);

#endif
