#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/bgzf_make.h"
#include "support/vcf_case.h"

static const char text[] = VCF_HEAD
    "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n" VCF_COLS "\n"
    "1\t1\t.\tT\tC\t.\t.\tDP=1\n1\t2\t.\tT\tC\t.\t.\tDP=2\n1\t3\t.\tT\tC\t.\t.\tDP=3\n";
#define TEXT_BYTES (sizeof text - 1)
#define WANTED "start,DP"
#define ROWS "1 1\n2 2\n3 3\n"

/* The text in blocks of so many bytes, with or without the block that ends the file. */
static vj_buf make_bgzf(size_t block_bytes, bool with_end)
{
    vj_buf file = {0};

    for (size_t at = 0; at < TEXT_BYTES; at += block_bytes)
        bgzf_add_block(&file, text + at, VJ_MIN(block_bytes, TEXT_BYTES - at));
    if (with_end)
        bgzf_add_block(&file, "", 0);
    return file;
}

/* In blocks of two lines, and in the three steps for several workers: the same. */
static vcf_case run(const vj_buf *file, size_t len, const vj_vcf_read_options *options)
{
    vcf_case c = vcf_case_run(file->ptr, len, options, WANTED, 2, 1000);
    vcf_case ahead = vcf_case_run(file->ptr, len, options, WANTED, -2, 1000);

    assert_int_equal(ahead.status, c.status);
    if (c.status == VJ_OK) {
        assert_string_equal(ahead.rows, c.rows);
        assert_int_equal(ahead.n_notes, c.n_notes);
    }
    vcf_case_fini(&ahead);
    return c;
}

static void blocks_of_any_size_are_read(void **state)
{
    (void)state;
    for (size_t block_bytes = 1; block_bytes < TEXT_BYTES + 2; block_bytes += 7) {
        vj_buf file = make_bgzf(block_bytes, true);
        vcf_case c = run(&file, file.len_bytes, NULL);

        assert_int_equal(c.status, VJ_OK);
        assert_string_equal(c.rows, ROWS);
        vcf_case_fini(&c);
        vj_buf_fini(&file);
    }
}

/* S-4: at the edge of a block as well as inside one. */
static void a_file_cut_anywhere_is_an_error(void **state)
{
    (void)state;
    vj_buf file = make_bgzf(60, true);

    for (size_t len = 0; len < file.len_bytes; len++) {
        vcf_case c = run(&file, len, NULL);

        if (c.status != VJ_E_CORRUPT)
            fail_msg("cut at %zu of %zu: %s", len, file.len_bytes, vj_status_name(c.status));
        vcf_case_fini(&c);
    }
    vcf_case c = run(&file, file.len_bytes - 28, NULL);
    assert_non_null(strstr(c.err.text, "t.vcf: truncated: expected the empty block that ends a "
                                       "BGZF file at offset"));
    vcf_case_fini(&c);
    vj_buf_fini(&file);
}

static void any_changed_byte_is_noticed_or_harmless(void **state)
{
    (void)state;
    vj_buf file = make_bgzf(60, true);
    int harmless = 0;

    for (size_t i = 0; i < file.len_bytes; i++) {
        file.ptr[i] ^= 0x55;
        vcf_case c = run(&file, file.len_bytes, NULL);

        if (c.status == VJ_OK) {
            assert_string_equal(c.rows, ROWS);
            harmless++;
        } else if (c.status != VJ_E_CORRUPT) {
            fail_msg("byte %zu: %s: %s", i, vj_status_name(c.status), c.err.text);
        }
        vcf_case_fini(&c);
        file.ptr[i] ^= 0x55;
    }
    vj_buf_fini(&file);
    /*
     * Time, XFL and OS of each block mean nothing: 6 bytes; without the mark of BGZF in its first
     * block the file is gzip of several members, which is legal too.
     */
    assert_in_range(harmless, 1, 6 * (TEXT_BYTES / 60 + 2) + 6);
}

static void a_wrong_crc_names_block_and_values(void **state)
{
    (void)state;
    vj_buf file = make_bgzf(1000, true);
    size_t tail = file.len_bytes - 28 - 8;
    char wanted[80];
    uint32_t crc;

    memcpy(&crc, file.ptr + tail, 4);
    file.ptr[tail] ^= 1;
    snprintf(wanted, sizeof wanted, "BGZF block at offset 0: expected CRC %08x, found %08x",
             crc ^ 1, crc);
    vcf_case c = run(&file, file.len_bytes, NULL);
    assert_int_equal(c.status, VJ_E_CORRUPT);
    assert_non_null(strstr(c.err.text, wanted));
    vcf_case_fini(&c);
    vj_buf_fini(&file);
}

static void a_missing_end_block_can_be_allowed(void **state)
{
    (void)state;
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    vj_buf file = {0};

    options.allow_truncated = true;
    bgzf_add_block(&file, text, TEXT_BYTES - 10); /* the third record lacks its end */
    vcf_case c = run(&file, file.len_bytes, &options);
    assert_int_equal(c.status, VJ_OK);
    assert_string_equal(c.rows, "1 1\n2 2\n");
    assert_int_equal(c.n_notes, 1);
    assert_non_null(strstr(c.notes[0], "truncated"));
    vcf_case_fini(&c);
    /* a block that is cut is an error all the same */
    c = run(&file, file.len_bytes - 1, &options);
    assert_int_equal(c.status, VJ_E_CORRUPT);
    vcf_case_fini(&c);
    vj_buf_fini(&file);
}

