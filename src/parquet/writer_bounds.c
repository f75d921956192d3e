#include "parquet/writer_bounds.h"

#include <math.h>

vj_order vj_order_of(const vj_type *type)
{
    switch (type->logical) {
    case VJ_LOGICAL_INTERVAL:
    case VJ_LOGICAL_NULL:
        return VJ_ORDER_NONE;
    case VJ_LOGICAL_F16:
        return VJ_ORDER_F16;
    case VJ_LOGICAL_DECIMAL:
        if (type->kind == VJ_FIXED)
            return (size_t)type->width_bytes <= VJ_BOUND_BYTES ? VJ_ORDER_DECIMAL : VJ_ORDER_NONE;
        break;
    default:
        break;
    }
    switch (type->kind) {
    case VJ_BOOL:
        return VJ_ORDER_BOOL;
    case VJ_I8:
    case VJ_I16:
    case VJ_I32:
        return VJ_ORDER_I32;
    case VJ_U8:
    case VJ_U16:
    case VJ_U32:
        return VJ_ORDER_U32;
    case VJ_I64:
        return VJ_ORDER_I64;
    case VJ_U64:
        return VJ_ORDER_U64;
    case VJ_F32:
        return VJ_ORDER_F32;
    case VJ_F64:
        return VJ_ORDER_F64;
    case VJ_TEXT:
    case VJ_BINARY:
        return VJ_ORDER_BYTES;
    case VJ_FIXED:
        /* a bound must have the full width, and the index is no place for long ones */
        return (size_t)type->width_bytes <= VJ_BOUND_BYTES ? VJ_ORDER_BYTES : VJ_ORDER_NONE;
    case VJ_LIST:
    case VJ_STRUCT:
        break;
    }
    return VJ_ORDER_NONE;
}

/* Value of an IEEE half; exact. */
static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 31;
    double fraction = half & 1023;
    double value = exponent == 0    ? ldexp(fraction, -24)
                   : exponent == 31 ? (fraction > 0 ? (double)NAN : (double)INFINITY)
                                    : ldexp(fraction + 1024, exponent - 25);

    return (half & 0x8000) != 0 ? -value : value;
}

static double real_value(vj_order order, vj_span bytes)
{
    double wide = 0;
    float narrow = 0;
    uint16_t half = 0;

    switch (order) {
    case VJ_ORDER_F32:
        memcpy(&narrow, bytes.ptr, sizeof narrow);
        return (double)narrow;
    case VJ_ORDER_F64:
        memcpy(&wide, bytes.ptr, sizeof wide);
        return wide;
    default:
        memcpy(&half, bytes.ptr, sizeof half);
        return half_value(half);
    }
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))
#define COMPARE_AS(T)                                                                      \
    do {                                                                                   \
        T x_;                                                                              \
        T y_;                                                                              \
        memcpy(&x_, a.ptr, sizeof x_);                                                     \
        memcpy(&y_, b.ptr, sizeof y_);                                                     \
        return COMPARE(x_, y_);                                                            \
    } while (0)

static int cmp_decimal(vj_span a, vj_span b)
{
    int sign = COMPARE((int8_t)a.ptr[0], (int8_t)b.ptr[0]);

    return sign != 0 ? sign : vj_span_cmp(a, b);
}

int vj_bounds_cmp(vj_order order, vj_span a, vj_span b)
{
    switch (order) {
    case VJ_ORDER_BOOL:
        COMPARE_AS(uint8_t);
    case VJ_ORDER_I32:
        COMPARE_AS(int32_t);
    case VJ_ORDER_U32:
        COMPARE_AS(uint32_t);
    case VJ_ORDER_I64:
        COMPARE_AS(int64_t);
    case VJ_ORDER_U64:
        COMPARE_AS(uint64_t);
    case VJ_ORDER_F32:
    case VJ_ORDER_F64:
    case VJ_ORDER_F16:
        return COMPARE(real_value(order, a), real_value(order, b));
    case VJ_ORDER_DECIMAL:
        return cmp_decimal(a, b);
    case VJ_ORDER_BYTES:
    case VJ_ORDER_NONE:
        break;
    }
    return vj_span_cmp(a, b);
}

static void set_store(vj_bounds *out, const void *min, const void *max, size_t width)
{
    memcpy(out->store[0], min, width);
    memcpy(out->store[1], max, width);
    out->min = (vj_span){(const char *)out->store[0], width};
    out->max = (vj_span){(const char *)out->store[1], width};
    out->has = true;
}

#define INT_BOUNDS(T)                                                                      \
    do {                                                                                   \
        const T *v_ = (const T *)values;                                                   \
        T min_ = v_[0];                                                                    \
        T max_ = v_[0];                                                                    \
                                                                                           \
        for (size_t i = 1; i < n; i++) {                                                   \
            min_ = v_[i] < min_ ? v_[i] : min_;                                            \
            max_ = v_[i] > max_ ? v_[i] : max_;                                            \
        }                                                                                  \
        set_store(out, &min_, &max_, sizeof(T));                                           \
    } while (0)

