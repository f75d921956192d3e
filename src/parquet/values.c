#include "parquet/values.h"

/* Codes, lengths and deltas are unpacked in pieces of this many. */
#define PIECE 1024

void pq_dense_init(pq_dense *d, vj_budget *budget)
{
    *d = (pq_dense){0};
    d->data.budget = d->offs.budget = budget;
}

void pq_dense_fini(pq_dense *d)
{
    vj_buf_fini(&d->data);
    vj_buf_fini(&d->offs);
}

void pq_dense_reset(pq_dense *d)
{
    d->n = 0;
    vj_buf_reset(&d->data);
    vj_buf_reset(&d->offs);
}

vj_status pq_dense_grow(pq_dense *d, const pq_leaf *leaf, int64_t n, vj_error *err)
{
    if (leaf->width_bytes > 0)
        return vj_buf_reserve(&d->data, (size_t)n * (size_t)leaf->width_bytes + PQ_SLACK, err);
    if (leaf->physical == PQ_BOOLEAN) {
        size_t need = (size_t)((d->n + n + 7) / 8);

        return vj_buf_reserve(&d->data, need - d->data.len_bytes + PQ_SLACK, err);
    }
    VJ_TRY(vj_buf_reserve(&d->offs, ((size_t)n + 1) * sizeof(int32_t), err));
    if (d->offs.len_bytes == 0) {
        memset(d->offs.ptr, 0, sizeof(int32_t));
        d->offs.len_bytes = sizeof(int32_t);
    }
    return VJ_OK;
}

/* Where the next fixed values of a grown dense go; NULL when none are to come. */
static uint8_t *dense_end(pq_dense *d)
{
    return d->data.ptr != NULL ? d->data.ptr + d->data.len_bytes : NULL;
}

static void dense_added(pq_dense *d, const pq_leaf *leaf, int64_t n)
{
    d->n += n;
    d->data.len_bytes = leaf->width_bytes > 0 ? (size_t)d->n * (size_t)leaf->width_bytes
                                              : (size_t)((d->n + 7) / 8);
}

static int32_t *offs_end(pq_dense *d)
{
    return (int32_t *)(void *)(d->offs.ptr + d->offs.len_bytes);
}

static void offs_added(pq_dense *d, int64_t n)
{
    d->n += n;
    d->offs.len_bytes += (size_t)n * sizeof(int32_t);
}

static vj_status fail_end(const pq_values *v, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s values: expected more of them, the page ends",
                   pq_encoding_name(v->encoding));
}

static vj_status fail_text(const pq_values *v, const char *why, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s values: %s", pq_encoding_name(v->encoding), why);
}

void pq_values_init(pq_values *v, const pq_leaf *leaf, const pq_dict *dict, vj_budget *budget)
{
    *v = (pq_values){.leaf = leaf, .dict = dict};
    v->last.budget = v->scratch.budget = budget;
}

void pq_values_fini(pq_values *v)
{
    vj_buf_fini(&v->last);
    vj_buf_fini(&v->scratch);
}

/* ---- begin ---- */

static bool encoding_fits(const pq_values *v, int encoding)
{
    pq_physical p = v->leaf->physical;

    switch (encoding) {
    case PQ_PLAIN:
    case PQ_RLE_DICTIONARY:
        return true;
    case PQ_RLE:
        return p == PQ_BOOLEAN;
    case PQ_DELTA_BINARY_PACKED:
        return p == PQ_INT32 || p == PQ_INT64;
    case PQ_DELTA_LENGTH_BYTE_ARRAY:
        return p == PQ_BYTE_ARRAY;
    case PQ_DELTA_BYTE_ARRAY:
        return p == PQ_BYTE_ARRAY || p == PQ_FLBA;
    case PQ_BYTE_STREAM_SPLIT:
        return v->leaf->width_bytes > 0;
    default:
        return false;
    }
}

