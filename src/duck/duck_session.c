/*
 * duck_session.c - open DuckDB with our limits, run statements, watch them from a second thread.
 */
#include <stdio.h>

#include "duck/duck_api.h"

#define WATCH_MS 50

/* Beyond memory_limit a process holds this much: 42 MB before the statement begins (33 of them
 * code), then buffers of Parquet pages, 20 to 30 MB a thread. */
#define OVERHEAD_BYTES (80LL * 1000 * 1000)
#define OVERHEAD_PER_THREAD_BYTES (60LL * 1000 * 1000)
#define ONE_THREAD_BELOW_BYTES (900LL * 1000 * 1000)
/* With less the sort of wide rows ends for want of memory instead of spilling. */
#define LEAST_LIMIT_BYTES (96LL * 1000 * 1000)
/* Freed memory goes back at once below this: 9 M rows in five sorts at 512 MB: 334, else 478 MB. */
#define FLUSH_BELOW_BYTES (2000LL * 1000 * 1000)
/* Rows of a result's row group are held, and encoded, outside the limit. */
#define SMALL_GROUPS_BELOW_BYTES (256LL * 1000 * 1000)

int64_t vj_duck_memory_within(int64_t total_bytes, int *threads)
{
    int64_t rest = total_bytes - OVERHEAD_BYTES;

    if (*threads < 1 || total_bytes < ONE_THREAD_BELOW_BYTES)
        *threads = 1;
    /* Threads that would leave DuckDB less than half of the memory are given up. */
    while (*threads > 1 &&
           rest - (*threads - 1) * OVERHEAD_PER_THREAD_BYTES < total_bytes / 2)
        --*threads;
    return VJ_MAX(rest - (*threads - 1) * OVERHEAD_PER_THREAD_BYTES, LEAST_LIMIT_BYTES);
}

int64_t vj_duck_rowgroup_rows(int64_t memory_limit_bytes)
{
    bool small = memory_limit_bytes > 0 && memory_limit_bytes < SMALL_GROUPS_BELOW_BYTES;

    return small ? 8192 : 32768;
}

/* ---- errors ---- */

static bool says(const char *message, const char *words)
{
    return strstr(message, words) != NULL;
}

static vj_status classify(int type, const char *message)
{
    switch (type) {
    case DUCK_ERROR_OUT_OF_MEMORY: return VJ_E_NOMEM;
    case DUCK_ERROR_INTERRUPT: return VJ_E_CANCELLED;
    case DUCK_ERROR_CATALOG:
    case DUCK_ERROR_CONVERSION:
    case DUCK_ERROR_BINDER: return VJ_E_SCHEMA;
    case DUCK_ERROR_PARSER:
    case DUCK_ERROR_SYNTAX: return VJ_E_USAGE;
    case DUCK_ERROR_INTERNAL:
    case DUCK_ERROR_FATAL: return VJ_E_BUG;
    case DUCK_ERROR_SERIALIZATION: return VJ_E_CORRUPT;
    default: break;
    }
    if (says(message, "No files found") || says(message, "No such file") ||
        says(message, "does not exist"))
        return VJ_E_NOTFOUND;
    if (says(message, "No space left") || says(message, "write") || says(message, "Disk quota"))
        return VJ_E_OUTPUT;
    if (says(message, "INTERRUPT"))
        return VJ_E_CANCELLED;
    return type == DUCK_ERROR_IO || type == DUCK_ERROR_PERMISSION ? VJ_E_IO : VJ_E_CORRUPT;
}

/* DuckDB's advice follows its first line after a blank one; a user of ours cannot act on it. */
vj_status duck_fail(vj_error *err, int error_type, const char *message)
{
    char line[600];

    if (message == NULL)
        message = "no message";
    vj_quote(line, sizeof line, message, strcspn(message, "\n"));
    return vj_fail(err, classify(error_type, message), "DuckDB: %s", line);
}

/* ---- open and close ---- */

static vj_status set_option(const duck_api *api, duck_config config, const char *name,
                            const char *value, vj_error *err)
{
    if (api->set_config(config, name, value) != 0)
        return vj_fail(err, VJ_E_UNSUPPORTED, "DuckDB refuses the setting %s = %s", name, value);
    return VJ_OK;
}

static vj_status set_number(const duck_api *api, duck_config config, const char *name,
                            int64_t value, const char *unit, vj_error *err)
{
    char text[40];

    if (value <= 0)
        return VJ_OK;
    snprintf(text, sizeof text, "%lld%s", (long long)value, unit);
    return set_option(api, config, name, text, err);
}

