/* Running a compiled program: binding, copying in and out, the loop over steps, profiles and the hunt for NaN. */
#include <math.h>
#include <string.h>

#include "graph/program_impl.h"

void ito__program_clear(ito_program *p)
{
    for (int t = 0; p->steps && t < p->n_steps; t++) ito__kernel_release(&p->steps[t].kernel);
    ito__free(p->ctx, p->steps);
    ito__free(p->ctx, p->storages);
    ito__free(p->ctx, p->storage_of);
    ito_graph_destroy(p->ir);
    p->steps = NULL;
    p->storages = NULL;
    p->storage_of = NULL;
    p->ir = NULL;
    p->n_steps = p->n_storages = 0;
}

void ito_program_destroy(ito_program *p)
{
    if (!p) return;
    p->backend->free(p->ctx, p->slab, p->memory.slab_bytes);
    p->backend->free(p->ctx, p->consts, p->memory.const_bytes);
    p->backend->free(p->ctx, p->packed, p->memory.packed_bytes);
    ito__program_clear(p);
    ito__free(p->ctx, p->map);
    ito__free(p->ctx, p);
}

/* The storage of a value of the caller's graph; NULL when the program does not use it. */
static ito_storage *find_storage(const ito_program *p, const ito_value *v)
{
    const ito_value *mine = v->id >= 0 && v->id < p->n_map ? p->map[v->id] : NULL;
    int s = mine ? p->storage_of[mine->id] : -1;
    return s >= 0 ? &p->storages[s] : NULL;
}

static size_t bytes_of(const ito_value *v)
{
    return (size_t)ito_shape_count(v->shape) * ito_dtype_size(v->dtype);
}

ito_status ito_program_write(ito_program *p, const ito_value *input, const void *data)
{
    ito_storage *s = find_storage(p, input);
    if (!s) return ITO_OK;
    if (!s->base) return ito__fail(p->ctx, ITO_STATE, "'%s' has no memory yet: bind it first", s->label);
    p->backend->upload(s->base, data, bytes_of(input));
    return ITO_OK;
}

ito_status ito_program_read(ito_program *p, const ito_value *output, void *data)
{
    ito_storage *s = find_storage(p, output);
    if (!s || !s->base) return ito__fail(p->ctx, ITO_STATE, "the value read is not an output of the program");
    p->backend->download(data, s->base, bytes_of(output));
    return ITO_OK;
}

ito_status ito_program_bind(ito_program *p, const ito_value *value, void *memory)
{
    ito_storage *s = find_storage(p, value);
    if (!s) return ITO_OK;
    s->base = memory;
    p->resolved = false;
    if (s->is_param) p->repack = true;
    return ITO_OK;
}

void ito_program_repack(ito_program *p)
{
    p->repack = true;
}

static ito_status resolve(ito_program *p)
{
    for (int t = 0; t < p->n_steps; t++) {
        ito_step *step = &p->steps[t];
        for (int i = 0; i < step->kernel.n_in; i++) {
            const ito_storage *s = &p->storages[step->in[i]];
            if (!s->base)
                return ito__fail(p->ctx, ITO_STATE, "'%s' is not bound to memory: call ito_program_bind first",
                                 s->label);
            step->in_ptr[i] = s->base;
        }
        for (int o = 0; o < step->kernel.n_out; o++) {
            const ito_storage *s = &p->storages[step->out[o]];
            if (!s->base)
                return ito__fail(p->ctx, ITO_STATE,
                                 "an output (%s) is not bound to memory: call ito_program_bind first", s->label);
            step->out_ptr[o] = s->base;
        }
    }
    p->resolved = true;
    return ITO_OK;
}

static void *packed_memory(const ito_program *p, const ito_step *step)
{
    return step->kernel.packed_bytes ? (step->packed_kept ? p->packed : p->slab) + step->packed : NULL;
}

static void run_step(ito_program *p, ito_step *step)
{
    void *packed = packed_memory(p, step);
    if (packed && (!step->packed_kept || p->repack)) p->backend->pack(&step->kernel, &p->queue, step->in_ptr, packed);
    p->backend->run(&step->kernel, &p->queue, step->in_ptr, step->out_ptr, p->slab + step->workspace, packed);
}

ito_status ito_program_run(ito_program *p)
{
    if (!p->resolved) ITO_TRY(resolve(p));
    for (int t = 0; t < p->n_steps; t++) {
        ito_step *step = &p->steps[t];
        double start = p->profile ? ito__now() : 0;
        run_step(p, step);
        if (p->profile) step->seconds += ito__now() - start;
    }
    p->repack = false;
    return ITO_OK;
}

