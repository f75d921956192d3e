/*
 * The DuckDB engine with the library: order, limits, interrupt, errors, the user's SELECT, the
 * catalog. Skipped with a message where the library is absent.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "duck/duck.h"
#include "support/support.h"

static bool have_library;
static char dir[] = "/tmp/varjoin-duck-run-XXXXXX";
static const vj_duck_contig contigs[] = {{"1", "1"}};
static const vj_duck_column left_columns[] = {{"tag", "tag", NULL}};
static const vj_duck_column payload[] = {{"id", "rsid", NULL}};

#define need_library()                                                                        \
    do {                                                                                      \
        (void)state;                                                                          \
        if (!have_library)                                                                    \
            skip();                                                                           \
    } while (0)

static vj_duck_options usual_options(void)
{
    return (vj_duck_options){.memory_limit_bytes = 300000000, .threads = 2, .temp_dir = dir,
                             .library_path = getenv("VARJOIN_DUCKDB_LIB")};
}

static vj_duck *open_usual(void)
{
    vj_duck_options options = usual_options();
    vj_duck *duck = NULL;
    vj_error err = {0};

    assert_ok(vj_duck_open(&options, &duck, &err), &err);
    return duck;
}

static const char *in_dir(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", dir, name);
    return path;
}

/* COPY (select) TO dir/name */
static void make_file(vj_duck *duck, const char *select, const char *name)
{
    vj_buf sql = {0};
    vj_error err = {0};
    char path[256];

    assert_ok(vj_buf_printf(&sql, &err, "COPY (%s) TO '%s' (FORMAT PARQUET)", select,
                            in_dir(path, name)), &err);
    assert_ok(vj_buf_push(&sql, '\0', &err), &err);
    assert_ok(vj_duck_exec(duck, (const char *)sql.ptr, NULL, &err), &err);
    vj_buf_fini(&sql);
}

static vj_status take_cell(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    (void)err;
    assert_int_equal(n_cells, 1);
    snprintf(arg, 200, "%.*s", (int)cells[0].len_bytes, cells[0].ptr != NULL ? cells[0].ptr : "");
    return VJ_OK;
}

/* The one cell of a query about dir/out.parquet, which the query calls `o`. */
static void assert_answer(vj_duck *duck, const char *select, const char *expected)
{
    vj_buf sql = {0};
    vj_error err = {0};
    char path[256], found[200] = "";

    assert_ok(vj_buf_printf(&sql, &err, "WITH o AS (SELECT *, file_row_number AS n FROM "
                                        "read_parquet('%s')) SELECT CAST((%s) AS VARCHAR)",
                            in_dir(path, "out.parquet"), select), &err);
    assert_ok(vj_buf_push(&sql, '\0', &err), &err);
    assert_ok(vj_duck_query(duck, (const char *)sql.ptr, take_cell, found, &err), &err);
    assert_string_equal(found, expected);
    vj_buf_fini(&sql);
}

static int count_entries(const char *path, const char *prefix)
{
    DIR *folder = opendir(path);
    int n = 0;

    for (struct dirent *e = NULL; folder != NULL && (e = readdir(folder)) != NULL;)
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    if (folder != NULL)
        closedir(folder);
    return n;
}

/* ---- joins beyond the small cases of prop_duck.c ---- */

#define LEFT_ROWS 400000

/* A left file over several row groups, all keys in db.parquet, whose rows lie the other way. */
static void make_wide_pair(vj_duck *duck)
{
    make_file(duck, "SELECT range AS __vj_row, '1' AS __vj_contig, range + 1 AS __vj_pos, 'A' AS "
                    "__vj_ref, 'C' AS __vj_alt, range AS tag FROM range(400000)", "left.parquet");
    make_file(duck, "SELECT '1' AS chrom, CAST(400000 - range AS UINTEGER) AS start, 'a' AS ref, "
                    "CASE WHEN range % 2 = 0 THEN 'C' ELSE 'G|C' END AS alt, "
                    "'rs' || (400000 - range) AS id FROM range(400000)", "db.parquet");
}

