/* The parallel loop of the CPU backends. Which thread takes which slice is left to chance, so a slice must write only
 * what is its own; then the result is the same for any number of threads. */
#include <omp.h>

#include "kernel/kernel.h"

void ito__parallel(const ito_queue *q, int64_t n, void (*fn)(void *arg, int64_t slice, int thread), void *arg)
{
    if (q->n_threads <= 1 || n <= 1) {
        for (int64_t i = 0; i < n; i++) fn(arg, i, 0);
        return;
    }
#pragma omp parallel num_threads(q->n_threads)
    {
        int thread = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < n; i++) fn(arg, i, thread);
    }
}
