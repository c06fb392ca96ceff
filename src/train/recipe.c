/* Reading a recipe, applying settings, checking it against the descriptors. */
#include "train/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ito/registry.h>

#include "base/file.h"

static const char *const schedules[] = {"cosine", "constant", NULL};
static const char *const precisions[] = {"f32", "bf16", NULL};

static const ito_opt_def train_options[] = {
    ITO_OPT_INT("steps", 0, 0, 1e12, "training steps; 0: until the minutes are over"),
    ITO_OPT_REAL("minutes", 0, 0, 1e7, "training time; 0: until the steps are done"),
    ITO_OPT_INT("batch", 64, 1, 65536, "images in a step"),
    ITO_OPT_INT("seed", 0, 0, 9e15, "of everything random in the run"),
    ITO_OPT_REAL("rate", 1e-3, 0, 10, "learning rate after warm-up"),
    ITO_OPT_CHOICE("schedule", 0, schedules, "of the learning rate after warm-up"),
    ITO_OPT_INT("warmup", 100, 0, 1e9, "steps of linear warm-up"),
    ITO_OPT_REAL("weight_decay", 0.01, 0, 10, "AdamW's, not on norms and biases"),
    ITO_OPT_REAL("beta1", 0.9, 0, 0.999999, "AdamW's decay of the first moment"),
    ITO_OPT_REAL("beta2", 0.99, 0, 0.999999, "AdamW's decay of the second moment"),
    ITO_OPT_REAL("adam_eps", 1e-8, 1e-16, 1, "AdamW's eps"),
    ITO_OPT_REAL("clip_norm", 1, 0, 1e9, "largest norm of the gradient; 0: no clipping"),
    ITO_OPT_REAL("ema_decay", 0.999, 0, 0.9999999, "of the moving average of the weights; 0: none"),
    ITO_OPT_REAL("label_dropout", 0.1, 0, 1, "share of labels hidden, for classifier-free guidance"),
    ITO_OPT_BOOL("stratified", 1, "spread the times of a batch evenly over their distribution"),
    ITO_OPT_REAL("offset_noise", 0, 0, 10, "deviation of a noise that all pixels of a channel share; 0: none"),
    ITO_OPT_REAL("input_perturbation", 0, 0, 10, "further noise of x_t that the target does not know, as 0.1; 0: none"),
    ITO_OPT_BOOL("immiscible", 0, "within a batch, give each image the noise near to it"),
    ITO_OPT_REAL("self_conditioning", 0, 0, 1,
                 "share of samples whose network sees its own estimate of x_0, as 0.5; 0: it takes none"),
    ITO_OPT_BOOL("flip", 0, "mirror every second image"),
    ITO_OPT_CHOICE("precision", 0, precisions,
                   "of what a step keeps for its gradients, and the optimizer beside the weights"),
    ITO_OPT_INT("checkpoint_every", 0, 0, 1e12, "steps between checkpoints; 0: every minute"),
    ITO_OPT_INT("sample_every", 0, 0, 1e12, "steps between preview grids; 0: at each quarter of the run"),
    ITO_OPT_INT("log_every", 10, 1, 1e9, "steps between lines of log.jsonl"),
    ITO_OPT_END,
};

const ito_opt_def *ito_train_option_defs(void)
{
    return train_options;
}

/* ---- finding ---- */

static const char *default_name(const char *task, const ito_dataset *data)
{
    if (task && !strcmp(task, "classifier")) return "classifier";
    if (!strcmp(ito_dataset_get_def(data)->choice.name, "shapes")) return "shapes";
    if (ito_dataset_get_info(data)->height == 1 && ito_dataset_get_info(data)->width == 1) return "points";
    return ito_dataset_get_info(data)->channels == 1 ? "mnist" : "tiles";
}

