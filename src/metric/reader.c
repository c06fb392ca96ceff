/* What the exact reader of `shapes` says of samples: is the main figure what was asked for, and are the attributes that nobody asks for
 * as frequent as in the data? Beside it, how often the reader is right on pictures whose scene is known. */
#include <math.h>
#include <string.h>

#include <ito/shapes.h>

#include "metric/sets.h"

#define REAL     500 /* pictures of known scenes */
#define MOST     ITO_MAX(ITO_SHAPES_KINDS, ITO_SHAPES_COLOURS)
#define UNREAD   MOST /* the value of an attribute where there is nothing to read */
#define N_VALUES (MOST + 1)

enum { SHAPE, COLOUR, SIZE, COUNT, ATTRIBUTES };

static void attributes_of(const ito_scene *scene, int32_t out[ATTRIBUTES])
{
    const ito_figure *f = &scene->figures[0];
    out[SHAPE] = scene->n_figures ? f->shape : UNREAD;
    out[COLOUR] = scene->n_figures ? f->colour : UNREAD;
    out[SIZE] = scene->n_figures ? f->is_large : UNREAD;
    out[COUNT] = scene->n_figures;
}

/* Attributes [n, ATTRIBUTES] of images [n, height, width, 3]. */
static ito_status read_all(ito_ctx *ctx, const float *images, int64_t n, int height, int width, int32_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        ito_scene scene;
        ITO_TRY(ito_shapes_read(ctx, images + i * height * width * 3, height, width, &scene));
        attributes_of(&scene, out + i * ATTRIBUTES);
    }
    return ITO_OK;
}

static void add_frequencies(const int32_t *attributes, int64_t n, int which, const double *w, double out[N_VALUES])
{
    for (int k = 0; k < N_VALUES; k++) out[k] = 0;
    for (int64_t i = 0; i < n; i++) out[attributes[i * ATTRIBUTES + which]] += w[i] / (double)n;
}

/* Sum over values of the smaller frequency: 1 where the sets agree, 0 where they share no value. */
static double overlap(const ito_sets *s, const int32_t *const read[2], int which, const double *w_x, const double *w_y)
{
    double x[N_VALUES], y[N_VALUES], sum = 0;
    add_frequencies(read[0], s->n, which, w_x, x);
    add_frequencies(read[1], s->m, which, w_y, y);
    for (int k = 0; k < N_VALUES; k++) sum += fmin(x[k], y[k]);
    return sum;
}

static ito_status score_overlap(ito_ctx *ctx, const ito_sets *s, const int32_t *const read[2], int which,
                                const ito_resampling *r, ito_score *out)
{
    double *x = ito__resample(ctx, r, 0, s->n), *y = ito__resample(ctx, r, 1, s->m);
    double *values = ito__alloc_array(ctx, (size_t)r->n + 1, sizeof *values);
    ito_status st = x && y && values ? ITO_OK : ITO_MEMORY;
    for (int b = 0; st == ITO_OK && b <= r->n; b++) values[b] = overlap(s, read, which, x + b * s->n, y + b * s->m);
    if (st == ITO_OK) *out = ito__score(r, values);
    ito__free(ctx, x);
    ito__free(ctx, y);
    ito__free(ctx, values);
    return st;
}

