/* safetensors from anyone; what the header lets through is read to its last byte. */
#include <stdint.h>
#include <stdlib.h>

#include <ito/safetensors.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(ito_ctx *ctx, const ito_safetensors_entry *entry)
{
    size_t count = (size_t)ito_shape_count(entry->shape);
    float *values = malloc(count * sizeof *values + 1);
    if (values) ito_safetensors_load_f32(ctx, entry, values, count);
    free(values);
    int64_t *numbers = malloc(count * sizeof *numbers + 1);
    if (numbers) ito_safetensors_load_i64(ctx, entry, numbers, count);
    free(numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ito_ctx *ctx;
    ito_safetensors *file;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 0;
    if (ito_safetensors_parse(ctx, "fuzz", data, size, &file) == ITO_OK) {
        for (int i = 0; i < ito_safetensors_count(file); i++) load(ctx, ito_safetensors_get(file, i));
        ito_safetensors_metadata(file, "format");
        ito_safetensors_close(file);
    }
    ito_ctx_destroy(ctx);
    return 0;
}
