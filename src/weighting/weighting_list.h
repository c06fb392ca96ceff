/* The built-in weightings: ITO_CHOICE(weighting, NAME) is the descriptor ito__weighting_NAME, in src/weighting/NAME.c. */
ITO_CHOICE(weighting, simple)
