/* Directories and paths. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ito__dir_entry *)a)->name, ((const ito__dir_entry *)b)->name);
}

/* Appends one entry; what vanished meanwhile and links that lead nowhere are passed over. */
static ito_status add_entry(ito_ctx *ctx, const char *path, const char *name, ito__dir *out, int *capacity)
{
    struct stat info;
    char *full = ito__path_join(ctx, path, name);
    if (!full) return ITO_MEMORY;
    bool found = stat(full, &info) == 0;
    ito__free(ctx, full);
    if (!found) return ITO_OK;
    ITO_TRY(ito__grow(ctx, &out->entries, sizeof *out->entries, capacity, out->n + 1));
    char *copy = ito__strdup(ctx, name);
    if (!copy) return ITO_MEMORY;
    out->entries[out->n++] = (ito__dir_entry){.name = copy,
                                              .is_dir = S_ISDIR(info.st_mode),
                                              .device = (uint64_t)info.st_dev,
                                              .serial = (uint64_t)info.st_ino};
    return ITO_OK;
}

ito_status ito__dir_list(ito_ctx *ctx, const char *path, ito__dir *out)
{
    ito_status st = ITO_OK;
    int capacity = 0;
    *out = (ito__dir){0};
    DIR *dir = opendir(path);
    if (!dir) {
        int error = errno;
        return ito__fail(ctx, error == ENOENT ? ITO_NOT_FOUND : ITO_IO, "%s: cannot list: %s", path, strerror(error));
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        ITO_GO(add_entry(ctx, path, entry->d_name, out, &capacity));
    }
    if (out->n > 1) qsort(out->entries, (size_t)out->n, sizeof *out->entries, by_name);
done:
    closedir(dir);
    if (st != ITO_OK) ito__dir_clear(ctx, out);
    return st;
}

void ito__dir_clear(ito_ctx *ctx, ito__dir *dir)
{
    for (int i = 0; i < dir->n; i++) ito__free(ctx, dir->entries[i].name);
    ito__free(ctx, dir->entries);
    *dir = (ito__dir){0};
}

static ito_status make_one(ito_ctx *ctx, const char *path)
{
    if (mkdir(path, 0777) == 0) return ITO_OK;
    int error = errno;
    if (ito__path_is_dir(path)) return ITO_OK;
    return ito__fail(ctx, ITO_IO, "%s: cannot make the directory: %s", path, strerror(error));
}

ito_status ito__dir_make(ito_ctx *ctx, const char *path)
{
    char *part = ito__strdup(ctx, path);
    if (!part) return ITO_MEMORY;
    ito_status st = ITO_OK;
    for (char *c = part; *c; c++) {
        if (*c != '/' || c == part) continue;
        *c = 0;
        ITO_GO(make_one(ctx, part));
        *c = '/';
    }
    ITO_GO(make_one(ctx, part));
done:
    ito__free(ctx, part);
    return st;
}

char *ito__path_join(ito_ctx *ctx, const char *folder, const char *name)
{
    size_t n = strlen(folder), bytes = n + strlen(name) + 2;
    char *path = ito__alloc(ctx, bytes);
    if (path) snprintf(path, bytes, "%s%s%s", folder, n > 0 && folder[n - 1] != '/' ? "/" : "", name);
    return path;
}

const char *ito__path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool ito__path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool ito__path_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}
