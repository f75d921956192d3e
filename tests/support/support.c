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

uint64_t test_seed(void)
{
    const char *text = getenv("VJ_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : 1;

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}
