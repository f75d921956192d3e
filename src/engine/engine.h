/*
 * engine.h - what all engines share: the plan, left batches, databases, names, pipeline, sinks.
 *
 * Facts are computed once here, so that an engine only joins (docs/semantics.md is the law):
 *
 *   vj_left_source --batches--> engine (native: join in the worker) --> vj_sink
 *        VCF, BCF, Parquet        duck, polars: keyed Parquet, then theirs    Parquet, VCF, TSV
 *
 * not:     how rows are found (native/, duck/, polars/), option parsing (cli/)
 * also:    engine/keyed.h (keyed input), engine/sweep.h (several inputs) and engine/estimate.h
 *          (what a job would cost) are its parts
 * threads: a plan is immutable once built; sources and sinks belong to the pipeline's turns
 * tests:   unit/test_engine.c, cli/
 */
#ifndef VJ_ENGINE_ENGINE_H
#define VJ_ENGINE_ENGINE_H

#include "built/built.h"
#include "built/tiers.h"
#include "hts/hts.h"
#include "parquet/parquet.h"
#include "track/track.h"
#include "varjoin/job.h"

/* ---- databases ---- */

/* One row group of a database, with what its statistics say. */
typedef struct vj_db_rowgroup {
    int32_t file_i, rowgroup_i;
    int32_t contig;             /* code in the database's contigs, or -1: several or unknown */
    int64_t min_pos1, max_pos1; /* bounds, inclusive; widest where unknown */
    int64_t n_rows;
    int64_t first_row; /* ordinal of its first row in the database */
    bool rare;         /* of the rare tier: few rows of it are asked for */
} vj_db_rowgroup;

typedef struct vj_db_file {
    char *path;
    vj_pq_file *pq;
    vj_built *built;         /* NULL: columns are stored as they are */
    vj_tiers tiers;
    const vj_schema *schema; /* what its columns mean, however they are stored */
    int32_t chrom_i, start_i, ref_i, alt_i, end_i; /* fields of schema; end_i -1: none */
    int32_t *payload_i; /* field of each payload column, -1 where this file lacks it */
} vj_db_file;

typedef struct vj_db_column {
    vj_field field;   /* source name and type */
    const char *name; /* in the output; NULL: not selected */
    bool widened;     /* files store it in several types; field.type holds them all */
} vj_db_column;

typedef struct vj_database {
    const char *name;
    const char *release;
    char checksum[40]; /* "xxh3:<32 hex>" over the footers of all files, in order */
    int32_t n_files;
    vj_db_file *files;
    int32_t n_rowgroups;
    vj_db_rowgroup *rowgroups; /* in database order: file, row group */
    _Atomic uint8_t *was_read; /* one per row group: a run looked into it */
    vj_contigs contigs;        /* canonical names met in the statistics */
    vj_map raw_contigs;        /* their spellings in the files */
    bool has_unknown_contigs;  /* some row group has contig -1 */
    bool sorted;               /* row groups of a contig and tier follow each other without overlap */
    int start_base;            /* 0 or 1 */
    bool alt_is_list;          /* else text, several ALTs joined with ',' or '|' */
    int64_t n_rows, size_bytes;
    int32_t n_columns;
    vj_db_column *columns; /* payload, in output order */
    vj_budget *budget;
    vj_arena arena;
} vj_database;

/*
 * Open all files of a database and read what the footers tell; key columns are checked.
 * start_base: 0 or 1, or -1 to read it off the first rows (S-34). ignore_checksums holds for the
 * files' whole life.
 */
VJ_MUST_CHECK vj_status vj_database_open(const vj_job_database *spec, int start_base,
                                         bool ignore_checksums,
                                         vj_budget *budget, vj_database **out, vj_error *err);
void vj_database_free(vj_database *db);
/* A field of a database file's schema by exact name, or -1. */
int32_t vj_db_field_find(const vj_db_file *file, const char *name);
/*
 * The field of the Parquet file that holds a logical field as it is, or -1. The start column
 * always is one. Values of any field come from a vj_built_reader.
 */
