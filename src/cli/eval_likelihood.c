/* ito eval MODEL DATA --metrics: the loss of a denoiser, the variational bound and the likelihood in bits per dimension, rate and
 * distortion. Labels are hidden: what is scored is p(x). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/grid.h>
#include <ito/likelihood.h>
#include <ito/metric.h>
#include <ito/plot.h>
#include <ito/spacing.h>

#include "eval.h"
#include "picture.h"

#define CHAIN  1000 /* times of a continuous process's bound, without --steps */
#define BATCH  50
#define STRIPS 8 /* images, and predictions of each */

enum { LOSS, VLB, NLL, RATE, METRICS };
static const char *const names[METRICS] = {"loss", "vlb", "nll", "rate-distortion"};

typedef struct likelihood {
    cli *app;
    const args *a;
    const ito_model_info *info;
    ito_denoiser denoiser;
    bool wanted[METRICS];
    bool are_points;
    float *x; /* [n, H, W, C] */
    int64_t n;
    uint64_t *samples;
    double *times; /* of a continuous process's chain */
    ito_vlb *vlb;
    ito_vlb_result bound;
    ito_nll_row *rows;
    double *losses;
    cli_progress progress;
} likelihood;

static int read_metrics(likelihood *l)
{
    const char *text = args_text(l->a, "metrics", "");
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        int k = 0;
        while (k < METRICS && !(strlen(names[k]) == length && !strncmp(at, names[k], length))) k++;
        if (k < METRICS) l->wanted[k] = true; /* others are eval_metrics.c's, which has checked the names */
        at += length;
        if (!*at) return CLI_DONE;
    }
}

static size_t sample_size(const likelihood *l)
{
    return (size_t)l->info->height * (size_t)l->info->width * (size_t)l->info->channels;
}

static ito_tensor rows_of(const likelihood *l, int64_t first, int64_t n)
{
    return ito_tensor_view(ITO_F32, ITO_SHAPE(n, l->info->height, l->info->width, l->info->channels),
                           l->x + (size_t)first * sample_size(l));
}

/* The first n images of the data. */
static ito_status read_images(likelihood *l, const ito_dataset *data, int64_t most)
{
    ito_loader *loader;
    ito_batch batch;
    int64_t there = ito_dataset_get_info(data)->n_samples;
    l->n = there > 0 && there < most ? there : most;
    l->x = cli_alloc((size_t)l->n * sample_size(l) * sizeof *l->x);
    l->samples = cli_alloc((size_t)l->n * sizeof *l->samples);
    ito_loader_options options = {.batch = 1, .in_order = true, .fields = (const char *const[]){"image", NULL}};
    ito_status st = ito_loader_create(l->app->ctx, data, &options, &loader);
    if (st != ITO_OK) return st;
    for (int64_t i = 0; i < l->n && st == ITO_OK; i++) {
        st = ito_loader_next(loader, &batch);
        if (st == ITO_OK) memcpy(l->x + (size_t)i * sample_size(l), batch.images, sample_size(l) * sizeof *l->x);
        l->samples[i] = (uint64_t)i;
    }
    ito_loader_destroy(loader);
    return st;
}

static void report(likelihood *l, int metric, int64_t done)
{
    if (cli_progress_wants_line(&l->progress, done == l->n))
        cli_progress_line(&l->progress, "%s %lld/%lld", names[metric], (long long)done, (long long)l->n);
}

/* ---- the metrics, batch by batch ---- */

static ito_status add_loss(likelihood *l, int64_t first, int64_t n)
{
    ito_tensor x = rows_of(l, first, n);
    ito_denoising_options o = {.samples = l->samples + first, .seed = (uint64_t)args_int(l->a, "seed", 0)};
    return ito_denoising_error(l->app->ctx, l->info->process, &l->denoiser, &x, NULL, &o, l->losses + first);
}

static ito_status add_bound(likelihood *l, int64_t first, int64_t n)
{
    ito_tensor x = rows_of(l, first, n);
    return ito_vlb_add(l->vlb, &x, NULL, l->samples + first, NULL);
}