static vj_status configure(const vj_duck *duck, const vj_duck_options *options, duck_config config,
                           vj_error *err)
{
    const duck_api *api = duck->api;

    /* Nothing is fetched from anywhere, whatever a statement names. */
    VJ_TRY(set_option(api, config, "autoinstall_known_extensions", "false", err));
    VJ_TRY(set_option(api, config, "autoload_known_extensions", "false", err));
    VJ_TRY(set_option(api, config, "temp_directory", duck->spill_path, err));
    VJ_TRY(set_option(api, config, "preserve_insertion_order",
                      options->keep_insertion_order ? "true" : "false", err));
    VJ_TRY(set_number(api, config, "memory_limit", options->memory_limit_bytes, "B", err));
    VJ_TRY(set_number(api, config, "max_temp_directory_size", options->spill_limit_bytes, "B",
                      err));
    if (options->memory_limit_bytes > 0 && options->memory_limit_bytes < FLUSH_BELOW_BYTES) {
        /* By default its allocator keeps up to 128 MB of freed memory beyond the limit. */
        VJ_TRY(set_option(api, config, "allocator_flush_threshold", "4MB", err));
        VJ_TRY(set_option(api, config, "allocator_bulk_deallocation_flush_threshold", "4MB", err));
    }
    VJ_TRY(set_number(api, config, "threads", options->threads, "", err));
    if (options->read_only)
        VJ_TRY(set_option(api, config, "access_mode", "READ_ONLY", err));
    return VJ_OK;
}

static vj_status connect_database(vj_duck *duck, const vj_duck_options *options, vj_error *err)
{
    const duck_api *api = duck->api;
    duck_config config = NULL;
    char *message = NULL;
    vj_status rc = VJ_OK;

    if (api->create_config(&config) != 0)
        return vj_fail(err, VJ_E_NOMEM, "no memory for DuckDB's settings");
    VJ_GO(rc, configure(duck, options, config, err));
    if (api->open_ext(options->database_path, &duck->database, config, &message) != 0) {
        char line[600];
        const char *text = message != NULL ? message : "no message";
        bool absent = says(text, "does not exist") || says(text, "No such file");
        vj_quote(line, sizeof line, text, strcspn(text, "\n"));
        rc = vj_fail(err, absent ? VJ_E_NOTFOUND : VJ_E_CORRUPT, "%s: DuckDB: %s",
                     options->database_path != NULL ? options->database_path : "DuckDB", line);
        goto out;
    }
    if (api->connect(duck->database, &duck->connection) != 0)
        rc = vj_fail(err, VJ_E_NOMEM, "DuckDB gives no connection");
out:
    if (message != NULL)
        api->free(message);
    api->destroy_config(&config);
    return rc;
}

vj_status vj_duck_open(const vj_duck_options *options, vj_duck **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_duck *duck = NULL;

    *out = NULL;
    if ((duck = vj_zalloc(options->budget, sizeof *duck, err)) == NULL)
        goto out;
    duck->budget = options->budget;
    VJ_GO(rc, duck_api_load(options->library_path, &duck->api, err));
    VJ_GO(rc, vj_tempdir_make(options->temp_dir, "varjoin-duck", &duck->spill_path, err));
    VJ_GO(rc, connect_database(duck, options, err));
    /* Progress is counted only with the bar on; printing is another switch. */
    VJ_GO(rc, vj_duck_exec(duck, "SET enable_progress_bar = true", NULL, err));
    VJ_GO(rc, vj_duck_exec(duck, "SET enable_progress_bar_print = false", NULL, err));
    /* Its cache of file contents takes a file that was replaced within a second for the old one. */
    VJ_GO(rc, vj_duck_exec(duck, "SET enable_external_file_cache = false", NULL, err));
    VJ_GO(rc, duck_tally_register(duck, err));
    duck->stop = options->stop;
    duck->progress = options->progress;
    duck->progress_arg = options->progress_arg;
    duck->progress_share = 1;
    duck->memory_limit_bytes = options->memory_limit_bytes;
    *out = duck;
    duck = NULL;
out:
    vj_duck_free(duck);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "starting DuckDB");
}

void vj_duck_free(vj_duck *duck)
{
    if (duck == NULL)
        return;
    if (duck->connection != NULL)
        duck->api->disconnect(&duck->connection);
    if (duck->database != NULL)
        duck->api->close(&duck->database);
    vj_tempdir_remove(duck->spill_path);
    vj_free(duck);
}

/* ---- the watcher: one thread beside each statement that may take long ---- */

typedef struct watcher {
    vj_duck *duck;
    vj_lock lock;
    bool done; /* under the lock */
    vj_thread *thread;
    double last;
} watcher;

