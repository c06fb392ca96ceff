/* Reading scheduler_config.json, which is not always JSON. */
#include "scheduler/scheduler_json.h"

#include <string.h>

#include "base/file.h"

#define MOST_BYTES ((size_t)16 << 20)

/* The word at text, of n bytes, that Python writes for a number that is none, or NULL. */
static const char *word_at(const char *text, size_t n)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    for (int k = 0; k < ITO_COUNT(words); k++)
        if (strlen(words[k]) <= n && !memcmp(text, words[k], strlen(words[k]))) return words[k];
    return NULL;
}

/* Copies n bytes to `to`, which has room for twice as many and more, with "null" for those words. Returns how many it wrote. */
static size_t replace_words(const char *from, size_t n, char *to)
{
    size_t used = 0;
    bool in_string = false;
    for (size_t i = 0; i < n;) {
        const char *word = in_string ? NULL : word_at(from + i, n - i);
        if (word) {
            for (const char *null = "null"; *null;) to[used++] = *null++;
            i += strlen(word);
            continue;
        }
        if (from[i] == '"') in_string = !in_string;
        if (in_string && from[i] == '\\' && i + 1 < n) to[used++] = from[i++];
        to[used++] = from[i++];
    }
    return used;
}

ito_status ito__their_json_parse(ito_ctx *ctx, const char *where, const char *bytes, size_t n, json_t **out)
{
    char *text = ito__alloc(ctx, 2 * n + 1);
    *out = NULL;
    if (!text) return ITO_MEMORY;
    ito_status st = ito__json_parse(ctx, where, text, replace_words(bytes, n, text), out);
    ito__free(ctx, text);
    return st;
}

ito_status ito__their_json_read(ito_ctx *ctx, const char *path, json_t **out)
{
    unsigned char *bytes;
    size_t n;
    *out = NULL;
    ITO_TRY(ito__file_read(ctx, path, MOST_BYTES, &bytes, &n));
    ito_status st = ito__their_json_parse(ctx, path, (const char *)bytes, n, out);
    ito__free(ctx, bytes);
    return st;
}
