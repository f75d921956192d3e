#include <stdio.h>

#include "hts/hts.h"
#include "support/support.h"

/* ---- a small header and its columns ---- */

static const char *const header_lines[] = {
    "##fileformat=VCFv4.3", "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">",
    "##contig=<ID=1,length=1000>"};
static const char *const sample_names[] = {"S1", "S2", "S3"};
static const vj_vcf_def infos[] = {{.id = "DP", .kind = VJ_VCF_INTEGER, .number = 1, .declared = true}};

static vj_vcf_header small_header(int32_t version_minor, int32_t n_samples)
{
    return (vj_vcf_header){.version_minor = version_minor,
                           .n_infos = 1,
                           .infos = infos,
                           .n_samples = n_samples,
                           .samples = sample_names,
                           .lines = header_lines,
                           .n_lines = 3};
}

/* What came out, as a string. */
static const char *text_of(vj_buf *buf)
{
    vj_error err = {0};

    assert_ok(vj_buf_push(buf, 0, &err), &err);
    buf->len_bytes--;
    return (const char *)buf->ptr;
}

static vj_col text_col(vj_colb *b, const char *const *values, int n)
{
    vj_error err = {0};
    vj_type type = vj_type_of(VJ_TEXT);

    assert_ok(vj_colb_init(b, &type, NULL, &err), &err);
    for (int i = 0; i < n; i++) {
        if (values[i] == NULL)
            assert_ok(vj_colb_null(b, &err), &err);
        else
            assert_ok(vj_colb_bytes(b, values[i], strlen(values[i]), &err), &err);
    }
    return vj_colb_view(b);
}

#define INT_NULL INT64_MIN
static vj_col int_col(vj_colb *b, vj_kind kind, const int64_t *values, int n)
{
    vj_error err = {0};
    vj_type type = vj_type_of(kind);

    assert_ok(vj_colb_init(b, &type, NULL, &err), &err);
    for (int i = 0; i < n; i++)
        assert_ok(values[i] == INT_NULL ? vj_colb_null(b, &err)
                  : kind == VJ_BOOL     ? vj_colb_bool(b, values[i] != 0, &err)
                  : kind == VJ_F64      ? vj_colb_f64(b, (double)values[i] / 8, &err)
                                        : vj_colb_int(b, values[i], &err),
                  &err);
    return vj_colb_view(b);
}

/* The record lines that a writer makes of the input; the header is not in it. */
static void records_of(const vj_vcf_write_options *options, const vj_vcf_annotated *in,
                       vj_buf *text, vj_vcf_out_counts *counts)
{
    vj_error err = {0};
    vj_buf file = {0};
    vj_outfile *out = NULL;
    vj_vcf_writer *writer = NULL;

    *counts = (vj_vcf_out_counts){0};
    assert_ok(vj_outfile_memory(&file, &out, &err), &err);
    assert_ok(vj_vcf_writer_take(out, options, NULL, &writer, &err), &err);
    assert_ok(vj_vcf_writer_format(writer, in, text, counts, &err), &err);
    vj_vcf_writer_free(writer);
    vj_buf_fini(&file);
}

static const char *header_of(const vj_vcf_write_options *options, vj_buf *file)
{
    vj_error err = {0};
    vj_outfile *out = NULL;
    vj_vcf_writer *writer = NULL;

    assert_ok(vj_outfile_memory(file, &out, &err), &err);
    assert_ok(vj_vcf_writer_take(out, options, NULL, &writer, &err), &err);
    assert_ok(vj_vcf_writer_finish(writer, &err), &err);
    vj_vcf_writer_free(writer);
    return text_of(file);
}

/* ---- header ---- */

