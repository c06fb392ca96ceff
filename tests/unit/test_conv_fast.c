/* Fast convolutions and their two gradients against naive sums in double: random shapes (odd sizes, 1x1 images, channels
 * not multiples of 16, batch 1, strides, asymmetric padding, dilation, groups, depthwise, 1-D), every algorithm that
 * takes the shape, every instruction set, the same bits for 1, 2, 3 and 8 threads. */
#include "fast_kernel.h"

#include <math.h>
#include <stdio.h>

#include "kernel/ref/ref.h"

typedef struct shape {
    int64_t n, h, w, c, o, kh, kw, stride[2], dilation[2], before[2], after[2], groups;
} shape;

typedef struct problem {
    ito_attr_conv attr;
    ito_shape y_shape;
    float *x, *w, *dy, *bias, *residual, *dx_residual;
    double *y, *dx, *dw; /* what they should be, y without bias */
} problem;

static ito_desc f32(ito_shape s)
{
    return (ito_desc){ITO_F32, s};
}

static int64_t out_extent(const shape *s, int axis, int64_t extent, int64_t kernel)
{
    int64_t reach = s->dilation[axis] * (kernel - 1) + 1;
    return (extent + s->before[axis] + s->after[axis] - reach) / s->stride[axis] + 1;
}

/* One pair of output pixel and kernel position of one group: adds its products to y, dx and dw. */
static void add_products(problem *p, int64_t y_pixel, int64_t x_pixel, int64_t tap)
{
    const ito_attr_conv *a = &p->attr;
    int64_t taps = a->w_shape.d[2] * a->w_shape.d[3], cg = a->w_shape.d[1], og = a->w_shape.d[0] / a->groups;
    for (int64_t o = 0; o < a->w_shape.d[0]; o++)
        for (int64_t c = 0; c < cg; c++) {
            int64_t x_at = x_pixel * a->x_shape.d[3] + o / og * cg + c, w_at = (o * cg + c) * taps + tap;
            int64_t y_at = y_pixel * a->w_shape.d[0] + o;
            p->y[y_at] += (double)p->x[x_at] * (double)p->w[w_at];
            p->dx[x_at] += (double)p->dy[y_at] * (double)p->w[w_at];
            p->dw[w_at] += (double)p->dy[y_at] * (double)p->x[x_at];
        }
}

static void compute(problem *p)
{
    const ito_attr_conv *a = &p->attr;
    ito_shape xs = a->x_shape, ys = p->y_shape;
    for (int64_t i = 0; i < ys.d[0] * ys.d[1] * ys.d[2]; i++)
        for (int64_t tap = 0; tap < a->w_shape.d[2] * a->w_shape.d[3]; tap++) {
            int64_t kh = tap / a->w_shape.d[3], kw = tap % a->w_shape.d[3];
            int64_t h = i / ys.d[2] % ys.d[1] * a->stride[0] + kh * a->dilation[0] - a->pad_before[0];
            int64_t w = i % ys.d[2] * a->stride[1] + kw * a->dilation[1] - a->pad_before[1];
            if (h < 0 || h >= xs.d[1] || w < 0 || w >= xs.d[2]) continue;
            add_products(p, i, (i / (ys.d[1] * ys.d[2]) * xs.d[1] + h) * xs.d[2] + w, tap);
        }
}

static double *zeros(int64_t n)
{
    double *x = calloc((size_t)n, sizeof *x);
    assert_non_null(x);
    return x;
}

static problem make(const shape *s)
{
    uint64_t seed = (uint64_t)(s->h * 1009 + s->c * 31 + s->o);
    problem p = {.attr = {.groups = s->groups}};
    memcpy(p.attr.stride, s->stride, sizeof s->stride);
    memcpy(p.attr.dilation, s->dilation, sizeof s->dilation);
    memcpy(p.attr.pad_before, s->before, sizeof s->before);
    memcpy(p.attr.pad_after, s->after, sizeof s->after);
    p.attr.x_shape = ITO_SHAPE(s->n, s->h, s->w, s->c);
    p.attr.w_shape = ITO_SHAPE(s->o, s->c / s->groups, s->kh, s->kw);
    p.y_shape = ITO_SHAPE(s->n, out_extent(s, 0, s->h, s->kh), out_extent(s, 1, s->w, s->kw), s->o);
    int64_t nx = ito_shape_count(p.attr.x_shape), nw = ito_shape_count(p.attr.w_shape), ny = ito_shape_count(p.y_shape);
    p.x = fast_floats(nx, &seed);
    p.w = fast_floats(nw, &seed);
    p.dy = fast_floats(ny, &seed);
    p.bias = fast_floats(s->o, &seed);
    p.residual = fast_floats(ny, &seed);
    p.dx_residual = fast_floats(nx, &seed);
    p.y = zeros(ny);
    p.dx = zeros(nx);
    p.dw = zeros(nw);
    compute(&p);
    return p;
}

