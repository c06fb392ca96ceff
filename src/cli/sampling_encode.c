/* ito sample --encode: images up to their noise along the model's ODE (DDIM inversion), and down again to see how well that went. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/data.h>

#include "sampling.h"
#include "scatter.h"

/* ---- what is encoded ---- */

static ito_status read_file(const sampling *s, const char *path, float *out)
{
    ito_ctx *ctx = s->app->ctx;
    ito_image file, right, fitted;
    ito_status st = ito_image_read(ctx, path, ITO_U8, &file);
    if (st != ITO_OK) return st;
    st = ito_image_convert(ctx, &file, s->info->channels, NULL, &right);
    ito_image_clear(ctx, &file);
    if (st != ITO_OK) return st;
    st = ito_image_fit(ctx, &right, s->info->width, s->info->height, &fitted);
    ito_image_clear(ctx, &right);
    if (st != ITO_OK) return st;
    ito_image_to_unit(fitted.pixels, sampling_image_size(s), out);
    ito_image_clear(ctx, &fitted);
    return ITO_OK;
}

/* The data set, of the model's size where it can be had in any. */
static int open_data(const sampling *s, const char *source, ito_dataset **out)
{
    const ito_dataset_def *def;
    const ito_dataset_info *info;
    char size[32];
    const char *settings[] = {NULL, NULL};
    snprintf(size, sizeof size, "size=%d", s->info->width);
    ito_status st = ito_dataset_detect(s->app->ctx, source, &def);
    if (st != ITO_OK) return cli_fail(s->app, st);
    for (const ito_opt_def *o = def->choice.options; o && o->name; o++)
        if (!strcmp(o->name, "size")) settings[0] = size;
    st = ito_data_open(s->app->ctx, source, settings, out);
    if (st != ITO_OK) return cli_fail(s->app, st);
    info = ito_dataset_get_info(*out);
    if (info->width == s->info->width && info->height == s->info->height && info->channels == s->info->channels)
        return CLI_DONE;
    return cli_complain("%s has images of %d x %d x %d, %s is of %d x %d x %d", source, info->width, info->height,
                        info->channels, s->path, s->info->width, s->info->height, s->info->channels);
}

static int read_first(const sampling *s, const ito_dataset *data, const char *source, float *images)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    ito_status st = ITO_OK;
    if (info->n_samples && info->n_samples < s->options.n)
        return cli_complain("%s has %lld images, -n is %d", source, (long long)info->n_samples, s->options.n);
    void **out = cli_alloc((size_t)info->n_fields * sizeof *out);
    for (int i = 0; i < s->options.n && st == ITO_OK; i++) {
        out[ito_dataset_field(data, "image")] = images + (size_t)i * sampling_image_size(s);
        st = ito_dataset_get(data, s->app->ctx, i, out);
    }
    free(out);
    return st == ITO_OK ? CLI_DONE : cli_fail(s->app, st);
}

static int read_data(const sampling *s, const char *source, float *images)
{
    ito_dataset *data = NULL;
    int status = open_data(s, source, &data);
    if (status == CLI_DONE) status = read_first(s, data, source, images);
    ito_dataset_destroy(data);
    return status;
}

static int read_images(const sampling *s, const char *source, float *images)
{
    if (!cli_ends_in(source, ".png") && !cli_ends_in(source, ".jpg") && !cli_ends_in(source, ".jpeg"))
        return read_data(s, source, images);
    if (s->options.n != 1) return cli_usage("sample", "--encode %s is one image, -n is %d", source, s->options.n);
    ito_status st = read_file(s, source, images);
    return st == ITO_OK ? CLI_DONE : cli_fail(s->app, st);
}

/* ---- what comes out ---- */

