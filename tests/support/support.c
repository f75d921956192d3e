#include "support/support.h"

#include <errno.h>
#include <stdlib.h>

static struct {
    int64_t countdown; /* the call that fails; 0: none */
    bool forever;
    bool fired;
    int code;
} plan;

static bool due(void)
{
    if (plan.countdown == 0)
        return false;
    if (plan.countdown > 1) {
        plan.countdown--;
        return false;
    }
    plan.fired = true;
    if (!plan.forever)
        plan.countdown = 0;
    return true;
}

static bool fail_allocation(size_t len_bytes)
{
    (void)len_bytes;
    return due();
}

static int fail_call(void)
{
    return due() ? plan.code : 0;
}

static void arm(int64_t nth, bool forever, int code)
{
    plan.countdown = nth;
    plan.forever = forever;
    plan.fired = false;
    plan.code = code;
}

/* One pass of a sweep; ends after the first run that no fault reached. */
static void sweep(fault_body body, void *arg, bool forever, int code, vj_status expected)
{
    for (int64_t nth = 1;; nth++) {
        vj_error err = {0};

        arm(nth, forever, code);
        vj_status rc = body(arg, &err);
        plan.countdown = 0;
        if (!plan.fired) {
            if (rc != VJ_OK)
                fail_msg("without a fault: %s", err.text);
            return;
        }
        if (code == EINTR ? rc != VJ_OK : rc != expected)
            fail_msg("fault at call %lld: got %s (%s), expected %s", (long long)nth,
                     vj_status_name(rc), err.text, vj_status_name(expected));
        if (nth > 200000)
            fail_msg("the sweep does not end");
    }
}

void sweep_allocations(fault_body body, void *arg)
{
    vj_alloc_fault_hook = fail_allocation;
    sweep(body, arg, false, 0, VJ_E_NOMEM);
    sweep(body, arg, true, 0, VJ_E_NOMEM);
    vj_alloc_fault_hook = NULL;
}

void sweep_reads(fault_body body, void *arg)
{
    vj_read_fault_hook = fail_call;
    sweep(body, arg, false, EINTR, VJ_OK);
    sweep(body, arg, false, EIO, VJ_E_IO);
    vj_read_fault_hook = NULL;
}

void sweep_writes(fault_body body, void *arg)
{
    vj_write_fault_hook = fail_call;
    sweep(body, arg, false, EINTR, VJ_OK);
    sweep(body, arg, false, EIO, VJ_E_OUTPUT);
    sweep(body, arg, true, ENOSPC, VJ_E_OUTPUT);
    vj_write_fault_hook = NULL;
}

static int64_t stride(void)
{
    const char *text = getenv("VJ_FAULT_STRIDE");
    int64_t n = text != NULL ? strtoll(text, NULL, 10) : 1;

    return n > 0 ? n : 1;
}

static int64_t sweep_operation(fault_body body, fault_check check, void *arg, bool forever,
                               int code, vj_status expected)
{
    int64_t n_failed = 0;

    for (int64_t nth = 1;; nth += stride()) {
        vj_error err = {0};

        arm(nth, forever, code);
        vj_status rc = body(arg, &err);
        plan.countdown = 0;
        if (rc != VJ_OK && (!plan.fired || rc != expected))
            fail_msg("fault at call %lld: got %s (%s), expected %s", (long long)nth,
                     vj_status_name(rc), err.text, vj_status_name(plan.fired ? expected : VJ_OK));
        if (rc != VJ_OK && err.text[0] == '\0')
            fail_msg("fault at call %lld: no text", (long long)nth);
        check(arg, rc, &err);
        n_failed += rc != VJ_OK;
        if (!plan.fired)
            return n_failed;
    }
}

int64_t sweep_operation_allocations(fault_body body, fault_check check, void *arg)
{
    vj_alloc_fault_hook = fail_allocation;
    int64_t n = sweep_operation(body, check, arg, false, 0, VJ_E_NOMEM) +
                sweep_operation(body, check, arg, true, 0, VJ_E_NOMEM);
    vj_alloc_fault_hook = NULL;
    return n;
}