static void destroy(problem *p)
{
    void *all[] = {p->x, p->w, p->dy, p->bias, p->residual, p->dx_residual, p->y, p->dx, p->dw};
    for (int i = 0; i < ITO_COUNT(all); i++) free(all[i]);
}

/* Algorithm NULL asks for the first that fits. Fused: with bias and a residual of so many images of pixels. */
static void check_forward_with(problem *p, const char *algorithm, bool fused, ito_shape residual, int32_t act,
                               uint32_t frozen, const char *label)
{
    int64_t ny = ito_shape_count(p->y_shape), o = p->attr.w_shape.d[0];
    int64_t share = ny / ito_shape_count(residual); /* pixels that share a row of the residual */
    double *want = zeros(ny);
    for (int64_t i = 0; i < ny; i++) {
        double y = p->y[i] + (fused ? (double)p->bias[i % o] + (double)p->residual[i / o / share * o + i % o] : 0);
        want[i] = ito__unary_value(act, y);
    }
    ito_attr_conv attr = p->attr;
    attr.has_bias = attr.has_residual = fused;
    attr.act = act;
    fast_case c = {.op = "conv2d", .algorithm = algorithm, .attr = &attr, .n_in = fused ? 4 : 2, .frozen = frozen};
    c.in[0] = f32(attr.x_shape);
    c.in[1] = f32(attr.w_shape);
    c.in[2] = f32(ITO_SHAPE(o));
    c.in[3] = f32(residual);
    c.out = f32(p->y_shape);
    const void *data[] = {p->x, p->w, p->bias, p->residual};
    memcpy(c.data, data, sizeof data);
    fast_check(&c, want, 5e-6, label);
    free(want);
}

static void check_forward(problem *p, const char *algorithm, bool fused, int32_t act, uint32_t frozen,
                          const char *label)
{
    check_forward_with(p, algorithm, fused, p->y_shape, act, frozen, label);
    ito_shape per_image = ITO_SHAPE(p->y_shape.d[0], 1, 1, p->y_shape.d[3]);
    if (fused) check_forward_with(p, algorithm, fused, per_image, act, frozen, label);
}

static void check_grad_input(problem *p, const char *algorithm, const char *label)
{
    fast_case c = {.op = "conv2d_grad_input", .algorithm = algorithm, .attr = &p->attr, .n_in = 2};
    c.in[0] = f32(p->y_shape);
    c.in[1] = f32(p->attr.w_shape);
    c.out = f32(p->attr.x_shape);
    c.data[0] = p->dy;
    c.data[1] = p->w;
    fast_check(&c, p->dx, 5e-6, label);
    c.frozen = 2;
    fast_check(&c, p->dx, 5e-6, label);
    int64_t nx = ito_shape_count(p->attr.x_shape);
    double *want = zeros(nx);
    for (int64_t i = 0; i < nx; i++) want[i] = p->dx[i] + (double)p->dx_residual[i];
    ito_attr_conv attr = p->attr;
    attr.has_residual = true;
    c.attr = &attr;
    c.n_in = 3;
    c.in[2] = f32(p->attr.x_shape);
    c.data[2] = p->dx_residual;
    fast_check(&c, want, 5e-6, label);
    free(want);
}

/* x in bf16 gives the bits of the same numbers in float32. */
static void check_narrow_weight(problem *p, fast_case *c, const char *label)
{
    int64_t nx = ito_shape_count(p->attr.x_shape), nw = ito_shape_count(p->attr.w_shape);
    uint16_t *narrow = calloc((size_t)nx, sizeof *narrow);
    float *wide = calloc((size_t)nx, sizeof *wide);
    for (int64_t i = 0; i < nx; i++) {
        narrow[i] = ito__bf16_narrow(p->x[i]);
        wide[i] = ito__bf16_widen(narrow[i]);
    }
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        if (!ito__isa_available((ito_isa)isa)) continue;
        c->data[0] = wide;
        c->in[0].dtype = ITO_F32;
        float *want = fast_run(c, (ito_isa)isa, 2);
        c->data[0] = narrow;
        c->in[0].dtype = ITO_BF16;
        float *found = fast_run(c, (ito_isa)isa, 2);
        if (!found || memcmp(want, found, (size_t)nw * sizeof *want))
            fail_msg("%s %s: other bits with x in bf16", ito__isa_name((ito_isa)isa), label);
        free(want);
        free(found);
    }
    free(narrow);
    free(wide);
}

