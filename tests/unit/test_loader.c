/* Loader: the order is a permutation and a pure function of seed and position; prefetch, seeking and reading once change
 * nothing; mirrors are exact; errors come through from the thread. */
#include "scratch.h"

#include <ito/data.h>

#include "base/base.h"
#include "data/order.h"

static void test_permutation(void **state)
{
    (void)state;
    const uint64_t sizes[] = {1, 2, 3, 5, 64, 100, 1000};
    for (int k = 0; k < ITO_COUNT(sizes); k++) {
        uint64_t n = sizes[k], same = 0;
        unsigned char seen[1000] = {0};
        for (uint64_t i = 0; i < n; i++) {
            uint64_t to = ito__order_permute(7, 3, n, i);
            assert_true(to < n && !seen[to]);
            seen[to] = 1;
            same += to == ito__order_permute(7, 4, n, i);
            assert_int_equal(to, ito__order_permute(7, 3, n, i));
        }
        if (n >= 100) assert_true(same < 12); /* two epochs agree by chance only: one place on average */
    }
}

/* A data set of n samples whose only image value is its index; `get` of sample 1000 fails. */
typedef struct numbers {
    int64_t n;
} numbers;

static const ito_field number_fields[] = {{"image", ITO_F32, {3, {1, 2, 1}}, 0, 1e6}, {"label", ITO_I32, {0}, 0, 9}};

static ito_status create(ito_ctx *ctx, const char *path, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    (void)ctx, (void)path, (void)state;
    *info = (ito_dataset_info){.height = 1, .width = 2, .channels = 1, .n_fields = 2, .n_classes = 10};
    info->n_samples = ito_opts_int(opts, "n");
    info->fields = number_fields;
    return ITO_OK;
}

static ito_status get(const void *state, ito_ctx *ctx, int64_t index, void *const *out)
{
    (void)state;
    if (index == 1000) return ito__fail(ctx, ITO_IO, "sample 1000 is broken");
    if (out[0]) ((float *)out[0])[0] = (float)index, ((float *)out[0])[1] = (float)-index;
    if (out[1]) *(int32_t *)out[1] = (int32_t)(index % 10);
    return ITO_OK;
}

static const ito_opt_def options[] = {ITO_OPT_INT("n", 10, 0, 100000, "samples"), ITO_OPT_END};
static const ito_dataset_def numbers_def = {
    .choice = {.name = "numbers", .summary = "counts", .options = options}, .create = create, .get = get};

static ito_dataset *open_numbers(scratch *s, const char *n)
{
    ito_dataset *data;
    const ito_dataset_def *def;
    if (ito_dataset_find(s->ctx, "numbers", &def) != ITO_OK)
        assert_ok(s->ctx, ito_dataset_register(s->ctx, &numbers_def));
    assert_ok(s->ctx, ito_data_open(s->ctx, "numbers", (const char *const[]){n, NULL}, &data));
    return data;
}

static void test_epochs(void **state)
{
    scratch *s = *state;
    ito_dataset *data = open_numbers(s, "n=10");
    ito_loader *loader;
    ito_batch batch;
    int counts[10] = {0};
    assert_ok(s->ctx, ito_loader_create(s->ctx, data, &(ito_loader_options){.batch = 4, .seed = 5}, &loader));
    for (int step = 0; step < 10; step++) { /* 40 samples: four epochs, which batches straddle */
        assert_ok(s->ctx, ito_loader_next(loader, &batch));
        assert_true(batch.step == step && batch.n == 4 && batch.n_fields == 2);
        for (int i = 0; i < 4; i++) {
            int64_t index = batch.indices[i];
            assert_int_equal(batch.positions[i], 4 * step + i);
            assert_int_equal(index, ito_loader_index(loader, 4 * step + i));
            assert_true(batch.images[2 * i] == (float)index && batch.labels[i] == index);
            counts[index]++;
        }
        if (step % 5 == 4)
            for (int k = 0; k < 10; k++) assert_int_equal(counts[k], 2 * (step / 5 + 1));
    }
    ito_loader_destroy(loader);
    ito_dataset_destroy(data);
}

/* The images of `steps` batches one after the other. */
static void collect(scratch *s, const ito_dataset *data, ito_loader_options o, int64_t seek, int steps, float *out)
{
    ito_loader *loader;
    ito_batch batch;
    assert_ok(s->ctx, ito_loader_create(s->ctx, data, &o, &loader));
    if (seek >= 0) {
        assert_ok(s->ctx, ito_loader_next(loader, &batch)); /* a seek from the middle of prefetching */
        assert_ok(s->ctx, ito_loader_seek(loader, seek));
    }
    for (int step = 0; step < steps; step++) {
        assert_ok(s->ctx, ito_loader_next(loader, &batch));
        memcpy(out + (ptrdiff_t)(step * o.batch * 2), batch.images, (size_t)o.batch * 2 * sizeof *out);
    }
    ito_loader_destroy(loader);
}

