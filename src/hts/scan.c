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

__attribute__((target("avx2,popcnt"))) static size_t
scan_count_avx2(const char *ptr, size_t len_bytes, char delim)
{
    __m256i needle = _mm256_set1_epi8(delim);
    size_t n = 0;

    for (size_t i = 0; i < len_bytes; i += 32)
        n += (size_t)__builtin_popcount(match_bits(ptr, i, len_bytes, needle));
    return n;
}

__attribute__((target("avx2"))) static bool is_ascii_avx2(const char *ptr, size_t len_bytes)
{
    __m256i all = _mm256_setzero_si256();
    size_t whole = len_bytes & ~(size_t)31;
    uint32_t rest_bits = 0;

    for (size_t i = 0; i < whole; i += 32)
        all = _mm256_or_si256(all, _mm256_loadu_si256((const __m256i *)(const void *)(ptr + i)));
    if (whole < len_bytes) {
        __m256i rest = _mm256_loadu_si256((const __m256i *)(const void *)(ptr + whole));

        rest_bits = (uint32_t)_mm256_movemask_epi8(rest) & ((1u << (len_bytes - whole)) - 1);
    }
    return _mm256_movemask_epi8(all) == 0 && rest_bits == 0;
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

bool vj_scan_is_ascii(const char *ptr, size_t len_bytes)
{
#if defined(__x86_64__)
    if (vj_cpu() >= VJ_CPU_AVX2)
        return is_ascii_avx2(ptr, len_bytes);
#endif
    for (size_t i = 0; i < len_bytes; i++)
        if ((uint8_t)ptr[i] >= 0x80)
            return false;
    return true;
}
