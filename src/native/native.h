/*
 * native.h - the native engine: stream left batches past database row groups.
 *
 * in:      a plan (engine/), its source, databases and an open sink
 * out:     joined rows in input order to the sink, ledgers and hash to the result
 * not:     matching rules (join/), Parquet pages (parquet/), names and types (engine/)
 * threads: one worker per thread, each with cursors and scratch of its own
 * tests:   unit/test_native.c, property/prop_native.c, cli/
 */
#ifndef VJ_NATIVE_NATIVE_H
#define VJ_NATIVE_NATIVE_H

#include "engine/keyed.h"

/*
 * Run the job of the plan: read, parse, join (when the plan annotates), hand rows to the sinks in
 * order. All samples of the plan go in one sweep: each database is read once for them together.
 * sinks and results are parallel to plan->samples; the sinks are not finished.
 * errors: whatever sources, databases and sinks say; VJ_E_CANCELLED
 */
VJ_MUST_CHECK vj_status vj_native_run(vj_plan *plan, vj_sink *const *sinks, vj_result *results,
                                      vj_error *err);

/*
 * The first half of a job of another engine: read, parse, write the keyed Parquet. The databases
 * are not looked at; the engine tells what became of each row. For a plan of one sample.
 */
VJ_MUST_CHECK vj_status vj_native_run_keyed(vj_plan *plan, vj_keyed *keyed, vj_result *result,
                                            vj_error *err);

#endif
