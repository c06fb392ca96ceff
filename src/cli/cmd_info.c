/* ito info: what a path holds, whatever it is. */
#include <stdlib.h>
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

static bool is_model(const char *path)
{
    struct stat info;
    char *index = cli_format("%s/model_index.json", path);
    bool found = stat(index, &info) == 0;
    free(index);
    return found;
}

static int run_data(cli *app, const char *source)
{
    ito_dataset *data;
    int status = cli_data_open(app, source, NULL, &data);
    if (status == CLI_DONE) status = cli_report_data(app, source, data);
    ito_dataset_destroy(data);
    return status;
}

static int run(cli *app, const args *a)
{
    const char *path = a->operands[0];
    if (is_picture(path)) return cli_report_image(app, path);
    if (is_model(path)) return cli_report_model(app, path);
    return run_data(app, path);
}

extern const cli_command cli_cmd_info;
const cli_command cli_cmd_info = {
    .name = "info",
    .summary = "what a model directory, an image or a data set is",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .examples = "ito info out/shapes\n"
                "ito info samples.png\n"
                "ito info photos/ --json\n",
    .run = run,
};
