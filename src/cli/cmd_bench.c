/* ito bench: how fast a U-Net runs or trains on this machine. */
#include <string.h>

#include <ito/bench.h>

#include "cli.h"

/* What the per-operation callback needs. */
typedef struct table {
    cli *app;
    double seconds;
} table;

static void print_step(void *user, const ito_program_step *step)
{
    table *t = user;
    char shape[ITO_SHAPE_TEXT];
    double gflops = step->seconds > 0 ? step->flops / step->seconds * 1e-9 : 0;
    t->seconds += step->seconds;
    ito_shape_text(step->shape, shape);
    if (!t->app->is_json) {
        printf("%-18s %-14s %-22s %9.3f ms %8.1f GFLOP/s  %s\n", step->op, step->algorithm ? step->algorithm : "",
               shape, 1e3 * step->seconds, gflops, step->label ? step->label : "");
        return;
    }
    json_out *j = &t->app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "step");
    emit_text(j, "op", step->op);
    emit_text(j, "algorithm", step->algorithm);
    emit_text(j, "label", step->label);
    emit_text(j, "shape", shape);
    emit_rounded(j, "ms", 1e3 * step->seconds, 6);
    emit_rounded(j, "gflops", gflops, 6);
    emit_rounded(j, "bytes", step->bytes, 12);
    emit_end(j);
}

static void print_result(cli *app, const ito_bench_options *o, const ito_bench_result *r)
{
    const char *mode = o->train ? "train" : "forward";
    char bytes[CLI_TEXT];
    if (!app->is_json) {
        printf("%s, %s, batch %d, f32, %d threads: %.1f ms (%.1f to %.1f), %.1f images/s, %.1f GFLOP/s, %s planned\n",
               o->preset, mode, o->batch, ito_ctx_n_threads(app->ctx), r->ms, r->ms_min, r->ms_max,
               r->images_per_second, r->gflops, cli_bytes((double)r->peak_bytes, bytes));
        return;
    }
    json_out *j = &app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, "preset", o->preset);
    emit_text(j, "mode", mode);
    emit_text(j, "precision", "f32");
    emit_int(j, "batch", o->batch);
    emit_int(j, "threads", ito_ctx_n_threads(app->ctx));
    emit_rounded(j, "ms", r->ms, 9);
    emit_rounded(j, "ms_min", r->ms_min, 9);
    emit_rounded(j, "ms_max", r->ms_max, 9);
    emit_rounded(j, "images_per_s", r->images_per_second, 9);
    emit_rounded(j, "gflops", r->gflops, 9);
    emit_int(j, "peak_bytes", (int64_t)r->peak_bytes);
    emit_int(j, "n_weights", r->n_weights);
    emit_end(j);
}

/* word is one of two. */
static int check_word(const char *what, const char *word, const char *one, const char *other)
{
    if (!strcmp(word, one) || !strcmp(word, other)) return CLI_DONE;
    return cli_usage("bench", "%s is '%s', expected %s or %s", what, word, one, other);
}

static int run(cli *app, const args *a)
{
    const char *mode = args_text(a, "mode", "forward"), *precision = args_text(a, "precision", "f32");
    ito_bench_options o = {.preset = args_text(a, "preset", "small"), .train = !strcmp(mode, "train")};
    int64_t batch = args_int(a, "batch", !strcmp(o.preset, "small") ? 64 : 16), repeats = args_int(a, "repeats", 5);
    if (strcmp(a->operands[0], "unet") != 0)
        return cli_usage("bench", "'%s' cannot be timed; there is: unet", a->operands[0]);
    int status = check_word("--preset", o.preset, "small", "ddpm-cifar10");
    if (status == CLI_DONE) status = check_word("--mode", mode, "forward", "train");
    if (status != CLI_DONE) return status;
    if (strcmp(precision, "f32") != 0) return cli_usage("bench", "--precision is '%s', expected f32", precision);
    if (batch < 1 || batch > 65536 || repeats < 1 || repeats > 100000)
        return cli_usage("bench", "--batch and --repeats are 1 or more");
    o.batch = (int)batch;
    o.repeats = (int)repeats;
    ito_bench_result result;
    table t = {.app = app};
    ito_status st = ito_bench_unet(app->ctx, &o, &result, args_has(a, "steps") ? print_step : NULL, &t);
    if (st != ITO_OK) return cli_fail(app, st);
    print_result(app, &o, &result);
    return CLI_DONE;
}

static const arg_def options[] = {
    {"preset", ARG_TEXT, "NAME", "small (1.6 M weights) or ddpm-cifar10 (35.7 M) [small]"},
    {"batch", ARG_INT, "N", "images at a time [64 for small, 16 for ddpm-cifar10]"},
    {"mode", ARG_TEXT, "MODE", "forward, or train: with backward, clipping, AdamW, EMA [forward]"},
    {"precision", ARG_TEXT, "P", "f32 [f32]"},
    {"repeats", ARG_INT, "K", "timed runs after a warm-up; the median counts [5]"},
    {"steps", ARG_FLAG, NULL, "also the time of each operation"},
    ARG_END,
};

extern const cli_command cli_cmd_bench;
const cli_command cli_cmd_bench = {
    .name = "bench",
    .summary = "time a network on this machine",
    .operands = "unet",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .examples = "ito bench unet --preset small --mode train\n"
                "ito bench unet --preset ddpm-cifar10 --batch 16 --steps\n"
                "ito bench unet --threads 1 --json\n",
    .run = run,
};
