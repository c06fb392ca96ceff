/* Counts of what was read as what. */
#include <stdlib.h>

#include "eval.h"

#define WIDEST_CONFUSION 32 /* classes of a table in text */

void eval_counts_create(eval_counts *c, int n_classes)
{
    *c = (eval_counts){.n_classes = n_classes};
    c->counts = cli_alloc((size_t)n_classes * ((size_t)n_classes + 1) * sizeof *c->counts);
}

void eval_counts_clear(eval_counts *c)
{
    free(c->counts);
    *c = (eval_counts){0};
}

static int64_t *cell(const eval_counts *c, int label, int read)
{
    return &c->counts[(size_t)label * ((size_t)c->n_classes + 1) + (size_t)read];
}

void eval_counts_add(eval_counts *c, int label, int read)
{
    c->n++;
    c->n_right += label == read;
    ++*cell(c, label, read < 0 || read >= c->n_classes ? c->n_classes : read);
}

double eval_share(const eval_counts *c)
{
    return c->n ? (double)c->n_right / (double)c->n : 0;
}

static int64_t total(const eval_counts *c, int label)
{
    int64_t n = 0;
    for (int read = 0; read <= c->n_classes; read++) n += *cell(c, label, read);
    return n;
}

void eval_counts_to_json(json_out *j, const eval_counts *c, const char *const *names, bool with_confusion)
{
    emit_array(j, "classes");
    for (int k = 0; k < c->n_classes; k++) {
        emit_object(j, NULL);
        emit_text(j, "name", names[k]);
        emit_int(j, "n", total(c, k));
        emit_int(j, "n_right", *cell(c, k, k));
        if (with_confusion) {
            emit_array(j, "read_as");
            for (int read = 0; read <= c->n_classes; read++) emit_int(j, NULL, *cell(c, k, read));
            emit_end(j);
        }
        emit_end(j);
    }
    emit_end(j);
}

void eval_score_to_json(const sampling *s, const eval_counts *c)
{
    json_out *j = &s->app->json;
    emit_real(j, "guidance", s->options.guidance);
    emit_text(j, "sampler", s->sampler);
    emit_int(j, "steps", s->options.sample.n_steps);
    emit_rounded(j, "seconds", s->seconds, 6);
    eval_counts_to_json(j, c, s->info->class_names, true);
    emit_end(j);
}

void eval_counts_print(const eval_counts *c, const char *const *names, bool with_confusion)
{
    with_confusion = with_confusion && c->n_classes <= WIDEST_CONFUSION;
    if (with_confusion) printf("  one row a label; columns: read as class 0 .. %d, not read\n", c->n_classes - 1);
    for (int k = 0; k < c->n_classes; k++) {
        int64_t n = total(c, k), right = *cell(c, k, k);
        if (n == 0) continue;
        printf("  %3d  %-16s %6.2f %% of %lld", k, names[k], 100.0 * (double)right / (double)n, (long long)n);
        for (int read = 0; with_confusion && read <= c->n_classes; read++)
            printf("%s%5lld", read ? " " : "   ", (long long)*cell(c, k, read));
        putchar('\n');
    }
}
