/* Dropout, bit for bit as kernel/dropout.h defines it: LANES blocks of Philox at once, one per lane. */
#include "kernel/dropout.h"
#include "kernel/cpu/isa/mem.h"

#define LANES  16
#define ROUNDS 10

/* LANES consecutive blocks from `counter` on; word w of block b to out[4 b + w]. The loops over lanes are what the
 * compiler turns into vectors. */
static void philox_lanes(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4 * LANES])
{
    uint32_t c[4][LANES], k0 = key[0], k1 = key[1];
    for (uint32_t i = 0; i < LANES; i++) {
        c[0][i] = counter[0] + i;
        for (int w = 1; w < 4; w++) c[w][i] = counter[w];
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LANES; i++) {
            uint64_t a = (uint64_t)0xD2511F53u * c[0][i], b = (uint64_t)0xCD9E8D57u * c[2][i];
            c[0][i] = (uint32_t)(b >> 32) ^ c[1][i] ^ k0;
            c[2][i] = (uint32_t)(a >> 32) ^ c[3][i] ^ k1;
            c[1][i] = (uint32_t)b;
            c[3][i] = (uint32_t)a;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < LANES; i++)
        for (int w = 0; w < 4; w++) out[4 * i + w] = c[w][i];
}

/* Elements first .. end - 1 of a sample; first is a multiple of 4. */
static void drop(const ito_attr_dropout *attr, ito_rng_key key, int64_t first, int64_t end, const float *x, float *y)
{
    const uint64_t threshold = ito__dropout_threshold(attr->p);
    const double scale = ito__dropout_scale(attr->p);
    uint32_t counter[4], words[2], random[4 * LANES];
    ito_rng_block_words(key, (uint64_t)first / 4, counter, words);
    for (int64_t e = first; e < end; e += 4 * LANES, counter[0] += LANES) {
        philox_lanes(counter, words, random);
        int64_t n = ITO_MIN(end - e, 4 * LANES);
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

static void dropout_run(RUN_ARGS)
{
    (void)packed;
    mem_job job = {k, in, out, work};
    ito__parallel(q, k->in[0].shape.d[0] * sample_chunks(k), dropout_slice, &job);
}

static const ito_kernel_def defs[] = {
    {.op = "dropout", .name = "philox", .prepare = dropout_prepare, .run = dropout_run},
};

extern const ito_isa_family ITO_ISA_FN(ito__cpu_dropout);
const ito_isa_family ITO_ISA_FN(ito__cpu_dropout) = {ITO_COUNT(defs), defs};
