/* Reports that several subcommands print. All return the exit status. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <ito/data.h>

#include "cli.h"

/* What a data set is: count, size, classes, what was rejected. */
int cli_report_data(cli *app, const char *source, const ito_dataset *data);
/* An image file: size and text chunks. */
int cli_report_image(cli *app, const char *path);
/* A model directory: network, process, classes, how it came to be. */
int cli_report_model(cli *app, const char *path);

#endif
