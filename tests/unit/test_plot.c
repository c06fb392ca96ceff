/* Plots: points land where the axes say, ticks are round, bad values are left out, text is escaped. */
#include "scratch.h"

#include <math.h>

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
    /* the frame runs from (72, 368) to (700, 40) */
    assert_has(svg, "d=\"M72.00 368.00L386.00 40.00L700.00 204.00\"");
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
    assert_has(svg, "d=\"M72.00 40.00L281.33 204.00M700.00 368.00\"");
    assert_has(svg, ">0.05</text>");
    ito__free(s->ctx, svg);
}

static void test_odd_values(void **state)
{
    scratch *s = *state;
    const double x[] = {3, 4, 5}, gaps[] = {NAN, 7, INFINITY}, flat[] = {0, 0, 0}, tiny[] = {1e-200, 2e-200, 3e-200};
    char *svg = plot(s, 3, x, gaps, (ito_plot_options){0});
    assert_has(svg, "d=\"M386.00 204.00\"");
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    ito__free(s->ctx, svg);
    svg = plot(s, 3, x, flat, (ito_plot_options){0});
    assert_has(svg, "M72.00 204.00");
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

/* A series on the right has a scale of its own, and room for it: the frame then ends at 648. */
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
    assert_has((char *)svg, "d=\"M72.00 368.00L360.00 40.00L648.00 204.00\"");
    assert_has((char *)svg, "d=\"M72.00 368.00M648.00 40.00\"");
    assert_has((char *)svg, "<circle cx=\"648.00\" cy=\"40.00\"");
    assert_has((char *)svg, "<text x=\"656.0\" y=\"208.0\">0</text>");
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
        cmocka_unit_test(test_two_scales), cmocka_unit_test(test_smooth),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
