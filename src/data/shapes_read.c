/* The exact reader of shapes: finds the figures by colour, then fits what shapes_render draws.
 *
 *   1. Large pictures are scaled down. The ground is the median of the border; e(p) is a pixel's difference from it.
 *   2. Each pixel that differs clearly goes to the palette colour whose direction from the ground is nearest. The colour
 *      with the most pixels is one figure, the next is perhaps another.
 *   3. For each shape, pattern search over centre, radius and blur maximises the part of the contrast that the
 *      shape's cover a(p) explains with its best colour c: sum |e|^2 - min_c sum |e - a c|^2 = |sum a e|^2 / sum a^2.
 *   4. The best shape wins; c gives the colour. A second figure must explain its share and stand apart from the first.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/image.h>

#include "base/base.h"
#include "data/shapes_impl.h"

#define WORK_SIDE    32   /* pictures with larger shorter sides are scaled to this */
#define LEAST_SIGNAL 0.2  /* contrast below which there is nothing to read, 0..1 */
#define CLEAR        0.35 /* of the largest contrast: a pixel that belongs to a figure */
#define SECOND_SHARE 0.06 /* of all contrast, which a second figure must explain */
#define LARGEST_BLUR 3.0  /* pixels */

typedef struct picture {
    int height, width;
    double shorter;
    float *e;             /* [height, width, 3], difference from the ground, 0..1 scale */
    signed char *colours; /* [height, width], palette colour or -1 */
    double *cover;        /* [height, width], scratch of a fit */
    double ground[3], total;
} picture;

/* A fit: the parameters of one shape, what it explains and its colour. */
typedef struct fit {
    int shape;
    double x, y, radius; /* pixels */
    double blur;         /* 0..1, what a neighbour weighs */
    double gain, colour[3];
} fit;

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Median of the border, per channel; scratch holds a value per border pixel. */
static void find_ground(picture *p, const float *image, float *scratch)
{
    for (int k = 0; k < 3; k++) {
        size_t n = 0;
        for (int y = 0; y < p->height; y++)
            for (int x = 0; x < p->width; x++)
                if (y == 0 || x == 0 || y == p->height - 1 || x == p->width - 1)
                    scratch[n++] = image[3 * ((size_t)y * (size_t)p->width + (size_t)x) + (size_t)k];
        qsort(scratch, n, sizeof *scratch, by_value);
        p->ground[k] = 0.5 * (double)scratch[n / 2] + 0.5;
    }
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* The palette colour whose direction from the ground is nearest to e. */
static int nearest_direction(const picture *p, const double e[3])
{
    int best = 0;
    double best_cosine = -2.0;
    for (int c = 0; c < ITO_SHAPES_COLOURS; c++) {
        double d[3];
        ito_shapes_colour(c, d);
        for (int k = 0; k < 3; k++) d[k] -= p->ground[k];
        double cosine = dot(e, d) / sqrt(dot(d, d) * dot(e, e) + 1e-12);
        if (cosine > best_cosine) best_cosine = cosine, best = c;
    }
    return best;
}

/* The palette colour nearest to ground + e. */
static int nearest_colour(const picture *p, const double e[3])
{
    int best = 0;
    double best_distance = 1e9;
    for (int c = 0; c < ITO_SHAPES_COLOURS; c++) {
        double d[3];
        ito_shapes_colour(c, d);
        for (int k = 0; k < 3; k++) d[k] -= p->ground[k] + e[k];
        if (dot(d, d) < best_distance) best_distance = dot(d, d), best = c;
    }
    return best;
}

/* Differences, colours, and how many pixels each colour has; the largest contrast comes back. */
static double classify(picture *p, const float *image, int counts[ITO_SHAPES_COLOURS])
{
    size_t n = (size_t)p->height * (size_t)p->width;
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        double e[3];
        for (size_t k = 0; k < 3; k++) {
            e[k] = 0.5 * (double)image[3 * i + k] + 0.5 - p->ground[k];
            p->e[3 * i + k] = (float)e[k];
        }
        p->total += dot(e, e);
        largest = fmax(largest, sqrt(dot(e, e)));
    }
    memset(counts, 0, ITO_SHAPES_COLOURS * sizeof *counts);
    for (size_t i = 0; i < n; i++) {
        double e[3] = {(double)p->e[3 * i], (double)p->e[3 * i + 1], (double)p->e[3 * i + 2]};
        p->colours[i] = -1;
        if (sqrt(dot(e, e)) < CLEAR * largest) continue;
        int c = nearest_direction(p, e);
        p->colours[i] = (signed char)c;
        counts[c]++;
    }
    return largest;
}

