/* Batches. What a batch holds is a pure function of the options and its step (fill), so prefetching, seeking and
 * resuming cannot change it.
 *
 * The ring: batches are numbered from the last seek on. The thread makes number `made` in slot made % n_slots while
 * made - released < n_slots; the caller holds number released .. taken - 1 (at most one). Data set and options are
 * constant, a slot belongs to the thread until `made` passes it, and to the caller until `released` passes it; the three
 * counters are guarded by the lock. */
#include <ito/data.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <ito/rng.h>

#include "base/base.h"
#include "data/order.h"

#define ERROR_BYTES 1024

typedef struct slot {
    int64_t step, *positions, *indices;
    int n;
    void **data; /* per field */
    ito_status st;
    char error[ERROR_BYTES];
} slot;

struct ito_loader {
    ito_ctx *ctx, *thread_ctx;
    const ito_dataset *dataset;
    ito_loader_options options;
    int n_fields, image, label; /* the last two index fields, -1 when not asked for */
    ito_field *fields;
    int *sources; /* of each field, its number in the data set */
    void **out;   /* argument of ito_dataset_get; used by whoever fills, one at a time */
    int n_slots;
    slot *slots;
    int64_t first_step;
    bool is_threaded, is_running, stop;
    int64_t made, taken, released;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

int64_t ito_loader_index(const ito_loader *loader, int64_t position)
{
    int64_t n = ito_dataset_get_info(loader->dataset)->n_samples;
    if (n == 0) return position;
    if (loader->options.in_order) return position % n;
    return (int64_t)ito__order_permute(loader->options.seed, (uint64_t)(position / n), (uint64_t)n,
                                       (uint64_t)(position % n));
}

static size_t field_bytes(const ito_field *field)
{
    return (size_t)ito_shape_count(field->shape) * ito_dtype_size(field->dtype);
}

/* Exchanges left and right of a [height, width, channels] field. */
static void mirror(const ito_field *field, void *data)
{
    size_t width = (size_t)field->shape.d[1], pixel = (size_t)field->shape.d[2] * ito_dtype_size(field->dtype);
    for (int64_t y = 0; y < field->shape.d[0]; y++) {
        char *row = (char *)data + (size_t)y * width * pixel;
        for (size_t x = 0; x < width / 2; x++)
            for (size_t b = 0; b < pixel; b++) {
                char *left = row + x * pixel + b, *right = row + (width - 1 - x) * pixel + b, kept = *left;
                *left = *right;
                *right = kept;
            }
    }
}

static bool is_mirrored(const ito_loader *l, int64_t position)
{
    ito_rng_key key = {.seed = l->options.seed,
                       .stream = ITO_STREAM_AUGMENT,
                       .step = (uint32_t)(position >> 32),
                       .sample = (uint32_t)position};
    return l->options.flip && ito_rng_below(key, 0, 2) == 1;
}

/* Makes the batch of s->step. */
static ito_status fill(ito_loader *l, ito_ctx *ctx, slot *s)
{
    int64_t n_samples = ito_dataset_get_info(l->dataset)->n_samples;
    for (s->n = 0; s->n < l->options.batch; s->n++) {
        int64_t position = s->step * l->options.batch + s->n;
        if (l->options.once && position >= n_samples) break;
        int64_t index = ito_loader_index(l, position);
        s->positions[s->n] = position;
        s->indices[s->n] = index;
        for (int k = 0; k < l->n_fields; k++)
            l->out[l->sources[k]] = (char *)s->data[k] + (size_t)s->n * field_bytes(&l->fields[k]);
        ITO_TRY(ito_dataset_get(l->dataset, ctx, index, l->out));
        bool mirrored = is_mirrored(l, position);
        for (int k = 0; mirrored && k < l->n_fields; k++)
            if (l->fields[k].shape.n_dims == 3) mirror(&l->fields[k], l->out[l->sources[k]]);
    }
    return ITO_OK;
}

/* The thread: makes batches until it is told to stop or one fails. */
static void *run(void *argument)
{
    ito_loader *l = argument;
    pthread_mutex_lock(&l->lock);
    for (bool failed = false; !l->stop && !failed;) {
        if (l->made - l->released >= l->n_slots) {
            pthread_cond_wait(&l->changed, &l->lock);
            continue;
        }
        slot *s = &l->slots[l->made % l->n_slots];
        s->step = l->first_step + l->made;
        pthread_mutex_unlock(&l->lock);
        s->st = fill(l, l->thread_ctx, s);
        failed = s->st != ITO_OK;
        if (failed) snprintf(s->error, sizeof s->error, "%s", ito_last_error(l->thread_ctx));
        pthread_mutex_lock(&l->lock);
        l->made++;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static ito_status start(ito_loader *l)
{
    l->stop = false;
    if (pthread_create(&l->thread, NULL, run, l) != 0)
        return ito__fail(l->ctx, ITO_MEMORY, "loader: the prefetch thread could not be started; try prefetch = -1");
    l->is_running = true;
    return ITO_OK;
}

static void stop(ito_loader *l)
{
    if (!l->is_running) return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    l->is_running = false;
}

/* The next finished slot of the thread; what the caller held before is given back. */
static ito_status next_made(ito_loader *l, slot **out)
{
    if (!l->is_running) ITO_TRY(start(l));
    pthread_mutex_lock(&l->lock);
    l->released = l->taken;
    pthread_cond_broadcast(&l->changed);
    while (l->made == l->taken) pthread_cond_wait(&l->changed, &l->lock);
    slot *s = *out = &l->slots[l->taken % l->n_slots];
    if (s->st == ITO_OK) l->taken++; /* a failed batch stays, and fails again, until a seek */
    pthread_mutex_unlock(&l->lock);
    return s->st == ITO_OK ? ITO_OK : ito__fail(l->ctx, s->st, "%s", s->error);
}

ito_status ito_loader_next(ito_loader *loader, ito_batch *out)
{
    slot *s = &loader->slots[0];
    *out = (ito_batch){0};
    if (loader->is_threaded) {
        ITO_TRY(next_made(loader, &s));
    } else {
        s->step = loader->first_step + loader->taken;
        ITO_TRY(fill(loader, loader->ctx, s));
        loader->taken++;
    }
    *out = (ito_batch){
        .step = s->step,
        .n = s->n,
        .images = loader->image >= 0 ? s->data[loader->image] : NULL,
        .labels = loader->label >= 0 ? s->data[loader->label] : NULL,
        .positions = s->positions,
        .indices = s->indices,
        .n_fields = loader->n_fields,
        .fields = loader->fields,
        .data = (const void *const *)s->data,
    };
    return ITO_OK;
}

ito_status ito_loader_seek(ito_loader *loader, int64_t step)
{
    if (step < 0 || step > INT64_MAX / loader->options.batch - 1)
        return ito__fail(loader->ctx, ITO_USAGE, "loader: step %lld, expected 0 or more", (long long)step);
    stop(loader);
    loader->first_step = step;
    loader->made = loader->taken = loader->released = 0;
    return ITO_OK;
}

/* Which fields, by name; "image" and "label" by default. */
static ito_status choose_fields(ito_loader *l)
{
    const ito_dataset_info *info = ito_dataset_get_info(l->dataset);
    const char *const defaults[] = {"image", info->n_classes > 0 ? "label" : NULL, NULL};
    const char *const *names = l->options.fields ? l->options.fields : defaults;
    int n = 0;
    while (names[n]) n++;
    l->fields = ito__alloc_array(l->ctx, (size_t)n, sizeof *l->fields);
    l->sources = ito__alloc_array(l->ctx, (size_t)n, sizeof *l->sources);
    l->out = ito__alloc_array(l->ctx, (size_t)info->n_fields, sizeof *l->out);
    if (!l->fields || !l->sources || !l->out) return ITO_MEMORY;
    for (int k = 0; k < n; k++) {
        int source = ito_dataset_field(l->dataset, names[k]);
        if (source < 0)
            return ito__fail(l->ctx, ITO_NOT_FOUND, "dataset %s has no field '%s'; its first is '%s'",
                             ito_dataset_get_def(l->dataset)->choice.name, names[k], info->fields[0].name);
        if (l->options.flip && !strcmp(names[k], "caption"))
            return ito__fail(l->ctx, ITO_USAGE, "loader: flip would make captions wrong (left of); leave one out");
        l->fields[k] = info->fields[source];
        l->sources[k] = source;
        if (!strcmp(names[k], "image")) l->image = k;
        if (!strcmp(names[k], "label")) l->label = k;
    }
    l->n_fields = n;
    l->options.fields = NULL; /* the caller's array may go */
    return ITO_OK;
}

static ito_status make_slots(ito_loader *l)
{
    size_t batch = (size_t)l->options.batch;
    l->slots = ito__alloc_array(l->ctx, (size_t)l->n_slots, sizeof *l->slots);
    if (!l->slots) return ITO_MEMORY;
    for (int i = 0; i < l->n_slots; i++) {
        slot *s = &l->slots[i];
        s->positions = ito__alloc_array(l->ctx, batch, sizeof *s->positions);
        s->indices = ito__alloc_array(l->ctx, batch, sizeof *s->indices);
        s->data = ito__alloc_array(l->ctx, (size_t)l->n_fields, sizeof *s->data);
        if (!s->positions || !s->indices || !s->data) return ITO_MEMORY;
        for (int k = 0; k < l->n_fields; k++)
            if (!(s->data[k] = ito__alloc_array(l->ctx, batch, field_bytes(&l->fields[k])))) return ITO_MEMORY;
    }
    return ITO_OK;
}

static ito_status build(ito_loader *l)
{
    if (l->options.batch < 1)
        return ito__fail(l->ctx, ITO_USAGE, "loader: batch is %d, expected at least 1", l->options.batch);
    if (l->options.once && ito_dataset_get_info(l->dataset)->n_samples == 0)
        return ito__fail(l->ctx, ITO_USAGE, "loader: dataset %s has no end, so it cannot be read once",
                         ito_dataset_get_def(l->dataset)->choice.name);
    ITO_TRY(choose_fields(l));
    ITO_TRY(make_slots(l));
    if (l->is_threaded) ITO_TRY(ito_ctx_create(NULL, &l->thread_ctx));
    return ito_loader_seek(l, l->options.first_step);
}

ito_status ito_loader_create(ito_ctx *ctx, const ito_dataset *data, const ito_loader_options *options, ito_loader **out)
{
    ito_loader *l = ito__alloc(ctx, sizeof *l);
    *out = NULL;
    if (!l) return ITO_MEMORY;
    *l = (ito_loader){.ctx = ctx, .dataset = data, .image = -1, .label = -1};
    if (options) l->options = *options;
    if (l->options.batch == 0) l->options.batch = 1;
    if (l->options.prefetch == 0) l->options.prefetch = 2;
    l->is_threaded = l->options.prefetch > 0;
    l->n_slots = l->is_threaded ? ITO_MIN(l->options.prefetch, 64) + 1 : 1;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    ito_status st = build(l);
    if (st == ITO_OK)
        *out = l;
    else
        ito_loader_destroy(l);
    return st;
}

void ito_loader_destroy(ito_loader *loader)
{
    if (!loader) return;
    stop(loader);
    for (int i = 0; loader->slots && i < loader->n_slots; i++) {
        slot *s = &loader->slots[i];
        for (int k = 0; s->data && k < loader->n_fields; k++) ito__free(loader->ctx, s->data[k]);
        ito__free(loader->ctx, s->data);
        ito__free(loader->ctx, s->positions);
        ito__free(loader->ctx, s->indices);
    }
    ito__free(loader->ctx, loader->slots);
    ito__free(loader->ctx, loader->fields);
    ito__free(loader->ctx, loader->sources);
    ito__free(loader->ctx, loader->out);
    ito_ctx_destroy(loader->thread_ctx);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->lock);
    ito__free(loader->ctx, loader);
}
