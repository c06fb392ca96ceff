/* The backend "test": the reference kernels in memory that plays a device's. A page is PROT_NONE except while a kernel
 * that names it, or a copy, runs: inputs are then readable and outputs writable. Fresh memory and every workspace hold
 * a pattern that is a NaN in float32 and float64 and no valid index. So a caller that reads or writes device memory
 * itself, an executor that forgets a copy, a kernel that writes its input or trusts stale scratch: all are caught.
 *
 * Buffers of one slab may share a page, so inputs are opened first and outputs, with more rights, after them. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/cpu/cpu_vec.h"
#include "kernel/ref/ref.h"

#define POISON 0x7FF7FFFFu /* a quiet NaN; doubled, a signalling one */

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t bytes)
{
    size_t page = page_size();
    return (ITO_MAX(bytes, 1) + page - 1) / page * page;
}

/* Gives the pages that hold memory[0 .. bytes) the rights `prot`. */
static void protect(const void *memory, size_t bytes, int prot)
{
    if (!memory || !bytes) return;
    size_t page = page_size(), before = (uintptr_t)memory % page;
    mprotect((char *)memory - before, whole_pages(before + bytes), prot);
}

static void poison(void *memory, size_t bytes)
{
    uint32_t word = POISON;
    for (size_t at = 0; at < bytes; at += sizeof word) memcpy((char *)memory + at, &word, ITO_MIN(4, bytes - at));
}

static void *device_alloc(ito_ctx *ctx, size_t bytes)
{
    size_t size = whole_pages(bytes);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        ito__fail_memory(ctx, bytes);
        return NULL;
    }
    poison(memory, size);
    protect(memory, size, PROT_NONE);
    return memory;
}

static void device_free(ito_ctx *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    if (memory) munmap(memory, whole_pages(bytes));
}

static void upload(void *device, const void *host, size_t bytes)
{
    protect(device, bytes, PROT_READ | PROT_WRITE);
    memcpy(device, host, bytes);
    protect(device, bytes, PROT_NONE);
}

static void download(void *host, const void *device, size_t bytes)
{
    protect(device, bytes, PROT_READ);
    memcpy(host, device, bytes);
    protect(device, bytes, PROT_NONE);
}

static size_t bytes_of(const ito_desc *desc)
{
    return (size_t)ito_shape_count(desc->shape) * ito_dtype_size(desc->dtype);
}

static void protect_inputs(const ito_kernel *k, const void *const *in, int prot)
{
    for (int i = 0; i < k->n_in; i++) protect(in[i], bytes_of(&k->in[i]), prot);
}

static void protect_outputs(const ito_kernel *k, void *const *out, int prot)
{
    for (int i = 0; i < k->n_out; i++) protect(out[i], bytes_of(&k->out[i]), prot);
}

static ito_status prepare(ito_kernel *k, const char *op, const char *algorithm)
{
    return ito__backend_ref.prepare(k, op, algorithm);
}

static void pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    protect_inputs(k, in, PROT_READ);
    protect(packed, k->packed_bytes, PROT_READ | PROT_WRITE);
    ito__backend_ref.pack(k, q, in, packed);
    protect(packed, k->packed_bytes, PROT_NONE);
    protect_inputs(k, in, PROT_NONE);
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    protect_inputs(k, in, PROT_READ);
    protect(packed, k->packed_bytes, PROT_READ);
    protect_outputs(k, out, PROT_READ | PROT_WRITE);
    protect(workspace, k->workspace_bytes, PROT_READ | PROT_WRITE);
    poison(workspace, k->workspace_bytes);
    ito__backend_ref.run(k, q, in, out, workspace, packed);
    protect(workspace, k->workspace_bytes, PROT_NONE);
    protect_outputs(k, out, PROT_NONE);
    protect(packed, k->packed_bytes, PROT_NONE);
    protect_inputs(k, in, PROT_NONE);
}

/* The vector functions of the cpu, each between opening its device arrays and closing them. Coefficients, keys, norms
 * and limits are the host's. */
#define OPEN   (PROT_READ | PROT_WRITE)
#define CLOSED PROT_NONE

static size_t floats(int64_t n, int64_t size)
{
    return (size_t)(n * size) * sizeof(float);
}

static void vec_lincomb(const ito_queue *q, int64_t n, int64_t size, int n_terms, const double *coef,
                        const float *const *src, float *dst)
{
    for (int i = 0; i < n_terms; i++) protect(src[i], floats(n, size), PROT_READ);
    protect(dst, floats(n, size), OPEN);
    ito__cpu_vec.lincomb(q, n, size, n_terms, coef, src, dst);
    protect(dst, floats(n, size), CLOSED);
    for (int i = 0; i < n_terms; i++) protect(src[i], floats(n, size), CLOSED);
}

static void vec_normal(const ito_queue *q, int64_t n, int64_t size, const ito_rng_key *key, float *dst)
{
    protect(dst, floats(n, size), OPEN);
    ito__cpu_vec.normal(q, n, size, key, dst);
    protect(dst, floats(n, size), CLOSED);
}

