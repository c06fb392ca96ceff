/* What every backend shares: choosing a candidate, releasing a kernel, finding a backend. */
#include "kernel/kernel.h"

#include <string.h>

ito_status ito__kernel_choose(ito_kernel *k, const char *op, const char *algorithm, int n,
                              const ito_kernel_def *const *defs)
{
    for (int i = 0; i < n; i++) {
        const ito_kernel_def *def = defs[i];
        if (strcmp(def->op, op) || (algorithm && strcmp(def->name, algorithm))) continue;
        k->def = def;
        k->workspace_bytes = k->packed_bytes = 0;
        k->state = NULL;
        ito_status st = def->prepare ? def->prepare(k) : ITO_OK;
        if (st != ITO_UNSUPPORTED) return st;
    }
    k->def = NULL;
    char text[ITO_SHAPE_TEXT] = "no input";
    if (k->n_in) ito_shape_text(k->in[0].shape, text);
    return ito__fail(k->ctx, ITO_UNSUPPORTED, "no kernel%s%s for %s with first input %s %s", algorithm ? " named " : "",
                     algorithm ? algorithm : "", op, k->n_in ? ito_dtype_name(k->in[0].dtype) : "", text);
}

int ito__kernel_names(const char *op, int n, const ito_kernel_def *const *defs, int n_names,
                      const char *names[ITO_MAX_CANDIDATES])
{
    for (int i = 0; i < n; i++) {
        bool known = strcmp(defs[i]->op, op) != 0;
        for (int j = 0; j < n_names; j++) known |= !strcmp(names[j], defs[i]->name);
        if (!known && n_names < ITO_MAX_CANDIDATES) names[n_names++] = defs[i]->name;
    }
    return n_names;
}

void ito__kernel_release(ito_kernel *k)
{
    if (k->def && k->def->release)
        k->def->release(k);
    else
        ito__free(k->ctx, k->state);
    k->state = NULL;
    k->def = NULL;
}

const ito_backend *ito__backend_find(const char *name)
{
    const ito_backend *const all[] = {&ito__backend_cpu, &ito__backend_ref, &ito__backend_test};
    for (int i = 0; i < ITO_COUNT(all); i++)
        if (!strcmp(all[i]->name, name)) return all[i];
    return NULL;
}

ito_status ito__backend_open(ito_ctx *ctx, const char *name, const ito_backend **out)
{
    const char *wanted = name ? name : ito__ctx_backend(ctx);
    *out = ito__backend_find(wanted);
    if (!*out) return ito__fail(ctx, ITO_NOT_FOUND, "no backend '%s'; known are cpu, ref and test", wanted);
    if (!name && !(*out)->host_memory)
        return ito__fail(ctx, ITO_UNSUPPORTED,
                         "backend '%s' has memory of its own, so it cannot be a context's: ask for it when a program "
                         "is created, or give the context cpu or ref",
                         wanted);
    return ITO_OK;
}
