/* Real files through reader and writer without annotations: the same records come out. */
#include <htslib/vcf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hts/hts.h"
#include "support/support.h"
#include "support/test_dir.h"

/* The file's path, or NULL where the real files are absent. */
static const char *shared_file(const char *name)
{
    static char path[4200];
    const char *root = getenv("VARJOIN_SHARED");
    char here[4000] = __FILE__;

    if (root == NULL) {
        for (int i = 0; i < 3 && strrchr(here, '/') != NULL; i++) /* tests/unit/<this> */
            *strrchr(here, '/') = '\0';
        snprintf(path, sizeof path, "%s/../shared/data/%s", here, name);
    } else {
        snprintf(path, sizeof path, "%s/data/%s", root, name);
    }
    return access(path, R_OK) == 0 ? path : NULL;
}

static void copy_records(const char *from, const char *to, vj_vcf_write_options options)
{
    vj_error err = {0};
    vj_vcf_read_options read_options = VJ_VCF_READ_OPTIONS_INIT;
    vj_vcf_reader *reader = NULL;
    vj_vcf_block *block = NULL;
    vj_vcf_rows *rows = NULL;
    vj_vcf_writer *writer = NULL;

    read_options.with_formats = false;
    assert_ok(vj_vcf_open(from, &read_options, NULL, &reader, &err), &err);
    assert_ok(vj_vcf_block_new(NULL, &block, &err), &err);
    assert_ok(vj_vcf_rows_new(reader, NULL, &rows, &err), &err);
    options.header = vj_vcf_header_view(reader);
    assert_ok(vj_vcf_writer_open(to, &options, NULL, &writer, &err), &err);
    for (bool more = true; more;) {
        assert_ok(vj_vcf_block_next(reader, 2000, 4 << 20, block, &more, &err), &err);
        if (!more)
            break;
        assert_ok(vj_vcf_parse(reader, block, rows, &err), &err);
        vj_vcf_annotated in = {.n_records = (int64_t)rows->record_lines.n,
                               .lines = rows->record_lines.ptr};
        assert_ok(vj_vcf_writer_append(writer, &in, &err), &err);
    }
    assert_ok(vj_vcf_writer_finish(writer, &err), &err);
    vj_vcf_writer_free(writer);
    vj_vcf_rows_free(rows);
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
}

/* Both files as htslib reads them, record by record, in VCF's text. */
static void check_same_records(const char *path_a, const char *path_b)
{
    const char *paths[2] = {path_a, path_b};
    htsFile *files[2];
    bcf_hdr_t *headers[2];
    bcf1_t *record = bcf_init();
    kstring_t lines[2] = {{0, 0, NULL}, {0, 0, NULL}};
    int codes[2] = {0, 0};
    int64_t n = 0;

    for (int i = 0; i < 2; i++) {
        assert_non_null(files[i] = hts_open(paths[i], "r"));
        assert_non_null(headers[i] = bcf_hdr_read(files[i]));
    }
    for (; codes[0] == 0; n++) {
        for (int i = 0; i < 2; i++) {
            ks_clear(&lines[i]);
            if ((codes[i] = bcf_read(files[i], headers[i], record)) >= 0)
                assert_int_equal(vcf_format(headers[i], record, &lines[i]), 0);
        }
        assert_int_equal(codes[0], codes[1]);
        if (codes[0] == 0 && strcmp(lines[0].s, lines[1].s) != 0)
            fail_msg("record %lld of %s differs:\n%.300s\n%.300s", (long long)n + 1, path_a,
                     lines[0].s, lines[1].s);
    }
    assert_int_equal(codes[0], -1);
    print_message("%s: %lld records\n", path_a, (long long)n - 1);
    for (int i = 0; i < 2; i++) {
        ks_free(&lines[i]);
        bcf_hdr_destroy(headers[i]);
        hts_close(files[i]);
    }
    bcf_destroy(record);
}

static void check_file(const char *name)
{
    static const struct {
        const char *name;
        vj_vcf_out_kind kind;
    } outputs[] = {{"o.vcf.gz", VJ_OUT_VCF_GZ}, {"o.bcf", VJ_OUT_BCF}, {"o.vcf", VJ_OUT_VCF}};
    const char *from = shared_file(name);
    char to[600];
    char index[640];

    if (from == NULL) {
        print_message("skipped: no real files here (VARJOIN_SHARED or ../shared)\n");
        skip();
    }
    for (size_t i = 0; i < VJ_COUNT(outputs); i++) {
        snprintf(to, sizeof to, "%s/%s", test_dir, outputs[i].name);
        copy_records(from, to, (vj_vcf_write_options){.kind = outputs[i].kind, .write_index = true,
                                                      .n_threads = 2});
        check_same_records(from, to);
        snprintf(index, sizeof index, "%s.%s", to, i == 0 ? "tbi" : "csi");
        assert_int_equal(access(index, F_OK) == 0, outputs[i].kind != VJ_OUT_VCF);
        unlink(to);
        unlink(index);
    }
}

static void one_sample(void **state)
{
    (void)state;
    check_file("HG00096.chr22.GRCh37.vcf.bgz");
}

static void plain_text_without_contig_lines(void **state)
{
    (void)state;
    check_file("antku_small.GRCh38.vcf");
}

static void clinvar(void **state)
{
    (void)state;
    check_file("clinvar.chr1-head.GRCh38.vcf");
}

static void the_widest_database(void **state)
{
    (void)state;
    check_file("gnomad-exomes.v4.0.chrX-slice.GRCh38.vcf.bgz");
}

static void three_samples(void **state)
{
    (void)state;
    check_file("ashkenazi-trio.chr1.GRCh37.vcf.gz");
}

static int make_quiet_dir(void **state)
{
    hts_set_log_level(HTS_LOG_OFF);
    return make_test_dir(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sample),
        cmocka_unit_test(plain_text_without_contig_lines),
        cmocka_unit_test(clinvar),
        cmocka_unit_test(the_widest_database),
        cmocka_unit_test(three_samples),
    };
    return cmocka_run_group_tests(tests, make_quiet_dir, remove_test_dir);
}
