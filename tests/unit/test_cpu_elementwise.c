/* Fast elementwise and moving kernels against the reference kernels. Tolerances are relative; 5e-7 is 4 units in the
 * last place. */
#include "kernel_check.h"

#define ULP 1.2e-7

static const int64_t counts[] = {1, 7, 16, 33, 8191, 8192, 20000};

/* --- unary -------------------------------------------------------------------------------------------------------- */

static check_fill unary_fill(int kind)
{
    bool positive =
        kind == ITO_UNARY_log || kind == ITO_UNARY_sqrt || kind == ITO_UNARY_rsqrt || kind == ITO_UNARY_log1p;
    return positive ? CHECK_POSITIVE : CHECK_WIDE;
}

static void unary_kinds(void **state)
{
    (void)state;
    for (int kind = 0; kind < ITO_UNARY_COUNT; kind++)
        for (int i = 0; i < ITO_COUNT(counts); i++) {
            ito_attr_unary attr = {kind};
            ito_desc d = check_f32(ITO_SHAPE(counts[i]));
            check_case c = {.op = "unary", .attr = &attr, .n_in = 1, .n_out = 1, .in = {d}, .out = {d}};
            c.fill[0] = unary_fill(kind);
            c.tolerance = 6 * ULP;
            if (kind == ITO_UNARY_gelu || kind == ITO_UNARY_gelu_tanh) {
                c.tolerance = 2e-5; /* the negative tail is e^(-x^2 / 2), which multiplies the rounding of x^2 */
                c.spread = 1e-10;
            }
            check_kernel(&c, (uint64_t)kind);
        }
}

/* Where slopes are differences (silu, gelu), an element may cancel: relative to the largest. */
static void unary_slopes(void **state)
{
    (void)state;
    for (int kind = 0; kind < ITO_UNARY_COUNT; kind++)
        for (int i = 0; i < ITO_COUNT(counts); i++) {
            ito_attr_unary attr = {kind};
            ito_desc d = check_f32(ITO_SHAPE(counts[i]));
            check_case c = {.op = "unary_grad", .attr = &attr, .n_in = 2, .n_out = 1, .in = {d, d}, .out = {d}};
            c.fill[0] = unary_fill(kind);
            c.tolerance = 8 * ULP;
            c.spread = 1;
            check_kernel(&c, (uint64_t)kind);
        }
}

/* Infinities, NaN, signed zeros, subnormal numbers, overflow and underflow. */
static void unary_specials(void **state)
{
    (void)state;
    static const float x[] = {0.0f,   -0.0f, INFINITY, -INFINITY, NAN,     1e-40f,  -1e-40f, 3e-38f,
                              1e38f,  88.5f, 89.0f,    -87.0f,    -100.0f, -104.0f, 1.0f,    -1.0f,
                              0.625f, 1e-8f, -1e-8f,   20.0f,     -20.0f,  9.2f,    -9.2f};
    static const int kinds[] = {ITO_UNARY_exp,    ITO_UNARY_log,       ITO_UNARY_sqrt,     ITO_UNARY_tanh,
                                ITO_UNARY_erf,    ITO_UNARY_abs,       ITO_UNARY_softplus, ITO_UNARY_sign,
                                ITO_UNARY_log1p,  ITO_UNARY_floor,     ITO_UNARY_neg,      ITO_UNARY_relu,
                                ITO_UNARY_square, ITO_UNARY_round_bf16};
    for (int i = 0; i < ITO_COUNT(kinds); i++) {
        ito_attr_unary attr = {kinds[i]};
        ito_desc d = check_f32(ITO_SHAPE(ITO_COUNT(x)));
        check_case c = {.op = "unary", .attr = &attr, .n_in = 1, .n_out = 1, .in = {d}, .out = {d}, .data = {x}};
        c.tolerance = 6 * ULP;
        check_kernel(&c, 1);
    }
}

/* --- binary, select, broadcast ------------------------------------------------------------------------------------ */

typedef struct broadcast_case {
    ito_shape a, b, y;
} broadcast_case;

