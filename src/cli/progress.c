/* The progress line. */
#include "progress.h"

#include <stdarg.h>
#include <unistd.h>

#define LIVE_SECONDS  0.1
#define PLAIN_SECONDS 10
#define JSON_SECONDS  1

void cli_progress_begin(cli_progress *p, const cli *app)
{
    *p = (cli_progress){.app = app, .is_live = isatty(STDERR_FILENO), .started = cli_now()};
    p->last_json = p->started; /* what is over in no time needs no line */
    p->last_line = p->is_live ? -1e9 : p->started;
}

bool cli_progress_wants_line(const cli_progress *p, bool is_last)
{
    double wait = p->is_live ? LIVE_SECONDS : PLAIN_SECONDS;
    return !p->app->is_quiet && (is_last || cli_now() - p->last_line >= wait);
}

bool cli_progress_wants_json(const cli_progress *p, bool is_last)
{
    return p->app->is_json && (is_last || cli_now() - p->last_json >= JSON_SECONDS);
}

void cli_progress_line(cli_progress *p, const char *format, ...)
{
    va_list va;
    va_start(va, format);
    if (p->is_live) fputs("\r\033[K", stderr);
    vfprintf(stderr, format, va);
    if (!p->is_live) putc('\n', stderr);
    fflush(stderr);
    va_end(va);
    p->has_line = p->is_live;
    p->last_line = cli_now();
}

void cli_progress_json_done(cli_progress *p)
{
    p->last_json = cli_now();
}

void cli_progress_end(cli_progress *p)
{
    if (p->has_line) putc('\n', stderr);
    p->has_line = false;
}
