/* Timing a whole network: once, step by step, or over growing batches and images. */
#include "bench_net.h"

#include <string.h>

#include <ito/bench.h>

#include "bench_rows.h"
#include "planning.h"

const char *bench_net_name(const ito_bench_options *o)
{
    return o->model ? o->model : o->preset;
}

static void print_text(const cli *app, const ito_bench_options *o, const ito_bench_result *r)
{
    char memory[CLI_MEMORY_TEXT];
    printf("%s, %s, batch %d, %dx%d, %s, %d threads: %.1f ms (%.1f to %.1f), %.1f images/s, %.1f GFLOP/s, %s\n",
           bench_net_name(o), o->train ? "train" : "forward", r->batch, r->height, r->width,
           ito_dtype_name(o->precision), ito_ctx_n_threads(app->ctx), r->ms, r->ms_min, r->ms_max, r->images_per_second,
           r->gflops, cli_memory(&r->memory, memory));
}

static void print_json(cli *app, const ito_bench_options *o, const ito_bench_result *r)
{
    json_out *j = &app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, o->model ? "model" : "preset", bench_net_name(o));
    emit_text(j, "mode", o->train ? "train" : "forward");
    emit_text(j, "precision", ito_dtype_name(o->precision));
    emit_int(j, "batch", r->batch);
    emit_int(j, "height", r->height);
    emit_int(j, "width", r->width);
    emit_int(j, "threads", ito_ctx_n_threads(app->ctx));
    emit_rounded(j, "ms", r->ms, 9);
    emit_rounded(j, "ms_min", r->ms_min, 9);
    emit_rounded(j, "ms_max", r->ms_max, 9);
    emit_rounded(j, "images_per_s", r->images_per_second, 9);
    emit_rounded(j, "gflops", r->gflops, 9);
    emit_int(j, "peak_bytes", (int64_t)r->memory.planned_bytes);
    if (r->memory.n_recomputed) {
        emit_int(j, "unlimited_bytes", (int64_t)r->memory.unlimited_bytes);
        emit_int(j, "n_recomputed", r->memory.n_recomputed);
        emit_rounded(j, "recomputed_share", r->memory.recomputed_share, 3);
    }
    emit_int(j, "n_weights", r->n_weights);
    emit_end(j);
}

static int once(cli *app, ito_bench_options *o, bool steps)
{
    ito_bench_roofs roofs;
    ito_bench_result result;
    bench_rows rows = {.app = app, .is_summed = true};
    if (steps) {
        int status = bench_measure_roofs(app, &roofs);
        if (status != CLI_DONE) return status;
        o->roofs = &roofs;
    }
    ito_status st = ito_bench_unet(app->ctx, o, &result, steps ? bench_print_row : NULL, &rows);
    bench_print_sums(&rows);
    if (st != ITO_OK) return cli_fail(app, st);
    if (app->is_json)
        print_json(app, o, &result);
    else
        print_text(app, o, &result);
    return CLI_DONE;
}

/* ---- sweeps ---- */

/* Larger images come in smaller batches, so that memory is the same. */
static int sweep_one(cli *app, ito_bench_options *o, bool first)
{
    ito_bench_result r;
    char bytes[CLI_TEXT];
    ito_status st = ito_bench_unet(app->ctx, o, &r, NULL, NULL);
    if (st != ITO_OK) return cli_fail(app, st);
    if (app->is_json) {
        print_json(app, o, &r);
        return CLI_DONE;
    }
    if (first) {
        printf("%s, %s, %s, %d threads\n", bench_net_name(o), o->train ? "train" : "forward",
               ito_dtype_name(o->precision), ito_ctx_n_threads(app->ctx));
        printf("%5s %9s %10s %10s %12s %9s %11s\n", "batch", "size", "ms", "images/s", "us/pixel", "GFLOP/s",
               "planned");
    }
    printf("%5d %4dx%-4d %10.2f %10.1f %12.3f %9.1f %11s\n", r.batch, r.height, r.width, r.ms, r.images_per_second,
           1e3 * r.ms / ((double)r.batch * r.height * r.width), r.gflops,
           cli_bytes((double)r.memory.planned_bytes, bytes));
    fflush(stdout);
    return CLI_DONE;
}

static int sweep(cli *app, ito_bench_options *o, const char *over)
{
    bool batches = !strcmp(over, "batch");
    int status = CLI_DONE, first = batches ? 1 : 16, last = batches ? 64 : 128;
    for (int at = first; at <= last && status == CLI_DONE; at *= 2) {
        if (batches)
            o->batch = at;
        else
            o->size = at;
        status = sweep_one(app, o, at == first);
    }
    return status;
}

/* ---- command line ---- */

/* word is one of two. */
static int check_word(const char *what, const char *word, const char *one, const char *other)
{
    if (!strcmp(word, one) || !strcmp(word, other)) return CLI_DONE;
    return cli_usage("bench", "%s is '%s', expected %s or %s", what, word, one, other);
}

static int in_range(const char *what, int64_t value, int64_t most)
{
    if (value >= 1 && value <= most) return CLI_DONE;
    return cli_usage("bench", "%s is %lld, expected 1 to %lld", what, (long long)value, (long long)most);
}

int bench_net_options(const args *a, ito_bench_options *o)
{
    const char *precision = args_text(a, "precision", "f32"), *over = args_text(a, "sweep", "batch");
    o->preset = args_text(a, "preset", "small");
    /* Images four times as wide are the largest of a sweep. */
    int usual = !o->model && !strcmp(o->preset, "small") ? 64 : 16;
    int64_t batch = args_int(a, "batch", strcmp(over, "size") ? usual : usual / 4);
    int64_t size = args_int(a, "size", 1);
    int status = check_word("--preset", o->preset, "small", "ddpm-cifar10");
    if (status == CLI_DONE) status = check_word("--sweep", over, "batch", "size");
    if (status == CLI_DONE) status = check_word("--precision", precision, "f32", "bf16");
    if (status == CLI_DONE) status = in_range("--batch", batch, 65536);
    if (status == CLI_DONE) status = in_range("--size", size, 8192);
    if (status != CLI_DONE) return status;
    o->precision = strcmp(precision, "bf16") ? ITO_F32 : ITO_BF16;
    o->batch = (int)batch;
    o->size = args_has(a, "size") ? (int)size : 0;
    o->max_memory = args_size(a, "max-memory", 0);
    o->repeats = (int)args_int(a, "repeats", 5); /* in range: every bench checks it */
    return CLI_DONE;
}

int bench_net(cli *app, const args *a)
{
    ito_bench_options o = {.model = strcmp(a->operands[0], "model") ? NULL : a->operands[1]};
    const char *mode = args_text(a, "mode", "forward");
    ito_plan *plan;
    int status = bench_net_options(a, &o);
    o.train = !strcmp(mode, "train");
    if (status == CLI_DONE) status = check_word("--mode", mode, "forward", "train");
    if (status == CLI_DONE) status = plan_open(app, a, &plan);
    if (status != CLI_DONE) return status;
    o.plan = plan;
    status =
        args_has(a, "sweep") ? sweep(app, &o, args_text(a, "sweep", "batch")) : once(app, &o, args_has(a, "steps"));
    ito_plan_destroy(plan);
    return status;
}
