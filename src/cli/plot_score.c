/* The score field at several times: arrows over the density of x_t. The arrows are a model's, the exact ones of a mixture, or both;
 * the density is exact of a mixture, and otherwise counted from noised data. Arrows point along the score; their length grows with
 * its norm up to the distance of the grid: |s| / (|s| + median of |s|). */
#include <math.h>
#include <stdlib.h>

#include <ito/mixture.h>
#include <ito/prediction.h>
#include <ito/rng.h>

#include "plot_scene.h"

#define N_TIMES   3
#define GRID      19 /* arrows along a side */
#define CELLS     80 /* of the density, along a side */
#define N_COUNTED 200000

/* ---- the density ---- */

static double cell_middle(const plot_scene *s, int k)
{
    return s->half * (2.0 * (k + 0.5) / CELLS - 1);
}

static void exact_density(const plot_scene *s, const ito_level *t, double *value)
{
    for (int r = 0; r < CELLS; r++)
        for (int c = 0; c < CELLS; c++) {
            double x[2] = {cell_middle(s, c), cell_middle(s, r)};
            value[r * CELLS + c] = exp(ito_mixture_log_density(s->mixture, t, ITO_MIXTURE_ALL, x));
        }
}

/* Averages of a cell and its neighbours, [1 2 1] / 4 along each axis, so that counts do not speckle. */
static void smooth(double *value)
{
    double row[CELLS];
    for (int pass = 0; pass < 4; pass++) {
        int step = pass % 2 ? CELLS : 1, other = pass % 2 ? 1 : CELLS;
        for (ptrdiff_t i = 0; i < CELLS; i++) {
            for (ptrdiff_t k = 0; k < CELLS; k++) row[k] = value[i * other + k * step];
            for (ptrdiff_t k = 0; k < CELLS; k++)
                value[i * other + k * step] =
                    0.25 * (row[k ? k - 1 : 0] + 2 * row[k] + row[k < CELLS - 1 ? k + 1 : CELLS - 1]);
        }
    }
}

/* Counts noised points. */
static ito_status counted_density(const plot_scene *s, const ito_level *t, uint64_t seed, double *value)
{
    const ito_dataset_info *info = ito_dataset_get_info(s->data);
    void **out = cli_alloc((size_t)info->n_fields * sizeof *out);
    float x0[2], eps[2];
    ito_status st = ITO_OK;
    out[ito_dataset_field(s->data, "image")] = x0;
    for (int i = 0; i < N_COUNTED && st == ITO_OK; i++) {
        ito_rng_key key = {.seed = seed, .stream = ITO_STREAM_NOISE, .sample = (uint64_t)i};
        int cell[2];
        st = ito_dataset_get(s->data, s->app->ctx, info->n_samples ? i % info->n_samples : i, out);
        ito_rng_normal(key, 0, 2, eps);
        bool inside = st == ITO_OK;
        for (int k = 0; k < 2 && inside; k++) {
            double x = t->signal * (double)x0[k] + t->sigma * (double)eps[k];
            cell[k] = (int)floor(0.5 * (x / s->half + 1) * CELLS);
            inside = cell[k] >= 0 && cell[k] < CELLS;
        }
        if (inside) value[cell[1] * CELLS + cell[0]]++;
    }
    smooth(value);
    free(out);
    return st;
}

/* ---- the arrows ---- */

static void grid_point(const plot_scene *s, int i, double x[2])
{
    int row = i / GRID, column = i % GRID;
    x[0] = s->half * (2.0 * (column + 0.5) / GRID - 1);
    x[1] = s->half * (2.0 * (row + 0.5) / GRID - 1);
}

/* score = -eps_hat / sigma, eps_hat from what the network says. */
static ito_status model_score(const plot_scene *s, const ito_level *t, double *score)
{
    enum { N = GRID * GRID };
    float x[2 * N], y[2 * N] = {0};
    double times[N], at[2];
    ito_denoiser denoiser;
    ito_tensor in = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1, 1, 2), x);
    ito_tensor out = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1, 1, 2), y);
    ito_status st = ito_model_denoiser(s->model, &denoiser);
    if (st != ITO_OK) return st;
    ito_prediction_map map = ito_prediction_map_in(&denoiser.prediction, s->process, t);
    for (int i = 0; i < N; i++) {
        grid_point(s, i, at);
        x[2 * i] = (float)at[0];
        x[2 * i + 1] = (float)at[1];
        times[i] = t->t;
    }
    st = denoiser.eval(denoiser.self, s->app->ctx, &in, times, NULL, &out, NULL);
    for (int k = 0; k < 2 * N; k++) score[k] = -(map.eps_x * (double)x[k] + map.eps_out * (double)y[k]) / t->sigma;
    ito_denoiser_clear(&denoiser);
    return st;
}