int32_t vj_db_physical(const vj_db_file *file, int32_t field_i);

/* ---- names of output columns ---- */

/*
 * Give every database column its output name, unique without regard to case: id -> rsid, a
 * taken name gets _<database>. reserved names (n_reserved of them) are taken too. selection is
 * the -c list or NULL; a column that it does not pick
 * gets name NULL. VJ_E_USAGE when -c names a column that no database has.
 */
VJ_MUST_CHECK vj_status vj_names_resolve(const vj_schema *left, const char *const *reserved,
                                         int32_t n_reserved, vj_database **dbs, int32_t n_dbs,
                                         const char *selection, vj_error *err);

/* ---- left batches ---- */

typedef struct vj_left_source vj_left_source;

/* Rows of the input with their keys; what the pipeline carries. */
typedef struct vj_left {
    vj_schema schema;
    int64_t n_rows;
    const vj_col *cols;
    const vj_key_list *keys;
    const int32_t *row_key;    /* key of each row */
    const int32_t *key_record; /* record of each key inside this batch */
    int64_t n_records;
    const vj_span *record_lines;   /* raw lines, or NULL (Parquet input) */
    const int32_t *record_alleles; /* ALTs as written, or NULL */
    const vj_vcf_counts *counts;
    const vj_buf *bad_lines; /* --bad-records: lines set aside; NULL: none */
    bool raw;                /* to be filled and linked first */
    vj_vcf_block *block;     /* the rest is the source's own */
    vj_vcf_rows *rows;
    struct vj_left_parquet_rows *parquet;
} vj_left;

/* Open the input of a job: VCF, BCF or normalised Parquet, told by its bytes. */
VJ_MUST_CHECK vj_status vj_left_open(const vj_job_options *options, vj_budget *budget,
                                     vj_left_source **out, vj_error *err);
void vj_left_free(vj_left_source *source);
/* After the last batch: give buffers back; schema, header and byte counts stay. */
void vj_left_release(vj_left_source *source);
/* Columns of the normalised table for this input; owned by the source. */
const vj_schema *vj_left_schema(const vj_left_source *source);
/* NULL for Parquet input. */
const vj_vcf_reader *vj_left_vcf(const vj_left_source *source);
int64_t vj_left_bytes_done(const vj_left_source *source);
int64_t vj_left_bytes_total(const vj_left_source *source); /* -1: unknown */
const char *vj_left_format(const vj_left_source *source);
/* A batch for this source; reused through the pool. */
VJ_MUST_CHECK vj_status vj_left_batch_new(const vj_left_source *source, vj_budget *budget,
                                          vj_left **out, vj_error *err);
void vj_left_batch_free(vj_left *left);
/* Serial: take the next raw rows. */
VJ_MUST_CHECK vj_status vj_left_read(vj_left_source *source, int64_t want_rows, vj_left *left,
                                     bool *out_more, vj_error *err);
/*
 * Serial: look at the rows that come next, at most as many as vj_left_read would take (*out_n in
 * the source's own units, 0 at the end), their places (contig as written, pos1; "" and -1 where
 * broken), and take the first n of them.
 */
VJ_MUST_CHECK vj_status vj_left_peek(vj_left_source *source, int64_t want_rows, int64_t *out_n,
                                     vj_error *err);
void vj_left_place(const vj_left_source *source, int64_t i, vj_span *contig, int64_t *pos1);
VJ_MUST_CHECK vj_status vj_left_take(vj_left_source *source, int64_t n, vj_left *left,
                                     bool *out_more, vj_error *err);
/*
 * The same for an input that is alone in its pipeline: what is read is raw, if that lets others
 * take part; then _fill in the worker and _link, serial and in order, are due before _parse.
 */
VJ_MUST_CHECK vj_status vj_left_read_raw(vj_left_source *source, int64_t want_rows, vj_left *left,
                                         bool *out_more, vj_error *err);
