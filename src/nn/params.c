/* Parameter lists and sets. Offsets are rounded up to 64 bytes of floats, so every parameter is aligned and a set can be
 * walked as one array; the padding is zero and stays zero. */
#include <ito/params.h>

#include <math.h>
#include <string.h>

#include <ito/rng.h>

#include "base/base.h"
#include "tensor/bf16.h"

#define ROUND 16

struct ito_param_list {
    ito_ctx *ctx;
    ito_arena *arena; /* names */
    ito_param *params;
    int n, capacity;
    int64_t size, n_weights;
};

struct ito_params {
    ito_ctx *ctx;
    const ito_param_list *list;
    ito_dtype dtype;
    int64_t size; /* of the list when the set was made */
    char *data;
};

ito_status ito_param_list_create(ito_ctx *ctx, ito_param_list **out)
{
    ito_param_list *list = *out = ito__alloc(ctx, sizeof *list);
    if (!list) return ITO_MEMORY;
    list->ctx = ctx;
    ito_status st = ito__arena_create(ctx, &list->arena);
    if (st != ITO_OK) {
        ito_param_list_destroy(list);
        *out = NULL;
    }
    return st;
}

void ito_param_list_destroy(ito_param_list *list)
{
    if (!list) return;
    ito__arena_destroy(list->arena);
    ito__free(list->ctx, list->params);
    ito__free(list->ctx, list);
}

int ito_param_list_count(const ito_param_list *list)
{
    return list->n;
}

const ito_param *ito_param_list_get(const ito_param_list *list, int i)
{
    return &list->params[i];
}

int ito_param_list_find(const ito_param_list *list, const char *name)
{
    for (int i = 0; i < list->n; i++)
        if (!strcmp(list->params[i].name, name)) return i;
    return -1;
}

ito_status ito_param_list_add(ito_param_list *list, const char *name, ito_shape shape, ito_init init, double scale,
                              bool decay, int *index)
{
    int64_t count = ito_shape_count(shape);
    if (ito_param_list_find(list, name) >= 0)
        return ito__fail(list->ctx, ITO_USAGE, "two parameters are named '%s'", name);
    if (count <= 0) return ito__fail(list->ctx, ITO_SHAPE, "parameter '%s' has no elements", name);
    ITO_TRY(ito__grow(list->ctx, &list->params, sizeof *list->params, &list->capacity, list->n + 1));
    char *copy = ito__arena_strdup(list->arena, name);
    if (!copy) return ITO_MEMORY;
    *index = list->n++;
    list->params[*index] = (ito_param){copy, shape, init, scale, decay, list->size, count};
    list->size += (count + ROUND - 1) / ROUND * ROUND;
    list->n_weights += count;
    return ITO_OK;
}

int64_t ito_param_list_n_weights(const ito_param_list *list)
{
    return list->n_weights;
}

int64_t ito_param_list_size(const ito_param_list *list)
{
    return list->size;
}

ito_status ito_params_create(ito_ctx *ctx, const ito_param_list *list, ito_dtype dtype, ito_params **out)
{
    ito_params *p = *out = ito__alloc(ctx, sizeof *p);
    if (!p) return ITO_MEMORY;
    *p = (ito_params){.ctx = ctx, .list = list, .dtype = dtype, .size = list->size};
    p->data = ito__alloc_array(ctx, (size_t)list->size, ito_dtype_size(dtype));
    if (p->data) return ITO_OK;
    ito_params_destroy(p);
    *out = NULL;
    return ITO_MEMORY;
}

void ito_params_destroy(ito_params *p)
{
    if (!p) return;
    ito__free(p->ctx, p->data);
    ito__free(p->ctx, p);
}

const ito_param_list *ito_params_list(const ito_params *p)
{
    return p->list;
}

ito_dtype ito_params_dtype(const ito_params *p)
{
    return p->dtype;
}

void *ito_params_data(ito_params *p, int i)
{
    return p->data + (size_t)p->list->params[i].offset * ito_dtype_size(p->dtype);
}

void *ito_params_flat(ito_params *p)
{
    return p->data;
}

static double get(ito_dtype dtype, const void *data, int64_t k)
{
    switch (dtype) {
    case ITO_F64: return ((const double *)data)[k];
    case ITO_BF16: return (double)ito__bf16_widen(((const uint16_t *)data)[k]);
    default: return (double)((const float *)data)[k];
    }
}

static void set(ito_dtype dtype, void *data, int64_t k, double x)
{
    switch (dtype) {
    case ITO_F64: ((double *)data)[k] = x; break;
    case ITO_BF16: ((uint16_t *)data)[k] = ito__bf16_narrow_double(x); break;
    default: ((float *)data)[k] = (float)x;
    }
}

void ito_params_read(const ito_params *p, float *out)
{
    for (int64_t k = 0; k < p->size; k++) out[k] = (float)get(p->dtype, p->data, k);
}

/* Element k of parameter i from its distribution. */
static double draw(const ito_param *param, ito_rng_key key, int64_t k)
{
    double u;
    float z;
    switch (param->init) {
    case ITO_INIT_ZERO: return 0;
    case ITO_INIT_ONE: return 1;
    case ITO_INIT_UNIFORM: ito_rng_uniform(key, (uint64_t)k, 1, &u); return param->scale * (2 * u - 1);
    case ITO_INIT_NORMAL: ito_rng_normal(key, (uint64_t)k, 1, &z); return param->scale * (double)z;
    }
    return 0;
}

void ito_params_init(ito_params *p, uint64_t seed)
{
    for (int i = 0; i < p->list->n; i++) {
        const ito_param *param = &p->list->params[i];
        ito_rng_key key = {.seed = seed, .stream = ITO_STREAM_INIT, .step = (uint32_t)i};
        void *data = ito_params_data(p, i);
        for (int64_t k = 0; k < param->count; k++) set(p->dtype, data, k, draw(param, key, k));
    }
}

ito_status ito_params_copy(ito_params *to, const ito_params *from)
{
    if (to->list != from->list || to->dtype != from->dtype || to->size != from->size)
        return ito__fail(to->ctx, ITO_SHAPE, "the two parameter sets are not of one list");
    memcpy(to->data, from->data, (size_t)to->size * ito_dtype_size(to->dtype));
    return ITO_OK;
}
