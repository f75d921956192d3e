/*
 * append.h - private to hts: appends to column builders that the compiler can inline.
 *
 * The same effect as vj_colb_* of col.h, for builders whose kind the caller knows.
 */
#ifndef VJ_HTS_APPEND_H
#define VJ_HTS_APPEND_H

#include "col/col.h"

/* Make the validity bitmap cover n rows; new bits are ones. */
static inline vj_status app_widen(vj_buf *bits, int64_t n, int fill, vj_error *err)
{
    size_t need = (size_t)((n + 7) / 8);

    if (need > bits->len_bytes) {
        VJ_TRY(vj_buf_reserve(bits, need - bits->len_bytes, err));
        memset(bits->ptr + bits->len_bytes, fill, need - bits->len_bytes);
        bits->len_bytes = need;
    }
    return VJ_OK;
}

static inline vj_status app_end_row(vj_colb *b, vj_error *err)
{
    b->n_rows++;
    return b->n_nulls == 0 ? VJ_OK : app_widen(&b->valid, b->n_rows, 0xff, err);
}

static inline vj_status app_32(vj_colb *b, uint32_t value, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&b->data, sizeof value, err));
    memcpy(b->data.ptr + b->data.len_bytes, &value, sizeof value);
    b->data.len_bytes += sizeof value;
    return app_end_row(b, err);
}

static inline vj_status app_i32(vj_colb *b, int32_t value, vj_error *err)
{
    return app_32(b, (uint32_t)value, err);
}

static inline vj_status app_f32(vj_colb *b, float value, vj_error *err)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return app_32(b, bits, err);
}

static inline vj_status app_f64(vj_colb *b, double value, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&b->data, sizeof value, err));
    memcpy(b->data.ptr + b->data.len_bytes, &value, sizeof value);
    b->data.len_bytes += sizeof value;
    return app_end_row(b, err);
}

/* The offset behind what was appended. */
static inline vj_status app_offset(vj_colb *b, size_t end, vj_error *err)
{
    int32_t pair[2] = {0, (int32_t)end};

    if (VJ_UNLIKELY(end > INT32_MAX))
        return vj_fail(err, VJ_E_NOMEM, "a column batch would pass 2 GiB of text or elements");
    VJ_TRY(vj_buf_reserve(&b->offs, sizeof pair, err));
    if (VJ_UNLIKELY(b->offs.len_bytes == 0)) {
        memcpy(b->offs.ptr, pair, sizeof pair);
        b->offs.len_bytes = sizeof pair;
    } else {
        memcpy(b->offs.ptr + b->offs.len_bytes, &pair[1], sizeof pair[1]);
        b->offs.len_bytes += sizeof pair[1];
    }
    return VJ_OK;
}

/* Copy few bytes without a call: two words that may overlap. */
static inline void app_copy(uint8_t *dst, const char *src, size_t n)
{
    if (n >= 16) {
        memcpy(dst, src, n);
    } else if (n >= 8) {
        uint64_t head, tail;

        memcpy(&head, src, 8);
        memcpy(&tail, src + n - 8, 8);
        memcpy(dst, &head, 8);
        memcpy(dst + n - 8, &tail, 8);
    } else if (n >= 4) {
        uint32_t head, tail;

        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
    } else if (n > 0) {
        dst[0] = (uint8_t)src[0];
        dst[n >> 1] = (uint8_t)src[n >> 1];
        dst[n - 1] = (uint8_t)src[n - 1];
    }
}

static inline vj_status app_text(vj_colb *b, vj_span text, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&b->data, text.len_bytes + 1, err));
    app_copy(b->data.ptr + b->data.len_bytes, text.ptr, text.len_bytes);
    VJ_TRY(app_offset(b, b->data.len_bytes + text.len_bytes, err));
    b->data.len_bytes += text.len_bytes;
    return app_end_row(b, err);
}

static inline vj_status app_end_list(vj_colb *b, vj_error *err)
{
    VJ_TRY(app_offset(b, (size_t)b->kids[0].n_rows, err));
    return app_end_row(b, err);
}

/* Text of which 16 readable bytes may be copied whatever its length: a part of a padded block. */
static inline vj_status app_text_padded(vj_colb *b, vj_span text, vj_error *err)
{
    if (VJ_UNLIKELY(b->data.cap_bytes - b->data.len_bytes < 16 || text.len_bytes > 16 ||
                    b->data.len_bytes > INT32_MAX - 16 ||
                    b->offs.cap_bytes - b->offs.len_bytes < sizeof(int32_t) ||
                    b->offs.len_bytes == 0))
        return app_text(b, text, err);
    memcpy(b->data.ptr + b->data.len_bytes, text.ptr, 16);
    b->data.len_bytes += text.len_bytes;
    int32_t end = (int32_t)b->data.len_bytes;
    memcpy(b->offs.ptr + b->offs.len_bytes, &end, sizeof end);
    b->offs.len_bytes += sizeof end;
    return app_end_row(b, err);
}

/* One null text. */
static inline vj_status app_null_text(vj_colb *b, vj_error *err)
{
    VJ_TRY(app_offset(b, b->data.len_bytes, err));
    VJ_TRY(app_widen(&b->valid, b->n_rows + 1, 0xff, err));
    vj_bit_clear(b->valid.ptr, b->n_rows);
    b->n_rows++;
    b->n_nulls++;
    return VJ_OK;
}

static inline vj_status app_true(vj_colb *b, vj_error *err)
{
    VJ_TRY(app_widen(&b->data, b->n_rows + 1, 0, err));
    vj_bit_set(b->data.ptr, b->n_rows);
    b->n_rows++;
    return VJ_OK;
}

/*
 * Fill up to n_rows with nulls; booleans with false, which is what an absent Flag is. Columns
 * are left behind while their field is absent and filled at once when it next appears.
 */
vj_status vj_append_fill(vj_colb *b, int64_t n_rows, vj_error *err);

static inline vj_status app_fill(vj_colb *b, int64_t n_rows, vj_error *err)
{
    return VJ_LIKELY(b->n_rows == n_rows) ? VJ_OK : vj_append_fill(b, n_rows, err);
}

#endif
