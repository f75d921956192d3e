/*
 * samples.h - private to engine: the inputs of a plan, and what each output is called.
 *
 *   one input      options.input  -> options.output
 *   several        options.inputs -> options.output/NAME.SUFFIX, NAME without .vcf.gz and the like
 */
#ifndef VJ_ENGINE_SAMPLES_H
#define VJ_ENGINE_SAMPLES_H

#include "engine/engine.h"

/*
 * Fill plan->samples with plans that have an input and an output path, refuse what cannot be
 * (a name twice, an input twice, an output that is an input or a database).
 *
 * owns:    everything is in the plan's arena; sources and database names come later
 * errors:  VJ_E_USAGE with both paths, VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_samples_make(vj_plan *plan, vj_error *err);
/* A sample's own view of the databases, whose columns it may name otherwise. */
VJ_MUST_CHECK vj_status vj_samples_view_databases(vj_plan *plan, int32_t sample_i, vj_error *err);
/* Sources and views; valid on what was half made. */
void vj_samples_free(vj_plan *plan);

#endif
