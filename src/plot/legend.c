/* Legends: a swatch and a name, one behind the other, in as many lines as it takes. */
#include "plot/legend.h"

#include <string.h>

#define SWATCH 14
#define GAP    6  /* from swatch to name */
#define SPACE  16 /* to the next swatch */

void ito__legend_add(ito__legend *l, const ito__legend_name *name)
{
    if (!name->text || !*name->text || l->n == ITO__LEGEND_MOST) return;
    for (int k = 0; k < l->n; k++)
        if (!strcmp(l->names[k].text, name->text)) return;
    l->names[l->n++] = *name;
}

/* Where the k-th name stands: its left end, and in which line. Returns the number of lines. */
static int place(const ito__legend *l, int k, double room, double *x, int *line)
{
    double at = 0;
    int lines = 0;
    for (int i = 0; i < l->n; i++) {
        double width = SWATCH + GAP + ITO__TEXT_WIDTH * (double)strlen(l->names[i].text) + SPACE;
        if (at > 0 && at + width > room) {
            at = 0;
            lines++;
        }
        if (i == k) {
            *x = at;
            *line = lines;
        }
        at += width;
    }
    return l->n ? lines + 1 : 0;
}

double ito__legend_height(const ito__legend *l, double room)
{
    double x;
    int line;
    return ITO__TEXT_LINE * place(l, -1, room, &x, &line);
}

void ito__legend_draw(const ito__legend *l, ito__canvas *canvas, double left, double top, double room)
{
    for (int k = 0; k < l->n; k++) {
        const ito__legend_name *name = &l->names[k];
        double x = 0;
        int line = 0;
        place(l, k, room, &x, &line);
        x += left;
        double y = top + ITO__TEXT_LINE * (line + 0.5);
        if (name->is_dot)
            canvas->def->dot(canvas, x + 0.5 * SWATCH, y, 3, &name->ink);
        else
            canvas->def->line(canvas, 2, (const double[]){x, y, x + SWATCH, y}, 2, &name->ink);
        ito__text t = {.x = x + SWATCH + GAP, .y = y, .text = name->text};
        canvas->def->text(canvas, &t);
    }
}