static void an_empty_block_in_the_middle_is_legal(void **state)
{
    (void)state;
    vj_buf file = {0};

    bgzf_add_block(&file, text, 100);
    bgzf_add_block(&file, "", 0);
    bgzf_add_block(&file, text + 100, TEXT_BYTES - 100);
    bgzf_add_block(&file, "", 0);
    vcf_case c = run(&file, file.len_bytes, NULL);
    assert_string_equal(c.rows, ROWS);
    vcf_case_fini(&c);
    vj_buf_fini(&file);
}

static vj_buf make_gzip(size_t member_bytes)
{
    vj_buf file = {0};

    for (size_t at = 0; at < TEXT_BYTES; at += member_bytes)
        gzip_add_member(&file, text + at, VJ_MIN(member_bytes, TEXT_BYTES - at));
    return file;
}

static void gzip_of_many_members_is_read_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 13, 100, TEXT_BYTES};

    for (size_t i = 0; i < VJ_COUNT(sizes); i++) {
        vj_buf file = make_gzip(sizes[i]);
        vcf_case c = run(&file, file.len_bytes, NULL);

        assert_int_equal(c.status, VJ_OK);
        assert_string_equal(c.rows, ROWS);
        vcf_case_fini(&c);
        vj_buf_fini(&file);
    }
}

static void gzip_cut_inside_a_member_or_with_garbage_behind_is_an_error(void **state)
{
    (void)state;
    vj_buf file = make_gzip(TEXT_BYTES);

    for (size_t len = 0; len < file.len_bytes; len++) {
        vcf_case c = run(&file, len, NULL);

        if (c.status != VJ_E_CORRUPT)
            fail_msg("cut at %zu: %s", len, vj_status_name(c.status));
        vcf_case_fini(&c);
    }
    assert_int_equal(vj_buf_append(&file, "garbage", 7, NULL), VJ_OK);
    for (size_t n = 1; n <= 7; n++) {
        vcf_case c = run(&file, file.len_bytes - 7 + n, NULL);

        assert_int_equal(c.status, VJ_E_CORRUPT);
        vcf_case_fini(&c);
    }
    vj_buf_fini(&file);
}

static vj_status read_bgzf(void *arg, vj_error *err)
{
    const vj_buf *file = arg;
    vcf_case c = vcf_case_run(file->ptr, file->len_bytes, NULL, WANTED, 2, 1000);
    vj_status rc = c.status;

    *err = c.err;
    vcf_case_fini(&c);
    return rc;
}

/* One block after the other in three steps. */
static vj_status read_ahead(void *arg, vj_error *err)
{
    const vj_buf *file = arg;
    vj_vcf_reader *reader = NULL;
    vj_vcf_block *block = NULL;
    vj_status rc = VJ_OK;
    bool more = true;

    VJ_GO(rc, vj_vcf_open_memory("t.vcf", file->ptr, file->len_bytes, NULL, NULL, &reader, err));
    VJ_GO(rc, vj_vcf_block_new(NULL, &block, err));
    while (more) {
        VJ_GO(rc, vj_vcf_block_read(reader, 2, 1000, block, &more, err));
        if (!more)
            break;
        VJ_GO(rc, vj_vcf_block_fill(reader, block, err));
        VJ_GO(rc, vj_vcf_block_link(reader, block, err));
    }
out:
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
    return rc;
}

static void want_of_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    vj_buf file = make_bgzf(60, true);
    vj_buf gz = make_gzip(100);

    sweep_allocations(read_bgzf, &file);
    sweep_allocations(read_ahead, &file);
    sweep_allocations(read_bgzf, &gz);
    vj_buf_fini(&file);
    vj_buf_fini(&gz);
}

static vj_status read_file(void *arg, vj_error *err)
{
    vj_vcf_reader *reader = NULL;
    vj_vcf_block *block = NULL;
    vj_status rc = VJ_OK;
    bool more = true;

    VJ_GO(rc, vj_vcf_open(arg, NULL, NULL, &reader, err));
    VJ_GO(rc, vj_vcf_block_new(NULL, &block, err));
    while (more)
        VJ_GO(rc, vj_vcf_block_next(reader, 2, 1000, block, &more, err));
    assert_int_equal(vj_vcf_bytes_done(reader), vj_vcf_bytes_total(reader));
out:
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
    return rc;
}

static void failing_reads_are_errors(void **state)
{
    (void)state;
    vj_buf file = make_bgzf(60, true);
    char path[] = "/tmp/varjoin-test-bgzf-XXXXXX";
    vj_error err = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, file.ptr, file.len_bytes), file.len_bytes);
    close(fd);
    sweep_reads(read_file, path);
    unlink(path);
    assert_int_equal(read_file(path, &err), VJ_E_NOTFOUND);
    vj_buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_any_size_are_read),
        cmocka_unit_test(a_file_cut_anywhere_is_an_error),
        cmocka_unit_test(any_changed_byte_is_noticed_or_harmless),
        cmocka_unit_test(a_wrong_crc_names_block_and_values),
        cmocka_unit_test(a_missing_end_block_can_be_allowed),
        cmocka_unit_test(an_empty_block_in_the_middle_is_legal),
        cmocka_unit_test(gzip_of_many_members_is_read_whole),
        cmocka_unit_test(gzip_cut_inside_a_member_or_with_garbage_behind_is_an_error),
        cmocka_unit_test(want_of_memory_leaves_nothing_behind),
        cmocka_unit_test(failing_reads_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
