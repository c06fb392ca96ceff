/* Reading zip archives. The central directory says what there is; of a member's own header only its length is read. Nothing that the
 * archive claims is believed before it is compared with the bytes that are there, and a member is unpacked into a buffer that grows
 * as data comes. */
#include "format/zip.h"

#include <string.h>
#include <zlib.h>

#include "format/gzip.h"

#define END_BYTES       22 /* of the record at the end, without its comment */
#define END64_BYTES     56
#define LOCATOR_BYTES   20
#define DIRECTORY_BYTES 46 /* of an entry, without name, extra field and comment */
#define LOCAL_BYTES     30
#define STORED          0
#define DEFLATED        8
#define BIG             0xffffffffu /* "the number is in the zip64 record" */

typedef struct archive {
    ito_ctx *ctx;
    const char *where;
    const unsigned char *bytes;
    size_t n;
    size_t directory, directory_bytes; /* where the entries are */
    uint64_t n_members;
} archive;

static uint64_t little(const unsigned char *bytes, int n)
{
    uint64_t value = 0;
    while (n-- > 0) value = value << 8 | bytes[n];
    return value;
}

static ito_status malformed(const archive *a, const char *what)
{
    return ito__fail(a->ctx, ITO_FORMAT, "%s: malformed zip archive: %s", a->where, what);
}

/* The zip64 record that stands before the end, when there is a locator that points to it. */
static ito_status read_end64(archive *a, size_t end)
{
    if (end < LOCATOR_BYTES) return ITO_OK;
    const unsigned char *locator = a->bytes + end - LOCATOR_BYTES;
    if (memcmp(locator, "PK\6\7", 4) != 0) return ITO_OK;
    uint64_t at = little(locator + 8, 8);
    if (a->n < END64_BYTES || at > a->n - END64_BYTES || memcmp(a->bytes + at, "PK\6\6", 4) != 0)
        return malformed(a, "its zip64 record is not where it should be");
    const unsigned char *record = a->bytes + at;
    a->n_members = little(record + 32, 8);
    a->directory_bytes = (size_t)little(record + 40, 8);
    a->directory = (size_t)little(record + 48, 8);
    return ITO_OK;
}

/* The record at the end, behind which there is a comment of up to 65535 bytes: the last one whose comment fills the rest. */
static ito_status read_end(archive *a)
{
    size_t most = ITO_MIN(a->n, END_BYTES + 65535u);
    for (size_t back = END_BYTES; back <= most; back++) {
        const unsigned char *end = a->bytes + a->n - back;
        if (memcmp(end, "PK\5\6", 4) != 0 || little(end + 20, 2) != back - END_BYTES) continue;
        a->n_members = little(end + 10, 2);
        a->directory_bytes = (size_t)little(end + 12, 4);
        a->directory = (size_t)little(end + 16, 4);
        ITO_TRY(read_end64(a, a->n - back));
        if (a->directory > a->n || a->directory_bytes > a->n - a->directory)
            return malformed(a, "its directory lies outside of it");
        return ITO_OK;
    }
    return malformed(a, "it has no end record; is the file complete, and a .npz file?");
}

/* Numbers of 64 bits that an entry's zip64 field has for those of 32 that are full, in this order. */
static ito_status read_extra(const archive *a, const unsigned char *extra, size_t n, uint64_t *const full[], int n_full)
{
    while (n >= 4) {
        size_t length = (size_t)little(extra + 2, 2);
        if (length > n - 4) return malformed(a, "a field of an entry is cut off");
        if (little(extra, 2) == 1) {
            if (length < 8 * (size_t)n_full) return malformed(a, "a zip64 field is too short");
            for (int i = 0; i < n_full; i++) *full[i] = little(extra + 4 + 8 * i, 8);
            return ITO_OK;
        }
        extra += 4 + length;
        n -= 4 + length;
    }
    return n_full ? malformed(a, "an entry lacks its zip64 field") : ITO_OK;
}

