/* Every allocation (jansson's too) and every write of the record's sinks fails once. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "support/runs.h"
#include "support/support.h"

static char out_path[64];

static void *faulty_malloc(size_t len)
{
    return vj_alloc_fault_hook != NULL && vj_alloc_fault_hook(len) ? NULL : malloc(len);
}

static vj_status write_all(void *arg, vj_error *err)
{
    vj_report *r = NULL;
    vj_buf text = {0};
    vj_status rc = VJ_OK;

    (void)arg;
    VJ_GO(rc, made_up_run(&r, err));
    VJ_GO(rc, vj_report_table(r, &text, err));
    VJ_GO(rc, vj_report_multiqc(r, &text, err));
    VJ_GO(rc, vj_report_write_json(r, out_path, err));
out:
    vj_buf_fini(&text);
    vj_report_free(r);
    return rc;
}

static void every_allocation(void **state)
{
    (void)state;
    json_set_alloc_funcs(faulty_malloc, free);
    sweep_allocations(write_all, NULL);
    json_set_alloc_funcs(malloc, free);
}

static void every_write(void **state)
{
    (void)state;
    sweep_writes(write_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation),
                                       cmocka_unit_test(every_write)};
    snprintf(out_path, sizeof out_path, "/tmp/vj-fault-report-%d.json", (int)getpid());
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(out_path);
    return rc;
}
