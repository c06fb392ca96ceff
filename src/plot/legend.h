/* Names of what is drawn, in lines below it. Internal to plot/. */
#ifndef ITO_PLOT_LEGEND_H
#define ITO_PLOT_LEGEND_H

#include "plot/canvas.h"

#define ITO__LEGEND_MOST 64

typedef struct ito__legend_name {
    const char *text;
    ito__ink ink;
    bool is_dot; /* else a stroke */
} ito__legend_name;

typedef struct ito__legend {
    int n;
    ito__legend_name names[ITO__LEGEND_MOST];
} ito__legend;

/* Every name once, in the order of its first appearance; NULL, "" and what is beyond the 64th are left out. */
void ito__legend_add(ito__legend *legend, const ito__legend_name *name);
/* In pixels, where lines are at most `room` wide; 0 without names. */
double ito__legend_height(const ito__legend *legend, double room);
void ito__legend_draw(const ito__legend *legend, ito__canvas *canvas, double left, double top, double room);

#endif
