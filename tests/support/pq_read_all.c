#include "support/pq_read_all.h"

/* Rows that are read of a group, so that forged row counts cost no time. */
#define ROWS_MAX ((int64_t)1 << 16)

static vj_status read_field(const vj_pq_file *file, int32_t field_i, vj_budget *budget,
                            vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    vj_pq_cursor *cur = NULL;
    vj_status rc = VJ_OK;

    for (int32_t g = 0; g < meta->n_rowgroups; g++) {
        const vj_col *col = NULL;

        if (cur == NULL)
            VJ_GO(rc, vj_pq_cursor_open(file, g, field_i, budget, &cur, err));
        else
            VJ_GO(rc, vj_pq_cursor_rewind(cur, file, g, err));
        do {
            int64_t left = ROWS_MAX - vj_pq_cursor_row(cur);

            VJ_GO(rc, vj_pq_cursor_next(cur, left < 1000 ? left : 1000, &col, err));
            /* all of it must be there: a sanitizer watches */
            for (int64_t i = 0; col != NULL && i < col->n_rows; i++)
                if (!vj_col_is_null(col, i) && col->type->kind == VJ_TEXT &&
                    !vj_utf8_valid(vj_col_bytes(col, i).ptr, vj_col_bytes(col, i).len_bytes))
                    rc = vj_fail(err, VJ_E_BUG, "broken text came through");
            if (rc != VJ_OK)
                goto out;
        } while (col != NULL);
    }
out:
    vj_pq_cursor_free(cur);
    return rc;
}

static vj_status select_field(const vj_pq_file *file, int32_t field_i, vj_budget *budget,
                              vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    vj_pq_cursor *cur = NULL;
    vj_colb dst = {0};
    VJ_VEC(int32_t) rows = {.budget = budget};
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_colb_init(&dst, &meta->schema.fields[field_i].type, budget, err));
    for (int32_t g = 0; g < meta->n_rowgroups; g++) {
        int64_t n_rows = VJ_MIN(vj_pq_rowgroup_view(file, g).n_rows, ROWS_MAX);

        VJ_VEC_RESET(&rows);
        vj_colb_reset(&dst);
        for (int64_t i = g % 3; i < n_rows; i += 3)
            VJ_GO(rc, VJ_VEC_PUSH(&rows, (int32_t)i, err));
        if (cur == NULL)
            VJ_GO(rc, vj_pq_cursor_open(file, g, field_i, budget, &cur, err));
        else
            VJ_GO(rc, vj_pq_cursor_rewind(cur, file, g, err));
        VJ_GO(rc, vj_pq_cursor_select(cur, rows.ptr, (int64_t)rows.n, &dst, err));
        VJ_GO(rc, vj_pq_cursor_skip(cur, n_rows - vj_pq_cursor_row(cur), err));
    }
out:
    VJ_VEC_FINI(&rows);
    vj_colb_fini(&dst);
    vj_pq_cursor_free(cur);
    return rc;
}

static vj_status list_pages(const vj_pq_file *file, vj_budget *budget, vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    vj_pq_page_list list = {.budget = budget};
    vj_pq_ranges ranges = {.budget = budget};
    vj_status rc = VJ_OK;

    for (int32_t g = 0; g < meta->n_rowgroups; g++) {
        for (int32_t i = 0; i < meta->n_leaves; i++) {
            vj_pq_chunk chunk = vj_pq_chunk_view(file, g, i);

            (void)chunk;
            VJ_GO(rc, vj_pq_pages_list(file, g, i, &list, err));
        }
        for (int32_t i = 0; i < meta->schema.n_fields; i++)
            VJ_GO(rc, vj_pq_rows_between(file, g, i, 2, 5, &ranges, err));
    }
out:
    VJ_VEC_FINI(&list);
    VJ_VEC_FINI(&ranges);
    return rc;
}

vj_status pq_read_all(const char *name, const void *bytes, size_t len_bytes, vj_budget *budget,
                      vj_error *err)
{
    vj_source *source = NULL;
    vj_pq_file *file = NULL;
    vj_status rc = VJ_OK;

    VJ_TRY(vj_source_memory(name, bytes, len_bytes, &source, err));
    VJ_TRY(vj_pq_open(source, budget, &file, err));
    VJ_GO(rc, list_pages(file, budget, err));
    for (int32_t i = 0; i < vj_pq_meta_view(file)->schema.n_fields; i++) {
        VJ_GO(rc, read_field(file, i, budget, err));
        VJ_GO(rc, select_field(file, i, budget, err));
    }
out:
    vj_pq_free(file);
    return rc;
}
