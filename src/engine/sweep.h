/*
 * sweep.h - batches of several inputs that cover about the same stretch of the genome.
 *
 *   sample 0  ────────────┤····        each source is looked at as far as one batch would go;
 *   sample 1  ──────┤                  the batch ends where the first of them ends, so that the
 *   sample 2  ────────┤··              others' rows behind that place wait for the next one
 *             └batch┘
 *
 * That the inputs have their contigs in one order and are sorted is an assumption about speed:
 * a source whose rows lie elsewhere waits, or is taken alone, and loses the company of the others.
 *
 * not:     what is done with the rows (native/)
 * threads: belongs to the read turn
 */
#ifndef VJ_ENGINE_SWEEP_H
#define VJ_ENGINE_SWEEP_H

#include "engine/engine.h"

typedef struct vj_sweep vj_sweep;

/* Over the samples of a plan, from the first row of each on. */
VJ_MUST_CHECK vj_status vj_sweep_new(const vj_plan *plan, vj_sweep **out, vj_error *err);
void vj_sweep_free(vj_sweep *sweep);
/*
 * Decide where the next batch ends; then each sample's part is to be taken. *out_again: should
 * all parts turn out empty, there may be more behind them all the same.
 */
VJ_MUST_CHECK vj_status vj_sweep_next(vj_sweep *sweep, bool *out_again, vj_error *err);
VJ_MUST_CHECK vj_status vj_sweep_take(vj_sweep *sweep, int32_t sample_i, vj_left *left,
                                      bool *out_has_rows, vj_error *err);
/* Sums over the inputs of a plan; the total is -1 where one is unknown. */
int64_t vj_sweep_bytes_done(const vj_plan *plan);
int64_t vj_sweep_bytes_total(const vj_plan *plan);

#endif
