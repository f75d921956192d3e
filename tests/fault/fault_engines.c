/*
 * What the DuckDB and the Polars engine read and write on our side (keyed file, fates, spellings,
 * hash of the result, its conversion), and the catalog, with their k-th call failing. Skipped
 * where the library or a Python with Polars is absent. Each run costs an engine's start: 0.1 to 1 s.
 */
#include "support/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "duck/duck.h"
#include "polars/polars.h"
#include "varjoin/job.h"

static char sql_path[160];
static const char *python;
static bool have_duckdb, have_polars;
static vj_job *running;

static void cancel_running(void)
{
    if (running != NULL)
        vj_job_cancel(running);
}

static vj_status run(const operation *op, vj_engine_kind engine, const char *sql_file,
                     vj_error *err)
{
    vj_job_database db = {"db", fault_in.database, NULL};
    vj_job_options o = VJ_JOB_OPTIONS_INIT;
    vj_job *job = NULL;

    operation_write_old(op);
    o.input = fault_in.sample;
    o.output = operation_out_path(op);
    o.threads = 1;
    o.no_version = 1;
    o.databases = &db;
    o.n_databases = 1;
    o.engine = engine;
    o.sql_file = sql_file;
    o.duckdb_library = getenv("VARJOIN_DUCKDB_LIB");
    o.python = python;
    VJ_TRY(vj_job_new(&o, &job, err));
    running = job;
    vj_status rc = vj_job_annotate(job, err);
    running = NULL;
    vj_job_free(job);
    return rc;
}

static vj_status with_duckdb(void *arg, vj_error *err)
{
    return run(arg, VJ_ENGINE_DUCKDB, NULL, err);
}

static vj_status with_sql(void *arg, vj_error *err)
{
    return run(arg, VJ_ENGINE_DUCKDB, sql_path, err);
}

static vj_status with_polars(void *arg, vj_error *err)
{
    return run(arg, VJ_ENGINE_POLARS, NULL, err);
}

static vj_status catalog(void *arg, vj_error *err)
{
    vj_duck_options o = {.library_path = getenv("VARJOIN_DUCKDB_LIB"), .threads = 1,
                         .temp_dir = fault_in.folder, .stop = &fault_stopped};
    vj_duck_catalog_entry entry = {"db", fault_in.database};
    vj_duck_catalog_report report;

    operation_write_old(arg);
    return vj_duck_catalog_write(&o, &entry, 1, operation_out_path(arg), &report, err);
}

static operation operations[] = {
    {"DuckDB, Parquet", with_duckdb, "out.parquet", NULL, OP_STOPS, false},
    {"DuckDB, the user's SELECT", with_sql, "out.parquet", NULL, OP_STOPS, false},
    {"catalog", catalog, "out.duckdb", NULL, OP_STOPS | OP_FRESH, false},
};

static operation of_polars[] = {
    {"Polars, Parquet", with_polars, "out.parquet", NULL, OP_STOPS, false},
};

static void sweep_duckdb(void **state)
{
    if (!have_duckdb)
        skip();
    operation_sweep(state);
}

static void sweep_polars(void **state)
{
    if (!have_polars)
        skip();
    operation_sweep(state);
}

static int make_inputs(void **state)
{
    vj_duck_library library;
    char version[64];
    vj_error err = {0};
    FILE *file = NULL;

    (void)state;
    operation_make_inputs("engines");
    fault_on_stop = cancel_running;
    snprintf(sql_path, sizeof sql_path, "%s/q.sql", fault_in.folder);
    assert_non_null(file = fopen(sql_path, "w"));
    assert_true(fputs("SELECT * FROM sample", file) >= 0);
    assert_int_equal(fclose(file), 0);
    have_duckdb = vj_duck_probe(getenv("VARJOIN_DUCKDB_LIB"), &library, &err) == VJ_OK;
    python = getenv("VJ_PYTHON");
    if (python == NULL && vj_path_exists(VJ_TESTS_DIR "/../build/venv/bin/python"))
        python = VJ_TESTS_DIR "/../build/venv/bin/python";
    have_polars = vj_plr_probe(python, version, sizeof version, &err) == VJ_OK;
    return 0;
}

static int remove_inputs(void **state)
{
    (void)state;
    operation_remove_inputs();
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[VJ_COUNT(operations) + VJ_COUNT(of_polars)];
    size_t n = 0;

    for (size_t i = 0; i < VJ_COUNT(operations); i++)
        tests[n++] = (struct CMUnitTest){operations[i].name, sweep_duckdb, NULL, NULL,
                                         &operations[i]};
    for (size_t i = 0; i < VJ_COUNT(of_polars); i++)
        tests[n++] = (struct CMUnitTest){of_polars[i].name, sweep_polars, NULL, NULL,
                                         &of_polars[i]};
    return cmocka_run_group_tests(tests, make_inputs, remove_inputs);
}
