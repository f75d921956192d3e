/*
 * refwriter.h - sorted rows of a contig to one built file after the other.
 *
 *   plan (once) -> open -> append* -> close -> open -> ...
 *
 * Layout, page sizes, tiers and footer entries are decided here. With tiers a file has its rare
 * rows first: common ones wait in a file of their own beside it and are appended at its end.
 */
#ifndef VJ_REFERENCE_REFWRITER_H
#define VJ_REFERENCE_REFWRITER_H

#include "reference/refsort.h"

typedef struct vj_refwriter vj_refwriter;

VJ_MUST_CHECK vj_status vj_refwriter_new(const vj_refsort_options *options, vj_budget *budget,
                                         vj_refwriter **out, vj_error *err);
/* A file that is open stays without an end. */
void vj_refwriter_free(vj_refwriter *w);
/* What the first rows are like decides how all are stored; nothing happens after that. */
VJ_MUST_CHECK vj_status vj_refwriter_plan(vj_refwriter *w, const vj_batch *rows, vj_error *err);
/* The layout of the files; NULL: plain, or not planned yet. */
const vj_built *vj_refwriter_built(const vj_refwriter *w);
VJ_MUST_CHECK vj_status vj_refwriter_open(vj_refwriter *w, const char *path, vj_error *err);
bool vj_refwriter_is_open(const vj_refwriter *w);
/* Logical rows, none of which belongs before those that came. */
VJ_MUST_CHECK vj_status vj_refwriter_append(vj_refwriter *w, const vj_batch *rows, vj_error *err);
/* Finish the open file, if there is one; *out_bytes is its size then. */
VJ_MUST_CHECK vj_status vj_refwriter_close(vj_refwriter *w, int64_t *out_bytes, vj_error *err);
/*
 * view.sql in the folder: what DuckDB needs to show the files under the original names. The path of
 * the files is relative to the folder, so a built database may be moved. built NULL: they are plain.
 */
VJ_MUST_CHECK vj_status vj_refwriter_view(const vj_built *built, const char *dir,
                                          vj_budget *budget, vj_error *err);

#endif
