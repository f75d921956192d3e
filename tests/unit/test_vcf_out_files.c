#include <htslib/hts.h>
#include <htslib/tbx.h>
#include <htslib/vcf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/support.h"
#include "support/test_dir.h"
#include "support/vcf_text.h"

static const char *path_of(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", test_dir, name);
    return path;
}

static void write_all(const char *path, const vcf_text *vcf, vj_vcf_write_options options)
{
    vj_error err = {0};
    vj_vcf_writer *writer = NULL;

    options.header = &vcf->header;
    assert_ok(vj_vcf_writer_open(path, &options, NULL, &writer, &err), &err);
    for (int64_t i = 0; i < vcf->n_records; i += 1000) {
        vj_vcf_annotated in = {.n_records = VJ_MIN(1000, vcf->n_records - i),
                               .lines = vcf->records + i};
        assert_ok(vj_vcf_writer_append(writer, &in, &err), &err);
    }
    assert_ok(vj_vcf_writer_finish(writer, &err), &err);
    assert_int_equal(vj_vcf_writer_counts(writer)->n_records, vcf->n_records);
    vj_vcf_writer_free(writer);
}

/* Records on n_contigs contigs, sorted; every 50th spans far by END. */
static void make_records(vj_buf *text, int n_contigs, int n_records, const char *contig_lines,
                         int64_t step)
{
    vj_error err = {0};
    uint64_t rng = 7;

    assert_ok(vj_buf_printf(text, &err, "##fileformat=VCFv4.2\n"
              "##INFO=<ID=END,Number=1,Type=Integer,Description=\"End\">\n"
              "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n%s"
              "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n", contig_lines), &err);
    for (int contig = 0; contig < n_contigs; contig++) {
        int64_t pos1 = 0; /* the first record lies at the telomere */
        for (int i = 0; i < n_records; i++) {
            assert_ok(vj_buf_printf(text, &err, "chr%d\t%lld\tid%d\tAC\tA\t.\t.\t", contig + 1,
                                    (long long)pos1, i), &err);
            assert_ok(i % 50 != 3 ? vj_buf_append_text(text, ".", &err)
                                  : vj_buf_printf(text, &err, "END=%lld",
                                                  (long long)pos1 + 40000), &err);
            assert_ok(vj_buf_append_text(text, "\tGT\t0/1\n", &err), &err);
            pos1 += (int64_t)(test_random(&rng) % (uint64_t)step);
        }
    }
}

static int64_t count_region(const char *path, const char *region, bool is_bcf)
{
    htsFile *file = hts_open(path, "r");
    bcf_hdr_t *header = bcf_hdr_read(file);
    bcf1_t *record = bcf_init();
    kstring_t line = {0, 0, NULL};
    hts_itr_t *itr = NULL;
    tbx_t *tbx = is_bcf ? NULL : tbx_index_load(path);
    hts_idx_t *idx = is_bcf ? bcf_index_load(path) : NULL;
    int64_t n = 0;

    assert_true(is_bcf ? idx != NULL : tbx != NULL);
    itr = is_bcf ? bcf_itr_querys(idx, header, region) : tbx_itr_querys(tbx, region);
    assert_non_null(itr);
    while ((is_bcf ? bcf_itr_next(file, itr, record) : tbx_itr_next(file, tbx, itr, &line)) >= 0)
        n++;
    hts_itr_destroy(itr);
    if (tbx != NULL)
        tbx_destroy(tbx);
    if (idx != NULL)
        hts_idx_destroy(idx);
    bcf_destroy(record);
    bcf_hdr_destroy(header);
    ks_free(&line);
    hts_close(file);
    return n;
}

/* What the region holds, by looking at every record. */
static int64_t expect_region(const vcf_text *vcf, const char *contig, int64_t beg1, int64_t end1)
{
    int64_t n = 0;

    for (int64_t i = 0; i < vcf->n_records; i++) {
        char line[128]; /* a copy: sscanf and strstr look for the end of the whole text */
        char name[64];
        long long pos1 = 0;
        size_t len = VJ_MIN(vcf->records[i].len_bytes, sizeof line - 1);

        memcpy(line, vcf->records[i].ptr, len);
        line[len] = '\0';
        assert_int_equal(sscanf(line, "%63s %lld", name, &pos1), 2);
        const char *at = strstr(line, "END=");
        long long last1 = at != NULL ? atoll(at + 4) : pos1 + 1;
        pos1 = pos1 == 0 ? 1 : pos1;
        n += strcmp(name, contig) == 0 && pos1 <= end1 && last1 >= beg1;
    }
    return n;
}

