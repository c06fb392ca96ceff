/* Reading whole files, and writing them so that a crash leaves the old file or the new one, never a part:
 * temporary name in the same directory, fsync, rename, fsync of the directory. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct ito__writer {
    ito_ctx *ctx;
    int fd;
    char *path, *temporary;
};

static ito_status fail_errno(ito_ctx *ctx, const char *path, const char *verb)
{
    int error = errno;
    return ito__fail(ctx, error == ENOENT ? ITO_NOT_FOUND : ITO_IO, "%s: cannot %s: %s", path, verb, strerror(error));
}

static ito_status open_regular(ito_ctx *ctx, const char *path, int *fd, size_t *n)
{
    struct stat info;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return fail_errno(ctx, path, "open");
    ito_status st = ITO_OK;
    if (fstat(*fd, &info) != 0)
        st = fail_errno(ctx, path, "look at");
    else if (!S_ISREG(info.st_mode))
        st = ito__fail(ctx, ITO_IO, "%s: expected a file, found %s", path,
                       S_ISDIR(info.st_mode) ? "a directory" : "a device or pipe");
    if (st != ITO_OK)
        close(*fd);
    else
        *n = (size_t)info.st_size;
    return st;
}

static ito_status read_all(ito_ctx *ctx, const char *path, int fd, unsigned char *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = read(fd, bytes + at, n - at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(ctx, path, "read");
        if (got == 0) return ito__fail(ctx, ITO_IO, "%s: ended after %zu of %zu bytes while being read", path, at, n);
        at += (size_t)got;
    }
    return ITO_OK;
}

ito_status ito__file_read(ito_ctx *ctx, const char *path, size_t max_bytes, unsigned char **bytes, size_t *n)
{
    int fd;
    *bytes = NULL;
    ITO_TRY(open_regular(ctx, path, &fd, n));
    ito_status st = ITO_OK;
    if (*n > max_bytes) {
        st = ito__fail(ctx, ITO_FORMAT, "%s: has %zu bytes, expected at most %zu", path, *n, max_bytes);
        goto done;
    }
    *bytes = ito__alloc(ctx, *n + 1);
    st = *bytes ? read_all(ctx, path, fd, *bytes, *n) : ITO_MEMORY;
done:
    close(fd);
    if (st != ITO_OK) {
        ito__free(ctx, *bytes);
        *bytes = NULL;
        *n = 0;
    }
    return st;
}

ito_status ito__file_map(ito_ctx *ctx, const char *path, const unsigned char **bytes, size_t *n)
{
    int fd;
    *bytes = NULL;
    ITO_TRY(open_regular(ctx, path, &fd, n));
    ito_status st = ITO_OK;
    if (*n > 0) {
        void *memory = mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (memory == MAP_FAILED)
            st = fail_errno(ctx, path, "map");
        else
            *bytes = memory;
    }
    close(fd);
    return st;
}

void ito__file_unmap(const unsigned char *bytes, size_t n)
{
    if (bytes) munmap((void *)bytes, n);
}

static void writer_free(ito__writer *writer)
{
    ito__free(writer->ctx, writer->path);
    ito__free(writer->ctx, writer->temporary);
    ito__free(writer->ctx, writer);
}

ito_status ito__writer_create(ito_ctx *ctx, const char *path, ito__writer **out)
{
    ito_status st = ITO_OK;
    ito__writer *w = *out = ito__alloc(ctx, sizeof *w);
    if (!w) return ITO_MEMORY;
    *w = (ito__writer){.ctx = ctx, .fd = -1, .path = ito__strdup(ctx, path)};
    size_t bytes = strlen(path) + sizeof ".tmp.4294967295";
    w->temporary = ito__alloc(ctx, bytes);
    if (!w->path || !w->temporary) {
        st = ITO_MEMORY;
    } else {
        snprintf(w->temporary, bytes, "%s.tmp.%u", path, (unsigned)getpid());
        w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (w->fd < 0) st = fail_errno(ctx, w->temporary, "create");
    }
    if (st != ITO_OK) {
        writer_free(w);
        *out = NULL;
    }
    return st;
}

ito_status ito__writer_append(ito__writer *writer, const void *bytes, size_t n)
{
    const char *from = bytes;
    while (n > 0) {
        ssize_t put = write(writer->fd, from, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail_errno(writer->ctx, writer->temporary, "write");
        from += put;
        n -= (size_t)put;
    }
    return ITO_OK;
}

/* The rename itself survives a power cut only when the directory was flushed; file systems that cannot are let be. */
static void flush_folder(const char *path)
{
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    if (slash) {
        size_t n = slash == path ? 1 : (size_t)(slash - path);
        if (n >= sizeof folder) return;
        memcpy(folder, path, n);
        folder[n] = 0;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

ito_status ito__writer_commit(ito__writer *writer)
{
    ito_status st = ITO_OK;
    if (fsync(writer->fd) != 0 && errno != EINVAL) st = fail_errno(writer->ctx, writer->temporary, "flush");
    if (close(writer->fd) != 0 && st == ITO_OK) st = fail_errno(writer->ctx, writer->temporary, "close");
    if (st == ITO_OK && rename(writer->temporary, writer->path) != 0)
        st = fail_errno(writer->ctx, writer->path, "replace");
    if (st == ITO_OK)
        flush_folder(writer->path);
    else
        unlink(writer->temporary);
    writer_free(writer);
    return st;
}

void ito__writer_abandon(ito__writer *writer)
{
    if (!writer) return;
    close(writer->fd);
    unlink(writer->temporary);
    writer_free(writer);
}

ito_status ito__file_write(ito_ctx *ctx, const char *path, const void *bytes, size_t n)
{
    ito__writer *writer;
    ITO_TRY(ito__writer_create(ctx, path, &writer));
    ito_status st = ito__writer_append(writer, bytes, n);
    if (st == ITO_OK) return ito__writer_commit(writer);
    ito__writer_abandon(writer);
    return st;
}
