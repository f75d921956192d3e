/*
 * track.h - what an operation cost, measured; the run record and its sinks.
 *
 * in:      begin and end of an operation and of its stages; facts that engines fill in
 * out:     figures; the record as JSON, as a table, as an HTML page, as Dagster messages
 * relies:  os (clock, usage, sampler thread); a kernel that can reset VmHWM, else it says so
 * not:     printing, environment variables, deciding what a run should cost
 * also:    track/meter.h (measuring), track/report.h (run record), track/pipes.h (Dagster
 *          Pipes) and track/html_page.h (HTML page) are parts of this header
 * tests:   unit/test_track.c, unit/test_report.c, unit/test_pipes.c, unit/test_html.c,
 *          fault/fault_report.c, fuzz/fuzz_pipes.c, fuzz/fuzz_report.c, python/test_pipes.py,
 *          python/test_run_record.py
 */
#ifndef VJ_TRACK_TRACK_H
#define VJ_TRACK_TRACK_H

#include "track/meter.h"
#include "track/html_page.h"
#include "track/pipes.h"
#include "track/report.h"

#endif
