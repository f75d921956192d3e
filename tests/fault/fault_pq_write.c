/* Writing a Parquet file, and adding to its footer, with each allocation, read and write failing. */
#include <stdio.h>
#include <unistd.h>

#include "parquet/parquet.h"
#include "support/support.h"
#include "support/tables.h"

static char out_path[64];
static test_table table;

static vj_status write_table(void *arg, vj_error *err)
{
    const vj_pq_writer_options *options = arg;
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_outfile_open(out_path, &file, err));
    VJ_GO(rc, vj_pq_writer_new(file, &table.schema, options, NULL, &writer, err));
    VJ_GO(rc, vj_pq_writer_kv(writer, "key", "value", err));
    VJ_GO(rc, vj_pq_writer_append(writer, &table.batch, err));
    VJ_GO(rc, vj_pq_writer_finish(writer, err));
    VJ_GO(rc, vj_outfile_finish(file, err));
out:
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    return rc;
}

static vj_status add_to_footer(void *arg, vj_error *err)
{
    static const vj_pq_kv kvs[] = {{"key", "other"}, {"second", "entry"}};

    (void)arg;
    return vj_pq_footer_add_kvs(out_path, kvs, 2, err);
}

static void make(const char *name, int64_t n_rows)
{
    vj_error err = {0};

    assert_ok(test_table_make(name, n_rows, 1, &table, &err), &err);
}

static void every_allocation(void **state)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD, .rows_per_page = 20,
                                    .rows_per_rowgroup = 40};
    vj_pq_writer_options compat = {.codec = VJ_PQ_SNAPPY, .compat = true};

    (void)state;
    make("nested", 60);
    sweep_allocations(write_table, &options);
    sweep_allocations(add_to_footer, NULL);
    test_table_free(&table);
    make("edges", 60);
    sweep_allocations(write_table, &options);
    sweep_allocations(write_table, &compat);
    test_table_free(&table);
}

static void every_write(void **state)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_NONE, .rows_per_rowgroup = 1000};

    (void)state;
    make("edges", 9000); /* several flushes of the file's buffer */
    sweep_writes(write_table, &options);
    test_table_free(&table);
}

/* A footer that could not be written is the old one again. */
static vj_status footer_and_compare(void *arg, vj_error *err)
{
    vj_buf before = {0};
    vj_buf after = {0};
    vj_error local = {0};
    vj_status rc = VJ_OK;

    (void)arg;
    assert_ok(vj_path_read(out_path, &before, &local), &local);
    rc = add_to_footer(NULL, err);
    assert_ok(vj_path_read(out_path, &after, &local), &local);
    if (rc != VJ_OK) {
        assert_int_equal(before.len_bytes, after.len_bytes);
        assert_memory_equal(before.ptr, after.ptr, before.len_bytes);
    }
    vj_buf_fini(&before);
    vj_buf_fini(&after);
    return rc;
}

static void every_write_of_a_footer(void **state)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD};
    vj_error err = {0};

    (void)state;
    make("flat", 10);
    assert_ok(write_table(&options, &err), &err);
    sweep_writes(footer_and_compare, NULL);
    sweep_reads(add_to_footer, NULL);
    test_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation),
                                       cmocka_unit_test(every_write),
                                       cmocka_unit_test(every_write_of_a_footer)};
    snprintf(out_path, sizeof out_path, "/tmp/vj-fault-pq-write-%d.parquet", (int)getpid());
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(out_path);
    return rc;
}
