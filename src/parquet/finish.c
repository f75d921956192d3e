#include "parquet/column.h"

/* ---- physical values to the leaf's type ---- */

/*
 * Narrow in place to the low bits, as all readers do: writers store 8 and 16 bits both sign-extended
 * and zero-extended, and what is beyond either has no meaning in the format.
 */
#define NARROW(NAME, T)                                                                    \
    static void NAME(uint8_t *data, int64_t n)                                             \
    {                                                                                      \
        for (int64_t i = 0; i < n; i++)                                                    \
            memmove(data + (size_t)i * sizeof(T), data + (size_t)i * 4, sizeof(T));        \
    }

NARROW(narrow_8, uint8_t)
NARROW(narrow_16, uint16_t)

#define DAY_NS ((int64_t)86400 * 1000000000)
#define JULIAN_EPOCH 2440588

/* INT96: nanoseconds of the day (u64), Julian day (u32). Outside int64 ns it saturates. */
static void from_int96(uint8_t *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t of_day = pq_load64(data + (size_t)i * 12);
        int64_t day = (int64_t)pq_load32(data + (size_t)i * 12 + 8) - JULIAN_EPOCH;
        int64_t ns = 0;

        if (of_day > INT64_MAX || VJ_MUL_OVERFLOW(day, DAY_NS, &ns) ||
            VJ_ADD_OVERFLOW(ns, (int64_t)of_day, &ns))
            ns = day < 0 ? INT64_MIN : INT64_MAX;
        memcpy(data + (size_t)i * 8, &ns, sizeof ns);
    }
}

/* Big-endian two's complement of any length to one of the type's width. */
static vj_status from_decimal(pq_column *col, vj_error *err)
{
    size_t width = (size_t)col->leaf->type.width_bytes;
    const int32_t *offs = (const int32_t *)(const void *)col->dense.offs.ptr;
    const uint8_t *data = col->dense.data.ptr;

    vj_buf_reset(&col->converted);
    VJ_TRY(vj_buf_reserve(&col->converted, (size_t)col->dense.n * width, err));
    for (int64_t i = 0; i < col->dense.n; i++) {
        uint8_t *dst = col->converted.ptr + (size_t)i * width;
        const uint8_t *src = data + offs[i];
        size_t len = (size_t)(offs[i + 1] - offs[i]);
        uint8_t sign = len > 0 && (src[0] & 0x80) != 0 ? 0xff : 0;

        while (len > width && src[0] == sign && ((src[1] ^ sign) & 0x80) == 0) {
            src++;
            len--;
        }
        if (len > width)
            return vj_fail(err, VJ_E_CORRUPT, "decimal: expected at most %zu bytes, found %zu",
                           width, len);
        memset(dst, sign, width - len);
        memcpy(dst + width - len, src, len);
    }
    col->converted.len_bytes = (size_t)col->dense.n * width;
    return VJ_OK;
}

static vj_status convert(pq_column *col, vj_error *err)
{
    switch (col->leaf->convert) {
    case PQ_TO_8:
        narrow_8(col->dense.data.ptr, col->dense.n);
        return VJ_OK;
    case PQ_TO_16:
        narrow_16(col->dense.data.ptr, col->dense.n);
        return VJ_OK;
    case PQ_FROM_INT96:
        from_int96(col->dense.data.ptr, col->dense.n);
        return VJ_OK;
    case PQ_FROM_DECIMAL:
        return from_decimal(col, err);
    case PQ_AS_IS:
        break;
    }
    return VJ_OK;
}

/* ---- spreading: n_present dense values over n slots, zeros where none is present ---- */

/* Without branches: where nothing is present, value k is loaded too and masked away. */
#define SPREAD(T)                                                                          \
    for (int64_t i = n - 1; i >= 0; i--) {                                                 \
        T v;                                                                               \
        T on = vj_bit_get(present, i);                                                     \
        k -= (int64_t)on;                                                                  \
        memcpy(&v, data + (size_t)k * sizeof v, sizeof v);                                 \
        v &= (T)0 - on;                                                                    \
        memcpy(data + (size_t)i * sizeof v, &v, sizeof v);                                 \
    }

/* In place, from the end: slot i never lies before value k. */
static void spread_fixed(uint8_t *data, size_t width, const uint8_t *present, int64_t n, int64_t k)
{
    if (width == 4) {
        SPREAD(uint32_t)
    } else if (width == 8) {
        SPREAD(uint64_t)
    } else {
        for (int64_t i = n - 1; i >= 0; i--) {
            if (vj_bit_get(present, i))
                memmove(data + (size_t)i * width, data + (size_t)--k * width, width);
            else
                memset(data + (size_t)i * width, 0, width);
        }
    }
}

