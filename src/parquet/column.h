/*
 * column.h - one leaf of one row group: levels and values over page boundaries. Private.
 *
 *   flat     (max_rep 0, top level)  a level entry is a row: flat.c
 *   nested   level entries are collected per slice and made into lists and structs: nested.c
 *
 * A leaf is finished (finish.c) by converting its dense physical values, spreading them over
 * the slots of nulls, and checking text.
 */
#ifndef VJ_PARQUET_COLUMN_H
#define VJ_PARQUET_COLUMN_H

#include "parquet/page.h"

/* Rows a slice has at most, and bytes of text: what one call materialises. */
#define PQ_SLICE_ROWS ((int64_t)1 << 20)
#define PQ_SLICE_BYTES ((size_t)16 << 20)

typedef struct pq_column {
    const pq_leaf *leaf;
    vj_budget *budget;
    pq_pages pages;
    pq_values values;
    pq_dense dense;
    pq_page page;      /* loaded */
    int64_t page_n;    /* level entries of it; 0: none is loaded */
    int64_t page_at;   /* of them consumed */
    pq_runs def, rep;
    vj_buf valid;      /* bits of the slice: entries (flat) or slots (nested) */
    vj_buf converted;  /* values in the leaf's type, where they cannot be changed in place */
    vj_buf idx;        /* int32: value numbers to pick */
    vj_buf slots;      /* uint8: which picked rows are present */
    /* nested only: level entries of the slice, and those decoded ahead of it */
    vj_buf defs, reps;
    int64_t n_entries;
    int64_t rows_all, rows_left; /* rows of the group, and those not yet begun */
    uint8_t *look;
    int64_t look_at, look_n;
} pq_column;

void pq_column_init(pq_column *col, vj_codec *codec, vj_budget *budget);
void pq_column_fini(pq_column *col);
VJ_MUST_CHECK vj_status pq_column_begin(pq_column *col, const vj_pq_file *file,
                                        int32_t rowgroup_i, int32_t leaf_i, vj_error *err);

/* Make page_n - page_at positive. False in *more at the chunk's end. */
VJ_MUST_CHECK vj_status pq_column_page(pq_column *col, bool *more, vj_error *err);

/*
 * Jump by the offset index, between pages only, towards row here + *n; *n becomes what is left
 * from the page jumped to. Does nothing where the chunk has no index or the next page has it.
 */
VJ_MUST_CHECK vj_status pq_column_jump(pq_column *col, int64_t here, int64_t *n, vj_error *err);
/* Only n_rows rows of the chunk are wanted: where pages can be found by index, do not read it all. */
void pq_column_sparse(pq_column *col, int64_t n_rows);

/* ---- flat ---- */

/* 1..max_rows next rows, at most what is left of a page; *out views the column's memory. */
VJ_MUST_CHECK vj_status pq_flat_next(pq_column *col, int64_t max_rows, vj_col *out, vj_error *err);
VJ_MUST_CHECK vj_status pq_flat_skip(pq_column *col, int64_t n_rows, vj_error *err);
/*
 * Rows rows[0..n) (numbers in the group; the first is `row`..) of the next page that has one.
 * *used: how many of them, *row: where the column stands afterwards.
 */
VJ_MUST_CHECK vj_status pq_flat_select(pq_column *col, int64_t *row, const int32_t *rows,
                                       int64_t n, int64_t *used, vj_col *out, vj_error *err);

/* ---- nested ---- */

/* Go over the next n_rows rows; keep: append their levels and values to the slice. */
VJ_MUST_CHECK vj_status pq_nested_take(pq_column *col, int64_t n_rows, bool keep, vj_error *err);
/* The same without keeping, by whole pages where that can be. */
VJ_MUST_CHECK vj_status pq_nested_skip(pq_column *col, int64_t n_rows, vj_error *err);
/* Empty the slice. */
void pq_nested_reset(pq_column *col);

/* Memory of one node of an assembled column; kids as the node has them. */
typedef struct pq_tree pq_tree;
struct pq_tree {
    vj_buf valid, offs;
    int32_t n_kids;
    pq_tree *kids;
    vj_col *views;
};
VJ_MUST_CHECK vj_status pq_tree_init(pq_tree *tree, const pq_node *node, vj_budget *budget,
                                     vj_error *err);
void pq_tree_fini(pq_tree *tree);
/*
 * Make a column out of the slices of its leaves; columns[0] is the field's first leaf.
 * *out views memory of tree and columns.
 */
VJ_MUST_CHECK vj_status pq_tree_build(pq_tree *tree, const pq_node *node, const vj_type *type,
                                      pq_column *columns, int32_t first_leaf, vj_col *out,
                                      vj_error *err);

/* ---- finishing ---- */

/*
 * View col->dense as n slots of the leaf's type. present: bitmap of the slots, n_present of them
 * set; NULL when all are. data_direct: values where they lie, instead of dense, or NULL.
 */
VJ_MUST_CHECK vj_status pq_column_finish(pq_column *col, int64_t n, int64_t n_present,
                                         const uint8_t *present, const uint8_t *data_direct,
                                         vj_col *out, vj_error *err);

#endif
