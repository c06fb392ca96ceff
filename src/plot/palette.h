/* Colours of plots. Internal to plot/. */
#ifndef ITO_PLOT_PALETTE_H
#define ITO_PLOT_PALETTE_H

#include "plot/canvas.h"

/* Number k of what is drawn; they repeat after seven. Negative: grey. */
ito__ink ito__palette_ink(int k, double opacity);

extern const ito__ink ito__ink_frame, ito__ink_grid;

#endif
