/* For tests with files: a context, a folder of their own that vanishes, and the real data where it is there. */
#ifndef ITO_TESTS_SCRATCH_H
#define ITO_TESTS_SCRATCH_H

#include "testing.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct scratch {
    ito_ctx *ctx;
    char folder[512];
    char path[1024]; /* the last scratch_path */
} scratch;

/* Removes a file, or a folder with what is in it; links are removed, not followed. */
static inline void scratch_remove(const char *path)
{
    struct stat info;
    DIR *dir = lstat(path, &info) == 0 && S_ISDIR(info.st_mode) ? opendir(path) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char inner[2048];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner) scratch_remove(inner);
    }
    if (dir) closedir(dir);
    remove(path);
}

static inline int scratch_setup(void **state)
{
    scratch *s = calloc(1, sizeof *s);
    const char *base = getenv("TMPDIR");
    snprintf(s->folder, sizeof s->folder, "%s/ito_test_XXXXXX", base ? base : "/tmp");
    *state = s;
    s->ctx = ctx_open(0);
    return !mkdtemp(s->folder);
}

static inline int scratch_teardown(void **state)
{
    scratch *s = *state;
    scratch_remove(s->folder);
    ito_ctx_destroy(s->ctx);
    free(s);
    return 0;
}

/* A path in the folder; good until the next call. */
static inline const char *scratch_path(scratch *s, const char *name)
{
    assert_true(snprintf(s->path, sizeof s->path, "%s/%s", s->folder, name) < (int)sizeof s->path);
    return s->path;
}

static inline void scratch_put(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* The folder of real data, or NULL: then the test calls skip(). */
static inline const char *scratch_real_data(const char *name, char path[1024])
{
    const char *base = getenv("ITO_TEST_DATA");
    struct stat info;
    snprintf(path, 1024, "%s/%s", base ? base : "../shared/data", name);
    return stat(path, &info) == 0 ? path : NULL;
}

#endif