/*
 * IEEE bits as integers that order as the numbers do (-0 before +0), and back: negative ones have
 * all bits but the sign turned over. Comparisons of integers become vectors, those of floats do
 * not, since their order would change what a NaN does.
 */
#define TURN(U, S, bits) ((bits) ^ (U)((U)((S)(bits) >> (8 * sizeof(U) - 1)) >> 1))

/*
 * Zero bounds are written as -0 (min) and +0 (max), as the format asks: the two zeros are equal
 * and a reader may take either. INF are the bits of infinity: larger ones without the sign are NaN.
 */
#define FLOAT_BOUNDS(T, U, S, INF)                                                         \
    do {                                                                                   \
        S low_ = (S)TURN(U, S, values[0]);                                                 \
        S high_ = low_;                                                                    \
        U top_ = 0;                                                                        \
        T min_;                                                                            \
        T max_;                                                                            \
                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                   \
            U bits_ = values[i];                                                           \
            S key_ = (S)TURN(U, S, bits_);                                                 \
            U size_ = (U)(bits_ << 1);                                                     \
            low_ = key_ < low_ ? key_ : low_;                                              \
            high_ = key_ > high_ ? key_ : high_;                                           \
            top_ = size_ > top_ ? size_ : top_;                                            \
        }                                                                                  \
        U min_bits_ = TURN(U, S, (U)low_);                                                 \
        U max_bits_ = TURN(U, S, (U)high_);                                                \
        memcpy(&min_, &min_bits_, sizeof min_);                                            \
        memcpy(&max_, &max_bits_, sizeof max_);                                            \
        min_ = min_ == 0 ? (T)-0.0 : min_;                                                 \
        max_ = max_ == 0 ? (T)0.0 : max_;                                                  \
        set_store(out, &min_, &max_, sizeof(T));                                           \
        out->nan = top_ > (U)((U)(INF) << 1);                                              \
        out->has = !out->nan;                                                              \
    } while (0)

/* The loops below are written so that the compiler makes vectors of them where it may. */
static inline __attribute__((always_inline)) void
words32_body(vj_order order, const uint32_t *values, size_t n, vj_bounds *out)
{
    out->has = out->nan = false;
    if (n == 0 || order == VJ_ORDER_NONE)
        return;
    if (order == VJ_ORDER_F32)
        FLOAT_BOUNDS(float, uint32_t, int32_t, 0x7f800000u);
    else if (order == VJ_ORDER_U32)
        INT_BOUNDS(uint32_t);
    else
        INT_BOUNDS(int32_t);
}

static inline __attribute__((always_inline)) void
words64_body(vj_order order, const uint64_t *values, size_t n, vj_bounds *out)
{
    out->has = out->nan = false;
    if (n == 0 || order == VJ_ORDER_NONE)
        return;
    if (order == VJ_ORDER_F64)
        FLOAT_BOUNDS(double, uint64_t, int64_t, 0x7ff0000000000000u);
    else if (order == VJ_ORDER_U64)
        INT_BOUNDS(uint64_t);
    else
        INT_BOUNDS(int64_t);
}

void vj_bounds_words32_scalar(vj_order order, const uint32_t *values, size_t n, vj_bounds *out)
{
    words32_body(order, values, n, out);
}

void vj_bounds_words64_scalar(vj_order order, const uint64_t *values, size_t n, vj_bounds *out)
{
    words64_body(order, values, n, out);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void words32_avx2(vj_order order, const uint32_t *values,
                                                         size_t n, vj_bounds *out)
{
    words32_body(order, values, n, out);
}

__attribute__((target("avx2"))) static void words64_avx2(vj_order order, const uint64_t *values,
                                                         size_t n, vj_bounds *out)
{
    words64_body(order, values, n, out);
}
#endif

void vj_bounds_words32(vj_order order, const uint32_t *values, size_t n, vj_bounds *out)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2) {
        words32_avx2(order, values, n, out);
        return;
    }
#endif
    words32_body(order, values, n, out);
}

void vj_bounds_words64(vj_order order, const uint64_t *values, size_t n, vj_bounds *out)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2) {
        words64_avx2(order, values, n, out);
        return;
    }
#endif
    words64_body(order, values, n, out);
}

void vj_bounds_bits(size_t n_true, size_t n, vj_bounds *out)
{
    uint8_t min = n_true == n;
    uint8_t max = n_true > 0;

    out->has = out->nan = false;
    if (n > 0)
        set_store(out, &min, &max, 1);
}

/* ---- text ---- */

/* The first eight bytes as a number that orders as they do. */
static inline uint64_t prefix_of(const uint8_t *ptr, uint32_t len)
{
    uint64_t word;

    memcpy(&word, ptr, sizeof word);
    word = __builtin_bswap64(word);
    return len >= 8 ? word : len == 0 ? 0 : word & ~(UINT64_MAX >> (8 * len));
}

static int cmp_strings(const uint8_t *a, uint32_t a_len, const uint8_t *b, uint32_t b_len)
{
    return vj_span_cmp((vj_span){(const char *)a, a_len}, (vj_span){(const char *)b, b_len});
}

