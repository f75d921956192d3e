/*
 * job_rows.h - private to the module: a job whose rows go to a caller in place of a file.
 *
 * in:      a job with its options
 * out:     the schema once, then batches in input order, on the thread that runs the job
 * not:     files, Pipes; other engines than the native one
 * tests:   unit/test_row_stream.c
 */
#ifndef VJ_API_JOB_ROWS_H
#define VJ_API_JOB_ROWS_H

#include "engine/engine.h"
#include "varjoin/job.h"

typedef struct vj_job_rows {
    /* Once, before the first row; the schema lives as long as the run. */
    vj_status (*begin)(void *ctx, const vj_schema *schema, vj_error *err);
    vj_row_taker taker;
} vj_job_rows;

/* Like vj_job_annotate and vj_job_normalize. VJ_E_UNSUPPORTED where the native engine does not do. */
VJ_MUST_CHECK vj_status vj_job_run_rows(vj_job *job, bool annotating, const vj_job_rows *rows,
                                        vj_error *err);

#endif
