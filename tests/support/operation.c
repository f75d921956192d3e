#include "support/operation.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "varjoin/simulate.h"

#define OLD_OUTPUT "an older result\n"

fault_inputs fault_in;
vj_stop fault_stopped;
void (*fault_on_stop)(void);

static void stop_running(int on)
{
    fault_stopped = (vj_stop){0};
    if (!on)
        return;
    vj_stop_request(&fault_stopped);
    if (fault_on_stop != NULL)
        fault_on_stop();
}

static bool is_dir(const operation *op)
{
    return (op->how & OP_IS_DIR) != 0;
}

bool operation_has_old(const operation *op)
{
    if (op->output == NULL || (op->how & OP_FRESH) != 0)
        return false;
    return !is_dir(op) || (op->how & OP_OVER_OLD) != 0;
}

const char *operation_out_path(const operation *op)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", fault_in.out_dir, op->output);
    return path;
}

static const char *index_path(const operation *op)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", fault_in.out_dir, op->index);
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
void operation_write_old(const operation *op)
{
    char path[256];

    if (!operation_has_old(op)) {
        if (op->output != NULL)
            vj_path_remove(operation_out_path(op));
        return;
    }
    if (is_dir(op)) {
        assert_true(mkdir(operation_out_path(op), 0777) == 0 || errno == EEXIST);
        snprintf(path, sizeof path, "%s/old", operation_out_path(op));
        put_old(path);
        return;
    }
    put_old(operation_out_path(op));
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

    if (!is_dir(op))
        return holds_old(operation_out_path(op));
    snprintf(path, sizeof path, "%s/old", operation_out_path(op));
    return holds_old(path);
}

/* fault_in.out_dir holds the output, its index, and nothing else. */
static void check_listing(const operation *op, bool with_output)
{
    DIR *dir = opendir(fault_in.out_dir);
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
    if (there && (op->how & OP_APART) == 0)
        assert_int_equal(holds_old(index_path(op)), is_old(op));
    (void)unlink(index_path(op));
}

static void check(void *arg, vj_status rc, const vj_error *err)
{
    operation *op = arg;

    (void)err;
    check_listing(op, op->output != NULL &&
                          (operation_has_old(op) || rc == VJ_OK || vj_path_exists(operation_out_path(op))));
    if (op->output == NULL)
        return;
    if (rc == VJ_OK || (!op->after_rename && operation_has_old(op)))
        assert_int_equal(is_old(op), rc != VJ_OK);
    if (!operation_has_old(op) && rc != VJ_OK && !op->after_rename)
        assert_false(vj_path_exists(operation_out_path(op)));
    if (op->index != NULL)
        check_index(op, rc);
    if (is_dir(op))
        vj_path_remove(operation_out_path(op));
}

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

void operation_sweep(void **state)
{
    operation *op = *state;
    vj_error err = {0};

    vj_path_remove(fault_in.out_dir);
    assert_ok(vj_path_make_dirs(fault_in.out_dir, &err), &err);
    int64_t n_memory = sweep_operation_allocations(op->body, check, op);
    int64_t n_reads = sweep_operation_reads(op->body, check, op);
    int64_t n_writes = sweep_operation_writes(op->body, check, op);

    assert_true(n_memory > 0);
    if (op->output != NULL)
        assert_true(n_writes > 0);
    print_message("%s: failed runs: %lld of memory, %lld of reads, %lld of writes\n", op->name,
                  (long long)n_memory, (long long)n_reads, (long long)n_writes);
    if (op->output != NULL)
        sweep_outputs(op->body, op);
    sweep_operation_pieces(op->body, check, op);
    if ((op->how & OP_STOPS) != 0)
        print_message("stopped runs: %lld\n",
                      (long long)sweep_operation_stops(op->body, check, op, stop_running));
    if (op->output != NULL && !is_dir(op))
        (void)unlink(operation_out_path(op));
}

void operation_make_inputs(const char *name)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result made;
    vj_error err = {0};
    fault_inputs *in = &fault_in;

    snprintf(in->folder, sizeof in->folder, "/tmp/vj-fault-%.40s-%d", name, (int)getpid());
    snprintf(in->out_dir, sizeof in->out_dir, "%.95s/out", in->folder);
    snprintf(in->database, sizeof in->database, "%.95s/db", in->folder);
    snprintf(in->sample, sizeof in->sample, "%.95s/s.vcf.gz", in->folder);
    o.directory = in->database;
    o.sample_path = in->sample;
    o.n_rows = 200;
    o.n_sample_variants = 40;
    o.rows_per_rowgroup = 90;
    o.seed = 3;
    assert_ok(vj_simulate(&o, &made, &err), &err);
    assert_ok(vj_path_make_dirs(in->out_dir, &err), &err);
}

void operation_remove_inputs(void)
{
    vj_path_remove(fault_in.folder);
}
