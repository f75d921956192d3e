/* support.h - cmocka with what it needs before it, and the fault sweep. */
#ifndef VJ_TESTS_SUPPORT_H
#define VJ_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/os.h"

/* Assert VJ_OK; on failure the error's text is shown. */
#define assert_ok(call, err)                                                               \
    do {                                                                                   \
        if ((call) != VJ_OK)                                                               \
            fail_msg("%s: %s", #call, (err)->text);                                        \
    } while (0)

typedef vj_status (*fault_body)(void *arg, vj_error *err);
/*
 * Run body with the 1st, 2nd, 3rd ... allocation failing (once, then from there on) until a run
 * in which no allocation failed. Each failing run must return VJ_E_NOMEM.
 */
void sweep_allocations(fault_body body, void *arg);
/* The same for reads (VJ_E_IO) and writes (VJ_E_OUTPUT), with EIO and ENOSPC; EINTR must pass. */
void sweep_reads(fault_body body, void *arg);
void sweep_writes(fault_body body, void *arg);

/*
 * Sweeps over whole operations, which may do without some memory (a record's text) or fail in more
 * ways than one: after each run body's result must be VJ_OK or `expected`, and check must find
 * what belongs to it. VJ_FAULT_STRIDE (1) tests every n-th call only. Returns how many runs failed.
 */
typedef void (*fault_check)(void *arg, vj_status rc, const vj_error *err);
int64_t sweep_operation_allocations(fault_body body, fault_check check, void *arg);
int64_t sweep_operation_reads(fault_body body, fault_check check, void *arg);
int64_t sweep_operation_writes(fault_body body, fault_check check, void *arg);
/* fsync, rename and close; a failed fsync of a folder comes after its rename. */
int64_t sweep_operation_syncs(fault_body body, fault_check check, void *arg);
int64_t sweep_operation_renames(fault_body body, fault_check check, void *arg);
int64_t sweep_operation_closes(fault_body body, fault_check check, void *arg);
/* Reads and writes in pieces of a few bytes, each second one interrupted first: the result is VJ_OK. */
void sweep_operation_pieces(fault_body body, fault_check check, void *arg);
/* stop(1) is called at the k-th allocation, read, write, fsync or rename; then VJ_E_CANCELLED or
 * VJ_OK. stop(0) comes before each run. */
typedef void (*fault_stop)(int on);
int64_t sweep_operation_stops(fault_body body, fault_check check, void *arg, fault_stop stop);

/* Small seeded generator for property tests (splitmix64). */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* Seed of this run: VJ_TEST_SEED or 1; printed by print_message. */
uint64_t test_seed(void);

#endif
