/*
 * host.h - what this process may use of the machine, each value with where it came from; the
 * DuckDB limits that follow from it.
 *
 * in:      /proc and the cgroup file systems below a root folder; variables through a callback
 * relies:  nothing of the environment is read here: the caller hands over a getenv-like function
 * not:     deciding what an engine does with the numbers, except vj_host_duck_limits()
 * tests:   unit/test_host.c (fake trees, table of limits)
 */
#ifndef VJ_OS_HOST_H
#define VJ_OS_HOST_H

#include "base/base.h"

#define VJ_HOST_ORIGIN_BYTES 240
#define VJ_HOST_MAX_FACTS 48

typedef enum vj_host_kind { VJ_HOST_RAM, VJ_HOST_CPUS } vj_host_kind;

/* One bound that was found: bytes of RAM or whole CPUs, and the file or variable that said so. */
typedef struct vj_host_fact {
    vj_host_kind kind;
    int64_t value;
    char origin[VJ_HOST_ORIGIN_BYTES];
} vj_host_fact;

/* The answer: the least of each kind, and every bound seen (physical ones included). */
typedef struct vj_host {
    int64_t ram_bytes; /* 0: nothing could be found out */
    char ram_origin[VJ_HOST_ORIGIN_BYTES];
    int64_t physical_ram_bytes;
    int64_t cpus; /* >= 1 */
    char cpus_origin[VJ_HOST_ORIGIN_BYTES];
    char cpu_model[96];
    char kernel[96];
    vj_host_fact facts[VJ_HOST_MAX_FACTS];
    size_t n_facts;
} vj_host;

/* Value of a variable or NULL; what it returns is only used during the call. */
typedef const char *(*vj_host_env)(void *arg, const char *name);

/*
 * Find out RAM and CPUs: physical memory, every cgroup memory limit and CPU quota from the
 * process's own group up to the root of its hierarchy (v1 and v2), the affinity mask, and under
 * Slurm the limits of the job. What cannot be read bounds nothing; a part of a CPU counts as one.
 *
 * root: "" for this machine; tests give a folder that holds proc/ and sys/
 * env:  NULL means no variables
 *
 * errors:  VJ_E_NOMEM only
 * threads: any
 */
VJ_MUST_CHECK vj_status vj_host_probe(const char *root, vj_host_env env, void *env_arg,
                                      vj_host *out, vj_error *err);

typedef struct vj_duck_limits {
    int64_t memory_bytes; /* 0: RAM is unknown, leave the library's own default */
    int64_t threads;
} vj_duck_limits;

/*
 * memory: 75 % of the RAM, not below min(8 GB, 90 % of the RAM), not above 128 GB;
 * threads: 75 % of the CPUs rounded down, not below min(2, CPUs), not above 16. Pure.
 */
vj_duck_limits vj_host_duck_limits(const vj_host *host);

#endif
