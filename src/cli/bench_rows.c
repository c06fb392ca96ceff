/* The tables of ito bench. */
#include "bench_rows.h"

#include <stdlib.h>
#include <string.h>

static void print_isas(const ito_bench_roofs *r)
{
    for (int i = 0; i < r->n_isas; i++) printf("%s%s %.1f", i ? ", " : "", r->isa[i].name, r->isa[i].gflops);
}

static void print_roofs(cli *app, const ito_bench_roofs *r)
{
    json_out *j = &app->json;
    if (!app->is_json) {
        printf("roofs of %d threads, GFLOP/s: ", r->n_threads);
        print_isas(r);
        printf("; GB/s: %.1f from L2 (%.2f MiB), %.1f from L3 (%.0f MiB), %.1f from memory\n", r->l2_gbytes,
               (double)r->l2_bytes / (1 << 20), r->l3_gbytes, (double)r->l3_bytes / (1 << 20), r->memory_gbytes);
        return;
    }
    emit_object(j, NULL);
    emit_text(j, "event", "roofs");
    emit_int(j, "threads", r->n_threads);
    emit_object(j, "gflops");
    for (int i = 0; i < r->n_isas; i++) emit_rounded(j, r->isa[i].name, r->isa[i].gflops, 6);
    emit_end(j);
    emit_rounded(j, "l2_gbytes", r->l2_gbytes, 6);
    emit_rounded(j, "l3_gbytes", r->l3_gbytes, 6);
    emit_rounded(j, "memory_gbytes", r->memory_gbytes, 6);
    emit_int(j, "l2_bytes", (int64_t)r->l2_bytes);
    emit_int(j, "l3_bytes", (int64_t)r->l3_bytes);
    emit_end(j);
}

int bench_measure_roofs(cli *app, ito_bench_roofs *out)
{
    ito_status st = ito_bench_roofs_measure(app->ctx, out);
    if (st != ITO_OK) return cli_fail(app, st);
    print_roofs(app, out);
    return CLI_DONE;
}

/* ---- rows ---- */

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* "16x32x32x128", "1" for a scalar. */
static void put_shape(ito_shape shape, const char *after, char text[BENCH_SHAPES_TEXT])
{
    for (int i = 0; i < shape.n_dims || i == 0; i++) {
        size_t used = strlen(text);
        snprintf(text + used, BENCH_SHAPES_TEXT - used, "%s%lld", i ? "x" : "",
                 (long long)(shape.n_dims ? shape.d[i] : 1));
    }
    size_t used = strlen(text);
    snprintf(text + used, BENCH_SHAPES_TEXT - used, "%s", after);
}

const char *bench_shapes(int n_in, const ito_shape *in, ito_shape out, char text[BENCH_SHAPES_TEXT])
{
    *text = 0;
    for (int i = 0; i < n_in; i++) put_shape(in[i], i + 1 < n_in ? ", " : " -> ", text);
    put_shape(out, "", text);
    return text;
}

static void print_head(const bench_rows *rows)
{
    if (rows->is_named) printf("%-40s ", "case");
    printf("%-18s %-10s %-8s %10s %8s %7s %7s %-7s %s\n", "op", "algorithm", "pass", "ms", "GFLOP/s", "GB/s", "share",
           "of", "shapes");
}

static void print_text(const bench_rows *rows, const ito_bench_row *r)
{
    char gflops[CLI_TEXT] = "-", shapes[BENCH_SHAPES_TEXT];
    if (r->flops > 0) snprintf(gflops, sizeof gflops, "%.1f", r->gflops);
    if (rows->is_named) printf("%-40s ", r->name);
    printf("%-18s %-10s %-8s %10.3f %8s %7.1f %6.1f%% %-7s %s", r->op, or_empty(r->algorithm), r->pass, r->ms, gflops,
           r->gbytes, 100 * r->share, r->bound, bench_shapes(r->n_in, r->in, r->out, shapes));
    if (r->pack_ms > 0) printf(", packed in %.3f ms", r->pack_ms);
    if (!rows->is_named && r->name && *r->name) printf("  %s", r->name);
    printf("\n");
}

