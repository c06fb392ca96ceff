/* ito version: what this program is and runs on. */
#include <ito/version.h>

#include "cli.h"

static void print_json(cli *app)
{
    emit_object(&app->json, NULL);
    emit_text(&app->json, "version", ito_version());
    emit_text(&app->json, "compiler", ito_compiler());
    emit_text(&app->json, "instruction_set", ito_instruction_set());
    emit_int(&app->json, "threads", ito_ctx_n_threads(app->ctx));
    emit_object(&app->json, "libraries");
    for (int i = 0; ito_library_get(i).name; i++)
        emit_text(&app->json, ito_library_get(i).name, ito_library_get(i).version);
    emit_end(&app->json);
    emit_end(&app->json);
}

static int run(cli *app, const args *a)
{
    (void)a;
    if (app->is_json) {
        print_json(app);
        return CLI_DONE;
    }
    printf("ito %s\n", ito_version());
    printf("  compiler         %s\n", ito_compiler());
    printf("  instruction set  %s\n", ito_instruction_set());
    printf("  threads          %d\n", ito_ctx_n_threads(app->ctx));
    for (int i = 0; ito_library_get(i).name; i++)
        printf("  %-16s %s\n", ito_library_get(i).name, ito_library_get(i).version);
    return CLI_DONE;
}

extern const cli_command cli_cmd_version;
const cli_command cli_cmd_version = {
    .name = "version",
    .summary = "version, compiler, instruction set, threads, libraries",
    .operands = "",
    .examples = "ito version\n"
                "ito version --json\n",
    .run = run,
};
