/* The built-in guidances: ITO_CHOICE(guidance, NAME) is the descriptor ito__guidance_NAME, in src/guidance/NAME.c. */
ITO_CHOICE(guidance, cfg)
