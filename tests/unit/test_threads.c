/* A context of one thread runs everything on the calling thread: no other ever exists in the process. With more, losses,
 * gradients and updated weights have the same bits. */
#include <dirent.h>

#include "tiny_unet.h"

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;
    if (!tasks) skip(); /* not Linux */
    for (const struct dirent *e; (e = readdir(tasks));) n += e->d_name[0] != '.';
    closedir(tasks);
    return n;
}

/* The weights after three steps; the caller frees them. */
static float *train(int n_threads, int64_t *size)
{
    double norm;
    tiny_unet u = tiny_unet_open(n_threads);
    tiny_unet_compile_train(&u, 3);
    for (int i = 0; i < 3; i++) {
        assert_ok(u.ctx, ito_program_run(u.program));
        assert_ok(u.ctx, ito__optimizer_step(u.optimizer, 1e-3, &norm));
    }
    *size = ito_param_list_size(u.network->params);
    float *weights = calloc((size_t)*size, sizeof *weights);
    memcpy(weights, ito_params_flat(u.optimizer->weights), (size_t)*size * sizeof *weights);
    tiny_unet_close(&u);
    return weights;
}

static void test_one_is_one(void **state) /* first: it needs a process without other threads */
{
    (void)state;
    int64_t size;
    int before = count_threads();
    free(train(1, &size));
    assert_int_equal(count_threads(), before);
}

static void test_same_bits(void **state)
{
    (void)state;
    int64_t size, other;
    float *one = train(1, &size);
    static const int threads[] = {2, 3, 8};
    for (int i = 0; i < 3; i++) {
        float *many = train(threads[i], &other);
        assert_int_equal(size, other);
        assert_memory_equal(one, many, (size_t)size * sizeof *one);
        free(many);
    }
    free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_is_one), cmocka_unit_test(test_same_bits)};
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
