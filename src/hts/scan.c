#include "hts/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

size_t vj_scan_delims_scalar(const char *ptr, size_t len_bytes, char delim, uint32_t *out,
                             size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < len_bytes && n < max; i++)
        if (ptr[i] == delim)
            out[n++] = (uint32_t)i;
    return n;
}

unsigned vj_scan_kinds_scalar(const char *ptr, size_t len_bytes)
{
    unsigned kinds = 0;

    for (size_t i = 0; i < len_bytes; i++) {
        uint8_t byte = (uint8_t)ptr[i];

        kinds |= byte >= 0x80 ? VJ_BYTES_HIGH : 0u;
        kinds |= byte == ' ' ? VJ_BYTES_BLANK : 0u;
        kinds |= byte < 9 || (byte > 10 && byte < 0x20 && byte != 13) ? VJ_BYTES_CONTROL : 0u;
    }
    return kinds;
}

uint64_t vj_scan_marks_scalar(const char *ptr, size_t len_bytes)
{
    uint64_t marks = 0;

    for (size_t i = 0; i < len_bytes && i < 64; i++)
        marks |= (uint64_t)(ptr[i] == ':' || ptr[i] == ',') << i;
    return marks;
}

#if defined(__x86_64__)
/* Bits of the 32 bytes at ptr + i that equal needle, those behind len cleared. */
__attribute__((target("avx2"))) static inline uint32_t
match_bits(const char *ptr, size_t i, size_t len_bytes, __m256i needle)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(ptr + i));
    uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, needle));

    return len_bytes - i >= 32 ? bits : bits & ((1u << (len_bytes - i)) - 1);
}

__attribute__((target("avx2"))) static size_t scan_delims_avx2(const char *ptr, size_t len_bytes,
                                                               char delim, uint32_t *out,
                                                               size_t max)
{
    __m256i needle = _mm256_set1_epi8(delim);
    size_t n = 0;

    for (size_t i = 0; i < len_bytes; i += 32) {
        for (uint32_t bits = match_bits(ptr, i, len_bytes, needle); bits != 0; bits &= bits - 1) {
            if (n == max)
                return n;
            out[n++] = (uint32_t)(i + (size_t)__builtin_ctz(bits));
        }
    }
    return n;
}

__attribute__((target("avx2"))) static inline uint32_t mark_bits(const char *ptr)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)ptr);

    return (uint32_t)_mm256_movemask_epi8(
        _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(':')),
                        _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(','))));
}

__attribute__((target("avx2"))) static uint64_t scan_marks_avx2(const char *ptr, size_t len_bytes)
{
    uint64_t marks = mark_bits(ptr);

    if (len_bytes > 32)
        marks |= (uint64_t)mark_bits(ptr + 32) << 32;
    return len_bytes < 64 ? marks & (((uint64_t)1 << len_bytes) - 1) : marks;
}

__attribute__((target("avx2,popcnt"))) static size_t
scan_count_avx2(const char *ptr, size_t len_bytes, char delim)
{
    __m256i needle = _mm256_set1_epi8(delim);
    size_t n = 0;

    for (size_t i = 0; i < len_bytes; i += 32)
        n += (size_t)__builtin_popcount(match_bits(ptr, i, len_bytes, needle));
    return n;
}

/* Or of the bytes, bytes that equal a blank, bytes below 0x20 that are no space character. */
typedef struct kind_bits {
    __m256i high, blank, control;
} kind_bits;

__attribute__((target("avx2"))) static inline void add_kinds(kind_bits *kinds, __m256i bytes)
{
    /* 0..8, and 11..31 without 13: a byte is below a bound when the lesser of both is itself */
    __m256i from_11 = _mm256_sub_epi8(bytes, _mm256_set1_epi8(11));
    __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(8)), bytes);
    __m256i mid = _mm256_cmpeq_epi8(_mm256_min_epu8(from_11, _mm256_set1_epi8(20)), from_11);
    __m256i cr = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\r'));

    kinds->high = _mm256_or_si256(kinds->high, bytes);
    kinds->blank = _mm256_or_si256(kinds->blank, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' ')));
    kinds->control = _mm256_or_si256(kinds->control,
                                     _mm256_or_si256(low, _mm256_andnot_si256(cr, mid)));
}

__attribute__((target("avx2"))) static unsigned scan_kinds_avx2(const char *ptr, size_t len_bytes)
{
    kind_bits kinds = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    size_t whole = len_bytes & ~(size_t)31;

    for (size_t i = 0; i < whole; i += 32)
        add_kinds(&kinds, _mm256_loadu_si256((const __m256i *)(const void *)(ptr + i)));
    return (_mm256_movemask_epi8(kinds.high) != 0 ? VJ_BYTES_HIGH : 0u) |
           (_mm256_movemask_epi8(kinds.blank) != 0 ? VJ_BYTES_BLANK : 0u) |
           (_mm256_movemask_epi8(kinds.control) != 0 ? VJ_BYTES_CONTROL : 0u) |
           vj_scan_kinds_scalar(ptr + whole, len_bytes - whole);
}
#endif

vj_scan_fn vj_scan_best(void)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2)
        return scan_delims_avx2;
#endif
    return vj_scan_delims_scalar;
}

vj_marks_fn vj_scan_best_marks(void)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2)
        return scan_marks_avx2;
#endif
    return vj_scan_marks_scalar;
}

size_t vj_scan_delims(const char *ptr, size_t len_bytes, char delim, uint32_t *out, size_t max)
{
    return vj_scan_best()(ptr, len_bytes, delim, out, max);
}

size_t vj_scan_count(const char *ptr, size_t len_bytes, char delim)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2)
        return scan_count_avx2(ptr, len_bytes, delim);
#endif
    size_t n = 0;
    for (size_t i = 0; i < len_bytes; i++)
        n += ptr[i] == delim;
    return n;
}

unsigned vj_scan_kinds(const char *ptr, size_t len_bytes)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2)
        return scan_kinds_avx2(ptr, len_bytes);
#endif
    return vj_scan_kinds_scalar(ptr, len_bytes);
}
