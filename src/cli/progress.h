/* Progress on standard error: one live line on a terminal, a plain line every ten seconds elsewhere, nothing when quiet.
 * With --json each report is also an object on standard output, at most one a second. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli.h"

typedef struct cli_progress {
    const cli *app;
    bool is_live;
    bool has_line; /* an unfinished live line stands on the terminal */
    double started, last_line, last_json;
} cli_progress;

void cli_progress_begin(cli_progress *p, const cli *app);
/* Is it time for a line, for an object? The last report always is. */
bool cli_progress_wants_line(const cli_progress *p, bool is_last);
bool cli_progress_wants_json(const cli_progress *p, bool is_last);
void cli_progress_line(cli_progress *p, const char *format, ...) CLI_PRINTF(2, 3);
void cli_progress_json_done(cli_progress *p);
/* Ends the live line; whatever comes next starts on its own. */
void cli_progress_end(cli_progress *p);

#endif
