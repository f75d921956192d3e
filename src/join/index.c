#include "join/join.h"

#include <stdlib.h>

void vj_join_index_init(vj_join_index *index, vj_budget *budget)
{
    *index = (vj_join_index){0};
    index->order.budget = index->pos1.budget = index->first.budget = index->runs.budget =
        index->twin.budget = index->spare.budget = index->stretches.budget = budget;
}

void vj_join_index_fini(vj_join_index *index)
{
    VJ_VEC_FINI(&index->order);
    VJ_VEC_FINI(&index->pos1);
    VJ_VEC_FINI(&index->first);
    VJ_VEC_FINI(&index->runs);
    VJ_VEC_FINI(&index->twin);
    VJ_VEC_FINI(&index->spare);
    VJ_VEC_FINI(&index->stretches);
}

static int compare_keys(const vj_key *keys, int32_t a, int32_t b)
{
    const vj_key *x = &keys[a];
    const vj_key *y = &keys[b];

    if (x->contig != y->contig)
        return x->contig < y->contig ? -1 : 1;
    if (x->pos1 != y->pos1)
        return x->pos1 < y->pos1 ? -1 : 1;
    return (a > b) - (a < b);
}

/* Two ascending stretches from[beg, mid) and from[mid, end) become one in to[beg, end). */
static void merge_two(const vj_key *keys, const int32_t *from, int32_t beg, int32_t mid,
                      int32_t end, int32_t *to)
{
    int32_t a = beg;
    int32_t b = mid;

    for (int32_t i = beg; i < end; i++)
        to[i] = b == end || (a < mid && compare_keys(keys, from[a], from[b]) < 0) ? from[a++]
                                                                                  : from[b++];
}

/*
 * Merge the ascending stretches of order[] (stretches[s] is where each begins): several inputs of
 * a sweep are as many of them, an unsorted input is many short ones.
 */
static vj_status merge_stretches(vj_join_index *index, vj_error *err)
{
    int32_t *starts = index->stretches.ptr;
    int32_t n = (int32_t)index->order.n;
    size_t n_left = index->stretches.n;

    VJ_VEC_RESET(&index->spare);
    VJ_TRY(VJ_VEC_RESERVE(&index->spare, index->order.n, err));
    while (n_left > 1) {
        const int32_t *from = index->order.ptr;
        size_t kept = 0;

        for (size_t s = 0; s < n_left; s += 2) {
            int32_t mid = s + 1 < n_left ? starts[s + 1] : n;
            int32_t end = s + 2 < n_left ? starts[s + 2] : n;

            merge_two(index->list->keys.ptr, from, starts[s], mid, end, index->spare.ptr);
            starts[kept++] = starts[s];
        }
        n_left = kept;
        int32_t *merged = index->spare.ptr;
        size_t cap = index->spare.cap;

        index->spare.ptr = index->order.ptr;
        index->spare.cap = index->order.cap;
        index->order.ptr = merged;
        index->order.cap = cap;
    }
    return VJ_OK;
}

static vj_status collect_order(vj_join_index *index, const vj_key_list *list, vj_error *err)
{
    const vj_key *keys = list->keys.ptr;
    int32_t start = 0;

    VJ_VEC_RESET(&index->order);
    VJ_VEC_RESET(&index->stretches);
    VJ_TRY(VJ_VEC_RESERVE(&index->order, list->keys.n, err));
    VJ_TRY(VJ_VEC_PUSH(&index->stretches, start, err));
    for (size_t i = 0; i < list->keys.n; i++) {
        if (!keys[i].matchable)
            continue;
        if (index->order.n > 0 &&
            compare_keys(keys, index->order.ptr[index->order.n - 1], (int32_t)i) > 0) {
            start = (int32_t)index->order.n;
            VJ_TRY(VJ_VEC_PUSH(&index->stretches, start, err));
        }
        index->order.ptr[index->order.n++] = (int32_t)i;
    }
    return index->stretches.n > 1 ? merge_stretches(index, err) : VJ_OK;
}

/* ---- equal keys ---- */

/* More keys at one position than this are sorted to find equal ones, fewer compared each with each. */
#define FEW_KEYS 16

static int compare_spans(vj_span a, vj_span b)
{
    size_t n = VJ_MIN(a.len_bytes, b.len_bytes);
    int order = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;

    return order != 0 ? order : (a.len_bytes > b.len_bytes) - (a.len_bytes < b.len_bytes);
}

static int compare_alleles(const vj_key *keys, int32_t a, int32_t b)
{
    int order = compare_spans(keys[a].ref, keys[b].ref);

    return order != 0 ? order : compare_spans(keys[a].alt, keys[b].alt);
}