/* Where the member's data begins, behind a header of its own. */
static ito_status locate(const archive *a, uint64_t offset, uint64_t packed, ito__zip_member *out)
{
    if (a->n < LOCAL_BYTES || offset > a->n - LOCAL_BYTES || memcmp(a->bytes + offset, "PK\3\4", 4) != 0)
        return malformed(a, "a member is not where it should be");
    const unsigned char *header = a->bytes + offset;
    size_t left = a->n - (size_t)offset - LOCAL_BYTES,
           names = (size_t)(little(header + 26, 2) + little(header + 28, 2));
    if (names > left || packed > left - names) return malformed(a, "a member reaches beyond its end");
    out->bytes = header + LOCAL_BYTES + names;
    out->packed = (size_t)packed;
    return ITO_OK;
}

static ito_status read_entry(const archive *a, const unsigned char *entry, const char *name, ito__zip_member *out)
{
    int flags = (int)little(entry + 8, 2), method = (int)little(entry + 10, 2), n_full = 0;
    uint64_t packed = little(entry + 20, 4), unpacked = little(entry + 24, 4), offset = little(entry + 42, 4);
    uint64_t *const all[] = {&unpacked, &packed, &offset}, *full[3];
    size_t n_name = (size_t)little(entry + 28, 2), n_extra = (size_t)little(entry + 30, 2);
    for (int i = 0; i < 3; i++)
        if (*all[i] == BIG) full[n_full++] = all[i];
    ITO_TRY(read_extra(a, entry + DIRECTORY_BYTES + n_name, n_extra, full, n_full));
    if (flags & 1) return ito__fail(a->ctx, ITO_UNSUPPORTED, "%s: %s is encrypted", a->where, name);
    if (method != STORED && method != DEFLATED)
        return ito__fail(a->ctx, ITO_UNSUPPORTED, "%s: %s is compressed by method %d, expected stored or deflated",
                         a->where, name, method);
    ITO_TRY(locate(a, offset, packed, out));
    if (unpacked > SIZE_MAX / 2 || (method == STORED && unpacked != packed))
        return malformed(a, "the lengths of a member do not agree");
    out->unpacked = (size_t)unpacked;
    out->crc = (uint32_t)little(entry + 16, 4);
    out->deflated = method == DEFLATED;
    return ITO_OK;
}

ito_status ito__zip_find(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, const char *name,
                         ito__zip_member *out)
{
    archive a = {.ctx = ctx, .where = where, .bytes = bytes, .n = n};
    ITO_TRY(read_end(&a));
    const unsigned char *entry = bytes + a.directory;
    size_t left = a.directory_bytes;
    for (uint64_t i = 0; i < a.n_members; i++) {
        if (left < DIRECTORY_BYTES || memcmp(entry, "PK\1\2", 4) != 0) return malformed(&a, "its directory is cut off");
        size_t n_name = (size_t)little(entry + 28, 2);
        size_t length = DIRECTORY_BYTES + n_name + (size_t)(little(entry + 30, 2) + little(entry + 32, 2));
        if (length > left) return malformed(&a, "its directory is cut off");
        if (n_name == strlen(name) && !memcmp(entry + DIRECTORY_BYTES, name, n_name))
            return read_entry(&a, entry, name, out);
        entry += length;
        left -= length;
    }
    return ito__fail(ctx, ITO_NOT_FOUND, "%s: there is no member %s in it", where, name);
}

ito_status ito__zip_unpack(ito_ctx *ctx, const char *where, const ito__zip_member *member, const unsigned char **data,
                           unsigned char **owned)
{
    size_t n = member->unpacked;
    *owned = NULL;
    *data = member->bytes;
    if (member->deflated) {
        ITO_TRY(ito__inflate(ctx, where, member->bytes, member->packed, member->unpacked, owned, &n));
        *data = *owned;
    }
    if (n == member->unpacked && (uint32_t)crc32_z(0, *data, n) == member->crc) return ITO_OK;
    ito__free(ctx, *owned);
    *owned = NULL;
    return ito__fail(ctx, ITO_FORMAT, "%s: a member is damaged: its %s is wrong", where,
                     n == member->unpacked ? "checksum" : "length");
}
