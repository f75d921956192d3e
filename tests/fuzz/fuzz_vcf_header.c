/*
 * fuzz_vcf_header.c - the lines of a VCF header, between a first and a last one that are right
 * (byte 0: the version's minor number); then one record, so that schema and rows are made.
 */
#include <stdlib.h>

#include "hts/hts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LAST                                                                               \
    "\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"                          \
    "1\t5\trs\tA\tC,G\t1\tPASS\tDP=1;AF=0.1,0.2;X=a,b;END=9\tGT:AD:X\t0/1:1,2,3:z\n"

static void must(vj_status rc)
{
    if (rc != VJ_OK)
        abort();
}

/* A schema whose names are all different and whose origins are there. */
static void check_schema(const vj_vcf_reader *reader)
{
    const vj_schema *schema = vj_vcf_schema_view(reader);
    const vj_vcf_origin *origins = vj_vcf_origins_view(reader);

    for (int32_t i = 0; i < schema->n_fields; i++) {
        if ((origins[i].role == VJ_ROLE_FIXED) != (origins[i].def == NULL))
            abort();
        for (int32_t k = 0; k < i && schema->n_fields < 100; k++)
            if (strcmp(schema->fields[i].name, schema->fields[k].name) == 0)
                abort();
    }
}

static vj_status read_all(const vj_buf *text, vj_budget *budget, vj_error *err)
{
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    vj_vcf_reader *reader = NULL;
    vj_vcf_block *block = NULL;
    vj_vcf_rows *rows = NULL;
    vj_status rc = VJ_OK;
    bool more = true;

    VJ_GO(rc, vj_vcf_open_memory("input", text->ptr, text->len_bytes, &options, budget, &reader,
                                 err));
    check_schema(reader);
    VJ_GO(rc, vj_vcf_block_new(budget, &block, err));
    VJ_GO(rc, vj_vcf_rows_new(reader, budget, &rows, err));
    VJ_GO(rc, vj_vcf_block_next(reader, 100, 1 << 16, block, &more, err));
    if (more)
        VJ_GO(rc, vj_vcf_parse(reader, block, rows, err));
out:
    vj_vcf_rows_free(rows);
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_budget budget;
    vj_error err = {0};
    vj_buf text = {0};

    if (len < 1)
        return 0;
    vj_budget_init(&budget, (int64_t)64 << 20);
    must(vj_buf_printf(&text, NULL, "##fileformat=VCFv4.%c\n", '0' + data[0] % 8));
    must(vj_buf_append(&text, data + 1, len - 1, NULL));
    must(vj_buf_append_text(&text, LAST, NULL));
    vj_status rc = read_all(&text, &budget, &err);
    vj_buf_fini(&text);
    if (atomic_load(&budget.used_bytes) != 0 || rc == VJ_E_BUG ||
        (rc == VJ_E_CORRUPT && strstr(err.text, "input") == NULL))
        abort();
    return 0;
}
