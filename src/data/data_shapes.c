/* Data set "shapes": scenes without end, drawn when asked for. The label is the shape of the main figure. */
#include <ito/data.h>

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "data/shapes_impl.h"

extern const ito_dataset_def ito__dataset_shapes;

enum { IMAGE, LABEL, CAPTION, MASK, EDGES, N_FIELDS };

typedef struct shapes {
    int height, width, count;
    uint64_t seed;
    uint32_t part;
    bool rounded;
    ito_field fields[N_FIELDS];
    const char *names[ITO_SHAPES_KINDS];
} shapes;

static void describe(shapes *s, ito_dataset_info *info)
{
    ito_shape plane = ITO_SHAPE(s->height, s->width, 1);
    s->fields[IMAGE] = (ito_field){"image", ITO_F32, ITO_SHAPE(s->height, s->width, 3), -1, 1};
    s->fields[LABEL] = (ito_field){"label", ITO_I32, ITO_SCALAR, 0, ITO_SHAPES_KINDS - 1};
    s->fields[CAPTION] = (ito_field){"caption", ITO_U8, ITO_SHAPE(ITO_SHAPES_CAPTION), 0, 127};
    s->fields[MASK] = (ito_field){"mask", ITO_F32, plane, 0, 1};
    s->fields[EDGES] = (ito_field){"edges", ITO_F32, plane, 0, 1};
    for (int k = 0; k < ITO_SHAPES_KINDS; k++) s->names[k] = ito_shapes_name(k);
    *info = (ito_dataset_info){
        .height = s->height,
        .width = s->width,
        .channels = 3,
        .n_fields = N_FIELDS,
        .fields = s->fields,
        .n_classes = ITO_SHAPES_KINDS,
        .class_names = s->names,
    };
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    (void)source;
    shapes *s = *state = ito__alloc(ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->height = (int)ito_opts_int(opts, "size");
    s->width = (int)ito_opts_int(opts, "width");
    if (s->width == 0) s->width = s->height;
    if (s->width < 8)
        return ito__fail(ctx, ITO_USAGE, "shapes: width is %d, expected 0 (as size) or at least 8", s->width);
    s->count = (int)ito_opts_int(opts, "count");
    s->seed = (uint64_t)ito_opts_int(opts, "data_seed");
    s->part = (uint32_t)ito_opts_choice(opts, "split");
    s->rounded = ito_opts_bool(opts, "rounded");
    describe(s, info);
    return ITO_OK;
}

static void destroy(ito_ctx *ctx, void *state)
{
    ito__free(ctx, state);
}

/* To the values that a PNG keeps. */
static void round_pixels(const shapes *s, float *image)
{
    for (int i = 0; i < s->height * s->width * 3; i++) image[i] = rintf(127.5f * (image[i] + 1)) / 127.5f - 1;
}

static ito_status get(const void *state, ito_ctx *ctx, int64_t index, void *const *out)
{
    (void)ctx; /* nothing can fail */
    const shapes *s = state;
    double shorter = ITO_MIN(s->height, s->width);
    ito_scene scene =
        ito_shapes_scene(s->seed, s->part, (uint64_t)index, s->count, s->width / shorter, s->height / shorter);
    if (out[LABEL]) *(int32_t *)out[LABEL] = scene.figures[0].shape;
    if (out[CAPTION]) {
        memset(out[CAPTION], 0, ITO_SHAPES_CAPTION);
        ito_shapes_caption(&scene, out[CAPTION]);
    }
    if (out[IMAGE] || out[MASK] || out[EDGES])
        ito_shapes_render(&scene, s->height, s->width, out[IMAGE], out[MASK], out[EDGES]);
    if (out[IMAGE] && s->rounded) round_pixels(s, out[IMAGE]);
    return ITO_OK;
}

static const char *const splits[] = {"train", "test", NULL};

static const ito_opt_def options[] = {
    ITO_OPT_INT("size", 32, 8, 4096, "height (and width) of the pictures"),
    ITO_OPT_INT("width", 0, 0, 4096, "width where it differs from size"),
    ITO_OPT_INT("count", 1, 0, 2, "figures in a picture: 1, 2, or 0 for one or two"),
    ITO_OPT_INT("data_seed", 0, 0, 4294967295.0, "another seed, other pictures"),
    ITO_OPT_BOOL("rounded", 0, "to 8 bits, as pictures in files are: a likelihood counts their bits"),
    ITO_OPT_CHOICE("split", 0, splits, "train and test never share a picture"),
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_shapes = {
    .choice = {.name = "shapes",
               .summary = "one or two coloured figures, generated without end, with an exact reader",
               .file = "src/data/data_shapes.c",
               .options = options},
    .create = create,
    .destroy = destroy,
    .get = get,
};
