/* Rows of the normalised table back to VCF lines. */
#include "hts/hts.h"
#include "support/support.h"

#define HEAD "##fileformat=VCFv4.3\n##contig=<ID=chr1,length=1000>\n"                         \
    "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"x\">\n"                              \
    "##INFO=<ID=AD,Number=R,Type=Integer,Description=\"x\">\n"                              \
    "##INFO=<ID=DB,Number=0,Type=Flag,Description=\"x\">\n"                                 \
    "##INFO=<ID=END,Number=1,Type=Integer,Description=\"x\">\n"                             \
    "##INFO=<ID=SB,Number=2,Type=Float,Description=\"x\">\n"                                \
    "##INFO=<ID=TX,Number=1,Type=String,Description=\"x\">\n"                               \
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n"                             \
    "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"x\">\n"                            \
    "##FORMAT=<ID=PR,Number=R,Type=Integer,Description=\"x\">\n"                            \
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"

static const char *text_of(vj_buf *buf)
{
    vj_error err = {0};

    assert_ok(vj_buf_push(buf, 0, &err), &err);
    buf->len_bytes--;
    return (const char *)buf->ptr;
}

/* A view of rows [beg, beg + n) of a column that holds no offsets of its own. */
static void add_rows(vj_vcf_table *table, const vj_vcf_rows *rows, int64_t step, vj_buf *lines,
                     vj_vcf_out_counts *counts)
{
    vj_error err = {0};

    for (int64_t beg = 0; beg < rows->n_rows; beg += step) {
        int64_t n = VJ_MIN(step, rows->n_rows - beg);
        vj_colb parts[32] = {0};
        vj_col cols[32];
        for (int32_t i = 0; i < rows->n_cols; i++) {
            assert_ok(vj_colb_init(&parts[i], &rows->schema.fields[i].type, NULL, &err), &err);
            assert_ok(vj_colb_append(&parts[i], &rows->cols[i], beg, n, &err), &err);
            cols[i] = vj_colb_view(&parts[i]);
        }
        vj_batch batch = {.schema = &rows->schema, .n_rows = n, .cols = cols};
        assert_ok(vj_vcf_table_add(table, &batch, lines, counts, &err), &err);
        for (int32_t i = 0; i < rows->n_cols; i++)
            vj_colb_fini(&parts[i]);
    }
    assert_ok(vj_vcf_table_end(table, lines, counts, &err), &err);
}

/* Parse the records, make lines of the rows, with and without knowing where columns are from. */
static void round_trip(const char *vcf, bool with_origins, int64_t step, const char *expected)
{
    vj_error err = {0};
    vj_vcf_read_options read_options = VJ_VCF_READ_OPTIONS_INIT;
    vj_vcf_reader *reader = NULL;
    vj_vcf_block *block = NULL;
    vj_vcf_rows *rows = NULL;
    vj_vcf_table *table = NULL;
    vj_buf lines = {0};
    vj_vcf_out_counts counts = {0};
    bool more = false;

    assert_ok(vj_vcf_open_memory("m", vcf, strlen(vcf), &read_options, NULL, &reader, &err), &err);
    assert_ok(vj_vcf_block_new(NULL, &block, &err), &err);
    assert_ok(vj_vcf_rows_new(reader, NULL, &rows, &err), &err);
    assert_ok(vj_vcf_block_next(reader, 1000, 1 << 20, block, &more, &err), &err);
    assert_true(more);
    assert_ok(vj_vcf_parse(reader, block, rows, &err), &err);
    vj_vcf_table_options options = {.schema = vj_vcf_schema_view(reader)};
    if (with_origins) {
        options.origins = vj_vcf_origins_view(reader);
        options.n_origins = options.schema->n_fields;
        options.header = vj_vcf_header_view(reader);
    }
    assert_ok(vj_vcf_table_new(&options, NULL, &table, &err), &err);
    add_rows(table, rows, step, &lines, &counts);
    assert_string_equal(text_of(&lines), expected);
    vj_vcf_table_free(table);
    vj_vcf_rows_free(rows);
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
    vj_buf_fini(&lines);
}

static const char records[] =
    HEAD
    "chr1\t5\trs1\tA\tC,G\t30.5\tPASS\tAC=1,2;AD=7,8,9;DB;SB=0.5,.;TX=a%3Bb\tGT:DP:PR\t1/2:12:1,2,3\n"
    "chr1\t5\t.\tA\tT\t.\t.\tAC=4\tGT:DP:PR\t0/1:.:.\n"
    "chr1\t9\t.\tAT\tA\t.\tq10;s5\tEND=20\tGT:DP:PR\t./.:3:4,5\n";