typedef struct wide_join {
    char left_path[256], db_path[256], out_path[256];
    const char *paths[1];
    vj_duck_db db;
    vj_duck_join join;
    vj_duck_db_counts db_counts;
    vj_duck_counts counts;
} wide_join;

static void fill_wide_join(wide_join *w)
{
    memset(w, 0, sizeof *w);
    w->paths[0] = in_dir(w->db_path, "db.parquet");
    w->db = (vj_duck_db){.name = "db", .paths = w->paths, .n_paths = 1, .chrom = "chrom",
                         .start = "start", .ref = "ref", .alt = "alt", .start_base = 1,
                         .alt_kind = VJ_DUCK_ALT_JOINED, .contigs = contigs, .n_contigs = 1,
                         .key = VJ_DUCK_KEY_ALL, .payload = payload, .n_payload = 1};
    w->join = (vj_duck_join){.left_path = in_dir(w->left_path, "left.parquet"),
                             .left = left_columns, .n_left = 1, .n_left_rows = LEFT_ROWS,
                             .dbs = &w->db, .n_dbs = 1,
                             .out_path = in_dir(w->out_path, "out.parquet"), .codec = "zstd"};
    w->counts.dbs = &w->db_counts;
}

static void order_holds_over_many_row_groups_and_threads(void **state)
{
    wide_join w;
    vj_error err = {0};

    need_library();
    vj_duck *duck = open_usual();
    make_wide_pair(duck);
    fill_wide_join(&w);
    assert_ok(vj_duck_run_join(duck, &w.join, &w.counts, &err), &err);
    assert_int_equal(w.counts.n_rows, LEFT_ROWS);
    assert_int_equal(w.db_counts.n_pairs, LEFT_ROWS);
    assert_int_equal(w.db_counts.n_left_rows, LEFT_ROWS);
    assert_int_equal(w.db_counts.n_multi_rows, 0);
    assert_answer(duck, "SELECT count(*) FILTER (tag = n AND rsid = 'rs' || (n + 1)) FROM o",
                  "400000");
    vj_duck_free(duck);
}

static void any_order_gives_the_same_rows(void **state)
{
    wide_join w;
    vj_error err = {0};

    need_library();
    vj_duck *duck = open_usual();
    make_wide_pair(duck);
    fill_wide_join(&w);
    w.join.any_order = true;
    assert_ok(vj_duck_run_join(duck, &w.join, &w.counts, &err), &err);
    assert_answer(duck, "SELECT count(*) FILTER (rsid = 'rs' || (tag + 1)) FROM o", "400000");
    vj_duck_free(duck);
}

static void ranges_of_the_input_give_the_same_rows(void **state)
{
    wide_join w;
    vj_error err = {0};

    need_library();
    vj_duck *duck = open_usual();
    make_wide_pair(duck);
    fill_wide_join(&w);
    w.join.rows_per_statement = 150000;
    assert_ok(vj_duck_run_join(duck, &w.join, &w.counts, &err), &err);
    assert_int_equal(w.counts.n_rows, LEFT_ROWS);
    assert_int_equal(w.db_counts.n_pairs, LEFT_ROWS);
    assert_answer(duck, "SELECT count(*) FILTER (tag = n AND rsid = 'rs' || (n + 1)) FROM o",
                  "400000");
    vj_duck_free(duck);
    assert_int_equal(count_entries(dir, "varjoin-duck"), 0);
}

