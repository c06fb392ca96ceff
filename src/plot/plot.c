/* SVG line plots: a frame, ticks at round numbers, grid lines, labels, legend. The text goes through one
 * writer, so the file appears whole. Colours are Okabe and Ito's, which the colour-blind can tell apart. */
#include <ito/plot.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/file.h"
#include "plot/ticks.h"

#define LEFT      72
#define RIGHT     20
#define RIGHT_2   72 /* with a second scale */
#define TOP       40
#define BOTTOM    52
#define MAX_TICKS 24

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};

/* Values low .. high (their logarithms when is_log) lie on pixels from .. to. */
typedef struct axis {
    bool is_log;
    double low, high, from, to;
    int n_ticks;
    double ticks[MAX_TICKS];
} axis;

typedef struct drawing {
    ito__writer *writer;
    ito_status st; /* the first failure; later text is dropped */
    int width, height;
    axis x, y, right;
    bool has_right;
} drawing;

static void emit(drawing *d, const char *format, ...) ITO_PRINTF(2, 3);
static void emit(drawing *d, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (d->st != ITO_OK) return;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->st = ito__writer_append(d->writer, text, (size_t)ITO_MIN(n, (int)sizeof text - 1));
}

/* Text with the characters that XML reserves replaced, and control characters dropped. */
static void emit_text(drawing *d, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            emit(d, "&lt;");
        else if (*text == '>')
            emit(d, "&gt;");
        else if (*text == '&')
            emit(d, "&amp;");
        else if ((unsigned char)*text >= 32)
            emit(d, "%c", *text);
    }
}

static bool is_drawn(const axis *a, double value)
{
    return isfinite(value) && (!a->is_log || value > 0.0);
}

static double place(const axis *a, double value)
{
    double v = a->is_log ? log10(value) : value;
    return a->from + (v - a->low) / (a->high - a->low) * (a->to - a->from);
}

static void widen(axis *a, double value)
{
    double v = a->is_log ? log10(value) : value;
    a->low = fmin(a->low, v);
    a->high = fmax(a->high, v);
}

/* Room for a constant; then out to whole ticks of 1, 2 or 5 times a power of ten. */
static void set_linear_ticks(axis *a, int wanted)
{
    double step = ito__tick_step(a->high - a->low, wanted);
    a->low = floor(a->low / step + 1e-9) * step;
    a->high = ceil(a->high / step - 1e-9) * step;
    int n = (int)lround((a->high - a->low) / step);
    for (int i = 0; i <= n && a->n_ticks < MAX_TICKS; i++) {
        double tick = a->low + i * step;
        a->ticks[a->n_ticks++] = fabs(tick) < step * 1e-6 ? 0.0 : tick;
    }
}

/* Decades, with 2 and 5 between them where there are few; the ends stay where the data ends. */
static void set_log_ticks(axis *a)
{
    int first = (int)floor(a->low), last = (int)ceil(a->high), skip = 1 + (last - first) / 8;
    for (int e = first; e <= last; e += skip)
        for (int k = 1; k <= (last - first <= 3 ? 5 : 1); k += k == 1 ? 1 : 3) {
            double v = e + log10(k);
            if (v >= a->low - 1e-9 && v <= a->high + 1e-9 && a->n_ticks < MAX_TICKS)
                a->ticks[a->n_ticks++] = k * pow(10.0, e);
        }
}

static void set_ticks(axis *a, int wanted)
{
    if (a->high - a->low < 1e-12 * fmax(fabs(a->low), 1e-300)) {
        double room = a->is_log || a->low == 0.0 ? 0.5 : 0.05 * fabs(a->low);
        a->low -= room;
        a->high += room;
    }
    if (a->is_log)
        set_log_ticks(a);
    else
        set_linear_ticks(a, wanted);
}

