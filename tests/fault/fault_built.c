/* Planning, writing, reading and building tuned databases with each allocation, read and write failing. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "built/built.h"
#include "support/built_case.h"
#include "support/support.h"
#include "varjoin/reference.h"
#include "varjoin/verify.h"

static char source_path[64];
static char built_path[64];

static void *faulty_malloc(size_t len)
{
    return vj_alloc_fault_hook != NULL && vj_alloc_fault_hook(len) ? NULL : malloc(len);
}

static built_case rows;

static vj_status read_all(const vj_buf *bytes, vj_error *err)
{
    vj_source *source = NULL;
    vj_pq_file *file = NULL;
    vj_built *built = NULL;
    vj_built_reader *reader = NULL;
    int32_t list[50];
    vj_status rc = VJ_OK;

    for (int32_t i = 0; i < 50; i++)
        list[i] = i;
    VJ_TRY(vj_source_memory("tuned", bytes->ptr, bytes->len_bytes, &source, err));
    VJ_TRY(vj_pq_open(source, NULL, &file, err));
    VJ_GO(rc, vj_built_read(file, NULL, &built, err));
    VJ_GO(rc, vj_built_reader_new(NULL, NULL, NULL, &reader, err));
    VJ_GO(rc, vj_built_reader_rows(reader, file, built, 0, list, 50, err));
    for (int32_t f = 0; rc == VJ_OK && f < built->schema.n_fields; f++) {
        vj_colb dst;

        rc = vj_colb_init(&dst, &built->schema.fields[f].type, NULL, err);
        if (rc == VJ_OK)
            rc = vj_built_reader_column(reader, f, &dst, err);
        vj_colb_fini(&dst);
    }
out:
    vj_built_reader_free(reader);
    vj_built_free(built);
    vj_pq_free(file);
    return rc;
}

static vj_status plan_write_read(void *arg, vj_error *err)
{
    vj_built_options options = built_case_options();
    vj_built *built = NULL;
    vj_buf bytes = {0};
    vj_status rc = vj_built_plan(&rows.batch, &options, NULL, &built, err);
    if (rc == VJ_OK)
        rc = built_case_write(built, &rows.batch, 33, 1000, NULL, &bytes, err);
    if (rc == VJ_OK && arg != NULL)
        rc = read_all(&bytes, err);
    vj_built_free(built);
    vj_buf_fini(&bytes);
    return rc;
}

static vj_status build(void *arg, vj_error *err)
{
    vj_reference_options options = VJ_REFERENCE_OPTIONS_INIT;
    vj_reference_result result;
    const char *const inputs[] = {source_path};

    options.inputs = inputs;
    options.n_inputs = 1;
    options.output_dir = built_path;
    options.layout = arg;
    options.tier = strcmp(arg, "tuned") == 0 ? "freq:0.5" : NULL;
    options.replace = 1;
    options.rows_per_run = 40; /* the rows are not in order: runs to merge */
    return vj_reference_build(&options, &result, err);
}

static vj_status describe(void *arg, vj_error *err)
{
    char *text = NULL;
    vj_status rc = vj_reference_info(built_path, *(int *)arg, &text, err);

    vj_text_free(text);
    return rc;
}

/* The table, with its starts falling, as a plain file. */
static void write_source(void)
{
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_pq_writer_options options = {.codec = VJ_PQ_NONE};
    vj_error err = {0};

    vj_colb_reset(&rows.cols[CASE_START]);
    for (int64_t i = 0; i < rows.batch.n_rows; i++)
        assert_ok(vj_colb_int(&rows.cols[CASE_START], 900 - i / 3, &err), &err);
    rows.views[CASE_START] = vj_colb_view(&rows.cols[CASE_START]);
    assert_ok(vj_outfile_open(source_path, &file, &err), &err);
    assert_ok(vj_pq_writer_new(file, &rows.schema, &options, NULL, &writer, &err), &err);
    assert_ok(vj_pq_writer_append(writer, &rows.batch, &err), &err);
    assert_ok(vj_pq_writer_finish(writer, &err), &err);
    assert_ok(vj_outfile_finish(file, &err), &err);
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
}

static void layouts_survive(void **state)
{
    int with_reading = 1;

    (void)state;
    json_set_alloc_funcs(faulty_malloc, free);
    sweep_allocations(plan_write_read, NULL);
    /* jansson does not tell missing memory from broken text when it parses */
    json_set_alloc_funcs(malloc, free);
    sweep_allocations(plan_write_read, &with_reading);
}

static void builds_survive(void **state)
{
    char tuned[] = "tuned";
    char plain[] = "plain";
    int as_json = 1;

    (void)state;
    json_set_alloc_funcs(faulty_malloc, free);
    sweep_allocations(build, tuned);
    sweep_allocations(build, plain);
    sweep_reads(build, tuned);
    sweep_writes(build, tuned);
    json_set_alloc_funcs(malloc, free);
    sweep_allocations(describe, &as_json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(layouts_survive),
                                       cmocka_unit_test(builds_survive)};
    vj_error err = {0};

    snprintf(source_path, sizeof source_path, "/tmp/vj-fault-built-%d.parquet", (int)getpid());
    snprintf(built_path, sizeof built_path, "/tmp/vj-fault-built-%d", (int)getpid());
    assert_ok(built_case_make(150, 3, 10, &rows, &err), &err);
    write_source();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(source_path);
    vj_path_remove(built_path);
    built_case_free(&rows);
    return rc;
}
