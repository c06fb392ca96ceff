/* Times by their sigma_hat = sigma / signal, for spacings that are even in a function of it. */
#ifndef ITO_SPACING_SIGMA_SPAN_H
#define ITO_SPACING_SIGMA_SPAN_H

#include <ito/spacing.h>

/* From max at index 0 down to min at index `last`: the last time, or the end of the process where that has noise itself. */
typedef struct ito__sigma_span {
    const ito_process *process;
    double max, min;
    int n_steps, last;
} ito__sigma_span;

#define ITO__SIGMA_SPAN_OPTIONS                                                                                        \
    ITO_OPT_REAL("sigma_min", 0.002, 1e-6, 1e6,                                                                        \
                 "sigma / signal where the last step starts, no less than the process has"),                           \
        ITO_OPT_REAL("sigma_max", 80, 1e-6, 1e6, "sigma / signal of the first step, no more than the process has")

/* Both no further than the process goes. */
ito__sigma_span ito__sigma_span_of(const ito_process *process, double sigma_min, double sigma_max, int n_steps);

/* t[k], after those before it. The first is t_max whatever its sigma; timesteps of a chain are whole, the nearest that leave one
 * for every step. */
void ito__sigma_span_put(const ito__sigma_span *span, int k, double sigma_hat, double *t);

/* The same for a time that is known. */
void ito__spacing_put(const ito_process *process, int n_steps, int k, double at, double *t);

#endif
