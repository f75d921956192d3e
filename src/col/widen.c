/* widen.c - one type for a column that the files of a database store differently, and its values in it. */
#include "col/col.h"

#define MOST_DIGITS 38 /* of DuckDB's and Polars' decimals */
#define DECIMAL_BYTES 17

static int bits_of(const vj_type *type, bool *is_signed)
{
    static const int bits[] = {[VJ_I8] = 8, [VJ_I16] = 16, [VJ_I32] = 32, [VJ_I64] = 64,
                               [VJ_U8] = 8, [VJ_U16] = 16, [VJ_U32] = 32, [VJ_U64] = 64};

    *is_signed = type->kind >= VJ_I8 && type->kind <= VJ_I64;
    bool whole = type->logical == VJ_LOGICAL_NONE &&
                 (*is_signed || (type->kind >= VJ_U8 && type->kind <= VJ_U64));
    return whole ? bits[type->kind] : 0;
}

static bool widen_integers(const vj_type *a, const vj_type *b, vj_type *out)
{
    static const vj_kind with_sign[] = {VJ_I8, VJ_I16, VJ_I32, VJ_I64};
    bool sign_a, sign_b;
    int bits_a = bits_of(a, &sign_a);
    int bits_b = bits_of(b, &sign_b);

    if (bits_a == 0 || bits_b == 0)
        return false;
    if (sign_a == sign_b) {
        *out = bits_a >= bits_b ? *a : *b;
        return true;
    }
    int need = VJ_MAX(sign_a ? bits_a : 2 * bits_a, sign_b ? bits_b : 2 * bits_b);
    for (int i = 0; i < 4; i++)
        if (8 << i == need) {
            *out = vj_type_of(with_sign[i]);
            return true;
        }
    return false; /* the sign bit of uint64 has no room */
}

/* Bytes that hold a signed number of so many decimal digits. */
static int32_t decimal_width(int32_t precision)
{
    /* log2(10) < 3322/1000; one bit for the sign */
    return (int32_t)(((int64_t)precision * 3322 + 999) / 1000 + 1 + 7) / 8;
}

static bool widen_decimals(const vj_type *a, const vj_type *b, vj_type *out)
{
    int32_t scale = VJ_MAX(a->scale, b->scale);
    int32_t precision = VJ_MAX(a->precision - a->scale, b->precision - b->scale) + scale;

    if (precision > MOST_DIGITS)
        return false;
    *out = (vj_type){.kind = VJ_FIXED, .logical = VJ_LOGICAL_DECIMAL, .precision = precision,
                     .scale = scale, .width_bytes = decimal_width(precision)};
    return true;
}

static bool is_plain_bytes(const vj_type *type)
{
    return type->logical == VJ_LOGICAL_NONE &&
           (type->kind == VJ_BINARY || type->kind == VJ_FIXED);
}

bool vj_type_widen(const vj_type *a, const vj_type *b, vj_type *out)
{
    if (vj_type_eq(a, b)) {
        *out = *a;
        return true;
    }
    if (widen_integers(a, b, out))
        return true;
    if (a->logical == VJ_LOGICAL_DECIMAL && b->logical == VJ_LOGICAL_DECIMAL)
        return widen_decimals(a, b, out);
    if (a->logical == VJ_LOGICAL_TIMESTAMP && b->logical == VJ_LOGICAL_TIMESTAMP) {
        *out = a->unit >= b->unit ? *a : *b;
        return a->utc == b->utc;
    }
    if (a->kind == VJ_TEXT && b->kind == VJ_TEXT) /* JSON and ENUM are text, too */
        *out = vj_type_of(VJ_TEXT);
    else if (is_plain_bytes(a) && is_plain_bytes(b))
        *out = vj_type_of(VJ_BINARY);
    else if ((a->kind == VJ_F32 && b->kind == VJ_F64) || (a->kind == VJ_F64 && b->kind == VJ_F32))
        *out = vj_type_of(VJ_F64);
    else
        return false;
    return true;
}

/* ---- values ---- */

