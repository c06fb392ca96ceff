/* Line plots on a canvas: a frame, ticks at round numbers with lines across, labels, curves, a legend.
 *
 *     title
 *     label | ticks | frame | ticks | right label
 *             ticks
 *             x label
 *             legend */
#include <ito/plot.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plot/canvas.h"
#include "plot/legend.h"
#include "plot/palette.h"
#include "plot/scale.h"

#define WIDTH     720
#define HEIGHT    420
#define SCALE     2
#define MARGIN    12
#define BESIDE    20 /* right of a frame without a second scale: half a tick's text */
#define TICK_ROOM 16 /* below the frame */
#define SMALLEST  40 /* side of the frame */
#define FAINT     0.35

typedef struct drawing {
    const ito_plot_series *series;
    int n_series;
    ito_plot_options o;
    ito__scale x, y, right;
    bool has_right;
    ito__legend legend;
    double legend_top, legend_room;
    ito__canvas canvas;
} drawing;

/* ---- scales and layout ---- */

/* Returns how many points there are to draw. */
static int set_scales(drawing *d)
{
    int n = 0, n_left = 0;
    d->x = ito__scale_empty(d->o.log_x);
    d->y = ito__scale_empty(d->o.log_y);
    d->right = ito__scale_empty(false);
    for (int k = 0; k < d->n_series; k++) {
        const ito_plot_series *s = &d->series[k];
        ito__scale *y = s->is_right ? &d->right : &d->y;
        for (int i = 0; i < s->n; i++) {
            if (!ito__scale_takes(&d->x, s->x[i]) || !ito__scale_takes(y, s->y[i])) continue;
            ito__scale_widen(&d->x, s->x[i]);
            ito__scale_widen(y, s->y[i]);
            n++;
            n_left += !s->is_right;
        }
    }
    if (n_left == 0) return 0;
    d->has_right = n > n_left;
    ito__scale_set_ticks(&d->x, ITO_MAX(2, d->o.width / 90));
    ito__scale_set_ticks(&d->y, ITO_MAX(2, d->o.height / 60));
    if (d->has_right) ito__scale_set_ticks(&d->right, ITO_MAX(2, d->o.height / 60));
    return n;
}

static void tick_text(double value, char text[32])
{
    snprintf(text, 32, "%g", value);
}

/* Of the widest tick, the label and what is between. */
static double beside(const ito__scale *s, const char *label)
{
    double widest = 0;
    char text[32];
    for (int i = 0; i < s->n_ticks; i++) {
        tick_text(s->ticks[i], text);
        widest = fmax(widest, ITO__TEXT_WIDTH * (double)strlen(text));
    }
    return MARGIN + (label ? ITO__TEXT_LINE : 0) + 8 + widest;
}

static void make_legend(drawing *d)
{
    for (int k = 0; k < d->n_series; k++) {
        const ito_plot_series *s = &d->series[k];
        ito__legend_name name = {s->name, ito__palette_ink(k, s->is_faint ? FAINT : 1), false};
        ito__legend_add(&d->legend, &name);
    }
}

static ito_status lay_out(drawing *d, ito_ctx *ctx, const char *path)
{
    const ito_plot_options *o = &d->o;
    make_legend(d);
    double left = beside(&d->y, o->y_label), top = MARGIN + (o->title ? ITO__TEXT_LINE + 4 : 0);
    double right = o->width - (d->has_right ? beside(&d->right, o->right_label) : BESIDE);
    d->legend_room = o->width - left - MARGIN;
    d->legend_top = o->height - MARGIN - ito__legend_height(&d->legend, d->legend_room);
    double bottom = d->legend_top - TICK_ROOM - (o->x_label ? ITO__TEXT_LINE : 0);
    if (right - left < SMALLEST || bottom - top < SMALLEST)
        return ito__fail(ctx, ITO_USAGE, "%s: a plot of %d x %d has no room for its curves beside labels and legend",
                         path, o->width, o->height);
    d->x.from = ito__canvas_snap(left);
    d->x.to = ito__canvas_snap(right);
    d->y.from = d->right.from = ito__canvas_snap(bottom);
    d->y.to = d->right.to = ito__canvas_snap(top);
    return ITO_OK;
}

