/* Walking a folder. See scan.h. */
#include "data/scan.h"

#include <sys/stat.h>

#include "base/file.h"

#define MAX_DEPTH 32

/* The folders on the way from the top, so that a link to one of them ends the walk instead of repeating it. */
typedef struct step {
    const struct step *up;
    uint64_t device, serial;
    int depth, top;
} step;

typedef struct walk {
    ito_ctx *ctx;
    ito_arena *arena;
    ito__scan *out;
} walk;

static bool is_on_the_way(const step *at, const ito__dir_entry *entry)
{
    for (; at; at = at->up)
        if (at->device == entry->device && at->serial == entry->serial) return true;
    return false;
}

static ito_status add_file(walk *w, const char *path, int top)
{
    ito__scan *s = w->out;
    ITO_TRY(ito__grow(w->ctx, &s->files, sizeof *s->files, &s->capacity, s->n + 1));
    s->files[s->n++] = (ito__scan_file){path, top};
    return ITO_OK;
}

static ito_status add_top(walk *w, const char *name)
{
    ito__scan *s = w->out;
    ITO_TRY(ito__grow(w->ctx, &s->tops, sizeof *s->tops, &s->tops_capacity, s->n_tops + 1));
    s->tops[s->n_tops] = ito__arena_strdup(w->arena, name);
    return s->tops[s->n_tops++] ? ITO_OK : ITO_MEMORY;
}

static ito_status walk_folder(walk *w, const char *folder, const step *at);

static ito_status visit(walk *w, const char *folder, const step *at, const ito__dir_entry *entry)
{
    const char *path = ito__arena_printf(w->arena, "%s/%s", folder, entry->name);
    if (!path) return ITO_MEMORY;
    if (!entry->is_dir) return add_file(w, path, at->top);
    if (is_on_the_way(at, entry) || at->depth == MAX_DEPTH) return ITO_OK;
    step inner = {.up = at, .device = entry->device, .serial = entry->serial, .depth = at->depth + 1, .top = at->top};
    if (at->depth == 0) {
        inner.top = w->out->n_tops;
        ITO_TRY(add_top(w, entry->name));
    }
    return walk_folder(w, path, &inner);
}

static ito_status walk_folder(walk *w, const char *folder, const step *at)
{
    ito__dir dir;
    ITO_TRY(ito__dir_list(w->ctx, folder, &dir));
    ito_status st = ITO_OK;
    for (int i = 0; st == ITO_OK && i < dir.n; i++)
        if (dir.entries[i].name[0] != '.') st = visit(w, folder, at, &dir.entries[i]);
    ito__dir_clear(w->ctx, &dir);
    return st;
}

ito_status ito__scan_folder(ito_ctx *ctx, ito_arena *arena, const char *folder, ito__scan *out)
{
    *out = (ito__scan){0};
    walk w = {ctx, arena, out};
    struct stat info = {0};
    (void)stat(folder, &info); /* when it fails, so will listing it */
    step top = {.device = (uint64_t)info.st_dev, .serial = (uint64_t)info.st_ino, .top = -1};
    ito_status st = walk_folder(&w, folder, &top);
    if (st != ITO_OK) ito__scan_clear(ctx, out);
    return st;
}

void ito__scan_clear(ito_ctx *ctx, ito__scan *scan)
{
    ito__free(ctx, scan->files);
    ito__free(ctx, scan->tops);
    *scan = (ito__scan){0};
}
