/*
 * parquet.h - read and write Apache Parquet files, selectively, within a budget.
 *
 * Format source: apache/parquet-format (parquet.thrift, Encodings.md, Compression.md,
 * LogicalTypes.md, PageIndex.md); sections are cited where a rule is used.
 *
 * in:      a vj_source; hostile until checked: every offset, size, count and level is held
 *          against the bytes that are there before it indexes, allocates or loops
 * out:     columns in Arrow layout (col/), or a file through vj_outfile
 * not:     joins, what columns mean (engine/), codecs themselves (codec/)
 * threads: a vj_pq_file is immutable after open and may be read from several threads, each with
 *          cursors of its own; a cursor or a writer belongs to one thread at a time
 * tests:   unit/test_pq_*.c, python/test_parquet_interop.py, fuzz/fuzz_parquet.c, fault/
 */
#ifndef VJ_PARQUET_PARQUET_H
#define VJ_PARQUET_PARQUET_H

#include "col/col.h"
#include "os/os.h"

/* ---- file ---- */

typedef struct vj_pq_file vj_pq_file;

/*
 * Open and check the footer. Takes no page into memory.
 *
 * owns:    the file owns source from the call on, also when it fails
 * errors:  VJ_E_CORRUPT (file, what was expected and found), VJ_E_UNSUPPORTED (encrypted footer,
 *          by name), VJ_E_IO, VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_pq_open(vj_source *source, vj_budget *budget, vj_pq_file **out,
                                   vj_error *err);
/* vj_source_open + vj_pq_open. */
VJ_MUST_CHECK vj_status vj_pq_open_path(const char *path, vj_budget *budget, vj_pq_file **out,
                                        vj_error *err);
/* Pages whose checksum differs are read all the same; call it before the first cursor is opened. */
void vj_pq_ignore_checksums(vj_pq_file *file);
void vj_pq_free(vj_pq_file *file);
/* A regular file that begins as Parquet does, encrypted too; nothing else is opened (a pipe's
 * bytes are for who reads it). False where it cannot be read: opening it will say why. */
bool vj_pq_is_file(const char *path);

typedef struct vj_pq_kv {
    const char *key;
    const char *value; /* NULL when the file has none */
} vj_pq_kv;

/* Facts of the whole file; owned by it. */
typedef struct vj_pq_meta {
    const char *name;
    int64_t size_bytes;
    int64_t footer_bytes;
    int32_t version;
    const char *created_by; /* "" when absent */
    int64_t n_rows;
    int32_t n_rowgroups;
    vj_schema schema; /* top-level fields; nested ones as LIST and STRUCT */
    int32_t n_leaves;
    int32_t n_kvs;
    const vj_pq_kv *kvs;
} vj_pq_meta;
const vj_pq_meta *vj_pq_meta_view(const vj_pq_file *file);
/* Index of a top-level field by exact name, or -1. */
int32_t vj_pq_field_find(const vj_pq_file *file, const char *name);
/* Leaf column range [*beg, *end) of a top-level field. */
void vj_pq_field_leaves(const vj_pq_file *file, int32_t field_i, int32_t *beg, int32_t *end);
/* Dotted path of a leaf ("genotype.list.element"). */
const char *vj_pq_leaf_path(const vj_pq_file *file, int32_t leaf_i);
/* Value of a key-value entry, or NULL. */
const char *vj_pq_kv_get(const vj_pq_file *file, const char *key);

typedef struct vj_pq_rowgroup {
    int64_t n_rows;
    int64_t first_row; /* rows of the file before this group */
    int64_t compressed_bytes;
    int64_t uncompressed_bytes;
    int32_t n_sorting; /* sorting_columns entries */
} vj_pq_rowgroup;
vj_pq_rowgroup vj_pq_rowgroup_view(const vj_pq_file *file, int32_t rowgroup_i);

/*
 * Bounds of a leaf in a row group. Text bounds may be truncated (exact flags false): min is
 * then a lower, max an upper bound. Deprecated min/max are used only where their order is right
 * (signed integers, floats, bools). Bounds of floats with NaN are dropped.
 */