/* numpy's format 1.0, float32 [n, H, W, C]. A file is written beside its place and moved there. */
static int write_npy(const sampling *s, const char *path)
{
    char header[128];
    const ito_model_info *info = s->info;
    size_t count = (size_t)s->options.n * sampling_image_size(s);
    int used = snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }",
                        s->options.n, info->height, info->width, info->channels);
    int status = cli_make_folder_of(path);
    if (status != CLI_DONE) return status;
    char *part = cli_format("%s.part", path);
    FILE *file = fopen(part, "wb");
    memset(header + used, ' ', sizeof header - (size_t)used);
    header[117] = '\n';
    bool good = file && fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file) == 10 && fwrite(header, 1, 118, file) == 118;
    for (size_t i = 0; good && i < count; i++) {
        unsigned char bytes[4];
        uint32_t bits;
        memcpy(&bits, &s->images[i], sizeof bits);
        for (int b = 0; b < 4; b++) bytes[b] = (unsigned char)(bits >> 8 * b);
        good = fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes;
    }
    if (file && fclose(file) != 0) good = false;
    if (good && rename(part, path) != 0) good = false;
    if (!good) status = cli_complain("%s cannot be written: %s", path, strerror(errno));
    if (!good) remove(part);
    free(part);
    return status;
}

static void report(const sampling *s, const char *out, const char *what, double number)
{
    json_out *j = &s->app->json;
    if (!s->app->is_json) {
        bool is_noise = !strcmp(what, "noise_rms");
        printf(is_noise ? "%s: the noise of %d images, root mean square %.3g\n"
                        : "%s: %d images above what came back from their noise, %.3g apart (root mean square, -1..1)\n",
               out, s->options.n, number);
        return;
    }
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, "out", out);
    emit_int(j, "n", s->options.n);
    emit_rounded(j, what, number, 6);
    emit_end(j);
}

/* Down again; a row of what was encoded above a row of what came back, and how far they are apart. */
static int decode(sampling *s, const args *a, const char *out)
{
    size_t count = (size_t)s->options.n * sampling_image_size(s);
    float *both = s->start; /* [2 n]: the originals, then room */
    double squares = 0;
    memcpy(both + count, s->images, count * sizeof *both);
    s->options.sample.encode = false;
    s->options.sample.start = both + count;
    s->n_done = 0;
    int status = sampling_one_label(s, a); /* the run has written there what it used */
    if (status == CLI_DONE) status = sampling_run(s, NULL, 0);
    if (status != CLI_DONE) return status;
    for (size_t i = 0; i < count; i++)
        squares += ((double)s->images[i] - (double)both[i]) * ((double)s->images[i] - (double)both[i]);
    memcpy(both + count, s->images, count * sizeof *both);
    ito_grid_options options = {.columns = s->options.n};
    status = cli_write_grid(s->app, out, both, 2 * s->options.n, s->info->height, s->info->width, s->info->channels,
                            &options, NULL);
    if (status == CLI_DONE) report(s, out, "rms", sqrt(squares / (double)count));
    return status;
}

/* Of noise: its own root mean square, which is near the prior's deviation where the way was long enough. */
static void report_latents(const sampling *s, const char *out)
{
    size_t count = (size_t)s->options.n * sampling_image_size(s);
    double squares = 0;
    for (size_t i = 0; i < count; i++) squares += (double)s->images[i] * (double)s->images[i];
    report(s, out, "noise_rms", sqrt(squares / (double)count));
}

int sampling_encode(sampling *s, const args *a, const char *source, const char *out)
{
    size_t count = (size_t)s->options.n * sampling_image_size(s);
    bool is_table = cli_ends_in(out, ".npy");
    if (points_are(s->info->height, s->info->width))
        return cli_usage("sample", "--encode is for images, and %s makes points", s->path);
    if (!is_table && !cli_ends_in(out, ".png"))
        return cli_usage("sample", "--encode writes noise into FILE.npy or a picture into FILE.png, not '%s'", out);
    int status = sampling_one_label(s, a);
    if (status != CLI_DONE) return status;
    s->start = cli_alloc(2 * count * sizeof *s->start);
    status = read_images(s, source, s->start);
    if (status != CLI_DONE) return status;
    s->options.sample.start = s->start;
    s->options.sample.encode = true;
    if (!args_has(a, "clip")) s->options.sample.clip = "none"; /* clipped steps are not undone by the way back */
    if (!args_has(a, "guidance")) s->options.guidance = 1;
    status = sampling_run(s, NULL, 0);
    if (status != CLI_DONE || !is_table) return status == CLI_DONE ? decode(s, a, out) : status;
    status = write_npy(s, out);
    if (status == CLI_DONE) report_latents(s, out);
    return status;
}
