/* Data set "folder": PNG and JPEG files, one class per sub-folder (files deeper down belong to the sub-folder of the
 * top that they lie in), or one pile without labels when there are no sub-folders with pictures.
 *
 * Two passes: the first reads every file's header and decides size and channels; the second decodes. What cannot be
 * read is passed over and reported, never fatal, unless nothing is left.
 *   channels: 3 when any picture has colour, else 1; one more when alpha=keep and any picture has alpha.
 *   size:     the size of more than half of the pictures when its sides are 8 .. 128, else 64 x 64.
 * Transparency is composited over black unless told otherwise: most tools leave black under transparent pixels. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/pictures.h"
#include "data/scan.h"

extern const ito_dataset_def ito__dataset_folder;

#define MAX_FILE_BYTES  ((size_t)256 << 20)
#define LARGEST_NATURAL 128
#define SMALLEST        8
#define COMMON_SIZE     64

/* What the first pass learns of a file. */
typedef struct found {
    const char *path;
    int top, width, height, channels;
} found;

typedef struct job {
    ito_ctx *ctx;
    ito__pictures *pictures;
    ito__scan scan;
    found *files;
    int n;
    int *class_of; /* of each top folder; -1 for one without pictures */
    double background[3];
    bool keep_alpha;
} job;

static ito_status reject_last(job *j, const char *path, ito_status st)
{
    /* Memory is not the file's fault. The sentence starts with the path, which the report shows already. */
    if (st == ITO_MEMORY) return st;
    const char *reason = ito_last_error(j->ctx);
    size_t n = strlen(path);
    if (!strncmp(reason, path, n) && !strncmp(reason + n, ": ", 2)) reason += n + 2;
    return ito__pictures_reject(j->pictures, path, reason);
}

static ito_status probe(job *j, const ito__scan_file *file)
{
    unsigned char *bytes;
    size_t n;
    ito_image image;
    ito_status st = ito__file_read(j->ctx, file->path, MAX_FILE_BYTES, &bytes, &n);
    if (st != ITO_OK) return reject_last(j, file->path, st);
    st = ito_image_probe(j->ctx, file->path, bytes, n, &image);
    ito__free(j->ctx, bytes);
    if (st != ITO_OK) return reject_last(j, file->path, st);
    j->files[j->n++] = (found){file->path, file->top, image.width, image.height, image.channels};
    return ITO_OK;
}

/* Classes are the top folders that hold pictures; pictures outside all of them are then passed over. */
static ito_status make_classes(job *j)
{
    ito__pictures *p = j->pictures;
    j->class_of = ito__alloc_array(j->ctx, (size_t)j->scan.n_tops, sizeof *j->class_of);
    p->class_names = ito__arena_alloc(p->arena, (size_t)j->scan.n_tops * sizeof *p->class_names);
    if (!j->class_of || !p->class_names) return ITO_MEMORY;
    for (int i = 0; i < j->n; i++)
        if (j->files[i].top >= 0) j->class_of[j->files[i].top] = 1;
    for (int t = 0; t < j->scan.n_tops; t++) {
        bool used = j->class_of[t] != 0;
        j->class_of[t] = used ? p->n_classes : -1;
        if (!used) continue;
        p->class_names[p->n_classes] = ito__arena_strdup(p->arena, j->scan.tops[t]);
        if (!p->class_names[p->n_classes++]) return ITO_MEMORY;
    }
    if (p->n_classes == 0) return ITO_OK;
    int kept = 0;
    for (int i = 0; i < j->n; i++) {
        if (j->files[i].top >= 0)
            j->files[kept++] = j->files[i];
        else
            ITO_TRY(ito__pictures_reject(p, j->files[i].path, "lies beside the class folders; move it into one"));
    }
    j->n = kept;
    return ITO_OK;
}

static int by_size(const void *a, const void *b)
{
    const found *x = a, *y = b;
    return x->width != y->width ? (x->width > y->width) - (x->width < y->width)
                                : (x->height > y->height) - (x->height < y->height);
}

/* Sorted by size, more than half being equal means that the middle one is of that size. */
static ito_status infer_size(job *j, int *width, int *height)
{
    found *sorted = ito__alloc_array(j->ctx, (size_t)j->n, sizeof *sorted);
    if (!sorted) return ITO_MEMORY;
    memcpy(sorted, j->files, (size_t)j->n * sizeof *sorted);
    qsort(sorted, (size_t)j->n, sizeof *sorted, by_size);
    const found *middle = &sorted[j->n / 2];
    int same = 0;
    for (int i = 0; i < j->n; i++) same += !by_size(&sorted[i], middle);
    bool fits = ITO_MIN(middle->width, middle->height) >= SMALLEST &&
                ITO_MAX(middle->width, middle->height) <= LARGEST_NATURAL && 2 * same > j->n;
    *width = fits ? middle->width : COMMON_SIZE;
    *height = fits ? middle->height : COMMON_SIZE;
    ito__free(j->ctx, sorted);
    if (!fits)
        ito__log(j->ctx, ITO_LOG_INFO, "the pictures differ in size or are large: all become %d x %d (size= sets it)",
                 COMMON_SIZE, COMMON_SIZE);
    return ITO_OK;
}

