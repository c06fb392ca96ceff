/* ito verify without a model: tables of every sampler on closed forms. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/process.h>
#include <ito/verify.h>

#include "verifying.h"

#define SLACK           0.3 /* how far an order may be under its claim */
#define N_SAMPLES       1000
#define N_PAIRS         20
#define MORE_THAN_NOISE 2e-3 /* energy distance that a finite number of steps may cost */
#define NATS            1e-3
#define N_POINTS        64
#define MEAN            0.7
#define SD              0.4

typedef struct proof {
    cli *app;
    FILE *out;
    bool quick;
    int n_failed, n_samplers;
    const ito_sampler_def *samplers[MOST_SAMPLERS];
} proof;

/* ---- what is solved ---- */

static const char *const smooth[] = {"vp-sde", "flow", "subvp-sde", "ve-sde", "edm", "vdm"};

static const double mean_1[] = {MEAN}, sd_1[] = {SD}, means_1[] = {-0.8, 0.9}, sds_1[] = {0.5, 0.4},
                    means_2[] = {1, 1, -1, 0.5, 0.2, -1}, sds_2[] = {0.4, 0.5, 0.5, 0.4, 0.5, 0.4},
                    mean_2[] = {0.5, -0.3}, sd_2[] = {0.2, 1};

static const struct {
    const char *name;
    ito_mixture_options mixture;
} data_sets[] = {
    {"mixture in the plane", {.dim = 2, .n_components = 3, .mean = means_2, .sd = sds_2}},
    {"Gaussian", {.dim = 1, .n_components = 1, .mean = mean_1, .sd = sd_1}},
    {"mixture on the line", {.dim = 1, .n_components = 2, .mean = means_1, .sd = sds_1}},
    {"anisotropic Gaussian", {.dim = 2, .n_components = 1, .mean = mean_2, .sd = sd_2}},
};

static const struct {
    const char *name;
    ito_mixture_options mixture;
} blobs = {"three blobs",
           {.dim = 2, .n_components = 3, .mean = means_2, .sd = (const double[]){0.15, 0.3, 0.2, 0.2, 0.3, 0.1}}};

static int n_processes(const proof *p)
{
    return p->quick ? 2 : CLI_COUNT(smooth);
}

static const char *mark(proof *p, bool kept)
{
    p->n_failed += !kept;
    return kept ? "" : " **under its claim**";
}

/* An order for the table; exact where every error is rounding. */
static const char *order_text(double order, char text[CLI_TEXT])
{
    if (isinf(order))
        snprintf(text, CLI_TEXT, "exact");
    else
        snprintf(text, CLI_TEXT, "%.2f", order);
    return text;
}

/* ---- orders of deterministic samplers ---- */

/* Fine enough that solvers of order 3 have settled, coarse enough that those of order 4 have not reached rounding. */
static const ito_verify_grid fine = {.n_steps = 40};

typedef struct worst {
    double order, error; /* error: of the finest run, the largest of all cases */
    char where[80];
} worst;

static void note_rate(worst *w, const ito_verify_rate *rate, const char *process, const char *data)
{
    double last = rate->error[ITO_VERIFY_RUNS - 1];
    if (!(last <= w->error)) w->error = last;
    if (rate->order >= w->order) return;
    w->order = rate->order;
    snprintf(w->where, sizeof w->where, "%s, %s", process, data);
}