typedef struct vj_pq_stats {
    bool has_bounds;
    bool min_exact, max_exact;
    int64_t min_i64, max_i64; /* integers, dates, times (u64 as its bits) */
    double min_f64, max_f64;  /* floats */
    vj_span min_bytes, max_bytes; /* TEXT, BINARY, FIXED; borrowed from the file */
    int64_t n_nulls;          /* -1: unknown */
    int64_t n_distinct;       /* -1: unknown */
} vj_pq_stats;

typedef struct vj_pq_chunk {
    const char *codec;       /* "ZSTD"; static */
    char encodings[96];      /* "PLAIN RLE_DICTIONARY", as the footer lists them */
    int64_t n_values;        /* with nulls and empty lists */
    int64_t compressed_bytes;
    int64_t uncompressed_bytes;
    int64_t data_page_off;
    int64_t dictionary_page_off; /* -1: none */
    bool has_offset_index, has_column_index, has_bloom_filter;
    vj_pq_stats stats;
} vj_pq_chunk;
vj_pq_chunk vj_pq_chunk_view(const vj_pq_file *file, int32_t rowgroup_i, int32_t leaf_i);

/* One data or dictionary page, found by walking the headers of a chunk. */
typedef struct vj_pq_page_info {
    const char *kind;     /* "DATA_PAGE", "DATA_PAGE_V2", "DICTIONARY_PAGE", "INDEX_PAGE" */
    const char *encoding; /* of the values; static */
    int64_t off;
    int64_t header_bytes, compressed_bytes, uncompressed_bytes;
    int64_t n_values;
    int64_t n_rows; /* -1 where a V1 page of a repeated column does not say */
    bool has_crc;
} vj_pq_page_info;
typedef VJ_VEC(vj_pq_page_info) vj_pq_page_list;
/* Walk a chunk's page headers; appends to list (fini with VJ_VEC_FINI). */
VJ_MUST_CHECK vj_status vj_pq_pages_list(const vj_pq_file *file, int32_t rowgroup_i,
                                         int32_t leaf_i, vj_pq_page_list *list, vj_error *err);

/* Half-open row ranges [beg, end) inside a row group, ascending, disjoint. */
typedef struct vj_pq_range {
    int64_t beg, end;
} vj_pq_range;
typedef VJ_VEC(vj_pq_range) vj_pq_ranges;
/*
 * Rows of the group that may hold a value in [lo, hi] of an integer leaf, by its column and
 * offset index; the whole group where the file has no (usable) index. A damaged index is an
 * error, never a wrong answer. Appends to ranges.
 */
VJ_MUST_CHECK vj_status vj_pq_rows_between(const vj_pq_file *file, int32_t rowgroup_i,
                                           int32_t field_i, int64_t lo, int64_t hi,
                                           vj_pq_ranges *ranges, vj_error *err);

/* ---- cursor: rows of one top-level field in one row group, forward only ---- */

typedef struct vj_pq_cursor vj_pq_cursor;

/*
 * owns:    the cursor borrows the file
 * errors:  VJ_E_UNSUPPORTED names codec, encoding or type that is not read
 */
VJ_MUST_CHECK vj_status vj_pq_cursor_open(const vj_pq_file *file, int32_t rowgroup_i,
                                          int32_t field_i, vj_budget *budget,
                                          vj_pq_cursor **out, vj_error *err);
/*
 * Point an open cursor at another row group of the same field: keeps buffers and decompression
 * contexts. Another file is allowed when its field at this position has the same type and
 * nesting (VJ_E_SCHEMA else); the file before may have been freed.
 */
VJ_MUST_CHECK vj_status vj_pq_cursor_rewind(vj_pq_cursor *cur, const vj_pq_file *file,
                                            int32_t rowgroup_i, vj_error *err);
/*
 * Point an open cursor at any field of any file: a worker that reads one column after the other
 * keeps one set of buffers, warm in its cache, and one decompression context.
 */
VJ_MUST_CHECK vj_status vj_pq_cursor_aim(vj_pq_cursor *cur, const vj_pq_file *file,
                                         int32_t rowgroup_i, int32_t field_i, vj_error *err);

/*
 * Inflated pages shared by cursors of several threads: where neighbouring batches meet, two
 * workers want the same row group, and each of its pages should be inflated once.
 *
 * memory:  at most max_bytes of pages, out of the budget; pages that do not fit are inflated by
 *          each cursor for itself
 * threads: any number; outlives its cursors
 */
