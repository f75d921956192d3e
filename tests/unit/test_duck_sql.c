/* Quoting and statement text of the DuckDB engine: no library needed. */
#include "duck/duck_api.h"
#include "support/support.h"

static const char *text_of(vj_buf *buf)
{
    vj_error err = {0};

    assert_ok(duck_sql_end(buf, &err), &err);
    return (const char *)buf->ptr;
}

#define check_quote(function, input, expected)                                                \
    do {                                                                                      \
        vj_buf buf_ = {0};                                                                    \
        vj_error err_ = {0};                                                                  \
        assert_ok(function(&buf_, input, &err_), &err_);                                      \
        assert_string_equal(text_of(&buf_), expected);                                        \
        vj_buf_fini(&buf_);                                                                   \
    } while (0)

static void quoting_doubles_the_mark_and_nothing_else(void **state)
{
    (void)state;
    check_quote(vj_duck_quote_name, vj_span_of("a\"b'c"), "\"a\"\"b'c\"");
    check_quote(vj_duck_quote_name, vj_span_of(""), "\"\"");
    check_quote(vj_duck_quote_name, vj_span_of("\"; DROP TABLE x; --"),
                "\"\"\"; DROP TABLE x; --\"");
    check_quote(vj_duck_quote_text, vj_span_of("it's \"ü\\\n"), "'it''s \"ü\\\n'");
    check_quote(vj_duck_quote_text, vj_span_of("'); --"), "'''); --'");
}

static void a_zero_byte_is_refused(void **state)
{
    vj_buf buf = {0};
    vj_error err = {0};

    (void)state;
    assert_int_equal(vj_duck_quote_name(&buf, (vj_span){"a\0b", 3}, &err), VJ_E_USAGE);
    assert_int_equal(vj_duck_quote_text(&buf, (vj_span){"a\0b", 3}, &err), VJ_E_USAGE);
    vj_buf_fini(&buf);
}

static void a_path_is_never_a_pattern(void **state)
{
    (void)state;
    check_quote(vj_duck_quote_path, "/a b/it's.parquet", "'/a b/it''s.parquet'");
    check_quote(vj_duck_quote_path, "x[1]*?.parquet", "'x[[]1][*][?].parquet'");
    check_quote(vj_duck_quote_path, "a\\b", "'a\\b'");
}

static void a_path_that_cannot_be_said_is_refused(void **state)
{
    vj_buf buf = {0};
    vj_error err = {0};

    (void)state;
    assert_int_equal(vj_duck_quote_path(&buf, "a\\b*", &err), VJ_E_UNSUPPORTED);
    vj_buf_fini(&buf);
}

static void versions_from_1_5_6_up_to_3_are_accepted(void **state)
{
    (void)state;
    assert_true(duck_version_ok("v1.5.6"));
    assert_true(duck_version_ok("v1.6.0"));
    assert_true(duck_version_ok("2.0.0"));
    assert_true(duck_version_ok("v2.11.3-dev12"));
    assert_false(duck_version_ok("v1.5.5"));
    assert_false(duck_version_ok("v1.4.9"));
    assert_false(duck_version_ok("v3.0.0"));
    assert_false(duck_version_ok("0.10.2"));
    assert_false(duck_version_ok(""));
    assert_false(duck_version_ok("vx.y.z"));
}

static void memory_limit_leaves_room_for_the_rest_of_the_process(void **state)
{
    static const struct {
        int64_t total_mb;
        int threads;
        int64_t limit_mb;
        int threads_then;
    } cases[] = {{128, 2, 96, 1},   {256, 8, 176, 1},     {899, 2, 819, 1}, {512, 2, 432, 1},
                 {1000, 2, 860, 2}, {1000, 16, 500, 8},   {64, 1, 96, 1},   {1000, 0, 920, 1},
                 {-5, 4, 96, 1},    {16000, 4, 15740, 4}};

    (void)state;
    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        int threads = cases[i].threads;
        int64_t limit = vj_duck_memory_within(cases[i].total_mb * 1000000, &threads);
        assert_int_equal(limit, cases[i].limit_mb * 1000000);
        assert_int_equal(threads, cases[i].threads_then);
    }
}

static void row_groups_are_small_where_memory_is(void **state)
{
    (void)state;
    assert_int_equal(vj_duck_rowgroup_rows(96000000), 8192);
    assert_int_equal(vj_duck_rowgroup_rows(512000000), 32768);
    assert_int_equal(vj_duck_rowgroup_rows(0), 32768);
}

/* ---- statement text ---- */

static const char *const paths[] = {"/d/a.parquet", "/d/it's.parquet"};
static const vj_duck_contig contigs[] = {{"chr1", "1"}, {"chrM", "MT"}};
static const vj_duck_column payload[] = {{"id", "rsid", NULL}, {"we\"ird", "x", NULL}};
static const vj_duck_column left[] = {{"chrom", "chrom", NULL}, {"ref", "ref", NULL}};

static vj_duck_db example_db(void)
{
    return (vj_duck_db){.name = "e", .paths = paths, .n_paths = 2, .chrom = "chrom",
                        .start = "start", .ref = "ref", .alt = "alt", .start_base = 1,
                        .contigs = contigs, .n_contigs = 2, .key = VJ_DUCK_KEY_ALL,
                        .payload = payload, .n_payload = 2};
}

