/* Tuning: which algorithm is fastest for each problem of a network, on this machine.
 *
 * A problem is measured as its program runs it: weights packed beforehand where they are frozen, and caches left by other work,
 * as much of it as the program touches between two runs of a step. Algorithms take turns, so that a slow moment slows all of them,
 * and the table's choice has to be beaten clearly: noise alone must not decide. */
#include <string.h>

#include "bench/bench_impl.h"
#include "graph/plan_impl.h"
#include "graph/program_impl.h"
#include "kernel/cpu/peak.h"

#define MARGIN       0.05 /* what an algorithm must gain on the table's choice */
#define TOLERANCE    1e-5 /* ||difference|| / ||result|| that plans may differ by */
#define NOISE        0.02 /* on weights, before results are compared */
#define TURN_SECONDS 0.03 /* turns go on until they have had so long on average */

typedef struct tuning {
    ito_ctx *ctx;
    const ito_bench_options *options;
    int repeats;
    ito_plan *plan;
    ito_bench_net net;                  /* compiled by the table */
    char (*problems)[ITO_PROBLEM_TEXT]; /* of its steps */
    float *cold;
    size_t cold_bytes;
    ito_bench_tune_result *result;
    ito_bench_tune_row_fn row;
    void *user;
} tuning;

/* ---- one problem ---- */

int ito__bench_tune_choose(const ito_bench_tune_row *row)
{
    const ito_bench_trial *table = &row->trials[0];
    int best = 0;
    for (int i = 1; i < row->n_trials; i++) {
        const ito_bench_trial *t = &row->trials[i];
        if (t->ratio > 1 - MARGIN || t->ms_min > (1 - MARGIN) * table->ms_min || t->difference > TOLERANCE) continue;
        if (t->ratio < row->trials[best].ratio) best = i;
    }
    return best;
}

static ito_bench_tune_row read_race(const ito_bench_race *race, const char *problem, int n_steps)
{
    const ito_kernel *k = &race->problem;
    ito_bench_tune_row row = {.problem = problem,
                              .op = race->op,
                              .n_in = ITO_MIN(k->n_in, ITO_COUNT(row.in)),
                              .out = k->out[0].shape,
                              .n_steps = n_steps,
                              .n_trials = ITO_MIN(race->n, ITO_BENCH_TRIALS)};
    for (int i = 0; i < row.n_in; i++) row.in[i] = k->in[i].shape;
    for (int i = 0; i < row.n_trials; i++) {
        ito_bench_times times = ito__bench_race_times(race, i);
        row.trials[i] = (ito_bench_trial){.algorithm = race->candidates[i]->k.def->name,
                                          .ms = 1e3 * times.median,
                                          .ms_min = 1e3 * times.least,
                                          .ratio = times.ratio,
                                          .difference = race->candidates[i]->difference};
    }
    row.chosen = ito__bench_tune_choose(&row);
    return row;
}

static ito_status tune_problem(tuning *t, const ito_kernel *k, const char *problem, int n_steps)
{
    ito_bench_race race;
    ito_status st;
    const char *algorithm = k->def->name;
    ito__bench_race_begin(t->ctx, t->net.program->backend, k->def->op, k, &race);
    ITO_GO(ito__bench_race_add(&race, algorithm));
    ITO_GO(ito__bench_race_add_every(&race));
    if (race.n > 1) {
        ITO_GO(ito__bench_race_run(&race, t->repeats, TURN_SECONDS * t->repeats, t->cold, t->cold_bytes));
        ito_bench_tune_row row = read_race(&race, problem, n_steps);
        algorithm = row.trials[row.chosen].algorithm;
        t->result->n_measured++;
        t->result->saved_ms += n_steps * (row.trials[0].ms - row.trials[row.chosen].ms);
        if (t->row) t->row(t->user, &row);
    }
    st = ito_plan_set(t->plan, problem, algorithm);
done:
    ito__bench_race_close(&race);
    return st;
}

/* ---- all problems ---- */

static ito_status list_problems(tuning *t)
{
    const ito_program *p = t->net.program;
    t->problems = ito__alloc_array(t->ctx, (size_t)p->n_steps, sizeof *t->problems);
    if (!t->problems) return ITO_MEMORY;
    for (int i = 0; i < p->n_steps; i++)
        ito__problem_text(&p->steps[i].kernel, p->steps[i].kernel.def->op, t->problems[i]);
    return ITO_OK;
}

/* Memory to displace caches with: what the program touches between two runs of a step, but no more than the last cache holds. */
static ito_status make_cold(tuning *t)
{
    ito_program_memory_info m = ito_program_memory(t->net.program);
    t->cold_bytes = ITO_MIN(m.slab_bytes + m.packed_bytes + m.bound_bytes, ito__peak_cache(3));
    t->cold = ito__alloc(t->ctx, t->cold_bytes);
    return t->cold ? ITO_OK : ITO_MEMORY;
}

static ito_status tune_problems(tuning *t)
{
    const ito_program *p = t->net.program;
    for (int i = 0; i < p->n_steps; i++) {
        const ito_kernel *k = &p->steps[i].kernel;
        int n_before = 0, n_steps = 0;
        for (int j = 0; j < p->n_steps; j++) {
            bool same = !strcmp(t->problems[i], t->problems[j]);
            n_before += same && j < i;
            n_steps += same;
        }
        if (n_before) continue;
        if (!ito_plan_find(t->plan, t->problems[i])) ITO_TRY(tune_problem(t, k, t->problems[i], n_steps));
        t->result->n_problems++;
        t->result->n_changed += strcmp(ito_plan_find(t->plan, t->problems[i]), k->def->name) != 0;
    }
    return ITO_OK;
}

