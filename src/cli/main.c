/* The program: finds the subcommand, parses its arguments, makes the context, runs it. Exit status: 0 done, 1 failed,
 * 2 wrong usage. */
#include <stdlib.h>
#include <string.h>

#include <ito/version.h>

#include "cli.h"

static void on_log(void *user, ito_log_level level, const char *message)
{
    const cli *app = user;
    if (level == ITO_LOG_DEBUG || (level == ITO_LOG_INFO && app->is_quiet)) return;
    fprintf(stderr, "%s%s\n", level == ITO_LOG_WARN ? "ito: warning: " : "", message);
}

/* The command line as one would type it again. */
static char *quote_command(int argc, char **argv)
{
    char *line = cli_format("ito");
    for (int i = 1; i < argc; i++) {
        char *word = cli_quote(argv[i]);
        char *longer = cli_format("%s %s", line, word);
        free(word);
        free(line);
        line = longer;
    }
    return line;
}

static int run(const cli_command *command, const args *a, char *command_line)
{
    cli app = {.json = {.out = stdout}, .is_json = args_has(a, "json"), .is_quiet = args_has(a, "quiet")};
    app.command_line = command_line;
    int64_t threads = args_int(a, "threads", 0);
    if (threads < 0 || threads > 4096)
        return cli_usage(command->name, "--threads is %lld, expected 1 to 4096", (long long)threads);
    ito_ctx_options options = {.log = on_log, .user = &app, .n_threads = (int)threads};
    if (ito_ctx_create(&options, &app.ctx) != ITO_OK) return cli_complain("out of memory");
    int status = command->run(&app, a);
    ito_ctx_destroy(app.ctx);
    if (fflush(stdout) || ferror(stdout)) return cli_complain("standard output could not be written");
    return status;
}

static int unknown_command(const char *word)
{
    const char *names[64];
    int n = 0;
    for (; n < CLI_COUNT(names) && cli_command_get(n); n++) names[n] = cli_command_get(n)->name;
    const char *nearest = ito_name_nearest(word, n, names);
    if (nearest) return cli_usage(NULL, "there is no command '%s'; did you mean '%s'?", word, nearest);
    return cli_usage(NULL, "there is no command '%s'", word);
}

static int help(const char *name)
{
    const cli_command *command = name ? cli_command_find(name) : NULL;
    if (name && !command) return unknown_command(name);
    if (command)
        cli_help_command(stdout, command);
    else
        cli_help_program(stdout);
    return CLI_DONE;
}

int main(int argc, char **argv)
{
    cli_wait_politely(argv);
    if (argc < 2) return help(NULL);
    const char *word = argv[1];
    if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h")) return help(argv[2]);
    if (!strcmp(word, "--version")) word = "version";
    const cli_command *command = cli_command_find(word);
    if (!command) return unknown_command(word);
    args a;
    int status = args_parse(command, argc - 2, argv + 2, &a);
    if (status == CLI_DONE && args_has(&a, "help")) {
        cli_help_command(stdout, command);
    } else if (status == CLI_DONE) {
        char *line = quote_command(argc, argv);
        status = run(command, &a, line);
        free(line);
    }
    args_clear(&a);
    return status;
}
