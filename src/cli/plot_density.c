/* The density that a model has learned, from its exact likelihood at every point of a grid; beside it the data's own where it is
 * known. A point's density is that at the middle of its cell. */
#include <math.h>
#include <stdlib.h>

#include <ito/likelihood.h>

#include "plot_scene.h"

#define CELLS      80 /* along a side */
#define MOST_CELLS 512
#define BATCH      1024
#define ROOM       1.08 /* around the data */
#define TOLERANCE  1e-3 /* of the ODE: colours tell no more */

typedef struct plane {
    plot_scene scene;
    int cells;
    double *learned, *exact; /* [cells, cells], the lowest row first; exact NULL: not known */
    double mass;             /* of the learned density in the window */
} plane;

static void middle(const plane *p, int64_t i, double x[2])
{
    const int64_t cell[2] = {i % p->cells, i / p->cells};
    for (int k = 0; k < 2; k++) x[k] = p->scene.half * (2.0 * ((double)cell[k] + 0.5) / p->cells - 1);
}

static ito_status batch_density(const plane *p, const ito_denoiser *denoiser, int64_t first, int n)
{
    static const ito_nll_options options = {.probe = ITO_PROBE_EXACT, .rtol = TOLERANCE, .atol = TOLERANCE};
    float x[2 * BATCH];
    ito_nll_row rows[BATCH];
    double at[2];
    for (ptrdiff_t i = 0; i < n; i++) {
        middle(p, first + i, at);
        for (int k = 0; k < 2; k++) x[2 * i + k] = (float)at[k];
    }
    ito_tensor in = ito_tensor_view(ITO_F32, ITO_SHAPE(n, 1, 1, 2), x);
    ito_status st = ito_nll(p->scene.app->ctx, p->scene.process, denoiser, &in, NULL, NULL, &options, rows);
    for (int i = 0; i < n && st == ITO_OK; i++) p->learned[first + i] = exp(rows[i].log_density);
    return st;
}

static ito_status learned_density(plane *p)
{
    int64_t n = (int64_t)p->cells * p->cells;
    double side = 2 * p->scene.half / p->cells;
    ito_denoiser denoiser;
    ito_status st = ito_model_denoiser(p->scene.model, &denoiser);
    if (st != ITO_OK) return st;
    for (int64_t i = 0; i < n && st == ITO_OK; i += BATCH)
        st = batch_density(p, &denoiser, i, n - i < BATCH ? (int)(n - i) : BATCH);
    ito_denoiser_clear(&denoiser);
    for (int64_t i = 0; i < n; i++) p->mass += side * side * p->learned[i];
    return st;
}

static void exact_density(plane *p)
{
    const ito_level data = {.signal = 1, .log_snr = (double)INFINITY};
    int64_t n = (int64_t)p->cells * p->cells;
    double x[2];
    p->exact = cli_alloc((size_t)n * sizeof *p->exact);
    for (int64_t i = 0; i < n; i++) {
        middle(p, i, x);
        p->exact[i] = exp(ito_mixture_log_density(p->scene.mixture, &data, ITO_MIXTURE_ALL, x));
    }
}

static double largest(const plane *p)
{
    double most = 0;
    for (int64_t i = 0; i < (int64_t)p->cells * p->cells; i++) {
        most = fmax(most, p->learned[i]);
        if (p->exact) most = fmax(most, p->exact[i]);
    }
    return most;
}

static int draw(const plane *p, const args *a)
{
    const plot_scene *s = &p->scene;
    ito_heat heat = {.rows = p->cells,
                     .columns = p->cells,
                     .value = p->learned,
                     .low = {-s->half, -s->half},
                     .high = {s->half, s->half},
                     .top = largest(p),
                     .is_deep = true};
    ito_heat exact = heat;
    exact.value = p->exact;
    ito_panel panels[2] = {{.title = "learned density", .heat = &heat}, {.title = "exact density", .heat = &exact}};
    points_axes axes;
    ito_panels_options options = {.side = 320, .scale = plot_scale(a)};
    points_axes_set(&s->kind, &axes, &options);
    plot_set_window(&options, s->half);
    const char *out = args_text(a, "out", "density.png");
    int status = points_write_panels(s->app, out, panels, p->exact ? 2 : 1, &options, NULL);
    char *what = cli_format("the density of %s at %d x %d points, %.1f percent of it in the window", a->operands[1],
                            p->cells, p->cells, 100 * p->mass);
    if (status == CLI_DONE) status = plot_report(s->app, "density", out, what);
    free(what);
    return status;
}

/* The window is that of the data with the noise that the density has. */
static int fit(plot_scene *s)
{
    double t = ito_process_n_timesteps(s->process) ? 1 : ito_process_t_min(s->process);
    int status = plot_scene_fit(s, &t, 1);
    s->half *= ROOM;
    return status;
}

int plot_points_density(cli *app, const args *a)
{
    plane p = {.scene = {.app = app}};
    int64_t cells = args_int(a, "grid", CELLS);
    if (cells < 2 || cells > MOST_CELLS)
        return cli_usage("plot", "--grid is %lld, expected 2 to %d", (long long)cells, MOST_CELLS);
    p.cells = (int)cells;
    p.learned = cli_alloc((size_t)(cells * cells) * sizeof *p.learned);
    int status = plot_scene_open_model(&p.scene, a->operands[1]);
    if (status == CLI_DONE) status = fit(&p.scene);
    ito_status st = status == CLI_DONE ? learned_density(&p) : ITO_OK;
    if (st != ITO_OK) status = cli_fail(app, st);
    if (status == CLI_DONE && p.scene.mixture) exact_density(&p);
    if (status == CLI_DONE) status = draw(&p, a);
    free(p.learned);
    free(p.exact);
    plot_scene_close(&p.scene);
    return status;
}
