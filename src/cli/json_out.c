/* JSON on one line (RFC 8259). Text is taken as UTF-8 and passed through; what JSON must escape is escaped. */
#include "json_out.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static void write_text(FILE *out, const char *text)
{
    putc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c == '\n')
            fputs("\\n", out);
        else if (*c == '\t')
            fputs("\\t", out);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", (unsigned)*c);
        else
            putc(*c, out);
    }
    putc('"', out);
}

/* What stands before a value: the comma and the key. */
static void begin(json_out *j, const char *key)
{
    if (j->has_members) putc(',', j->out);
    j->has_members = true;
    if (!key) return;
    write_text(j->out, key);
    putc(':', j->out);
}

static void open_with(json_out *j, const char *key, char opener, char closer)
{
    assert(j->depth < (int)sizeof j->closers);
    begin(j, key);
    putc(opener, j->out);
    j->closers[j->depth++] = closer;
    j->has_members = false;
}

void emit_object(json_out *j, const char *key)
{
    open_with(j, key, '{', '}');
}

void emit_array(json_out *j, const char *key)
{
    open_with(j, key, '[', ']');
}

void emit_end(json_out *j)
{
    assert(j->depth > 0);
    putc(j->closers[--j->depth], j->out);
    j->has_members = j->depth > 0;
    if (j->depth > 0) return;
    putc('\n', j->out);
    fflush(j->out);
}

void emit_text(json_out *j, const char *key, const char *value)
{
    begin(j, key);
    if (value)
        write_text(j->out, value);
    else
        fputs("null", j->out);
}

void emit_int(json_out *j, const char *key, int64_t value)
{
    begin(j, key);
    fprintf(j->out, "%lld", (long long)value);
}

void emit_bool(json_out *j, const char *key, bool value)
{
    begin(j, key);
    fputs(value ? "true" : "false", j->out);
}

void emit_rounded(json_out *j, const char *key, double value, int digits)
{
    begin(j, key);
    if (isfinite(value))
        fprintf(j->out, "%.*g", digits, value);
    else
        fputs("null", j->out);
}

void emit_real(json_out *j, const char *key, double value)
{
    char text[40];
    int digits = 15;
    for (; digits < 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    emit_rounded(j, key, value, digits);
}

void emit_raw(json_out *j, const char *key, const char *json)
{
    begin(j, key);
    bool in_text = false;
    for (; *json; json++) {
        if (*json == '"') in_text = !in_text;
        bool is_blank = *json == ' ' || *json == '\n' || *json == '\r' || *json == '\t';
        if (in_text || !is_blank) putc(*json, j->out);
        if (in_text && *json == '\\' && json[1]) putc(*++json, j->out);
    }
}
