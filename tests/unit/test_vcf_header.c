#include <stdio.h>

#include "support/vcf_case.h"

static vj_vcf_reader *open_text(const char *text)
{
    vj_vcf_reader *reader = NULL;
    vj_error err = {0};

    assert_ok(vj_vcf_open_memory("t.vcf", text, strlen(text), NULL, NULL, &reader, &err), &err);
    return reader;
}

static void quotes_commas_and_equals_stand_inside_descriptions(void **state)
{
    (void)state;
    vj_vcf_reader *reader = open_text(
        VCF_HEAD "##source=x\n"
                 "##INFO=<ID=A,Number=1,Type=Float,Description=\"a, \\\"b\\\"=c <d> \\\\\",Source=\"s\">\n"
                 "##INFO=<Description=\"ID=Z,Type=Flag\",Type=Integer,Number=2,ID=B>\n"
                 "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"\">\n"
                 "##FILTER=<ID=q10,Description=\"x\">\n" VCF_COLS "\n");
    const vj_vcf_header *header = vj_vcf_header_view(reader);

    assert_int_equal(header->n_infos, 2);
    assert_string_equal(header->infos[0].id, "A");
    assert_string_equal(header->infos[0].description, "a, \"b\"=c <d> \\");
    assert_string_equal(header->infos[1].id, "B");
    assert_int_equal(header->infos[1].kind, VJ_VCF_INTEGER);
    assert_int_equal(header->infos[1].number, 2);
    assert_int_equal(header->n_formats, 1);
    assert_int_equal(header->n_filters, 1);
    assert_int_equal(header->n_lines, 6);
    assert_string_equal(header->lines[1], "##source=x");
    assert_int_equal(header->version_minor, 2);
    assert_string_equal(vj_vcf_format_name(reader), "VCF 4.2, plain");
    vj_vcf_free(reader);
}

static void contig_lengths_may_be_quoted(void **state)
{
    (void)state;
    vj_vcf_reader *reader = open_text(VCF_HEAD "##contig=<ID=chr1,length=\"248956422\">\n"
                                               "##contig=<ID=chrM,length=16571>\n"
                                               "##contig=<ID=HLA-A*01:01:01:01,assembly=x>\n"
                                               "##contig=<ID=bad,length=x>\n" VCF_COLS "\n");
    const vj_vcf_header *header = vj_vcf_header_view(reader);
    const char *const *notes = NULL;

    assert_int_equal(header->n_contigs, 4);
    assert_int_equal(header->contigs[0].length, 248956422);
    assert_int_equal(header->contigs[1].length, 16571);
    assert_string_equal(header->contigs[2].name, "HLA-A*01:01:01:01");
    assert_int_equal(header->contigs[2].length, -1);
    assert_int_equal(vj_vcf_notes_view(reader, &notes), 1);
    assert_string_equal(notes[0], "header: contig bad: length 'x' is not a number");
    vj_vcf_free(reader);
}

static void every_dropped_line_is_noted(void **state)
{
    (void)state;
    vj_vcf_reader *reader = open_text(
        VCF_HEAD "##INFO=<ID=A,Number=1,Type=Float,Description=\"open>\n"
                 "##INFO=ID=B\n"
                 "##INFO=<Number=1,Type=Float>\n"
                 "##FORMAT=<ID=C,Number=1,Type=Float,Description=\"a\"b>\n"
                 "##INFO=<ID=D,Number=1,Type=Float,Description=\"d\">\n"
                 "##INFO=<ID=D,Number=2,Type=String,Description=\"d\">\n"
                 "##INFO=<ID=E,Number=K,Type=Floot,Description=\"d\">\n"
                 "##INFO=<ID=F,Number=1,Type=Flag,Description=\"d\">\n"
                 "##INFO=<ID=G,Number=0,Type=Integer,Description=\"d\">\n"
                 "##FORMAT=<ID=H,Number=0,Type=Flag,Description=\"d\">\n" VCF_COLS
                 "\tFORMAT\tS\n");
    const vj_vcf_header *header = vj_vcf_header_view(reader);
    const char *const *notes = NULL;

    assert_int_equal(vj_vcf_notes_view(reader, &notes), 10);
    assert_non_null(strstr(notes[0], "header line 2 dropped: a quote that is not closed"));
    assert_non_null(strstr(notes[1], "header line 3 dropped: expected <...>"));
    assert_non_null(strstr(notes[2], "header line 4 dropped: no ID"));
    assert_non_null(strstr(notes[3], "header line 5 dropped: text behind a closing quote"));
    assert_string_equal(notes[4], "header: a second line for INFO/D dropped");
    assert_int_equal(header->n_infos, 4);
    assert_int_equal(header->infos[0].kind, VJ_VCF_FLOAT);
    assert_int_equal(header->infos[1].number, VJ_NUMBER_DOT);
    assert_int_equal(header->infos[1].kind, VJ_VCF_STRING);
    assert_int_equal(header->infos[2].kind, VJ_VCF_FLAG);
    assert_int_equal(header->infos[3].number, VJ_NUMBER_DOT);
    assert_int_equal(header->formats[0].kind, VJ_VCF_STRING);
    vj_vcf_free(reader);
}

