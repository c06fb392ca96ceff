/* Plots: points land where the axes say, ticks are round, bad values are left out, text is escaped; a PNG shows what the SVG says. */
#include "scratch.h"

#include <math.h>

#include <ito/image.h>
#include <ito/plot.h>

#include "base/base.h"
#include "base/file.h"

/* The file of a plot of one series; the caller frees. */
static char *plot(scratch *s, int n, const double *x, const double *y, ito_plot_options o)
{
    unsigned char *bytes;
    size_t length;
    ito_plot_series series = {.name = "a<b", .n = n, .x = x, .y = y};
    const char *path = scratch_path(s, "p.svg");
    assert_ok(s->ctx, ito_plot_write(s->ctx, path, &series, 1, &o));
    assert_ok(s->ctx, ito__file_read(s->ctx, path, 1 << 20, &bytes, &length));
    return (char *)bytes;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("no '%s' in:\n%s", part, text);
}

static void test_linear(void **state)
{
    scratch *s = *state;
    const double x[] = {0, 50, 100}, y[] = {0, 1, 0.5};
    char *svg = plot(s, 3, x, y, (ito_plot_options){.title = "Q & A", .x_label = "step", .y_label = "loss"});
    /* the frame runs from (57.5, 356.5) to (700.5, 34.5): letters are 6.5 wide, lines 18 high, margins 12 and 20 at the right */
    assert_has(svg, "d=\"M57.5 356.5L379.0 34.5L700.5 195.5\"");
    assert_has(svg, ">Q &amp; A</text>");
    assert_has(svg, ">a&lt;b</text>");
    assert_has(svg, ">step</text>");
    assert_has(svg, "text-anchor=\"end\">0.2</text>");
    assert_has(svg, "text-anchor=\"middle\">100</text>");
    assert_has(svg, "</svg>\n");
    ito__free(s->ctx, svg);
}

static void test_logarithmic(void **state)
{
    scratch *s = *state;
    const double x[] = {1, 10, 100, 1000}, y[] = {1, 0.1, -5, 0.01};
    char *svg = plot(s, 4, x, y, (ito_plot_options){.log_x = true, .log_y = true});
    /* the third point is not positive: the line breaks, and the fourth stands alone */
    assert_has(svg, "d=\"M46.5 12.5L264.5 193.5\"");
    assert_has(svg, "<circle cx=\"700.5\" cy=\"374.5\"");
    assert_has(svg, ">0.05</text>");
    ito__free(s->ctx, svg);
}

/* Less than a decade, which holds neither 1 nor 2 nor 5 of one: round numbers all the same. */
static void test_short_logarithmic(void **state)
{
    scratch *s = *state;
    const double x[] = {1, 2, 3}, y[] = {0.11, 0.15, 0.18};
    char *svg = plot(s, 3, x, y, (ito_plot_options){.log_y = true});
    assert_has(svg, "text-anchor=\"end\">0.12</text>");
    assert_has(svg, "text-anchor=\"end\">0.18</text>");
    assert_null(strstr(svg, ">0.1</text>"));
    ito__free(s->ctx, svg);
}

static void test_odd_values(void **state)
{
    scratch *s = *state;
    const double x[] = {3, 4, 5}, gaps[] = {NAN, 7, INFINITY}, flat[] = {0, 0, 0}, tiny[] = {1e-200, 2e-200, 3e-200};
    char *svg = plot(s, 3, x, gaps, (ito_plot_options){0});
    assert_has(svg, "<circle cx=\"370.0\" cy=\"193.5\""); /* a point alone is a dot */
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    ito__free(s->ctx, svg);
    svg = plot(s, 3, x, flat, (ito_plot_options){0});
    assert_has(svg, "M46.5 193.5L");
    ito__free(s->ctx, svg);
    svg = plot(s, 3, x, tiny, (ito_plot_options){0});
    assert_has(svg, "2e-200</text>");
    ito__free(s->ctx, svg);
    ito_plot_series series = {.n = 1, .x = x, .y = gaps};
    const char *path = scratch_path(s, "none.svg");
    assert_fails(s->ctx, ITO_USAGE, "nothing to plot", ito_plot_write(s->ctx, path, &series, 1, NULL));
    assert_false(ito__path_exists(path));
    series.y = x;
    ito_plot_options o = {.width = 100};
    assert_fails(s->ctx, ITO_USAGE, "at least 200", ito_plot_write(s->ctx, path, &series, 1, &o));
}

static void test_refusals(void **state)
{
    scratch *s = *state;
    const double x[] = {3, 4, 5};
    ito_plot_series series[8];
    for (int k = 0; k < 8; k++) {
        static char names[8][60];
        snprintf(names[k], sizeof names[k], "a name %d that takes a line of the legend for itself alone", k);
        series[k] = (ito_plot_series){.name = names[k], .n = 3, .x = x, .y = x};
    }
    for (int k = 0; k < 3; k++) {
        const char *name = scratch_path(s, ((const char *[]){"p.jpg", "p", "svg"})[k]);
        assert_fails(s->ctx, ITO_USAGE, "as .png or .svg", ito_plot_write(s->ctx, name, series, 1, NULL));
        assert_false(ito__path_exists(name));
    }
    const char *path = scratch_path(s, "small.png");
    ito_plot_options o = {.scale = 17};
    assert_fails(s->ctx, ITO_USAGE, "at scale 17", ito_plot_write(s->ctx, path, series, 1, &o));
    o = (ito_plot_options){.width = 200, .height = 150};
    assert_ok(s->ctx, ito_plot_write(s->ctx, path, series, 1, &o));
    assert_fails(s->ctx, ITO_USAGE, "no room", ito_plot_write(s->ctx, path, series, 8, &o));
}

