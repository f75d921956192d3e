#include "parquet/pagecache.h"

/* Bytes a head usually fits; with statistics of long text it may be any size. */
#define HEAD_GUESS 256

static vj_status fail_range(const pq_pages *p, int64_t off, int64_t len, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "page: expected %lld bytes at offset %lld, the column chunk "
                   "ends at %lld", (long long)len, (long long)off, (long long)p->end);
}

/* File bytes where they lie, or NULL. Checked by need(). */
static const uint8_t *borrow(pq_pages *p, int64_t off, int64_t len)
{
    int64_t want = VJ_MIN(VJ_MAX(len, p->ahead_bytes), p->end - off);

    if (off >= p->lent_beg && off + len <= p->lent_end)
        return p->lent + (off - p->lent_beg);
    if (p->exact)
        want = VJ_MAX(len, pq_pages_end_of(p, off) - off);
    const uint8_t *ptr = vj_source_borrow(p->file->source, off, (size_t)want);
    if (ptr == NULL) {
        p->lends = false;
        return NULL;
    }
    bool first = p->held_beg == p->held_end;
    p->held_beg = first ? off : VJ_MIN(p->held_beg, off);
    p->held_end = first ? off + want : VJ_MAX(p->held_end, off + want);
    p->lent_beg = off;
    p->lent_end = off + want;
    return p->lent = ptr;
}

/*
 * Address of file bytes [off, off + len), PQ_SLACK readable bytes behind them. What the window
 * holds of them is kept; up to ahead_bytes more are read with them.
 */
static vj_status need(pq_pages *p, int64_t off, int64_t len, const uint8_t **ptr, vj_error *err)
{
    int64_t have_end = p->window_beg + (int64_t)p->window.len_bytes;

    if (off < p->beg || len < 0 || len > p->end - off)
        return fail_range(p, off, len, err);
    if (p->lends && (*ptr = borrow(p, off, len)) != NULL)
        return VJ_OK;
    if (off >= p->window_beg && off + len <= have_end) {
        *ptr = p->window.ptr + (off - p->window_beg);
        return VJ_OK;
    }
    int64_t keep = off >= p->window_beg && off < have_end ? have_end - off : 0;
    int64_t want = VJ_MIN(VJ_MAX(len, p->ahead_bytes), p->end - off);

    if (keep > 0)
        memmove(p->window.ptr, p->window.ptr + (off - p->window_beg), (size_t)keep);
    p->window.len_bytes = (size_t)keep;
    p->window_beg = off;
    /* an empty window is replaced, not copied, when it grows */
    if (keep == 0 && p->window.cap_bytes < (size_t)want + PQ_SLACK) {
        vj_buf_fini(&p->window);
        vj_buf_init(&p->window, p->budget, 0);
    }
    VJ_TRY(vj_buf_reserve(&p->window, (size_t)(want - keep) + PQ_SLACK, err));
    VJ_TRY(vj_source_read(p->file->source, off + keep, p->window.ptr + keep,
                          (size_t)(want - keep), err));
    p->window.len_bytes = (size_t)want;
    memset(p->window.ptr + want, 0, PQ_SLACK);
    *ptr = p->window.ptr;
    return VJ_OK;
}

vj_status pq_pages_head_at(pq_pages *p, int64_t off, pq_page_head *head, vj_error *err)
{
    int64_t left = p->end - off;
    const uint8_t *ptr = NULL;
    th t;

    for (int64_t len = HEAD_GUESS;; len *= 4) {
        int64_t take = VJ_MIN(len, left);

        VJ_TRY(need(p, off, take, &ptr, err));
        th_init(&t, ptr, (size_t)take);
        if (pq_page_head_quick(ptr, (size_t)take, head))
            break;
        pq_page_head_parse(&t, head);
        if (t.why == NULL || !t.short_read || take == left)
            break;
    }
    if (t.why != NULL)
        return vj_fail(err, VJ_E_CORRUPT, "page header at offset %lld: %s", (long long)off, t.why);
    if (head->compressed_bytes > left - head->head_bytes)
        return fail_range(p, off + head->head_bytes, head->compressed_bytes, err);
    return VJ_OK;
}

