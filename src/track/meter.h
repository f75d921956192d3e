/*
 * meter.h - operations and stages, measured.
 *
 * in:      begin and end of an operation, of its stages, of its child processes
 * out:     vj_track_figures
 * relies:  os (clocks, usage, high-water mark, sampler thread)
 * not:     the run record (report.h)
 * tests:   unit/test_track.c
 */
#ifndef VJ_TRACK_METER_H
#define VJ_TRACK_METER_H

#include "os/os.h"

/* ---- stages ---- */

/* Stages that every track has, in this order; others are added by vj_track_stage(). */
typedef enum vj_stage {
    VJ_STAGE_READ = 0, /* input bytes, inflating */
    VJ_STAGE_PARSE,    /* text or records to columns */
    VJ_STAGE_KEYS,     /* keys: normalising, sorting, matching */
    VJ_STAGE_PAYLOAD,  /* columns of matched database rows */
    VJ_STAGE_ENCODE,   /* output pages */
    VJ_STAGE_WRITE,    /* output bytes */
    VJ_STAGE_COMMON
} vj_stage;

#define VJ_TRACK_MAX_STAGES 32
#define VJ_TRACK_MAX_CHILDREN 16
#define VJ_TRACK_MAX_POINTS 512

/* What one stage has used, over all threads. */
typedef struct vj_stage_figures {
    char name[32];
    int parent_i;        /* -1: top level; a child's figures are contained in its parent's */
    int64_t calls;
    int64_t wall_ns;     /* sum over threads */
    int64_t cpu_ns;      /* of the threads that ran it */
    int64_t first_ns;    /* from the start of the operation to the first begin ... */
    int64_t last_ns;     /* ... and to the last end */
    int64_t rows;
    int64_t bytes;
} vj_stage_figures;

typedef struct vj_track_point {
    int64_t at_ns; /* since the start of the operation */
    int64_t rss_bytes;  /* process tree */
    int64_t cpu_ns;     /* the same, since the start */
} vj_track_point;

typedef struct vj_track_figures {
    int64_t started_wall_ns; /* since the epoch */
    int64_t wall_ns;
    int64_t user_ns; /* with children */
    int64_t system_ns;
    double cpu_percent; /* 100 is one core */
    int64_t peak_rss_bytes;       /* of the process tree, inside the operation */
    bool peak_exact;              /* the kernel's own number; else a sum that was sampled ... */
    int64_t peak_interval_ms;     /* ... this often (0: exact, or nothing was sampled) ... */
    int64_t peak_rss_least_bytes; /* ... and lies between the largest process, which is exact, */
    int64_t peak_rss_bound_bytes; /* and the exact maxima of those that overlapped, added up */
    int64_t peak_self_bytes;
    int64_t peak_child_bytes; /* largest single child; 0 without one */
    int64_t peak_child_group_bytes; /* its memory cgroup's own mark, page cache and all; 0: none */
    char peak_method[160];    /* how the peak was found, in words */
    int64_t memory_delta_bytes; /* RSS at the end minus RSS at the start */
    int64_t read_bytes;         /* -1 unknown; so the next five */
    int64_t written_bytes;
    int64_t disk_read_bytes;
    int64_t disk_written_bytes;
    int64_t minor_faults;
    int64_t major_faults;
    int64_t voluntary_switches;
    int64_t involuntary_switches;
    int64_t measuring_cpu_ns; /* what all this took itself: begin, end, sampler, stages */
    int64_t sample_interval_ms; /* of the points below; 0: there are none */
    size_t n_stages;
    vj_stage_figures stages[VJ_TRACK_MAX_STAGES]; /* those of the common ones that ran, too */
    size_t n_points;
    vj_track_point points[VJ_TRACK_MAX_POINTS];
} vj_track_figures;

/* ---- an operation ---- */

/*
 * One tracked operation. Operations may nest and overlap; each has its own figures.
 * All functions but _begin accept NULL and then do nothing, so that callers need no branch.
 */
typedef struct vj_track vj_track;

typedef struct vj_track_options {
    int64_t sample_interval_ms; /* 0: 20 ms; negative: no sampler thread */
} vj_track_options;

/*
 * Start measuring. The sampler thread gives memory over time: when the points are full, every
 * second one is dropped and their interval doubles. While children run it also takes the sum of
 * all processes, always at the first interval.
 *
 * errors:  VJ_E_NOMEM
 * cost:    two dozen system calls, and about 20 us per sample
 */
VJ_MUST_CHECK vj_status vj_track_begin(const vj_track_options *options, vj_track **out,
                                       vj_error *err);
/* Stop measuring (once; later calls repeat the answer). Stages must be at rest. */
void vj_track_end(vj_track *track, vj_track_figures *out);
void vj_track_free(vj_track *track);

/*
 * Index of a stage by name, added below parent_i (-1: top level) when it is new; -1 when there
 * are too many, which vj_stage_stop ignores. Call before the threads start, or from any of them.
 */
int vj_track_stage(vj_track *track, const char *name, int parent_i);

/*
 * A stretch of one thread's work in a stage. Any number of threads at once, two clock reads at
 * either end: meant for batches, not for rows.
 *
 *   vj_stage_mark m = vj_stage_start(track);
 *   ...
 *   vj_stage_stop(track, VJ_STAGE_PARSE, m, n_rows, n_bytes);
 *
 * VJ_STAGE_BYTES_READ for n_bytes counts what this thread has read from files in between.
 */
#define VJ_STAGE_BYTES_READ ((int64_t)-1)
typedef struct vj_stage_mark {
    int64_t wall_ns;
    int64_t cpu_ns;
    int64_t read_bytes;
} vj_stage_mark;
vj_stage_mark vj_stage_start(const vj_track *track);
void vj_stage_stop(vj_track *track, int stage_i, vj_stage_mark mark, int64_t rows,
                   int64_t bytes);

/*
 * A child process was started, and has been waited for: max_rss_bytes is the kernel's own
 * figure for it (wait4). Between the two the sampler adds the child and its descendants.
 */
void vj_track_child_begin(vj_track *track, int64_t pid);
void vj_track_child_end(vj_track *track, int64_t pid, int64_t max_rss_bytes);
/* The high-water mark of a memory cgroup that held such a child alone. */
void vj_track_child_group(vj_track *track, int64_t peak_bytes);

#endif