/* The share of samples whose main figure has the shape asked for; NAN where none was asked for anything. */
static ito_status score_asked(ito_ctx *ctx, const ito_shapes_input *in, const int32_t *read, const ito_resampling *r,
                              ito_score *out)
{
    int32_t *shapes = ito__alloc_array(ctx, (size_t)in->sets.n, sizeof *shapes);
    if (!shapes) return ITO_MEMORY;
    bool any = false;
    for (int64_t i = 0; i < in->sets.n; i++) {
        shapes[i] = read[i * ATTRIBUTES + SHAPE];
        any |= in->asked && in->asked[i] >= 0;
    }
    *out = (ito_score){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
    ito_status st = any ? ito_accuracy(ctx, in->sets.n, in->asked, shapes, r->n ? r : NULL, out) : ITO_OK;
    ito__free(ctx, shapes);
    return st;
}

/* How often the reader is right, for each attribute: pictures of the test part, which training never sees. */
static ito_status score_real(ito_ctx *ctx, int height, int width, const ito_resampling *r, ito_score out[ATTRIBUTES])
{
    double shorter = ITO_MIN(height, width), *right = ito__alloc_array(ctx, REAL, ATTRIBUTES * sizeof *right);
    float *image = ito__alloc_array(ctx, (size_t)height * (size_t)width * 3, sizeof *image);
    ito_status st = right && image ? ITO_OK : ITO_MEMORY;
    for (int i = 0; i < REAL && st == ITO_OK; i++) {
        ito_scene scene = ito_shapes_scene(0, 1, (uint64_t)i, 0, width / shorter, height / shorter);
        int32_t truth[ATTRIBUTES], read[ATTRIBUTES] = {0};
        ito_shapes_render(&scene, height, width, image, NULL, NULL);
        attributes_of(&scene, truth);
        st = read_all(ctx, image, 1, height, width, read);
        for (int k = 0; k < ATTRIBUTES; k++) right[k * REAL + i] = truth[k] == read[k];
    }
    for (int k = 0; k < ATTRIBUTES && st == ITO_OK; k++)
        st = ito__mean_score(ctx, r, 0, REAL, right + (ptrdiff_t)k * REAL, &out[k]);
    ito__free(ctx, right);
    ito__free(ctx, image);
    return st;
}

static ito_status score(ito_ctx *ctx, const ito_shapes_input *in, const ito_resampling *r, int32_t *const own[2],
                        ito_shapes_result *out)
{
    const int32_t *const read[] = {own[0], own[1]};
    ito_score real[ATTRIBUTES];
    ITO_TRY(read_all(ctx, in->sets.x, in->sets.n, in->height, in->width, own[0]));
    ITO_TRY(read_all(ctx, in->sets.y, in->sets.m, in->height, in->width, own[1]));
    ITO_TRY(score_asked(ctx, in, read[0], r, &out->shape));
    ITO_TRY(score_overlap(ctx, &in->sets, read, COLOUR, r, &out->colour));
    ITO_TRY(score_overlap(ctx, &in->sets, read, SIZE, r, &out->size));
    ITO_TRY(score_overlap(ctx, &in->sets, read, COUNT, r, &out->count));
    ITO_TRY(score_real(ctx, in->height, in->width, r, real));
    out->real_shape = real[SHAPE];
    out->real_colour = real[COLOUR];
    out->real_size = real[SIZE];
    out->real_count = real[COUNT];
    return ITO_OK;
}

ito_status ito_shapes_score(ito_ctx *ctx, const ito_shapes_input *in, const ito_resampling *resampling,
                            ito_shapes_result *out)
{
    ito_resampling r;
    ITO_TRY(ito__sets_check(ctx, "the reader's score", &in->sets, 1));
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    if (in->sets.d != (int64_t)in->height * in->width * 3)
        return ito__fail(ctx, ITO_SHAPE, "the reader of shapes: rows of %lld numbers, expected %d x %d x 3",
                         (long long)in->sets.d, in->height, in->width);
    int32_t *const read[] = {ito__alloc_array(ctx, (size_t)in->sets.n, ATTRIBUTES * sizeof(int32_t)),
                             ito__alloc_array(ctx, (size_t)in->sets.m, ATTRIBUTES * sizeof(int32_t))};
    ito_status st = read[0] && read[1] ? score(ctx, in, &r, read, out) : ITO_MEMORY;
    ito__free(ctx, read[0]);
    ito__free(ctx, read[1]);
    return st;
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    (void)opts;
    ito_shapes_result r;
    const ito_shapes_input images = {.sets = in->points, .height = in->height, .width = in->width, .asked = in->asked};
    ITO_TRY(ito_shapes_score(ctx, &images, in->resampling, &r));
    *out = (ito_metric_result){
        .n = 8,
        .names = {"shape", "colour", "size", "count", "real_shape", "real_colour", "real_size", "real_count"},
        .scores = {r.shape, r.colour, r.size, r.count, r.real_shape, r.real_colour, r.real_size, r.real_count}};
    return ITO_OK;
}

extern const ito_metric_def ito__metric_reader;
const ito_metric_def ito__metric_reader = {
    .choice = {.name = "reader",
               .summary =
                   "of `shapes`: samples of the shape asked for, agreement of colour, size and number with the data",
               .file = "src/metric/reader.c"},
    .needs = ITO_METRIC_POINTS | ITO_METRIC_SHAPES,
    .compute = compute,
};