void pq_pages_init(pq_pages *p, vj_codec *codec, vj_budget *budget)
{
    *p = (pq_pages){.codec = codec, .budget = budget, .dict.n = -1};
    vj_buf_init(&p->window, budget, 0);
    vj_buf_init(&p->body, budget, 0);
    vj_buf_init(&p->levels, budget, 0);
    vj_buf_init(&p->dict.bytes, budget, 0);
    vj_buf_init(&p->dict.offs, budget, 0);
    vj_buf_init(&p->index.rows, budget, 0);
}

static void give_page(pq_pages *p)
{
    if (p->shared != NULL)
        pq_cache_give(p->cache, p->shared);
    p->shared = NULL;
}

static void give_dict(pq_pages *p)
{
    if (p->shared_dict != NULL)
        pq_cache_give(p->cache, p->shared_dict);
    p->shared_dict = NULL;
}

void pq_pages_share(pq_pages *p, vj_pq_cache *cache)
{
    p->cache_next = cache;
}

void pq_pages_fini(pq_pages *p)
{
    give_page(p);
    give_dict(p);
    vj_buf_fini(&p->window);
    vj_buf_fini(&p->body);
    vj_buf_fini(&p->levels);
    vj_buf_fini(&p->dict.bytes);
    vj_buf_fini(&p->dict.offs);
    vj_buf_fini(&p->index.rows);
}

vj_status pq_pages_begin(pq_pages *p, const vj_pq_file *file, int32_t rowgroup_i, int32_t leaf_i,
                         vj_error *err)
{
    give_page(p);
    give_dict(p);
    p->cache = p->cache_next;
    p->file = file;
    p->leaf = &file->leaves[leaf_i];
    p->leaf_i = leaf_i;
    p->rowgroup_i = rowgroup_i;
    pq_chunk_get(file, rowgroup_i, leaf_i, &p->chunk);
    const pq_chunk *c = &p->chunk;
    p->beg = c->dict_off > 0 && c->dict_off < c->data_off ? c->dict_off : c->data_off;
    if (c->n_values > 0 && (p->beg < 4 || c->compressed_bytes > file->footer_off - p->beg))
        return vj_fail(err, VJ_E_CORRUPT, "column chunk: expected bytes between 4 and %lld, found "
                       "%lld at offset %lld", (long long)file->footer_off,
                       (long long)c->compressed_bytes, (long long)p->beg);
    p->end = p->beg;
    if (c->n_values > 0)
        p->end = VJ_MIN(p->beg + c->compressed_bytes + file->chunk_extra, file->footer_off);
    p->next_off = p->beg;
    p->values_seen = 0;
    p->rows_due = -1;
    p->has_head = false;
    p->window.len_bytes = 0;
    p->window_beg = 0;
    p->lent_beg = p->lent_end = p->held_beg = p->held_end = 0;
    if (c->codec == VJ_CODEC_NONE)
        p->cache = NULL; /* it holds inflated pages */
    p->lends = vj_source_size(file->source) - p->end >= (int64_t)PQ_SLACK;
    p->ahead_bytes = c->compressed_bytes <= PQ_WHOLE_BYTES ? c->compressed_bytes : 65536;
    if (p->lends && c->codec == VJ_CODEC_NONE)
        p->ahead_bytes = VJ_MIN(c->compressed_bytes, PQ_LENT_BYTES);
    p->dict.n = -1;
    p->dict_off = 0;
    p->index.n = -1;
    p->exact = false;
    return VJ_OK;
}