static ito_status add_nll(likelihood *l, int64_t first, int64_t n)
{
    ito_tensor x = rows_of(l, first, n);
    int probes = (int)args_int(l->a, "probes", 0);
    bool exact = l->are_points && !probes;
    ito_nll_options o = {.probe = exact ? ITO_PROBE_EXACT : ITO_PROBE_RADEMACHER,
                         .n_probes = probes,
                         .dequantise = l->are_points ? ITO_DEQUANTISE_NONE : ITO_DEQUANTISE_BINS_255,
                         .seed = (uint64_t)args_int(l->a, "seed", 0)};
    return ito_nll(l->app->ctx, l->info->process, &l->denoiser, &x, NULL, l->samples + first, &o, l->rows + first);
}

static ito_status each_batch(likelihood *l, int metric, ito_status (*add)(likelihood *, int64_t, int64_t))
{
    ito_status st = ITO_OK;
    int64_t size = args_int(l->a, "batch", BATCH);
    cli_progress_begin(&l->progress, l->app);
    for (int64_t i = 0; i < l->n && st == ITO_OK && !cli_interrupted(); i += size) {
        int64_t n = l->n - i < size ? l->n - i : size;
        st = add(l, i, n);
        if (st == ITO_OK) report(l, metric, i + n);
    }
    cli_progress_end(&l->progress);
    return st;
}

/* The chain of the bound: all timesteps, or --steps of them; a continuous process has as many as one says. */
static ito_status make_chain(likelihood *l, ito_vlb_options *o)
{
    bool is_discrete = ito_process_n_timesteps(l->info->process) > 0;
    if (is_discrete && !args_has(l->a, "steps")) return ITO_OK;
    o->n_times = (int)args_int(l->a, "steps", CHAIN);
    l->times = cli_alloc((size_t)(o->n_times > 0 ? o->n_times : 1) * sizeof *l->times);
    o->times = l->times;
    return ito_spacing_fill(l->app->ctx, args_text(l->a, "spacing", "trailing"), NULL, l->info->process, o->n_times,
                            l->times);
}

static ito_status run_bound(likelihood *l)
{
    const char *variance = args_text(l->a, "variance", NULL);
    ito_vlb_options o = {.n_evals = (int)args_int(l->a, "evals", l->wanted[RATE] ? 0 : 50),
                         .keep_range = l->are_points,
                         .continuous = l->are_points,
                         .seed = (uint64_t)args_int(l->a, "seed", 0)};
    ito_shape shape = ITO_SHAPE(l->info->height, l->info->width, l->info->channels);
    ito_status st = variance ? ito_variance_find(l->app->ctx, variance, &o.variance) : ITO_OK;
    if (st == ITO_OK) st = make_chain(l, &o);
    int n_times = o.times ? o.n_times : ito_process_n_timesteps(l->info->process);
    if (o.n_evals >= n_times) o.n_evals = 0;
    if (st == ITO_OK) st = ito_vlb_create(l->app->ctx, l->info->process, &l->denoiser, shape, &o, &l->vlb);
    if (st == ITO_OK) st = each_batch(l, VLB, add_bound);
    return st == ITO_OK && !cli_interrupted() ? ito_vlb_get(l->vlb, &l->bound) : st;
}

static ito_status run_metrics(likelihood *l)
{
    ito_status st = ITO_OK;
    if (l->wanted[LOSS]) {
        l->losses = cli_alloc((size_t)l->n * sizeof *l->losses);
        st = each_batch(l, LOSS, add_loss);
    }
    if (st == ITO_OK && (l->wanted[VLB] || l->wanted[RATE])) st = run_bound(l);
    if (st == ITO_OK && l->wanted[NLL]) {
        l->rows = cli_alloc((size_t)l->n * sizeof *l->rows);
        st = each_batch(l, NLL, add_nll);
    }
    return st;
}

/* ---- results ---- */

