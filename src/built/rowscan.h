/*
 * rowscan.h - all rows of a file, slice by slice, by logical column.
 */
#ifndef VJ_BUILT_ROWSCAN_H
#define VJ_BUILT_ROWSCAN_H

#include "built/built.h"

typedef struct vj_rowscan {
    const vj_pq_file *file;
    const vj_built *built;
    vj_schema schema;    /* what is wanted; borrowed */
    const int32_t *from; /* field of the file for each of schema, -1: null; NULL: the same */
    vj_budget *budget;
    vj_built_reader *reader;
    vj_colb *builders;
    vj_col *cols;
    int32_t *rows;
    int64_t cap_rows;
    int32_t rowgroup_i;
    int64_t row; /* next in the row group */
} vj_rowscan;

/* Zeroed storage may be fini'd. schema's fields and from must outlive the scan. */
VJ_MUST_CHECK vj_status vj_rowscan_init(vj_rowscan *scan, const vj_schema *schema,
                                        vj_budget *budget, vj_error *err);
void vj_rowscan_fini(vj_rowscan *scan);
/* Stand at a row of a row group of a file. */
void vj_rowscan_seek(vj_rowscan *scan, const vj_pq_file *file, const vj_built *built,
                     const int32_t *from, int32_t rowgroup_i, int64_t row);
/* The next rows of this row group, at most max_rows; 0 rows at its end. *out views the scan. */
VJ_MUST_CHECK vj_status vj_rowscan_next(vj_rowscan *scan, int64_t max_rows, vj_batch *out,
                                        vj_error *err);

#endif