static vj_status begin_runs(pq_values *v, vj_error *err)
{
    if (v->encoding == PQ_RLE) {
        if (v->end - v->ptr < 4 || pq_load32(v->ptr) > (uint64_t)(v->end - v->ptr - 4))
            return fail_text(v, "their length is larger than the page", err);
        pq_runs_init(&v->runs, v->ptr + 4, v->ptr + 4 + pq_load32(v->ptr), 1);
        return VJ_OK;
    }
    if (v->dict->n < 0)
        return fail_text(v, "the column chunk has no dictionary page before them", err);
    int width = v->ptr < v->end ? v->ptr[0] : 0;
    if (width > 32)
        return vj_fail(err, VJ_E_CORRUPT, "dictionary indices: expected a bit width of at most "
                       "32, found %d", width);
    pq_runs_init(&v->runs, v->ptr + (v->ptr < v->end), v->end, width);
    return VJ_OK;
}

static vj_status begin_deltas(pq_values *v, vj_error *err)
{
    const char *why = NULL;
    int max_width = v->encoding != PQ_DELTA_BINARY_PACKED ? 32
                    : v->leaf->physical == PQ_INT64       ? 64
                                                          : PQ_DELTA32_WIDTH;

    if (v->encoding == PQ_DELTA_BYTE_ARRAY) {
        why = pq_delta_init(&v->prefixes, v->ptr, v->end, 32);
        if (why == NULL)
            why = pq_delta_end(&v->prefixes, &v->ptr);
        vj_buf_reset(&v->last);
    }
    if (why == NULL)
        why = pq_delta_init(&v->lens, v->ptr, v->end, max_width);
    if (why == NULL && v->encoding != PQ_DELTA_BINARY_PACKED)
        why = pq_delta_end(&v->lens, &v->ptr); /* the bytes follow */
    return why == NULL ? VJ_OK : fail_text(v, why, err);
}

vj_status pq_values_begin(pq_values *v, int encoding, const uint8_t *ptr, const uint8_t *end,
                          vj_error *err)
{
    if (encoding == PQ_PLAIN_DICTIONARY)
        encoding = PQ_RLE_DICTIONARY;
    v->encoding = encoding;
    v->ptr = ptr;
    v->end = end;
    v->at = 0;
    if (!encoding_fits(v, encoding))
        return vj_fail(err, VJ_E_UNSUPPORTED, "encoding %d (%s) is not read for this type",
                       encoding, pq_encoding_name(encoding));
    if (encoding == PQ_RLE_DICTIONARY || encoding == PQ_RLE)
        return begin_runs(v, err);
    if (encoding == PQ_DELTA_BINARY_PACKED || encoding == PQ_DELTA_LENGTH_BYTE_ARRAY ||
        encoding == PQ_DELTA_BYTE_ARRAY) {
        /* a page of nulls only may have no stream at all */
        if (ptr == end) {
            v->lens = v->prefixes = (pq_delta){0};
            return VJ_OK;
        }
        return begin_deltas(v, err);
    }
    return VJ_OK;
}

/* ---- fixed width ---- */

/* Values [at, at + n) are there. */
static bool have_fixed(const pq_values *v, int64_t n)
{
    return n <= (v->end - v->ptr) / v->leaf->width_bytes - v->at;
}

const uint8_t *pq_values_direct(const pq_values *v, int64_t n)
{
    if (v->encoding != PQ_PLAIN || v->leaf->width_bytes == 0 || !have_fixed(v, n))
        return NULL;
    return v->ptr + v->at * v->leaf->width_bytes;
}

#define PICK(T)                                                                            \
    for (int64_t i = 0; i < n; i++)                                                        \
        memcpy(dst + (size_t)i * sizeof(T), src + (size_t)idx[i] * sizeof(T), sizeof(T));

/* dst[i] = src[idx[i]]. Every idx is inside src. */
static void pick_fixed(uint8_t *dst, const uint8_t *src, size_t width, const uint32_t *idx,
                       int64_t n)
{
    if (width == 4) {
        PICK(uint32_t)
    } else if (width == 8) {
        PICK(uint64_t)
    } else {
        for (int64_t i = 0; i < n; i++)
            memcpy(dst + (size_t)i * width, src + (size_t)idx[i] * width, width);
    }
}

