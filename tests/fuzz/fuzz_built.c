/*
 * fuzz_built.c - a tuned file, or (first byte 'J') the JSON of a layout against a schema. What is
 * accepted is read by every logical column; nothing may be kept, and no fault may be ours.
 */
#include <stdlib.h>

#include "built/built.h"
#include "built/tiers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MAX_ROWS 512

static vj_status read_group(vj_built_reader *reader, const vj_pq_file *file,
                            const vj_built *built, int32_t g, vj_budget *budget, vj_error *err)
{
    int64_t n_rows = vj_pq_rowgroup_view(file, g).n_rows;
    int32_t rows[MAX_ROWS];
    int64_t n = 0;

    for (int64_t row = 0; row < n_rows && row < INT32_MAX && n < MAX_ROWS; row += 1 + row / 100)
        rows[n++] = (int32_t)row;
    VJ_TRY(vj_built_reader_rows(reader, file, built, g, rows, n, err));
    for (int32_t f = 0; f < built->schema.n_fields; f++) {
        vj_colb dst;
        vj_status rc = vj_colb_init(&dst, &built->schema.fields[f].type, budget, err);

        if (rc == VJ_OK)
            rc = vj_built_reader_column(reader, f, &dst, err);
        if (rc == VJ_OK && dst.n_rows != n)
            abort();
        vj_colb_fini(&dst);
        VJ_TRY(rc);
    }
    return VJ_OK;
}

static vj_status read_file(const uint8_t *data, size_t len, vj_budget *budget, vj_error *err)
{
    vj_source *source = NULL;
    vj_pq_file *file = NULL;
    vj_built *built = NULL;
    vj_built_reader *reader = NULL;
    vj_tiers tiers;
    vj_status rc = VJ_OK;

    VJ_TRY(vj_source_memory("input", data, len, &source, err));
    VJ_TRY(vj_pq_open(source, budget, &file, err));
    VJ_GO(rc, vj_tiers_read(file, &tiers, err));
    VJ_GO(rc, vj_built_read(file, budget, &built, err));
    VJ_GO(rc, vj_built_reader_new(NULL, NULL, budget, &reader, err));
    for (int32_t g = 0; built != NULL && g < VJ_MIN(vj_pq_meta_view(file)->n_rowgroups, 8); g++)
        VJ_GO(rc, read_group(reader, file, built, g, budget, err));
out:
    vj_built_reader_free(reader);
    vj_built_free(built);
    vj_pq_free(file);
    return rc;
}

static vj_status read_json(const uint8_t *data, size_t len, vj_budget *budget, vj_error *err)
{
    static const vj_field fields[] = {
        {"chrom", {.kind = VJ_TEXT}, true},       {"start", {.kind = VJ_U32}, false},
        {"vj_allele", {.kind = VJ_TEXT}, false},  {"vj_int_id", {.kind = VJ_U32}, false},
        {"vj_side_id", {.kind = VJ_TEXT}, true},  {"vj_pack0", {.kind = VJ_I64}, false},
        {"vj_side_end", {.kind = VJ_U32}, true},  {"vj_side_class", {.kind = VJ_TEXT}, true}};
    vj_schema schema = {VJ_COUNT(fields), fields};
    vj_built *built = NULL;
    vj_buf text = {.budget = budget};
    char words[64];
    vj_status rc = VJ_OK;

    VJ_TRY(vj_built_parse((vj_span){(const char *)data, len}, "input", &schema, budget, &built, err));
    VJ_GO(rc, vj_built_write(built, &text, err));
    VJ_GO(rc, vj_built_sql(built, &text, err));
    for (int32_t f = 0; f < built->schema.n_fields; f++)
        vj_built_describe(built, f, words, sizeof words);
out:
    vj_buf_fini(&text);
    vj_built_free(built);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_budget budget;
    vj_error err = {0};

    vj_budget_init(&budget, (int64_t)64 << 20);
    vj_status rc = len > 0 && data[0] == 'J' ? read_json(data + 1, len - 1, &budget, &err)
                                             : read_file(data, len, &budget, &err);
    if (atomic_load(&budget.used_bytes) != 0 || rc == VJ_E_BUG)
        abort();
    return 0;
}
