/* ito bench: what this machine can do, and how near operations, convolutions and networks come to it. */
#include <string.h>

#include "bench_net.h"
#include "bench_rows.h"
#include "planning.h"

static int run_peak(cli *app, const args *a)
{
    ito_bench_roofs roofs;
    (void)a;
    return bench_measure_roofs(app, &roofs);
}

/* A filter that leaves nothing is a mistake. */
static int end_rows(const cli *app, const args *a, ito_status st, const bench_rows *rows)
{
    if (st != ITO_OK) return cli_fail(app, st);
    if (rows->n) return CLI_DONE;
    return cli_complain("nothing to time: no case is named like --filter '%s'%s", args_text(a, "filter", ""),
                        args_list(a, "algorithm", 0) ? " and has that --algorithm" : "");
}

static int run_ops(cli *app, const args *a)
{
    static const char *const sizes[] = {"real", "small", "all"};
    const char *size = args_text(a, "sizes", "real");
    ito_bench_roofs roofs;
    ito_bench_op_options o = {.roofs = &roofs,
                              .filter = args_text(a, "filter", NULL),
                              .backend = args_text(a, "backend", "cpu"),
                              .repeats = (int)args_int(a, "repeats", 0)};
    bench_rows rows = {.app = app, .is_named = true};
    int at = 0;
    while (at < CLI_COUNT(sizes) && strcmp(size, sizes[at]) != 0) at++;
    if (at == CLI_COUNT(sizes)) return cli_usage("bench", "--sizes is '%s', expected real, small or all", size);
    o.sizes = (ito_bench_sizes)at;
    int status = bench_measure_roofs(app, &roofs);
    if (status != CLI_DONE) return status;
    return end_rows(app, a, ito_bench_ops(app->ctx, &o, bench_print_row, &rows), &rows);
}

static int run_conv(cli *app, const args *a)
{
    const char *algorithms[16];
    ito_bench_roofs roofs;
    ito_bench_conv_options o = {.roofs = &roofs,
                                .filter = args_text(a, "filter", NULL),
                                .algorithms = algorithms,
                                .repeats = (int)args_int(a, "repeats", 0)};
    bench_rows rows = {.app = app, .is_named = true};
    while (o.n_algorithms < CLI_COUNT(algorithms) && args_list(a, "algorithm", o.n_algorithms)) {
        algorithms[o.n_algorithms] = args_list(a, "algorithm", o.n_algorithms);
        o.n_algorithms++;
    }
    int status = bench_measure_roofs(app, &roofs);
    if (status != CLI_DONE) return status;
    return end_rows(app, a, ito_bench_conv(app->ctx, &o, bench_print_row, &rows), &rows);
}

static int run(cli *app, const args *a)
{
    static const struct subject {
        const char *name;
        int least, most; /* operands */
        int (*run)(cli *app, const args *a);
    } subjects[] = {
        {"peak", 1, 1, run_peak},  {"ops", 1, 1, run_ops},     {"conv", 1, 1, run_conv},
        {"unet", 1, 1, bench_net}, {"model", 2, 2, bench_net}, {"tune", 1, 2, bench_tune},
    };
    if (args_int(a, "repeats", 1) < 1 || args_int(a, "repeats", 1) > 1000)
        return cli_usage("bench", "--repeats is %lld, expected 1 to 1000", (long long)args_int(a, "repeats", 1));
    for (int i = 0; i < CLI_COUNT(subjects); i++) {
        if (strcmp(a->operands[0], subjects[i].name) != 0) continue;
        bool fits = a->n_operands >= subjects[i].least && a->n_operands <= subjects[i].most;
        if (fits) return subjects[i].run(app, a);
        if (subjects[i].most == 2) return cli_usage("bench", "model needs the model's directory");
        return cli_usage("bench", "%s takes no further word", subjects[i].name);
    }
    return cli_usage("bench", "'%s' cannot be timed; there are: peak, ops, conv, unet, model, tune", a->operands[0]);
}

static const arg_def options[] = {
    {"preset", ARG_TEXT, "NAME", "of unet, tune: small (1.6 M weights) or ddpm-cifar10 (35.7 M) [small]"},
    {"batch", ARG_INT, "N", "images at a time [64 for small, 16 for others]"},
    {"size", ARG_INT, "N", "height and width of the images [the network's own]"},
    {"mode", ARG_TEXT, "MODE",
     "forward, or train: with backward, clipping, AdamW, EMA; of tune also both [forward; both]"},
    {"precision", ARG_TEXT, "P", "f32, or (of unet, model, tune) bf16: 16 bits for all that is kept but weights [f32]"},
    {"max-memory", ARG_SIZE, "SIZE",
     "of unet, model, tune, --mode train: as 700M; recomputes to stay below it [no limit]"},
    {"repeats", ARG_INT, "K", "timed runs after a warm-up; the median counts [5; of conv, tune 7]"},
    {"steps", ARG_FLAG, NULL, "of unet, model: also the time of each operation, and where it goes"},
    {"sweep", ARG_TEXT, "OVER", "of unet, model: batch (1 to 64) or size (16 to 128)"},
    PLAN_OPTION,
    {"out", ARG_TEXT, "FILE", "of tune: the plan that it writes [plan.json]"},
    {"filter", ARG_TEXT, "TEXT", "of ops, conv: only what is named like this"},
    {"sizes", ARG_TEXT, "SIZES", "of ops: real, as in U-Nets; small, those of the tests; all [real]"},
    {"backend", ARG_TEXT, "NAME", "of ops: cpu or ref [cpu]"},
    {"algorithm", ARG_LIST, "NAME", "of conv: this candidate, or all; several take turns [what the plan takes]"},
    ARG_END,
};

extern const cli_command cli_cmd_bench;
const cli_command cli_cmd_bench = {
    .name = "bench",
    .summary = "time operations and networks on this machine",
    .operands = "peak|ops|conv|unet|model|tune [MODEL]",
    .min_operands = 1,
    .max_operands = 2,
    .details =
        "peak measures the machine's roofs: multiply-adds in registers and streams from caches and memory.\n"
        "ops times every operation, conv the convolutions of U-Nets, unet and model a whole network; their\n"
        "shares say how near each comes to the roof that bounds it. docs/performance.md tells how to read them.\n"
        "tune measures every algorithm for every problem of a preset or a MODEL and writes the fastest as a plan; "
        "what\n"
        "--plan names stays.\n",
    .options = options,
    .examples = "ito bench unet --preset small --mode train\n"
                "ito bench unet --preset ddpm-cifar10 --batch 16 --steps\n"
                "ito bench unet --sweep size --json\n"
                "ito bench ops --filter group_norm --threads 1\n"
                "ito bench conv --algorithm winograd4 --algorithm direct\n"
                "ito bench tune out/mnist --mode forward --batch 128 --out fast.json\n",
    .run = run,
};