static void check_regions(const char *path, const vcf_text *vcf, int64_t length, bool is_bcf)
{
    uint64_t rng = test_seed();

    for (int i = 0; i < 40; i++) {
        char region[128];
        char contig[16];
        int64_t beg1 = 2 + (int64_t)(test_random(&rng) % (uint64_t)length);
        int64_t end1 = beg1 + (int64_t)(test_random(&rng) % (i % 2 == 0 ? 200 : 200000));
        snprintf(contig, sizeof contig, "chr%d", 1 + i % 2);
        snprintf(region, sizeof region, "%s:%lld-%lld", contig, (long long)beg1, (long long)end1);
        assert_int_equal(count_region(path, region, is_bcf),
                         expect_region(vcf, contig, beg1, end1));
    }
}

/* Records of two files read by htslib, as VCF lines, one by one. */
static void check_same_records(const char *path_a, const char *path_b)
{
    const char *paths[2] = {path_a, path_b};
    htsFile *files[2];
    bcf_hdr_t *headers[2];
    bcf1_t *record = bcf_init();
    int64_t n = 0;

    for (int i = 0; i < 2; i++) {
        assert_non_null(files[i] = hts_open(paths[i], "r"));
        assert_non_null(headers[i] = bcf_hdr_read(files[i]));
    }
    for (bool more = true; more; n++) {
        kstring_t lines[2] = {{0, 0, NULL}, {0, 0, NULL}};
        int codes[2];
        for (int i = 0; i < 2; i++)
            if ((codes[i] = bcf_read(files[i], headers[i], record)) >= 0)
                vcf_format(headers[i], record, &lines[i]);
        assert_int_equal(codes[0], codes[1]);
        assert_true(codes[0] >= -1);
        more = codes[0] == 0;
        if (more)
            assert_string_equal(lines[0].s, lines[1].s);
        ks_free(&lines[0]);
        ks_free(&lines[1]);
    }
    assert_true(n > 1);
    for (int i = 0; i < 2; i++) {
        bcf_hdr_destroy(headers[i]);
        hts_close(files[i]);
    }
    bcf_destroy(record);
}

