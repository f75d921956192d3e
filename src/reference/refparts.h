/*
 * refparts.h - private to reference: a Parquet database built contig by contig, side by side, and
 * taken up again after a kill.
 *
 *   contig ── worker (its own scan, sorter, folder) ── chrN.parquet ─► parts folder, state.json
 *
 * The parts folder .NAME.vj-parts stands beside the output while a build runs. A build that was
 * killed leaves it, with the contigs that were finished; one of the same source, layout and
 * parameters goes on from there, any other begins anew. An error or an interrupt removes it. The
 * bytes of a file depend on the rows of its contig alone, not on threads, memory or resuming.
 */
#ifndef VJ_REFERENCE_REFPARTS_H
#define VJ_REFERENCE_REFPARTS_H

#include "reference/refparquet.h"

typedef struct vj_refparts_job {
    const vj_reference_options *options;
    const vj_refparquet *parquet; /* open, for what it is; workers open their own */
    int start_base;               /* as it was opened with */
    const vj_refsort_options *sort; /* out_dir: the temporary folder, where the files go in the end */
    vj_budget *budget;
    vj_reference_result *result;
} vj_refparts_job;

/* Whether each row group is known to hold one contig. */
bool vj_refparts_can(const vj_database *db);
VJ_MUST_CHECK vj_status vj_refparts_run(const vj_refparts_job *job, vj_error *err);
/* Remove what a killed build for this output left, unless another process builds it now. */
void vj_refparts_forget(const char *output_dir);

#endif
