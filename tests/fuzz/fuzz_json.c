/* JSON from anyone, through every getter, and as a scheduler's file, planned for some steps. */
#include <stdint.h>

#include <ito/scheduler.h>

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

static void open_scheduler(ito_ctx *ctx, const uint8_t *data, size_t size)
{
    ito_scheduler *scheduler;
    if (ito_scheduler_parse(ctx, "fuzz", (const char *)data, size, &scheduler) != ITO_OK) return;
    for (int n = 1; n <= 16; n += 5) {
        ito_sample_options options = {0};
        ito_scheduler_plan(scheduler, &(ito_scheduler_use){.n_steps = n}, &options);
    }
    ito_scheduler_destroy(scheduler);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ito_ctx *ctx;
    json_t *value, *field;
    const char *name;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 0;
    open_scheduler(ctx, data, size);
    if (ito__json_parse(ctx, "fuzz", (const char *)data, size, &value) == ITO_OK) {
        json_object_foreach(value, name, field) get_everything(ctx, value, name);
        get_everything(ctx, value, "absent");
        json_decref(value);
    }
    ito_ctx_destroy(ctx);
    return 0;
}
