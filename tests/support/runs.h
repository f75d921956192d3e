/* runs.h - a made-up run for the tests of the record and its sinks. */
#ifndef VJ_TESTS_RUNS_H
#define VJ_TESTS_RUNS_H

#include "track/track.h"

/* A finished run with two databases, three contigs, odd cells and names that need escaping. */
vj_status made_up_run(vj_report **out, vj_error *err);

#endif
