/* Complaints, memory, texts: what every subcommand needs a little of. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

int cli_usage(const char *command, const char *format, ...)
{
    va_list va;
    va_start(va, format);
    fprintf(stderr, "ito%s%s: ", command ? " " : "", command ? command : "");
    vfprintf(stderr, format, va);
    fprintf(stderr, "\nTry: ito help%s%s\n", command ? " " : "", command ? command : "");
    va_end(va);
    return CLI_USAGE;
}

int cli_complain(const char *format, ...)
{
    va_list va;
    va_start(va, format);
    fputs("ito: ", stderr);
    vfprintf(stderr, format, va);
    putc('\n', stderr);
    va_end(va);
    return CLI_FAILED;
}

int cli_fail(const cli *app, ito_status status)
{
    const char *text = ito_last_error(app->ctx);
    cli_complain("%s", *text ? text : ito_status_text(status));
    return status == ITO_USAGE ? CLI_USAGE : CLI_FAILED;
}

void cli_note(const cli *app, const char *format, ...)
{
    if (app->is_quiet) return;
    va_list va;
    va_start(va, format);
    vfprintf(stderr, format, va);
    putc('\n', stderr);
    va_end(va);
}

void *cli_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);
    if (memory) return memory;
    cli_complain("out of memory (%zu bytes)", bytes);
    exit(CLI_FAILED);
}

static char *format_va(const char *format, va_list va)
{
    va_list again;
    va_copy(again, va);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = cli_alloc((size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, format, va);
    return text;
}

char *cli_format(const char *format, ...)
{
    va_list va;
    va_start(va, format);
    char *text = format_va(format, va);
    va_end(va);
    return text;
}

bool cli_ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

char *cli_quote(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./,:+@%";
    if (*word && !word[strspn(word, plain)]) return cli_format("%s", word);
    char *text = cli_alloc(4 * strlen(word) + 3), *at = text;
    *at++ = '\'';
    for (; *word; word++) {
        if (*word == '\'') at = stpcpy(at, "'\\'");
        *at++ = *word;
    }
    *at = '\'';
    return text;
}

void cli_words_add(cli_words *words, const char *format, ...)
{
    char **items = cli_alloc(((size_t)words->n + 2) * sizeof *items);
    if (words->n) memcpy(items, words->items, (size_t)words->n * sizeof *items);
    free(words->items);
    words->items = items;
    va_list va;
    va_start(va, format);
    words->items[words->n++] = format_va(format, va);
    va_end(va);
}

void cli_words_clear(cli_words *words)
{
    for (int i = 0; i < words->n; i++) free(words->items[i]);
    free(words->items);
    *words = (cli_words){0};
}

void cli_words_from(cli_words *words, const args *a, const char *option)
{
    const char *value;
    for (int i = 0; (value = args_list(a, option, i)); i++) cli_words_add(words, "%s", value);
}

const char *cli_bytes(double bytes, char text[CLI_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;
    while (bytes >= 1024 && u + 1 < CLI_COUNT(units)) {
        bytes /= 1024;
        u++;
    }
    snprintf(text, CLI_TEXT, bytes < 10 && u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
    return text;
}

const char *cli_memory(const ito_train_memory *m, char text[CLI_MEMORY_TEXT])
{
    char planned[CLI_TEXT], unlimited[CLI_TEXT];
    int n = snprintf(text, CLI_MEMORY_TEXT, "%s planned", cli_bytes((double)m->planned_bytes, planned));
    if (m->n_recomputed)
        snprintf(text + n, CLI_MEMORY_TEXT - (size_t)n,
                 " instead of %s (%d operations run twice, about %.0f %% more work)",
                 cli_bytes((double)m->unlimited_bytes, unlimited), m->n_recomputed, 100 * m->recomputed_share);
    return text;
}

const char *cli_duration(double seconds, char text[CLI_TEXT])
{
    if (!(seconds >= 0 && seconds < 1e9))
        snprintf(text, CLI_TEXT, "?");
    else if (seconds < 9.95)
        snprintf(text, CLI_TEXT, "%.1f s", seconds);
    else if (seconds < 60)
        snprintf(text, CLI_TEXT, "%.0f s", seconds);
    else if (seconds < 3600)
        snprintf(text, CLI_TEXT, "%d:%02d min", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(text, CLI_TEXT, "%d:%02d h", (int)(seconds / 3600), (int)(seconds / 60) % 60);
    return text;
}

double cli_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
