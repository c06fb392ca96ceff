/* Importance sampling by the second moment of the loss (Nichol, Dhariwal 2021, section 3.3): timesteps whose losses are
 * large are seen more often and count less, which leaves the mean of the loss as it is and makes it less noisy. Meant
 * for the vlb weighting.
 *
 * The last `history` losses of every timestep are kept. Until each has so many, times are uniform. From then on
 *     p_t = (1 - uniform) sqrt(mean L_t^2) / sum + uniform / T,
 * and a loss counts 1 / (T p_t).
 *
 * All state is one block, which a checkpoint writes and reads in place: how many losses were seen of each timestep (the
 * next one goes to place seen modulo history), the losses, and the cumulated probabilities, which are made anew with
 * every batch. A block of zeros has seen nothing. */
#include <ito/timedist.h>

#include <assert.h>
#include <math.h>

#include "base/base.h"

typedef struct importance {
    int n_timesteps, n_history;
    double uniform;
    size_t bytes;       /* of the block */
    int64_t *seen;      /* [T]: the block starts here */
    double *loss;       /* [T, n_history] */
    double *cumulative; /* [T + 1]: of timesteps up to t; all 0 while times are uniform */
} importance;

static ito_status create(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, void **state)
{
    int n = ito_process_n_timesteps(process), history = (int)ito_opts_int(opts, "history");
    if (!n)
        return ito__fail(
            ctx, ITO_USAGE,
            "time distribution importance keeps losses of every timestep, but time is continuous in process "
            "%s: take a discrete process or another distribution, such as uniform",
            ito_process_get_def(process)->choice.name);
    importance *d = *state = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = (importance){.n_timesteps = n, .n_history = history, .uniform = ito_opts_real(opts, "uniform")};
    size_t words = (size_t)n * (size_t)(history + 2) + 1;
    d->bytes = words * sizeof *d->loss;
    d->seen = ito__alloc_array(ctx, words, sizeof *d->loss);
    if (!d->seen) return ITO_MEMORY;
    d->loss = (double *)(void *)(d->seen + n);
    d->cumulative = d->loss + (size_t)n * (size_t)history;
    return ITO_OK;
}

static void destroy(ito_ctx *ctx, void *state)
{
    importance *d = state;
    if (d) ito__free(ctx, d->seen);
    ito__free(ctx, d);
}

static bool is_warm(const importance *d)
{
    for (int i = 0; i < d->n_timesteps; i++)
        if (d->seen[i] < d->n_history) return false;
    return true;
}

/* sqrt(mean L^2) of timestep i + 1 */
static double moment(const importance *d, int i)
{
    double sum = 0;
    for (int k = 0; k < d->n_history; k++) {
        double loss = d->loss[(size_t)i * (size_t)d->n_history + (size_t)k];
        sum += loss * loss;
    }
    return sqrt(sum / d->n_history);
}

static void update(importance *d)
{
    double total = 0, *c = d->cumulative;
    int n = d->n_timesteps;
    for (int i = 0; i < n; i++) c[i + 1] = total += moment(d, i);
    for (int i = 1; i <= n; i++) {
        double share = (double)i / n, of_loss = total > 0 ? c[i] / total : share;
        /* EQ[iddpm:18]  p_t in proportion to sqrt(E[L_t^2]), here summed up to t */
        c[i] = (1 - d->uniform) * of_loss + d->uniform * share;
    }
    c[n] = 1;
}

/* A loss that is not finite ends a run; it must not spoil what a checkpoint keeps. */
static void observe(void *state, int n, const double *t, const double *loss)
{
    importance *d = state;
    for (int i = 0; i < n; i++) {
        int at = (int)t[i] - 1;
        assert(at >= 0 && at < d->n_timesteps);
        if (!isfinite(loss[i])) continue;
        d->loss[(size_t)at * (size_t)d->n_history + (size_t)(d->seen[at]++ % d->n_history)] = loss[i];
    }
    if (is_warm(d)) update(d);
}

static double quantile(const void *state, double u, double *factor)
{
    const importance *d = state;
    const double *c = d->cumulative;
    int low = 0, high = d->n_timesteps; /* c[low] <= u < c[high] */
    if (!(c[high] > 0)) return 1 + fmin(floor(u * high), high - 1);
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (c[middle] <= u)
            low = middle;
        else
            high = middle;
    }
    *factor = 1 / (d->n_timesteps *
                   (c[high] - c[low])); /* EQ[iddpm:18]  L_t / (T p_t): the mean stays that of uniform times */
    return high;
}

static void *history(void *state, size_t *bytes)
{
    importance *d = state;
    *bytes = d->bytes;
    return d->seen;
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("history", 10, 1, 1000, "losses kept of every timestep"),
    ITO_OPT_REAL("uniform", 0.001, 1e-6, 1, "share of uniform times mixed in, so that every timestep is seen"),
    ITO_OPT_END,
};

const ito_timedist_def ito__timedist_importance = {
    .choice = {.name = "importance",
               .summary = "timesteps with large losses more often, with the mean unchanged",
               .formula = "p_t ~ sqrt(mean L_t^2) over the last losses, the loss times 1 / (T p_t)",
               .paper = "iddpm",
               .eq = "iddpm:18",
               .file = "src/timedist/importance.c",
               .options = options},
    .create = create,
    .destroy = destroy,
    .quantile = quantile,
    .observe = observe,
    .history = history,
};
