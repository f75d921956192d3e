#include "base/base.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool vj_parse_i64(vj_span text, int64_t *out)
{
    const char *p = text.ptr;
    const char *end = text.ptr + text.len_bytes;
    bool negative = false;
    uint64_t value = 0;

    if (p < end && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    if (p == end || end - p > 19)
        return false;
    for (; p < end; p++) {
        unsigned digit = (unsigned)(uint8_t)*p - '0';

        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    if (value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* Powers of ten that a double holds exactly (Clinger's fast path). */
static const double pow10_exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_word(vj_span text, const char *word)
{
    for (size_t i = 0; i < text.len_bytes; i++)
        if (word[i] == '\0' || (text.ptr[i] | 0x20) != word[i])
            return false;
    return word[text.len_bytes] == '\0';
}

static bool parse_special(vj_span text, double *out)
{
    bool negative = text.len_bytes > 0 && text.ptr[0] == '-';
    vj_span word = text;

    if (text.len_bytes > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        word.ptr++;
        word.len_bytes--;
    }
    if (is_word(word, "nan")) {
        *out = (double)NAN;
        return true;
    }
    if (is_word(word, "inf") || is_word(word, "infinity")) {
        *out = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    return false;
}

/* True when text is sign? digits* (. digits*)? (e sign? digits+)? with at least one digit. */
typedef struct decimal {
    uint64_t mantissa;
    int exponent;
    bool negative;
    bool exact; /* mantissa holds every digit */
} decimal;

static bool scan_decimal(vj_span text, decimal *dec)
{
    const char *p = text.ptr;
    const char *end = p + text.len_bytes;
    int n_digits = 0;
    int shown = 0;

    *dec = (decimal){.exact = true};
    if (p < end && (*p == '-' || *p == '+'))
        dec->negative = *p++ == '-';
    for (bool fraction = false; p < end; p++) {
        if (*p == '.' && !fraction) {
            fraction = true;
            continue;
        }
        unsigned digit = (unsigned)(uint8_t)*p - '0';
        if (digit > 9)
            break;
        shown = 1;
        if (n_digits < 18) {
            dec->mantissa = dec->mantissa * 10 + digit;
            n_digits += dec->mantissa > 0;
            dec->exponent -= fraction;
        } else {
            dec->exact = false;
        }
    }
    if (!shown)
        return false;
    if (p < end && (*p | 0x20) == 'e') {
        int64_t exponent = 0;

        if (!vj_parse_i64((vj_span){p + 1, (size_t)(end - p - 1)}, &exponent))
            return false;
        if (exponent < -5000 || exponent > 5000)
            dec->exact = false;
        else
            dec->exponent += (int)exponent;
        p = end;
    }
    return p == end;
}

/* The C locale's strtod/strtof on a copy; the text was checked to be a decimal. */
static locale_t c_locale(void)
{
    static _Atomic(locale_t) cached;
    locale_t loc = atomic_load(&cached);

    if (loc == (locale_t)0) {
        locale_t made = newlocale(LC_ALL_MASK, "C", (locale_t)0);

        if (!atomic_compare_exchange_strong(&cached, &loc, made))
            freelocale(made);
        else
            loc = made;
    }
    return loc;
}

static bool parse_slow(vj_span text, double *out64, float *out32)
{
    char stack[128];
    char *copy = stack;

    if (text.len_bytes >= sizeof stack && (copy = malloc(text.len_bytes + 1)) == NULL)
        return false;
    memcpy(copy, text.ptr, text.len_bytes);
    copy[text.len_bytes] = '\0';
    if (out64 != NULL)
        *out64 = strtod_l(copy, NULL, c_locale());
    else
        *out32 = strtof_l(copy, NULL, c_locale());
    if (copy != stack)
        free(copy);
    return true;
}

bool vj_parse_f64(vj_span text, double *out)
{
    decimal dec;

    if (!scan_decimal(text, &dec))
        return parse_special(text, out);
    if (dec.exact && dec.mantissa < ((uint64_t)1 << 53) && dec.exponent >= -22 &&
        dec.exponent <= 22) {
        double value = (double)dec.mantissa;

        value = dec.exponent < 0 ? value / pow10_exact[-dec.exponent]
                                 : value * pow10_exact[dec.exponent];
        *out = dec.negative ? -value : value;
        return true;
    }
    return parse_slow(text, out, NULL);
}

bool vj_parse_f32(vj_span text, float *out)
{
    decimal dec;
    double special = 0;

    if (!scan_decimal(text, &dec)) {
        if (!parse_special(text, &special))
            return false;
        *out = (float)special;
        return true;
    }
    /* Exact in single precision on both sides: one rounding, as strtof does. */
    if (dec.exact && dec.mantissa < ((uint64_t)1 << 24) && dec.exponent >= -10 &&
        dec.exponent <= 10) {
        float value = (float)dec.mantissa;
        float power = (float)pow10_exact[dec.exponent < 0 ? -dec.exponent : dec.exponent];

        value = dec.exponent < 0 ? value / power : value * power;
        *out = dec.negative ? -value : value;
        return true;
    }
    return parse_slow(text, NULL, out);
}

static size_t format_special(char *dst, double value)
{
    const char *word = isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    size_t len = strlen(word);

    memcpy(dst, word, len + 1);
    return len;
}

/* Digits of value, least one last, into dst[0, n). */
static void put_digits(char *dst, size_t n, uint64_t value)
{
    while (n > 0) {
        dst[--n] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Does number / 10^point, rounded once, give the float back? */
static bool is_single(uint64_t number, size_t point, double size)
{
    double quotient = (double)number / pow10_exact[point];
    uint64_t bits;

    memcpy(&bits, &quotient, sizeof bits);
    /* half-way between two floats: rounded once already, it must not be rounded again */
    return (bits & 0x1fffffff) != 0x10000000 && (float)quotient == (float)size;
}

/*
 * What "%.<digits>g" writes for a number between 1e-4 and 10^digits, when so many digits give
 * it back; 0 when they do not, or the number is another one. Only one decimal of so many digits
 * lies within half a unit of a double's last place; of a float, the product below is exact and
 * so is its rounding. Ties and numbers that gain a digit (*unclear) are left to printf.
 */
static size_t format_plain(char *dst, double value, size_t digits, bool single, bool *unclear)
{
    double size = fabs(value);
    size_t whole = 1; /* digits before the point */
    size_t point = digits;
    size_t n = 0;

    if (!(size >= 1e-4 && size < pow10_exact[digits]))
        return 0;
    while (size >= pow10_exact[whole])
        whole++;
    for (double limit = 1; size < limit; limit /= 10)
        point++; /* a zero before the first digit counts for none */
    point -= whole;
    double exact = size * pow10_exact[point];
    uint64_t number = (uint64_t)(exact + 0.5);
    *unclear = (double)number - exact == 0.5 || number >= (uint64_t)pow10_exact[digits];
    bool same = single ? is_single(number, point, size)
                       : (double)number / pow10_exact[point] == size;
    if (!same || (*unclear && (single || number >= (uint64_t)pow10_exact[digits])))
        return 0;
    while (point > 0 && number % 10 == 0) {
        number /= 10;
        point--;
    }
    if (value < 0)
        dst[n++] = '-';
    put_digits(dst + n, whole, number / (uint64_t)pow10_exact[point]);
    n += whole;
    if (point > 0) {
        dst[n++] = '.';
        put_digits(dst + n, point, number % (uint64_t)pow10_exact[point]);
        n += point;
    }
    dst[n] = '\0';
    return n;
}

size_t vj_format_f64(char dst[VJ_NUM_TEXT_BYTES], double value)
{
    if (!isfinite(value))
        return format_special(dst, value);
    bool unclear = false;
    size_t plain = format_plain(dst, value, 15, false, &unclear);
    if (plain > 0)
        return plain;
    /* every normal number with at most 15 digits survives them; subnormals have fewer */
    for (int digits = isnormal(value) ? 15 : 1; digits <= 17; digits++) {
        int len = snprintf(dst, VJ_NUM_TEXT_BYTES, "%.*g", digits, value);
        double back = 0;

        if (digits == 17 ||
            (vj_parse_f64((vj_span){dst, (size_t)len}, &back) && back == value))
            return (size_t)len;
    }
    return 0;
}

size_t vj_format_f32(char dst[VJ_NUM_TEXT_BYTES], float value)
{
    if (!isfinite(value))
        return format_special(dst, (double)value);
    bool unclear = false;
    /* from a million on, fewer digits may do with an exponent */
    for (size_t digits = 6; digits <= 9 && !unclear && fabsf(value) < 1e6F; digits++) {
        size_t plain = format_plain(dst, (double)value, digits, true, &unclear);

        if (plain > 0)
            return plain;
    }
    for (int digits = isnormal(value) ? 6 : 1; digits <= 9; digits++) {
        int len = snprintf(dst, VJ_NUM_TEXT_BYTES, "%.*g", digits, (double)value);
        float back = 0;

        if (digits == 9 ||
            (vj_parse_f32((vj_span){dst, (size_t)len}, &back) && back == value))
            return (size_t)len;
    }
    return 0;
}

/* 1 to 20 bytes, those that are there and no others; pieces of a fixed size that overlap. */
static inline void copy_digits(char *dst, const char *src, size_t n)
{
    if (n > 16) {
        memcpy(dst, src, n);
    } else if (n >= 8) {
        memcpy(dst, src, 8);
        memcpy(dst + n - 8, src + n - 8, 8);
    } else if (n >= 4) {
        memcpy(dst, src, 4);
        memcpy(dst + n - 4, src + n - 4, 4);
    } else {
        for (size_t i = 0; i < n; i++)
            dst[i] = src[i];
    }
}

size_t vj_format_i64(char dst[VJ_NUM_TEXT_BYTES], int64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    char *at = digits + sizeof digits;
    size_t out = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    for (; rest > UINT32_MAX; rest /= 100)
        memcpy(at -= 2, pairs + 2 * (rest % 100), 2);
    uint32_t low = (uint32_t)rest; /* most numbers are short: a division of half the width */
    for (; low >= 100; low /= 100)
        memcpy(at -= 2, pairs + 2 * (low % 100), 2);
    if (low >= 10)
        memcpy(at -= 2, pairs + 2 * low, 2);
    else
        *--at = (char)('0' + low);
    if (value < 0)
        dst[out++] = '-';
    size_t n = (size_t)(digits + sizeof digits - at);
    copy_digits(dst + out, at, n);
    dst[out + n] = '\0';
    return out + n;
}

static bool size_unit(vj_span unit, double *factor)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1},       {"b", 1},         {"k", 1024},    {"kb", 1e3},
                 {"kib", 1024}, {"m", 1048576},   {"mb", 1e6},    {"mib", 1048576},
                 {"g", 1 << 30}, {"gb", 1e9},     {"gib", 1 << 30}, {"t", 1099511627776.0},
                 {"tb", 1e12},  {"tib", 1099511627776.0}};

    for (size_t i = 0; i < VJ_COUNT(units); i++)
        if (is_word(unit, units[i].name)) {
            *factor = units[i].factor;
            return true;
        }
    return false;
}

bool vj_parse_size(vj_span text, int64_t *out_bytes)
{
    size_t n = 0;
    double number = 0;
    double factor = 1;

    while (n < text.len_bytes && ((text.ptr[n] >= '0' && text.ptr[n] <= '9') || text.ptr[n] == '.'))
        n++;
    if (n == 0 || !vj_parse_f64((vj_span){text.ptr, n}, &number))
        return false;
    while (n < text.len_bytes && text.ptr[n] == ' ')
        n++;
    if (!size_unit((vj_span){text.ptr + n, text.len_bytes - n}, &factor))
        return false;
    if (number * factor >= 9e18)
        return false;
    *out_bytes = (int64_t)(number * factor);
    return true;
}

char *vj_format_size(char *dst, size_t cap_bytes, int64_t bytes)
{
    static const char *const names[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1000 && unit + 1 < VJ_COUNT(names)) {
        value /= 1000;
        unit++;
    }
    snprintf(dst, cap_bytes, unit == 0 ? "%.0f %s" : "%.1f %s", value, names[unit]);
    return dst;
}