VJ_MUST_CHECK vj_status vj_left_fill(const vj_left_source *source, vj_left *left, vj_error *err);
VJ_MUST_CHECK vj_status vj_left_link(vj_left_source *source, vj_left *left, vj_error *err);
/* In the worker: columns and keys. */
VJ_MUST_CHECK vj_status vj_left_parse(const vj_left_source *source, vj_left *left, vj_error *err);

/* ---- what is said of an input that was read all the same ---- */

/* shown: for the user's eyes; else for the run record only. */
typedef struct vj_remarks {
    void (*say)(void *ctx, bool shown, const char *text);
    void *ctx;
} vj_remarks;
/* Of the header and the file as a whole, once it is read; vcf may be NULL. */
void vj_remarks_header(const vj_remarks *to, const vj_vcf_reader *vcf, const char *input);
/* Of odd cells: those that became null, have no column, or were kept. */
void vj_remarks_cells(const vj_remarks *to, const vj_vcf_counts *counts);
/*
 * --fail-on-skipped, once what ("output", "database") is whole: VJ_E_POLICY where records were
 * set aside to path, VJ_OK for none.
 */
VJ_MUST_CHECK vj_status vj_refuse_skipped(int64_t n_skipped, const char *path, const char *what,
                                          vj_error *err);

/* ---- pipeline: one ordered pool of batches ---- */

/* The workers that wait, for whoever commits; NULL: there are none. */
typedef struct vj_crew vj_crew;
typedef vj_status (*vj_crew_fn)(void *arg, int64_t i, vj_error *err);
/*
 * fn(arg, i) once for each i of 0..n-1, side by side and in any order, here and in idle workers;
 * returns when all are done, with the error of the lowest i that failed. Parts behind a failed one
 * may have run or not.
 *
 * threads: only from within `commit`
 */
VJ_MUST_CHECK vj_status vj_crew_run(vj_crew *crew, int64_t n, vj_crew_fn fn, void *arg,
                                    vj_error *err);

typedef struct vj_pipeline_ops {
    void *ctx;
    vj_status (*batch_new)(void *ctx, void **out, vj_error *err);
    void (*batch_free)(void *ctx, void *batch);
    /* worker state, e.g. cursors; both may be NULL */
    vj_status (*worker_new)(void *ctx, void **out, vj_error *err);
    void (*worker_free)(void *ctx, void *worker);
    /* serial, in order */
    vj_status (*read)(void *ctx, void *batch, bool *out_more, vj_error *err);
    /* side by side */
    vj_status (*work)(void *ctx, void *worker, void *batch, vj_error *err);
    /* serial, in order */
    vj_status (*commit)(void *ctx, void *batch, vj_error *err);
    /* between read and work: side by side, then serial, in order and short; both may be NULL */
    vj_status (*prepare)(void *ctx, void *batch, vj_error *err);
    vj_status (*link)(void *ctx, void *batch, vj_error *err);
    vj_crew **crew; /* set before the first batch, for commit; NULL: not wanted */
} vj_pipeline_ops;
/*
 * Run until read has no more. Batches are committed in the order in which they were read; at
 * most n_batches are in flight. The failure with the lowest sequence number wins.
 */
VJ_MUST_CHECK vj_status vj_pipeline_run(const vj_pipeline_ops *ops, int n_workers, int n_batches,
                                        const vj_stop *stop, vj_error *err);

/* ---- plan ---- */

/* What --join-columns names: parts of the key, and other columns by their own value. */
typedef struct vj_join_parts {
    bool contig, pos, alleles;
    int32_t n_others;
    const char **others;
} vj_join_parts;