/* Byte k of value i lies at [k * stride + i]. */
static void join_bytes(uint8_t *dst, const uint8_t *src, size_t width, size_t stride, int64_t n)
{
    for (size_t k = 0; k < width; k++)
        for (int64_t i = 0; i < n; i++)
            dst[(size_t)i * width + k] = src[k * stride + (size_t)i];
}

static void read_split(const pq_values *v, int64_t n, uint8_t *dst)
{
    size_t width = (size_t)v->leaf->width_bytes;
    size_t stride = (size_t)(v->end - v->ptr) / width;

    /* in pieces, so that dst stays in the cache while its bytes come in */
    for (int64_t i = 0; i < n; i += PIECE)
        join_bytes(dst + (size_t)i * width, v->ptr + v->at + i, width, stride,
                   VJ_MIN(n - i, (int64_t)PIECE));
}

static vj_status read_deltas(pq_values *v, int64_t n, pq_dense *d, vj_error *err)
{
    uint8_t *dst = dense_end(d);
    const char *why = v->leaf->physical == PQ_INT64
                          ? pq_delta_read(&v->lens, n, (int64_t *)(void *)dst)
                          : pq_delta_read32(&v->lens, n, (uint32_t *)(void *)dst);

    return why == NULL ? VJ_OK : fail_text(v, why, err);
}

static vj_status check_codes(const pq_values *v, const uint32_t *codes, int64_t n, vj_error *err)
{
    uint32_t most = 0;

    for (int64_t i = 0; i < n; i++)
        most = VJ_MAX(most, codes[i]);
    if (n > 0 && (int64_t)most >= v->dict->n)
        return vj_fail(err, VJ_E_CORRUPT, "dictionary index: expected below %lld, found %u",
                       (long long)v->dict->n, most);
    return VJ_OK;
}

static vj_status read_codes_fixed(pq_values *v, int64_t n, pq_dense *d, vj_error *err)
{
    uint32_t codes[PIECE];
    size_t width = (size_t)v->leaf->width_bytes;
    uint8_t *dst = dense_end(d);

    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t take = VJ_MIN(n - i, (int64_t)PIECE);

        if (!pq_runs_read32(&v->runs, take, codes))
            return fail_end(v, err);
        VJ_TRY(check_codes(v, codes, take, err));
        pick_fixed(dst + (size_t)i * width, v->dict->ptr, width, codes, take);
    }
    return VJ_OK;
}

static vj_status read_fixed(pq_values *v, int64_t n, pq_dense *d, vj_error *err)
{
    size_t width = (size_t)v->leaf->width_bytes;

    if (v->encoding == PQ_RLE_DICTIONARY)
        return read_codes_fixed(v, n, d, err);
    if (v->encoding == PQ_DELTA_BINARY_PACKED)
        return read_deltas(v, n, d, err);
    if (!have_fixed(v, n))
        return fail_end(v, err);
    if (v->encoding == PQ_PLAIN && n > 0)
        memcpy(dense_end(d), v->ptr + (size_t)v->at * width, (size_t)n * width);
    else
        read_split(v, n, dense_end(d));
    v->at += n;
    return VJ_OK;
}

static vj_status gather_fixed(pq_values *v, const int32_t *idx, int64_t n, int64_t total,
                              pq_dense *d, vj_error *err)
{
    size_t width = (size_t)v->leaf->width_bytes;
    uint8_t *dst = dense_end(d);

    if (v->encoding == PQ_RLE_DICTIONARY) {
        VJ_TRY(vj_buf_reserve(&v->scratch, (size_t)n * sizeof(uint32_t), err));
        uint32_t *codes = (uint32_t *)(void *)v->scratch.ptr;
        if (!pq_runs_gather(&v->runs, idx, n, total, codes))
            return fail_end(v, err);
        VJ_TRY(check_codes(v, codes, n, err));
        pick_fixed(dst, v->dict->ptr, width, codes, n);
        return VJ_OK;
    }
    if (!have_fixed(v, total))
        return fail_end(v, err);
    if (v->encoding == PQ_PLAIN) {
        /* the same bits: idx is not negative */
        pick_fixed(dst, v->ptr + (size_t)v->at * width, width, (const uint32_t *)idx, n);
    } else {
        size_t stride = (size_t)(v->end - v->ptr) / width;
        for (int64_t i = 0; i < n; i++)
            join_bytes(dst + (size_t)i * width, v->ptr + v->at + idx[i], width, stride, 1);
    }
    v->at += total;
    return VJ_OK;
}

