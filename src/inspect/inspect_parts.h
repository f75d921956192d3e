/*
 * inspect_parts.h - inspection in two steps: facts as JSON, then the JSON as text (private to
 * inspect/), so that both outputs say the same.
 */
#ifndef VJ_INSPECT_INSPECT_PARTS_H
#define VJ_INSPECT_INSPECT_PARTS_H

#include "base/json.h"
#include "col/col.h"
#include "varjoin/inspect.h"

/* New references; NULL with err on failure. */
json_t *vj_inspect_parquet(const char *path, const vj_inspect_options *options,
                           vj_budget *budget, vj_error *err);
json_t *vj_inspect_vcf(const char *path, vj_budget *budget, vj_error *err);

VJ_MUST_CHECK vj_status vj_inspect_as_text(const json_t *facts, const vj_inspect_options *options,
                                           vj_buf *out, vj_error *err);

/* Structs and lists of structs or lists have no cell of TSV. */
bool vj_inspect_has_no_cell(const vj_type *type);
/* Each row of such a column as JSON, appended to dst, a builder of text. */
VJ_MUST_CHECK vj_status vj_inspect_as_json(const vj_col *col, vj_budget *budget, vj_colb *dst,
                                           vj_error *err);

/* The first rows of a Parquet file as TSV, appended to text. */
VJ_MUST_CHECK vj_status vj_inspect_head(const char *path, int64_t n_rows, bool ignore_checksums,
                                        vj_budget *budget, vj_buf *text, vj_error *err);

#endif
