/* Panels: places, equal scales, ticks in the data's units, what is cut off, the density's colours; as SVG and as an image. */
#include "scratch.h"

#include <math.h>

#include <ito/panels.h>

#include "base/base.h"
#include "base/file.h"

static char *draw(scratch *s, const ito_panel *panels, int n, const ito_panels_options *o)
{
    unsigned char *bytes;
    size_t length;
    const char *path = scratch_path(s, "p.svg");
    assert_ok(s->ctx, ito_panels_write_svg(s->ctx, path, panels, n, o));
    assert_ok(s->ctx, ito__file_read(s->ctx, path, 1 << 22, &bytes, &length));
    return (char *)bytes;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("no '%s' in:\n%s", part, text);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++) n++;
    return n;
}

/* The numbers behind cx= and cy= of the k-th circle. */
static void circle(const char *svg, int k, double xy[2])
{
    for (const char *at = svg; (at = strstr(at, "<circle")); at++) {
        if (k-- > 0) continue;
        assert_int_equal(sscanf(at, "<circle cx=\"%lf\" cy=\"%lf\"", &xy[0], &xy[1]), 2);
        return;
    }
    fail_msg("no circle");
}

/* A unit is as long along x as along y, y points upwards, and the panels share the window. */
static void test_places(void **state)
{
    const double xy[] = {0, 0, 4, 0, 0, 1};
    ito_marks marks = {.n = 3, .xy = xy};
    ito_panel panels[2] = {{.title = "a < b", .n_marks = 1, .marks = &marks}, {.n_marks = 1, .marks = &marks}};
    char *svg = draw(*state, panels, 2, &(ito_panels_options){.side = 200, .x_label = "first", .y_label = "second"});
    double a[2], b[2], c[2], d[2];
    circle(svg, 0, a);
    circle(svg, 1, b);
    circle(svg, 2, c);
    circle(svg, 3, d);
    double unit = (b[0] - a[0]) / 4;
    assert_true(fabs(b[1] - a[1]) < 0.11 && fabs(c[0] - a[0]) < 0.11);
    assert_true(fabs((a[1] - c[1]) - unit) < 0.2); /* places are written to a tenth */
    assert_true(fabs(unit - 200 / (4 * 1.08)) < 0.1);
    assert_true(fabs(d[1] - a[1]) < 0.11 && d[0] > b[0]);
    assert_has(svg, ">a &lt; b</text>");
    assert_has(svg, ">first</text>");
    assert_has(svg, "rotate(-90)");
    ito__free(((scratch *)*state)->ctx, svg);
}

/* Ticks are round in the units that they are written in: 100 + 10 v for v in 0..1. */
static void test_own_units(void **state)
{
    const double xy[] = {0, 0, 1, 1}, offset[] = {100, -7}, unit[] = {10, 0.001};
    ito_marks marks = {.n = 2, .xy = xy};
    char *svg = draw(*state, &(ito_panel){.n_marks = 1, .marks = &marks}, 1,
                     &(ito_panels_options){.offset = offset, .unit = unit});
    assert_has(svg, ">100</text>");
    assert_has(svg, ">105</text>");
    assert_has(svg, ">110</text>");
    assert_has(svg, ">-6.9995</text>");
    ito__free(((scratch *)*state)->ctx, svg);
    /* units that a double cannot count in: no ticks, no endless loop */
    const double far[] = {1e30, 1e30}, small[] = {1e-3, 1e-3};
    svg = draw(*state, &(ito_panel){.n_marks = 1, .marks = &marks}, 1,
               &(ito_panels_options){.offset = far, .unit = small});
    assert_int_equal(count(svg, "<text"), 0);
    ito__free(((scratch *)*state)->ctx, svg);
}

/* A path that leaves the window and comes back is drawn in two pieces that end at its border; dots outside and what is not finite
 * are left out; an arrow is whole or not there. */
static void test_cut(void **state)
{
    const double path[] = {0, 0, 2, 0, 2, 0.5, 0, 0.5}, dots[] = {0, 0, 3, 3, NAN, 0, 0.5, -0.5};
    const double arrows[] = {0, 0, 0.5, 0.5, 0, 0, 5, 5};
    ito_marks marks[] = {{.kind = ITO_MARK_PATH, .n = 4, .xy = path, .colour = 1, .size = 3},
                         {.kind = ITO_MARK_DOTS, .n = 4, .xy = dots},
                         {.kind = ITO_MARK_ARROWS, .n = 2, .xy = arrows, .colour = 2}};
    ito_panels_options o = {.side = 100, .low = {-1, -1}, .high = {1, 1}};
    char *svg = draw(*state, &(ito_panel){.n_marks = 3, .marks = marks}, 1, &o);
    assert_int_equal(count(svg, "stroke-width=\"3\""), 2);
    assert_int_equal(count(svg, "<circle"), 2);
    assert_int_equal(count(svg, "#009e73"), 2); /* shaft and head of the one arrow */
    double at[2], from[2], to[2];
    circle(svg, 0, at);
    const char *piece = strstr(svg, "stroke-width=\"3\"");
    assert_int_equal(sscanf(strstr(piece, "d=\""), "d=\"M%lf %lfL%lf %lf\"", &from[0], &from[1], &to[0], &to[1]), 4);
    assert_true(fabs(from[0] - at[0]) < 0.11 && fabs(to[0] - at[0] - 50) < 0.11 && fabs(to[1] - from[1]) < 0.01);
    ito__free(((scratch *)*state)->ctx, svg);
}