static vj_status gather_deltas(pq_values *v, const int32_t *idx, int64_t n, int64_t total,
                               pq_dense *d, vj_error *err)
{
    int64_t piece[PIECE];
    size_t width = (size_t)v->leaf->width_bytes;
    uint8_t *dst = dense_end(d);
    int64_t i = 0;

    for (int64_t beg = 0; beg < total; beg += PIECE) {
        int64_t take = VJ_MIN(total - beg, (int64_t)PIECE);
        const char *why = pq_delta_read(&v->lens, take, piece);

        if (why != NULL)
            return fail_text(v, why, err);
        for (; i < n && idx[i] < beg + take; i++)
            memcpy(dst + (size_t)i * width, &piece[idx[i] - beg], width); /* low bytes first */
    }
    return VJ_OK;
}

/* ---- booleans ---- */

static vj_status read_bools(pq_values *v, int64_t n, pq_dense *d, vj_error *err)
{
    int64_t ones = 0;

    if (v->encoding == PQ_RLE)
        return pq_runs_read_bits(&v->runs, n, d->data.ptr, d->n, &ones) ? VJ_OK
                                                                        : fail_end(v, err);
    if (n > (v->end - v->ptr) * 8 - v->at)
        return fail_end(v, err);
    vj_bits_copy(d->data.ptr, d->n, v->ptr, v->at, n);
    v->at += n;
    return VJ_OK;
}

static vj_status gather_bools(pq_values *v, const int32_t *idx, int64_t n, int64_t total,
                              pq_dense *d, vj_error *err)
{
    if (v->encoding == PQ_RLE) {
        VJ_TRY(vj_buf_reserve(&v->scratch, (size_t)n * sizeof(uint32_t), err));
        uint32_t *bits = (uint32_t *)(void *)v->scratch.ptr;
        if (!pq_runs_gather(&v->runs, idx, n, total, bits))
            return fail_end(v, err);
        for (int64_t i = 0; i < n; i++)
            vj_bit_put(d->data.ptr, d->n + i, bits[i] != 0);
        return VJ_OK;
    }
    if (total > (v->end - v->ptr) * 8 - v->at)
        return fail_end(v, err);
    for (int64_t i = 0; i < n; i++)
        vj_bit_put(d->data.ptr, d->n + i, vj_bit_get(v->ptr, v->at + idx[i]));
    v->at += total;
    return VJ_OK;
}

/* Dictionaries of booleans do not occur, but are legal: byte values 0 and 1 are PLAIN bits. */
static vj_status codes_to_bools(pq_values *v, const uint32_t *codes, int64_t n, pq_dense *d,
                                vj_error *err)
{
    VJ_TRY(check_codes(v, codes, n, err));
    for (int64_t i = 0; i < n; i++)
        vj_bit_put(d->data.ptr, d->n + i, vj_bit_get(v->dict->ptr, codes[i]));
    return VJ_OK;
}

/* ---- byte arrays ---- */

/* Appends one value; offs have room. */
static vj_status put_bytes(pq_dense *d, const uint8_t *ptr, size_t len, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&d->data, len + PQ_SLACK, err));
    /* short values by one fixed copy: both sides have slack behind them */
    if (len <= 16)
        memcpy(d->data.ptr + d->data.len_bytes, ptr, 16);
    else
        memcpy(d->data.ptr + d->data.len_bytes, ptr, len);
    d->data.len_bytes += len;
    if (d->data.len_bytes > INT32_MAX)
        return vj_fail(err, VJ_E_NOMEM, "a column batch would pass 2 GiB of text");
    *offs_end(d) = (int32_t)d->data.len_bytes;
    offs_added(d, 1);
    return VJ_OK;
}