/* One key on every row of both sides: more rows than the limit's sort should be given. */
static void an_explosion_is_joined_by_ranges(void **state)
{
    vj_duck_options options = usual_options();
    vj_duck *duck = NULL;
    wide_join w;
    vj_error err = {0};

    need_library();
    options.memory_limit_bytes = 30000000;
    options.threads = 1;
    assert_ok(vj_duck_open(&options, &duck, &err), &err);
    make_file(duck, "SELECT range AS __vj_row, '1' AS __vj_contig, CAST(7 AS BIGINT) AS __vj_pos, "
                    "'A' AS __vj_ref, 'C' AS __vj_alt, range AS tag FROM range(1700)",
              "left.parquet");
    make_file(duck, "SELECT '1' AS chrom, CAST(7 AS UINTEGER) AS start, 'A' AS ref, 'C' AS alt, "
                    "'rs' || range AS id FROM range(1700)", "db.parquet");
    fill_wide_join(&w);
    w.join.n_left_rows = 1700;
    assert_ok(vj_duck_run_join(duck, &w.join, &w.counts, &err), &err);
    assert_int_equal(w.counts.n_rows, 1700 * 1700);
    assert_int_equal(w.db_counts.n_pairs, 1700 * 1700);
    assert_int_equal(w.db_counts.n_left_rows, 1700);
    assert_int_equal(w.db_counts.n_multi_rows, 1700);
    assert_answer(duck, "SELECT count(*) FILTER (tag = n // 1700 AND rsid = 'rs' || (n % 1700)) "
                        "FROM o", "2890000");
    vj_duck_free(duck);
    assert_int_equal(count_entries(dir, "varjoin-duck"), 0);
}

static void the_plan_reads_parquet_and_hashes_the_sample(void **state)
{
    wide_join w;
    vj_error err = {0};
    vj_buf plan = {0};

    need_library();
    vj_duck *duck = open_usual();
    make_wide_pair(duck);
    fill_wide_join(&w);
    assert_ok(vj_duck_explain_join(duck, &w.join, &plan, &err), &err);
    const char *text = (const char *)plan.ptr;
    assert_non_null(strstr(text, "HASH_JOIN"));
    assert_non_null(strcasestr(text, "READ_PARQUET"));
    assert_null(strstr(text, "SEQ_SCAN "));
    assert_null(strstr(text, "NESTED_LOOP"));
    assert_null(strstr(text, "BLOCKWISE"));
    assert_null(strstr(text, "CROSS_PRODUCT"));
    vj_buf_fini(&plan);
    vj_duck_free(duck);
}

/* ---- limits and interrupt ---- */

static void too_little_memory_is_one_line_and_leaves_nothing(void **state)
{
    vj_duck_options options = usual_options();
    vj_duck *duck = NULL;
    vj_error err = {0};

    need_library();
    options.memory_limit_bytes = 20000000;
    options.spill_limit_bytes = 1000000;
    assert_ok(vj_duck_open(&options, &duck, &err), &err);
    vj_status rc = vj_duck_exec(duck, "SELECT count(*) FROM (SELECT DISTINCT hash(range) FROM "
                                      "range(9000000))", NULL, &err);
    assert_int_equal(rc, VJ_E_NOMEM);
    assert_null(strchr(err.text, '\n'));
    vj_duck_free(duck);
    assert_int_equal(count_entries(dir, "varjoin-duck-"), 0);
}

static void stop_in_a_moment(void *arg)
{
    vj_sleep_ms(200);
    vj_stop_request(arg);
}

static void an_interrupt_ends_the_statement_within_a_second(void **state)
{
    vj_stop stop = {0};
    vj_duck_options options = usual_options();
    vj_duck *duck = NULL;
    vj_thread *thread = NULL;
    vj_error err = {0};
    char path[300], sql[500];

    need_library();
    options.stop = &stop;
    assert_ok(vj_duck_open(&options, &duck, &err), &err);
    snprintf(path, sizeof path, "%s/stopped.parquet", dir);
    snprintf(sql, sizeof sql, "COPY (SELECT DISTINCT hash(a.range, b.range) FROM range(1000000) a, "
                              "range(1000000) b) TO '%s' (FORMAT PARQUET)", path);
    int64_t beg = vj_clock_ns();
    assert_ok(vj_thread_start(stop_in_a_moment, &stop, &thread, &err), &err);
    assert_int_equal(vj_duck_exec(duck, sql, NULL, &err), VJ_E_CANCELLED);
    vj_thread_join(thread);
    assert_true(vj_clock_ns() - beg < 1200 * 1000000LL);
    vj_duck_free(duck);
    assert_int_equal(count_entries(dir, "varjoin-duck-"), 0);
}

