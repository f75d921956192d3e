/*
 * job_samples.h - private to the module: what a run has for each of its inputs.
 *
 * Several inputs have one output each, in one folder. They are written beside their places, in a
 * folder .NAME.vj-PID-N.tmp, and moved when all of them are whole:
 *
 *   stage (folder made) -> open (sinks) -> ... rows ... -> finish (sinks) -> publish (renames)
 *        any failure ──────────────────────> free: the folder goes, nothing has appeared
 *
 * Where the output folder does not exist, it is that folder itself that is renamed.
 */
#ifndef VJ_API_JOB_SAMPLES_H
#define VJ_API_JOB_SAMPLES_H

#include "api/job_rows.h"

typedef struct vj_job_samples {
    vj_plan *plan;
    int32_t n;
    vj_result *results;   /* parallel to the plan's samples */
    vj_sink **sinks;
    const char **outputs; /* where they will stand */
    char *staging;        /* NULL: outputs are written to their places */
    bool is_folder;       /* staging becomes the output folder */
} vj_job_samples;

/* Results with room for their counts in the report: the record's own, or those of a sample. */
VJ_MUST_CHECK vj_status vj_job_samples_init(vj_job_samples *self, vj_plan *plan,
                                            vj_report *report, vj_error *err);
/* Where several outputs are to go for the time being; the plans of the samples then say so. */
VJ_MUST_CHECK vj_status vj_job_samples_stage(vj_job_samples *self, vj_error *err);
/* A sink for each sample; rows: who takes those of a single one in place of a file, or NULL. */
VJ_MUST_CHECK vj_status vj_job_samples_open(vj_job_samples *self, const vj_job_rows *rows,
                                            vj_error *err);
VJ_MUST_CHECK vj_status vj_job_samples_finish(vj_job_samples *self, vj_error *err);
/* What was staged appears, unless a stop was asked for. VJ_E_OUTPUT names the file that could not
 * be moved. */
VJ_MUST_CHECK vj_status vj_job_samples_publish(vj_job_samples *self, const vj_stop *stop,
                                               vj_error *err);
/* Sinks and the folder, if it still is there; results stay. */
void vj_job_samples_close(vj_job_samples *self);
void vj_job_samples_free(vj_job_samples *self);

/* Sums over the samples; the hash is that of the first. */
void vj_job_samples_sum(const vj_job_samples *self, vj_result *out);
/* The report's samples and, over them, its databases. */
VJ_MUST_CHECK vj_status vj_job_samples_note(const vj_job_samples *self, vj_report *report,
                                            vj_error *err);

#endif
