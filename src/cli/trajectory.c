/* The picture of the reverse path. */
#include "trajectory.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ROWS    4
#define MOST_COLUMNS 8 /* the last is the finished sample */

/* Which step the k-th moment is: spread from the first to the last. */
static int step_of(const trajectory *t, int k)
{
    return t->n_moments == 1 ? 0 : (int)((int64_t)k * (t->n_steps - 1) / (t->n_moments - 1));
}

/* Only the first batch is watched: later ones begin again at step 0, when every moment has been seen. Samplers that ask
 * for x_0 several times in a step show their first question. */
static ito_status watch(void *user, ito_step *step, const ito_level *level, const float *x, float *x0)
{
    trajectory *t = user;
    if (t->n_seen >= t->n_moments || step->index != step_of(t, t->n_seen)) return ITO_OK;
    size_t count = (size_t)t->n_rows * t->size, at = (size_t)t->n_seen * count;
    memcpy(t->x + at, x, count * sizeof *x);
    memcpy(t->x0 + at, x0, count * sizeof *x0);
    t->t[t->n_seen++] = level->t;
    return ITO_OK;
}

void trajectory_begin(trajectory *t, const sampling *s)
{
    const ito_generate_options *o = &s->options;
    int n_first = o->n < o->batch ? o->n : o->batch;
    *t = (trajectory){.n_rows = n_first < MOST_ROWS ? n_first : MOST_ROWS,
                      .n_moments = o->sample.n_steps < MOST_COLUMNS - 1 ? o->sample.n_steps : MOST_COLUMNS - 1,
                      .n_steps = o->sample.n_steps,
                      .size = sampling_image_size(s)};
    size_t count = (size_t)t->n_moments * (size_t)t->n_rows * t->size;
    t->t = cli_alloc((size_t)t->n_moments * sizeof *t->t);
    t->x = cli_alloc(count * sizeof *t->x);
    t->x0 = cli_alloc(count * sizeof *t->x0);
    t->hook = (ito_hook){.user = t, .on_x0 = watch};
}

void trajectory_clear(trajectory *t)
{
    free(t->t);
    free(t->x);
    free(t->x0);
    *t = (trajectory){0};
}

/* Rows of one band: the kept moments, then the finished sample. */
static void fill_band(const trajectory *t, const float *moments, const float *finished, float *out)
{
    for (int row = 0; row < t->n_rows; row++) {
        for (int k = 0; k < t->n_seen; k++, out += t->size)
            memcpy(out, moments + ((size_t)k * (size_t)t->n_rows + (size_t)row) * t->size, t->size * sizeof *out);
        memcpy(out, finished + (size_t)row * t->size, t->size * sizeof *out);
        out += t->size;
    }
}

int trajectory_write(const trajectory *t, const sampling *s, const char *path, const cli_texts *texts)
{
    int columns = t->n_seen + 1, n_band = t->n_rows * columns, n_rows = 2 * t->n_rows;
    float *images = cli_alloc(2 * (size_t)n_band * t->size * sizeof *images);
    const char **labels = cli_alloc(2 * (size_t)n_band * sizeof *labels);
    cli_words times = {0}, rows = {0};
    fill_band(t, t->x, s->images, images);
    fill_band(t, t->x0, s->images, images + (size_t)n_band * t->size);
    for (int k = 0; k < t->n_seen; k++) cli_words_add(&times, "t = %.4g", t->t[k]);
    cli_words_add(&times, "t = %.4g", ito_process_t_min(s->info->process));
    for (int i = 0; i < 2 * n_band; i++) labels[i] = i % n_band < columns ? times.items[i % n_band] : "";
    for (int i = 0; i < n_rows; i++)
        cli_words_add(&rows, "%s %s", i < t->n_rows ? "x_t" : "x_0", sampling_label_name(s, i % t->n_rows));
    ito_grid_options options = {.columns = columns, .labels = labels, .row_labels = (const char *const *)rows.items};
    int status = cli_write_grid(s->app, path, images, 2 * n_band, s->info->height, s->info->width, s->info->channels,
                                &options, texts);
    cli_words_clear(&times);
    cli_words_clear(&rows);
    free(labels);
    free(images);
    return status;
}
