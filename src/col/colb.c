#include "col/col.h"

vj_status vj_colb_init(vj_colb *b, const vj_type *type, vj_budget *budget, vj_error *err)
{
    *b = (vj_colb){.type = *type};
    b->valid.budget = b->offs.budget = b->data.budget = budget;
    if (type->n_kids == 0)
        return VJ_OK;
    b->kids = vj_calloc(budget, (size_t)type->n_kids, sizeof *b->kids, err);
    b->kid_views = vj_calloc(budget, (size_t)type->n_kids, sizeof *b->kid_views, err);
    if (b->kids == NULL || b->kid_views == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < type->n_kids; i++)
        VJ_TRY(vj_colb_init(&b->kids[i], &type->kids[i].type, budget, err));
    return VJ_OK;
}

void vj_colb_fini(vj_colb *b)
{
    for (int32_t i = 0; b->kids != NULL && i < b->type.n_kids; i++)
        vj_colb_fini(&b->kids[i]);
    vj_free(b->kids);
    vj_free(b->kid_views);
    vj_buf_fini(&b->valid);
    vj_buf_fini(&b->offs);
    vj_buf_fini(&b->data);
    *b = (vj_colb){0};
}

void vj_colb_reset(vj_colb *b)
{
    b->n_rows = b->n_nulls = 0;
    vj_buf_reset(&b->valid);
    vj_buf_reset(&b->offs);
    vj_buf_reset(&b->data);
    for (int32_t i = 0; b->kids != NULL && i < b->type.n_kids; i++)
        vj_colb_reset(&b->kids[i]);
}

static bool has_offsets(vj_kind kind)
{
    return kind == VJ_TEXT || kind == VJ_BINARY || kind == VJ_LIST;
}

/* Make the bitmap cover n rows; new bits are ones. */
static vj_status widen_valid(vj_buf *valid, int64_t n, vj_error *err)
{
    size_t need = (size_t)((n + 7) / 8);

    if (need > valid->len_bytes) {
        VJ_TRY(vj_buf_reserve(valid, need - valid->len_bytes, err));
        memset(valid->ptr + valid->len_bytes, 0xff, need - valid->len_bytes);
        valid->len_bytes = need;
    }
    return VJ_OK;
}

/* Make the bitmap of booleans cover n rows; new bits are zeros. */
static vj_status widen_bits(vj_buf *bits, int64_t n, vj_error *err)
{
    size_t need = (size_t)((n + 7) / 8);

    if (need > bits->len_bytes) {
        VJ_TRY(vj_buf_reserve(bits, need - bits->len_bytes, err));
        memset(bits->ptr + bits->len_bytes, 0, need - bits->len_bytes);
        bits->len_bytes = need;
    }
    return VJ_OK;
}

/* Where the next offset ends: bytes for text, rows of the kid for lists. */
static int64_t offset_end(const vj_colb *b)
{
    return b->type.kind == VJ_LIST ? b->kids[0].n_rows : (int64_t)b->data.len_bytes;
}

/* Room for n more offsets (and the leading zero). */
static vj_status reserve_offs(vj_colb *b, int64_t n, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&b->offs, ((size_t)n + 1) * sizeof(int32_t), err));
    if (b->offs.len_bytes == 0) {
        int32_t zero = 0;

        memcpy(b->offs.ptr, &zero, sizeof zero);
        b->offs.len_bytes = sizeof zero;
    }
    return VJ_OK;
}

static vj_status push_offset(vj_colb *b, vj_error *err)
{
    int64_t end = offset_end(b);
    int32_t end32 = (int32_t)end;

    if (end > INT32_MAX)
        return vj_fail(err, VJ_E_NOMEM, "a column batch would pass 2 GiB of text or elements");
    VJ_TRY(reserve_offs(b, 1, err));
    memcpy(b->offs.ptr + b->offs.len_bytes, &end32, sizeof end32);
    b->offs.len_bytes += sizeof end32;
    return VJ_OK;
}

/* The row is written: count it and keep the bitmap in step. */
static vj_status end_row(vj_colb *b, bool present, vj_error *err)
{
    b->n_rows++;
    if (present && b->n_nulls == 0)
        return VJ_OK;
    VJ_TRY(widen_valid(&b->valid, b->n_rows, err));
    /* set as well: appending many rows at once leaves anything behind the last of them */
    vj_bit_put(b->valid.ptr, b->n_rows - 1, present);
    b->n_nulls += !present;
    return VJ_OK;
}