/* ---- drawing ---- */

static void draw_line(drawing *d, const double ends[4], const ito__ink *ink)
{
    d->canvas.def->line(&d->canvas, 2, ends, 1, ink);
}

static void draw_text(drawing *d, const ito__text *t)
{
    if (t->text) d->canvas.def->text(&d->canvas, t);
}

static void draw_x_ticks(drawing *d)
{
    char text[32];
    for (int i = 0; i < d->x.n_ticks; i++) {
        double at = ito__canvas_snap(ito__scale_place(&d->x, d->x.ticks[i]));
        draw_line(d, (const double[]){at, d->y.from, at, d->y.to}, &ito__ink_grid);
        tick_text(d->x.ticks[i], text);
        draw_text(d, &(ito__text){.x = at, .y = d->y.from + 11, .anchor = ITO__MIDDLE, .text = text});
    }
}

/* The ticks of a second scale have no lines across the plot: those are the first scale's. */
static void draw_y_ticks(drawing *d, const ito__scale *y, bool is_right)
{
    double edge = is_right ? d->x.to : d->x.from;
    char text[32];
    for (int i = 0; i < y->n_ticks; i++) {
        double at = ito__canvas_snap(ito__scale_place(y, y->ticks[i]));
        if (is_right)
            draw_line(d, (const double[]){edge, at, edge + 3, at}, &ito__ink_frame);
        else
            draw_line(d, (const double[]){d->x.from, at, d->x.to, at}, &ito__ink_grid);
        tick_text(y->ticks[i], text);
        draw_text(d, &(ito__text){.x = is_right ? edge + 9 : edge - 5,
                                  .y = at,
                                  .anchor = is_right ? ITO__START : ITO__END,
                                  .text = text});
    }
}

static void draw_frame(drawing *d)
{
    const double frame[] = {d->x.from, d->y.to, d->x.from, d->y.from, d->x.to, d->y.from, d->x.to, d->y.to};
    d->canvas.def->line(&d->canvas, d->has_right ? 4 : 3, frame, 1, &ito__ink_frame);
}

static void draw_labels(drawing *d)
{
    const ito_plot_options *o = &d->o;
    double middle = 0.5 * (d->y.from + d->y.to);
    draw_text(d, &(ito__text){.x = d->x.from, .y = MARGIN + 6, .is_bold = true, .text = o->title});
    draw_text(d, &(ito__text){.x = 0.5 * (d->x.from + d->x.to),
                              .y = d->legend_top - 0.5 * ITO__TEXT_LINE + 2,
                              .anchor = ITO__MIDDLE,
                              .text = o->x_label});
    draw_text(d,
              &(ito__text){.x = MARGIN + 5, .y = middle, .anchor = ITO__MIDDLE, .is_turned = true, .text = o->y_label});
    if (d->has_right)
        draw_text(d, &(ito__text){.x = o->width - MARGIN - 5,
                                  .y = middle,
                                  .anchor = ITO__MIDDLE,
                                  .is_turned = true,
                                  .text = o->right_label});
}

/* n points that hang together; one alone, which has no length, is a dot. */
static void draw_piece(drawing *d, int n, const double *xy, double width, const ito__ink *ink)
{
    if (n == 1) d->canvas.def->dot(&d->canvas, xy[0], xy[1], width, ink);
    if (n > 1) d->canvas.def->line(&d->canvas, n, xy, width, ink);
}

