/* --plan and --precision, for every command that compiles a model's network. */
#ifndef CLI_PLANNING_H
#define CLI_PLANNING_H

#include <ito/model.h>

#include "cli.h"

#define PLAN_OPTION                                                                                                    \
    {                                                                                                                  \
        "plan", ARG_TEXT, "FILE", "which kernels compute what (ito bench tune) [the built-in table]"                   \
    }

/* The plan that --plan names, NULL without it. 0 or the exit status. */
int plan_open(const cli *app, const args *a, ito_plan **out);

/* The model packs its weights as --precision says; *word, unless NULL, becomes "f32" or "bf16". 0 or the exit status. */
int precision_read(const cli *app, const args *a, ito_model *model, const char **word);

/* Says so when the plan (NULL: none) decided nothing of what the model computed. 0 or the exit status. */
int plan_check_used(const cli *app, const ito_plan *plan, const ito_model *model);

#endif
