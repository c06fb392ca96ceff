/* The times of sampling from the command line: steps and a spacing, or a list. */
#include <stdlib.h>
#include <string.h>

#include <ito/spacing.h>

#include "sampling.h"

#define MOST_STEPS 1000000

/* "999,500,1" into s->times; whether they fall inside the process, the sampler checks. */
static int read_list(sampling *s, const char *text)
{
    int n = 1;
    for (const char *at = text; (at = strchr(at, ',')); at++) n++;
    s->times = cli_alloc((size_t)n * sizeof *s->times);
    s->times_text = cli_format("%s", text);
    const char *at = text;
    for (int i = 0; i < n; i++) {
        char *end;
        s->times[i] = strtod(at, &end);
        if (end == at || *end != (i + 1 < n ? ',' : 0))
            return cli_usage(s->command, "--times is '%s', expected times with commas between them", text);
        at = end + 1;
    }
    s->options.sample.times = s->times;
    s->options.sample.n_steps = n;
    return CLI_DONE;
}

int sampling_read_times(sampling *s, const args *a, int64_t recorded_steps)
{
    const ito_spacing_def *def;
    int64_t steps = args_int(a, "steps", recorded_steps);
    const char *times = args_text(a, "times", NULL);
    if (times && (args_has(a, "steps") || args_has(a, "spacing") || args_has(a, "spacing-set")))
        return cli_usage(s->command,
                         "--times says which steps are made: leave out --steps, --spacing and --spacing-set");
    ito_status st = ito_spacing_find(s->app->ctx, s->names[1], &def);
    if (st != ITO_OK) return cli_fail(s->app, st);
    int status = sampling_read_settings(s, a, "spacing-set", &def->choice, &s->spacing_opts, &s->spacing_text);
    if (status != CLI_DONE) return status;
    if (times) return read_list(s, times);
    if (steps < 1 || steps > MOST_STEPS)
        return cli_usage(s->command, "--steps is %lld, expected 1 or more", (long long)steps);
    s->options.sample.spacing_opts = s->spacing_opts;
    s->options.sample.n_steps = (int)steps;
    return CLI_DONE;
}

char *sampling_times_again(const sampling *s)
{
    if (s->times) return cli_format(" --times %s", s->times_text);
    char *text = cli_format(" --steps %d --spacing %s", s->options.sample.n_steps, s->options.sample.spacing);
    for (const char *at = s->spacing_text; *at; at += strspn(at, " ")) {
        int length = (int)strcspn(at, " ");
        char *longer = cli_format("%s --spacing-set %.*s", text, length, at);
        free(text);
        text = longer;
        at += length;
    }
    return text;
}
