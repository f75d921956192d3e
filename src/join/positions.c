#include "join/join.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/*
 * Two ways through a slice of reference positions:
 *   ascending   gallop: for each key position, double the step until it is passed, then bisect
 *   any order   one bit test a row against a small filter, then bisect among the keys
 */

#define FILTER_BITS 16

typedef struct slice {
    const vj_join_index *index;
    const vj_join_run *run;
    const vj_col *start;
    int64_t first_row;
    int64_t shift;
    vj_candidates *out;
    vj_error *err;
} slice;

static vj_status push(const slice *s, int64_t i, int32_t pos_i)
{
    vj_candidate found = {(int32_t)(s->first_row + i), pos_i};

    return VJ_VEC_PUSH(s->out, found, s->err);
}

/* True when values ascend (equal ones allowed); wrong for columns with nulls. */
#define ASCENDING(T)                                                                       \
    static bool ascending_##T(const T *v, int64_t n)                                       \
    {                                                                                      \
        int64_t i = 0;                                                                     \
        for (; i + 64 < n; i += 64) {                                                      \
            unsigned bad = 0;                                                              \
            for (int k = 0; k < 64; k++)                                                   \
                bad |= v[i + k] > v[i + k + 1];                                            \
            if (bad)                                                                       \
                return false;                                                              \
        }                                                                                  \
        for (; i + 1 < n; i++)                                                             \
            if (v[i] > v[i + 1])                                                           \
                return false;                                                              \
        return true;                                                                       \
    }

/* First index in [lo, hi) with v >= value, or hi. */
#define BISECT(T)                                                                          \
    static int64_t bisect_##T(const T *v, int64_t lo, int64_t hi, int64_t value)           \
    {                                                                                      \
        while (lo < hi) {                                                                  \
            int64_t mid = lo + (hi - lo) / 2;                                              \
            if ((int64_t)v[mid] < value)                                                   \
                lo = mid + 1;                                                              \
            else                                                                           \
                hi = mid;                                                                  \
        }                                                                                  \
        return lo;                                                                         \
    }

/* First index in [i, n) with v >= value; v ascends from i on. */
#define GALLOP(T)                                                                          \
    static int64_t gallop_##T(const T *v, int64_t i, int64_t n, int64_t value)             \
    {                                                                                      \
        int64_t step = 1;                                                                  \
        int64_t lo = i;                                                                    \
        while (i < n && (int64_t)v[i] < value) {                                           \
            lo = i + 1;                                                                    \
            i += step;                                                                     \
            step *= 2;                                                                     \
        }                                                                                  \
        return bisect_##T(v, lo, i < n ? i : n, value);                                    \
    }

/*
 * NAME, T: GALLOP is how the next row is found. Rows at a wanted position are few.
 */
#define INTERSECT(NAME, T, GALLOP)                                                         \
    static vj_status NAME(const slice *s)                                                  \
    {                                                                                      \
        const T *v = s->start->data;                                                       \
        const int64_t *pos1 = s->index->pos1.ptr;                                          \
        int64_t n = s->start->n_rows;                                                      \
        int32_t p = s->run->pos_beg;                                                       \
        int32_t p_end = s->run->pos_end;                                                   \
        int64_t i = 0;                                                                     \
        if (n == 0)                                                                        \
            return VJ_OK;                                                                  \
        /* skip the keys before the slice */                                              \
        int64_t lo = (int64_t)v[0] + s->shift;                                             \
        while (p < p_end) {                                                                \
            int32_t half = (p_end - p) / 2;                                                \
            if (pos1[p + half] < lo)                                                       \
                p += half + 1;                                                             \
            else                                                                           \
                p_end = p + half;                                                          \
        }                                                                                  \
        for (p_end = s->run->pos_end; p < p_end; p++) {                                    \
            int64_t want = pos1[p] - s->shift;                                             \
            i = GALLOP(v, i, n, want);                                                     \
            if (i == n)                                                                    \
                break;                                                                     \
            for (; i < n && (int64_t)v[i] == want; i++)                                    \
                VJ_TRY(push(s, i, p));                                                     \
        }                                                                                  \
        return VJ_OK;                                                                      \
    }

#define TYPED(T) ASCENDING(T) BISECT(T) GALLOP(T) INTERSECT(intersect_##T, T, gallop_##T)

TYPED(int32_t)
TYPED(uint32_t)
TYPED(int64_t)

#if defined(__x86_64__)
/*
 * 32-bit positions, 64 of them a step: with a probe every few hundred rows the step that passes
 * it is mostly one of the first, and 8 compares count what lies before it. flip: 0 for signed
 * values, the top bit for unsigned ones, which then order as signed.
 */
#define BLOCK 64

__attribute__((target("avx2,popcnt"))) static inline int64_t count_below(const int32_t *v,
                                                                         int32_t value,
                                                                         int32_t flip)
{
    __m256i limit = _mm256_set1_epi32(value);
    __m256i top = _mm256_set1_epi32(flip);
    __m256i sum = _mm256_setzero_si256();

    for (int k = 0; k < BLOCK; k += 8) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(v + k));

        sum = _mm256_sub_epi32(sum, _mm256_cmpgt_epi32(limit, _mm256_xor_si256(x, top)));
    }
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return _mm_cvtsi128_si32(four);
}

