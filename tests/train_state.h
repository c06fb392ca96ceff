/* The state that training leaves in a model directory: read, and compared bit by bit. */
#ifndef ITO_TESTS_TRAIN_STATE_H
#define ITO_TESTS_TRAIN_STATE_H

#include "scratch.h"

#include <ito/safetensors.h>

static inline char *state_file(const char *out, size_t *n)
{
    char path[2048];
    snprintf(path, sizeof path, "%s/checkpoint/state.safetensors", out);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(*n);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

/* The first tensor that differs between the two states, the clock apart; "" when none does. */
static inline void find_difference(const char *a, const char *b, char name[128])
{
    ito_ctx *ctx = ctx_open(0);
    ito_safetensors *x, *y;
    size_t n, m;
    *name = 0;
    char *bytes_a = state_file(a, &n), *bytes_b = state_file(b, &m);
    assert_ok(ctx, ito_safetensors_parse(ctx, a, bytes_a, n, &x));
    assert_ok(ctx, ito_safetensors_parse(ctx, b, bytes_b, m, &y));
    assert_int_equal(ito_safetensors_count(x), ito_safetensors_count(y));
    for (int i = 0; i < ito_safetensors_count(x); i++) {
        const ito_safetensors_entry *e = ito_safetensors_get(x, i), *o = ito_safetensors_get(y, i);
        assert_string_equal(e->name, o->name);
        if (!strcmp(e->name, "loop.elapsed")) continue;
        if (!*name && memcmp(e->data, o->data, e->n_bytes)) snprintf(name, 128, "%s", e->name);
    }
    ito_safetensors_close(x);
    ito_safetensors_close(y);
    ito_ctx_destroy(ctx);
    free(bytes_a);
    free(bytes_b);
}

static inline void assert_same_state(const char *a, const char *b)
{
    char name[128];
    find_difference(a, b, name);
    if (*name) fail_msg("%s differs", name);
}

static inline void assert_different_state(const char *a, const char *b)
{
    char name[128];
    find_difference(a, b, name);
    assert_string_not_equal(name, "");
}

#endif
