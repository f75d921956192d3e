/*
 * placement.h - private to native: payload rows of a batch put where the output has them.
 *
 * Input and database are mostly sorted alike, so the payload rows come out in the order in which
 * they were read, with gaps where nothing matched: then columns are spread, or stand as they are.
 */
#ifndef VJ_NATIVE_PLACEMENT_H
#define VJ_NATIVE_PLACEMENT_H

#include "col/col.h"

typedef struct vj_placement {
    const int32_t *rows; /* payload row of each output row, -1: none; borrowed */
    int64_t n;
    bool in_order;       /* every payload row once, in order */
    bool whole;          /* and nothing else */
    vj_buf where;        /* bitmap: the output row has a payload row */
} vj_placement;

/* Zeroed with a budget in where; freed with vj_buf_fini(&p->where). */
VJ_MUST_CHECK vj_status vj_placement_find(vj_placement *p, const int32_t *rows, int64_t n,
                                          int64_t n_payload, vj_error *err);
/* One column; *out views dst or payload. */
VJ_MUST_CHECK vj_status vj_placement_column(const vj_placement *p, vj_colb *payload, vj_colb *dst,
                                            vj_col *out, vj_error *err);

#endif