static void vec_clamp(const ito_queue *q, int64_t n, int64_t size, const double *limit, bool divide, float *x)
{
    protect(x, floats(n, size), OPEN);
    ito__cpu_vec.clamp(q, n, size, limit, divide, x);
    protect(x, floats(n, size), CLOSED);
}

static void vec_norm(const ito_queue *q, int64_t n, int64_t size, const float *x, double *out)
{
    protect(x, floats(n, size), PROT_READ);
    ito__cpu_vec.norm(q, n, size, x, out);
    protect(x, floats(n, size), CLOSED);
}

static void vec_abs_quantile(const ito_queue *q, int64_t n, int64_t size, double level, const float *x, float *scratch,
                             double *out)
{
    protect(x, floats(n, size), PROT_READ);
    protect(scratch, floats(n, size), OPEN);
    ito__cpu_vec.abs_quantile(q, n, size, level, x, scratch, out);
    protect(scratch, floats(n, size), CLOSED);
    protect(x, floats(n, size), CLOSED);
}

static void protect_three(const float *a, const float *b, const float *c, size_t bytes, int prot)
{
    protect(a, bytes, prot);
    protect(b, bytes, prot);
    protect(c, bytes, prot);
}

static void vec_blend(const ito_queue *q, int64_t n, int64_t size, const float *mask, const float *a, const float *b,
                      float *dst)
{
    protect_three(mask, a, b, floats(n, size), PROT_READ);
    protect(dst, floats(n, size), OPEN);
    ito__cpu_vec.blend(q, n, size, mask, a, b, dst);
    protect(dst, floats(n, size), CLOSED);
    protect_three(mask, a, b, floats(n, size), CLOSED);
}

static void vec_muladd(const ito_queue *q, int64_t n, int64_t size, const double *coef, const float *a, const float *b,
                       float *dst)
{
    protect_three(a, b, dst, floats(n, size), PROT_READ);
    protect(dst, floats(n, size), OPEN);
    ito__cpu_vec.muladd(q, n, size, coef, a, b, dst);
    protect_three(a, b, dst, floats(n, size), CLOSED);
}

static void vec_exp(const ito_queue *q, int64_t n, int64_t size, const double *shift, const double *scale,
                    const float *x, float *dst)
{
    protect(x, floats(n, size), PROT_READ);
    protect(dst, floats(n, size), OPEN);
    ito__cpu_vec.exp(q, n, size, shift, scale, x, dst);
    protect(x, floats(n, size), CLOSED);
    protect(dst, floats(n, size), CLOSED);
}

static const ito_vec test_vec = {
    .lincomb = vec_lincomb,
    .normal = vec_normal,
    .clamp = vec_clamp,
    .norm = vec_norm,
    .abs_quantile = vec_abs_quantile,
    .blend = vec_blend,
    .muladd = vec_muladd,
    .exp = vec_exp,
};

/* The optimizer functions likewise, on the reference's arithmetic. */
static void optim_adamw(const ito_queue *q, const ito_adamw *o, int n_spans, const ito_optim_span *spans,
                        const ito_optim_arrays *a)
{
    int64_t n = n_spans ? spans[n_spans - 1].first + spans[n_spans - 1].count : 0;
    size_t bytes = (size_t)n * ito_dtype_size(a->dtype);
    void *const updated[] = {a->m, a->v, a->average};
    protect(a->grad, bytes, PROT_READ);
    protect(a->param, floats(n, 1), OPEN);
    for (int i = 0; i < ITO_COUNT(updated); i++) protect(updated[i], bytes, OPEN);
    ito__ref_optim.adamw(q, o, n_spans, spans, a);
    for (int i = 0; i < ITO_COUNT(updated); i++) protect(updated[i], bytes, CLOSED);
    protect(a->param, floats(n, 1), CLOSED);
    protect(a->grad, bytes, CLOSED);
}

static double optim_sum_squares(const ito_queue *q, int64_t n, ito_dtype dtype, const void *x)
{
    size_t bytes = (size_t)n * ito_dtype_size(dtype);
    protect(x, bytes, PROT_READ);
    double sum = ito__ref_optim.sum_squares(q, n, dtype, x);
    protect(x, bytes, CLOSED);
    return sum;
}

static const ito_optim test_optim = {.adamw = optim_adamw, .sum_squares = optim_sum_squares};

static int candidates(const char *op, const char *names[ITO_MAX_CANDIDATES])
{
    return ito__backend_ref.candidates(op, names);
}

const ito_backend ito__backend_test = {
    .name = "test",
    .summary = "the reference kernels in memory that faults when anyone else touches it",
    .host_memory = false,
    .alloc = device_alloc,
    .free = device_free,
    .upload = upload,
    .download = download,
    .prepare = prepare,
    .candidates = candidates,
    .pack = pack,
    .run = run,
    .vec = &test_vec,
    .optim = &test_optim,
};
