/* The Arrow C Stream over a Parquet file: what a consumer of Arrow sees, and may do with it. */
#include "support/support.h"
#include "support/tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parquet/parquet.h"
#include "varjoin/stream.h"

static char path[128];

static vj_status write_table(const char *name, int64_t n_rows, int64_t rows_per_rowgroup,
                             vj_error *err)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD, .rows_per_rowgroup = rows_per_rowgroup};
    test_table table = {0};
    vj_outfile *out = NULL;
    vj_pq_writer *writer = NULL;
    vj_status rc;

    VJ_GO(rc, test_table_make(name, n_rows, 7, &table, err));
    VJ_GO(rc, vj_outfile_open(path, &out, err));
    VJ_GO(rc, vj_pq_writer_new(out, table.batch.schema, &options, NULL, &writer, err));
    VJ_GO(rc, vj_pq_writer_append(writer, &table.batch, err));
    VJ_GO(rc, vj_pq_writer_finish(writer, err));
    VJ_GO(rc, vj_outfile_finish(out, err));
out:
    vj_pq_writer_free(writer);
    vj_outfile_free(out);
    test_table_free(&table);
    return rc;
}

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/vj-stream-%d.parquet", (int)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

/* The columns of every batch keep the lengths that the layout asks for. */
static void check_array(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    assert_non_null(array->release);
    assert_int_equal(array->offset, 0);
    assert_int_equal(array->n_children, schema->n_children);
    if (strcmp(schema->format, "u") == 0 || strcmp(schema->format, "z") == 0) {
        const int32_t *offs = array->buffers[1];

        assert_int_equal(array->n_buffers, 3);
        assert_int_equal(offs[0], 0);
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        if (strncmp(schema->format, "+s", 2) == 0)
            assert_int_equal(array->children[i]->length, array->length);
        check_array(schema->children[i], array->children[i]);
    }
}

static vj_status read_all(int64_t *n_rows, int64_t *n_batches, vj_error *err)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema = {0};
    vj_status rc = VJ_OK;

    *n_rows = *n_batches = 0;
    VJ_TRY(vj_parquet_stream(path, 0, &stream, err));
    if (stream.get_schema(&stream, &schema) != 0)
        rc = vj_fail(err, VJ_E_NOMEM, "%s", stream.get_last_error(&stream));
    while (rc == VJ_OK) {
        struct ArrowArray batch;
        int code = stream.get_next(&stream, &batch);

        if (code != 0)
            rc = vj_fail(err, code == ENOMEM ? VJ_E_NOMEM : VJ_E_IO, "%s",
                         stream.get_last_error(&stream));
        else if (batch.release == NULL)
            break;
        if (rc != VJ_OK)
            break;
        check_array(&schema, &batch);
        *n_rows += batch.length;
        *n_batches += 1;
        batch.release(&batch);
    }
    if (schema.release != NULL)
        schema.release(&schema);
    stream.release(&stream);
    assert_null(stream.release);
    return rc;
}

static void every_row_comes_once_in_batches_within_row_groups(void **state)
{
    vj_error err = {0};
    int64_t n_rows, n_batches;

    (void)state;
    assert_ok(write_table("flat", 1000, 300, &err), &err);
    assert_ok(read_all(&n_rows, &n_batches, &err), &err);
    assert_int_equal(n_rows, 1000);
    assert_int_equal(n_batches, 4);
}

static void a_table_without_rows_has_a_schema_and_no_batch(void **state)
{
    vj_error err = {0};
    int64_t n_rows, n_batches;

    (void)state;
    assert_ok(write_table("flat", 0, 300, &err), &err);
    assert_ok(read_all(&n_rows, &n_batches, &err), &err);
    assert_int_equal(n_rows, 0);
    assert_int_equal(n_batches, 0);
}

/* A consumer may take one column out, release the rest, and the stream before it. */
static void a_moved_child_outlives_its_batch_and_the_stream(void **state)
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch, child;
    vj_error err = {0};

    (void)state;
    assert_ok(write_table("flat", 100, 300, &err), &err);
    assert_ok(vj_parquet_stream(path, 0, &stream, &err), &err);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_true(batch.n_children > 1);
    child = *batch.children[1];
    batch.children[1]->release = NULL;
    stream.release(&stream);
    batch.release(&batch);
    assert_int_equal(child.length, 100);
    assert_non_null(child.buffers[child.n_buffers - 1]);
    child.release(&child);
}

static void a_consumer_that_keeps_batches_meets_the_budget(void **state)
{
    struct ArrowArrayStream stream;
    struct ArrowArray kept[64];
    vj_error err = {0};
    int n = 0, code = 0;

    (void)state;
    assert_ok(write_table("flat", 20000, 1000, &err), &err);
    assert_ok(vj_parquet_stream(path, 2000000, &stream, &err), &err);
    while (code == 0 && n < 64) {
        code = stream.get_next(&stream, &kept[n]);
        if (code == 0 && kept[n].release == NULL)
            break;
        n += code == 0;
    }
    assert_int_equal(code, ENOMEM);
    assert_non_null(strstr(stream.get_last_error(&stream), "budget"));
    for (int i = 0; i < n; i++)
        kept[i].release(&kept[i]);
    stream.release(&stream);
}

static void a_missing_file_is_said_at_once(void **state)
{
    struct ArrowArrayStream stream;
    vj_error err = {0};

    (void)state;
    assert_int_equal(vj_parquet_stream("/nowhere/x.parquet", 0, &stream, &err), VJ_E_NOTFOUND);
    assert_null(stream.release);
    assert_non_null(strstr(err.text, "/nowhere/x.parquet"));
}

static void a_box_frees_what_nobody_took_over(void **state)
{
    struct ArrowArrayStream stream;
    vj_error err = {0};

    (void)state;
    assert_ok(write_table("flat", 10, 300, &err), &err);
    assert_ok(vj_parquet_stream(path, 0, &stream, &err), &err);
    struct ArrowArrayStream *box = vj_stream_box(&stream, &err);
    assert_non_null(box);
    assert_null(stream.release);
    vj_stream_box_free(box);
    vj_stream_box_free(NULL);
}

static vj_status sweep_body(void *arg, vj_error *err)
{
    int64_t n_rows, n_batches;

    (void)arg;
    return read_all(&n_rows, &n_batches, err);
}

static void every_allocation_may_fail(void **state)
{
    vj_error err = {0};

    (void)state;
    assert_ok(write_table("flat", 50, 30, &err), &err);
    sweep_allocations(sweep_body, NULL);
    sweep_reads(sweep_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_comes_once_in_batches_within_row_groups),
        cmocka_unit_test(a_table_without_rows_has_a_schema_and_no_batch),
        cmocka_unit_test(a_moved_child_outlives_its_batch_and_the_stream),
        cmocka_unit_test(a_consumer_that_keeps_batches_meets_the_budget),
        cmocka_unit_test(a_missing_file_is_said_at_once),
        cmocka_unit_test(a_box_frees_what_nobody_took_over),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
