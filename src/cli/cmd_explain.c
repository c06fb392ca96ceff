/* ito explain: everything a descriptor says about a choice, and its numbers. */
#include <string.h>

#include <ito/train.h>

#include "explain.h"

#define MOST_NAMES 256

static const char *type_name(ito_opt_type type)
{
    switch (type) {
    case ITO_OPT_INT_TYPE: return "int";
    case ITO_OPT_REAL_TYPE: return "real";
    case ITO_OPT_BOOL_TYPE: return "bool";
    case ITO_OPT_CHOICE_TYPE: return "choice";
    default: return "text";
    }
}

static void print_option(const ito_opt_def *def)
{
    char value[160] = "";
    size_t used;
    switch (def->type) {
    case ITO_OPT_BOOL_TYPE: snprintf(value, sizeof value, "%s", def->value != 0 ? "true" : "false"); break;
    case ITO_OPT_TEXT_TYPE: snprintf(value, sizeof value, "'%s'", def->text ? def->text : ""); break;
    case ITO_OPT_CHOICE_TYPE:
        snprintf(value, sizeof value, "%s of", def->names[(int)def->value]);
        for (int i = 0; def->names[i]; i++) {
            used = strlen(value);
            snprintf(value + used, sizeof value - used, "%s %s", i ? "," : "", def->names[i]);
        }
        break;
    default: snprintf(value, sizeof value, "%.10g in %.10g..%.10g", def->value, def->min, def->max); break;
    }
    printf("  %-16s %s [%s]\n", def->name, def->help, value);
}

static void option_to_json(json_out *j, const ito_opt_def *def)
{
    emit_object(j, NULL);
    emit_text(j, "name", def->name);
    emit_text(j, "type", type_name(def->type));
    if (def->type == ITO_OPT_CHOICE_TYPE) {
        emit_text(j, "default", def->names[(int)def->value]);
        emit_array(j, "values");
        for (int i = 0; def->names[i]; i++) emit_text(j, NULL, def->names[i]);
        emit_end(j);
    } else if (def->type == ITO_OPT_TEXT_TYPE) {
        emit_text(j, "default", def->text);
    } else if (def->type == ITO_OPT_BOOL_TYPE) {
        emit_bool(j, "default", def->value != 0);
    } else {
        emit_real(j, "default", def->value);
        emit_real(j, "min", def->min);
        emit_real(j, "max", def->max);
    }
    emit_text(j, "help", def->help);
    emit_end(j);
}

static void descriptor_to_json(json_out *j, const ito_axis *axis, const ito_choice *choice, const char *claims)
{
    emit_text(j, "axis", axis->name);
    emit_text(j, "name", choice->name);
    emit_text(j, "summary", choice->summary);
    emit_text(j, "formula", choice->formula);
    emit_text(j, "paper", choice->paper);
    emit_text(j, "eq", choice->eq);
    emit_text(j, "file", choice->file);
    emit_text(j, "claims", claims);
    emit_array(j, "options");
    for (const ito_opt_def *def = choice->options; def && def->type != ITO_OPT_END_TYPE; def++) option_to_json(j, def);
    emit_end(j);
}

static void print_descriptor(const ito_axis *axis, const ito_choice *choice, const char *claims)
{
    printf("%s (%s): %s\n", choice->name, axis->name, choice->summary);
    if (choice->formula) printf("  equation         %s\n", choice->formula);
    if (choice->paper)
        printf("  paper            %s in docs/references.md%s%s%s\n", choice->paper, choice->eq ? ", EQ[" : "",
               choice->eq ? choice->eq : "", choice->eq ? "]" : "");
    if (choice->file) printf("  source           %s\n", choice->file);
    if (*claims) printf("  claims           %s\n", claims);
    if (choice->options && choice->options->type != ITO_OPT_END_TYPE) puts("options, --set name=value");
    for (const ito_opt_def *def = choice->options; def && def->type != ITO_OPT_END_TYPE; def++) print_option(def);
}

static int explain(cli *app, const args *a, const ito_axis *axis, const ito_choice *choice)
{
    char claims[160] = "";
    cli_words set = {0};
    explain_numbers numbers;
    cli_words_from(&set, a, "set");
    int status = explain_compute(app, a, axis, choice, (const char *const *)set.items, &numbers);
    if (axis->claims) axis->claims(choice, claims, sizeof claims);
    if (status == CLI_DONE && app->is_json) {
        emit_object(&app->json, NULL);
        descriptor_to_json(&app->json, axis, choice, claims);
        explain_print(app, &numbers);
        emit_end(&app->json);
    } else if (status == CLI_DONE) {
        print_descriptor(axis, choice, claims);
        explain_print(app, &numbers);
    }
    explain_clear(&numbers);
    cli_words_clear(&set);
    return status;
}

/* ---- what is no choice of an axis: recipes, and the settings of training ---- */

