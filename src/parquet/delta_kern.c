#include "parquet/decode.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/*
 * Sums of 32-bit deltas, modulo 2^32. The scalar body is the specification; the vector one takes
 * 8 values a step: of widths up to 25 a value lies in the 4 bytes that begin at its first bit,
 * and 8 values begin at a whole byte.
 */

void pq_sum_deltas32_scalar(const uint8_t *src, int64_t at, int width, uint32_t min_delta,
                            uint32_t *last, int64_t n, uint32_t *out)
{
    uint64_t mask = ((uint64_t)1 << width) - 1;
    int64_t bit_off = at * width;
    uint32_t sum = *last;

    for (int64_t i = 0; i < n; i++, bit_off += width) {
        sum += (uint32_t)(pq_load64(src + (bit_off >> 3)) >> (bit_off & 7) & mask) + min_delta;
        out[i] = sum;
    }
    *last = sum;
}

#if defined(__x86_64__)
#define VECTOR_WIDTH PQ_MINI_WIDTH_MAX

/* Bytes that value k of 4 takes from the 16 loaded, and by how much it is shifted then. */
#define BYTE(w, from, k) (char)(((from) + (k) * (w)) / 8)
#define FOUR(w, from, k)                                                                   \
    BYTE(w, from, k), (char)(BYTE(w, from, k) + 1), (char)(BYTE(w, from, k) + 2),          \
        (char)(BYTE(w, from, k) + 3)
#define SHIFT(w, from, k) ((from) + (k) * (w)) % 8
/* The upper 4 values begin at bit 4 * w: at a byte, or in its middle. */
#define HALF(w) ((4 * (w)) % 8)
#define SHUFFLE(w)                                                                         \
    {                                                                                      \
        {FOUR(w, 0, 0), FOUR(w, 0, 1), FOUR(w, 0, 2), FOUR(w, 0, 3), FOUR(w, HALF(w), 0),  \
         FOUR(w, HALF(w), 1), FOUR(w, HALF(w), 2), FOUR(w, HALF(w), 3)},                   \
        {SHIFT(w, 0, 0), SHIFT(w, 0, 1), SHIFT(w, 0, 2), SHIFT(w, 0, 3),                   \
         SHIFT(w, HALF(w), 0), SHIFT(w, HALF(w), 1), SHIFT(w, HALF(w), 2),                 \
         SHIFT(w, HALF(w), 3)}                                                             \
    }

typedef struct shuffle {
    _Alignas(32) char bytes[32];
    _Alignas(32) int32_t shifts[8];
} shuffle;

static const shuffle shuffles[VECTOR_WIDTH + 1] = {
    SHUFFLE(0),  SHUFFLE(1),  SHUFFLE(2),  SHUFFLE(3),  SHUFFLE(4),  SHUFFLE(5),  SHUFFLE(6),
    SHUFFLE(7),  SHUFFLE(8),  SHUFFLE(9),  SHUFFLE(10), SHUFFLE(11), SHUFFLE(12), SHUFFLE(13),
    SHUFFLE(14), SHUFFLE(15), SHUFFLE(16), SHUFFLE(17), SHUFFLE(18), SHUFFLE(19), SHUFFLE(20),
    SHUFFLE(21), SHUFFLE(22), SHUFFLE(23), SHUFFLE(24), SHUFFLE(25)};

__attribute__((target("avx2"))) static inline __m256i unpack8(const uint8_t *src, int width,
                                                              __m256i bytes, __m256i shifts,
                                                              __m256i mask)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)src);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(src + width / 2));
    __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);

    return _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(both, bytes), shifts), mask);
}

/* src is where a value begins at a whole byte; n is a multiple of 8. Returns the last sum, 8 times. */
__attribute__((target("avx2"))) static inline __m256i sum_run_avx2(const uint8_t *src, int width,
                                                                   __m256i least, __m256i sum,
                                                                   int64_t n, uint32_t *out)
{
    __m256i bytes = _mm256_load_si256((const __m256i *)(const void *)shuffles[width].bytes);
    __m256i shifts = _mm256_load_si256((const __m256i *)(const void *)shuffles[width].shifts);
    __m256i mask = _mm256_set1_epi32((int32_t)(((uint32_t)1 << width) - 1));
    __m256i top = _mm256_set1_epi32(7);

    for (int64_t i = 0; i < n; i += 8, src += width) {
        __m256i v = _mm256_add_epi32(unpack8(src, width, bytes, shifts, mask), least);

        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
        /* the lower half's sum onto the upper half */
        __m256i half = _mm256_permute2x128_si256(v, v, 0x08);
        v = _mm256_add_epi32(v, _mm256_shuffle_epi32(half, 0xff));
        v = _mm256_add_epi32(v, sum);
        _mm256_storeu_si256((__m256i *)(void *)(out + i), v);
        sum = _mm256_permutevar8x32_epi32(v, top);
    }
    return sum;
}

__attribute__((target("avx2"))) static void sum_deltas32_avx2(const uint8_t *src, int width,
                                                              uint32_t min_delta, uint32_t *last,
                                                              int64_t n, uint32_t *out)
{
    __m256i sum = sum_run_avx2(src, width, _mm256_set1_epi32((int32_t)min_delta),
                               _mm256_set1_epi32((int32_t)*last), n, out);

    *last = (uint32_t)_mm256_cvtsi256_si32(sum);
}

__attribute__((target("avx2"))) static void sum_minis32_avx2(const uint8_t *src,
                                                             const uint8_t *widths,
                                                             int64_t n_minis, int64_t mini_values,
                                                             uint32_t min_delta, uint32_t *last,
                                                             uint32_t *out)
{
    __m256i least = _mm256_set1_epi32((int32_t)min_delta);
    __m256i sum = _mm256_set1_epi32((int32_t)*last);

    for (int64_t i = 0; i < n_minis; i++) {
        sum = sum_run_avx2(src, widths[i], least, sum, mini_values, out);
        src += mini_values / 8 * widths[i];
        out += mini_values;
    }
    *last = (uint32_t)_mm256_cvtsi256_si32(sum);
}
#endif

void pq_sum_deltas32(const uint8_t *src, int64_t at, int width, uint32_t min_delta,
                     uint32_t *last, int64_t n, uint32_t *out)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2 && width <= VECTOR_WIDTH) {
        if (((at | n) & 7) == 0) { /* whole miniblocks, nearly always */
            sum_deltas32_avx2(src + at / 8 * width, width, min_delta, last, n, out);
            return;
        }
        int64_t before = VJ_MIN((8 - (at & 7)) & 7, n);
        int64_t whole = (n - before) & ~(int64_t)7;

        pq_sum_deltas32_scalar(src, at, width, min_delta, last, before, out);
        sum_deltas32_avx2(src + (at + before) / 8 * width, width, min_delta, last, whole,
                          out + before);
        at += before + whole;
        n -= before + whole;
        out += before + whole;
    }
#endif
    pq_sum_deltas32_scalar(src, at, width, min_delta, last, n, out);
}

void pq_sum_minis32(const uint8_t *src, const uint8_t *widths, int64_t n_minis,
                    int64_t mini_values, uint32_t min_delta, uint32_t *last, uint32_t *out)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2) {
        sum_minis32_avx2(src, widths, n_minis, mini_values, min_delta, last, out);
        return;
    }
#endif
    for (int64_t i = 0; i < n_minis; i++) {
        pq_sum_deltas32_scalar(src, 0, widths[i], min_delta, last, mini_values, out);
        src += mini_values / 8 * widths[i];
        out += mini_values;
    }
}