static const unsigned char *pixel(const ito_image *image, double x, double y)
{
    return (const unsigned char *)image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
}

/* How many pixels of the rectangle are dark, as letters and frames are. */
static int darkness(const ito_image *image, int left, int top, int right, int bottom)
{
    int n = 0;
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) n += pixel(image, x, y)[0] < 100 && pixel(image, x, y)[1] < 100;
    return n;
}

/* The frame of test_linear, at two pixels for one: the curve's colour where the SVG has its points and the legend its stroke, and
 * letters where title, ticks and labels belong. */
static void test_png(void **state)
{
    scratch *s = *state;
    const double x[] = {0, 50, 100}, y[] = {0, 1, 0.5};
    const unsigned char blue[] = {0, 114, 178}, white[] = {255, 255, 255};
    const char *path = scratch_path(s, "p.png");
    ito_plot_series series = {.name = "loss of a run", .n = 3, .x = x, .y = y, .has_dots = true};
    ito_plot_options o = {.title = "Q & A", .x_label = "step", .y_label = "loss"};
    ito_image image;
    assert_ok(s->ctx, ito_plot_write(s->ctx, path, &series, 1, &o));
    assert_ok(s->ctx, ito_image_read(s->ctx, path, ITO_U8, &image));
    assert_true(image.width == 1440 && image.height == 840 && image.channels == 3);
    assert_memory_equal(pixel(&image, 2 * 379, 2 * 34.5), blue, 3);
    assert_memory_equal(pixel(&image, 2 * (57.5 + 379) / 2, 2 * (356.5 + 34.5) / 2), blue, 3); /* half way up */
    assert_memory_equal(pixel(&image, 2 * 700, 2 * 195.5), blue, 3);
    assert_memory_equal(pixel(&image, 2 * (57.5 + 7), 2 * (390 + 9)), blue, 3); /* in the legend */
    assert_memory_equal(pixel(&image, 2 * 300, 2 * 350), white, 3);
    assert_true(darkness(&image, 2 * 57, 2 * 12, 2 * 100, 2 * 26) > 100);    /* the title */
    assert_true(darkness(&image, 2 * 36, 2 * 350, 2 * 54, 2 * 362) > 20);    /* the tick at 0 */
    assert_true(darkness(&image, 2 * 8, 2 * 170, 2 * 26, 2 * 220) > 100);    /* the turned label */
    assert_true(darkness(&image, 2 * 76, 2 * 390, 2 * 170, 2 * 408) > 100);  /* the legend's name */
    assert_true(darkness(&image, 2 * 360, 2 * 374, 2 * 400, 2 * 390) > 100); /* the label below */
    ito_image_clear(s->ctx, &image);
    o.scale = 1;
    assert_ok(s->ctx, ito_plot_write(s->ctx, path, &series, 1, &o));
    assert_ok(s->ctx, ito_image_read(s->ctx, path, ITO_U8, &image));
    assert_true(image.width == 720 && image.height == 420);
    assert_memory_equal(pixel(&image, 379, 34.5), blue, 3);
    ito_image_clear(s->ctx, &image);
}

/* A series on the right has a scale of its own, and room for it: the frame then ends at 662.5. */
static void test_two_scales(void **state)
{
    scratch *s = *state;
    const double x[] = {0, 50, 100}, y[] = {0, 1, 0.5}, other[] = {-10, NAN, 10}, none[] = {NAN, NAN, INFINITY};
    ito_plot_series series[] = {{.n = 3, .x = x, .y = y},
                                {.n = 3, .x = x, .y = other, .is_right = true, .has_dots = true}};
    const char *path = scratch_path(s, "two.svg");
    unsigned char *svg;
    size_t length;
    ito_plot_options o = {.y_label = "left", .right_label = "right"};
    assert_ok(s->ctx, ito_plot_write(s->ctx, path, series, 2, &o));
    assert_ok(s->ctx, ito__file_read(s->ctx, path, 1 << 20, &svg, &length));
    assert_has((char *)svg, "d=\"M57.5 392.5L360.0 12.5L662.5 202.5\"");
    assert_has((char *)svg, "<circle cx=\"57.5\" cy=\"392.5\" r=\"3.0\"");
    assert_has((char *)svg, "<circle cx=\"662.5\" cy=\"12.5\" r=\"3.0\"");
    assert_has((char *)svg, "<text x=\"671.5\" y=\"206.5\" text-anchor=\"start\">0</text>");
    assert_has((char *)svg, ">right</text>");
    ito__free(s->ctx, svg);
    series[1].y = none; /* nothing to read off: no second scale */
    assert_ok(s->ctx, ito_plot_write(s->ctx, path, series, 2, &o));
    assert_ok(s->ctx, ito__file_read(s->ctx, path, 1 << 20, &svg, &length));
    assert_null(strstr((char *)svg, ">right</text>"));
    assert_null(strstr((char *)svg, "nan"));
    ito__free(s->ctx, svg);
}

static void test_smooth(void **state)
{
    (void)state;
    const double y[] = {4, NAN, 8, 8};
    double out[4];
    ito_plot_smooth(y, 4, 0.5, out);
    assert_true(out[0] == 4 && out[1] == 4); /* debiased: no pull towards zero */
    assert_true(fabs(out[2] - (0.25 * 4 + 0.5 * 8) / 0.75) < 1e-12);
    assert_true(fabs(out[3] - (0.125 * 4 + 0.25 * 8 + 0.5 * 8) / 0.875) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),     cmocka_unit_test(test_logarithmic), cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_two_scales), cmocka_unit_test(test_smooth),      cmocka_unit_test(test_short_logarithmic),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_png),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
