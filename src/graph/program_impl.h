/* A compiled program from inside. compile.c makes it, program.c runs it.
 *
 *   value --storage--> buffer --place--> pointer
 *
 * Several values may share a storage (reshape, in-place operations). A storage lies in the slab, in the constants, or in
 * memory that the caller binds. Steps hold storage numbers and the pointers resolved from them. */
#ifndef ITO_PROGRAM_IMPL_H
#define ITO_PROGRAM_IMPL_H

#include <ito/program.h>

#include "graph/graph_impl.h"

typedef enum ito_place { ITO_PLACE_SLAB, ITO_PLACE_CONST, ITO_PLACE_BOUND } ito_place;

typedef struct ito_storage {
    ito_place place;
    size_t bytes, offset; /* offset in the slab or the constants */
    int first, last;      /* steps between which it is alive */
    bool pinned;          /* inputs and outputs: alive from `first` to the end */
    bool is_param;
    const char *label;
    void *base;
} ito_storage;

typedef struct ito_step {
    ito_kernel kernel;
    const char *op, *label;
    int in[ITO_MAX_INPUTS], out[ITO_MAX_OUTPUTS]; /* storages */
    const void *in_ptr[ITO_MAX_INPUTS];
    void *out_ptr[ITO_MAX_OUTPUTS];
    size_t workspace, packed; /* offsets: workspace in the slab, packed in the slab or, when kept, in packed memory */
    bool packed_kept;
    bool is_repeat;  /* recomputes (graph/recompute.h) */
    bool is_storage; /* puts away or fetches (graph/narrow.h) */
    double flops, seconds;
} ito_step;

struct ito_program {
    ito_ctx *ctx;
    const ito_backend *backend;
    ito_queue queue;
    ito_program_options options;
    ito_graph *ir; /* owns the attributes that kernels point to */
    int n_map;
    ito_value **map; /* value id of the caller's graph -> value of ir */
    int *storage_of; /* value id of ir -> storage, -1 for dead values */
    int n_storages, n_steps;
    ito_storage *storages;
    ito_step *steps;
    char *slab, *consts, *packed;
    ito_program_memory_info memory;
    bool resolved; /* pointers are up to date */
    bool repack;
    bool profile;
};

/* Takes back what compiling made of the graph, the graph with it, but neither memory nor map. */
void ito__program_clear(ito_program *p);

#endif
