/*
 * talk.h - private to polars: what a worker says, line by line.
 *
 * in:      lines of its standard output, which other libraries may print to as well
 * tests:   engines/test_bad_engines.py, fuzz/fuzz_worker.c
 */
#ifndef VJ_POLARS_TALK_H
#define VJ_POLARS_TALK_H

#include "polars/polars.h"

typedef struct vj_plr_talk {
    const vj_plr_options *options;
    const char *what; /* the join, for messages */
    bool done;
    vj_status failed; /* an "error" event said so */
    vj_error why;
} vj_plr_talk;

/*
 * Take one line; arg is the vj_plr_talk. Lines that do not begin with '{' are passed over.
 *
 * errors: VJ_E_CORRUPT (no JSON), what options->on_event returns
 */
VJ_MUST_CHECK vj_status vj_plr_talk_line(void *arg, vj_span line, vj_error *err);

#endif