static ito_status unknown(ito_ctx *ctx, const char *name)
{
    const char *names[64] = {0};
    int n = 0;
    for (const ito_recipe *r; n < ITO_COUNT(names) && (r = ito_recipe_get(n)); n++) names[n] = r->name;
    const char *near = ito__nearest(name, n, names);
    return ito__fail(ctx, ITO_NOT_FOUND, "no recipe is named '%s' and no file is%s%s%s (`ito list recipe` shows all)",
                     name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static ito_status load(ito_ctx *ctx, const char *name, json_t **root)
{
    for (int i = 0; ito_recipe_get(i); i++) {
        const ito_recipe *r = ito_recipe_get(i);
        if (!strcmp(r->name, name)) return ito__json_parse(ctx, name, r->json, strlen(r->json), root);
    }
    return ito__path_exists(name) ? ito__json_read(ctx, name, root) : unknown(ctx, name);
}

/* ---- settings ---- */

/* "3" -> 3, "[1, 2]" -> an array, "silu" -> a text. */
static json_t *value_of(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    return value ? value : json_string(text);
}

/* The object of that name; a text becomes its "name". */
static json_t *section(json_t *root, const char *name)
{
    json_t *object = json_object_get(root, name);
    if (json_is_object(object)) return object;
    object = json_is_string(object) ? json_pack("{s:O}", "name", object) : json_object();
    json_object_set_new(root, name, object);
    return object;
}

static bool is_axis(const char *key)
{
#define ITO_RECIPE_AXIS(axis, otherwise)                                                                               \
    if (!strcmp(key, #axis)) return true;
    ITO_RECIPE_AXES(ITO_RECIPE_AXIS)
#undef ITO_RECIPE_AXIS
    return false;
}

/* Where a setting goes: "process=NAME" replaces the choice with its options, "a.b=" sets b in section a, the rest are the
 * trainer's. */
static ito_status apply(ito_ctx *ctx, json_t *root, const char *setting)
{
    const char *equals = strchr(setting, '=');
    char key[96];
    if (!equals || equals == setting || (size_t)(equals - setting) >= sizeof key)
        return ito__fail(ctx, ITO_USAGE, "'%s' is no setting: expected key=value", setting);
    snprintf(key, sizeof key, "%.*s", (int)(equals - setting), setting);
    json_t *value = value_of(equals + 1);
    if (!value) return ito__fail_memory(ctx, 0);
    char *dot = strchr(key, '.');
    int failed;
    if (is_axis(key) || !strcmp(key, "task")) {
        failed = json_object_set_new(root, key, value);
    } else if (dot) {
        *dot = 0;
        failed = json_object_set_new(section(root, key), dot + 1, value);
    } else {
        json_t *train = section(root, "train");
        if (!strcmp(key, "steps")) json_object_del(train, "minutes"); /* the later word counts */
        if (!strcmp(key, "minutes")) json_object_del(train, "steps");
        failed = json_object_set_new(train, key, value);
    }
    return failed ? ito__fail_memory(ctx, 0) : ITO_OK;
}

/* Every field of a JSON object as an option, but "name". */
static ito_status set_options(ito_ctx *ctx, const char *what, json_t *object, ito_opts *opts)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!strcmp(key, "name")) continue;
        if (json_is_string(value))
            ITO_TRY(ito_opts_set(opts, what, key, json_string_value(value)));
        else if (json_is_number(value))
            ITO_TRY(ito_opts_set_number(opts, what, key, json_number_value(value)));
        else if (json_is_boolean(value))
            ITO_TRY(ito_opts_set(opts, what, key, json_is_true(value) ? "true" : "false"));
        else
            return ito__fail(ctx, ITO_FORMAT, "%s: %s is neither a number nor a text", what, key);
    }
    return ITO_OK;
}

/* ---- checking ---- */

static ito_status check_choice(ito_ctx *ctx, ito__recipe *r, const char *where, const char *axis, const char *otherwise,
                               ito__recipe_choice *out)
{
    json_t *object = section(r->root, axis);
    if (!json_object_get(object, "name")) json_object_set_new(object, "name", json_string(otherwise));
    ITO_TRY(ito__json_text(ctx, where, object, "name", otherwise, &out->name));
    ITO_TRY(ito_choice_find(ctx, ito_axis_find(axis), out->name, &out->choice));
    if (out->choice->options) ITO_TRY(ito_opts_create(ctx, out->choice->options, &out->opts));
    if (out->opts) return set_options(ctx, out->name, object, out->opts);
    if (json_object_size(object) == 1) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "%s: %s %s has no options, but the recipe sets some", where, axis, out->name);
}

static ito_status check(ito_ctx *ctx, ito__recipe *r, const char *where)
{
    r->architecture = section(r->root, "architecture");
    r->sample = section(r->root, "sample");
    ITO_TRY(ito__json_text(ctx, where, r->root, "name", where, &r->name));
    ITO_TRY(ito__json_text(ctx, where, r->root, "task", "denoiser", &r->task));
#define ITO_RECIPE_AXIS(axis, otherwise) ITO_TRY(check_choice(ctx, r, where, #axis, otherwise, &r->axis));
    ITO_RECIPE_AXES(ITO_RECIPE_AXIS)
#undef ITO_RECIPE_AXIS
    ITO_TRY(ito_opts_create(ctx, train_options, &r->train));
    ITO_TRY(set_options(ctx, "train", section(r->root, "train"), r->train));
    if (ito_opts_int(r->train, "steps") == 0 && ito_opts_real(r->train, "minutes") <= 0)
        return ito_opts_set_number(r->train, "train", "minutes", 10);
    return ITO_OK;
}

ito_status ito__recipe_open(ito_ctx *ctx, const char *name, const char *task, const ito_dataset *data,
                            const char *const *settings, ito__recipe **out)
{
    ito_status st;
    ito__recipe *r = ito__alloc(ctx, sizeof *r);
    *out = NULL;
    if (!r) return ITO_MEMORY;
    r->ctx = ctx;
    if (!name) name = default_name(task, data);
    ITO_GO(load(ctx, name, &r->root));
    if (!json_is_object(r->root)) ITO_GO(ito__fail(ctx, ITO_FORMAT, "%s: a recipe is a JSON object", name));
    if (task) json_object_set_new(r->root, "task", json_string(task));
    for (int i = 0; settings && settings[i]; i++) ITO_GO(apply(ctx, r->root, settings[i]));
    ITO_GO(check(ctx, r, name));
    *out = r;
    return ITO_OK;
done:
    ito__recipe_destroy(r);
    return st;
}

ito_dtype ito__recipe_precision(const ito__recipe *r)
{
    return ito_opts_choice(r->train, "precision") == 1 ? ITO_BF16 : ITO_F32;
}

void ito__recipe_destroy(ito__recipe *r)
{
    if (!r) return;
    ito_opts_destroy(r->train);
#define ITO_RECIPE_AXIS(axis, otherwise) ito_opts_destroy(r->axis.opts);
    ITO_RECIPE_AXES(ITO_RECIPE_AXIS)
#undef ITO_RECIPE_AXIS
    json_decref(r->root);
    ito__free(r->ctx, r);
}
