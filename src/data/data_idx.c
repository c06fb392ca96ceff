/* Data set "idx": MNIST and its kin (LeCun, Bottou, Bengio, Haffner 1998). A folder with the official file names, with
 * or without .gz, or one file of images, whose labels lie beside it under the same name with labels and idx1 for images
 * and idx3. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "data/pictures.h"
#include "format/gzip.h"
#include "format/idx.h"

extern const ito_dataset_def ito__dataset_idx;

#define PATH_BYTES 4096

static const char *const splits[] = {"train", "test", NULL};

/* The file of a part ("train", "t10k") in one of the spellings that are about; false when there is none. */
static bool find_file(const char *folder, const char *part, const char *what, char path[PATH_BYTES])
{
    static const char *const joints[] = {"-", "."}, *const endings[] = {"", ".gz"};
    for (int i = 0; i < 4; i++) {
        int n = snprintf(path, PATH_BYTES, "%s/%s-%s%sidx%d-ubyte%s", folder, part, what, joints[i / 2],
                         what[0] == 'i' ? 3 : 1, endings[i % 2]);
        if (n < PATH_BYTES && ito__path_exists(path)) return true;
    }
    return false;
}

static bool fits(const char *path)
{
    char found[PATH_BYTES];
    unsigned char start[4] = {0};
    if (ito__path_is_dir(path))
        return find_file(path, "train", "images", found) || find_file(path, "t10k", "images", found);
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    size_t n = fread(start, 1, sizeof start, file);
    fclose(file);
    if (ito__gzip_is(start, n)) return strstr(ito__path_name(path), "idx") != NULL;
    return n == 4 && !start[0] && !start[1] && start[2] == 8 && (start[3] == 3 || start[3] == 4);
}

/* images-idx3 becomes labels-idx1; false when the name has no such parts or no such file is there. */
static bool labels_beside(const char *images, char path[PATH_BYTES])
{
    static const char *const words[][2] = {{"images", "labels"}, {"idx3", "idx1"}};
    if (snprintf(path, PATH_BYTES, "%s", images) >= PATH_BYTES) return false;
    for (int i = 0; i < 2; i++) {
        char *name = strrchr(path, '/'), *at = strstr(name ? name : path, words[i][0]);
        if (!at) return false;
        memcpy(at, words[i][1], strlen(words[i][1])); /* both words are of one length */
    }
    return ito__path_exists(path);
}

static ito_status find_pair(ito_ctx *ctx, const char *source, int split, char images[PATH_BYTES],
                            char labels[PATH_BYTES], bool *has_labels)
{
    const char *part = split ? "t10k" : "train";
    if (!ito__path_is_dir(source)) {
        *has_labels = labels_beside(source, labels);
        if (snprintf(images, PATH_BYTES, "%s", source) < PATH_BYTES) return ITO_OK;
        return ito__fail(ctx, ITO_IO, "the path is longer than %d bytes", PATH_BYTES);
    }
    *has_labels = find_file(source, part, "labels", labels);
    if (find_file(source, part, "images", images)) return ITO_OK;
    return ito__fail(ctx, ITO_NOT_FOUND, "%s: no %s-images-idx3-ubyte or %s-images-idx3-ubyte.gz (split=%s)", source,
                     part, part, splits[split]);
}

static ito_status read_images(ito_ctx *ctx, const char *path, ito__idx *images)
{
    char text[ITO_SHAPE_TEXT];
    ITO_TRY(ito__idx_read(ctx, path, images));
    const int64_t *d = images->shape.d;
    int n_dims = images->shape.n_dims;
    bool ok = images->dtype == ITO_U8 && (n_dims == 3 || (n_dims == 4 && d[3] >= 1 && d[3] <= 4)) && d[0] >= 1;
    if (ok && d[1] >= 1 && d[2] >= 1 && d[1] <= ITO_IMAGE_MAX_SIDE && d[2] <= ITO_IMAGE_MAX_SIDE) return ITO_OK;
    return ito__fail(ctx, ITO_FORMAT, "%s: expected bytes [n, height, width], found %s %s", path,
                     ito_dtype_name(images->dtype), ito_shape_text(images->shape, text));
}

/* Labels as int32, and names "0", "1", ... for as many classes as the largest asks for. */
static ito_status read_labels(ito__pictures *p, const char *path, int64_t n, int32_t *out)
{
    ito__idx labels;
    char text[ITO_SHAPE_TEXT];
    int32_t largest = 0;
    ITO_TRY(ito__idx_read(p->ctx, path, &labels));
    ito_status st = ITO_OK;
    if (labels.dtype != ITO_U8 || !ito_shape_equal(labels.shape, ITO_SHAPE(n)))
        st = ito__fail(p->ctx, ITO_FORMAT, "%s: expected %lld labels of one byte, found %s %s", path, (long long)n,
                       ito_dtype_name(labels.dtype), ito_shape_text(labels.shape, text));
    for (int64_t i = 0; st == ITO_OK && i < n; i++) {
        out[i] = ((const unsigned char *)labels.data)[i];
        largest = ITO_MAX(largest, out[i]);
    }
    ito__idx_clear(p->ctx, &labels);
    if (st != ITO_OK) return st;
    p->n_classes = largest + 1;
    p->class_names = ito__arena_alloc(p->arena, (size_t)p->n_classes * sizeof *p->class_names);
    for (int k = 0; p->class_names && k < p->n_classes; k++)
        if (!(p->class_names[k] = ito__arena_printf(p->arena, "%d", k))) return ITO_MEMORY;
    return p->class_names ? ITO_OK : ITO_MEMORY;
}

static ito_status fill(ito__pictures *p, const ito__idx *images, int size)
{
    const int64_t *d = images->shape.d;
    int height = (int)d[1], width = (int)d[2], channels = images->shape.n_dims == 4 ? (int)d[3] : 1;
    size_t bytes = (size_t)height * (size_t)width * (size_t)channels;
    ITO_TRY(ito__pictures_reserve(p, d[0], size ? size : height, size ? size : width, channels));
    for (int64_t i = 0; i < d[0]; i++) {
        ito_image view = {width, height, channels, ITO_U8, (unsigned char *)images->data + (size_t)i * bytes};
        ITO_TRY(ito__pictures_put(p, &view, NULL, 0));
    }
    return ITO_OK;
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    char image_path[PATH_BYTES], label_path[PATH_BYTES];
    bool has_labels;
    ito__pictures *p;
    ito__idx images = {0};
    ito_status st = ito__pictures_create(ctx, &p);
    *state = p;
    if (st != ITO_OK) return st;
    ITO_TRY(find_pair(ctx, source, ito_opts_choice(opts, "split"), image_path, label_path, &has_labels));
    ITO_GO(read_images(ctx, image_path, &images));
    ITO_GO(fill(p, &images, (int)ito_opts_int(opts, "size")));
    if (has_labels) ITO_GO(read_labels(p, label_path, p->n, p->labels));
    ito__pictures_describe(p, info);
done:
    ito__idx_clear(ctx, &images);
    return st;
}

static const ito_opt_def options[] = {
    ITO_OPT_CHOICE("split", 0, splits, "which part: train, or test (the files that start with t10k)"),
    ITO_OPT_INT("size", 0, 0, 4096, "height and width to scale to; 0 leaves the pictures as they are"),
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_idx = {
    .choice = {.name = "idx",
               .summary = "IDX files, plain or gzip, in MNIST's naming",
               .file = "src/data/data_idx.c",
               .options = options},
    .fits = fits,
    .create = create,
    .destroy = ito__pictures_destroy,
    .get = ito__pictures_get,
};