static void header_keeps_its_lines_and_gains_typed_fields(void **state)
{
    (void)state;
    vj_vcf_header header = small_header(3, 2);
    vj_vcf_annotation fields[] = {
        {.id = "MAF", .type = vj_type_of(VJ_F32), .database = "ensembl", .release = "115"},
        {.id = "1KG flag", .type = vj_type_of(VJ_BOOL), .column = "1KG flag", .database = "x\"y"},
        {.id = "big", .type = vj_type_of(VJ_I64), .description = "A \\ count"},
        {.id = "terms", .type = vj_type_list_of(VJ_TEXT), .database = "clinvar",
         .description = "Terms"}};
    vj_out_database databases[] = {{.name = "ensembl", .release = "115", .checksum = "xxh3:1"}};
    vj_out_provenance provenance = {.verb = "annotate", .version = "0.1.0",
                                    .command = "varjoin annotate\na.vcf", .databases = databases,
                                    .n_databases = 1};
    vj_vcf_write_options options = {.header = &header, .annotations = fields, .n_annotations = 4,
                                    .provenance = &provenance};
    vj_buf file = {0};

    assert_string_equal(
        header_of(&options, &file),
        "##fileformat=VCFv4.3\n"
        "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n"
        "##contig=<ID=1,length=1000>\n"
        "##INFO=<ID=MAF,Number=A,Type=Float,Description=\"column MAF of ensembl 115\","
        "Source=\"ensembl\",Version=\"115\">\n"
        "##INFO=<ID=_1KG_flag,Number=A,Type=Integer,Description=\"column 1KG flag of x\\\"y; 1 is "
        "true, 0 is false\",Source=\"x\\\"y\">\n"
        "##INFO=<ID=big,Number=A,Type=Integer,Description=\"A \\\\ count; values beyond 32 bits "
        "are missing\">\n"
        "##INFO=<ID=terms,Number=A,Type=String,Description=\"Terms (column terms of clinvar); "
        "elements joined by |\",Source=\"clinvar\">\n"
        "##varjoin_annotateVersion=0.1.0\n"
        "##varjoin_annotateCommand=varjoin annotate a.vcf\n"
        "##varjoin_database=<ID=ensembl,Release=\"115\",Checksum=\"xxh3:1\">\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n");
    vj_buf_reset(&file);
    provenance.no_version = true;
    assert_null(strstr(header_of(&options, &file), "annotateVersion"));
    assert_non_null(strstr((const char *)file.ptr, "##varjoin_database=<ID=ensembl"));
    vj_buf_fini(&file);
}

