/* Panels of points: layout and what is drawn in which order. All panels show one window; its longer side takes `side` pixels and
 * the shorter one follows, so that a unit is as long along x as along y.
 *
 *     title
 *     y label | ticks | [panel title / panel] gap [panel title / panel] ...
 *                       ticks, x label
 *                       legend */
#include <ito/panels.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plot/canvas.h"
#include "plot/legend.h"
#include "plot/palette.h"
#include "plot/ticks.h"

#define SIDE        240
#define SCALE       2
#define MOST_PANELS 256
#define GAP         14
#define MARGIN      12
#define TICK_ROOM   16   /* below a panel */
#define ROOM        0.04 /* around what is drawn, of its extent */
#define FLATTEST    0.2  /* a window's shorter side, of its longer one */

typedef struct picture {
    const ito_panel *panels;
    int n;
    ito_panels_options o;
    double low[2], high[2];
    double unit;          /* pixels of a unit */
    double width, height; /* of a panel */
    int columns, rows;
    double left, top;      /* of the first panel */
    double step_x, step_y; /* from panel to panel */
    ito__legend legend;
    double full_width, full_height, legend_top;
    ito__canvas *canvas;
} picture;

/* A panel while it is drawn. */
typedef struct frame {
    picture *p;
    double left, top;
} frame;

static ito__ink ink_of(const ito_marks *m)
{
    return ito__palette_ink(m->colour, m->opacity > 0 ? m->opacity : 1);
}

/* ---- the window ---- */

static int points_of(const ito_marks *m)
{
    return m->kind == ITO_MARK_ARROWS ? 2 * m->n : m->n;
}

static void widen(picture *p, const double *xy)
{
    if (!isfinite(xy[0]) || !isfinite(xy[1])) return;
    for (int k = 0; k < 2; k++) {
        p->low[k] = fmin(p->low[k], xy[k]);
        p->high[k] = fmax(p->high[k], xy[k]);
    }
}

static void find_window(picture *p)
{
    p->low[0] = p->low[1] = INFINITY;
    p->high[0] = p->high[1] = -INFINITY;
    for (int i = 0; i < p->n; i++) {
        const ito_panel *panel = &p->panels[i];
        for (int k = 0; k < panel->n_marks; k++)
            for (ptrdiff_t j = 0; j < points_of(&panel->marks[k]); j++) widen(p, panel->marks[k].xy + 2 * j);
        if (panel->heat) widen(p, panel->heat->low);
        if (panel->heat) widen(p, panel->heat->high);
    }
}

/* Room around, and no window flatter than can be looked at. */
static void round_window(picture *p)
{
    double longer = fmax(p->high[0] - p->low[0], p->high[1] - p->low[1]);
    if (longer <= 0) longer = fmax(1e-3 * fmax(fabs(p->low[0]), fabs(p->low[1])), 1e-6);
    for (int k = 0; k < 2; k++) {
        double middle = 0.5 * (p->low[k] + p->high[k]), half = 0.5 * (p->high[k] - p->low[k]) + ROOM * longer;
        half = fmax(half, FLATTEST * longer);
        p->low[k] = middle - half;
        p->high[k] = middle + half;
    }
}

static ito_status set_window(picture *p, ito_ctx *ctx)
{
    bool is_given = p->o.low[0] < p->o.high[0] && p->o.low[1] < p->o.high[1];
    if (is_given) {
        memcpy(p->low, p->o.low, sizeof p->low);
        memcpy(p->high, p->o.high, sizeof p->high);
    } else {
        find_window(p);
        if (!(p->low[0] <= p->high[0])) return ito__fail(ctx, ITO_USAGE, "nothing to plot: no point is finite");
        round_window(p);
    }
    double longer = fmax(p->high[0] - p->low[0], p->high[1] - p->low[1]);
    if (!isfinite(longer)) return ito__fail(ctx, ITO_USAGE, "nothing to plot: the points are too far apart");
    p->unit = p->o.side / longer;
    p->width = p->unit * (p->high[0] - p->low[0]);
    p->height = p->unit * (p->high[1] - p->low[1]);
    return ITO_OK;
}

/* ---- ticks ---- */