/* Whether one more value of len bytes is for the next slice. */
static bool is_full(const pq_dense *d, size_t beg_bytes, size_t len, size_t limit)
{
    return d->data.len_bytes > beg_bytes && d->data.len_bytes + len > limit;
}

static vj_status read_plain_bytes(pq_values *v, int64_t n, size_t limit, pq_dense *d,
                                  int64_t *done, vj_error *err)
{
    const uint8_t *p = v->ptr;
    size_t beg = d->data.len_bytes;

    for (*done = 0; *done < n; ++*done) {
        if (v->end - p < 4)
            return fail_end(v, err);
        size_t len = pq_load32(p);
        if (len > (size_t)(v->end - p - 4))
            return vj_fail(err, VJ_E_CORRUPT, "byte array: expected at most %zu bytes in the "
                           "page, found a length of %zu", (size_t)(v->end - p - 4), len);
        if (is_full(d, beg, len, limit))
            break;
        VJ_TRY(put_bytes(d, p + 4, len, err));
        p += 4 + len;
    }
    v->ptr = p;
    return VJ_OK;
}

/*
 * Walk n length prefixes from p on. NULL when one leaves the page. The load may touch bytes
 * behind the end, which are slack; the check that follows catches it.
 */
static const uint8_t *walk_lengths(const uint8_t *p, const uint8_t *end, int64_t n)
{
    size_t left = (size_t)(end - p);
    size_t at = 0;

    for (int64_t i = 0; i < n; i++) {
        at += 4 + (size_t)pq_load32(p + at);
        if (VJ_UNLIKELY(at > left))
            return NULL;
    }
    return p + at;
}

/* Fewer values are walked one after the other. */
#define WALK_VALUES 4096

/* The quick way of gather_plain_bytes; *done says whether it went. */
static vj_status gather_walked(pq_values *v, const int32_t *idx, int64_t n, int64_t total,
                               pq_dense *d, bool *done, vj_error *err)
{
    size_t len = (size_t)(v->end - v->ptr);
    pq_walk walk;

    *done = false;
    VJ_TRY(vj_buf_reserve(&v->scratch, pq_walk_marks(len) * sizeof(uint32_t), err));
    if (!pq_walk_begin(&walk, v->ptr, len, (uint32_t *)(void *)v->scratch.ptr) ||
        pq_walk_count(&walk) < total)
        return VJ_OK;
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *p = pq_walk_find(&walk, idx[i]);

        VJ_TRY(put_bytes(d, p + 4, pq_load32(p), err));
    }
    v->ptr = total < pq_walk_count(&walk) ? pq_walk_find(&walk, total) : v->end;
    *done = true;
    return VJ_OK;
}

static vj_status gather_plain_bytes(pq_values *v, const int32_t *idx, int64_t n, int64_t total,
                                    pq_dense *d, vj_error *err)
{
    int64_t at = 0;
    bool done = false;

    if (total >= WALK_VALUES)
        VJ_TRY(gather_walked(v, idx, n, total, d, &done, err));
    if (done)
        return VJ_OK;
    const uint8_t *p = v->ptr;
    for (int64_t i = 0; i <= n; i++) {
        int64_t to = i < n ? idx[i] : total;

        p = walk_lengths(p, v->end, to - at);
        if (p == NULL)
            return fail_text(v, "a byte array is longer than the page", err);
        at = to;
        if (i == n)
            break;
        const uint8_t *next = walk_lengths(p, v->end, 1);
        if (next == NULL)
            return fail_text(v, "a byte array is longer than the page", err);
        VJ_TRY(put_bytes(d, p + 4, (size_t)(next - p) - 4, err));
        p = next;
        at++;
    }
    v->ptr = p;
    return VJ_OK;
}

static vj_status put_code(pq_values *v, uint32_t code, pq_dense *d, vj_error *err)
{
    const uint32_t *offs = (const uint32_t *)(const void *)v->dict->offs.ptr;

    return put_bytes(d, v->dict->ptr + offs[code], offs[code + 1] - 4 - offs[code], err);
}

