#include "hts/hts_out_parts.h"

#include <stdio.h>

/* VCF integers: int32 less the eight values that BCF keeps for missing and end of vector. */
#define VCF_INT_MIN ((int64_t)INT32_MIN + 8)
#define VCF_INT_MAX ((int64_t)INT32_MAX)
/* Decimals of 256 bits have 78 digits. */
#define DECIMAL_BYTES_MAX 32
#define DECIMAL_TEXT_BYTES 128

bool vj_cell_has_text(const vj_type *type)
{
    return type->kind != VJ_LIST && type->kind != VJ_STRUCT &&
           (type->logical != VJ_LOGICAL_DECIMAL || type->kind != VJ_FIXED ||
            type->width_bytes <= DECIMAL_BYTES_MAX);
}

/* ---- bytes ---- */

/*
 * Bytes that a style has to replace, as bits of their first 128; bytes from 0x80 on are plain.
 * TSV: tab, line ends, backslash. VCF: control bytes, blank, % , : ; = and DEL.
 */
#define BIT(byte) ((uint64_t)1 << ((byte) & 63))
#define TSV_LOW (BIT('\t') | BIT('\n') | BIT('\r'))
#define VCF_LOW (0xffffffffu | BIT('%') | BIT(',') | BIT(':') | BIT(';') | BIT('='))
static const uint64_t forbidden[][2] = {
    [VJ_CELL_TSV] = {TSV_LOW, BIT('\\')},
    [VJ_CELL_TSV_ELEMENT] = {TSV_LOW | BIT(','), BIT('\\')},
    [VJ_CELL_VCF] = {VCF_LOW, BIT(0x7f)},
    [VJ_CELL_VCF_STRICT] = {VCF_LOW | BIT(' '), BIT(0x7f)},
    [VJ_CELL_VCF_ELEMENT] = {VCF_LOW, BIT('|') | BIT(0x7f)},
    [VJ_CELL_VCF_STRICT_ELEMENT] = {VCF_LOW | BIT(' '), BIT('|') | BIT(0x7f)},
};

static inline bool is_plain(uint8_t byte, vj_cell_style style)
{
    return byte >= 0x80 || (forbidden[style][byte >> 6] >> (byte & 63) & 1) == 0;
}

