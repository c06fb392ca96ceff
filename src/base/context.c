/* The context: allocation, logging and the last error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

#define ERROR_BYTES 2048
#define ALIGNMENT   64
#define HUGE_PAGE   ((uintptr_t)2 << 20)

struct ito_ctx {
    ito_ctx_options options;
    int n_threads;
    void *registry; /* what programs registered (registry.c); one block */
    char error[ERROR_BYTES];
};

static void *default_alloc(void *user, size_t bytes)
{
    (void)user;
    return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

static void default_free(void *user, void *memory)
{
    (void)user;
    free(memory);
}

ito_status ito_ctx_create(const ito_ctx_options *options, ito_ctx **out)
{
    ito_ctx_options o = options ? *options : (ito_ctx_options){0};
    if (!o.alloc) {
        o.alloc = default_alloc;
        o.free = default_free;
    }
    ito_ctx *ctx = o.alloc(o.user, sizeof *ctx);
    *out = ctx;
    if (!ctx) return ITO_MEMORY;
    memset(ctx, 0, sizeof *ctx);
    ctx->options = o;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    ctx->n_threads = o.n_threads > 0 ? o.n_threads : cores > 0 ? (int)cores : 1;
    return ITO_OK;
}

void ito_ctx_destroy(ito_ctx *ctx)
{
    if (!ctx) return;
    ito__free(ctx, ctx->registry);
    ctx->options.free(ctx->options.user, ctx);
}

const char *ito__ctx_backend(const ito_ctx *ctx)
{
    return ctx->options.backend ? ctx->options.backend : "cpu";
}

void **ito__ctx_registry(ito_ctx *ctx)
{
    return &ctx->registry;
}

const char *ito_last_error(const ito_ctx *ctx)
{
    return ctx->error;
}

int ito_ctx_n_threads(const ito_ctx *ctx)
{
    return ctx->n_threads;
}

ito_status ito__fail(ito_ctx *ctx, ito_status status, const char *format, ...)
{
    /* Through a buffer of its own, so that the arguments may quote the previous error. */
    char text[ERROR_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(ctx->error, text, sizeof text);
    return status;
}

ito_status ito__fail_memory(ito_ctx *ctx, size_t bytes)
{
    return ito__fail(ctx, ITO_MEMORY, "out of memory: %zu bytes (%.1f MiB) could not be had", bytes,
                     (double)bytes / (1024.0 * 1024.0));
}

void ito__log(ito_ctx *ctx, ito_log_level level, const char *format, ...)
{
    if (!ctx->options.log) return;
    char text[ERROR_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ctx->options.log(ctx->options.user, level, text);
}

/* Asks for huge pages where whole ones fit: what walks dozens of streams at once (Winograd, AdamW) misses the small pages'
 * translations at every step. A wish; that it is not granted is no error. Too late once the memory has been touched. */
static void wish_huge_pages(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t begin = ((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t end = ((uintptr_t)memory + bytes) / HUGE_PAGE * HUGE_PAGE;
    if (begin < end) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
    (void)memory, (void)bytes;
#endif
}

void *ito__alloc(ito_ctx *ctx, size_t bytes)
{
    void *memory = bytes > PTRDIFF_MAX ? NULL : ctx->options.alloc(ctx->options.user, bytes ? bytes : 1);
    if (!memory) {
        ito__fail_memory(ctx, bytes);
        return NULL;
    }
    wish_huge_pages(memory, bytes);
    return memset(memory, 0, bytes);
}

void *ito__alloc_array(ito_ctx *ctx, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
    return ito__alloc(ctx, bytes);
}

void ito__free(ito_ctx *ctx, void *memory)
{
    if (memory) ctx->options.free(ctx->options.user, memory);
}

char *ito__strdup(ito_ctx *ctx, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = ito__alloc(ctx, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

ito_status ito__grow(ito_ctx *ctx, void *array, size_t size, int *capacity, int need)
{
    if (need <= *capacity) return ITO_OK;
    int grown = *capacity > 0 ? *capacity : 8;
    while (grown < need) grown = grown > INT32_MAX / 2 ? need : grown * 2;
    void **slot = array;
    void *memory = ito__alloc_array(ctx, (size_t)grown, size);
    if (!memory) return ITO_MEMORY;
    if (*slot) memcpy(memory, *slot, (size_t)*capacity * size);
    ito__free(ctx, *slot);
    *slot = memory;
    *capacity = grown;
    return ITO_OK;
}

double ito__now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
