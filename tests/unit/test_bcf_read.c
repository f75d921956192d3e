#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <htslib/hts.h>
#include <htslib/tbx.h>
#include <htslib/vcf.h>

#include "support/bgzf_make.h"
#include "support/vcf_case.h"

static const char text[] = VCF_HEAD
    "##FILTER=<ID=PASS,Description=\"All filters passed\">\n"
    "##FILTER=<ID=q10,Description=\"d\">\n"
    "##contig=<ID=chr1,length=1000000>\n##contig=<ID=chr2,length=1000000>\n"
    "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n"
    "##INFO=<ID=AF,Number=A,Type=Float,Description=\"d\">\n"
    "##INFO=<ID=END,Number=1,Type=Integer,Description=\"d\">\n"
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"d\">\n"
    "##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"d\">\n" VCF_COLS "\tFORMAT\tS1\tS2\n"
    "chr1\t10\trs1\tACGT\tA\t30\tPASS\tDP=3;AF=0.5\tGT:PL\t0/1:0,1,2\t./.:.\n"
    "chr1\t20\t.\tA\tC,G\t.\tq10\tAF=0.25,.\tGT:PL\t1|2:0,1,2,3,4,5\t0/0:1,2,3,4,5,6\n"
    "chr1\t30\t.\tA\t<DEL>\t.\t.\tEND=500\tGT\t0/1\t0/1\n"
    "chr1\t600\t.\tG\tT\t.\t.\t.\tGT\t0/1\t0/1\n"
    "chr2\t5\t.\tA\t.\t.\t.\tDP=4\tGT\t0/0\t0/0\n";

static char folder[] = "/tmp/varjoin-test-bcf-XXXXXX";

static char *path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* The text as a file of htslib's making: "wb", "wbu", "wz"; with its index. */
static void write_with_htslib(const char *name, const char *mode, bool index)
{
    char path[200];
    char plain[200];
    FILE *file;

    snprintf(path, sizeof path, "%s", path_of(name));
    snprintf(plain, sizeof plain, "%s", path_of("plain.vcf"));
    file = fopen(plain, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    htsFile *in = hts_open(plain, "r");
    htsFile *out = hts_open(path, mode);
    bcf_hdr_t *hdr = bcf_hdr_read(in);
    bcf1_t *rec = bcf_init();
    assert_int_equal(bcf_hdr_write(out, hdr), 0);
    while (bcf_read(in, hdr, rec) == 0)
        assert_int_equal(bcf_write(out, hdr, rec), 0);
    bcf_destroy(rec);
    bcf_hdr_destroy(hdr);
    hts_close(in);
    assert_int_equal(hts_close(out), 0);
    if (index && mode[1] == 'b')
        assert_int_equal(bcf_index_build(path, 14), 0);
    else if (index)
        assert_int_equal(tbx_index_build(path, 0, &tbx_conf_vcf), 0);
}

/* Rows of a file, as text; columns NULL: all. */
static char *rows_of(const char *path, const vj_vcf_read_options *options, const char *columns,
                     vj_status *status, vj_error *err)
{
    vcf_case c = vcf_case_path(path, options, columns);

    *status = c.status;
    *err = c.err;
    char *rows = strdup(c.rows);
    vcf_case_fini(&c);
    return rows;
}

static void assert_file(const char *name, const vj_vcf_read_options *options, const char *columns,
                        const char *expected)
{
    vj_status status = VJ_OK;
    vj_error err = {0};
    char *rows = rows_of(path_of(name), options, columns, &status, &err);

    if (status != VJ_OK)
        fail_msg("%s: %s", name, err.text);
    assert_string_equal(rows, expected);
    free(rows);
}

static void bcf_gives_the_rows_of_its_text(void **state)
{
    (void)state;
    vcf_case whole = vcf_case_text(text, NULL, NULL);

    assert_file("a.bcf", NULL, NULL, whole.rows);
    assert_file("u.bcf", NULL, NULL, whole.rows);
    assert_file("a.vcf.gz", NULL, NULL, whole.rows);
    vcf_case_fini(&whole);
}

static void bcf_in_memory_is_read(void **state)
{
    (void)state;
    vj_buf file = {0};
    vj_error err = {0};
    vcf_case whole = vcf_case_text(text, NULL, NULL);

    assert_ok(vj_path_read(path_of("a.bcf"), &file, &err), &err);
    vcf_case c = vcf_case_run(file.ptr, file.len_bytes, NULL, NULL, 2, 1000);
    assert_int_equal(c.status, VJ_OK);
    assert_string_equal(c.rows, whole.rows);
    vcf_case_fini(&c);
    vcf_case_fini(&whole);
    vj_buf_fini(&file);
}

static void a_cut_bcf_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"a.bcf", "u.bcf"};

    for (size_t i = 0; i < VJ_COUNT(names); i++) {
        vj_buf file = {0};
        vj_error err = {0};
        size_t n_whole = 0;

        assert_ok(vj_path_read(path_of(names[i]), &file, &err), &err);
        for (size_t len = 0; len < file.len_bytes; len++) {
            vcf_case c = vcf_case_run(file.ptr, len, NULL, NULL, 2, 1000);

            /* without BGZF around it, BCF ends wherever a record ends */
            n_whole += c.status == VJ_OK;
            if (c.status != VJ_OK && c.status != VJ_E_CORRUPT)
                fail_msg("%s cut at %zu: %s", names[i], len, c.err.text);
            vcf_case_fini(&c);
        }
        assert_int_equal(n_whole, i == 0 ? 0 : 5);
        vj_buf_fini(&file);
    }
}

