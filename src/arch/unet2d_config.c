/* The fields of UNet2DModel's config.json: one table, read three ways (defaults, parse, write), and the checks that tie
 * fields to each other. Field names and defaults are diffusers'. */
#include "arch/unet2d_config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(ito__unet2d_config, member)
#define LARGEST    65536
#define ROWS       1e9
#define CLASS_NAME "UNet2DModel"

/* OPT is a whole number, or null for 0. A choice whose first name is "null" may be null. */
typedef enum kind { INT, OPT, REAL, BOOL, CHOICE, INTS, CHOICES, SIZE } kind;

typedef struct field {
    const char *name;
    kind kind;
    size_t offset;
    double value, min, max;   /* default and range; a choice's default is its index */
    const char *const *names; /* of a choice, ended by NULL */
} field;

static const char *const down_names[] = {"DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D", NULL};
static const char *const up_names[] = {"UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D", NULL};
static const char *const mid_names[] = {"null", "UNetMidBlock2D", NULL};
static const char *const time_names[] = {"positional", "fourier", "learned", NULL};
static const char *const class_names[] = {"null", "timestep", "identity", NULL};
static const char *const act_names[] = {"silu", "swish", "mish", "gelu", "relu", NULL};
static const char *const resample_names[] = {"conv", "resnet", NULL};
static const char *const shift_names[] = {"default", "scale_shift", NULL};

static const field fields[] = {
    {"sample_size", SIZE, AT(sample_size), 0, 1, LARGEST, NULL},
    {"in_channels", INT, AT(in_channels), 3, 1, LARGEST, NULL},
    {"out_channels", INT, AT(out_channels), 3, 1, LARGEST, NULL},
    {"center_input_sample", BOOL, AT(center_input_sample), false, 0, 1, NULL},
    {"time_embedding_type", CHOICE, AT(time_embedding_type), ITO__UNET2D_POSITIONAL, 0, 0, time_names},
    {"time_embedding_dim", OPT, AT(time_embedding_dim), 0, 1, LARGEST, NULL},
    {"freq_shift", INT, AT(freq_shift), 0, 0, LARGEST, NULL},
    {"flip_sin_to_cos", BOOL, AT(flip_sin_to_cos), true, 0, 1, NULL},
    {"down_block_types", CHOICES, AT(down_block_types), 0, 0, 0, down_names},
    {"mid_block_type", CHOICE, AT(mid_block_type), ITO__UNET2D_MID, 0, 0, mid_names},
    {"up_block_types", CHOICES, AT(up_block_types), 0, 0, 0, up_names},
    {"block_out_channels", INTS, AT(block_out_channels), 0, 1, LARGEST, NULL},
    {"layers_per_block", INT, AT(layers_per_block), 2, 1, ITO__UNET2D_MAX_LAYERS, NULL},
    {"mid_block_scale_factor", REAL, AT(mid_block_scale_factor), 1, 1e-6, 1e6, NULL},
    {"downsample_padding", INT, AT(downsample_padding), 1, 0, 1, NULL},
    {"downsample_type", CHOICE, AT(downsample_type), ITO__UNET2D_BY_CONV, 0, 0, resample_names},
    {"upsample_type", CHOICE, AT(upsample_type), ITO__UNET2D_BY_CONV, 0, 0, resample_names},
    {"dropout", REAL, AT(dropout), 0, 0, 0.999, NULL},
    {"act_fn", CHOICE, AT(act_fn), ITO__UNET2D_SILU, 0, 0, act_names},
    {"attention_head_dim", OPT, AT(attention_head_dim), 8, 1, LARGEST, NULL},
    {"norm_num_groups", INT, AT(norm_num_groups), 32, 1, LARGEST, NULL},
    {"attn_norm_num_groups", OPT, AT(attn_norm_num_groups), 0, 1, LARGEST, NULL},
    {"norm_eps", REAL, AT(norm_eps), 1e-5, 0, 1, NULL},
    {"resnet_time_scale_shift", CHOICE, AT(resnet_time_scale_shift), ITO__UNET2D_SHIFT, 0, 0, shift_names},
    {"add_attention", BOOL, AT(add_attention), true, 0, 1, NULL},
    {"class_embed_type", CHOICE, AT(class_embed_type), ITO__UNET2D_TABLE, 0, 0, class_names},
    {"num_class_embeds", OPT, AT(num_class_embeds), 0, 1, ROWS, NULL},
    {"num_train_timesteps", OPT, AT(num_train_timesteps), 0, 1, ROWS, NULL},
};

/* What the field's member is, as a pointer of its type. */
static void *member(const ito__unet2d_config *config, const field *f)
{
    return (char *)(uintptr_t)config + f->offset;
}

