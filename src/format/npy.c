/* .npy headers. The dictionary is read as what it is, three known keys in any order, not as Python. */
#include "format/npy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

typedef struct reader {
    ito_ctx *ctx;
    const char *where, *at, *end;
} reader;

static ito_status malformed(const reader *r, const char *what)
{
    return ito__fail(r->ctx, ITO_FORMAT, "%s: malformed .npy header: expected %s", r->where, what);
}

static void skip_blanks(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t')) r->at++;
}

/* The next character behind blanks is c, and is taken. */
static bool take(reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    skip_blanks(r);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

/* 'text' or "text" without escapes. */
static ito_status read_text(reader *r, char *out, size_t room)
{
    skip_blanks(r);
    char quote = r->at < r->end ? *r->at : 0;
    if (quote != '\'' && quote != '"') return malformed(r, "a text in quotes");
    const char *close = memchr(r->at + 1, quote, (size_t)(r->end - r->at - 1));
    size_t n = close ? (size_t)(close - r->at - 1) : room;
    if (n >= room) return malformed(r, "a short text in quotes");
    memcpy(out, r->at + 1, n);
    out[n] = 0;
    r->at = close + 1;
    return ITO_OK;
}

/* "|u1", "<i8": byte order, kind, bytes. */
static ito_status read_descr(reader *r, ito__npy *out)
{
    char text[8] = "";
    ITO_TRY(read_text(r, text, sizeof text));
    const char *at = text;
    if (*at == '<' || *at == '>' || *at == '|' || *at == '=') out->is_big = *at++ == '>';
    out->kind = *at ? *at++ : 0;
    out->item_size = *at >= '1' && *at <= '9' && !at[1] ? *at - '0' : 0;
    if (!out->item_size || !strchr("uifb", out->kind))
        return ito__fail(r->ctx, ITO_FORMAT, "%s: values of numpy's type '%s', expected integers of 1 to 8 bytes",
                         r->where, text);
    return ITO_OK;
}

static ito_status read_shape(reader *r, ito_shape *out)
{
    *out = (ito_shape){0};
    if (!take(r, '(')) return malformed(r, "a shape in brackets");
    while (!take(r, ')')) {
        int64_t value = 0;
        const char *from = r->at;
        if (out->n_dims == ITO_MAX_DIMS) return malformed(r, "fewer dimensions");
        for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
            if (value > INT64_MAX / 16) return malformed(r, "a smaller dimension");
            value = 10 * value + (*r->at - '0');
        }
        if (r->at == from) return malformed(r, "dimensions");
        out->d[out->n_dims++] = value;
        if (take(r, ',')) continue;
        if (!take(r, ')')) return malformed(r, "a ')' behind the shape");
        break;
    }
    return ITO_OK;
}

static ito_status read_order(reader *r)
{
    if (take_word(r, "False")) return ITO_OK;
    if (!take_word(r, "True")) return malformed(r, "True or False");
    return ito__fail(r->ctx, ITO_UNSUPPORTED,
                     "%s: an array in Fortran order; numpy.ascontiguousarray makes it a usual one", r->where);
}

static ito_status read_dictionary(reader *r, ito__npy *out)
{
    char key[16];
    unsigned seen = 0;
    if (!take(r, '{')) return malformed(r, "a dictionary");
    while (!take(r, '}')) {
        ITO_TRY(read_text(r, key, sizeof key));
        if (!take(r, ':')) return malformed(r, "a ':' behind a key");
        int which = !strcmp(key, "descr") ? 0 : !strcmp(key, "fortran_order") ? 1 : !strcmp(key, "shape") ? 2 : -1;
        if (which < 0) return malformed(r, "the keys descr, fortran_order and shape");
        seen |= 1u << which;
        ITO_TRY(which == 0 ? read_descr(r, out) : which == 1 ? read_order(r) : read_shape(r, &out->shape));
        if (take(r, ',')) continue;
        if (!take(r, '}')) return malformed(r, "a '}' behind the last value");
        break;
    }
    return seen == 7 ? ITO_OK : malformed(r, "the keys descr, fortran_order and shape");
}

/* Bytes of all values; ITO_FORMAT when they are not those that are left. */
static ito_status check_length(const reader *r, const ito__npy *a, size_t left)
{
    size_t total = (size_t)a->item_size;
    for (int i = 0; i < a->shape.n_dims; i++) {
        size_t d = (size_t)a->shape.d[i];
        if (d && total > SIZE_MAX / d) return malformed(r, "a shape whose values fit into memory");
        total *= d;
    }
    if (total == left) return ITO_OK;
    return ito__fail(r->ctx, ITO_FORMAT, "%s: its shape wants %zu bytes of values, found %zu", r->where, total, left);
}

ito_status ito__npy_parse(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, ito__npy *out)
{
    *out = (ito__npy){0};
    if (n < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3)
        return ito__fail(ctx, ITO_FORMAT, "%s: not a .npy array: expected numpy's magic and version 1, 2 or 3", where);
    size_t start = bytes[6] == 1 ? 10 : 12, length = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > n - start)
        return ito__fail(ctx, ITO_FORMAT, "%s: the .npy header is said to have %zu bytes, %zu are there", where, length,
                         n - start);
    reader r = {ctx, where, (const char *)bytes + start, (const char *)bytes + start + length};
    ITO_TRY(read_dictionary(&r, out));
    out->values = bytes + start + length;
    return check_length(&r, out, n - start - length);
}

size_t ito__npy_header(const char *descr, ito_shape shape, unsigned char out[ITO_NPY_HEADER])
{
    static const unsigned char magic[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, ITO_NPY_HEADER - 10, 0};
    char text[ITO_NPY_HEADER - 10 + 1], dims[96] = "";
    size_t used = 0;
    for (int i = 0; i < shape.n_dims; i++)
        used += (size_t)snprintf(dims + used, sizeof dims - used, "%s%lld%s", i ? ", " : "", (long long)shape.d[i],
                                 shape.n_dims == 1 ? "," : "");
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims);
    assert(n > 0 && n < (int)sizeof text); /* six dimensions of 10 digits fit */
    memset(out, ' ', ITO_NPY_HEADER);
    memcpy(out, magic, sizeof magic);
    for (int i = 0; i < n; i++) out[10 + i] = (unsigned char)text[i];
    out[ITO_NPY_HEADER - 1] = '\n';
    return ITO_NPY_HEADER;
}