static int by_alleles(const void *a, const void *b, void *keys)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    int order = compare_alleles(keys, x, y);

    return order != 0 ? order : (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static vj_status note_twin(vj_join_index *index, int32_t key, int32_t first, vj_error *err)
{
    size_t n = index->list->keys.n;

    if (index->twin.n == 0) {
        VJ_TRY(VJ_VEC_RESERVE(&index->twin, n, err));
        for (size_t i = 0; i < n; i++)
            index->twin.ptr[index->twin.n++] = (int32_t)i;
    }
    index->twin.ptr[key] = first;
    return VJ_OK;
}

/* Keys of one position, in key order: the first of each kind stays. */
static vj_status fold_few(vj_join_index *index, int32_t *at, size_t n, size_t *kept, vj_error *err)
{
    const vj_key *keys = index->list->keys.ptr;

    *kept = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;

        while (k < *kept && compare_alleles(keys, at[i], at[k]) != 0)
            k++;
        if (k < *kept)
            VJ_TRY(note_twin(index, at[i], at[k], err));
        else
            at[(*kept)++] = at[i];
    }
    return VJ_OK;
}

static vj_status fold_many(vj_join_index *index, int32_t *at, size_t n, size_t *kept,
                           vj_error *err)
{
    const vj_key *keys = index->list->keys.ptr;

    qsort_r(at, n, sizeof *at, by_alleles, index->list->keys.ptr);
    *kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && compare_alleles(keys, at[i], at[*kept - 1]) == 0)
            VJ_TRY(note_twin(index, at[i], at[*kept - 1], err));
        else
            at[(*kept)++] = at[i];
    }
    qsort(at, *kept, sizeof *at, by_number);
    return VJ_OK;
}

/* Leave one of each set of equal keys in order[]. */
static vj_status fold_twins(vj_join_index *index, vj_error *err)
{
    const vj_key *keys = index->list->keys.ptr;
    int32_t *order = index->order.ptr;
    size_t out = 0;
    size_t end = 0;

    VJ_VEC_RESET(&index->twin);
    for (size_t beg = 0; beg < index->order.n; beg = end) {
        const vj_key *key = &keys[order[beg]];
        size_t kept = 1;

        for (end = beg + 1; end < index->order.n; end++)
            if (keys[order[end]].pos1 != key->pos1 || keys[order[end]].contig != key->contig)
                break;
        if (end - beg > FEW_KEYS)
            VJ_TRY(fold_many(index, order + beg, end - beg, &kept, err));
        else if (end - beg > 1)
            VJ_TRY(fold_few(index, order + beg, end - beg, &kept, err));
        memmove(order + out, order + beg, kept * sizeof *order);
        out += kept;
    }
    index->order.n = out;
    return VJ_OK;
}

vj_status vj_join_index_build(vj_join_index *index, const vj_key_list *list, vj_error *err)
{
    const vj_key *keys = list->keys.ptr;

    index->list = list;
    VJ_TRY(collect_order(index, list, err));
    VJ_TRY(fold_twins(index, err));
    VJ_VEC_RESET(&index->pos1);
    VJ_VEC_RESET(&index->first);
    VJ_VEC_RESET(&index->runs);
    VJ_TRY(VJ_VEC_RESERVE(&index->pos1, index->order.n, err));
    VJ_TRY(VJ_VEC_RESERVE(&index->first, index->order.n + 1, err));
    vj_join_run *run = NULL;
    for (size_t i = 0; i < index->order.n; i++) {
        const vj_key *key = &keys[index->order.ptr[i]];

        if (run == NULL || run->contig != key->contig) {
            vj_join_run fresh = {key->contig, (int32_t)i, (int32_t)i, (int32_t)index->pos1.n,
                                 (int32_t)index->pos1.n};

            VJ_TRY(VJ_VEC_PUSH(&index->runs, fresh, err));
            run = &index->runs.ptr[index->runs.n - 1];
        }
        if (run->pos_end == run->pos_beg || index->pos1.ptr[run->pos_end - 1] != key->pos1) {
            index->first.ptr[index->first.n++] = (int32_t)i;
            index->pos1.ptr[index->pos1.n++] = key->pos1;
            run->pos_end++;
        }
        run->end = (int32_t)i + 1;
    }
    index->first.ptr[index->first.n++] = (int32_t)index->order.n;
    return VJ_OK;
}

/* First position index of [beg, end) with pos1 >= value. */
static int32_t lower_bound(const int64_t *pos1, int32_t beg, int32_t end, int64_t value)
{
    while (beg < end) {
        int32_t mid = beg + (end - beg) / 2;

        if (pos1[mid] < value)
            beg = mid + 1;
        else
            end = mid;
    }
    return beg;
}

bool vj_join_run_touches(const vj_join_index *index, const vj_join_run *run, int64_t lo,
                         int64_t hi)
{
    int32_t i = lower_bound(index->pos1.ptr, run->pos_beg, run->pos_end, lo);

    return i < run->pos_end && index->pos1.ptr[i] <= hi;
}