static void draw_series(drawing *d, const ito_plot_series *s, const ito__ink *ink)
{
    const ito__scale *y = s->is_right ? &d->right : &d->y;
    double *xy = ito__alloc_array(d->canvas.ctx, (size_t)s->n, 2 * sizeof *xy), width = s->is_faint ? 1 : 2;
    int n = 0;
    if (!xy) {
        d->canvas.st = ITO_MEMORY;
        return;
    }
    for (int i = 0; i < s->n; i++) {
        if (ito__scale_takes(&d->x, s->x[i]) && ito__scale_takes(y, s->y[i])) {
            double *at = xy + 2 * (ptrdiff_t)n++;
            at[0] = ito__scale_place(&d->x, s->x[i]);
            at[1] = ito__scale_place(y, s->y[i]);
            if (s->has_dots) d->canvas.def->dot(&d->canvas, at[0], at[1], 3, ink);
            continue;
        }
        draw_piece(d, n, xy, width, ink);
        n = 0;
    }
    draw_piece(d, n, xy, width, ink);
    ito__free(d->canvas.ctx, xy);
}

static void draw(drawing *d)
{
    draw_x_ticks(d);
    draw_y_ticks(d, &d->y, false);
    if (d->has_right) draw_y_ticks(d, &d->right, true);
    draw_frame(d);
    for (int k = 0; k < d->n_series; k++) {
        ito__ink ink = ito__palette_ink(k, d->series[k].is_faint ? FAINT : 1);
        if (d->series[k].n > 0 && (d->has_right || !d->series[k].is_right)) draw_series(d, &d->series[k], &ink);
    }
    draw_labels(d);
    ito__legend_draw(&d->legend, &d->canvas, d->x.from, d->legend_top, d->legend_room);
}

/* ---- the file ---- */

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), length = strlen(end);
    return n >= length && !strcmp(text + n - length, end);
}

static ito_status write_svg(drawing *d, ito_ctx *ctx, const char *path)
{
    ITO_TRY(ito__canvas_svg(ctx, path, d->o.width, d->o.height, &d->canvas));
    draw(d);
    return ito__canvas_svg_finish(&d->canvas);
}

static ito_status write_png(drawing *d, ito_ctx *ctx, const char *path)
{
    ito_image image;
    ITO_TRY(ito__canvas_image(ctx, d->o.width, d->o.height, d->o.scale, &d->canvas));
    draw(d);
    ITO_TRY(ito__canvas_image_finish(&d->canvas, &image));
    ito_status st = ito_image_write_png(ctx, path, &image, NULL);
    ito_image_clear(ctx, &image);
    return st;
}

static ito_status check(ito_ctx *ctx, const char *path, const ito_plot_options *o)
{
    if (!ends_in(path, ".svg") && !ends_in(path, ".png"))
        return ito__fail(ctx, ITO_USAGE, "%s: plots are drawn as .png or .svg, which the file's name must end in",
                         path);
    if (o->width < 200 || o->height < 150)
        return ito__fail(ctx, ITO_USAGE, "%s: a plot of %d x %d, expected at least 200 x 150", path, o->width,
                         o->height);
    if (o->scale >= 1 && o->scale <= 16) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "%s: a plot at scale %d, expected 1 to 16", path, o->scale);
}

ito_status ito_plot_write(ito_ctx *ctx, const char *path, const ito_plot_series *series, int n_series,
                          const ito_plot_options *options)
{
    drawing d = {.series = series, .n_series = n_series, .o = options ? *options : (ito_plot_options){0}};
    if (d.o.width <= 0) d.o.width = WIDTH;
    if (d.o.height <= 0) d.o.height = HEIGHT;
    if (!d.o.scale) d.o.scale = SCALE;
    ITO_TRY(check(ctx, path, &d.o));
    if (set_scales(&d) == 0)
        return ito__fail(ctx, ITO_USAGE, "%s: nothing to plot: no point is finite%s", path,
                         d.o.log_x || d.o.log_y ? " and positive" : "");
    ITO_TRY(lay_out(&d, ctx, path));
    return ends_in(path, ".svg") ? write_svg(&d, ctx, path) : write_png(&d, ctx, path);
}

void ito_plot_smooth(const double *y, int n, double weight, double *out)
{
    double sum = 0.0, mass = 0.0;
    for (int i = 0; i < n; i++) {
        if (isfinite(y[i])) {
            sum = weight * sum + (1.0 - weight) * y[i];
            mass = weight * mass + (1.0 - weight);
        }
        out[i] = mass > 0.0 ? sum / mass : y[i];
    }
}
