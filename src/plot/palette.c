/* Okabe and Ito's colours, which the colour-blind can tell apart. */
#include "plot/palette.h"

#include <string.h>

static const unsigned char colours[][3] = {{0, 114, 178}, {213, 94, 0},   {0, 158, 115}, {204, 121, 167},
                                           {230, 159, 0}, {86, 180, 233}, {40, 40, 40}};

const ito__ink ito__ink_frame = {{51, 51, 51}, 1}, ito__ink_grid = {{232, 232, 232}, 1};

ito__ink ito__palette_ink(int k, double opacity)
{
    ito__ink ink = {{130, 130, 130}, opacity};
    if (k >= 0) memcpy(ink.rgb, colours[k % ITO_COUNT(colours)], sizeof ink.rgb);
    return ink;
}
