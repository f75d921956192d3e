/* pipes_meta.h - private to the module: a report as Dagster metadata of a bounded size. */
#ifndef VJ_TRACK_PIPES_META_H
#define VJ_TRACK_PIPES_META_H

#include "base/json.h"
#include "track/report.h"

/*
 * Metadata object {name: {"type", "raw_value"}} whose compact text has at most max_bytes. The
 * most important entries come first, tables lose rows, and "left_out" names what is missing.
 * NULL without memory.
 */
json_t *vj_pipes_metadata(vj_report *report, size_t max_bytes);
/* {"type": type, "raw_value": raw}; raw is taken. NULL without memory. */
json_t *vj_pipes_value(const char *type, json_t *raw_take);

#endif
