/* Points on the way out: as tables (.csv, .npy) in the data's own units, and as scatter plots (.png, .svg). A point is an image of
 * one pixel, its numbers the channels. */
#ifndef CLI_SCATTER_H
#define CLI_SCATTER_H

#include <ito/model.h>
#include <ito/panels.h>

#include "picture.h"

/* What is known of a kind of points: from a data set or a model. Borrows. */
typedef struct points_kind {
    int channels;
    const double *offset, *scale; /* [channels], NULL: 0 and 1 */
    const char *const *names;     /* [channels], or NULL */
    int n_classes;
    const char *const *class_names;
} points_kind;

bool points_are(int height, int width);
points_kind points_kind_of_data(const ito_dataset_info *info);
points_kind points_kind_of_model(const ito_model_info *info);

/* Places in a plot: the first two numbers of each point; points of one number stand at their place in the list, -1..1. The
 * caller frees. */
double *points_places(const points_kind *kind, int n, const float *values);

/* A cloud as marks: one for each class, in its colour, or a single one. */
typedef struct points_cloud {
    int n_marks;
    ito_marks *marks;
    double *xy;
} points_cloud;
/* labels [n]: -1, or beyond the classes, is none; NULL: none at all. is_pale: for what lies over it. */
points_cloud points_cloud_make(const points_kind *kind, int n, const float *values, const int32_t *labels,
                               bool is_pale);
void points_cloud_clear(points_cloud *cloud);

/* Axis labels and units; the rest is the caller's. unit has room for offset and scale of both axes. */
typedef struct points_axes {
    char labels[2][64];
    double offset[2], unit[2];
} points_axes;
void points_axes_set(const points_kind *kind, points_axes *axes, ito_panels_options *options);

/* Into a .png, with texts (or NULL), or a .svg. 0 or the exit status. */
int points_write_panels(const cli *app, const char *path, const ito_panel *panels, int n_panels,
                        const ito_panels_options *options, const cli_texts *texts);
/* A single scatter plot. */
int points_write_plot(const cli *app, const char *path, const points_kind *kind, const points_cloud *cloud,
                      const char *title, int scale, const cli_texts *texts);

bool points_is_table(const char *path); /* .csv or .npy? */
/* A row a point, in the data's own units; in CSV with a header, and the class's name where there are classes. */
int points_write_table(const cli *app, const char *path, const points_kind *kind, int n, const float *values,
                       const int32_t *labels);

#endif
