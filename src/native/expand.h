/*
 * expand.h - private to native: left rows times their matches, a piece at a time.
 *
 * A key that stands n times on the left and m times in a database gives n * m rows, which need
 * not fit memory. So the rows to write are numbered, and a piece of them is made at a time:
 *
 *   left row 0: 1 row | left row 1: 3 x 2 rows | ...   databases multiplied, the last one fastest
 *   ^ piece 1 ........................^ piece 2 ...
 */
#ifndef VJ_NATIVE_EXPAND_H
#define VJ_NATIVE_EXPAND_H

#include "native/refscan.h"

typedef VJ_VEC(int32_t) vj_row_list;

typedef struct vj_expansion {
    const vj_left *left;
    int32_t first_key; /* where the keys of left begin in the index's list */
    const vj_join_index *index;
    const vj_matches *matches; /* one per database */
    int32_t n_dbs;
    bool first_only;           /* at most one row a left row */
    /* the piece */
    vj_row_list row_left;
    vj_row_list *row_db; /* per database: payload row of each row, -1: none */
    int64_t n_rows;
    bool identity; /* it is the whole, and row i is left row i */
    bool done;     /* nothing comes after it */
    /* where the next one begins */
    int64_t next_row; /* left row */
    int64_t next_i;   /* of its rows */
} vj_expansion;

VJ_MUST_CHECK vj_status vj_expansion_init(vj_expansion *ex, int32_t n_dbs, vj_budget *budget,
                                          vj_error *err);
void vj_expansion_fini(vj_expansion *ex);
/* Begin with the first row again; left, first_key, index and matches are set by the caller. */
void vj_expansion_rewind(vj_expansion *ex, bool first_only);
/* Matches of one of left's keys in a database, before the duplicate policy. */
int32_t vj_expansion_matches(const vj_expansion *ex, int32_t d, int32_t key);
/* The next piece, of at most max_rows (1 or more) rows. */
VJ_MUST_CHECK vj_status vj_expansion_next(vj_expansion *ex, int64_t max_rows, vj_error *err);

#endif