#define STRIDE(T, FLIP)                                                                    \
    __attribute__((target("avx2,popcnt"))) static int64_t stride_##T(                      \
        const T *v, int64_t i, int64_t n, int64_t value)                                   \
    {                                                                                      \
        int64_t step = BLOCK;                                                              \
                                                                                           \
        while (i + step <= n && (int64_t)v[i + step - 1] < value) {                        \
            i += step;                                                                     \
            step *= 2;                                                                     \
        }                                                                                  \
        for (step /= 2; step >= BLOCK; step /= 2)                                          \
            if (i + step <= n && (int64_t)v[i + step - 1] < value)                         \
                i += step;                                                                 \
        if (i + BLOCK > n || value != (int64_t)(T)value)                                   \
            return bisect_##T(v, i, n, value);                                             \
        return i + count_below((const int32_t *)(const void *)(v + i),                     \
                               (int32_t)(T)value ^ (int32_t)(FLIP), (int32_t)(FLIP));      \
    }                                                                                      \
    INTERSECT(intersect_fast_##T, T, stride_##T)

STRIDE(int32_t, 0)
STRIDE(uint32_t, INT32_MIN)

__attribute__((target("avx2"))) static bool ascending_fast(const int32_t *v, int64_t n,
                                                           int32_t flip)
{
    __m256i top = _mm256_set1_epi32(flip);
    __m256i bad = _mm256_setzero_si256();
    int64_t i = 0;

    for (; i + 9 <= n; i += 8) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(v + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(v + i + 1));

        bad = _mm256_or_si256(bad, _mm256_cmpgt_epi32(_mm256_xor_si256(a, top),
                                                      _mm256_xor_si256(b, top)));
    }
    bool ok = _mm256_testz_si256(bad, bad) != 0;
    for (; i + 1 < n; i++)
        ok &= (v[i] ^ flip) <= (v[i + 1] ^ flip);
    return ok;
}

static bool try_fast(const slice *s, vj_status *rc)
{
    const vj_col *start = s->start;
    bool is_signed = start->type->kind == VJ_I32;

    if (vj_cpu() < VJ_CPU_AVX2 || (!is_signed && start->type->kind != VJ_U32) ||
        !ascending_fast(start->data, start->n_rows, is_signed ? 0 : INT32_MIN))
        return false;
    *rc = is_signed ? intersect_fast_int32_t(s) : intersect_fast_uint32_t(s);
    return true;
}
#else
static bool try_fast(const slice *s, vj_status *rc)
{
    (void)s;
    (void)rc;
    return false;
}
#endif

static inline uint32_t filter_slot(int64_t pos1)
{
    return (uint32_t)(((uint64_t)pos1 * 0x9e3779b97f4a7c15u) >> (64 - FILTER_BITS));
}

/* Rows in any order, of any integer kind, nulls among them. */
static vj_status look_up(const slice *s)
{
    uint8_t filter[(1 << FILTER_BITS) / 8] = {0};
    const int64_t *pos1 = s->index->pos1.ptr;

    for (int32_t p = s->run->pos_beg; p < s->run->pos_end; p++)
        vj_bit_set(filter, filter_slot(pos1[p]));
    for (int64_t i = 0; i < s->start->n_rows; i++) {
        if (vj_col_is_null(s->start, i))
            continue;
        int64_t value = vj_col_i64(s->start, i) + s->shift;
        if (!vj_bit_get(filter, filter_slot(value)))
            continue;
        int32_t beg = s->run->pos_beg;
        int32_t end = s->run->pos_end;
        while (beg < end) {
            int32_t mid = beg + (end - beg) / 2;

            if (pos1[mid] < value)
                beg = mid + 1;
            else
                end = mid;
        }
        if (beg < s->run->pos_end && pos1[beg] == value)
            VJ_TRY(push(s, i, beg));
    }
    return VJ_OK;
}

vj_status vj_join_positions(const vj_join_index *index, const vj_join_run *run,
                            const vj_col *start, int64_t first_row, int64_t shift,
                            vj_candidates *out, vj_error *err)
{
    slice s = {index, run, start, first_row, shift, out, err};
    vj_status rc = VJ_OK;

    if (start->valid == NULL) {
        if (try_fast(&s, &rc))
            return rc;
        if (start->type->kind == VJ_I32 && ascending_int32_t(start->data, start->n_rows))
            return intersect_int32_t(&s);
        if (start->type->kind == VJ_U32 && ascending_uint32_t(start->data, start->n_rows))
            return intersect_uint32_t(&s);
        if (start->type->kind == VJ_I64 && ascending_int64_t(start->data, start->n_rows))
            return intersect_int64_t(&s);
    }
    return look_up(&s);
}
