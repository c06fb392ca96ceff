/* Typed option values checked against their definitions. */
#include <ito/option.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

struct ito_opts {
    ito_ctx *ctx;
    const ito_opt_def *defs;
    int n;
    double *numbers;
    char **texts; /* owned copies of texts that were set */
};

ito_status ito_opts_create(ito_ctx *ctx, const ito_opt_def *defs, ito_opts **out)
{
    int n = 0;
    while (defs && defs[n].type != ITO_OPT_END_TYPE) n++;
    ito_opts *opts = *out = ito__alloc(ctx, sizeof *opts);
    if (!opts) return ITO_MEMORY;
    *opts = (ito_opts){.ctx = ctx, .defs = defs, .n = n};
    opts->numbers = ito__alloc_array(ctx, (size_t)n, sizeof *opts->numbers);
    opts->texts = ito__alloc_array(ctx, (size_t)n, sizeof *opts->texts);
    if (!opts->numbers || !opts->texts) {
        ito_opts_destroy(opts);
        *out = NULL;
        return ITO_MEMORY;
    }
    for (int i = 0; i < n; i++) opts->numbers[i] = defs[i].value;
    return ITO_OK;
}

void ito_opts_destroy(ito_opts *opts)
{
    if (!opts) return;
    for (int i = 0; opts->texts && i < opts->n; i++) ito__free(opts->ctx, opts->texts[i]);
    ito__free(opts->ctx, opts->texts);
    ito__free(opts->ctx, opts->numbers);
    ito__free(opts->ctx, opts);
}

static int find(const ito_opts *opts, const char *name)
{
    for (int i = 0; i < opts->n; i++)
        if (!strcmp(opts->defs[i].name, name)) return i;
    return -1;
}

bool ito_opts_has(const ito_opts *opts, const char *name)
{
    return find(opts, name) >= 0;
}

static ito_status fail_unknown(const ito_opts *opts, const char *what, const char *name)
{
    const char *names[64] = {0};
    int n = ITO_MIN(opts->n, ITO_COUNT(names));
    for (int i = 0; i < n; i++) names[i] = opts->defs[i].name;
    const char *nearest = ito__nearest(name, n, names);
    if (nearest)
        return ito__fail(opts->ctx, ITO_USAGE, "%s has no option '%s'; did you mean '%s'?", what, name, nearest);
    return ito__fail(opts->ctx, ITO_USAGE, "%s has no option '%s'%s%s", what, name,
                     n ? "; its first option is " : " and takes none", n ? names[0] : "");
}

static ito_status set_number(ito_opts *opts, const char *what, int i, double value)
{
    const ito_opt_def *def = &opts->defs[i];
    if (!(value >= def->min && value <= def->max))
        return ito__fail(opts->ctx, ITO_USAGE, "%s: %s is %g, expected %g to %g (%s)", what, def->name, value, def->min,
                         def->max, def->help);
    if (def->type == ITO_OPT_INT_TYPE && value != floor(value))
        return ito__fail(opts->ctx, ITO_USAGE, "%s: %s is %g, expected a whole number", what, def->name, value);
    opts->numbers[i] = value;
    return ITO_OK;
}

static ito_status set_choice(ito_opts *opts, const char *what, int i, const char *value)
{
    const ito_opt_def *def = &opts->defs[i];
    char all[256] = "";
    for (int k = 0; def->names[k]; k++) {
        if (!strcmp(def->names[k], value)) {
            opts->numbers[i] = k;
            return ITO_OK;
        }
        if (k) strncat(all, ", ", sizeof all - strlen(all) - 1);
        strncat(all, def->names[k], sizeof all - strlen(all) - 1);
    }
    return ito__fail(opts->ctx, ITO_USAGE, "%s: %s is '%s', expected one of %s", what, def->name, value, all);
}

static ito_status set_bool(ito_opts *opts, const char *what, int i, const char *value)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (int k = 0; k < ITO_COUNT(words); k++)
        if (!strcmp(words[k], value)) {
            opts->numbers[i] = k % 2;
            return ITO_OK;
        }
    return ito__fail(opts->ctx, ITO_USAGE, "%s: %s is '%s', expected true or false", what, opts->defs[i].name, value);
}

static ito_status set_text(ito_opts *opts, int i, const char *value)
{
    char *copy = ito__strdup(opts->ctx, value);
    if (!copy) return ITO_MEMORY;
    ito__free(opts->ctx, opts->texts[i]);
    opts->texts[i] = copy;
    return ITO_OK;
}

ito_status ito_opts_set(ito_opts *opts, const char *what, const char *name, const char *value)
{
    int i = find(opts, name);
    if (i < 0) return fail_unknown(opts, what, name);
    switch (opts->defs[i].type) {
    case ITO_OPT_TEXT_TYPE: return set_text(opts, i, value);
    case ITO_OPT_CHOICE_TYPE: return set_choice(opts, what, i, value);
    case ITO_OPT_BOOL_TYPE: return set_bool(opts, what, i, value);
    default: break;
    }
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end)
        return ito__fail(opts->ctx, ITO_USAGE, "%s: %s is '%s', expected a number", what, name, value);
    return set_number(opts, what, i, number);
}

ito_status ito_opts_set_number(ito_opts *opts, const char *what, const char *name, double value)
{
    int i = find(opts, name);
    if (i < 0) return fail_unknown(opts, what, name);
    return set_number(opts, what, i, value);
}

static int must_find(const ito_opts *opts, const char *name)
{
    int i = find(opts, name);
    assert(i >= 0 && "option not in the descriptor");
    return i;
}

double ito_opts_real(const ito_opts *opts, const char *name)
{
    return opts->numbers[must_find(opts, name)];
}

int64_t ito_opts_int(const ito_opts *opts, const char *name)
{
    return (int64_t)ito_opts_real(opts, name);
}

bool ito_opts_bool(const ito_opts *opts, const char *name)
{
    return ito_opts_real(opts, name) != 0;
}

int ito_opts_choice(const ito_opts *opts, const char *name)
{
    return (int)ito_opts_real(opts, name);
}

const char *ito_opts_text(const ito_opts *opts, const char *name)
{
    int i = must_find(opts, name);
    const ito_opt_def *def = &opts->defs[i];
    if (def->type == ITO_OPT_CHOICE_TYPE) return def->names[(int)opts->numbers[i]];
    return opts->texts[i] ? opts->texts[i] : def->text;
}
