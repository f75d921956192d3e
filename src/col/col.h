/*
 * col.h - columns and batches in Arrow's memory layout: types, builders, gather, content hash.
 *
 * A vj_type describes values the way the Parquet and Arrow type systems both can; a vj_col is
 * a borrowed view of one column's memory in Arrow layout; a vj_colb owns and grows it.
 *
 *   fixed width   data: n_rows values                         valid: bitmap or NULL
 *   BOOL          data: bitmap, least significant bit first
 *   TEXT, BINARY  offs: n_rows+1 int32 into data (bytes)
 *   LIST          offs: n_rows+1 int32 into kids[0]'s rows
 *   STRUCT        kids: one column per child, n_rows rows each
 *
 * relies:  base only
 * not:     Parquet pages (parquet/), text forms of VCF fields (hts/)
 * threads: views are immutable; a builder belongs to one thread at a time
 * tests:   unit/test_col.c
 */
#ifndef VJ_COL_COL_H
#define VJ_COL_COL_H

#include "base/base.h"

typedef enum vj_kind {
    VJ_BOOL = 0,
    VJ_I8,
    VJ_I16,
    VJ_I32,
    VJ_I64,
    VJ_U8,
    VJ_U16,
    VJ_U32,
    VJ_U64,
    VJ_F32,
    VJ_F64,
    VJ_TEXT,   /* UTF-8, int32 offsets */
    VJ_BINARY, /* bytes, int32 offsets */
    VJ_FIXED,  /* width_bytes bytes a value */
    VJ_LIST,   /* kids[0] */
    VJ_STRUCT  /* kids[0..n_kids) */
} vj_kind;

/* What the values mean beyond their kind. */
typedef enum vj_logical {
    VJ_LOGICAL_NONE = 0,
    VJ_LOGICAL_DECIMAL,   /* I32, I64 or FIXED (big endian two's complement): precision, scale */
    VJ_LOGICAL_DATE,      /* I32 days since 1970-01-01 */
    VJ_LOGICAL_TIME,      /* I32 (ms) or I64 (us, ns) since midnight */
    VJ_LOGICAL_TIMESTAMP, /* I64 since the epoch */
    VJ_LOGICAL_UUID,      /* FIXED 16 */
    VJ_LOGICAL_F16,       /* FIXED 2, IEEE half, little endian */
    VJ_LOGICAL_JSON,      /* TEXT */
    VJ_LOGICAL_ENUM,      /* TEXT */
    VJ_LOGICAL_INTERVAL,  /* FIXED 12: months, days, ms as little-endian u32 */
    VJ_LOGICAL_NULL       /* I32, every value null */
} vj_logical;

typedef enum vj_time_unit { VJ_MS = 0, VJ_US, VJ_NS } vj_time_unit;

typedef struct vj_field vj_field;

typedef struct vj_type {
    vj_kind kind;
    vj_logical logical;
    int32_t precision, scale; /* DECIMAL */
    vj_time_unit unit;        /* TIME, TIMESTAMP */
    bool utc;                 /* TIME, TIMESTAMP: adjusted to UTC */
    int32_t width_bytes;      /* FIXED */
    int32_t n_kids;
    const vj_field *kids; /* LIST: one, named "element"; STRUCT: its members; owned elsewhere */
} vj_type;

struct vj_field {
    const char *name; /* UTF-8, NUL-terminated, owned elsewhere */
    vj_type type;
    bool nullable;
};

typedef struct vj_schema {
    int32_t n_fields;
    const vj_field *fields;
} vj_schema;

/* Bytes of one value of a fixed-width kind; 0 for BOOL and the variable ones. */
size_t vj_type_width(const vj_type *type);
/* Same kind, logical meaning and children (child names count for STRUCT only). */
bool vj_type_eq(const vj_type *a, const vj_type *b);
/*
 * The type that holds every value of both, as DuckDB's union by name has it: the wider of whole
 * numbers (the next with a sign where one has one) and of floats, decimals with the digits of both
 * (stored as FIXED, up to 38), timestamps of the finer unit, text of JSON and enums, binary of
 * fixed widths. False where there is none: other kinds, uint64 with a signed one, lists, structs.
 */
