/* The built-in guidances: ITO_GUIDANCE(NAME) is the descriptor ito__guidance_NAME, in src/guidance/NAME.c. */
ITO_GUIDANCE(cfg)
