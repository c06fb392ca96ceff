/* Variances: Sigma_theta of p(x_s | x_t), the noise that an ancestral step adds, for any s < t. */
#ifndef ITO_VARIANCE_H
#define ITO_VARIANCE_H

#include <ito/process.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_variance_def {
    ito_choice choice;
    double (*fixed)(const ito_level *t, const ito_level *s);
} ito_variance_def;

ito_status ito_variance_register(ito_ctx *ctx, const ito_variance_def *def);
ito_status ito_variance_find(ito_ctx *ctx, const char *name, const ito_variance_def **out);

#ifdef __cplusplus
}
#endif
#endif