vj_status vj_colb_null(vj_colb *b, vj_error *err)
{
    static const uint8_t zeros[64];

    if (has_offsets(b->type.kind)) {
        VJ_TRY(push_offset(b, err));
    } else if (b->type.kind == VJ_BOOL) {
        VJ_TRY(widen_bits(&b->data, b->n_rows + 1, err));
    } else if (b->type.kind == VJ_STRUCT) {
        for (int32_t i = 0; i < b->type.n_kids; i++)
            VJ_TRY(vj_colb_null(&b->kids[i], err));
    } else {
        for (size_t left = vj_type_width(&b->type); left > 0;) {
            size_t n = VJ_MIN(left, sizeof zeros);

            VJ_TRY(vj_buf_append(&b->data, zeros, n, err));
            left -= n;
        }
    }
    return end_row(b, false, err);
}

/* The bitmap of validity for n more rows, all null. */
static vj_status end_nulls(vj_colb *b, int64_t n, vj_error *err)
{
    int64_t i = b->n_rows;
    int64_t end = i + n;

    VJ_TRY(widen_valid(&b->valid, end, err));
    for (; i < end && (i & 7) != 0; i++)
        vj_bit_clear(b->valid.ptr, i);
    if (i < end)
        memset(b->valid.ptr + (i >> 3), 0, (size_t)(end - i) >> 3);
    for (i += (end - i) & ~(int64_t)7; i < end; i++)
        vj_bit_clear(b->valid.ptr, i);
    b->n_rows = end;
    b->n_nulls += n;
    return VJ_OK;
}

vj_status vj_colb_nulls(vj_colb *b, int64_t n, vj_error *err)
{
    if (n <= 0)
        return VJ_OK;
    if (b->type.kind == VJ_STRUCT) {
        for (int32_t i = 0; i < b->type.n_kids; i++)
            VJ_TRY(vj_colb_nulls(&b->kids[i], n, err));
    } else if (has_offsets(b->type.kind)) {
        VJ_TRY(reserve_offs(b, n, err));
        int32_t *offs = (int32_t *)(void *)(b->offs.ptr + b->offs.len_bytes);
        for (int64_t i = 0; i < n; i++)
            offs[i] = offs[-1];
        b->offs.len_bytes += (size_t)n * sizeof(int32_t);
    } else if (b->type.kind == VJ_BOOL) {
        VJ_TRY(widen_bits(&b->data, b->n_rows + n, err));
    } else {
        size_t bytes = (size_t)n * vj_type_width(&b->type);

        VJ_TRY(vj_buf_reserve(&b->data, bytes, err));
        memset(b->data.ptr + b->data.len_bytes, 0, bytes);
        b->data.len_bytes += bytes;
    }
    return end_nulls(b, n, err);
}

vj_status vj_colb_bool(vj_colb *b, bool value, vj_error *err)
{
    VJ_TRY(widen_bits(&b->data, b->n_rows + 1, err));
    vj_bit_put(b->data.ptr, b->n_rows, value);
    return end_row(b, true, err);
}

vj_status vj_colb_int(vj_colb *b, int64_t value, vj_error *err)
{
    /* little endian: the low bytes of the value are the narrower integer */
    VJ_TRY(vj_buf_append(&b->data, &value, vj_type_width(&b->type), err));
    return end_row(b, true, err);
}

vj_status vj_colb_f32(vj_colb *b, float value, vj_error *err)
{
    VJ_TRY(vj_buf_append(&b->data, &value, sizeof value, err));
    return end_row(b, true, err);
}

vj_status vj_colb_f64(vj_colb *b, double value, vj_error *err)
{
    VJ_TRY(vj_buf_append(&b->data, &value, sizeof value, err));
    return end_row(b, true, err);
}

vj_status vj_colb_bytes(vj_colb *b, const void *ptr, size_t len_bytes, vj_error *err)
{
    VJ_TRY(vj_buf_append(&b->data, ptr, len_bytes, err));
    if (b->type.kind != VJ_FIXED)
        VJ_TRY(push_offset(b, err));
    return end_row(b, true, err);
}

vj_status vj_colb_end_list(vj_colb *b, vj_error *err)
{
    VJ_TRY(push_offset(b, err));
    return end_row(b, true, err);
}

vj_status vj_colb_end_struct(vj_colb *b, vj_error *err)
{
    return end_row(b, true, err);
}