static bool all_finite(const ito_program *p, const ito_desc *d, const void *memory, void *host)
{
    int64_t count = ito_shape_count(d->shape);
    if (d->dtype != ITO_F32 && d->dtype != ITO_F64) return true;
    p->backend->download(host, memory, (size_t)count * ito_dtype_size(d->dtype));
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(d->dtype == ITO_F32 ? (double)((const float *)host)[i] : ((const double *)host)[i])) return false;
    return true;
}

static size_t largest_output(const ito_program *p)
{
    size_t bytes = 0;
    for (int i = 0; i < p->n_storages; i++) bytes = ITO_MAX(bytes, p->storages[i].bytes);
    return bytes;
}

/* The first step, if any, with a non-finite output. */
static int hunt(ito_program *p, void *host)
{
    for (int t = 0; t < p->n_steps; t++) {
        ito_step *step = &p->steps[t];
        run_step(p, step);
        for (int o = 0; o < step->kernel.n_out; o++)
            if (!all_finite(p, &step->kernel.out[o], step->out_ptr[o], host)) return t;
    }
    return -1;
}

ito_status ito_program_find_nonfinite(ito_program *p)
{
    if (!p->resolved) ITO_TRY(resolve(p));
    void *host = ito__alloc(p->ctx, largest_output(p));
    if (!host) return ITO_MEMORY;
    int t = hunt(p, host);
    ito__free(p->ctx, host);
    if (t < 0) return ITO_OK;
    const ito_step *step = &p->steps[t];
    char text[ITO_SHAPE_TEXT];
    return ito__fail(p->ctx, ITO_NUMERIC, "the first non-finite value comes out of %s%s%s (%s)", step->op,
                     *step->label ? " in " : "", step->label, ito_shape_text(step->kernel.out[0].shape, text));
}

ito_program_memory_info ito_program_memory(const ito_program *p)
{
    return p->memory;
}

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *data, size_t bytes)
{
    const unsigned char *c = data;
    for (size_t i = 0; i < bytes; i++) h = (h ^ c[i]) * 0x100000001B3ull;
    return h;
}

/* Whether a kernel reads a value where it is stored, in bf16, makes no difference; nor does what it stores. */
static uint64_t hash_desc(uint64_t h, const ito_desc *d)
{
    ito_dtype dtype = d->dtype == ITO_BF16 ? ITO_F32 : d->dtype;
    h = hash(h, &dtype, sizeof dtype);
    return hash(h, d->shape.d, (size_t)d->shape.n_dims * sizeof d->shape.d[0]);
}

uint64_t ito_program_fingerprint(const ito_program *p)
{
    const char *variant = p->backend->variant ? p->backend->variant() : p->backend->name;
    uint64_t h = hash(0xCBF29CE484222325ull, variant, strlen(variant));
    if (p->options.precision != ITO_F32) h = hash(h, &p->options.precision, sizeof p->options.precision);
    for (int t = 0; t < p->n_steps; t++) {
        const ito_step *step = &p->steps[t];
        if (step->is_repeat || step->is_storage) continue;
        h = hash(h, step->op, strlen(step->op));
        h = hash(h, step->kernel.def->name, strlen(step->kernel.def->name));
        for (int i = 0; i < step->kernel.n_in; i++) h = hash_desc(h, &step->kernel.in[i]);
        for (int o = 0; o < step->kernel.n_out; o++)
            if (step->kernel.out[o].dtype != ITO_BF16) h = hash_desc(h, &step->kernel.out[o]);
    }
    return h;
}

double ito_program_flops(const ito_program *p)
{
    double flops = 0;
    for (int t = 0; t < p->n_steps; t++)
        if (!p->steps[t].is_repeat) flops += p->steps[t].flops;
    return flops;
}

int ito_program_n_steps(const ito_program *p)
{
    return p->n_steps;
}

ito_program_step ito_program_step_get(const ito_program *p, int i)
{
    const ito_step *s = &p->steps[i];
    ito_program_step out = {.op = s->op,
                            .algorithm = s->kernel.def->name,
                            .label = s->label,
                            .shape = s->kernel.out[0].shape,
                            .n_in = ITO_MIN(s->kernel.n_in, 2),
                            .flops = s->flops,
                            .seconds = s->seconds};
    for (int k = 0; k < out.n_in; k++) out.in[k] = s->kernel.in[k].shape;
    for (int k = 0; k < s->kernel.n_in; k++)
        out.bytes += (double)ito_shape_count(s->kernel.in[k].shape) * (double)ito_dtype_size(s->kernel.in[k].dtype);
    for (int k = 0; k < s->kernel.n_out; k++)
        out.bytes += (double)ito_shape_count(s->kernel.out[k].shape) * (double)ito_dtype_size(s->kernel.out[k].dtype);
    return out;
}

void ito_program_profile(ito_program *p, bool on)
{
    p->profile = on;
    for (int t = 0; on && t < p->n_steps; t++) p->steps[t].seconds = 0;
}