void ito__unet2d_config_default(ito__unet2d_config *config)
{
    *config = (ito__unet2d_config){
        .down_block_types = {4, {ITO__UNET2D_PLAIN, ITO__UNET2D_ATTN, ITO__UNET2D_ATTN, ITO__UNET2D_ATTN}},
        .up_block_types = {4, {ITO__UNET2D_ATTN, ITO__UNET2D_ATTN, ITO__UNET2D_ATTN, ITO__UNET2D_PLAIN}},
        .block_out_channels = {4, {224, 448, 672, 896}},
        .zero_init = true,
    };
    for (int i = 0; i < ITO_COUNT(fields); i++) {
        const field *f = &fields[i];
        if (f->kind == REAL)
            *(double *)member(config, f) = f->value;
        else if (f->kind == BOOL)
            *(bool *)member(config, f) = f->value != 0;
        else if (f->kind == INT || f->kind == OPT || f->kind == CHOICE)
            *(int64_t *)member(config, f) = (int64_t)f->value;
    }
}

/* ---- parse ---- */

typedef struct reader {
    ito_ctx *ctx;
    const char *where;
} reader;

/* "one of a, b or null" into text. */
static const char *name_all(const char *const *names, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "one of");
    for (int i = 0; names[i] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s %s", i ? "," : "", names[i]);
    return text;
}

static ito_status parse_int(const reader *r, const field *f, const json_t *value, int64_t *out)
{
    char expected[96];
    double number = json_number_value(value);
    snprintf(expected, sizeof expected, "a whole number from %g to %.10g%s", f->min, f->max,
             f->kind == OPT ? " or null" : "");
    if (!json_is_number(value) || number < f->min || number > f->max || number != (double)(int64_t)number)
        return ito__json_fail(r->ctx, r->where, f->name, expected, value);
    *out = (int64_t)number;
    return ITO_OK;
}

static ito_status parse_real(const reader *r, const field *f, const json_t *value, double *out)
{
    char expected[96];
    snprintf(expected, sizeof expected, "a number from %g to %g", f->min, f->max);
    *out = json_number_value(value);
    if (json_is_number(value) && *out >= f->min && *out <= f->max) return ITO_OK;
    return ito__json_fail(r->ctx, r->where, f->name, expected, value);
}

/* Files of early diffusers call DownBlock2D UNetResDownBlock2D, and so on. */
static const char *without_old_prefix(const char *name)
{
    return strncmp(name, "UNetRes", 7) ? name : name + 7;
}

static ito_status parse_choice(const reader *r, const field *f, const json_t *value, int64_t *out)
{
    char expected[160];
    const char *text = json_is_null(value) ? "null" : json_string_value(value);
    if (text && f->kind == CHOICES) text = without_old_prefix(text);
    for (int i = 0; text && f->names[i]; i++)
        if (!strcmp(text, f->names[i])) {
            *out = i;
            return ITO_OK;
        }
    return ito__json_fail(r->ctx, r->where, f->name, name_all(f->names, expected, sizeof expected), value);
}

static ito_status parse_list(const reader *r, const field *f, const json_t *value, ito__unet2d_list *out)
{
    size_t n = json_array_size(value);
    char expected[64];
    snprintf(expected, sizeof expected, "a list of 1 to %d entries", ITO__UNET2D_MAX_LEVELS);
    if (n < 1 || n > ITO__UNET2D_MAX_LEVELS) return ito__json_fail(r->ctx, r->where, f->name, expected, value);
    out->n = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(value, i);
        if (f->kind == INTS)
            ITO_TRY(parse_int(r, f, entry, &out->at[i]));
        else
            ITO_TRY(parse_choice(r, f, entry, &out->at[i]));
    }
    return ITO_OK;
}

/* null, one number for a square, or [height, width]. */
static ito_status parse_size(const reader *r, const field *f, const json_t *value, int64_t out[2])
{
    bool pair = json_is_array(value);
    out[0] = out[1] = 0;
    if (json_is_null(value)) return ITO_OK;
    if (pair && json_array_size(value) != 2)
        return ito__json_fail(r->ctx, r->where, f->name, "null, a number or [height, width]", value);
    for (int i = 0; i < 2; i++) ITO_TRY(parse_int(r, f, pair ? json_array_get(value, (size_t)i) : value, &out[i]));
    return ITO_OK;
}

static ito_status parse_field(const reader *r, const field *f, const json_t *value, ito__unet2d_config *config)
{
    void *out = member(config, f);
    switch (f->kind) {
    case OPT: *(int64_t *)out = 0; return json_is_null(value) ? ITO_OK : parse_int(r, f, value, out);
    case INT: return parse_int(r, f, value, out);
    case REAL: return parse_real(r, f, value, out);
    case CHOICE: return parse_choice(r, f, value, out);
    case INTS:
    case CHOICES: return parse_list(r, f, value, out);
    case SIZE: return parse_size(r, f, value, out);
    case BOOL:
        *(bool *)out = json_is_true(value);
        return json_is_boolean(value) ? ITO_OK : ito__json_fail(r->ctx, r->where, f->name, "true or false", value);
    }
    return ITO_OK;
}

