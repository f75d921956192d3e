#include "built/rowscan.h"

vj_status vj_rowscan_init(vj_rowscan *scan, const vj_schema *schema, vj_budget *budget,
                          vj_error *err)
{
    size_t n = (size_t)VJ_MAX(schema->n_fields, 1);

    *scan = (vj_rowscan){.schema = *schema, .budget = budget};
    VJ_TRY(vj_built_reader_new(NULL, NULL, budget, &scan->reader, err));
    scan->builders = vj_calloc(budget, n, sizeof *scan->builders, err);
    scan->cols = vj_calloc(budget, n, sizeof *scan->cols, err);
    if (scan->builders == NULL || scan->cols == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < schema->n_fields; i++)
        VJ_TRY(vj_colb_init(&scan->builders[i], &schema->fields[i].type, budget, err));
    return VJ_OK;
}

void vj_rowscan_fini(vj_rowscan *scan)
{
    vj_built_reader_free(scan->reader);
    for (int32_t i = 0; scan->builders != NULL && i < scan->schema.n_fields; i++)
        vj_colb_fini(&scan->builders[i]);
    vj_free(scan->builders);
    vj_free(scan->cols);
    vj_free(scan->rows);
    *scan = (vj_rowscan){0};
}

void vj_rowscan_seek(vj_rowscan *scan, const vj_pq_file *file, const vj_built *built,
                     const int32_t *from, int32_t rowgroup_i, int64_t row)
{
    scan->file = file;
    scan->built = built;
    scan->from = from;
    scan->rowgroup_i = rowgroup_i;
    scan->row = row;
}

static vj_status make_room(vj_rowscan *scan, int64_t n, vj_error *err)
{
    if (n <= scan->cap_rows)
        return VJ_OK;
    vj_free(scan->rows);
    scan->cap_rows = 0;
    scan->rows = vj_alloc(scan->budget, (size_t)n * sizeof *scan->rows, err);
    if (scan->rows == NULL)
        return VJ_E_NOMEM;
    scan->cap_rows = n;
    return VJ_OK;
}

vj_status vj_rowscan_next(vj_rowscan *scan, int64_t max_rows, vj_batch *out, vj_error *err)
{
    int64_t n_rows = vj_pq_rowgroup_view(scan->file, scan->rowgroup_i).n_rows;
    int64_t n = VJ_MIN(max_rows, n_rows - scan->row);

    *out = (vj_batch){&scan->schema, VJ_MAX(n, 0), scan->cols};
    if (n <= 0)
        return VJ_OK;
    VJ_TRY(make_room(scan, n, err));
    for (int64_t i = 0; i < n; i++)
        scan->rows[i] = (int32_t)(scan->row + i);
    VJ_TRY(vj_built_reader_rows(scan->reader, scan->file, scan->built, scan->rowgroup_i,
                                scan->rows, n, err));
    for (int32_t f = 0; f < scan->schema.n_fields; f++) {
        int32_t from = scan->from != NULL ? scan->from[f] : f;

        vj_colb_reset(&scan->builders[f]);
        if (from < 0)
            VJ_TRY(vj_colb_nulls(&scan->builders[f], n, err));
        else
            VJ_TRY(vj_built_reader_column(scan->reader, from, &scan->builders[f], err));
        scan->cols[f] = vj_colb_view(&scan->builders[f]);
    }
    scan->row += n;
    return VJ_OK;
}
