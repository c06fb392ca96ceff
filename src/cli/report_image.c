/* The report on an image file: its size and the texts that say how it was made. */
#include <string.h>

#include <ito/image.h>

#include "report.h"

static void print_image(const char *path, const ito_image *image, const ito_image_texts *texts)
{
    printf("%s: image, %d x %d, %d channel%s\n", path, image->width, image->height, image->channels,
           image->channels == 1 ? "" : "s");
    for (int i = 0; i < texts->n; i++) printf("  %-16s %s\n", texts->items[i].key, texts->items[i].value);
}

static void image_to_json(json_out *j, const char *path, const ito_image *image, const ito_image_texts *texts)
{
    emit_object(j, NULL);
    emit_text(j, "kind", "image");
    emit_text(j, "path", path);
    emit_int(j, "width", image->width);
    emit_int(j, "height", image->height);
    emit_int(j, "channels", image->channels);
    emit_object(j, "texts");
    for (int i = 0; i < texts->n; i++) emit_text(j, texts->items[i].key, texts->items[i].value);
    emit_end(j);
    emit_end(j);
}

/* Only PNG carries texts. */
static bool is_png(const char *path)
{
    unsigned char head[8] = {0};
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    return n == sizeof head && !memcmp(head, "\x89PNG\r\n\x1a\n", sizeof head);
}

int cli_report_image(cli *app, const char *path)
{
    ito_image image;
    ito_image_texts texts = {0};
    ito_status st = ito_image_read(app->ctx, path, ITO_U8, &image);
    if (st != ITO_OK) return cli_fail(app, st);
    if (is_png(path)) st = ito_image_read_texts(app->ctx, path, &texts);
    if (st == ITO_OK && app->is_json) image_to_json(&app->json, path, &image, &texts);
    if (st == ITO_OK && !app->is_json) print_image(path, &image, &texts);
    ito_image_texts_clear(app->ctx, &texts);
    ito_image_clear(app->ctx, &image);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}
