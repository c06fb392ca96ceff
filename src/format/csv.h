/* Tables of numbers as text: CSV with commas, semicolons or tabs, or columns apart by blanks; a header line or none; fields in
 * double quotes; lines that start with '#' and empty lines are passed over. One column may hold labels, any short text.
 * Internal. */
#ifndef ITO_FORMAT_CSV_H
#define ITO_FORMAT_CSV_H

#include "base/base.h"

#define ITO_CSV_MAX_BYTES   ((size_t)1 << 30)
#define ITO_CSV_MAX_COLUMNS 1024
#define ITO_CSV_MAX_CLASSES 1000
#define ITO_CSV_FIELD       128 /* bytes of a field, its end included */

typedef enum ito__csv_header { ITO__CSV_FIND, ITO__CSV_WITH, ITO__CSV_WITHOUT } ito__csv_header;

/* Zero finds out. */
typedef struct ito__csv_options {
    char separator;         /* ',', ';', '\t', ' ' for any blanks; 0: of the first line: ; before tab before comma */
    ito__csv_header header; /* is the first line one? found out: when it has a field that is no number */
    const char *label;      /* name or number, from 1, of the column of labels; NULL or "": there is none */
} ito__csv_options;

/* Owns everything. */
typedef struct ito__csv {
    ito_arena *arena; /* texts */
    int64_t n_rows;
    int n_columns;      /* without the labels */
    double *values;     /* [n_rows, n_columns] */
    const char **names; /* [n_columns]; NULL: no header */
    int32_t *labels;    /* [n_rows]; NULL: no labels */
    int n_classes;
    const char **class_names; /* sorted, as numbers where all are */
    int capacity, label_capacity;
} ito__csv;

ito_status ito__csv_read(ito_ctx *ctx, const char *path, const ito__csv_options *options, ito__csv *out);
ito_status ito__csv_parse(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n,
                          const ito__csv_options *options, ito__csv *out);
void ito__csv_clear(ito_ctx *ctx, ito__csv *csv);

#endif
