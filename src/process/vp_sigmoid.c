/* alpha_bar falls along a piece of the sigmoid (Jabri, Fleet, Chen 2022; listed as code by Chen 2023): from 1 at the data down to clip_min.
 *
 * With a(u) = (start + u (end - start)) / tau, alpha_bar(u) = (sigmoid(a(1)) - sigmoid(a(u))) / (sigmoid(a(1)) -
 * sigmoid(a(0))). Differences of sigmoids are products, sigmoid(a) - sigmoid(b) = sinh((a - b) / 2) / (2 cosh(a / 2)
 * cosh(b / 2)), so neither alpha_bar near 0 nor 1 - alpha_bar near 0 loses digits. */
#include "process/vp_table.h"

#include <math.h>

#include "base/base.h"

/* A piece of sigmoid that ends at `at`, of the whole that ends at `other` beyond it: the quotient of their heights. */
static double share(double piece, double whole, double at, double other)
{
    return sinh(0.5 * piece) / sinh(0.5 * whole) * cosh(0.5 * other) / cosh(0.5 * at);
}

static double log_alpha_bar(const ito_opts *opts, double u)
{
    double tau = ito_opts_real(opts, "tau");
    double start = ito_opts_real(opts, "start") / tau, end = ito_opts_real(opts, "end") / tau;
    double at = u < 1 ? start + u * (end - start) : end, whole = end - start;
    /* EQ[jabri:code]  alpha_bar(u) = max((sigmoid(a(1)) - sigmoid(a(u))) / (sigmoid(a(1)) - sigmoid(a(0))), clip_min),
     * a(u) = (start + u (end - start)) / tau */
    double left = share(end - at, whole, at, start), gone = share(at - start, whole, at, end);
    double value = left < 0.5 ? log(left) : log1p(-gone);
    return fmax(value, log(ito_opts_real(opts, "clip_min")));
}

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    const char *name = "vp-sigmoid";
    int n_timesteps = (int)ito_opts_int(opts, "T");
    double start = ito_opts_real(opts, "start"), end = ito_opts_real(opts, "end");
    if (!(start < end))
        return ito__fail(ctx, ITO_USAGE,
                         "process %s: start is %g and end %g, but alpha_bar must fall: give start < end", name, start,
                         end);
    ITO_TRY(ito__vp_begin(ctx, n_timesteps, state));
    for (int t = 1; t <= n_timesteps; t++) {
        double value = log_alpha_bar(opts, (double)t / n_timesteps);
        ITO_TRY(ito__vp_put_log_alpha_bar(ctx, name, *state, t, value));
    }
    return ito__vp_finish(ctx, name, opts, ends, *state);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("T", 1000, 1, 1000000, "number of timesteps"),
    ITO_OPT_REAL("start", -3, -20, 20, "where the sigmoid's piece starts"),
    ITO_OPT_REAL("end", 3, -20, 20, "where it ends"),
    ITO_OPT_REAL("tau", 1, 0.1, 100, "temperature: both ends are divided by it"),
    ITO_OPT_REAL("clip_min", 1e-9, 1e-30, 1, "no alpha_bar is smaller, so that some signal is left at T"),
    ITO__VP_ZERO_SNR,
    ITO_OPT_END,
};

const ito_process_def ito__process_vp_sigmoid = {
    .choice = {.name = "vp-sigmoid",
               .summary = "variance preserving, alpha_bar falls along a sigmoid",
               .formula = "alpha_bar_t = (sigmoid(a(1)) - sigmoid(a(t/T))) / (sigmoid(a(1)) - sigmoid(a(0))), "
                          "a(u) = (start + u (end - start)) / tau",
               .paper = "jabri",
               .eq = "jabri:code",
               .file = "src/process/vp_sigmoid.c",
               .options = options},
    .create = create,
    ITO__VP_FUNCTIONS,
};
