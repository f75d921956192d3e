#include "parquet/column.h"

static vj_status fail_levels(const pq_column *col, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "definition levels: expected %lld of them up to %d, found "
                   "fewer or larger ones", (long long)col->page_n, col->leaf->max_def);
}

/*
 * Consume the levels of the next n rows. *n_present of them have a value; *bits is the bitmap
 * of them, or NULL when all or none are present.
 */
static vj_status take_levels(pq_column *col, int64_t n, int64_t *n_present, const uint8_t **bits,
                             vj_error *err)
{
    *bits = NULL;
    *n_present = n;
    if (col->leaf->max_def == 0 || n == 0)
        return VJ_OK;
    if (!pq_runs_load(&col->def))
        return fail_levels(col, err);
    if (!col->def.packed && col->def.left >= n) {
        *n_present = col->def.value != 0 ? n : 0;
        return pq_runs_skip(&col->def, n) ? VJ_OK : fail_levels(col, err);
    }
    if (col->def.packed && col->def.width == 1 && col->def.left >= n && (col->def.at & 7) == 0) {
        /* a bitmap as it lies in the page */
        const uint8_t *in_page = col->def.bits + (col->def.at >> 3);

        *n_present = pq_count_bits(in_page, n);
        if (*n_present > 0 && *n_present < n)
            *bits = in_page;
        return pq_runs_skip(&col->def, n) ? VJ_OK : fail_levels(col, err);
    }
    vj_buf_reset(&col->valid);
    VJ_TRY(vj_buf_reserve(&col->valid, (size_t)(n + 7) / 8 + PQ_SLACK, err));
    *n_present = 0;
    if (!pq_runs_read_bits(&col->def, n, col->valid.ptr, 0, n_present))
        return fail_levels(col, err);
    col->valid.len_bytes = (size_t)(n + 7) / 8;
    if (*n_present > 0 && *n_present < n)
        *bits = col->valid.ptr;
    return VJ_OK;
}

/* A bitmap of n zeros, for a column view in which nothing is present. */
static vj_status no_bits(pq_column *col, int64_t n, const uint8_t **bits, vj_error *err)
{
    vj_buf_reset(&col->valid);
    VJ_TRY(vj_buf_reserve(&col->valid, (size_t)(n + 7) / 8 + PQ_SLACK, err));
    memset(col->valid.ptr, 0, (size_t)(n + 7) / 8);
    *bits = col->valid.ptr;
    return VJ_OK;
}

/* Row number of present value k. */
static int64_t row_of_value(const uint8_t *bits, int64_t k)
{
    int64_t row = 0;

    while (!vj_bit_get(bits, row) || k-- > 0)
        row++;
    return row;
}

/* Values can be shown where they lie. */
static const uint8_t *direct_values(const pq_column *col, int64_t n)
{
    const uint8_t *ptr = pq_values_direct(&col->values, n);

    if (ptr == NULL || col->leaf->convert != PQ_AS_IS)
        return NULL;
    return col->leaf->physical == PQ_FLBA ||
                   ((uintptr_t)ptr & ((uintptr_t)col->leaf->width_bytes - 1)) == 0
               ? ptr
               : NULL;
}

/* Rows of a slice: fewer where a value is wide, as one dictionary code may stand for it. */
static int64_t slice_rows(const pq_column *col)
{
    int64_t width = VJ_MAX(col->leaf->width_bytes, col->leaf->type.width_bytes);

    return width <= 16 ? PQ_SLICE_ROWS : (int64_t)PQ_SLICE_BYTES / width;
}

vj_status pq_flat_next(pq_column *col, int64_t max_rows, vj_col *out, vj_error *err)
{
    bool more = false;
    const uint8_t *bits = NULL;
    const uint8_t *direct = NULL;
    int64_t n_present = 0;
    int64_t done = 0;

    VJ_TRY(pq_column_page(col, &more, err));
    if (!more)
        return vj_fail(err, VJ_E_CORRUPT, "column chunk: expected more rows, found its end");
    int64_t n = VJ_MIN(VJ_MIN(max_rows, col->page_n - col->page_at), slice_rows(col));
    pq_runs before = col->def;
    VJ_TRY(take_levels(col, n, &n_present, &bits, err));
    if (n_present == n && (direct = direct_values(col, n)) != NULL) {
        col->values.at += n;
    } else {
        pq_dense_reset(&col->dense);
        VJ_TRY(pq_values_read(&col->values, n_present, PQ_SLICE_BYTES, &col->dense, &done, err));
        if (done < n_present) {
            /* the text is enough for one slice: take only the rows before its next value */
            n = n_present == n ? done : row_of_value(bits, done);
            n_present = done;
            col->def = before;
            VJ_TRY(take_levels(col, n, &n_present, &bits, err));
        }
    }
    if (n_present == 0 && n > 0)
        VJ_TRY(no_bits(col, n, &bits, err));
    col->page_at += n;
    return pq_column_finish(col, n, n_present, n_present == n ? NULL : bits, direct, out, err);
}

