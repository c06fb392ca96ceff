/* Timing convolutions kernel by kernel: candidates of the cpu backend take turns. */
#include <string.h>

#include "bench/bench_impl.h"

/* DESIGN's table of 3x3 convolutions, and what else U-Nets have: first and last layers, strides, a 1x1. */
static const struct conv_shape {
    const char *name;
    int batch, size, in, out, kernel, stride;
} shapes[] = {
    {"32 ch 32x32", 16, 32, 32, 32, 3, 1},
    {"64 ch 32x32", 16, 32, 64, 64, 3, 1},
    {"128 ch 32x32", 16, 32, 128, 128, 3, 1},
    {"128 ch 16x16", 16, 16, 128, 128, 3, 1},
    {"256 ch 16x16", 16, 16, 256, 256, 3, 1},
    {"256 ch 8x8", 16, 8, 256, 256, 3, 1},
    {"256 ch 4x4", 16, 4, 256, 256, 3, 1},
    {"320 ch 64x64, batch 2", 2, 64, 320, 320, 3, 1},
    {"128 ch 16x16, batch 1", 1, 16, 128, 128, 3, 1},
    {"64 ch 32x32, batch 1", 1, 32, 64, 64, 3, 1},
    {"128 to 256 16x16", 16, 16, 128, 256, 3, 1},
    {"512 to 256 8x8", 16, 8, 512, 256, 3, 1},
    {"3 to 128 32x32", 16, 32, 3, 128, 3, 1},
    {"128 to 3 32x32", 16, 32, 128, 3, 3, 1},
    {"1 to 32 32x32, batch 64", 64, 32, 1, 32, 3, 1},
    {"64 ch 32x32, stride 2", 16, 32, 64, 64, 3, 2},
    {"256 ch 16x16, stride 2", 16, 16, 256, 256, 3, 2},
    {"1x1 384 to 256 16x16", 16, 16, 384, 256, 1, 1},
    {"1x1 64 to 32 32x32, batch 64", 64, 32, 64, 32, 1, 1},
};

typedef struct conv_bench {
    ito_ctx *ctx;
    const ito_backend *backend;
    const ito_bench_conv_options *options;
    const struct conv_shape *shape;
    ito_attr_conv attr;
    ito_shape y;
    ito_bench_row_fn row;
    void *user;
} conv_bench;

/* The three directions are one trilinear form: x, w and y, and each is what the other two give. */
enum { X, W, Y };
static const struct direction {
    const char *op, *pass;
    int in[2], out;
    uint32_t frozen; /* in sampling weights are packed once, which is timed apart */
} directions[] = {
    {"conv2d", "sampling", {X, W}, Y, 1u << 1},
    {"conv2d", "forward", {X, W}, Y, 0},
    {"conv2d_grad_input", "backward", {Y, W}, X, 0},
    {"conv2d_grad_weight", "backward", {X, Y}, W, 0},
};

static ito_shape shape_of(const conv_bench *b, int which)
{
    return which == X ? b->attr.x_shape : which == W ? b->attr.w_shape : b->y;
}

static void set_shape(conv_bench *b, const struct conv_shape *s)
{
    int pad = s->kernel / 2, out = (s->size + 2 * pad - s->kernel) / s->stride + 1;
    b->shape = s;
    b->attr = (ito_attr_conv){.stride = {s->stride, s->stride},
                              .dilation = {1, 1},
                              .pad_before = {pad, pad},
                              .pad_after = {pad, pad},
                              .groups = 1,
                              .x_shape = ITO_SHAPE(s->batch, s->size, s->size, s->in),
                              .w_shape = ITO_SHAPE(s->out, s->in, s->kernel, s->kernel)};
    b->y = ITO_SHAPE(s->batch, out, out, s->out);
}

static ito_status add_candidates(const conv_bench *b, ito_bench_race *race)
{
    const ito_bench_conv_options *o = b->options;
    if (!o->n_algorithms) return ito__bench_race_add(race, NULL);
    for (int i = 0; i < o->n_algorithms; i++)
        ITO_TRY(strcmp(o->algorithms[i], "all") ? ito__bench_race_add(race, o->algorithms[i])
                                                : ito__bench_race_add_every(race));
    return ITO_OK;
}

static double bytes_of(ito_shape shape)
{
    return sizeof(float) * (double)ito_shape_count(shape);
}

static void report(const conv_bench *b, const struct direction *d, const ito_bench_candidate *c, double seconds)
{
    const ito_shape w = b->attr.w_shape;
    ito_bench_row row = {.name = b->shape->name,
                         .pass = d->pass,
                         .op = d->op,
                         .algorithm = c->k.def->name,
                         .n_in = 2,
                         .in = {c->k.in[0].shape, c->k.in[1].shape},
                         .out = c->k.out[0].shape,
                         .ms = 1e3 * seconds,
                         .pack_ms = c->k.packed_bytes ? 1e3 * c->pack_seconds : 0,
                         .flops = 2 * (double)ito_shape_count(b->y) * (double)(w.d[1] * w.d[2] * w.d[3]),
                         .bytes = bytes_of(b->attr.x_shape) + bytes_of(w) + bytes_of(b->y)};
    ito_bench_rate(b->options->roofs, &row);
    b->row(b->user, &row);
}

static ito_status bench_direction(conv_bench *b, const struct direction *d)
{
    int repeats = ITO_MIN(b->options->repeats > 0 ? b->options->repeats : 7, ITO_BENCH_MAX_REPEATS);
    ito_kernel problem = {.attr = &b->attr, .n_in = 2, .n_out = 1, .frozen = d->frozen};
    ito_bench_race race;
    ito_status st;
    for (int i = 0; i < 2; i++) problem.in[i] = (ito_desc){ITO_F32, shape_of(b, d->in[i])};
    problem.out[0] = (ito_desc){ITO_F32, shape_of(b, d->out)};
    ito__bench_race_begin(b->ctx, b->backend, d->op, &problem, &race);
    ITO_GO(add_candidates(b, &race));
    ITO_GO(ito__bench_race_run(&race, repeats, 0, NULL, 0));
    for (int i = 0; i < race.n; i++) report(b, d, race.candidates[i], ito__bench_race_times(&race, i).median);
done:
    ito__bench_race_close(&race);
    return st;
}

ito_status ito_bench_conv(ito_ctx *ctx, const ito_bench_conv_options *options, ito_bench_row_fn row, void *user)
{
    conv_bench b = {.ctx = ctx, .options = options, .row = row, .user = user};
    ITO_TRY(ito__backend_open(ctx, "cpu", &b.backend));
    for (int i = 0; i < ITO_COUNT(shapes); i++) {
        if (options->filter && !strstr(shapes[i].name, options->filter)) continue;
        set_shape(&b, &shapes[i]);
        for (int d = 0; d < ITO_COUNT(directions); d++) ITO_TRY(bench_direction(&b, &directions[d]));
    }
    return ITO_OK;
}
