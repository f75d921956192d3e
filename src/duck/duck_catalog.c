/*
 * duck_catalog.c - a DuckDB file of views over Parquet files, and of nothing else.
 *
 * The file is made in the session's private folder and then copied through a vj_outfile (it is
 * far below a megabyte): so it appears under its name whole or not at all.
 */
#include <stdio.h>
#include <strings.h>

#include "duck/duck_api.h"
#include "built/built.h"

/* Part of the fingerprint: another value makes old catalogs out of date. */
#define LAYOUT "varjoin-catalog-2"
#define SELF "varjoin_catalog"
#define MAX_CATALOG_BYTES ((size_t)64 << 20)

/* One database, looked at. */
typedef struct entry {
    const char *name;
    char *pattern; /* absolute: a folder, a file, or as given (glob) */
    bool is_dir;
    vj_paths paths; /* absolute */
    vj_buf projection; /* SQL of a tuned database's columns; empty: as the files have them */
    int64_t n_bytes;
    char fingerprint[40];
} entry;

static void entry_fini(entry *e)
{
    vj_free(e->pattern);
    vj_paths_fini(&e->paths);
    vj_buf_fini(&e->projection);
}

/* ---- looking at the files ---- */

static vj_status make_absolute(vj_paths *paths, vj_error *err)
{
    for (size_t i = 0; i < paths->n; i++) {
        char *absolute = NULL;
        VJ_TRY(vj_path_absolute(paths->ptr[i], &absolute, err));
        vj_free(paths->ptr[i]);
        paths->ptr[i] = absolute;
    }
    return VJ_OK;
}

static vj_status add_file(vj_hasher *hasher, const char *path, int64_t *n_bytes, vj_error *err)
{
    vj_source *source = NULL;
    int64_t facts[2] = {0};

    VJ_TRY(vj_source_open(path, &source, err));
    facts[0] = vj_source_size(source);
    facts[1] = vj_source_mtime_ns(source);
    vj_source_free(source);
    vj_hasher_add(hasher, path, strlen(path) + 1);
    vj_hasher_add(hasher, facts, sizeof facts);
    *n_bytes += facts[0];
    return VJ_OK;
}

static vj_status take_fingerprint(entry *e, vj_error *err)
{
    vj_hasher *hasher = vj_hasher_new(err);
    vj_status rc = VJ_OK;

    if (hasher == NULL)
        return VJ_E_NOMEM;
    vj_hasher_add(hasher, LAYOUT, sizeof LAYOUT);
    for (size_t i = 0; i < e->paths.n; i++)
        VJ_GO(rc, add_file(hasher, e->paths.ptr[i], &e->n_bytes, err));
    vj_hash128 hash = vj_hasher_get(hasher);
    snprintf(e->fingerprint, sizeof e->fingerprint, "%016llx%016llx", (unsigned long long)hash.hi,
             (unsigned long long)hash.lo);
out:
    vj_hasher_free(hasher);
    return rc;
}

/* Files of one build share their layout; the first one tells. */
static vj_status look_at_layout(entry *e, vj_error *err)
{
    vj_pq_file *file = NULL;
    vj_built *built = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_pq_open_path(e->paths.ptr[0], NULL, &file, err));
    VJ_GO(rc, vj_built_read(file, NULL, &built, err));
    if (built != NULL) {
        VJ_GO(rc, vj_built_sql(built, &e->projection, err));
        rc = duck_sql_end(&e->projection, err);
    }
out:
    vj_built_free(built);
    vj_pq_free(file);
    return rc;
}

