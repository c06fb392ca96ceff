/* The training log. */
#include "loop/log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define MAX_BYTES ((size_t)1 << 30)

struct ito__train_log {
    ito_ctx *ctx;
    FILE *file;
    char *path;
};

static int64_t step_of(const char *line, size_t n)
{
    json_t *object = json_loadb(line, n, 0, NULL);
    int64_t step = object ? json_integer_value(json_object_get(object, "step")) : INT64_MAX; /* a torn last line goes */
    json_decref(object);
    return step;
}

static ito_status truncate_after(ito_ctx *ctx, const char *path, int64_t last_step)
{
    unsigned char *bytes;
    size_t n, keep = 0;
    if (!ito__path_exists(path)) return ITO_OK;
    ITO_TRY(ito__file_read(ctx, path, MAX_BYTES, &bytes, &n));
    while (keep < n) {
        const unsigned char *end = memchr(bytes + keep, '\n', n - keep);
        size_t line = end ? (size_t)(end - bytes) + 1 - keep : n - keep;
        if (!end || step_of((const char *)bytes + keep, line) > last_step) break;
        keep += line;
    }
    ito_status st = ito__file_write(ctx, path, bytes, keep);
    ito__free(ctx, bytes);
    return st;
}

ito_status ito__train_log_open(ito_ctx *ctx, const char *path, int64_t first_step, ito__train_log **out)
{
    *out = NULL;
    if (first_step > 0) ITO_TRY(truncate_after(ctx, path, first_step));
    ito__train_log *log = ito__alloc(ctx, sizeof *log);
    if (!log) return ITO_MEMORY;
    *log =
        (ito__train_log){.ctx = ctx, .path = ito__strdup(ctx, path), .file = fopen(path, first_step > 0 ? "ab" : "wb")};
    if (log->path && log->file) {
        *out = log;
        return ITO_OK;
    }
    ito_status st = log->path ? ito__fail(ctx, ITO_IO, "%s cannot be written: %s", path, strerror(errno)) : ITO_MEMORY;
    ito__train_log_close(log);
    return st;
}

ito_status ito__train_log_write(ito__train_log *log, const ito_train_progress *p)
{
    fprintf(log->file, "{\"step\": %lld, \"images\": %lld, \"loss\": %.9g, \"rate\": %.9g, \"grad_norm\": %.9g, ",
            (long long)p->step, (long long)p->n_images, p->loss, p->rate, p->grad_norm);
    if (!isnan(p->accuracy)) fprintf(log->file, "\"accuracy\": %.6g, ", p->accuracy);
    fprintf(log->file, "\"seconds\": %.3f, \"images_per_second\": %.3f}\n", p->seconds, p->images_per_second);
    if (fflush(log->file) == 0) return ITO_OK;
    return ito__fail(log->ctx, ITO_IO, "%s: %s", log->path, strerror(errno));
}

void ito__train_log_close(ito__train_log *log)
{
    if (!log) return;
    if (log->file) fclose(log->file);
    ito__free(log->ctx, log->path);
    ito__free(log->ctx, log);
}
