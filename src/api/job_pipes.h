/*
 * job_pipes.h - private to the module: a job that reports to Dagster while it runs.
 *
 *   open (options' callbacks now reach Dagster too) -> run -> close with the outcome
 *
 * not:     the protocol (track/pipes.h), where the two variables come from (the caller)
 * tests:   dagster/test_assets.py (the real library)
 */
#ifndef VJ_API_JOB_PIPES_H
#define VJ_API_JOB_PIPES_H

#include "track/pipes.h"
#include "varjoin/job.h"

typedef struct vj_job_pipes {
    vj_pipes *pipes; /* NULL: not under Dagster */
    vj_job_options given;
} vj_job_pipes;

/*
 * Open the session of options->pipes_context and _messages, and put ours before the options'
 * log and progress callbacks. Without the two, nothing changes.
 *
 * owns:    self lives where it is until _close
 */
VJ_MUST_CHECK vj_status vj_job_pipes_open(vj_job_pipes *self, vj_job_options *options,
                                          vj_error *err);
/*
 * Report the asset where rc is VJ_OK, end the session with the outcome, restore the callbacks.
 * Returns rc, or what went wrong with a report of a run that was in order.
 */
VJ_MUST_CHECK vj_status vj_job_pipes_close(vj_job_pipes *self, vj_job_options *options,
                                           vj_report *report, vj_status rc, vj_error *err);

#endif
