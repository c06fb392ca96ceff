/* A compiled graph: dead nodes dropped, operations fused, kernels chosen, every buffer at its place in one slab. Running it
 * allocates nothing. The peak memory is known before the first run: ito_program_memory(). */
#ifndef ITO_PROGRAM_H
#define ITO_PROGRAM_H

#include <stdint.h>

#include <ito/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_program ito_program;
typedef struct ito_plan ito_plan; /* ito/plan.h */

/* Zero is the default of every field. */
typedef struct ito_program_options {
    const char *backend; /* "cpu", "ref" or "test"; NULL: the context's */
    bool freeze_params;  /* parameters stay as they are between ito_program_repack() calls: weights are packed once */
    bool no_fusion;      /* run the graph as it was built (for tests) */
    const ito_plan
        *plan;   /* algorithms for the problems that it names, while the program is created; NULL: the table's */
    int n_bound; /* the first n_bound outputs are written to memory that ito_program_bind names (gradients) */
    /* The most bytes that slab, packed weights, constants and held_bytes may take together: forward values that gradients read
     * again are recomputed for them as far as that needs, and ITO_MEMORY says when nothing suffices. Results are the same in
     * every bit. 0: no limit. */
    size_t max_memory;
    size_t held_bytes; /* what the caller holds and max_memory is to count too (weights, moments) */
    /* ITO_BF16: large values that forward makes and gradients read are rounded to bf16 and kept so in between (mixed precision),
     * and so are frozen weights where they are packed; weights themselves, gradients, statistics and arithmetic stay f32.
     * ITO_F32: nothing is rounded. */
    ito_dtype precision;
    double free_share; /* of a run's work: so much may be recomputed to save memory where no limit asks for it */
} ito_program_options;

/* Compiles what the n_out values need. The graph may be destroyed afterwards, but the values still name inputs and
 * outputs of the program, so keep it while you call with them. The caller destroys *out; options may be NULL. */
ito_status ito_program_create(ito_graph *g, int n_out, ito_value *const *outputs, const ito_program_options *options,
                              ito_program **out);
void ito_program_destroy(ito_program *p);

/* Inputs: write copies host data (dense, the value's dtype) into the program. A value the program does not use is ignored. */
ito_status ito_program_write(ito_program *p, const ito_value *input, const void *data);
/* Outputs: read copies to the host; valid until the next run. */
ito_status ito_program_read(ito_program *p, const ito_value *output, void *data);

/* Uses the caller's memory (of the backend, 64-byte aligned or, where it is bf16, 32, dense) for a parameter, an input or an output. Every parameter
 * must be bound before the first run. Binding a value the program does not use does nothing. */
ito_status ito_program_bind(ito_program *p, const ito_value *value, void *memory);

/* Frozen parameters were changed or bound anew: pack them again before the next run. */
void ito_program_repack(ito_program *p);

/* Runs on ito_ctx_n_threads() threads. ITO_STATE when a parameter is not bound. */
ito_status ito_program_run(ito_program *p);

/* Runs once more, checking every value: ITO_NUMERIC and the first operation that made a non-finite one, or ITO_OK. */
ito_status ito_program_find_nonfinite(ito_program *p);

typedef struct ito_program_memory_info {
    size_t slab_bytes;   /* activations, workspaces, inputs and outputs that are not bound */
    size_t packed_bytes; /* frozen packed weights */
    size_t const_bytes;
    size_t bound_bytes; /* what the caller binds: parameters */
    size_t live_bytes;  /* lower bound of slab_bytes: the most that is alive at once */
    /* what recomputation (and bf16) made of it */
    size_t unlimited_bytes;  /* slab_bytes without */
    int n_recomputed;        /* operations that run twice */
    double recomputed_share; /* their share of a run's work, estimated from bytes and arithmetic */
} ito_program_memory_info;
ito_program_memory_info ito_program_memory(const ito_program *p);

/* Identifies algorithms and shapes: two programs of equal fingerprints on equal inputs give equal bits. What is recomputed does
 * not count. */
uint64_t ito_program_fingerprint(const ito_program *p);

/* Floating-point operations of one run: products and convolutions counted as 2 per multiply-add of the direct
 * algorithm, once when they are recomputed. */
double ito_program_flops(const ito_program *p);

/* One line per compiled operation, for profiles and plans. Seconds accumulate over runs while profiling is on. */
typedef struct ito_program_step {
    const char *op, *algorithm, *label; /* the label of what is recomputed begins with "recomputed" */
    ito_shape shape;                    /* of the first output */
    int n_in;                           /* how many of in[] there are, 2 at most */
    ito_shape in[2];                    /* of the first inputs */
    double flops, bytes, seconds;
} ito_program_step;
int ito_program_n_steps(const ito_program *p);
ito_program_step ito_program_step_get(const ito_program *p, int i);
void ito_program_profile(ito_program *p, bool on); /* switching on sets all seconds to 0 */

#ifdef __cplusplus
}
#endif
#endif
