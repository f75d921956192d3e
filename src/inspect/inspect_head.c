/* inspect_head.c - the first rows of a Parquet file as TSV. */
#include "inspect/inspect_parts.h"
#include "built/rowscan.h"
#include "hts/hts.h"

#define MOST_ROWS 100000 /* of --head: it is for looking, not for converting */
#define SLICE_ROWS 8192

/* The first n rows, by what the columns mean, over row groups from the first on. */
static vj_status take_rows(const vj_pq_file *file, const vj_built *built, const vj_schema *schema,
                           int64_t n, vj_budget *budget, vj_colb *dst, vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    vj_rowscan scan = {0};
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_rowscan_init(&scan, schema, budget, err));
    for (int32_t g = 0; g < meta->n_rowgroups && n > 0; g++) {
        vj_batch rows = {.n_rows = 1};

        vj_rowscan_seek(&scan, file, built, NULL, g, 0);
        while (n > 0 && rows.n_rows > 0) {
            VJ_GO(rc, vj_rowscan_next(&scan, VJ_MIN(n, SLICE_ROWS), &rows, err));
            for (int32_t f = 0; f < schema->n_fields; f++)
                VJ_GO(rc, vj_colb_append(&dst[f], &rows.cols[f], 0, rows.n_rows, err));
            n -= rows.n_rows;
        }
    }
out:
    vj_rowscan_fini(&scan);
    return rc;
}

static vj_status print_rows(const vj_schema *schema, const vj_batch *batch, vj_budget *budget,
                            vj_buf *text, vj_error *err)
{
    const vj_tsv_write_options how = {.schema = schema};
    vj_outfile *file = NULL;
    vj_tsv_writer *writer = NULL;
    vj_status rc;

    VJ_GO(rc, vj_outfile_memory(text, &file, err));
    VJ_GO(rc, vj_tsv_writer_take(file, &how, budget, &writer, err));
    VJ_GO(rc, vj_tsv_writer_append(writer, batch, err));
    VJ_GO(rc, vj_tsv_writer_finish(writer, err));
out:
    vj_tsv_writer_free(writer);
    return rc;
}

/* The same rows with nested columns as text: fields, cols and texts are as long as the schema. */
static vj_status flatten(const vj_schema *schema, vj_budget *budget, vj_field *fields,
                         vj_colb *texts, vj_col *cols, vj_error *err)
{
    static const vj_type text = {.kind = VJ_TEXT};

    for (int32_t f = 0; f < schema->n_fields; f++) {
        fields[f] = schema->fields[f];
        if (!vj_inspect_has_no_cell(&fields[f].type))
            continue;
        fields[f].type = text;
        VJ_TRY(vj_colb_init(&texts[f], &text, budget, err));
        VJ_TRY(vj_inspect_as_json(&cols[f], budget, &texts[f], err));
        cols[f] = vj_colb_view(&texts[f]);
    }
    return VJ_OK;
}

vj_status vj_inspect_head(const char *path, int64_t n_rows, bool ignore_checksums,
                          vj_budget *budget, vj_buf *text, vj_error *err)
{
    vj_pq_file *file = NULL;
    vj_built *built = NULL;
    vj_colb *builders = NULL;
    vj_colb *texts = NULL;
    vj_field *fields = NULL;
    vj_col *cols = NULL;
    const vj_schema *schema = NULL;
    vj_status rc;

    if (n_rows > MOST_ROWS)
        return vj_fail(err, VJ_E_USAGE, "%lld rows are more than the first %d can show",
                       (long long)n_rows, MOST_ROWS);
    VJ_GO(rc, vj_pq_open_path(path, budget, &file, err));
    if (ignore_checksums)
        vj_pq_ignore_checksums(file);
    VJ_GO(rc, vj_built_read(file, budget, &built, err));
    schema = built != NULL ? &built->schema : &vj_pq_meta_view(file)->schema;
    n_rows = VJ_MIN(n_rows, vj_pq_meta_view(file)->n_rows);
    builders = vj_calloc(budget, (size_t)schema->n_fields + 1, sizeof *builders, err);
    cols = vj_calloc(budget, (size_t)schema->n_fields + 1, sizeof *cols, err);
    texts = vj_calloc(budget, (size_t)schema->n_fields + 1, sizeof *texts, err);
    fields = vj_calloc(budget, (size_t)schema->n_fields + 1, sizeof *fields, err);
    bool all = builders != NULL && cols != NULL && texts != NULL && fields != NULL;
    rc = all ? VJ_OK : VJ_E_NOMEM;
    for (int32_t f = 0; rc == VJ_OK && f < schema->n_fields; f++)
        rc = vj_colb_init(&builders[f], &schema->fields[f].type, budget, err);
    if (rc != VJ_OK)
        goto out;
    VJ_GO(rc, take_rows(file, built, schema, n_rows, budget, builders, err));
    for (int32_t f = 0; f < schema->n_fields; f++)
        cols[f] = vj_colb_view(&builders[f]);
    VJ_GO(rc, flatten(schema, budget, fields, texts, cols, err));
    vj_schema flat = {schema->n_fields, fields};
    rc = print_rows(&flat, &(vj_batch){&flat, n_rows, cols}, budget, text, err);
out:
    for (int32_t f = 0; builders != NULL && f < schema->n_fields; f++)
        vj_colb_fini(&builders[f]);
    for (int32_t f = 0; texts != NULL && f < schema->n_fields; f++)
        vj_colb_fini(&texts[f]);
    vj_free(builders);
    vj_free(texts);
    vj_free(fields);
    vj_free(cols);
    vj_built_free(built);
    vj_pq_free(file);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "showing the first rows of %s", path);
}
