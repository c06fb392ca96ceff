/* What pictures of functions of the plane are made of: a model of points, the data that it was trained on, or data alone. */
#ifndef CLI_PLOT_SCENE_H
#define CLI_PLOT_SCENE_H

#include <ito/mixture.h>

#include "plot_points.h"

/* Zero it and set app first; close it after a failure, too. */
typedef struct plot_scene {
    cli *app;
    ito_model *model;   /* NULL: none */
    ito_dataset *data;  /* NULL: none, or not there any more */
    ito_process *owned; /* the process, when it is not the model's */
    const ito_process *process;
    const ito_mixture *mixture; /* of the data; NULL: none */
    points_kind kind;
    double half; /* of the window, a square around 0 */
} plot_scene;

/* A model of points of two numbers. 0 or the exit status. */
int plot_scene_open_model(plot_scene *s, const char *path);
/* The first operand after the kind: a model, or data that are a mixture. */
int plot_scene_open(plot_scene *s, const args *a);
/* Makes the window hold the noised data at every time. */
int plot_scene_fit(plot_scene *s, const double *times, int n);
void plot_scene_close(plot_scene *s);

#endif