static int broadcast_cases(broadcast_case cases[16])
{
    int n = 0;
    cases[n++] = (broadcast_case){ITO_SHAPE(3, 5, 7, 33), ITO_SHAPE(3, 5, 7, 33), ITO_SHAPE(3, 5, 7, 33)};
    cases[n++] = (broadcast_case){ITO_SHAPE(9001), ITO_SCALAR, ITO_SHAPE(9001)};
    cases[n++] = (broadcast_case){ITO_SHAPE(1, 1), ITO_SHAPE(2, 6, 17), ITO_SHAPE(2, 6, 17)};
    cases[n++] = (broadcast_case){ITO_SHAPE(4, 9, 9, 24), ITO_SHAPE(24), ITO_SHAPE(4, 9, 9, 24)};
    cases[n++] = (broadcast_case){ITO_SHAPE(4, 9, 11, 24), ITO_SHAPE(4, 1, 1, 24), ITO_SHAPE(4, 9, 11, 24)};
    cases[n++] = (broadcast_case){ITO_SHAPE(4, 1, 1, 1), ITO_SHAPE(4, 33, 40, 3), ITO_SHAPE(4, 33, 40, 3)};
    cases[n++] = (broadcast_case){ITO_SHAPE(5, 1, 3), ITO_SHAPE(1, 4, 1), ITO_SHAPE(5, 4, 3)};
    cases[n++] = (broadcast_case){ITO_SHAPE(1, 300, 1, 2), ITO_SHAPE(7, 1, 13, 1), ITO_SHAPE(7, 300, 13, 2)};
    cases[n++] = (broadcast_case){ITO_SCALAR, ITO_SCALAR, ITO_SCALAR};
    return n;
}

static void binary_broadcasts(void **state)
{
    (void)state;
    broadcast_case b[16];
    for (int i = broadcast_cases(b) - 1; i >= 0; i--)
        for (int kind = 0; kind < ITO_BINARY_COUNT; kind++) {
            ito_attr_binary attr = {kind};
            check_case c = {.op = "binary", .attr = &attr, .n_in = 2, .n_out = 1};
            c.in[0] = check_f32(b[i].a);
            c.in[1] = check_f32(b[i].b);
            c.out[0] = check_f32(b[i].y);
            c.tolerance = 2 * ULP;
            if (kind == ITO_BINARY_pow) c.fill[0] = CHECK_POSITIVE;
            check_kernel(&c, (uint64_t)kind);
        }
}

static void select_and_broadcast(void **state)
{
    (void)state;
    broadcast_case b[16];
    for (int i = broadcast_cases(b) - 1; i >= 0; i--) {
        static const float cond[] = {0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1};
        ito_shape y = b[i].y;
        int64_t last = y.n_dims ? y.d[y.n_dims - 1] : 1;
        check_case c = {.op = "select", .n_in = 3, .n_out = 1, .out = {check_f32(y)}};
        c.in[0] = check_f32(y.n_dims && last <= ITO_COUNT(cond) ? ITO_SHAPE(last) : ITO_SCALAR);
        c.data[0] = cond;
        c.in[1] = check_f32(b[i].a);
        c.in[2] = check_f32(b[i].b);
        check_kernel(&c, 3);
        ito_attr_shape attr = {y};
        check_map("broadcast_to", &attr, b[i].a, y, CHECK_NORMAL, 0);
        check_map("broadcast_to", &attr, b[i].b, y, CHECK_NORMAL, 0);
    }
}

static void scale_clip_full_cast(void **state)
{
    (void)state;
    ito_attr_scale scale = {1.0 / 3, -0.25};
    ito_attr_clip clip = {-0.5, 0.75};
    for (int i = 0; i < ITO_COUNT(counts); i++) {
        ito_shape shape = ITO_SHAPE(counts[i]);
        check_case c = {.op = "scale", .attr = &scale, .n_in = 1, .n_out = 1, .tolerance = 2 * ULP, .spread = 1};
        c.in[0] = c.out[0] = check_f32(shape);
        check_kernel(&c, 5);
        check_map("clip", &clip, shape, shape, CHECK_NORMAL, 0);
        ito_attr_full full = {0.1, ITO_F32, shape};
        check_case f = {.op = "full", .attr = &full, .n_out = 1, .out = {check_f32(shape)}};
        check_kernel(&f, 1);
        ito_attr_cast cast = {ITO_F64};
        check_case g = {.op = "cast", .attr = &cast, .n_in = 1, .n_out = 1, .in = {check_f32(shape)}};
        g.out[0] = (ito_desc){ITO_F64, shape};
        check_kernel(&g, 2);
        cast.dtype = ITO_F32;
        check_case h = {.op = "cast", .attr = &cast, .n_in = 1, .n_out = 1, .in = {check_i32(shape)}};
        h.fill[0] = CHECK_BITS;
        h.out[0] = check_f32(shape);
        check_kernel(&h, 2);
    }
}

/* --- moving ------------------------------------------------------------------------------------------------------- */

static void check_permute(ito_shape x, const int32_t *perm)
{
    ito_attr_permute attr = {{0}};
    ito_shape y = x;
    for (int axis = 0; axis < x.n_dims; axis++) {
        attr.perm[axis] = perm[axis];
        y.d[axis] = x.d[perm[axis]];
    }
    check_map("permute", &attr, x, y, CHECK_NORMAL, 0);
}