static void files_that_are_no_vcf_say_so(void **state)
{
    (void)state;
    assert_vcf_fails("", NULL, VJ_E_CORRUPT, "expected a VCF header, the file is empty");
    assert_vcf_fails("PAR1", NULL, VJ_E_CORRUPT, "line 1: expected a header line");
    assert_vcf_fails("##fileformat=VCFv3.3\n", NULL, VJ_E_UNSUPPORTED, "found '3.3'");
    assert_vcf_fails(VCF_HEAD, NULL, VJ_E_CORRUPT, "expected a #CHROM line, the file ends after "
                                                   "line 1");
    assert_vcf_fails(VCF_HEAD "1\t2\t.\tA\tC\t.\t.\t.\n", NULL, VJ_E_CORRUPT,
                     "line 2: expected a header line");
    assert_vcf_fails(VCF_HEAD "#CHROM POS ID REF ALT QUAL FILTER INFO\n", NULL, VJ_E_CORRUPT,
                     "line 2: expected #CHROM as tab-separated column 1");
    assert_vcf_fails(VCF_HEAD "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\n", NULL, VJ_E_CORRUPT,
                     "expected at least 8");
    assert_vcf_fails(VCF_HEAD VCF_COLS "\tFORMAT\tA\tB\tA\n", NULL, VJ_E_CORRUPT,
                     "sample 'A' stands twice");
    assert_vcf_fails(VCF_HEAD VCF_COLS "\tS1\n", NULL, VJ_E_CORRUPT, "expected FORMAT");
}

/* A header line alone has no version: read as 4.2, and said. */
static void a_bare_column_line_is_enough(void **state)
{
    (void)state;
    vcf_case c = vcf_case_text(VCF_COLS "\n1\t5\t.\tA\tC\t.\t.\tX=1;END=9\n", NULL, "start,end");

    assert_string_equal(c.rows, "5 9\n");
    assert_int_equal(c.n_notes, 1);
    assert_int_equal(c.counts.odd[VJ_ODD_UNDECLARED], 1);
    vcf_case_fini(&c);
}

static void the_length_of_the_mitochondrion_reaches_the_keys(void **state)
{
    (void)state;
    vj_vcf_reader *reader = open_text(VCF_HEAD "##contig=<ID=chrM,length=16571>\n" VCF_COLS
                                               "\nchrM\t5\t.\tA\tC\t.\t.\t.\n");
    vj_vcf_block *block = NULL;
    vj_vcf_rows *rows = NULL;
    vj_error err = {0};
    bool more = false;

    assert_ok(vj_vcf_block_new(NULL, &block, &err), &err);
    assert_ok(vj_vcf_rows_new(reader, NULL, &rows, &err), &err);
    assert_ok(vj_vcf_block_next(reader, 10, 1000, block, &more, &err), &err);
    assert_ok(vj_vcf_parse(reader, block, rows, &err), &err);
    assert_int_equal(rows->keys.contig_lengths.ptr[0], 16571);
    assert_true(vj_span_is(rows->keys.contig_names.ptr[0], "M"));
    assert_true(vj_span_is(rows->record_lines.ptr[0], "chrM\t5\t.\tA\tC\t.\t.\t."));
    assert_int_equal(rows->record_line_numbers.ptr[0], 4);
    vj_vcf_rows_free(rows);
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_commas_and_equals_stand_inside_descriptions),
        cmocka_unit_test(contig_lengths_may_be_quoted),
        cmocka_unit_test(every_dropped_line_is_noted),
        cmocka_unit_test(files_that_are_no_vcf_say_so),
        cmocka_unit_test(a_bare_column_line_is_enough),
        cmocka_unit_test(the_length_of_the_mitochondrion_reaches_the_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
