/* ito explain --plot: a process's curves over time. */
#include <stdlib.h>

#include <ito/plot.h>

#include "explain.h"
#include "picture.h"

#define N_POINTS 401

int explain_plot(const cli *app, const ito_process *process, const char *path)
{
    int status = cli_check_plot("explain", "plot", path);
    if (status != CLI_DONE) return status;
    double *t = cli_alloc((size_t)N_POINTS * sizeof *t * 4);
    double *signal = t + N_POINTS, *sigma = signal + N_POINTS, *log_snr = sigma + N_POINTS;
    double low = ito_process_t_min(process), high = ito_process_t_max(process);
    for (int i = 0; i < N_POINTS; i++) {
        ito_level at = ito_process_level(process, low + (high - low) * i / (N_POINTS - 1));
        t[i] = at.t;
        signal[i] = at.signal;
        sigma[i] = at.sigma;
        log_snr[i] = at.log_snr;
    }
    const ito_plot_series series[] = {
        {.name = "signal", .n = N_POINTS, .x = t, .y = signal},
        {.name = "sigma", .n = N_POINTS, .x = t, .y = sigma},
        {.name = "log-SNR (right)", .n = N_POINTS, .x = t, .y = log_snr, .is_right = true},
    };
    ito_plot_options options = {.title = ito_process_get_def(process)->choice.name,
                                .x_label = "t",
                                .y_label = "signal, sigma",
                                .right_label = "log-SNR"};
    status = cli_make_folder_of(path);
    ito_status st = status == CLI_DONE ? ito_plot_write(app->ctx, path, series, CLI_COUNT(series), &options) : ITO_OK;
    free(t);
    return st == ITO_OK ? status : cli_fail(app, st);
}
