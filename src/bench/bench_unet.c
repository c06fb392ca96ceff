/* Timing a U-Net: forward as in sampling (weights packed once), or a whole training step (forward, backward, clipping, AdamW,
 * moving average). */
#include <math.h>

#include "bench/bench_impl.h"

static ito_train_memory forward_memory(const ito_program *p)
{
    ito_program_memory_info m = ito_program_memory(p);
    size_t bytes = m.slab_bytes + m.packed_bytes + m.const_bytes + m.bound_bytes;
    return (ito_train_memory){.planned_bytes = bytes, .unlimited_bytes = bytes};
}

static ito_status measure(ito_bench_net *b, int repeats, ito_bench_result *r)
{
    double ms[ITO_BENCH_MAX_REPEATS];
    ITO_TRY(ito__bench_net_run(b));
    for (int i = 0; i < repeats; i++) {
        double start = ito__now();
        ITO_TRY(ito__bench_net_run(b));
        ms[i] = 1e3 * (ito__now() - start);
    }
    double median = ito__bench_median(repeats, ms); /* sorts */
    *r = (ito_bench_result){.ms = median,
                            .ms_min = ms[0],
                            .ms_max = ms[repeats - 1],
                            .memory = b->trained ? ito__trained_net_memory(b->trained) : forward_memory(b->program),
                            .n_weights = ito_param_list_n_weights(b->network->params),
                            .batch = b->batch,
                            .height = (int)b->height,
                            .width = (int)b->width};
    r->images_per_second = 1e3 * b->batch / r->ms;
    r->gflops = ito_program_flops(b->program) / r->ms * 1e-6;
    return ITO_OK;
}

/* What AdamW with clipping and moving average must move: the gradient twice, for its norm and for the step; both moments and the
 * average in and out, as they are kept; weights in and out. */
static ito_bench_row update_row(const ito_bench_net *b, const ito_bench_roofs *roofs, double seconds)
{
    int64_t n = ito_param_list_n_weights(b->network->params);
    size_t kept = b->trained ? ito_dtype_size(b->trained->precision) : 0;
    ito_bench_row row = {.name = "",
                         .pass = "update",
                         .op = "optimizer",
                         .algorithm = "adamw+ema",
                         .n_in = 1,
                         .in = {ITO_SHAPE(n)},
                         .out = ITO_SHAPE(n),
                         .ms = 1e3 * seconds,
                         .bytes = (double)(8 * kept + 2 * sizeof(float)) * (double)n};
    ito_bench_rate(roofs, &row);
    return row;
}

static ito_status profile(ito_bench_net *b, const ito_bench_options *o, int repeats, ito_bench_row_fn steps, void *user)
{
    int n = ito_program_n_steps(b->program);
    double *seconds = ito__alloc_array(b->ctx, (size_t)n + 1, sizeof *seconds);
    if (!seconds) return ITO_MEMORY;
    ito_status st = ito__bench_profile(b->ctx, b->program, repeats, HUGE_VAL, ito__bench_net_run, b, seconds);
    for (int i = 0; i <= n && st == ITO_OK; i++) {
        ito_bench_row row;
        if (i < n) {
            ito_program_step step = ito_program_step_get(b->program, i);
            row = ito__bench_step_row(o->roofs, &step, seconds[i]);
        } else {
            row = update_row(b, o->roofs, seconds[i]);
        }
        if (i < n || b->trained) steps(user, &row);
    }
    ito__free(b->ctx, seconds);
    return st;
}

ito_status ito_bench_unet(ito_ctx *ctx, const ito_bench_options *options, ito_bench_result *result,
                          ito_bench_row_fn steps, void *user)
{
    ito_bench_net b;
    int repeats = ITO_MIN(options->repeats > 0 ? options->repeats : 5, ITO_BENCH_MAX_REPEATS);
    ITO_TRY(ito__bench_net_open(ctx, options, &b));
    ito_status st = measure(&b, repeats, result);
    if (st == ITO_OK && steps) st = profile(&b, options, repeats, steps, user);
    ito__bench_net_close(&b);
    return st;
}