static void header_without_version_or_samples_is_completed(void **state)
{
    (void)state;
    vj_vcf_header header = {0};
    vj_vcf_write_options options = {.header = &header};
    vj_buf file = {0};

    assert_string_equal(header_of(&options, &file),
                        "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
    vj_buf_fini(&file);
}

static void refuse(const vj_vcf_annotation *fields, int32_t n, vj_status code, const char *what)
{
    vj_error err = {0};
    vj_buf file = {0};
    vj_outfile *out = NULL;
    vj_vcf_writer *writer = NULL;
    vj_vcf_header header = small_header(3, 0);
    vj_vcf_write_options options = {.header = &header, .annotations = fields, .n_annotations = n};

    assert_ok(vj_outfile_memory(&file, &out, &err), &err);
    assert_int_equal(vj_vcf_writer_take(out, &options, NULL, &writer, &err), code);
    assert_null(writer);
    if (strstr(err.text, what) == NULL)
        fail_msg("'%s' does not hold '%s'", err.text, what);
    vj_buf_fini(&file);
}

static void colliding_names_and_nested_types_are_refused(void **state)
{
    (void)state;
    vj_field members[] = {{.name = "a", .type = vj_type_of(VJ_I32)}};
    vj_type nested = {.kind = VJ_STRUCT, .n_kids = 1, .kids = members};
    vj_field element = {.name = "element", .type = vj_type_list_of(VJ_I32)};
    vj_type lists = {.kind = VJ_LIST, .n_kids = 1, .kids = &element};

    refuse(&(vj_vcf_annotation){.id = "DP", .type = vj_type_of(VJ_I32), .database = "db"}, 1,
           VJ_E_USAGE, "INFO/DP would be written twice (column DP of db)");
    vj_vcf_annotation twice[] = {{.id = "a b", .type = vj_type_of(VJ_I32)},
                                 {.id = "a_b", .type = vj_type_of(VJ_I32)}};
    refuse(twice, 2, VJ_E_USAGE, "INFO/a_b would be written twice");
    refuse(&(vj_vcf_annotation){.id = "s", .type = nested}, 1, VJ_E_UNSUPPORTED,
           "column s of the table: VCF has no form for the type struct<a: int32>");
    refuse(&(vj_vcf_annotation){.id = "s", .type = lists}, 1, VJ_E_UNSUPPORTED, "list<list<");
}

/* ---- records ---- */

static void annotations_of_all_alts_are_put_together(void **state)
{
    (void)state;
    vj_vcf_header header = small_header(3, 2);
    vj_vcf_annotation fields[] = {{.id = "AC2", .type = vj_type_of(VJ_I32)},
                                  {.id = "SIG", .type = vj_type_of(VJ_TEXT)}};
    vj_vcf_write_options options = {.header = &header, .annotations = fields, .n_annotations = 2};
    vj_span lines[] = {vj_span_of("1\t1\t.\tA\tC,<NON_REF>,T\t.\t.\tDP=3\tGT\t0/1\t./."),
                       vj_span_of("1\t2\trs1\tA\tC\t5\tPASS\t.\tGT\t0/1\t./.\r\n"),
                       vj_span_of("1\t3\t.\tA\tC\t.\t.\t.\tGT\t0/1\t./."),
                       vj_span_of("1\t4\t.\tA\tG,C\t.\t.\tDB;\tGT\t0/1\t./.")};
    int64_t first_row[] = {0, 2, 4, 5, 7};
    /* Record 2 has two rows of its ALT (two samples, or duplicate keys): the first counts. */
    vj_colb b[3] = {0};
    vj_col alt = int_col(&b[0], VJ_I32, (int64_t[]){1, 3, 1, 1, 1, 1, 2}, 7);
    vj_col cols[] = {int_col(&b[1], VJ_I32, (int64_t[]){7, INT_NULL, 8, 9, INT_NULL, INT_NULL, 4}, 7),
                     text_col(&b[2], (const char *const[]){"x", "y", NULL, "z", NULL, NULL, NULL}, 7)};
    vj_vcf_annotated in = {.n_records = 4, .lines = lines, .first_row = first_row,
                           .alt_index = &alt, .cols = cols};
    vj_buf text = {0};
    vj_vcf_out_counts counts;

    records_of(&options, &in, &text, &counts);
    assert_string_equal(text_of(&text),
                        "1\t1\t.\tA\tC,<NON_REF>,T\t.\t.\tDP=3;AC2=7,.,.;SIG=x,.,y\tGT\t0/1\t./.\n"
                        "1\t2\trs1\tA\tC\t5\tPASS\tAC2=8;SIG=.\tGT\t0/1\t./.\n"
                        "1\t3\t.\tA\tC\t.\t.\t.\tGT\t0/1\t./.\n"
                        "1\t4\t.\tA\tG,C\t.\t.\tDB;AC2=.,4\tGT\t0/1\t./.\n");
    assert_int_equal(counts.n_records, 4);
    assert_int_equal(counts.n_values, 5);
    assert_int_equal(counts.n_extra_rows, 1);
    vj_buf_fini(&text);
    for (size_t i = 0; i < VJ_COUNT(b); i++)
        vj_colb_fini(&b[i]);
}

static void chosen_samples_stay_in_the_order_asked_for(void **state)
{
    (void)state;
    static const struct {
        int32_t n, samples[3];
        const char *expected;
    } cases[] = {
        {1, {2}, "1\t1\t.\tA\tC\t.\t.\tDP=3\tGT:AD\tc:3\n1\t2\t.\tA\tC\t.\t.\t.\n"},
        {2, {2, 0}, "1\t1\t.\tA\tC\t.\t.\tDP=3\tGT:AD\tc:3\ta:1\n1\t2\t.\tA\tC\t.\t.\t.\n"},
        {0, {0}, "1\t1\t.\tA\tC\t.\t.\tDP=3\n1\t2\t.\tA\tC\t.\t.\t.\n"},
    };
    vj_vcf_header header = small_header(3, 3);
    vj_span lines[] = {vj_span_of("1\t1\t.\tA\tC\t.\t.\tDP=3\tGT:AD\ta:1\tb:2\tc:3\r\n"),
                       vj_span_of("1\t2\t.\tA\tC\t.\t.\t.")};
    vj_vcf_annotated in = {.n_records = 2, .lines = lines};

    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        vj_vcf_write_options options = {.header = &header, .chooses_samples = true,
                                        .samples = cases[i].samples, .n_samples = cases[i].n};
        vj_buf text = {0};
        vj_vcf_out_counts counts;

        records_of(&options, &in, &text, &counts);
        assert_string_equal(text_of(&text), cases[i].expected);
        vj_buf_fini(&text);
    }
}

static void a_record_without_a_chosen_sample_is_an_error(void **state)
{
    (void)state;
    vj_vcf_header header = small_header(3, 3);
    vj_vcf_write_options options = {.header = &header, .chooses_samples = true,
                                    .samples = (int32_t[]){2}, .n_samples = 1};
    vj_span line = vj_span_of("1\t1\t.\tA\tC\t.\t.\tDP=3\tGT\ta\tb");
    vj_vcf_annotated in = {.n_records = 1, .lines = &line};
    vj_error err = {0};
    vj_buf file = {0};
    vj_outfile *out = NULL;
    vj_vcf_writer *writer = NULL;

    assert_ok(vj_outfile_memory(&file, &out, &err), &err);
    assert_ok(vj_vcf_writer_take(out, &options, NULL, &writer, &err), &err);
    assert_int_equal(vj_vcf_writer_append(writer, &in, &err), VJ_E_CORRUPT);
    assert_non_null(strstr(err.text, "has 2 samples, expected at least 3"));
    vj_vcf_writer_free(writer);
    vj_buf_fini(&file);
}

