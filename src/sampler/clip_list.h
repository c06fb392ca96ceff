/* The built-in clippings: ITO_CLIP(NAME) is the descriptor ito__clip_NAME, in src/sampler/clip_NAME.c. */
ITO_CLIP(none)
ITO_CLIP(static)
ITO_CLIP(dynamic)
