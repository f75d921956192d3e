/*
 * footer.h - the footer in memory: schema, row groups, column chunks. Private to the reader.
 *
 * The footer's bytes are kept as they are in the file. Opening walks them once, checks every
 * chunk and remembers where each begins; a chunk is parsed again when it is asked for. A footer
 * of 240,000 chunks so costs its bytes and 4 more a chunk.
 *
 * Levels: a node of the schema tree knows, of the level entries (rep, def) of a leaf below it,
 *   entry    rep <= rep_outer and def >= def_outer     there is a slot for this node
 *   value    ... and def >= def_here                   and the slot is not null
 *   item     rep <= rep_item and def >= def_item       (LIST) an element of the list begins
 */
#ifndef VJ_PARQUET_FOOTER_H
#define VJ_PARQUET_FOOTER_H

#include "parquet/parquet.h"
#include "parquet/thrift_read.h"

typedef enum pq_physical {
    PQ_BOOLEAN = 0,
    PQ_INT32,
    PQ_INT64,
    PQ_INT96,
    PQ_FLOAT,
    PQ_DOUBLE,
    PQ_BYTE_ARRAY,
    PQ_FLBA
} pq_physical;

typedef enum pq_encoding {
    PQ_PLAIN = 0,
    PQ_PLAIN_DICTIONARY = 2,
    PQ_RLE = 3,
    PQ_BIT_PACKED = 4,
    PQ_DELTA_BINARY_PACKED = 5,
    PQ_DELTA_LENGTH_BYTE_ARRAY = 6,
    PQ_DELTA_BYTE_ARRAY = 7,
    PQ_RLE_DICTIONARY = 8,
    PQ_BYTE_STREAM_SPLIT = 9,
    PQ_ALP = 10
} pq_encoding;
/* "PLAIN"; "UNKNOWN" for a number that is none. Static. */
const char *pq_encoding_name(int encoding);

/* How physical values become those of the leaf's vj_type. */
typedef enum pq_convert {
    PQ_AS_IS = 0,
    PQ_TO_8,        /* INT32 -> I8, U8 */
    PQ_TO_16,       /* INT32 -> I16, U16 */
    PQ_FROM_INT96,  /* INT96 -> I64 nanoseconds */
    PQ_FROM_DECIMAL /* BYTE_ARRAY decimal -> FIXED */
} pq_convert;

typedef struct pq_leaf {
    const char *path;
    vj_type type;
    pq_physical physical;
    int32_t width_bytes; /* of a physical value; 0: BOOLEAN, BYTE_ARRAY */
    pq_convert convert;
    uint8_t max_def, max_rep;
    uint8_t order; /* of bounds: field number in the ColumnOrder union; 0: the footer is silent */
} pq_leaf;

typedef enum pq_order {
    PQ_ORDER_NONE = 0,
    PQ_ORDER_TYPE = 1,
    PQ_ORDER_IEEE754 = 2,
    PQ_ORDER_OTHER = 255 /* not known here: bounds mean nothing */
} pq_order;

typedef enum pq_node_kind { PQ_NODE_LEAF, PQ_NODE_LIST, PQ_NODE_STRUCT } pq_node_kind;

typedef struct pq_node pq_node;
struct pq_node {
    pq_node_kind kind;
    uint8_t rep_outer, def_outer;
    uint8_t def_here;
    uint8_t rep_item, def_item;
    int32_t leaf_beg, leaf_end;
    int32_t n_kids;
    const pq_node *kids;
};

/* Raw column chunk metadata; spans view the footer. */
typedef struct pq_chunk {
    int32_t physical;
    int32_t codec;
    uint32_t encodings; /* bit i: encoding i is listed */
    int64_t n_values;
    int64_t compressed_bytes, uncompressed_bytes;
    int64_t data_off;
    int64_t dict_off; /* 0: none */
    int64_t bloom_off;
    int64_t offset_index_off, column_index_off;
    int32_t offset_index_len, column_index_len;
    bool has_file_path, is_encrypted, has_meta;
    bool has_null_count, has_distinct_count, has_nan_count;
    bool has_old_min, has_old_max, has_min, has_max;
    bool min_exact, max_exact, has_min_exact, has_max_exact;
    int64_t null_count, distinct_count, nan_count;
    vj_span old_min, old_max, min, max;
} pq_chunk;

typedef struct pq_rowgroup {
    int64_t n_rows, first_row;
    int64_t compressed_bytes, uncompressed_bytes;
    int32_t n_sorting;
} pq_rowgroup;

/* One element of the footer's schema list. */
typedef struct pq_element {
    const char *name;
    int32_t physical; /* -1: a group */
    int32_t type_length;
    int32_t repetition; /* 0 required, 1 optional, 2 repeated */
    int32_t n_children;
    int32_t converted; /* -1: none */
    int32_t scale, precision;
    int32_t logical; /* field number in the LogicalType union; 0: none */
    int32_t unit;    /* 1 ms, 2 us, 3 ns */
    int32_t int_bits;
    bool int_signed;
    bool utc;
} pq_element;

struct vj_pq_file {
    vj_source *source;
    vj_budget *budget;
    vj_arena arena;
    uint8_t *footer;
    size_t footer_len;
    int64_t footer_off;  /* in the file: pages end before it */
    bool ignore_checksums;
    int64_t chunk_extra; /* bytes that a chunk may be longer than it says */
    vj_pq_meta meta;
    pq_node *nodes;      /* one per top-level field */
    pq_leaf *leaves;
    pq_rowgroup *groups;
    uint32_t *chunk_at;  /* [group * n_leaves + leaf]: offset in footer */
};

/* Parse file->footer into the rest of *file. Errors name the file. */
VJ_MUST_CHECK vj_status pq_footer_parse(vj_pq_file *file, vj_error *err);
/* Read one ColumnChunk at t. */
void pq_chunk_parse(th *t, pq_chunk *chunk);
/* Parse a chunk of a checked footer again. */
void pq_chunk_get(const vj_pq_file *file, int32_t rowgroup_i, int32_t leaf_i, pq_chunk *chunk);
/* Build fields, nodes and leaves out of the schema list. */
VJ_MUST_CHECK vj_status pq_schema_build(vj_pq_file *file, const pq_element *elements, int32_t n,
                                        vj_error *err);
/* The leaf's type out of its element; levels and path are the caller's. */
void pq_leaf_type(const pq_element *el, pq_leaf *leaf);
/* Bounds of a chunk by the leaf's order. */
void pq_stats_get(const pq_leaf *leaf, const pq_chunk *chunk, vj_pq_stats *stats);
/* Bounds in the pages' and chunks' statistics have the order that the leaf's values have. */
bool pq_bounds_ordered(const pq_leaf *leaf);
/* One plain-encoded bound as int64; false when its length is wrong or the leaf no integer. */
bool pq_bound_i64(const pq_leaf *leaf, vj_span bytes, int64_t *out);

#endif