/* One record with one ALT and one text value. */
static void check_text(int32_t version_minor, const char *value, const char *expected)
{
    vj_vcf_header header = small_header(version_minor, 0);
    vj_vcf_annotation field = {.id = "T", .type = vj_type_of(VJ_TEXT)};
    vj_vcf_write_options options = {.header = &header, .annotations = &field, .n_annotations = 1};
    vj_span line = vj_span_of("1\t1\t.\tA\tC\t.\t.\t.");
    int64_t first_row[] = {0, 1};
    vj_colb b = {0};
    vj_col col = text_col(&b, &value, 1);
    vj_vcf_annotated in = {.n_records = 1, .lines = &line, .first_row = first_row, .cols = &col};
    vj_buf text = {0};
    vj_vcf_out_counts counts;
    char whole[128];

    records_of(&options, &in, &text, &counts);
    snprintf(whole, sizeof whole, "1\t1\t.\tA\tC\t.\t.\tT=%s\n", expected);
    assert_string_equal(text_of(&text), whole);
    vj_buf_fini(&text);
    vj_colb_fini(&b);
}

static void values_are_percent_encoded(void **state)
{
    (void)state;
    check_text(3, "a;b=c:d,e%f\tg\rh\ni", "a%3Bb%3Dc%3Ad%2Ce%25f%09g%0Dh%0Ai");
    check_text(3, "two words|bar", "two words|bar");
    check_text(2, "two words", "two%20words");
    check_text(3, "\x01\x7f", "%01%7F");
    check_text(3, "\xc3\xa4", "\xc3\xa4");
    check_text(3, "", ".");
    check_text(3, ".", "%2E");
    check_text(3, "..", "..");
    check_text(3, "Pathogenic/Likely_pathogenic", "Pathogenic/Likely_pathogenic");
}

static void values_have_the_text_of_their_type(void **state)
{
    (void)state;
    vj_vcf_header header = small_header(3, 0);
    vj_type date = {.kind = VJ_I32, .logical = VJ_LOGICAL_DATE};
    vj_type stamp = {.kind = VJ_I64, .logical = VJ_LOGICAL_TIMESTAMP, .unit = VJ_MS, .utc = true};
    vj_type money = {.kind = VJ_I64, .logical = VJ_LOGICAL_DECIMAL, .precision = 10, .scale = 2};
    vj_vcf_annotation fields[] = {
        {.id = "b", .type = vj_type_of(VJ_BOOL)}, {.id = "u32", .type = vj_type_of(VJ_U32)},
        {.id = "i64", .type = vj_type_of(VJ_I64)}, {.id = "u64", .type = vj_type_of(VJ_U64)},
        {.id = "f", .type = vj_type_of(VJ_F64)}, {.id = "d", .type = date},
        {.id = "t", .type = stamp}, {.id = "m", .type = money}};
    vj_vcf_write_options options = {.header = &header, .annotations = fields, .n_annotations = 8};
    vj_span line = vj_span_of("1\t1\t.\tA\tC,G\t.\t.\t.");
    int64_t first_row[] = {0, 2};
    vj_colb b[8] = {0};
    vj_col cols[8];
    int64_t values[8][2] = {{1, 0}, {4294967295, 7}, {-2147483640, -2147483641}, {-1, 2147483647},
                            {1, -20}, {-1, 19000}, {-1, 1700000000000}, {-5, 123456}};
    for (int i = 0; i < 8; i++) {
        vj_error err = {0};
        assert_ok(vj_colb_init(&b[i], &fields[i].type, NULL, &err), &err);
        for (int row = 0; row < 2; row++)
            assert_ok(i == 0   ? vj_colb_bool(&b[i], values[i][row] != 0, &err)
                      : i == 4 ? vj_colb_f64(&b[i], (double)values[i][row] / 8, &err)
                               : vj_colb_int(&b[i], values[i][row], &err), &err);
        cols[i] = vj_colb_view(&b[i]);
    }
    vj_vcf_annotated in = {.n_records = 1, .lines = &line, .first_row = first_row, .cols = cols};
    vj_buf text = {0};
    vj_vcf_out_counts counts;

    records_of(&options, &in, &text, &counts);
    assert_string_equal(text_of(&text),
                        "1\t1\t.\tA\tC,G\t.\t.\tb=1,0;u32=.,7;i64=-2147483640,.;u64=.,2147483647;"
                        "f=0.125,-2.5;d=1969-12-31,2022-01-08;"
                        "t=1969-12-31T23%3A59%3A59.999Z,2023-11-14T22%3A13%3A20Z;"
                        "m=-0.05,1234.56\n");
    assert_int_equal(counts.n_out_of_range, 3);
    vj_buf_fini(&text);
    for (int i = 0; i < 8; i++)
        vj_colb_fini(&b[i]);
}

