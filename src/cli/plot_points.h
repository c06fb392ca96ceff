/* What ito plot draws of points: panels side by side, a time each. All return the exit status. */
#ifndef CLI_PLOT_POINTS_H
#define CLI_PLOT_POINTS_H

#include "scatter.h"

#define MOST_TIMES 16

/* The data at several times on their way to noise. */
int plot_points_forward(cli *app, const args *a, const ito_process *process, const ito_dataset *data);
/* A model's cloud at several times on its way from noise. */
int plot_points_reverse(cli *app, const args *a);
/* The ways of a few points: along the ODE, and along the SDE. */
int plot_points_paths(cli *app, const args *a);
/* plot_score.c: the score field, as arrows over the density. */
int plot_points_score(cli *app, const args *a);
/* plot_density.c: the density that a model has learned. */
int plot_points_density(cli *app, const args *a);

/* --times as numbers; *n is 0 when the option is not given. */
int plot_read_times(const args *a, const ito_process *process, double times[MOST_TIMES], int *n);
/* The first n points of a data set, labels -1 where there are none; both are the caller's to free. */
int plot_read_points(cli *app, const ito_dataset *data, int n, float **values, int32_t **labels);
/* A square window around 0 of that half side. */
void plot_set_window(ito_panels_options *options, double half);
int plot_scale(const args *a); /* --scale; 0: the usual */
/* Of the first two numbers of n points: the largest absolute value. */
double plot_reach(const points_kind *kind, int n, const float *values);
/* --out was written: says so. */
int plot_report(cli *app, const char *kind, const char *out, const char *what);

#endif
