/* The option parser: --name value, --name=value, flags, repeated options, operands, -- to end the options. */
#include "args.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ito/option.h>

#include "cli.h"

#define MOST_OPTIONS 48

typedef struct args_hit {
    const arg_def *def;
    const char *value;
} args_hit;

const arg_def args_common[] = {
    {"json", ARG_FLAG, NULL, "one JSON object per line on standard output"},
    {"quiet", ARG_FLAG, NULL, "no progress"},
    {"threads", ARG_INT, "N", "compute threads [one per core]"},
    {"help", ARG_FLAG, NULL, "this text"},
    ARG_END,
};

static const arg_def *find_in(const arg_def *defs, const char *name, size_t length)
{
    for (; defs && defs->name; defs++)
        if (strlen(defs->name) == length && !memcmp(defs->name, name, length)) return defs;
    return NULL;
}

static const arg_def *find(const cli_command *command, const char *name, size_t length)
{
    const arg_def *def = find_in(command->options, name, length);
    return def ? def : find_in(args_common, name, length);
}

static int fail_unknown(const cli_command *command, const char *word, const char *name, size_t length)
{
    const char *names[MOST_OPTIONS];
    char copy[64];
    int n = 0;
    for (const arg_def *def = command->options; def && def->name && n < MOST_OPTIONS; def++) names[n++] = def->name;
    for (const arg_def *def = args_common; def->name && n < MOST_OPTIONS; def++) names[n++] = def->name;
    if (length >= sizeof copy) length = sizeof copy - 1;
    memcpy(copy, name, length);
    copy[length] = 0;
    const char *nearest = ito_name_nearest(copy, n, names);
    if (!nearest) return cli_usage(command->name, "unknown option '%s'", word);
    return cli_usage(command->name, "unknown option '%s'; did you mean '%s%s'?", word, nearest[1] ? "--" : "-",
                     nearest);
}

/* "700M", "1.5G", "2GiB": a positive number of bytes; 0 when it is none. */
static size_t parse_size(const char *text)
{
    static const char units[] = "KMGT";
    char *end;
    double bytes = strtod(text, &end);
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL; /* either case */
    if (unit) {
        bytes *= (double)((uint64_t)1 << (10 * (unit - units + 1)));
        end += 1 + (end[1] == 'i');
    }
    if (*end == 'B') end++;
    return end != text && !*end && bytes >= 1 && bytes < 0x1p60 ? (size_t)bytes : 0;
}

/* Numbers are checked here, so that the commands need not. */
static int check_value(const cli_command *command, const arg_def *def, const char *value)
{
    char *end = NULL;
    const char *dashes = def->name[1] ? "--" : "-";
    errno = 0;
    if (def->kind == ARG_INT) {
        strtoll(value, &end, 10);
        if (end == value || *end || errno)
            return cli_usage(command->name, "%s%s is '%s', expected a whole number", dashes, def->name, value);
    } else if (def->kind == ARG_REAL) {
        double number = strtod(value, &end);
        if (end == value || *end || number - number != 0)
            return cli_usage(command->name, "%s%s is '%s', expected a number", dashes, def->name, value);
    } else if (def->kind == ARG_SIZE && !parse_size(value)) {
        return cli_usage(command->name, "%s%s is '%s', expected bytes such as 700M or 1.5G", dashes, def->name, value);
    }
    return 0;
}

/* One option at argv[*at], and its value where it has one. */
static int parse_option(const cli_command *command, int argc, char **argv, int *at, args *out)
{
    const char *word = argv[*at];
    const char *name = word + (word[1] == '-' ? 2 : 1);
    size_t length = strcspn(name, "=");
    const char *value = name[length] ? name + length + 1 : NULL;
    const arg_def *def = find(command, name, length);
    if (!def || (word[1] != '-' && length != 1)) return fail_unknown(command, word, name, length);
    if (def->kind == ARG_FLAG && value)
        return cli_usage(command->name, "--%s takes no value, got '%s'", def->name, value);
    if (def->kind != ARG_FLAG && !value) {
        if (*at + 1 >= argc)
            return cli_usage(command->name, "%s needs a value: %s %s", word, word, def->value ? def->value : "");
        value = argv[++*at];
    }
    int status = value ? check_value(command, def, value) : 0;
    if (status == 0) out->hits[out->n_hits++] = (args_hit){def, value};
    return status;
}

static int check_operands(const cli_command *command, const args *a)
{
    if (args_has(a, "help")) return 0;
    if (a->n_operands < command->min_operands)
        return cli_usage(command->name, "missing argument; usage: ito %s %s", command->name, command->operands);
    if (a->n_operands > command->max_operands)
        return cli_usage(command->name, "'%s' is one argument too many; usage: ito %s%s%s",
                         a->operands[command->max_operands], command->name, *command->operands ? " " : "",
                         command->operands);
    return 0;
}

int args_parse(const cli_command *command, int argc, char **argv, args *out)
{
    *out = (args){.command = command};
    out->operands = cli_alloc(((size_t)argc + 1) * sizeof *out->operands);
    out->hits = cli_alloc(((size_t)argc + 1) * sizeof *out->hits);
    bool options_ended = false;
    int status = 0;
    for (int i = 0; i < argc && status == 0; i++) {
        bool is_option = !options_ended && argv[i][0] == '-' && argv[i][1];
        if (is_option && !strcmp(argv[i], "--"))
            options_ended = true;
        else if (is_option)
            status = parse_option(command, argc, argv, &i, out);
        else
            out->operands[out->n_operands++] = argv[i];
    }
    if (status == 0) status = check_operands(command, out);
    return status;
}

void args_clear(args *a)
{
    free(a->operands);
    free(a->hits);
    *a = (args){0};
}

/* The last of several wins. */
static const args_hit *last_hit(const args *a, const char *name)
{
    assert(find(a->command, name, strlen(name)) && "option not in the table");
    for (int i = a->n_hits - 1; i >= 0; i--)
        if (!strcmp(a->hits[i].def->name, name)) return &a->hits[i];
    return NULL;
}

bool args_has(const args *a, const char *name)
{
    return last_hit(a, name) != NULL;
}

const char *args_text(const args *a, const char *name, const char *fallback)
{
    const args_hit *hit = last_hit(a, name);
    return hit ? hit->value : fallback;
}

int64_t args_int(const args *a, const char *name, int64_t fallback)
{
    const args_hit *hit = last_hit(a, name);
    return hit ? strtoll(hit->value, NULL, 10) : fallback;
}

double args_real(const args *a, const char *name, double fallback)
{
    const args_hit *hit = last_hit(a, name);
    return hit ? strtod(hit->value, NULL) : fallback;
}

size_t args_size(const args *a, const char *name, size_t fallback)
{
    const args_hit *hit = last_hit(a, name);
    return hit ? parse_size(hit->value) : fallback;
}

const char *args_list(const args *a, const char *name, int i)
{
    for (int k = 0; k < a->n_hits; k++)
        if (!strcmp(a->hits[k].def->name, name) && i-- == 0) return a->hits[k].value;
    return NULL;
}
