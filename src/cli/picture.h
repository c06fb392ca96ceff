/* Pictures that the program writes: grids, single images, what stands in their text chunks, the terminal. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <ito/grid.h>
#include <ito/image.h>

#include "cli.h"

/* Text chunks under construction; the keys are constants, the values owned. */
typedef struct cli_texts {
    ito_image_text items[24];
    int n;
} cli_texts;
void cli_texts_add(cli_texts *texts, const char *key, const char *format, ...) CLI_PRINTF(3, 4);
void cli_texts_clear(cli_texts *texts);

/* texts may be NULL. 0 or the exit status. */
int cli_write_picture(const cli *app, const char *path, const ito_image *image, const cli_texts *texts);
/* A grid of images [n, height, width, channels] in -1..1 into a PNG file. texts may be NULL. 0 or the exit status. */
int cli_write_grid(const cli *app, const char *path, const float *images, int n, int height, int width, int channels,
                   const ito_grid_options *options, const cli_texts *texts);
/* One image in -1..1, pixel for pixel. */
int cli_write_image(const cli *app, const char *path, const float *image, int height, int width, int channels,
                    const cli_texts *texts);

/* A plot's file ends in .png or .svg: 0, or a usage error that names the option. */
int cli_check_plot(const char *command, const char *option, const char *path);

/* The folder and those above it that are missing. */
int cli_make_folder(const char *path);
int cli_make_folder_of(const char *file);

/* On a terminal: half-block characters in 24-bit colour, shrunk to the terminal's width. */
int cli_show_image(const cli *app, const ito_image *image);
bool cli_wants_show(const cli *app, const args *a); /* --show, --no-show, or a terminal */
#define SHOW_OPTIONS                                                                                                   \
    {"show", ARG_FLAG, NULL, "show the picture in the terminal [when it is one]"},                                     \
    {                                                                                                                  \
        "no-show", ARG_FLAG, NULL, "do not"                                                                            \
    }

#endif
