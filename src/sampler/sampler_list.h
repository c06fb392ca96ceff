/* The built-in samplers: ITO_CHOICE(sampler, NAME) is the descriptor ito__sampler_NAME, in src/sampler/NAME.c. */
ITO_CHOICE(sampler, ddpm)
ITO_CHOICE(sampler, ddim)
ITO_CHOICE(sampler, edm)
ITO_CHOICE(sampler, euler_a)
ITO_CHOICE(sampler, dpm2_a)
ITO_CHOICE(sampler, dpmpp_2s_a)