typedef struct progress_log {
    double last;
    int n;
    bool went_back;
} progress_log;

static void log_progress(void *arg, double fraction)
{
    progress_log *log = arg;

    log->went_back = log->went_back || fraction < log->last || fraction > 1;
    log->last = fraction;
    log->n++;
}

static void progress_never_goes_back(void **state)
{
    progress_log log = {0};
    vj_duck_options options = usual_options();
    vj_duck *duck = NULL;
    char path[256], sql[500];
    vj_error err = {0};

    need_library();
    options.progress = log_progress;
    options.progress_arg = &log;
    assert_ok(vj_duck_open(&options, &duck, &err), &err);
    make_wide_pair(duck);
    snprintf(sql, sizeof sql, "SELECT max(hash(tag, x)) FROM read_parquet('%s') CROSS JOIN "
                              "range(200) t(x)", in_dir(path, "left.parquet"));
    /* A statement of a few hundred ms may end before DuckDB has counted anything. */
    for (int i = 0; i < 20 && log.n == 0; i++) {
        assert_ok(vj_duck_exec(duck, sql, NULL, &err), &err);
        assert_false(log.went_back);
    }
    vj_duck_free(duck);
    assert_true(log.n > 0);
}

/* ---- bad input ---- */

static void write_bytes(const char *path, const char *bytes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(bytes, file);
    assert_int_equal(fclose(file), 0);
}

static void bad_files_have_their_status(void **state)
{
    wide_join w;
    vj_error err = {0};

    need_library();
    vj_duck *duck = open_usual();
    make_wide_pair(duck);
    fill_wide_join(&w);
    w.db.start = "position";
    assert_int_equal(vj_duck_run_join(duck, &w.join, &w.counts, &err), VJ_E_SCHEMA);
    assert_non_null(strstr(err.text, "no column position in "));
    w.db.start = "start";
    unlink(w.db_path);
    assert_int_equal(vj_duck_run_join(duck, &w.join, &w.counts, &err), VJ_E_NOTFOUND);
    write_bytes(w.db_path, "PAR1 this is no Parquet file at all");
    assert_int_equal(vj_duck_run_join(duck, &w.join, &w.counts, &err), VJ_E_CORRUPT);
    make_file(duck, "SELECT '1' AS chrom, 1 AS start, 'A' AS ref, 'C' AS alt, 2 AS id, "
                    "3 AS file_row_number", "db.parquet");
    assert_int_equal(vj_duck_run_join(duck, &w.join, &w.counts, &err), VJ_E_UNSUPPORTED);
    vj_duck_free(duck);
}

static void a_database_file_that_is_none_is_refused(void **state)
{
    vj_duck_options options = usual_options();
    vj_duck *duck = NULL;
    vj_error err = {0};
    char path[256];

    need_library();
    write_bytes(in_dir(path, "no.duckdb"), "this is no database, whatever its name may say");
    options.database_path = path;
    options.read_only = true;
    assert_int_equal(vj_duck_open(&options, &duck, &err), VJ_E_CORRUPT);
    assert_null(duck);
    options.database_path = "/nonexistent/x.duckdb";
    assert_int_equal(vj_duck_open(&options, &duck, &err), VJ_E_NOTFOUND);
    assert_int_equal(count_entries(dir, "varjoin-duck-"), 0);
}

/* ---- the user's statement ---- */