static vj_status put_escaped(vj_buf *out, uint8_t byte, vj_cell_style style, vj_error *err)
{
    static const char digits[] = "0123456789ABCDEF";

    if (vj_cell_style_is_vcf(style)) {
        char code[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        return vj_buf_append(out, code, sizeof code, err);
    }
    char pair[2] = {'\\', byte == '\t'   ? 't'
                          : byte == '\n' ? 'n'
                          : byte == '\r' ? 'r'
                                         : (char)byte};
    return vj_buf_append(out, pair, sizeof pair, err);
}

vj_status vj_cell_put_bytes(vj_buf *out, vj_span bytes, vj_cell_style style, vj_error *err)
{
    size_t done = 0;

    if (vj_cell_style_is_vcf(style) && bytes.len_bytes == 0)
        return vj_buf_push(out, '.', err); /* VCF has no empty value */
    if (vj_cell_style_is_vcf(style) && vj_span_is(bytes, "."))
        return vj_buf_append_text(out, "%2E", err); /* a bare '.' would read as missing */
    if (!vj_cell_style_is_vcf(style) && bytes.len_bytes == 0)
        return vj_buf_append_text(out, "\\e", err);
    for (size_t i = 0; i < bytes.len_bytes; i++) {
        if (VJ_LIKELY(is_plain((uint8_t)bytes.ptr[i], style)))
            continue;
        VJ_TRY(vj_buf_append(out, bytes.ptr + done, i - done, err));
        VJ_TRY(put_escaped(out, (uint8_t)bytes.ptr[i], style, err));
        done = i + 1;
    }
    return vj_buf_append(out, bytes.ptr + done, bytes.len_bytes - done, err);
}

static vj_status put_hex(vj_buf *out, vj_span bytes, vj_error *err)
{
    static const char digits[] = "0123456789abcdef";

    VJ_TRY(vj_buf_reserve(out, bytes.len_bytes * 2, err));
    for (size_t i = 0; i < bytes.len_bytes; i++) {
        uint8_t byte = (uint8_t)bytes.ptr[i];
        out->ptr[out->len_bytes++] = (uint8_t)digits[byte >> 4];
        out->ptr[out->len_bytes++] = (uint8_t)digits[byte & 15];
    }
    return VJ_OK;
}

/* ---- numbers ---- */

static vj_status put_integer(vj_buf *out, const vj_col *col, int64_t row_i, vj_cell_style style,
                             int64_t *out_of_range, vj_error *err)
{
    char text[VJ_NUM_TEXT_BYTES];
    int64_t value = vj_col_i64(col, row_i);
    bool is_huge = col->type->kind == VJ_U64 && value < 0;

    if (vj_cell_style_is_vcf(style) && (is_huge || value < VCF_INT_MIN || value > VCF_INT_MAX)) {
        (*out_of_range)++;
        return vj_buf_push(out, '.', err);
    }
    if (is_huge)
        return vj_buf_printf(out, err, "%llu", (unsigned long long)(uint64_t)value);
    return vj_buf_append(out, text, vj_format_i64(text, value), err);
}

/* IEEE half to single: exact. */
static float half_value(const uint8_t *bytes)
{
    uint32_t half = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
    uint32_t exponent = (half >> 10) & 31;
    uint32_t fraction = half & 1023;
    float magnitude = 0;

    if (exponent == 31)
        magnitude = fraction != 0 ? __builtin_nanf("") : __builtin_inff();
    else if (exponent == 0)
        magnitude = (float)fraction * 0x1p-24f;
    else
        magnitude = __builtin_ldexpf((float)(1024 + fraction), (int)exponent - 25);
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

/* Big-endian two's complement of a decimal, whatever it is stored in; returns its length. */
static size_t decimal_bytes(const vj_col *col, int64_t row_i, uint8_t dst[DECIMAL_BYTES_MAX])
{
    if (col->type->kind == VJ_FIXED) {
        vj_span bytes = vj_col_bytes(col, row_i);
        memcpy(dst, bytes.ptr, bytes.len_bytes);
        return bytes.len_bytes;
    }
    uint64_t value = (uint64_t)vj_col_i64(col, row_i);
    for (int i = 0; i < 8; i++)
        dst[i] = (uint8_t)(value >> (56 - 8 * i));
    return 8;
}

static bool negate_if_negative(uint8_t *bytes, size_t n)
{
    if (n == 0 || (bytes[0] & 0x80) == 0)
        return false;
    unsigned carry = 1;
    for (size_t i = n; i-- > 0;) {
        unsigned sum = (uint8_t)~bytes[i] + carry;
        bytes[i] = (uint8_t)sum;
        carry = sum >> 8;
    }
    return true;
}

/* Divide the number by ten in place; returns the remainder. */
static unsigned divide_by_ten(uint8_t *bytes, size_t n, bool *is_zero)
{
    unsigned rest = 0;

    *is_zero = true;
    for (size_t i = 0; i < n; i++) {
        unsigned part = rest << 8 | bytes[i];
        bytes[i] = (uint8_t)(part / 10);
        rest = part % 10;
        *is_zero = *is_zero && bytes[i] == 0;
    }
    return rest;
}

static vj_status put_decimal(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err)
{
    uint8_t bytes[DECIMAL_BYTES_MAX];
    char text[DECIMAL_TEXT_BYTES];
    size_t n = decimal_bytes(col, row_i, bytes);
    bool is_negative = negate_if_negative(bytes, n);
    int32_t scale = VJ_MIN(VJ_MAX(col->type->scale, 0), 80);
    size_t at = sizeof text;
    bool is_zero = false;

    /* From the last digit on, until nothing is left and one digit stands before the point. */
    for (int32_t digit_i = 0; !is_zero || digit_i <= scale; digit_i++) {
        if (digit_i == scale && scale > 0)
            text[--at] = '.';
        text[--at] = (char)('0' + divide_by_ten(bytes, n, &is_zero));
    }
    if (is_negative)
        text[--at] = '-';
    return vj_buf_append(out, text + at, sizeof text - at, err);
}

/* ---- dates ---- */

static void civil_of_days(int64_t days, int64_t *year, int *month, int *day)
{
    /* Years that begin in March: the leap day is then the last one, and 400 of them repeat. */
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static vj_status put_date(vj_buf *out, int64_t days, vj_error *err)
{
    int64_t year = 0;
    int month = 0;
    int day = 0;

    civil_of_days(days, &year, &month, &day);
    return vj_buf_printf(out, err, "%04lld-%02d-%02d", (long long)year, month, day);
}

static vj_status put_clock(vj_buf *out, int64_t ticks, int64_t per_second, int digits, bool utc,
                           vj_error *err)
{
    int64_t seconds = ticks / per_second;
    int64_t fraction = ticks % per_second;

    VJ_TRY(vj_buf_printf(out, err, "%02d:%02d:%02d", (int)(seconds / 3600),
                         (int)(seconds / 60 % 60), (int)(seconds % 60)));
    if (fraction != 0)
        VJ_TRY(vj_buf_printf(out, err, ".%0*lld", digits, (long long)fraction));
    return utc ? vj_buf_push(out, 'Z', err) : VJ_OK;
}

static vj_status put_time(vj_buf *out, const vj_type *type, int64_t value, vj_error *err)
{
    static const int64_t per_second[] = {1000, 1000000, 1000000000};
    static const int digits[] = {3, 6, 9};
    int64_t unit = per_second[type->unit];
    int64_t per_day = unit * 86400;
    int64_t days = value / per_day - (value % per_day < 0);

    if (type->logical == VJ_LOGICAL_TIMESTAMP) {
        VJ_TRY(put_date(out, days, err));
        VJ_TRY(vj_buf_push(out, 'T', err));
    }
    return put_clock(out, value % per_day + (value % per_day < 0 ? per_day : 0), unit,
                     digits[type->unit], type->utc, err);
}

static uint32_t le32(const char *ptr)
{
    const uint8_t *b = (const uint8_t *)ptr;

    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static vj_status put_interval(vj_buf *out, vj_span bytes, vj_error *err)
{
    uint32_t ms = le32(bytes.ptr + 8);

    return vj_buf_printf(out, err, "P%uM%uDT%u.%03uS", (unsigned)le32(bytes.ptr),
                         (unsigned)le32(bytes.ptr + 4), (unsigned)(ms / 1000),
                         (unsigned)(ms % 1000));
}

static vj_status put_uuid(vj_buf *out, vj_span bytes, vj_error *err)
{
    static const size_t parts[] = {4, 2, 2, 2, 6};
    size_t at = 0;

    for (size_t i = 0; i < VJ_COUNT(parts); at += parts[i], i++) {
        if (i > 0)
            VJ_TRY(vj_buf_push(out, '-', err));
        VJ_TRY(put_hex(out, (vj_span){bytes.ptr + at, parts[i]}, err));
    }
    return VJ_OK;
}

/* ---- one value ---- */

/* Text made of safe bytes, except the colons of a time: VCF encodes those. */
static vj_status put_made(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err)
{
    switch (col->type->logical) {
    case VJ_LOGICAL_DATE:
        return put_date(out, vj_col_i64(col, row_i), err);
    case VJ_LOGICAL_TIME:
    case VJ_LOGICAL_TIMESTAMP:
        return put_time(out, col->type, vj_col_i64(col, row_i), err);
    case VJ_LOGICAL_DECIMAL:
        return put_decimal(out, col, row_i, err);
    case VJ_LOGICAL_UUID:
        return put_uuid(out, vj_col_bytes(col, row_i), err);
    case VJ_LOGICAL_INTERVAL:
        return put_interval(out, vj_col_bytes(col, row_i), err);
    default:
        return put_hex(out, vj_col_bytes(col, row_i), err);
    }
}

static vj_status put_encoded(vj_buf *out, const vj_col *col, int64_t row_i, vj_cell_style style,
                             vj_error *err)
{
    uint8_t text[DECIMAL_TEXT_BYTES];
    vj_buf made = {.ptr = text, .cap_bytes = sizeof text, .max_bytes = sizeof text};

    VJ_TRY(put_made(&made, col, row_i, err));
    return vj_cell_put_bytes(out, vj_buf_span(&made), style, err);
}

static vj_status put_real(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err)
{
    char text[VJ_NUM_TEXT_BYTES];
    size_t n = 0;

    if (col->type->kind == VJ_F64)
        n = vj_format_f64(text, ((const double *)col->data)[row_i]);
    else if (col->type->kind == VJ_F32)
        n = vj_format_f32(text, ((const float *)col->data)[row_i]);
    else
        n = vj_format_f32(text, half_value((const uint8_t *)vj_col_bytes(col, row_i).ptr));
    return vj_buf_append(out, text, n, err);
}

vj_status vj_cell_put(vj_buf *out, const vj_col *col, int64_t row_i, vj_cell_style style,
                      int64_t *out_of_range, vj_error *err)
{
    const vj_type *type = col->type;
    bool is_vcf = vj_cell_style_is_vcf(style);

    switch (type->kind) {
    case VJ_BOOL: {
        bool on = vj_bit_get(col->data, row_i);
        if (is_vcf)
            return vj_buf_push(out, on ? '1' : '0', err);
        return vj_buf_append_text(out, on ? "true" : "false", err);
    }
    case VJ_F32:
    case VJ_F64:
        return put_real(out, col, row_i, err);
    case VJ_TEXT:
        return vj_cell_put_bytes(out, vj_col_bytes(col, row_i), style, err);
    case VJ_FIXED:
        if (type->logical == VJ_LOGICAL_F16)
            return put_real(out, col, row_i, err);
        return type->logical == VJ_LOGICAL_NONE ? put_made(out, col, row_i, err)
                                                : put_encoded(out, col, row_i, style, err);
    case VJ_BINARY: {
        vj_span bytes = vj_col_bytes(col, row_i);
        return bytes.len_bytes == 0 ? vj_cell_put_bytes(out, bytes, style, err)
                                    : put_hex(out, bytes, err);
    }
    case VJ_LIST:
    case VJ_STRUCT:
        return vj_fail(err, VJ_E_BUG, "a nested value was given to the text writer");
    default:
        if (type->logical == VJ_LOGICAL_NONE || type->logical == VJ_LOGICAL_NULL)
            return put_integer(out, col, row_i, style, out_of_range, err);
        return put_encoded(out, col, row_i, style, err);
    }
}