static const field *find(const char *name)
{
    for (int i = 0; i < ITO_COUNT(fields); i++)
        if (!strcmp(fields[i].name, name)) return &fields[i];
    return NULL;
}

static ito_status fail_unknown(const reader *r, const char *name)
{
    const char *names[ITO_COUNT(fields)];
    for (int i = 0; i < ITO_COUNT(fields); i++) names[i] = fields[i].name;
    const char *nearest = ito__nearest(name, ITO_COUNT(fields), names);
    return ito__fail(r->ctx, ITO_FORMAT, "%s: " CLASS_NAME " has no field '%s'%s%s%s", r->where, name,
                     nearest ? "; did you mean '" : "; remove it, or open the model with the class that wrote it",
                     nearest ? nearest : "", nearest ? "'?" : "");
}

ito_status ito__unet2d_config_parse(ito_ctx *ctx, const char *where, const json_t *object, ito__unet2d_config *out)
{
    reader r = {ctx, where};
    const char *name;
    json_t *value;
    ito__unet2d_config_default(out);
    if (!json_is_object(object)) return ito__json_fail(ctx, where, "config", "an object", object);
    const json_t *class = json_object_get(object, "_class_name");
    if (class && (!json_is_string(class) || strcmp(json_string_value(class), CLASS_NAME) != 0))
        return ito__json_fail(ctx, where, "_class_name", CLASS_NAME, class);
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        const field *f = find(name);
        if (name[0] == '_') continue;
        if (!f) return fail_unknown(&r, name);
        ITO_TRY(parse_field(&r, f, value, out));
    }
    ITO_TRY(ito__json_bool(ctx, where, object, "_zero_init", true, &out->zero_init));
    return ito__unet2d_config_check(ctx, where, out);
}

/* ---- checks ---- */

static ito_status check_lists(const reader *r, const ito__unet2d_config *c)
{
    int64_t n = c->block_out_channels.n;
    if (n >= 1 && n <= ITO__UNET2D_MAX_LEVELS && c->down_block_types.n == n && c->up_block_types.n == n) return ITO_OK;
    return ito__fail(r->ctx, ITO_FORMAT,
                     "%s: down_block_types has %d entries, up_block_types %d and block_out_channels %d; a level needs "
                     "one of each",
                     r->where, (int)c->down_block_types.n, (int)c->up_block_types.n, (int)n);
}

static ito_status check_groups(const reader *r, const char *name, int64_t groups, int64_t channels)
{
    if (channels % groups == 0) return ITO_OK;
    return ito__fail(r->ctx, ITO_FORMAT, "%s: %s is %d, which does not divide the %d channels of block_out_channels",
                     r->where, name, (int)groups, (int)channels);
}

static ito_status check_head(const reader *r, int64_t head, int64_t channels)
{
    if (head <= channels) return ITO_OK;
    return ito__fail(r->ctx, ITO_FORMAT,
                     "%s: attention_head_dim is %d, more than the %d channels of a level with attention; use a smaller "
                     "one, or null for one head",
                     r->where, (int)head, (int)channels);
}

/* Groups and heads of every level, and of the middle. */
static ito_status check_channels(const reader *r, const ito__unet2d_config *c)
{
    int64_t levels = c->block_out_channels.n, last = c->block_out_channels.at[levels - 1];
    for (int64_t i = 0; i < levels; i++) {
        int64_t channels = c->block_out_channels.at[i];
        ITO_TRY(check_groups(r, "norm_num_groups", c->norm_num_groups, channels));
        if (c->down_block_types.at[i] == ITO__UNET2D_ATTN || c->up_block_types.at[levels - 1 - i] == ITO__UNET2D_ATTN)
            ITO_TRY(check_head(r, c->attention_head_dim, channels));
    }
    if (c->mid_block_type == ITO__UNET2D_NO_MID || !c->add_attention) return ITO_OK;
    ITO_TRY(check_head(r, c->attention_head_dim, last));
    return c->attn_norm_num_groups ? check_groups(r, "attn_norm_num_groups", c->attn_norm_num_groups, last) : ITO_OK;
}

