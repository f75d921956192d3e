/*
 * keyed.h - the input as a keyed Parquet file, for engines that read files (duck, polars).
 *
 * The normalised table plus the key columns that src/duck/duck.h describes:
 *   __vj_row BIGINT ordinal, __vj_contig text canonical, __vj_pos BIGINT, __vj_ref, __vj_alt text
 * (both null where the allele never matches). What the engines need to leave files out is noted.
 */
#ifndef VJ_ENGINE_KEYED_H
#define VJ_ENGINE_KEYED_H

#include "engine/engine.h"

#define VJ_KEYED_COLUMNS 5

/* Of each row of the file, one byte. */
enum {
    VJ_KEYED_NEW_ALLELE = 1, /* the first row of its allele (several samples repeat it) */
    VJ_KEYED_NEW_RECORD = 2, /* the first row of its record */
    VJ_KEYED_MATCHABLE = 4
};

/* Rows from first_row on are of one contig, up to the next run. */
typedef struct vj_keyed_run {
    int64_t first_row;
    int32_t fact_i;
} vj_keyed_run;

/* Alleles of one contig of the input. */
typedef struct vj_keyed_contig {
    int64_t n_matchable;
    int64_t min_pos1, max_pos1; /* of the matchable ones; of all where alleles are not compared */
    const char *shown; /* in the keyed object's arena */
} vj_keyed_contig;

typedef struct vj_keyed {
    vj_map contigs; /* canonical name -> index */
    VJ_VEC(vj_keyed_contig) facts;
    VJ_VEC(uint8_t) row_flags;
    VJ_VEC(vj_keyed_run) runs;
    vj_arena arena;
    vj_schema schema; /* left columns, then the five */
    const vj_plan *plan;
    vj_outfile *out;
    vj_pq_writer *writer;
    vj_outfile *bad_records;
    int64_t next_row;
} vj_keyed;

/* The key columns of one batch; built in the worker, numbered at commit. */
typedef struct vj_keyed_rows {
    vj_colb key[VJ_KEYED_COLUMNS];
    vj_col *cols;
} vj_keyed_rows;

/* Begin writing path. Valid on zero; _fini also after a failure. */
VJ_MUST_CHECK vj_status vj_keyed_open(vj_keyed *keyed, const vj_plan *plan, const char *path,
                                      vj_error *err);
void vj_keyed_fini(vj_keyed *keyed);
VJ_MUST_CHECK vj_status vj_keyed_rows_init(vj_keyed_rows *rows, const vj_keyed *keyed,
                                           vj_error *err);
void vj_keyed_rows_fini(vj_keyed_rows *rows);
/* In the worker: key columns of a parsed batch. */
VJ_MUST_CHECK vj_status vj_keyed_build(vj_keyed_rows *rows, const vj_left *left, vj_error *err);
/* Serial, in order: number and write the rows; counts go to result. */
VJ_MUST_CHECK vj_status vj_keyed_append(vj_keyed *keyed, vj_keyed_rows *rows, const vj_left *left,
                                        vj_result *result, vj_error *err);
/* Close the file. */
VJ_MUST_CHECK vj_status vj_keyed_finish(vj_keyed *keyed, vj_error *err);
/* Bad records appear: after the result, which may still fail. */
VJ_MUST_CHECK vj_status vj_keyed_publish_bad_records(vj_keyed *keyed, vj_error *err);
/* Whether a database file's row groups may hold rows of some contig and position of the input. */
bool vj_keyed_needs_file(const vj_keyed *keyed, const vj_database *db, int32_t file_i);
/* Note in the database what an engine reads that prunes by the range of positions alone. */
void vj_keyed_mark_read(const vj_keyed *keyed, const vj_database *db);

#endif