static void rows_become_the_records_they_came_from(void **state)
{
    (void)state;
    for (int64_t step = 1; step <= 5; step++)
        round_trip(records, true, step,
                   "chr1\t5\trs1\tA\tC,G\t30.5\tPASS\tAC=1,2;AD=7,8,9;DB;SB=0.5,.;TX=a%3Bb"
                   "\tGT:DP:PR\t1/2:12:1,2,3\n"
                   "chr1\t5\t.\tA\tT\t.\t.\tAC=4\tGT\t0/1\n"
                   "chr1\t9\t.\tAT\tA\t.\tq10;s5\tEND=20\tGT:DP:PR\t./.:3:4,5\n");
}

static void without_origins_all_columns_are_annotations(void **state)
{
    (void)state;
    for (int64_t step = 1; step <= 5; step++)
        round_trip(records, false, step,
                   "1\t5\trs1\tA\tC,G\t30.5\tPASS\tAC=1,2;AD=7|8,7|9;DB=1,1;SB=0.5|.,0.5|.;"
                   "TX=a%3Bb,a%3Bb;DP=12,12;PR=1|2,1|3\tGT\t1/2\n"
                   "1\t5\t.\tA\tT\t.\t.\tAC=4;DB=0\tGT\t0/1\n"
                   "1\t9\t.\tAT\tA\t.\tq10;s5\tEND=20;DB=0;DP=3;PR=4|5\tGT\t./.\n");
}

static const vj_field fields[] = {{.name = "chrom", .type = {.kind = VJ_TEXT}},
                                  {.name = "start", .type = {.kind = VJ_I64}},
                                  {.name = "ref", .type = {.kind = VJ_TEXT}},
                                  {.name = "alt", .type = {.kind = VJ_TEXT}},
                                  {.name = "MAF", .type = {.kind = VJ_F32}},
                                  {.name = "MAF db", .type = {.kind = VJ_F32}}};

static void a_header_is_made_where_there_is_none(void **state)
{
    (void)state;
    vj_error err = {0};
    vj_schema schema = {.n_fields = 6, .fields = fields};
    vj_vcf_contig contigs[] = {{"chrX", 1000}, {"HLA-A*01:01", -1}};
    vj_vcf_annotation annotation = {.id = "MAF_db", .database = "db", .release = "1"};
    vj_vcf_table_options options = {.schema = &schema, .contigs = contigs, .n_contigs = 2,
                                    .annotations = &annotation, .n_annotations = 1};
    vj_vcf_table *table = NULL;
    vj_outfile *out = NULL;
    vj_vcf_writer *writer = NULL;
    vj_buf file = {0};
    vj_buf lines = {0};
    vj_vcf_out_counts counts = {0};
    int32_t x_offs[] = {0, 1, 12};
    int32_t one_offs[] = {0, 1, 2};
    int32_t alt_offs[] = {0, 0, 1};
    int64_t starts[] = {3, 4};
    float maf[] = {0.25f, 0.1f};
    vj_col cols[] = {{.type = &fields[0].type, .n_rows = 2, .offs = x_offs, .data = "XHLA-A*01:01"},
                     {.type = &fields[1].type, .n_rows = 2, .data = starts},
                     {.type = &fields[2].type, .n_rows = 2, .offs = one_offs, .data = "AC"},
                     {.type = &fields[3].type, .n_rows = 2, .offs = alt_offs, .data = "T"},
                     {.type = &fields[4].type, .n_rows = 2, .data = maf},
                     {.type = &fields[5].type, .n_rows = 2, .data = maf}};
    vj_batch batch = {.schema = &schema, .n_rows = 2, .cols = cols};

    assert_ok(vj_vcf_table_new(&options, NULL, &table, &err), &err);
    vj_vcf_write_options write_options = {.header = vj_vcf_table_header(table)};
    write_options.annotations = vj_vcf_table_annotations(table, &write_options.n_annotations);
    assert_ok(vj_outfile_memory(&file, &out, &err), &err);
    assert_ok(vj_vcf_writer_take(out, &write_options, NULL, &writer, &err), &err);
    assert_ok(vj_vcf_table_add(table, &batch, &lines, &counts, &err), &err);
    assert_ok(vj_vcf_table_end(table, &lines, &counts, &err), &err);
    assert_ok(vj_vcf_writer_write(writer, vj_buf_span(&lines), &counts, &err), &err);
    assert_ok(vj_vcf_writer_finish(writer, &err), &err);
    assert_string_equal(
        text_of(&file),
        "##fileformat=VCFv4.3\n"
        "##INFO=<ID=END,Number=1,Type=Integer,Description=\"Last position of the variant\">\n"
        "##contig=<ID=chrX,length=1000>\n##contig=<ID=HLA-A*01:01>\n"
        "##INFO=<ID=MAF,Number=A,Type=Float,Description=\"column MAF\">\n"
        "##INFO=<ID=MAF_db,Number=A,Type=Float,Description=\"column MAF_db of db 1\","
        "Source=\"db\",Version=\"1\">\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        "chrX\t3\t.\tA\t.\t.\t.\tMAF=0.25;MAF_db=0.25\n"
        "HLA-A*01:01\t4\t.\tC\tT\t.\t.\tMAF=0.1;MAF_db=0.1\n");
    assert_int_equal(counts.n_records, 2);
    assert_int_equal(counts.n_values, 4);
    vj_vcf_writer_free(writer);
    vj_vcf_table_free(table);
    vj_buf_fini(&file);
    vj_buf_fini(&lines);
}

