/* CSV, a row at a time. Every row has as many fields as the first; errors name line and column, both from 1. */
#include "format/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

typedef struct reader {
    ito_ctx *ctx;
    const char *where;
    const unsigned char *at, *end;
    char separator;
    int64_t line; /* of the row last read */
    int n_fields;
    char (*fields)[ITO_CSV_FIELD]; /* [ITO_CSV_MAX_COLUMNS] */
    int label;                     /* which field; -1: none */
} reader;

/* ---- rows ---- */

static bool is_blank(int c)
{
    return c == ' ' || c == '\t';
}

static bool is_line_end(const reader *r)
{
    return r->at == r->end || *r->at == '\n' || *r->at == '\r';
}

static void skip_blanks(reader *r)
{
    bool is_any = r->separator == ' ';
    while (r->at < r->end && is_blank(*r->at) && (is_any || *r->at != (unsigned char)r->separator)) r->at++;
}

static void skip_line_end(reader *r)
{
    if (r->at < r->end && *r->at == '\r') r->at++;
    if (r->at < r->end && *r->at == '\n') r->at++;
}

/* Goes to the next line that holds something; false at the end. */
static bool find_row(reader *r)
{
    while (r->at < r->end) {
        const unsigned char *start = r->at;
        r->line++;
        while (r->at < r->end && is_blank(*r->at)) r->at++;
        bool is_comment = r->at < r->end && *r->at == '#';
        if (!is_comment && !is_line_end(r)) {
            r->at = start;
            return true;
        }
        while (!is_line_end(r)) r->at++;
        skip_line_end(r);
    }
    return false;
}

static ito_status put(reader *r, char *field, int *n, unsigned char c)
{
    if (!c)
        return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld, column %d: a zero byte; expected text", r->where,
                         (long long)r->line, r->n_fields + 1);
    if (*n >= ITO_CSV_FIELD - 1)
        return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld, column %d: a field of more than %d bytes", r->where,
                         (long long)r->line, r->n_fields + 1, ITO_CSV_FIELD - 1);
    field[(*n)++] = (char)c;
    return ITO_OK;
}

/* Behind the opening quote, up to behind the closing one; two quotes are one that is meant. */
static ito_status read_quoted(reader *r, char *field, int *n)
{
    for (r->at++; r->at < r->end && *r->at != '\n'; r->at++) {
        if (*r->at == '"') {
            r->at++;
            if (r->at == r->end || *r->at != '"') return ITO_OK;
        }
        ITO_TRY(put(r, field, n, *r->at));
    }
    return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld, column %d: a quote is opened and not closed in its line",
                     r->where, (long long)r->line, r->n_fields + 1);
}

static bool is_separator(const reader *r)
{
    return r->separator == ' ' ? is_blank(*r->at) : *r->at == (unsigned char)r->separator;
}

/* One field, without the blanks around it; leaves the reader at what ends it. */
static ito_status read_field(reader *r)
{
    if (r->n_fields == ITO_CSV_MAX_COLUMNS)
        return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld has more than %d fields", r->where, (long long)r->line,
                         ITO_CSV_MAX_COLUMNS);
    char *field = r->fields[r->n_fields];
    int n = 0;
    skip_blanks(r);
    bool is_quoted = r->at < r->end && *r->at == '"';
    if (is_quoted) ITO_TRY(read_quoted(r, field, &n));
    for (; !is_line_end(r) && !is_separator(r); r->at++) {
        if (is_quoted && !is_blank(*r->at))
            return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld, column %d: text behind a closing quote", r->where,
                             (long long)r->line, r->n_fields + 1);
        if (!is_quoted) ITO_TRY(put(r, field, &n, *r->at));
    }
    while (!is_quoted && n > 0 && is_blank(field[n - 1])) n--;
    field[n] = 0;
    r->n_fields++;
    return ITO_OK;
}

static ito_status read_row(reader *r)
{
    r->n_fields = 0;
    for (;;) {
        ITO_TRY(read_field(r));
        if (r->separator == ' ') skip_blanks(r);
        if (is_line_end(r)) break;
        if (r->separator != ' ') r->at++;
    }
    skip_line_end(r);
    return ITO_OK;
}

/* ---- numbers ---- */

static bool is_number(const char *text, double *value)
{
    char *end;
    *value = 0;
    if (!*text || text[strspn(text, "0123456789+-.eE")]) return false; /* no hexadecimal, no nan */
    *value = strtod(text, &end);
    return end != text && !*end && isfinite(*value);
}

