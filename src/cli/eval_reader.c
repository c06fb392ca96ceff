/* Samples of a denoiser of shapes, read by the exact reader: the share whose main figure is the shape that was asked for,
 * beside chance and beside what the reader makes of real pictures of the same size. */
#include <stdlib.h>
#include <string.h>

#include <ito/shapes.h>

#include "eval.h"

/* The class that the reader sees, -1 for none. */
static int read_class(const sampling *s, const float *image, int *out)
{
    ito_scene scene;
    *out = -1;
    ito_status st = ito_shapes_read(s->app->ctx, image, s->info->height, s->info->width, &scene);
    if (st != ITO_OK) return cli_fail(s->app, st);
    const char *name = scene.n_figures ? ito_shapes_name(scene.figures[0].shape) : "";
    for (int k = 0; k < s->info->n_classes; k++)
        if (!strcmp(s->info->class_names[k], name)) *out = k;
    return CLI_DONE;
}

/* Real pictures from the part that training never sees. */
static int read_real(const sampling *s, eval_counts *counts)
{
    double shorter = s->info->height < s->info->width ? s->info->height : s->info->width;
    float *image = cli_alloc(sampling_image_size(s) * sizeof *image);
    int status = CLI_DONE;
    for (int i = 0; i < s->options.n && status == CLI_DONE; i++) {
        int read, label = -1;
        ito_scene scene = ito_shapes_scene(0, 1, (uint64_t)i, 1, s->info->width / shorter, s->info->height / shorter);
        ito_shapes_render(&scene, s->info->height, s->info->width, image, NULL, NULL);
        for (int k = 0; k < s->info->n_classes; k++)
            if (!strcmp(s->info->class_names[k], ito_shapes_name(scene.figures[0].shape))) label = k;
        status = read_class(s, image, &read);
        if (status == CLI_DONE && label >= 0) eval_counts_add(counts, label, read);
    }
    free(image);
    return status;
}

static int read_samples(const sampling *s, eval_counts *counts)
{
    int status = CLI_DONE;
    for (int i = 0; i < s->options.n && status == CLI_DONE; i++) {
        int read;
        status = read_class(s, s->images + (size_t)i * sampling_image_size(s), &read);
        if (status == CLI_DONE && s->labels[i] >= 0) eval_counts_add(counts, s->labels[i], read);
    }
    return status;
}

static void print_scores(const sampling *s, const eval_counts *samples, const eval_counts *real)
{
    if (!s->app->is_json) {
        printf("%s: %.1f %% of %lld samples show the shape asked for (chance %.1f %%; the reader on real pictures "
               "%.1f %%)\n",
               s->path, 100 * eval_share(samples), (long long)samples->n, 100.0 / samples->n_classes,
               100 * eval_share(real));
        eval_counts_print(samples, s->info->class_names, false);
        return;
    }
    json_out *j = &s->app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, "model", s->path);
    emit_int(j, "n", samples->n);
    emit_real(j, "score", eval_share(samples));
    emit_real(j, "chance", 1.0 / samples->n_classes);
    emit_real(j, "reader_on_real", eval_share(real));
    eval_score_to_json(s, samples);
}

static int check_classes(const sampling *s)
{
    if (s->info->channels != 3)
        return cli_complain("%s makes images of %d channels; shapes have 3", s->path, s->info->channels);
    for (int k = 0; k < s->info->n_classes; k++) {
        int shape = 0;
        while (shape < ITO_SHAPES_KINDS && strcmp(s->info->class_names[k], ito_shapes_name(shape)) != 0) shape++;
        if (shape == ITO_SHAPES_KINDS)
            return cli_complain("%s was not trained on shapes: its class '%s' is none of them", s->path,
                                s->info->class_names[k]);
    }
    return CLI_DONE;
}

int eval_with_reader(sampling *s)
{
    eval_counts samples, real;
    int status = check_classes(s);
    if (status == CLI_DONE) status = sampling_run(s, NULL, 0);
    if (status != CLI_DONE) return status;
    eval_counts_create(&samples, s->info->n_classes);
    eval_counts_create(&real, s->info->n_classes);
    status = read_samples(s, &samples);
    if (status == CLI_DONE) status = read_real(s, &real);
    if (status == CLI_DONE) print_scores(s, &samples, &real);
    eval_counts_clear(&samples);
    eval_counts_clear(&real);
    return status;
}