static double own_unit(const picture *p, int axis)
{
    return p->o.unit ? p->o.unit[axis] : 1;
}

static double own_offset(const picture *p, int axis)
{
    return p->o.offset ? p->o.offset[axis] : 0;
}

/* In the units that ticks are written in, which are round there. */
static double tick_step(const picture *p, int axis)
{
    double span = (p->high[axis] - p->low[axis]) * own_unit(p, axis), pixels = axis ? p->height : p->width;
    return ito__tick_step(span, ITO_MAX(2, (int)(pixels / 48)));
}

static void tick_text(const picture *p, int axis, double value, char text[32])
{
    snprintf(text, 32, "%g", fabs(value) < 1e-9 * tick_step(p, axis) ? 0.0 : value);
}

/* ---- layout ---- */

static void make_legend(picture *p)
{
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < p->panels[i].n_marks; k++) {
            const ito_marks *m = &p->panels[i].marks[k];
            ito__legend_name name = {m->name, ito__palette_ink(m->colour, 1), m->kind == ITO_MARK_DOTS};
            ito__legend_add(&p->legend, &name);
        }
}

/* Lines of the legend are as long as the panels together. */
static double legend_room(const picture *p)
{
    return p->full_width - p->left - MARGIN;
}

/* The first tick in the window, as a multiple of the step, and how many there are: none where units are so odd that a double
 * does not tell neighbours apart. */
static int tick_range(const picture *p, int axis, double *first)
{
    double step = tick_step(p, axis), offset = own_offset(p, axis), unit = own_unit(p, axis);
    *first = ceil((offset + unit * p->low[axis]) / step - 1e-9);
    double n = floor((offset + unit * p->high[axis]) / step + 1e-9) - *first + 1;
    return fabs(*first) < 0x1p40 && n > 0 && n < 1000 ? (int)n : 0;
}

/* The widest tick of the y axis. */
static double tick_width(const picture *p)
{
    double step = tick_step(p, 1), widest = 0, first;
    char text[32];
    int n = tick_range(p, 1, &first);
    for (int k = 0; k < n; k++) {
        tick_text(p, 1, (first + k) * step, text);
        widest = fmax(widest, ITO__TEXT_WIDTH * (double)strlen(text));
    }
    return widest;
}

static void lay_out(picture *p)
{
    bool has_titles = false;
    for (int i = 0; i < p->n; i++) has_titles |= p->panels[i].title != NULL;
    p->columns = ITO_MAX(1, ITO_MIN(p->n, p->o.columns > 0 ? p->o.columns : 4));
    p->rows = (p->n + p->columns - 1) / p->columns;
    p->left = MARGIN + (p->o.y_label ? ITO__TEXT_LINE : 0) + 8 + tick_width(p);
    p->top = MARGIN + (p->o.title ? ITO__TEXT_LINE + 4 : 0) + (has_titles ? ITO__TEXT_LINE : 0);
    p->step_x = p->width + GAP;
    p->step_y = p->height + GAP + (has_titles ? ITO__TEXT_LINE : 0);
    make_legend(p);
    p->full_width = p->left + p->columns * p->step_x - GAP + MARGIN;
    double title = p->left + ITO__TEXT_WIDTH * 1.1 * (p->o.title ? (double)strlen(p->o.title) : 0) + MARGIN;
    p->full_width = ceil(fmax(p->full_width, title));
    p->legend_top = p->top + (p->rows - 1) * p->step_y + p->height + TICK_ROOM + (p->o.x_label ? ITO__TEXT_LINE : 0);
    p->full_height = ceil(p->legend_top + ito__legend_height(&p->legend, legend_room(p)) + MARGIN);
}

/* ---- what is in a panel ---- */

static void to_pixels(const frame *f, const double *xy, double out[2])
{
    out[0] = f->left + (xy[0] - f->p->low[0]) * f->p->unit;
    out[1] = f->top + (f->p->high[1] - xy[1]) * f->p->unit;
}

static bool is_inside(const picture *p, const double *xy)
{
    return xy[0] >= p->low[0] && xy[0] <= p->high[0] && xy[1] >= p->low[1] && xy[1] <= p->high[1];
}

