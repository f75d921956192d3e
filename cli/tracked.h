/*
 * tracked.h - private to cli: verbs that are no jobs (catalog, reference build, verify), measured,
 * recorded and told to Dagster as jobs are.
 *
 *   begin -> fill t.report while the verb runs -> end with its outcome: the exit code
 *
 * out:     the table on stderr, --report FILE, Dagster Pipes when its variables are there
 * relies:  track (meter, report, pipes)
 * tests:   cli/test_tracked.py, dagster/test_assets.py
 */
#ifndef VJ_CLI_TRACKED_H
#define VJ_CLI_TRACKED_H

#include "cli.h"
#include "track/track.h"
#include "varjoin/job.h"

/* The row of a verb's option table; its value is for tracked.report_path. */
#define TRACKED_OPTION(id)                                                                 \
    {id, "report", "FILE", "Output", "write the run record as JSON", "VARJOIN_REPORT"}

typedef struct tracked {
    const char *report_path; /* set by the caller at any time before the end; NULL: none */
    vj_report *report;       /* to be filled; texts that the report does not copy must outlive it */
    vj_track *track;
    vj_pipes *pipes;
    char *command_line;
} tracked;

/* Begin to measure verb, with its words for the record. After a failure: tracked_end. */
VJ_MUST_CHECK vj_status tracked_begin(tracked *t, const char *verb, int argc, char **argv,
                                      vj_error *err);
/* A library's log callback; user is the tracked. Warnings are kept in the record. */
void tracked_log(void *user, vj_log_level level, const char *text);
/* The progress line and Dagster's log. */
void tracked_progress(tracked *t, int64_t rows, int64_t done, int64_t total);
/*
 * Stop measuring, tell everybody, print the error's line where there is one. A record or a message
 * that is lost is an error of a run that was in order.
 */
int tracked_end(tracked *t, vj_status rc, vj_error *err);

/* The words as a shell would take them; vj_free. NULL with err set without memory. */
char *cli_command_line(const char *verb, int argc, char **argv, vj_error *err);
/* VARJOIN_ variables and Slurm's; arg is not used. */
const char *cli_environment(void *arg, const char *name);

#endif
