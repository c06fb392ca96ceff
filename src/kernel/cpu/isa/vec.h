/* Vectors of one instruction set: `vf` holds VF_WIDTH floats, `vi` as many int32, both are GCC vector types, so + - * /
 * and comparisons (giving -1 or 0 in a vi) work on them, and a float operand is broadcast. a * b + c becomes one fused
 * operation where the set has it (-ffp-contract=fast in this folder).
 *
 * Everything here is static inline; names across files of this folder go through ITO_ISA_FN. */
#ifndef ITO_VEC_H
#define ITO_VEC_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(ITO_NEON)
#include <arm_neon.h>
#endif

#define ITO_ISA_PASTE2(name, isa) name##_##isa
#define ITO_ISA_PASTE(name, isa)  ITO_ISA_PASTE2(name, isa)
#define ITO_ISA_FN(name)          ITO_ISA_PASTE(name, ITO_ISA)

/* Floats of a vector, and how many vectors the processor holds. */
#if defined(__AVX512F__)
#define VF_WIDTH     16
#define VF_REGISTERS 32
#elif defined(__AVX2__)
#define VF_WIDTH     8
#define VF_REGISTERS 16
#elif defined(ITO_NEON)
#define VF_WIDTH     4
#define VF_REGISTERS 32
#else
#define VF_WIDTH     4
#define VF_REGISTERS 16
#endif

/* Before a loop whose iterations are independent even when an output is one of the inputs: each reads its elements before
 * it writes the one at the same place. (restrict would promise more than in-place operations keep.) */
#if defined(__clang__)
#define VEC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define VEC_INDEPENDENT _Pragma("GCC ivdep")
#endif

#if defined(__clang__)
#define UNROLL_ALL _Pragma("clang loop unroll(full)")
#else
#define UNROLL_ALL _Pragma("GCC unroll 16")
#endif

typedef float vf __attribute__((vector_size(VF_WIDTH * 4)));
typedef int32_t vi __attribute__((vector_size(VF_WIDTH * 4)));
typedef uint32_t vu __attribute__((vector_size(VF_WIDTH * 4))); /* for sums that may wrap */
typedef float vf_unaligned __attribute__((vector_size(VF_WIDTH * 4), aligned(4), may_alias));

static inline vf vload(const float *p)
{
    return *(const vf_unaligned *)p;
}

static inline void vstore(float *p, vf x)
{
    *(vf_unaligned *)p = x;
}

/* A store past the caches to an address that is a multiple of sizeof(vf), for results larger than they are: the line is not
 * read first. vstream_end() before another thread reads. */
static inline void vstream(float *p, vf x)
{
#if defined(__AVX512F__)
    _mm512_stream_ps(p, (__m512)x);
#elif defined(__AVX2__)
    _mm256_stream_ps(p, (__m256)x);
#else
    vstore(p, x);
#endif
}

static inline void vstream_end(void)
{
#if defined(__AVX2__)
    _mm_sfence();
#endif
}

static inline vf vset(float x)
{
    return x - (vf){0}; /* x - 0 keeps the sign of zero, x + 0 does not */
}

static inline vf vselect(vi mask, vf a, vf b) /* mask ? a : b */
{
#if defined(ITO_NEON)
    return (vf)vbslq_f32((uint32x4_t)mask, (float32x4_t)a, (float32x4_t)b);
#else
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
#endif
}

/* NaN in a stays NaN. */
static inline vf vmax(vf a, vf b)
{
#if defined(__AVX512F__)
    return (vf)_mm512_max_ps((__m512)b, (__m512)a); /* the second one where they are unordered or equal */
#elif defined(__AVX2__)
    return (vf)_mm256_max_ps((__m256)b, (__m256)a);
#else
    return vselect(b > a, b, a);
#endif
}

static inline vf vmin(vf a, vf b)
{
#if defined(__AVX512F__)
    return (vf)_mm512_min_ps((__m512)b, (__m512)a);
#elif defined(__AVX2__)
    return (vf)_mm256_min_ps((__m256)b, (__m256)a);
#else
    return vselect(b < a, b, a);
#endif
}

static inline vf vabs(vf x)
{
    return (vf)((vi)x & 0x7fffffff);
}

