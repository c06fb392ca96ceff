/* Tables of ito explain: a process at some times, and the times that a spacing visits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/spacing.h>
#include <ito/variance.h>

#include "explain.h"

#define DIGITS 12 /* significant digits of numbers in JSON */

/* Where the posterior of the row at t goes; NaN where there is none. */
static double time_before(const ito_process *process, double t, const explain_row *before)
{
    double low = ito_process_t_min(process);
    if (t <= low) return (double)NAN;
    if (ito_process_n_timesteps(process)) return fmax(t - 1, low);
    return before && before->level.t < t ? before->level.t : low;
}

static void set_posterior(const ito_process *process, explain_row *row)
{
    ito_level s = ito_process_level(process, row->s);
    row->posterior = ito_level_posterior(&row->level, &s);
    row->log_variance_clipped = ito_process_n_timesteps(process)
                                    ? ito_variance_log_clipped(process, NULL, &row->level, &s)
                                    : log(row->posterior.variance);
}

static void add_row(const ito_process *process, double t, explain_numbers *out)
{
    double nan = (double)NAN;
    const explain_row *before = out->n_rows ? &out->rows[out->n_rows - 1] : NULL;
    if (before && before->level.t == t) return;
    bool has_beta = ito_process_n_timesteps(process) && t >= 1 && t == floor(t);
    explain_row row = {.level = ito_process_level(process, t),
                       .alpha_bar = ito_process_alpha_bar(process, t),
                       .beta = has_beta ? ito_process_beta(process, (int)t) : nan,
                       .drift = ito_process_drift(process, t),
                       .diffusion = ito_process_diffusion(process, t),
                       .s = time_before(process, t, before),
                       .posterior = {nan, nan, nan},
                       .log_variance_clipped = nan};
    if (!isnan(row.s)) set_posterior(process, &row);
    out->rows[out->n_rows++] = row;
}

/* "1,250,1000" into rows. */
static int rows_at(const ito_process *process, const char *text, explain_numbers *out)
{
    double low = ito_process_t_min(process), high = ito_process_t_max(process);
    for (const char *at = text;; at++) {
        char *end;
        double t = strtod(at, &end);
        if (end == at || (*end && *end != ','))
            return cli_usage("explain", "--at is '%s', expected times with commas between them", text);
        if (!(t >= low && t <= high)) return cli_usage("explain", "--at has t = %g, expected %g to %g", t, low, high);
        if (out->n_rows == EXPLAIN_ROWS) return cli_usage("explain", "--at has more than %d times", EXPLAIN_ROWS);
        add_row(process, t, out);
        at = end;
        if (!*at) return CLI_DONE;
    }
}

/* Without --at: the ends, the first step and some between. */
static void rows_between(const ito_process *process, explain_numbers *out)
{
    double low = ito_process_t_min(process), high = ito_process_t_max(process);
    int n_between = 8;
    bool is_discrete = ito_process_n_timesteps(process) > 0;
    add_row(process, low, out);
    if (ito_process_n_timesteps(process) > n_between) add_row(process, 1, out);
    for (int i = 1; i <= n_between; i++) {
        double t = low + (high - low) * i / n_between;
        add_row(process, is_discrete ? floor(t) : t, out);
    }
}

static int compute_rows(const cli *app, const args *a, const ito_choice *choice, const char *const *settings,
                        explain_numbers *out)
{
    ito_opts *opts;
    ito_process *process;
    int status = cli_choice_opts(app, choice, settings, &opts);
    if (status != CLI_DONE) return status;
    ito_status st = ito_process_create(app->ctx, choice->name, opts, &process);
    ito_opts_destroy(opts);
    const char *at = args_text(a, "at", NULL), *picture = args_text(a, "plot", NULL);
    /* One that is nothing without an option is described all the same, without numbers. */
    bool asks_nothing = !(settings && *settings) && !at && !picture;
    if (st == ITO_USAGE && asks_nothing) return CLI_DONE;
    if (st != ITO_OK) return cli_fail(app, st);
    if (at)
        status = rows_at(process, at, out);
    else
        rows_between(process, out);
    if (status == CLI_DONE && picture) status = explain_plot(app, process, picture);
    ito_process_destroy(process);
    return status;
}