/* A file of no records, with the IDX of the second INFO line; through the whole reader. */
static vj_status open_with_idx(const char *idx, const char *regions, vj_error *err)
{
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    char header[400];
    uint8_t file[500] = "BCF\2\2";
    vj_status status = VJ_OK;

    size_t n = (size_t)snprintf(header, sizeof header,
                                VCF_HEAD "##contig=<ID=1>\n##INFO=<ID=A,Number=1,Type=Integer,"
                                         "Description=\"d IDX, IDX = \",IDX=1>\n"
                                         "##INFO=<ID=B,Number=1,Type=Integer,Description=\"d\","
                                         "IDX%s>\n" VCF_COLS "\n", idx) + 1;
    file[5] = (uint8_t)n;
    file[6] = (uint8_t)(n >> 8);
    memcpy(file + 9, header, n);
    FILE *out = fopen(path_of("idx.bcf"), "w");
    assert_non_null(out);
    assert_int_equal(fwrite(file, 1, 9 + n, out), 9 + n);
    assert_int_equal(fclose(out), 0);
    options.regions = regions;
    free(rows_of(path_of("idx.bcf"), &options, NULL, &status, err));
    return status;
}

/* htslib would make a table of 16 bytes for each number up to the largest. */
static void numbers_of_the_dictionary_are_held_against_the_header(void **state)
{
    (void)state;
    static const char *const far[] = {"=1048577", "=1000000000", "=\"2000000000\"",
                                      "= 99999999999999999999999"};
    vj_error err = {0};

    assert_ok(open_with_idx("=1048576", NULL, &err), &err);
    for (size_t i = 0; i < 2 * VJ_COUNT(far); i++) {
        assert_int_equal(open_with_idx(far[i / 2], i % 2 == 1 ? "1" : NULL, &err), VJ_E_CORRUPT);
        assert_non_null(strstr(err.text, "(IDX) up to 1048576, found one beyond"));
    }
}

/* S-23 */
static void regions_are_answered_through_the_index(void **state)
{
    (void)state;
    static const char *const names[] = {"a.bcf", "a.vcf.gz"};
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    for (size_t i = 0; i < VJ_COUNT(names); i++) {
        options.regions = "1:12-19";
        assert_file(names[i], &options, "start", "10\n");
        options.regions = "2,chr1:600";
        assert_file(names[i], &options, "chrom,start", "1 600\n2 5\n");
        options.regions = "1:100-110,1:200-210,1:21-25,1:13,1:12,1:20-21";
        assert_file(names[i], &options, "start,alt", "10 A\n20 C\n20 G\n30 <DEL>\n");
        options.regions = "3,1:700-";
        assert_file(names[i], &options, "start", "");
    }
}