static void the_user_may_only_select(void **state)
{
    static const char *const refused[] = {"", ";", "SELECT 1; SELECT 2", "DROP VIEW sample",
                                          "CREATE TABLE t AS SELECT 1", "SELEC 1",
                                          "COPY sample TO '/tmp/x'", "SELECT 1) TO 'x'; --"};
    wide_join w;
    vj_error err = {0};
    int64_t n_rows = 0;

    need_library();
    vj_duck *duck = open_usual();
    make_wide_pair(duck);
    fill_wide_join(&w);
    for (size_t i = 0; i < VJ_COUNT(refused); i++)
        if (vj_duck_run_select(duck, &w.join, vj_span_of(refused[i]), &n_rows, &err) != VJ_E_USAGE)
            fail_msg("%s: %s", refused[i], err.text);
    assert_int_equal(vj_duck_run_select(duck, &w.join, vj_span_of("SELECT x FROM sample"), &n_rows,
                                        &err), VJ_E_SCHEMA);
    vj_duck_free(duck);
}

static void the_user_s_select_runs_over_the_views(void **state)
{
    static const char select[] =
        "WITH d AS (SELECT * FROM db WHERE start <= 5)\n"
        "SELECT tag, d.id FROM sample_rows s JOIN d ON d.start = s.tag + 1 ORDER BY s.__vj_row\n"
        "; \n";
    wide_join w;
    vj_error err = {0};
    int64_t n_rows = 0;

    need_library();
    vj_duck *duck = open_usual();
    make_wide_pair(duck);
    fill_wide_join(&w);
    assert_ok(vj_duck_run_select(duck, &w.join, vj_span_of(select), &n_rows, &err), &err);
    assert_int_equal(n_rows, 5);
    assert_answer(duck, "SELECT string_agg(tag || id, ',' ORDER BY n) FROM o",
                  "0rs1,1rs2,2rs3,3rs4,4rs5");
    assert_ok(vj_duck_run_select(duck, &w.join, vj_span_of("SELECT * FROM sample -- all"), &n_rows,
                                 &err), &err);
    assert_int_equal(n_rows, LEFT_ROWS);
    w.db.name = "SAMPLE";
    assert_int_equal(vj_duck_run_select(duck, &w.join, vj_span_of("SELECT 1"), &n_rows, &err),
                     VJ_E_USAGE);
    vj_duck_free(duck);
}

static void distinct_values_are_listed(void **state)
{
    char path[256];
    const char *paths[1] = {path};
    vj_error err = {0};
    vj_map values;

    need_library();
    vj_duck *duck = open_usual();
    make_file(duck, "SELECT unnest(['chr1', 'a''b', NULL, 'chr1', 'chr10']) AS \"chr\"\"om\"",
              "values.parquet");
    in_dir(path, "values.parquet");
    vj_map_init(&values, NULL);
    assert_ok(vj_duck_distinct(duck, paths, 1, "chr\"om", &values, &err), &err);
    assert_int_equal(values.n, 3);
    assert_true(vj_map_find(&values, vj_span_of("a'b")) >= 0);
    vj_map_fini(&values);
    vj_duck_free(duck);
}

/* ---- catalog ---- */

static void a_catalog_holds_views_and_follows_the_files(void **state)
{
    vj_duck_options options = usual_options();
    vj_duck_catalog_report report;
    vj_error err = {0};
    char folder[256], out[256], sql[600];

    need_library();
    vj_duck *duck = open_usual();
    assert_int_equal(mkdtemp(strcpy(folder, "/tmp/vj'cat [x] ü-XXXXXX")) != NULL, 1);
    snprintf(sql, sizeof sql, "COPY (SELECT 1 AS a) TO '/tmp/vj''cat [x] ü-%s/1.parquet' (FORMAT "
                              "PARQUET)", folder + strlen(folder) - 6);
    assert_ok(vj_duck_exec(duck, sql, NULL, &err), &err);
    in_dir(out, "cat.duckdb");
    const vj_duck_catalog_entry entries[] = {{"d'b \"1\"", folder}, {"two", folder}};
    assert_ok(vj_duck_catalog_write(&options, entries, 2, out, &report, &err), &err);
    assert_true(report.rebuilt);
    assert_int_equal(report.n_files, 2);
    assert_true(report.size_bytes > 0 && report.size_bytes < 1000000);
    assert_ok(vj_duck_catalog_write(&options, entries, 2, out, &report, &err), &err);
    assert_false(report.rebuilt);
    /* One database less, then a file more. */
    assert_ok(vj_duck_catalog_write(&options, entries, 1, out, &report, &err), &err);
    assert_true(report.rebuilt);
    memcpy(strstr(sql, "1.parquet"), "2", 1);
    assert_ok(vj_duck_exec(duck, sql, NULL, &err), &err);
    assert_ok(vj_duck_catalog_write(&options, entries, 1, out, &report, &err), &err);
    assert_true(report.rebuilt);
    vj_duck_free(duck);

    char found[200] = "";
    options.database_path = out;
    options.read_only = true;
    assert_ok(vj_duck_open(&options, &duck, &err), &err);
    assert_ok(vj_duck_query(duck, "SELECT CAST((SELECT count(*) FROM duckdb_tables()) || ',' || "
                                  "(SELECT sum(a) FROM \"d'b \"\"1\"\"\") AS VARCHAR)",
                            take_cell, found, &err), &err);
    assert_string_equal(found, "0,2");
    vj_duck_free(duck);
    vj_tempdir_remove(vj_strdup(NULL, folder, NULL));
}

