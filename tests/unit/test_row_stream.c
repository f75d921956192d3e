/* Rows of a job as an Arrow stream, and any stream to Parquet: the same tables as files give. */
#include "support/support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/arrow.h"
#include "os/os.h"
#include "varjoin/simulate.h"
#include "varjoin/stream.h"
#include "varjoin/verify.h"

static char folder[96];
static char paths[6][160];
enum { DATABASE, SAMPLE, BY_JOB, BY_STREAM, AGAIN, COHORT };

static int make_data(void **state)
{
    static const char *const names[] = {"db", "s.vcf.gz", "job.parquet", "stream.parquet",
                                        "again.parquet", "cohort.vcf.gz"};
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result result;
    vj_error err = {0};

    (void)state;
    snprintf(folder, sizeof folder, "/tmp/vj-rows-%d", (int)getpid());
    for (int i = 0; i < 6; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    o.directory = paths[DATABASE];
    o.sample_path = paths[SAMPLE];
    o.n_rows = 20000;
    o.n_sample_variants = 3000;
    o.seed = 11;
    assert_ok(vj_simulate(&o, &result, &err), &err);
    return 0;
}

static int remove_data(void **state)
{
    (void)state;
    vj_path_remove(paths[DATABASE]);
    vj_path_remove(folder);
    return 0;
}

static vj_job_options options_for(const vj_job_database *db)
{
    vj_job_options o = VJ_JOB_OPTIONS_INIT;

    o.input = paths[SAMPLE];
    o.databases = db;
    o.n_databases = db != NULL ? 1 : 0;
    o.threads = 2;
    o.rows_per_batch = 500;
    return o;
}

static vj_verify_result verified(const char *path)
{
    vj_verify_options o = VJ_VERIFY_OPTIONS_INIT;
    vj_verify_result result;
    vj_error err = {0};

    assert_ok(vj_verify(path, &o, &result, &err), &err);
    return result;
}

static void check_same(bool annotating)
{
    vj_job_database db = {"ensembl", paths[DATABASE], NULL};
    vj_job_options o = options_for(annotating ? &db : NULL);
    struct ArrowArrayStream stream;
    vj_job *job = NULL;
    vj_error err = {0};

    assert_ok(annotating ? vj_annotate_stream(&o, &stream, &err) : vj_vcf_stream(&o, &stream, &err),
              &err);
    assert_ok(vj_parquet_write(&stream, paths[BY_STREAM], NULL, &err), &err);
    assert_null(stream.release);
    o.output = paths[BY_JOB];
    assert_ok(vj_job_new(&o, &job, &err), &err);
    assert_ok(annotating ? vj_job_annotate(job, &err) : vj_job_normalize(job, &err), &err);
    vj_job_free(job);
    vj_verify_result a = verified(paths[BY_JOB]), b = verified(paths[BY_STREAM]);
    assert_true(a.n_rows > 2500);
    assert_int_equal(a.n_rows, b.n_rows);
    assert_int_equal(a.n_columns, b.n_columns);
    assert_string_equal(a.content_hash, b.content_hash);
}

static void annotated_rows_are_those_of_the_file(void **state)
{
    (void)state;
    check_same(true);
}

static void normalised_rows_are_those_of_the_file(void **state)
{
    (void)state;
    check_same(false);
}

static void a_file_goes_through_a_stream_unchanged(void **state)
{
    struct ArrowArrayStream stream;
    vj_error err = {0};
    char shard[200];

    (void)state;
    snprintf(shard, sizeof shard, "%s/homo_sapiens-chr22.parquet", paths[DATABASE]);
    assert_ok(vj_parquet_stream(shard, 0, &stream, &err), &err);
    assert_ok(vj_parquet_write(&stream, paths[AGAIN], NULL, &err), &err);
    assert_string_equal(verified(shard).content_hash, verified(paths[AGAIN]).content_hash);
}

static void a_consumer_may_leave_early(void **state)
{
    vj_job_database db = {"ensembl", paths[DATABASE], NULL};
    vj_job_options o = options_for(&db);
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    vj_error err = {0};

    (void)state;
    assert_ok(vj_annotate_stream(&o, &stream, &err), &err);
    stream.release(&stream);
    assert_ok(vj_annotate_stream(&o, &stream, &err), &err);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_true(batch.length > 0);
    stream.release(&stream);
    assert_null(stream.release);
    batch.release(&batch); /* batches outlive their stream */
}

static void failures_come_before_the_first_row(void **state)
{
    vj_job_database db = {"ensembl", "/nonexistent/db", NULL};
    vj_job_options o = options_for(&db);
    struct ArrowArrayStream stream;
    vj_error err = {0};

    (void)state;
    assert_int_equal(vj_annotate_stream(&o, &stream, &err), VJ_E_NOTFOUND);
    assert_non_null(strstr(err.text, "/nonexistent/db"));
    assert_null(stream.release);
    o.struct_size = 8;
    assert_int_equal(vj_annotate_stream(&o, &stream, &err), VJ_E_USAGE);
}

/* 150 people make 450,000 rows of 3,000 records: more than the bound holds at once. */
static void a_hoarder_meets_enomem(void **state)
{
    vj_simulate_options people = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result made;
    vj_job_options o = options_for(NULL);
    struct ArrowArrayStream stream;
    struct ArrowArray held[2000];
    vj_error err = {0};
    int n = 0, code = 0;

    (void)state;
    people.sample_path = paths[COHORT];
    people.n_rows = 20000;
    people.n_sample_variants = 3000;
    people.n_samples = 150;
    people.seed = 11;
    assert_ok(vj_simulate(&people, &made, &err), &err);
    o.input = paths[COHORT];
    o.all_samples = 1;
    o.threads = 1;
    o.memory_bytes = 45000000;
    assert_ok(vj_vcf_stream(&o, &stream, &err), &err);
    while (n < 2000 && (code = stream.get_next(&stream, &held[n])) == 0 && held[n].release != NULL)
        n++;
    assert_int_equal(code, ENOMEM);
    assert_non_null(strstr(stream.get_last_error(&stream), "not released"));
    assert_int_equal(stream.get_next(&stream, &held[n]), ENOMEM); /* it stays so */
    for (int i = 0; i < n; i++)
        held[i].release(&held[i]);
    stream.release(&stream);
}

static void types_that_are_not_taken_are_named(void **state)
{
    struct ArrowSchema kid = {.format = "+ud:0,1", .name = "u"};
    struct ArrowSchema *kids[] = {&kid};
    struct ArrowSchema top = {.format = "+s", .n_children = 1, .children = kids};
    vj_arena arena;
    vj_schema schema;
    vj_error err = {0};

    (void)state;
    vj_arena_init(&arena, NULL, 0);
    assert_int_equal(vj_arrow_schema_import(&top, &arena, &schema, &err), VJ_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "column u"));
    top.format = "i";
    assert_int_equal(vj_arrow_schema_import(&top, &arena, &schema, &err), VJ_E_SCHEMA);
    vj_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(annotated_rows_are_those_of_the_file),
        cmocka_unit_test(normalised_rows_are_those_of_the_file),
        cmocka_unit_test(a_file_goes_through_a_stream_unchanged),
        cmocka_unit_test(a_consumer_may_leave_early),
        cmocka_unit_test(failures_come_before_the_first_row),
        cmocka_unit_test(a_hoarder_meets_enomem),
        cmocka_unit_test(types_that_are_not_taken_are_named),
    };

    return cmocka_run_group_tests(tests, make_data, remove_data);
}
