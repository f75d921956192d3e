/*
 * refparquet.h - private to reference: rows of a Parquet database on their way into a built one.
 *
 * Rows with several ALTs become a row each, trimmed as records of a VCF are (S-31); rows with a
 * null in the key, which match nothing, are left out and counted. `end` and all other columns
 * stay what they were.
 */
#ifndef VJ_REFERENCE_REFPARQUET_H
#define VJ_REFERENCE_REFPARQUET_H

#include "reference/reference.h"
#include "reference/refsort.h"

typedef struct vj_refparquet vj_refparquet;

/* Open the database (file, folder or glob); start_base 0, 1, or -1: read off the rows. */
VJ_MUST_CHECK vj_status vj_refparquet_open(const char *path, int start_base, bool ignore_checksums,
                                           vj_budget *budget, vj_refparquet **out, vj_error *err);
void vj_refparquet_free(vj_refparquet *in);
const vj_database *vj_refparquet_database(const vj_refparquet *in);
/* Columns of the built files, in the source's order; ALT is text. */
const vj_schema *vj_refparquet_schema(const vj_refparquet *in);
/* Key columns and what the footers prove, for the planner. */
const vj_built_options *vj_refparquet_facts(const vj_refparquet *in);
/* A layout from rows all over the database. */
VJ_MUST_CHECK vj_status vj_refparquet_plan(vj_refparquet *in, vj_built **out, vj_error *err);
/* After each slice: records read and rows made of them; anything but VJ_OK ends the reading. */
typedef vj_status (*vj_refparquet_note)(void *ctx, int64_t n_records, int64_t n_rows,
                                        vj_error *err);
/*
 * Rows in database order: those of a contig (a code of the database's; its row groups are known
 * by their contigs then), or all of them (-1). Counted in result.
 */
VJ_MUST_CHECK vj_status vj_refparquet_read(vj_refparquet *in, int32_t contig, vj_refsort *sort,
                                           vj_refparquet_note note, void *ctx,
                                           vj_reference_result *result, vj_error *err);

#endif
