/* The built-in variances: ITO_VARIANCE(NAME) is the descriptor ito__variance_NAME, in src/variance/NAME.c. */
ITO_VARIANCE(fixed_small)
ITO_VARIANCE(fixed_large)
