/*
 * verify.c - rows and content hash of any Parquet file, row group by row group.
 *
 * Row groups are shared out to threads; each holds a cursor per column and hashes slices in
 * which all columns stand at the same rows. The content hash is a sum over rows, so the parts
 * add up in any order.
 */
#include "varjoin/verify.h"

#include <stdio.h>

#include "built/rowscan.h"

#define SLICE_ROWS 4096
#define MAX_THREADS 64
#define DEFAULT_MEMORY_BYTES ((int64_t)256 * 1000 * 1000)

typedef struct shared_state {
    const vj_pq_file *file;
    const vj_built *built; /* what the columns mean, where that is not what they are; or NULL */
    const vj_verify_options *options;
    vj_budget *budget;
    int64_t n_rows_total;
    _Atomic int32_t next_rowgroup;
    _Atomic int64_t n_rows_done;
    _Atomic int stop;
} shared_state;

typedef struct worker {
    shared_state *shared;
    vj_thread *thread;
    vj_content_hash hash;
    int32_t n_fields;
    vj_pq_cursor **cursors;
    vj_colb *slices; /* rows of columns whose pages end inside a slice */
    vj_col *cols;
    vj_rowscan scan; /* of a file with a layout */
    uint64_t *scratch;
    vj_status rc;
    vj_error err;
} worker;

static vj_status set_up(worker *w, vj_error *err)
{
    const vj_built *built = w->shared->built;
    const vj_schema *schema = &vj_pq_meta_view(w->shared->file)->schema;
    vj_budget *budget = w->shared->budget;
    size_t n = (size_t)schema->n_fields;

    w->n_fields = schema->n_fields;
    w->cursors = vj_calloc(budget, n, sizeof *w->cursors, err);
    w->slices = vj_calloc(budget, n, sizeof *w->slices, err);
    w->cols = vj_calloc(budget, n, sizeof *w->cols, err);
    w->scratch = vj_calloc(budget, SLICE_ROWS, sizeof *w->scratch, err);
    if (w->cursors == NULL || w->slices == NULL || w->cols == NULL || w->scratch == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < w->n_fields; i++)
        VJ_TRY(vj_colb_init(&w->slices[i], &schema->fields[i].type, budget, err));
    return built != NULL ? vj_rowscan_init(&w->scan, &built->schema, budget, err) : VJ_OK;
}

static void tear_down(worker *w)
{
    for (int32_t i = 0; i < w->n_fields; i++) {
        if (w->cursors != NULL)
            vj_pq_cursor_free(w->cursors[i]);
        if (w->slices != NULL)
            vj_colb_fini(&w->slices[i]);
    }
    vj_rowscan_fini(&w->scan);
    vj_free(w->cursors);
    vj_free(w->slices);
    vj_free(w->cols);
    vj_free(w->scratch);
}

/* The next n rows of one column: the cursor's own memory where it has them in one piece. */
static vj_status next_rows(worker *w, int32_t field_i, int64_t n, vj_error *err)
{
    const vj_col *col = NULL;
    vj_colb *slice = &w->slices[field_i];

    vj_colb_reset(slice);
    for (int64_t got = 0; got < n;) {
        VJ_TRY(vj_pq_cursor_next(w->cursors[field_i], n - got, &col, err));
        if (col == NULL)
            return vj_fail(err, VJ_E_CORRUPT,
                           "column %s ends after %lld of the %lld rows of its row group",
                           vj_pq_meta_view(w->shared->file)->schema.fields[field_i].name,
                           (long long)vj_pq_cursor_row(w->cursors[field_i]),
                           (long long)(vj_pq_cursor_row(w->cursors[field_i]) + n - got));
        if (got == 0 && col->n_rows == n) {
            w->cols[field_i] = *col;
            return VJ_OK;
        }
        VJ_TRY(vj_colb_append(slice, col, 0, col->n_rows, err));
        got += col->n_rows;
    }
    w->cols[field_i] = vj_colb_view(slice);
    return VJ_OK;
}

static vj_status report_progress(worker *w, int64_t n, vj_error *err)
{
    shared_state *shared = w->shared;
    int64_t done = atomic_fetch_add(&shared->n_rows_done, n) + n;

    if (shared->options->progress != NULL &&
        shared->options->progress(shared->options->user, done, shared->n_rows_total) != 0)
        return vj_fail(err, VJ_E_CANCELLED, "interrupted");
    return VJ_OK;
}

/* The same by what the columns of a built file mean. */
static vj_status hash_built(worker *w, int32_t rowgroup_i, vj_error *err)
{
    vj_batch rows = {.n_rows = 1};

    vj_rowscan_seek(&w->scan, w->shared->file, w->shared->built, NULL, rowgroup_i, 0);
    while (rows.n_rows > 0 && atomic_load(&w->shared->stop) == 0) {
        VJ_TRY(vj_rowscan_next(&w->scan, SLICE_ROWS, &rows, err));
        vj_content_hash_add(&w->hash, &rows, w->scratch);
        VJ_TRY(report_progress(w, rows.n_rows, err));
    }
    return VJ_OK;
}

