/* Writing zip archives. Every length and offset is written as zip64, so that there is one form for all sizes. */
#include <string.h>
#include <zlib.h>

#include "format/zip.h"

#define MOST_MEMBERS 8
#define MOST_NAME    32
#define VERSION      45   /* of the format: the first with zip64 */
#define DATE         0x21 /* 1 January 1980: an archive is a function of what is in it */
#define BIG          0xffffffffu

typedef struct member {
    char name[MOST_NAME];
    uint64_t packed, unpacked, offset;
    uint32_t crc;
    int method; /* 0 stored, 8 deflated */
} member;

struct ito__zip_writer {
    ito_ctx *ctx;
    ito__writer *file;
    uint64_t at; /* bytes written */
    int n;
    member members[MOST_MEMBERS];
};

ito_status ito__zip_create(ito_ctx *ctx, const char *path, ito__zip_writer **out)
{
    ito__zip_writer *zip = ito__alloc(ctx, sizeof *zip);
    *out = NULL;
    if (!zip) return ITO_MEMORY;
    zip->ctx = ctx;
    ito_status st = ito__writer_create(ctx, path, &zip->file);
    if (st != ITO_OK) {
        ito__free(ctx, zip);
        return st;
    }
    *out = zip;
    return ITO_OK;
}

static ito_status append(ito__zip_writer *zip, const void *bytes, size_t n)
{
    zip->at += n;
    return ito__writer_append(zip->file, bytes, n);
}

/* Little-endian numbers, one behind the other. */
typedef struct record {
    unsigned char bytes[128];
    size_t n;
} record;

static void put(record *r, int size, uint64_t value)
{
    for (int i = 0; i < size; i++) r->bytes[r->n++] = (unsigned char)(value >> 8 * i);
}

static void put_text(record *r, const char *text, size_t n)
{
    memcpy(r->bytes + r->n, text, n);
    r->n += n;
}

/* What a member's own header and its entry have in common. */
static void put_common(record *r, const member *m, int n_extra)
{
    put(r, 2, VERSION);
    put(r, 2, 0); /* flags */
    put(r, 2, (uint64_t)m->method);
    put(r, 2, 0); /* time */
    put(r, 2, DATE);
    put(r, 4, m->crc);
    put(r, 4, BIG);
    put(r, 4, BIG);
    put(r, 2, strlen(m->name));
    put(r, 2, (uint64_t)n_extra);
}

static ito_status write_header(ito__zip_writer *zip, const member *m)
{
    record r = {0};
    put_text(&r, "PK\3\4", 4);
    put_common(&r, m, 20);
    put_text(&r, m->name, strlen(m->name));
    put(&r, 2, 1);
    put(&r, 2, 16);
    put(&r, 8, m->unpacked);
    put(&r, 8, m->packed);
    return append(zip, r.bytes, r.n);
}

static ito_status write_entry(ito__zip_writer *zip, const member *m)
{
    record r = {0};
    put_text(&r, "PK\1\2", 4);
    put(&r, 2, VERSION);
    put_common(&r, m, 28);
    put(&r, 2, 0); /* comment */
    put(&r, 2, 0); /* part */
    put(&r, 2, 0); /* attributes */
    put(&r, 4, 0);
    put(&r, 4, BIG);
    put_text(&r, m->name, strlen(m->name));
    put(&r, 2, 1);
    put(&r, 2, 24);
    put(&r, 8, m->unpacked);
    put(&r, 8, m->packed);
    put(&r, 8, m->offset);
    return append(zip, r.bytes, r.n);
}

static ito_status write_end(ito__zip_writer *zip, uint64_t directory)
{
    record r = {0};
    uint64_t end64 = zip->at, bytes = zip->at - directory;
    put_text(&r, "PK\6\6", 4);
    put(&r, 8, 44); /* of what follows */
    put(&r, 2, VERSION);
    put(&r, 2, VERSION);
    put(&r, 4, 0);
    put(&r, 4, 0);
    put(&r, 8, (uint64_t)zip->n);
    put(&r, 8, (uint64_t)zip->n);
    put(&r, 8, bytes);
    put(&r, 8, directory);
    put_text(&r, "PK\6\7", 4);
    put(&r, 4, 0);
    put(&r, 8, end64);
    put(&r, 4, 1);
    put_text(&r, "PK\5\6", 4);
    put(&r, 4, 0);
    put(&r, 2, (uint64_t)zip->n);
    put(&r, 2, (uint64_t)zip->n);
    put(&r, 4, bytes);
    put(&r, 4, BIG);
    put(&r, 2, 0);
    return append(zip, r.bytes, r.n);
}

