/* The built-in kinds of data set: ITO_CHOICE(dataset, NAME) is ito__dataset_NAME. In the order of trying them on a path. */
ITO_CHOICE(dataset, shapes)
ITO_CHOICE(dataset, idx)
ITO_CHOICE(dataset, folder)
