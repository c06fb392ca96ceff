/* ito bench tune: the fastest algorithms for a network on this machine, as a plan. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_net.h"
#include "bench_rows.h"
#include "planning.h"

typedef struct tuning {
    cli *app;
    ito_bench_options options;
    const char *mode;
    ito_plan *plan;
    int n_rows;
} tuning;

/* ---- what was tried ---- */

static void row_to_json(const tuning *t, const ito_bench_tune_row *row)
{
    json_out *j = &t->app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "problem");
    emit_text(j, "mode", t->mode);
    emit_text(j, "problem", row->problem);
    emit_int(j, "n", row->n_steps);
    emit_array(j, "trials");
    for (int i = 0; i < row->n_trials; i++) {
        const ito_bench_trial *trial = &row->trials[i];
        emit_object(j, NULL);
        emit_text(j, "algorithm", trial->algorithm);
        emit_rounded(j, "ms", trial->ms, 6);
        emit_rounded(j, "ms_min", trial->ms_min, 6);
        emit_rounded(j, "ratio", trial->ratio, 4);
        emit_rounded(j, "difference", trial->difference, 3);
        emit_end(j);
    }
    emit_end(j);
    emit_text(j, "table", row->trials[0].algorithm);
    emit_text(j, "chosen", row->trials[row->chosen].algorithm);
    emit_end(j);
}

/* The table's choice with its time, the others with theirs in its; the chosen one has an asterisk. */
static void row_to_text(const ito_bench_tune_row *row)
{
    char shapes[BENCH_SHAPES_TEXT];
    printf("%-18s %3d x %-60s", row->op, row->n_steps, bench_shapes(row->n_in, row->in, row->out, shapes));
    for (int i = 0; i < row->n_trials; i++) {
        const ito_bench_trial *trial = &row->trials[i];
        printf("%s %s%s", i ? "," : "", trial->algorithm, i == row->chosen ? "*" : "");
        printf(i ? " %.2f" : " %.3f ms", i ? trial->ratio : trial->ms);
    }
    printf("\n");
    fflush(stdout);
}

static void on_row(void *user, const ito_bench_tune_row *row)
{
    tuning *t = user;
    if (t->app->is_json) {
        row_to_json(t, row);
        return;
    }
    if (!t->n_rows++)
        printf("%-18s %5s %-60s %s\n", "op", "steps", "shapes", "the table's choice, the others in its time; *: taken");
    row_to_text(row);
}

/* ---- what it is worth ---- */

static void gain_to_json(const tuning *t, const ito_bench_tune_result *r)
{
    json_out *j = &t->app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "network");
    emit_text(j, t->options.model ? "model" : "preset", bench_net_name(&t->options));
    emit_text(j, "mode", t->mode);
    emit_int(j, "batch", r->batch);
    emit_int(j, "height", r->height);
    emit_int(j, "width", r->width);
    emit_int(j, "threads", ito_ctx_n_threads(t->app->ctx));
    emit_int(j, "problems", r->n_problems);
    emit_int(j, "measured", r->n_measured);
    emit_int(j, "changed", r->n_changed);
    if (r->n_changed) {
        emit_rounded(j, "table_ms", r->table_ms, 6);
        emit_rounded(j, "tuned_ms", r->tuned_ms, 6);
        emit_rounded(j, "difference", r->difference, 3);
    }
    emit_rounded(j, "saved_ms", r->saved_ms, 6);
    emit_rounded(j, "gain", r->gain, 4);
    emit_rounded(j, "gain_min", r->gain_min, 4);
    emit_rounded(j, "gain_max", r->gain_max, 4);
    emit_end(j);
}

static void print_gain(const tuning *t, const ito_bench_tune_result *r)
{
    printf("%s, %s, batch %d, %dx%d, f32, %d threads: %d problems, %d measured, %d changed",
           bench_net_name(&t->options), t->mode, r->batch, r->height, r->width, ito_ctx_n_threads(t->app->ctx),
           r->n_problems, r->n_measured, r->n_changed);
    if (r->n_changed)
        printf("\n  the changed kernels save %.2f ms; %.1f ms by the table, %.1f ms by the plan, %.2f times as fast "
               "(%.2f to %.2f); results differ by %.1e",
               r->saved_ms, r->table_ms, r->tuned_ms, r->gain, r->gain_min, r->gain_max, r->difference);
    printf("\n");
    if (r->gain < 1)
        cli_note(t->app, "no gain shows in the whole network: measure with more --repeats, or go without the plan");
}

/* ---- the command ---- */

static int tune(tuning *t, bool train)
{
    ito_bench_tune_result r;
    t->options.train = train;
    t->mode = train ? "train" : "forward";
    ito_status st = ito_bench_tune(t->app->ctx, &t->options, t->plan, &r, on_row, t);
    if (st != ITO_OK) return cli_fail(t->app, st);
    if (t->app->is_json)
        gain_to_json(t, &r);
    else
        print_gain(t, &r);
    return CLI_DONE;
}

static int write_plan(const tuning *t, const char *path)
{
    json_out *j = &t->app->json;
    ito_status st = ito_plan_write(t->plan, path);
    if (st != ITO_OK) return cli_fail(t->app, st);
    if (!t->app->is_json) {
        printf("%s: %d problems, for --plan\n", path, ito_plan_count(t->plan));
        return CLI_DONE;
    }
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, "out", path);
    emit_int(j, "problems", ito_plan_count(t->plan));
    emit_end(j);
    return CLI_DONE;
}

/* The plan to add to: that of --plan, or an empty one. */
static int begin_plan(tuning *t, const args *a)
{
    int status = plan_open(t->app, a, &t->plan);
    if (status != CLI_DONE || t->plan) return status;
    ito_status st = ito_plan_create(t->app->ctx, &t->plan);
    return st == ITO_OK ? CLI_DONE : cli_fail(t->app, st);
}

/* Minutes of measuring should not end in a folder that is not there. */
static int check_out(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? cli_format("%.*s", (int)(slash - path) + 1, path) : cli_format(".");
    int status = access(folder, W_OK) ? cli_complain("%s: cannot write there: %s", path, strerror(errno)) : CLI_DONE;
    free(folder);
    return status;
}

int bench_tune(cli *app, const args *a)
{
    tuning t = {.app = app, .options = {.model = a->operands[1]}};
    const char *mode = args_text(a, "mode", "both"), *out = args_text(a, "out", "plan.json");
    bool both = !strcmp(mode, "both"), train = !strcmp(mode, "train"), forward = !strcmp(mode, "forward");
    int status = bench_net_options(a, &t.options);
    if (status != CLI_DONE) return status;
    if (!both && !train && !forward) return cli_usage("bench", "--mode is '%s', expected forward, train or both", mode);
    if (!args_has(a, "repeats")) t.options.repeats = 0;
    status = check_out(out);
    if (status == CLI_DONE) status = begin_plan(&t, a);
    if (status == CLI_DONE && !train) status = tune(&t, false);
    if (status == CLI_DONE && !forward) status = tune(&t, true);
    if (status == CLI_DONE) status = write_plan(&t, out);
    ito_plan_destroy(t.plan);
    return status;
}
