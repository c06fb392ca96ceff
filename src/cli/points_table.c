/* Points as tables. A file is written beside its place and moved there, so that it is whole or not there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scatter.h"

bool points_is_table(const char *path)
{
    return cli_ends_in(path, ".csv") || cli_ends_in(path, ".npy");
}

static double own_value(const points_kind *kind, int k, float value)
{
    return kind->scale ? kind->offset[k] + kind->scale[k] * (double)value : (double)value;
}

/* A field of CSV: in quotes where it must be. */
static void put_field(FILE *file, const char *text)
{
    if (*text && !strpbrk(text, ",;\t\"#\n\r") && text[0] != ' ') {
        fputs(text, file);
        return;
    }
    putc('"', file);
    for (; *text; text++) {
        if (*text == '"') putc('"', file);
        putc(*text, file);
    }
    putc('"', file);
}

static void put_csv(FILE *file, const points_kind *kind, int n, const float *values, const int32_t *labels)
{
    for (int k = 0; k < kind->channels; k++) {
        char name[32];
        snprintf(name, sizeof name, "x%d", k + 1);
        if (k) putc(',', file);
        put_field(file, kind->names && *kind->names[k] ? kind->names[k] : name);
    }
    fputs(labels && kind->n_classes ? ",label\n" : "\n", file);
    for (ptrdiff_t i = 0; i < n; i++) {
        for (int k = 0; k < kind->channels; k++)
            fprintf(file, "%s%.9g", k ? "," : "", own_value(kind, k, values[i * kind->channels + k]));
        if (labels && kind->n_classes) {
            bool has = labels[i] >= 0 && labels[i] < kind->n_classes;
            putc(',', file);
            put_field(file, has ? kind->class_names[labels[i]] : "none");
        }
        putc('\n', file);
    }
}

/* numpy's format 1.0: a magic, the length of a header that fills up to a multiple of 64, float64 values, rows first. */
static void put_npy(FILE *file, const points_kind *kind, int n, const float *values)
{
    char header[128];
    int used = snprintf(header, sizeof header, "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }", n,
                        kind->channels);
    memset(header + used, ' ', sizeof header - (size_t)used);
    header[117] = '\n';
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file); /* 0x76 = 118 bytes of header, 128 with what stands here */
    fwrite(header, 1, 118, file);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n * kind->channels; i++) {
        double value = own_value(kind, (int)(i % kind->channels), values[i]);
        unsigned char bytes[8];
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        for (int b = 0; b < 8; b++) bytes[b] = (unsigned char)(bits >> 8 * b);
        fwrite(bytes, 1, sizeof bytes, file);
    }
}

int points_write_table(const cli *app, const char *path, const points_kind *kind, int n, const float *values,
                       const int32_t *labels)
{
    (void)app;
    int status = cli_make_folder_of(path);
    if (status != CLI_DONE) return status;
    char *part = cli_format("%s.part", path);
    FILE *file = fopen(part, "wb");
    bool ok = file != NULL;
    if (ok && cli_ends_in(path, ".npy")) put_npy(file, kind, n, values);
    if (ok && !cli_ends_in(path, ".npy")) put_csv(file, kind, n, values, labels);
    if (ok) ok = !ferror(file);
    if (file && fclose(file)) ok = false;
    if (ok && rename(part, path)) ok = false;
    if (!ok) status = cli_complain("%s: cannot be written: %s", path, strerror(errno));
    if (!ok && file) remove(part);
    free(part);
    return status;
}