static int compute_times(const cli *app, const args *a, const char *spacing, const char *const *settings,
                         explain_numbers *out)
{
    int64_t n = args_int(a, "steps", 10);
    const ito_spacing_def *def;
    ito_process *process;
    ito_opts *opts;
    out->process = args_text(a, "process", "vp-linear");
    out->spacing = spacing;
    int status = cli_check_choice(app, "explain", "process", out->process);
    if (status == CLI_DONE) status = cli_check_choice(app, "explain", "spacing", spacing);
    if (status != CLI_DONE) return status;
    if (n < 1 || n > 1000000) return cli_usage("explain", "--steps is %lld, expected 1 or more", (long long)n);
    ito_status st = ito_spacing_find(app->ctx, spacing, &def);
    if (st != ITO_OK) return cli_fail(app, st);
    status = cli_choice_opts(app, &def->choice, settings, &opts);
    if (status != CLI_DONE) return status;
    out->n_times = (int)n;
    out->times = cli_alloc((size_t)n * sizeof *out->times);
    st = ito_process_create(app->ctx, out->process, NULL, &process);
    if (st == ITO_OK) {
        out->t_end = ito_process_t_min(process);
        st = ito_spacing_fill(app->ctx, spacing, opts, process, out->n_times, out->times);
        ito_process_destroy(process);
    }
    ito_opts_destroy(opts);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

int explain_compute(const cli *app, const args *a, const ito_axis *axis, const ito_choice *choice,
                    const char *const *settings, explain_numbers *out)
{
    *out = (explain_numbers){0};
    if (!strcmp(axis->name, "process")) return compute_rows(app, a, choice, settings, out);
    if (!strcmp(axis->name, "spacing")) return compute_times(app, a, choice->name, settings, out);
    if (!strcmp(axis->name, "sampler")) return compute_times(app, a, args_text(a, "spacing", "trailing"), NULL, out);
    return CLI_DONE;
}

void explain_clear(explain_numbers *numbers)
{
    free(numbers->times);
    *numbers = (explain_numbers){0};
}

static void row_to_json(json_out *j, const explain_row *r)
{
    const struct {
        const char *name;
        double value;
    } members[] = {{"t", r->level.t},
                   {"beta", r->beta},
                   {"alpha_bar", r->alpha_bar},
                   {"signal", r->level.signal},
                   {"sigma", r->level.sigma},
                   {"log_snr", r->level.log_snr},
                   {"drift", r->drift},
                   {"diffusion", r->diffusion},
                   {"s", r->s},
                   {"coef_x", r->posterior.coef_x},
                   {"coef_x0", r->posterior.coef_x0},
                   {"posterior_variance", r->posterior.variance},
                   {"posterior_log_variance_clipped", r->log_variance_clipped}};
    emit_object(j, NULL);
    for (int i = 0; i < CLI_COUNT(members); i++) emit_rounded(j, members[i].name, members[i].value, DIGITS);
    emit_end(j);
}

static void numbers_to_json(json_out *j, const explain_numbers *numbers)
{
    if (numbers->n_rows) emit_array(j, "levels");
    for (int i = 0; i < numbers->n_rows; i++) row_to_json(j, &numbers->rows[i]);
    if (numbers->n_rows) emit_end(j);
    if (!numbers->n_times) return;
    emit_text(j, "process", numbers->process);
    emit_text(j, "spacing", numbers->spacing);
    emit_array(j, "timesteps");
    for (int i = 0; i < numbers->n_times; i++) emit_rounded(j, NULL, numbers->times[i], DIGITS);
    emit_end(j);
    emit_rounded(j, "t_end", numbers->t_end, DIGITS);
}

void explain_print(cli *app, const explain_numbers *numbers)
{
    if (app->is_json) {
        numbers_to_json(&app->json, numbers);
        return;
    }
    if (numbers->n_rows)
        printf("\n%10s %12s %12s %12s %12s %12s\n", "t", "alpha_bar", "signal", "sigma", "log_snr", "beta");
    for (int i = 0; i < numbers->n_rows; i++) {
        const explain_row *r = &numbers->rows[i];
        printf("%10g %12.6g %12.6g %12.6g %12.6g", r->level.t, r->alpha_bar, r->level.signal, r->level.sigma,
               r->level.log_snr);
        printf(isnan(r->beta) ? "            -\n" : " %12.6g\n", r->beta);
    }
    if (!numbers->n_times) return;
    printf("\ntimes in %s, spacing %s, %d steps", numbers->process, numbers->spacing, numbers->n_times);
    for (int i = 0; i < numbers->n_times; i++) printf("%s%g", i % 12 ? " " : "\n  ", numbers->times[i]);
    printf(" -> %g\n", numbers->t_end);
}
