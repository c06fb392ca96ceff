/* The table of subcommands and the help that is made of it. */
#include <string.h>

#include "cli.h"

#define CLI_COMMAND(name) extern const cli_command cli_cmd_##name;
#include "commands.h"
#undef CLI_COMMAND

static const cli_command *const commands[] = {
#define CLI_COMMAND(name) &cli_cmd_##name,
#include "commands.h"
#undef CLI_COMMAND
    NULL,
};

const cli_command *cli_command_get(int i)
{
    return commands[i];
}

const cli_command *cli_command_find(const char *name)
{
    for (int i = 0; commands[i]; i++)
        if (!strcmp(commands[i]->name, name)) return commands[i];
    return NULL;
}

void cli_help_program(FILE *out)
{
    fputs("ito: diffusion models, trained and sampled. Usage: ito COMMAND [arguments], ito help COMMAND\n\n", out);
    for (int i = 0; commands[i]; i++) {
        char head[40];
        snprintf(head, sizeof head, "%s %s", commands[i]->name, commands[i]->operands);
        fprintf(out, "  %-22s %s\n", head, commands[i]->summary);
    }
    fputs("\nFor example, a small model of generated pictures in one minute, then a grid of what it makes:\n"
          "  ito train shapes --size 16 --minutes 1 --out out/shapes && ito sample out/shapes --out grid.png\n",
          out);
}

static void print_options(FILE *out, const arg_def *options)
{
    for (; options && options->name; options++) {
        char head[48];
        snprintf(head, sizeof head, "%s%s%s%s", options->name[1] ? "--" : "-", options->name, options->value ? " " : "",
                 options->value ? options->value : "");
        fprintf(out, "  %-24s %s\n", head, options->help);
    }
}

static void print_indented(FILE *out, const char *lines)
{
    while (*lines) {
        int length = (int)strcspn(lines, "\n");
        fprintf(out, "  %.*s\n", length, lines);
        lines += length + (lines[length] == '\n');
    }
}

void cli_help_command(FILE *out, const cli_command *command)
{
    fprintf(out, "usage: ito %s%s%s [options]\n%s\n", command->name, *command->operands ? " " : "", command->operands,
            command->summary);
    if (command->details) fprintf(out, "\n%s", command->details);
    fputs("\noptions\n", out);
    print_options(out, command->options);
    print_options(out, args_common);
    fputs("\nexamples\n", out);
    print_indented(out, command->examples);
}
