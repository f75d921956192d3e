#include "parquet/column.h"

struct vj_pq_cursor {
    vj_budget *budget;
    const vj_pq_file *file;
    int32_t rowgroup_i, field_i;
    int64_t row, n_rows;
    vj_codec *codec;
    pq_column *columns;
    int32_t n_columns;
    vj_col view;
};

static vj_status wrap_column(const vj_pq_cursor *cur, vj_status rc, vj_error *err)
{
    const pq_column *col = &cur->columns[0];

    if (rc == VJ_OK)
        return rc;
    return vj_wrap(err, rc, "reading %s, column %s, row group %d%s%lld",
                   vj_source_name(cur->file->source),
                   cur->file->meta.schema.fields[cur->field_i].name, cur->rowgroup_i,
                   col->page_n > 0 ? ", page at offset " : ", near offset ",
                   (long long)(col->page_n > 0 ? col->page.off : col->pages.next_off));
}

vj_status vj_pq_cursor_open(const vj_pq_file *file, int32_t rowgroup_i, int32_t field_i,
                            vj_budget *budget, vj_pq_cursor **out, vj_error *err)
{
    const pq_node *node = &file->nodes[field_i];
    vj_status rc = VJ_E_NOMEM;
    vj_pq_cursor *cur = vj_zalloc(budget, sizeof *cur, err);

    *out = NULL;
    if (cur == NULL)
        return VJ_E_NOMEM;
    cur->budget = budget;
    cur->field_i = field_i;
    VJ_GO(rc, vj_codec_new(budget, &cur->codec, err));
    int32_t n = node->leaf_end - node->leaf_beg;
    cur->columns = vj_calloc(budget, (size_t)n, sizeof *cur->columns, err);
    if (cur->columns == NULL) {
        rc = VJ_E_NOMEM;
        goto out;
    }
    for (cur->n_columns = 0; cur->n_columns < n; cur->n_columns++)
        pq_column_init(&cur->columns[cur->n_columns], cur->codec, budget);
    VJ_GO(rc, vj_pq_cursor_rewind(cur, file, rowgroup_i, err));
    *out = cur;
    cur = NULL;
out:
    vj_pq_cursor_free(cur);
    return rc;
}

vj_status vj_pq_cursor_rewind(vj_pq_cursor *cur, const vj_pq_file *file, int32_t rowgroup_i,
                              vj_error *err)
{
    const pq_node *node = &file->nodes[cur->field_i];
    vj_status rc = VJ_OK;

    if (node->kind != PQ_NODE_LEAF)
        return vj_fail(err, VJ_E_UNSUPPORTED, "%s: column %s is nested", vj_source_name(file->source),
                       file->meta.schema.fields[cur->field_i].name);
    cur->file = file;
    cur->rowgroup_i = rowgroup_i;
    cur->row = 0;
    cur->n_rows = file->groups[rowgroup_i].n_rows;
    for (int32_t i = 0; i < cur->n_columns && rc == VJ_OK; i++) {
        pq_column *col = &cur->columns[i];

        rc = pq_column_begin(col, file, rowgroup_i, node->leaf_beg + i, err);
        if (rc == VJ_OK && col->leaf->max_rep == 0 && col->pages.chunk.n_values != cur->n_rows)
            rc = vj_fail(err, VJ_E_CORRUPT, "column chunk: expected %lld values, one for each "
                         "row, found %lld", (long long)cur->n_rows,
                         (long long)col->pages.chunk.n_values);
    }
    return wrap_column(cur, rc, err);
}

void vj_pq_cursor_free(vj_pq_cursor *cur)
{
    if (cur == NULL)
        return;
    for (int32_t i = 0; i < cur->n_columns; i++)
        pq_column_fini(&cur->columns[i]);
    vj_free(cur->columns);
    vj_codec_free(cur->codec);
    vj_free(cur);
}

int64_t vj_pq_cursor_row(const vj_pq_cursor *cur)
{
    return cur->row;
}

vj_status vj_pq_cursor_next(vj_pq_cursor *cur, int64_t max_rows, const vj_col **out,
                            vj_error *err)
{
    *out = NULL;
    if (cur->row == cur->n_rows || max_rows <= 0)
        return VJ_OK;
    max_rows = VJ_MIN(max_rows, cur->n_rows - cur->row);
    vj_status rc = pq_flat_next(&cur->columns[0], max_rows, &cur->view, err);
    if (rc != VJ_OK)
        return wrap_column(cur, rc, err);
    cur->row += cur->view.n_rows;
    *out = &cur->view;
    return VJ_OK;
}

static vj_status fail_rows(const vj_pq_cursor *cur, int64_t row, vj_error *err)
{
    return vj_fail(err, VJ_E_USAGE, "%s, column %s, row group %d: row %lld asked for; expected "
                   "rising rows from %lld to below %lld", vj_source_name(cur->file->source),
                   cur->file->meta.schema.fields[cur->field_i].name, cur->rowgroup_i,
                   (long long)row, (long long)cur->row, (long long)cur->n_rows);
}

vj_status vj_pq_cursor_skip(vj_pq_cursor *cur, int64_t n_rows, vj_error *err)
{
    if (n_rows < 0 || n_rows > cur->n_rows - cur->row)
        return fail_rows(cur, cur->row + n_rows, err);
    VJ_TRY(wrap_column(cur, pq_flat_skip(&cur->columns[0], n_rows, err), err));
    cur->row += n_rows;
    return VJ_OK;
}

static vj_status check_rows(const vj_pq_cursor *cur, const int32_t *rows, int64_t n, vj_error *err)
{
    bool rising = n == 0 || rows[0] >= cur->row;

    for (int64_t i = 1; i < n; i++)
        rising &= rows[i] > rows[i - 1];
    if (n > 0 && (!rising || rows[n - 1] >= cur->n_rows))
        return fail_rows(cur, rising ? rows[n - 1] : rows[0], err);
    return VJ_OK;
}

vj_status vj_pq_cursor_select(vj_pq_cursor *cur, const int32_t *rows, int64_t n, vj_colb *dst,
                              vj_error *err)
{
    VJ_TRY(check_rows(cur, rows, n, err));
    for (int64_t done = 0; done < n;) {
        int64_t used = 0;

        VJ_TRY(wrap_column(cur, pq_flat_select(&cur->columns[0], &cur->row, rows + done, n - done,
                                               &used, &cur->view, err), err));
        VJ_TRY(vj_colb_append(dst, &cur->view, 0, cur->view.n_rows, err));
        done += used;
    }
    return VJ_OK;
}
