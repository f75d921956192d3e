/*
 * Whole operations with their k-th allocation, read, write, fsync, rename or close failing, for
 * every k; in pieces of a few bytes; stopped at their k-th call: the documented status and a text,
 * an old output byte for byte or the new one whole, nothing else left behind. Promises 1, 2, 3.
 */
#include "support/support.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "varjoin/inspect.h"
#include "varjoin/job.h"
#include "varjoin/reference.h"
#include "varjoin/simulate.h"
#include "varjoin/stream.h"
#include "varjoin/verify.h"

#define OLD_OUTPUT "an older result\n"

static char folder[96];   /* inputs */
static char out_dir[128]; /* outputs, and nothing else */
static char database[160], built[160], sample[160], second[160], table[200];

typedef struct operation {
    const char *output; /* name in out_dir; a folder for builds; NULL: writes nothing */
    const char *index;  /* that stands beside it; NULL: none */
    bool is_dir;
    bool has_old;      /* something stands there before */
    bool apart;        /* the index is a second output: moved after the first, old or new by itself */
    bool after_rename; /* a call after the rename may fail: the new output is there, whole */
} operation;

static vj_stop stop;    /* of what takes one; */
static vj_job *running; /* a job is cancelled */

static void stop_running(int on)
{
    stop = (vj_stop){0};
    if (!on)
        return;
    vj_stop_request(&stop);
    if (running != NULL)
        vj_job_cancel(running);
}

static int is_stopped(void *user, int64_t n_done, int64_t n_total)
{
    (void)user;
    (void)n_done;
    (void)n_total;
    return vj_stop_check(&stop, NULL) != VJ_OK;
}

static const char *out_path(const operation *op)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", out_dir, op->output);
    return path;
}

static const char *index_path(const operation *op)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", out_dir, op->index);
    return path;
}

static void put_old(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(OLD_OUTPUT, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* What stands there before a run. */
static void write_old(const operation *op)
{
    char path[256];

    if (op->output == NULL)
        return;
    if (op->is_dir) {
        assert_true(mkdir(out_path(op), 0777) == 0 || errno == EEXIST);
        snprintf(path, sizeof path, "%s/old", out_path(op));
        put_old(path);
        return;
    }
    put_old(out_path(op));
    if (op->index != NULL)
        put_old(index_path(op));
}

static bool holds_old(const char *path)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return n == strlen(OLD_OUTPUT) && memcmp(text, OLD_OUTPUT, n) == 0;
}

static bool is_old(const operation *op)
{
    char path[256];

    if (!op->is_dir)
        return holds_old(out_path(op));
    snprintf(path, sizeof path, "%s/old", out_path(op));
    return holds_old(path);
}

/* out_dir holds the output, its index, and nothing else. */
static void check_listing(const operation *op, bool with_output)
{
    DIR *dir = opendir(out_dir);
    const struct dirent *entry;
    int n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (op->index != NULL && strcmp(entry->d_name, op->index) == 0)
            continue;
        if (op->output == NULL || strcmp(entry->d_name, op->output) != 0)
            fail_msg("left behind: %s", entry->d_name);
        n++;
    }
    closedir(dir);
    assert_int_equal(n, with_output);
}

/* An index belongs to what stands beside it; where one had to go, there is none. */
static void check_index(const operation *op, vj_status rc)
{
    bool there = vj_path_exists(index_path(op));

    if (rc == VJ_OK)
        assert_true(there);
    if (there && !op->apart)
        assert_int_equal(holds_old(index_path(op)), is_old(op));
    (void)unlink(index_path(op));
}

static void check(void *arg, vj_status rc, const vj_error *err)
{
    operation *op = arg;

    (void)err;
    check_listing(op, op->output != NULL &&
                          (op->has_old || rc == VJ_OK || vj_path_exists(out_path(op))));
    if (op->output == NULL)
        return;
    if (rc == VJ_OK || (!op->after_rename && op->has_old))
        assert_int_equal(is_old(op), rc != VJ_OK);
    if (!op->has_old && rc != VJ_OK && !op->after_rename)
        assert_false(vj_path_exists(out_path(op)));
    if (op->index != NULL)
        check_index(op, rc);
    if (op->is_dir)
        vj_path_remove(out_path(op));
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
    running = job;
    vj_status rc = annotate ? vj_job_annotate(job, err) : vj_job_normalize(job, err);
    running = NULL;
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
    running = job;
    vj_status rc = vj_job_annotate(job, err);
    running = NULL;
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

static vj_status build(operation *op, const char *input, const char *layout, vj_error *err)
{
    vj_reference_options o = VJ_REFERENCE_OPTIONS_INIT;
    vj_reference_result result;

    if (op->has_old)
        write_old(op);
    o.inputs = &input;
    o.n_inputs = 1;
    o.output_dir = out_path(op);
    o.rows_per_run = 60; /* several sorted runs are merged */
    o.no_version = 1;
    o.threads = 1;
    o.replace = op->has_old;
    o.layout = layout;
    o.stop = &stop;
    return vj_reference_build(&o, &result, err);
}

static vj_status build_from_vcf(void *arg, vj_error *err)
{
    return build(arg, sample, "tuned", err);
}

static vj_status build_from_parquet(void *arg, vj_error *err)
{
    return build(arg, database, "tuned", err);
}

static vj_status build_plain(void *arg, vj_error *err)
{
    return build(arg, database, "plain", err);
}

static vj_status simulate(void *arg, vj_error *err)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result made;

    write_old(arg);
    o.sample_path = out_path(arg);
    o.n_rows = 200;
    o.n_sample_variants = 30;
    o.seed = 4;
    o.progress = is_stopped;
    return vj_simulate(&o, &made, err);
}

