/* A compiled program allocates nothing while it runs: malloc and its family, C++'s operator new and mmap are interposed, so
 * libraries are seen too. Training step (with its optimizer) and sampling forward of a U-Net, two threads. */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tiny_unet.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* they interpose the same functions */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static int counting;
static long n_calls;

static void count(void)
{
    if (__atomic_load_n(&counting, __ATOMIC_RELAXED)) __atomic_fetch_add(&n_calls, 1, __ATOMIC_RELAXED);
}

#ifndef SANITIZED
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void *_Znwm(size_t n);
void *_Znam(size_t n);

void *malloc(size_t n)
{
    count();
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    count();
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    count();
    return __libc_memalign(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    count();
    *out = __libc_memalign(alignment, n);
    return *out ? 0 : 12;
}

void *_Znwm(size_t n) /* operator new(size_t) */
{
    count();
    return __libc_malloc(n);
}

void *_Znam(size_t n) /* operator new[](size_t) */
{
    count();
    return __libc_malloc(n);
}

void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t offset)
{
    count();
    return (void *)syscall(SYS_mmap, address, n, protection, flags, fd, offset);
}
#endif

static void count_calls(tiny_unet *u, bool train)
{
    double norm;
    for (int run = 0; run < 4; run++) {
        __atomic_store_n(&counting, run >= 1, __ATOMIC_RELAXED); /* the first run starts the threads */
        assert_ok(u->ctx, ito_program_run(u->program));
        if (train) assert_ok(u->ctx, ito__optimizer_step(u->optimizer, 1e-3, &norm));
    }
    __atomic_store_n(&counting, 0, __ATOMIC_RELAXED);
    assert_int_equal(n_calls, 0);
}

static void test_counting_works(void **state)
{
    (void)state;
#ifdef SANITIZED
    skip();
#endif
    counting = 1;
    free(malloc(100));
    counting = 0;
    assert_int_equal(n_calls, 1);
    n_calls = 0;
}

static void test_training_step(void **state)
{
    (void)state;
    tiny_unet u = tiny_unet_open(2);
    tiny_unet_compile_train(&u, 3);
    count_calls(&u, true);
    tiny_unet_close(&u);
}

static void test_limited_training_step(void **state)
{
    (void)state;
    tiny_unet whole = tiny_unet_open(2), u = tiny_unet_open(2);
    tiny_unet_compile_train(&whole, 3);
    u.max_memory = ito_program_memory(whole.program).slab_bytes * 7 / 10;
    tiny_unet_compile_train(&u, 3);
    assert_true(ito_program_memory(u.program).n_recomputed > 0);
    count_calls(&u, true);
    tiny_unet_close(&u);
    tiny_unet_close(&whole);
}

static void test_sampling_forward(void **state)
{
    (void)state;
    tiny_unet u = tiny_unet_open(2);
    tiny_unet_compile_forward(&u, 4);
    count_calls(&u, false);
    tiny_unet_close(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting_works),
        cmocka_unit_test(test_training_step),
        cmocka_unit_test(test_limited_training_step),
        cmocka_unit_test(test_sampling_forward),
    };
    return cmocka_run_group_tests_name("no_alloc", tests, NULL, NULL);
}
