/*
 * estimate.h - what a job will read and cost, from footers, headers and a survey of the input.
 *
 * Nothing of a database but its footers is read. Rates are those of one 3 GHz core
 * (docs/which-engine.md says how they were measured); bytes, rows and groups are counted, not
 * guessed, where the input's places are known.
 */
#ifndef VJ_ENGINE_ESTIMATE_H
#define VJ_ENGINE_ESTIMATE_H

#include "engine/engine.h"

typedef struct vj_estimate_db {
    int32_t n_files;
    int64_t n_rowgroups; /* that will be read */
    int64_t n_rows;      /* in them */
    int64_t bytes;       /* compressed, of the columns needed */
    int64_t plain_bytes;
    double pages, cells; /* pages read; rows times columns */
} vj_estimate_db;

typedef struct vj_estimate_input {
    bool known;
    int64_t n_records, n_rows;
} vj_estimate_input;

typedef struct vj_estimate {
    bool input_known;  /* else rows and places are unknown: all that may be read is counted */
    int64_t n_records, n_rows;
    int64_t bytes;     /* of the databases and the input */
    double cpu_s, wall_s;
    int64_t memory_bytes;
    int32_t n_dbs;
    vj_estimate_db *dbs;       /* in the plan's arena, as are: */
    vj_estimate_input *inputs; /* one for each sample of the plan; the figures above are sums */
} vj_estimate;

VJ_MUST_CHECK vj_status vj_estimate_make(vj_plan *plan, vj_estimate *out, vj_error *err);

#endif