/* An index that counts other rows than the page has would give rows wrong numbers. */
static vj_status check_jump(pq_pages *p, vj_error *err)
{
    int64_t due = p->rows_due;
    int64_t rows = p->leaf->max_rep == 0             ? p->head.n_values
                   : p->head.type == PQ_PAGE_DATA_V2 ? p->head.n_rows
                                                     : due;

    p->rows_due = -1;
    if (due < 0 || rows == due)
        return VJ_OK;
    return vj_fail(err, VJ_E_CORRUPT, "page at offset %lld: the offset index expects %lld rows, "
                   "the page has %lld", (long long)p->next_off, (long long)due, (long long)rows);
}

vj_status pq_pages_peek(pq_pages *p, const pq_page_head **head, vj_error *err)
{
    *head = NULL;
    while (!p->has_head && p->chunk.n_values > 0) {
        if (p->values_seen == p->chunk.n_values || (p->values_seen < 0 && p->next_off >= p->end))
            return VJ_OK;
        if (p->next_off >= p->end)
            return vj_fail(err, VJ_E_CORRUPT, "column chunk: expected %lld values, its pages have "
                           "%lld", (long long)p->chunk.n_values, (long long)p->values_seen);
        if (p->cache == NULL || !pq_cache_head(p->cache, p->file, p->next_off, &p->head))
            VJ_TRY(pq_pages_head_at(p, p->next_off, &p->head, err));
        if (p->head.type == PQ_PAGE_DATA || p->head.type == PQ_PAGE_DATA_V2) {
            if (p->values_seen >= 0 && p->head.n_values > p->chunk.n_values - p->values_seen)
                return vj_fail(err, VJ_E_CORRUPT, "page at offset %lld: expected at most %lld "
                               "values, found %d", (long long)p->next_off,
                               (long long)(p->chunk.n_values - p->values_seen),
                               p->head.n_values);
            VJ_TRY(check_jump(p, err));
            p->has_head = true;
            break;
        }
        if (p->head.type == PQ_PAGE_DICTIONARY) {
            if (p->dict_off != 0 && p->dict_off != p->next_off)
                return vj_fail(err, VJ_E_CORRUPT, "page at offset %lld: expected data, found a "
                               "second dictionary", (long long)p->next_off);
            p->dict_off = p->next_off;
            p->dict_head = p->head;
        }
        p->next_off += p->head.head_bytes + p->head.compressed_bytes;
    }
    if (p->has_head)
        *head = &p->head;
    return VJ_OK;
}

void pq_pages_pass(pq_pages *p)
{
    if (p->values_seen >= 0)
        p->values_seen += p->head.n_values;
    p->next_off += p->head.head_bytes + p->head.compressed_bytes;
    p->has_head = false;
}

void pq_pages_jump(pq_pages *p, int64_t i)
{
    const pq_location *at = (const pq_location *)(const void *)p->index.rows.ptr + i;

    p->next_off = at->off;
    p->has_head = false;
    /* in a flat column a row is a value */
    p->values_seen = p->leaf->max_rep == 0 ? at->first_row : -1;
    p->rows_due = (i + 1 < p->index.n ? at[1].first_row
                                      : p->file->groups[p->rowgroup_i].n_rows) - at->first_row;
}

/* ---- bodies ---- */

static vj_status read_body(pq_pages *p, int64_t off, const pq_page_head *h, const uint8_t **body,
                           vj_error *err)
{
    VJ_TRY(need(p, off + h->head_bytes, h->compressed_bytes, body, err));
    if (!h->has_crc || p->file->ignore_checksums)
        return VJ_OK;
    uint32_t found = vj_codec_crc32(0, *body, (size_t)h->compressed_bytes);
    return found == h->crc ? VJ_OK
                           : vj_fail(err, VJ_E_CORRUPT, "page at offset %lld: expected checksum "
                                     "%08x, found %08x (--no-checksums reads it all the same)",
                                     (long long)off, h->crc, found);
}

