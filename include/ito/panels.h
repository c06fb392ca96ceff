/* Pictures of points in the plane: panels side by side with one scale for all and the same unit along x and y; in each a density,
 * dots, paths and arrows. As an image (PNG) or as SVG. */
#ifndef ITO_PANELS_H
#define ITO_PANELS_H

#include <stdbool.h>

#include <ito/image.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ito_mark_kind {
    ITO_MARK_DOTS,
    ITO_MARK_PATH,  /* a line that breaks at points that are not finite */
    ITO_MARK_ARROWS /* from, to */
} ito_mark_kind;

#define ITO_COLOUR_GREY (-1)

/* What leaves the window is cut off; what is not finite is left out. */
typedef struct ito_marks {
    const char *name; /* in the legend, or NULL */
    ito_mark_kind kind;
    int n;
    const double *xy; /* [n, 2]; of arrows [n, 4] */
    int colour;       /* of a palette of seven, repeating, or ITO_COLOUR_GREY */
    double size;      /* radius of dots, width of lines, in pixels of 1/96 inch; 0: 1.4 and 1.2 */
    double opacity;   /* 0: 1 */
} ito_marks;

/* A density under everything else: white at 0, blue at the top. */
typedef struct ito_heat {
    int rows, columns;
    const double *value;    /* [rows, columns], the lowest row first; not negative */
    double low[2], high[2]; /* what it covers */
    double top;             /* the value that is darkest; 0: the largest */
    bool is_deep;           /* the blue is dark: where nothing lies over it */
} ito_heat;

typedef struct ito_panel {
    const char *title; /* above it, or NULL */
    int n_marks;
    const ito_marks *marks; /* drawn in order */
    const ito_heat *heat;   /* NULL: none */
} ito_panel;

/* All fields may be zero. */
typedef struct ito_panels_options {
    const char *title, *x_label, *y_label;
    int columns;                 /* panels in a row; 0: all, up to 4 */
    int side;                    /* pixels of a panel's longer side; 0: 240 */
    int scale;                   /* an image has so many pixels for each of these; 0: 2 */
    double low[2], high[2];      /* the window; where low is not below high: all that is drawn */
    const double *offset, *unit; /* [2]: the ticks of an axis say offset + unit value; NULL: 0 and 1 */
} ito_panels_options;

/* ITO_USAGE when there is nothing to draw. The caller clears *out. */
ito_status ito_panels_render(ito_ctx *ctx, const ito_panel *panels, int n_panels, const ito_panels_options *options,
                             ito_image *out);
/* The file is written whole or not at all. */
ito_status ito_panels_write_svg(ito_ctx *ctx, const char *path, const ito_panel *panels, int n_panels,
                                const ito_panels_options *options);

#ifdef __cplusplus
}
#endif
#endif