static ito_status measure_orders(proof *p, const char *sampler, worst *formula, worst *run)
{
    ito_ctx *ctx = p->app->ctx;
    ito_status st = ITO_OK;
    *formula = *run = (worst){.order = INFINITY};
    for (int i = 0; st == ITO_OK && i < n_processes(p); i++) {
        ito_process *process;
        st = ito_process_create(ctx, smooth[i], NULL, &process);
        for (int k = 0; st == ITO_OK && k < (p->quick ? 1 : CLI_COUNT(data_sets)); k++) {
            ito_mixture *mixture = NULL;
            ito_verify_rate f, r;
            st = ito_mixture_create(ctx, &data_sets[k].mixture, &mixture);
            ito_verify what = {process, mixture, data_sets[k].mixture.dim, sampler, NULL};
            if (st == ITO_OK) st = ito_verify_order(ctx, &what, &fine, &f, &r);
            ito_mixture_destroy(mixture);
            if (st != ITO_OK) break;
            note_rate(formula, &f, smooth[i], data_sets[k].name);
            note_rate(run, &r, smooth[i], data_sets[k].name);
        }
        ito_process_destroy(process);
    }
    return st;
}

static int print_orders(proof *p, const ito_sampler_def *def)
{
    worst formula, run;
    char a[CLI_TEXT], b[CLI_TEXT];
    int claim = def->run_order ? def->run_order : def->order;
    ito_status st = measure_orders(p, def->choice.name, &formula, &run);
    if (st != ITO_OK) return cli_fail(p->app, st);
    bool kept = formula.order > def->order - SLACK, run_kept = run.order > claim - SLACK;
    if (p->app->is_json) {
        emit_object(&p->app->json, NULL);
        emit_text(&p->app->json, "sampler", def->choice.name);
        emit_int(&p->app->json, "claimed", def->order);
        emit_real(&p->app->json, "order", formula.order);
        emit_int(&p->app->json, "run_claimed", claim);
        emit_real(&p->app->json, "run_order", run.order);
        emit_real(&p->app->json, "error", run.error);
        emit_bool(&p->app->json, "kept", kept && run_kept);
        emit_end(&p->app->json);
        p->n_failed += !kept + !run_kept;
        return CLI_DONE;
    }
    fprintf(p->out, "| `%s` | %d | %s%s | %s | ", def->choice.name, def->order, order_text(formula.order, a),
            mark(p, kept), formula.where);
    fprintf(p->out, "%d | %s%s | %s | %.1e |\n", claim, order_text(run.order, b), mark(p, run_kept), run.where,
            run.error);
    return CLI_DONE;
}

static int orders(proof *p)
{
    int status = CLI_DONE;
    if (!p->app->is_json)
        fprintf(p->out,
                "## Deterministic samplers\n\nOrders along the probability-flow ODE, in double, 40 to 640 steps: the "
                "least of %d processes and %s data sets,\nof the formula alone and of a run from its own start; the "
                "largest error of 640 steps.\n\n| sampler | formula: claimed | measured | at | run: claimed | measured "
                "| at | error |\n|---|--:|--:|---|--:|--:|---|--:|\n",
                n_processes(p), p->quick ? "1" : "4");
    for (int i = 0; status == CLI_DONE && i < p->n_samplers; i++) {
        const ito_sampler_def *def = p->samplers[i];
        if (def->order && !def->is_stochastic) status = print_orders(p, def);
        if (cli_interrupted()) return CLI_FAILED;
    }
    return status;
}

/* ---- errors of stochastic samplers ---- */

/* Weak and strong rates, the least over the processes; NAN where there are none. */
static ito_status measure_noise(proof *p, const ito_sampler_def *def, worst *weak, worst *strong)
{
    ito_ctx *ctx = p->app->ctx;
    const ito_verify_grid grid = {.n_points = N_POINTS};
    ito_mixture *gaussian = NULL, *mixture = NULL;
    ito_status st = ito_mixture_create(ctx, &data_sets[1].mixture, &gaussian);
    if (st == ITO_OK) st = ito_mixture_create(ctx, &data_sets[0].mixture, &mixture);
    *weak = *strong = (worst){.order = INFINITY};
    for (int i = 0; st == ITO_OK && i < n_processes(p); i++) {
        ito_process *process;
        ito_verify_rate mean, sd;
        st = ito_process_create(ctx, smooth[i], NULL, &process);
        if (st != ITO_OK) break;
        ito_verify line = {process, gaussian, 1, def->choice.name, NULL},
                   plane = {process, mixture, 2, def->choice.name, NULL};
        st = ito_verify_weak(ctx, &line, NULL, &mean, &sd);
        if (st == ITO_OK)
            note_rate(weak, &sd, smooth[i], "Gaussian");
        else if (st == ITO_NUMERIC)
            weak->order = NAN, st = ITO_OK; /* it has no affine steps */
        if (st == ITO_OK && def->follows_path) {
            st = ito_verify_strong(ctx, &plane, &grid, &sd);
            if (st == ITO_OK) note_rate(strong, &sd, smooth[i], data_sets[0].name);
        }
        ito_process_destroy(process);
    }
    ito_mixture_destroy(gaussian);
    ito_mixture_destroy(mixture);
    return st;
}

