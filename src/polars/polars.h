/*
 * polars.h - the Polars engine: the real Polars in a worker process that we start and survive.
 *
 * in:      a job as JSON (docs/formats.md, "Polars worker"), a Python that has Polars
 * out:     the Parquet file that the job names, events, what the worker used
 * relies:  os (child processes); python/varjoin/_polars_worker.py, carried inside the program
 * not:     making the job, names, types (api/run_polars.c, engine/)
 * threads: any; the calling thread waits
 * tests:   engines/test_engines.py, cli/
 */
#ifndef VJ_POLARS_POLARS_H
#define VJ_POLARS_POLARS_H

#include "base/json.h"
#include "os/os.h"
#include "os/child.h"

typedef struct vj_plr_options {
    const char *python;         /* NULL: python3 of PATH */
    int64_t memory_limit_bytes; /* the worker's hard limit; 0: none */
    int threads;                /* POLARS_MAX_THREADS; 0: its default */
    const char *temp_dir;       /* where Polars may spill; NULL: its default */
    const struct vj_stop *stop;
    void (*on_start)(void *arg, int64_t pid);
    /* One event of the worker; borrowed. */
    vj_status (*on_event)(void *arg, const json_t *event, vj_error *err);
    void *arg;
} vj_plr_options;

/* What the worker used. */
typedef struct vj_plr_usage {
    int64_t pid;
    int64_t max_rss_bytes;
    int64_t group_peak_bytes; /* of its memory cgroup; 0: it had none */
    const char *limit_by; /* how the limit was enforced; static */
} vj_plr_usage;

/*
 * Run one job to its end. what names the join in messages ("81,095 rows with 13,500,000").
 *
 * errors:  VJ_E_UNSUPPORTED (no Python, or one without Polars: the text says what to install),
 *          VJ_E_NOMEM (the worker died of its limit: which join, what would do instead),
 *          VJ_E_CORRUPT (a key twice), VJ_E_SCHEMA, VJ_E_OUTPUT (as the worker says),
 *          VJ_E_IO (it died otherwise), VJ_E_CANCELLED
 */
VJ_MUST_CHECK vj_status vj_plr_run(const vj_plr_options *options, const json_t *job,
                                   const char *what, vj_plr_usage *usage, vj_error *err);

/* Version of Polars in that Python, into dst; VJ_E_UNSUPPORTED as above. For doctor. */
VJ_MUST_CHECK vj_status vj_plr_probe(const char *python, char *dst, size_t cap_bytes,
                                     vj_error *err);

#endif
