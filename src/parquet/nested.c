#include "parquet/column.h"

/*
 * Levels of a nested leaf. They are decoded a block ahead ("look"), because a row ends only
 * where the next one begins: at an entry of repetition level 0, which in a V1 page may be in
 * the page after. V2 pages and pages with an offset index begin with a row.
 *
 *   page   [.......consumed.......|.. look ..|......not decoded.....]
 *                         look_at ^          ^ page_at
 *
 * The values of entries are consumed together with them, so that none are pending when the
 * next page is loaded.
 */

#define LOOK_ENTRIES 2048

static vj_status fail_levels(const pq_column *col, const char *what, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s levels: expected %lld of them up to %d, found fewer or "
                   "larger ones", what, (long long)col->page_n,
                   what[0] == 'd' ? col->leaf->max_def : col->leaf->max_rep);
}

static bool all_up_to(const uint8_t *levels, int64_t n, uint8_t max)
{
    uint8_t most = 0;

    for (int64_t i = 0; i < n; i++)
        most = VJ_MAX(most, levels[i]);
    return most <= max;
}

static bool read_levels(pq_runs *runs, uint8_t max, int64_t n, uint8_t *out)
{
    if (max == 0) {
        memset(out, 0, (size_t)n);
        return true;
    }
    return pq_runs_read8(runs, n, out) && all_up_to(out, n, max);
}

/* Decode the next block of the page at hand, which has one. */
static vj_status fill_look(pq_column *col, vj_error *err)
{
    int64_t n = VJ_MIN(col->page_n - col->page_at, (int64_t)LOOK_ENTRIES);

    if (col->look == NULL) {
        col->look = vj_alloc(col->budget, 2 * LOOK_ENTRIES, err);
        if (col->look == NULL)
            return VJ_E_NOMEM;
    }
    if (!read_levels(&col->def, col->leaf->max_def, n, col->look))
        return fail_levels(col, "definition", err);
    if (!read_levels(&col->rep, col->leaf->max_rep, n, col->look + LOOK_ENTRIES))
        return fail_levels(col, "repetition", err);
    col->page_at += n;
    col->look_at = 0;
    col->look_n = n;
    return VJ_OK;
}

/* Levels of the next n entries into the slice, their values too; or nowhere. */
static vj_status consume(pq_column *col, int64_t n, bool keep, vj_error *err)
{
    const uint8_t *def = col->look + col->look_at;
    const uint8_t *rep = col->look + LOOK_ENTRIES + col->look_at;
    int64_t n_present = 0;
    int64_t done = 0;

    for (int64_t i = 0; i < n; i++)
        n_present += def[i] == col->leaf->max_def;
    col->look_at += n;
    if (!keep)
        return pq_values_skip(&col->values, n_present, err);
    VJ_TRY(vj_buf_append(&col->defs, def, (size_t)n, err));
    VJ_TRY(vj_buf_append(&col->reps, rep, (size_t)n, err));
    col->n_entries += n;
    return pq_values_read(&col->values, n_present, SIZE_MAX, &col->dense, &done, err);
}

/* Whether the next page surely begins with a row, so that the one at hand is complete. */
static vj_status next_begins_row(pq_column *col, bool *yes, vj_error *err)
{
    const pq_page_head *head = NULL;

    VJ_TRY(pq_pages_peek(&col->pages, &head, err));
    *yes = head == NULL || head->type == PQ_PAGE_DATA_V2 || col->leaf->max_rep == 0 ||
           col->pages.index.n > 0;
    return VJ_OK;
}

/*
 * Make look_at < look_n. *more is false when the chunk is at its end, or when the rows in hand
 * are complete (between) and the next page is not needed.
 */
static vj_status look_on(pq_column *col, bool between, bool *more, vj_error *err)
{
    bool begins_row = false;

    *more = true;
    if (col->look_at < col->look_n)
        return VJ_OK;
    if (between && col->page_at == col->page_n) {
        VJ_TRY(next_begins_row(col, &begins_row, err));
        *more = !begins_row;
        if (begins_row)
            return VJ_OK;
    }
    VJ_TRY(pq_column_page(col, more, err));
    return *more ? fill_look(col, err) : VJ_OK;
}