/* Validity of appended rows; n_rows is still the count before them. */
static vj_status append_valid(vj_colb *b, const vj_col *from, int64_t beg, int64_t n,
                              vj_error *err)
{
    int64_t nulls = from->valid != NULL ? n - vj_bits_count_at(from->valid, beg, n) : 0;

    if (nulls == 0 && b->n_nulls == 0)
        return VJ_OK;
    VJ_TRY(widen_valid(&b->valid, b->n_rows + n, err));
    if (from->valid != NULL) {
        vj_bits_copy(b->valid.ptr, b->n_rows, from->valid, beg, n);
    } else {
        for (int64_t i = 0; i < n; i++)
            vj_bit_set(b->valid.ptr, b->n_rows + i);
    }
    b->n_nulls += nulls;
    return VJ_OK;
}

/* Offsets of n appended values whose first begins at src[0]; base is where they land. */
static vj_status append_offs(vj_colb *b, const int32_t *src, int64_t n, int64_t base,
                             vj_error *err)
{
    if (base + src[n] - src[0] > INT32_MAX)
        return vj_fail(err, VJ_E_NOMEM, "a column batch would pass 2 GiB of text or elements");
    VJ_TRY(reserve_offs(b, n, err));
    int32_t *dst = (int32_t *)(void *)(b->offs.ptr + b->offs.len_bytes);
    int32_t shift = (int32_t)(base - src[0]);
    for (int64_t i = 0; i < n; i++)
        dst[i] = src[i + 1] + shift;
    b->offs.len_bytes += (size_t)n * sizeof(int32_t);
    return VJ_OK;
}

vj_status vj_colb_append(vj_colb *b, const vj_col *from, int64_t beg, int64_t n, vj_error *err)
{
    if (n <= 0)
        return VJ_OK;
    if (has_offsets(b->type.kind)) {
        const int32_t *offs = from->offs + beg;

        VJ_TRY(append_offs(b, offs, n, offset_end(b), err));
        if (b->type.kind == VJ_LIST)
            VJ_TRY(vj_colb_append(&b->kids[0], &from->kids[0], offs[0], offs[n] - offs[0], err));
        else
            VJ_TRY(vj_buf_append(&b->data, (const char *)from->data + offs[0],
                                 (size_t)(offs[n] - offs[0]), err));
    } else if (b->type.kind == VJ_STRUCT) {
        for (int32_t i = 0; i < b->type.n_kids; i++)
            VJ_TRY(vj_colb_append(&b->kids[i], &from->kids[i], beg, n, err));
    } else if (b->type.kind == VJ_BOOL) {
        VJ_TRY(widen_bits(&b->data, b->n_rows + n, err));
        vj_bits_copy(b->data.ptr, b->n_rows, from->data, beg, n);
    } else {
        size_t width = vj_type_width(&b->type);

        VJ_TRY(vj_buf_append(&b->data, (const char *)from->data + (size_t)beg * width,
                             (size_t)n * width, err));
    }
    VJ_TRY(append_valid(b, from, beg, n, err));
    b->n_rows += n;
    return VJ_OK;
}

/* Short texts without a call: the pieces overlap. */
static inline void copy_text(uint8_t *dst, const char *src, size_t len)
{
    if (len >= 16) {
        memcpy(dst, src, len);
    } else if (len >= 8) {
        memcpy(dst, src, 8);
        memcpy(dst + len - 8, src + len - 8, 8);
    } else if (len >= 4) {
        memcpy(dst, src, 4);
        memcpy(dst + len - 4, src + len - 4, 4);
    } else {
        for (size_t i = 0; i < len; i++)
            dst[i] = (uint8_t)src[i];
    }
}

/* Without branches: a row that is none reads value 0, which is there, and masks it away. */
#define GATHER(T)                                                                          \
    for (int64_t i = 0; i < n; i++) {                                                      \
        int32_t none = idx[i] >> 31;                                                       \
        T v;                                                                               \
        memcpy(&v, src + (size_t)(idx[i] & ~none) * sizeof v, sizeof v);                   \
        v &= (T)~(T)none;                                                                  \
        memcpy(dst + (size_t)i * sizeof v, &v, sizeof v);                                  \
    }