static ito_status add_number(reader *r, int field, double *out)
{
    if (is_number(r->fields[field], out)) return ITO_OK;
    const char *text = r->fields[field];
    return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld, column %d: '%s' is %s%s", r->where, (long long)r->line,
                     field + 1, text, *text ? "not a finite number" : "empty, expected a number",
                     r->label < 0 && *text ? "; a column of labels must be named (label=...)" : "");
}

static ito_status add_label(reader *r, ito__csv *out, int32_t *label)
{
    const char *text = r->fields[r->label];
    for (*label = 0; *label < out->n_classes; ++*label)
        if (!strcmp(out->class_names[*label], text)) return ITO_OK;
    if (!*text)
        return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld, column %d: the label is empty", r->where,
                         (long long)r->line, r->label + 1);
    if (out->n_classes == ITO_CSV_MAX_CLASSES)
        return ito__fail(r->ctx, ITO_FORMAT,
                         "%s: line %lld: more than %d different labels; is column %d one of labels?", r->where,
                         (long long)r->line, ITO_CSV_MAX_CLASSES, r->label + 1);
    char *copy = ito__arena_strdup(out->arena, text);
    if (!copy) return ITO_MEMORY;
    out->class_names[out->n_classes++] = copy;
    return ITO_OK;
}

static ito_status add_row(reader *r, int n_fields, ito__csv *out)
{
    if (r->n_fields != n_fields)
        return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld has %d field%s, the first row %d", r->where,
                         (long long)r->line, r->n_fields, r->n_fields == 1 ? "" : "s", n_fields);
    int64_t used = out->n_rows * out->n_columns;
    if (used > (1 << 30) - ITO_CSV_MAX_COLUMNS)
        return ito__fail(r->ctx, ITO_FORMAT, "%s: line %lld: more than 2^30 numbers", r->where, (long long)r->line);
    ITO_TRY(ito__grow(r->ctx, &out->values, sizeof *out->values, &out->capacity, (int)used + out->n_columns));
    if (r->label >= 0) {
        int n = (int)out->n_rows + 1;
        ITO_TRY(ito__grow(r->ctx, &out->labels, sizeof *out->labels, &out->label_capacity, n));
        ITO_TRY(add_label(r, out, &out->labels[n - 1]));
    }
    double *row = out->values + used;
    for (int k = 0; k < n_fields; k++)
        if (k != r->label) ITO_TRY(add_number(r, k, row++));
    out->n_rows++;
    return ITO_OK;
}

/* ---- the first row ---- */

static char find_separator(const reader *r)
{
    static const char candidates[] = ";\t,";
    const unsigned char *end = r->at;
    while (end < r->end && *end != '\n' && *end != '\r') end++;
    for (int i = 0; candidates[i]; i++)
        if (memchr(r->at, candidates[i], (size_t)(end - r->at))) return candidates[i];
    return ' ';
}

/* "5", or "species" among the fields of the first row, which then is a header. */
static ito_status find_label(reader *r, const char *label, bool *is_named)
{
    char *end;
    r->label = -1;
    *is_named = false;
    if (!label || !*label) return ITO_OK;
    long number = strtol(label, &end, 10);
    if (end != label && !*end && number >= 1 && number <= r->n_fields) r->label = (int)number - 1;
    for (int k = 0; r->label < 0 && k < r->n_fields; k++) {
        if (strcmp(r->fields[k], label) != 0) continue;
        r->label = k;
        *is_named = true;
    }
    if (r->label >= 0) return ITO_OK;
    return ito__fail(r->ctx, ITO_NOT_FOUND, "%s: no column is called '%s'; expected a name of line %lld or 1 to %d",
                     r->where, label, (long long)r->line, r->n_fields);
}

static bool looks_like_header(const reader *r)
{
    double value;
    for (int k = 0; k < r->n_fields; k++)
        if (k != r->label && !is_number(r->fields[k], &value)) return true;
    return false;
}

static ito_status keep_names(reader *r, ito__csv *out)
{
    out->names = ito__arena_alloc(out->arena, (size_t)out->n_columns * sizeof *out->names);
    if (!out->names) return ITO_MEMORY;
    for (int k = 0, n = 0; k < r->n_fields; k++) {
        if (k == r->label) continue;
        const char *name = ito__arena_strdup(out->arena, r->fields[k]);
        if (!name) return ITO_MEMORY;
        out->names[n++] = name;
    }
    return ITO_OK;
}

