/*
 * usage.h - what a process has used so far: CPU time, memory, faults, switches, bytes.
 *
 * relies:  getrusage, /proc/self/{status,statm,io,clear_refs}, /proc/PID/task/TID/children
 * not:     differences between two moments, stages, reports (track)
 * tests:   unit/test_usage.c
 */
#ifndef VJ_OS_USAGE_H
#define VJ_OS_USAGE_H

#include "base/base.h"

/* Totals since the process started; children count once they were waited for. */
typedef struct vj_usage {
    int64_t user_ns;
    int64_t system_ns;
    int64_t minor_faults;
    int64_t major_faults;
    int64_t voluntary_switches;
    int64_t involuntary_switches;
    int64_t read_bytes;         /* read or mapped, cached or not; -1 when unknown */
    int64_t written_bytes;      /* through write calls; -1 when unknown */
    int64_t disk_read_bytes;    /* fetched from storage; -1 when unknown */
    int64_t disk_written_bytes; /* sent to storage; -1 when unknown */
    int64_t rss_bytes;          /* of this process now */
} vj_usage;
void vj_usage_now(vj_usage *out);

/* CPU time of this process so far, all threads, without children. */
int64_t vj_usage_cpu_ns(void);
/* CPU time of the calling thread. */
int64_t vj_clock_thread_ns(void);
/* Resident bytes of a process now, 0: this one. 0 when it is gone. */
int64_t vj_usage_rss(int64_t pid);
/* The same for a process and all that descend from it (at most 64 of them). */
int64_t vj_usage_tree_rss(int64_t pid);
/* The same, and in *out_cpu_ns (may be NULL) their CPU time so far, to 10 ms. */
int64_t vj_usage_tree(int64_t pid, int64_t *out_cpu_ns);
/* CPU time of the children of this process that were waited for. */
int64_t vj_usage_children_cpu_ns(void);

/*
 * A process and all that descend from it (at most 64), looked at often: a look costs one read per
 * process. Who descends is asked anew at every tenth look, since it costs one per thread.
 *
 *   vj_watch_begin(&watch, pid);   pid 0: this process alone, without its children
 *   bytes = vj_watch_rss(&watch); ...
 *   vj_watch_end(&watch);          valid on zero
 */
#define VJ_WATCH_MAX 64
typedef struct vj_watch {
    int64_t pids[VJ_WATCH_MAX];
    int fds[VJ_WATCH_MAX]; /* statm, kept open; -1: gone */
    size_t n;
    int64_t n_looks;
} vj_watch;
void vj_watch_begin(vj_watch *watch, int64_t pid);
int64_t vj_watch_rss(vj_watch *watch);
/* CPU time so far of those that the last look met, to 10 ms. */
int64_t vj_watch_cpu_ns(const vj_watch *watch);
void vj_watch_end(vj_watch *watch);

/*
 * The kernel's own high-water mark of this process's RSS, for one stretch of time. The mark is
 * one per process, so each begin resets it after handing what it showed to all live marks:
 * stretches may nest and overlap, on any threads.
 *
 *   vj_peak_begin(&mark); ... vj_peak_now(&mark) ... peak = vj_peak_end(&mark);
 *
 * `exact` is false where the kernel does not let the mark be reset; the peak is then the larger
 * of the two ends, unless the mark rose in between (which makes it exact after all).
 */
typedef struct vj_peak_mark {
    int64_t peak_bytes;
    int64_t mark_before_bytes;
    bool exact;
    struct vj_peak_mark *next;
} vj_peak_mark;
void vj_peak_begin(vj_peak_mark *mark);
/* Peak since begin. */
int64_t vj_peak_now(vj_peak_mark *mark);
int64_t vj_peak_end(vj_peak_mark *mark);

#ifdef VJ_TESTING
/* Test hook: true behaves as if the mark could not be reset. */
extern _Atomic bool vj_peak_no_reset;
#endif

#endif
