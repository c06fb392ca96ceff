/* What is in a scene, drawn from the counter-based generator, and how it is said. Two figures stand along one axis, one
 * large and one small, of different colours, with a gap, so that a picture can be read without doubt. */
#include <stdio.h>

#include <ito/rng.h>

#include "base/base.h"
#include "data/shapes_impl.h"

#define MARGIN 0.02
#define GAP    0.06

/* The uniform numbers of a scene in the order of use. */
enum { COUNT, BACKGROUND, AXIS, ORDER, SLACK, PER_FIGURE, N_NUMBERS = PER_FIGURE + 2 * 6 };
enum { SHAPE, COLOUR, SIZE, RADIUS, ACROSS, ALONG }; /* of a figure, from PER_FIGURE + 6 i */

static double between(double u, double low, double high)
{
    return low + u * (high - low);
}

static ito_figure draw_figure(const double *u)
{
    return (ito_figure){.shape = (int)(u[SHAPE] * ITO_SHAPES_KINDS), .colour = (int)(u[COLOUR] * ITO_SHAPES_COLOURS)};
}

static void place_one(ito_figure *f, const double *u, double width, double height)
{
    f->is_large = u[SIZE] < 0.5;
    f->radius = f->is_large ? between(u[RADIUS], 0.28, 0.40) : between(u[RADIUS], 0.18, 0.22);
    double reach = f->radius + MARGIN;
    f->x = between(u[ACROSS], reach, width - reach);
    f->y = between(u[ALONG], reach, height - reach);
}

/* Along the axis: margin, first figure, gap and more, second figure, margin; across it each stands anywhere. */
static void place_two(ito_scene *scene, const double *u, double width, double height)
{
    const double *numbers[2] = {u + PER_FIGURE, u + PER_FIGURE + 6};
    bool vertical = width == height ? u[AXIS] < 0.5 : height > width;
    double along = vertical ? height : width, across = vertical ? width : height;
    ito_figure *large = &scene->figures[0], *small = &scene->figures[1];
    if (small->colour == large->colour) small->colour = (small->colour + 1) % ITO_SHAPES_COLOURS;
    large->is_large = true;
    large->radius = between(numbers[0][RADIUS], 0.24, 0.27);
    small->radius = between(numbers[1][RADIUS], 0.14, 0.17);
    ito_figure *first = u[ORDER] < 0.5 ? large : small, *second = first == large ? small : large;
    double free = along - 2.0 * (large->radius + small->radius + MARGIN) - GAP;
    double before = free * u[SLACK], middle = (free - before) * numbers[0][ALONG];
    double at[2] = {MARGIN + before + first->radius, 0};
    at[1] = at[0] + first->radius + GAP + middle + second->radius;
    for (int i = 0; i < 2; i++) {
        ito_figure *f = i == 0 ? first : second;
        double side = between(numbers[i][ACROSS], f->radius + MARGIN, across - f->radius - MARGIN);
        f->x = vertical ? side : at[i];
        f->y = vertical ? at[i] : side;
    }
}

ito_scene ito_shapes_scene(uint64_t seed, uint32_t part, uint64_t index, int n_figures, double width, double height)
{
    double u[N_NUMBERS];
    ito_rng_key key = {.seed = seed, .stream = ITO_STREAM_DATA, .step = part, .sample = index};
    ito_rng_uniform(key, 0, N_NUMBERS, u);
    ito_scene scene = {.confidence = 1.0};
    scene.n_figures = n_figures ? n_figures : 1 + (u[COUNT] < 0.5);
    scene.background = between(u[BACKGROUND], 0.0, 0.2);
    for (int i = 0; i < scene.n_figures; i++) scene.figures[i] = draw_figure(u + PER_FIGURE + (ptrdiff_t)(6 * i));
    if (scene.n_figures == 1)
        place_one(&scene.figures[0], u + PER_FIGURE, width, height);
    else
        place_two(&scene, u, width, height);
    return scene;
}

static int say(const ito_figure *f, char *text, int size)
{
    return snprintf(text, (size_t)size, "a %s %s %s", f->is_large ? "large" : "small",
                    ito_shapes_colour_name(f->colour), ito_shapes_name(f->shape));
}

/* The upper or left figure is the subject. */
const char *ito_shapes_caption(const ito_scene *scene, char text[ITO_SHAPES_CAPTION])
{
    const ito_figure *a = &scene->figures[0], *b = &scene->figures[1];
    if (scene->n_figures == 0) {
        snprintf(text, ITO_SHAPES_CAPTION, "nothing");
        return text;
    }
    if (scene->n_figures == 1) {
        say(a, text, ITO_SHAPES_CAPTION);
        return text;
    }
    double dx = b->x - a->x, dy = b->y - a->y;
    bool vertical = dy * dy > dx * dx;
    bool swap = vertical ? dy < 0 : dx < 0;
    int at = say(swap ? b : a, text, ITO_SHAPES_CAPTION);
    at += snprintf(text + at, (size_t)(ITO_SHAPES_CAPTION - at), vertical ? " above " : " left of ");
    say(swap ? a : b, text + at, ITO_SHAPES_CAPTION - at);
    return text;
}
