/*
 * built.h - databases whose storage differs from what they mean: the "tuned" layout.
 *
 * A built file holds physical columns; the key-value varjoin.layout (JSON, docs/formats.md) says
 * how each logical column is made of them:
 *
 *   column      the physical column of the same name and type
 *   constant    one value for all rows, in the JSON alone
 *   ref, alt    the two sides of a text column REF TAB ALT
 *   prefixed    text that is mostly PREFIX + canonical decimal: an unsigned integer column
 *               (0: not so), and a mostly-null text column for the rest
 *   packed      a field of bits in an integer column; the code picks a meaning from a list
 *
 * The planner chooses from a sample, the encoder never loses a value whatever the rows hold, the
 * reader gives the logical columns back under their names and types.
 *
 * also:    built/tiers.h (rare and common rows), built/rowscan.h (all rows of any file)
 * in:      the JSON is hostile until vj_built_read has held it against the file's schema
 * threads: a vj_built is immutable; encoders and readers belong to one thread at a time
 * tests:   unit/test_built.c, fuzz/fuzz_built.c, fault/fault_built.c, engines/
 */
#ifndef VJ_BUILT_BUILT_H
#define VJ_BUILT_BUILT_H

#include "parquet/parquet.h"

#define VJ_BUILT_KEY "varjoin.layout"
#define VJ_BUILT_VERSION 1
/* Limits of what a layout may ask for. */
#define VJ_BUILT_MAX_COLUMNS 100000
#define VJ_BUILT_MAX_MEANINGS 256
#define VJ_BUILT_MAX_PREFIX 64

typedef enum vj_built_how {
    VJ_BUILT_COLUMN,
    VJ_BUILT_CONSTANT,
    VJ_BUILT_REF,
    VJ_BUILT_ALT,
    VJ_BUILT_PREFIXED,
    VJ_BUILT_PACKED
} vj_built_how;

typedef enum vj_meaning_kind {
    VJ_MEANS_NULL,
    VJ_MEANS_VALUE, /* number (BOOL, integers) or text */
    VJ_MEANS_REF,   /* the row's REF */
    VJ_MEANS_ALT,
    VJ_MEANS_SPAN,  /* start + bytes of REF + number */
    VJ_MEANS_SIDE   /* what the side column holds */
} vj_meaning_kind;

typedef struct vj_meaning {
    vj_meaning_kind kind;
    int64_t number;
    vj_span text;
} vj_meaning;

typedef struct vj_built_column {
    vj_field field; /* as the source had it */
    vj_built_how how;
    int32_t physical_i; /* field of the file; -1: constant */
    int32_t side_i;     /* PREFIXED, PACKED; -1: none */
    vj_span prefix;
    int32_t shift, bits; /* PACKED */
    int32_t n_meanings;  /* PACKED: 1..256; CONSTANT: 1 */
    vj_meaning *meanings;
} vj_built_column;

typedef struct vj_built {
    vj_arena arena;
    vj_schema schema;   /* logical, in the source's order */
    vj_schema physical; /* of the file */
    vj_built_column *columns; /* one per field of schema */
    int32_t start_i, ref_i, alt_i; /* logical */
    int32_t start_base;
    vj_hash128 identity; /* of what it says: files of one database agree */
} vj_built;

/*
 * The layout of a file, or *out NULL when it has none (every column is what it seems).
 *
 * errors: VJ_E_CORRUPT (file, column, expected, found), VJ_E_UNSUPPORTED (a later version)
 */
VJ_MUST_CHECK vj_status vj_built_read(const vj_pq_file *file, vj_budget *budget, vj_built **out,
                                      vj_error *err);
/* The same from text against a schema; what the fuzzer calls. */
VJ_MUST_CHECK vj_status vj_built_parse(vj_span json, const char *name, const vj_schema *physical,
                                       vj_budget *budget, vj_built **out, vj_error *err);
