/* The built-in weightings: ITO_CHOICE(weighting, NAME) is the descriptor ito__weighting_NAME, in src/weighting/NAME.c; edm,
 * sigmoid and vlb, names that other axes have too, are in weight_edm.c, weight_sigmoid.c and weight_vlb.c. */
ITO_CHOICE(weighting, simple)
ITO_CHOICE(weighting, vlb)
ITO_CHOICE(weighting, snr)
ITO_CHOICE(weighting, truncated_snr)
ITO_CHOICE(weighting, snr_plus_1)
ITO_CHOICE(weighting, min_snr)
ITO_CHOICE(weighting, soft_min_snr)
ITO_CHOICE(weighting, p2)
ITO_CHOICE(weighting, edm)
ITO_CHOICE(weighting, sigmoid)
ITO_CHOICE(weighting, likelihood)
ITO_CHOICE(weighting, sigma2)