static vj_status hash_rowgroup(worker *w, int32_t rowgroup_i, vj_error *err)
{
    const vj_pq_file *file = w->shared->file;
    int64_t n_rows = vj_pq_rowgroup_view(file, rowgroup_i).n_rows;

    for (int32_t f = 0; f < w->n_fields; f++) {
        if (w->cursors[f] == NULL)
            VJ_TRY(vj_pq_cursor_open(file, rowgroup_i, f, w->shared->budget, &w->cursors[f], err));
        else
            VJ_TRY(vj_pq_cursor_rewind(w->cursors[f], file, rowgroup_i, err));
    }
    for (int64_t row_i = 0; row_i < n_rows && atomic_load(&w->shared->stop) == 0;) {
        int64_t n = VJ_MIN(SLICE_ROWS, n_rows - row_i);

        for (int32_t f = 0; f < w->n_fields; f++)
            VJ_TRY(next_rows(w, f, n, err));
        vj_batch batch = {&vj_pq_meta_view(file)->schema, n, w->cols};
        vj_content_hash_add(&w->hash, &batch, w->scratch);
        VJ_TRY(report_progress(w, n, err));
        row_i += n;
    }
    return VJ_OK;
}

static void work(void *arg)
{
    worker *w = arg;
    int32_t n_rowgroups = vj_pq_meta_view(w->shared->file)->n_rowgroups;

    w->rc = set_up(w, &w->err);
    while (w->rc == VJ_OK && atomic_load(&w->shared->stop) == 0) {
        int32_t rowgroup_i = atomic_fetch_add(&w->shared->next_rowgroup, 1);

        if (rowgroup_i >= n_rowgroups)
            break;
        w->rc = w->shared->built != NULL ? hash_built(w, rowgroup_i, &w->err)
                                         : hash_rowgroup(w, rowgroup_i, &w->err);
    }
    if (w->rc != VJ_OK)
        atomic_store(&w->shared->stop, 1);
    tear_down(w);
}

/* The first worker runs in the caller's thread. */
static vj_status hash_file(shared_state *shared, int32_t n_workers, vj_content_hash *hash,
                           vj_error *err)
{
    worker *workers = vj_calloc(shared->budget, (size_t)n_workers, sizeof *workers, err);
    vj_status rc = VJ_OK;

    if (workers == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < n_workers; i++)
        workers[i].shared = shared;
    for (int32_t i = 1; i < n_workers && rc == VJ_OK; i++)
        rc = vj_thread_start(work, &workers[i], &workers[i].thread, err);
    if (rc == VJ_OK)
        work(&workers[0]);
    else
        atomic_store(&shared->stop, 1);
    for (int32_t i = 0; i < n_workers; i++) {
        vj_thread_join(workers[i].thread);
        if (rc == VJ_OK && workers[i].rc != VJ_OK) {
            rc = workers[i].rc;
            if (err != NULL)
                *err = workers[i].err;
        }
        vj_content_hash_merge(hash, &workers[i].hash);
    }
    vj_free(workers);
    return rc;
}

static void read_expectations(const vj_pq_file *file, const vj_verify_options *options,
                              vj_verify_result *result)
{
    const char *hash = options->expected_hash != NULL ? options->expected_hash
                                                      : vj_pq_kv_get(file, "varjoin.content_hash");
    const char *rows = vj_pq_kv_get(file, "varjoin.rows");

    snprintf(result->expected_hash, sizeof result->expected_hash, "%s", hash != NULL ? hash : "");
    result->expected_rows = vj_pq_meta_view(file)->n_rows;
    if (rows != NULL)
        (void)vj_parse_i64(vj_span_of(rows), &result->expected_rows);
}

static vj_status compare(const char *path, const vj_verify_result *result, vj_error *err)
{
    if (result->rows_differ)
        return vj_fail(err, VJ_E_POLICY, "%s: expected %lld rows, found %lld", path,
                       (long long)result->expected_rows, (long long)result->n_rows);
    if (result->hash_differs)
        return vj_fail(err, VJ_E_POLICY, "%s: expected content hash %s, the rows give %s", path,
                       result->expected_hash, result->content_hash);
    return VJ_OK;
}

vj_status vj_verify(const char *path, const vj_verify_options *options, vj_verify_result *result,
                    vj_error *err)
{
    vj_verify_options known = VJ_VERIFY_OPTIONS_INIT;
    vj_budget budget;
    vj_pq_file *file = NULL;
    vj_built *built = NULL;
    vj_content_hash hash = {0};
    vj_status rc = VJ_OK;

    memset(result, 0, sizeof *result);
    if (options != NULL)
        memcpy(&known, options, VJ_MIN(options->struct_size, sizeof known));
    vj_budget_init(&budget, known.memory_bytes > 0 ? known.memory_bytes : DEFAULT_MEMORY_BYTES);
    VJ_GO(rc, vj_pq_open_path(path, &budget, &file, err));
    if (known.ignore_checksums)
        vj_pq_ignore_checksums(file);
    VJ_GO(rc, vj_built_read(file, &budget, &built, err));
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    shared_state shared = {.file = file, .built = built, .options = &known, .budget = &budget,
                           .n_rows_total = meta->n_rows};
    int32_t n_workers = VJ_MIN(VJ_MAX(known.n_threads, 1), MAX_THREADS);
    n_workers = VJ_MAX(VJ_MIN(n_workers, meta->n_rowgroups), 1);
    VJ_GO(rc, hash_file(&shared, n_workers, &hash, err));
    result->n_rows = hash.n_rows;
    result->n_columns = built != NULL ? built->schema.n_fields : meta->schema.n_fields;
    result->n_rowgroups = meta->n_rowgroups;
    vj_content_hash_text(&hash, result->content_hash);
    read_expectations(file, &known, result);
    result->rows_differ = result->n_rows != result->expected_rows;
    result->hash_differs = result->expected_hash[0] != '\0' &&
                           strcmp(result->expected_hash, result->content_hash) != 0;
    rc = compare(path, result, err);
out:
    vj_built_free(built);
    vj_pq_free(file);
    return rc;
}
