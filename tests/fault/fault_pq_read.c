/* fault_pq_read.c - every byte of small files changed, files cut, allocations and reads failed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/pq_read_all.h"
#include "support/support.h"

#define CORPUS VJ_TESTS_DIR "/fuzz/corpus/fuzz_parquet"

typedef void (*file_body)(const char *name, uint8_t *bytes, size_t len);

/* Run body on each file of the corpus, its bytes in a block of exactly their size. */
static void each_file(file_body body)
{
    DIR *dir = opendir(CORPUS);
    int count = 0;

    assert_non_null(dir);
    for (struct dirent *entry = NULL; (entry = readdir(dir)) != NULL;) {
        char path[4096];
        vj_buf text = {0};
        vj_error err = {0};

        if (strstr(entry->d_name, ".parquet") == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s", CORPUS, entry->d_name);
        assert_ok(vj_path_read(path, &text, &err), &err);
        uint8_t *bytes = vj_alloc(NULL, text.len_bytes, &err);
        assert_non_null(bytes);
        memcpy(bytes, text.ptr, text.len_bytes);
        body(entry->d_name, bytes, text.len_bytes);
        vj_free(bytes);
        vj_buf_fini(&text);
        count++;
    }
    closedir(dir);
    assert_true(count >= 10);
}

/* An error names the file and is none of ours; what was taken is given back. */
static void read_damaged(const char *name, const uint8_t *bytes, size_t len, const char *what,
                         size_t at)
{
    vj_budget budget;
    vj_error err = {0};

    vj_budget_init(&budget, (int64_t)32 << 20);
    vj_status rc = pq_read_all(name, bytes, len, &budget, &err);
    if (rc != VJ_OK && rc != VJ_E_CORRUPT && rc != VJ_E_UNSUPPORTED && rc != VJ_E_NOMEM)
        fail_msg("%s, %s %zu: %s: %s", name, what, at, vj_status_name(rc), err.text);
    if (rc != VJ_OK && rc != VJ_E_NOMEM && strstr(err.text, name) == NULL)
        fail_msg("%s, %s %zu: the error does not name the file: %s", name, what, at, err.text);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

static void read_whole(const char *name, uint8_t *bytes, size_t len)
{
    vj_error err = {0};
    vj_status rc = pq_read_all(name, bytes, len, NULL, &err);

    /* "bad_..." are damaged on purpose */
    if (rc != VJ_OK && strncmp(name, "bad_", 4) != 0)
        fail_msg("%s: %s", name, err.text);
}

static void change_bytes(const char *name, uint8_t *bytes, size_t len)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};

    for (size_t i = 0; i < len; i++)
        for (size_t k = 0; k < VJ_COUNT(flips); k++) {
            bytes[i] ^= flips[k];
            read_damaged(name, bytes, len, "changed byte", i);
            bytes[i] ^= flips[k];
        }
}

static void cut(const char *name, uint8_t *bytes, size_t len)
{
    for (size_t n = 0; n < len; n += 1 + n / 64)
        read_damaged(name, bytes, n, "cut to", n);
}

/* The footer stays; bytes before it are lost. */
static void cut_in_front(const char *name, uint8_t *bytes, size_t len)
{
    for (size_t n = 1; n < len; n += 1 + n / 16)
        read_damaged(name, bytes + n, len - n, "without the first", n);
}

static void files_of_the_corpus_are_read(void **state)
{
    (void)state;
    each_file(read_whole);
}

static void changed_bytes_give_an_error_or_rows(void **state)
{
    (void)state;
    each_file(change_bytes);
}

static void cut_files_give_an_error(void **state)
{
    (void)state;
    each_file(cut);
    each_file(cut_in_front);
}

typedef struct sweep_file {
    const char *name;
    const uint8_t *bytes;
    size_t len;
} sweep_file;

static vj_status read_once(void *arg, vj_error *err)
{
    const sweep_file *file = arg;
    vj_budget budget;

    vj_budget_init(&budget, 0);
    vj_status rc = pq_read_all(file->name, file->bytes, file->len, &budget, err);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    return rc;
}

static void sweep_one(const char *name, uint8_t *bytes, size_t len)
{
    sweep_file file = {name, bytes, len};

    if (strncmp(name, "bad_", 4) != 0)
        sweep_allocations(read_once, &file);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    each_file(sweep_one);
}

static vj_status read_from_disk(void *arg, vj_error *err)
{
    vj_pq_file *file = NULL;
    vj_pq_cursor *cur = NULL;
    const vj_col *col = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_pq_open_path(arg, NULL, &file, err));
    if (vj_pq_meta_view(file)->n_rowgroups > 0) {
        VJ_GO(rc, vj_pq_cursor_open(file, 0, 0, NULL, &cur, err));
        VJ_GO(rc, vj_pq_cursor_next(cur, 10, &col, err));
    }
out:
    vj_pq_cursor_free(cur);
    vj_pq_free(file);
    return rc;
}

static void each_read_may_fail(void **state)
{
    (void)state;
    char path[] = "/tmp/fault_pq_read.XXXXXX";
    vj_buf text = {0};
    vj_error err = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_ok(vj_path_read(CORPUS "/flat.parquet", &text, &err), &err);
    assert_int_equal(write(fd, text.ptr, text.len_bytes), (int64_t)text.len_bytes);
    close(fd);
    sweep_reads(read_from_disk, path);
    unlink(path);
    vj_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_the_corpus_are_read),
        cmocka_unit_test(changed_bytes_give_an_error_or_rows),
        cmocka_unit_test(cut_files_give_an_error),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_read_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