static void spread_bits(uint8_t *bits, const uint8_t *present, int64_t n, int64_t k)
{
    for (int64_t i = n - 1; i >= 0; i--)
        vj_bit_put(bits, i, vj_bit_get(present, i) && vj_bit_get(bits, --k));
}

static void spread_offs(int32_t *offs, const uint8_t *present, int64_t n, int64_t k)
{
    for (int64_t i = n; i > 0; i--) {
        offs[i] = offs[k];
        k -= vj_bit_get(present, i - 1);
    }
}

static vj_status spread(vj_buf *data, vj_buf *offs, const vj_type *type, const uint8_t *present,
                        int64_t n, int64_t n_present, vj_error *err)
{
    size_t width = vj_type_width(type);
    size_t need = width > 0 ? (size_t)n * width : (size_t)(n + 7) / 8;

    if (type->kind == VJ_TEXT || type->kind == VJ_BINARY) {
        need = ((size_t)n + 1) * sizeof(int32_t);
        if (need > offs->len_bytes)
            VJ_TRY(vj_buf_reserve(offs, need - offs->len_bytes, err));
        spread_offs((int32_t *)(void *)offs->ptr, present, n, n_present);
        offs->len_bytes = need;
        return VJ_OK;
    }
    /* one value more than there are may be loaded */
    VJ_TRY(vj_buf_reserve(data, need + PQ_SLACK - VJ_MIN(need, data->len_bytes), err));
    if (type->kind == VJ_BOOL)
        spread_bits(data->ptr, present, n, n_present);
    else
        spread_fixed(data->ptr, width, present, n, n_present);
    data->len_bytes = need;
    return VJ_OK;
}

/* ---- text ---- */

static bool is_ascii(const uint8_t *ptr, size_t len)
{
    uint64_t high = 0;
    size_t i = 0;

    for (; i + 32 <= len; i += 32)
        high |= pq_load64(ptr + i) | pq_load64(ptr + i + 8) | pq_load64(ptr + i + 16) |
                pq_load64(ptr + i + 24);
    for (; i < len; i++)
        high |= ptr[i];
    return (high & 0x8080808080808080u) == 0;
}

/* The dense values; each must be UTF-8 by itself. */
static vj_status check_text(const pq_column *col, vj_error *err)
{
    const int32_t *offs = (const int32_t *)(const void *)col->dense.offs.ptr;
    const uint8_t *data = col->dense.data.ptr;
    char shown[64];

    if (col->dense.n == 0 || is_ascii(data, col->dense.data.len_bytes))
        return VJ_OK;
    for (int64_t i = 0; i < col->dense.n; i++) {
        size_t len = (size_t)(offs[i + 1] - offs[i]);

        if (!vj_utf8_valid(data + offs[i], len))
            return vj_fail(err, VJ_E_CORRUPT, "text value: expected UTF-8, found '%s'",
                           vj_quote(shown, sizeof shown, data + offs[i], len));
    }
    return VJ_OK;
}

vj_status pq_column_finish(pq_column *col, int64_t n, int64_t n_present, const uint8_t *present,
                           const uint8_t *data_direct, vj_col *out, vj_error *err)
{
    static const int32_t zeros[16];
    const vj_type *type = &col->leaf->type;
    bool has_offs = type->kind == VJ_TEXT || type->kind == VJ_BINARY;
    vj_buf *data = col->leaf->convert == PQ_FROM_DECIMAL ? &col->converted : &col->dense.data;

    *out = (vj_col){.type = type, .n_rows = n, .valid = present};
    if (data_direct != NULL) {
        out->data = data_direct;
        return VJ_OK;
    }
    if (type->kind == VJ_TEXT)
        VJ_TRY(check_text(col, err));
    VJ_TRY(convert(col, err));
    if (present != NULL) {
        /* no value at all: the leading offset is not there yet either */
        if (n_present == 0)
            VJ_TRY(pq_dense_grow(&col->dense, col->leaf, 0, err));
        VJ_TRY(spread(data, &col->dense.offs, type, present, n, n_present, err));
    }
    out->data = data->ptr != NULL ? (const void *)data->ptr : (const void *)zeros;
    if (has_offs)
        out->offs = col->dense.offs.len_bytes > 0
                        ? (const int32_t *)(const void *)col->dense.offs.ptr
                        : zeros;
    return VJ_OK;
}