static vj_status look_at_entry(const vj_duck_catalog_entry *wanted, entry *e, vj_error *err)
{
    e->name = wanted->name;
    e->is_dir = vj_path_is_dir(wanted->pattern);
    VJ_TRY(vj_paths_find(wanted->pattern, ".parquet", &e->paths, err));
    if (e->paths.n == 0)
        return vj_fail(err, VJ_E_NOTFOUND, "%s: no Parquet file there", wanted->pattern);
    VJ_TRY(make_absolute(&e->paths, err));
    VJ_TRY(look_at_layout(e, err));
    if (vj_path_exists(wanted->pattern))
        VJ_TRY(vj_path_absolute(wanted->pattern, &e->pattern, err));
    else if ((e->pattern = vj_strdup(NULL, wanted->pattern, err)) == NULL)
        return VJ_E_NOMEM;
    return take_fingerprint(e, err);
}

static vj_status check_names(const entry *entries, int32_t n, vj_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        if (entries[i].name[0] == '\0' || strcasecmp(entries[i].name, SELF) == 0)
            return vj_fail(err, VJ_E_USAGE, "%s: \"%s\" cannot be the name of a database; give "
                                            "NAME=PATH", entries[i].pattern, entries[i].name);
        for (int32_t j = 0; j < i; j++)
            if (strcasecmp(entries[i].name, entries[j].name) == 0)
                return vj_fail(err, VJ_E_USAGE,
                               "two databases are named %s: %s and %s; give NAME=PATH",
                               entries[i].name, entries[j].pattern, entries[i].pattern);
    }
    return VJ_OK;
}

/* ---- is what is there still right? ---- */

/*
 * The file that stands at the output's name is anybody's. Of it nothing runs: the texts of its
 * views are compared with those that the new one has, and outside access is off meanwhile.
 */
#define LEAST_LIMIT_BYTES (128LL << 20)

typedef struct comparison {
    vj_map made; /* CREATE statements of the new catalog's views */
    size_t seen, same;
    bool is_catalog;
    bool has_table; /* of the user's: must not go */
} comparison;

/* One row (name, CREATE statement) a view. */
#define VIEWS_OF(database)                                                                         \
    "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND database_name = " database

static vj_status take_view(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    comparison *c = arg;

    (void)n_cells;
    return vj_map_put(&c->made, cells[1], 0, NULL, NULL, err);
}

static vj_status see_view(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    comparison *c = arg;

    (void)n_cells;
    (void)err;
    c->seen++;
    c->same += vj_map_find(&c->made, cells[1]) >= 0;
    c->is_catalog = c->is_catalog || vj_span_is(cells[0], SELF);
    return VJ_OK;
}

static vj_status see_table(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    comparison *c = arg;

    (void)cells;
    (void)n_cells;
    (void)err;
    c->has_table = true;
    return VJ_OK;
}

static vj_status look_at_file(const char *path, int64_t *size_bytes, vj_error *err)
{
    vj_source *old = NULL;

    /* A folder, a pipe or a device is not for DuckDB to open. */
    if (!vj_path_is_file(path))
        return vj_fail(err, VJ_E_USAGE, "%s is there and is not a file: give another name", path);
    VJ_TRY(vj_source_open(path, &old, err));
    *size_bytes = vj_source_size(old);
    vj_source_free(old);
    if (*size_bytes > (int64_t)MAX_CATALOG_BYTES)
        return vj_fail(err, VJ_E_USAGE,
                       "%s has %lld bytes, which no catalog of varjoin has: give another name", path,
                       (long long)*size_bytes);
    return VJ_OK;
}

static vj_status compare_catalog(const vj_duck_options *options, const char *path, comparison *c,
                                 vj_error *err)
{
    vj_duck_options reading = *options;
    vj_duck *duck = NULL;
    vj_status rc = VJ_OK;

    reading.database_path = path;
    reading.read_only = true;
    reading.threads = 1;
    if (reading.memory_limit_bytes == 0 || reading.memory_limit_bytes > LEAST_LIMIT_BYTES)
        reading.memory_limit_bytes = LEAST_LIMIT_BYTES;
    VJ_GO(rc, vj_duck_open(&reading, &duck, err));
    VJ_GO(rc, vj_duck_exec(duck, "SET enable_external_access = false", NULL, err));
    VJ_GO(rc, vj_duck_query(duck, VIEWS_OF("current_database()"), see_view, c, err));
    VJ_GO(rc, vj_duck_query(duck, "SELECT table_name FROM duckdb_tables() WHERE NOT internal",
                            see_table, c, err));
    if (!c->is_catalog || c->has_table)
        rc = vj_fail(err, VJ_E_USAGE,
                     "%s is a DuckDB file, but not a catalog that varjoin wrote%s: give another name",
                     path, c->has_table ? " (it has a table)" : "");
out:
    vj_duck_free(duck);
    return rc;
}