int64_t sweep_operation_reads(fault_body body, fault_check check, void *arg)
{
    vj_read_fault_hook = fail_call;
    int64_t n = sweep_operation(body, check, arg, false, EIO, VJ_E_IO);
    vj_read_fault_hook = NULL;
    return n;
}

int64_t sweep_operation_writes(fault_body body, fault_check check, void *arg)
{
    static const int codes[] = {EIO, ENOSPC, EDQUOT};
    int64_t n = 0;

    vj_write_fault_hook = fail_call;
    for (size_t i = 0; i < VJ_COUNT(codes); i++)
        n += sweep_operation(body, check, arg, i > 0, codes[i], VJ_E_OUTPUT);
    vj_write_fault_hook = NULL;
    return n;
}

static const int disk_codes[] = {EIO, ENOSPC, EDQUOT};

static int64_t sweep_calls(int (**hook)(void), fault_body body, fault_check check, void *arg)
{
    int64_t n = 0;

    *hook = fail_call;
    for (size_t i = 0; i < VJ_COUNT(disk_codes); i++)
        n += sweep_operation(body, check, arg, i > 0, disk_codes[i], VJ_E_OUTPUT);
    *hook = NULL;
    return n;
}

int64_t sweep_operation_syncs(fault_body body, fault_check check, void *arg)
{
    return sweep_calls(&vj_sync_fault_hook, body, check, arg);
}

int64_t sweep_operation_renames(fault_body body, fault_check check, void *arg)
{
    return sweep_calls(&vj_rename_fault_hook, body, check, arg);
}

int64_t sweep_operation_closes(fault_body body, fault_check check, void *arg)
{
    return sweep_calls(&vj_close_fault_hook, body, check, arg);
}

static int64_t n_calls;

static int interrupt_each_second(void)
{
    return n_calls++ % 2 == 0 ? EINTR : 0;
}

void sweep_operation_pieces(fault_body body, fault_check check, void *arg)
{
    static const size_t pieces[] = {7, 1, 4096};

    vj_read_fault_hook = vj_write_fault_hook = interrupt_each_second;
    for (size_t i = 0; i < (stride() > 1 ? 1 : VJ_COUNT(pieces)); i++) {
        vj_error err = {0};

        vj_most_bytes_a_call = pieces[i];
        vj_status rc = body(arg, &err);
        if (rc != VJ_OK)
            fail_msg("in pieces of %zu bytes: %s", pieces[i], err.text);
        check(arg, rc, &err);
    }
    vj_most_bytes_a_call = 0;
    vj_read_fault_hook = vj_write_fault_hook = NULL;
}

static fault_stop stop_it;

static int stop_when_due(void)
{
    if (due())
        stop_it(1);
    return 0;
}

static bool stop_at_allocation(size_t len_bytes)
{
    (void)len_bytes;
    return stop_when_due() != 0;
}

static void hook_all(int (*hook)(void), bool (*of_memory)(size_t))
{
    vj_alloc_fault_hook = of_memory;
    vj_read_fault_hook = vj_write_fault_hook = hook;
    vj_sync_fault_hook = vj_rename_fault_hook = hook;
}

int64_t sweep_operation_stops(fault_body body, fault_check check, void *arg, fault_stop stop)
{
    int64_t n_stopped = 0;

    stop_it = stop;
    for (int64_t nth = 1;; nth += stride()) {
        vj_error err = {0};

        stop(0);
        hook_all(stop_when_due, stop_at_allocation);
        arm(nth, false, 0);
        vj_status rc = body(arg, &err);
        plan.countdown = 0;
        hook_all(NULL, NULL);
        if (rc != VJ_OK && rc != VJ_E_CANCELLED)
            fail_msg("stopped at call %lld: got %s (%s)", (long long)nth, vj_status_name(rc),
                     err.text);
        check(arg, rc, &err);
        n_stopped += rc != VJ_OK;
        if (!plan.fired) {
            stop(0);
            return n_stopped;
        }
    }
}

uint64_t test_seed(void)
{
    const char *text = getenv("VJ_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : 1;

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}