static inline vf vsqrt(vf x)
{
#if defined(__AVX512F__)
    return (vf)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
    return (vf)_mm256_sqrt_ps((__m256)x);
#elif defined(ITO_NEON)
    return (vf)vsqrtq_f32((float32x4_t)x);
#else
    for (int i = 0; i < VF_WIDTH; i++) x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}

static inline vi vlanes(void) /* 0, 1, 2, ... */
{
#if VF_WIDTH == 16
    return (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif VF_WIDTH == 8
    return (vi){0, 1, 2, 3, 4, 5, 6, 7};
#else
    return (vi){0, 1, 2, 3};
#endif
}

/* Lanes 0 .. n - 1 set, 0 <= n <= VF_WIDTH. */
static inline vi vmask(int n)
{
    return vlanes() < n;
}

/* The first n floats (others zero), touching no memory behind them. */
static inline vf vload_n(const float *p, int n)
{
#if defined(__AVX512F__)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX2__)
    return (vf)_mm256_maskload_ps(p, (__m256i)vmask(n));
#elif defined(ITO_NEON)
    if (n == VF_WIDTH) return vload(p);
    vf x = {n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0};
    return x;
#else
    vf x = {0};
    memcpy(&x, p, (size_t)n * sizeof *p);
    return x;
#endif
}

static inline void vstore_n(float *p, int n, vf x)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
#elif defined(__AVX2__)
    _mm256_maskstore_ps(p, (__m256i)vmask(n), (__m256)x);
#elif defined(ITO_NEON)
    if (n == VF_WIDTH) vstore(p, x);
    for (int i = 0; n < VF_WIDTH && i < n; i++) p[i] = x[i];
#else
    memcpy(p, &x, (size_t)n * sizeof *p);
#endif
}

/* The first n of p[0], p[step], p[2 step] ... (others zero), touching no memory behind them. */
static inline vf vgather_n(const float *p, int64_t step, int n)
{
#if defined(__AVX512F__)
    __m512i at = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                    _mm512_set1_epi32((int)step));
    return (vf)_mm512_mask_i32gather_ps(_mm512_setzero_ps(), (__mmask16)((1u << n) - 1), at, p, 4);
#elif defined(__AVX2__)
    __m256i at = _mm256_mullo_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), _mm256_set1_epi32((int)step));
    return (vf)_mm256_mask_i32gather_ps(_mm256_setzero_ps(), p, at, (__m256)vmask(n), 4);
#else
    vf x = {0};
    for (int i = 0; i < n; i++) x[i] = p[i * step];
    return x;
#endif
}

/* bfloat16, as in tensor/bf16.h. */
typedef uint16_t vh __attribute__((vector_size(VF_WIDTH * 2)));
typedef uint16_t vh_unaligned __attribute__((vector_size(VF_WIDTH * 2), aligned(2), may_alias));

static inline vh vh_load(const uint16_t *p)
{
    return *(const vh_unaligned *)p;
}

/* The first n, others zero. */
static inline vh vh_load_n(const uint16_t *p, int n)
{
    vh x = {0};
    memcpy(&x, p, (size_t)n * sizeof *p);
    return x;
}

static inline void vh_store(uint16_t *p, vh x)
{
    *(vh_unaligned *)p = x;
}

/* Past the caches, as vstream(). */
static inline void vh_stream(uint16_t *p, vh x)
{
#if defined(__AVX512F__)
    _mm256_stream_si256((__m256i *)(void *)p, (__m256i)x);
#elif defined(__AVX2__)
    _mm_stream_si128((__m128i *)(void *)p, (__m128i)x);
#else
    vh_store(p, x);
#endif
}

static inline vf vwiden(vh b)
{
    return (vf)(__builtin_convertvector(b, vu) << 16);
}

static inline vf vround_bf16(vf x)
{
    vu bits = (vu)x, nearest = bits + 0x7fff + ((bits >> 16) & 1), is_nan = (vu)(x != x);
    return (vf)(((is_nan & (bits | 0x400000)) | (~is_nan & nearest)) & 0xffff0000u);
}

