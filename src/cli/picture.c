/* Writing pictures. */
#include "picture.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void cli_texts_add(cli_texts *texts, const char *key, const char *format, ...)
{
    va_list va;
    va_start(va, format);
    char value[256];
    int n = vsnprintf(value, sizeof value, format, va);
    va_end(va);
    assert(texts->n < CLI_COUNT(texts->items));
    char *text = cli_alloc((size_t)n + 1);
    va_start(va, format);
    vsnprintf(text, (size_t)n + 1, format, va);
    va_end(va);
    texts->items[texts->n].key = (char *)key;
    texts->items[texts->n++].value = text;
}

void cli_texts_clear(cli_texts *texts)
{
    for (int i = 0; i < texts->n; i++) free(texts->items[i].value);
    *texts = (cli_texts){0};
}

int cli_write_picture(const cli *app, const char *path, const ito_image *image, const cli_texts *texts)
{
    ito_image_texts all = {0};
    if (texts) all = (ito_image_texts){texts->n, (ito_image_text *)texts->items};
    int status = cli_make_folder_of(path);
    if (status != CLI_DONE) return status;
    ito_status st = ito_image_write_png(app->ctx, path, image, texts ? &all : NULL);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

int cli_write_grid(const cli *app, const char *path, const float *images, int n, int height, int width, int channels,
                   const ito_grid_options *options, const cli_texts *texts)
{
    ito_image grid;
    ito_status st = ito_grid_render(app->ctx, images, n, height, width, channels, options, &grid);
    if (st != ITO_OK) return cli_fail(app, st);
    int status = cli_write_picture(app, path, &grid, texts);
    ito_image_clear(app->ctx, &grid);
    return status;
}

int cli_write_image(const cli *app, const char *path, const float *image, int height, int width, int channels,
                    const cli_texts *texts)
{
    ito_image picture;
    ito_status st = ito_image_create(app->ctx, width, height, channels, ITO_U8, &picture);
    if (st != ITO_OK) return cli_fail(app, st);
    ito_image_from_unit(image, (size_t)height * (size_t)width * (size_t)channels, picture.pixels);
    int status = cli_write_picture(app, path, &picture, texts);
    ito_image_clear(app->ctx, &picture);
    return status;
}

int cli_check_plot(const char *command, const char *option, const char *path)
{
    if (cli_ends_in(path, ".png") || cli_ends_in(path, ".svg")) return CLI_DONE;
    return cli_usage(command, "--%s is '%s', but plots are drawn as .png or .svg", option, path);
}

int cli_make_folder(const char *path)
{
    char *copy = cli_format("%s", path);
    int status = CLI_DONE;
    for (char *at = copy + 1; *copy && status == CLI_DONE; at++) {
        char kept = *at;
        if (kept != '/' && kept) continue;
        *at = 0;
        if (mkdir(copy, 0777) && errno != EEXIST) status = cli_complain("%s: %s", copy, strerror(errno));
        *at = kept;
        if (!kept) break;
    }
    free(copy);
    return status;
}

int cli_make_folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash || slash == file) return CLI_DONE;
    char *folder = cli_format("%.*s", (int)(slash - file), file);
    int status = cli_make_folder(folder);
    free(folder);
    return status;
}
