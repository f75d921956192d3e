/* bcftools reads what we write: no warning, the same values, regions by the index. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/support.h"
#include "support/test_dir.h"
#include "support/vcf_text.h"

#define TEXT "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=5000>\n"                         \
    "##contig=<ID=chr2,length=600000000>\n"                                                \
    "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n"                          \
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n"                      \
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"                           \
    "chr1\t10\trs1\tA\tC,G\t3.5\tPASS\tDP=7\tGT\t0/1\n"                                     \
    "chr1\t20\t.\tA\tC\t.\t.\t.\tGT\t./.\n"                                                 \
    "chr2\t590000000\t.\tA\t*\t.\tPASS\tDP=1\tGT\t0|1\n"

/* What bcftools prints, stderr included. */
static void check_bcftools(const char *verb, const char *path, const char *tail,
                           const char *expected)
{
    char command[1200];
    char output[4000] = "";

    snprintf(command, sizeof command, "bcftools %s %s 2>&1 %s", verb, path, tail);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n = fread(output, 1, sizeof output - 1, pipe);
    output[n] = '\0';
    assert_int_equal(pclose(pipe), 0);
    assert_string_equal(output, expected);
}

static void write_annotated(const char *path, vj_vcf_out_kind kind)
{
    vj_error err = {0};
    vcf_text vcf;
    vj_vcf_annotation fields[] = {
        {.id = "MAF", .type = vj_type_of(VJ_F64), .database = "ens \"embl\"", .release = "115"},
        {.id = "SIG", .type = vj_type_of(VJ_TEXT), .database = "clinvar"},
        {.id = "HIT", .type = vj_type_of(VJ_BOOL), .database = "clinvar"}};
    vj_out_database database = {.name = "clinvar", .release = "2026-06"};
    vj_out_provenance provenance = {.verb = "annotate", .version = "1", .command = "a <b> \"c\"",
                                    .databases = &database, .n_databases = 1};
    vj_colb b[3] = {0};
    vj_col cols[3];
    int64_t first_row[] = {0, 2, 3, 4};
    vj_vcf_writer *writer = NULL;

    vcf_text_init(&vcf, vj_span_of(TEXT));
    for (int i = 0; i < 3; i++)
        assert_ok(vj_colb_init(&b[i], &fields[i].type, NULL, &err), &err);
    assert_ok(vj_colb_f64(&b[0], 0.25, &err), &err);
    assert_ok(vj_colb_nulls(&b[0], 1, &err), &err);
    assert_ok(vj_colb_f64(&b[0], 1e-10, &err), &err);
    assert_ok(vj_colb_nulls(&b[0], 1, &err), &err);
    assert_ok(vj_colb_bytes(&b[1], "a;b=c, d", 8, &err), &err);
    assert_ok(vj_colb_bytes(&b[1], "plain", 5, &err), &err);
    assert_ok(vj_colb_nulls(&b[1], 2, &err), &err);
    for (int i = 0; i < 4; i++)
        assert_ok(vj_colb_bool(&b[2], i % 2 == 0, &err), &err);
    for (int i = 0; i < 3; i++)
        cols[i] = vj_colb_view(&b[i]);
    vj_vcf_annotated in = {.n_records = vcf.n_records, .lines = vcf.records,
                           .first_row = first_row, .cols = cols};
    vj_vcf_write_options options = {.kind = kind, .write_index = true, .header = &vcf.header,
                                    .annotations = fields, .n_annotations = 3,
                                    .provenance = &provenance};
    assert_ok(vj_vcf_writer_open(path, &options, NULL, &writer, &err), &err);
    assert_ok(vj_vcf_writer_append(writer, &in, &err), &err);
    assert_ok(vj_vcf_writer_finish(writer, &err), &err);
    vj_vcf_writer_free(writer);
    for (int i = 0; i < 3; i++)
        vj_colb_fini(&b[i]);
    vcf_text_fini(&vcf);
}

static void bcftools_reads_all_formats(void **state)
{
    (void)state;
    static const vj_vcf_out_kind kinds[] = {VJ_OUT_VCF, VJ_OUT_VCF_GZ, VJ_OUT_BCF,
                                            VJ_OUT_BCF_PLAIN};

    if (system("bcftools --version >/dev/null 2>&1") != 0) {
        print_message("skipped: no bcftools here\n");
        skip();
    }
    for (size_t i = 0; i < VJ_COUNT(kinds); i++) {
        char path[600];

        snprintf(path, sizeof path, "%s/out%d", test_dir, (int)i);
        write_annotated(path, kinds[i]);
        check_bcftools("view -H --no-version", path, "",
                      "chr1\t10\trs1\tA\tC,G\t3.5\tPASS\tDP=7;MAF=0.25,.;SIG=a%3Bb%3Dc%2C%20d,"
                      "plain;HIT=1,0\tGT\t0/1\n"
                      "chr1\t20\t.\tA\tC\t.\t.\tMAF=1e-10;HIT=1\tGT\t./.\n"
                      "chr2\t590000000\t.\tA\t*\t.\tPASS\tDP=1;HIT=0\tGT\t0|1\n");
        check_bcftools("query -f '%INFO/MAF|%INFO/SIG\\n'", path, "",
                      "0.25,.|a%3Bb%3Dc%2C%20d,plain\n1e-10|.\n.|.\n");
        if (kinds[i] == VJ_OUT_VCF_GZ || kinds[i] == VJ_OUT_BCF) {
            check_bcftools("view -H -r chr2:590000000", path, "| cut -f 1,2",
                          "chr2\t590000000\n");
            check_bcftools("view -H -r chr1:15-30", path, "| cut -f 1,2",
                          "chr1\t20\n");
            check_bcftools("index -s", path, "", "chr1\t5000\t2\nchr2\t600000000\t1\n");
        }
    }
}

/* Whoever reads us has gone: an error of the output, not a signal's end. */
static void a_closed_pipe_is_an_output_error(void **state)
{
    (void)state;
    vj_error err = {0};
    vcf_text vcf;
    int fds[2];
    char path[64];
    vj_vcf_writer *writer = NULL;
    vj_status rc = VJ_OK;

    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fds[1]);
    vcf_text_init(&vcf, vj_span_of(TEXT));
    vj_vcf_write_options options = {.kind = VJ_OUT_BCF, .write_index = true,
                                    .header = &vcf.header, .n_threads = 2};
    vj_vcf_annotated in = {.n_records = vcf.n_records, .lines = vcf.records};
    assert_ok(vj_vcf_writer_open(path, &options, NULL, &writer, &err), &err);
    close(fds[0]);
    rc = vj_vcf_writer_append(writer, &in, &err);
    if (rc == VJ_OK)
        rc = vj_vcf_writer_finish(writer, &err);
    assert_int_equal(rc, VJ_E_OUTPUT);
    assert_non_null(strstr(err.text, "Broken pipe"));
    vj_vcf_writer_free(writer);
    vcf_text_fini(&vcf);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bcftools_reads_all_formats),
        cmocka_unit_test(a_closed_pipe_is_an_output_error),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
