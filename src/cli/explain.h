/* The numbers behind a choice, for ito explain. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include <ito/process.h>

#include "cli.h"

#define EXPLAIN_ROWS 64

/* One row of a process's table; what it does not have is NaN. The posterior is q(x_s | x_t, x_0). A discrete process has
 * s = t - 1 (or t_min, where that is later); a continuous one has no steps of its own, so s is the time of the row before
 * when that is earlier, else t_min. At t_min there is no posterior. */
typedef struct explain_row {
    ito_level level;
    double alpha_bar, beta, drift, diffusion;
    double s;
    ito_posterior posterior;
    double log_variance_clipped; /* of the posterior; of a chain as ito_variance_log_clipped has it */
} explain_row;

/* What can be computed for a choice: the levels of a process, the times of a spacing. Zero where there is nothing. */
typedef struct explain_numbers {
    int n_rows;
    explain_row rows[EXPLAIN_ROWS];
    const char *process, *spacing;
    int n_times;
    double *times, t_end;
} explain_numbers;

/* settings: "key=value" for the choice's options, ended by NULL; may be NULL. Nothing is printed but complaints; 0 or
 * the exit status. Whoever calls clears in either case. */
int explain_compute(const cli *app, const args *a, const ito_axis *axis, const ito_choice *choice,
                    const char *const *settings, explain_numbers *out);
void explain_clear(explain_numbers *numbers);
/* The curves of a process over all its times into a file, for --plot. 0 or the exit status. */
int explain_plot(const cli *app, const ito_process *process, const char *path);
/* To standard output; with --json as members of the object that is open. */
void explain_print(cli *app, const explain_numbers *numbers);

#endif
