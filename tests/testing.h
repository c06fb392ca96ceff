/* What every test program starts with: cmocka and the headers it needs before it, checks that show the library's own
 * sentence, a context and a graph to test in. */
#ifndef ITO_TESTS_TESTING_H
#define ITO_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <ito/context.h>
#include <ito/graph.h>

#define assert_ok(ctx, call)                                                                                           \
    do {                                                                                                               \
        ito_status st_ = (call);                                                                                       \
        if (st_ != ITO_OK) fail_msg("%s: %s: %s", #call, ito_status_name(st_), ito_last_error(ctx));                   \
    } while (0)

/* The call fails with that status, and the sentence has these words. */
#define assert_fails(ctx, status, words, call)                                                                         \
    do {                                                                                                               \
        assert_int_equal(call, status);                                                                                \
        if (!strstr(ito_last_error(ctx), words)) fail_msg("error '%s' lacks '%s'", ito_last_error(ctx), words);        \
    } while (0)

/* n_threads 0: one per core. The test destroys it. */
static inline ito_ctx *ctx_open(int n_threads)
{
    ito_ctx *ctx = NULL;
    assert_int_equal(ito_ctx_create(&(ito_ctx_options){.n_threads = n_threads}, &ctx), ITO_OK);
    return ctx;
}

/* For tests whose state is a context. */
static inline int ctx_setup(void **state)
{
    *state = ctx_open(0);
    return 0;
}

static inline int ctx_teardown(void **state)
{
    ito_ctx_destroy(*state);
    return 0;
}

/* An empty graph in a context of its own. */
typedef struct bench {
    ito_ctx *ctx;
    ito_graph *g;
} bench;

static inline bench bench_open(void)
{
    bench b = {.ctx = ctx_open(0)};
    assert_ok(b.ctx, ito_graph_create(b.ctx, &b.g));
    return b;
}

static inline void bench_close(bench *b)
{
    ito_graph_destroy(b->g);
    ito_ctx_destroy(b->ctx);
}

#endif
