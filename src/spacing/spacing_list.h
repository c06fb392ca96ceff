/* The built-in spacings: ITO_CHOICE(spacing, NAME) is the descriptor ito__spacing_NAME, in src/spacing/NAME.c. */
ITO_CHOICE(spacing, trailing)
ITO_CHOICE(spacing, leading)
ITO_CHOICE(spacing, linspace)
ITO_CHOICE(spacing, karras)
