/* Every n-th allocation and write of a simulation fails: right status, nothing left behind. */
#include "support/support.h"

#include <dirent.h>
#include <stdio.h>

#include "varjoin/simulate.h"

static char folder[256];
static char tuned[] = "tuned";

static vj_status simulate(void *arg, vj_error *err)
{
    char sample[300];
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result result;

    o.layout = arg;
    snprintf(sample, sizeof sample, "%s/s.vcf.gz", folder);
    o.directory = folder;
    o.sample_path = sample;
    o.n_rows = 300;
    o.n_sample_variants = 20;
    o.seed = 5;
    return vj_simulate(&o, &result, err);
}

/* Temporary files begin with a dot: there must be none after a run, failed or not. */
static void no_leftovers(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0)
            assert_string_equal(entry->d_name, "..");
    closedir(dir);
}

static void each_allocation_fails(void **state)
{
    (void)state;
    sweep_allocations(simulate, NULL);
    sweep_allocations(simulate, tuned);
    no_leftovers();
}

static void each_write_fails(void **state)
{
    (void)state;
    sweep_writes(simulate, NULL);
    sweep_writes(simulate, tuned);
    no_leftovers();
}

/* S-56: a bound that is too small is refused with the number needed. */
static void memory_bound_is_kept(void **state)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result result;
    vj_error err = {0};

    (void)state;
    o.directory = folder;
    o.n_rows = 1000;
    o.memory_bytes = 10000;
    assert_int_equal(vj_simulate(&o, &result, &err), VJ_E_NOMEM);
    assert_non_null(strstr(err.text, "simulating contig 22"));
    no_leftovers();
}

static int stop_at_once(void *user, int64_t n_rows_done, int64_t n_rows_total)
{
    (void)user;
    assert_true(n_rows_done <= n_rows_total);
    return 1;
}

/* S-59 */
static void progress_can_stop_it(void **state)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result result;
    vj_error err = {0};

    (void)state;
    o.directory = folder;
    o.contigs = "21,22,X";
    o.n_threads = 3;
    o.n_rows = 1000;
    o.progress = stop_at_once;
    assert_int_equal(vj_simulate(&o, &result, &err), VJ_E_CANCELLED);
    no_leftovers();
}

/* A caller built against an older header knows fewer fields. */
static void shorter_options_are_understood(void **state)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result result;
    vj_error err = {0};

    (void)state;
    o.directory = folder;
    o.n_rows = 100;
    o.struct_size = offsetof(vj_simulate_options, contigs);
    o.contigs = "no such contig, beyond what the caller knows";
    assert_ok(vj_simulate(&o, &result, &err), &err);
    assert_int_equal(result.n_rows, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(each_write_fails),
        cmocka_unit_test(memory_bound_is_kept),
        cmocka_unit_test(progress_can_stop_it),
        cmocka_unit_test(shorter_options_are_understood),
    };
    vj_error err = {0};
    char *path;

    if (vj_tempdir_make("/tmp", "varjoin-fault", &path, &err) != VJ_OK)
        return 1;
    snprintf(folder, sizeof folder, "%s", path);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vj_tempdir_remove(path);
    return failed;
}
