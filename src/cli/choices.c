/* Choices by name, and their options from the command line; data sets among them. */
#include <string.h>

#include "cli.h"

#define MOST_NAMES 256

int cli_check_choice(const cli *app, const char *command, const char *axis_name, const char *name)
{
    const ito_axis *axis = ito_axis_find(axis_name);
    const ito_choice *choice;
    const char *names[MOST_NAMES];
    char all[512] = "";
    int n = 0;
    for (; axis && n < MOST_NAMES && (choice = ito_choice_get(app->ctx, axis, n)); n++) {
        if (!strcmp(choice->name, name)) return CLI_DONE;
        names[n] = choice->name;
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", n ? ", " : "", choice->name);
    }
    const char *nearest = ito_name_nearest(name, n, names);
    if (nearest)
        return cli_usage(command, "there is no %s '%s'; did you mean '%s'? There are: %s", axis_name, name, nearest,
                         all);
    return cli_usage(command, "there is no %s '%s'; there are: %s", axis_name, name, all);
}

static ito_status set_one(ito_opts *opts, const char *what, const char *setting)
{
    char name[64];
    size_t length = strcspn(setting, "=");
    if (length >= sizeof name) length = sizeof name - 1; /* no option is that long: the library says so */
    memcpy(name, setting, length);
    name[length] = 0;
    const char *equals = strchr(setting, '=');
    return ito_opts_set(opts, what, name, equals ? equals + 1 : "");
}

int cli_choice_opts(const cli *app, const ito_choice *choice, const char *const *settings, ito_opts **out)
{
    *out = NULL;
    if (!settings || !*settings) return CLI_DONE;
    ito_status status = ito_opts_create(app->ctx, choice->options, out);
    for (; status == ITO_OK && *settings; settings++) status = set_one(*out, choice->name, *settings);
    if (status == ITO_OK) return CLI_DONE;
    ito_opts_destroy(*out);
    *out = NULL;
    return cli_fail(app, status);
}

void cli_data_settings(cli_words *settings, const args *a, const char *option)
{
    cli_words_from(settings, a, option);
    if (args_has(a, "size")) cli_words_add(settings, "size=%s", args_text(a, "size", ""));
}

int cli_data_open(const cli *app, const char *source, cli_words *settings, ito_dataset **out)
{
    ito_status st = ito_data_open(app->ctx, source, settings ? (const char *const *)settings->items : NULL, out);
    if (settings) cli_words_clear(settings);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}
