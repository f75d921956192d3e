#include "parquet/encode.h"

static size_t put_varint(uint8_t *out, uint64_t value)
{
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

/* ---- bit packing: 32 values at a time, one body per width ---- */

/* w is a constant at each place of use: the loop unrolls to shifts by constants. */
static inline __attribute__((always_inline)) void pack32_body(const uint32_t *v, uint8_t *out,
                                                              const unsigned w)
{
    uint64_t acc = 0;
    unsigned bits = 0;

#pragma GCC unroll 32
    for (unsigned i = 0; i < 32; i++) {
        acc |= (uint64_t)v[i] << bits;
        bits += w;
        if (bits >= 32) {
            uint32_t low = (uint32_t)acc;

            memcpy(out, &low, sizeof low);
            out += sizeof low;
            acc >>= 32;
            bits -= 32;
        }
    }
}

/* Pack 32 values into 4 * w bytes; they fit w bits. */
static void pack32(const uint32_t *v, uint8_t *out, unsigned w)
{
#define CASE(W)                                                                            \
    case W:                                                                                \
        pack32_body(v, out, W);                                                            \
        break;
#define CASES8(W) CASE(W) CASE(W + 1) CASE(W + 2) CASE(W + 3) CASE(W + 4) CASE(W + 5)      \
    CASE(W + 6) CASE(W + 7)
    switch (w) {
        CASES8(1)
        CASES8(9)
        CASES8(17)
        CASES8(25)
    default:
        break;
    }
#undef CASES8
#undef CASE
}

/* The same for values of up to 64 bits: rare, so one loop for all widths. */
static void pack64(const uint64_t *v, uint8_t *out, unsigned w)
{
    uint32_t narrow[32];

    if (w <= 32) {
        for (unsigned i = 0; i < 32; i++)
            narrow[i] = (uint32_t)v[i];
        pack32(narrow, out, w);
        return;
    }
    __uint128_t acc = 0;
    unsigned bits = 0;
    for (unsigned i = 0; i < 32; i++) {
        acc |= (__uint128_t)v[i] << bits;
        bits += w;
        while (bits >= 32) {
            uint32_t low = (uint32_t)acc;

            memcpy(out, &low, sizeof low);
            out += sizeof low;
            acc >>= 32;
            bits -= 32;
        }
    }
}

/* n values, padded with zeros to a multiple of eight. */
static size_t pack(const uint32_t *v, size_t n, unsigned w, uint8_t *out)
{
    size_t i = 0;

    for (; i + 32 <= n; i += 32)
        pack32(v + i, out + i / 8 * w, w);
    if (i < n) {
        uint32_t tail[32] = {0};
        uint8_t bytes[32 * 4];

        memcpy(tail, v + i, (n - i) * sizeof *v);
        pack32(tail, bytes, w);
        memcpy(out + i / 8 * w, bytes, vj_enc_packed_bytes(n - i, w));
    }
    return vj_enc_packed_bytes(n, w);
}

/* ---- hybrid ---- */

size_t vj_enc_hybrid_max(size_t n, unsigned width)
{
    /* A repeated run stands for at least sixteen values and costs at most ten bytes more. */
    return vj_enc_packed_bytes(n, width) + n + 64;
}

static size_t put_literals(const uint32_t *v, size_t n, unsigned w, uint8_t *out)
{
    size_t len = put_varint(out, (n + 7) / 8 << 1 | 1);

    return len + pack(v, n, w, out + len);
}

static size_t put_repeated(uint32_t value, size_t n, unsigned w, uint8_t *out)
{
    size_t len = put_varint(out, n << 1);

    for (unsigned i = 0; i < (w + 7) / 8; i++)
        out[len++] = (uint8_t)(value >> (8 * i));
    return len;
}

/* Runs of at least this many values behind a group boundary become repeated runs. */
#define MIN_RUN ((size_t)16)

/*
 * [literals in whole groups of eight][repeated]... ; literals that end inside a group are
 * filled up from the run that follows. Stops and returns SIZE_MAX once longer than limit.
 */
static size_t mixed_runs(const uint32_t *v, size_t n, unsigned w, size_t limit, uint8_t *out)
{
    size_t len = 0;
    size_t lit_beg = 0;
    size_t i = 0;

    while (i < n) {
        size_t end = i + 1;

        while (end < n && v[end] == v[i])
            end++;
        size_t fill = (8 - (i - lit_beg) % 8) % 8;
        if (end - i >= fill + MIN_RUN) {
            i += fill;
            if (i > lit_beg)
                len += put_literals(v + lit_beg, i - lit_beg, w, out + len);
            len += put_repeated(v[i], end - i, w, out + len);
            if (len > limit)
                return SIZE_MAX;
            lit_beg = end;
        }
        i = end;
    }
    if (n > lit_beg) {
        if (len + vj_enc_packed_bytes(n - lit_beg, w) > limit)
            return SIZE_MAX;
        len += put_literals(v + lit_beg, n - lit_beg, w, out + len);
    }
    return len;
}

size_t vj_enc_hybrid(const uint32_t *values, size_t n, unsigned width, uint8_t *out)
{
    size_t equal = 0;

    if (n == 0)
        return 0;
    for (size_t i = 1; i < n; i++)
        equal += values[i] == values[i - 1];
    if (equal == n - 1)
        return put_repeated(values[0], n, width, out);
    if (equal > n / 2) {
        size_t limit = vj_enc_packed_bytes(n, width) * 3 / 4;
        size_t len = mixed_runs(values, n, width, limit, out);

        if (len != SIZE_MAX)
            return len;
    }
    return put_literals(values, n, width, out);
}

/* Bits from bit i on (a multiple of eight), up to 64 of them; zeros behind the last. */
static uint64_t word_at(const uint8_t *bits, size_t i, size_t n)
{
    uint64_t word = 0;

    memcpy(&word, bits + i / 8, VJ_MIN(sizeof word, (n - i + 7) / 8));
    return n - i >= 64 ? word : word & (((uint64_t)1 << (n - i)) - 1);
}

/* Places where a bit differs from the one before. */
static size_t count_changes(const uint8_t *bits, size_t n)
{
    uint64_t before = bits[0] & 1;
    size_t changes = 0;

    for (size_t i = 0; i < n; i += 64) {
        uint64_t word = word_at(bits, i, n);

        changes += (size_t)__builtin_popcountll(word ^ (word << 1 | before));
        before = word >> 63;
    }
    return changes;
}

/* End of the run of equal bits that holds bit i. */
static size_t bit_run_end(const uint8_t *bits, size_t i, size_t n)
{
    uint64_t flip = vj_bit_get(bits, (int64_t)i) ? UINT64_MAX : 0;

    while (i < n) {
        uint64_t other = (word_at(bits, i / 8 * 8, n) ^ flip) >> (i % 8);

        if (other != 0)
            return VJ_MIN(i + (size_t)__builtin_ctzll(other), n);
        i += 64 - i % 8;
    }
    return n;
}

/* Bits from a whole byte on; what lies behind the last bit is cleared. */
static size_t put_literal_bits(const uint8_t *bits, size_t beg, size_t n, uint8_t *out)
{
    size_t len = put_varint(out, (n + 7) / 8 << 1 | 1);
    size_t bytes = (n + 7) / 8;

    memcpy(out + len, bits + beg / 8, bytes);
    if (n % 8 != 0)
        out[len + bytes - 1] &= (uint8_t)((1u << (n % 8)) - 1);
    return len + bytes;
}

/* Literals start at multiples of eight here, as repeated runs are cut to end there. */
static size_t mixed_bit_runs(const uint8_t *bits, size_t n, size_t limit, uint8_t *out)
{
    size_t len = 0;
    size_t lit_beg = 0;
    size_t i = 0;

    while (i < n) {
        size_t end = bit_run_end(bits, i, n);
        size_t beg = (i + 7) / 8 * 8;
        size_t stop = end == n ? n : end / 8 * 8;

        if (stop >= beg + 32) {
            if (beg > lit_beg)
                len += put_literal_bits(bits, lit_beg, beg - lit_beg, out + len);
            len += put_repeated(vj_bit_get(bits, (int64_t)beg), stop - beg, 1, out + len);
            if (len > limit)
                return SIZE_MAX;
            lit_beg = stop;
        }
        i = end;
    }
    if (n > lit_beg) {
        if (len + (n - lit_beg) / 8 > limit)
            return SIZE_MAX;
        len += put_literal_bits(bits, lit_beg, n - lit_beg, out + len);
    }
    return len;
}

size_t vj_enc_hybrid_bits(const uint8_t *bits, size_t n, uint8_t *out)
{
    if (n == 0)
        return 0;
    if (bit_run_end(bits, 0, n) == n)
        return put_repeated(vj_bit_get(bits, 0), n, 1, out);
    if (count_changes(bits, n) < n / 16) { /* denser ones never make long runs worth it */
        size_t len = mixed_bit_runs(bits, n, (n + 7) / 8 * 3 / 4, out);

        if (len != SIZE_MAX)
            return len;
    }
    return put_literal_bits(bits, 0, n, out);
}

/* Eight bytes that are 0 or 1 to the bits of one: the multiplication moves byte i to bit 56 + i. */
static uint8_t gather_bits(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return (uint8_t)(word * 0x0102040810204080u >> 56);
}

size_t vj_enc_hybrid_bytes(const uint8_t *values, size_t n, unsigned width, uint32_t *scratch,
                           uint8_t *out)
{
    if (n == 0)
        return 0;
    if (memcmp(values, values + 1, n - 1) == 0)
        return put_repeated(values[0], n, width, out);
    if (width == 1) {
        uint8_t *bits = (uint8_t *)scratch;
        size_t i = 0;

        for (; i + 8 <= n; i += 8)
            bits[i / 8] = gather_bits(values + i);
        if (i < n)
            bits[i / 8] = 0;
        for (; i < n; i++)
            vj_bit_put(bits, (int64_t)i, values[i] != 0);
        return vj_enc_hybrid_bits(bits, n, out);
    }
    for (size_t i = 0; i < n; i++)
        scratch[i] = values[i];
    return vj_enc_hybrid(scratch, n, width, out);
}

/* ---- DELTA_BINARY_PACKED ---- */

#define BLOCK 128
#define MINIBLOCKS 4
#define MINIBLOCK (BLOCK / MINIBLOCKS)

size_t vj_enc_delta_max(size_t n, size_t value_bytes)
{
    return 40 + (n / BLOCK + 1) * (10 + MINIBLOCKS + BLOCK * value_bytes);
}

/*
 * One block: min delta, four widths, then the packed miniblocks that hold values. Arithmetic
 * wraps in the value's own width (Encodings.md, "Delta encoding"), so widths never exceed it.
 */
#define DEFINE_DELTA(NAME, T, S, PACK)                                                     \
    static size_t NAME##_block(const T *v, size_t n, uint8_t *out)                         \
    {                                                                                      \
        T delta[BLOCK] = {0};                                                              \
        S least;                                                                           \
                                                                                           \
        for (size_t i = 0; i < n; i++)                                                     \
            delta[i] = (T)(v[i] - v[(ptrdiff_t)i - 1]);                                    \
        least = (S)delta[0];                                                               \
        for (size_t i = 1; i < n; i++)                                                     \
            least = (S)delta[i] < least ? (S)delta[i] : least;                             \
        for (size_t i = 0; i < n; i++)                                                     \
            delta[i] = (T)(delta[i] - (T)least);                                           \
        size_t len = put_varint(out, zigzag(least));                                       \
        uint8_t *widths = out + len;                                                       \
        len += MINIBLOCKS;                                                                 \
        for (size_t m = 0; m < MINIBLOCKS; m++) {                                          \
            T any = 0;                                                                     \
                                                                                           \
            for (size_t i = 0; i < MINIBLOCK; i++)                                         \
                any |= delta[m * MINIBLOCK + i];                                           \
            widths[m] = (uint8_t)vj_enc_bit_width(any);                                    \
            if (widths[m] > 0)                                                             \
                PACK(delta + m * MINIBLOCK, out + len, widths[m]);                         \
            len += (size_t)widths[m] * MINIBLOCK / 8;                                      \
        }                                                                                  \
        return len;                                                                        \
    }                                                                                      \
    size_t vj_enc_##NAME(const T *v, size_t n, uint8_t *out)                               \
    {                                                                                      \
        size_t len = put_varint(out, BLOCK);                                               \
                                                                                           \
        len += put_varint(out + len, MINIBLOCKS);                                          \
        len += put_varint(out + len, n);                                                   \
        len += put_varint(out + len, zigzag(n > 0 ? (S)v[0] : 0));                         \
        for (size_t i = 1; i < n; i += BLOCK)                                              \
            len += NAME##_block(v + i, VJ_MIN((size_t)BLOCK, n - i), out + len);           \
        return len;                                                                        \
    }

DEFINE_DELTA(delta32, uint32_t, int32_t, pack32)
DEFINE_DELTA(delta64, uint64_t, int64_t, pack64)
