#include "join/join.h"

#include <stdlib.h>

void vj_join_index_init(vj_join_index *index, vj_budget *budget)
{
    *index = (vj_join_index){0};
    index->order.budget = index->pos1.budget = index->first.budget = index->runs.budget = budget;
}

void vj_join_index_fini(vj_join_index *index)
{
    VJ_VEC_FINI(&index->order);
    VJ_VEC_FINI(&index->pos1);
    VJ_VEC_FINI(&index->first);
    VJ_VEC_FINI(&index->runs);
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

static int compare_items(const void *a, const void *b, void *keys)
{
    return compare_keys(keys, *(const int32_t *)a, *(const int32_t *)b);
}

static vj_status collect_order(vj_join_index *index, const vj_key_list *list, vj_error *err)
{
    const vj_key *keys = list->keys.ptr;
    bool sorted = true;

    VJ_VEC_RESET(&index->order);
    VJ_TRY(VJ_VEC_RESERVE(&index->order, list->keys.n, err));
    for (size_t i = 0; i < list->keys.n; i++) {
        if (!keys[i].matchable)
            continue;
        if (index->order.n > 0 &&
            compare_keys(keys, index->order.ptr[index->order.n - 1], (int32_t)i) > 0)
            sorted = false;
        index->order.ptr[index->order.n++] = (int32_t)i;
    }
    if (!sorted)
        qsort_r(index->order.ptr, index->order.n, sizeof *index->order.ptr, compare_items,
                list->keys.ptr);
    return VJ_OK;
}

vj_status vj_join_index_build(vj_join_index *index, const vj_key_list *list, vj_error *err)
{
    const vj_key *keys = list->keys.ptr;

    index->list = list;
    VJ_TRY(collect_order(index, list, err));
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
