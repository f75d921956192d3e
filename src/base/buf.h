/*
 * buf.h - owned growable bytes, borrowed spans, typed vectors, bit sets.
 */
#ifndef VJ_BASE_BUF_H
#define VJ_BASE_BUF_H

#include <string.h>

#include "base/mem.h"

/* Borrowed bytes; no terminator. {NULL, 0} is the empty span. */
typedef struct vj_span {
    const char *ptr;
    size_t len_bytes;
} vj_span;

static inline vj_span vj_span_of(const char *text)
{
    return (vj_span){text, strlen(text)};
}

static inline bool vj_span_eq(vj_span a, vj_span b)
{
    return a.len_bytes == b.len_bytes &&
           (a.len_bytes == 0 || memcmp(a.ptr, b.ptr, a.len_bytes) == 0);
}

static inline bool vj_span_is(vj_span a, const char *text)
{
    return vj_span_eq(a, vj_span_of(text));
}

/* Order by bytes, then by length; <0, 0, >0. */
static inline int vj_span_cmp(vj_span a, vj_span b)
{
    size_t n = a.len_bytes < b.len_bytes ? a.len_bytes : b.len_bytes;
    int c = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;

    return c != 0 ? c : (a.len_bytes > b.len_bytes) - (a.len_bytes < b.len_bytes);
}

/*
 * Owned growable bytes. Zero is a valid empty buffer without a budget; vj_buf_init gives one
 * its budget and its maximum (0: none).
 */
typedef struct vj_buf {
    uint8_t *ptr;
    size_t len_bytes;
    size_t cap_bytes;
    size_t max_bytes;
    vj_budget *budget;
} vj_buf;

void vj_buf_init(vj_buf *buf, vj_budget *budget, size_t max_bytes);
void vj_buf_fini(vj_buf *buf);
/* Empty it, keep the memory. */
static inline void vj_buf_reset(vj_buf *buf)
{
    buf->len_bytes = 0;
}
/* Room for `more_bytes` after len_bytes; doubling growth. VJ_E_NOMEM beyond max_bytes. */
VJ_MUST_CHECK vj_status vj_buf_grow(vj_buf *buf, size_t more_bytes, vj_error *err);
static inline VJ_MUST_CHECK vj_status vj_buf_reserve(vj_buf *buf, size_t more_bytes, vj_error *err)
{
    return VJ_LIKELY(buf->cap_bytes - buf->len_bytes >= more_bytes)
               ? VJ_OK
               : vj_buf_grow(buf, more_bytes, err);
}
VJ_MUST_CHECK vj_status vj_buf_append(vj_buf *buf, const void *bytes, size_t len_bytes,
                                      vj_error *err);
VJ_MUST_CHECK vj_status vj_buf_append_text(vj_buf *buf, const char *text, vj_error *err);
VJ_MUST_CHECK vj_status vj_buf_printf(vj_buf *buf, vj_error *err, const char *fmt, ...)
    VJ_PRINTF(3, 4);
static inline VJ_MUST_CHECK vj_status vj_buf_push(vj_buf *buf, uint8_t byte, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(buf, 1, err));
    buf->ptr[buf->len_bytes++] = byte;
    return VJ_OK;
}
static inline vj_span vj_buf_span(const vj_buf *buf)
{
    return (vj_span){(const char *)buf->ptr, buf->len_bytes};
}

/*
 * Typed vector over a vj_buf: VJ_VEC(int32_t) declares one; use the macros below only.
 *   VJ_VEC(int32_t) rows = {0};  VJ_GO(rc, VJ_VEC_PUSH(&rows, 7, err));  rows.ptr[0]
 */
#define VJ_VEC(T)                                                                          \
    struct {                                                                               \
        T *ptr;                                                                            \
        size_t n;                                                                          \
        size_t cap;                                                                        \
        vj_budget *budget;                                                                 \
    }
vj_status vj_vec_grow_(void **ptr, size_t *cap, size_t need, size_t item_bytes,
                       vj_budget *budget, vj_error *err);
#define VJ_VEC_RESERVE(v, more, err)                                                       \
    ((v)->cap - (v)->n >= (size_t)(more)                                                   \
         ? VJ_OK                                                                           \
         : vj_vec_grow_((void **)&(v)->ptr, &(v)->cap, (v)->n + (size_t)(more),            \
                        sizeof *(v)->ptr, (v)->budget, err))
#define VJ_VEC_PUSH(v, value, err)                                                         \
    (VJ_VEC_RESERVE(v, 1, err) == VJ_OK ? ((v)->ptr[(v)->n++] = (value), VJ_OK) : VJ_E_NOMEM)
#define VJ_VEC_RESET(v) ((v)->n = 0)
#define VJ_VEC_FINI(v) (vj_free((v)->ptr), (v)->ptr = NULL, (v)->n = (v)->cap = 0)

/* Bits, least significant first, as Arrow has them. */
static inline bool vj_bit_get(const uint8_t *bits, int64_t i)
{
    return (bits[i >> 3] >> (i & 7)) & 1;
}
static inline void vj_bit_set(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t)(bits[i >> 3] | (1u << (i & 7)));
}
static inline void vj_bit_clear(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t)(bits[i >> 3] & ~(1u << (i & 7)));
}
static inline void vj_bit_put(uint8_t *bits, int64_t i, bool on)
{
    if (on)
        vj_bit_set(bits, i);
    else
        vj_bit_clear(bits, i);
}
/* n (1 to 64) bits from bit `at` on; bytes without one of them are not touched. */
static inline uint64_t vj_bits_take(const uint8_t *bits, int64_t at, size_t n)
{
    const uint8_t *from = bits + (at >> 3);
    unsigned shift = (unsigned)(at & 7);
    size_t n_bytes = (shift + n + 7) / 8;
    uint64_t word = 0;

    if (n_bytes >= sizeof word) {
        memcpy(&word, from, sizeof word);
        word >>= shift;
        if (n_bytes > sizeof word)
            word |= (uint64_t)from[8] << (64 - shift);
    } else {
        for (size_t i = 0; i < n_bytes; i++)
            word |= (uint64_t)from[i] << (8 * i);
        word >>= shift;
    }
    return n < 64 ? word & (((uint64_t)1 << n) - 1) : word;
}
/* Number of ones among the first n bits. */
int64_t vj_bits_count(const uint8_t *bits, int64_t n);
/* The same of the n bits from bit `off` on. */
int64_t vj_bits_count_at(const uint8_t *bits, int64_t off, int64_t n);
/* Copy n bits from src at src_off to dst at dst_off; bits of dst outside are kept. */
void vj_bits_copy(uint8_t *dst, int64_t dst_off, const uint8_t *src, int64_t src_off, int64_t n);

#endif
