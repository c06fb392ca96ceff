/* A small bitmap font. Internal to plot/. */
#ifndef ITO_PLOT_FONT_H
#define ITO_PLOT_FONT_H

#include <stdbool.h>

#define ITO_FONT_WIDTH  5
#define ITO_FONT_HEIGHT 8
#define ITO_FONT_STEP   6 /* from letter to letter */

/* Is pixel (x, y) of the letter set? What is not printable ASCII is shown as a question mark. */
bool ito__font_pixel(char letter, int x, int y);

#endif