static void test_same_with_and_without_prefetch(void **state)
{
    scratch *s = *state;
    ito_dataset *data = open_numbers(s, "n=37");
    float plain[20 * 3 * 2], other[20 * 3 * 2];
    collect(s, data, (ito_loader_options){.batch = 3, .seed = 9, .flip = true, .prefetch = -1}, -1, 20, plain);
    for (int prefetch = 1; prefetch <= 5; prefetch += 2) {
        ito_loader_options o = {.batch = 3, .seed = 9, .flip = true, .prefetch = prefetch};
        collect(s, data, o, -1, 20, other);
        assert_memory_equal(plain, other, sizeof plain);
        collect(s, data, o, 12, 8, other);
        assert_memory_equal(plain + (ptrdiff_t)(12 * 6), other, 8 * 6 * sizeof(float));
        o.first_step = 5;
        collect(s, data, o, -1, 15, other);
        assert_memory_equal(plain + (ptrdiff_t)(5 * 6), other, 15 * 6 * sizeof(float));
    }
    ito_dataset_destroy(data);
}

static void test_flip(void **state)
{
    scratch *s = *state;
    ito_dataset *data = open_numbers(s, "n=1000");
    float values[1000 * 2];
    int flipped = 0;
    collect(s, data, (ito_loader_options){.batch = 1, .flip = true, .in_order = true}, -1, 1000, values);
    for (int i = 1; i < 1000; i++) {
        assert_true(values[2 * i] == -values[2 * i + 1] && (values[2 * i] == (float)i || values[2 * i] == (float)-i));
        flipped += values[2 * i] < 0;
    }
    assert_in_range(flipped, 420, 580); /* five standard deviations about a half */
    ito_dataset_destroy(data);
}

static void test_once(void **state)
{
    scratch *s = *state;
    ito_dataset *data = open_numbers(s, "n=10");
    ito_loader *loader;
    ito_batch batch;
    const int expected[] = {4, 4, 2, 0, 0};
    ito_loader_options o = {.batch = 4, .in_order = true, .once = true};
    assert_ok(s->ctx, ito_loader_create(s->ctx, data, &o, &loader));
    for (int step = 0; step < 5; step++) {
        assert_ok(s->ctx, ito_loader_next(loader, &batch));
        assert_int_equal(batch.n, expected[step]);
        for (int i = 0; i < batch.n; i++) assert_int_equal(batch.indices[i], 4 * step + i);
    }
    ito_loader_destroy(loader);
    ito_dataset_destroy(data);
}

static void test_errors(void **state)
{
    scratch *s = *state;
    ito_dataset *data = open_numbers(s, "n=2000");
    ito_loader *loader;
    ito_batch batch;
    ito_loader_options o = {.batch = 100, .in_order = true};
    assert_ok(s->ctx, ito_loader_create(s->ctx, data, &o, &loader));
    for (int step = 0; step < 10; step++) assert_ok(s->ctx, ito_loader_next(loader, &batch));
    for (int again = 0; again < 3; again++)
        assert_fails(s->ctx, ITO_IO, "sample 1000 is broken", ito_loader_next(loader, &batch));
    assert_int_equal(batch.n, 0);
    assert_ok(s->ctx, ito_loader_seek(loader, 11));
    assert_ok(s->ctx, ito_loader_next(loader, &batch));
    assert_int_equal(batch.indices[0], 1100);
    assert_fails(s->ctx, ITO_USAGE, "step -1", ito_loader_seek(loader, -1));
    ito_loader_destroy(loader);
    o.fields = (const char *const[]){"depth", NULL};
    assert_fails(s->ctx, ITO_NOT_FOUND, "no field 'depth'", ito_loader_create(s->ctx, data, &o, &loader));
    o = (ito_loader_options){.batch = -2};
    assert_fails(s->ctx, ITO_USAGE, "batch is -2", ito_loader_create(s->ctx, data, &o, &loader));
    ito_dataset_destroy(data);
}

static void test_named_fields(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    ito_loader *loader;
    ito_batch batch;
    assert_ok(s->ctx, ito_data_open(s->ctx, "shapes", (const char *const[]){"size=8", "count=0", NULL}, &data));
    ito_loader_options o = {.batch = 3, .fields = (const char *const[]){"caption", "mask", NULL}};
    assert_ok(s->ctx, ito_loader_create(s->ctx, data, &o, &loader));
    assert_ok(s->ctx, ito_loader_next(loader, &batch));
    assert_true(batch.n_fields == 2 && !batch.images && !batch.labels);
    assert_string_equal(batch.fields[1].name, "mask");
    int64_t stride = batch.fields[0].shape.d[0];
    for (int i = 0; i < 3; i++) assert_memory_equal((const char *)batch.data[0] + i * stride, "a ", 2);
    ito_loader_destroy(loader);
    o.flip = true;
    assert_fails(s->ctx, ITO_USAGE, "captions wrong", ito_loader_create(s->ctx, data, &o, &loader));
    o = (ito_loader_options){.once = true};
    assert_fails(s->ctx, ITO_USAGE, "no end", ito_loader_create(s->ctx, data, &o, &loader));
    ito_dataset_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_same_with_and_without_prefetch),
        cmocka_unit_test(test_flip),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_named_fields),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