static vj_status gather_fixed(vj_colb *b, const vj_col *from, const int32_t *idx, int64_t n,
                              vj_error *err)
{
    size_t width = vj_type_width(&b->type);
    const uint8_t *src = from->data;

    VJ_TRY(vj_buf_reserve(&b->data, (size_t)n * width, err));
    uint8_t *dst = b->data.ptr + b->data.len_bytes;
    b->data.len_bytes += (size_t)n * width;
    if (from->n_rows == 0) {
        memset(dst, 0, (size_t)n * width);
        return VJ_OK;
    }
    if (width == 1) {
        GATHER(uint8_t)
    } else if (width == 2) {
        GATHER(uint16_t)
    } else if (width == 4) {
        GATHER(uint32_t)
    } else if (width == 8) {
        GATHER(uint64_t)
    } else {
        for (int64_t i = 0; i < n; i++) {
            if (idx[i] < 0)
                memset(dst + (size_t)i * width, 0, width);
            else
                memcpy(dst + (size_t)i * width, src + (size_t)idx[i] * width, width);
        }
    }
    return VJ_OK;
}

static vj_status gather_bytes(vj_colb *b, const vj_col *from, const int32_t *idx, int64_t n,
                              vj_error *err)
{
    int64_t total = (int64_t)b->data.len_bytes;

    VJ_TRY(reserve_offs(b, n, err));
    int32_t *offs = (int32_t *)(void *)(b->offs.ptr + b->offs.len_bytes);
    for (int64_t i = 0; i < n; i++) {
        if (idx[i] >= 0 && !vj_col_is_null(from, idx[i]))
            total += from->offs[idx[i] + 1] - from->offs[idx[i]];
        if (VJ_UNLIKELY(total > INT32_MAX))
            return vj_fail(err, VJ_E_NOMEM, "a column batch would pass 2 GiB of text");
        offs[i] = (int32_t)total;
    }
    VJ_TRY(vj_buf_reserve(&b->data, (size_t)total - b->data.len_bytes, err));
    int32_t at = (int32_t)b->data.len_bytes;
    for (int64_t i = 0; i < n; i++) {
        if (offs[i] != at)
            copy_text(b->data.ptr + at, (const char *)from->data + from->offs[idx[i]],
                      (size_t)(offs[i] - at));
        at = offs[i];
    }
    b->data.len_bytes = (size_t)total;
    b->offs.len_bytes += (size_t)n * sizeof(int32_t);
    return VJ_OK;
}

/*
 * Bits of rows idx[0..n) into dst at dst_off, whose room is there; rows that are none give 0.
 * src NULL: all ones. Returns the ones among them.
 */
static int64_t gather_bits(uint8_t *dst, int64_t dst_off, const uint8_t *src, const int32_t *idx,
                           int64_t n)
{
    int64_t ones = 0;

    for (int64_t i = 0; i < n; i += 64) {
        int64_t n_here = VJ_MIN(n - i, (int64_t)64);
        uint64_t word = 0;

        for (int64_t k = 0; k < n_here; k++) {
            int32_t j = idx[i + k];
            uint64_t on = j >= 0;

            if (src != NULL)
                on &= (uint64_t)(src[(j & ~(j >> 31)) >> 3] >> (j & 7));
            word |= on << k;
        }
        ones += __builtin_popcountll(word);
        if (((dst_off + i) & 7) == 0) {
            memcpy(dst + ((dst_off + i) >> 3), &word, (size_t)(n_here + 7) / 8);
            continue;
        }
        vj_bits_copy(dst, dst_off + i, (const uint8_t *)&word, 0, n_here);
    }
    return ones;
}

static vj_status gather_nested(vj_colb *b, const vj_col *from, const int32_t *idx, int64_t n,
                               vj_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        if (idx[i] < 0)
            VJ_TRY(vj_colb_null(b, err));
        else
            VJ_TRY(vj_colb_append(b, from, idx[i], 1, err));
    }
    return VJ_OK;
}

/* Whether one of the rows is none or null. */
static bool has_nulls(const vj_col *from, const int32_t *idx, int64_t n)
{
    int32_t none = 0;

    if (from->valid != NULL)
        return true; /* likely; counting tells */
    for (int64_t i = 0; i < n; i++)
        none |= idx[i];
    return none < 0;
}

vj_status vj_colb_gather(vj_colb *b, const vj_col *from, const int32_t *idx, int64_t n,
                         vj_error *err)
{
    if (n <= 0)
        return VJ_OK;
    if (b->type.kind == VJ_LIST || b->type.kind == VJ_STRUCT)
        return gather_nested(b, from, idx, n, err);
    if (has_offsets(b->type.kind)) {
        VJ_TRY(gather_bytes(b, from, idx, n, err));
    } else if (b->type.kind == VJ_BOOL) {
        VJ_TRY(widen_bits(&b->data, b->n_rows + n, err));
        gather_bits(b->data.ptr, b->n_rows, from->data, idx, n);
    } else {
        VJ_TRY(gather_fixed(b, from, idx, n, err));
    }
    if (b->n_nulls > 0 || has_nulls(from, idx, n)) {
        VJ_TRY(widen_valid(&b->valid, b->n_rows + n, err));
        b->n_nulls += n - gather_bits(b->valid.ptr, b->n_rows, from->valid, idx, n);
        if (b->n_nulls == 0) /* a bitmap that stands is one that every row to come keeps in step */
            vj_buf_reset(&b->valid);
    }
    b->n_rows += n;
    return VJ_OK;
}