static void check_grad_weight(problem *p, const char *algorithm, const char *label)
{
    fast_case c = {.op = "conv2d_grad_weight", .algorithm = algorithm, .attr = &p->attr, .n_in = 2};
    c.in[0] = f32(p->attr.x_shape);
    c.in[1] = f32(p->y_shape);
    c.out = f32(p->attr.w_shape);
    c.data[0] = p->x;
    c.data[1] = p->dy;
    fast_check(&c, p->dw, 1e-5, label);
    check_narrow_weight(p, &c, label);
}

static void check_shape(const shape *s, const char *algorithm, bool fused, int32_t act, uint32_t frozen)
{
    char label[160];
    snprintf(label, sizeof label,
             "%s n%dh%dw%dc%do%dk%dx%d stride %d,%d dilation %d,%d pad %d,%d-%d,%d groups %d fused %d act %d",
             algorithm ? algorithm : "first", (int)s->n, (int)s->h, (int)s->w, (int)s->c, (int)s->o, (int)s->kh,
             (int)s->kw, (int)s->stride[0], (int)s->stride[1], (int)s->dilation[0], (int)s->dilation[1],
             (int)s->before[0], (int)s->before[1], (int)s->after[0], (int)s->after[1], (int)s->groups, fused, (int)act);
    problem p = make(s);
    check_forward(&p, algorithm, fused, act, frozen, label);
    check_grad_input(&p, algorithm, label);
    check_grad_weight(&p, algorithm, label);
    destroy(&p);
}

/* The other orders of work, and the other size of tiles. */
static void check_orders(const shape *s, bool fused, int32_t act, uint32_t frozen)
{
    problem p = make(s);
    check_forward(&p, "winograd4-stages", fused, act, frozen, "stages, forward");
    check_grad_input(&p, "winograd4-stages", "stages, gradient");
    check_forward(&p, "winograd2", fused, act, frozen, "tiles of 2 x 2, forward");
    check_grad_input(&p, "winograd2", "tiles of 2 x 2, gradient");
    check_forward(&p, "winograd2-stages", fused, act, frozen, "tiles of 2 x 2 in stages, forward");
    check_grad_input(&p, "winograd2-stages", "tiles of 2 x 2 in stages, gradient");
    check_grad_weight(&p, "winograd4-blocks", "blocks");
    destroy(&p);
}

/* A k x k convolution with padding p all round. */
static shape square(int64_t n, int64_t h, int64_t w, int64_t c, int64_t o, int64_t k, int64_t p)
{
    return (shape){n, h, w, c, o, k, k, {1, 1}, {1, 1}, {p, p}, {p, p}, 1};
}

static void common_shapes(void **state)
{
    (void)state;
    const shape shapes[] = {
        square(2, 16, 16, 3, 128, 3, 1), square(2, 16, 16, 128, 3, 3, 1), square(2, 16, 16, 32, 32, 3, 1),
        square(1, 8, 8, 64, 48, 1, 0),   square(3, 1, 1, 70, 33, 3, 1),   square(1, 5, 9, 1, 1, 3, 1),
        square(1, 7, 6, 17, 20, 5, 2),   square(5, 1, 1, 40, 24, 1, 0),   square(1, 28, 28, 1, 16, 3, 1),
    };
    for (int i = 0; i < ITO_COUNT(shapes); i++) {
        check_shape(&shapes[i], NULL, false, ITO_UNARY_identity, 0);
        check_shape(&shapes[i], "direct", true, ITO_UNARY_silu, 2);
    }
}

