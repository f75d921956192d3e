#include "parquet/decode.h"

/*
 * Validity bits: definition levels of width 1 become a bitmap, rows become value numbers.
 * One template for each loop; the bodies differ in how the machine counts ones.
 */

/* ---- runs of width 1 to a bitmap ---- */

/* Bits on their way into a bitmap: `fill` (0..63) of them wait in acc for the word at `to`. */
typedef struct bit_sink {
    uint8_t *to;
    uint64_t acc;
    unsigned fill;
} bit_sink;

static inline void put_bits(bit_sink *s, uint64_t bits, unsigned n)
{
    s->acc |= bits << s->fill;
    if (s->fill + n >= 64) {
        memcpy(s->to, &s->acc, sizeof s->acc);
        s->to += sizeof s->acc;
        s->acc = s->fill > 0 ? bits >> (64 - s->fill) : 0;
    }
    s->fill = (s->fill + n) & 63;
}

/* A packed run, 32 bits a step: with a bit offset of up to 7 they lie in one load. */
#define PACKED_STEP 32
/* n bits, all the same, by words once a word is full. */
static inline void put_same(bit_sink *s, bool on, int64_t n)
{
    uint64_t ones = on ? UINT64_MAX : 0;

    while (n > 0) {
        unsigned take = (unsigned)VJ_MIN(n, (int64_t)(64 - s->fill));

        put_bits(s, take < 64 ? ones & (((uint64_t)1 << take) - 1) : ones, take);
        n -= take;
        if (s->fill == 0 && n >= 512) {
            memset(s->to, on ? 0xff : 0, (size_t)(n >> 6) * 8);
            s->to += (size_t)(n >> 6) * 8;
            n &= 63;
        }
    }
}

/*
 * Whole runs of up to 63 values with a head of one byte, which is what sparse columns are made
 * of; none is at hand. Returns how many of the next n values they were; what is left, too long or
 * broken is pq_runs_load's.
 */
static inline __attribute__((always_inline)) int64_t short_runs(bit_sink *s, pq_runs *r, int64_t n,
                                                                int64_t *sum)
{
    const uint8_t *ptr = r->ptr;
    int64_t done = 0;

    while (r->end - ptr >= 2 && *ptr < 0x80) {
        unsigned head = *ptr;
        unsigned bytes = head >> 1;

        if ((head & 1) != 0) {
            if (bytes > 7 || r->end - ptr < 1 + (int64_t)bytes || n - done < 8 * (int64_t)bytes)
                break;
            uint64_t bits = pq_load64(ptr + 1) & (((uint64_t)1 << 8 * bytes) - 1);
            *sum += __builtin_popcountll(bits);
            put_bits(s, bits, 8 * bytes);
            done += 8 * (int64_t)bytes;
            ptr += 1 + bytes;
        } else {
            unsigned count = head >> 1;

            if (ptr[1] > 1 || n - done < (int64_t)count)
                break;
            uint64_t bits = (((uint64_t)1 << count) - 1) & (0 - (uint64_t)ptr[1]);
            *sum += ptr[1] != 0 ? count : 0;
            put_bits(s, bits, count);
            done += count;
            ptr += 2;
        }
    }
    r->ptr = ptr;
    return done;
}

#define READ_BITS(NAME, ATTRIBUTE)                                                         \
    ATTRIBUTE static bool NAME(pq_runs *r, int64_t n, uint8_t *out, int64_t out_off,       \
                               int64_t *ones)                                              \
    {                                                                                      \
        unsigned fill = (unsigned)(out_off & 7);                                           \
        bit_sink s = {out + (out_off >> 3), 0, fill};                                      \
        int64_t sum = 0;                                                                   \
                                                                                           \
        s.acc = fill > 0 ? s.to[0] & ((1u << fill) - 1) : 0;                               \
        while (n > 0) {                                                                    \
            if (r->left == 0) {                                                            \
                n -= short_runs(&s, r, n, &sum);                                           \
                if (n == 0)                                                                \
                    break;                                                                 \
                if (!pq_runs_load(r))                                                      \
                    return false;                                                          \
            }                                                                              \
            int64_t take = VJ_MIN(n, r->left);                                             \
            if (r->packed) {                                                               \
                for (int64_t i = 0; i < take; i += PACKED_STEP) {                          \
                    unsigned k = (unsigned)VJ_MIN(take - i, (int64_t)PACKED_STEP);         \
                    int64_t at = r->at + i;                                                \
                    uint64_t bits = pq_load64(r->bits + (at >> 3)) >> (at & 7);            \
                                                                                           \
                    bits &= ((uint64_t)1 << k) - 1;                                        \
                    sum += __builtin_popcountll(bits);                                     \
                    put_bits(&s, bits, k);                                                 \
                }                                                                          \
            } else {                                                                       \
                put_same(&s, r->value != 0, take);                                         \
                sum += r->value != 0 ? take : 0;                                           \
            }                                                                              \
            r->at += take;                                                                 \
            r->left -= take;                                                               \
            n -= take;                                                                     \
        }                                                                                  \
        for (; s.fill > 0; s.fill -= VJ_MIN(s.fill, 8u), s.acc >>= 8)                      \
            *s.to++ = (uint8_t)s.acc;                                                      \
        *ones += sum;                                                                      \
        return true;                                                                       \
    }

