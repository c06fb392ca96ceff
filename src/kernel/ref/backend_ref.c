/* The backend "ref": host memory and the reference kernels. */
#include "kernel/cpu/cpu_vec.h"
#include "kernel/host.h"
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

static ito_status prepare(ito_kernel *k, const char *op, const char *algorithm)
{
    return ito__kernel_choose(k, op, algorithm, ito__ref_kernel_count, ito__ref_kernels);
}

static int candidates(const char *op, const char *names[ITO_MAX_CANDIDATES])
{
    return ito__kernel_names(op, ito__ref_kernel_count, ito__ref_kernels, 0, names);
}

const ito_backend ito__backend_ref = {
    .name = "ref",
    .summary = "the specification: plain C, float32 and float64, sums in double",
    .host_memory = true,
    .alloc = ito__host_alloc,
    .free = ito__host_free,
    .upload = ito__host_copy,
    .download = ito__host_copy,
    .prepare = prepare,
    .candidates = candidates,
    .pack = ito__host_pack,
    .run = ito__host_run,
    .vec = &ito__cpu_vec,
    .optim = &ito__ref_optim,
};