static void strided_shapes(void **state)
{
    (void)state;
    const shape shapes[] = {
        {2, 16, 16, 32, 40, 3, 3, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 1},
        {1, 9, 11, 19, 7, 3, 3, {2, 2}, {1, 1}, {0, 0}, {1, 1}, 1}, /* diffusers' asymmetric down-sampling */
        {1, 10, 13, 6, 5, 3, 2, {3, 2}, {1, 2}, {2, 0}, {0, 1}, 1},
        {2, 8, 8, 16, 16, 1, 1, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1}, /* phases that no tap reaches */
        {1, 12, 12, 8, 8, 3, 3, {1, 1}, {2, 2}, {2, 2}, {2, 2}, 1},
        {1, 12, 12, 8, 8, 3, 3, {2, 2}, {2, 2}, {2, 2}, {2, 2}, 1},
        {2, 1, 30, 20, 12, 1, 5, {1, 2}, {1, 1}, {0, 2}, {0, 2}, 1}, /* one dimension */
        {1, 16, 16, 3, 50, 4, 4, {4, 4}, {1, 1}, {0, 0}, {0, 0}, 1}, /* patches */
    };
    for (int i = 0; i < ITO_COUNT(shapes); i++) check_shape(&shapes[i], NULL, i & 1, ITO_UNARY_relu, i & 2);
}

static void grouped_shapes(void **state)
{
    (void)state;
    const shape shapes[] = {
        {2, 7, 8, 12, 18, 3, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3},
        {1, 6, 6, 64, 80, 1, 1, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 2},
        {2, 9, 7, 35, 35, 3, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 35}, /* depthwise */
        {1, 9, 7, 24, 24, 5, 5, {2, 2}, {1, 1}, {2, 2}, {2, 2}, 24},
        {1, 6, 7, 5, 10, 3, 3, {2, 1}, {1, 2}, {1, 2}, {1, 2}, 5}, /* two outputs a channel */
    };
    for (int i = 0; i < ITO_COUNT(shapes); i++) check_shape(&shapes[i], NULL, i & 1, ITO_UNARY_gelu, i & 2);
}

static void winograd_shapes(void **state)
{
    (void)state;
    const shape shapes[] = {
        square(2, 16, 16, 64, 48, 3, 1),
        square(1, 1, 1, 16, 16, 3, 1),
        square(3, 1, 1, 7, 5, 3, 1),
        square(1, 7, 13, 33, 35, 3, 1),
        square(1, 9, 6, 3, 70, 3, 0),
        square(1, 6, 9, 70, 3, 3, 2),
        square(1, 12, 8, 300, 20, 3, 1),
        square(16, 8, 8, 128, 40, 3, 1),
        square(5, 30, 29, 20, 33, 3, 1), /* two chunks of tiles */
        {2, 5, 6, 20, 18, 3, 3, {1, 1}, {1, 1}, {0, 2}, {2, 1}, 1},
    };
    for (int i = 0; i < ITO_COUNT(shapes); i++) {
        int32_t act = i & 2 ? ITO_UNARY_silu : ITO_UNARY_identity;
        check_shape(&shapes[i], "winograd4", i & 1, act, i & 2);
        check_orders(&shapes[i], i & 1, act, i & 2);
    }
}

static shape random_shape(uint64_t *seed)
{
    shape s = {0};
    s.n = fast_between(1, 3, seed);
    s.h = fast_between(1, 12, seed);
    s.w = fast_between(1, 12, seed);
    s.groups = fast_random(seed) % 4 ? 1 : 2;
    s.c = s.groups * fast_between(1, 24, seed);
    s.o = s.groups * fast_between(1, 40, seed);
    s.kh = fast_between(1, 4, seed);
    s.kw = fast_between(1, 4, seed);
    int64_t kernel[] = {s.kh, s.kw}, extent[] = {s.h, s.w};
    for (int i = 0; i < 2; i++) {
        s.stride[i] = fast_between(1, 3, seed);
        s.dilation[i] = fast_between(1, 2, seed);
        int64_t reach = s.dilation[i] * (kernel[i] - 1) + 1, missing = ITO_MAX(0, reach - extent[i]);
        s.before[i] = fast_between(0, 2, seed);
        s.after[i] = ITO_MAX(0, missing - s.before[i]) + fast_between(0, 2, seed);
    }
    return s;
}

static void random_shapes(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 60; i++) {
        shape s = random_shape(&seed);
        check_shape(&s, NULL, i & 1, ITO_UNARY_identity, i & 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(common_shapes),   cmocka_unit_test(strided_shapes), cmocka_unit_test(grouped_shapes),
        cmocka_unit_test(winograd_shapes), cmocka_unit_test(random_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
