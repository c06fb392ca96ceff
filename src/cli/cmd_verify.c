/* ito verify: solvers against closed forms, and what they make of a model. */
#include <stdlib.h>
#include <string.h>

#include "picture.h"
#include "verifying.h"

/* Names with commas between. */
static int read_names(cli *app, const char *text, const ito_sampler_def **samplers, int *n)
{
    char *names = cli_format("%s", text), *rest = names;
    int status = CLI_DONE;
    for (char *name; status == CLI_DONE && (name = strsep(&rest, ","));) {
        status = cli_check_choice(app, "verify", "sampler", name);
        if (status == CLI_DONE && *n < MOST_SAMPLERS) ito_sampler_find(app->ctx, name, &samplers[(*n)++]);
    }
    free(names);
    return status;
}

int verify_samplers(cli *app, const args *a, const ito_sampler_def *samplers[MOST_SAMPLERS], int *n)
{
    const ito_axis *axis = ito_axis_find("sampler");
    const ito_choice *choice;
    *n = 0;
    if (args_has(a, "sampler")) return read_names(app, args_text(a, "sampler", ""), samplers, n);
    for (int i = 0; *n < MOST_SAMPLERS && (choice = ito_choice_get(app->ctx, axis, i)); i++)
        samplers[(*n)++] = (const ito_sampler_def *)choice;
    return CLI_DONE;
}

/* As a page that says how it came to be. */
static void print_head(const cli *app, FILE *out)
{
    fprintf(out,
            "# Verification\n\nSolvers measured by `%s`; include/ito/verify.h says how. What is under its claim is "
            "marked, and makes the command fail.\n\n",
            app->command_line);
}

static int run(cli *app, const args *a)
{
    const char *path = args_text(a, "out", NULL), *model = a->operands[0];
    FILE *out = stdout;
    if (path) {
        int status = cli_make_folder_of(path);
        if (status != CLI_DONE) return status;
        out = fopen(path, "w");
        if (!out) return cli_complain("%s cannot be written", path);
        print_head(app, out);
    }
    int status = model ? verify_model(app, a, model, out) : verify_solvers(app, a, out);
    if (path && fclose(out) && status == CLI_DONE) status = cli_complain("%s was not written whole", path);
    return status;
}

static const arg_def options[] = {
    {"sampler", ARG_TEXT, "NAME[,NAME..]", "these alone [all]"},
    {"quick", ARG_FLAG, NULL, "fewer processes and data sets, in seconds"},
    {"out", ARG_TEXT, "FILE.md", "the tables as a page [standard output]"},
    {"n", ARG_INT, "N", "of a model: samples that the error is a mean over [16]"},
    {"steps", ARG_TEXT, "K[,K..]", "of a model: steps of the runs [5,10,20,50]"},
    {"reference", ARG_INT, "K", "of a model: steps of the run that is right [1000]"},
    {"spacing", ARG_TEXT, "NAME", "of a model: ito list spacing [trailing]"},
    {"seed", ARG_INT, "S", "of the noise [0]"},
    {"plot", ARG_TEXT, "FILE", "of a model: error over evaluations, as .png or .svg"},
    ARG_END,
};

extern const cli_command cli_cmd_verify;
const cli_command cli_cmd_verify = {
    .name = "verify",
    .summary = "solvers against closed forms, or on a model against a fine run",
    .operands = "[MODEL]",
    .max_operands = 1,
    .details =
        "Orders of convergence of deterministic samplers, weak and strong errors of stochastic ones, energy distances\n"
        "of their samples and the likelihood, on Gaussian mixtures whose denoiser is exact. With a model: how far "
        "each\n"
        "deterministic sampler's images are from those of many steps, by evaluations of the network.\n",
    .options = options,
    .examples = "ito verify\n"
                "ito verify --sampler ddim,heun --quick\n"
                "ito verify out/mnist --steps 5,10,20 --plot error.svg\n",
    .run = run,
};
