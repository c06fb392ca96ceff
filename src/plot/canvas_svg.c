/* Drawing as SVG text. */
#include <stdio.h>

#include "plot/canvas.h"

static void emit(ito__canvas *c, const char *format, ...) ITO_PRINTF(2, 3);
static void emit(ito__canvas *c, const char *format, ...)
{
    char text[512];
    va_list args;
    if (c->st != ITO_OK) return;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->st = ito__writer_append(c->writer, text, (size_t)ITO_MIN(n, (int)sizeof text - 1));
}

/* ` fill="#rrggbb"`, and the opacity where there is one. */
static void emit_ink(ito__canvas *c, const char *what, const ito__ink *ink)
{
    emit(c, " %s=\"#%02x%02x%02x\"", what, ink->rgb[0], ink->rgb[1], ink->rgb[2]);
    if (ink->opacity < 1) emit(c, " %s-opacity=\"%.2f\"", what, ink->opacity);
}

static void rect(ito__canvas *c, const double box[4], const ito__ink *ink)
{
    emit(c, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"", box[0], box[1], box[2] - box[0],
         box[3] - box[1]);
    emit_ink(c, "fill", ink);
    emit(c, "/>\n");
}

static void dot(ito__canvas *c, double x, double y, double radius, const ito__ink *ink)
{
    emit(c, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", x, y, radius);
    emit_ink(c, "fill", ink);
    emit(c, "/>\n");
}

static void line(ito__canvas *c, int n, const double *xy, double width, const ito__ink *ink)
{
    emit(c, "<path fill=\"none\" stroke-width=\"%.3g\"", width);
    emit_ink(c, "stroke", ink);
    emit(c, " d=\"");
    for (ptrdiff_t i = 0; i < n; i++) emit(c, "%c%.1f %.1f", i ? 'L' : 'M', xy[2 * i], xy[2 * i + 1]);
    emit(c, "\"/>\n");
}

/* Characters that XML reserves replaced, control characters dropped. */
static void emit_text(ito__canvas *c, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            emit(c, "&lt;");
        else if (*text == '>')
            emit(c, "&gt;");
        else if (*text == '&')
            emit(c, "&amp;");
        else if ((unsigned char)*text >= 32)
            emit(c, "%c", *text);
    }
}

static void text(ito__canvas *c, const ito__text *t)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    if (t->is_turned)
        emit(c, "<text transform=\"translate(%.1f %.1f) rotate(-90)\"", t->x + 4, t->y);
    else
        emit(c, "<text x=\"%.1f\" y=\"%.1f\"", t->x, t->y + 4);
    emit(c, " text-anchor=\"%s\"%s>", anchors[t->anchor], t->is_bold ? " font-weight=\"bold\"" : "");
    emit_text(c, t->text);
    emit(c, "</text>\n");
}

static const ito__canvas_def svg = {.rect = rect, .dot = dot, .line = line, .text = text};

ito_status ito__canvas_svg(ito_ctx *ctx, const char *path, int width, int height, ito__canvas *out)
{
    *out = (ito__canvas){.def = &svg, .ctx = ctx};
    ITO_TRY(ito__writer_create(ctx, path, &out->writer));
    emit(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" ", width,
         height, width, height);
    emit(out, "stroke-linejoin=\"round\" stroke-linecap=\"round\" font-family=\"sans-serif\" font-size=\"12\" ");
    emit(out, "fill=\"#333\">\n");
    emit(out, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
    return ITO_OK;
}

ito_status ito__canvas_svg_finish(ito__canvas *c)
{
    emit(c, "</svg>\n");
    if (c->st == ITO_OK) return ito__writer_commit(c->writer);
    ito__writer_abandon(c->writer);
    return c->st;
}
