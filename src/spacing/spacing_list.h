/* The built-in spacings: ITO_SPACING(NAME) is the descriptor ito__spacing_NAME, in src/spacing/NAME.c. */
ITO_SPACING(trailing)
ITO_SPACING(leading)
ITO_SPACING(linspace)
