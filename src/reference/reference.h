/*
 * reference.h - VCF, BCF or Parquet to a built database: split, cut, trimmed, sorted, one file
 * per contig.
 *
 * also:    reference/refwriter.h (sorted rows to one file) and its reference/refsort.h (options of
 *          that) serve the simulator, which sorts nothing
 * not:     how built files are laid out (built/), options and the record (api/)
 * tests:   cli/, python/test_reference.py, engines/test_built.py
 */
#ifndef VJ_REFERENCE_REFERENCE_H
#define VJ_REFERENCE_REFERENCE_H

#include "engine/engine.h"
#include "varjoin/reference.h"

/*
 * Build into a temporary folder beside output_dir and rename it at the end.
 * stop may be NULL. errors: as the reader and writer; VJ_E_USAGE when output_dir holds files
 * and replace is not set, or when inputs have different columns
 */
VJ_MUST_CHECK vj_status vj_refbuild_run(const vj_reference_options *options, const vj_stop *stop,
                                        vj_budget *budget, vj_reference_result *result,
                                        vj_error *err);

#endif
