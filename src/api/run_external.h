/*
 * run_external.h - private to api: jobs that DuckDB or Polars perform.
 *
 *   input -> keyed Parquet (engine/keyed.h, in a private folder) -> the engine -> output Parquet,
 *   hashed by our reader, provenance added to its footer -> published; TSV is made of that Parquet
 */
#ifndef VJ_API_RUN_EXTERNAL_H
#define VJ_API_RUN_EXTERNAL_H

#include "engine/keyed.h"
#include "native/native.h"

/* What both engines get: the keyed file and where to write. */
typedef struct vj_external {
    vj_plan *plan;
    vj_result *result;
    vj_keyed keyed;
    char *dir;             /* private, removed at the end */
    char left_path[4096];  /* keyed Parquet */
    char out_path[4096];   /* what the engine is to write */
} vj_external;

/* What an engine matched in one database, before the duplicate policy. */
typedef struct vj_external_counts {
    int64_t pairs;     /* of input row and database row */
    int64_t left_rows; /* input rows with a match */
    int64_t several;   /* input rows with more than one */
} vj_external_counts;
VJ_MUST_CHECK vj_status vj_external_note(vj_external *ext, int32_t d,
                                         const vj_external_counts *counts, vj_error *err);

/* What became of a left row with a database, in rising order; VJ_DUCK_BEST_* are the same. */
enum {
    VJ_FATE_NO_POSITION = 0,
    VJ_FATE_REF_DIFFERS = 1,
    VJ_FATE_ALT_DIFFERS = 2,
    VJ_FATE_MATCHED = 3
};

/* Count a database's fates (one byte per row of the keyed file) into the report. */
VJ_MUST_CHECK vj_status vj_external_note_fates(const vj_external *ext, int32_t db_i,
                                               const uint8_t *fates, vj_error *err);

/* Fill result->rows_out and the databases' counts; write ext->out_path. */
typedef vj_status (*vj_external_join)(vj_external *ext, vj_error *err);

/* Run a join of that kind from the plan's source to the published output. */
VJ_MUST_CHECK vj_status vj_external_run(vj_plan *plan, vj_external_join join,
                                        vj_result *result, vj_error *err);
VJ_MUST_CHECK vj_status vj_duck_engine_join(vj_external *ext, vj_error *err);
VJ_MUST_CHECK vj_status vj_polars_engine_join(vj_external *ext, vj_error *err);

#endif