static ito_interval nll_interval(const likelihood *l, double *evals)
{
    double *bits = cli_alloc((size_t)l->n * sizeof *bits);
    *evals = 0;
    for (int64_t i = 0; i < l->n; i++) {
        bits[i] = l->rows[i].bits;
        *evals += l->rows[i].n_evals / (double)l->n;
    }
    ito_interval interval = ito_interval_of(bits, l->n);
    free(bits);
    return interval;
}

static void emit_terms(json_out *j, const ito_vlb_result *r)
{
    emit_array(j, "terms");
    for (int i = 0; i < r->n_terms; i++) {
        const ito_vlb_term *t = &r->terms[i];
        if (!t->n) continue;
        emit_object(j, NULL);
        emit_real(j, "t", t->t);
        emit_real(j, "s", t->s);
        emit_real(j, "bits", t->bits);
        emit_real(j, "x0_mse", t->x0_mse);
        emit_real(j, "eps_mse", t->eps_mse);
        emit_real(j, "rate", t->rate);
        emit_real(j, "distortion", t->distortion);
        emit_end(j);
    }
    emit_end(j);
}

static void emit_interval(json_out *j, const ito_interval *interval)
{
    emit_real(j, "mean", interval->mean);
    emit_real(j, "se", interval->se);
    emit_real(j, "low", interval->low);
    emit_real(j, "high", interval->high);
}

static void emit_result(const likelihood *l)
{
    json_out *j = &l->app->json;
    const ito_vlb_result *r = &l->bound;
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, "model", l->a->operands[0]);
    emit_text(j, "data", l->a->operands[1]);
    emit_int(j, "n", l->n);
    if (l->losses) {
        ito_interval loss = ito_interval_of(l->losses, l->n);
        emit_object(j, "loss");
        emit_interval(j, &loss);
        emit_end(j);
    }
    if (l->vlb) {
        emit_object(j, "vlb");
        emit_real(j, "bits_per_dim", r->total);
        emit_real(j, "se", r->total_se);
        emit_real(j, "prior", r->prior);
        emit_real(j, "kl", r->kl);
        emit_real(j, "decoder", r->decoder);
        emit_text(j, "variance", r->variance->choice.name);
        emit_terms(j, r);
        emit_end(j);
    }
    if (l->rows) {
        double evals;
        ito_interval bits = nll_interval(l, &evals);
        emit_object(j, "nll");
        emit_interval(j, &bits);
        emit_real(j, "nfe", evals);
        emit_end(j);
    }
    emit_end(j);
}

#define ROWS 12 /* of the printed table */

/* Rate and distortion at some of the terms that were computed. */
static void print_curve(const ito_vlb_result *r)
{
    int n = 0, seen = 0;
    for (int i = 0; i < r->n_terms; i++) n += r->terms[i].n > 0;
    int step = n / ROWS > 0 ? n / ROWS : 1;
    printf("\n%10s %14s %14s\n", "t", "rate, bits/dim", "distortion");
    for (int i = 0; i < r->n_terms; i++) {
        if (!r->terms[i].n) continue;
        if (seen % step == 0 || seen == n - 1)
            printf("%10.5g %14.4f %14.3f\n", r->terms[i].t, r->terms[i].rate, r->terms[i].distortion);
        seen++;
    }
}

static void print_result(const likelihood *l)
{
    const ito_vlb_result *r = &l->bound;
    printf("%s on %s: %lld samples\n", l->a->operands[0], l->a->operands[1], (long long)l->n);
    if (l->losses) {
        ito_interval loss = ito_interval_of(l->losses, l->n);
        printf("  loss  %.5f +- %.5f, mean squared error of %s over uniform times\n", loss.mean, loss.se,
               l->info->prediction);
    }
    if (l->vlb)
        printf("  vlb   %.4f +- %.4f bits/dim: prior %.5f, chain %.4f, decoder %.4f\n", r->total, r->total_se, r->prior,
               r->kl, r->decoder);
    if (l->rows) {
        double evals;
        ito_interval bits = nll_interval(l, &evals);
        printf("  nll   %.4f bits/dim (%.4f to %.4f), %.0f evaluations a sample\n", bits.mean, bits.low, bits.high,
               evals);
    }
    if (l->wanted[RATE]) print_curve(r);
}

