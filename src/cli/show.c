/* Pictures on a terminal: every character is an upper half block, its colour one pixel and its ground the one below. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "picture.h"

#define USUAL_WIDTH 80

bool cli_wants_show(const cli *app, const args *a)
{
    if (app->is_json || args_has(a, "no-show")) return false;
    return args_has(a, "show") || isatty(STDOUT_FILENO);
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < 8) return USUAL_WIDTH;
    return size.ws_col;
}

static const unsigned char *pixel(const ito_image *image, int x, int y)
{
    static const unsigned char black[3] = {0, 0, 0};
    if (y >= image->height) return black;
    return (const unsigned char *)image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

static void print_rows(const ito_image *image)
{
    for (int y = 0; y < image->height; y += 2) {
        for (int x = 0; x < image->width; x++) {
            const unsigned char *top = pixel(image, x, y), *low = pixel(image, x, y + 1);
            printf("\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\u2580", top[0], top[1], top[2], low[0], low[1], low[2]);
        }
        puts("\033[0m");
    }
}

int cli_show_image(const cli *app, const ito_image *image)
{
    ito_image colours, fitted;
    int width = terminal_width();
    ito_status st = ito_image_convert(app->ctx, image, 3, NULL, &colours);
    if (st != ITO_OK) return cli_fail(app, st);
    if (colours.width <= width) {
        print_rows(&colours);
    } else {
        int height = (int)((int64_t)colours.height * width / colours.width);
        st = ito_image_fit(app->ctx, &colours, width, height > 0 ? height : 1, &fitted);
        if (st == ITO_OK) print_rows(&fitted);
        if (st == ITO_OK) ito_image_clear(app->ctx, &fitted);
    }
    ito_image_clear(app->ctx, &colours);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}
