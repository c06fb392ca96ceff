/* Variances: Sigma_theta of p(x_s | x_t), the noise that an ancestral step adds, for any s < t. */
#ifndef ITO_VARIANCE_H
#define ITO_VARIANCE_H

#include <ito/process.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Both functions say what their formula says of any s < t. In the step that ends at the data beta_tilde is 0; what a chain's last
 * step takes there instead is ito_variance_log's business, not theirs. */
typedef struct ito_variance_def {
    ito_choice choice;
    /* One of the two. fixed: the variance. range: the logarithms of the variances between which a network chooses for
     * each element, by an extra output o that means [0] at -1 and [1] at 1. */
    double (*fixed)(const ito_level *t, const ito_level *s);
    void (*range)(const ito_process *process, const ito_level *t, const ito_level *s, double log_variance[2]);
    /* fixed: the step that ends at the data takes beta_tilde of the step before it although its own variance is not 0
     * there, as the papers' code does. */
    bool is_small_at_data;
} ito_variance_def;

ito_status ito_variance_register(ito_ctx *ctx, const ito_variance_def *def);
ito_status ito_variance_find(ito_ctx *ctx, const char *name, const ito_variance_def **out);

/* log beta_tilde, the variance of q(x_s | x_t, x_0). Where s is the data that is 0, and the step before it, from `before`
 * to t, gives its own: the "clipped" log variance of the papers' code. before is the level that the chain came from, or
 * NULL: one stride noisier than t, as where a chain visits every timestep. A step that has none before it (before is t,
 * or t is the process's noisiest) takes beta there, the variance of q(x_t | x_s). */
double ito_variance_log_clipped(const ito_process *process, const ito_level *before, const ito_level *t,
                                const ito_level *s);

/* log variance = shift + scale o, for the extra output o of a network; scale is 0 where the variance is fixed. */
typedef struct ito_log_variance {
    double shift, scale;
} ito_log_variance;
/* Of the step from t to s. Where s is the data, a variance of 0, or the end of a range that is 0, is the clipped one, with
 * before as above; elsewhere before does not matter. */
ito_log_variance ito_variance_log(const ito_variance_def *def, const ito_process *process, const ito_level *before,
                                  const ito_level *t, const ito_level *s);

#ifdef __cplusplus
}
#endif
#endif
