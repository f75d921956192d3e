#include "parquet/column.h"

/* Read ahead of a page where the chunk is not read whole. */
#define SPARSE_AHEAD 65536
/* Pages of a stored chunk that are farther apart than this are found by index. */
#define FAR_PAGES 16

void pq_column_init(pq_column *col, vj_codec *codec, vj_budget *budget)
{
    *col = (pq_column){.budget = budget};
    pq_pages_init(&col->pages, codec, budget);
    pq_dense_init(&col->dense, budget);
    pq_values_init(&col->values, NULL, &col->pages.dict, budget);
    vj_buf *const bufs[] = {&col->valid, &col->converted, &col->idx,
                            &col->slots, &col->defs,      &col->reps};
    for (size_t i = 0; i < VJ_COUNT(bufs); i++)
        vj_buf_init(bufs[i], budget, 0);
}

void pq_column_fini(pq_column *col)
{
    pq_pages_fini(&col->pages);
    pq_dense_fini(&col->dense);
    pq_values_fini(&col->values);
    vj_free(col->look);
    vj_buf *const bufs[] = {&col->valid, &col->converted, &col->idx,
                            &col->slots, &col->defs,      &col->reps};
    for (size_t i = 0; i < VJ_COUNT(bufs); i++)
        vj_buf_fini(bufs[i]);
}

vj_status pq_column_begin(pq_column *col, const vj_pq_file *file, int32_t rowgroup_i,
                          int32_t leaf_i, vj_error *err)
{
    col->leaf = col->values.leaf = &file->leaves[leaf_i];
    col->page_n = col->page_at = 0;
    col->look_at = col->look_n = 0;
    col->n_entries = 0;
    col->rows_all = col->rows_left = file->groups[rowgroup_i].n_rows;
    return pq_pages_begin(&col->pages, file, rowgroup_i, leaf_i, err);
}

vj_status pq_column_page(pq_column *col, bool *more, vj_error *err)
{
    const pq_page_head *head = NULL;
    pq_page *page = &col->page;

    *more = true;
    while (col->page_at == col->page_n) {
        VJ_TRY(pq_pages_peek(&col->pages, &head, err));
        if (head == NULL) {
            *more = false;
            return VJ_OK;
        }
        VJ_TRY(pq_pages_load(&col->pages, page, err));
        col->page_n = page->head.n_values;
        col->page_at = 0;
        pq_runs_init(&col->rep, page->rep, page->rep_end, pq_bit_width(col->leaf->max_rep));
        pq_runs_init(&col->def, page->def, page->def_end, pq_bit_width(col->leaf->max_def));
        if (col->page_n > 0)
            VJ_TRY(pq_values_begin(&col->values, page->head.encoding, page->values,
                                   page->values_end, err));
    }
    return VJ_OK;
}

vj_status pq_column_jump(pq_column *col, int64_t here, int64_t *n, vj_error *err)
{
    const pq_page_head *head = NULL;
    pq_pages *pages = &col->pages;
    /* in memory, heads are as good as the index unless they do not say how many rows there are */
    bool useful = pages->ahead_bytes <= SPARSE_AHEAD || (col->leaf->max_rep > 0 && *n >= 256);

    /* seen before any jump: a dictionary page in front is then known; of what is on the disk
     * the index alone is asked, each head would be a read */
    if (!pages->exact) {
        VJ_TRY(pq_pages_peek(pages, &head, err));
        /* a long way of heads brings in bytes that nobody wants */
        if (head != NULL && pages->chunk.codec == VJ_CODEC_NONE)
            useful |= head->n_values <= *n / FAR_PAGES;
        if (head == NULL || !useful || (col->leaf->max_rep == 0 && head->n_values > *n))
            return VJ_OK;
        VJ_TRY(pq_pages_index(pages, err));
    }
    if (pages->index.n == 0)
        return VJ_OK;
    int64_t page = pq_pages_find(pages, here + *n);
    const pq_location *at = (const pq_location *)(const void *)pages->index.rows.ptr + page;
    if (at->off <= pages->next_off || at->first_row < here)
        return VJ_OK;
    *n -= at->first_row - here;
    col->rows_left = col->rows_all - at->first_row;
    pq_pages_jump(pages, page);
    return VJ_OK;
}

void pq_column_sparse(pq_column *col, int64_t n_rows)
{
    const pq_chunk *c = &col->pages.chunk;
    bool untouched = col->pages.next_off == col->pages.beg && !col->pages.has_head;

    if (untouched && c->offset_index_len > 0 && c->compressed_bytes >= 4 * SPARSE_AHEAD &&
        n_rows * 16384 < c->compressed_bytes)
        col->pages.ahead_bytes = SPARSE_AHEAD;
}
