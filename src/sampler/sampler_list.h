/* The built-in samplers: ITO_CHOICE(sampler, NAME) is the descriptor ito__sampler_NAME, in src/sampler/NAME.c. */
ITO_CHOICE(sampler, ddpm)
ITO_CHOICE(sampler, ddim)
ITO_CHOICE(sampler, euler)
ITO_CHOICE(sampler, heun)
ITO_CHOICE(sampler, midpoint)
ITO_CHOICE(sampler, rk4)