static int64_t mtime_ns(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static int count_files(void)
{
    char command[600];
    int n = 0;

    snprintf(command, sizeof command, "ls -A '%s' | wc -l", test_dir);
    FILE *pipe = popen(command, "r");
    assert_int_equal(fscanf(pipe, "%d", &n), 1);
    pclose(pipe);
    return n;
}

#define TWO_CONTIGS "##contig=<ID=chr1,length=30000000>\n##contig=<ID=chr2,length=30000000>\n"

static void vcf_gz_and_tbi_answer_region_queries(void **state)
{
    (void)state;
    vj_buf text = {0};
    vcf_text vcf;

    make_records(&text, 2, 20000, TWO_CONTIGS, 2000);
    vcf_text_init(&vcf, vj_buf_span(&text));
    for (int32_t n_threads = 0; n_threads <= 3; n_threads += 3) {
        const char *path = path_of("a.vcf.gz");
        write_all(path, &vcf, (vj_vcf_write_options){.kind = VJ_OUT_VCF_GZ, .write_index = true,
                                                     .n_threads = n_threads});
        assert_true(mtime_ns(path_of("a.vcf.gz.tbi")) >= mtime_ns(path));
        check_regions(path, &vcf, 20000000, false);
        assert_int_equal(count_region(path, "chr1", false), 20000);
        unlink(path);
        unlink(path_of("a.vcf.gz.tbi"));
    }
    assert_int_equal(count_files(), 0);
    vcf_text_fini(&vcf);
    vj_buf_fini(&text);
}

static void bcf_and_csi_answer_region_queries(void **state)
{
    (void)state;
    vj_buf text = {0};
    vcf_text vcf;
    const char *path = path_of("a.bcf");
    const char *plain = path_of("a.vcf");

    make_records(&text, 2, 20000, TWO_CONTIGS, 2000);
    vcf_text_init(&vcf, vj_buf_span(&text));
    write_all(path, &vcf, (vj_vcf_write_options){.kind = VJ_OUT_BCF, .write_index = true,
                                                 .n_threads = 2});
    write_all(plain, &vcf, (vj_vcf_write_options){.kind = VJ_OUT_VCF, .write_index = true});
    check_regions(path, &vcf, 20000000, true);
    check_same_records(path, plain);
    unlink(path);
    unlink(plain);
    unlink(path_of("a.bcf.csi"));
    assert_int_equal(count_files(), 0);
    vcf_text_fini(&vcf);
    vj_buf_fini(&text);
}

/* Contigs without header lines, and a tag without one: BCF needs them, the old header is renewed. */
static void bcf_gets_the_definitions_that_the_header_lacks(void **state)
{
    (void)state;
    vj_error err = {0};
    vj_buf text = {0};
    vcf_text vcf;
    const char *path = path_of("a.bcf");
    const char *plain = path_of("a.vcf");
    char plain_bcf[600];

    snprintf(plain_bcf, sizeof plain_bcf, "%s/plain.bcf", test_dir);
    make_records(&text, 2, 3000, "", 2000);
    assert_ok(vj_buf_append_text(&text, "chr3\t7\t.\tA\tC\t.\t.\tNEW=x;OTHER\tGT:ZZ\t0/1:3\n",
                                 &err), &err);
    vcf_text_init(&vcf, vj_buf_span(&text));
    write_all(path, &vcf, (vj_vcf_write_options){.kind = VJ_OUT_BCF, .write_index = true});
    write_all(plain, &vcf, (vj_vcf_write_options){.kind = VJ_OUT_VCF});
    check_same_records(path, plain);
    check_regions(path, &vcf, 3000000, true);
    assert_int_equal(count_region(path, "chr3:7-7", true), 1);
    write_all(plain_bcf, &vcf,
              (vj_vcf_write_options){.kind = VJ_OUT_BCF_PLAIN, .write_index = true});
    check_same_records(plain_bcf, plain);
    unlink(plain_bcf);
    assert_int_equal(count_files(), 3);

    vj_buf memory = {0};
    vj_outfile *file = NULL;
    vj_vcf_writer *writer = NULL;
    vj_vcf_write_options options = {.kind = VJ_OUT_BCF, .header = &vcf.header};
    vj_vcf_annotated in = {.n_records = 1, .lines = vcf.records};
    assert_ok(vj_outfile_memory(&memory, &file, &err), &err);
    assert_ok(vj_vcf_writer_take(file, &options, NULL, &writer, &err), &err);
    assert_int_equal(vj_vcf_writer_append(writer, &in, &err), VJ_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "memory: the header lacks a contig or tag of this record"));
    vj_vcf_writer_free(writer);
    vj_buf_fini(&memory);
    unlink(path);
    unlink(plain);
    unlink(path_of("a.bcf.csi"));
    vcf_text_fini(&vcf);
    vj_buf_fini(&text);
}

static void long_contigs_get_a_csi(void **state)
{
    (void)state;
    static const char *const contig_lines[] = {
        "##contig=<ID=chr1,length=900000000>\n##contig=<ID=chr2>\n", ""};

    /* Declared: csi from the start. Not declared: met on the way, made from the file. */
    for (size_t i = 0; i < VJ_COUNT(contig_lines); i++) {
        vj_buf text = {0};
        vcf_text vcf;
        const char *path = path_of("a.vcf.gz");

        make_records(&text, 2, 4000, contig_lines[i], 400000);
        vcf_text_init(&vcf, vj_buf_span(&text));
        write_all(path, &vcf, (vj_vcf_write_options){.kind = VJ_OUT_VCF_GZ, .write_index = true});
        assert_int_equal(access(path_of("a.vcf.gz.csi"), F_OK), 0);
        assert_int_equal(access(path_of("a.vcf.gz.tbi"), F_OK), -1);
        check_regions(path, &vcf, 790000000, false);
        unlink(path);
        unlink(path_of("a.vcf.gz.csi"));
        vcf_text_fini(&vcf);
        vj_buf_fini(&text);
    }
}

static void check_unsorted(const char *records, vj_vcf_out_kind kind, const char *expected)
{
    vj_error err = {0};
    vj_buf text = {0};
    vcf_text vcf;
    vj_vcf_writer *writer = NULL;

    assert_ok(vj_buf_printf(&text, &err, "##fileformat=VCFv4.2\n##contig=<ID=1>\n"
                            "##contig=<ID=2>\n#CHROM\n%s", records), &err);
    vcf_text_init(&vcf, vj_buf_span(&text));
    vj_vcf_write_options options = {.kind = kind, .write_index = true, .header = &vcf.header};
    vj_vcf_annotated in = {.n_records = vcf.n_records, .lines = vcf.records};
    assert_ok(vj_vcf_writer_open(path_of("u.gz"), &options, NULL, &writer, &err), &err);
    assert_int_equal(vj_vcf_writer_append(writer, &in, &err), VJ_E_USAGE);
    assert_string_equal(err.text, expected);
    vj_vcf_writer_free(writer);
    assert_int_equal(count_files(), 0);

    options.index_if_sorted = true;
    assert_ok(vj_vcf_writer_open(path_of("u.gz"), &options, NULL, &writer, &err), &err);
    assert_null(vj_vcf_writer_note(writer));
    assert_ok(vj_vcf_writer_append(writer, &in, &err), &err);
    assert_string_equal(vj_vcf_writer_note(writer), expected);
    assert_ok(vj_vcf_writer_finish(writer, &err), &err);
    vj_vcf_writer_free(writer);
    assert_int_equal(count_files(), 1);
    unlink(path_of("u.gz"));
    vcf_text_fini(&vcf);
    vj_buf_fini(&text);
}

