/* Improved DDPM's respacing (Nichol, Dhariwal 2021, as their program has it): the timesteps are cut into sections of one length, the
 * first at the data, and each gets a count of even steps: "10,15,20". "ddim25" is DDIM's, the whole stride that visits 25
 * timesteps from the first on. For discrete processes. */
#include <ito/spacing.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define MOST_SECTIONS 1000

/* Counts between commas into count[]; 0 and a message where the text is no such list. */
static int parse(ito_ctx *ctx, const char *text, int *count)
{
    int n = 0;
    for (const char *at = text;; at++) {
        char *end;
        errno = 0;
        long value = strtol(at, &end, 10);
        if (end == at || errno || value < 1 || value > INT32_MAX / MOST_SECTIONS || n == MOST_SECTIONS ||
            (*end && *end != ',')) {
            ito__fail(ctx, ITO_USAGE,
                      "spacing sections: counts is '%s', expected numbers of steps from 1 up with commas between them, "
                      "such as 10,15,20, or ddim and one number",
                      text);
            return 0;
        }
        count[n++] = (int)value;
        at = end;
        if (!*end) return n;
    }
}

static ito_status check_total(ito_ctx *ctx, const char *text, int total, int n_steps)
{
    if (total == n_steps) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "spacing sections: counts %s make %d steps, but %d are asked for: give %d steps",
                     text, total, n_steps, total);
}

/* EQ[iddpm:code]  ddimN: the timesteps 1, 1 + i, 1 + 2 i, ..., i the stride that makes them N */
static ito_status fill_ddim(ito_ctx *ctx, const char *text, int T, int n_steps, double *t)
{
    int count;
    if (!parse(ctx, text + strlen("ddim"), &count)) return ITO_USAGE;
    ITO_TRY(check_total(ctx, text, count, n_steps));
    for (int stride = 1; stride <= T; stride++) {
        if ((T + stride - 1) / stride != count) continue;
        for (int k = 0; k < count; k++) t[k] = 1 + (double)(count - 1 - k) * stride;
        return ITO_OK;
    }
    return ito__fail(ctx, ITO_USAGE,
                     "spacing sections: no whole stride visits %d of %d timesteps: choose another number", count, T);
}

static ito_status fill_sections(ito_ctx *ctx, const char *text, int T, int n, const int *count, int n_steps, double *t)
{
    int total = 0, start = 0, at = n_steps;
    for (int i = 0; i < n; i++) total += count[i];
    ITO_TRY(check_total(ctx, text, total, n_steps));
    for (int i = 0; i < n; i++) {
        int size = T / n + (i < T % n);
        if (count[i] > size)
            return ito__fail(ctx, ITO_USAGE,
                             "spacing sections: section %d of %d has %d timesteps, but %d steps are asked of it", i + 1,
                             n, size, count[i]);
        /* EQ[iddpm:code]  section i: 1 + start + round(k (size - 1) / (count - 1)) */
        double stride = count[i] > 1 ? (double)(size - 1) / (count[i] - 1) : 1, sum = 0;
        for (int k = 0; k < count[i]; k++, sum += stride) t[--at] = 1 + start + rint(sum);
        start += size;
    }
    return ITO_OK;
}

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    int T = ito_process_n_timesteps(process), count[MOST_SECTIONS] = {n_steps}, n = 1;
    const char *text = ito_opts_text(opts, "counts");
    if (!T) return ito__fail(ctx, ITO_USAGE, "spacing sections needs a discrete process; use trailing");
    if (!strncmp(text, "ddim", strlen("ddim"))) return fill_ddim(ctx, text, T, n_steps, t);
    if (*text) n = parse(ctx, text, count);
    return n ? fill_sections(ctx, text, T, n, count, n_steps, t) : ITO_USAGE;
}

static const ito_opt_def options[] = {
    ITO_OPT_TEXT("counts", "", "steps in each section from the data up, 10,15,20, or ddim25; all in one"),
    ITO_OPT_END,
};

const ito_spacing_def ito__spacing_sections = {
    .choice = {.name = "sections",
               .summary = "improved DDPM's respacing: a count of steps for each part of the timesteps, or ddimN",
               .formula = "section i: t = 1 + start + round(k (size - 1) / (count - 1)), k = 0 .. count - 1",
               .paper = "iddpm",
               .eq = "iddpm:code",
               .file = "src/spacing/sections.c",
               .options = options},
    .fill = fill,
};
