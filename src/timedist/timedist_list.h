/* The built-in time distributions: ITO_CHOICE(timedist, NAME) is the descriptor ito__timedist_NAME, in
 * src/timedist/NAME.c. */
ITO_CHOICE(timedist, uniform)
