/*
 * writer_meta.h - what a written file says about itself: schema, chunks, indexes, footer
 * (private to parquet/).
 */
#ifndef VJ_PARQUET_WRITER_META_H
#define VJ_PARQUET_WRITER_META_H

#include "parquet/thrift_write.h"
#include "parquet/writer_leaf.h"

/* A chunk that stands in the file; spans live in the writer's arena. */
typedef struct vj_chunk_rec {
    int codec;
    int64_t encoding_pages[VJ_ENC_COUNT];
    bool has_dict;
    int64_t n_values, n_nulls;
    int64_t uncompressed_bytes, compressed_bytes;
    int64_t dict_off, data_off;
    bool has_bounds, min_exact, max_exact;
    vj_span min, max;
    int64_t column_index_off, offset_index_off; /* in the index buffers */
    int32_t column_index_bytes, offset_index_bytes; /* 0: none */
} vj_chunk_rec;

typedef struct vj_group_rec {
    int64_t n_rows;
    int64_t uncompressed_bytes, compressed_bytes;
    int64_t file_off;
} vj_group_rec;

typedef struct vj_kv_rec {
    const char *key;
    const char *value;
} vj_kv_rec;

/* Everything the footer tells; filled by writer.c. */
typedef struct vj_file_facts {
    const vj_schema *schema;
    const vj_leaf *leaves;
    int32_t n_leaves;
    const int32_t *sorting_leaves;
    int32_t n_sorting;
    bool compat;
    const char *created_by;
    int64_t n_rows;
    int64_t column_index_base, offset_index_base; /* file offsets of the index buffers */
    VJ_VEC(vj_group_rec) groups;
    VJ_VEC(vj_chunk_rec) chunks; /* n_leaves per group */
    VJ_VEC(vj_kv_rec) kvs;
} vj_file_facts;

/* Levels and depth have a limit so that they fit a byte and no reader needs a deep stack. */
#define VJ_SCHEMA_DEPTH_MAX 32

/*
 * Leaves of the schema in file order; options: one per top-level field. *leaves and their steps live in the arena, *first_leaf
 * (n_fields + 1 entries) too; each leaf is to be fini'd. VJ_E_UNSUPPORTED for a struct without
 * members, a list without an element, or too deep a nesting.
 */
VJ_MUST_CHECK vj_status vj_schema_leaves(const vj_schema *schema, const vj_leaf_options *options,
                                         vj_arena *arena, vj_budget *budget, vj_leaf **leaves,
                                         int32_t *n_leaves, int32_t **first_leaf, vj_error *err);
/* Field 2 of FileMetaData. */
void vj_schema_write(vj_tw *tw, const vj_schema *schema);

/* Append the chunk's indexes to the buffers and note their places in rec. */
VJ_MUST_CHECK vj_status vj_indexes_write(const vj_leaf *leaf, const vj_chunk *chunk,
                                         int64_t pages_off, vj_buf *column_index,
                                         vj_buf *offset_index, vj_chunk_rec *rec, vj_error *err);
/* The whole footer: metadata, its length, the magic. */
VJ_MUST_CHECK vj_status vj_footer_write(const vj_file_facts *facts, vj_buf *out, vj_error *err);

#endif
