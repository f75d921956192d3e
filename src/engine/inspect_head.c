/* inspect_head.c - the first rows of a Parquet file as TSV. */
#include "engine/inspect_parts.h"
#include "hts/hts.h"
#include "parquet/parquet.h"

#define MOST_ROWS 100000 /* of --head: it is for looking, not for converting */

/* Append the next n rows of one field, over row groups from the first on. */
static vj_status take_field(const vj_pq_file *file, int32_t field_i, int64_t n, vj_budget *budget,
                            vj_colb *dst, vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    vj_pq_cursor *cursor = NULL;
    vj_status rc = VJ_OK;

    for (int32_t g = 0; g < meta->n_rowgroups && dst->n_rows < n; g++) {
        const vj_col *col = NULL;

        VJ_GO(rc, vj_pq_cursor_open(file, g, field_i, budget, &cursor, err));
        for (;;) {
            VJ_GO(rc, vj_pq_cursor_next(cursor, VJ_MAX(n - dst->n_rows, 1), &col, err));
            if (col == NULL || dst->n_rows >= n)
                break;
            VJ_GO(rc, vj_colb_append(dst, col, 0, VJ_MIN(col->n_rows, n - dst->n_rows), err));
        }
        vj_pq_cursor_free(cursor);
        cursor = NULL;
    }
out:
    vj_pq_cursor_free(cursor);
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

vj_status vj_inspect_head(const char *path, int64_t n_rows, vj_budget *budget, vj_buf *text,
                          vj_error *err)
{
    vj_pq_file *file = NULL;
    vj_colb *builders = NULL;
    vj_col *cols = NULL;
    int32_t n_fields = 0;
    vj_status rc;

    if (n_rows > MOST_ROWS)
        return vj_fail(err, VJ_E_USAGE, "%lld rows are more than the first %d can show",
                       (long long)n_rows, MOST_ROWS);
    VJ_TRY(vj_pq_open_path(path, budget, &file, err));
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    n_fields = meta->schema.n_fields;
    n_rows = VJ_MIN(n_rows, meta->n_rows);
    builders = vj_calloc(budget, (size_t)n_fields + 1, sizeof *builders, err);
    cols = vj_calloc(budget, (size_t)n_fields + 1, sizeof *cols, err);
    rc = builders == NULL || cols == NULL ? VJ_E_NOMEM : VJ_OK;
    for (int32_t f = 0; rc == VJ_OK && f < n_fields; f++) {
        VJ_GO(rc, vj_colb_init(&builders[f], &meta->schema.fields[f].type, budget, err));
        VJ_GO(rc, take_field(file, f, n_rows, budget, &builders[f], err));
        cols[f] = vj_colb_view(&builders[f]);
    }
    if (rc == VJ_OK)
        rc = print_rows(&meta->schema, &(vj_batch){&meta->schema, n_rows, cols}, budget, text, err);
out:
    for (int32_t f = 0; builders != NULL && f < n_fields; f++)
        vj_colb_fini(&builders[f]);
    vj_free(builders);
    vj_free(cols);
    vj_pq_free(file);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "showing the first rows of %s", path);
}
