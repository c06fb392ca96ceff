/* Files: whole reads with a cap, atomic writes that leave the old file on failure, sorted listings, mkdir -p. */
#include "scratch.h"

#include "base/file.h"

static void assert_holds(scratch *s, const char *path, const char *text)
{
    unsigned char *bytes;
    size_t n;
    assert_ok(s->ctx, ito__file_read(s->ctx, path, 100, &bytes, &n));
    assert_int_equal(n, strlen(text));
    assert_string_equal((char *)bytes, text);
    ito__free(s->ctx, bytes);
}

static void test_write_and_read(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "a");
    assert_ok(s->ctx, ito__file_write(s->ctx, path, "hello", 5));
    assert_holds(s, path, "hello");
    assert_ok(s->ctx, ito__file_write(s->ctx, path, "", 0));
    assert_holds(s, path, "");
}

static void test_read_errors(void **state)
{
    scratch *s = *state;
    unsigned char *bytes;
    size_t n;
    assert_fails(s->ctx, ITO_NOT_FOUND, "absent", ito__file_read(s->ctx, scratch_path(s, "absent"), 9, &bytes, &n));
    assert_null(bytes);
    assert_fails(s->ctx, ITO_IO, "a directory", ito__file_read(s->ctx, s->folder, 9, &bytes, &n));
    scratch_put(scratch_path(s, "big"), "0123456789", 10);
    assert_fails(s->ctx, ITO_FORMAT, "at most 9", ito__file_read(s->ctx, s->path, 9, &bytes, &n));
}

static void test_abandoned_write_keeps_old(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "kept");
    ito__writer *writer;
    ito__dir dir;
    assert_ok(s->ctx, ito__file_write(s->ctx, path, "old", 3));
    assert_ok(s->ctx, ito__writer_create(s->ctx, path, &writer));
    assert_ok(s->ctx, ito__writer_append(writer, "new and long", 12));
    assert_holds(s, path, "old");
    ito__writer_abandon(writer);
    assert_holds(s, path, "old");
    assert_ok(s->ctx, ito__dir_list(s->ctx, s->folder, &dir));
    for (int i = 0; i < dir.n; i++) assert_null(strstr(dir.entries[i].name, ".tmp"));
    ito__dir_clear(s->ctx, &dir);
    assert_fails(s->ctx, ITO_NOT_FOUND, "create", ito__file_write(s->ctx, scratch_path(s, "no/such/f"), "x", 1));
}

static void test_failed_commit_cleans_up(void **state)
{
    scratch *s = *state;
    ito__writer *writer;
    assert_ok(s->ctx, ito__dir_make(s->ctx, scratch_path(s, "taken/inner")));
    const char *path = scratch_path(s, "taken"); /* a directory cannot be replaced by a file */
    assert_ok(s->ctx, ito__writer_create(s->ctx, path, &writer));
    assert_ok(s->ctx, ito__writer_append(writer, "x", 1));
    assert_fails(s->ctx, ITO_IO, "replace", ito__writer_commit(writer));
    assert_true(ito__path_is_dir(path));
    char leftover[1100];
    snprintf(leftover, sizeof leftover, "%s.tmp.%u", path, (unsigned)getpid());
    assert_false(ito__path_exists(leftover));
}

static void test_map(void **state)
{
    scratch *s = *state;
    const unsigned char *bytes;
    size_t n;
    scratch_put(scratch_path(s, "mapped"), "abc", 3);
    assert_ok(s->ctx, ito__file_map(s->ctx, s->path, &bytes, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(bytes, "abc", 3);
    ito__file_unmap(bytes, n);
    scratch_put(s->path, "", 0);
    assert_ok(s->ctx, ito__file_map(s->ctx, s->path, &bytes, &n));
    assert_null(bytes);
    assert_int_equal(n, 0);
}

static void test_directories(void **state)
{
    scratch *s = *state;
    ito__dir dir;
    assert_ok(s->ctx, ito__dir_make(s->ctx, scratch_path(s, "d/b")));
    assert_ok(s->ctx, ito__dir_make(s->ctx, scratch_path(s, "d/a/deep/")));
    assert_ok(s->ctx, ito__dir_make(s->ctx, s->path));
    scratch_put(scratch_path(s, "d/c"), "", 0);
    assert_int_equal(symlink("nowhere", scratch_path(s, "d/dangling")), 0);
    assert_fails(s->ctx, ITO_IO, "cannot make", ito__dir_make(s->ctx, scratch_path(s, "d/c/e")));
    assert_ok(s->ctx, ito__dir_list(s->ctx, scratch_path(s, "d"), &dir));
    assert_int_equal(dir.n, 3);
    const char *names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        assert_string_equal(dir.entries[i].name, names[i]);
        assert_int_equal(dir.entries[i].is_dir, i < 2);
    }
    ito__dir_clear(s->ctx, &dir);
    assert_fails(s->ctx, ITO_NOT_FOUND, "cannot list", ito__dir_list(s->ctx, scratch_path(s, "none"), &dir));
}

static void test_paths(void **state)
{
    scratch *s = *state;
    const char *cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        char *joined = ito__path_join(s->ctx, cases[i][0], cases[i][1]);
        assert_string_equal(joined, cases[i][2]);
        assert_string_equal(ito__path_name(joined), "b");
        ito__free(s->ctx, joined);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_read_errors),
        cmocka_unit_test(test_abandoned_write_keeps_old),
        cmocka_unit_test(test_failed_commit_cleans_up),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
