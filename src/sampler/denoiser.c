/* Denoisers: freeing one that owns something. */
#include <ito/denoiser.h>

void ito_denoiser_clear(ito_denoiser *denoiser)
{
    if (denoiser->destroy) denoiser->destroy(denoiser->self);
    *denoiser = (ito_denoiser){0};
}