static vj_duck_join example_join(const vj_duck_db *dbs, int32_t n_dbs)
{
    return (vj_duck_join){.left_path = "/l.parquet", .left = left, .n_left = 2, .dbs = dbs,
                          .n_dbs = n_dbs, .out_path = "/o.parquet", .codec = "zstd"};
}

static void assert_has(const vj_duck_join *join, bool with_tally, const char *part, bool expected)
{
    vj_buf sql = {0};
    vj_error err = {0};

    assert_ok(vj_duck_join_sql(join, with_tally, &sql, &err), &err);
    if ((strstr(text_of(&sql), part) != NULL) != expected)
        fail_msg("expected %s: %s\nin %s", expected ? "this" : "not this", part,
                 (const char *)sql.ptr);
    vj_buf_fini(&sql);
}

static void one_statement_reads_parquet_and_writes_parquet(void **state)
{
    vj_duck_db db = example_db();
    vj_duck_join join = example_join(&db, 1);

    (void)state;
    assert_has(&join, false, "COPY (SELECT l.\"chrom\" AS \"chrom\", l.\"ref\" AS \"ref\", "
                             "m0.p0 AS \"rsid\", m0.p1 AS \"x\" FROM read_parquet([", true);
    assert_has(&join, false, "['/d/a.parquet', '/d/it''s.parquet'], union_by_name = true", true);
    assert_has(&join, false, "d.\"we\"\"ird\" AS p1", true);
    assert_has(&join, false, "(VALUES ('1', 'chr1'), ('MT', 'chrM'))", true);
    assert_has(&join, false, " ORDER BY l.__vj_row, m0.o", true);
    assert_has(&join, false, ") TO '/o.parquet' (FORMAT PARQUET", true);
    assert_has(&join, false, "COMPRESSION 'zstd')", true);
    assert_has(&join, false, "vj_tally", false);
    assert_has(&join, true, "vj_tally", true);
}

static void options_show_in_the_text(void **state)
{
    vj_duck_db db = example_db();
    vj_duck_join join = example_join(&db, 1);
    const vj_duck_kv kvs[] = {{"varjoin.it's", "a'b"}, {"k", "v"}};

    (void)state;
    db.start_base = 0;
    db.start_type = "UINTEGER";
    db.pos1_min = 100;
    db.pos1_max = 200;
    join.any_order = true;
    join.kvs = kvs;
    join.n_kvs = 2;
    join.level = 9;
    assert_has(&join, false, "TRY_CAST(f.__vj_pos - 1 AS UINTEGER) AS p", true);
    assert_has(&join, false, "d.\"start\" BETWEEN 99 AND 199", true);
    assert_has(&join, false, "ORDER BY", false);
    assert_has(&join, false, "KV_METADATA {'varjoin.it''s': 'a''b', 'k': 'v'})", true);
    assert_has(&join, false, "COMPRESSION_LEVEL 9", true);
    db.start_type = "DOUBLE";
    assert_has(&join, false, "TRY_CAST(d.\"start\" AS BIGINT) = k.p", true);
}

static void a_database_without_files_gives_null_columns(void **state)
{
    static const char *const types[] = {"VARCHAR", "FLOAT"};
    vj_duck_db db = example_db();
    vj_duck_join join = example_join(&db, 1);

    (void)state;
    db.n_paths = 0;
    db.payload_types = types;
    assert_has(&join, true, "CAST(NULL AS FLOAT) AS \"x\" FROM read_parquet(['/l.parquet']", true);
    assert_has(&join, true, "LEFT JOIN", false);
}

static void a_join_without_an_equality_is_refused(void **state)
{
    vj_duck_db db = example_db();
    vj_duck_join join = example_join(&db, 1);
    vj_buf sql = {0};
    vj_error err = {0};

    (void)state;
    db.key = VJ_DUCK_KEY_ALLELES;
    assert_int_equal(vj_duck_join_sql(&join, false, &sql, &err), VJ_E_USAGE);
    vj_buf_fini(&sql);
}

static vj_status build_example(void *arg, vj_error *err)
{
    vj_budget budget;
    vj_buf sql;
    vj_duck_db db = example_db();
    vj_duck_join join = example_join(&db, 1);

    (void)arg;
    vj_budget_init(&budget, 0);
    vj_buf_init(&sql, &budget, 0);
    db.alt_kind = VJ_DUCK_ALT_LIST;
    join.duplicates = VJ_DUCK_DUP_FIRST;
    vj_status rc = vj_duck_join_sql(&join, true, &sql, err);
    vj_buf_fini(&sql);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    sweep_allocations(build_example, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoting_doubles_the_mark_and_nothing_else),
        cmocka_unit_test(a_zero_byte_is_refused),
        cmocka_unit_test(a_path_is_never_a_pattern),
        cmocka_unit_test(a_path_that_cannot_be_said_is_refused),
        cmocka_unit_test(versions_from_1_5_6_up_to_3_are_accepted),
        cmocka_unit_test(row_groups_are_small_where_memory_is),
        cmocka_unit_test(memory_limit_leaves_room_for_the_rest_of_the_process),
        cmocka_unit_test(one_statement_reads_parquet_and_writes_parquet),
        cmocka_unit_test(options_show_in_the_text),
        cmocka_unit_test(a_database_without_files_gives_null_columns),
        cmocka_unit_test(a_join_without_an_equality_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