typedef struct vj_pq_cache vj_pq_cache;
VJ_MUST_CHECK vj_status vj_pq_cache_new(vj_budget *budget, size_t max_bytes, vj_pq_cache **out,
                                        vj_error *err);
void vj_pq_cache_free(vj_pq_cache *cache);
/* Use the cache (NULL: none) for compressed pages from the next _aim or _rewind on. The files
 * read with it must not be freed before it. */
void vj_pq_cursor_share(vj_pq_cursor *cur, vj_pq_cache *cache);
/* Nothing of what the cursor stands at is compressed: it holds little memory, and going on from
 * where it stands is cheaper than aiming it again. */
bool vj_pq_cursor_is_stored(const vj_pq_cursor *cur);
/* Few rows of each chunk to come will be selected: of those on a disk only their pages are read. */
void vj_pq_cursor_scattered(vj_pq_cursor *cur, bool scattered);
/* The file is read here and there (vj_source_scattered). */
void vj_pq_file_scattered(vj_pq_file *file);
/*
 * Begin to bring a column's chunks of a row group into memory, where they are not, and return at
 * once. The bytes begun, 0 for what is there.
 */
int64_t vj_pq_fetch(const vj_pq_file *file, int32_t rowgroup_i, int32_t field_i);
/* Bytes of the file that the cursor has borrowed in place and not given back. */
int64_t vj_pq_cursor_held_bytes(const vj_pq_cursor *cur);
/* Those bytes may leave memory; they come again when they are needed. */
void vj_pq_cursor_relax(vj_pq_cursor *cur);
void vj_pq_cursor_free(vj_pq_cursor *cur);
/*
 * Decode the next rows. Yields 1..max_rows rows and moves behind them; at the end of the row
 * group *out is NULL and the status VJ_OK. A page that holds more is served in slices.
 *
 * owns:    *out views memory of the cursor, valid until the next call on it
 * errors:  VJ_E_CORRUPT (file, column, row group, page offset, expected and found), VJ_E_IO,
 *          VJ_E_NOMEM; after an error only vj_pq_cursor_free is allowed
 */
VJ_MUST_CHECK vj_status vj_pq_cursor_next(vj_pq_cursor *cur, int64_t max_rows,
                                          const vj_col **out, vj_error *err);
/* Move n rows on; pages that hold none of the rows asked for are neither read nor inflated
 * where the file tells where they are (offset index), else only their headers are. */
VJ_MUST_CHECK vj_status vj_pq_cursor_skip(vj_pq_cursor *cur, int64_t n_rows, vj_error *err);
/*
 * Append to dst the rows with the given numbers (0-based in the row group, ascending, each at
 * or behind the cursor, none twice), then stand behind the last one. Only pages with a row
 * asked for are inflated, and only those rows are materialised.
 * dst has the field's type.
 */
VJ_MUST_CHECK vj_status vj_pq_cursor_select(vj_pq_cursor *cur, const int32_t *rows, int64_t n,
                                            vj_colb *dst, vj_error *err);
/* Row the cursor stands at. */
int64_t vj_pq_cursor_row(const vj_pq_cursor *cur);

/* ---- writer ---- */

typedef enum vj_pq_codec {
    VJ_PQ_NONE = 0,
    VJ_PQ_SNAPPY = 1,
    VJ_PQ_GZIP = 2,
    VJ_PQ_BROTLI = 4,
    VJ_PQ_LZ4_RAW = 7,
    VJ_PQ_ZSTD = 6
} vj_pq_codec;
/* "zstd", "zstd:9", "snappy", "gzip", "lz4", "brotli", "none" (any case). VJ_E_USAGE else. */
VJ_MUST_CHECK vj_status vj_pq_codec_parse(const char *text, vj_pq_codec *codec, int *level,
                                          vj_error *err);

/* What differs for one top-level column. */
typedef struct vj_pq_field_options {
    int64_t rows_per_page; /* 0: as the file */
    bool no_codec;
} vj_pq_field_options;

