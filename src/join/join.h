/*
 * join.h - pair left keys with reference keys by contig, position and alleles.
 *
 * in:      the keys of one batch (indexed by contig and position), then slices of reference
 *          positions in any order, then the alleles of the candidates found
 * out:     pairs in reference order, and for each key the best reason so far
 * relies:  buffers of the caller's; no file, thread or global is touched
 * not:     reading pages and payload columns (native/)
 * tests:   unit/test_join.c, property/prop_join.c (against an O(n*m) oracle)
 */
#ifndef VJ_JOIN_JOIN_H
#define VJ_JOIN_JOIN_H

#include "col/col.h"
#include "genome/genome.h"

/* Keys of one contig: order[beg, end), ascending by position. */
typedef struct vj_join_run {
    int32_t contig; /* index into the key list's contig names */
    int32_t beg, end;         /* in order[] */
    int32_t pos_beg, pos_end; /* in pos1[] */
} vj_join_run;

/*
 * Index of a batch's matchable keys.
 *
 *   runs[r]  ->  pos1[pos_beg..pos_end)  distinct positions, ascending
 *   pos1[p]  ->  order[first[p]..first[p+1])  distinct keys at that position, in key order
 *
 * Keys that are equal in contig, position and alleles are one here: the first of them stands in
 * order[], twin[key] says which. So work and pairs grow by distinct keys and database rows, not
 * by their product.
 */
typedef struct vj_join_index {
    const vj_key_list *list;
    VJ_VEC(int32_t) order;
    VJ_VEC(int64_t) pos1;
    VJ_VEC(int32_t) first;
    VJ_VEC(vj_join_run) runs;
    VJ_VEC(int32_t) twin; /* empty: all keys differ */
    VJ_VEC(int32_t) stretches, spare; /* scratch of the sorting */
} vj_join_index;

/* The first key of the list that equals this one: best[] and pairs know only that. */
static inline int32_t vj_join_twin(const vj_join_index *index, int32_t key)
{
    return index->twin.n > 0 ? index->twin.ptr[key] : key;
}

/* Empty, with memory from budget; _fini is valid on zeroed storage. */
void vj_join_index_init(vj_join_index *index, vj_budget *budget);
void vj_join_index_fini(vj_join_index *index);
/* Index the list's keys; the list must stay as it is while the index is used. O(n log n), O(n)
 * when the keys are sorted already. */
VJ_MUST_CHECK vj_status vj_join_index_build(vj_join_index *index, const vj_key_list *list,
                                            vj_error *err);
/* Whether a run has a key with lo <= pos1 <= hi. */
bool vj_join_run_touches(const vj_join_index *index, const vj_join_run *run, int64_t lo,
                         int64_t hi);

/* A reference row that shares its position with keys. */
typedef struct vj_candidate {
    int32_t row;   /* in the row group */
    int32_t pos_i; /* into pos1 */
} vj_candidate;
typedef VJ_VEC(vj_candidate) vj_candidates;

/*
 * Find the rows of a slice whose position is one of the run's. start is an integer column slice
 * of any kind; row i of it is row first_row + i of the row group; shift is added to start to
 * give pos1. Appends in row order. Sorted slices are galloped through, others looked up; nulls
 * never match.
 */
VJ_MUST_CHECK vj_status vj_join_positions(const vj_join_index *index, const vj_join_run *run,
                                          const vj_col *start, int64_t first_row, int64_t shift,
                                          vj_candidates *out, vj_error *err);

/* Reasons in rising order of how near a key came to a match. */
enum { VJ_JOIN_NO_POSITION = 0, VJ_JOIN_REF_DIFFERS = 1, VJ_JOIN_ALT_DIFFERS = 2, VJ_JOIN_MATCHED = 3 };

typedef struct vj_pair {
    int32_t key;
    int32_t candidate; /* index into the candidates given */
} vj_pair;
typedef VJ_VEC(vj_pair) vj_pairs;

/*
 * Compare alleles. Row i of ref and alt belongs to candidates[i]. alt is text (several ALTs
 * joined by ',' or '|' are each a candidate, their shared suffix with REF trimmed) or a list of
 * text. best[key] (one byte a key of the list) is raised to the reason reached; of equal keys only
 * the first takes part. Appends pairs ordered by candidate, then key; one database row pairs with a key at most once.
 */
VJ_MUST_CHECK vj_status vj_join_alleles(const vj_join_index *index,
                                        const vj_candidate *candidates, int64_t n,
                                        const vj_col *ref, const vj_col *alt, uint8_t *best,
                                        vj_pairs *out, vj_error *err);

#endif
