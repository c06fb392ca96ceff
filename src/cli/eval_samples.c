/* Samples that are made a batch at a time and kept in a file:
 *
 *     a line of JSON that says what they are samples of | for each: label, int32 | values, 8-bit, or float32 of points
 *
 * The command that is stopped goes on behind the last whole sample, and more samples of the same kind (a larger -n) are added to those
 * that are there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "eval_set.h"
#include "picture.h"

/* FNV-1a. */
static uint64_t hash(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

/* Whatever a sample depends on but its number, as the file's first line. The caller frees; NULL when memory is out. */
static char *describe(const sampling *s)
{
    const ito_generate_options *o = &s->options;
    uint64_t fingerprint = 0;
    char model[24];
    if (ito_model_fingerprint(s->model, &fingerprint) != ITO_OK) return NULL;
    snprintf(model, sizeof model, "%016llx", (unsigned long long)fingerprint);
    json_t *all =
        json_pack("{s:s, s:s, s:[i, i, i], s:s, s:s, s:i, s:s, s:s, s:f, s:I, s:I, s:s, s:s, s:b, s:s}", "ito",
                  "samples", "model", model, "shape", s->info->height, s->info->width, s->info->channels, "sampler",
                  o->sample.sampler, "settings", s->settings_text, "steps", o->sample.n_steps, "spacing",
                  o->sample.spacing, "clip", o->sample.clip, "guidance", o->guidance, "seed",
                  (json_int_t)o->sample.seed, "first", (json_int_t)o->sample.first_sample, "labels", s->label_text,
                  "precision", s->precision, "exact", o->exact, "plan", s->plan_path ? s->plan_path : "");
    char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    char *line = text ? cli_format("%s\n", text) : NULL;
    free(text);
    json_decref(all);
    return line;
}

char *eval_set_usual_path(const sampling *s)
{
    char *text = describe(s);
    char *path = text ? cli_format("%s/eval/samples-%016llx", s->path, (unsigned long long)hash(text)) : NULL;
    free(text);
    return path;
}

/* ---- the file ---- */

/* Samples that the file has, into out; *n is their number. The file then ends behind them. */
static int read_kept(FILE *file, const char *path, const char *header, eval_set *out, int64_t *n)
{
    size_t length = strlen(header), bytes = eval_set_bytes(out);
    char *there = cli_alloc(length);
    size_t got = fread(there, 1, length, file);
    bool is_new = got == 0, is_ours = got == length && !memcmp(there, header, length);
    free(there);
    *n = 0;
    if (!is_new && !is_ours)
        return cli_complain(
            "%s holds samples of another model, or of one that was sampled in another way: expected the first "
            "line %.*s; delete it, or keep these elsewhere with --keep FILE",
            path, (int)length - 1, header);
    while (is_ours && *n < out->n && fread(&out->labels[*n], sizeof *out->labels, 1, file) == 1 &&
           fread(out->values + (size_t)*n * bytes, 1, bytes, file) == bytes)
        ++*n;
    long end = (long)length + (long)*n * (long)(sizeof *out->labels + bytes);
    bool whole = !ferror(file) && fseek(file, 0, SEEK_END) == 0;
    if (whole && is_new) whole = fwrite(header, 1, length, file) == length;
    /* A sample that was cut off is made again; samples behind the n-th are another command's, and stay. */
    if (whole && is_ours && *n < out->n) whole = ftruncate(fileno(file), end) == 0;
    if (whole) whole = fseek(file, end, SEEK_SET) == 0;
    return whole ? CLI_DONE : cli_complain("%s: %s", path, strerror(errno));
}

static bool append(FILE *file, const eval_set *s, int64_t first, int64_t n)
{
    size_t bytes = eval_set_bytes(s);
    for (int64_t i = first; i < first + n; i++)
        if (fwrite(&s->labels[i], sizeof *s->labels, 1, file) != 1 ||
            fwrite(s->values + (size_t)i * bytes, 1, bytes, file) != bytes)
            return false;
    return fflush(file) == 0;
}

/* ---- sampling ---- */

typedef struct making {
    sampling *s;
    int64_t first, n, done; /* samples that were there, all, those made before the batch */
} making;

static bool on_step(void *user, const ito_progress *p)
{
    making *m = user;
    cli_progress *progress = &m->s->progress;
    double done = (double)(m->done - m->first) + (double)p->n * (p->index + 1) / p->n_steps;
    double seconds = cli_now() - progress->started, left = seconds * ((double)(m->n - m->first) / done - 1);
    char text[CLI_TEXT];
    if (cli_progress_wants_line(progress, false))
        cli_progress_line(progress, "samples %lld/%lld  %s left", (long long)m->done, (long long)m->n,
                          cli_duration(left, text));
    if (cli_progress_wants_json(progress, false)) {
        json_out *j = &m->s->app->json;
        emit_object(j, NULL);
        emit_text(j, "event", "progress");
        emit_rounded(j, "share", ((double)m->first + done) / (double)m->n, 6);
        emit_rounded(j, "seconds", seconds, 6);
        emit_end(j);
        cli_progress_json_done(progress);
    }
    return !cli_interrupted();
}

/* Samples first .. first + n - 1 into out. */
static ito_status make_batch(making *m, int64_t first, int n, eval_set *out)
{
    sampling *s = m->s;
    ito_generate_options o = s->options;
    o.n = n;
    o.sample.first_sample += (uint64_t)first;
    if (o.labels) o.labels += first;
    o.sample.progress = on_step;
    o.sample.user = m;
    m->done = first;
    ito_status st = ito_generate(s->model, &o, s->images, s->labels + first);
    for (int i = 0; i < n && st == ITO_OK; i++)
        eval_set_put(out, first + i, s->images + (size_t)i * sampling_image_size(s), s->labels[first + i]);
    return st;
}

static int make_rest(making *m, FILE *file, const char *path, eval_set *out)
{
    ito_status st = ITO_OK;
    int64_t i = m->first;
    bool written = true;
    for (int n; i < m->n && st == ITO_OK && written && !cli_interrupted(); i += n) {
        n = (int)(m->n - i < m->s->options.batch ? m->n - i : m->s->options.batch);
        st = make_batch(m, i, n, out);
        if (st == ITO_OK) written = append(file, out, i, n);
        if (st != ITO_OK) break;
    }
    cli_progress_end(&m->s->progress);
    if (!written) return cli_complain("%s: %s", path, strerror(errno));
    if (st == ITO_CANCELLED || (st == ITO_OK && i < m->n))
        return cli_complain("stopped at %lld of %lld samples, which %s keeps; the same command goes on", (long long)i,
                            (long long)m->n, path);
    return st == ITO_OK ? plan_check_used(m->s->app, m->s->plan, m->s->model) : cli_fail(m->s->app, st);
}

static int fill(sampling *s, const char *path, const char *header, eval_set *out)
{
    making m = {.s = s, .n = s->options.n};
    int status = cli_make_folder_of(path);
    if (status != CLI_DONE) return status;
    FILE *file = fopen(path, "r+b");
    if (!file && errno == ENOENT) file = fopen(path, "w+b");
    if (!file) return cli_complain("%s: %s", path, strerror(errno));
    status = read_kept(file, path, header, out, &m.first);
    if (status == CLI_DONE) {
        if (m.first) cli_note(s->app, "%s: %lld samples are there already", path, (long long)m.first);
        cli_interrupt_catch();
        cli_progress_begin(&s->progress, s->app);
        status = make_rest(&m, file, path, out);
    }
    if (fclose(file) && status == CLI_DONE) status = cli_complain("%s: %s", path, strerror(errno));
    return status;
}

int eval_set_from_model(sampling *s, const char *path, eval_set *out)
{
    char *header = describe(s);
    if (!header) return cli_fail(s->app, ITO_MEMORY);
    *out = eval_set_create(s->options.n, s->info->height, s->info->width, s->info->channels);
    int status = fill(s, path, header, out);
    free(header);
    return status;
}
