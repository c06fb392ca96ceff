/* The backend "test": the reference kernels in memory that plays a device's. A page is PROT_NONE except while a kernel
 * that names it, or a copy, runs: inputs are then readable and outputs writable. Fresh memory and every workspace hold
 * a pattern that is a NaN in float32 and float64 and no valid index. So a caller that reads or writes device memory
 * itself, an executor that forgets a copy, a kernel that writes its input or trusts stale scratch: all are caught.
 *
 * Buffers of one slab may share a page, so inputs are opened first and outputs, with more rights, after them. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
    uintptr_t page = page_size(), first = (uintptr_t)memory / page * page;
    uintptr_t end = ((uintptr_t)memory + bytes + page - 1) / page * page;
    mprotect((void *)first, end - first, prot);
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

const ito_backend ito__backend_test = {
    .name = "test",
    .summary = "the reference kernels in memory that faults when anyone else touches it",
    .host_memory = false,
    .alloc = device_alloc,
    .free = device_free,
    .upload = upload,
    .download = download,
    .prepare = prepare,
    .pack = pack,
    .run = run,
};
