/* ito list: the axes and their choices, from the descriptors alone. */
#include <string.h>

#include <ito/train.h>

#include "cli.h"

static void print_choice(cli *app, const ito_axis *axis, const ito_choice *choice)
{
    char claims[160] = "";
    if (axis->claims) axis->claims(choice, claims, sizeof claims);
    if (!app->is_json) {
        printf("  %-16s %s%s%s%s\n", choice->name, choice->summary, *claims ? " (" : "", claims, *claims ? ")" : "");
        return;
    }
    emit_object(&app->json, NULL);
    emit_text(&app->json, "axis", axis->name);
    emit_text(&app->json, "name", choice->name);
    emit_text(&app->json, "summary", choice->summary);
    emit_text(&app->json, "claims", claims);
    emit_text(&app->json, "paper", choice->paper);
    emit_end(&app->json);
}

static void print_axis(cli *app, const ito_axis *axis)
{
    const ito_choice *choice;
    if (!app->is_json) printf("%s: %s\n", axis->name, axis->question);
    for (int i = 0; (choice = ito_choice_get(app->ctx, axis, i)); i++) print_choice(app, axis, choice);
}

/* Recipes are no axis, they name a choice on each; they are listed like one. */
static void print_recipes(cli *app)
{
    const ito_recipe *recipe;
    if (!app->is_json) printf("recipe: which choices together, trained how?\n");
    for (int i = 0; (recipe = ito_recipe_get(i)); i++) {
        if (!app->is_json) {
            printf("  %-16s %s\n", recipe->name, recipe->summary);
            continue;
        }
        emit_object(&app->json, NULL);
        emit_text(&app->json, "axis", "recipe");
        emit_text(&app->json, "name", recipe->name);
        emit_text(&app->json, "summary", recipe->summary);
        emit_end(&app->json);
    }
}

/* "samplers" means "sampler". */
static const ito_axis *find_axis(const char *word)
{
    const ito_axis *axis = ito_axis_find(word);
    for (int i = 0; !axis && ito_axis_get(i); i++) {
        const char *name = ito_axis_get(i)->name;
        size_t n = strlen(name);
        bool plain = !strncmp(word, name, n) && (!strcmp(word + n, "s") || !strcmp(word + n, "es"));
        bool in_ies = name[n - 1] == 'y' && !strncmp(word, name, n - 1) && !strcmp(word + n - 1, "ies");
        if (plain || in_ies) axis = ito_axis_get(i);
    }
    return axis;
}

static int unknown_axis(const char *word)
{
    const char *names[64];
    int n = 0;
    for (; n < CLI_COUNT(names) - 1 && ito_axis_get(n); n++) names[n] = ito_axis_get(n)->name;
    names[n++] = "recipe";
    const char *nearest = ito_name_nearest(word, n, names);
    if (nearest) return cli_usage("list", "there is no axis '%s'; did you mean '%s'?", word, nearest);
    return cli_usage("list", "there is no axis '%s'; ito list shows all", word);
}

static int run(cli *app, const args *a)
{
    const char *word = a->operands[0];
    const ito_axis *axis = word ? find_axis(word) : NULL;
    bool only_recipes = word && (!strcmp(word, "recipe") || !strcmp(word, "recipes"));
    if (word && !axis && !only_recipes) return unknown_axis(word);
    if (axis) print_axis(app, axis);
    for (int i = 0; !word && ito_axis_get(i); i++) {
        print_axis(app, ito_axis_get(i));
        if (!app->is_json) putchar('\n');
    }
    if (!axis) print_recipes(app);
    return CLI_DONE;
}

extern const cli_command cli_cmd_list;
const cli_command cli_cmd_list = {
    .name = "list",
    .summary = "the choices along every axis and the recipes, one line each",
    .operands = "[AXIS]",
    .max_operands = 1,
    .examples = "ito list\n"
                "ito list sampler\n"
                "ito list process --json\n",
    .run = run,
};
