/* verify and inspect of a small file with each allocation and read failing. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "parquet/parquet.h"
#include "support/support.h"
#include "support/tables.h"
#include "varjoin/inspect.h"
#include "varjoin/verify.h"

static char parquet_path[64];

static void *faulty_malloc(size_t len)
{
    return vj_alloc_fault_hook != NULL && vj_alloc_fault_hook(len) ? NULL : malloc(len);
}

static void write_file(void)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD, .rows_per_page = 10,
                                    .rows_per_rowgroup = 30};
    test_table table;
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_error err = {0};

    assert_ok(test_table_make("edges", 50, 1, &table, &err), &err);
    assert_ok(vj_outfile_open(parquet_path, &file, &err), &err);
    assert_ok(vj_pq_writer_new(file, &table.schema, &options, NULL, &writer, &err), &err);
    assert_ok(vj_pq_writer_kv(writer, "key", "value", &err), &err);
    assert_ok(vj_pq_writer_append(writer, &table.batch, &err), &err);
    assert_ok(vj_pq_writer_finish(writer, &err), &err);
    assert_ok(vj_outfile_finish(file, &err), &err);
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    test_table_free(&table);
}

static vj_status verify(void *arg, vj_error *err)
{
    vj_verify_options options = VJ_VERIFY_OPTIONS_INIT;
    vj_verify_result result;

    options.n_threads = *(int *)arg;
    return vj_verify(parquet_path, &options, &result, err);
}

static void ignore(void *user, const char *text, size_t len)
{
    (void)user;
    (void)text;
    (void)len;
}

static vj_status inspect(void *arg, vj_error *err)
{
    vj_inspect_options options = VJ_INSPECT_OPTIONS_INIT;

    options.json = *(int *)arg;
    options.row_groups = 1;
    options.pages_of = "text";
    return vj_inspect(parquet_path, &options, ignore, NULL, err);
}

/* One thread: the hook counts the calls of one sequence. */
static void verify_survives(void **state)
{
    int one = 1;

    (void)state;
    sweep_allocations(verify, &one);
    sweep_reads(verify, &one);
}

static void inspect_survives(void **state)
{
    int as_json = 1;
    int as_text = 0;

    (void)state;
    json_set_alloc_funcs(faulty_malloc, free);
    sweep_allocations(inspect, &as_json);
    sweep_allocations(inspect, &as_text);
    json_set_alloc_funcs(malloc, free);
    sweep_reads(inspect, &as_text);
}

/* A budget too small for a page is an error that names the need, never a crash. */
static void verify_keeps_its_budget(void **state)
{
    vj_verify_options options = VJ_VERIFY_OPTIONS_INIT;
    vj_verify_result result;
    vj_error err = {0};

    (void)state;
    options.n_threads = 2;
    options.memory_bytes = 20000;
    assert_int_equal(vj_verify(parquet_path, &options, &result, &err), VJ_E_NOMEM);
    assert_non_null(strstr(err.text, "memory budget of"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(verify_survives),
                                       cmocka_unit_test(inspect_survives),
                                       cmocka_unit_test(verify_keeps_its_budget)};
    snprintf(parquet_path, sizeof parquet_path, "/tmp/vj-fault-verify-%d.parquet", (int)getpid());
    write_file();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(parquet_path);
    return rc;
}
