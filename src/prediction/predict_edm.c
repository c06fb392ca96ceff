/* EDM's preconditioned network F (Karras et al. 2022). In its frame x_hat = x_t / signal has the noise
 * sigma_hat = sigma / signal, and the denoiser is
 *     D = c_skip x_hat + c_out F(c_in x_hat; c_noise),
 *     c_skip = sigma_data^2 / (sigma_hat^2 + sigma_data^2),    c_out = sigma_hat sigma_data / sqrt(sigma_hat^2 + sigma_data^2),
 *     c_in = 1 / sqrt(sigma_hat^2 + sigma_data^2);    c_noise is the process's label.
 * Multiplied out by signal every coefficient stays finite at both ends: at sigma = 0 the output is -eps, at signal = 0
 * it is x_0 / sigma_data, and no level leaves x_0 or eps unknown. */
#include <ito/prediction.h>

#include <math.h>

#define SIGMA_DATA 0.5

static double sigma_data(const ito_opts *opts)
{
    return opts ? ito_opts_real(opts, "sigma_data") : SIGMA_DATA;
}

/* signal sqrt(sigma_hat^2 + sigma_data^2): the deviation of x_t for data of deviation sigma_data */
static double sd_of_x(const ito_opts *opts, const ito_level *t)
{
    return hypot(t->sigma, t->signal * sigma_data(opts));
}

/* The same with sigma_hat - boundary for sigma_hat in c_skip and in the factor of c_out: D is the identity at the boundary. */
static void row_from(double boundary, double sd, const ito_level *t, double r[2])
{
    double sigma_hat = t->sigma / t->signal, over = sigma_hat - boundary, root = sqrt(sigma_hat * sigma_hat + sd * sd);
    /* EQ[consistency:5]  F = (x_0 - c_skip x) / c_out, c_skip = sd^2 / (over^2 + sd^2), c_out = over sd / root */
    r[0] = over * root / (sd * (over * over + sd * sd));
    r[1] = over > 0 ? -sd * sigma_hat * root / (over * (over * over + sd * sd)) : (double)NAN;
}

static void row(const ito_opts *opts, const ito_level *t, double r[2])
{
    double sd = sigma_data(opts), sd_x = sd_of_x(opts, t), boundary = opts ? ito_opts_real(opts, "boundary") : 0;
    if (boundary > 0) {
        row_from(boundary, sd, t, r);
        return;
    }
    /* EQ[edm:7] = EQ[edm:t1]  F = (x_0 - c_skip x_t / signal_t) / c_out, with x_t = signal_t x_0 + sigma_t eps put in */
    r[0] = t->sigma / (sd * sd_x);
    r[1] = -sd * t->signal / sd_x;
    if (!opts || !ito_opts_bool(opts, "negated")) return;
    r[0] = -r[0];
    r[1] = -r[1];
}

static double scale_in(const ito_opts *opts, const ito_level *t)
{
    return 1 / sd_of_x(opts, t); /* EQ[edm:t1]  c_in / signal_t */
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("sigma_data", SIGMA_DATA, 1e-6, 1e6, "standard deviation of the data"),
    ITO_OPT_BOOL("negated", 0, "the output is -F, which diffusers calls v_prediction"),
    ITO_OPT_REAL("boundary", 0, 0, 1e6, "sigma / signal where consistency models are the identity"),
    ITO_OPT_END,
};

const ito_prediction_def ito__prediction_edm = {
    .choice = {.name = "edm",
               .summary = "EDM's preconditioned F, well scaled at every level",
               .formula = "F = (x_0 - c_skip x_t / signal_t) / c_out, the network sees c_in x_t / signal_t",
               .paper = "edm",
               .eq = "edm:7",
               .file = "src/prediction/predict_edm.c",
               .options = options},
    .row = row,
    .scale_in = scale_in,
};