/* shade 0..n of a heat: from white to blue, to a dark one when it is deep. */
static ito__ink heat_ink(const ito_heat *h, int shade, int n)
{
    static const double stops[][3] = {{255, 255, 255}, {222, 235, 247}, {158, 202, 225},
                                      {107, 174, 214}, {33, 113, 181},  {8, 48, 107}};
    int last = h->is_deep ? 5 : 3;
    double place = (double)last * shade / n;
    int stop = (int)fmin(floor(place), last - 1);
    ito__ink ink = {.opacity = 1};
    for (int k = 0; k < 3; k++)
        ink.rgb[k] = (unsigned char)lround(stops[stop][k] + (place - stop) * (stops[stop + 1][k] - stops[stop][k]));
    return ink;
}

static double heat_top(const ito_heat *h)
{
    double top = h->top;
    for (ptrdiff_t i = 0; !(h->top > 0) && i < (ptrdiff_t)h->rows * h->columns; i++) top = fmax(top, h->value[i]);
    return top;
}

static int shade_of(double value, double top, int n)
{
    return (int)lround(n * fmin(value / top, 1));
}

static void draw_heat(const frame *f, const ito_heat *h)
{
    const int shades = h->is_deep ? 60 : 24;
    double top = heat_top(h), size[2];
    size[0] = (h->high[0] - h->low[0]) / h->columns;
    size[1] = (h->high[1] - h->low[1]) / h->rows;
    for (int r = 0; top > 0 && r < h->rows; r++)
        for (int c = 0, next; c < h->columns; c = next) { /* cells of one shade are one rectangle */
            const double *row = h->value + (ptrdiff_t)r * h->columns;
            int shade = shade_of(row[c], top, shades);
            for (next = c + 1; next < h->columns && shade_of(row[next], top, shades) == shade;) next++;
            if (!shade) continue;
            /* corners that cells share are computed alike, so that no gap shows between them */
            double corners[2][2] = {{h->low[0] + c * size[0], h->low[1] + (r + 1) * size[1]},
                                    {h->low[0] + next * size[0], h->low[1] + r * size[1]}};
            double box[4];
            to_pixels(f, corners[0], box);
            to_pixels(f, corners[1], box + 2);
            ito__ink ink = heat_ink(h, shade, shades);
            f->p->canvas->def->rect(f->p->canvas, box, &ink);
        }
}

/* The part of a piece that is in the window (Liang, Barsky 1984); false when there is none. */
static bool cut(const picture *p, double a[2], double b[2])
{
    double from = 0, to = 1, start[2] = {a[0], a[1]}, d[2] = {b[0] - a[0], b[1] - a[1]};
    for (int k = 0; k < 2; k++)
        for (int side = 0; side < 2; side++) {
            double speed = side ? d[k] : -d[k], room = side ? p->high[k] - start[k] : start[k] - p->low[k];
            if (speed == 0 && room < 0) return false;
            if (speed < 0) from = fmax(from, room / speed);
            if (speed > 0) to = fmin(to, room / speed);
        }
    for (int k = 0; k < 2; k++) {
        a[k] = start[k] + from * d[k];
        b[k] = start[k] + to * d[k];
    }
    return from <= to;
}

/* Pieces are drawn together for as long as they hang together. */
static void draw_path(const frame *f, const ito_marks *m, const ito__ink *ink)
{
    double *line = ito__alloc_array(f->p->canvas->ctx, (size_t)m->n + 1, 2 * sizeof *line);
    ito__canvas *canvas = f->p->canvas;
    double width = m->size > 0 ? m->size : 1.2;
    int n = 0;
    if (!line) {
        canvas->st = ITO_MEMORY;
        return;
    }
    for (ptrdiff_t i = 1; i < m->n; i++) {
        double a[2] = {m->xy[2 * i - 2], m->xy[2 * i - 1]}, b[2] = {m->xy[2 * i], m->xy[2 * i + 1]};
        bool is_finite = isfinite(a[0]) && isfinite(a[1]) && isfinite(b[0]) && isfinite(b[1]);
        bool ends_inside = is_finite && is_inside(f->p, b), is_drawn = is_finite && cut(f->p, a, b);
        if (is_drawn && !n) to_pixels(f, a, line + 2 * (ptrdiff_t)n++);
        if (is_drawn) to_pixels(f, b, line + 2 * (ptrdiff_t)n++);
        if (is_drawn && ends_inside && i + 1 < m->n) continue;
        if (n) canvas->def->line(canvas, n, line, width, ink);
        n = 0;
    }
    ito__free(canvas->ctx, line);
}

