/* Every process with every prediction, trained for a few seconds on the mixture in the plane and held against what is known of it:
 * the rows of docs/proof.md, as Markdown on standard output. `make proof` runs it. Arguments: what is
 * wanted, PROCESS or PROCESS:PREDICTION (none: all). */
#include "quality/plane.h"

#include <time.h>

#define N_FLOORS  16
#define N_ENTROPY 1000000
#define SIZE      "steps=3000 batch=256"

/* What a process is trained with. time_scale brings its labels to a range of about 1000, which the network's sines and cosines were
 * made for; ladder and betas have a hundred steps; EDM's levels are spread
 * wider than the paper's, which are for its own prediction. The rest are defaults. */
typedef struct process_case {
    const char *name, *settings;
    bool log_times;
} process_case;

static const process_case process_cases[] = {
    {"vp-laplace", "process.b=1.5", false},
    {"vp-betas", "architecture.time_scale=10", false},
    {"ve-sde", "architecture.time_scale=100", false},
    {"ve-geometric", "process.T=100 process.sigma_max=50 architecture.time_scale=10", false},
    {"edm", "architecture.time_scale=250 timedist=log-normal timedist.mean=0 timedist.sd=2", true},
};

/* Each prediction is weighed as its papers do. */
static const char *const prediction_cases[][2] = {
    {"x0", "weighting=truncated-snr"},
    {"score", "weighting=sigma2"},
    {"mu", "weighting=snr"},
    {"edm", "weighting=edm timedist=log-normal"},
};

static process_case process_case_of(const char *name)
{
    for (int i = 0; i < ITO_COUNT(process_cases); i++)
        if (!strcmp(process_cases[i].name, name)) return process_cases[i];
    return (process_case){name, "", false};
}

static const char *prediction_case_of(const char *name)
{
    for (int i = 0; i < ITO_COUNT(prediction_cases); i++)
        if (!strcmp(prediction_cases[i][0], name)) return prediction_cases[i][1];
    return "";
}

/* A hundred betas that rise linearly from 1e-4 to 0.2. */
static void write_betas(char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "process.betas=");
    for (int t = 0; t < 100; t++)
        n += (size_t)snprintf(text + n, size - n, "%s%.5f", t ? "," : "", 1e-4 + t * (0.2 - 1e-4) / 99);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ito_status measure(plane *p, const plane_choice *c, plane_report *r)
{
    ITO_TRY(plane_score_error(p, r));
    ITO_TRY(plane_samples(p, c->log_times, r));
    return plane_likelihood(p, r);
}

/* Does the combination have a meaning? */
static ito_status check(ito_ctx *ctx, const plane_choice *c)
{
    const ito_process_def *process;
    ito_prediction prediction;
    ITO_TRY(ito_process_find(ctx, c->process, &process));
    ITO_TRY(ito_prediction_find(ctx, c->prediction, &prediction));
    if (prediction.def->row_to && !process->is_discrete)
        return ito__fail(ctx, ITO_USAGE, "there is no step t - 1 in continuous time");
    return ITO_OK;
}

/* Nats as a number of a table. */
static const char *nats(double value, bool with_sign, char text[32])
{
    const char *format = fabs(value) < 1e3 ? (with_sign ? "%+.3f" : "%.3f") : with_sign ? "%+.1e" : "%.1e";
    snprintf(text, 32, format, value);
    return text;
}

static void print_row(ito_ctx *ctx, const plane_choice *c)
{
    char dir[] = "/tmp/ito_proof_XXXXXX";
    plane p = {0};
    plane_report r = {0};
    char total[32], over[32];
    double start = now();
    ito_status st = check(ctx, c);
    if (st != ITO_OK) {
        printf("| `%s` | `%s` | %s | | | | | |\n", c->process, c->prediction, ito_last_error(ctx));
        return;
    }
    if (!mkdtemp(dir)) return;
    st = plane_train(ctx, c, dir);
    if (st == ITO_OK) st = plane_open(ctx, dir, &p);
    if (st == ITO_OK) st = measure(&p, c, &r);
    if (st != ITO_OK)
        printf("| `%s` | `%s` | failed: %s | | | | | |\n", c->process, c->prediction, ito_last_error(ctx));
    else
        printf("| `%s` | `%s` | %.3f | %.3f at %.2g | %.1f | %s | %s | %.1e |\n", c->process, c->prediction, r.eps_rms,
               r.worst_rms, r.worst_sigma, 1e4 * r.energy, nats(r.nll, false, total),
               nats(r.nll - r.nll_exact, true, over), r.ode_error);
    fprintf(stderr, "%s, %s: %.1f s\n", c->process, c->prediction, now() - start);
    fflush(stdout);
    plane_close(&p);
    scratch_remove(dir);
}

