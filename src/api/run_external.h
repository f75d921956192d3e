/*
 * run_external.h - private to api: jobs that DuckDB or Polars perform.
 *
 *   input -> keyed Parquet (engine/keyed.h, in a private folder) -> the engine -> output Parquet,
 *   hashed by our reader, provenance added to its footer -> published; TSV is made of that Parquet
 */
#ifndef VJ_API_RUN_EXTERNAL_H
#define VJ_API_RUN_EXTERNAL_H

#include "engine/keyed.h"

/* What both engines get: the keyed file and where to write. */
typedef struct vj_external {
    const vj_plan *plan;
    vj_result *result;
    vj_keyed keyed;
    char *dir;             /* private, removed at the end */
    char left_path[4096];  /* keyed Parquet */
    char out_path[4096];   /* what the engine is to write */
} vj_external;

/* Fill result->rows_out and the databases' counts; write ext->out_path. */
typedef vj_status (*vj_external_join)(vj_external *ext, vj_error *err);

/* Run a join of that kind from the plan's source to the published output. */
VJ_MUST_CHECK vj_status vj_external_run(const vj_plan *plan, vj_external_join join,
                                        vj_result *result, vj_error *err);
VJ_MUST_CHECK vj_status vj_duck_engine_join(vj_external *ext, vj_error *err);
VJ_MUST_CHECK vj_status vj_polars_engine_join(vj_external *ext, vj_error *err);

#endif