/* Inflate src into out at out->len_bytes: exactly dst_len bytes, slack behind them. */
static vj_status inflate(pq_pages *p, const uint8_t *src, size_t src_len, size_t dst_len,
                         vj_buf *out, vj_error *err)
{
    int codec = p->chunk.codec;

    if (strcmp(vj_codec_name(codec), "UNKNOWN") == 0)
        return vj_fail(err, VJ_E_UNSUPPORTED, "codec %d (not known) is not read", codec);
    if (codec != VJ_CODEC_LZO && dst_len > vj_codec_decoded_max(codec, src_len))
        return vj_fail(err, VJ_E_CORRUPT, "%s page: %zu bytes cannot become the %zu that its "
                       "header claims", vj_codec_name(codec), src_len, dst_len);
    if (out->len_bytes == 0 && out->cap_bytes < dst_len + PQ_SLACK) {
        vj_buf_fini(out);
        vj_buf_init(out, p->budget, 0);
    }
    VJ_TRY(vj_buf_reserve(out, dst_len + PQ_SLACK, err));
    VJ_TRY(vj_codec_decode(p->codec, codec, src, src_len, out->ptr + out->len_bytes, dst_len, err));
    out->len_bytes += dst_len;
    memset(out->ptr + out->len_bytes, 0, PQ_SLACK);
    return VJ_OK;
}

/*
 * Levels of the old BIT_PACKED encoding, most significant bit first, as one run of the hybrid:
 * [*ptr, *end) becomes that run; *ptr_after is where the levels end in the page.
 */
static vj_status repack_levels(pq_pages *p, const uint8_t **ptr, const uint8_t **end,
                               const uint8_t **after, int width, int64_t n, vj_error *err)
{
    int64_t bytes = (n * width + 7) / 8;
    uint64_t head = (uint64_t)(n + 7) / 8 << 1 | 1;

    if (bytes > *end - *ptr)
        return vj_fail(err, VJ_E_CORRUPT, "levels: expected %lld bytes, the page has %lld",
                       (long long)bytes, (long long)(*end - *ptr));
    size_t beg = p->levels.len_bytes;
    VJ_TRY(vj_buf_reserve(&p->levels, (size_t)bytes + (size_t)width + 8 + PQ_SLACK, err));
    uint8_t *dst = p->levels.ptr + beg;
    uint8_t *bits = dst;
    for (; head >= 0x80; head >>= 7)
        *bits++ = (uint8_t)(head | 0x80);
    *bits++ = (uint8_t)head;
    size_t packed = (size_t)((n + 7) / 8 * width);
    memset(bits, 0, packed + PQ_SLACK);
    for (int64_t i = 0; i < n * width; i++) {
        /* bit k of value i, from its top, is bit (width - 1 - k) of it from its bottom */
        int64_t to = i / width * width + (width - 1 - i % width);
        if ((*ptr)[i >> 3] >> (7 - (i & 7)) & 1)
            vj_bit_set(bits, to);
    }
    p->levels.len_bytes = beg + (size_t)(bits - dst) + packed;
    *after = *ptr + bytes;
    *ptr = dst;
    *end = bits + packed;
    return VJ_OK;
}

/* One level section of a V1 page at *at; [*beg, *end) is its run data. */
static vj_status cut_levels(pq_pages *p, unsigned max, int32_t encoding, int32_t n,
                            const uint8_t **at, const uint8_t *page_end, const uint8_t **beg,
                            const uint8_t **end, vj_error *err)
{
    *beg = *end = *at;
    if (max == 0)
        return VJ_OK;
    if (encoding == PQ_BIT_PACKED) {
        *end = page_end;
        return repack_levels(p, beg, end, at, pq_bit_width(max), n, err);
    }
    if (encoding != PQ_RLE)
        return vj_fail(err, VJ_E_UNSUPPORTED, "level encoding %d (%s) is not read", encoding,
                       pq_encoding_name(encoding));
    if (page_end - *at < 4 || pq_load32(*at) > (uint64_t)(page_end - *at - 4))
        return vj_fail(err, VJ_E_CORRUPT, "levels: their length is larger than the page");
    *beg = *at + 4;
    *at = *end = *beg + pq_load32(*at);
    return VJ_OK;
}