static vj_status read_codes_bytes(pq_values *v, int64_t n, size_t limit, pq_dense *d,
                                  int64_t *done, vj_error *err)
{
    uint32_t codes[PIECE];
    const uint32_t *offs = (const uint32_t *)(const void *)v->dict->offs.ptr;
    size_t beg = d->data.len_bytes;

    for (*done = 0; *done < n;) {
        pq_runs before = v->runs;
        int64_t take = VJ_MIN(n - *done, (int64_t)PIECE);

        if (!pq_runs_read32(&v->runs, take, codes))
            return fail_end(v, err);
        VJ_TRY(check_codes(v, codes, take, err));
        for (int64_t i = 0; i < take; i++) {
            if (is_full(d, beg, offs[codes[i] + 1] - 4 - offs[codes[i]], limit)) {
                v->runs = before;
                *done += i;
                return pq_runs_skip(&v->runs, i) ? VJ_OK : fail_end(v, err);
            }
            VJ_TRY(put_code(v, codes[i], d, err));
        }
        *done += take;
    }
    return VJ_OK;
}

/* The next lengths of a delta stream; each 0..bytes left of the page. */
static vj_status next_lengths(pq_values *v, pq_delta *delta, int64_t n, int64_t *lens,
                              vj_error *err)
{
    const char *why = pq_delta_read(delta, n, lens);

    if (why != NULL)
        return fail_text(v, why, err);
    for (int64_t i = 0; i < n; i++) {
        lens[i] = (int32_t)lens[i]; /* 32-bit deltas wrap at 32 bits */
        if (lens[i] < 0)
            return fail_text(v, "a length is negative", err);
    }
    return VJ_OK;
}

/*
 * DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY, one value after the other. The value is
 * *ptr, *len until the next call; lens and prefix come from the pieces of the caller.
 */
static vj_status next_delta_bytes(pq_values *v, int64_t len, int64_t prefix, const uint8_t **ptr,
                                  size_t *out_len, vj_error *err)
{
    if (len > v->end - v->ptr)
        return fail_text(v, "a byte array is longer than the page", err);
    if (v->encoding == PQ_DELTA_LENGTH_BYTE_ARRAY) {
        *ptr = v->ptr;
        *out_len = (size_t)len;
    } else {
        if ((size_t)prefix > v->last.len_bytes)
            return fail_text(v, "a prefix is longer than the value before", err);
        v->last.len_bytes = (size_t)prefix;
        VJ_TRY(vj_buf_reserve(&v->last, (size_t)len + PQ_SLACK, err));
        if (len > 0)
            memcpy(v->last.ptr + prefix, v->ptr, (size_t)len);
        v->last.len_bytes += (size_t)len;
        *ptr = v->last.ptr;
        *out_len = v->last.len_bytes;
    }
    v->ptr += len;
    return VJ_OK;
}

/* A value of the right width for FIXED, or a byte array; offs have room. */
static vj_status put_value(pq_values *v, const uint8_t *ptr, size_t len, pq_dense *d,
                           vj_error *err)
{
    size_t width = (size_t)v->leaf->width_bytes;

    if (width == 0)
        return put_bytes(d, ptr, len, err);
    if (len != width)
        return vj_fail(err, VJ_E_CORRUPT, "fixed-length value: expected %zu bytes, found %zu",
                       width, len);
    memcpy(dense_end(d), ptr, len);
    dense_added(d, v->leaf, 1);
    return VJ_OK;
}

/*
 * Walk `total` values; keep idx[0..n) of them, or all when idx is NULL. Stops early at the
 * limit like pq_values_read; *done counts the walked ones.
 */
