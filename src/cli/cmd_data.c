/* ito data: what a data set is, before anything is trained on it. */
#include "report.h"

static int run(cli *app, const args *a)
{
    cli_words set = {0};
    ito_dataset *data;
    cli_words_from(&set, a, "set");
    if (args_has(a, "size")) cli_words_add(&set, "size=%s", args_text(a, "size", ""));
    ito_status st = ito_data_open(app->ctx, a->operands[0], (const char *const *)set.items, &data);
    cli_words_clear(&set);
    if (st != ITO_OK) return cli_fail(app, st);
    int status = cli_report_data(app, a->operands[0], data);
    ito_dataset_destroy(data);
    return status;
}

static const arg_def options[] = {
    {"size", ARG_INT, "S", "height and width of the images [the data set's own]"},
    {"set", ARG_LIST, "KEY=VALUE", "an option of the data set: ito list dataset, ito explain shapes"},
    ARG_END,
};

extern const cli_command cli_cmd_data;
const cli_command cli_cmd_data = {
    .name = "data",
    .summary = "what a data set holds: count, size, classes, rejected files",
    .operands = "DATA",
    .min_operands = 1,
    .max_operands = 1,
    .details = "DATA is a folder of PNG or JPEG (a class per sub-folder), an IDX file or folder, or 'shapes'.\n",
    .options = options,
    .examples = "ito data photos/\n"
                "ito data mnist/ --set split=test --json\n",
    .run = run,
};