/* Levels and values of a page that lies at [at, at + uncompressed_bytes) in memory. */
static vj_status cut_v1(pq_pages *p, const uint8_t *at, pq_page *page, vj_error *err)
{
    const pq_page_head *h = &page->head;
    const uint8_t *end = at + h->uncompressed_bytes;

    /* room for both sections at once: the first one must not move */
    if (h->def_encoding == PQ_BIT_PACKED || h->rep_encoding == PQ_BIT_PACKED)
        VJ_TRY(vj_buf_reserve(&p->levels, 2 * ((size_t)(end - at) + 64 + PQ_SLACK), err));
    VJ_TRY(cut_levels(p, p->leaf->max_rep, h->rep_encoding, h->n_values, &at, end, &page->rep,
                      &page->rep_end, err));
    VJ_TRY(cut_levels(p, p->leaf->max_def, h->def_encoding, h->n_values, &at, end, &page->def,
                      &page->def_end, err));
    page->values = at;
    page->values_end = end;
    return VJ_OK;
}

/* V2: `levels` is where both level sections lie, `values` where the values do. */
static void cut_v2(const uint8_t *levels, const uint8_t *values, pq_page *page)
{
    const pq_page_head *h = &page->head;

    page->rep = levels;
    page->rep_end = page->def = levels + h->rep_bytes;
    page->def_end = page->def + h->def_bytes;
    page->values = values;
    page->values_end = values + (h->uncompressed_bytes - h->def_bytes - h->rep_bytes);
}

/* Bytes of a page's body in front of what is compressed. */
static int64_t plain_bytes(const pq_page_head *h)
{
    return h->type == PQ_PAGE_DATA_V2 ? (int64_t)h->def_bytes + h->rep_bytes : 0;
}

/* Whether the body is stored as it is; checks its sizes then. */
static vj_status is_stored(const pq_pages *p, const pq_page_head *h, bool *stored, vj_error *err)
{
    int64_t src_len = h->compressed_bytes - plain_bytes(h);
    int64_t dst_len = h->uncompressed_bytes - plain_bytes(h);

    *stored = p->chunk.codec == VJ_CODEC_NONE;
    /* pyarrow 2 compressed pages whose flag says that they are not */
    if (h->type == PQ_PAGE_DATA_V2 &&
        ((!h->is_compressed && src_len == dst_len) || (src_len == 0 && dst_len == 0)))
        *stored = true;
    if (*stored && src_len != dst_len)
        return vj_fail(err, VJ_E_CORRUPT, "uncompressed page: expected two equal sizes, found "
                       "%lld and %lld", (long long)h->compressed_bytes,
                       (long long)h->uncompressed_bytes);
    return VJ_OK;
}

/* The page's body as it was before compression, out of its bytes, behind what `out` holds. */
static vj_status unpack_body(pq_pages *p, const pq_page_head *h, const uint8_t *body, vj_buf *out,
                             vj_error *err)
{
    int64_t plain = plain_bytes(h);

    VJ_TRY(vj_buf_append(out, body, (size_t)plain, err));
    return inflate(p, body + plain, (size_t)(h->compressed_bytes - plain),
                   (size_t)(h->uncompressed_bytes - plain), out, err);
}

/*
 * A compressed page by way of the cache. NULL in *out where the cache has no room. Who inflates
 * for all reads and checks the bytes too.
 */