/* ---- making it ---- */

/* A folder is a glob, so that the view stays right when files come; all else is a list, and so
 * is a folder with a backslash, which DuckDB cannot read in a glob. */
static vj_status add_scan(vj_buf *sql, const entry *e, vj_error *err)
{
    if (!e->is_dir || strchr(e->pattern, '\\') != NULL)
        return duck_sql_scan(sql, (const char *const *)e->paths.ptr, (int32_t)e->paths.n, err);
    VJ_TRY(vj_buf_append_text(sql, "read_parquet(", err));
    VJ_TRY(vj_duck_quote_path(sql, e->pattern, err));
    sql->len_bytes--; /* open the literal again: the last part is meant as a pattern, and hidden
                       * files are not part of a database */
    return vj_buf_append_text(sql, "/[!.]*.parquet', union_by_name = true, hive_partitioning = false)",
                              err);
}

static vj_status make_views(vj_duck *duck, const entry *entries, int32_t n, vj_buf *sql,
                            vj_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        vj_buf_reset(sql);
        VJ_TRY(duck_sqlf(sql, err, "CREATE VIEW made.%n AS SELECT %s FROM ", entries[i].name,
                         entries[i].projection.len_bytes > 0
                             ? (const char *)entries[i].projection.ptr
                             : "*"));
        VJ_TRY(add_scan(sql, &entries[i], err));
        VJ_TRY(duck_sql_end(sql, err));
        vj_status rc = vj_duck_exec(duck, (const char *)sql->ptr, NULL, err);
        if (rc != VJ_OK)
            return vj_wrap(err, rc, "making the view of %s", entries[i].name);
    }
    vj_buf_reset(sql);
    VJ_TRY(vj_buf_append_text(sql, "CREATE VIEW made." SELF " AS SELECT * FROM (VALUES ", err));
    for (int32_t i = 0; i < n; i++)
        VJ_TRY(duck_sqlf(sql, err, "%s(%t, %t, CAST(%d AS BIGINT), CAST(%d AS BIGINT), %t)",
                         i > 0 ? ", " : "", entries[i].name, entries[i].pattern,
                         (int64_t)entries[i].paths.n, entries[i].n_bytes, entries[i].fingerprint));
    VJ_TRY(vj_buf_append_text(sql, ") t(name, pattern, files, bytes, fingerprint)", err));
    VJ_TRY(duck_sql_end(sql, err));
    return vj_duck_exec(duck, (const char *)sql->ptr, NULL, err);
}

static vj_status make_catalog(vj_duck *duck, const entry *entries, int32_t n, const char *path,
                              comparison *c, vj_error *err)
{
    vj_buf sql;
    vj_status rc = VJ_OK;

    vj_buf_init(&sql, duck->budget, 0);
    /* Small blocks: with the usual ones an empty file has half a megabyte. */
    VJ_GO(rc, duck_sqlf(&sql, err, "ATTACH %t AS made (BLOCK_SIZE 16384)", path));
    VJ_GO(rc, duck_sql_end(&sql, err));
    VJ_GO(rc, vj_duck_exec(duck, (const char *)sql.ptr, NULL, err));
    VJ_GO(rc, make_views(duck, entries, n, &sql, err));
    VJ_GO(rc, vj_duck_query(duck, VIEWS_OF("'made'"), take_view, c, err));
    VJ_GO(rc, vj_duck_exec(duck, "CHECKPOINT made", NULL, err));
    VJ_GO(rc, vj_duck_exec(duck, "DETACH made", NULL, err));
out:
    vj_buf_fini(&sql);
    return rc;
}