static void exact_score(const plot_scene *s, const ito_level *t, double *score)
{
    double x[2];
    for (int i = 0; i < GRID * GRID; i++) {
        grid_point(s, i, x);
        ito_mixture_score(s->mixture, t, ITO_MIXTURE_ALL, x, score + 2 * (ptrdiff_t)i);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_norm(const double *score)
{
    double norm[GRID * GRID];
    for (int i = 0; i < GRID * GRID; i++) norm[i] = hypot(score[2 * i], score[2 * i + 1]);
    qsort(norm, GRID * GRID, sizeof *norm, by_size);
    return norm[GRID * GRID / 2];
}

/* [GRID * GRID, 4]; usual: the norm that makes an arrow half as long as it can be. */
static void make_arrows(const plot_scene *s, const double *score, double usual, double *arrows)
{
    double longest = 2 * s->half / GRID * 1.1;
    for (int i = 0; i < GRID * GRID; i++) {
        double *arrow = arrows + 4 * (ptrdiff_t)i, norm = hypot(score[2 * i], score[2 * i + 1]);
        double scale = norm + usual > 0 ? longest / (norm + usual) : 0;
        grid_point(s, i, arrow);
        for (int k = 0; k < 2; k++) arrow[2 + k] = arrow[k] + scale * score[2 * i + k];
    }
}

/* ---- panels ---- */

typedef struct field {
    double density[CELLS * CELLS], arrows[2][4 * GRID * GRID];
    ito_marks marks[2];
    int n_marks;
    ito_heat heat;
    bool has_heat;
} field;

static ito_status make_field(const plot_scene *s, double t, uint64_t seed, field *f)
{
    ito_level level = ito_process_level(s->process, t);
    double score[2 * GRID * GRID], usual = 0;
    ito_status st = ITO_OK;
    f->has_heat = s->data != NULL;
    f->heat = (ito_heat){
        .rows = CELLS, .columns = CELLS, .value = f->density, .low = {-s->half, -s->half}, .high = {s->half, s->half}};
    if (s->mixture) {
        exact_density(s, &level, f->density);
        exact_score(s, &level, score);
        usual = median_norm(score);
        make_arrows(s, score, usual, f->arrows[0]);
        f->marks[f->n_marks++] = (ito_marks){.name = "exact score",
                                             .kind = ITO_MARK_ARROWS,
                                             .n = GRID * GRID,
                                             .xy = f->arrows[0],
                                             .colour = 1,
                                             .size = s->model ? 2.4 : 1.2,
                                             .opacity = s->model ? 0.55 : 1};
    } else if (s->data) {
        st = counted_density(s, &level, seed, f->density);
    }
    if (st != ITO_OK || !s->model) return st;
    st = model_score(s, &level, score);
    if (st != ITO_OK) return st;
    make_arrows(s, score, usual > 0 ? usual : median_norm(score), f->arrows[1]);
    f->marks[f->n_marks++] = (ito_marks){.name = "the model's score",
                                         .kind = ITO_MARK_ARROWS,
                                         .n = GRID * GRID,
                                         .xy = f->arrows[1],
                                         .colour = 6,
                                         .size = 1};
    return st;
}

/* Unless they were given: where sigma is 0.1, 0.25 and 0.6 of a variance preserving process. */
static int read_times(const plot_scene *s, const args *a, double times[MOST_TIMES], int *n)
{
    static const double log_snr[N_TIMES] = {4.595, 2.708, 0.575};
    int status = plot_read_times(a, s->process, times, n);
    if (status != CLI_DONE) return status;
    for (int k = 0; k < *n; k++)
        if (!(ito_process_sigma(s->process, times[k]) > 0))
            return cli_usage("plot", "--times has %g, where there is no noise and no score", times[k]);
    if (*n) return CLI_DONE;
    for (int k = 0; k < N_TIMES; k++) {
        double t = ito_process_time(s->process, log_snr[k]);
        times[(*n)++] = ito_process_n_timesteps(s->process) ? fmax(1, round(t)) : t;
    }
    return CLI_DONE;
}

static int draw(plot_scene *s, const args *a, const double *times, int n)
{
    field *fields = cli_alloc((size_t)n * sizeof *fields);
    ito_panel panels[MOST_TIMES];
    cli_words titles = {0};
    ito_status st = ITO_OK;
    for (int k = 0; k < n && st == ITO_OK; k++) {
        st = make_field(s, times[k], (uint64_t)args_int(a, "seed", 0), &fields[k]);
        cli_words_add(&titles, "t = %.4g, sigma = %.2g", times[k], ito_process_sigma(s->process, times[k]));
        panels[k] = (ito_panel){.n_marks = fields[k].n_marks,
                                .marks = fields[k].marks,
                                .heat = fields[k].has_heat ? &fields[k].heat : NULL};
    }
    for (int k = 0; k < n && st == ITO_OK; k++) panels[k].title = titles.items[k];
    points_axes axes;
    ito_panels_options options = {.side = 280, .scale = plot_scale(a), .columns = n <= 3 ? n : 3};
    points_axes_set(&s->kind, &axes, &options);
    plot_set_window(&options, s->half);
    const char *out = args_text(a, "out", "score.png");
    int status = st == ITO_OK ? points_write_panels(s->app, out, panels, n, &options, NULL) : cli_fail(s->app, st);
    char *what = cli_format("the score of %s at %d time%s", a->operands[1], n, n == 1 ? "" : "s");
    if (status == CLI_DONE) status = plot_report(s->app, "score", out, what);
    cli_words_clear(&titles);
    free(what);
    free(fields);
    return status;
}

int plot_points_score(cli *app, const args *a)
{
    plot_scene s = {.app = app};
    double times[MOST_TIMES];
    int n = 0, status = plot_scene_open(&s, a);
    if (status == CLI_DONE) status = read_times(&s, a, times, &n);
    if (status == CLI_DONE) status = plot_scene_fit(&s, times, n);
    if (status == CLI_DONE) status = draw(&s, a, times, n);
    plot_scene_close(&s);
    return status;
}
