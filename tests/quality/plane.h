/* A network of a few seconds on the Gaussian mixture in the plane, and how far it is from what is known of it: a combination of
 * process and prediction is trained by the recipe `points` without labels, and its score, its samples and its likelihood are held
 * against the closed forms. Seeds are fixed; the points of the measurements are not those of the training. */
#ifndef ITO_TESTS_PLANE_H
#define ITO_TESTS_PLANE_H

#include "scratch.h"

#include <math.h>

#include <ito/ito.h>

#include "base/base.h"

#define PLANE_POINTS   4000 /* of each set whose energy distance is taken */
#define PLANE_STEPS    100  /* of the sampler */
#define PLANE_LEVELS   12
#define PLANE_AT_LEVEL 1000
#define PLANE_SCORED   250  /* points whose likelihood is integrated */
#define PLANE_CLEANEST 0.03 /* sigma / signal where scores are compared: a fifth of a mode's deviation ... */
#define PLANE_NOISIEST 8.0  /* ... and ten times the mixture's extent */
#define PLANE_RANGE    1.5  /* five deviations beyond the modes */
#define PLANE_WORDS    32

/* Five modes, each three times wider than the default: a small network finds them in seconds. */
static const char *const plane_data[] = {"modes=5", "sd=0.15", NULL};

enum { PLANE_SEED_SCORED = 11, PLANE_SEED_FRESH, PLANE_SEED_LEVELS = 100 };

/* Settings are texts "name=value" with blanks between them; "" is none. */
typedef struct plane_choice {
    const char *process, *process_settings, *prediction, *prediction_settings, *size;
    bool log_times; /* sample at times evenly in log sigma instead of the recorded ones */
} plane_choice;

typedef struct plane_report {
    double eps_rms, worst_rms, worst_sigma; /* of eps over all levels; at the worst of them, and its sigma / signal */
    double energy;                          /* of samples and fresh data */
    double nll, nll_exact;                  /* of the model and of the exact denoiser, both by the ODE */
    double ode_error;                       /* of the exact denoiser's ODE: the largest of a point */
} plane_report;

typedef struct plane {
    ito_ctx *ctx;
    ito_dataset *data;
    const ito_mixture *mixture;
    ito_model *model;
    const ito_process *process;
    ito_denoiser denoiser;
} plane;

/* ---- training ---- */

static inline void plane_add(char *room, const char **words, int *n, const char *texts)
{
    snprintf(room, 1024, "%s", texts);
    for (char *word = strtok(room, " "); word && *n < PLANE_WORDS - 1; word = strtok(NULL, " ")) words[(*n)++] = word;
}

static inline ito_status plane_train(ito_ctx *ctx, const plane_choice *c, const char *dir)
{
    char rooms[5][1024], names[2][64];
    const char *words[PLANE_WORDS] = {0};
    int n = 0;
    snprintf(names[0], sizeof names[0], "process=%s", c->process);
    snprintf(names[1], sizeof names[1], "prediction=%s", c->prediction);
    words[n++] = names[0];
    words[n++] = names[1];
    plane_add(rooms[0], words, &n, "label_dropout=1 sample_every=1000000 checkpoint_every=1000000 log_every=1000");
    plane_add(rooms[1], words, &n, "architecture.hidden_width=64 architecture.n_blocks=3");
    plane_add(rooms[2], words, &n, c->process_settings);
    plane_add(rooms[3], words, &n, c->prediction_settings);
    plane_add(rooms[4], words, &n, c->size);
    ito_train_result result;
    return ito_train(
        ctx,
        &(ito_train_options){
            .data = "mixture", .data_settings = plane_data, .out = dir, .recipe = "points", .settings = words},
        &result);
}

static inline void plane_close(plane *p)
{
    ito_denoiser_clear(&p->denoiser);
    ito_model_destroy(p->model);
    ito_dataset_destroy(p->data);
    *p = (plane){0};
}

/* The caller closes, after a failure too. */
static inline ito_status plane_open(ito_ctx *ctx, const char *dir, plane *p)
{
    *p = (plane){.ctx = ctx};
    ITO_TRY(ito_data_open(ctx, "mixture", plane_data, &p->data));
    ITO_TRY(ito_model_open(ctx, dir, &p->model));
    ITO_TRY(ito_model_denoiser(p->model, &p->denoiser));
    p->mixture = ito_dataset_mixture(p->data);
    p->process = ito_model_get_info(p->model)->process;
    return ITO_OK;
}

