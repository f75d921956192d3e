/*
 * left_parquet.h - private to engine: normalised Parquet as a left source.
 *
 * The columns are decoded in the read turn with one forward cursor each; keys are made in the
 * worker. Rows of one record (alt_index 1, 2, ...) always come in one batch, because whether a
 * record was split decides whether its keys are trimmed.
 */
#ifndef VJ_ENGINE_LEFT_PARQUET_H
#define VJ_ENGINE_LEFT_PARQUET_H

#include "engine/engine.h"

typedef struct vj_left_parquet vj_left_parquet;
typedef struct vj_left_parquet_rows vj_left_parquet_rows;

VJ_MUST_CHECK vj_status vj_left_parquet_open(const char *path, bool ignore_checksums,
                                             vj_budget *budget,
                                             vj_left_parquet **out, vj_error *err);
void vj_left_parquet_free(vj_left_parquet *source);
void vj_left_parquet_release(vj_left_parquet *source);
const vj_schema *vj_left_parquet_schema(const vj_left_parquet *source);
int64_t vj_left_parquet_bytes_done(const vj_left_parquet *source);
int64_t vj_left_parquet_bytes_total(const vj_left_parquet *source);

VJ_MUST_CHECK vj_status vj_left_parquet_rows_new(const vj_left_parquet *source,
                                                 vj_budget *budget, vj_left_parquet_rows **out,
                                                 vj_error *err);
void vj_left_parquet_rows_free(vj_left_parquet_rows *rows);
/* Serial: decode about want_rows rows. */
VJ_MUST_CHECK vj_status vj_left_parquet_read(vj_left_parquet *source, int64_t want_rows,
                                             vj_left_parquet_rows *rows, bool *out_more,
                                             vj_error *err);
/*
 * Serial: look at the rows that come next in this row group, about want_rows of them, without
 * taking them; *out_n 0 at the end of the file.
 */
VJ_MUST_CHECK vj_status vj_left_parquet_peek(vj_left_parquet *source, int64_t want_rows,
                                             int64_t *out_n, vj_error *err);
/* Place of row i of those peeked at: contig as it stands there ("" for null), pos1 -1 for null. */
void vj_left_parquet_place(const vj_left_parquet *source, int64_t i, vj_span *contig,
                           int64_t *pos1);
/* In the worker: keys of the rows; fills left's views. */
VJ_MUST_CHECK vj_status vj_left_parquet_keys(vj_left_parquet_rows *rows, vj_left *left,
                                             vj_error *err);

#endif