static void test_legend(void **state)
{
    const double xy[] = {0, 0, 1, 1};
    ito_marks marks[] = {{.name = "one", .n = 1, .xy = xy}, {.name = "two & three", .n = 1, .xy = xy + 2, .colour = 1}};
    ito_panel panels[2] = {{.n_marks = 2, .marks = marks}, {.n_marks = 2, .marks = marks}};
    char *svg = draw(*state, panels, 2, NULL);
    assert_int_equal(count(svg, ">one</text>"), 1); /* once for both panels */
    assert_int_equal(count(svg, ">two &amp; three</text>"), 1);
    assert_int_equal(count(svg, "<circle"), 4 + 2);
    ito__free(((scratch *)*state)->ctx, svg);
}

static const unsigned char *pixel(const ito_image *image, double x, double y)
{
    return (const unsigned char *)image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
}

/* The picture is the SVG's, twice as large: the dot has its colour, the density is white at 0 and blue at its largest. */
static void test_image(void **state)
{
    scratch *s = *state;
    const double dot[] = {0.5, 0.5}, value[] = {0, 4, 0, 0};
    ito_marks marks = {.n = 1, .xy = dot, .colour = 1, .size = 4};
    ito_heat heat = {.rows = 2, .columns = 2, .value = value, .high = {1, 1}};
    ito_panel panel = {.n_marks = 1, .marks = &marks, .heat = &heat};
    ito_panels_options o = {.low = {0, 0}, .high = {1, 1}, .side = 120};
    ito_image image;
    double at[2];
    char *svg = draw(s, &panel, 1, &o);
    circle(svg, 0, at);
    assert_ok(s->ctx, ito_panels_render(s->ctx, &panel, 1, &o, &image));
    assert_int_equal(image.channels, 3);
    const unsigned char orange[] = {213, 94, 0}, blue[] = {107, 174, 214}, white[] = {255, 255, 255};
    assert_memory_equal(pixel(&image, 2 * at[0], 2 * at[1]), orange, 3);
    assert_memory_equal(pixel(&image, 2 * (at[0] + 33), 2 * (at[1] + 33)), blue,
                        3); /* row 0 is below, column 1 right */
    assert_memory_equal(pixel(&image, 2 * (at[0] - 33), 2 * (at[1] + 33)), white, 3);
    assert_memory_equal(pixel(&image, 2 * (at[0] + 33), 2 * (at[1] - 33)), white, 3);
    ito_image_clear(s->ctx, &image);
    ito__free(s->ctx, svg);
}

/* A deep density goes on to a dark blue; one with a top is held against that, and what is higher is as dark. */
static void test_deep(void **state)
{
    scratch *s = *state;
    const double value[] = {2, 4, 8, 0};
    ito_heat heat = {.rows = 2, .columns = 2, .value = value, .high = {1, 1}, .top = 4, .is_deep = true};
    ito_panel panel = {.heat = &heat};
    ito_panels_options o = {.low = {0, 0}, .high = {1, 1}, .side = 120, .scale = 1};
    const unsigned char dark[] = {8, 48, 107}, half[] = {133, 188, 220};
    ito_image image;
    assert_ok(s->ctx, ito_panels_render(s->ctx, &panel, 1, &o, &image));
    double x = image.width - 12 - 120, y = 12; /* the corner of the panel: a margin of 12 above and at the right */
    assert_memory_equal(pixel(&image, x + 20, y + 20), dark, 3);
    assert_memory_equal(pixel(&image, x + 20, y + 100), half, 3);
    assert_memory_equal(pixel(&image, x + 100, y + 100), dark, 3);
    ito_image_clear(s->ctx, &image);
}

static void test_refusals(void **state)
{
    scratch *s = *state;
    const double nothing[] = {NAN, 1}, far[] = {-1e308, 0, 1e308, 0};
    ito_image image;
    ito_marks marks = {.n = 1, .xy = nothing};
    ito_panel panel = {.n_marks = 1, .marks = &marks};
    assert_fails(s->ctx, ITO_USAGE, "no point is finite", ito_panels_render(s->ctx, &panel, 1, NULL, &image));
    marks = (ito_marks){.n = 2, .xy = far};
    assert_fails(s->ctx, ITO_USAGE, "too far apart", ito_panels_render(s->ctx, &panel, 1, NULL, &image));
    marks.n = 1; /* a single point is fine */
    assert_ok(s->ctx, ito_panels_render(s->ctx, &panel, 1, NULL, &image));
    ito_image_clear(s->ctx, &image);
    assert_fails(s->ctx, ITO_USAGE, "0 panels", ito_panels_render(s->ctx, &panel, 0, NULL, &image));
    assert_fails(s->ctx, ITO_USAGE, "a side of 10",
                 ito_panels_render(s->ctx, &panel, 1, &(ito_panels_options){.side = 10}, &image));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),   cmocka_unit_test(test_own_units), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_legend),   cmocka_unit_test(test_image),     cmocka_unit_test(test_deep),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
