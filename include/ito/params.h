/* Parameters. A parameter list is the layout of a network: names as in its state dict, shapes, initial distributions.
 * A parameter set is one flat array laid out by a list: weights, their gradients, optimizer moments and every
 * exponential moving average are sets of the same list. A set borrows its list, which must outlive it. */
#ifndef ITO_PARAMS_H
#define ITO_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include <ito/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ito_init {
    ITO_INIT_ZERO,
    ITO_INIT_ONE,
    ITO_INIT_UNIFORM, /* -scale .. scale */
    ITO_INIT_NORMAL   /* standard deviation scale */
} ito_init;

typedef struct ito_param {
    const char *name; /* "down_blocks.0.resnets.0.conv1.weight" */
    ito_shape shape;
    ito_init init;
    double scale;
    bool decay;     /* does weight decay apply? (not to norms and biases) */
    int64_t offset; /* in elements, a multiple of 16 */
    int64_t count;
} ito_param;

typedef struct ito_param_list ito_param_list;
ito_status ito_param_list_create(ito_ctx *ctx, ito_param_list **out);
void ito_param_list_destroy(ito_param_list *list);
int ito_param_list_count(const ito_param_list *list);
const ito_param *ito_param_list_get(const ito_param_list *list, int i);
int ito_param_list_find(const ito_param_list *list, const char *name); /* -1 when there is none */
/* Appends; ITO_USAGE when the name is taken. *index is its number. */
ito_status ito_param_list_add(ito_param_list *list, const char *name, ito_shape shape, ito_init init, double scale,
                              bool decay, int *index);
int64_t ito_param_list_n_weights(const ito_param_list *list); /* true elements */
int64_t ito_param_list_size(const ito_param_list *list);      /* elements of a flat set, padding included */

typedef struct ito_params ito_params;
/* All zero. dtype is ITO_F32, ITO_BF16 for what is only kept (gradients, moments), or ITO_F64 for checks. The caller destroys
 * *out. */
ito_status ito_params_create(ito_ctx *ctx, const ito_param_list *list, ito_dtype dtype, ito_params **out);
void ito_params_destroy(ito_params *p);
const ito_param_list *ito_params_list(const ito_params *p);
ito_dtype ito_params_dtype(const ito_params *p);
void *ito_params_data(ito_params *p, int i); /* of parameter i */
void *ito_params_flat(ito_params *p);
/* The whole flat array in float32, ito_param_list_size() elements. */
void ito_params_read(const ito_params *p, float *out);
/* Draws every parameter from its initial distribution; parameter i's numbers depend on (seed, i) alone. */
void ito_params_init(ito_params *p, uint64_t seed);
ito_status ito_params_copy(ito_params *to, const ito_params *from); /* of one list; ITO_SHAPE otherwise */

#ifdef __cplusplus
}
#endif
#endif