static void print_rate(FILE *out, const worst *w, bool has)
{
    char text[CLI_TEXT];
    if (has && !isnan(w->order))
        fprintf(out, "%s | %s | %.1e |", order_text(w->order, text), w->where, w->error);
    else
        fputs("– | – | – |", out);
}

static int print_noise(proof *p, const ito_sampler_def *def)
{
    worst weak, strong;
    ito_status st = measure_noise(p, def, &weak, &strong);
    if (st != ITO_OK) return cli_fail(p->app, st);
    if (p->app->is_json) {
        emit_object(&p->app->json, NULL);
        emit_text(&p->app->json, "sampler", def->choice.name);
        emit_real(&p->app->json, "weak_order", weak.order);
        emit_real(&p->app->json, "weak_error", weak.error);
        emit_real(&p->app->json, "strong_order", def->follows_path ? strong.order : (double)NAN);
        emit_real(&p->app->json, "strong_error", def->follows_path ? strong.error : (double)NAN);
        emit_end(&p->app->json);
        return CLI_DONE;
    }
    fprintf(p->out, "| `%s` | ", def->choice.name);
    print_rate(p->out, &weak, true);
    fputc(' ', p->out);
    print_rate(p->out, &strong, def->follows_path);
    fputc('\n', p->out);
    return CLI_DONE;
}

static int noises(proof *p)
{
    int status = CLI_DONE;
    if (!p->app->is_json)
        fprintf(p->out,
                "\n## Stochastic samplers\n\nWeak: the error of the standard deviation on a Gaussian, by algebra. "
                "Strong: the distance from a finer run along the same Brownian\npath, of samplers that follow "
                "one. The least orders, 20 to 320 steps, and the largest errors of 320 steps.\n\n| sampler | weak "
                "order | at | error | strong order | at | error |\n|---|--:|---|--:|--:|---|--:|\n");
    for (int i = 0; status == CLI_DONE && i < p->n_samplers; i++) {
        if (p->samplers[i]->is_stochastic && !p->samplers[i]->has_no_limit) status = print_noise(p, p->samplers[i]);
        if (cli_interrupted()) return CLI_FAILED;
    }
    return status;
}

/* ---- samples ---- */

static int print_samples(proof *p, const ito_verify *what, int n_steps, bool claims)
{
    const ito_verify_samples samples = {.n = N_SAMPLES, .n_steps = n_steps, .n_pairs = N_PAIRS};
    double distance, floor;
    ito_status st = ito_verify_energy(p->app->ctx, what, &samples, &distance, &floor);
    if (st != ITO_OK) return cli_fail(p->app, st);
    bool kept = !claims || distance < floor + MORE_THAN_NOISE;
    if (p->app->is_json) {
        emit_object(&p->app->json, NULL);
        emit_text(&p->app->json, "sampler", what->sampler);
        emit_int(&p->app->json, "steps", n_steps);
        emit_real(&p->app->json, "energy", distance);
        emit_real(&p->app->json, "floor", floor);
        emit_bool(&p->app->json, "kept", kept);
        emit_end(&p->app->json);
        p->n_failed += !kept;
        return CLI_DONE;
    }
    fprintf(p->out, "| `%s` | %d | %.1e | %.1e%s |\n", what->sampler, n_steps, distance, floor, mark(p, kept));
    return CLI_DONE;
}

