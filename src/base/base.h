/* What every folder of the library may use: errors, memory, logging. Internal; see include/ito/ for the public side. */
#ifndef ITO_BASE_H
#define ITO_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ito/context.h>

#define ITO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ITO_COUNT(array)      ((int)(sizeof(array) / sizeof((array)[0])))
#define ITO_MIN(a, b)         ((a) < (b) ? (a) : (b))
#define ITO_MAX(a, b)         ((a) > (b) ? (a) : (b))

/* Leave on failure: ITO_TRY returns, ITO_GO jumps to the function's one `done:` label with `st` set. */
#define ITO_TRY(call)                                                                                                  \
    do {                                                                                                               \
        ito_status try_st_ = (call);                                                                                   \
        if (try_st_ != ITO_OK) return try_st_;                                                                         \
    } while (0)
#define ITO_GO(call)                                                                                                   \
    do {                                                                                                               \
        st = (call);                                                                                                   \
        if (st != ITO_OK) goto done;                                                                                   \
    } while (0)

/* Records the sentence and returns status: `return ito__fail(ctx, ITO_IO, "%s: ...", path)`.
 * Say what, where, expected, found and what to do next. */
ito_status ito__fail(ito_ctx *ctx, ito_status status, const char *format, ...) ITO_PRINTF(3, 4);
ito_status ito__fail_memory(ito_ctx *ctx, size_t bytes);
void ito__log(ito_ctx *ctx, ito_log_level level, const char *format, ...) ITO_PRINTF(3, 4);

/* Zeroed, 64-byte aligned; NULL with the error recorded. Zero bytes give a valid pointer. */
void *ito__alloc(ito_ctx *ctx, size_t bytes);
void *ito__alloc_array(ito_ctx *ctx, size_t count, size_t size); /* overflow checked */
void ito__free(ito_ctx *ctx, void *memory);                      /* NULL is fine */
char *ito__strdup(ito_ctx *ctx, const char *text);
/* Doubles *array (of elements of size bytes) until it holds at least need; *capacity counts elements. */
ito_status ito__grow(ito_ctx *ctx, void *array, size_t size, int *capacity, int need);

/* An arena: many small things freed at once. Memory is zeroed and never moves. */
typedef struct ito_arena ito_arena;
ito_status ito__arena_create(ito_ctx *ctx, ito_arena **out);
void ito__arena_destroy(ito_arena *arena);
void *ito__arena_alloc(ito_arena *arena, size_t bytes); /* NULL with the error recorded in the context */
char *ito__arena_strdup(ito_arena *arena, const char *text);
char *ito__arena_printf(ito_arena *arena, const char *format, ...) ITO_PRINTF(2, 3);

/* The nearest of n names to word by edit distance, or NULL when none is near: for "did you mean". */
const char *ito__nearest(const char *word, int n, const char *const *names);

/* The context's slot for run-time registrations, NULL at first; registry.c keeps one block from ito__alloc there. */
void **ito__ctx_registry(ito_ctx *ctx);

/* Name of the backend that computes where nobody asks for another. */
const char *ito__ctx_backend(const ito_ctx *ctx);

/* Wall clock in seconds since some fixed moment. */
double ito__now(void);

#endif