/* ---- the whole network ---- */

/* Fresh weights leave some layers at zero, which would hide what comes before them: noise on top of all. */
static ito_status shake_weights(const tuning *t, ito_bench_net *net, float *noise)
{
    ito_params *params = net->trained ? net->trained->optimizer->weights : net->params;
    int64_t n = ito_param_list_size(net->network->params);
    float *weights = ito_params_flat(params);
    ITO_TRY(ito__bench_fill(t->ctx, 1, ITO_F32, n, -NOISE, NOISE, noise));
    for (int64_t i = 0; i < n; i++) weights[i] += noise[i];
    ito_program_repack(net->program);
    return ito_program_run(net->program);
}

/* All gradients of a training step, the output of a forward pass. */
static int64_t n_results(const ito_bench_net *net)
{
    return net->trained ? ito_param_list_size(net->network->params) : ito_shape_count(ito_value_shape(net->out));
}

static ito_status read_results(ito_bench_net *net, float *out)
{
    if (!net->trained) return ito_program_read(net->program, net->out, out);
    ito_params_read(net->trained->optimizer->grads, out);
    return ITO_OK;
}

/* How far outputs or gradients lie apart after one run, before any update. */
static ito_status compare(tuning *t, ito_bench_net *tuned, double *difference)
{
    int64_t n = n_results(tuned);
    float *results = ito__alloc_array(t->ctx, 2 * (size_t)n, sizeof *results);
    float *noise = ito__alloc_array(t->ctx, (size_t)ito_param_list_size(tuned->network->params), sizeof *noise);
    ito_status st = ITO_MEMORY;
    if (!results || !noise) goto done;
    ITO_GO(shake_weights(t, &t->net, noise));
    ITO_GO(shake_weights(t, tuned, noise));
    ITO_GO(read_results(&t->net, results));
    ITO_GO(read_results(tuned, results + n));
    *difference = ito__bench_difference(n, results, results + n);
done:
    ito__free(t->ctx, results);
    ito__free(t->ctx, noise);
    return st;
}

static ito_status seconds_of(ito_bench_net *net, double *seconds)
{
    double start = ito__now();
    ITO_TRY(ito__bench_net_run(net));
    *seconds = ito__now() - start;
    return ITO_OK;
}

/* Every other turn the plan's network goes first: who comes second finds other caches. */
static ito_status take_turns(tuning *t, ito_bench_net *tuned)
{
    double table[ITO_BENCH_MAX_REPEATS], other[ITO_BENCH_MAX_REPEATS], gain[ITO_BENCH_MAX_REPEATS];
    for (int i = 0; i < 2; i++) ITO_TRY(ito__bench_net_run(i ? tuned : &t->net));
    for (int r = 0; r < t->repeats; r++) {
        for (int i = 0; i < 2; i++)
            ITO_TRY((r + i) % 2 ? seconds_of(tuned, &other[r]) : seconds_of(&t->net, &table[r]));
        gain[r] = table[r] / other[r];
    }
    t->result->table_ms = 1e3 * ito__bench_median(t->repeats, table);
    t->result->tuned_ms = 1e3 * ito__bench_median(t->repeats, other);
    t->result->gain = ito__bench_median(t->repeats, gain); /* sorts */
    t->result->gain_min = gain[0];
    t->result->gain_max = gain[t->repeats - 1];
    return ITO_OK;
}

/* Compiles by the plan; the table's network is there already. */
static ito_status measure_gain(tuning *t)
{
    ito_bench_options options = *t->options;
    ito_bench_net tuned;
    ito_status st;
    options.plan = t->plan;
    ITO_TRY(ito__bench_net_open(t->ctx, &options, &tuned));
    ITO_GO(compare(t, &tuned, &t->result->difference));
    ITO_GO(take_turns(t, &tuned));
    st = ito_program_plan(tuned.program, t->plan);
done:
    ito__bench_net_close(&tuned);
    return st;
}

static ito_status tune(tuning *t)
{
    ito_bench_tune_result *r = t->result;
    r->batch = t->net.batch;
    r->height = (int)t->net.height;
    r->width = (int)t->net.width;
    r->gain = r->gain_min = r->gain_max = 1;
    ITO_TRY(ito__plan_check(t->plan, t->ctx, t->net.program->backend));
    ITO_TRY(list_problems(t));
    ITO_TRY(make_cold(t));
    ITO_TRY(tune_problems(t));
    return r->n_changed ? measure_gain(t) : ito_program_plan(t->net.program, t->plan);
}

ito_status ito_bench_tune(ito_ctx *ctx, const ito_bench_options *options, ito_plan *plan, ito_bench_tune_result *result,
                          ito_bench_tune_row_fn row, void *user)
{
    tuning t = {.ctx = ctx, .options = options, .plan = plan, .result = result, .row = row, .user = user};
    ito_bench_options by_table = *options;
    by_table.plan = NULL;
    t.repeats = ITO_MIN(options->repeats > 0 ? options->repeats : 7, ITO_BENCH_MAX_REPEATS);
    *result = (ito_bench_tune_result){0};
    ITO_TRY(ito__bench_net_open(ctx, &by_table, &t.net));
    ito_status st = tune(&t);
    ito__bench_net_close(&t.net);
    ito__free(ctx, t.problems);
    ito__free(ctx, t.cold);
    return st;
}
