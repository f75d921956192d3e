#include "col/col.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* What kernels may load behind the values of `from`. */
#define SLACK ((size_t)16)

size_t vj_places_bytes(int64_t n)
{
    size_t blocks = (size_t)(n + 63) / 64;

    return blocks * (sizeof(uint64_t) + sizeof(int32_t));
}

void vj_places_find(const int32_t *idx, int64_t n, void *memory, vj_places *out)
{
    int64_t blocks = (n + 63) / 64;
    uint64_t *where = memory;
    int32_t *first = (int32_t *)(void *)(where + blocks);
    int64_t n_none = n;

    for (int64_t b = 0; b < blocks; b++) {
        const int32_t *rows = idx + b * 64;
        int64_t n_here = VJ_MIN(n - b * 64, (int64_t)64);
        uint64_t word = 0;
        int32_t next = 0;
        int32_t other = 0;

        for (int64_t k = 0; k < n_here; k++)
            word |= (uint64_t)(rows[k] >= 0) << k;
        first[b] = next = word != 0 ? rows[__builtin_ctzll(word)] : 0;
        for (int64_t k = 0; k < n_here; k++) {
            int32_t on = rows[k] >= 0;

            other |= -on & (rows[k] ^ next);
            next += on;
        }
        if (other != 0)
            first[b] = -1;
        where[b] = word;
        n_none -= __builtin_popcountll(word);
    }
    *out = (vj_places){idx, n, n_none, (const uint8_t *)where, first};
}

/* ---- bits ---- */

static uint64_t load64(const uint8_t *ptr)
{
    uint64_t word;

    memcpy(&word, ptr, sizeof word);
    return word;
}

/* The 64 bits from bit `at` on; those asked for are `ones`, nothing behind them is touched but slack. */
static inline uint64_t bits_at(const uint8_t *bits, int64_t at, int ones)
{
    const uint8_t *from = bits + (at >> 3);
    int shift = (int)(at & 7);
    uint64_t word = load64(from) >> shift;

    if (shift + ones > 64)
        word |= (uint64_t)from[8] << (64 - shift);
    return word;
}

static uint64_t pick_bits(const uint8_t *src, const int32_t *idx, uint64_t where)
{
    uint64_t word = 0;

    for (; where != 0; where &= where - 1) {
        int k = __builtin_ctzll(where);

        word |= (uint64_t)vj_bit_get(src, idx[k]) << k;
    }
    return word;
}

/* The lowest bits of `bits` to where `where` has ones. */
static inline uint64_t deposit(uint64_t bits, uint64_t where)
{
    uint64_t out = 0;

    for (; where != 0; where &= where - 1, bits >>= 1)
        if (bits & 1)
            out |= where & (0 - where);
    return out;
}

#define PLACE_BITS(NAME, ATTRIBUTE, DEPOSIT)                                               \
    ATTRIBUTE static int64_t NAME(uint8_t *dst, const uint8_t *src, const vj_places *p)    \
    {                                                                                      \
        int64_t ones = 0;                                                                  \
                                                                                           \
        for (int64_t i = 0, b = 0; i < p->n; i += 64, b++) {                               \
            uint64_t where = load64(p->where + b * 8);                                     \
            uint64_t word = 0;                                                             \
                                                                                           \
            if (where != 0 && p->first[b] >= 0)                                            \
                word = DEPOSIT(bits_at(src, p->first[b], __builtin_popcountll(where)),     \
                               where);                                                     \
            else                                                                           \
                word = pick_bits(src, p->idx + i, where);                                  \
            memcpy(dst + b * 8, &word, sizeof word);                                       \
            ones += __builtin_popcountll(word);                                            \
        }                                                                                  \
        return ones;                                                                       \
    }

PLACE_BITS(place_bits_scalar, , deposit)
#if defined(__x86_64__)
PLACE_BITS(place_bits_bmi2, __attribute__((target("bmi2,popcnt"))), _pdep_u64)
#endif

/* Whole words into dst; returns the ones. src has SLACK behind its bits. */
static int64_t place_bits(uint8_t *dst, const uint8_t *src, const vj_places *p)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2)
        return place_bits_bmi2(dst, src, p);
#endif
    return place_bits_scalar(dst, src, p);
}

/* ---- values ---- */

/* Without branches: a row that is none reads value 0, which is there, and masks it away. */
#define PLACE(T)                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                      \
        int32_t none = idx[i] >> 31;                                                       \
        T v;                                                                               \
        memcpy(&v, src + (size_t)(idx[i] & ~none) * sizeof v, sizeof v);                   \
        v &= (T)~(T)none;                                                                  \
        memcpy(dst + (size_t)i * sizeof v, &v, sizeof v);                                  \
    }

static void place_fixed(uint8_t *dst, const uint8_t *src, size_t width, const int32_t *idx,
                        int64_t n)
{
    if (width == 1) {
        PLACE(uint8_t)
    } else if (width == 2) {
        PLACE(uint16_t)
    } else if (width == 4) {
        PLACE(uint32_t)
    } else if (width == 8) {
        PLACE(uint64_t)
    } else {
        for (int64_t i = 0; i < n; i++) {
            if (idx[i] < 0)
                memset(dst + (size_t)i * width, 0, width);
            else
                memcpy(dst + (size_t)i * width, src + (size_t)idx[i] * width, width);
        }
    }
}

