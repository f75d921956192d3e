/* test_index_check.c - counts of .tbi and .csi indexes, right and forged. */
#include <stdio.h>
#include <stdlib.h>

#include "hts/index_check.h"
#include "support/bgzf_make.h"
#include "support/test_dir.h"

static char path[200];

static void put32(vj_buf *to, int64_t value)
{
    for (int i = 0; i < 4; i++)
        assert_int_equal(vj_buf_push(to, (uint8_t)((uint64_t)value >> (8 * i)), NULL), VJ_OK);
}

static void put(vj_buf *to, const void *ptr, size_t n)
{
    assert_int_equal(vj_buf_append(to, ptr, n, NULL), VJ_OK);
}

/* One contig, one bin with one chunk, one window. */
static void put_tbi(vj_buf *to, int64_t n_contigs, int64_t n_names, int64_t n_bins,
                    int64_t n_chunks, int64_t n_windows)
{
    put(to, "TBI\1", 4);
    put32(to, n_contigs);
    put(to, "\2\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0#\0\0\0\0\0\0\0", 24);
    put32(to, n_names);
    put(to, "1", 2);
    put32(to, n_bins);
    put32(to, 4681);
    put32(to, n_chunks);
    put(to, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    put32(to, n_windows);
    put(to, "\0\0\0\0\0\0\0\0", 8);
}

static void put_csi(vj_buf *to, int64_t shift, int64_t depth, int64_t n_aux, int64_t n_bins)
{
    put(to, "CSI\1", 4);
    put32(to, shift);
    put32(to, depth);
    put32(to, n_aux);
    put32(to, 1);
    put32(to, n_bins);
    put(to, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

/* Empty text: it is taken. */
static void check(const vj_buf *plain, const char *part)
{
    FILE *file = fopen(path, "wb");
    vj_buf bytes = {0};
    vj_error err = {0};
    vj_budget budget;

    bgzf_add_block(&bytes, plain->ptr, plain->len_bytes);
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len_bytes, file), bytes.len_bytes);
    fclose(file);
    vj_buf_fini(&bytes);
    vj_budget_init(&budget, 1 << 20);
    vj_status rc = vj_index_check(path, 1000, &budget, &err);
    if (part[0] == '\0')
        assert_ok(rc, &err);
    else if ((rc != VJ_E_CORRUPT && rc != VJ_E_UNSUPPORTED) || strstr(err.text, part) == NULL || strstr(err.text, path) == NULL)
        fail_msg("status %d, '%s' does not name the file and %s", rc, err.text, part);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

static void counts_of_tbi(void **state)
{
    static const struct {
        int64_t counts[5];
        const char *part;
    } cases[] = {
        {{1, 2, 1, 1, 1}, ""},
        {{INT32_MAX, 2, 1, 1, 1}, "number of contigs"},
        {{-1, 2, 1, 1, 1}, "number of contigs"},
        {{1, INT32_MAX, 1, 1, 1}, "length of the names"},
        {{1, -2, 1, 1, 1}, "length of the names"},
        {{1, 2, 2000000000, 1, 1}, "number of bins"},
        {{1, 2, 1, 0x10000001, 1}, "number of chunks"}, /* times 16 passes 32 bits */
        {{1, 2, 1, -1, 1}, "number of chunks"},
        {{1, 2, 1, 1, 0x20000001}, "number of windows"},
        {{2, 2, 1, 1, 1}, "number of bins, the index ends"},
    };

    (void)state;
    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        const int64_t *c = cases[i].counts;
        vj_buf plain = {0};

        put_tbi(&plain, c[0], c[1], c[2], c[3], c[4]);
        check(&plain, cases[i].part);
        vj_buf_fini(&plain);
    }
}

static void bins_of_csi(void **state)
{
    static const struct {
        int64_t shift, depth, n_aux, n_bins;
        const char *part;
    } cases[] = {
        {14, 5, 0, 1, ""},           {14, 1000000000, 0, 1, "levels"},
        {-14, 5, 0, 1, "levels"},    {62, 5, 0, 1, "levels"},
        {14, 5, INT32_MAX, 1, "extra bytes"}, {14, 5, 0, 7, "number of bins"},
        {14, 0, 0, 1, "need a bin 0"},
    };

    (void)state;
    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        vj_buf plain = {0};

        put_csi(&plain, cases[i].shift, cases[i].depth, cases[i].n_aux, cases[i].n_bins);
        check(&plain, cases[i].part);
        vj_buf_fini(&plain);
    }
}

/* Byte 1000 is the end of a file of 1000 bytes, byte 1001 is none. */
static void places_are_in_the_file(void **state)
{
    vj_buf plain = {0};

    (void)state;
    put_tbi(&plain, 1, 2, 1, 1, 1);
    size_t chunk = plain.len_bytes - 12 - 16;
    plain.ptr[chunk + 2] = 0xe8;
    plain.ptr[chunk + 3] = 3;
    check(&plain, "");
    plain.ptr[chunk + 2]++;
    check(&plain, "found byte 1001");
    plain.ptr[chunk - 8] = 37450 & 0xff; /* counts, not places */
    plain.ptr[chunk - 7] = 37450 >> 8;
    check(&plain, "");
    plain.ptr[plain.len_bytes - 1] = 1;
    check(&plain, "expected places in a file of 1000 bytes");
    vj_buf_fini(&plain);
}

static void other_bytes_and_every_cut_are_refused(void **state)
{
    vj_buf plain = {0};

    (void)state;
    put(&plain, "BAI\1....", 8);
    check(&plain, "begins with CSI or TBI");
    vj_buf_reset(&plain);
    put_tbi(&plain, 1, 2, 1, 1, 1);
    while (plain.len_bytes-- > 0)
        check(&plain, plain.len_bytes < 4 ? "begins with" : ": ");
    vj_buf_fini(&plain);
}

static void an_index_is_found_by_its_names(void **state)
{
    static const struct {
        const char *file, *index;
        bool with_tbi, found;
    } cases[] = {
        {"a.vcf.gz", "a.vcf.gz.tbi", true, true},   {"a.vcf.gz", "a.vcf.gz.csi", true, true},
        {"a.vcf.gz", "a.vcf.tbi", true, true},      {"a.bcf", "a.bcf.tbi", false, false},
        {"a.bcf", "a.csi", false, true},            {"a", "a.csi", false, true},
    };
    char file[200];
    char index[200];

    (void)state;
    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        char *found = NULL;
        vj_error err = {0};

        snprintf(file, sizeof file, "%s/%s", test_dir, cases[i].file);
        snprintf(index, sizeof index, "%s/%s", test_dir, cases[i].index);
        FILE *made = fopen(index, "wb");
        assert_non_null(made);
        fclose(made);
        assert_ok(vj_index_find(file, cases[i].with_tbi, NULL, &found, &err), &err);
        if (cases[i].found)
            assert_string_equal(found, index);
        else
            assert_null(found);
        vj_free(found);
        remove(index);
    }
}

static int make_folder(void **state)
{
    int rc = make_test_dir(state);

    snprintf(path, sizeof path, "%s/index", test_dir);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_of_tbi),
        cmocka_unit_test(bins_of_csi),
        cmocka_unit_test(places_are_in_the_file),
        cmocka_unit_test(other_bytes_and_every_cut_are_refused),
        cmocka_unit_test(an_index_is_found_by_its_names),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_test_dir);
}