bool vj_type_widen(const vj_type *a, const vj_type *b, vj_type *out);
/*
 * "int64", "list<text>", "decimal(10,2)", "timestamp[us, UTC]", "struct<a: int32>"; truncated
 * to cap_bytes; returns dst.
 */
char *vj_type_name(const vj_type *type, char *dst, size_t cap_bytes);
/* Deep copy of a field (name, kids) into the arena. */
VJ_MUST_CHECK vj_status vj_field_copy(vj_arena *arena, const vj_field *from, vj_field *to,
                                      vj_error *err);
/* Plain scalar types and list<text>, for tables in code: vj_type_of(VJ_TEXT). */
static inline vj_type vj_type_of(vj_kind kind)
{
    return (vj_type){.kind = kind};
}
/* A list of the given scalar kind; the child field is static memory named "element". */
vj_type vj_type_list_of(vj_kind element);

typedef struct vj_col vj_col;
struct vj_col {
    const vj_type *type;
    int64_t n_rows;
    const uint8_t *valid; /* bit set: value present; NULL: no nulls */
    const int32_t *offs;
    const void *data;
    const vj_col *kids; /* type->n_kids of them */
};

/* No value in this row. */
static inline bool vj_col_is_null(const vj_col *col, int64_t row_i)
{
    return col->valid != NULL && !vj_bit_get(col->valid, row_i);
}
/* Bytes of a TEXT, BINARY or FIXED value; not asked of a null. */
static inline vj_span vj_col_bytes(const vj_col *col, int64_t row_i)
{
    if (col->type->kind == VJ_FIXED) {
        size_t width = (size_t)col->type->width_bytes;
        return (vj_span){(const char *)col->data + (size_t)row_i * width, width};
    }
    return (vj_span){(const char *)col->data + col->offs[row_i],
                     (size_t)(col->offs[row_i + 1] - col->offs[row_i])};
}
/* Any integer kind, sign- or zero-extended (u64 wraps). Not asked of a null. */
int64_t vj_col_i64(const vj_col *col, int64_t row_i);
/* F32 or F64. */
double vj_col_f64(const vj_col *col, int64_t row_i);
int64_t vj_col_null_count(const vj_col *col);

typedef struct vj_batch {
    const vj_schema *schema;
    int64_t n_rows;
    const vj_col *cols; /* schema->n_fields of them, each n_rows long */
} vj_batch;

/*
 * Column builder. One append call per value (or the bulk ones); the kids of a LIST or STRUCT
 * are appended to directly: for a list, append the elements to kids[0], then
 * vj_colb_end_list(); for a struct, one value to each kid, then vj_colb_end_struct().
 */
typedef struct vj_colb vj_colb;
struct vj_colb {
    vj_type type;
    int64_t n_rows;
    int64_t n_nulls;
    vj_buf valid; /* written only once a null has been seen */
    vj_buf offs;
    vj_buf data;
    vj_colb *kids;
    vj_col *kid_views;
};

/* type's kids must outlive the builder. Zeroed storage needs no _init to be _fini'd. */
VJ_MUST_CHECK vj_status vj_colb_init(vj_colb *b, const vj_type *type, vj_budget *budget,
                                     vj_error *err);
void vj_colb_fini(vj_colb *b);
/* Empty, keep the memory. */
void vj_colb_reset(vj_colb *b);

/* Append one null; the kids of a STRUCT get one each. */
VJ_MUST_CHECK vj_status vj_colb_null(vj_colb *b, vj_error *err);
/* Append one value of a BOOL. */
VJ_MUST_CHECK vj_status vj_colb_bool(vj_colb *b, bool value, vj_error *err);
/* Any integer kind; the value is truncated to the kind's width (the caller checked). */
VJ_MUST_CHECK vj_status vj_colb_int(vj_colb *b, int64_t value, vj_error *err);
VJ_MUST_CHECK vj_status vj_colb_f32(vj_colb *b, float value, vj_error *err);
VJ_MUST_CHECK vj_status vj_colb_f64(vj_colb *b, double value, vj_error *err);
/* TEXT, BINARY, FIXED (len_bytes == width). VJ_E_NOMEM when offsets would pass 2^31-1. */
VJ_MUST_CHECK vj_status vj_colb_bytes(vj_colb *b, const void *ptr, size_t len_bytes,
                                      vj_error *err);
