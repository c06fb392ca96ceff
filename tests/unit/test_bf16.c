/* bfloat16: the casts of every instruction set and of the reference. Widening is checked for all 65,536 values, narrowing on
 * every tie, its neighbours and random bits, against rounding done by arithmetic in double. */
#include "fast_kernel.h"

#include <math.h>

#include <ito/ops.h>
#include <ito/program.h>

#define ALL      65536
#define N_RANDOM 500001 /* no whole number of vectors */

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The nearest number with 8 bits of precision and no exponent below that of 2^-133, ties to even; too large ones are infinite. */
static double nearest(double x)
{
    int exponent;
    frexp(x, &exponent);
    double unit = ldexp(1, exponent - 8 > -133 ? exponent - 8 : -133), y = nearbyint(x / unit) * unit;
    return fabs(y) >= 0x1p128 ? copysign(HUGE_VAL, x) : y;
}

static void check_narrow(const char *who, uint32_t bits, uint16_t found)
{
    float x = float_of(bits), y = float_of((uint32_t)found << 16);
    bool ok = isnan(x) ? (found & 0x7fc0) == 0x7fc0 && found >> 15 == bits >> 31
                       : bits_of(y) == bits_of((float)(isinf(x) ? (double)x : nearest((double)x)));
    if (!ok) fail_msg("%s: %a (%08x) became %a (%04x)", who, (double)x, bits, (double)y, found);
}

/* A cast of one row; instruction set ITO_ISA_COUNT stands for the reference. The caller frees the result. */
static void *cast_row(int isa, ito_dtype from, ito_dtype to, int64_t n, const void *x)
{
    ito_attr_cast attr = {(int32_t)to};
    fast_case c = {.op = "cast", .attr = &attr, .n_in = 1, .in = {{from, ITO_SHAPE(n)}}, .data = {x}};
    c.out = (ito_desc){to, ITO_SHAPE(n)};
    if (isa < ITO_ISA_COUNT) return fast_run(&c, (ito_isa)isa, 2);
    ito_ctx *ctx = ctx_open(1);
    ito_kernel k = {.ctx = ctx, .attr = &attr, .n_in = 1, .n_out = 1, .in = {c.in[0]}, .out = {c.out}};
    void *y = fast_poison((size_t)n * ito_dtype_size(to));
    assert_ok(ctx, ito__backend_ref.prepare(&k, "cast", NULL));
    ito__backend_ref.run(&k, &(ito_queue){1}, c.data, (void *[]){y}, NULL, NULL);
    ito__kernel_release(&k);
    ito_ctx_destroy(ctx);
    return y;
}

static const char *name_of(int isa)
{
    return isa < ITO_ISA_COUNT ? ito__isa_name((ito_isa)isa) : "ref";
}

static bool is_here(int isa)
{
    return isa == ITO_ISA_COUNT || ito__isa_available((ito_isa)isa);
}

static void widens_exactly(void **state)
{
    (void)state;
    uint16_t *all = malloc(ALL * sizeof *all);
    for (int i = 0; i < ALL; i++) all[i] = (uint16_t)i;
    for (int isa = 0; isa <= ITO_ISA_COUNT; isa++) {
        if (!is_here(isa)) continue;
        float *y = cast_row(isa, ITO_BF16, ITO_F32, ALL, all);
        for (uint32_t i = 0; i < ALL; i++) {
            uint32_t bits = bits_of(y[i]), quiet = isnan(y[i]) ? 0x400000 : 0; /* the reference computes with it */
            if ((bits | quiet) != (i << 16 | quiet)) fail_msg("%s: %04x became %08x", name_of(isa), i, bits);
        }
        free(y);
    }
    free(all);
}

static void check_all_narrow(int64_t n, const uint32_t *bits)
{
    for (int isa = 0; isa <= ITO_ISA_COUNT; isa++) {
        if (!is_here(isa)) continue;
        uint16_t *y = cast_row(isa, ITO_F32, ITO_BF16, n, bits);
        for (int64_t i = 0; i < n; i++) check_narrow(name_of(isa), bits[i], y[i]);
        free(y);
    }
}

static void narrows_to_nearest(void **state)
{
    (void)state;
    static const uint32_t tails[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    uint32_t *bits = malloc((ITO_COUNT(tails) * ALL + N_RANDOM) * sizeof *bits);
    uint64_t seed = 7;
    for (int t = 0; t < ITO_COUNT(tails); t++)
        for (uint32_t i = 0; i < ALL; i++) bits[(uint32_t)t * ALL + i] = i << 16 | tails[t];
    check_all_narrow(ITO_COUNT(tails) * ALL, bits);
    for (int i = 0; i < N_RANDOM; i++) bits[i] = fast_random(&seed) ^ fast_random(&seed) << 1;
    check_all_narrow(N_RANDOM, bits);
    for (int n = 0; n < 40; n++) check_all_narrow(n, bits + n);
    free(bits);
}

/* From double the result is rounded once: just above a tie is not a tie. */
static void narrows_doubles_once(void **state)
{
    (void)state;
    const double tie = 1 + 0x1p-8,
                 x[] = {tie, tie + 0x1p-40, tie - 0x1p-40, -tie - 0x1p-50, 1e300, 0x1p-134, 0x1.0000001p-134};
    uint16_t *y = cast_row(ITO_ISA_COUNT, ITO_F64, ITO_BF16, ITO_COUNT(x), x);
    for (int i = 0; i < ITO_COUNT(x); i++) assert_true((double)float_of((uint32_t)y[i] << 16) == nearest(x[i]));
    free(y);
}

/* d/dx of sum(bf16(x)^2 w) is bf16(2 bf16(x) w): rounding lets the gradient pass, through the same narrow place. */
static void gradient_passes(void **state)
{
    (void)state;
    bench b = bench_open();
    const float x[] = {1.0039f, -2.51f, 3e-5f}, w[] = {1, 1.0039f, 5};
    ito_value *vx = ito_graph_const(b.g, ITO_F32, ITO_SHAPE(3), x),
              *vw = ito_graph_const(b.g, ITO_F32, ITO_SHAPE(3), w);
    ito_value *y = ito_op_cast(b.g, ito_op_cast(b.g, vx, ITO_BF16), ITO_F32), *dx;
    y = ito_op_mul(b.g, ito_op_square(b.g, y), vw);
    assert_int_equal(ito_graph_grad(b.g, 1, &y, NULL, 1, &vx, &dx), ITO_OK);
    ito_program *p;
    float found[3];
    assert_int_equal(ito_program_create(b.g, 1, &dx, NULL, &p), ITO_OK);
    assert_int_equal(ito_program_run(p), ITO_OK);
    assert_int_equal(ito_program_read(p, dx, found), ITO_OK);
    for (int i = 0; i < 3; i++) {
        float narrow = (float)nearest((double)x[i]);
        assert_true((double)found[i] == nearest((double)(2 * narrow * w[i])));
    }
    ito_program_destroy(p);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widens_exactly),
        cmocka_unit_test(narrows_to_nearest),
        cmocka_unit_test(narrows_doubles_once),
        cmocka_unit_test(gradient_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
