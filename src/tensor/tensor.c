/* Dtypes, shapes and views. */
#include <ito/tensor.h>

#include <assert.h>
#include <stdio.h>

size_t ito_dtype_size(ito_dtype dtype)
{
    static const size_t sizes[ITO_DTYPE_COUNT] = {4, 8, 4, 1, 2};
    assert((unsigned)dtype < ITO_DTYPE_COUNT);
    return sizes[dtype];
}

const char *ito_dtype_name(ito_dtype dtype)
{
    static const char *const names[ITO_DTYPE_COUNT] = {"f32", "f64", "i32", "u8", "bf16"};
    return (unsigned)dtype < ITO_DTYPE_COUNT ? names[dtype] : "?";
}

ito_shape ito_shape_make(int n_dims, const int64_t *d)
{
    assert(n_dims >= 0 && n_dims <= ITO_MAX_DIMS);
    ito_shape shape = {.n_dims = n_dims};
    for (int i = 0; i < n_dims; i++) shape.d[i] = d[i];
    return shape;
}

int64_t ito_shape_count(ito_shape shape)
{
    int64_t count = 1;
    for (int i = 0; i < shape.n_dims; i++)
        if (shape.d[i] < 0 || __builtin_mul_overflow(count, shape.d[i], &count)) return -1;
    return count;
}

int ito_shape_equal(ito_shape a, ito_shape b)
{
    if (a.n_dims != b.n_dims) return 0;
    for (int i = 0; i < a.n_dims; i++)
        if (a.d[i] != b.d[i]) return 0;
    return 1;
}

const char *ito_shape_text(ito_shape shape, char text[ITO_SHAPE_TEXT])
{
    int at = snprintf(text, ITO_SHAPE_TEXT, "[");
    for (int i = 0; i < shape.n_dims && at < ITO_SHAPE_TEXT - 24; i++)
        at += snprintf(text + at, (size_t)(ITO_SHAPE_TEXT - at), "%s%lld", i ? ", " : "", (long long)shape.d[i]);
    snprintf(text + at, (size_t)(ITO_SHAPE_TEXT - at), "]");
    return text;
}

ito_tensor ito_tensor_view(ito_dtype dtype, ito_shape shape, void *data)
{
    ito_tensor t = {.dtype = dtype, .shape = shape, .data = data};
    int64_t stride = 1;
    for (int i = shape.n_dims - 1; i >= 0; i--) {
        t.stride[i] = stride;
        stride *= shape.d[i];
    }
    return t;
}

int ito_tensor_is_dense(const ito_tensor *t)
{
    int64_t stride = 1;
    for (int i = t->shape.n_dims - 1; i >= 0; i--) {
        if (t->shape.d[i] != 1 && t->stride[i] != stride) return 0;
        stride *= t->shape.d[i];
    }
    return 1;
}
