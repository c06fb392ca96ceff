/* Dtypes, shapes and tensor views. A view owns nothing: whoever made the memory frees it.
 * Images are channels-last everywhere in ito: [N, H, W, C], values in -1..1 unless said otherwise. */
#ifndef ITO_TENSOR_H
#define ITO_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include <ito/context.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ITO_MAX_DIMS 6

/* ITO_BF16 is for keeping: operations compute in f32 or f64, and ito_op_cast leads there and back. */
typedef enum ito_dtype { ITO_F32, ITO_F64, ITO_I32, ITO_U8, ITO_BF16, ITO_DTYPE_COUNT } ito_dtype;

size_t ito_dtype_size(ito_dtype dtype);
const char *ito_dtype_name(ito_dtype dtype); /* "f32", "f64", "i32", "u8", "bf16" */

/* n_dims == 0 is a scalar with one element. Row-major: d[n_dims - 1] varies fastest. */
typedef struct ito_shape {
    int n_dims;
    int64_t d[ITO_MAX_DIMS];
} ito_shape;

/* ITO_SHAPE(2, 8, 8, 3) is a shape of four dimensions. */
#define ITO_SHAPE(...)                                                                                                 \
    ito_shape_make((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})
#define ITO_SCALAR ito_shape_make(0, NULL)

ito_shape ito_shape_make(int n_dims, const int64_t *d);
int64_t ito_shape_count(ito_shape shape); /* number of elements; -1 on overflow */
int ito_shape_equal(ito_shape a, ito_shape b);
/* "[2, 8, 8, 3]" into text; returns text. 96 bytes always suffice. */
#define ITO_SHAPE_TEXT 96
const char *ito_shape_text(ito_shape shape, char text[ITO_SHAPE_TEXT]);

/* A strided view; strides count elements. */
typedef struct ito_tensor {
    ito_dtype dtype;
    ito_shape shape;
    int64_t stride[ITO_MAX_DIMS];
    void *data;
} ito_tensor;

/* A dense row-major view of data. */
ito_tensor ito_tensor_view(ito_dtype dtype, ito_shape shape, void *data);
int ito_tensor_is_dense(const ito_tensor *t);

/* Between a and b, dense f32 [n, ...], each of the n for itself: the share 0..1 of the way along the circle through both, which for two
 * noises of a Gaussian stays as long as they are. Where there is no one circle, with a and b parallel or opposite to 1e-4, or one of
 * them 0, it is the straight line (1 - share) a + share b. out may be a or b. ITO_SHAPE, ITO_DTYPE. */
ito_status ito_tensor_slerp(ito_ctx *ctx, const ito_tensor *a, const ito_tensor *b, double share, ito_tensor *out);

#ifdef __cplusplus
}
#endif
#endif