void vj_built_free(vj_built *built);
/* As JSON text, NUL-terminated behind its length. */
VJ_MUST_CHECK vj_status vj_built_write(const vj_built *built, vj_buf *out, vj_error *err);
/* "bits 3..5 of vj_pack0", "one value", ...; returns dst. */
char *vj_built_describe(const vj_built *built, int32_t column_i, char *dst, size_t cap_bytes);
/*
 * SQL (DuckDB) that gives the logical columns: "expr AS name, ..." over the physical columns,
 * which may be qualified by nothing. Appends.
 */
VJ_MUST_CHECK vj_status vj_built_sql(const vj_built *built, vj_buf *sql, vj_error *err);

/* ---- planner ---- */

typedef struct vj_built_options {
    int32_t start_i, ref_i, alt_i, chrom_i; /* in the logical schema; alt is one text a row */
    int32_t start_base;
    /* per logical column, or NULL: proven to have one value in all rows; shown by the sample */
    const bool *constant;
} vj_built_options;

/*
 * Choose how to store rows like those of the sample. The sample's ref, alt and start have no
 * nulls. *out is valid for any rows of that schema.
 */
VJ_MUST_CHECK vj_status vj_built_plan(const vj_batch *sample, const vj_built_options *options,
                                      vj_budget *budget, vj_built **out, vj_error *err);

/* ---- encoder: logical rows to physical ones ---- */

typedef struct vj_built_encoder vj_built_encoder;
/* built is borrowed until the encoder is freed. */
VJ_MUST_CHECK vj_status vj_built_encoder_new(const vj_built *built, vj_budget *budget,
                                             vj_built_encoder **out, vj_error *err);
/* encoder may be NULL. */
void vj_built_encoder_free(vj_built_encoder *encoder);
/*
 * owns:   *out views the encoder's memory and rows', valid until the next call
 * errors: VJ_E_SCHEMA when start, ref or alt is null or a constant column is not
 */
VJ_MUST_CHECK vj_status vj_built_encode(vj_built_encoder *encoder, const vj_batch *rows,
                                        vj_batch *out, vj_error *err);

/* ---- reader: rows of a file by logical column ---- */

/*
 * The seam between engines and storage. A reader stands at one row group of one file and gives
 * values of a set of rows column by column; files without a layout are read as they are.
 * Physical columns that several logical ones need are read once per set.
 */
typedef struct vj_built_reader vj_built_reader;
/*
 * How physical rows are read: append to dst the rows (ascending, in the row group) of a field.
 * Engines bring their own (shared cursors, page caches).
 */
typedef vj_status (*vj_built_select)(void *ctx, const vj_pq_file *file, int32_t rowgroup_i,
                                     int32_t physical_i, const int32_t *rows, int64_t n,
                                     vj_colb *dst, vj_error *err);
/* select NULL: a cursor a column, kept as long as the file is the same. */
VJ_MUST_CHECK vj_status vj_built_reader_new(vj_built_select select, void *ctx, vj_budget *budget,
                                            vj_built_reader **out, vj_error *err);
void vj_built_reader_free(vj_built_reader *reader);
/*
 * Stand at a set of rows (ascending, none twice; borrowed until the next call). A set behind the
 * one before in the same row group goes on from there, which is what makes walking a whole file
 * in slices cheap. built NULL: the file has no layout.
 */
VJ_MUST_CHECK vj_status vj_built_reader_rows(vj_built_reader *reader, const vj_pq_file *file,
                                             const vj_built *built, int32_t rowgroup_i,
                                             const int32_t *rows, int64_t n, vj_error *err);
/* The rows' values of an integer column that stands as it is: the caller has them already. */
VJ_MUST_CHECK vj_status vj_built_reader_give(vj_built_reader *reader, int32_t column_i,
                                             const int64_t *values, vj_error *err);
/*
 * Keep of the rows at hand those numbered which[0..n), rising; rows are they by their number in
 * the row group. What was read of them is not read again.
 */
VJ_MUST_CHECK vj_status vj_built_reader_keep(vj_built_reader *reader, const int32_t *which,
                                             int64_t n, const int32_t *rows, vj_error *err);
/* Append the rows' values of a logical column to dst, which has its type. */
VJ_MUST_CHECK vj_status vj_built_reader_column(vj_built_reader *reader, int32_t column_i,
                                               vj_colb *dst, vj_error *err);

#endif
