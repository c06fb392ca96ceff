/* Variances: Sigma_theta of p(x_s | x_t), the noise that an ancestral step adds, for any s < t. */
#ifndef ITO_VARIANCE_H
#define ITO_VARIANCE_H

#include <ito/process.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_variance_def {
    ito_choice choice;
    /* One of the two. fixed: the variance. range: the logarithms of the variances between which a network chooses for
     * each element, by an extra output o that means [0] at -1 and [1] at 1 (ito_variance_learned). */
    double (*fixed)(const ito_level *t, const ito_level *s);
    void (*range)(const ito_process *process, const ito_level *t, const ito_level *s, double log_variance[2]);
} ito_variance_def;

ito_status ito_variance_register(ito_ctx *ctx, const ito_variance_def *def);
ito_status ito_variance_find(ito_ctx *ctx, const char *name, const ito_variance_def **out);

/* log variance = shift + scale o, for the extra output o of a network. */
typedef struct ito_log_variance {
    double shift, scale;
} ito_log_variance;
/* Of a def with a range. */
ito_log_variance ito_variance_learned(const ito_variance_def *def, const ito_process *process, const ito_level *t,
                                      const ito_level *s);

#ifdef __cplusplus
}
#endif
#endif
