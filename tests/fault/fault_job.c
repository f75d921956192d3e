/*
 * Whole operations with their k-th allocation, read, write, fsync, rename or close failing, for
 * every k; in pieces of a few bytes; stopped at their k-th call: the documented status and a text,
 * an old output byte for byte or the new one whole, nothing else left behind. Promises 1, 2, 3.
 */
#include "support/operation.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "varjoin/inspect.h"
#include "varjoin/job.h"
#include "varjoin/reference.h"
#include "varjoin/simulate.h"
#include "varjoin/stream.h"
#include "varjoin/verify.h"

static char built[160], second[160], table[200];
static char two_contigs[160], tiered[160], saved_parts[160];

static vj_job *running; /* the job that a stop cancels */

static void cancel_running(void)
{
    if (running != NULL)
        vj_job_cancel(running);
}

static int is_stopped(void *user, int64_t n_done, int64_t n_total)
{
    (void)user;
    (void)n_done;
    (void)n_total;
    return vj_stop_check(&fault_stopped, NULL) != VJ_OK;
}

static vj_status run_job(operation *op, bool annotate, const char *db_path, vj_error *err)
{
    vj_job_database db = {"db", db_path, NULL};
    vj_job_options o = VJ_JOB_OPTIONS_INIT;
    vj_job *job = NULL;

    operation_write_old(op);
    o.input = fault_in.sample;
    o.output = operation_out_path(op);
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
    return run_job(arg, true, fault_in.database, err);
}

static vj_status annotate_built(void *arg, vj_error *err)
{
    return run_job(arg, true, built, err);
}

/* Two inputs in one sweep, into a folder. */
static vj_status annotate_two(const char *output, vj_output_kind kind, vj_error *err)
{
    const char *const inputs[] = {fault_in.sample, second};
    vj_job_database db = {"db", fault_in.database, NULL};
    vj_job_options o = VJ_JOB_OPTIONS_INIT;
    vj_job *job = NULL;

    o.inputs = inputs;
    o.n_inputs = 2;
    o.output = output;
    o.output_kind = kind;
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
    return annotate_two(operation_out_path(arg), VJ_TO_GUESS, err);
}

static vj_status annotate_into_new_folder_of_vcf(void *arg, vj_error *err)
{
    return annotate_two(operation_out_path(arg), VJ_TO_VCF_GZ, err);
}

static vj_status annotate_into_folder(void *arg, vj_error *err)
{
    operation_write_old(arg);
    return annotate_two(fault_in.out_dir, VJ_TO_GUESS, err);
}

static vj_status annotate_tiered(void *arg, vj_error *err)
{
    return run_job(arg, true, tiered, err);
}

static vj_status normalize(void *arg, vj_error *err)
{
    return run_job(arg, false, NULL, err);
}

static vj_status build(operation *op, const char *input, const char *layout,
                       const char *tier, vj_error *err)
{
    vj_reference_options o = VJ_REFERENCE_OPTIONS_INIT;
    vj_reference_result result;

    operation_write_old(op);
    o.inputs = &input;
    o.n_inputs = 1;
    o.output_dir = operation_out_path(op);
    o.rows_per_run = 60; /* several sorted runs are merged */
    o.no_version = 1;
    o.threads = 1;
    o.replace = operation_has_old(op);
    o.layout = layout;
    o.tier = tier;
    o.stop = &fault_stopped;
    return vj_reference_build(&o, &result, err);
}

static vj_status build_from_vcf(void *arg, vj_error *err)
{
    return build(arg, fault_in.sample, "tuned", NULL, err);
}

static vj_status build_from_parquet(void *arg, vj_error *err)
{
    return build(arg, fault_in.database, "tuned", NULL, err);
}

static vj_status build_plain(void *arg, vj_error *err)
{
    return build(arg, fault_in.database, "plain", NULL, err);
}

#define TIER "MAF:0.001"

static vj_status build_tiered(void *arg, vj_error *err)
{
    return build(arg, two_contigs, "tuned", TIER, err);
}

/* The folder that a killed build leaves beside its output. */
static void parts_path(char dst[200])
{
    snprintf(dst, 200, "%s/.built.vj-parts", fault_in.out_dir);
}

static void link_all(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    const struct dirent *entry;
    char a[512], b[512];

    assert_non_null(dir);
    assert_int_equal(mkdir(to, 0777), 0); /* no call that the sweep counts */
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(a, sizeof a, "%s/%s", from, entry->d_name);
        snprintf(b, sizeof b, "%s/%s", to, entry->d_name);
        assert_int_equal(link(a, b), 0);
    }
    closedir(dir);
}

/* No call that the sweep counts. */
static void unlink_all(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[512];

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
}

/* A run that fails before it looks at what another left leaves that to the next one. */
static vj_status build_resumed(void *arg, vj_error *err)
{
    char parts[200];

    parts_path(parts);
    link_all(saved_parts, parts);
    vj_status rc = build_tiered(arg, err);
    if (rc != VJ_OK)
        unlink_all(parts);
    return rc;
}

static vj_status simulate(void *arg, vj_error *err)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result made;

    operation_write_old(arg);
    o.sample_path = operation_out_path(arg);
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

    operation_write_old(arg);
    VJ_TRY(vj_parquet_stream(table, 0, &stream, err));
    return vj_parquet_write(&stream, operation_out_path(arg), NULL, err);
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
    return vj_inspect(fault_in.sample, &o, swallow, NULL, err);
}

