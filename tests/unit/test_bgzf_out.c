#include <htslib/bgzf.h>
#include <stdio.h>
#include <unistd.h>

#include "hts/bgzf_out.h"
#include "support/support.h"

typedef struct source_bytes {
    uint8_t *ptr;
    size_t n;
} source_bytes;

/* Half text of little variety, half noise that does not compress. */
static source_bytes make_bytes(size_t n)
{
    vj_error err = {0};
    uint64_t rng = test_seed();
    source_bytes bytes = {vj_alloc(NULL, n, &err), n};

    for (size_t i = 0; i < n; i++) {
        uint64_t word = test_random(&rng);
        bytes.ptr[i] = i < n / 2 ? (uint8_t)"ACGT\t\n.0"[word & 7] : (uint8_t)word;
    }
    return bytes;
}

static void write_pieces(vj_outfile *file, source_bytes bytes, vj_bgzf_out_options options)
{
    vj_error err = {0};
    vj_bgzf_out *bgzf = NULL;
    uint64_t rng = 3;

    assert_ok(vj_bgzf_out_new(file, &options, NULL, &bgzf, &err), &err);
    for (size_t at = 0; at < bytes.n;) {
        size_t n = VJ_MIN(bytes.n - at, (size_t)(test_random(&rng) % 200000));
        assert_ok(vj_bgzf_out_write(bgzf, bytes.ptr + at, n, &err), &err);
        at += n;
    }
    assert_int_equal(vj_bgzf_out_offset(bgzf), bytes.n);
    assert_ok(vj_bgzf_out_finish(bgzf, &err), &err);
    vj_bgzf_out_free(bgzf);
}

static void check_file(const char *path, source_bytes bytes)
{
    BGZF *bgzf = bgzf_open(path, "r");
    vj_error err = {0};
    uint8_t *back = vj_alloc(NULL, bytes.n + 1, &err);

    assert_non_null(bgzf);
    assert_int_equal(bgzf_check_EOF(bgzf), 1);
    assert_int_equal(bgzf_read(bgzf, back, bytes.n + 1), bytes.n);
    assert_memory_equal(back, bytes.ptr, bytes.n);
    assert_int_equal(bgzf_close(bgzf), 0);
    vj_free(back);
}

static void any_number_of_threads_gives_the_same_file(void **state)
{
    (void)state;
    static const int32_t threads[] = {1, 2, 5};
    source_bytes bytes = make_bytes(3000017);
    vj_buf first = {0};
    vj_error err = {0};

    for (size_t i = 0; i < VJ_COUNT(threads); i++) {
        vj_buf whole = {0};
        vj_outfile *file = NULL;
        assert_ok(vj_outfile_memory(&whole, &file, &err), &err);
        write_pieces(file, bytes, (vj_bgzf_out_options){.n_threads = threads[i]});
        vj_outfile_free(file);
        if (i == 0) {
            first = whole;
            continue;
        }
        assert_int_equal(whole.len_bytes, first.len_bytes);
        assert_memory_equal(whole.ptr, first.ptr, first.len_bytes);
        vj_buf_fini(&whole);
    }
    vj_buf_fini(&first);
    vj_free(bytes.ptr);
}

static void htslib_reads_it_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 0xff00 - 1, 0xff00, 0xff00 + 1, 1000000};
    vj_error err = {0};
    char *dir = NULL;
    char path[600];

    assert_ok(vj_tempdir_make(NULL, "vj-bgzf-out", &dir, &err), &err);
    snprintf(path, sizeof path, "%s/x.gz", dir);
    for (size_t i = 0; i < VJ_COUNT(sizes); i++) {
        for (int32_t level = 0; level <= 9; level += 3) {
            source_bytes bytes = make_bytes(sizes[i]);
            vj_outfile *file = NULL;
            assert_ok(vj_outfile_open(path, &file, &err), &err);
            write_pieces(file, bytes, (vj_bgzf_out_options){.level = level, .n_threads = 2});
            assert_ok(vj_outfile_finish(file, &err), &err);
            vj_outfile_free(file);
            check_file(path, bytes);
            vj_free(bytes.ptr);
        }
    }
    vj_tempdir_remove(dir);
}

typedef struct seen_blocks {
    int64_t n, end, file_end;
} seen_blocks;

static vj_status see_block(void *arg, int64_t beg, int64_t end, int64_t file_off,
                           int64_t block_bytes, vj_error *err)
{
    seen_blocks *seen = arg;

    (void)err;
    assert_int_equal(beg, seen->end);
    assert_int_equal(file_off, seen->file_end);
    *seen = (seen_blocks){seen->n + 1, end, file_off + block_bytes};
    return VJ_OK;
}

static void blocks_are_told_in_order(void **state)
{
    (void)state;
    vj_error err = {0};
    source_bytes bytes = make_bytes(2000000);
    seen_blocks seen = {0};
    vj_buf whole = {0};
    vj_outfile *file = NULL;
    vj_bgzf_out *bgzf = NULL;

    assert_ok(vj_outfile_memory(&whole, &file, &err), &err);
    assert_ok(vj_bgzf_out_new(file, &(vj_bgzf_out_options){.n_threads = 3}, NULL, &bgzf, &err),
              &err);
    vj_bgzf_out_watch(bgzf, see_block, &seen);
    assert_ok(vj_bgzf_out_write(bgzf, bytes.ptr, 100, &err), &err);
    assert_ok(vj_bgzf_out_flush(bgzf, &err), &err);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.end, 100);
    assert_ok(vj_bgzf_out_write(bgzf, bytes.ptr, bytes.n, &err), &err);
    assert_ok(vj_bgzf_out_finish(bgzf, &err), &err);
    assert_int_equal(seen.end, 2000100);
    assert_int_equal(seen.n, 1 + (2000000 + 0xff00 - 1) / 0xff00);
    assert_int_equal(seen.file_end + 28, whole.len_bytes);
    vj_bgzf_out_free(bgzf);
    vj_outfile_free(file);
    vj_buf_fini(&whole);
    vj_free(bytes.ptr);
}

static void left_in_the_middle_it_stops_its_workers(void **state)
{
    (void)state;
    vj_error err = {0};
    source_bytes bytes = make_bytes(1000000);
    vj_buf whole = {0};
    vj_outfile *file = NULL;
    vj_bgzf_out *bgzf = NULL;

    assert_ok(vj_outfile_memory(&whole, &file, &err), &err);
    assert_ok(vj_bgzf_out_new(file, &(vj_bgzf_out_options){.n_threads = 4}, NULL, &bgzf, &err),
              &err);
    assert_ok(vj_bgzf_out_write(bgzf, bytes.ptr, bytes.n, &err), &err);
    vj_bgzf_out_free(bgzf);
    vj_outfile_free(file);
    vj_buf_fini(&whole);
    vj_free(bytes.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_gives_the_same_file),
        cmocka_unit_test(htslib_reads_it_back),
        cmocka_unit_test(blocks_are_told_in_order),
        cmocka_unit_test(left_in_the_middle_it_stops_its_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
