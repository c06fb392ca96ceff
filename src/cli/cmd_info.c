/* ito info: what a path holds, whatever it is. */
#include <string.h>
#include <sys/stat.h>

#include "report.h"

static bool is_picture(const char *path)
{
    unsigned char head[4] = {0};
    struct stat info;
    if (stat(path, &info) || !S_ISREG(info.st_mode)) return false;
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    return n == sizeof head && (!memcmp(head, "\x89PNG", 4) || !memcmp(head, "\xff\xd8\xff", 3));
}

static int run_data(cli *app, const char *source)
{
    ito_dataset *data;
    ito_status st = ito_data_open(app->ctx, source, NULL, &data);
    if (st != ITO_OK) return cli_fail(app, st);
    int status = cli_report_data(app, source, data);
    ito_dataset_destroy(data);
    return status;
}

static int run(cli *app, const args *a)
{
    const char *path = a->operands[0];
    if (is_picture(path)) return cli_report_image(app, path);
    return run_data(app, path);
}

extern const cli_command cli_cmd_info;
const cli_command cli_cmd_info = {
    .name = "info",
    .summary = "what an image or a data set is",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .examples = "ito info grid.png\n"
                "ito info photos/ --json\n",
    .run = run,
};
