/* pq_read_all.h - read a Parquet file in memory by every door of the reader. */
#ifndef VJ_TESTS_PQ_READ_ALL_H
#define VJ_TESTS_PQ_READ_ALL_H

#include "parquet/parquet.h"

/*
 * Open, list pages, read all columns by next, then by select of every third row, ask for row
 * ranges. The first error ends it; the budget bounds what hostile bytes can ask for.
 */
VJ_MUST_CHECK vj_status pq_read_all(const char *name, const void *bytes, size_t len_bytes,
                                    vj_budget *budget, vj_error *err);

#endif
