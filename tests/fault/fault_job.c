/*
 * Whole operations with their k-th allocation, read or write failing, for every k: the documented
 * status and a text, an old output byte for byte or the new one whole, nothing else left behind.
 */
#include "support/support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "varjoin/inspect.h"
#include "varjoin/job.h"
#include "varjoin/reference.h"
#include "varjoin/simulate.h"
#include "varjoin/verify.h"

#define OLD_OUTPUT "an older result\n"

static char folder[96];   /* inputs */
static char out_dir[128]; /* outputs, and nothing else */
static char database[160], built[160], sample[160], second[160], table[200];

typedef struct operation {
    const char *output; /* name in out_dir; a folder for builds; NULL: writes nothing */
    const char *index;  /* that stands beside it; NULL: none */
    bool is_dir;
} operation;

static const char *out_path(const operation *op)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", out_dir, op->output);
    return path;
}

static void write_old(const operation *op)
{
    if (op->output == NULL || op->is_dir)
        return;
    FILE *file = fopen(out_path(op), "w");
    assert_non_null(file);
    assert_true(fputs(OLD_OUTPUT, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_old(const operation *op)
{
    char text[64] = "";
    FILE *file = fopen(out_path(op), "r");

    if (file == NULL)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return n == strlen(OLD_OUTPUT) && memcmp(text, OLD_OUTPUT, n) == 0;
}

/* out_dir holds the output and nothing else. */
static void check_listing(const operation *op, bool with_output, bool is_new)
{
    DIR *dir = opendir(out_dir);
    const struct dirent *entry;
    char strange[256] = "";
    bool indexed = false;
    int n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (op->index != NULL && strcmp(entry->d_name, op->index) == 0) {
            indexed = true;
            continue;
        }
        if (op->output == NULL || strcmp(entry->d_name, op->output) != 0)
            snprintf(strange, sizeof strange, "%s", entry->d_name);
        n++;
    }
    closedir(dir);
    if (strange[0] != '\0')
        fail_msg("left behind: %s", strange);
    assert_int_equal(n, with_output);
    assert_int_equal(indexed, op->index != NULL && is_new);
}

static void check(void *arg, vj_status rc, const vj_error *err)
{
    operation *op = arg;

    (void)err;
    if (op->output == NULL) {
        check_listing(op, false, false);
        return;
    }
    check_listing(op, !op->is_dir || rc == VJ_OK, rc == VJ_OK);
    if (rc != VJ_OK && !op->is_dir)
        assert_true(is_old(op));
    if (rc == VJ_OK && !op->is_dir)
        assert_false(is_old(op));
    if (op->is_dir)
        vj_path_remove(out_path(op));
    if (op->index != NULL) {
        char path[256];

        snprintf(path, sizeof path, "%s/%s", out_dir, op->index);
        (void)unlink(path);
    }
}

static vj_status run_job(operation *op, bool annotate, const char *db_path, vj_error *err)
{
    vj_job_database db = {"db", db_path, NULL};
    vj_job_options o = VJ_JOB_OPTIONS_INIT;
    vj_job *job = NULL;

    write_old(op);
    o.input = sample;
    o.output = out_path(op);
    o.threads = 1;
    o.rows_per_batch = 16;
    o.no_version = 1;
    o.databases = annotate ? &db : NULL;
    o.n_databases = annotate;
    VJ_TRY(vj_job_new(&o, &job, err));
    vj_status rc = annotate ? vj_job_annotate(job, err) : vj_job_normalize(job, err);
    vj_job_free(job);
    return rc;
}

static vj_status annotate_as_is(void *arg, vj_error *err)
{
    return run_job(arg, true, database, err);
}

static vj_status annotate_built(void *arg, vj_error *err)
{
    return run_job(arg, true, built, err);
}

/* Two inputs in one sweep, into a folder. */
static vj_status annotate_two(const char *output, vj_error *err)
{
    const char *const inputs[] = {sample, second};
    vj_job_database db = {"db", database, NULL};
    vj_job_options o = VJ_JOB_OPTIONS_INIT;
    vj_job *job = NULL;

    o.inputs = inputs;
    o.n_inputs = 2;
    o.output = output;
    o.threads = 1;
    o.rows_per_batch = 16;
    o.no_version = 1;
    o.databases = &db;
    o.n_databases = 1;
    VJ_TRY(vj_job_new(&o, &job, err));
    vj_status rc = vj_job_annotate(job, err);
    vj_job_free(job);
    return rc;
}

static vj_status annotate_into_new_folder(void *arg, vj_error *err)
{
    return annotate_two(out_path(arg), err);
}

static vj_status annotate_into_folder(void *arg, vj_error *err)
{
    write_old(arg);
    return annotate_two(out_dir, err);
}

static vj_status normalize(void *arg, vj_error *err)
{
    return run_job(arg, false, NULL, err);
}

static vj_status build(operation *op, const char *input, vj_error *err)
{
    vj_reference_options o = VJ_REFERENCE_OPTIONS_INIT;
    vj_reference_result result;

    o.inputs = &input;
    o.n_inputs = 1;
    o.output_dir = out_path(op);
    o.rows_per_run = 60; /* several sorted runs are merged */
    o.no_version = 1;
    o.threads = 1;
    return vj_reference_build(&o, &result, err);
}

static vj_status build_from_vcf(void *arg, vj_error *err)
{
    return build(arg, sample, err);
}

static vj_status build_from_parquet(void *arg, vj_error *err)
{
    return build(arg, database, err);
}

static vj_status verify(void *arg, vj_error *err)
{
    vj_verify_options o = VJ_VERIFY_OPTIONS_INIT;
    vj_verify_result result;

    (void)arg;
    return vj_verify(table, &o, &result, err);
}

static void swallow(void *user, const char *text, size_t len)
{
    (void)user;
    (void)text;
    (void)len;
}

static vj_status inspect(void *arg, vj_error *err)
{
    vj_inspect_options o = VJ_INSPECT_OPTIONS_INIT;

    (void)arg;
    o.row_groups = 1;
    VJ_TRY(vj_inspect(table, &o, swallow, NULL, err));
    return vj_inspect(sample, &o, swallow, NULL, err);
}

static vj_status plan_job(void *arg, vj_error *err)
{
    vj_job_database db = {"db", database, NULL};
    vj_job_options o = VJ_JOB_OPTIONS_INIT;
    char *text = NULL;

    (void)arg;
    o.input = sample;
    o.output = "out.parquet";
    o.databases = &db;
    o.n_databases = 1;
    VJ_TRY(vj_job_plan(&o, 0, &text, err));
    vj_text_free(text);
    return VJ_OK;
}

static vj_status info(void *arg, vj_error *err)
{
    char *text = NULL;

    (void)arg;
    VJ_TRY(vj_reference_info(built, 0, &text, err));
    vj_text_free(text);
    return VJ_OK;
}

static void sweep_all(fault_body body, const char *output, const char *index, bool is_dir)
{
    operation op = {.output = output, .index = index, .is_dir = is_dir};
    vj_error err = {0};

    vj_path_remove(out_dir);
    assert_ok(vj_path_make_dirs(out_dir, &err), &err);
    int64_t n_memory = sweep_operation_allocations(body, check, &op);
    int64_t n_reads = sweep_operation_reads(body, check, &op);
    int64_t n_writes = sweep_operation_writes(body, check, &op);

    assert_true(n_memory > 0);
    if (output != NULL)
        assert_true(n_writes > 0);
    if (output != NULL && !is_dir)
        (void)unlink(out_path(&op));
    print_message("failed runs: %lld of memory, %lld of reads, %lld of writes\n",
                  (long long)n_memory, (long long)n_reads, (long long)n_writes);
}

static void annotating_to_parquet(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.parquet", NULL, false);
}

static void annotating_with_a_built_database(void **state)
{
    (void)state;
    sweep_all(annotate_built, "out.parquet", NULL, false);
}

static void annotating_to_vcf_gz(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.vcf.gz", "out.vcf.gz.tbi", false);
}

static void annotating_to_bcf(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.bcf", "out.bcf.csi", false);
}

static void annotating_to_tsv(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.tsv", NULL, false);
}

static void annotating_two_into_a_new_folder(void **state)
{
    (void)state;
    sweep_all(annotate_into_new_folder, "all", NULL, true);
}

/* The second output appears with the first or not at all, as an index does. */
static void annotating_two_into_a_folder(void **state)
{
    (void)state;
    sweep_all(annotate_into_folder, "s.parquet", "second.parquet", false);
}

static void normalizing(void **state)
{
    (void)state;
    sweep_all(normalize, "out.parquet", NULL, false);
}

static void building_from_vcf(void **state)
{
    (void)state;
    sweep_all(build_from_vcf, "built", NULL, true);
}

static void building_from_parquet(void **state)
{
    (void)state;
    sweep_all(build_from_parquet, "built", NULL, true);
}

static void verifying(void **state)
{
    (void)state;
    sweep_all(verify, NULL, NULL, false);
}

static void inspecting(void **state)
{
    (void)state;
    sweep_all(inspect, NULL, NULL, false);
}

static void planning(void **state)
{
    (void)state;
    sweep_all(plan_job, NULL, NULL, false);
}

static void describing(void **state)
{
    (void)state;
    sweep_all(info, NULL, NULL, false);
}

static int make_inputs(void **state)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result made;
    vj_error err = {0};
    operation op = {.output = "../built"};

    (void)state;
    snprintf(folder, sizeof folder, "/tmp/vj-fault-%d", (int)getpid());
    snprintf(out_dir, sizeof out_dir, "%s/out", folder);
    snprintf(database, sizeof database, "%s/db", folder);
    snprintf(built, sizeof built, "%s/built", folder);
    snprintf(sample, sizeof sample, "%s/s.vcf.gz", folder);
    snprintf(table, sizeof table, "%s/homo_sapiens-chr22.parquet", database);
    o.directory = database;
    o.sample_path = sample;
    o.n_rows = 200;
    o.n_sample_variants = 40;
    o.rows_per_rowgroup = 90;
    o.seed = 3;
    assert_ok(vj_simulate(&o, &made, &err), &err);
    assert_ok(vj_path_make_dirs(out_dir, &err), &err);
    assert_ok(build(&op, database, &err), &err);
    op.output = "../second.parquet";
    snprintf(second, sizeof second, "%s/second.parquet", folder);
    assert_ok(run_job(&op, false, NULL, &err), &err);
    return 0;
}

static int remove_inputs(void **state)
{
    (void)state;
    vj_path_remove(database);
    vj_path_remove(built);
    vj_path_remove(second);
    vj_path_remove(out_dir);
    vj_path_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(annotating_to_parquet),
        cmocka_unit_test(annotating_with_a_built_database),
        cmocka_unit_test(annotating_to_vcf_gz),
        cmocka_unit_test(annotating_to_bcf),
        cmocka_unit_test(annotating_to_tsv),
        cmocka_unit_test(annotating_two_into_a_new_folder),
        cmocka_unit_test(annotating_two_into_a_folder),
        cmocka_unit_test(normalizing),
        cmocka_unit_test(building_from_vcf),
        cmocka_unit_test(building_from_parquet),
        cmocka_unit_test(verifying),
        cmocka_unit_test(inspecting),
        cmocka_unit_test(planning),
        cmocka_unit_test(describing),
    };

    return cmocka_run_group_tests(tests, make_inputs, remove_inputs);
}
