/* The backend seam. A backend is memory, kernels in two phases and the closed sets of vector functions that samplers and
 * optimizers use.
 *
 * prepare() sees descriptors and attributes and decides everything: algorithm, slices, workspace, packed weights. run()
 * only computes: it allocates nothing, cannot fail and must give bit-identical results for any number of threads, so
 * the work is cut into slices that depend on shapes alone and no sum crosses a slice (or the slices' parts are added in
 * order). Memory is the backend's: nobody but its kernels and its copy functions may touch what alloc() returned.
 *
 * This folder knows no graph. Attribute structs are in attr.h. */
#ifndef ITO_KERNEL_H
#define ITO_KERNEL_H

#include <ito/rng.h>
#include <ito/tensor.h>

#include "base/base.h"
#include "kernel/attr.h"

#define ITO_MAX_INPUTS     16
#define ITO_MAX_OUTPUTS    4
#define ITO_VEC_MAX_TERMS  8
#define ITO_MAX_CANDIDATES 16

typedef struct ito_desc {
    ito_dtype dtype;
    ito_shape shape; /* dense, row-major */
} ito_desc;

/* Where kernels run. For CPU backends: how many threads a run may use. */
typedef struct ito_queue {
    int n_threads;
} ito_queue;

typedef struct ito_kernel_def ito_kernel_def;

/* A prepared kernel. The executor fills the first block, prepare() the second. */
typedef struct ito_kernel {
    ito_ctx *ctx;
    const void *attr; /* the op's struct of attr.h or NULL; outlives the kernel */
    int n_in, n_out;
    ito_desc in[ITO_MAX_INPUTS], out[ITO_MAX_OUTPUTS];
    uint32_t frozen; /* bit i: input i is the same in every run, so packing it once is enough */
    ito_dtype packs; /* ITO_BF16: frozen weights may be rounded to it when they are packed */
    int n_threads;   /* the most threads a run will use: sizes per-thread workspace, must not change results */

    const ito_kernel_def *def;
    size_t workspace_bytes; /* scratch of one run, 64-byte aligned */
    size_t
        packed_bytes; /* packed weights, a function of input 1 alone: pack() fills them before run(), once when frozen */
    void *state;      /* the kernel's own, from ito__alloc(ctx); freed with ito__free unless the kernel has release() */
} ito_kernel;

struct ito_kernel_def {
    const char *op;   /* which op it computes */
    const char *name; /* the algorithm, as the plan records it: "direct", "winograd4" */
    /* ITO_UNSUPPORTED says "not this shape or dtype" and the next candidate is asked; anything else is an error. NULL:
     * always fits. */
    ito_status (*prepare)(ito_kernel *k);
    void (*pack)(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed);
    void (*run)(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed);
    void (*release)(ito_kernel *k);
};

/* The closed set of per-sample functions on [n, size] float arrays (n samples of size floats, dense). Samplers,
 * guidance and noising are made of these and nothing else. Coefficients are double, one per sample. dst may be one of
 * the sources. */
typedef struct ito_vec {
    /* dst_i = sum_k coef[k * n + i] * src[k]_i, in double, rounded once; up to ITO_VEC_MAX_TERMS terms */
    void (*lincomb)(const ito_queue *q, int64_t n, int64_t size, int n_terms, const double *coef,
                    const float *const *src, float *dst);
    /* dst_i = standard normal numbers of key[i], elements 0 .. size - 1 */
    void (*normal)(const ito_queue *q, int64_t n, int64_t size, const ito_rng_key *key, float *dst);
    /* clamp to [-limit_i, limit_i] and then, when divide, divide by limit_i (dynamic thresholding) */
    void (*clamp)(const ito_queue *q, int64_t n, int64_t size, const double *limit, bool divide, float *x);
    /* out_i = ||x_i||_2 in double */
    void (*norm)(const ito_queue *q, int64_t n, int64_t size, const float *x, double *out);
    /* out_i = q_level quantile of |x_i|, linear interpolation; scratch holds size floats per sample */
    void (*abs_quantile)(const ito_queue *q, int64_t n, int64_t size, double level, const float *x, float *scratch,
                         double *out);
    /* dst = mask * a + (1 - mask) * b, elementwise */
    void (*blend)(const ito_queue *q, int64_t n, int64_t size, const float *mask, const float *a, const float *b,
                  float *dst);
    /* dst_i += coef_i * a_i * b_i, elementwise product */
    void (*muladd)(const ito_queue *q, int64_t n, int64_t size, const double *coef, const float *a, const float *b,
                   float *dst);
    /* dst = exp(shift_i + scale_i * x_i), elementwise, in double, rounded once (learned variances) */
    void (*exp)(const ito_queue *q, int64_t n, int64_t size, const double *shift, const double *scale, const float *x,
                float *dst);
} ito_vec;

/* AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay regularization") of step t = 1, 2, ... */
typedef struct ito_adamw {
    double lr, beta1, beta2, eps;
    double correction1, correction2; /* 1 - beta1^t, 1 - beta2^t */
    double grad_scale;               /* gradients are multiplied by it first (clipping, averaging) */
    double ema_decay;
    uint32_t dither[2]; /* key of the stochastic rounding to bf16 (kernel/dither.h) */
} ito_adamw;

/* A parameter's elements in the flat arrays and how they decay. Lists of them ascend without overlap; what lies between is left
 * alone. */
typedef struct ito_optim_span {
    int64_t first, count;
    double weight_decay;
} ito_optim_span;

/* The flat arrays of an update. grad is read, the others are updated in place.
 *   ITO_F32   all float32; average is the moving average of param
 *   ITO_BF16  param is float32, all others bf16; average is the moving average less param. What is written is rounded
 *             stochastically. */
typedef struct ito_optim_arrays {
    ito_dtype dtype;
    float *param;
    const void *grad;
    void *m, *v, *average; /* average may be NULL */
} ito_optim_arrays;

/* The closed set of functions on flat arrays that optimizers are made of. */
typedef struct ito_optim {
    void (*adamw)(const ito_queue *q, const ito_adamw *o, int n_spans, const ito_optim_span *spans,
                  const ito_optim_arrays *a);
    /* Sum of squares of n elements, f32 or bf16, in double. */
    double (*sum_squares)(const ito_queue *q, int64_t n, ito_dtype dtype, const void *x);
} ito_optim;

typedef struct ito_backend {
    const char *name, *summary;
    const char *(*variant)(void);               /* the instruction set in use: part of a plan's identity; may be NULL */
    bool host_memory;                           /* may the host read and write alloc()ed memory directly? */
    void *(*alloc)(ito_ctx *ctx, size_t bytes); /* 64-byte aligned; NULL with the error recorded */
    void (*free)(ito_ctx *ctx, void *memory, size_t bytes);
    void (*upload)(void *device, const void *host, size_t bytes);
    void (*download)(void *host, const void *device, size_t bytes);
    /* Candidates for k, best first: fills def, workspace_bytes, packed_bytes, state of the first that fits.
     * `algorithm`, when not NULL, asks for the candidate of that name (a recorded plan). ITO_UNSUPPORTED with a message
     * when none fits. */
    ito_status (*prepare)(ito_kernel *k, const char *op, const char *algorithm);
    /* The algorithms that there are for op, whatever the shape; returns how many. */
    int (*candidates)(const char *op, const char *names[ITO_MAX_CANDIDATES]);
    void (*pack)(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed);
    void (*run)(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed);
    const ito_vec *vec;
    const ito_optim *optim;
} ito_backend;

/* "cpu": fast kernels with the reference ones behind them. "ref": the specification, float32 and float64, accumulating
 * in double. "test": the reference kernels in memory that faults when anyone else touches it. */
extern const ito_backend ito__backend_cpu, ito__backend_ref, ito__backend_test;
const ito_backend *ito__backend_find(const char *name); /* NULL when there is none */
/* The backend of that name or, when name is NULL, the context's, which always computes in host memory: parameters, noise and
 * samples lie there. */
ito_status ito__backend_open(ito_ctx *ctx, const char *name, const ito_backend **out);

/* First fitting candidate of a table of n definitions for op; the loop behind every backend's prepare(). */
ito_status ito__kernel_choose(ito_kernel *k, const char *op, const char *algorithm, int n,
                              const ito_kernel_def *const *defs);
/* The names in such a table, each once, after the n_names that are there already; returns how many there are now. */
int ito__kernel_names(const char *op, int n, const ito_kernel_def *const *defs, int n_names,
                      const char *names[ITO_MAX_CANDIDATES]);
void ito__kernel_release(ito_kernel *k);

/* What k is asked for in one line, "conv2d f32[16,8,8,64] f32[64,64,3,3] -> f32[16,8,8,64] stride=1,1 ...": op, inputs, outputs
 * every attribute that the choice of an algorithm may depend on, "frozen" where weights are packed once. The key of a plan.
 * Returns text. */
#define ITO_PROBLEM_TEXT 2048
const char *ito__problem_text(const ito_kernel *k, const char *op, char text[ITO_PROBLEM_TEXT]);

/* Calls fn(arg, slice, thread) for slices 0 .. n - 1, thread < q->n_threads, each slice once, in any order, on any
 * thread. */
void ito__parallel(const ito_queue *q, int64_t n, void (*fn)(void *arg, int64_t slice, int thread), void *arg);

#endif
