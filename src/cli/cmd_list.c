/* ito list: the axes and their choices, from the descriptors alone. */
#include <string.h>

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
    for (; n < CLI_COUNT(names) && ito_axis_get(n); n++) names[n] = ito_axis_get(n)->name;
    const char *nearest = ito_name_nearest(word, n, names);
    if (nearest) return cli_usage("list", "there is no axis '%s'; did you mean '%s'?", word, nearest);
    return cli_usage("list", "there is no axis '%s'; ito list shows all", word);
}

static int run(cli *app, const args *a)
{
    const char *word = a->operands[0];
    const ito_axis *axis = word ? find_axis(word) : NULL;
    if (word && !axis) return unknown_axis(word);
    for (int i = 0; !axis && ito_axis_get(i); i++) {
        if (i && !app->is_json) putchar('\n');
        print_axis(app, ito_axis_get(i));
    }
    if (axis) print_axis(app, axis);
    return CLI_DONE;
}

extern const cli_command cli_cmd_list;
const cli_command cli_cmd_list = {
    .name = "list",
    .summary = "the choices along every axis, one line each",
    .operands = "[AXIS]",
    .max_operands = 1,
    .examples = "ito list\n"
                "ito list sampler\n"
                "ito list process --json\n",
    .run = run,
};