/* ---- the score ---- */

/* Mean of (eps_hat - E[eps | x_t])^2, which is that of sigma times the score, over points of q(x_t). */
static inline ito_status plane_level_error(const plane *p, const ito_level *t, int k, double *out)
{
    enum { N = PLANE_AT_LEVEL };
    static float x0[2 * N], x[2 * N], y[2 * N];
    static double times[N];
    ito_tensor in = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1, 1, 2), x), said = in;
    said.data = y;
    ito_mixture_draw(p->mixture, ITO_MIXTURE_ALL, (uint64_t)(PLANE_SEED_LEVELS + k), 0, N, x0);
    ito_rng_normal((ito_rng_key){.seed = PLANE_SEED_LEVELS, .stream = ITO_STREAM_USER, .step = (uint32_t)k}, 0, 2 * N,
                   x);
    for (ptrdiff_t i = 0; i < 2 * N; i++) x[i] = (float)(t->signal * (double)x0[i] + t->sigma * (double)x[i]);
    for (int i = 0; i < N; i++) times[i] = t->t;
    ITO_TRY(p->denoiser.eval(p->denoiser.self, p->ctx, &in, times, NULL, &said, NULL));
    ito_prediction_map map = ito_prediction_map_in(&p->denoiser.prediction, p->process, t);
    double sum = 0;
    for (ptrdiff_t i = 0; i < N; i++) {
        double at[2] = {(double)x[2 * i], (double)x[2 * i + 1]}, eps[2];
        ito_mixture_estimate(p->mixture, t, ITO_MIXTURE_ALL, at, NULL, eps);
        for (int j = 0; j < 2; j++) {
            double error = map.eps_x * at[j] + map.eps_out * (double)y[2 * i + j] - eps[j];
            sum += error * error;
        }
    }
    *out = sum / (2 * N);
    return ITO_OK;
}

/* Levels evenly in log(sigma / signal), as far as the process has them. */
static inline ito_status plane_score_error(const plane *p, plane_report *r)
{
    int n = ito_process_n_timesteps(p->process);
    double first = n ? 1 : ito_process_t_min(p->process), last = ito_process_t_max(p->process), sum = 0;
    double low = fmax(log(PLANE_CLEANEST), -0.5 * ito_process_log_snr(p->process, first));
    double high = fmin(log(PLANE_NOISIEST), -0.5 * ito_process_log_snr(p->process, last));
    r->worst_rms = 0;
    for (int k = 0; k < PLANE_LEVELS; k++) {
        double t = ito_process_time(p->process, -2 * (low + (high - low) * k / (PLANE_LEVELS - 1))), mean;
        ito_level level = ito_process_level(p->process, n ? fmax(rint(t), 1) : t);
        ITO_TRY(plane_level_error(p, &level, k, &mean));
        sum += mean;
        if (!(sqrt(mean) <= r->worst_rms)) {
            r->worst_rms = sqrt(mean);
            r->worst_sigma = exp(-0.5 * level.log_snr);
        }
    }
    r->eps_rms = sqrt(sum / PLANE_LEVELS);
    return ITO_OK;
}

/* ---- samples ---- */

/* Of two fresh sets, the k-th pair: what no sampler can be told from. */
static inline ito_status plane_floor(ito_ctx *ctx, const ito_mixture *mixture, int k, double *out)
{
    static float x[2 * PLANE_POINTS], y[2 * PLANE_POINTS];
    ito_mixture_draw(mixture, ITO_MIXTURE_ALL, PLANE_SEED_FRESH, (uint64_t)(2 * k + 1) * PLANE_POINTS, PLANE_POINTS, x);
    ito_mixture_draw(mixture, ITO_MIXTURE_ALL, PLANE_SEED_FRESH, (uint64_t)(2 * k + 2) * PLANE_POINTS, PLANE_POINTS, y);
    return ito_energy_distance(ctx, x, PLANE_POINTS, y, PLANE_POINTS, 2, out);
}

/* Times as the recorded spacing "trailing" has them, or evenly in log sigma. Where the prediction leaves x_0 open at the noisy end
 * (eps where there is no signal), the first is a little before it. */