static int distances(proof *p)
{
    ito_process *process = NULL;
    ito_mixture *mixture = NULL;
    int status = CLI_DONE;
    ito_status st = ito_process_create(p->app->ctx, "vp-linear", NULL, &process);
    if (st == ITO_OK) st = ito_mixture_create(p->app->ctx, &blobs.mixture, &mixture);
    if (!p->app->is_json)
        fprintf(p->out,
                "\n## Samples\n\nEnergy distance of %d samples of three blobs from fresh points, `vp-linear`; the "
                "floor is the largest of %d pairs of fresh sets.\nOf Langevin samplers and of those for models of few "
                "steps nothing is claimed.\n\n| sampler | steps | distance | floor |\n"
                "|---|--:|--:|--:|\n",
                N_SAMPLES, N_PAIRS);
    for (int i = 0; st == ITO_OK && status == CLI_DONE && i < p->n_samplers; i++) {
        const ito_sampler_def *def = p->samplers[i];
        ito_verify what = {process, mixture, 2, def->choice.name, NULL};
        status = print_samples(p, &what, def->is_stochastic ? 500 : 100, !def->has_no_limit);
        if (cli_interrupted()) status = CLI_FAILED;
    }
    if (st != ITO_OK) status = cli_fail(p->app, st);
    ito_mixture_destroy(mixture);
    ito_process_destroy(process);
    return status;
}

/* ---- likelihood ---- */

static int print_likelihood(proof *p, const char *name)
{
    ito_process *process;
    double error;
    ito_status st = ito_process_create(p->app->ctx, name, NULL, &process);
    if (st != ITO_OK) return cli_fail(p->app, st);
    st = ito_verify_likelihood(p->app->ctx, process, MEAN, SD, N_POINTS, &error);
    ito_process_destroy(process);
    if (st != ITO_OK) return cli_fail(p->app, st);
    bool kept = error < NATS;
    if (p->app->is_json) {
        emit_object(&p->app->json, NULL);
        emit_text(&p->app->json, "process", name);
        emit_real(&p->app->json, "nats", error);
        emit_bool(&p->app->json, "kept", kept);
        emit_end(&p->app->json);
        p->n_failed += !kept;
        return CLI_DONE;
    }
    fprintf(p->out, "| `%s` | %.1e%s |\n", name, error, mark(p, kept));
    return CLI_DONE;
}

static int likelihoods(proof *p)
{
    const ito_axis *axis = ito_axis_find("process");
    const ito_choice *choice;
    int status = CLI_DONE;
    if (!p->app->is_json)
        fprintf(p->out,
                "\n## Likelihood\n\nThe largest error of the log-density by the probability-flow ODE, at %d points "
                "of a Gaussian; at most %g is claimed.\n\n| process | nats |\n|---|--:|\n",
                N_POINTS, NATS);
    for (int i = 0; status == CLI_DONE && (choice = ito_choice_get(p->app->ctx, axis, i)); i++)
        if (strcmp(choice->name, "vp-betas") != 0) status = print_likelihood(p, choice->name); /* it needs its betas */
    return status;
}

int verify_solvers(cli *app, const args *a, FILE *out)
{
    proof p = {.app = app, .out = out, .quick = args_has(a, "quick")};
    cli_interrupt_catch();
    int status = verify_samplers(app, a, p.samplers, &p.n_samplers);
    if (status == CLI_DONE) status = orders(&p);
    if (status == CLI_DONE) status = noises(&p);
    if (status == CLI_DONE) status = distances(&p);
    if (status == CLI_DONE && !args_has(a, "sampler")) status = likelihoods(&p);
    if (status != CLI_DONE) return status;
    if (!p.n_failed) return CLI_DONE;
    return cli_complain("%d claim%s not kept", p.n_failed, p.n_failed == 1 ? " is" : "s are");
}
