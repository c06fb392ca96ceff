/* A plan is held as the JSON object that it is written as:
 *   {"format": 1, "backend": "cpu", "instruction_set": "avx512", "kernels": {PROBLEM: ALGORITHM, ...}} */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "graph/plan_impl.h"
#include "graph/program_impl.h"

#define FORMAT 1

struct ito_plan {
    ito_ctx *ctx;
    json_t *root, *kernels; /* kernels lies in root */
    char *text;             /* of ito_plan_text */
};

static ito_status new_plan(ito_ctx *ctx, json_t *root, ito_plan **out)
{
    ito_plan *plan = *out = root ? ito__alloc(ctx, sizeof *plan) : NULL;
    if (!plan) {
        json_decref(root);
        return root ? ITO_MEMORY : ito__fail_memory(ctx, 0);
    }
    *plan = (ito_plan){.ctx = ctx, .root = root, .kernels = json_object_get(root, "kernels")};
    return ITO_OK;
}

ito_status ito_plan_create(ito_ctx *ctx, ito_plan **out)
{
    return new_plan(
        ctx, json_pack("{s:i, s:s, s:s, s:{}}", "format", FORMAT, "backend", "", "instruction_set", "", "kernels"),
        out);
}

static ito_status check_json(ito_ctx *ctx, const char *where, const json_t *root)
{
    json_t *field, *value;
    int64_t format;
    const char *problem;
    if (!json_is_object(root)) return ito__json_fail(ctx, where, "a plan", "an object", root);
    ITO_TRY(ito__json_int(ctx, where, root, "format", 0, &format));
    if (format != FORMAT)
        return ito__fail(ctx, ITO_FORMAT, "%s: a plan of format %lld, expected %d: it is of another version of ito",
                         where, (long long)format, FORMAT);
    ITO_TRY(ito__json_require(ctx, where, root, "backend", JSON_STRING, &field));
    ITO_TRY(ito__json_require(ctx, where, root, "instruction_set", JSON_STRING, &field));
    ITO_TRY(ito__json_require(ctx, where, root, "kernels", JSON_OBJECT, &field));
    json_object_foreach(field, problem, value)
    {
        if (!json_is_string(value)) return ito__json_fail(ctx, where, problem, "the name of an algorithm", value);
    }
    return ITO_OK;
}

/* Takes root. */
static ito_status from_json(ito_ctx *ctx, const char *where, json_t *root, ito_plan **out)
{
    ito_status st = check_json(ctx, where, root);
    if (st == ITO_OK) return new_plan(ctx, root, out);
    json_decref(root);
    return st;
}

ito_status ito_plan_parse(ito_ctx *ctx, const char *where, const char *json, ito_plan **out)
{
    json_t *root;
    *out = NULL;
    ITO_TRY(ito__json_parse(ctx, where, json, strlen(json), &root));
    return from_json(ctx, where, root, out);
}

ito_status ito_plan_read(ito_ctx *ctx, const char *path, ito_plan **out)
{
    json_t *root;
    *out = NULL;
    ITO_TRY(ito__json_read(ctx, path, &root));
    return from_json(ctx, path, root, out);
}

ito_status ito_plan_write(ito_plan *plan, const char *path)
{
    return ito__json_write(plan->ctx, path, plan->root);
}

void ito_plan_destroy(ito_plan *plan)
{
    if (!plan) return;
    json_decref(plan->root);
    free(plan->text);
    ito__free(plan->ctx, plan);
}

const char *ito_plan_text(ito_plan *plan)
{
    free(plan->text);
    plan->text = json_dumps(plan->root, JSON_COMPACT);
    if (!plan->text) ito__fail_memory(plan->ctx, 0);
    return plan->text;
}

int ito_plan_count(const ito_plan *plan)
{
    return (int)json_object_size(plan->kernels);
}

const char *ito_plan_find(const ito_plan *plan, const char *problem)
{
    return json_string_value(json_object_get(plan->kernels, problem));
}

int ito_plan_common(const ito_plan *a, const ito_plan *b)
{
    const char *problem;
    json_t *algorithm;
    int n = 0;
    json_object_foreach(a->kernels, problem, algorithm) n +=
        json_equal(algorithm, json_object_get(b->kernels, problem));
    return n;
}

ito_status ito_plan_set(ito_plan *plan, const char *problem, const char *algorithm)
{
    bool failed = json_object_set_new(plan->kernels, problem, json_string(algorithm)) != 0;
    return failed ? ito__fail_memory(plan->ctx, 0) : ITO_OK;
}

/* ---- programs ---- */

static const char *instruction_set(const ito_backend *backend)
{
    return backend->variant ? backend->variant() : "";
}

ito_status ito__plan_check(const ito_plan *plan, ito_ctx *ctx, const ito_backend *backend)
{
    const char *name = json_string_value(json_object_get(plan->root, "backend"));
    const char *set = json_string_value(json_object_get(plan->root, "instruction_set"));
    const char *mine = instruction_set(backend);
    if (!*name || (!strcmp(name, backend->name) && !strcmp(set, mine))) return ITO_OK;
    return ito__fail(ctx, ITO_STATE,
                     "the plan was made for backend %s%s%s, this program is compiled for %s%s%s: use a machine or a "
                     "setting of ITO_ISA that gives the plan's instruction set, or another plan",
                     name, *set ? " with " : "", set, backend->name, *mine ? " with " : "", mine);
}

static ito_status lacks(const ito_backend *backend, const ito_kernel *k, const char *op, const char *problem,
                        const char *algorithm)
{
    const char *names[ITO_MAX_CANDIDATES];
    char list[256] = "nothing";
    int n = backend->candidates(op, names);
    for (int i = 0, used = 0; i < n && used < (int)sizeof list; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", i ? ", " : "", names[i]);
    return ito__fail(k->ctx, ITO_STATE,
                     "the plan records algorithm '%s', which this version cannot use here; it has %s: use the version "
                     "that made the plan, or another plan (the problem is %s)",
                     algorithm, list, problem);
}

ito_status ito__plan_prepare(const ito_plan *plan, const ito_backend *backend, ito_kernel *k, const char *op)
{
    char problem[ITO_PROBLEM_TEXT];
    const char *algorithm = plan ? ito_plan_find(plan, ito__problem_text(k, op, problem)) : NULL;
    ito_status st = backend->prepare(k, op, algorithm);
    return st == ITO_UNSUPPORTED && algorithm ? lacks(backend, k, op, problem, algorithm) : st;
}

ito_status ito_program_plan(const ito_program *p, ito_plan *plan)
{
    char problem[ITO_PROBLEM_TEXT];
    ITO_TRY(ito__plan_check(plan, p->ctx, p->backend));
    if (json_object_set_new(plan->root, "backend", json_string(p->backend->name)) ||
        json_object_set_new(plan->root, "instruction_set", json_string(instruction_set(p->backend))))
        return ito__fail_memory(p->ctx, 0);
    for (int t = 0; t < p->n_steps; t++) {
        const ito_kernel *k = &p->steps[t].kernel;
        ITO_TRY(ito_plan_set(plan, ito__problem_text(k, k->def->op, problem), k->def->name));
    }
    return ITO_OK;
}