/* The columns of the terms that were computed, for plots. */
enum { TIME, BITS, X0_MSE, EPS_MSE, RATES, DISTORTION, COLUMNS };

static int columns_of(const ito_vlb_result *r, double *const columns[COLUMNS])
{
    int n = 0;
    for (int i = 0; i < r->n_terms; i++) {
        const ito_vlb_term *t = &r->terms[i];
        const double row[COLUMNS] = {t->t, t->bits, t->x0_mse, t->eps_mse, t->rate, t->distortion};
        if (!t->n) continue;
        for (int k = 0; k < COLUMNS; k++) columns[k][n] = row[k];
        n++;
    }
    return n;
}

static ito_status plot_curve(ito_ctx *ctx, const char *path, int n, double *const c[COLUMNS])
{
    const ito_plot_series series = {.n = n, .x = c[RATES], .y = c[DISTORTION]};
    return ito_plot_write(ctx, path, &series, 1,
                          &(ito_plot_options){.title = "rate and distortion",
                                              .x_label = "rate, bits/dim",
                                              .y_label = "distortion, root mean square of 0..255"});
}

static ito_status plot_terms(ito_ctx *ctx, const char *path, int n, double *const c[COLUMNS])
{
    const ito_plot_series series[] = {
        {.name = "term of the bound", .n = n, .x = c[TIME], .y = c[BITS]},
        {.name = "error of x_0 (right)", .n = n, .x = c[TIME], .y = c[X0_MSE], .is_right = true},
        {.name = "error of eps (right)", .n = n, .x = c[TIME], .y = c[EPS_MSE], .is_right = true},
    };
    return ito_plot_write(ctx, path, series, CLI_COUNT(series),
                          &(ito_plot_options){.title = "terms of the variational bound",
                                              .x_label = "t",
                                              .y_label = "bits/dim",
                                              .right_label = "mean squared error",
                                              .log_y = true});
}

static ito_status write_plot(const likelihood *l, const char *path)
{
    double *columns[COLUMNS];
    for (int k = 0; k < COLUMNS; k++) columns[k] = cli_alloc((size_t)l->bound.n_terms * sizeof *columns[k]);
    int n = columns_of(&l->bound, columns);
    ito_status st =
        l->wanted[RATE] ? plot_curve(l->app->ctx, path, n, columns) : plot_terms(l->app->ctx, path, n, columns);
    for (int k = 0; k < COLUMNS; k++) free(columns[k]);
    return st;
}

/* A row for each of some images: x_0 as it is predicted at ever smaller t, and the image itself. */
static ito_status write_strips(const likelihood *l, const char *path)
{
    int n = l->n < STRIPS ? (int)l->n : STRIPS, of[STRIPS];
    size_t size = sample_size(l);
    for (int k = 0; k < STRIPS; k++) of[k] = (int)((int64_t)k * (l->bound.n_terms - 1) / (STRIPS - 1));
    float *strips = cli_alloc((size_t)n * STRIPS * size * sizeof *strips);
    float *all = cli_alloc((size_t)n * (STRIPS + 1) * size * sizeof *all);
    ito_tensor x = rows_of(l, 0, n);
    ito_image picture;
    ito_status st = ito_vlb_reconstruct(l->vlb, &x, NULL, l->samples, STRIPS, of, strips);
    for (int i = 0; i < n; i++) {
        float *row = all + (size_t)i * (STRIPS + 1) * size;
        memcpy(row, strips + (size_t)i * STRIPS * size, STRIPS * size * sizeof *row);
        memcpy(row + STRIPS * size, l->x + (size_t)i * size, size * sizeof *row);
    }
    ito_grid_options o = {.columns = STRIPS + 1};
    if (st == ITO_OK)
        st = ito_grid_render(l->app->ctx, all, n * (STRIPS + 1), l->info->height, l->info->width, l->info->channels, &o,
                             &picture);
    if (st == ITO_OK) {
        st = ito_image_write_png(l->app->ctx, path, &picture, NULL);
        ito_image_clear(l->app->ctx, &picture);
    }
    free(strips);
    free(all);
    return st;
}

