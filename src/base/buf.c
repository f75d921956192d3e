#include "base/base.h"

#include <stdio.h>

void vj_buf_init(vj_buf *buf, vj_budget *budget, size_t max_bytes)
{
    *buf = (vj_buf){.budget = budget, .max_bytes = max_bytes};
}

void vj_buf_fini(vj_buf *buf)
{
    vj_free(buf->ptr);
    buf->ptr = NULL;
    buf->len_bytes = buf->cap_bytes = 0;
}

vj_status vj_buf_grow(vj_buf *buf, size_t more_bytes, vj_error *err)
{
    size_t need = 0;

    if (__builtin_add_overflow(buf->len_bytes, more_bytes, &need) ||
        (buf->max_bytes > 0 && need > buf->max_bytes))
        return vj_fail(err, VJ_E_NOMEM, "a buffer would grow by %zu bytes beyond its maximum "
                       "of %zu", more_bytes, buf->max_bytes);
    if (need <= buf->cap_bytes)
        return VJ_OK;
    /* Large buffers grow by half: doubling would hold three times the data while copying. */
    size_t step = buf->cap_bytes < ((size_t)1 << 20) ? buf->cap_bytes : buf->cap_bytes / 2;
    size_t cap = buf->cap_bytes + step;
    if (cap < need)
        cap = need;
    if (cap < 64)
        cap = 64;
    if (buf->max_bytes > 0 && cap > buf->max_bytes)
        cap = buf->max_bytes;
    uint8_t *grown = vj_realloc(buf->budget, buf->ptr, cap, err);
    if (grown == NULL)
        return VJ_E_NOMEM;
    buf->ptr = grown;
    buf->cap_bytes = cap;
    return VJ_OK;
}

vj_status vj_buf_append(vj_buf *buf, const void *bytes, size_t len_bytes, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(buf, len_bytes, err));
    if (len_bytes > 0)
        memcpy(buf->ptr + buf->len_bytes, bytes, len_bytes);
    buf->len_bytes += len_bytes;
    return VJ_OK;
}

vj_status vj_buf_append_text(vj_buf *buf, const char *text, vj_error *err)
{
    return vj_buf_append(buf, text, strlen(text), err);
}

vj_status vj_buf_printf(vj_buf *buf, vj_error *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return vj_fail(err, VJ_E_BUG, "a format string of our own is broken: %s", fmt);
    VJ_TRY(vj_buf_reserve(buf, (size_t)n + 1, err));
    va_start(ap, fmt);
    vsnprintf((char *)buf->ptr + buf->len_bytes, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf->len_bytes += (size_t)n;
    return VJ_OK;
}

vj_status vj_vec_grow_(void **ptr, size_t *cap, size_t need, size_t item_bytes,
                       vj_budget *budget, vj_error *err)
{
    size_t n = *cap < 8 ? 8 : *cap + *cap / 2;
    size_t bytes = 0;

    if (n < need)
        n = need;
    if (__builtin_mul_overflow(n, item_bytes, &bytes))
        return vj_fail(err, VJ_E_NOMEM, "a vector of %zu items is larger than any memory", n);
    void *grown = vj_realloc(budget, *ptr, bytes, err);
    if (grown == NULL)
        return VJ_E_NOMEM;
    *ptr = grown;
    *cap = n;
    return VJ_OK;
}

int64_t vj_bits_count(const uint8_t *bits, int64_t n)
{
    int64_t ones = 0;
    int64_t i = 0;

    for (; i + 64 <= n; i += 64) {
        uint64_t word;

        memcpy(&word, bits + (i >> 3), sizeof word);
        ones += __builtin_popcountll(word);
    }
    for (; i < n; i++)
        ones += vj_bit_get(bits, i);
    return ones;
}

static uint64_t load64(const uint8_t *ptr)
{
    uint64_t word;

    memcpy(&word, ptr, sizeof word);
    return word;
}

int64_t vj_bits_count_at(const uint8_t *bits, int64_t off, int64_t n)
{
    int64_t ones = 0;

    bits += off >> 3;
    off &= 7;
    for (; n > 0 && off != 0; off = (off + 1) & 7, n--) {
        ones += vj_bit_get(bits, off);
        bits += off == 7;
    }
    return ones + vj_bits_count(bits, n);
}

void vj_bits_copy(uint8_t *dst, int64_t dst_off, const uint8_t *src, int64_t src_off, int64_t n)
{
    int64_t i = 0;

    for (; i < n && ((dst_off + i) & 7) != 0; i++)
        vj_bit_put(dst, dst_off + i, vj_bit_get(src, src_off + i));
    int shift = (int)((src_off + i) & 7);
    uint8_t *to = dst + ((dst_off + i) >> 3);
    const uint8_t *from = src + ((src_off + i) >> 3);
    if (shift == 0) {
        int64_t whole = (n - i) >> 3;

        if (whole > 0)
            memcpy(to, from, (size_t)whole);
        i += whole * 8;
    } else {
        for (; n - i >= 64; i += 64, from += 8, to += 8) {
            uint64_t word = load64(from) >> shift | (uint64_t)from[8] << (64 - shift);

            memcpy(to, &word, sizeof word);
        }
        for (; n - i >= 8; i += 8, from++)
            *to++ = (uint8_t)(from[0] >> shift | from[1] << (8 - shift));
    }
    for (; i < n; i++)
        vj_bit_put(dst, dst_off + i, vj_bit_get(src, src_off + i));
}
