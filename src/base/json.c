/* Thin, typed access to jansson values. */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

ito_status ito__json_parse(ito_ctx *ctx, const char *where, const char *bytes, size_t n, json_t **out)
{
    json_error_t error;
    *out = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
    if (*out) return ITO_OK;
    if (json_error_code(&error) == json_error_out_of_memory) return ito__fail_memory(ctx, n);
    return ito__fail(ctx, ITO_FORMAT, "%s: line %d, column %d: not JSON: %s", where, error.line, error.column,
                     error.text);
}

ito_status ito__json_read(ito_ctx *ctx, const char *path, json_t **out)
{
    unsigned char *bytes;
    size_t n;
    *out = NULL;
    ITO_TRY(ito__file_read(ctx, path, ITO_JSON_MAX_BYTES, &bytes, &n));
    ito_status st = ito__json_parse(ctx, path, (const char *)bytes, n, out);
    ito__free(ctx, bytes);
    return st;
}

static int append(const char *bytes, size_t n, void *writer)
{
    return ito__writer_append(writer, bytes, n) == ITO_OK ? 0 : -1;
}

ito_status ito__json_write(ito_ctx *ctx, const char *path, const json_t *value)
{
    ito__writer *writer;
    ITO_TRY(ito__writer_create(ctx, path, &writer));
    /* 17 digits bring every double back exactly. */
    size_t flags = JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17);
    if (json_dump_callback(value, append, writer, flags) == 0 && ito__writer_append(writer, "\n", 1) == ITO_OK)
        return ito__writer_commit(writer);
    ito__writer_abandon(writer);
    return ito__fail(ctx, ITO_IO, "%s: the JSON could not be written: disk full, or not text in UTF-8", path);
}

/* A few words on a value: a short value itself, else its kind. */
static void describe(const json_t *value, char *text, size_t size)
{
    if (!value) {
        snprintf(text, size, "nothing");
    } else if (json_is_array(value)) {
        snprintf(text, size, "a list of %zu", json_array_size(value));
    } else if (json_is_object(value)) {
        snprintf(text, size, "an object");
    } else {
        char *dump = json_dumps(value, JSON_ENCODE_ANY);
        snprintf(text, size, "%.60s", dump ? dump : "?");
        free(dump);
    }
}

ito_status ito__json_fail(ito_ctx *ctx, const char *where, const char *field, const char *expected, const json_t *found)
{
    char text[80];
    describe(found, text, sizeof text);
    return ito__fail(ctx, ITO_FORMAT, "%s: %s: expected %s, found %s", where, field, expected, text);
}

/* The field, or NULL when it is missing or null. */
static const json_t *field_of(const json_t *object, const char *field)
{
    const json_t *value = json_object_get(object, field);
    return json_is_null(value) ? NULL : value;
}

ito_status ito__json_int(ito_ctx *ctx, const char *where, const json_t *object, const char *field, int64_t fallback,
                         int64_t *out)
{
    const json_t *value = field_of(object, field);
    *out = fallback;
    if (!value) return ITO_OK;
    /* Python writes 1000.0 where it means 1000; beyond 2^53 a double no longer tells. */
    double real = json_is_real(value) ? json_real_value(value) : 0.5;
    if (json_is_integer(value))
        *out = json_integer_value(value);
    else if (real >= -0x1p53 && real <= 0x1p53 && real == (double)(int64_t)real)
        *out = (int64_t)real;
    else
        return ito__json_fail(ctx, where, field, "a whole number", value);
    return ITO_OK;
}

ito_status ito__json_real(ito_ctx *ctx, const char *where, const json_t *object, const char *field, double fallback,
                          double *out)
{
    const json_t *value = field_of(object, field);
    *out = value ? json_number_value(value) : fallback;
    return !value || json_is_number(value) ? ITO_OK : ito__json_fail(ctx, where, field, "a number", value);
}

ito_status ito__json_bool(ito_ctx *ctx, const char *where, const json_t *object, const char *field, bool fallback,
                          bool *out)
{
    const json_t *value = field_of(object, field);
    *out = value ? json_is_true(value) : fallback;
    return !value || json_is_boolean(value) ? ITO_OK : ito__json_fail(ctx, where, field, "true or false", value);
}

ito_status ito__json_text(ito_ctx *ctx, const char *where, const json_t *object, const char *field,
                          const char *fallback, const char **out)
{
    const json_t *value = field_of(object, field);
    *out = value ? json_string_value(value) : fallback;
    return !value || json_is_string(value) ? ITO_OK : ito__json_fail(ctx, where, field, "a text", value);
}

ito_status ito__json_require(ito_ctx *ctx, const char *where, const json_t *object, const char *field, json_type type,
                             json_t **out)
{
    static const char *const kinds[] = {"an object", "a list", "a text", "an integer",
                                        "a real",    "true",   "false",  "null"};
    *out = json_object_get(object, field);
    if (*out && json_typeof(*out) == type) return ITO_OK;
    ito_status st = ito__json_fail(ctx, where, field, kinds[type], *out);
    *out = NULL;
    return st;
}

ito_status ito__json_ints(ito_ctx *ctx, const char *where, const json_t *object, const char *field, int capacity,
                          int64_t *out, int *n)
{
    const json_t *list = field_of(object, field);
    *n = 0;
    if (!list) return ITO_OK;
    char expected[64];
    snprintf(expected, sizeof expected, "a list of at most %d whole numbers", capacity);
    if (!json_is_array(list) || json_array_size(list) > (size_t)capacity)
        return ito__json_fail(ctx, where, field, expected, list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_integer(item)) return ito__json_fail(ctx, where, field, expected, item);
        out[(*n)++] = json_integer_value(item);
    }
    return ITO_OK;
}
