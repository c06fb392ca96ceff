/* Dropout, bit for bit as kernel/dropout.h defines it: one block of Philox in each lane. */
#include "kernel/dropout.h"
#include "kernel/cpu/isa/mem.h"

#define ROUNDS 10
#define LANES  (VF_WIDTH / 2) /* of one vector: a lane is the low half of 64 bits, what stands above it is ignored */
#define GROUPS 2              /* vectors at a time, to hide the latency of the products */
#define BLOCKS (GROUPS * LANES)

typedef uint64_t vu64 __attribute__((vector_size(LANES * 8)));

static inline vu64 times(vu64 a, uint32_t b)
{
    const vu64 c = (vu64){0} + b;
#if defined(__AVX512F__)
    return (vu64)_mm512_mul_epu32((__m512i)a, (__m512i)c);
#elif defined(__AVX2__)
    return (vu64)_mm256_mul_epu32((__m256i)a, (__m256i)c);
#elif defined(ITO_NEON)
    return (vu64)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)c));
#else
    return (a & 0xffffffffu) * c;
#endif
}

/* BLOCKS consecutive blocks from `counter` on, block b's four words in out[2 b] and out[2 b + 1]. */
static void philox_blocks(const uint32_t counter[4], const uint32_t key[2], uint64_t out[2 * BLOCKS])
{
    vu64 c[4][GROUPS];
    uint32_t k0 = key[0], k1 = key[1];
    for (int g = 0; g < GROUPS; g++) {
        uint64_t first[LANES];
        for (int i = 0; i < LANES; i++) first[i] = counter[0] + (uint32_t)(g * LANES + i);
        memcpy(&c[0][g], first, sizeof first);
        for (int w = 1; w < 4; w++) c[w][g] = (vu64){0} + counter[w];
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int g = 0; g < GROUPS; g++) {
            vu64 a = times(c[0][g], 0xD2511F53u), b = times(c[2][g], 0xCD9E8D57u);
            c[0][g] = (b >> 32) ^ c[1][g] ^ k0;
            c[2][g] = (a >> 32) ^ c[3][g] ^ k1;
            c[1][g] = b;
            c[3][g] = a;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int g = 0; g < GROUPS; g++) {
        vu64 low = (c[0][g] & 0xffffffffu) | c[1][g] << 32, high = (c[2][g] & 0xffffffffu) | c[3][g] << 32;
        for (int i = 0; i < LANES; i++) {
            out[2 * (g * LANES + i)] = low[i];
            out[2 * (g * LANES + i) + 1] = high[i];
        }
    }
}

/* Elements first .. end - 1 of a sample; first is a multiple of 4. */
static void drop(const ito_attr_dropout *attr, ito_rng_key key, int64_t first, int64_t end, const float *x, float *y)
{
    const uint64_t threshold = ito__dropout_threshold(attr->p);
    const double scale = ito__dropout_scale(attr->p);
    uint32_t counter[4], words[2], random[4 * BLOCKS];
    uint64_t blocks[2 * BLOCKS];
    ito_rng_block_words(key, (uint64_t)first / 4, counter, words);
    for (int64_t e = first; e < end; e += 4 * BLOCKS, counter[0] += BLOCKS) {
        philox_blocks(counter, words, blocks);
        for (int i = 0; i < 4 * BLOCKS; i++) random[i] = (uint32_t)(blocks[i / 2] >> (i % 2 * 32));
        int64_t n = ITO_MIN(end - e, 4 * BLOCKS);
        for (int64_t i = 0; i < n; i++) y[e + i] = random[i] >= threshold ? (float)((double)x[e + i] * scale) : 0.0f;
    }
}

static ito_status dropout_prepare(ito_kernel *k)
{
    bool fits = k->in[0].dtype == ITO_F32 && k->in[0].shape.n_dims > 0 && count_in(k, 0) > 0;
    /* the counter's first word alone counts the blocks of a sample */
    return fits && count_in(k, 0) / k->in[0].shape.d[0] / 4 < INT32_MAX ? ITO_OK : ITO_UNSUPPORTED;
}

static int64_t sample_chunks(const ito_kernel *k)
{
    return div_up(count_in(k, 0) / k->in[0].shape.d[0], CHUNK);
}

static void dropout_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_dropout *attr = job->k->attr;
    const int64_t size = count_in(job->k, 0) / job->k->in[0].shape.d[0], chunks = sample_chunks(job->k);
    const int64_t n = slice / chunks, first = slice % chunks * CHUNK;
    ito_rng_key key = ito__dropout_key(attr, (const int32_t *)job->in[1] + n * 4);
    drop(attr, key, first, ITO_MIN(first + CHUNK, size), (const float *)job->in[0] + n * size,
         (float *)job->out[0] + n * size);
}

RUN_SLICES(dropout, k->in[0].shape.d[0] * sample_chunks(k))

static const ito_kernel_def defs[] = {
    {.op = "dropout", .name = "philox", .prepare = dropout_prepare, .run = dropout_run},
};

ITO_ISA_FAMILY(dropout, defs);