static void regions_without_an_index_are_refused(void **state)
{
    (void)state;
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    vj_status status = VJ_OK;
    vj_error err = {0};

    options.regions = "1";
    free(rows_of(path_of("plain.vcf"), &options, NULL, &status, &err));
    assert_int_equal(status, VJ_E_NOTFOUND);
    assert_non_null(strstr(err.text, "regions need an index"));
    free(rows_of(path_of("u.bcf"), &options, NULL, &status, &err));
    assert_int_equal(status, VJ_E_NOTFOUND);
    options.regions = "^1";
    free(rows_of(path_of("a.bcf"), &options, NULL, &status, &err));
    assert_int_equal(status, VJ_E_USAGE);
}

/* The first bytes of a file, through a pipe. */
static vcf_case through_pipe(const char *name, size_t cut_bytes)
{
    vj_buf file = {0};
    vj_error err = {0};
    char path[40];
    int ends[2];

    assert_ok(vj_path_read(path_of(name), &file, &err), &err);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], file.ptr, file.len_bytes - cut_bytes),
                     file.len_bytes - cut_bytes);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    vcf_case c = vcf_case_path(path, NULL, NULL);
    close(ends[0]);
    vj_buf_fini(&file);
    return c;
}

static void pipes_carry_every_format(void **state)
{
    (void)state;
    static const char *const names[] = {"a.bcf", "u.bcf", "a.vcf.gz", "plain.vcf"};
    vcf_case whole = vcf_case_text(text, NULL, NULL);

    for (size_t i = 0; i < VJ_COUNT(names); i++) {
        vcf_case c = through_pipe(names[i], 0);

        if (c.status != VJ_OK)
            fail_msg("%s: %s", names[i], c.err.text);
        assert_string_equal(c.rows, whole.rows);
        vcf_case_fini(&c);
    }
    /* without the block that ends a BGZF file */
    for (size_t i = 0; i < VJ_COUNT(names); i += 2) {
        vcf_case c = through_pipe(names[i], 28);

        assert_int_equal(c.status, VJ_E_CORRUPT);
        assert_non_null(strstr(c.err.text, "truncated: expected the empty block"));
        vcf_case_fini(&c);
    }
    vcf_case_fini(&whole);
}

static void write_text(const char *name, const char *content)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void target_files_are_bed_or_positions(void **state)
{
    (void)state;
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    char path[200];

    options.targets_file = path;
    write_text("t.bed", "#comment\r\nchr1\t19\t20\nchr2\t0\t4\textra\n");
    snprintf(path, sizeof path, "%s", path_of("t.bed"));
    assert_vcf_rows(text, &options, "start,alt", "20 C\n20 G\n");
    write_text("t.txt", "1 20\nchr1\t600\t700\n\n2\t5\trs1\n");
    snprintf(path, sizeof path, "%s", path_of("t.txt"));
    assert_vcf_rows(text, &options, "start", "20\n20\n600\n5\n");
    write_text("bad.txt", "1\n");
    snprintf(path, sizeof path, "%s", path_of("bad.txt"));
    assert_vcf_fails(text, &options, VJ_E_CORRUPT, "bad.txt: line 1: expected CHROM POS");
}

static int make_files(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    write_with_htslib("a.bcf", "wb", true);
    write_with_htslib("u.bcf", "wbu", false);
    write_with_htslib("a.vcf.gz", "wz", true);
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = {"a.bcf", "a.bcf.csi", "u.bcf", "a.vcf.gz", "a.vcf.gz.tbi",
                                        "plain.vcf", "t.bed", "t.txt", "bad.txt",
                                        "idx.bcf"};
    (void)state;
    for (size_t i = 0; i < VJ_COUNT(names); i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bcf_gives_the_rows_of_its_text),
        cmocka_unit_test(bcf_in_memory_is_read),
        cmocka_unit_test(a_cut_bcf_is_an_error),
        cmocka_unit_test(numbers_of_the_dictionary_are_held_against_the_header),
        cmocka_unit_test(pipes_carry_every_format),
        cmocka_unit_test(regions_are_answered_through_the_index),
        cmocka_unit_test(regions_without_an_index_are_refused),
        cmocka_unit_test(target_files_are_bed_or_positions),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
