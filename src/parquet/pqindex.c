#include "parquet/page.h"

/* PageIndex.md: which rows a bound leaves over; and the walk over page headers for `inspect`. */

static vj_status wrap_leaf(const pq_pages *p, vj_status rc, vj_error *err)
{
    return rc == VJ_OK ? rc
                       : vj_wrap(err, rc, "reading %s, column %s, row group %d",
                                 vj_source_name(p->file->source), p->leaf->path, p->rowgroup_i);
}

/* ---- page list ---- */

static vj_pq_page_info describe(const pq_pages *p, int64_t off, const pq_page_head *h)
{
    static const char *const kinds[] = {"DATA_PAGE", "INDEX_PAGE", "DICTIONARY_PAGE",
                                        "DATA_PAGE_V2"};
    vj_pq_page_info info = {
        .kind = h->type >= 0 && (size_t)h->type < VJ_COUNT(kinds) ? kinds[h->type] : "UNKNOWN",
        .encoding = pq_encoding_name(h->encoding),
        .off = off,
        .header_bytes = h->head_bytes,
        .compressed_bytes = h->compressed_bytes,
        .uncompressed_bytes = h->uncompressed_bytes,
        .n_values = h->n_values,
        .has_crc = h->has_crc,
    };

    if (h->type == PQ_PAGE_DATA_V2)
        info.n_rows = h->n_rows;
    else if (h->type == PQ_PAGE_DATA)
        info.n_rows = p->leaf->max_rep == 0 ? h->n_values : -1;
    return info;
}

static vj_status walk_heads(pq_pages *p, vj_pq_page_list *list, vj_error *err)
{
    int64_t values = 0;
    int64_t off = p->beg;

    p->ahead_bytes = 65536; /* heads only: do not read the chunk */
    while (values < p->chunk.n_values && off < p->end) {
        pq_page_head head;

        VJ_TRY(pq_pages_head_at(p, off, &head, err));
        VJ_TRY(VJ_VEC_PUSH(list, describe(p, off, &head), err));
        if (head.type == PQ_PAGE_DATA || head.type == PQ_PAGE_DATA_V2)
            values += head.n_values;
        off += head.head_bytes + head.compressed_bytes;
    }
    if (values != p->chunk.n_values)
        return vj_fail(err, VJ_E_CORRUPT, "column chunk: expected %lld values, its pages have "
                       "%lld", (long long)p->chunk.n_values, (long long)values);
    return VJ_OK;
}

vj_status vj_pq_pages_list(const vj_pq_file *file, int32_t rowgroup_i, int32_t leaf_i,
                           vj_pq_page_list *list, vj_error *err)
{
    pq_pages pages;

    pq_pages_init(&pages, NULL, file->budget);
    vj_status rc = pq_pages_begin(&pages, file, rowgroup_i, leaf_i, err);
    if (rc == VJ_OK)
        rc = walk_heads(&pages, list, err);
    rc = wrap_leaf(&pages, rc, err);
    pq_pages_fini(&pages);
    return rc;
}

/* ---- rows by column index ---- */

typedef struct bounds {
    bool empty; /* nulls only */
    int64_t min, max;
} bounds;
typedef VJ_VEC(bounds) bounds_list;

static void parse_null_pages(th *t, const th_field *f, bounds_list *list, vj_status *rc,
                             vj_error *err)
{
    uint32_t n = th_list(t, f, TH_TRUE);

    for (uint32_t i = 0; i < n && t->why == NULL && *rc == VJ_OK; i++)
        *rc = VJ_VEC_PUSH(list, ((bounds){.empty = th_item_bool(t)}), err);
}

/* min_values or max_values; the list of null pages has come before. */
static void parse_bounds(th *t, const th_field *f, const pq_leaf *leaf, bool is_max,
                         bounds_list *list)
{
    uint32_t n = th_list(t, f, TH_BINARY);

    if (t->why == NULL && n != list->n) {
        th_fail(t, "its lists differ in length");
        return;
    }
    for (uint32_t i = 0; i < n && t->why == NULL; i++) {
        bounds *b = &list->ptr[i];
        vj_span bytes = th_item_bytes(t);

        if (t->why == NULL && !b->empty &&
            !pq_bound_i64(leaf, bytes, is_max ? &b->max : &b->min))
            th_fail(t, "a bound has not the width of its type");
    }
}