/* Our own reading as a stream, written again. */
static vj_status write_stream(void *arg, vj_error *err)
{
    struct ArrowArrayStream stream;

    write_old(arg);
    VJ_TRY(vj_parquet_stream(table, 0, &stream, err));
    return vj_parquet_write(&stream, out_path(arg), NULL, err);
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

/* How an operation is swept beyond memory, reads and writes. */
enum { STOPS = 1, OVER_OLD = 2, APART = 4 };

static void sweep_outputs(fault_body body, operation *op)
{
    int64_t n_renames = sweep_operation_renames(body, check, op);
    int64_t n_closes = sweep_operation_closes(body, check, op);

    op->after_rename = true;
    int64_t n_syncs = sweep_operation_syncs(body, check, op);
    op->after_rename = false;
    assert_true(n_renames > 0 && n_closes > 0 && n_syncs > 0);
    print_message("failed runs: %lld of renames, %lld of closes, %lld of fsyncs\n",
                  (long long)n_renames, (long long)n_closes, (long long)n_syncs);
}

static void sweep_all(fault_body body, const char *output, const char *index, bool is_dir,
                      int how)
{
    operation op = {.output = output, .index = index, .is_dir = is_dir,
                    .apart = (how & APART) != 0,
                    .has_old = output != NULL && (!is_dir || (how & OVER_OLD) != 0)};
    vj_error err = {0};

    vj_path_remove(out_dir);
    assert_ok(vj_path_make_dirs(out_dir, &err), &err);
    int64_t n_memory = sweep_operation_allocations(body, check, &op);
    int64_t n_reads = sweep_operation_reads(body, check, &op);
    int64_t n_writes = sweep_operation_writes(body, check, &op);

    assert_true(n_memory > 0);
    if (output != NULL)
        assert_true(n_writes > 0);
    print_message("failed runs: %lld of memory, %lld of reads, %lld of writes\n",
                  (long long)n_memory, (long long)n_reads, (long long)n_writes);
    if (output != NULL)
        sweep_outputs(body, &op);
    sweep_operation_pieces(body, check, &op);
    if ((how & STOPS) != 0)
        print_message("stopped runs: %lld\n",
                      (long long)sweep_operation_stops(body, check, &op, stop_running));
    if (output != NULL && !is_dir)
        (void)unlink(out_path(&op));
}

static void annotating_to_parquet(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.parquet", NULL, false, STOPS);
}

static void annotating_with_a_built_database(void **state)
{
    (void)state;
    sweep_all(annotate_built, "out.parquet", NULL, false, STOPS);
}

static void annotating_to_vcf_gz(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.vcf.gz", "out.vcf.gz.tbi", false, STOPS);
}

static void annotating_to_bcf(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.bcf", "out.bcf.csi", false, STOPS);
}

static void annotating_to_tsv(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.tsv", NULL, false, STOPS);
}

static void annotating_two_into_a_new_folder(void **state)
{
    (void)state;
    sweep_all(annotate_into_new_folder, "all", NULL, true, STOPS);
}

/* The second output appears with the first or not at all, as an index does. */
static void annotating_two_into_a_folder(void **state)
{
    (void)state;
    sweep_all(annotate_into_folder, "s.parquet", "second.parquet", false, STOPS | APART);
}

static void normalizing(void **state)
{
    (void)state;
    sweep_all(normalize, "out.parquet", NULL, false, STOPS);
}

static void building_from_vcf(void **state)
{
    (void)state;
    sweep_all(build_from_vcf, "built", NULL, true, STOPS | OVER_OLD);
}

static void building_from_parquet(void **state)
{
    (void)state;
    sweep_all(build_from_parquet, "built", NULL, true, STOPS | OVER_OLD);
}

static void building_a_plain_one(void **state)
{
    (void)state;
    sweep_all(build_plain, "built", NULL, true, STOPS);
}

static void annotating_to_vcf(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.vcf", NULL, false, STOPS);
}

static void annotating_to_tsv_gz(void **state)
{
    (void)state;
    sweep_all(annotate_as_is, "out.tsv.gz", NULL, false, STOPS);
}

static void simulating(void **state)
{
    (void)state;
    sweep_all(simulate, "out.vcf.gz", "out.vcf.gz.tbi", false, STOPS);
}

static void writing_a_stream(void **state)
{
    (void)state;
    sweep_all(write_stream, "out.parquet", NULL, false, 0);
}

static void verifying(void **state)
{
    (void)state;
    sweep_all(verify, NULL, NULL, false, 0);
}

static void inspecting(void **state)
{
    (void)state;
    sweep_all(inspect, NULL, NULL, false, 0);
}

static void planning(void **state)
{
    (void)state;
    sweep_all(plan_job, NULL, NULL, false, 0);
}

static void describing(void **state)
{
    (void)state;
    sweep_all(info, NULL, NULL, false, 0);
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
    assert_ok(build(&op, database, "tuned", &err), &err);
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
        cmocka_unit_test(building_a_plain_one),
        cmocka_unit_test(annotating_to_vcf),
        cmocka_unit_test(annotating_to_tsv_gz),
        cmocka_unit_test(simulating),
        cmocka_unit_test(writing_a_stream),
        cmocka_unit_test(verifying),
        cmocka_unit_test(inspecting),
        cmocka_unit_test(planning),
        cmocka_unit_test(describing),
    };

    return cmocka_run_group_tests(tests, make_inputs, remove_inputs);
}