static int write_pictures(const likelihood *l)
{
    const char *plot = args_text(l->a, "plot", NULL), *strips = args_text(l->a, "strips", NULL);
    int status = plot ? cli_make_folder_of(plot) : CLI_DONE;
    if (status == CLI_DONE && strips) status = cli_make_folder_of(strips);
    if (status != CLI_DONE) return status;
    ito_status st = plot ? write_plot(l, plot) : ITO_OK;
    if (st == ITO_OK && strips) st = write_strips(l, strips);
    return st == ITO_OK ? CLI_DONE : cli_fail(l->app, st);
}

/* ---- the command ---- */

static int check_options(const likelihood *l)
{
    bool has_bound = l->wanted[VLB] || l->wanted[RATE];
    if ((args_has(l->a, "plot") || args_has(l->a, "strips")) && !has_bound)
        return cli_usage("eval", "--plot and --strips draw what --metrics vlb or rate-distortion compute");
    if (args_has(l->a, "plot") && cli_check_plot("eval", "plot", args_text(l->a, "plot", "")) != CLI_DONE)
        return CLI_USAGE;
    if (args_int(l->a, "n", 1) < 1 || args_int(l->a, "batch", 1) < 1)
        return cli_usage("eval", "-n and --batch are at least 1");
    if (args_int(l->a, "evals", 2) < 0 || args_int(l->a, "evals", 2) == 1)
        return cli_usage("eval", "--evals is 0 for every term, or at least 2");
    if (args_int(l->a, "probes", 1) < 1) return cli_usage("eval", "--probes is at least 1");
    if (args_has(l->a, "variance"))
        return cli_check_choice(l->app, "eval", "variance", args_text(l->a, "variance", ""));
    return CLI_DONE;
}

static int run_on(likelihood *l, const ito_dataset *data)
{
    int status = eval_check_size(l->a->operands[0], l->info, ito_dataset_get_info(data));
    if (status != CLI_DONE) return status;
    ito_status st = read_images(l, data, args_int(l->a, "n", 100));
    cli_interrupt_catch();
    if (st == ITO_OK) st = run_metrics(l);
    if (st == ITO_OK && cli_interrupted()) return cli_complain("stopped");
    if (st != ITO_OK) return cli_fail(l->app, st);
    status = write_pictures(l);
    if (status != CLI_DONE) return status;
    if (l->app->is_json)
        emit_result(l);
    else
        print_result(l);
    return CLI_DONE;
}

int eval_likelihood(cli *app, const args *a, ito_model *model)
{
    likelihood l = {.app = app, .a = a, .info = ito_model_get_info(model)};
    ito_dataset *data = NULL;
    l.are_points = l.info->height == 1 && l.info->width == 1;
    int status = read_metrics(&l);
    if (status == CLI_DONE) status = check_options(&l);
    if (status == CLI_DONE) status = precision_read(app, a, model, NULL);
    if (status == CLI_DONE) status = eval_open_data(app, a, a->operands[1], l.info, &data);
    if (status != CLI_DONE) return status;
    ito_status st = ito_model_denoiser(model, &l.denoiser);
    status = st == ITO_OK ? run_on(&l, data) : cli_fail(app, st);
    ito_vlb_destroy(l.vlb);
    ito_denoiser_clear(&l.denoiser);
    ito_dataset_destroy(data);
    void *arrays[] = {l.x, l.samples, l.times, l.rows, l.losses};
    for (int i = 0; i < CLI_COUNT(arrays); i++) free(arrays[i]);
    return status;
}