/* The texts of up to 64 rows that lie one behind the other: one copy. Returns the new end. */
static int64_t place_run(const vj_colb *from, int32_t first, uint64_t where, int64_t n,
                         uint8_t *data, int64_t end, int32_t *offs)
{
    const int32_t *src = (const int32_t *)(const void *)from->offs.ptr + first;
    int64_t shift = end - src[0];
    int32_t beg = src[0];

    for (int64_t k = 0; k < n; k++) {
        src += where >> k & 1;
        offs[k] = (int32_t)(*src + shift);
    }
    memcpy(data + end, from->data.ptr + beg, (size_t)(*src - beg));
    return end + *src - beg;
}

/* The same for rows in any order. */
static int64_t place_each(const vj_colb *from, const int32_t *idx, int64_t n, uint8_t *data,
                          int64_t end, int32_t *offs)
{
    const int32_t *src = (const int32_t *)(const void *)from->offs.ptr;

    for (int64_t k = 0; k < n; k++) {
        if (idx[k] >= 0) {
            size_t len = (size_t)(src[idx[k] + 1] - src[idx[k]]);

            memcpy(data + end, from->data.ptr + src[idx[k]], len);
            end += (int64_t)len;
        }
        offs[k] = (int32_t)end;
    }
    return end;
}

/* Bytes that the rows' texts take. */
static int64_t text_bytes(const vj_colb *from, const vj_places *p)
{
    const int32_t *src = (const int32_t *)(const void *)from->offs.ptr;
    int64_t total = 0;

    for (int64_t i = 0, b = 0; i < p->n; i += 64, b++) {
        int64_t n = VJ_MIN(p->n - i, (int64_t)64);
        int ones = __builtin_popcountll(load64(p->where + b * 8));

        if (p->first[b] >= 0) {
            total += src[p->first[b] + ones] - src[p->first[b]];
            continue;
        }
        for (int64_t k = i; k < i + n; k++)
            total += p->idx[k] >= 0 ? src[p->idx[k] + 1] - src[p->idx[k]] : 0;
    }
    return total;
}

static vj_status place_text(vj_colb *b, const vj_colb *from, const vj_places *p, vj_error *err)
{
    int64_t total = text_bytes(from, p);
    int64_t end = 0;

    if (total > INT32_MAX)
        return vj_fail(err, VJ_E_NOMEM, "a column batch would pass 2 GiB of text");
    VJ_TRY(vj_buf_reserve(&b->data, (size_t)total + 1, err));
    VJ_TRY(vj_buf_reserve(&b->offs, ((size_t)p->n + 1) * sizeof(int32_t), err));
    int32_t *offs = (int32_t *)(void *)b->offs.ptr;
    offs[0] = 0;
    for (int64_t i = 0, k = 0; i < p->n; i += 64, k++) {
        int64_t n = VJ_MIN(p->n - i, (int64_t)64);

        end = p->first[k] >= 0 ? place_run(from, p->first[k], load64(p->where + k * 8), n,
                                           b->data.ptr, end, offs + 1 + i)
                               : place_each(from, p->idx + i, n, b->data.ptr, end, offs + 1 + i);
    }
    b->data.len_bytes = (size_t)total;
    b->offs.len_bytes = ((size_t)p->n + 1) * sizeof(int32_t);
    return VJ_OK;
}

static vj_status place_valid(vj_colb *b, vj_colb *from, const vj_places *p, vj_error *err)
{
    size_t words = (size_t)(p->n + 63) / 64 * 8;

    if (p->n_none == 0 && from->n_nulls == 0)
        return VJ_OK;
    VJ_TRY(vj_buf_reserve(&b->valid, words, err));
    if (from->n_nulls == 0) {
        memcpy(b->valid.ptr, p->where, words);
        b->n_nulls = p->n_none;
    } else {
        VJ_TRY(vj_buf_reserve(&from->valid, SLACK, err));
        b->n_nulls = p->n - place_bits(b->valid.ptr, from->valid.ptr, p);
    }
    b->valid.len_bytes = (size_t)(p->n + 7) / 8;
    return VJ_OK;
}

vj_status vj_colb_place(vj_colb *b, vj_colb *from, const vj_places *p, vj_error *err)
{
    size_t width = vj_type_width(&b->type);
    vj_kind kind = b->type.kind;

    if (kind == VJ_LIST || kind == VJ_STRUCT) {
        vj_col view = vj_colb_view(from);

        return vj_colb_gather(b, &view, p->idx, p->n, err);
    }
    if (p->n == p->n_none)
        return vj_colb_nulls(b, p->n, err);
    VJ_TRY(vj_buf_reserve(&from->data, SLACK, err));
    if (kind == VJ_TEXT || kind == VJ_BINARY) {
        VJ_TRY(place_text(b, from, p, err));
    } else if (kind == VJ_BOOL) {
        VJ_TRY(vj_buf_reserve(&b->data, (size_t)(p->n + 63) / 64 * 8, err));
        place_bits(b->data.ptr, from->data.ptr, p);
        b->data.len_bytes = (size_t)(p->n + 7) / 8;
    } else {
        VJ_TRY(vj_buf_reserve(&b->data, (size_t)p->n * width, err));
        place_fixed(b->data.ptr, from->data.ptr, width, p->idx, p->n);
        b->data.len_bytes = (size_t)p->n * width;
    }
    b->n_rows = p->n;
    return place_valid(b, from, p, err);
}
