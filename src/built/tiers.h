/*
 * tiers.h - rows of a built file in two tiers, by how frequent they are.
 *
 *   file   | rare rows, by start ........ | common rows, by start |     row groups never mix them
 *
 * A start's rows all stand in one tier: the common one if any of them is frequent, or if they are
 * many. So the rows of a key keep their order whatever the tiers, and a key is found in one of
 * them. The footer's varjoin.tiers (JSON, docs/formats.md) says where the second begins.
 *
 * in:      sorted rows, a flag a row
 * not:     the files (reference/), which groups a join reads (native/)
 * tests:   unit/test_tiers.c, fuzz/fuzz_built.c, fault/fault_built.c, engines/test_built.py
 */
#ifndef VJ_BUILT_TIERS_H
#define VJ_BUILT_TIERS_H

#include "parquet/parquet.h"

#define VJ_TIERS_KEY "varjoin.tiers"
#define VJ_TIERS_VERSION 1
/* A start with so many rows is common: nobody holds more of them back to see the last one. */
#define VJ_TIER_MANY_ROWS 4096
/* Tiers save bytes of a disk: smaller databases stay in memory and have none unless asked for. */
#define VJ_TIERS_MIN_ROWS ((int64_t)16 << 20)
/* The least frequency of a common row, where nobody says another (decision 028). */
#define VJ_TIERS_FROM 0.0005

typedef struct vj_tiers {
    bool present;
    char column[128]; /* that decided, cut; and the least value of a frequent row */
    double threshold;
    int32_t n_rare_groups;
    int64_t n_rare_rows, n_common_rows;
} vj_tiers;

/*
 * What the footer says of tiers; present is false where it says nothing.
 * errors: VJ_E_CORRUPT (no such row groups or rows), VJ_E_UNSUPPORTED (a later version)
 */
VJ_MUST_CHECK vj_status vj_tiers_read(const vj_pq_file *file, vj_tiers *out, vj_error *err);
/* As JSON text, NUL-terminated behind its length; column in full. Appends. */
VJ_MUST_CHECK vj_status vj_tiers_write(const vj_tiers *tiers, const char *column, vj_buf *out,
                                       vj_error *err);

/* Whether values of the type can tell a row's frequency: reals and lists of them. */
bool vj_tiers_type_fits(const vj_type *type);
/* The column that usually holds a frequency ("MAF", "AF", ...), or -1. */
int32_t vj_tiers_find_column(const vj_schema *schema);
/* frequent[i]: the value, or one of the list, is at least the threshold. A null is not. */
void vj_tiers_flag(const vj_col *values, int64_t n, double threshold, uint8_t *frequent);

/* Sorted rows to two takers. One thread at a time. */
typedef struct vj_tier_split vj_tier_split;
typedef vj_status (*vj_tier_taker)(void *ctx, bool common, const vj_batch *rows, vj_error *err);
/* schema and ctx are borrowed. Rows reach a taker in the order in which they came. */
VJ_MUST_CHECK vj_status vj_tier_split_new(const vj_schema *schema, vj_tier_taker take, void *ctx,
                                          vj_budget *budget, vj_tier_split **out, vj_error *err);
void vj_tier_split_free(vj_tier_split *split);
/* start: of the same rows, not falling, also from call to call; no nulls. */
VJ_MUST_CHECK vj_status vj_tier_split_append(vj_tier_split *split, const vj_batch *rows,
                                             const vj_col *start, const uint8_t *frequent,
                                             vj_error *err);
/* No more rows of this file. */
VJ_MUST_CHECK vj_status vj_tier_split_end(vj_tier_split *split, vj_error *err);

#endif