typedef struct vj_plan {
    vj_job_options options;
    bool annotating; /* false: normalize */
    vj_output_kind output_kind;
    vj_engine_kind engine;
    char reason[256];
    vj_join_parts join_parts;
    int n_workers, n_batches;
    int64_t rows_per_batch;    /* of each sample */
    int64_t rows_per_rowgroup; /* of Parquet outputs */
    int64_t further_bytes;     /* estimate of the outputs of all samples but the first */
    int64_t rows_per_piece;    /* of output rows of each sample that are held at a time */
    int64_t memory_bytes; /* the promise, default filled in */
    vj_budget *budget;
    vj_stop *stop;
    vj_track *track; /* stages are noted here; may be NULL */
    vj_left_source *source;
    int32_t n_dbs;
    vj_database **dbs;
    vj_schema out_schema;  /* the left's columns, then each database's selected ones */
    int32_t n_left_fields;
    /*
     * A plan for each input: this one with an input, output, source and column names of its own;
     * workers, budget and the files of the databases are shared. source, out_schema and dbs above
     * are those of the first. A sample's own plan has one sample: itself.
     */
    int32_t n_samples;
    struct vj_plan **samples;
    vj_arena arena;
} vj_plan;

/*
 * Open input and databases, resolve names, choose the engine, share out the memory.
 *
 * owns:    borrows budget, stop and track; *out owns source and databases
 * errors:  VJ_E_USAGE, VJ_E_SCHEMA, VJ_E_NOMEM (with the number that would do), those of the files
 */
VJ_MUST_CHECK vj_status vj_plan_build(const vj_job_options *options, bool annotating,
                                      vj_budget *budget, vj_stop *stop, vj_track *track,
                                      vj_plan **out, vj_error *err);
void vj_plan_free(vj_plan *plan);
/* The join by chrom, start, ref and alt, without a statement of the user's. */
bool vj_plan_is_standard(const vj_plan *plan);
/* Say something to the user through the plan's log callback. */
void vj_plan_log(const vj_plan *plan, vj_log_level level, const char *fmt, ...)
    VJ_PRINTF(3, 4);

/* ---- results ---- */

typedef struct vj_result {
    int64_t rows_in, rows_out, records_in, alleles_in;
    int64_t rows_expected; /* rows_out by the matches, independent of what was written; -1 unknown */
    int64_t bytes_out;
    vj_vcf_counts counts;
    vj_content_hash hash;
    int64_t vcf_extra_rows; /* database rows beyond the first of an allele, left out of VCF */
    int64_t vcf_out_of_range; /* integers that VCF cannot hold */
    vj_report *report;      /* the run record that is being filled; not owned */
    vj_report_db **dbs;     /* its entries, in plan order; not owned */
} vj_result;

/* ---- sink ---- */

/* Rows to write: the output columns of one batch, in order. */
typedef struct vj_out_batch {
    vj_batch batch; /* out_schema */
    const vj_left *left;
    const int32_t *row_left; /* left row of each output row; NULL: identity */
    vj_crew *crew;           /* workers that may take part in the encoding, or NULL */
} vj_out_batch;

typedef struct vj_sink vj_sink;

/* Somebody who takes the rows in place of a file; called in input order, one thread at a time. */
typedef struct vj_row_taker {
    vj_status (*take)(void *ctx, const vj_batch *rows, vj_error *err);
    void *ctx;
} vj_row_taker;
/* A sink that hands its rows to a taker; taker is borrowed. */
VJ_MUST_CHECK vj_status vj_sink_open_taker(const vj_plan *plan, const vj_row_taker *taker,
                                           vj_sink **out, vj_error *err);
/* Start the output of a plan under its temporary name. */
VJ_MUST_CHECK vj_status vj_sink_open(const vj_plan *plan, vj_sink **out, vj_error *err);
/* Rows in input order, one thread at a time; VJ_E_OUTPUT. */
VJ_MUST_CHECK vj_status vj_sink_append(vj_sink *sink, const vj_out_batch *rows,
                                       vj_result *result, vj_error *err);
/* Write provenance, close, publish. */
VJ_MUST_CHECK vj_status vj_sink_finish(vj_sink *sink, vj_result *result, vj_error *err);
void vj_sink_free(vj_sink *sink);

/* Provenance entries of a plan's output, in the arena. */
VJ_MUST_CHECK vj_status vj_provenance_make(const vj_plan *plan, const vj_result *result,
                                           vj_arena *arena, vj_pq_kv **out, int32_t *out_n,
                                           vj_error *err);

#endif