/* Big-endian two's complement of any length up to ours, with the sign carried to the front. */
static bool load_decimal(const vj_col *col, int64_t row, uint8_t dst[DECIMAL_BYTES])
{
    if (col->type->kind != VJ_FIXED) {
        int64_t value = vj_col_i64(col, row);

        for (int i = DECIMAL_BYTES - 1; i >= 0; i--, value >>= 8)
            dst[i] = (uint8_t)value;
        return true;
    }
    vj_span bytes = vj_col_bytes(col, row);
    uint8_t sign = bytes.len_bytes > 0 && (bytes.ptr[0] & 0x80) != 0 ? 0xff : 0;

    while (bytes.len_bytes > DECIMAL_BYTES && (uint8_t)bytes.ptr[0] == sign) {
        bytes.ptr++;
        bytes.len_bytes--;
    }
    if (bytes.len_bytes > DECIMAL_BYTES)
        return false;
    memset(dst, sign, DECIMAL_BYTES);
    memcpy(dst + DECIMAL_BYTES - bytes.len_bytes, bytes.ptr, bytes.len_bytes);
    return true;
}

/* Two's complement times ten, by bytes from the last; false: the sign went. */
static bool times_ten(uint8_t value[DECIMAL_BYTES])
{
    int carry = 0;

    for (int i = DECIMAL_BYTES - 1; i > 0; i--) {
        carry += 10 * value[i];
        value[i] = (uint8_t)carry;
        carry >>= 8;
    }
    carry += 10 * (int8_t)value[0];
    value[0] = (uint8_t)carry;
    return carry >= INT8_MIN && carry <= INT8_MAX;
}

static bool fits(const uint8_t value[DECIMAL_BYTES], int32_t width)
{
    uint8_t sign = value[0] & 0x80 ? 0xff : 0;

    for (int32_t i = 0; i < DECIMAL_BYTES - width; i++)
        if (value[i] != sign)
            return false;
    return ((value[DECIMAL_BYTES - width] ^ sign) & 0x80) == 0;
}

static vj_status append_decimal(vj_colb *dst, const vj_type *to, const vj_col *from, int64_t row,
                                vj_error *err)
{
    uint8_t value[DECIMAL_BYTES];
    bool whole = load_decimal(from, row, value);

    for (int32_t i = from->type->scale; whole && i < to->scale; i++)
        whole = times_ten(value);
    if (!whole || !fits(value, to->width_bytes))
        return vj_fail(err, VJ_E_CORRUPT, "a decimal has more digits than its type says");
    return vj_colb_bytes(dst, value + DECIMAL_BYTES - to->width_bytes, (size_t)to->width_bytes,
                         err);
}

static vj_status append_time(vj_colb *dst, const vj_type *to, const vj_col *from, int64_t row,
                             vj_error *err)
{
    int64_t value = vj_col_i64(from, row);

    for (int unit = (int)from->type->unit; unit < (int)to->unit; unit++)
        if (VJ_MUL_OVERFLOW(value, (int64_t)1000, &value))
            return vj_fail(err, VJ_E_CORRUPT, "a time that its files' finest unit cannot hold");
    return vj_colb_int(dst, value, err);
}

static vj_status append_one(vj_colb *dst, const vj_type *to, const vj_col *from, int64_t row,
                            vj_error *err)
{
    if (vj_col_is_null(from, row))
        return vj_colb_null(dst, err);
    if (to->logical == VJ_LOGICAL_DECIMAL)
        return append_decimal(dst, to, from, row, err);
    if (to->logical == VJ_LOGICAL_TIMESTAMP)
        return append_time(dst, to, from, row, err);
    if (to->kind == VJ_F64)
        return vj_colb_f64(dst, vj_col_f64(from, row), err);
    if (to->kind == VJ_TEXT || to->kind == VJ_BINARY) {
        vj_span bytes = vj_col_bytes(from, row);

        return vj_colb_bytes(dst, bytes.ptr, bytes.len_bytes, err);
    }
    return vj_colb_int(dst, vj_col_i64(from, row), err);
}

vj_status vj_colb_append_wider(vj_colb *dst, const vj_type *to, const vj_col *from, vj_error *err)
{
    for (int64_t row = 0; row < from->n_rows; row++)
        VJ_TRY(append_one(dst, to, from, row, err));
    return VJ_OK;
}