static void report_progress(watcher *watch)
{
    vj_duck *duck = watch->duck;
    double percent = duck->api->query_progress(duck->connection).percentage;

    if (percent < 0 || percent / 100 < watch->last)
        return;
    watch->last = percent > 100 ? 1 : percent / 100;
    duck->progress(duck->progress_arg, duck->progress_base + duck->progress_share * watch->last);
}

static void watch_statement(void *arg)
{
    watcher *watch = arg;
    vj_duck *duck = watch->duck;

    vj_lock_take(&watch->lock);
    for (int64_t turn = 0; !watch->done; turn++) {
        vj_lock_give(&watch->lock);
        /* Asked again each turn: a statement may begin its work after the first request. */
        if (duck->stop != NULL && atomic_load(&duck->stop->requested))
            duck->api->interrupt(duck->connection);
        else if (duck->progress != NULL && turn % 2 == 1)
            report_progress(watch);
        vj_lock_take(&watch->lock);
        if (!watch->done)
            vj_lock_wait_ms(&watch->lock, WATCH_MS);
    }
    vj_lock_give(&watch->lock);
}

static vj_status watch_begin(watcher *watch, vj_duck *duck, vj_error *err)
{
    memset(watch, 0, sizeof *watch);
    watch->duck = duck;
    if (duck->stop == NULL && duck->progress == NULL)
        return VJ_OK;
    VJ_TRY(vj_lock_init(&watch->lock, err));
    vj_status rc = vj_thread_start(watch_statement, watch, &watch->thread, err);
    if (rc != VJ_OK)
        vj_lock_fini(&watch->lock);
    return rc;
}

static void watch_end(watcher *watch)
{
    if (watch->thread == NULL)
        return;
    vj_lock_take(&watch->lock);
    watch->done = true;
    vj_lock_wake(&watch->lock);
    vj_lock_give(&watch->lock);
    vj_thread_join(watch->thread);
    vj_lock_fini(&watch->lock);
}

/* ---- statements ---- */

/* On success the caller destroys the result. */
static vj_status run(vj_duck *duck, const char *sql, duck_result *result, vj_error *err)
{
    const duck_api *api = duck->api;
    watcher watch;
    vj_status rc = VJ_OK;

    VJ_TRY(vj_stop_check(duck->stop, err));
    VJ_TRY(watch_begin(&watch, duck, err));
    memset(result, 0, sizeof *result);
    if (api->query(duck->connection, sql, result) != 0) {
        rc = duck_fail(err, api->result_error_type(result), api->result_error(result));
        api->destroy_result(result);
        if (duck->stop != NULL && atomic_load(&duck->stop->requested))
            rc = vj_stop_check(duck->stop, err);
    }
    watch_end(&watch);
    return rc;
}

/* COPY answers with one row of one count; rows_changed is 0 for it in some versions. */
static int64_t changed_rows(const duck_api *api, duck_result *result)
{
    int64_t n = (int64_t)api->rows_changed(result);
    duck_chunk chunk = NULL;

    if (n > 0 || api->column_count(result) < 1 ||
        api->column_type(result, 0) != DUCK_TYPE_BIGINT)
        return n;
    if ((chunk = api->fetch_chunk(*result)) == NULL)
        return n;
    if (api->data_chunk_get_size(chunk) > 0)
        n = *(int64_t *)api->vector_get_data(api->data_chunk_get_vector(chunk, 0));
    api->destroy_data_chunk(&chunk);
    return n;
}

vj_status vj_duck_exec(vj_duck *duck, const char *sql, int64_t *n_changed, vj_error *err)
{
    duck_result result;

    VJ_TRY(run(duck, sql, &result, err));
    if (n_changed != NULL)
        *n_changed = changed_rows(duck->api, &result);
    duck->api->destroy_result(&result);
    return VJ_OK;
}

#define MAX_CELLS 16

static vj_span cell_view(const duck_api *api, duck_vector vector, duck_idx row_i)
{
    const uint64_t *valid = api->vector_get_validity(vector);
    const duck_text *text = (const duck_text *)api->vector_get_data(vector) + row_i;
    uint32_t len = text->value.inlined.length;

    if (valid != NULL && (valid[row_i / 64] >> (row_i % 64) & 1) == 0)
        return (vj_span){NULL, 0};
    return (vj_span){len <= 12 ? text->value.inlined.inlined : text->value.pointer.ptr, len};
}

static vj_status give_rows(const duck_api *api, duck_chunk chunk, int32_t n_cells, vj_duck_row row,
                           void *arg, vj_error *err)
{
    vj_span cells[MAX_CELLS];
    duck_idx n_rows = api->data_chunk_get_size(chunk);

    for (duck_idx row_i = 0; row_i < n_rows; row_i++) {
        for (int32_t i = 0; i < n_cells; i++)
            cells[i] = cell_view(api, api->data_chunk_get_vector(chunk, (duck_idx)i), row_i);
        VJ_TRY(row(arg, cells, n_cells, err));
    }
    return VJ_OK;
}