static vj_status walk_delta_bytes(pq_values *v, const int32_t *idx, int64_t n, int64_t total,
                                  size_t limit, pq_dense *d, int64_t *done, vj_error *err)
{
    int64_t lens[PIECE];
    int64_t prefixes[PIECE];
    size_t beg = d->data.len_bytes;
    int64_t kept = 0;

    for (*done = 0; *done < total;) {
        int64_t take = VJ_MIN(total - *done, (int64_t)PIECE);
        pq_delta lens_before = v->lens;
        pq_delta prefixes_before = v->prefixes;

        VJ_TRY(next_lengths(v, &v->lens, take, lens, err));
        if (v->encoding == PQ_DELTA_BYTE_ARRAY)
            VJ_TRY(next_lengths(v, &v->prefixes, take, prefixes, err));
        else
            memset(prefixes, 0, sizeof prefixes);
        for (int64_t i = 0; i < take; i++, ++*done) {
            const uint8_t *ptr = NULL;
            size_t len = 0;

            if (idx == NULL && is_full(d, beg, (size_t)(lens[i] + prefixes[i]), limit)) {
                v->lens = lens_before;
                v->prefixes = prefixes_before;
                VJ_TRY(next_lengths(v, &v->lens, i, lens, err));
                return v->encoding == PQ_DELTA_BYTE_ARRAY
                           ? next_lengths(v, &v->prefixes, i, prefixes, err)
                           : VJ_OK;
            }
            VJ_TRY(next_delta_bytes(v, lens[i], prefixes[i], &ptr, &len, err));
            if (idx == NULL || (kept < n && idx[kept] == *done)) {
                VJ_TRY(put_value(v, ptr, len, d, err));
                kept++;
            }
        }
    }
    return VJ_OK;
}

/* ---- the three ways to consume ---- */

static bool is_delta_bytes(const pq_values *v)
{
    return v->encoding == PQ_DELTA_LENGTH_BYTE_ARRAY || v->encoding == PQ_DELTA_BYTE_ARRAY;
}

static vj_status read_codes_bools(pq_values *v, int64_t n, pq_dense *d, vj_error *err)
{
    uint32_t codes[PIECE];

    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t take = VJ_MIN(n - i, (int64_t)PIECE);

        if (!pq_runs_read32(&v->runs, take, codes))
            return fail_end(v, err);
        VJ_TRY(codes_to_bools(v, codes, take, d, err));
        dense_added(d, v->leaf, take);
    }
    return VJ_OK;
}

/* Values that take their own bytes are held against them before memory is taken. */
static bool bytes_are_short(const pq_values *v, int64_t n)
{
    bool own_bytes = v->encoding == PQ_PLAIN || v->encoding == PQ_BYTE_STREAM_SPLIT;

    return own_bytes && v->leaf->width_bytes > 0 && !have_fixed(v, n);
}

vj_status pq_values_read(pq_values *v, int64_t n, size_t limit, pq_dense *d, int64_t *done,
                         vj_error *err)
{
    *done = n;
    if (bytes_are_short(v, n))
        return fail_end(v, err);
    VJ_TRY(pq_dense_grow(d, v->leaf, n, err));
    if (is_delta_bytes(v))
        return walk_delta_bytes(v, NULL, 0, n, v->leaf->width_bytes > 0 ? SIZE_MAX : limit, d,
                                done, err);
    if (v->leaf->physical == PQ_BYTE_ARRAY)
        return v->encoding == PQ_PLAIN ? read_plain_bytes(v, n, limit, d, done, err)
                                       : read_codes_bytes(v, n, limit, d, done, err);
    if (v->leaf->physical == PQ_BOOLEAN && v->encoding == PQ_RLE_DICTIONARY)
        return read_codes_bools(v, n, d, err);
    if (v->leaf->physical == PQ_BOOLEAN)
        VJ_TRY(read_bools(v, n, d, err));
    else
        VJ_TRY(read_fixed(v, n, d, err));
    dense_added(d, v->leaf, n);
    return VJ_OK;
}

static vj_status gather_codes(pq_values *v, const int32_t *idx, int64_t n, int64_t total,
                              pq_dense *d, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&v->scratch, (size_t)n * sizeof(uint32_t), err));
    uint32_t *codes = (uint32_t *)(void *)v->scratch.ptr;
    if (!pq_runs_gather(&v->runs, idx, n, total, codes))
        return fail_end(v, err);
    if (v->leaf->physical == PQ_BOOLEAN) {
        VJ_TRY(codes_to_bools(v, codes, n, d, err));
        dense_added(d, v->leaf, n);
        return VJ_OK;
    }
    VJ_TRY(check_codes(v, codes, n, err));
    for (int64_t i = 0; i < n; i++)
        VJ_TRY(put_code(v, codes[i], d, err));
    return VJ_OK;
}