typedef struct vj_pq_writer_options {
    vj_pq_codec codec;
    int level;             /* 0: the default of ours (zstd 1, see src/parquet/README.md) */
    bool compat;           /* V1 pages, PLAIN and RLE_DICTIONARY only, codec on every page */
    int64_t rows_per_page;     /* 0: 4096 */
    int64_t rows_per_rowgroup; /* 0: 122,880 */
    const int32_t *sorting_fields; /* top-level fields the rows are sorted by, or NULL */
    int32_t n_sorting_fields;
    const char *created_by; /* NULL: "varjoin version <VERSION>" */
    const vj_pq_field_options *fields; /* one per top-level column; NULL: all alike */
} vj_pq_writer_options;

typedef struct vj_pq_writer vj_pq_writer;

/*
 * Start a file. Writes V2 data pages with CRC, page index, statistics with exact flags, plain
 * LogicalTypes, dictionary with fallback, DELTA_BINARY_PACKED for integers, the codec only on
 * pages where it saves at least 10 %; with compat as its option says.
 *
 * owns:    borrows out and schema, copies the options
 * memory:  about one compressed row group plus one page per column
 */
VJ_MUST_CHECK vj_status vj_pq_writer_new(vj_outfile *out, const vj_schema *schema,
                                         const vj_pq_writer_options *options, vj_budget *budget,
                                         vj_pq_writer **writer, vj_error *err);
/* Add a key-value entry to the footer; the last one of a key wins. */
VJ_MUST_CHECK vj_status vj_pq_writer_kv(vj_pq_writer *writer, const char *key, const char *value,
                                        vj_error *err);
/*
 * Append rows; batch->schema must equal the writer's. Pages are encoded as rows come, so the
 * same rows give the same file however they are cut into batches.
 */
VJ_MUST_CHECK vj_status vj_pq_writer_append(vj_pq_writer *writer, const vj_batch *batch,
                                            vj_error *err);
/*
 * The same in two steps, so that columns can be encoded side by side: _append_column once for
 * each top-level column of the batch, in any order and from several threads at once (different
 * columns), then _end_append once when all have returned VJ_OK. batch->schema is trusted to
 * equal the writer's. Do not mix with _append for one batch. After an error only
 * vj_pq_writer_free is allowed.
 */
VJ_MUST_CHECK vj_status vj_pq_writer_append_column(vj_pq_writer *writer, const vj_batch *batch,
                                                   int32_t col_i, vj_error *err);
VJ_MUST_CHECK vj_status vj_pq_writer_end_append(vj_pq_writer *writer, const vj_batch *batch,
                                                vj_error *err);
/* End the row group that is open, if rows are in it; later rows begin another. */
VJ_MUST_CHECK vj_status vj_pq_writer_end_group(vj_pq_writer *writer, vj_error *err);
/*
 * Rows a page from here on, one of fields per top-level column (its codec is not looked at; NULL:
 * as the file). Between row groups only.
 */
VJ_MUST_CHECK vj_status vj_pq_writer_set_pages(vj_pq_writer *writer,
                                               const vj_pq_field_options *fields, vj_error *err);
/* Row groups that are complete. */
int32_t vj_pq_writer_rowgroups(const vj_pq_writer *writer);
/* Write what is pending and the footer. The outfile is the caller's to finish. */
VJ_MUST_CHECK vj_status vj_pq_writer_finish(vj_pq_writer *writer, vj_error *err);
/* Rows that the footer counts; all of them once _finish has been called. */
int64_t vj_pq_writer_rows(const vj_pq_writer *writer);
void vj_pq_writer_free(vj_pq_writer *writer);

/*
 * Add or replace key-values in the footer of a file that another program wrote (DuckDB, Polars):
 * the new footer takes the place of the old one at the end of `path`, all other fields of it,
 * known or not, are copied byte for byte, and so the pages and indexes stay as they are. For
 * files under a temporary name; when writing fails, the old footer is put back.
 *
 * errors:  VJ_E_CORRUPT (no Parquet file, damaged footer), VJ_E_UNSUPPORTED (encrypted or signed
 *          footer), VJ_E_OUTPUT, VJ_E_NOTFOUND, VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_pq_footer_add_kvs(const char *path, const vj_pq_kv *kvs, int32_t n_kvs,
                                             vj_error *err);

#endif