/* Most values are settled by their first eight bytes. */
static inline void see_string(vj_string_bounds *b, const uint8_t *ptr, uint32_t len)
{
    uint64_t prefix = prefix_of(ptr, len);

    if (b->min == NULL) {
        *b = (vj_string_bounds){ptr, ptr, len, len, prefix, prefix};
        return;
    }
    if (prefix <= b->min_prefix &&
        (prefix < b->min_prefix || cmp_strings(ptr, len, b->min, b->min_len) < 0)) {
        b->min = ptr;
        b->min_len = len;
        b->min_prefix = prefix;
    }
    if (prefix >= b->max_prefix &&
        (prefix > b->max_prefix || cmp_strings(ptr, len, b->max, b->max_len) > 0)) {
        b->max = ptr;
        b->max_len = len;
        b->max_prefix = prefix;
    }
}

void vj_bounds_see(vj_string_bounds *b, const uint8_t *ptr, uint32_t len)
{
    see_string(b, ptr, len);
}

void vj_bounds_seen(const vj_string_bounds *b, vj_bounds *out)
{
    out->has = b->min != NULL;
    out->nan = false;
    out->min = (vj_span){(const char *)b->min, b->min_len};
    out->max = (vj_span){(const char *)b->max, b->max_len};
}

void vj_bounds_strings(const uint8_t *bytes, const uint32_t *lens, size_t n, vj_bounds *out)
{
    vj_string_bounds bounds = {0};

    for (size_t i = 0; i < n; bytes += lens[i], i++)
        see_string(&bounds, bytes, lens[i]);
    vj_bounds_seen(&bounds, out);
}

void vj_bounds_fixed(vj_order order, const uint8_t *bytes, size_t width, size_t n, vj_bounds *out)
{
    out->has = out->nan = false;
    if (n == 0 || order == VJ_ORDER_NONE || width == 0)
        return;
    out->min = out->max = (vj_span){(const char *)bytes, width};
    out->has = true;
    for (size_t i = 0; i < n; i++) {
        vj_span value = {(const char *)bytes + i * width, width};

        out->nan |= order == VJ_ORDER_F16 && isnan(real_value(order, value));
        if (vj_bounds_cmp(order, value, out->min) < 0)
            out->min = value;
        if (vj_bounds_cmp(order, value, out->max) > 0)
            out->max = value;
    }
    if (order == VJ_ORDER_F16) {
        uint16_t zeros[2] = {0x8000, 0};

        if (real_value(order, out->min) == 0) {
            memcpy(out->store[0], &zeros[0], 2);
            out->min.ptr = (const char *)out->store[0];
        }
        if (real_value(order, out->max) == 0) {
            memcpy(out->store[1], &zeros[1], 2);
            out->max.ptr = (const char *)out->store[1];
        }
        out->has = !out->nan;
    }
}

/* Largest end of whole characters within limit bytes. */
static size_t character_end(vj_span text, size_t limit)
{
    size_t end = limit;

    while (end > 0 && ((uint8_t)text.ptr[end] & 0xc0) == 0x80)
        end--;
    return end;
}

size_t vj_bound_cut_min(vj_span whole, bool text)
{
    if (whole.len_bytes <= VJ_BOUND_BYTES)
        return whole.len_bytes;
    return text ? character_end(whole, VJ_BOUND_BYTES) : VJ_BOUND_BYTES;
}

static size_t put_utf8(uint32_t point, uint8_t *dst)
{
    if (point < 0x80) {
        dst[0] = (uint8_t)point;
        return 1;
    }
    size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, point >>= 6)
        dst[i] = (uint8_t)(0x80 | (point & 0x3f));
    dst[0] = (uint8_t)((0xf00u >> n & 0xf0u) | point);
    return n;
}

/* Raise the last character that has a successor and drop what follows it. */
static size_t raise_text(uint8_t *dst, size_t len)
{
    while (len > 0) {
        size_t beg = len - 1;

        while (beg > 0 && (dst[beg] & 0xc0) == 0x80)
            beg--;
        static const uint8_t masks[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
        uint32_t point = dst[beg] & masks[len - beg];
        for (size_t i = beg + 1; i < len; i++)
            point = point << 6 | (dst[i] & 0x3fu);
        if (point < 0x10ffff) {
            point = point == 0xd7ff ? 0xe000 : point + 1; /* surrogates are no characters */
            return beg + put_utf8(point, dst + beg);
        }
        len = beg;
    }
    return 0;
}

static size_t raise_bytes(uint8_t *dst, size_t len)
{
    for (; len > 0; len--) {
        if (dst[len - 1] < 0xff) {
            dst[len - 1]++;
            return len;
        }
    }
    return 0;
}

size_t vj_bound_cut_max(vj_span whole, bool text, uint8_t dst[VJ_BOUND_BYTES + 4])
{
    size_t len = vj_bound_cut_min(whole, text);

    memcpy(dst, whole.ptr, len);
    if (len == whole.len_bytes)
        return len;
    /* Text that is none (a caller's mistake) still gets a right bound, byte by byte. */
    return text && vj_utf8_valid(dst, len) ? raise_text(dst, len) : raise_bytes(dst, len);
}
