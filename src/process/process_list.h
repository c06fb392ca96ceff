/* The built-in processes: ITO_CHOICE(process, NAME) is the descriptor ito__process_NAME, in src/process/NAME.c. */
ITO_CHOICE(process, vp_linear)
ITO_CHOICE(process, vp_cosine)
