/* test_source.c - bytes of a file, read and borrowed where they lie. */
#include <stdio.h>
#include <unistd.h>

#include "support/support.h"

#define N_BYTES ((int64_t)300000)

static uint8_t byte_at(int64_t i)
{
    return (uint8_t)((uint64_t)i * 2654435761u >> 13);
}

static void make_file(char path[64])
{
    snprintf(path, 64, "/tmp/vj-test-source-%ld", (long)getpid());
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    for (int64_t i = 0; i < N_BYTES; i++)
        fputc(byte_at(i), file);
    fclose(file);
}

static void borrowed_bytes_are_the_read_ones(void **state)
{
    char path[64];
    vj_error err = {0};
    vj_source *source = NULL;
    uint64_t seed = test_seed();
    static uint8_t copy[N_BYTES];

    (void)state;
    make_file(path);
    assert_ok(vj_source_open(path, &source, &err), &err);
    for (int round = 0; round < 200; round++) {
        int64_t off = (int64_t)(test_random(&seed) % (uint64_t)N_BYTES);
        int64_t len = (int64_t)(test_random(&seed) % (uint64_t)(N_BYTES - off + 1));
        const uint8_t *ptr = vj_source_borrow(source, off, (size_t)len);

        assert_ok(vj_source_read(source, off, copy, (size_t)len, &err), &err);
        if (ptr != NULL)
            assert_memory_equal(ptr, copy, (size_t)len);
        if (round % 3 == 0)
            vj_source_return(source, off, (size_t)len);
        if (ptr != NULL) /* comes again when it is touched */
            assert_memory_equal(ptr, copy, (size_t)len);
    }
    assert_null(vj_source_borrow(source, N_BYTES - 1, 2));
    assert_null(vj_source_borrow(source, -1, 1));
    assert_null(vj_source_borrow(source, INT64_MAX, 1));
    vj_source_free(source);
    remove(path);
}

/* Somebody cuts the file: what is gone is not lent, and reading says so. */
static void what_was_cut_off_is_not_lent(void **state)
{
    char path[64];
    vj_error err = {0};
    vj_source *source = NULL;
    uint8_t byte = 0;

    (void)state;
    make_file(path);
    assert_ok(vj_source_open(path, &source, &err), &err);
    assert_int_equal(truncate(path, 1000), 0);
    assert_null(vj_source_borrow(source, 200000, 100));
    assert_int_equal(vj_source_read(source, 200000, &byte, 1, &err), VJ_E_IO);
    vj_source_free(source);
    remove(path);
}

/* A program without a handler for SIGBUS gets no maps. */
static void files_are_lent_to_who_asked_for_it(void **state)
{
    char path[64];
    vj_error err = {0};
    vj_source *source = NULL;

    (void)state;
    make_file(path);
    vj_source_map_files(false);
    assert_ok(vj_source_open(path, &source, &err), &err);
    assert_null(vj_source_borrow(source, 0, 100));
    vj_source_free(source);
    vj_source_map_files(true);
    assert_ok(vj_source_open(path, &source, &err), &err);
    const uint8_t *ptr = vj_source_borrow(source, 0, 100);
    if (ptr != NULL) {
        assert_string_equal(vj_source_mapped_at(ptr + 99), path);
        assert_null(vj_source_mapped_at(path));
    }
    vj_source_free(source);
    assert_null(vj_source_mapped_at(ptr));
    remove(path);
}

static void memory_lends_itself(void **state)
{
    static const char text[] = "some bytes";
    vj_error err = {0};
    vj_source *source = NULL;

    (void)state;
    assert_ok(vj_source_memory("memory", text, sizeof text, &source, &err), &err);
    assert_ptr_equal(vj_source_borrow(source, 3, 4), text + 3);
    assert_null(vj_source_borrow(source, 3, sizeof text));
    vj_source_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borrowed_bytes_are_the_read_ones),
        cmocka_unit_test(what_was_cut_off_is_not_lent),
        cmocka_unit_test(files_are_lent_to_who_asked_for_it),
        cmocka_unit_test(memory_lends_itself),
    };

    vj_source_map_files(true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