static void print_json(const bench_rows *rows, const ito_bench_row *r)
{
    json_out *j = &rows->app->json;
    char shape[ITO_SHAPE_TEXT];
    emit_object(j, NULL);
    emit_text(j, "event", rows->is_named ? "row" : "step");
    emit_text(j, rows->is_named ? "name" : "label", r->name);
    emit_text(j, "pass", r->pass);
    emit_text(j, "op", r->op);
    emit_text(j, "algorithm", r->algorithm);
    emit_array(j, "inputs");
    for (int i = 0; i < r->n_in; i++) emit_text(j, NULL, ito_shape_text(r->in[i], shape));
    emit_end(j);
    emit_text(j, "shape", ito_shape_text(r->out, shape));
    emit_rounded(j, "ms", r->ms, 6);
    emit_rounded(j, "pack_ms", r->pack_ms, 6);
    emit_rounded(j, "flops", r->flops, 12);
    emit_rounded(j, "bytes", r->bytes, 12);
    emit_rounded(j, "gflops", r->gflops, 6);
    emit_rounded(j, "gbytes", r->gbytes, 6);
    emit_rounded(j, "roof_ms", r->roof_ms, 6);
    emit_rounded(j, "share", r->share, 6);
    emit_text(j, "bound", r->bound);
    emit_end(j);
}

/* ---- sums ---- */

static bench_sum *find_sum(bench_rows *rows, const ito_bench_row *r)
{
    for (int i = 0; i < rows->n_sums; i++)
        if (!strcmp(rows->sums[i].op, r->op) && !strcmp(rows->sums[i].algorithm, or_empty(r->algorithm)))
            return &rows->sums[i];
    if (rows->n_sums == rows->room) {
        int room = rows->room ? 2 * rows->room : 32;
        bench_sum *more = cli_alloc((size_t)room * sizeof *more);
        if (rows->n_sums) memcpy(more, rows->sums, (size_t)rows->n_sums * sizeof *more);
        free(rows->sums);
        rows->sums = more;
        rows->room = room;
    }
    bench_sum *sum = &rows->sums[rows->n_sums++];
    sum->op = cli_format("%s", r->op);
    sum->algorithm = cli_format("%s", or_empty(r->algorithm));
    return sum;
}

void bench_print_row(void *user, const ito_bench_row *row)
{
    bench_rows *rows = user;
    if (rows->is_summed) {
        bench_sum *sum = find_sum(rows, row);
        sum->n++;
        sum->ms += row->ms;
        sum->flops += row->flops;
        sum->bytes += row->bytes;
        sum->roof_ms += row->roof_ms;
    }
    if (!rows->n++ && !rows->app->is_json) print_head(rows);
    if (rows->app->is_json)
        print_json(rows, row);
    else
        print_text(rows, row);
}

static int longest_first(const void *a, const void *b)
{
    double x = ((const bench_sum *)a)->ms, y = ((const bench_sum *)b)->ms;
    return x > y ? -1 : x < y;
}

static void print_sum_json(json_out *j, const bench_sum *s, double total)
{
    emit_object(j, NULL);
    emit_text(j, "event", "sum");
    emit_text(j, "op", s->op);
    emit_text(j, "algorithm", s->algorithm);
    emit_int(j, "n", s->n);
    emit_rounded(j, "ms", s->ms, 6);
    emit_rounded(j, "of_all", s->ms / total, 6);
    emit_rounded(j, "gflops", 1e-6 * s->flops / s->ms, 6);
    emit_rounded(j, "gbytes", 1e-6 * s->bytes / s->ms, 6);
    emit_rounded(j, "share", s->roof_ms / s->ms, 6);
    emit_end(j);
}

static void print_sum_text(const bench_sum *s, double total)
{
    char gflops[CLI_TEXT] = "-";
    if (s->flops > 0) snprintf(gflops, sizeof gflops, "%.1f", 1e-6 * s->flops / s->ms);
    printf("%-18s %-10s %4d x %10.3f ms %5.1f%% of all %8s GFLOP/s %7.1f GB/s %6.1f%% of the roof\n", s->op,
           s->algorithm, s->n, s->ms, 100 * s->ms / total, gflops, 1e-6 * s->bytes / s->ms, 100 * s->roof_ms / s->ms);
}

void bench_print_sums(bench_rows *rows)
{
    double total = 0, roof = 0;
    if (rows->n_sums) qsort(rows->sums, (size_t)rows->n_sums, sizeof *rows->sums, longest_first);
    for (int i = 0; i < rows->n_sums; i++) {
        total += rows->sums[i].ms;
        roof += rows->sums[i].roof_ms;
    }
    for (int i = 0; i < rows->n_sums; i++) {
        if (rows->app->is_json)
            print_sum_json(&rows->app->json, &rows->sums[i], total);
        else
            print_sum_text(&rows->sums[i], total);
        free(rows->sums[i].op);
        free(rows->sums[i].algorithm);
    }
    if (rows->n_sums && !rows->app->is_json)
        printf("%d steps, %.1f ms together; the roofs allow %.1f ms (%.0f%%)\n", rows->n, total, roof,
               100 * roof / total);
    free(rows->sums);
    rows->sums = NULL;
    rows->n_sums = rows->room = 0;
}