static void unsorted_records_are_not_indexed(void **state)
{
    (void)state;
    static const char back[] = "1\t9\t.\tA\tC\t.\t.\t.\n1\t8\t.\tA\tC\t.\t.\t.\n";
    static const char again[] = "1\t9\t.\tA\tC\t.\t.\t.\n2\t8\t.\tA\tC\t.\t.\t.\n"
                                "1\t10\t.\tA\tC\t.\t.\t.\n";
    static const char back_text[] = "record 2 at position 8 lies before its predecessor at 9: only "
                                    "sorted records can be indexed";
    static const char again_text[] = "record 3: contig 1 comes back after another one: only sorted "
                                     "records can be indexed";

    check_unsorted(back, VJ_OUT_VCF_GZ, back_text);
    check_unsorted(back, VJ_OUT_BCF, back_text);
    check_unsorted(again, VJ_OUT_VCF_GZ, again_text);
    check_unsorted(again, VJ_OUT_BCF, again_text);
}

static void a_line_that_bcf_cannot_hold_is_an_error(void **state)
{
    (void)state;
    vj_error err = {0};
    vcf_text vcf;
    vj_vcf_writer *writer = NULL;

    vcf_text_init(&vcf, vj_span_of("##fileformat=VCFv4.2\n##contig=<ID=1>\n"
                                   "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
                                   "1\t5\t.\tA\tC\t.\t.\t.\tGT\n"));
    vj_vcf_write_options options = {.kind = VJ_OUT_BCF, .header = &vcf.header};
    vj_vcf_annotated in = {.n_records = 1, .lines = vcf.records};
    assert_ok(vj_vcf_writer_open(path_of("x.bcf"), &options, NULL, &writer, &err), &err);
    assert_int_equal(vj_vcf_writer_append(writer, &in, &err), VJ_E_CORRUPT);
    assert_non_null(strstr(err.text, "a record cannot be written as BCF (number of columns): "
                                     "1\\x095"));
    vj_vcf_writer_free(writer);
    assert_int_equal(count_files(), 0);
    vcf_text_fini(&vcf);
}

static void empty_bodies_are_files_too(void **state)
{
    (void)state;
    vcf_text vcf;

    vcf_text_init(&vcf, vj_span_of("##fileformat=VCFv4.2\n" TWO_CONTIGS "#CHROM\n"));
    write_all(path_of("e.vcf.gz"), &vcf,
              (vj_vcf_write_options){.kind = VJ_OUT_VCF_GZ, .write_index = true});
    write_all(path_of("e.bcf"), &vcf,
              (vj_vcf_write_options){.kind = VJ_OUT_BCF, .write_index = true});
    assert_int_equal(count_files(), 4);
    hts_idx_t *idx = bcf_index_load(path_of("e.bcf"));
    assert_non_null(idx);
    hts_idx_destroy(idx);
    tbx_t *tbx = tbx_index_load(path_of("e.vcf.gz"));
    assert_non_null(tbx);
    tbx_destroy(tbx);
    unlink(path_of("e.vcf.gz"));
    unlink(path_of("e.bcf"));
    unlink(path_of("e.vcf.gz.tbi"));
    unlink(path_of("e.bcf.csi"));
    vcf_text_fini(&vcf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vcf_gz_and_tbi_answer_region_queries),
        cmocka_unit_test(bcf_and_csi_answer_region_queries),
        cmocka_unit_test(bcf_gets_the_definitions_that_the_header_lacks),
        cmocka_unit_test(long_contigs_get_a_csi),
        cmocka_unit_test(unsorted_records_are_not_indexed),
        cmocka_unit_test(a_line_that_bcf_cannot_hold_is_an_error),
        cmocka_unit_test(empty_bodies_are_files_too),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
