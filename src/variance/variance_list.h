/* The built-in variances: ITO_CHOICE(variance, NAME) is the descriptor ito__variance_NAME, in src/variance/NAME.c. */
ITO_CHOICE(variance, fixed_small)
ITO_CHOICE(variance, fixed_large)
ITO_CHOICE(variance, learned_range)
