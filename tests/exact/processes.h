/* The context and the processes that the tests of this folder use, made once for each program. */
#ifndef ITO_TESTS_PROCESSES_H
#define ITO_TESTS_PROCESSES_H

#include "testing.h"

#include <ito/process.h>

static ito_ctx *ctx;
static ito_process *linear, *cosine;

static inline void processes_open(int n_threads)
{
    ctx = ctx_open(n_threads);
    assert_ok(ctx, ito_process_create(ctx, "vp-linear", NULL, &linear));
    assert_ok(ctx, ito_process_create(ctx, "vp-cosine", NULL, &cosine));
}

static inline void processes_close(void)
{
    ito_process_destroy(linear);
    ito_process_destroy(cosine);
    ito_ctx_destroy(ctx);
}

/* cmocka's setup and teardown for tests that need nothing more. */
static inline int processes_setup(void **state)
{
    (void)state;
    processes_open(0);
    return 0;
}

static inline int processes_teardown(void **state)
{
    (void)state;
    processes_close();
    return 0;
}

#endif
