/* Every built-in process, some with other options than the defaults, each under a name of its own in messages. */
#ifndef ITO_TESTS_PROCESS_CASES_H
#define ITO_TESTS_PROCESS_CASES_H

#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include <ito/process.h>

#define PROCESS_SETTINGS 6

typedef struct process_case {
    const char *name;
    const char *settings[PROCESS_SETTINGS]; /* "key=value", ended by NULL */
} process_case;

static const process_case process_cases[] = {
    {"vp-linear", {NULL}},
    {"vp-linear", {"T=40", "beta_end=0.4", "zero_snr=true"}},
    {"vp-linear", {"zero_snr=true"}},
    {"vp-linear", {"tables=diffusers"}},
    {"vp-linear", {"T=40", "beta_end=0.4", "tables=diffusers", "zero_snr=true"}},
    {"vp-cosine", {NULL}},
    {"vp-cosine", {"tables=diffusers"}},
    {"vp-scaled-linear", {"tables=diffusers"}},
    {"vp-sigmoid-beta", {"tables=diffusers"}},
    {"vp-betas", {"betas=0.001,0.5,0.02, 0.9", "tables=diffusers"}},
    {"vp-cosine", {"T=50", "zero_snr=true"}},
    {"vp-scaled-linear", {NULL}},
    {"vp-scaled-linear", {"zero_snr=true"}},
    {"vp-sigmoid-beta", {NULL}},
    {"vp-sigmoid-beta", {"T=100", "beta_end=0.2", "zero_snr=true"}},
    {"vp-sigmoid", {NULL}},
    {"vp-sigmoid", {"T=100", "start=0", "tau=0.7", "clip_min=1e-4", "zero_snr=true"}},
    {"vp-laplace", {NULL}},
    {"vp-laplace", {"T=101", "mu=1", "b=2", "zero_snr=true"}},
    {"vp-laplace", {"form=diffusers"}},
    {"vp-betas", {"betas=0.001,0.5,0.02, 0.9,1e-6"}},
    {"vp-betas", {"betas=0.1,0.2,0.4", "zero_snr=true"}},
    {"vp-betas", {"betas=0.3"}},
    {"vp-sde", {NULL}},
    {"vp-sde", {"beta_min=0", "beta_max=5"}},
    {"vp-sde", {"beta_min=3", "beta_max=3"}},
    {"vp-trig", {NULL}},
    {"subvp-sde", {NULL}},
    {"subvp-sde", {"beta_min=1", "beta_max=40"}},
    {"vdm", {NULL}},
    {"vdm", {"log_snr_max=5", "log_snr_min=-20"}},
    {"ve-sde", {NULL}},
    {"ve-sde", {"sigma_min=1", "sigma_max=1348"}},
    {"ve-geometric", {NULL}},
    {"ve-geometric", {"T=232", "sigma_max=50"}},
    {"ve-geometric", {"T=1", "sigma_max=3"}},
    {"edm", {NULL}},
    {"edm", {"sigma_max=500"}},
    {"flow", {NULL}},
    {"flow", {"shift=3"}},
    {"flow", {"shift=0.25"}},
};
#define N_PROCESS_CASES ((int)(sizeof process_cases / sizeof process_cases[0]))

/* What came of making it; *out is NULL unless ITO_OK. */
static inline ito_status process_try(ito_ctx *ctx, const process_case *c, ito_process **out)
{
    const ito_process_def *def;
    ito_opts *opts;
    *out = NULL;
    assert_ok(ctx, ito_process_find(ctx, c->name, &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    ito_status st = ITO_OK;
    for (int i = 0; i < PROCESS_SETTINGS && c->settings[i] && st == ITO_OK; i++) {
        char key[32] = "";
        const char *value = strchr(c->settings[i], '=');
        assert_non_null(value);
        memcpy(key, c->settings[i], (size_t)(value - c->settings[i]));
        st = ito_opts_set(opts, c->name, key, value + 1);
    }
    if (st == ITO_OK) st = ito_process_create(ctx, c->name, opts, out);
    ito_opts_destroy(opts);
    return st;
}

static inline ito_process *process_open(ito_ctx *ctx, const process_case *c)
{
    ito_process *p;
    assert_ok(ctx, process_try(ctx, c, &p));
    return p;
}

/* Fails with the process, its first setting and the time. tolerance is absolute plus relative. */
#define assert_near_at(c, t, got, want, tolerance)                                                                     \
    do {                                                                                                               \
        double got_ = (got), want_ = (double)(want);                                                                   \
        bool is_near_ = got_ == want_ || fabs(got_ - want_) <= (tolerance) * (1 + fabs(want_));                        \
        if (!is_near_)                                                                                                 \
            fail_msg("%s %s at t = %.17g: %s is %.17g, expected %.17g", (c)->name,                                     \
                     (c)->settings[0] ? (c)->settings[0] : "", (double)(t), #got, got_, want_);                        \
    } while (0)

/* Relative only: for what may be tiny. */
#define assert_close_at(c, t, got, want, tolerance)                                                                    \
    do {                                                                                                               \
        double got_ = (got), want_ = (double)(want);                                                                   \
        bool is_near_ = got_ == want_ || fabs(got_ - want_) <= (tolerance)*fabs(want_);                                \
        if (!is_near_)                                                                                                 \
            fail_msg("%s %s at t = %.17g: %s is %.17g, expected %.17g", (c)->name,                                     \
                     (c)->settings[0] ? (c)->settings[0] : "", (double)(t), #got, got_, want_);                        \
    } while (0)

#endif
