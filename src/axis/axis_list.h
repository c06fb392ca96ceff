/* The axes, in the order in which `ito list` shows them. Each is the ito_axis named ito__axis_NAME. */
ITO_AXIS(process)
ITO_AXIS(prediction)
ITO_AXIS(variance)
ITO_AXIS(spacing)
ITO_AXIS(dataset)
ITO_AXIS(sampler)
ITO_AXIS(clip)
ITO_AXIS(guidance)
