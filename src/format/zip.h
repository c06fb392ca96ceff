/* Zip archives (PKWARE's APPNOTE 6.3): finding and unpacking a member, writing an archive. Stored and deflated members, zip64. No
 * archives of several parts, no encryption. Internal. */
#ifndef ITO_FORMAT_ZIP_H
#define ITO_FORMAT_ZIP_H

#include "base/file.h"

/* A member as the central directory has it. `bytes` is its packed data, which lies in the archive. */
typedef struct ito__zip_member {
    const unsigned char *bytes;
    size_t packed, unpacked;
    uint32_t crc;
    bool deflated;
} ito__zip_member;

/* ITO_NOT_FOUND when there is none of that name, ITO_FORMAT when the archive is malformed. */
ito_status ito__zip_find(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, const char *name,
                         ito__zip_member *out);
/* The member's data, checked against its length and checksum: *data points into the archive, or at *owned, which the caller frees
 * (NULL when it need not). */
ito_status ito__zip_unpack(ito_ctx *ctx, const char *where, const ito__zip_member *member, const unsigned char **data,
                           unsigned char **owned);

/* Members one after the other, then the directory. A member's data comes in pieces that stay where they are until it is added. */
typedef struct ito__zip_writer ito__zip_writer;
typedef struct ito__zip_piece {
    const void *bytes;
    size_t n;
} ito__zip_piece;
ito_status ito__zip_create(ito_ctx *ctx, const char *path, ito__zip_writer **out);
ito_status ito__zip_add(ito__zip_writer *zip, const char *name, int n_pieces, const ito__zip_piece *pieces,
                        bool deflate);
/* Puts the file in place and frees the writer, on success and on failure. */
ito_status ito__zip_commit(ito__zip_writer *zip);
void ito__zip_abandon(ito__zip_writer *zip); /* NULL is fine */

#endif
