/* The built-in samplers: ITO_SAMPLER(NAME) is the descriptor ito__sampler_NAME, in src/sampler/NAME.c. */
ITO_SAMPLER(ddpm)
ITO_SAMPLER(ddim)
