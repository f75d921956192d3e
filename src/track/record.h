/* record.h - private to the module: the run record as a JSON value, and writing sinks to files. */
#ifndef VJ_TRACK_RECORD_H
#define VJ_TRACK_RECORD_H

#include "base/json.h"
#include "track/report.h"

/* Whether anything could not be allocated while a record was being built. */
typedef struct vj_record {
    bool failed;
} vj_record;

/* The record (docs/run.schema.json); a new reference, NULL without memory. */
json_t *vj_record_json(vj_report *report);
/* Its "metadata" object alone. */
json_t *vj_record_metadata(vj_record *rec, const vj_report *report);

typedef vj_status (*vj_record_sink)(vj_report *report, vj_buf *out, vj_error *err);
/* What the sink gives, into a file that appears whole or not at all. */
VJ_MUST_CHECK vj_status vj_record_write(vj_report *report, vj_record_sink sink, const char *path,
                                        vj_error *err);

#endif