/* A shaft and two strokes at its end. An arrow whose ends are not both inside is left out: half an arrow points nowhere. */
static void draw_arrow(const frame *f, const double *xy, double width, const ito__ink *ink)
{
    double a[2], b[2], head[6];
    bool is_finite = isfinite(xy[0]) && isfinite(xy[1]) && isfinite(xy[2]) && isfinite(xy[3]);
    if (!is_finite || !is_inside(f->p, xy) || !is_inside(f->p, xy + 2)) return;
    to_pixels(f, xy, a);
    to_pixels(f, xy + 2, b);
    double length = hypot(b[0] - a[0], b[1] - a[1]), barb = fmin(0.45 * length, 4);
    if (length < 0.3) return;
    double along[2] = {(b[0] - a[0]) / length, (b[1] - a[1]) / length};
    for (int side = 0; side < 2; side++) {
        double across = side ? 0.55 : -0.55;
        head[4 * side] = b[0] - barb * (along[0] - across * along[1]);
        head[4 * side + 1] = b[1] - barb * (along[1] + across * along[0]);
    }
    head[2] = b[0];
    head[3] = b[1];
    f->p->canvas->def->line(f->p->canvas, 2, (const double[]){a[0], a[1], b[0], b[1]}, width, ink);
    f->p->canvas->def->line(f->p->canvas, 3, head, width, ink);
}

static void draw_marks(const frame *f, const ito_marks *m)
{
    ito__ink ink = ink_of(m);
    double at[2];
    if (m->kind == ITO_MARK_PATH) draw_path(f, m, &ink);
    for (ptrdiff_t i = 0; m->kind == ITO_MARK_ARROWS && i < m->n; i++)
        draw_arrow(f, m->xy + 4 * i, m->size > 0 ? m->size : 1.2, &ink);
    for (ptrdiff_t i = 0; m->kind == ITO_MARK_DOTS && i < m->n; i++) {
        if (!is_inside(f->p, m->xy + 2 * i)) continue; /* false for what is not a number, too */
        to_pixels(f, m->xy + 2 * i, at);
        f->p->canvas->def->dot(f->p->canvas, at[0], at[1], m->size > 0 ? m->size : 1.4, &ink);
    }
}

/* ---- axes ---- */

static void draw_tick(const frame *f, int axis, double value, bool has_text)
{
    const picture *p = f->p;
    double at[2] = {p->low[0], p->low[1]}, pixel[2];
    char text[32];
    at[axis] = (value - own_offset(p, axis)) / own_unit(p, axis);
    to_pixels(f, at, pixel);
    double x = ito__canvas_snap(pixel[0]), y = ito__canvas_snap(pixel[1]);
    double grid[4] = {axis ? pixel[0] : x, y, axis ? pixel[0] + p->width : x, axis ? y : f->top};
    p->canvas->def->line(p->canvas, 2, grid, 0.8, &ito__ink_grid);
    if (!has_text) return;
    tick_text(p, axis, value, text);
    ito__text t = {.x = axis ? pixel[0] - 5 : pixel[0],
                   .y = axis ? pixel[1] : pixel[1] + 10,
                   .anchor = axis ? ITO__END : ITO__MIDDLE,
                   .text = text};
    p->canvas->def->text(p->canvas, &t);
}

static void draw_ticks(const frame *f, int axis, bool has_text)
{
    double step = tick_step(f->p, axis), first;
    int n = tick_range(f->p, axis, &first);
    for (int k = 0; k < n; k++) draw_tick(f, axis, (first + k) * step, has_text);
}

