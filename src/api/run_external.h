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

/*
 * What became of a left row with a database, in rising order, and whether it met more than one
 * database row. VJ_DUCK_BEST_* and the Polars worker's numbers are the same.
 */
enum {
    VJ_FATE_NO_POSITION = 0,
    VJ_FATE_REF_DIFFERS = 1,
    VJ_FATE_ALT_DIFFERS = 2,
    VJ_FATE_MATCHED = 3,
    VJ_FATE_LEVELS = 3, /* mask */
    VJ_FATE_SEVERAL = 4
};

/* Count a database's fates (one byte per row of the keyed file) into the report. */
VJ_MUST_CHECK vj_status vj_external_note_fates(const vj_external *ext, int32_t db_i,
                                               const uint8_t *fates, vj_error *err);

/* Rows of a Parquet file that this job wrote, in order, in slices; the batch is sink's to read. */
typedef vj_status (*vj_slice_sink)(void *arg, const vj_batch *batch, vj_error *err);
VJ_MUST_CHECK vj_status vj_external_scan(const char *path, vj_budget *budget, vj_slice_sink sink,
                                         void *arg, vj_error *err);

/* Fill result->rows_out and the databases' counts; write ext->out_path. */
typedef vj_status (*vj_external_join)(vj_external *ext, vj_error *err);

/* Run a join of that kind from the plan's source to the published output. */
VJ_MUST_CHECK vj_status vj_external_run(vj_plan *plan, vj_external_join join,
                                        vj_result *result, vj_error *err);
VJ_MUST_CHECK vj_status vj_duck_engine_join(vj_external *ext, vj_error *err);
VJ_MUST_CHECK vj_status vj_polars_engine_join(vj_external *ext, vj_error *err);

#endif