static void explain_recipe(cli *app, const ito_recipe *recipe)
{
    if (!app->is_json) {
        printf("%s (recipe): %s\n%s%s", recipe->name, recipe->summary, recipe->json,
               recipe->json[strlen(recipe->json) - 1] == '\n' ? "" : "\n");
        return;
    }
    emit_object(&app->json, NULL);
    emit_text(&app->json, "axis", "recipe");
    emit_text(&app->json, "name", recipe->name);
    emit_text(&app->json, "summary", recipe->summary);
    emit_raw(&app->json, "recipe", recipe->json);
    emit_end(&app->json);
}

static void explain_settings(cli *app)
{
    const ito_opt_def *defs = ito_train_option_defs();
    if (!app->is_json) puts("train: what every task takes, --set name=value; a recipe's own word comes first");
    if (app->is_json) {
        emit_object(&app->json, NULL);
        emit_text(&app->json, "name", "train");
        emit_array(&app->json, "options");
    }
    for (; defs->type != ITO_OPT_END_TYPE; defs++) {
        if (app->is_json)
            option_to_json(&app->json, defs);
        else
            print_option(defs);
    }
    if (!app->is_json) return;
    emit_end(&app->json);
    emit_end(&app->json);
}

static bool explain_other(cli *app, const char *word)
{
    const ito_recipe *recipe;
    bool found = false;
    if (!strcmp(word, "train")) {
        explain_settings(app);
        found = true;
    }
    for (int i = 0; (recipe = ito_recipe_get(i)); i++) {
        if (strcmp(recipe->name, word) != 0) continue;
        if (found && !app->is_json) putchar('\n');
        explain_recipe(app, recipe);
        found = true;
    }
    return found;
}

static int unknown(const cli *app, const char *word)
{
    const char *names[MOST_NAMES];
    int n = 0;
    for (int k = 0; ito_axis_get(k); k++) {
        const ito_choice *choice;
        for (int i = 0; n < MOST_NAMES && (choice = ito_choice_get(app->ctx, ito_axis_get(k), i)); i++)
            names[n++] = choice->name;
    }
    for (int i = 0; n < MOST_NAMES && ito_recipe_get(i); i++) names[n++] = ito_recipe_get(i)->name;
    const char *nearest = ito_name_nearest(word, n, names);
    if (nearest) return cli_usage("explain", "there is no choice '%s'; did you mean '%s'?", word, nearest);
    return cli_usage("explain", "there is no choice '%s'; ito list shows all", word);
}

/* CHOICE or AXIS/CHOICE; a name that several axes have is explained for each. */
static int run(cli *app, const args *a)
{
    const char *word = a->operands[0], *slash = strchr(word, '/');
    const char *name = slash ? slash + 1 : word;
    int n_found = 0, status = CLI_DONE;
    const ito_choice *process;
    if (args_has(a, "plot") && ito_choice_find(app->ctx, ito_axis_find("process"), name, &process) != ITO_OK)
        return cli_usage("explain", "--plot draws the curves of a process, and '%s' is none", word);
    for (int k = 0; ito_axis_get(k) && status == CLI_DONE; k++) {
        const ito_axis *axis = ito_axis_get(k);
        const ito_choice *choice;
        bool is_other = slash && (strlen(axis->name) != (size_t)(slash - word) ||
                                  strncmp(axis->name, word, (size_t)(slash - word)) != 0);
        for (int i = 0; !is_other && status == CLI_DONE && (choice = ito_choice_get(app->ctx, axis, i)); i++) {
            if (strcmp(choice->name, name) != 0) continue;
            if (n_found++ && !app->is_json) putchar('\n');
            status = explain(app, a, axis, choice);
        }
    }
    bool is_other = status == CLI_DONE && !(slash && strncmp(word, "recipe/", 7) != 0) && explain_other(app, name);
    return n_found || is_other ? status : unknown(app, word);
}

static const arg_def options[] = {
    {"at", ARG_TEXT, "T1,T2,..", "a process at these times [the ends and some between]"},
    {"plot", ARG_TEXT, "FILE", "a process's signal, sigma and log-SNR over its times, as .png or .svg"},
    {"steps", ARG_INT, "K", "a sampler's or spacing's times for so many steps [10]"},
    {"process", ARG_TEXT, "NAME", "those times in this process [vp-linear]"},
    {"spacing", ARG_TEXT, "NAME", "a sampler's spacing [trailing]"},
    {"set", ARG_LIST, "KEY=VALUE", "an option of the process or spacing"},
    ARG_END,
};

extern const cli_command cli_cmd_explain;
const cli_command cli_cmd_explain = {
    .name = "explain",
    .summary = "a choice's equation, paper, source, options and numbers",
    .operands = "CHOICE",
    .min_operands = 1,
    .max_operands = 1,
    .details =
        "CHOICE is a name that ito list shows, or AXIS/NAME, or train for the settings of training.\n"
        "A process's numbers: beta is the variance of the step from t - 1 to t; with --json also drift, diffusion\n"
        "and the posterior q(x_s | x_t, x_0), s = t - 1, or in continuous time the time before in --at, else t_min.\n",

    .options = options,
    .examples = "ito explain ddim --steps 20\n"
                "ito explain vp-cosine --at 1,500,1000 --json\n"
                "ito explain vp-linear --set T=100\n"
                "ito explain flow --set shift=3 --plot flow.svg\n",
    .run = run,
};