/* Consume n rows of the page at hand. */
static vj_status skip_in_page(pq_column *col, int64_t n, vj_error *err)
{
    while (n > 0) {
        int64_t take = VJ_MIN(n, PQ_SLICE_ROWS);
        int64_t n_present = 0;
        const uint8_t *bits = NULL;

        VJ_TRY(take_levels(col, take, &n_present, &bits, err));
        VJ_TRY(pq_values_skip(&col->values, n_present, err));
        col->page_at += take;
        n -= take;
    }
    return VJ_OK;
}

/* Go over whole pages without their bodies; what is left of *n lies in the next page. */
static vj_status skip_pages(pq_column *col, int64_t *n, vj_error *err)
{
    const pq_page_head *head = NULL;

    for (;;) {
        VJ_TRY(pq_pages_peek(&col->pages, &head, err));
        if (head == NULL)
            return vj_fail(err, VJ_E_CORRUPT, "column chunk: expected more rows, found its end");
        if (head->n_values > *n)
            return VJ_OK;
        *n -= head->n_values;
        pq_pages_pass(&col->pages);
        if (*n == 0)
            return VJ_OK;
    }
}

vj_status pq_flat_skip(pq_column *col, int64_t n, vj_error *err)
{
    int64_t in_page = VJ_MIN(n, col->page_n - col->page_at);
    bool more = false;

    if (in_page == col->page_n - col->page_at)
        col->page_at = col->page_n; /* the rest of the page is not looked at */
    else
        VJ_TRY(skip_in_page(col, in_page, err));
    n -= in_page;
    if (n == 0)
        return VJ_OK;
    VJ_TRY(pq_column_jump(col, col->pages.values_seen, &n, err));
    if (n > 0)
        VJ_TRY(skip_pages(col, &n, err));
    if (n == 0)
        return VJ_OK;
    VJ_TRY(pq_column_page(col, &more, err));
    return skip_in_page(col, n, err);
}

/* Rows rows[0..n) lie in the next `span` rows of the page at hand, the last one at their end. */
static vj_status pick_rows(pq_column *col, int64_t row, int64_t span, const int32_t *rows,
                           int64_t n, vj_col *out, vj_error *err)
{
    const uint8_t *bits = NULL;
    int64_t n_values = 0;
    int64_t n_idx = n;

    VJ_TRY(take_levels(col, span, &n_values, &bits, err));
    vj_buf_reset(&col->idx);
    vj_buf_reset(&col->slots);
    VJ_TRY(vj_buf_reserve(&col->idx, ((size_t)n + 1) * sizeof(int32_t), err));
    VJ_TRY(vj_buf_reserve(&col->slots, (size_t)(n + 7) / 8, err));
    int32_t *idx = (int32_t *)(void *)col->idx.ptr;
    if (bits != NULL) {
        n_idx = pq_rank_bits(bits, row, rows, n, idx, col->slots.ptr);
    } else if (n_values == 0) {
        n_idx = 0;
        memset(col->slots.ptr, 0, (size_t)(n + 7) / 8);
    } else {
        for (int64_t i = 0; i < n; i++)
            idx[i] = (int32_t)(rows[i] - row);
    }
    pq_dense_reset(&col->dense);
    VJ_TRY(pq_values_gather(&col->values, idx, n_idx, n_values, &col->dense, err));
    col->page_at += span;
    return pq_column_finish(col, n, n_idx, n_idx == n ? NULL : col->slots.ptr, NULL, out, err);
}

vj_status pq_flat_select(pq_column *col, int64_t *row, const int32_t *rows, int64_t n,
                         int64_t *used, vj_col *out, vj_error *err)
{
    bool more = false;

    /* come to the page of the first row, and inside it not farther than one slice before it */
    if (rows[0] - *row >= col->page_n - col->page_at || rows[0] - *row > PQ_SLICE_ROWS / 2) {
        VJ_TRY(pq_flat_skip(col, rows[0] - *row, err));
        *row = rows[0];
    }
    VJ_TRY(pq_column_page(col, &more, err));
    if (!more)
        return vj_fail(err, VJ_E_CORRUPT, "column chunk: expected more rows, found its end");
    int64_t end = *row + VJ_MIN(col->page_n - col->page_at, PQ_SLICE_ROWS);
    int64_t k = 0;
    while (k < n && rows[k] < end)
        k++;
    int64_t span = rows[k - 1] + 1 - *row;
    VJ_TRY(pick_rows(col, *row, span, rows, k, out, err));
    *row += span;
    *used = k;
    return VJ_OK;
}
