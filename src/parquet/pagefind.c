/* pagefind.c - the offset index: where a chunk's pages lie, and those of few rows. */
#include "parquet/page.h"

static const pq_location *locations(const pq_pages *p)
{
    return (const pq_location *)(const void *)p->index.rows.ptr;
}

int64_t pq_pages_end_of(const pq_pages *p, int64_t off)
{
    const pq_location *at = locations(p);
    int64_t lo = 0;
    int64_t hi = VJ_MAX(p->index.n, 0);

    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;

        if (at[mid].off <= off)
            lo = mid;
        else
            hi = mid;
    }
    return p->index.n > 0 && off >= at[lo].off && off < at[lo].off + at[lo].bytes
               ? at[lo].off + at[lo].bytes
               : off;
}

/* ---- offset index ---- */

static void parse_location(th *t, pq_location *at)
{
    th_field f = {0};

    *at = (pq_location){-1, -1, -1};
    while (th_next(t, &f)) {
        if (f.id == 1)
            at->off = th_i64(t, &f);
        else if (f.id == 2)
            at->bytes = th_i64(t, &f);
        else if (f.id == 3)
            at->first_row = th_i64(t, &f);
        else
            th_skip(t, &f);
    }
}

/* Pages in file order, inside the chunk, rows rising from 0. */
static bool location_fits(const pq_pages *p, const pq_location *before, const pq_location *at)
{
    int64_t n_rows = p->file->groups[p->rowgroup_i].n_rows;

    if (at->off < p->beg || at->bytes <= 0 || at->bytes > p->end - at->off)
        return false;
    if (before == NULL)
        return at->first_row == 0;
    return at->off >= before->off + before->bytes && at->first_row >= before->first_row &&
           at->first_row <= n_rows;
}

static vj_status parse_locations(pq_pages *p, th *t, vj_error *err)
{
    pq_location *all = NULL;
    th_field f = {0};

    p->index.n = 0;
    while (th_next(t, &f)) {
        if (f.id != 1 || p->index.n > 0) {
            th_skip(t, &f);
            continue;
        }
        uint32_t n = th_list(t, &f, TH_STRUCT);
        vj_buf_reset(&p->index.rows);
        VJ_TRY(vj_buf_reserve(&p->index.rows, n * sizeof *all, err));
        all = (pq_location *)(void *)p->index.rows.ptr;
        for (uint32_t i = 0; i < n && t->why == NULL; i++) {
            parse_location(t, &all[i]);
            if (t->why == NULL && !location_fits(p, i > 0 ? &all[i - 1] : NULL, &all[i]))
                th_fail(t, "a page lies outside its column chunk or out of order");
        }
        p->index.n = n;
    }
    return t->why == NULL ? VJ_OK
                          : vj_fail(err, VJ_E_CORRUPT, "offset index at offset %lld: %s",
                                    (long long)p->chunk.offset_index_off, t->why);
}

vj_status pq_pages_index_bytes(const pq_pages *p, const char *what, int64_t off, int64_t len,
                               vj_buf *bytes, vj_error *err)
{
    if (off < 4 || len > p->file->footer_off - off)
        return vj_fail(err, VJ_E_CORRUPT, "%s index: expected bytes between 4 and %lld, found "
                       "%lld at offset %lld", what, (long long)p->file->footer_off,
                       (long long)len, (long long)off);
    VJ_TRY(vj_buf_reserve(bytes, (size_t)len, err));
    return vj_source_read(p->file->source, off, bytes->ptr, (size_t)len, err);
}

vj_status pq_pages_index(pq_pages *p, vj_error *err)
{
    int64_t off = p->chunk.offset_index_off;
    int64_t len = p->chunk.offset_index_len;
    vj_buf bytes = {0};
    vj_status rc = VJ_OK;
    th t;

    if (p->index.n >= 0)
        return VJ_OK;
    p->index.n = 0;
    if (len <= 0 || p->chunk.n_values == 0)
        return VJ_OK;
    vj_buf_init(&bytes, p->budget, 0);
    VJ_GO(rc, pq_pages_index_bytes(p, "offset", off, len, &bytes, err));
    th_init(&t, bytes.ptr, (size_t)len);
    rc = parse_locations(p, &t, err);
out:
    vj_buf_fini(&bytes);
    return rc;
}

/* ---- pages of few rows ---- */

int64_t pq_pages_find(const pq_pages *p, int64_t row)
{
    const pq_location *at = locations(p);
    int64_t lo = 0;
    int64_t hi = p->index.n;

    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;

        if (at[mid].first_row <= row)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* The pages of the rows, neighbours at once. */
static void fetch_rows(const pq_pages *p, const int32_t *rows, int64_t n)
{
    const pq_location *at = locations(p);
    int64_t beg = 0;
    int64_t end = 0;
    int64_t page = -1;

    for (int64_t i = 0; i < n; i++) {
        if (page >= 0 && (page + 1 == p->index.n || rows[i] < at[page + 1].first_row))
            continue;
        page = pq_pages_find(p, rows[i]);
        if (at[page].off != end) {
            if (end > beg)
                vj_source_fetch(p->file->source, beg, end - beg);
            beg = at[page].off;
        }
        end = at[page].off + at[page].bytes;
    }
    if (end > beg)
        vj_source_fetch(p->file->source, beg, end - beg);
}

/* A dictionary lies in front of the first page: it has to be known before any jump. */
static vj_status note_dictionary(pq_pages *p, vj_error *err)
{
    pq_page_head head;

    if (p->next_off != p->beg || p->has_head || locations(p)->off == p->beg)
        return VJ_OK;
    vj_source_fetch(p->file->source, p->beg, locations(p)->off - p->beg);
    VJ_TRY(pq_pages_head_at(p, p->beg, &head, err));
    if (head.type != PQ_PAGE_DICTIONARY)
        return VJ_OK;
    p->dict_off = p->beg;
    p->dict_head = head;
    p->next_off += head.head_bytes + head.compressed_bytes;
    return VJ_OK;
}

vj_status pq_pages_fetch(pq_pages *p, const int32_t *rows, int64_t n, vj_error *err)
{
    const vj_source *source = p->file->source;

    if (!p->scattered || !p->lends || n == 0)
        return VJ_OK;
    if (!p->exact) {
        if (p->chunk.offset_index_len <= 0 || p->leaf->max_rep > 0 ||
            vj_source_is_cached(source, p->beg, p->end - p->beg))
            return VJ_OK;
        VJ_TRY(pq_pages_index(p, err));
        p->exact = p->index.n > 0;
        if (!p->exact)
            return VJ_OK;
        fetch_rows(p, rows, n);
        return note_dictionary(p, err);
    }
    fetch_rows(p, rows, n);
    return VJ_OK;
}
