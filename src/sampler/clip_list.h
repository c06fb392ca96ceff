/* The built-in clippings: ITO_CHOICE(clip, NAME) is the descriptor ito__clip_NAME, in src/sampler/clip_NAME.c. */
ITO_CHOICE(clip, none)
ITO_CHOICE(clip, static)
ITO_CHOICE(clip, dynamic)