static void a_catalog_is_refused_with_a_reason(void **state)
{
    vj_duck_options options = usual_options();
    vj_duck_catalog_report report;
    vj_error err = {0};
    char path[256], out[256], other[256];

    need_library();
    vj_duck *duck = open_usual();
    make_file(duck, "SELECT 1 AS a", "one.parquet");
    in_dir(path, "one.parquet");
    in_dir(out, "no.cat.duckdb");
    const vj_duck_catalog_entry same[] = {{"a", path}, {"A", path}};
    assert_int_equal(vj_duck_catalog_write(&options, same, 2, out, &report, &err), VJ_E_USAGE);
    const vj_duck_catalog_entry none[] = {{"a", "/nonexistent/x"}};
    assert_int_equal(vj_duck_catalog_write(&options, none, 1, out, &report, &err), VJ_E_NOTFOUND);
    write_bytes(in_dir(other, "bad.parquet"), "no Parquet at all, this");
    const vj_duck_catalog_entry bad[] = {{"a", other}};
    assert_int_equal(vj_duck_catalog_write(&options, bad, 1, out, &report, &err), VJ_E_CORRUPT);
    assert_false(vj_path_exists(out));
    write_bytes(out, "something of the user's");
    assert_int_equal(vj_duck_catalog_write(&options, same, 1, out, &report, &err), VJ_E_CORRUPT);
    vj_duck_free(duck);
}

static int set_up(void **state)
{
    vj_duck_library library;
    vj_error err = {0};

    (void)state;
    have_library = vj_duck_probe(getenv("VARJOIN_DUCKDB_LIB"), &library, &err) == VJ_OK;
    if (!have_library)
        print_message("skipped: %s\n", err.text);
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    vj_tempdir_remove(vj_strdup(NULL, dir, NULL));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_holds_over_many_row_groups_and_threads),
        cmocka_unit_test(any_order_gives_the_same_rows),
        cmocka_unit_test(ranges_of_the_input_give_the_same_rows),
        cmocka_unit_test(an_explosion_is_joined_by_ranges),
        cmocka_unit_test(the_plan_reads_parquet_and_hashes_the_sample),
        cmocka_unit_test(too_little_memory_is_one_line_and_leaves_nothing),
        cmocka_unit_test(an_interrupt_ends_the_statement_within_a_second),
        cmocka_unit_test(progress_never_goes_back),
        cmocka_unit_test(bad_files_have_their_status),
        cmocka_unit_test(a_database_file_that_is_none_is_refused),
        cmocka_unit_test(the_user_may_only_select),
        cmocka_unit_test(the_user_s_select_runs_over_the_views),
        cmocka_unit_test(distinct_values_are_listed),
        cmocka_unit_test(a_catalog_holds_views_and_follows_the_files),
        cmocka_unit_test(a_catalog_is_refused_with_a_reason),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