/* only: NULL, or the one prediction wanted. */
static void print_process(ito_ctx *ctx, const char *name, const char *only)
{
    static char settings[2048];
    const ito_axis *axis = ito_axis_find("prediction");
    process_case p = process_case_of(name);
    size_t n = (size_t)snprintf(settings, sizeof settings, "%s ", p.settings);
    if (!strcmp(name, "vp-betas")) write_betas(settings + n, sizeof settings - n);
    for (int k = 0; k < axis->n_builtin; k++) {
        const char *prediction = axis->builtin[k]->name;
        plane_choice c = {.process = name,
                          .process_settings = settings,
                          .prediction = prediction,
                          .prediction_settings = prediction_case_of(prediction),
                          .size = SIZE,
                          .log_times = p.log_times};
        if (!only || !strcmp(only, prediction)) print_row(ctx, &c);
    }
}

static void print_wanted(ito_ctx *ctx, char *wanted)
{
    char *colon = strchr(wanted, ':');
    if (colon) *colon = 0;
    print_process(ctx, wanted, colon ? colon + 1 : NULL);
}

/* What a perfect model would have: the root mean square of the energy distances of pairs of fresh sets, and the entropy. */
static ito_status print_floor(ito_ctx *ctx)
{
    ito_dataset *data;
    double sum = 0, distance, entropy = 0, squares = 0;
    const ito_level at_data = {.signal = 1, .log_snr = (double)INFINITY};
    ITO_TRY(ito_data_open(ctx, "mixture", plane_data, &data));
    const ito_mixture *mixture = ito_dataset_mixture(data);
    ito_status st = ITO_OK;
    for (int k = 0; k < N_FLOORS && st == ITO_OK; k++) {
        st = plane_floor(ctx, mixture, k, &distance);
        sum += distance * distance;
    }
    for (int i = 0; i < N_ENTROPY && st == ITO_OK; i++) {
        float x[2];
        ito_mixture_draw(mixture, ITO_MIXTURE_ALL, PLANE_SEED_SCORED, (uint64_t)i, 1, x);
        double at[2] = {(double)x[0], (double)x[1]};
        double nats = -ito_mixture_log_density(mixture, &at_data, ITO_MIXTURE_ALL, at);
        entropy += nats / N_ENTROPY;
        squares += nats * nats / N_ENTROPY;
    }
    ito_dataset_destroy(data);
    ITO_TRY(st);
    printf("Two fresh sets of %d points are %.1f (root mean square of %d pairs) apart; the mixture's entropy is %.4f "
           "+- %.4f "
           "nats.\n",
           PLANE_POINTS, 1e4 * sqrt(sum / N_FLOORS), N_FLOORS, entropy,
           sqrt((squares - entropy * entropy) / N_ENTROPY));
    return ITO_OK;
}

int main(int argc, char **argv)
{
    ito_ctx *ctx;
    const ito_axis *axis = ito_axis_find("process");
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 1;
    if (argc > 1 && !strcmp(argv[1], "--floor")) {
        ito_status st = print_floor(ctx);
        if (st != ITO_OK) fprintf(stderr, "%s\n", ito_last_error(ctx));
        ito_ctx_destroy(ctx);
        return st != ITO_OK;
    }
    for (int k = 0; k < axis->n_builtin && argc == 1; k++) print_process(ctx, axis->builtin[k]->name, NULL);
    for (int k = 1; k < argc; k++) print_wanted(ctx, argv[k]);
    ito_ctx_destroy(ctx);
    return 0;
}
