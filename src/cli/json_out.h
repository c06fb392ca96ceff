/* A small JSON writer: one object per line, members in the order of the calls. Keys are NULL inside arrays. Numbers that
 * JSON cannot say (NaN, infinities) become null. The names begin with emit_ because json_ is the JSON library's. */
#ifndef CLI_JSON_OUT_H
#define CLI_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct json_out {
    FILE *out;
    int depth;
    bool has_members; /* of what is open: the next one needs a comma */
    char closers[32];
} json_out;

void emit_object(json_out *j, const char *key); /* key NULL at depth 0: a new line's object */
void emit_array(json_out *j, const char *key);
void emit_end(json_out *j); /* closes the innermost; at depth 0 the line ends and is flushed */

void emit_text(json_out *j, const char *key, const char *value); /* NULL is null */
void emit_int(json_out *j, const char *key, int64_t value);
void emit_bool(json_out *j, const char *key, bool value);
void emit_real(json_out *j, const char *key, double value);                /* as few digits as give the number back */
void emit_rounded(json_out *j, const char *key, double value, int digits); /* significant digits */
void emit_raw(json_out *j, const char *key, const char *json);             /* JSON already; blanks are left out */

#endif