VJ_MUST_CHECK vj_status vj_colb_end_list(vj_colb *b, vj_error *err);
VJ_MUST_CHECK vj_status vj_colb_end_struct(vj_colb *b, vj_error *err);
/* n nulls. */
VJ_MUST_CHECK vj_status vj_colb_nulls(vj_colb *b, int64_t n, vj_error *err);
/* Append rows [beg, beg+n) of a column of the same type. */
VJ_MUST_CHECK vj_status vj_colb_append(vj_colb *b, const vj_col *from, int64_t beg, int64_t n,
                                       vj_error *err);
/*
 * Append the rows of a column whose type, widened (vj_type_widen), is `to`, dst's own. VJ_E_CORRUPT: a value
 * that its own type cannot have, or a time that the finer unit cannot hold.
 */
VJ_MUST_CHECK vj_status vj_colb_append_wider(vj_colb *dst, const vj_type *to, const vj_col *from,
                                             vj_error *err);
/* Append from's row idx[i] for each i; idx -1 gives a null. */
VJ_MUST_CHECK vj_status vj_colb_gather(vj_colb *b, const vj_col *from, const int32_t *idx,
                                       int64_t n, vj_error *err);
/*
 * Where the rows of an output come from in another column. Input and database are mostly sorted
 * alike, so that within 64 output rows those that have a source mostly have one after the other.
 */
typedef struct vj_places {
    const int32_t *idx;   /* source row, -1: none */
    int64_t n;
    int64_t n_none;
    const uint8_t *where; /* bitmap of those that are not -1, whole 8 bytes */
    const int32_t *first; /* for each 64 rows: their first source row, when they are in order */
} vj_places;
/* Bytes of memory that vj_places_find needs for n rows. */
size_t vj_places_bytes(int64_t n);
/* Look through idx[0..n), which is borrowed; memory is the caller's and 8-byte aligned. */
void vj_places_find(const int32_t *idx, int64_t n, void *memory, vj_places *out);
/* The rows of from, which may grow its buffers, into b, which is empty. As vj_colb_gather does. */
VJ_MUST_CHECK vj_status vj_colb_place(vj_colb *b, vj_colb *from, const vj_places *places,
                                      vj_error *err);
/* Append n values of an integer kind, truncated to its width. */
VJ_MUST_CHECK vj_status vj_colb_ints(vj_colb *b, const int64_t *values, int64_t n, vj_error *err);
/* Append n texts; a span whose ptr is NULL is a null. */
VJ_MUST_CHECK vj_status vj_colb_spans(vj_colb *b, const vj_span *texts, int64_t n, vj_error *err);
/* Borrowed view of what was appended; valid until the next call on b. */
vj_col vj_colb_view(vj_colb *b);
/* Bytes held by the builder's buffers. */
size_t vj_colb_held_bytes(const vj_colb *b);

/*
 * Content hash of a table: order-independent over rows, independent of batching, null bits
 * behind nulls, offsets, dictionary or page layout. Definition (docs/formats.md, "content
 * hash"): each row's 64-bit hash mixes its values in column order; the table's hash is the
 * sum over rows of two independent mixes of it, modulo 2^64 each, plus the row count.
 * Integers hash by value whatever their width, floats by the bits of their double with one
 * NaN, text and bytes by their bytes, lists by length and elements.
 */
typedef struct vj_content_hash {
    uint64_t lo, hi;
    int64_t n_rows;
} vj_content_hash;
/* Add a batch's rows. scratch must hold n_rows uint64. */
void vj_content_hash_add(vj_content_hash *hash, const vj_batch *batch, uint64_t *scratch);
/* Add the sums of another part of the same table. */
void vj_content_hash_merge(vj_content_hash *hash, const vj_content_hash *other);
/* "vjh1:<32 hex digits>"; dst of 40 bytes. */
char *vj_content_hash_text(const vj_content_hash *hash, char dst[40]);

#endif
