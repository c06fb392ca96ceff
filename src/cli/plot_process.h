/* Which process ito plot forward draws: --process with --set, or the one of a recipe. */
#ifndef CLI_PLOT_PROCESS_H
#define CLI_PLOT_PROCESS_H

#include <ito/process.h>

#include "cli.h"

/* 0 or the exit status; *out is NULL unless 0. The caller destroys it. */
int plot_open_process(cli *app, const args *a, ito_process **out);

#endif
