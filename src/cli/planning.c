/* Plans from files, and a word when one had no say. */
#include "planning.h"

#include <string.h>

int plan_open(const cli *app, const args *a, ito_plan **out)
{
    const char *path = args_text(a, "plan", NULL);
    *out = NULL;
    ito_status st = path ? ito_plan_read(app->ctx, path, out) : ITO_OK;
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

static void note_unused(const cli *app, const ito_plan *plan, const ito_plan *told)
{
    if (ito_plan_common(plan, told)) return;
    cli_note(app, "--plan decided nothing: it is of another network, size or batch (guidance doubles the batch), or of "
                  "training where this is sampling");
}

int plan_check_used(const cli *app, const ito_plan *plan, const ito_model *model)
{
    ito_plan *told;
    if (!plan) return CLI_DONE;
    ito_status st = ito_plan_create(app->ctx, &told);
    if (st != ITO_OK) return cli_fail(app, st);
    st = ito_model_plan(model, told);
    if (st == ITO_OK) note_unused(app, plan, told);
    ito_plan_destroy(told);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

int precision_read(const cli *app, const args *a, ito_model *model, const char **word)
{
    const char *precision = args_text(a, "precision", "f32");
    bool narrow = !strcmp(precision, "bf16");
    if (!narrow && strcmp(precision, "f32") != 0)
        return cli_usage(a->command->name, "--precision is '%s', expected f32 or bf16", precision);
    if (word) *word = precision;
    ito_status st = ito_model_use_precision(model, narrow ? ITO_BF16 : ITO_F32);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}