static vj_status parse_column_index(th *t, const pq_leaf *leaf, bounds_list *list, vj_error *err)
{
    bool has_min = false;
    bool has_max = false;
    vj_status rc = VJ_OK;
    th_field f = {0};

    while (rc == VJ_OK && th_next(t, &f)) {
        if (f.id == 1) {
            VJ_VEC_RESET(list);
            parse_null_pages(t, &f, list, &rc, err);
        } else if (f.id == 2 || f.id == 3) {
            parse_bounds(t, &f, leaf, f.id == 3, list);
            *(f.id == 3 ? &has_max : &has_min) = true;
        } else {
            th_skip(t, &f);
        }
    }
    if (rc == VJ_OK && t->why == NULL && !(has_min && has_max))
        th_fail(t, "it has no bounds");
    return rc;
}

static vj_status read_column_index(pq_pages *p, bounds_list *list, vj_error *err)
{
    int64_t off = p->chunk.column_index_off;
    int64_t len = p->chunk.column_index_len;
    vj_buf bytes = {0};
    vj_status rc = VJ_OK;
    th t;

    vj_buf_init(&bytes, p->budget, 0);
    VJ_GO(rc, pq_pages_index_bytes(p, "column", off, len, &bytes, err));
    th_init(&t, bytes.ptr, (size_t)len);
    VJ_GO(rc, parse_column_index(&t, p->leaf, list, err));
    if (t.why != NULL)
        rc = vj_fail(err, VJ_E_CORRUPT, "column index at offset %lld: %s", (long long)off, t.why);
    else if ((int64_t)list->n != p->index.n)
        rc = vj_fail(err, VJ_E_CORRUPT, "column index: expected %lld pages as in the offset "
                     "index, found %zu", (long long)p->index.n, list->n);
out:
    vj_buf_fini(&bytes);
    return rc;
}

/* Append [beg, end), joined with the range before where they meet. */
static vj_status add_range(vj_pq_ranges *ranges, size_t first, int64_t beg, int64_t end,
                           vj_error *err)
{
    if (beg == end)
        return VJ_OK;
    if (ranges->n > first && ranges->ptr[ranges->n - 1].end == beg) {
        ranges->ptr[ranges->n - 1].end = end;
        return VJ_OK;
    }
    return VJ_VEC_PUSH(ranges, ((vj_pq_range){beg, end}), err);
}

static vj_status find_ranges(pq_pages *p, int64_t lo, int64_t hi, vj_pq_ranges *ranges,
                             vj_error *err)
{
    int64_t n_rows = p->file->groups[p->rowgroup_i].n_rows;
    size_t first = ranges->n;
    bounds_list list = {.budget = p->budget};
    vj_status rc = VJ_OK;

    VJ_GO(rc, pq_pages_index(p, err));
    if (p->index.n == 0) {
        rc = add_range(ranges, first, 0, n_rows, err);
        goto out;
    }
    VJ_GO(rc, read_column_index(p, &list, err));
    const pq_location *at = (const pq_location *)(const void *)p->index.rows.ptr;
    for (int64_t i = 0; i < p->index.n; i++) {
        int64_t end = i + 1 < p->index.n ? at[i + 1].first_row : n_rows;

        if (!list.ptr[i].empty && list.ptr[i].min <= hi && list.ptr[i].max >= lo)
            VJ_GO(rc, add_range(ranges, first, at[i].first_row, end, err));
    }
out:
    VJ_VEC_FINI(&list);
    return rc;
}

vj_status vj_pq_rows_between(const vj_pq_file *file, int32_t rowgroup_i, int32_t field_i,
                             int64_t lo, int64_t hi, vj_pq_ranges *ranges, vj_error *err)
{
    const pq_node *node = &file->nodes[field_i];
    int64_t n_rows = file->groups[rowgroup_i].n_rows;
    pq_pages pages;

    pq_pages_init(&pages, NULL, file->budget);
    vj_status rc = pq_pages_begin(&pages, file, rowgroup_i, node->leaf_beg, err);
    const pq_leaf *leaf = &file->leaves[node->leaf_beg];
    /* unsigned 64-bit bounds have no order as int64, and narrowing may wrap those of 8 and 16 */
    bool usable = node->kind == PQ_NODE_LEAF && pages.chunk.column_index_len > 0 &&
                  pages.chunk.n_values > 0 && leaf->type.kind != VJ_U64 &&
                  leaf->convert == PQ_AS_IS && pq_bounds_ordered(leaf) &&
                  leaf->type.logical != VJ_LOGICAL_NULL &&
                  (leaf->physical == PQ_INT32 || leaf->physical == PQ_INT64);
    if (rc == VJ_OK)
        rc = usable ? find_ranges(&pages, lo, hi, ranges, err)
                    : add_range(ranges, ranges->n, 0, n_rows, err);
    rc = wrap_leaf(&pages, rc, err);
    pq_pages_fini(&pages);
    return rc;
}
