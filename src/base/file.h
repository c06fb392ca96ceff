/* Files and directories: read whole, written whole or not at all. Paths are plain bytes with '/'.
 * Whatever comes back through an argument belongs to the caller (ito__free, or the matching _clear). Internal. */
#ifndef ITO_BASE_FILE_H
#define ITO_BASE_FILE_H

#include "base/base.h"

/* The bytes of a file, with one NUL behind them that *n does not count. Larger than max_bytes is ITO_FORMAT. */
ito_status ito__file_read(ito_ctx *ctx, const char *path, size_t max_bytes, unsigned char **bytes, size_t *n);

/* A read-only map of a file; unmap what was mapped. An empty file maps to NULL with *n == 0. */
ito_status ito__file_map(ito_ctx *ctx, const char *path, const unsigned char **bytes, size_t *n);
void ito__file_unmap(const unsigned char *bytes, size_t n);

/* Replaces path by the bytes, or leaves what was there. */
ito_status ito__file_write(ito_ctx *ctx, const char *path, const void *bytes, size_t n);

/* The same in pieces: create, append..., then commit, which puts the file in place and frees the writer on success and
 * on failure. Abandon frees it and leaves what was there. */
typedef struct ito__writer ito__writer;
ito_status ito__writer_create(ito_ctx *ctx, const char *path, ito__writer **out);
ito_status ito__writer_append(ito__writer *writer, const void *bytes, size_t n);
ito_status ito__writer_commit(ito__writer *writer);
void ito__writer_abandon(ito__writer *writer); /* NULL is fine */

typedef struct ito__dir_entry {
    char *name;
    bool is_dir;             /* of what a link points to */
    uint64_t device, serial; /* of a directory: the same pair is the same directory */
} ito__dir_entry;

typedef struct ito__dir {
    int n;
    ito__dir_entry *entries; /* sorted by name; without "." and ".." and without dangling links */
} ito__dir;

ito_status ito__dir_list(ito_ctx *ctx, const char *path, ito__dir *out);
void ito__dir_clear(ito_ctx *ctx, ito__dir *dir);
ito_status ito__dir_make(ito_ctx *ctx, const char *path); /* with its parents; one that exists is fine */

char *ito__path_join(ito_ctx *ctx, const char *folder, const char *name); /* NULL when memory is out */
const char *ito__path_name(const char *path);                             /* behind the last '/' */
bool ito__path_exists(const char *path);
bool ito__path_is_dir(const char *path);

#endif
