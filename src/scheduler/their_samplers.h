/* Samplers that have a meaning on the levels of a scheduler's file only. Internal. */
#ifndef ITO_THEIR_SAMPLERS_H
#define ITO_THEIR_SAMPLERS_H

#include <ito/sampler.h>

extern const ito_sampler_def ito__their_pndm, ito__their_singlestep;

#endif