static void permutes(void **state)
{
    (void)state;
    check_permute(ITO_SHAPE(2, 3, 19, 23), (int32_t[]){0, 2, 3, 1});
    check_permute(ITO_SHAPE(2, 19, 23, 3), (int32_t[]){0, 3, 1, 2});
    check_permute(ITO_SHAPE(3, 65, 4, 17), (int32_t[]){0, 2, 1, 3});
    check_permute(ITO_SHAPE(130, 75), (int32_t[]){1, 0});
    check_permute(ITO_SHAPE(130, 1), (int32_t[]){1, 0});
    check_permute(ITO_SHAPE(5, 6, 7, 8, 3), (int32_t[]){4, 2, 0, 3, 1});
    check_permute(ITO_SHAPE(6, 5, 4), (int32_t[]){0, 1, 2});
}

static void check_slice(ito_shape x, ito_shape y, const int64_t *start, const int64_t *step)
{
    ito_attr_slice attr = {.shape = y};
    memcpy(attr.start, start, (size_t)x.n_dims * sizeof *start);
    memcpy(attr.step, step, (size_t)x.n_dims * sizeof *step);
    check_map("slice", &attr, x, y, CHECK_NORMAL, 0);
    attr.shape = x;
    check_map("slice_grad", &attr, y, x, CHECK_NORMAL, 0);
}

static void slices(void **state)
{
    (void)state;
    check_slice(ITO_SHAPE(3, 9, 11, 40), ITO_SHAPE(3, 9, 11, 17), (int64_t[]){0, 0, 0, 5}, (int64_t[]){1, 1, 1, 1});
    check_slice(ITO_SHAPE(3, 9, 11, 40), ITO_SHAPE(1, 4, 6, 40), (int64_t[]){2, 1, 0, 0}, (int64_t[]){1, 2, 2, 1});
    check_slice(ITO_SHAPE(100, 37), ITO_SHAPE(40, 12), (int64_t[]){99, 1}, (int64_t[]){-2, 3});
    check_slice(ITO_SHAPE(30000), ITO_SHAPE(29000), (int64_t[]){500}, (int64_t[]){1});
}

static void pads_and_concats(void **state)
{
    (void)state;
    ito_attr_pad pad = {{0, 1, 0, 0}, {0, 2, 3, 1}, 0.5};
    check_map("pad", &pad, ITO_SHAPE(3, 17, 13, 5), ITO_SHAPE(3, 20, 16, 6), CHECK_NORMAL, 0);
    for (int axis = 0; axis < 4; axis++) {
        ito_attr_axis attr = {axis};
        ito_shape part = ITO_SHAPE(3, 5, 7, 19), other = part, third = part, y = part;
        other.d[axis] += 14;
        third.d[axis] = 1;
        y.d[axis] += other.d[axis] + 1;
        check_case c = {.op = "concat", .attr = &attr, .n_in = 3, .n_out = 1, .out = {check_f32(y)}};
        c.in[0] = check_f32(part);
        c.in[1] = check_f32(other);
        c.in[2] = check_f32(third);
        check_kernel(&c, 7);
    }
}

static void gathers(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{11, 7, 64}, {1, 3, 1}, {100, 1000, 33}, {5, 40, 200}};
    for (int i = 0; i < ITO_COUNT(sizes); i++) {
        int64_t rows = sizes[i][0], n = sizes[i][1], width = sizes[i][2];
        ito_shape table = ITO_SHAPE(rows, width), y = ITO_SHAPE(n, width), index = ITO_SHAPE(n);
        ito_attr_gather attr = {table};
        check_case c = {.op = "gather", .attr = &attr, .n_in = 2, .n_out = 1, .index_bound = (int)rows};
        c.in[0] = check_f32(table);
        c.in[1] = check_i32(index);
        c.fill[1] = CHECK_INDEX;
        c.out[0] = check_f32(y);
        check_kernel(&c, 1);
        check_case g = {.op = "gather_grad", .attr = &attr, .n_in = 2, .n_out = 1, .index_bound = (int)rows};
        g.in[0] = check_i32(index);
        g.fill[0] = CHECK_INDEX;
        g.in[1] = check_f32(y);
        g.out[0] = check_f32(table);
        g.tolerance = 4 * ULP;
        g.spread = 1;
        check_kernel(&g, 2);
        ito_attr_one_hot hot = {rows, ITO_F32};
        check_case h = {.op = "one_hot", .attr = &hot, .n_in = 1, .n_out = 1, .index_bound = (int)rows};
        h.in[0] = check_i32(index);
        h.fill[0] = CHECK_INDEX;
        h.out[0] = check_f32(ITO_SHAPE(n, rows));
        check_kernel(&h, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_kinds),
        cmocka_unit_test(unary_slopes),
        cmocka_unit_test(unary_specials),
        cmocka_unit_test(binary_broadcasts),
        cmocka_unit_test(select_and_broadcast),
        cmocka_unit_test(scale_clip_full_cast),
        cmocka_unit_test(permutes),
        cmocka_unit_test(slices),
        cmocka_unit_test(pads_and_concats),
        cmocka_unit_test(gathers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