static void draw_panel(picture *p, int i)
{
    /* The analyzer thinks of a picture that was refused. NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
    int column = i % p->columns, row = i / p->columns;
    const ito_panel *panel = &p->panels[i];
    frame f = {p, p->left + column * p->step_x, p->top + row * p->step_y};
    bool is_lowest = i + p->columns >= p->n;
    double left = ito__canvas_snap(f.left), top = ito__canvas_snap(f.top), right = ito__canvas_snap(f.left + p->width),
           bottom = ito__canvas_snap(f.top + p->height);
    double box[10] = {left, top, right, top, right, bottom, left, bottom, left, top};
    if (panel->heat) draw_heat(&f, panel->heat);
    draw_ticks(&f, 0, is_lowest);
    draw_ticks(&f, 1, column == 0);
    for (int k = 0; k < panel->n_marks; k++) draw_marks(&f, &panel->marks[k]);
    p->canvas->def->line(p->canvas, 5, box, 1, &ito__ink_frame);
    ito__text title = {.x = f.left + 0.5 * p->width, .y = f.top - 9, .anchor = ITO__MIDDLE, .text = panel->title};
    if (panel->title) p->canvas->def->text(p->canvas, &title);
}

/* ---- the whole ---- */

static void draw(picture *p)
{
    double width = p->columns * p->step_x - GAP, height = p->rows * p->step_y - (p->step_y - p->height);
    ito__text title = {.x = p->left, .y = MARGIN + 6, .is_bold = true, .text = p->o.title};
    ito__text x = {.x = p->left + 0.5 * width, .anchor = ITO__MIDDLE, .text = p->o.x_label};
    ito__text y = {.x = MARGIN + 5, .y = p->top + 0.5 * height, .anchor = ITO__MIDDLE, .is_turned = true};
    x.y = p->legend_top - 0.5 * ITO__TEXT_LINE + 2;
    y.text = p->o.y_label;
    for (int i = 0; i < p->n; i++) draw_panel(p, i);
    if (title.text) p->canvas->def->text(p->canvas, &title);
    if (x.text) p->canvas->def->text(p->canvas, &x);
    if (y.text) p->canvas->def->text(p->canvas, &y);
    ito__legend_draw(&p->legend, p->canvas, p->left, p->legend_top, legend_room(p));
}

static ito_status prepare(ito_ctx *ctx, const ito_panel *panels, int n_panels, const ito_panels_options *options,
                          picture *p)
{
    *p = (picture){.panels = panels, .n = n_panels, .o = options ? *options : (ito_panels_options){0}};
    if (!p->o.side) p->o.side = SIDE;
    if (!p->o.scale) p->o.scale = SCALE;
    if (n_panels < 1 || n_panels > MOST_PANELS || p->o.side < 40 || p->o.side > 4096 || p->o.scale < 1 ||
        p->o.scale > 16)
        return ito__fail(ctx, ITO_USAGE,
                         "%d panels with a side of %d at scale %d, expected 1 to %d, 40 to 4096, 1 to 16", n_panels,
                         p->o.side, p->o.scale, MOST_PANELS);
    ITO_TRY(set_window(p, ctx));
    lay_out(p);
    double largest = fmax(p->full_width, p->full_height) * p->o.scale;
    if (largest <= ITO_IMAGE_MAX_SIDE) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "a picture of %g x %g pixels, expected at most %d a side: fewer or smaller panels",
                     p->full_width * p->o.scale, p->full_height * p->o.scale, ITO_IMAGE_MAX_SIDE);
}

ito_status ito_panels_render(ito_ctx *ctx, const ito_panel *panels, int n_panels, const ito_panels_options *options,
                             ito_image *out)
{
    picture p;
    ito__canvas canvas;
    *out = (ito_image){0};
    ITO_TRY(prepare(ctx, panels, n_panels, options, &p));
    ITO_TRY(ito__canvas_image(ctx, (int)p.full_width, (int)p.full_height, p.o.scale, &canvas));
    p.canvas = &canvas;
    draw(&p);
    return ito__canvas_image_finish(&canvas, out);
}

ito_status ito_panels_write_svg(ito_ctx *ctx, const char *path, const ito_panel *panels, int n_panels,
                                const ito_panels_options *options)
{
    picture p;
    ito__canvas canvas;
    ITO_TRY(prepare(ctx, panels, n_panels, options, &p));
    ITO_TRY(ito__canvas_svg(ctx, path, (int)p.full_width, (int)p.full_height, &canvas));
    p.canvas = &canvas;
    draw(&p);
    return ito__canvas_svg_finish(&canvas);
}