static inline vh vnarrow(vf x)
{
    return __builtin_convertvector((vu)vround_bf16(x) >> 16, vh);
}

/* binary16: 11 bits of precision up to 65504, where larger ones are cut. NaN stays NaN. */
static inline vh vhalf(vf x)
{
    const float most = 65504.0f;
    x = vmin(vmax(x, vset(-most)), vset(most));
#if defined(__AVX512F__)
    return (vh)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
    return (vh)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(ITO_NEON)
    return (vh)vcvt_f16_f32((float32x4_t)x);
#else
    vu sign = (vu)x >> 16 & 0x8000, bits = (vu)(vabs(x) * 0x1p-112f), is_nan = (vu)(x != x);
    bits = (bits + 0xfff + (bits >> 13 & 1)) >> 13;
    return __builtin_convertvector(sign | (is_nan & 0x7e00) | (~is_nan & bits), vh);
#endif
}

static inline vf vunhalf(vh h)
{
#if defined(__AVX512F__)
    return (vf)_mm512_cvtph_ps((__m256i)h);
#elif defined(__AVX2__)
    return (vf)_mm256_cvtph_ps((__m128i)h);
#elif defined(ITO_NEON)
    return (vf)vcvt_f32_f16((float16x4_t)h);
#else
    vu bits = __builtin_convertvector(h, vu), rest = bits & 0x7fff;
    vu is_nan = (vu)(rest > 0x7c00), sign = (bits & 0x8000) << 16;
    return (vf)((vu)((vf)(rest << 13) * 0x1p112f) | sign | (is_nan & 0x7fc00000));
#endif
}

