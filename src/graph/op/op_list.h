/* The registry of operation families: one line per file of this folder. */
ITO_OP_FAMILY(full)
ITO_OP_FAMILY(unary)
ITO_OP_FAMILY(binary)
ITO_OP_FAMILY(matmul)
ITO_OP_FAMILY(reduce)
ITO_OP_FAMILY(reshape)
