/*
 * index_check.h - private to hts: find the .csi or .tbi beside a file, and hold its counts against
 * the bytes that are there before htslib allocates by them.
 *
 * Format sources: hts-specs CSIv1, tabix.
 * tests: unit/test_index_check.c, fuzz/fuzz_index.c
 */
#ifndef VJ_HTS_INDEX_CHECK_H
#define VJ_HTS_INDEX_CHECK_H

#include "base/base.h"

/*
 * Path of the index that belongs to path: path.csi, then (with_tbi) path.tbi, then the same in
 * place of the last suffix; NULL in *out: there is none. The caller frees it with vj_free.
 */
VJ_MUST_CHECK vj_status vj_index_find(const char *path, bool with_tbi, vj_budget *budget,
                                      char **out, vj_error *err);
/*
 * Walk the whole index of a file of file_bytes: counts against the index's own bytes, places in
 * the file against its size.
 *
 * memory:  its plain bytes, from the budget, until it returns
 * errors:  VJ_E_CORRUPT (file, what was expected, what was found), VJ_E_IO, VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_index_check(const char *path, int64_t file_bytes, vj_budget *budget,
                                       vj_error *err);

#endif
