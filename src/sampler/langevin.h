/* Langevin dynamics at one level of noise, which the samplers of NCSN and SGLD share. */
#ifndef ITO_LANGEVIN_H
#define ITO_LANGEVIN_H

#include <ito/sampler.h>

/* x into scratch[0], where the dynamics run; scratch[1] is for noise. */
void ito__langevin_begin(ito_step *st);

/* One update of scratch[0] at level t, whose size is `size` sigma^2 in x; draw: of the noise. */
ito_status ito__langevin_update(ito_step *st, const ito_level *t, double size, int draw);

#define ITO__LANGEVIN_ARRAYS 2

#endif
