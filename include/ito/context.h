/* The context: allocator, log and the text of the last error. Every object is made from one and keeps a pointer to it,
 * so destroy the context last. A context serves one thread at a time; make one per thread. ito has no global state. */
#ifndef ITO_CONTEXT_H
#define ITO_CONTEXT_H

#include <stddef.h>

#include <ito/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_ctx ito_ctx;

typedef enum ito_log_level { ITO_LOG_DEBUG, ITO_LOG_INFO, ITO_LOG_WARN, ITO_LOG_ERROR } ito_log_level;

/* All fields may be zero: malloc/free, no log, all cores, the fast kernels. */
typedef struct ito_ctx_options {
    void *(*alloc)(void *user, size_t bytes); /* 64-byte aligned memory or NULL; both hooks or neither */
    void (*free)(void *user, void *memory);
    void (*log)(void *user, ito_log_level level, const char *message);
    void *user;          /* handed to the hooks */
    int n_threads;       /* compute threads; 0 = as many as the machine has cores */
    const char *backend; /* what computes: "cpu", or "ref", slow and plain; NULL: cpu. Outlives the context */
} ito_ctx_options;

/* options may be NULL. The caller destroys *out. */
ito_status ito_ctx_create(const ito_ctx_options *options, ito_ctx **out);
void ito_ctx_destroy(ito_ctx *ctx);

/* The last failing call's sentence, "" when nothing failed yet; valid until the next call with this context. */
const char *ito_last_error(const ito_ctx *ctx);

int ito_ctx_n_threads(const ito_ctx *ctx);

#ifdef __cplusplus
}
#endif
#endif