/* The rectangle of pixels that a figure can touch, and its cover there, softened along rows and then columns by the
 * kernel [blur, 1, blur] / (1 + 2 blur). */
typedef struct patch {
    int x0, x1, y0, y1; /* inclusive */
} patch;

static void soften(double *at, ptrdiff_t stride, int n, double blur)
{
    double before = 0.0;
    for (int i = 0; i < n; i++) {
        double here = at[i * stride], after = i + 1 < n ? at[(i + 1) * stride] : 0.0;
        at[i * stride] = (here + blur * (before + after)) / (1.0 + 2.0 * blur);
        before = here;
    }
}

static patch draw_cover(const picture *p, const fit *f)
{
    double reach = f->radius + 1.5;
    patch at = {(int)fmax(0, floor(f->x - reach)), (int)fmin(p->width - 1, floor(f->x + reach)),
                (int)fmax(0, floor(f->y - reach)), (int)fmin(p->height - 1, floor(f->y + reach))};
    for (int y = at.y0; y <= at.y1; y++)
        for (int x = at.x0; x <= at.x1; x++) {
            double d = ito__shapes_distance(f->shape, f->radius, x + 0.5 - f->x, y + 0.5 - f->y);
            p->cover[y * p->width + x] = fmin(fmax(0.5 - d, 0.0), 1.0);
        }
    if (f->blur == 0.0) return at;
    int columns = at.x1 - at.x0 + 1, rows = at.y1 - at.y0 + 1;
    for (int y = at.y0; y <= at.y1; y++) soften(p->cover + (ptrdiff_t)(y * p->width + at.x0), 1, columns, f->blur);
    for (int x = at.x0; x <= at.x1; x++) soften(p->cover + (ptrdiff_t)(at.y0 * p->width + x), p->width, rows, f->blur);
    return at;
}

/* What the cover explains of the pixels that do not belong to the colour `other`: fills gain and colour. */
static void evaluate(const picture *p, int other, fit *f)
{
    double sum[3] = {0}, squares = 1e-9;
    patch at = draw_cover(p, f);
    for (int y = at.y0; y <= at.y1; y++)
        for (int x = at.x0; x <= at.x1; x++) {
            size_t i = (size_t)y * (size_t)p->width + (size_t)x;
            double a = p->cover[i];
            squares += a * a;
            if (p->colours[i] == other && other >= 0) continue;
            for (size_t k = 0; k < 3; k++) sum[k] += a * (double)p->e[3 * i + k];
        }
    f->gain = dot(sum, sum) / squares;
    for (int k = 0; k < 3; k++) f->colour[k] = sum[k] / squares;
}

/* One step up or down along each parameter, kept when it helps; true when any did. */
static bool improve(const picture *p, int other, double step, fit *best)
{
    bool improved = false;
    for (int move = 0; move < 8; move++) {
        fit f = *best;
        double by = move % 2 ? step : -step;
        if (move / 2 == 0) f.x += by;
        if (move / 2 == 1) f.y += by;
        if (move / 2 == 2) f.radius += by;
        if (move / 2 == 3) f.blur = fmin(fmax(f.blur + by, 0.0), 1.0);
        if (f.radius < 1.0 || f.radius > p->shorter) continue;
        evaluate(p, other, &f);
        if (f.gain <= best->gain) continue;
        *best = f;
        improved = true;
    }
    return improved;
}

static void search(const picture *p, int other, double first_step, double last_step, fit *f)
{
    double step = first_step;
    while (step >= last_step) {
        for (int i = 0; i < 8 && improve(p, other, step, f);) i++;
        step *= 0.5;
    }
}

/* The best figure of palette colour `own`, where pixels of `other` count as ground. Every shape starts from the centroid
 * and the area of the colour's pixels; after a coarse search only those near the best go on. */