/* ---- many values at once ---- */

#define NARROW(T)                                                                          \
    for (int64_t i = 0; i < n; i++) {                                                      \
        T v = (T)values[i];                                                                \
        memcpy(dst + (size_t)i * sizeof v, &v, sizeof v);                                  \
    }

vj_status vj_colb_ints(vj_colb *b, const int64_t *values, int64_t n, vj_error *err)
{
    size_t width = vj_type_width(&b->type);

    if (n <= 0)
        return VJ_OK;
    VJ_TRY(vj_buf_reserve(&b->data, (size_t)n * width, err));
    uint8_t *dst = b->data.ptr + b->data.len_bytes;
    if (width == 1) {
        NARROW(uint8_t)
    } else if (width == 2) {
        NARROW(uint16_t)
    } else if (width == 4) {
        NARROW(uint32_t)
    } else {
        memcpy(dst, values, (size_t)n * width);
    }
    b->data.len_bytes += (size_t)n * width;
    if (b->n_nulls > 0) {
        VJ_TRY(widen_valid(&b->valid, b->n_rows + n, err));
        for (int64_t i = 0; i < n; i++)
            vj_bit_set(b->valid.ptr, b->n_rows + i);
    }
    b->n_rows += n;
    return VJ_OK;
}

vj_status vj_colb_spans(vj_colb *b, const vj_span *texts, int64_t n, vj_error *err)
{
    size_t total = b->data.len_bytes;
    int64_t nulls = 0;

    if (n <= 0)
        return VJ_OK;
    for (int64_t i = 0; i < n; i++) {
        total += texts[i].len_bytes;
        nulls += texts[i].ptr == NULL;
    }
    if (total > INT32_MAX)
        return vj_fail(err, VJ_E_NOMEM, "a column batch would pass 2 GiB of text or elements");
    VJ_TRY(reserve_offs(b, n, err));
    VJ_TRY(vj_buf_reserve(&b->data, total - b->data.len_bytes + 1, err));
    int32_t *offs = (int32_t *)(void *)(b->offs.ptr + b->offs.len_bytes);
    uint8_t *at = b->data.ptr + b->data.len_bytes;
    for (int64_t i = 0; i < n; i++) {
        copy_text(at, texts[i].ptr, texts[i].len_bytes);
        at += texts[i].len_bytes;
        offs[i] = (int32_t)(at - b->data.ptr);
    }
    b->offs.len_bytes += (size_t)n * sizeof(int32_t);
    b->data.len_bytes = total;
    if (nulls > 0 || b->n_nulls > 0) {
        VJ_TRY(widen_valid(&b->valid, b->n_rows + n, err));
        for (int64_t i = 0; i < n; i++)
            vj_bit_put(b->valid.ptr, b->n_rows + i, texts[i].ptr != NULL);
    }
    b->n_nulls += nulls;
    b->n_rows += n;
    return VJ_OK;
}

vj_col vj_colb_view(vj_colb *b)
{
    static const int32_t no_rows[1];
    vj_col view = {.type = &b->type, .n_rows = b->n_rows, .data = b->data.ptr};

    if (b->n_nulls > 0)
        view.valid = b->valid.ptr;
    if (has_offsets(b->type.kind))
        view.offs = b->offs.len_bytes > 0 ? (const int32_t *)(const void *)b->offs.ptr : no_rows;
    if (b->data.ptr == NULL)
        view.data = no_rows;
    for (int32_t i = 0; i < b->type.n_kids; i++)
        b->kid_views[i] = vj_colb_view(&b->kids[i]);
    view.kids = b->kid_views;
    return view;
}

size_t vj_colb_held_bytes(const vj_colb *b)
{
    size_t held = b->valid.cap_bytes + b->offs.cap_bytes + b->data.cap_bytes;

    for (int32_t i = 0; b->kids != NULL && i < b->type.n_kids; i++)
        held += vj_colb_held_bytes(&b->kids[i]);
    return held;
}
