/* The built-in spacings: ITO_CHOICE(spacing, NAME) is the descriptor ito__spacing_NAME, in src/spacing/NAME.c or
 * spacing_NAME.c. */
ITO_CHOICE(spacing, trailing)
ITO_CHOICE(spacing, leading)
ITO_CHOICE(spacing, linspace)
ITO_CHOICE(spacing, karras)
ITO_CHOICE(spacing, exponential)
ITO_CHOICE(spacing, log_snr)
ITO_CHOICE(spacing, beta)
ITO_CHOICE(spacing, sections)