/* Entries of the look until n more rows have begun and the next would. */
static int64_t entries_of_rows(const pq_column *col, int64_t *n)
{
    const uint8_t *rep = col->look + LOOK_ENTRIES;
    int64_t i = col->look_at;

    for (; i < col->look_n; i++)
        if (rep[i] == 0 && --*n < 0) {
            *n = 0;
            return i - col->look_at;
        }
    return i - col->look_at;
}

/*
 * Go over up to n_rows rows; with stop_at_page, not into a page that surely begins with a row.
 * *done is how many they were; 0 only at the chunk's end.
 */
static vj_status walk(pq_column *col, int64_t n_rows, bool keep, bool stop_at_page, int64_t *done,
                      vj_error *err)
{
    int64_t left = n_rows;
    bool more = false;

    *done = 0;
    VJ_TRY(look_on(col, false, &more, err));
    if (more && col->look[LOOK_ENTRIES + col->look_at] != 0)
        return vj_fail(err, VJ_E_CORRUPT, "repetition levels: expected 0 where a row begins, found "
                       "%d", col->look[LOOK_ENTRIES + col->look_at]);
    while (more) {
        int64_t in_look = col->look_n - col->look_at;
        int64_t n = entries_of_rows(col, &left);

        VJ_TRY(consume(col, n, keep, err));
        if (n < in_look)
            break;
        VJ_TRY(look_on(col, left == 0 || stop_at_page, &more, err));
    }
    *done = n_rows - left;
    col->rows_left -= *done;
    return VJ_OK;
}

static vj_status fail_short(int64_t missing, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "column chunk: expected %lld more rows, found its end",
                   (long long)missing);
}

vj_status pq_nested_take(pq_column *col, int64_t n_rows, bool keep, vj_error *err)
{
    int64_t done = 0;

    if (n_rows > 0)
        VJ_TRY(walk(col, n_rows, keep, false, &done, err));
    return done == n_rows ? VJ_OK : fail_short(n_rows - done, err);
}

/* Rows of the page whose head was peeked at; -1 when only its levels tell. */
static int64_t rows_of_head(const pq_column *col, const pq_page_head *head)
{
    if (col->leaf->max_rep == 0)
        return head->n_values;
    return head->type == PQ_PAGE_DATA_V2 ? head->n_rows : -1;
}

/* Between pages: go over those that end at or before *n rows from here. */
static vj_status skip_pages(pq_column *col, int64_t *n, vj_error *err)
{
    const pq_page_head *head = NULL;

    VJ_TRY(pq_column_jump(col, col->rows_all - col->rows_left, n, err));
    for (;;) {
        VJ_TRY(pq_pages_peek(&col->pages, &head, err));
        int64_t rows = head != NULL ? rows_of_head(col, head) : -1;

        if (rows < 0 || rows > *n)
            return VJ_OK;
        pq_pages_pass(&col->pages);
        *n -= rows;
        col->rows_left -= rows;
    }
}

vj_status pq_nested_skip(pq_column *col, int64_t n_rows, vj_error *err)
{
    while (n_rows > 0) {
        int64_t done = 0;

        if (col->look_at == col->look_n && col->page_at == col->page_n)
            VJ_TRY(skip_pages(col, &n_rows, err));
        if (n_rows == 0)
            break;
        VJ_TRY(walk(col, n_rows, false, true, &done, err));
        if (done == 0)
            return fail_short(n_rows, err);
        n_rows -= done;
    }
    return VJ_OK;
}

void pq_nested_reset(pq_column *col)
{
    pq_dense_reset(&col->dense);
    vj_buf_reset(&col->defs);
    vj_buf_reset(&col->reps);
    col->n_entries = 0;
}
