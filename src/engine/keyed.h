/*
 * keyed.h - the input as a keyed Parquet file, for engines that read files (duck, polars).
 *
 * The normalised table plus the key columns that src/duck/duck.h describes:
 *   __vj_row BIGINT ordinal, __vj_contig text canonical, __vj_pos BIGINT, __vj_ref, __vj_alt text
 * (null where the allele never matches). What the engines need to leave files out is noted.
 */
#ifndef VJ_ENGINE_KEYED_H
#define VJ_ENGINE_KEYED_H

#include "engine/engine.h"

#define VJ_KEYED_COLUMNS 5

/* Alleles of one contig of the input. */
typedef struct vj_keyed_contig {
    int64_t n_alleles;
    int64_t n_matchable;
    int64_t min_pos1, max_pos1; /* of the matchable ones */
    const char *shown;          /* in the keyed object's arena */
} vj_keyed_contig;

typedef struct vj_keyed {
    vj_map contigs; /* canonical name -> index */
    VJ_VEC(vj_keyed_contig) facts;
    vj_arena arena;
    vj_schema schema; /* left columns, then the five */
} vj_keyed;

void vj_keyed_fini(vj_keyed *keyed);
/*
 * Read the plan's source to its end and write path. Fills rows_in, records_in, alleles_in and
 * counts of result; bad records go to their file as in a native run.
 */
VJ_MUST_CHECK vj_status vj_keyed_write(const vj_plan *plan, const char *path, vj_keyed *keyed,
                                       vj_result *result, vj_error *err);
/* Whether a database file's row groups may hold rows of some contig and position of the input. */
bool vj_keyed_needs_file(const vj_keyed *keyed, const vj_database *db, int32_t file_i);

#endif
