/* What one core can do at most: multiply-adds that never leave the registers, and streams in and out with one of them each. */
#include "kernel/cpu/isa/peak_loops.h"

#include "kernel/cpu/isa/vec.h"

/* Independent sums: enough to fill two units of a latency of four or five (four of them on Arm), few enough for the registers. */
#if defined(ITO_NEON)
enum { SUMS = 20 };
#else
enum { SUMS = 12 };
#endif

static float multiply_add(int64_t rounds, float scale, float shift)
{
    vf sum[SUMS], total = {0};
    for (int i = 0; i < SUMS; i++) sum[i] = vset(shift * (float)i);
    const vf s = vset(scale), t = vset(shift);
    for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 20
        for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * s + t;
    }
    for (int i = 0; i < SUMS; i++) total += sum[i];
    return vsum(total);
}

/* In place: a line that is only written would be read from memory first, and the roof would be a quarter too low. n is a
 * multiple of 64. */
static void stream(int64_t n, float scale, const float *b, float *a)
{
    for (int64_t i = 0; i < n; i += VF_WIDTH) vstore(a + i, vload(a + i) + scale * vload(b + i));
}

extern const ito_peak_loops ITO_ISA_FN(ito__peak_loops);
const ito_peak_loops ITO_ISA_FN(ito__peak_loops) = {2 * SUMS * VF_WIDTH, multiply_add, stream};