/* ---- rows to value numbers ---- */

#define RANK_BITS(NAME, ATTRIBUTE)                                                         \
    ATTRIBUTE static int64_t NAME(const uint8_t *bits, int64_t row, const int32_t *rows,   \
                                  int64_t n, int32_t *idx, uint8_t *present)               \
    {                                                                                      \
        int64_t at = 0; /* multiple of 64; rank counts the ones before it */               \
        int64_t rank = 0;                                                                  \
        int64_t n_idx = 0;                                                                 \
                                                                                           \
        for (int64_t i = 0; i < n; i++) {                                                  \
            int64_t to = rows[i] - row;                                                    \
                                                                                           \
            for (; at + 64 <= to; at += 64)                                                \
                rank += __builtin_popcountll(pq_load64(bits + (at >> 3)));                 \
            uint64_t word = pq_load64(bits + (at >> 3));                                   \
            uint64_t before = word & (((uint64_t)1 << (to - at)) - 1);                     \
            bool on = word >> (to - at) & 1;                                               \
            idx[n_idx] = (int32_t)(rank + __builtin_popcountll(before));                   \
            n_idx += on;                                                                   \
            vj_bit_put(present, i, on);                                                    \
        }                                                                                  \
        return n_idx;                                                                      \
    }

#define COUNT_BITS(NAME, ATTRIBUTE)                                                        \
    ATTRIBUTE static int64_t NAME(const uint8_t *bits, int64_t n)                          \
    {                                                                                      \
        int64_t ones = 0;                                                                  \
        int64_t i = 0;                                                                     \
                                                                                           \
        for (; i + 64 <= n; i += 64)                                                       \
            ones += __builtin_popcountll(pq_load64(bits + (i >> 3)));                      \
        if (i < n)                                                                         \
            ones += __builtin_popcountll(pq_load64(bits + (i >> 3)) &                      \
                                         (((uint64_t)1 << (n - i)) - 1));                  \
        return ones;                                                                       \
    }

READ_BITS(read_bits_scalar, )
RANK_BITS(rank_bits_scalar, )
COUNT_BITS(count_bits_scalar, )
#if defined(__x86_64__)
READ_BITS(read_bits_popcnt, __attribute__((target("popcnt"))))
RANK_BITS(rank_bits_popcnt, __attribute__((target("popcnt"))))
COUNT_BITS(count_bits_popcnt, __attribute__((target("popcnt"))))
#else /* other machines have one body */
#define read_bits_popcnt read_bits_scalar
#define rank_bits_popcnt rank_bits_scalar
#define count_bits_popcnt count_bits_scalar
#endif

bool pq_runs_read_bits(pq_runs *r, int64_t n, uint8_t *out, int64_t out_off, int64_t *ones)
{
    return vj_cpu() >= VJ_CPU_SSE42 ? read_bits_popcnt(r, n, out, out_off, ones)
                                    : read_bits_scalar(r, n, out, out_off, ones);
}

int64_t pq_rank_bits(const uint8_t *bits, int64_t row, const int32_t *rows, int64_t n,
                     int32_t *idx, uint8_t *present)
{
    return vj_cpu() >= VJ_CPU_SSE42 ? rank_bits_popcnt(bits, row, rows, n, idx, present)
                                    : rank_bits_scalar(bits, row, rows, n, idx, present);
}

int64_t pq_count_bits(const uint8_t *bits, int64_t n)
{
    return vj_cpu() >= VJ_CPU_SSE42 ? count_bits_popcnt(bits, n) : count_bits_scalar(bits, n);
}
