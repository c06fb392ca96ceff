/* JSON from anyone, through every getter. */
#include <stdint.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void get_everything(ito_ctx *ctx, const json_t *object, const char *name)
{
    int64_t number, numbers[4];
    double real;
    bool flag;
    const char *text;
    int n;
    json_t *field;
    ito__json_int(ctx, "fuzz", object, name, 0, &number);
    ito__json_real(ctx, "fuzz", object, name, 0, &real);
    ito__json_bool(ctx, "fuzz", object, name, false, &flag);
    ito__json_text(ctx, "fuzz", object, name, "", &text);
    ito__json_ints(ctx, "fuzz", object, name, 4, numbers, &n);
    ito__json_require(ctx, "fuzz", object, name, JSON_OBJECT, &field);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ito_ctx *ctx;
    json_t *value, *field;
    const char *name;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 0;
    if (ito__json_parse(ctx, "fuzz", (const char *)data, size, &value) == ITO_OK) {
        json_object_foreach(value, name, field) get_everything(ctx, value, name);
        get_everything(ctx, value, "absent");
        json_decref(value);
    }
    ito_ctx_destroy(ctx);
    return 0;
}
