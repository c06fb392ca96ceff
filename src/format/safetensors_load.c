/* Converting a tensor's bytes, which may lie anywhere, to float32 or int64. */
#include <string.h>

#include <ito/safetensors.h>

#include "base/base.h"
#include "tensor/bf16.h"

/* IEEE binary16 to binary32: exact. */
static float half_value(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 0x3ff, bits;
    float value;
    if (exponent == 0) {
        value = (float)fraction * 0x1p-24f; /* zero and subnormal */
        return sign ? -value : value;
    }
    bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float f32_at(ito_safetensors_dtype dtype, const unsigned char *from)
{
    double f64;
    float f32;
    uint16_t u16;
    int64_t i64;
    int32_t i32;
    switch (dtype) {
    case ITO_SAFETENSORS_F64: memcpy(&f64, from, 8); return (float)f64;
    case ITO_SAFETENSORS_F32: memcpy(&f32, from, 4); return f32;
    case ITO_SAFETENSORS_F16: memcpy(&u16, from, 2); return half_value(u16);
    case ITO_SAFETENSORS_BF16: memcpy(&u16, from, 2); return ito__bf16_widen(u16);
    case ITO_SAFETENSORS_I64: memcpy(&i64, from, 8); return (float)i64;
    case ITO_SAFETENSORS_I32: memcpy(&i32, from, 4); return (float)i32;
    case ITO_SAFETENSORS_I8: return (float)(int8_t)from[0];
    case ITO_SAFETENSORS_BOOL: return from[0] ? 1.0f : 0.0f;
    default: return (float)from[0];
    }
}

static ito_status check_count(ito_ctx *ctx, const ito_safetensors_entry *entry, size_t count)
{
    char text[ITO_SHAPE_TEXT];
    if (ito_shape_count(entry->shape) == (int64_t)count) return ITO_OK;
    return ito__fail(ctx, ITO_SHAPE, "tensor %s has shape %s, expected %zu values", entry->name,
                     ito_shape_text(entry->shape, text), count);
}

ito_status ito_safetensors_load_f32(ito_ctx *ctx, const ito_safetensors_entry *entry, float *out, size_t count)
{
    ITO_TRY(check_count(ctx, entry, count));
    const unsigned char *from = entry->data;
    size_t size = ito_safetensors_dtype_size(entry->dtype);
    if (entry->dtype == ITO_SAFETENSORS_F32) {
        if (count) memcpy(out, from, count * size);
        return ITO_OK;
    }
    for (size_t i = 0; i < count; i++) out[i] = f32_at(entry->dtype, from + i * size);
    return ITO_OK;
}

ito_status ito_safetensors_load_i64(ito_ctx *ctx, const ito_safetensors_entry *entry, int64_t *out, size_t count)
{
    ITO_TRY(check_count(ctx, entry, count));
    const unsigned char *from = entry->data;
    size_t size = ito_safetensors_dtype_size(entry->dtype);
    int32_t i32;
    for (size_t i = 0; i < count; i++, from += size) {
        switch (entry->dtype) {
        case ITO_SAFETENSORS_I64: memcpy(&out[i], from, 8); break;
        case ITO_SAFETENSORS_I32: memcpy(&i32, from, 4), out[i] = i32; break;
        case ITO_SAFETENSORS_I8: out[i] = (int64_t)(from[0] ^ 0x80) - 0x80; break;
        case ITO_SAFETENSORS_U8: out[i] = from[0]; break;
        case ITO_SAFETENSORS_BOOL: out[i] = from[0] != 0; break;
        default:
            return ito__fail(ctx, ITO_DTYPE, "tensor %s is %s, expected whole numbers", entry->name,
                             ito_safetensors_dtype_name(entry->dtype));
        }
    }
    return ITO_OK;
}