static fit fit_figure(const picture *p, int own, int other)
{
    double area = 0.0, cx = 0.0, cy = 0.0;
    fit fits[ITO_SHAPES_KINDS];
    int best = 0;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++)
            if (p->colours[(size_t)y * (size_t)p->width + (size_t)x] == own) area += 1.0, cx += x + 0.5, cy += y + 0.5;
    for (int s = 0; s < ITO_SHAPES_KINDS; s++) {
        double r = fmax(1.0, sqrt(area / ito__shapes_area(s)));
        fits[s] = (fit){.shape = s, .x = cx / area, .y = cy / area - ito__shapes_centroid(s) * r, .radius = r};
        evaluate(p, other, &fits[s]);
        search(p, other, 1.0, 0.25, &fits[s]);
        if (fits[s].gain > fits[best].gain) best = s;
    }
    double bar = 0.9 * fits[best].gain;
    for (int s = 0; s < ITO_SHAPES_KINDS; s++) {
        if (fits[s].gain < bar) continue;
        search(p, other, 0.125, 0.015, &fits[s]);
        if (fits[s].gain > fits[best].gain) best = s;
    }
    return fits[best];
}

static ito_figure describe(const picture *p, const fit *f)
{
    return (ito_figure){
        .shape = f->shape,
        .colour = nearest_colour(p, f->colour),
        .is_large = f->radius / p->shorter > ITO_SHAPES_LARGE,
        .x = f->x / p->shorter,
        .y = f->y / p->shorter,
        .radius = f->radius / p->shorter,
    };
}

/* Is b a figure of its own beside a, rather than a stain on it? */
static bool is_second(const picture *p, const fit *a, const fit *b)
{
    double apart = hypot(a->x - b->x, a->y - b->y);
    return b->gain > SECOND_SHARE * p->total && apart > 0.7 * (a->radius + b->radius);
}

static void read_scene(picture *p, const float *image, ito_scene *out)
{
    int counts[ITO_SHAPES_COLOURS], first = 0, second = -1;
    if (classify(p, image, counts) < LEAST_SIGNAL) return;
    for (int c = 1; c < ITO_SHAPES_COLOURS; c++)
        if (counts[c] > counts[first]) first = c;
    for (int c = 0; c < ITO_SHAPES_COLOURS; c++)
        if (c != first && counts[c] > 3 && (second < 0 || counts[c] > counts[second])) second = c;
    fit a = fit_figure(p, first, second), b = {0};
    if (second >= 0) b = fit_figure(p, second, first);
    bool two = second >= 0 && is_second(p, &a, &b);
    if (second >= 0 && !two) a = fit_figure(p, first, -1); /* the other colour was part of it */
    out->n_figures = two ? 2 : 1;
    out->confidence = fmin(1.0, (a.gain + (two ? b.gain : 0.0)) / p->total);
    bool swap = two && b.radius > a.radius;
    out->figures[0] = describe(p, swap ? &b : &a);
    if (two) out->figures[1] = describe(p, swap ? &a : &b);
}

static ito_status run(ito_ctx *ctx, picture *p, const float *image, ito_scene *out)
{
    size_t n = (size_t)p->height * (size_t)p->width;
    p->shorter = ITO_MIN(p->height, p->width);
    p->e = ito__alloc_array(ctx, n, 3 * sizeof *p->e);
    p->colours = ito__alloc(ctx, n);
    p->cover = ito__alloc_array(ctx, n, sizeof *p->cover);
    float *border = ito__alloc_array(ctx, n, sizeof *border);
    ito_status st = p->e && p->colours && p->cover && border ? ITO_OK : ITO_MEMORY;
    if (st == ITO_OK) {
        find_ground(p, image, border);
        out->background = (p->ground[0] + p->ground[1] + p->ground[2]) / 3.0;
        read_scene(p, image, out);
    }
    ito__free(ctx, p->e);
    ito__free(ctx, p->colours);
    ito__free(ctx, p->cover);
    ito__free(ctx, border);
    return st;
}

ito_status ito_shapes_read(ito_ctx *ctx, const float *image, int height, int width, ito_scene *out)
{
    *out = (ito_scene){0};
    if (height < 8 || width < 8)
        return ito__fail(ctx, ITO_SHAPE, "shapes: a picture of %d x %d, expected at least 8 x 8", width, height);
    int shorter = ITO_MIN(height, width);
    picture p = {.height = height, .width = width};
    if (shorter <= WORK_SIDE) return run(ctx, &p, image, out);
    ito_image large = {width, height, 3, ITO_F32, (void *)image}, small;
    p.height = (height * WORK_SIDE + shorter / 2) / shorter;
    p.width = (width * WORK_SIDE + shorter / 2) / shorter;
    ITO_TRY(ito_image_fit(ctx, &large, p.width, p.height, &small));
    ito_status st = run(ctx, &p, small.pixels, out);
    ito_image_clear(ctx, &small);
    return st;
}