static ito_status check_time(const reader *r, const ito__unet2d_config *c)
{
    if (c->time_embedding_type == ITO__UNET2D_LEARNED && !c->num_train_timesteps)
        return ito__fail(r->ctx, ITO_FORMAT,
                         "%s: num_train_timesteps is null, but time_embedding_type 'learned' needs its number of rows",
                         r->where);
    /* The frequencies are 10000^(-i / (half - freq_shift)). */
    if (c->time_embedding_type == ITO__UNET2D_POSITIONAL && c->block_out_channels.at[0] / 2 <= c->freq_shift)
        return ito__fail(r->ctx, ITO_FORMAT,
                         "%s: freq_shift is %d, but must be below half the %d channels of the first level", r->where,
                         (int)c->freq_shift, (int)c->block_out_channels.at[0]);
    return ITO_OK;
}

/* A struct filled by hand goes through the same ranges as a file. */
static ito_status check_ranges(const reader *r, const ito__unet2d_config *config)
{
    for (int i = 0; i < ITO_COUNT(fields); i++) {
        const field *f = &fields[i];
        const int64_t *number = member(config, f);
        bool whole = f->kind == INT || (f->kind == OPT && *number != 0);
        double value = whole ? (double)*number : f->kind == REAL ? *(const double *)member(config, f) : f->min;
        if (!(value >= f->min && value <= f->max))
            return ito__fail(r->ctx, ITO_FORMAT, "%s: %s is %g, expected %g to %.10g", r->where, f->name, value, f->min,
                             f->max);
    }
    return ITO_OK;
}

ito_status ito__unet2d_config_check(ito_ctx *ctx, const char *where, const ito__unet2d_config *config)
{
    reader r = {ctx, where};
    ITO_TRY(check_ranges(&r, config));
    ITO_TRY(check_lists(&r, config));
    ITO_TRY(check_channels(&r, config));
    return check_time(&r, config);
}

ito_status ito__unet2d_config_check_size(ito_ctx *ctx, const ito__unet2d_config *config, int64_t height, int64_t width)
{
    int64_t multiple = (int64_t)1 << (config->block_out_channels.n - 1);
    if (height > 0 && width > 0 && height % multiple == 0 && width % multiple == 0) return ITO_OK;
    return ito__fail(ctx, ITO_SHAPE,
                     "an image of %d x %d (height x width) does not fit a U-Net of %d levels: both sides must be "
                     "multiples of %d; pad or resize the image, or use fewer levels",
                     (int)height, (int)width, (int)config->block_out_channels.n, (int)multiple);
}

int64_t ito__unet2d_time_width(const ito__unet2d_config *config)
{
    return config->time_embedding_dim ? config->time_embedding_dim : 4 * config->block_out_channels.at[0];
}

bool ito__unet2d_has_class(const ito__unet2d_config *config)
{
    return config->class_embed_type != ITO__UNET2D_TABLE || config->num_class_embeds > 0;
}

/* ---- write ---- */

static json_t *json_choice(const field *f, int64_t index)
{
    return strcmp(f->names[index], "null") ? json_string(f->names[index]) : json_null();
}

static json_t *json_list(const field *f, const ito__unet2d_list *list)
{
    json_t *out = json_array();
    int failed = 0;
    for (int64_t i = 0; i < list->n; i++)
        failed |= json_array_append_new(out, f->kind == INTS ? json_integer(list->at[i]) : json_choice(f, list->at[i]));
    if (!failed) return out;
    json_decref(out);
    return NULL;
}

static json_t *json_size(const int64_t size[2])
{
    if (!size[0]) return json_null();
    return size[0] == size[1] ? json_integer(size[0]) : json_pack("[I, I]", (json_int_t)size[0], (json_int_t)size[1]);
}

static json_t *json_field(const ito__unet2d_config *config, const field *f)
{
    const void *at = member(config, f);
    switch (f->kind) {
    case INT: return json_integer(*(const int64_t *)at);
    case OPT: return *(const int64_t *)at ? json_integer(*(const int64_t *)at) : json_null();
    case REAL: return json_real(*(const double *)at);
    case BOOL: return json_boolean(*(const bool *)at);
    case CHOICE: return json_choice(f, *(const int64_t *)at);
    case INTS:
    case CHOICES: return json_list(f, at);
    case SIZE: return json_size(at);
    }
    return NULL;
}

ito_status ito__unet2d_config_write(ito_ctx *ctx, const ito__unet2d_config *config, json_t **out)
{
    json_t *object = json_object();
    int failed = json_object_set_new(object, "_class_name", json_string(CLASS_NAME));
    for (int i = 0; i < ITO_COUNT(fields); i++)
        failed |= json_object_set_new(object, fields[i].name, json_field(config, &fields[i]));
    if (!config->zero_init) failed |= json_object_set_new(object, "_zero_init", json_false());
    *out = failed ? NULL : object;
    if (!failed) return ITO_OK;
    json_decref(object);
    return ito__fail_memory(ctx, sizeof *config);
}