static inline void plane_times(const plane *p, bool is_log, double times[PLANE_STEPS])
{
    double last = ito_process_t_max(p->process);
    ito_level top = ito_process_level(p->process, last);
    for (int k = 0; k < PLANE_STEPS; k++) {
        double share = 1 - (double)k / PLANE_STEPS;
        times[k] = is_log ? ito_process_time(p->process, -2 * (log(0.01) + share * (log(top.sigma) - log(0.01))))
                          : ito_process_t_min(p->process) + share * (last - ito_process_t_min(p->process));
    }
    if (!ito_prediction_map_in(&p->denoiser.prediction, p->process, &top).has_x0)
        times[0] = ito_process_time(p->process, 2 * log(1e-3));
}

/* x_0 is clipped to PLANE_RANGE, as the papers of eps do: where nearly no signal is left its error is eps's by 1 / signal. */
static inline ito_status plane_draw(const plane *p, bool is_log, float *x)
{
    double times[PLANE_STEPS];
    const ito_clip_def *clip;
    ito_opts *opts;
    int n = ito_process_n_timesteps(p->process);
    ito_generate_options o = {.n = PLANE_POINTS, .batch = PLANE_POINTS, .sample = {.n_steps = PLANE_STEPS, .seed = 5}};
    ITO_TRY(ito_clip_find(p->ctx, "static", &clip));
    ITO_TRY(ito_opts_create(p->ctx, clip->choice.options, &opts));
    plane_times(p, is_log, times);
    if (!n) o.sample.times = times;
    if (n && n < PLANE_STEPS) o.sample.n_steps = n;
    o.sample.clip = "static";
    o.sample.clip_opts = opts;
    ito_status st = ito_opts_set_number(opts, "clip", "range", PLANE_RANGE);
    if (st == ITO_OK) st = ito_generate(p->model, &o, x, NULL);
    ito_opts_destroy(opts);
    return st;
}

static inline ito_status plane_samples(const plane *p, bool is_log, plane_report *r)
{
    static float x[2 * PLANE_POINTS], fresh[2 * PLANE_POINTS];
    ITO_TRY(plane_draw(p, is_log, x));
    ito_mixture_draw(p->mixture, ITO_MIXTURE_ALL, PLANE_SEED_FRESH, 0, PLANE_POINTS, fresh);
    return ito_energy_distance(p->ctx, x, PLANE_POINTS, fresh, PLANE_POINTS, 2, &r->energy);
}

/* ---- likelihood ---- */

static inline double plane_mean_nll(const ito_nll_row *rows, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum -= rows[i].log_density;
    return sum / n;
}

/* Of the same points by the model and by the exact denoiser. Likelihoods are those of x_0 with the noise of the cleanest level: x_0
 * stands for x_t / signal, whose density is signal^2 q(x_t). */
static inline ito_status plane_likelihood(const plane *p, plane_report *r)
{
    enum { N = PLANE_SCORED };
    static float x[2 * N];
    ito_nll_row rows[N];
    ito_nll_options o = {.probe = ITO_PROBE_EXACT};
    ito_denoiser exact;
    ito_tensor in = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1, 1, 2), x);
    ito_mixture_draw(p->mixture, ITO_MIXTURE_ALL, PLANE_SEED_SCORED, 0, N, x);
    ito_status st = ito_nll(p->ctx, p->process, &p->denoiser, &in, NULL, NULL, &o, rows);
    r->nll = st == ITO_OK ? plane_mean_nll(rows, N) : (double)INFINITY; /* where a path leaves the numbers */
    if (st != ITO_NUMERIC) ITO_TRY(st);
    ITO_TRY(ito_mixture_denoiser(p->ctx, p->mixture, p->process, "v", &exact));
    in.shape = ITO_SHAPE(N, 2);
    in = ito_tensor_view(ITO_F32, in.shape, x);
    st = ito_nll(p->ctx, p->process, &exact, &in, NULL, NULL, &o, rows);
    ito_denoiser_clear(&exact);
    ITO_TRY(st);
    r->nll_exact = plane_mean_nll(rows, N);
    double t = ito_process_n_timesteps(p->process) ? 1 : ito_process_time(p->process, -2 * log(1e-3));
    ito_level first = ito_process_level(p->process, t);
    r->ode_error = 0;
    for (ptrdiff_t i = 0; i < N; i++) {
        double at[2] = {first.signal * (double)x[2 * i], first.signal * (double)x[2 * i + 1]};
        double law = ito_mixture_log_density(p->mixture, &first, ITO_MIXTURE_ALL, at) + 2 * log(first.signal);
        r->ode_error = fmax(r->ode_error, fabs(rows[i].log_density - law));
    }
    return ITO_OK;
}

#endif
