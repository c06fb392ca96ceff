/* The built-in processes: ITO_PROCESS(NAME) is the descriptor ito__process_NAME, in src/process/NAME.c. */
ITO_PROCESS(vp_linear)
ITO_PROCESS(vp_cosine)