vj_status vj_duck_query(vj_duck *duck, const char *sql, vj_duck_row row, void *arg, vj_error *err)
{
    const duck_api *api = duck->api;
    vj_status rc = VJ_OK;
    duck_result result;

    VJ_TRY(run(duck, sql, &result, err));
    duck_idx n_cells = api->column_count(&result);
    for (duck_idx i = 0; i < n_cells; i++)
        if (n_cells > MAX_CELLS || api->column_type(&result, i) != DUCK_TYPE_VARCHAR)
            VJ_GO(rc, vj_fail(err, VJ_E_BUG, "a query of ours must give at most %d text columns",
                              MAX_CELLS));
    for (duck_chunk chunk = NULL; rc == VJ_OK && (chunk = api->fetch_chunk(result)) != NULL;) {
        rc = give_rows(api, chunk, (int32_t)n_cells, row, arg, err);
        api->destroy_data_chunk(&chunk);
    }
out:
    api->destroy_result(&result);
    return rc;
}

static vj_status add_value(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    (void)n_cells;
    return cells[0].ptr == NULL ? VJ_OK : vj_map_put(arg, cells[0], 0, NULL, NULL, err);
}

typedef struct bounds_look {
    vj_map *values;
    bool single; /* every row group has one value, as its statistics tell */
    bool told;   /* there was one */
} bounds_look;

/* Cells: least and greatest value of a row group, NULL where it has none but nulls. */
static vj_status see_bounds(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    bounds_look *look = arg;

    (void)n_cells;
    /* Long bounds may have been cut by the writer. */
    if (cells[0].ptr == NULL || !vj_span_eq(cells[0], cells[1]) || cells[0].len_bytes >= 32)
        look->single = false;
    look->told = true;
    return look->single ? vj_map_put(look->values, cells[0], 0, NULL, NULL, err) : VJ_OK;
}

static vj_status look_at_bounds(vj_duck *duck, const char *path, const char *column,
                                bounds_look *look, vj_error *err)
{
    vj_buf sql;
    vj_status rc = VJ_OK;

    vj_buf_init(&sql, duck->budget, 0);
    VJ_GO(rc, duck_sqlf(&sql, err,
                        "SELECT DISTINCT CAST(stats_min_value AS VARCHAR), CAST(stats_max_value AS "
                        "VARCHAR) FROM parquet_metadata(%p) WHERE lower(path_in_schema) = lower(%t) "
                        "AND type = 'BYTE_ARRAY' AND row_group_num_rows > 0 AND "
                        "coalesce(stats_null_count, 0) < row_group_num_rows",
                        path, column));
    VJ_GO(rc, duck_sql_end(&sql, err));
    VJ_GO(rc, vj_duck_query(duck, (const char *)sql.ptr, see_bounds, look, err));
out:
    vj_buf_fini(&sql);
    return rc;
}

static vj_status scan_values(vj_duck *duck, const char *path, const char *column, vj_map *values,
                             vj_error *err)
{
    vj_buf sql;
    vj_status rc = VJ_OK;

    vj_buf_init(&sql, duck->budget, 0);
    VJ_GO(rc, duck_sqlf(&sql, err, "SELECT DISTINCT CAST(%n AS VARCHAR) AS v FROM ", column));
    VJ_GO(rc, duck_sql_scan(&sql, &path, 1, err));
    VJ_GO(rc, vj_buf_append_text(&sql, " ORDER BY v", err));
    VJ_GO(rc, duck_sql_end(&sql, err));
    VJ_GO(rc, vj_duck_query(duck, (const char *)sql.ptr, add_value, values, err));
out:
    vj_buf_fini(&sql);
    return rc;
}

vj_status vj_duck_distinct(vj_duck *duck, const char *const *paths, int32_t n_paths,
                           const char *column, vj_map *values, vj_error *err)
{
    for (int32_t i = 0; i < n_paths; i++) {
        bounds_look look = {.values = values, .single = true};
        vj_status rc = look_at_bounds(duck, paths[i], column, &look, err);
        /* No row group told anything: perhaps the file has no such text column; the scan says. */
        if (rc == VJ_OK && !(look.single && look.told))
            rc = scan_values(duck, paths[i], column, values, err);
        if (rc != VJ_OK)
            return vj_wrap(err, rc, "looking for the values of %s in %s", column, paths[i]);
    }
    return VJ_OK;
}
