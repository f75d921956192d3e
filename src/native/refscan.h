/*
 * refscan.h - private to native: find and read the database rows of one left batch.
 *
 *   for each row group that some key may fall into, in database order:
 *     positions  -> candidates          (start only; pages by index where there is one)
 *     candidates -> pairs               (ref, alt and, for mixed groups, chrom of candidates)
 *     pairs      -> matched rows        (payload columns of matched rows only)
 */
#ifndef VJ_NATIVE_REFSCAN_H
#define VJ_NATIVE_REFSCAN_H

#include "engine/engine.h"
#include "join/join.h"

/* What one database answers for one batch; of equal keys (vj_join_twin) pairs and first know the
 * first one only, best all. */
typedef struct vj_matches {
    VJ_VEC(vj_pair) pairs;   /* key, matched row (index into payload) in database order */
    VJ_VEC(int32_t) first;   /* per key (n_keys + 1): its pairs in by_key[first[k]..first[k+1]) */
    VJ_VEC(int32_t) by_key;  /* payload rows, grouped by key, in database order */
    VJ_VEC(uint8_t) best;    /* per key: VJ_JOIN_* reached */
    VJ_VEC(uint8_t) contig_known; /* per contig of the batch: the database has it */
    vj_colb *payload;        /* one per selected column */
    int32_t n_payload;
    int64_t n_rows;          /* matched rows read */
} vj_matches;

VJ_MUST_CHECK vj_status vj_matches_init(vj_matches *matches, const vj_database *db,
                                        vj_budget *budget, vj_error *err);
void vj_matches_fini(vj_matches *matches);

/* Scratch of one worker; the cache is shared by all of them and outlives them. */
typedef struct vj_refscan vj_refscan;
VJ_MUST_CHECK vj_status vj_refscan_new(const vj_plan *plan, vj_pq_cache *cache, vj_refscan **out,
                                       vj_error *err);
void vj_refscan_free(vj_refscan *scan);

/* Join one batch's keys with one database; applies the plan's duplicate policy. */
VJ_MUST_CHECK vj_status vj_refscan_run(vj_refscan *scan, const vj_database *db,
                                       const vj_join_index *index, vj_matches *out,
                                       vj_error *err);

#endif
