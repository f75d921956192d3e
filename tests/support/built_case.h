/*
 * built_case.h - a made-up database table, and the same as a tuned file in memory.
 */
#ifndef VJ_TESTS_BUILT_CASE_H
#define VJ_TESTS_BUILT_CASE_H

#include "built/built.h"

enum { CASE_CHROM, CASE_START, CASE_END, CASE_ID, CASE_REF, CASE_ALT, CASE_FLAG, CASE_MAYBE,
       CASE_CLASS, CASE_ANCESTRAL, CASE_LEVEL, CASE_COUNT, CASE_FREQ, CASE_TAGS, CASE_EMPTY,
       CASE_FIELDS };

typedef struct built_case {
    vj_schema schema; /* static memory */
    vj_colb cols[CASE_FIELDS];
    vj_col views[CASE_FIELDS];
    vj_batch batch;
} built_case;

/* Rows from a seed; the odder (0..100), the more of what no sample shows. */
VJ_MUST_CHECK vj_status built_case_make(int64_t n_rows, uint64_t seed, int odd, built_case *out,
                                        vj_error *err);
void built_case_free(built_case *c);
/* Options of the planner for these columns. */
vj_built_options built_case_options(void);
/* The rows as a tuned file: written in batches of batch_rows, groups of group_rows. */
VJ_MUST_CHECK vj_status built_case_write(const vj_built *built, const vj_batch *rows,
                                         int64_t batch_rows, int64_t group_rows,
                                         vj_budget *budget, vj_buf *out, vj_error *err);

#endif
