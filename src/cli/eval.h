/* The parts of ito eval. All return the exit status. */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include "sampling.h"

/* How often each class was read as which: counts [n_classes, n_classes + 1], true class by what was read; the last column
 * counts what could not be read. */
typedef struct eval_counts {
    int n_classes;
    int64_t *counts, n, n_right;
} eval_counts;
void eval_counts_create(eval_counts *c, int n_classes);
void eval_counts_add(eval_counts *c, int label, int read); /* read -1: nothing */
void eval_counts_clear(eval_counts *c);
double eval_share(const eval_counts *c);
void eval_counts_to_json(json_out *j, const eval_counts *c, const char *const *names, bool with_confusion);
/* The end of the object that tells a denoiser's score: how it was sampled, its classes. */
void eval_score_to_json(const sampling *s, const eval_counts *c);
void eval_counts_print(const eval_counts *c, const char *const *names, bool with_confusion);

/* The data of `source`, its test part where it has one and nothing else was asked for, at the size of the model's images. */
int eval_open_data(cli *app, const args *a, const char *source, const ito_model_info *info, ito_dataset **out);
/* A complaint unless the data's images are as large as the model's. */
int eval_check_size(const char *path, const ito_model_info *model, const ito_dataset_info *data);

int eval_accuracy(cli *app, const args *a, ito_model *classifier, const char *path);
int eval_with_classifier(sampling *s, const char *path);
int eval_with_reader(sampling *s);
int eval_metrics(cli *app, const args *a, ito_model *model);    /* --metrics */
int eval_file(cli *app, const args *a);                         /* --samples */
int eval_likelihood(cli *app, const args *a, ito_model *model); /* those of a denoiser on data */

#endif