/* ---- members ---- */

/* A stream into a buffer of `room` bytes. */
typedef struct stream {
    z_stream z;
    unsigned char *out;
    size_t room;
} stream;

/* Some bytes, of which zlib takes at most 4 GiB, through deflate. */
static int feed(stream *s, const unsigned char *bytes, size_t n, int flush)
{
    int rc = Z_OK;
    s->z.next_in = (Bytef *)bytes;
    s->z.avail_in = (uInt)n;
    while (rc == Z_OK && (s->z.avail_in || flush == Z_FINISH)) {
        s->z.avail_out = (uInt)ITO_MIN(s->room - (size_t)(s->z.next_out - s->out), (size_t)1 << 30);
        rc = deflate(&s->z, flush);
    }
    return rc;
}

/* All pieces through deflate into one buffer, large enough for what does not shrink. */
static ito_status pack(ito_ctx *ctx, int n, const ito__zip_piece *pieces, size_t total, unsigned char **out,
                       size_t *n_out)
{
    const size_t most = (size_t)1 << 30;
    stream s = {.room = total + total / 512 + 1024};
    int rc = Z_OK;
    s.out = *out = ito__alloc(ctx, s.room);
    if (!s.out) return ITO_MEMORY;
    if (deflateInit2(&s.z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) return ito__fail_memory(ctx, 0);
    s.z.next_out = s.out;
    for (int i = 0; i < n; i++)
        for (size_t at = 0; at < pieces[i].n && rc == Z_OK; at += most)
            rc = feed(&s, (const unsigned char *)pieces[i].bytes + at, ITO_MIN(pieces[i].n - at, most), Z_NO_FLUSH);
    if (rc == Z_OK) rc = feed(&s, NULL, 0, Z_FINISH);
    *n_out = (size_t)(s.z.next_out - s.out);
    deflateEnd(&s.z);
    return rc == Z_STREAM_END ? ITO_OK : ito__fail(ctx, ITO_IO, "deflate failed: %d", rc);
}

static ito_status add(ito__zip_writer *zip, member *m, int n, const ito__zip_piece *pieces, bool deflate)
{
    unsigned char *packed = NULL;
    size_t n_packed = 0;
    ito_status st = ITO_OK;
    if (deflate) {
        ITO_GO(pack(zip->ctx, n, pieces, (size_t)m->unpacked, &packed, &n_packed));
        m->packed = n_packed;
        m->method = 8;
    }
    ITO_GO(write_header(zip, m));
    if (deflate) ITO_GO(append(zip, packed, n_packed));
    for (int i = 0; !deflate && i < n; i++) ITO_GO(append(zip, pieces[i].bytes, pieces[i].n));
done:
    ito__free(zip->ctx, packed);
    return st;
}

ito_status ito__zip_add(ito__zip_writer *zip, const char *name, int n_pieces, const ito__zip_piece *pieces,
                        bool deflate)
{
    if (zip->n == MOST_MEMBERS || strlen(name) >= MOST_NAME)
        return ito__fail(zip->ctx, ITO_UNSUPPORTED, "a zip archive of more than %d members, or a name of %d bytes",
                         MOST_MEMBERS, (int)strlen(name));
    member *m = &zip->members[zip->n];
    *m = (member){.offset = zip->at};
    memcpy(m->name, name, strlen(name) + 1);
    uLong crc = crc32_z(0, NULL, 0);
    for (int i = 0; i < n_pieces; i++) {
        crc = crc32_z(crc, pieces[i].bytes, pieces[i].n);
        m->unpacked += pieces[i].n;
    }
    m->crc = (uint32_t)crc;
    m->packed = m->unpacked;
    ITO_TRY(add(zip, m, n_pieces, pieces, deflate));
    zip->n++;
    return ITO_OK;
}

ito_status ito__zip_commit(ito__zip_writer *zip)
{
    uint64_t directory = zip->at;
    ito_status st = ITO_OK;
    for (int i = 0; i < zip->n && st == ITO_OK; i++) st = write_entry(zip, &zip->members[i]);
    if (st == ITO_OK) st = write_end(zip, directory);
    if (st != ITO_OK) {
        ito__zip_abandon(zip);
        return st;
    }
    st = ito__writer_commit(zip->file);
    ito__free(zip->ctx, zip);
    return st;
}

void ito__zip_abandon(ito__zip_writer *zip)
{
    if (!zip) return;
    ito__writer_abandon(zip->file);
    ito__free(zip->ctx, zip);
}
