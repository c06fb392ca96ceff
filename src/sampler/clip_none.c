/* No clipping: what the papers' mathematics says, and right for data without bounds. */
#include <ito/clip.h>

const ito_clip_def ito__clip_none = {
    .choice = {.name = "none",
               .summary = "x_0 stays as predicted",
               .formula = "x_0", /* EQ[ddpm:15]  x_0 as it was predicted */
               .paper = "ddpm",
               .eq = "ddpm:15",
               .file = "src/sampler/clip_none.c"},
};