static vj_status plan_job(void *arg, vj_error *err)
{
    vj_job_database db = {"db", fault_in.database, NULL};
    vj_job_options o = VJ_JOB_OPTIONS_INIT;
    char *text = NULL;

    (void)arg;
    o.input = fault_in.sample;
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

/* clang-format off */
static operation operations[] = {
    {"annotate to Parquet", annotate_as_is, "out.parquet", NULL, OP_STOPS, false},
    {"annotate to Parquet, built database", annotate_built, "out.parquet", NULL, OP_STOPS, false},
    {"annotate to Parquet, two tiers", annotate_tiered, "out.parquet", NULL, OP_STOPS, false},
    {"annotate to VCF.gz", annotate_as_is, "out.vcf.gz", "out.vcf.gz.tbi", OP_STOPS, false},
    {"annotate to BCF", annotate_as_is, "out.bcf", "out.bcf.csi", OP_STOPS, false},
    {"annotate to VCF", annotate_as_is, "out.vcf", NULL, OP_STOPS, false},
    {"annotate to TSV", annotate_as_is, "out.tsv", NULL, OP_STOPS, false},
    {"annotate to TSV.gz", annotate_as_is, "out.tsv.gz", NULL, OP_STOPS, false},
    {"two samples into a new folder", annotate_into_new_folder, "all", NULL, OP_STOPS | OP_IS_DIR, false},
    {"two samples into a new folder, VCF.gz", annotate_into_new_folder_of_vcf, "all", NULL, OP_STOPS | OP_IS_DIR, false},
    /* the second output is moved after the first: old or new by itself */
    {"two samples into a folder", annotate_into_folder, "s.parquet", "second.parquet", OP_STOPS | OP_APART, false},
    {"normalize", normalize, "out.parquet", NULL, OP_STOPS, false},
    {"build of VCF", build_from_vcf, "built", NULL, OP_STOPS | OP_IS_DIR | OP_OVER_OLD, false},
    {"build of Parquet", build_from_parquet, "built", NULL, OP_STOPS | OP_IS_DIR | OP_OVER_OLD, false},
    {"build, plain", build_plain, "built", NULL, OP_STOPS | OP_IS_DIR, false},
    {"build in tiers, two contigs", build_tiered, "built", NULL, OP_STOPS | OP_IS_DIR | OP_OVER_OLD, false},
    {"build taken up again", build_resumed, "built", NULL, OP_STOPS | OP_IS_DIR | OP_OVER_OLD, false},
    {"simulate", simulate, "out.vcf.gz", "out.vcf.gz.tbi", OP_STOPS, false},
    {"a stream to Parquet", write_stream, "out.parquet", NULL, 0, false},
    {"verify", verify, NULL, NULL, 0, false},
    {"inspect", inspect, NULL, NULL, 0, false},
    {"plan", plan_job, NULL, NULL, 0, false},
    {"reference info", info, NULL, NULL, 0, false},
};
/* clang-format on */

/* What a build leaves that dies at its first rename after a contig was noted as done. */
static char state_path[240];

static int die_at_rename(void)
{
    if (access(state_path, F_OK) == 0)
        _exit(9);
    return 0;
}

static void save_parts(void)
{
    operation op = {.output = "built", .how = OP_IS_DIR};
    vj_error err = {0};
    char parts[200];
    int status = 0;

    parts_path(parts);
    snprintf(state_path, sizeof state_path, "%s/state.json", parts);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        vj_rename_fault_hook = die_at_rename;
        (void)!build_tiered(&op, &err);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    assert_ok(vj_path_rename(parts, saved_parts, &err), &err);
}

static void make_two_contigs(void)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result made;
    vj_error err = {0};

    o.directory = two_contigs;
    o.contigs = "21,22";
    o.n_rows = 240;
    o.seed = 3;
    assert_ok(vj_simulate(&o, &made, &err), &err);
}

static int make_inputs(void **state)
{
    operation op = {.output = "../built", .how = OP_IS_DIR};
    vj_error err = {0};
    const char *folder = fault_in.folder;

    (void)state;
    operation_make_inputs("job");
    fault_on_stop = cancel_running;
    snprintf(built, sizeof built, "%s/built", folder);
    snprintf(second, sizeof second, "%s/second.parquet", folder);
    snprintf(two_contigs, sizeof two_contigs, "%s/two", folder);
    snprintf(tiered, sizeof tiered, "%s/tiered", folder);
    snprintf(saved_parts, sizeof saved_parts, "%s/parts", folder);
    snprintf(table, sizeof table, "%s/homo_sapiens-chr22.parquet", fault_in.database);
    make_two_contigs();
    assert_ok(build(&op, fault_in.database, "tuned", NULL, &err), &err);
    op.output = "../tiered";
    assert_ok(build_tiered(&op, &err), &err);
    op = (operation){.output = "../second.parquet", .how = OP_FRESH};
    assert_ok(run_job(&op, false, NULL, &err), &err);
    save_parts();
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
    struct CMUnitTest tests[VJ_COUNT(operations)];

    for (size_t i = 0; i < VJ_COUNT(operations); i++)
        tests[i] = (struct CMUnitTest){operations[i].name, operation_sweep, NULL, NULL,
                                       &operations[i]};
    return cmocka_run_group_tests(tests, make_inputs, remove_inputs);
}
