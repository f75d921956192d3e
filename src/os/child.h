/*
 * child.h - run another program: feed it, read its lines, bound its memory, end it, and know
 * what it used.
 *
 * in:      argv, bytes for its standard input, a limit, a stop flag
 * out:     its standard output line by line (a callback), the tail of its standard error,
 *          exit code or signal, CPU and peak RSS
 * relies:  fork and at once exec; the child dies with its parent (PR_SET_PDEATHSIG)
 * not:     what the lines mean; retries
 * tests:   unit/test_child.c
 */
#ifndef VJ_OS_CHILD_H
#define VJ_OS_CHILD_H

#include "base/base.h"

struct vj_stop;

#define VJ_CHILD_TAIL_BYTES ((size_t)64 << 10)

/* How a memory limit is enforced. */
typedef enum vj_child_limit {
    VJ_CHILD_NO_LIMIT = 0,
    VJ_CHILD_LIMIT_RSS,    /* a memory cgroup of its own where we may make one, else watching its
                            * RSS every 20 ms and killing it; the result says which it was */
    VJ_CHILD_LIMIT_WATCH,  /* watching only */
    VJ_CHILD_LIMIT_DATA,   /* RLIMIT_DATA: writable private memory, reserved or touched */
    VJ_CHILD_LIMIT_ADDRESS /* RLIMIT_AS: address space; too strict for most allocators */
} vj_child_limit;

typedef struct vj_child_options {
    const char *const *argv;    /* ends with NULL; argv[0] without a slash is searched in PATH */
    const char *const *env_add; /* "NAME=VALUE" on top of our own; NULL: none */
    const char *dir;            /* where it starts; NULL: here */
    const void *stdin_ptr;
    size_t stdin_len_bytes;
    vj_child_limit limit_how;
    int64_t memory_limit_bytes;
    int64_t timeout_ms;          /* 0: none */
    const struct vj_stop *stop;  /* looked at every 20 ms; NULL: none */
    size_t max_line_bytes;       /* 0: 16 MiB; a longer line is VJ_E_CORRUPT */
    /* Each line without its newline, valid during the call; an error ends the child. */
    vj_status (*on_line)(void *arg, vj_span line, vj_error *err);
    /* The child runs; for vj_track_child_begin(). May be NULL. */
    void (*on_start)(void *arg, int64_t pid);
    void *arg;
} vj_child_options;

enum { VJ_SIGNAL_KILL = 9 }; /* POSIX names the number, too */

typedef struct vj_child_result {
    int64_t pid;
    int exit_code;     /* -1 when a signal ended it */
    int signal;        /* 0 when it exited */
    bool out_of_memory;/* it died of its memory limit, as far as can be known */
    const char *limit_by; /* "memory cgroup", "RSS watched every 20 ms", "RLIMIT_DATA" ...; static */
    int64_t max_rss_bytes; /* of the child and the children it waited for */
    int64_t group_peak_bytes; /* of its memory cgroup, page cache and all; 0: it had none */
    int64_t user_ns;
    int64_t system_ns;
    int64_t wall_ns;
    vj_buf tail;       /* last VJ_CHILD_TAIL_BYTES of its standard error; vj_child_fini */
} vj_child_result;
/* Valid on zero. */
void vj_child_fini(vj_child_result *result);

/*
 * Run it to its end. VJ_OK means that it ended by itself or by its memory limit: look at the
 * result. On every other status it has been killed (SIGTERM, after 300 ms SIGKILL, its process
 * group with it) and waited for; nothing of it is left.
 *
 * errors:  VJ_E_NOTFOUND (no such program), VJ_E_IO (cannot start, timed out), VJ_E_CANCELLED
 *          (stop flag), VJ_E_CORRUPT (line too long), VJ_E_NOMEM, what on_line returned
 * threads: any; the calling thread must live as long as the child
 */
VJ_MUST_CHECK vj_status vj_child_run(const vj_child_options *options, vj_child_result *out,
                                     vj_error *err);

#endif
