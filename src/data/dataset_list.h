/* The built-in kinds of data set, one line each, in the order in which they are tried on a path. */
ITO_DATASET(shapes)
ITO_DATASET(idx)
ITO_DATASET(folder)
