#include "join/join.h"

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
        int64_t hi = i < n ? i : n;                                                        \
        while (lo < hi) {                                                                  \
            int64_t mid = lo + (hi - lo) / 2;                                              \
            if ((int64_t)v[mid] < value)                                                   \
                lo = mid + 1;                                                              \
            else                                                                           \
                hi = mid;                                                                  \
        }                                                                                  \
        return lo;                                                                         \
    }

#define INTERSECT(T)                                                                       \
    static vj_status intersect_##T(const slice *s)                                         \
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
            i = gallop_##T(v, i, n, want);                                                 \
            if (i == n)                                                                    \
                break;                                                                     \
            for (; i < n && (int64_t)v[i] == want; i++)                                    \
                VJ_TRY(push(s, i, p));                                                     \
        }                                                                                  \
        return VJ_OK;                                                                      \
    }

#define TYPED(T) ASCENDING(T) GALLOP(T) INTERSECT(T)

TYPED(int32_t)
TYPED(uint32_t)
TYPED(int64_t)

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

    if (start->valid == NULL) {
        if (start->type->kind == VJ_I32 && ascending_int32_t(start->data, start->n_rows))
            return intersect_int32_t(&s);
        if (start->type->kind == VJ_U32 && ascending_uint32_t(start->data, start->n_rows))
            return intersect_uint32_t(&s);
        if (start->type->kind == VJ_I64 && ascending_int64_t(start->data, start->n_rows))
            return intersect_int64_t(&s);
    }
    return look_up(&s);
}
