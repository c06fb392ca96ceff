/* Command lines. A subcommand is a table: its options, its positional arguments, its examples. The parser and the help
 * text both read the table, so they cannot disagree. Texts point into argv; whoever parsed clears. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum arg_kind {
    ARG_FLAG, /* --json */
    ARG_TEXT, /* --out DIR */
    ARG_INT,  /* --steps 50 */
    ARG_REAL, /* --guidance 2.5 */
    ARG_SIZE, /* --max-memory 700M: bytes, with K, M, G or T times 1024 */
    ARG_LIST  /* --set key=value, any number of times */
} arg_kind;

typedef struct arg_def {
    const char *name; /* without the dashes; a name of one letter takes one dash */
    arg_kind kind;
    const char *value; /* what the help calls the value: "N"; NULL for a flag */
    const char *help;  /* with the default, in brackets, where there is one */
} arg_def;

#define ARG_END                                                                                                        \
    {                                                                                                                  \
        0                                                                                                              \
    }

typedef struct cli cli;
typedef struct args args;

typedef struct cli_command {
    const char *name, *summary;
    const char *operands; /* as the usage line shows them: "MODEL DATA"; "" for none */
    int min_operands, max_operands;
    const char *details;    /* more for the help, ended by a new line; NULL: nothing */
    const char *examples;   /* lines without indentation, each ended by a new line */
    const arg_def *options; /* ended by ARG_END; those of every command (args_common) come on top */
    int (*run)(cli *app, const args *a);
} cli_command;

/* --json, --quiet, --threads, --help. */
extern const arg_def args_common[];

struct args {
    const cli_command *command;
    const char **operands; /* min_operands or more of them, then NULL */
    int n_operands;
    struct args_hit *hits; /* options as they came */
    int n_hits;
};

/* argv without the program and the subcommand. 0, or the exit status 2 with the reason on stderr. */
int args_parse(const cli_command *command, int argc, char **argv, args *out);
void args_clear(args *a);

/* Asking for a name the table lacks is a broken invariant. Numbers were checked while parsing. */
bool args_has(const args *a, const char *name);
const char *args_text(const args *a, const char *name, const char *fallback);
int64_t args_int(const args *a, const char *name, int64_t fallback);
double args_real(const args *a, const char *name, double fallback);
size_t args_size(const args *a, const char *name, size_t fallback);
/* The i-th value of a repeated option, NULL past the end. */
const char *args_list(const args *a, const char *name, int i);

#endif