static vj_status copy_out(const char *made_path, const char *out_path, int64_t *size_bytes,
                          vj_error *err)
{
    vj_outfile *out = NULL;
    vj_status rc = VJ_OK;
    vj_buf bytes;

    vj_buf_init(&bytes, NULL, MAX_CATALOG_BYTES);
    VJ_GO(rc, vj_path_read(made_path, &bytes, err));
    VJ_GO(rc, vj_outfile_open(out_path, &out, err));
    VJ_GO(rc, vj_outfile_write(out, bytes.ptr, bytes.len_bytes, err));
    VJ_GO(rc, vj_outfile_finish(out, err));
    *size_bytes = (int64_t)bytes.len_bytes;
out:
    vj_outfile_free(out);
    vj_buf_fini(&bytes);
    return rc;
}

/* Whether what stands at out_path says what the new one says; refuses what is no catalog. */
static vj_status is_up_to_date(const vj_duck_options *options, const char *out_path, comparison *c,
                               int64_t *size_bytes, bool *same, vj_error *err)
{
    *same = false;
    if (!vj_path_exists(out_path))
        return VJ_OK;
    VJ_TRY(look_at_file(out_path, size_bytes, err));
    VJ_TRY(compare_catalog(options, out_path, c, err));
    *same = c->seen == c->made.n && c->same == c->made.n;
    return VJ_OK;
}

static vj_status write_or_keep(const vj_duck_options *options, const entry *entries, int32_t n,
                               const char *out_path, vj_duck_catalog_report *report, vj_error *err)
{
    vj_duck_options making = *options;
    comparison c = {.seen = 0};
    vj_duck *duck = NULL;
    char *made_path = NULL;
    bool same = false;
    vj_status rc = VJ_E_NOMEM;

    vj_map_init(&c.made, options->budget);
    making.database_path = NULL;
    making.read_only = false;
    VJ_GO(rc, vj_duck_open(&making, &duck, err));
    size_t cap_bytes = strlen(duck->spill_path) + 32;
    if ((made_path = vj_alloc(NULL, cap_bytes, err)) == NULL) {
        rc = VJ_E_NOMEM;
        goto out;
    }
    snprintf(made_path, cap_bytes, "%s/catalog.duckdb", duck->spill_path);
    VJ_GO(rc, make_catalog(duck, entries, n, made_path, &c, err));
    VJ_GO(rc, is_up_to_date(options, out_path, &c, &report->size_bytes, &same, err));
    if (!same) {
        report->rebuilt = true;
        rc = copy_out(made_path, out_path, &report->size_bytes, err);
    }
out:
    vj_map_fini(&c.made);
    vj_free(made_path);
    vj_duck_free(duck);
    return rc;
}

vj_status vj_duck_catalog_write(const vj_duck_options *options,
                                const vj_duck_catalog_entry *wanted, int32_t n_entries,
                                const char *out_path, vj_duck_catalog_report *report,
                                vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    entry *entries = NULL;

    *report = (vj_duck_catalog_report){0};
    if (n_entries < 1)
        return vj_fail(err, VJ_E_USAGE, "a catalog needs at least one database");
    entries = vj_calloc(options->budget, (size_t)n_entries, sizeof *entries, err);
    if (entries == NULL)
        goto out;
    for (int32_t i = 0; i < n_entries; i++) {
        VJ_GO(rc, look_at_entry(&wanted[i], &entries[i], err));
        report->n_files += (int64_t)entries[i].paths.n;
        report->n_bytes += entries[i].n_bytes;
    }
    VJ_GO(rc, check_names(entries, n_entries, err));
    rc = write_or_keep(options, entries, n_entries, out_path, report, err);
out:
    for (int32_t i = 0; entries != NULL && i < n_entries; i++)
        entry_fini(&entries[i]);
    vj_free(entries);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "writing the catalog %s", out_path);
}
