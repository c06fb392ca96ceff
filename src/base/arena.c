/* An arena in blocks:  block -> [header | used ......... | free]  ; allocations are 64-byte aligned and never move.
 * Blocks double in size; a request larger than a block gets a block of its own. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"

#define ALIGNMENT     ((size_t)64)
#define FIRST_BLOCK   ((size_t)16 << 10)
#define LARGEST_BLOCK ((size_t)4 << 20)

typedef struct block {
    struct block *next;
    size_t used, size; /* bytes after the header */
} block;

struct ito_arena {
    ito_ctx *ctx;
    block *blocks;
    size_t next_size;
};

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

ito_status ito__arena_create(ito_ctx *ctx, ito_arena **out)
{
    ito_arena *arena = *out = ito__alloc(ctx, sizeof *arena);
    if (!arena) return ITO_MEMORY;
    *arena = (ito_arena){.ctx = ctx, .next_size = FIRST_BLOCK};
    return ITO_OK;
}

void ito__arena_destroy(ito_arena *arena)
{
    if (!arena) return;
    for (block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        ito__free(arena->ctx, b);
    }
    ito__free(arena->ctx, arena);
}

static block *add_block(ito_arena *arena, size_t bytes)
{
    size_t size = ITO_MAX(bytes, arena->next_size);
    block *b = ito__alloc(arena->ctx, round_up(sizeof *b) + size);
    if (!b) return NULL;
    *b = (block){.next = arena->blocks, .size = size};
    arena->blocks = b;
    arena->next_size = ITO_MIN(arena->next_size * 2, LARGEST_BLOCK);
    return b;
}

void *ito__arena_alloc(ito_arena *arena, size_t bytes)
{
    if (bytes > PTRDIFF_MAX) {
        ito__fail_memory(arena->ctx, bytes);
        return NULL;
    }
    bytes = round_up(ITO_MAX(bytes, 1));
    block *b = arena->blocks;
    if (!b || b->size - b->used < bytes) b = add_block(arena, bytes);
    if (!b) return NULL;
    char *memory = (char *)b + round_up(sizeof *b) + b->used;
    b->used += bytes;
    return memory;
}

char *ito__arena_strdup(ito_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = ito__arena_alloc(arena, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

char *ito__arena_printf(ito_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = ito__arena_alloc(arena, (size_t)length + 1);
    if (!text) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}
