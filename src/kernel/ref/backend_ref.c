/* The backend "ref": host memory and the reference kernels. */
#include <string.h>

#include "kernel/cpu/cpu_vec.h"
#include "kernel/ref/ref.h"

#define ITO_X(op) &ito__ref_##op.def,
const ito_kernel_def *const ito__ref_kernels[] = {
#include "kernel/ref/ref_list.h"
};
#undef ITO_X
const int ito__ref_kernel_count = ITO_COUNT(ito__ref_kernels);

static ito_ref_array unpack(const ito_desc *desc, const void *data)
{
    return (ito_ref_array){desc->dtype, desc->shape, ito_shape_count(desc->shape), (void *)data};
}

void ito__ref_run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                  const void *packed)
{
    (void)q;
    (void)packed;
    ito_ref r = {.attr = k->attr, .n_in = k->n_in, .n_out = k->n_out, .scratch = workspace};
    for (int i = 0; i < k->n_in; i++) r.in[i] = unpack(&k->in[i], in[i]);
    for (int i = 0; i < k->n_out; i++) r.out[i] = unpack(&k->out[i], out[i]);
    ((const ito_ref_def *)k->def)->compute(&r);
}

ito_status ito__ref_prepare_sums(ito_kernel *k)
{
    k->workspace_bytes = (size_t)ito_shape_count(k->out[0].shape) * sizeof(double);
    return ITO_OK;
}

static void *host_alloc(ito_ctx *ctx, size_t bytes)
{
    return ito__alloc(ctx, bytes);
}

static void host_free(ito_ctx *ctx, void *memory, size_t bytes)
{
    (void)bytes;
    ito__free(ctx, memory);
}

static void copy(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

static ito_status prepare(ito_kernel *k, const char *op, const char *algorithm)
{
    return ito__kernel_choose(k, op, algorithm, ito__ref_kernel_count, ito__ref_kernels);
}

static void pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    if (k->def->pack) k->def->pack(k, q, in, packed);
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    k->def->run(k, q, in, out, workspace, packed);
}

const ito_backend ito__backend_ref = {
    .name = "ref",
    .summary = "the specification: plain C, float32 and float64, sums in double",
    .host_memory = true,
    .alloc = host_alloc,
    .free = host_free,
    .upload = copy,
    .download = copy,
    .prepare = prepare,
    .pack = pack,
    .run = run,
    .vec = &ito__cpu_vec,
};
