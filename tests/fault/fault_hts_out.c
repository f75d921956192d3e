/* Every allocation and every write of the writers fails once: right status, old file whole. */
#include <stdio.h>
#include <string.h>

#include "support/support.h"
#include "support/test_dir.h"
#include "support/vcf_text.h"

typedef struct out_case {
    const char *name; /* of the file */
    vj_vcf_out_kind kind;
    bool is_tsv;
    const char *contig_line; /* BCF without it: the header is written again */
} out_case;

static vj_status write_vcf(const out_case *c, const char *path, vj_error *err)
{
    char text[400];
    vcf_text vcf;
    vj_vcf_writer *writer = NULL;
    vj_status rc = VJ_OK;
    vj_type type = vj_type_of(VJ_TEXT);
    vj_colb b = {0};
    vj_vcf_annotation field = {.id = "T", .type = type, .database = "db"};
    int64_t first_row[] = {0, 1};

    snprintf(text, sizeof text, "##fileformat=VCFv4.3\n%s#CHROM\n1\t5\t.\tA\tC\t.\t.\t.\n",
             c->contig_line);
    /* The scaffold of the test itself is not part of the sweep. */
    bool (*alloc_hook)(size_t) = vj_alloc_fault_hook;
    vj_alloc_fault_hook = NULL;
    vcf_text_init(&vcf, vj_span_of(text));
    assert_int_equal(vj_colb_init(&b, &type, NULL, err), VJ_OK);
    assert_int_equal(vj_colb_bytes(&b, "a;b", 3, err), VJ_OK);
    vj_alloc_fault_hook = alloc_hook;
    vj_col col = vj_colb_view(&b);
    vj_vcf_annotated in = {.n_records = vcf.n_records, .lines = vcf.records,
                           .first_row = first_row, .cols = &col};
    vj_vcf_write_options options = {.kind = c->kind, .write_index = true, .header = &vcf.header,
                                    .annotations = &field, .n_annotations = 1};
    VJ_GO(rc, vj_vcf_writer_open(path, &options, NULL, &writer, err));
    VJ_GO(rc, vj_vcf_writer_append(writer, &in, err));
    VJ_GO(rc, vj_vcf_writer_finish(writer, err));
out:
    vj_vcf_writer_free(writer);
    vj_colb_fini(&b);
    vcf_text_fini(&vcf);
    return rc;
}

static vj_status write_tsv(const char *path, vj_error *err)
{
    vj_field field = {.name = "x", .type = vj_type_of(VJ_BOOL)};
    vj_schema schema = {.n_fields = 1, .fields = &field};
    uint8_t bits[1000] = {0x55};
    vj_col col = {.type = &field.type, .n_rows = 8000, .data = bits};
    vj_batch batch = {.schema = &schema, .n_rows = 8000, .cols = &col};
    vj_tsv_write_options options = {.schema = &schema, .bgzf = true};
    vj_tsv_writer *writer = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_tsv_writer_open(path, &options, NULL, &writer, err));
    VJ_GO(rc, vj_tsv_writer_append(writer, &batch, err));
    VJ_GO(rc, vj_tsv_writer_finish(writer, err));
out:
    vj_tsv_writer_free(writer);
    return rc;
}

static void put_old_file(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fputs("old", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static bool is_old_file(const char *path)
{
    char text[8] = {0};
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    return n == 3 && memcmp(text, "old", 3) == 0;
}

static vj_status body(void *arg, vj_error *err)
{
    const out_case *c = arg;
    char path[600];

    snprintf(path, sizeof path, "%s/%s", test_dir, c->name);
    put_old_file(path);
    vj_status rc = c->is_tsv ? write_tsv(path, err) : write_vcf(c, path, err);
    if (rc != VJ_OK && !is_old_file(path))
        return VJ_E_BUG;
    if (rc == VJ_OK && is_old_file(path))
        return VJ_E_BUG;
    return rc;
}

static const out_case cases[] = {
    {.name = "a.vcf", .kind = VJ_OUT_VCF, .contig_line = "##contig=<ID=1>\n"},
    {.name = "a.vcf.gz", .kind = VJ_OUT_VCF_GZ, .contig_line = "##contig=<ID=1>\n"},
    {.name = "a.bcf", .kind = VJ_OUT_BCF, .contig_line = "##contig=<ID=1>\n"},
    {.name = "b.bcf", .kind = VJ_OUT_BCF, .contig_line = ""},
    {.name = "a.tsv.gz", .is_tsv = true},
};

static void failing_allocations_leave_the_old_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < VJ_COUNT(cases); i++)
        sweep_allocations(body, (void *)(uintptr_t)&cases[i]);
}

static void failing_writes_leave_the_old_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < VJ_COUNT(cases); i++)
        sweep_writes(body, (void *)(uintptr_t)&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_allocations_leave_the_old_file),
        cmocka_unit_test(failing_writes_leave_the_old_file),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
