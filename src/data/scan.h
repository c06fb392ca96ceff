/* The files below a folder, with the sub-folder of the top that each lies in. Internal to data/. */
#ifndef ITO_DATA_SCAN_H
#define ITO_DATA_SCAN_H

#include "base/base.h"

typedef struct ito__scan_file {
    const char *path; /* with the folder */
    int top;          /* index into tops; -1 for a file that lies in the folder itself */
} ito__scan_file;

typedef struct ito__scan {
    int n, n_tops;
    ito__scan_file *files; /* sorted by path within each folder */
    const char **tops;     /* sorted names of the folder's sub-folders */
    int capacity, tops_capacity;
} ito__scan;

/* Names live in the arena. Hidden files and folders are passed over; a link that leads back up is not followed. */
ito_status ito__scan_folder(ito_ctx *ctx, ito_arena *arena, const char *folder, ito__scan *out);
void ito__scan_clear(ito_ctx *ctx, ito__scan *scan);

#endif