static vj_status take_shared(pq_pages *p, int64_t off, const pq_page_head *h, pq_shared **out,
                             vj_error *err)
{
    const uint8_t *body = NULL;
    bool fill = false;

    *out = NULL;
    if (p->cache == NULL)
        return VJ_OK;
    pq_shared *shared = pq_cache_take(p->cache, p->file, off, h, &fill);
    if (fill) {
        vj_status rc = read_body(p, off, h, &body, err);

        if (rc == VJ_OK)
            rc = unpack_body(p, h, body, &shared->bytes, err);
        pq_cache_filled(p->cache, shared, rc == VJ_OK);
        VJ_TRY(rc);
    }
    *out = shared;
    return VJ_OK;
}

static vj_status load_data(pq_pages *p, pq_page *page, vj_error *err)
{
    const pq_page_head *h = &page->head;
    const uint8_t *body = NULL;
    const uint8_t *values = NULL;
    bool stored = false;

    VJ_TRY(is_stored(p, h, &stored, err));
    if (!stored)
        VJ_TRY(take_shared(p, page->off, h, &p->shared, err));
    if (p->shared != NULL) {
        body = p->shared->bytes.ptr;
        values = body + plain_bytes(h);
    } else {
        VJ_TRY(read_body(p, page->off, h, &body, err));
        values = body + plain_bytes(h);
        if (!stored) {
            VJ_TRY(inflate(p, values, (size_t)(h->compressed_bytes - plain_bytes(h)),
                           (size_t)(h->uncompressed_bytes - plain_bytes(h)), &p->body, err));
            values = p->body.ptr;
        }
    }
    if (h->type == PQ_PAGE_DATA)
        return cut_v1(p, values, page, err);
    cut_v2(body, values, page);
    return VJ_OK;
}

static vj_status load_dict(pq_pages *p, vj_error *err)
{
    const pq_page_head *h = &p->dict_head;
    const uint8_t *body = NULL;

    if (p->dict_off == 0 || p->dict.n >= 0)
        return VJ_OK;
    if (h->encoding != PQ_PLAIN && h->encoding != PQ_PLAIN_DICTIONARY)
        return vj_fail(err, VJ_E_UNSUPPORTED, "dictionary page at offset %lld: encoding %d (%s) "
                       "is not read", (long long)p->dict_off, h->encoding,
                       pq_encoding_name(h->encoding));
    if (p->chunk.codec != VJ_CODEC_NONE)
        VJ_TRY(take_shared(p, p->dict_off, h, &p->shared_dict, err));
    if (p->shared_dict == NULL) {
        VJ_TRY(read_body(p, p->dict_off, h, &body, err));
        if (p->lends && p->chunk.codec == VJ_CODEC_NONE) {
            p->dict.ptr = body; /* stays where it is */
            p->dict.len_bytes = (size_t)h->compressed_bytes;
            return pq_dict_index(&p->dict, p->leaf, h->n_values, err);
        }
        vj_buf_reset(&p->dict.bytes);
        VJ_TRY(inflate(p, body, (size_t)h->compressed_bytes, (size_t)h->uncompressed_bytes,
                       &p->dict.bytes, err));
    }
    const vj_buf *bytes = p->shared_dict != NULL ? &p->shared_dict->bytes : &p->dict.bytes;
    p->dict.ptr = bytes->ptr;
    p->dict.len_bytes = bytes->len_bytes;
    return pq_dict_index(&p->dict, p->leaf, h->n_values, err);
}

static bool is_dict_encoding(int32_t encoding)
{
    return encoding == PQ_RLE_DICTIONARY || encoding == PQ_PLAIN_DICTIONARY;
}

vj_status pq_pages_load(pq_pages *p, pq_page *page, vj_error *err)
{
    page->off = p->next_off;
    page->head = p->head;
    if (is_dict_encoding(p->head.encoding))
        VJ_TRY(load_dict(p, err));
    give_page(p);
    vj_buf_reset(&p->body);
    vj_buf_reset(&p->levels);
    VJ_TRY(load_data(p, page, err));
    pq_pages_pass(p);
    return VJ_OK;
}