/* Rows become columns: pairs, then fours within each quarter (half) of a vector, then the quarters (halves). */
#if defined(__AVX512F__)
static inline __attribute__((always_inline)) void vturn(vf x[VF_WIDTH])
{
    __m512 pairs[16];
    __m512d fours[16];
    UNROLL_ALL for (int i = 0; i < 16; i += 2)
    {
        pairs[i] = _mm512_unpacklo_ps((__m512)x[i], (__m512)x[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_ps((__m512)x[i], (__m512)x[i + 1]);
    }
    UNROLL_ALL for (int i = 0; i < 16; i += 4) UNROLL_ALL for (int j = 0; j < 2; j++)
    {
        fours[i + 2 * j] = _mm512_unpacklo_pd((__m512d)pairs[i + j], (__m512d)pairs[i + j + 2]);
        fours[i + 2 * j + 1] = _mm512_unpackhi_pd((__m512d)pairs[i + j], (__m512d)pairs[i + j + 2]);
    }
    UNROLL_ALL for (int i = 0; i < 4; i++)
    {
        __m512d a = fours[i], b = fours[4 + i], c = fours[8 + i], d = fours[12 + i];
        __m512d ab = _mm512_shuffle_f64x2(a, b, 0x88), cd = _mm512_shuffle_f64x2(c, d, 0x88);
        x[i] = (vf)_mm512_shuffle_f64x2(ab, cd, 0x88);
        x[8 + i] = (vf)_mm512_shuffle_f64x2(ab, cd, 0xdd);
        ab = _mm512_shuffle_f64x2(a, b, 0xdd);
        cd = _mm512_shuffle_f64x2(c, d, 0xdd);
        x[4 + i] = (vf)_mm512_shuffle_f64x2(ab, cd, 0x88);
        x[12 + i] = (vf)_mm512_shuffle_f64x2(ab, cd, 0xdd);
    }
}
#elif defined(__AVX2__)
static inline __attribute__((always_inline)) void vturn(vf x[VF_WIDTH])
{
    __m256 pairs[8];
    __m256d fours[8];
    UNROLL_ALL for (int i = 0; i < 8; i += 2)
    {
        pairs[i] = _mm256_unpacklo_ps((__m256)x[i], (__m256)x[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_ps((__m256)x[i], (__m256)x[i + 1]);
    }
    UNROLL_ALL for (int i = 0; i < 8; i += 4) UNROLL_ALL for (int j = 0; j < 2; j++)
    {
        fours[i + 2 * j] = _mm256_unpacklo_pd((__m256d)pairs[i + j], (__m256d)pairs[i + j + 2]);
        fours[i + 2 * j + 1] = _mm256_unpackhi_pd((__m256d)pairs[i + j], (__m256d)pairs[i + j + 2]);
    }
    UNROLL_ALL for (int i = 0; i < 4; i++)
    {
        x[i] = (vf)_mm256_permute2f128_pd(fours[i], fours[4 + i], 0x20);
        x[4 + i] = (vf)_mm256_permute2f128_pd(fours[i], fours[4 + i], 0x31);
    }
}
#else
/* Lane i is lane from[i] of a, then of b: 0 <= from[i] < 2 VF_WIDTH. */
static inline vf vpick(vf a, vf b, vi from)
{
#if defined(ITO_NEON) && !defined(__clang__)
    return __builtin_shuffle(a, b, from);
#else
    vf x;
    for (int i = 0; i < VF_WIDTH; i++) x[i] = from[i] < VF_WIDTH ? a[from[i]] : b[from[i] - VF_WIDTH];
    return x;
#endif
}

/* Here by exchanging ever larger squares. */
static inline __attribute__((always_inline)) void vturn(vf x[VF_WIDTH])
{
    const vi lane = vlanes();
    UNROLL_ALL for (int size = 1; size < VF_WIDTH; size *= 2)
    {
        const vi odd = (lane & size) != 0, first = lane + (odd & (VF_WIDTH - size)),
                 second = lane + size + (odd & (VF_WIDTH - size));
        UNROLL_ALL for (int i = 0; i < VF_WIDTH; i++)
        {
            if (i & size) continue;
            vf a = x[i], b = x[i + size];
            x[i] = vpick(a, b, first);
            x[i + size] = vpick(a, b, second);
        }
    }
}
#endif

/* Sum of the lanes in one fixed order: lanes half a vector apart first. */
static inline float vsum(vf x)
{
#if defined(__AVX512F__)
    __m256 y = _mm256_add_ps(_mm512_castps512_ps256((__m512)x), _mm512_extractf32x8_ps((__m512)x, 1));
#elif defined(__AVX2__)
    __m256 y = (__m256)x;
#endif
#if defined(__AVX2__)
    __m128 z = _mm_add_ps(_mm256_castps256_ps128(y), _mm256_extractf128_ps(y, 1));
    return (z[0] + z[2]) + (z[1] + z[3]);
#else
    return (x[0] + x[2]) + (x[1] + x[3]);
#endif
}

/* The largest lane, none of them NaN. */
static inline float vlargest(vf x)
{
#if defined(__AVX512F__)
    __m256 y = _mm256_max_ps(_mm512_castps512_ps256((__m512)x), _mm512_extractf32x8_ps((__m512)x, 1));
#elif defined(__AVX2__)
    __m256 y = (__m256)x;
#endif
#if defined(__AVX2__)
    __m128 z = _mm_max_ps(_mm256_castps256_ps128(y), _mm256_extractf128_ps(y, 1));
#else
    vf z = x;
#endif
    float a = z[0] > z[2] ? z[0] : z[2], b = z[1] > z[3] ? z[1] : z[3];
    return a > b ? a : b;
}

/* Up to VEC_TOGETHER vectors may take each step of a long computation together: a step waits for the one before it, and
 * the processor does not look far enough ahead to fill the time with the next vector's. */
#define VEC_TOGETHER 4
#define VEC_EACH(n)  _Pragma("GCC unroll 4") for (int i = 0; i < (n); i++)
#define VEC_INLINE   static inline __attribute__((always_inline))

/* e^x to 2 units in the last place; overflows to infinity, underflows through the subnormal numbers to 0, keeps NaN.
 * x = n ln 2 + r with |r| <= ln 2 / 2, and e^r = 1 + r + r^2 Q(r), a minimax fit to 3e-9. */
VEC_INLINE void vexp_each(int n, vf *x)
{
    const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer, kept in the low bits */
    vf shifted[VEC_TOGETHER], whole[VEC_TOGETHER], r[VEC_TOGETHER], p[VEC_TOGETHER];
    VEC_EACH(n) r[i] = vmin(vmax(x[i], vset(-110.0f)), vset(100.0f));
    VEC_EACH(n) shifted[i] = r[i] * 1.44269504f + rounder;
    VEC_EACH(n) whole[i] = shifted[i] - rounder;
    VEC_EACH(n) r[i] = r[i] - whole[i] * 0.693359375f; /* ln 2 in two parts, the first exact times n */
    VEC_EACH(n) r[i] = r[i] + whole[i] * 2.12194440e-4f;
    VEC_EACH(n) p[i] = r[i] * 1.381458394e-3f + 8.368723935e-3f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 4.166838873e-2f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 1.666652057e-1f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 4.999999344e-1f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 1.0f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 1.0f;
#if defined(__AVX512F__)
    VEC_EACH(n) x[i] = (vf)_mm512_scalef_ps((__m512)p[i], (__m512)whole[i]);
#else
    VEC_EACH(n)
    { /* 2^n in two factors, so that neither leaves the range of normal numbers */
        vi power = (vi)shifted[i] - 0x4b400000, half = power >> 1;
        vf low = (vf)((half + 127) << 23), high = (vf)((power - half + 127) << 23);
        x[i] = p[i] * low * high;
    }
#endif
}

static inline vf vexp(vf x)
{
    vexp_each(1, &x);
    return x;
}

/* 1 + e^-x to 2 units in the last place, for x in [-LOGISTIC_END, LOGISTIC_END]: infinity at its lower end, and 1 from
 * LOGISTIC_ONE on, where others than AVX-512 must have stopped. As vexp(), but with fewer cares at the ends. */
#define LOGISTIC_END 89.4f
#define LOGISTIC_ONE 86.0f

VEC_INLINE void vlogistic(int n, const vf *x, vf *y)
{
    const float rounder = 12582912.0f; /* as in vexp() */
    vf shifted[VEC_TOGETHER], whole[VEC_TOGETHER], r[VEC_TOGETHER], p[VEC_TOGETHER];
    VEC_EACH(n) shifted[i] = rounder - x[i] * 1.44269504f;
    VEC_EACH(n) whole[i] = shifted[i] - rounder;
    VEC_EACH(n) r[i] = -x[i] - whole[i] * 0.693359375f;
    VEC_EACH(n) r[i] = r[i] + whole[i] * 2.12194440e-4f;
    VEC_EACH(n) p[i] = r[i] * 1.381458394e-3f + 8.368723935e-3f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 4.166838873e-2f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 1.666652057e-1f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 4.999999344e-1f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 1.0f;
    VEC_EACH(n) p[i] = p[i] * r[i] + 1.0f;
#if defined(__AVX512F__)
    VEC_EACH(n) y[i] = 1.0f + (vf)_mm512_scalef_ps((__m512)p[i], (__m512)whole[i]);
#else
    /* 2^whole in two factors, of which only 2^(whole - 1) may leave the range of normal numbers, to infinity */
    VEC_EACH(n) y[i] = 1.0f + (p[i] + p[i]) * (vf)(((vu)shifted[i] << 23) + (126u << 23));
#endif
}

/* To the range of vlogistic(). Under AVX-512 NaN becomes LOGISTIC_END: for formulas that meet x again. */
static inline vf vlogistic_cut(vf x)
{
#if defined(__AVX512F__)
    return (vf)_mm512_range_ps((__m512)x, (__m512)vset(LOGISTIC_END), 2); /* the nearer to 0, with the sign of x */
#else
    return vmin(vmax(x, vset(-LOGISTIC_END)), vset(LOGISTIC_ONE));
#endif
}

static inline vf vsigmoid(vf x)
{
    vf y;
    x = vmin(vmax(x, vset(-LOGISTIC_END)), vset(LOGISTIC_ONE)); /* keeps NaN */
    vlogistic(1, &x, &y);
    return 1.0f / y;
}

VEC_INLINE void vsilu_each(int n, vf *x)
{
    vf y[VEC_TOGETHER];
    VEC_EACH(n) y[i] = vlogistic_cut(x[i]);
    vlogistic(n, y, y);
    VEC_EACH(n) x[i] = x[i] / y[i];
}

static inline vf vsilu(vf x)
{
    vsilu_each(1, &x);
    return x;
}

#endif
