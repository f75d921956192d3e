/*
 * pipes.h - Dagster Pipes spoken by this program itself: it opens the session that the two
 * variables describe, logs, reports the asset with typed metadata and checks, and closes.
 *
 *   vj_pipes_open(getenv("DAGSTER_PIPES_CONTEXT"), getenv("DAGSTER_PIPES_MESSAGES"), &p, err);
 *   vj_pipes_log(p, "INFO", "10 %% of the rows"); ...
 *   vj_pipes_report(p, report);                      on success only
 *   vj_pipes_close(p, rc == VJ_OK ? NULL : &err, &lost);   and exit non-zero on failure
 *
 * Every function accepts a NULL session (not under Dagster) and then does nothing.
 *
 * Lines: Dagster's reader parses a growing file, and one line that it meets half-written or
 * cannot use silences the rest of the session. So each line is one write call, shorter than a
 * page, and never crosses a page of the file: a filler message takes up what is left of a page.
 * Metadata that does not fit is cut by importance and the message says what is missing. A Dagster
 * side that brings a reader of its own may allow longer lines by the extra
 * "varjoin_max_line_bytes" (up to 16 MiB).
 *
 * Checks: Dagster fails a step that reports a check which its asset does not declare, and one that
 * does not report a declared one. So the extra "varjoin_checks" lists what is declared, out of
 * rows_in_equals_rows_out, matches_above_zero and memory_within_promise; exactly these are
 * reported, and one that the run cannot judge passes and says so. Without the extra: none.
 *
 * relies:  os/appender.h, codec (zlib), base/json.h
 * not:     the environment; what is worth logging; any Python
 * threads: one at a time, but vj_pipes_log and vj_pipes_progress: any
 * tests:   unit/test_pipes.c, fuzz/fuzz_pipes.c, python/test_pipes.py (the real library)
 */
#ifndef VJ_TRACK_PIPES_H
#define VJ_TRACK_PIPES_H

#include "track/report.h"

typedef struct vj_pipes vj_pipes;

/*
 * Open the session and say so. context or messages NULL or empty: *out NULL and VJ_OK.
 *
 * errors:  VJ_E_USAGE (variables that are not Pipes'), VJ_E_OUTPUT (message file), VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_pipes_open(const char *context, const char *messages, vj_pipes **out,
                                      vj_error *err);

/* Facts of the context; NULL when absent. Views, valid while the session lives. */
const char *vj_pipes_partition_key(const vj_pipes *pipes);
const char *vj_pipes_run_id(const vj_pipes *pipes);
int64_t vj_pipes_retry_number(const vj_pipes *pipes);
/* An extra by name when it is a text; NULL otherwise. */
const char *vj_pipes_extra_text(const vj_pipes *pipes, const char *name);

/*
 * A log line; level DEBUG, INFO, WARNING, ERROR or CRITICAL. What cannot be delivered is
 * remembered and told by _close: a run does not fail for its log.
 */
void vj_pipes_log(vj_pipes *pipes, const char *level, const char *fmt, ...) VJ_PRINTF(3, 4);
/* At most one log line in ten seconds; total <= 0: unknown. Units are the caller's. */
void vj_pipes_progress(vj_pipes *pipes, int64_t rows, int64_t done, int64_t total);

/* One materialization per asset of the session, with the checks of vj_report_checks(). */
VJ_MUST_CHECK vj_status vj_pipes_report(vj_pipes *pipes, vj_report *report, vj_error *err);

/*
 * The last message; failure (may be NULL) is told as the exception. Returns what went wrong with
 * the session's messages since _open, VJ_OK otherwise.
 */
VJ_MUST_CHECK vj_status vj_pipes_close(vj_pipes *pipes, const vj_error *failure, vj_error *err);
/* Without _close, Dagster sees a session that was cut off. */
void vj_pipes_free(vj_pipes *pipes);

#endif