static void refuse(const vj_field *given, int32_t n, vj_status code, const char *text)
{
    vj_error err = {0};
    vj_schema schema = {.n_fields = n, .fields = given};
    vj_vcf_table_options options = {.schema = &schema};
    vj_vcf_table *table = NULL;

    assert_int_equal(vj_vcf_table_new(&options, NULL, &table, &err), code);
    assert_string_equal(err.text, text);
}

static void tables_that_are_no_variants_are_refused(void **state)
{
    (void)state;
    vj_field with_sample[] = {fields[0], fields[1], fields[2], fields[3],
                              {.name = "sample", .type = {.kind = VJ_TEXT}}};
    vj_field bad_start[] = {fields[0], {.name = "start", .type = {.kind = VJ_TEXT}}, fields[2],
                            fields[3]};

    refuse(fields, 3, VJ_E_SCHEMA, "VCF needs a column alt: there is none");
    refuse(bad_start, 4, VJ_E_SCHEMA, "column start has type text, which VCF cannot take there");
    refuse(with_sample, 5, VJ_E_UNSUPPORTED,
           "a table with a sample column cannot become VCF; choose one sample with -s");
}

static vj_status sweep_body(void *arg, vj_error *err)
{
    vj_schema schema = {.n_fields = 2 + 4, .fields = fields};
    vj_vcf_contig contig = {"chr1", 10};
    vj_vcf_table_options options = {.schema = &schema, .contigs = &contig, .n_contigs = 1};
    vj_vcf_table *table = NULL;
    int32_t offs[] = {0, 1};
    int64_t start = 3;
    float maf = 0.5f;
    vj_col cols[] = {{.type = &fields[0].type, .n_rows = 1, .offs = offs, .data = "1"},
                     {.type = &fields[1].type, .n_rows = 1, .data = &start},
                     {.type = &fields[2].type, .n_rows = 1, .offs = offs, .data = "A"},
                     {.type = &fields[3].type, .n_rows = 1, .offs = offs, .data = "T"},
                     {.type = &fields[4].type, .n_rows = 1, .data = &maf},
                     {.type = &fields[5].type, .n_rows = 1, .data = &maf}};
    vj_batch batch = {.schema = &schema, .n_rows = 1, .cols = cols};
    vj_vcf_out_counts counts = {0};
    vj_buf lines = {0};
    vj_status rc = VJ_OK;

    (void)arg;
    VJ_GO(rc, vj_vcf_table_new(&options, NULL, &table, err));
    VJ_GO(rc, vj_vcf_table_add(table, &batch, &lines, &counts, err));
    VJ_GO(rc, vj_vcf_table_add(table, &batch, &lines, &counts, err));
    VJ_GO(rc, vj_vcf_table_end(table, &lines, &counts, err));
out:
    vj_vcf_table_free(table);
    vj_buf_fini(&lines);
    return rc;
}

static void failing_allocations_are_told(void **state)
{
    (void)state;
    sweep_allocations(sweep_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_the_records_they_came_from),
        cmocka_unit_test(without_origins_all_columns_are_annotations),
        cmocka_unit_test(a_header_is_made_where_there_is_none),
        cmocka_unit_test(tables_that_are_no_variants_are_refused),
        cmocka_unit_test(failing_allocations_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
