/* What the subcommands share. The program sees include/ito/ alone, like any other user of the library. */
#ifndef CLI_H
#define CLI_H

#include <stdio.h>

#include <ito/context.h>
#include <ito/data.h>
#include <ito/registry.h>
#include <ito/train.h>

#include "args.h"
#include "json_out.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli {
    ito_ctx *ctx;
    json_out json;      /* on standard output */
    bool is_json;       /* --json: nothing else goes to standard output */
    bool is_quiet;      /* --quiet */
    char *command_line; /* as typed, quoted for a shell: images record it */
};

#define CLI_COUNT(array)    ((int)(sizeof(array) / sizeof((array)[0])))
#define CLI_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

/* The subcommands, ended by NULL (commands.c). */
const cli_command *cli_command_get(int i);
const cli_command *cli_command_find(const char *name);
void cli_help_program(FILE *out);
void cli_help_command(FILE *out, const cli_command *command);

/* Complaints. All go to stderr as "ito: ..." and return the exit status. */
int cli_usage(const char *command, const char *format, ...) CLI_PRINTF(2, 3);
int cli_complain(const char *format, ...) CLI_PRINTF(1, 2);
int cli_fail(const cli *app, ito_status status); /* of the library: the context's last error */
void cli_note(const cli *app, const char *format, ...) CLI_PRINTF(2, 3);

/* Zeroed memory; the program ends with a message when there is none. */
void *cli_alloc(size_t bytes);
char *cli_format(const char *format, ...) CLI_PRINTF(1, 2); /* the caller frees */

bool cli_ends_in(const char *text, const char *end);
char *cli_quote(const char *word); /* as a shell reads it back, in quotes where it must be; the caller frees */

/* A growing list of texts ended by NULL, as the library takes settings. Zero it first. */
typedef struct cli_words {
    char **items;
    int n;
} cli_words;
void cli_words_add(cli_words *words, const char *format, ...) CLI_PRINTF(2, 3);
void cli_words_clear(cli_words *words);
/* Appends every value of a repeated option. */
void cli_words_from(cli_words *words, const args *a, const char *option);

/* 0 when the axis has a choice of that name, else a usage error that suggests one. */
int cli_check_choice(const cli *app, const char *command, const char *axis, const char *name);
/* Values for a choice's options from "key=value" texts; *out is NULL when there are none. 0 or the exit status. */
int cli_choice_opts(const cli *app, const ito_choice *choice, const char *const *settings, ito_opts **out);

/* The options of a data set: the values of the repeated `option`, and --size where it was given. */
void cli_data_settings(cli_words *settings, const args *a, const char *option);
/* Opens a data set; settings (NULL: none) are cleared. 0 or the exit status, and *out is NULL. */
int cli_data_open(const cli *app, const char *source, cli_words *settings, ito_dataset **out);

/* "1.2 GiB", "34 s", "3:07:00" into text; returns text. */
#define CLI_TEXT 32
const char *cli_bytes(double bytes, char text[CLI_TEXT]);
/* "1.2 GiB planned", and what was traded for it under a limit. */
#define CLI_MEMORY_TEXT 160
const char *cli_memory(const ito_train_memory *m, char text[CLI_MEMORY_TEXT]);
const char *cli_duration(double seconds, char text[CLI_TEXT]);

/* Ctrl-C: the first asks to stop, the second kills. */
void cli_interrupt_catch(void);
bool cli_interrupted(void);

/* Threads that wait for each other sleep soon instead of spinning. Call first in main(). */
void cli_wait_politely(char **argv);

double cli_now(void); /* seconds since some fixed moment */

#endif
