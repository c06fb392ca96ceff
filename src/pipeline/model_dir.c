/* Model directories on disk. */
#include "pipeline/model_dir.h"

#include <string.h>

#include <ito/safetensors.h>

#include "base/file.h"

#define WEIGHTS "diffusion_pytorch_model.safetensors"

ito_status ito__weights_write(ito_ctx *ctx, const char *path, const ito_network *network, ito_params *params)
{
    int n = ito_param_list_count(network->params);
    ito_safetensors_entry *entries = ito__alloc_array(ctx, (size_t)n, sizeof *entries);
    ito_safetensors_text format = {"format", "pt"}; /* without it transformers and diffusers refuse the file */
    if (!entries) return ITO_MEMORY;
    for (int i = 0; i < n; i++) {
        const ito_param *p = ito_param_list_get(network->params, i);
        entries[i] = (ito_safetensors_entry){.name = p->name,
                                             .dtype = ITO_SAFETENSORS_F32,
                                             .shape = p->shape,
                                             .data = ito_params_data(params, i),
                                             .n_bytes = (size_t)p->count * sizeof(float)};
    }
    ito_status st = ito_safetensors_write(ctx, path, entries, n, &format, 1);
    ito__free(ctx, entries);
    return st;
}

static ito_status read_weight(ito_ctx *ctx, const char *path, const ito_safetensors_entry *e, const ito_param *p,
                              float *out)
{
    char want[ITO_SHAPE_TEXT], have[ITO_SHAPE_TEXT];
    if (!ito_shape_equal(e->shape, p->shape))
        return ito__fail(ctx, ITO_SHAPE, "%s: '%s' is %s, config.json asks for %s", path, p->name,
                         ito_shape_text(e->shape, have), ito_shape_text(p->shape, want));
    return ito_safetensors_load_f32(ctx, e, out, (size_t)p->count);
}

static ito_status check_all_found(ito_ctx *ctx, const char *path, const ito_network *network, const bool *found)
{
    for (int i = 0; i < ito_param_list_count(network->params); i++)
        if (!found[i])
            return ito__fail(ctx, ITO_FORMAT,
                             "%s has no tensor '%s': are config.json and the weights of the same model?", path,
                             ito_param_list_get(network->params, i)->name);
    return ITO_OK;
}

ito_status ito__weights_read(ito_ctx *ctx, const char *path, const ito_network *network, ito_params *params)
{
    ito_safetensors *file;
    ito_status st = ITO_MEMORY;
    ITO_TRY(ito_safetensors_open(ctx, path, &file));
    bool *found = ito__alloc_array(ctx, (size_t)ito_param_list_count(network->params), sizeof *found);
    if (!found) goto done;
    for (int k = 0; k < ito_safetensors_count(file); k++) {
        const ito_safetensors_entry *e = ito_safetensors_get(file, k);
        int i = ito__network_find_param(network, e->name);
        if (i < 0 && network->arch->skips && network->arch->skips(e->name)) continue;
        if (i < 0)
            ITO_GO(ito__fail(ctx, ITO_FORMAT, "%s: the network of config.json has no parameter '%s'", path, e->name));
        ITO_GO(read_weight(ctx, path, e, ito_param_list_get(network->params, i), ito_params_data(params, i)));
        found[i] = true;
    }
    ITO_GO(check_all_found(ctx, path, network, found));
done:
    ito__free(ctx, found);
    ito_safetensors_close(file);
    return st;
}

/* dir/folder/name <- value, which is stolen. */
static ito_status write_json(ito_ctx *ctx, const char *dir, const char *folder, const char *name, json_t *value)
{
    char *sub = ito__path_join(ctx, dir, folder), *path = sub ? ito__path_join(ctx, sub, name) : NULL;
    ito_status st = path ? ito__dir_make(ctx, sub) : ITO_MEMORY;
    if (st == ITO_OK) st = ito__json_write(ctx, path, value);
    ito__free(ctx, sub);
    ito__free(ctx, path);
    json_decref(value);
    return st;
}

static ito_status write_network(ito_ctx *ctx, const char *dir, const char *folder, const ito__model_parts *parts)
{
    json_t *config;
    ITO_TRY(parts->network->arch->write(ctx, parts->network->config, &config));
    ITO_TRY(write_json(ctx, dir, folder, "config.json", config));
    char *sub = ito__path_join(ctx, dir, folder), *path = sub ? ito__path_join(ctx, sub, WEIGHTS) : NULL;
    ito_status st = path ? ito__weights_write(ctx, path, parts->network, parts->params) : ITO_MEMORY;
    ito__free(ctx, sub);
    ito__free(ctx, path);
    return st;
}

static ito_status write_index(ito_ctx *ctx, const char *dir, json_t *index)
{
    return index ? write_json(ctx, dir, "", "model_index.json", index) : ito__fail_memory(ctx, 0);
}

ito_status ito__model_write(ito_ctx *ctx, const char *dir, const ito__model_parts *parts)
{
    ITO_TRY(ito__dir_make(ctx, dir));
    ITO_TRY(write_json(ctx, dir, "", "ito.json", json_incref(parts->record)));
    const char *arch = parts->network->arch->choice.name;
    if (!strcmp(parts->task, "classifier")) {
        ITO_TRY(write_network(ctx, dir, "classifier", parts));
        return write_index(ctx, dir,
                           json_pack("{s:s, s:[s, s]}", "_class_name", "ItoClassifier", "classifier", "ito", arch));
    }
    json_t *scheduler;
    ITO_TRY(write_network(ctx, dir, "unet", parts));
    ITO_TRY(ito__scheduler_write(ctx, &parts->scheduler, &scheduler));
    bool is_theirs = ito__scheduler_is_theirs(scheduler);
    ITO_TRY(write_json(ctx, dir, "scheduler", "scheduler_config.json", scheduler));
    bool is_diffusers = !strcmp(arch, "UNet2DModel"); /* whose pipelines know no other of ours */
    return write_index(
        ctx, dir,
        json_pack("{s:s, s:s, s:[s, s], s:[s, s]}", "_class_name", is_diffusers ? "DDPMPipeline" : "ItoDenoiser",
                  "_diffusers_version", "0.30.0", "scheduler", is_theirs ? "diffusers" : "ito",
                  is_theirs ? "DDPMScheduler" : "ItoScheduler", "unet", is_diffusers ? "diffusers" : "ito", arch));
}
