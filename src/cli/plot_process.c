/* A process from the command line or from a recipe's "process" object. */
#include "plot_process.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <ito/train.h>

static int create(cli *app, const char *name, const char *const *settings, ito_process **out)
{
    const ito_process_def *def;
    ito_opts *opts;
    int status = cli_check_choice(app, "plot", "process", name);
    if (status != CLI_DONE) return status;
    ito_status st = ito_process_find(app->ctx, name, &def);
    if (st != ITO_OK) return cli_fail(app, st);
    status = cli_choice_opts(app, &def->choice, settings, &opts);
    if (status != CLI_DONE) return status;
    st = ito_process_create(app->ctx, name, opts, out);
    ito_opts_destroy(opts);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

/* A built-in recipe or a file. NULL after a complaint. */
static json_t *load_recipe(const char *name)
{
    const ito_recipe *recipe;
    json_error_t error = {0};
    json_t *root = NULL;
    for (int i = 0; !root && (recipe = ito_recipe_get(i)); i++)
        if (!strcmp(recipe->name, name)) root = json_loads(recipe->json, 0, &error);
    if (!root) root = json_load_file(name, 0, &error);
    if (!root) cli_complain("recipe '%s': %s (ito list recipe shows the built-in ones)", name, error.text);
    return root;
}

/* The options of a recipe's process as settings, before those of the command line. */
static void add_settings(json_t *process, cli_words *settings)
{
    const char *key;
    json_t *value;
    json_object_foreach(process, key, value)
    {
        if (!strcmp(key, "name")) continue;
        char *text =
            json_is_string(value) ? cli_format("%s", json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
        if (text) cli_words_add(settings, "%s=%s", key, text);
        free(text);
    }
}

int plot_open_process(cli *app, const args *a, ito_process **out)
{
    const char *recipe = args_text(a, "recipe", NULL), *name = args_text(a, "process", NULL);
    json_t *root = NULL;
    cli_words settings = {0};
    *out = NULL;
    if (recipe && name) return cli_usage("plot", "--recipe and --process exclude each other");
    if (recipe && !(root = load_recipe(recipe))) return CLI_USAGE;
    json_t *process = json_object_get(root, "process");
    if (root) name = json_string_value(json_object_get(process, "name"));
    add_settings(process, &settings);
    cli_words_from(&settings, a, "set");
    int status = create(app, name ? name : "vp-cosine", (const char *const *)settings.items, out);
    cli_words_clear(&settings);
    json_decref(root);
    return status;
}