static void list_elements_are_joined_by_bars(void **state)
{
    (void)state;
    vj_error err = {0};
    vj_vcf_header header = small_header(3, 0);
    vj_vcf_annotation field = {.id = "L", .type = vj_type_list_of(VJ_TEXT)};
    vj_vcf_write_options options = {.header = &header, .annotations = &field, .n_annotations = 1};
    vj_span line = vj_span_of("1\t1\t.\tA\tC,G,T\t.\t.\t.");
    int64_t first_row[] = {0, 3};
    vj_colb b = {0};

    assert_ok(vj_colb_init(&b, &field.type, NULL, &err), &err);
    assert_ok(vj_colb_bytes(&b.kids[0], "a|b", 3, &err), &err);
    assert_ok(vj_colb_null(&b.kids[0], &err), &err);
    assert_ok(vj_colb_bytes(&b.kids[0], "c,", 2, &err), &err);
    assert_ok(vj_colb_end_list(&b, &err), &err);
    assert_ok(vj_colb_null(&b, &err), &err);
    assert_ok(vj_colb_end_list(&b, &err), &err);
    vj_col col = vj_colb_view(&b);
    vj_vcf_annotated in = {.n_records = 1, .lines = &line, .first_row = first_row, .cols = &col};
    vj_buf text = {0};
    vj_vcf_out_counts counts;

    records_of(&options, &in, &text, &counts);
    assert_string_equal(text_of(&text), "1\t1\t.\tA\tC,G,T\t.\t.\tL=a%7Cb|.|c%2C,.,.\n");
    vj_buf_fini(&text);
    vj_colb_fini(&b);
}

static void records_without_annotations_keep_their_bytes(void **state)
{
    (void)state;
    vj_vcf_header header = small_header(3, 0);
    vj_vcf_write_options options = {.header = &header};
    vj_span lines[] = {vj_span_of("1\t1\t\tA\tC\t1e3\t.\tAF=0.10;X=a b\tGT"), vj_span_of("1\t2\t.\tA\t.\t.\t.\t")};
    vj_vcf_annotated in = {.n_records = 2, .lines = lines};
    vj_buf text = {0};
    vj_vcf_out_counts counts;

    records_of(&options, &in, &text, &counts);
    /* The FORMAT column goes because the header has no sample; an empty INFO becomes '.'. */
    assert_string_equal(text_of(&text),
                        "1\t1\t\tA\tC\t1e3\t.\tAF=0.10;X=a b\n1\t2\t.\tA\t.\t.\t.\t.\n");
    vj_buf_fini(&text);
}

static void short_records_are_refused(void **state)
{
    (void)state;
    vj_error err = {0};
    vj_vcf_header header = small_header(3, 0);
    vj_vcf_write_options options = {.header = &header};
    vj_span line = vj_span_of("1\t1\t.\tA\tC");
    vj_vcf_annotated in = {.n_records = 1, .lines = &line};
    vj_buf file = {0};
    vj_outfile *out = NULL;
    vj_vcf_writer *writer = NULL;

    assert_ok(vj_outfile_memory(&file, &out, &err), &err);
    assert_ok(vj_vcf_writer_take(out, &options, NULL, &writer, &err), &err);
    assert_int_equal(vj_vcf_writer_append(writer, &in, &err), VJ_E_CORRUPT);
    assert_string_equal(err.text, "a record for the output has 5 columns, expected at least 8: "
                                  "1\\x091\\x09.\\x09A\\x09C");
    vj_vcf_writer_free(writer);
    vj_buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_keeps_its_lines_and_gains_typed_fields),
        cmocka_unit_test(header_without_version_or_samples_is_completed),
        cmocka_unit_test(colliding_names_and_nested_types_are_refused),
        cmocka_unit_test(annotations_of_all_alts_are_put_together),
        cmocka_unit_test(chosen_samples_stay_in_the_order_asked_for),
        cmocka_unit_test(a_record_without_a_chosen_sample_is_an_error),
        cmocka_unit_test(values_are_percent_encoded),
        cmocka_unit_test(values_have_the_text_of_their_type),
        cmocka_unit_test(list_elements_are_joined_by_bars),
        cmocka_unit_test(records_without_annotations_keep_their_bytes),
        cmocka_unit_test(short_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