vj_status pq_values_gather(pq_values *v, const int32_t *idx, int64_t n, int64_t total,
                           pq_dense *d, vj_error *err)
{
    int64_t done = 0;

    if (bytes_are_short(v, total))
        return fail_end(v, err);
    VJ_TRY(pq_dense_grow(d, v->leaf, n, err));
    if (is_delta_bytes(v))
        return walk_delta_bytes(v, idx, n, total, SIZE_MAX, d, &done, err);
    if (v->encoding == PQ_RLE_DICTIONARY && v->leaf->width_bytes == 0)
        return gather_codes(v, idx, n, total, d, err);
    if (v->leaf->physical == PQ_BYTE_ARRAY)
        return gather_plain_bytes(v, idx, n, total, d, err);
    if (v->leaf->physical == PQ_BOOLEAN)
        VJ_TRY(gather_bools(v, idx, n, total, d, err));
    else if (v->encoding == PQ_DELTA_BINARY_PACKED)
        VJ_TRY(gather_deltas(v, idx, n, total, d, err));
    else
        VJ_TRY(gather_fixed(v, idx, n, total, d, err));
    dense_added(d, v->leaf, n);
    return VJ_OK;
}

vj_status pq_values_skip(pq_values *v, int64_t n, vj_error *err)
{
    static const int32_t nothing[1];
    pq_dense none = {0};

    if (n == 0)
        return VJ_OK;
    if (v->encoding == PQ_RLE_DICTIONARY || v->encoding == PQ_RLE)
        return pq_runs_skip(&v->runs, n) ? VJ_OK : fail_end(v, err);
    if (is_delta_bytes(v)) {
        int64_t done = 0;
        return walk_delta_bytes(v, nothing, 0, n, SIZE_MAX, &none, &done, err);
    }
    if (v->leaf->physical == PQ_BYTE_ARRAY)
        return gather_plain_bytes(v, nothing, 0, n, &none, err);
    if (v->leaf->physical == PQ_BOOLEAN)
        return gather_bools(v, nothing, 0, n, &none, err);
    if (v->encoding == PQ_DELTA_BINARY_PACKED)
        return gather_deltas(v, nothing, 0, n, &none, err);
    return gather_fixed(v, nothing, 0, n, &none, err);
}

vj_status pq_dict_index(pq_dict *dict, const pq_leaf *leaf, int64_t n, vj_error *err)
{
    size_t bytes = dict->len_bytes;
    size_t at = 0;

    dict->n = -1;
    vj_buf_reset(&dict->offs);
    if (leaf->width_bytes > 0 || leaf->physical == PQ_BOOLEAN) {
        int64_t have = leaf->width_bytes > 0 ? (int64_t)bytes / leaf->width_bytes
                                             : (int64_t)bytes * 8;
        if (n > have)
            return vj_fail(err, VJ_E_CORRUPT, "dictionary page: expected %lld values, found "
                           "bytes for %lld", (long long)n, (long long)have);
        dict->n = n;
        return VJ_OK;
    }
    if (n > (int64_t)(bytes / 4))
        return vj_fail(err, VJ_E_CORRUPT, "dictionary page: expected %lld byte arrays, found %zu "
                       "bytes", (long long)n, bytes);
    VJ_TRY(vj_buf_reserve(&dict->offs, ((size_t)n + 1) * sizeof(uint32_t), err));
    uint32_t *offs = (uint32_t *)(void *)dict->offs.ptr;
    for (int64_t i = 0; i < n; i++) {
        offs[i] = (uint32_t)(at + 4);
        if (bytes - at < 4 || pq_load32(dict->ptr + at) > bytes - at - 4)
            return vj_fail(err, VJ_E_CORRUPT, "dictionary page: entry %lld of %lld leaves the "
                           "page", (long long)i, (long long)n);
        at += 4 + pq_load32(dict->ptr + at);
    }
    offs[n] = (uint32_t)(at + 4);
    dict->n = n;
    return VJ_OK;
}
