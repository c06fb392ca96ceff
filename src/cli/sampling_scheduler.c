/* Sampling by a scheduler of diffusers, from the command line. */
#include <stdlib.h>

#include <ito/scheduler.h>

#include "sampling.h"

#define MOST_STEPS 1000000

static int read_class(sampling *s, const char *path)
{
    ito_scheduler *scheduler = NULL;
    ito_status st = path ? ito_scheduler_open(s->app->ctx, path, &scheduler) : ITO_OK;
    if (st != ITO_OK) return cli_fail(s->app, st);
    s->scheduler_class = cli_format("%s", path ? ito_scheduler_class(scheduler) : s->info->scheduler);
    s->sampler = s->scheduler_class;
    s->options.scheduler = path;
    ito_scheduler_destroy(scheduler);
    return CLI_DONE;
}

int sampling_read_scheduler(sampling *s, const args *a, int64_t recorded_steps)
{
    static const char *const instead[] = {"sampler", "spacing", "spacing-set", "times", "clip", "set"};
    const char *path = args_text(a, "scheduler", NULL), *given = NULL;
    int64_t steps = args_int(a, "steps", recorded_steps);
    for (int i = 0; i < CLI_COUNT(instead); i++)
        if (args_has(a, instead[i])) given = instead[i];
    if (path && given) return cli_usage(s->command, "--scheduler decides what --%s would: give one of them", given);
    s->by_scheduler = path || (s->info->scheduler && !given);
    if (!s->by_scheduler) return CLI_DONE;
    if (steps < 1 || steps > MOST_STEPS)
        return cli_usage(s->command, "--steps is %lld, expected 1 or more", (long long)steps);
    s->options.sample.n_steps = (int)steps;
    s->settings_text = cli_format("%s", "");
    return read_class(s, path);
}

char *sampling_way_again(const sampling *s)
{
    const ito_sample_options *o = &s->options.sample;
    if (!s->by_scheduler) {
        char *times = sampling_times_again(s),
             *text = cli_format("--sampler %s%s --clip %s", o->sampler, times, o->clip);
        free(times);
        return text;
    }
    if (!s->options.scheduler) return cli_format("--steps %d", o->n_steps);
    char *path = cli_quote(s->options.scheduler), *text = cli_format("--scheduler %s --steps %d", path, o->n_steps);
    free(path);
    return text;
}