static int infer_channels(const job *j)
{
    bool colour = false, alpha = false;
    for (int i = 0; i < j->n; i++) {
        colour |= j->files[i].channels >= 3;
        alpha |= j->files[i].channels % 2 == 0;
    }
    return (colour ? 3 : 1) + (alpha && j->keep_alpha);
}

static ito_status decode_all(job *j)
{
    for (int i = 0; i < j->n; i++) {
        const found *f = &j->files[i];
        ito_image image;
        ito_status st = ito_image_read(j->ctx, f->path, ITO_U8, &image);
        if (st != ITO_OK) {
            ITO_TRY(reject_last(j, f->path, st));
            continue;
        }
        st = ito__pictures_put(j->pictures, &image, j->background, f->top >= 0 ? j->class_of[f->top] : 0);
        ito_image_clear(j->ctx, &image);
        ITO_TRY(st);
    }
    return ITO_OK;
}

static ito_status fail_empty(const job *j, const char *source)
{
    const ito__pictures *p = j->pictures;
    if (p->n_rejected == 0)
        return ito__fail(j->ctx, ITO_NOT_FOUND, "%s: the folder holds no files; expected PNG or JPEG pictures", source);
    return ito__fail(j->ctx, ITO_NOT_FOUND, "%s: none of %d files is a readable PNG or JPEG; the first, %s: %s", source,
                     p->n_rejected, ito__path_name(p->rejected[0].path), p->rejected[0].reason);
}

/* black, white, or #rrggbb */
static ito_status parse_colour(ito_ctx *ctx, const char *text, double out[3])
{
    unsigned long rgb = 0;
    char *end = NULL;
    if (!strcmp(text, "white"))
        rgb = 0xffffff;
    else if (text[0] == '#' && strlen(text) == 7)
        rgb = strtoul(text + 1, &end, 16);
    else if (strcmp(text, "black") != 0)
        end = (char *)text;
    if (end && *end)
        return ito__fail(ctx, ITO_USAGE, "folder: background is '%s', expected black, white or #rrggbb", text);
    for (int k = 0; k < 3; k++) out[k] = (double)(rgb >> (16 - 8 * k) & 255) / 255.0;
    return ITO_OK;
}

static ito_status load(job *j, const char *source, const ito_opts *opts)
{
    int width = (int)ito_opts_int(opts, "width"), height = (int)ito_opts_int(opts, "size");
    ITO_TRY(parse_colour(j->ctx, ito_opts_text(opts, "background"), j->background));
    j->keep_alpha = ito_opts_choice(opts, "alpha") == 1;
    ITO_TRY(ito__scan_folder(j->ctx, j->pictures->arena, source, &j->scan));
    j->files = ito__alloc_array(j->ctx, (size_t)j->scan.n, sizeof *j->files);
    if (!j->files) return ITO_MEMORY;
    for (int i = 0; i < j->scan.n; i++) ITO_TRY(probe(j, &j->scan.files[i]));
    ITO_TRY(make_classes(j));
    if (j->n == 0) return fail_empty(j, source);
    if (height == 0)
        ITO_TRY(infer_size(j, &width, &height));
    else if (width == 0)
        width = height;
    int channels = (int)ito_opts_int(opts, "channels");
    ITO_TRY(ito__pictures_reserve(j->pictures, j->n, height, width, channels ? channels : infer_channels(j)));
    ITO_TRY(decode_all(j));
    return j->pictures->n > 0 ? ITO_OK : fail_empty(j, source);
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    job j = {.ctx = ctx};
    ito_status st = ito__pictures_create(ctx, &j.pictures);
    *state = j.pictures;
    if (st == ITO_OK) st = load(&j, source, opts);
    if (st == ITO_OK) ito__pictures_describe(j.pictures, info);
    ito__scan_clear(ctx, &j.scan);
    ito__free(ctx, j.files);
    ito__free(ctx, j.class_of);
    return st;
}

static const char *const alphas[] = {"composite", "keep", NULL};

static const ito_opt_def options[] = {
    ITO_OPT_INT("size", 0, 0, 4096, "height (and width) to scale and cut to; 0 takes it from the pictures"),
    ITO_OPT_INT("width", 0, 0, 4096, "width where it differs from size"),
    ITO_OPT_INT("channels", 0, 0, 4, "1 grey, 3 RGB, 2 and 4 with alpha; 0 takes it from the pictures"),
    ITO_OPT_CHOICE("alpha", 0, alphas, "composite transparency over the background, or keep it as a channel"),
    ITO_OPT_TEXT("background", "black", "under transparent pixels: black, white or #rrggbb"),
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_folder = {
    .choice = {.name = "folder",
               .summary = "PNG and JPEG files, one class per sub-folder",
               .file = "src/data/data_folder.c",
               .options = options},
    .fits = ito__path_is_dir,
    .create = create,
    .destroy = ito__pictures_destroy,
    .get = ito__pictures_get,
};