/* Ticks and label of the second scale. Its ticks have no lines across the plot: those are the first scale's. */
static void draw_right(drawing *d, const ito_plot_options *o)
{
    const axis *y = &d->right;
    for (int i = 0; i < y->n_ticks; i++) {
        double at = place(y, y->ticks[i]);
        emit(d, "<path d=\"M%.1f %.1fh5\" stroke=\"#333\"/>\n", d->x.to, at);
        emit(d, "<text x=\"%.1f\" y=\"%.1f\">%g</text>\n", d->x.to + 8, at + 4, y->ticks[i]);
    }
    emit(d, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#333\"/>\n", d->x.to, y->from, y->to);
    emit(d, "<text transform=\"translate(%d %.1f) rotate(-90)\" text-anchor=\"middle\">", d->width - 14,
         0.5 * (y->from + y->to));
    emit_text(d, o->right_label ? o->right_label : "");
    emit(d, "</text>\n");
}

static void draw_axes(drawing *d, const ito_plot_options *o)
{
    const axis *x = &d->x, *y = &d->y;
    for (int i = 0; i < x->n_ticks; i++) {
        double at = place(x, x->ticks[i]);
        emit(d, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#e4e4e4\"/>\n", at, y->from, y->to);
        emit(d, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g</text>\n", at, y->from + 18, x->ticks[i]);
    }
    for (int i = 0; i < y->n_ticks; i++) {
        double at = place(y, y->ticks[i]);
        emit(d, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#e4e4e4\"/>\n", x->from, at, x->to);
        emit(d, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", x->from - 8, at + 4, y->ticks[i]);
    }
    emit(d, "<path d=\"M%.1f %.1fV%.1fH%.1f\" fill=\"none\" stroke=\"#333\"/>\n", x->from, y->to, y->from, x->to);
    emit(d, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", 0.5 * (x->from + x->to), d->height - 12);
    emit_text(d, o->x_label ? o->x_label : "");
    emit(d, "</text>\n<text transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">",
         0.5 * (y->from + y->to));
    emit_text(d, o->y_label ? o->y_label : "");
    emit(d, "</text>\n<text x=\"%.1f\" y=\"24\" font-size=\"16\" font-weight=\"bold\">", x->from);
    emit_text(d, o->title ? o->title : "");
    emit(d, "</text>\n");
    if (d->has_right) draw_right(d, o);
}

static void draw_series(drawing *d, const ito_plot_series *s, const char *colour)
{
    const axis *y = s->is_right ? &d->right : &d->y;
    bool down = false;
    emit(d,
         "<path fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" stroke-opacity=\"%s\" stroke-linejoin=\"round\" d=\"",
         colour, s->is_faint ? "1" : "2", s->is_faint ? "0.35" : "1");
    for (int i = 0; i < s->n; i++) {
        bool drawn = is_drawn(&d->x, s->x[i]) && is_drawn(y, s->y[i]);
        if (drawn) emit(d, "%c%.2f %.2f", down ? 'L' : 'M', place(&d->x, s->x[i]), place(y, s->y[i]));
        down = drawn;
    }
    emit(d, "\"/>\n");
    for (int i = 0; s->has_dots && i < s->n; i++)
        if (is_drawn(&d->x, s->x[i]) && is_drawn(y, s->y[i]))
            emit(d, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"3\" fill=\"%s\"/>\n", place(&d->x, s->x[i]), place(y, s->y[i]),
                 colour);
}

static void draw_legend(drawing *d, const ito_plot_series *series, int n)
{
    double right = d->x.to - 12, top = d->y.to + 16;
    for (int i = 0; i < n; i++) {
        if (!series[i].name) continue;
        emit(d, "<path d=\"M%.1f %.1fh22\" stroke=\"%s\" stroke-width=\"3\" stroke-opacity=\"%s\"/>\n", right - 22,
             top - 4, colours[i % ITO_COUNT(colours)], series[i].is_faint ? "0.35" : "1");
        emit(d, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", right - 28, top);
        emit_text(d, series[i].name);
        emit(d, "</text>\n");
        top += 18;
    }
}

static int set_axes(drawing *d, const ito_plot_series *series, int n_series, const ito_plot_options *o)
{
    int n = 0, n_left = 0;
    for (int k = 0; k < n_series; k++) d->has_right |= series[k].is_right;
    int right = d->width - (d->has_right ? RIGHT_2 : RIGHT);
    d->x = (axis){.is_log = o->log_x, .low = INFINITY, .high = -INFINITY, .from = LEFT, .to = right};
    d->y = (axis){.is_log = o->log_y, .low = INFINITY, .high = -INFINITY, .from = d->height - BOTTOM, .to = TOP};
    d->right = (axis){.low = INFINITY, .high = -INFINITY, .from = d->y.from, .to = d->y.to};
    for (int k = 0; k < n_series; k++) {
        axis *y = series[k].is_right ? &d->right : &d->y;
        for (int i = 0; i < series[k].n; i++) {
            if (!is_drawn(&d->x, series[k].x[i]) || !is_drawn(y, series[k].y[i])) continue;
            widen(&d->x, series[k].x[i]);
            widen(y, series[k].y[i]);
            n++;
            n_left += !series[k].is_right;
        }
    }
    if (n_left == 0) return 0;
    d->has_right &= n > n_left;
    if (d->has_right) set_ticks(&d->right, ITO_MAX(2, d->height / 60));
    set_ticks(&d->x, ITO_MAX(2, d->width / 90));
    set_ticks(&d->y, ITO_MAX(2, d->height / 60));
    return n;
}

static void draw(drawing *d, const ito_plot_series *series, int n_series, const ito_plot_options *o)
{
    emit(d, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" ", d->width,
         d->height, d->width, d->height);
    emit(d, "font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n");
    emit(d, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
    draw_axes(d, o);
    for (int k = 0; k < n_series; k++) draw_series(d, &series[k], colours[k % ITO_COUNT(colours)]);
    draw_legend(d, series, n_series);
    emit(d, "</svg>\n");
}

ito_status ito_plot_write(ito_ctx *ctx, const char *path, const ito_plot_series *series, int n_series,
                          const ito_plot_options *options)
{
    ito_plot_options o = options ? *options : (ito_plot_options){0};
    drawing d = {.width = o.width > 0 ? o.width : 720, .height = o.height > 0 ? o.height : 420};
    if (d.width < 200 || d.height < 150)
        return ito__fail(ctx, ITO_USAGE, "%s: a plot of %d x %d, expected at least 200 x 150", path, d.width, d.height);
    if (set_axes(&d, series, n_series, &o) == 0)
        return ito__fail(ctx, ITO_USAGE, "%s: nothing to plot: no point is finite%s", path,
                         o.log_x || o.log_y ? " and positive" : "");
    ITO_TRY(ito__writer_create(ctx, path, &d.writer));
    draw(&d, series, n_series, &o);
    if (d.st == ITO_OK) return ito__writer_commit(d.writer);
    ito__writer_abandon(d.writer);
    return d.st;
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
