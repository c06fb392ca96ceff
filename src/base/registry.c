/* Choices: looking one up by name and adding one at run time. The context keeps what was added in one block, which it
 * frees with itself. */
#include <ito/registry.h>

#include <string.h>

#include "base/base.h"

typedef struct entry {
    const ito_axis *axis;
    const ito_choice *choice;
} entry;

typedef struct registry {
    int n, capacity;
    entry entries[];
} registry;

const ito_choice *ito_choice_get(ito_ctx *ctx, const ito_axis *axis, int index)
{
    if (index < axis->n_builtin) return index < 0 ? NULL : axis->builtin[index];
    const registry *own = *ito__ctx_registry(ctx);
    int left = index - axis->n_builtin;
    for (int i = 0; own && i < own->n; i++)
        if (own->entries[i].axis == axis && left-- == 0) return own->entries[i].choice;
    return NULL;
}

static ito_status not_found(ito_ctx *ctx, const ito_axis *axis, const char *name)
{
    const char *near = NULL;
    const ito_choice *choice;
    for (int i = 0; (choice = ito_choice_get(ctx, axis, i)); i++) {
        const char *pair[] = {near, choice->name};
        near = near ? ito__nearest(name, 2, pair) : ito__nearest(name, 1, &choice->name);
    }
    if (near)
        return ito__fail(ctx, ITO_NOT_FOUND, "no %s is named '%s'; did you mean '%s'? (`ito list %s` shows all)",
                         axis->name, name, near, axis->name);
    return ito__fail(ctx, ITO_NOT_FOUND, "no %s is named '%s' (`ito list %s` shows all)", axis->name, name, axis->name);
}

ito_status ito_choice_find(ito_ctx *ctx, const ito_axis *axis, const char *name, const ito_choice **out)
{
    const ito_choice *choice;
    for (int i = 0; (choice = ito_choice_get(ctx, axis, i)); i++) {
        if (strcmp(choice->name, name)) continue;
        *out = choice;
        return ITO_OK;
    }
    *out = NULL;
    return not_found(ctx, axis, name);
}

/* One more place at the end of the context's block. */
static registry *grown(ito_ctx *ctx)
{
    void **slot = ito__ctx_registry(ctx);
    registry *old = *slot;
    if (old && old->n < old->capacity) return old;
    int capacity = old ? 2 * old->capacity : 8;
    registry *fresh = ito__alloc(ctx, sizeof *fresh + (size_t)capacity * sizeof fresh->entries[0]);
    if (!fresh) return NULL;
    if (old) memcpy(fresh, old, sizeof *old + (size_t)old->n * sizeof old->entries[0]);
    fresh->capacity = capacity;
    ito__free(ctx, old);
    *slot = fresh;
    return fresh;
}

ito_status ito_choice_register(ito_ctx *ctx, const ito_axis *axis, const ito_choice *choice)
{
    if (!choice->name || !choice->name[0] || !choice->summary)
        return ito__fail(ctx, ITO_USAGE, "a %s to register needs a name and a summary", axis->name);
    const ito_choice *taken;
    for (int i = 0; (taken = ito_choice_get(ctx, axis, i)); i++)
        if (!strcmp(taken->name, choice->name))
            return ito__fail(ctx, ITO_USAGE, "a %s named '%s' exists already; choose another name", axis->name,
                             choice->name);
    registry *own = grown(ctx);
    if (!own) return ITO_MEMORY;
    own->entries[own->n++] = (entry){axis, choice};
    return ITO_OK;
}

ito_status ito_choice_opts(ito_ctx *ctx, const ito_choice *choice, const ito_opts *opts, ito_opts **owned,
                           const ito_opts **use)
{
    *owned = NULL;
    *use = opts;
    if (!opts) {
        ITO_TRY(ito_opts_create(ctx, choice->options, owned));
        *use = *owned;
        return ITO_OK;
    }
    for (const ito_opt_def *o = choice->options; o && o->name; o++)
        if (!ito_opts_has(opts, o->name))
            return ito__fail(ctx, ITO_USAGE,
                             "the options given to %s lack '%s': make them with ito_opts_create from its own list",
                             choice->name, o->name);
    return ITO_OK;
}
