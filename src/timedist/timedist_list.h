/* The built-in time distributions: ITO_CHOICE(timedist, NAME) is the descriptor ito__timedist_NAME, in src/timedist/NAME.c;
 * cosine, a name that processes have too, is in time_cosine.c. */
ITO_CHOICE(timedist, uniform)
ITO_CHOICE(timedist, logit_normal)
ITO_CHOICE(timedist, log_normal)
ITO_CHOICE(timedist, cosine)
ITO_CHOICE(timedist, importance)