/* Decides separator, label and header; what is no header is the first row of numbers. */
static ito_status read_first(reader *r, const ito__csv_options *o, ito__csv *out, int *n_fields)
{
    bool is_named;
    if (!find_row(r)) return ito__fail(r->ctx, ITO_FORMAT, "%s: holds no rows, expected numbers", r->where);
    r->separator = o->separator ? o->separator : find_separator(r);
    ITO_TRY(read_row(r));
    ITO_TRY(find_label(r, o->label, &is_named));
    *n_fields = r->n_fields;
    out->n_columns = r->n_fields - (r->label >= 0);
    if (out->n_columns < 1)
        return ito__fail(r->ctx, ITO_FORMAT, "%s: has one column, of labels; expected numbers beside it", r->where);
    out->class_names = ito__arena_alloc(out->arena, ITO_CSV_MAX_CLASSES * sizeof *out->class_names);
    if (!out->class_names) return ITO_MEMORY;
    bool has_header = o->header == ITO__CSV_FIND ? is_named || looks_like_header(r) : o->header == ITO__CSV_WITH;
    return has_header ? keep_names(r, out) : add_row(r, *n_fields, out);
}

/* ---- classes ---- */

static bool is_before(const char *a, const char *b)
{
    double x, y;
    bool are_numbers = is_number(a, &x) && is_number(b, &y);
    return are_numbers && x != y ? x < y : strcmp(a, b) < 0;
}

/* Sorts the names, and the labels with them. */
static void sort_classes(ito__csv *csv)
{
    const char *sorted[ITO_CSV_MAX_CLASSES];
    int32_t place[ITO_CSV_MAX_CLASSES];
    for (int k = 0; k < csv->n_classes; k++) {
        place[k] = 0;
        for (int i = 0; i < csv->n_classes; i++) place[k] += is_before(csv->class_names[i], csv->class_names[k]);
    }
    for (int k = 0; k < csv->n_classes; k++) sorted[place[k]] = csv->class_names[k];
    for (int64_t i = 0; csv->labels && i < csv->n_rows; i++) csv->labels[i] = place[csv->labels[i]];
    if (csv->n_classes) memcpy(csv->class_names, sorted, (size_t)csv->n_classes * sizeof *sorted);
}

/* ---- the whole ---- */

static ito_status parse(reader *r, const ito__csv_options *o, ito__csv *out)
{
    int n_fields = 0;
    ITO_TRY(read_first(r, o, out, &n_fields));
    while (find_row(r)) {
        ITO_TRY(read_row(r));
        ITO_TRY(add_row(r, n_fields, out));
    }
    if (!out->n_rows) return ito__fail(r->ctx, ITO_FORMAT, "%s: holds a header and no rows", r->where);
    sort_classes(out);
    return ITO_OK;
}

ito_status ito__csv_parse(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n,
                          const ito__csv_options *options, ito__csv *out)
{
    static const ito__csv_options defaults = {0};
    reader r = {.ctx = ctx, .where = where, .at = bytes, .end = bytes ? bytes + n : bytes};
    *out = (ito__csv){0};
    ito_status st = ito__arena_create(ctx, &out->arena);
    r.fields = ito__alloc_array(ctx, ITO_CSV_MAX_COLUMNS, sizeof *r.fields);
    if (!r.fields) st = ITO_MEMORY;
    if (bytes && n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) r.at += 3; /* what some editors put before UTF-8 */
    if (st == ITO_OK) st = parse(&r, options ? options : &defaults, out);
    ito__free(ctx, r.fields);
    if (st != ITO_OK) ito__csv_clear(ctx, out);
    return st;
}

ito_status ito__csv_read(ito_ctx *ctx, const char *path, const ito__csv_options *options, ito__csv *out)
{
    unsigned char *bytes;
    size_t n;
    *out = (ito__csv){0};
    ITO_TRY(ito__file_read(ctx, path, ITO_CSV_MAX_BYTES, &bytes, &n));
    ito_status st = ito__csv_parse(ctx, path, bytes, n, options, out);
    ito__free(ctx, bytes);
    return st;
}

void ito__csv_clear(ito_ctx *ctx, ito__csv *csv)
{
    ito__free(ctx, csv->values);
    ito__free(ctx, csv->labels);
    ito__arena_destroy(csv->arena);
    *csv = (ito__csv){0};
}
