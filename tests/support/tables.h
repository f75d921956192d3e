/*
 * tables.h - tables made up from a seed: all types and nestings, for tests of whatever stores
 * or compares them.
 */
#ifndef VJ_TESTS_TABLES_H
#define VJ_TESTS_TABLES_H

#include "col/col.h"

typedef struct test_table {
    vj_schema schema; /* static memory */
    vj_colb *cols;
    vj_col *views;
    vj_batch batch; /* all rows */
} test_table;

/*
 * "flat" (every type, nulls from none to all), "nested" (lists and structs in each other),
 * "edges" (NaN, zeros, long text, extremes), "variants" (what an annotated VCF looks like).
 * NULL name ends the list.
 */
extern const char *const test_table_names[];
VJ_MUST_CHECK vj_status test_table_make(const char *name, int64_t n_rows, uint64_t seed,
                                        test_table *out, vj_error *err);
/* A copy of rows [beg, beg+n). */
VJ_MUST_CHECK vj_status test_table_slice(const test_table *from, int64_t beg, int64_t n,
                                         test_table *out, vj_error *err);
void test_table_free(test_table *table);
/* Row as JSON array without a line end: bytes as hex, reals with 17 digits or as text. */
VJ_MUST_CHECK vj_status test_table_row_json(const test_table *table, int64_t row_i, vj_buf *out,
                                            vj_error *err);

#endif
