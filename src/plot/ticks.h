/* Round numbers for axes. Internal to plot/. */
#ifndef ITO_PLOT_TICKS_H
#define ITO_PLOT_TICKS_H

/* 1, 2 or 5 times a power of ten: the smallest that cuts span > 0 into at most `wanted` pieces. */
double ito__tick_step(double span, int wanted);

#endif
