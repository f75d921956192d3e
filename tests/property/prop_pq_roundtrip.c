/*
 * What the writer wrote, the reader finds: random tables of all types and nestings, under
 * options drawn at random, read whole, in slices and by row lists.
 */
#include "parquet/parquet.h"
#include "support/support.h"
#include "support/tables.h"

static const vj_pq_codec codecs[] = {VJ_PQ_ZSTD,    VJ_PQ_NONE,   VJ_PQ_SNAPPY, VJ_PQ_GZIP,
                                     VJ_PQ_LZ4_RAW, VJ_PQ_BROTLI, VJ_PQ_ZSTD};

static void write_table(const test_table *table, const vj_pq_writer_options *options, vj_buf *out)
{
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_error err = {0};

    assert_ok(vj_outfile_memory(out, &file, &err), &err);
    assert_ok(vj_pq_writer_new(file, &table->schema, options, NULL, &writer, &err), &err);
    assert_ok(vj_pq_writer_append(writer, &table->batch, &err), &err);
    assert_ok(vj_pq_writer_finish(writer, &err), &err);
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
}

static vj_pq_file *open_bytes(const vj_buf *bytes)
{
    vj_source *source = NULL;
    vj_pq_file *file = NULL;
    vj_error err = {0};

    assert_ok(vj_source_memory("memory", bytes->ptr, bytes->len_bytes, &source, &err), &err);
    assert_ok(vj_pq_open(source, NULL, &file, &err), &err);
    return file;
}

static void assert_same_rows(const test_table *table, int64_t row_i, int32_t field_i,
                             const vj_col *found, int64_t found_i, uint64_t seed)
{
    /* one-column tables, so that the text form compares */
    vj_schema schema = {1, &table->schema.fields[field_i]};
    test_table expected = {.schema = schema, .views = &table->views[field_i]};
    vj_col copy = *found;
    test_table got = {.schema = schema, .views = &copy};
    vj_buf a = {0};
    vj_buf b = {0};
    vj_error err = {0};

    assert_ok(test_table_row_json(&expected, row_i, &a, &err), &err);
    assert_ok(test_table_row_json(&got, found_i, &b, &err), &err);
    if (!vj_span_eq(vj_buf_span(&a), vj_buf_span(&b)))
        fail_msg("seed %llu, column %s, row %lld: wrote %.*s, read %.*s",
                 (unsigned long long)seed, schema.fields[0].name, (long long)row_i,
                 (int)a.len_bytes, (const char *)a.ptr, (int)b.len_bytes, (const char *)b.ptr);
    vj_buf_fini(&a);
    vj_buf_fini(&b);
}

/* All rows of a field, in slices of random sizes, with some skipped. */
static void read_field(const test_table *table, const vj_pq_file *file, int32_t field_i,
                       uint64_t seed)
{
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    uint64_t state = seed + (uint64_t)field_i;
    vj_error err = {0};

    for (int32_t g = 0; g < meta->n_rowgroups; g++) {
        vj_pq_rowgroup group = vj_pq_rowgroup_view(file, g);
        vj_pq_cursor *cur = NULL;
        int64_t row_i = 0;

        assert_ok(vj_pq_cursor_open(file, g, field_i, NULL, &cur, &err), &err);
        while (row_i < group.n_rows) {
            const vj_col *col = NULL;

            if (test_random(&state) % 8 == 0) {
                int64_t n = (int64_t)(test_random(&state) % (uint64_t)(group.n_rows - row_i + 1));
                assert_ok(vj_pq_cursor_skip(cur, n, &err), &err);
                row_i += n;
                continue;
            }
            assert_ok(vj_pq_cursor_next(cur, 1 + (int64_t)(test_random(&state) % 3000), &col,
                                        &err),
                      &err);
            assert_non_null(col);
            for (int64_t i = 0; i < col->n_rows; i++)
                assert_same_rows(table, group.first_row + row_i + i, field_i, col, i, seed);
            row_i += col->n_rows;
        }
        vj_pq_cursor_free(cur);
    }
}

/* Rows picked by number, as the join picks payload. */
static void select_field(const test_table *table, const vj_pq_file *file, int32_t field_i,
                         uint64_t seed)
{
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    uint64_t state = seed * 7 + (uint64_t)field_i;
    vj_error err = {0};

    for (int32_t g = 0; g < meta->n_rowgroups; g++) {
        vj_pq_rowgroup group = vj_pq_rowgroup_view(file, g);
        uint64_t step = 1 + test_random(&state) % 400;
        VJ_VEC(int32_t) rows = {0};
        vj_pq_cursor *cur = NULL;
        vj_colb picked;

        for (int64_t row_i = 0; row_i < group.n_rows; row_i += 1 + (int64_t)(test_random(&state) % step))
            assert_ok(VJ_VEC_PUSH(&rows, (int32_t)row_i, &err), &err);
        assert_ok(vj_colb_init(&picked, &meta->schema.fields[field_i].type, NULL, &err), &err);
        assert_ok(vj_pq_cursor_open(file, g, field_i, NULL, &cur, &err), &err);
        assert_ok(vj_pq_cursor_select(cur, rows.ptr, (int64_t)rows.n, &picked, &err), &err);
        vj_col view = vj_colb_view(&picked);
        assert_int_equal(view.n_rows, rows.n);
        for (size_t i = 0; i < rows.n; i++)
            assert_same_rows(table, group.first_row + rows.ptr[i], field_i, &view, (int64_t)i,
                             seed);
        vj_pq_cursor_free(cur);
        vj_colb_fini(&picked);
        VJ_VEC_FINI(&rows);
    }
}

static void check_table(const char *name, uint64_t seed)
{
    uint64_t state = seed;
    vj_pq_writer_options options = {
        .codec = codecs[test_random(&state) % VJ_COUNT(codecs)],
        .compat = test_random(&state) % 4 == 0,
        .rows_per_page = 1 + (int64_t)(test_random(&state) % 900),
        .rows_per_rowgroup = 1 + (int64_t)(test_random(&state) % 2500)};
    int64_t n_rows = (int64_t)(test_random(&state) % 2500);
    test_table table;
    vj_buf bytes = {0};
    vj_error err = {0};

    if (options.rows_per_rowgroup < 300)
        options.rows_per_rowgroup += 300;
    assert_ok(test_table_make(name, n_rows, seed, &table, &err), &err);
    write_table(&table, &options, &bytes);
    vj_pq_file *file = open_bytes(&bytes);
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    assert_int_equal(meta->n_rows, n_rows);
    assert_int_equal(meta->schema.n_fields, table.schema.n_fields);
    for (int32_t f = 0; f < meta->schema.n_fields; f++) {
        const vj_field *expected = &table.schema.fields[f];

        assert_string_equal(meta->schema.fields[f].name, expected->name);
        assert_true(vj_type_eq(&meta->schema.fields[f].type, &expected->type));
        assert_int_equal(meta->schema.fields[f].nullable, expected->nullable);
        read_field(&table, file, f, seed);
        select_field(&table, file, f, seed);
    }
    vj_pq_free(file);
    vj_buf_fini(&bytes);
    test_table_free(&table);
}

static void every_table_is_read_back(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (int t = 0; test_table_names[t] != NULL; t++)
        for (uint64_t round = 0; round < 4; round++)
            check_table(test_table_names[t], seed * 100 + round);
}

/* Rows between two positions, found by the page index, hold all that lie there. */
static void the_page_index_finds_positions(void **state)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD, .rows_per_page = 100,
                                    .rows_per_rowgroup = 3000};
    test_table table;
    vj_buf bytes = {0};
    vj_error err = {0};

    (void)state;
    assert_ok(test_table_make("variants", 6000, 1, &table, &err), &err);
    write_table(&table, &options, &bytes);
    vj_pq_file *file = open_bytes(&bytes);
    int32_t start = vj_pq_field_find(file, "start");
    const uint32_t *positions = table.views[start].data;
    int64_t lo = positions[3500];
    int64_t hi = positions[3777];
    vj_pq_ranges ranges = {0};
    assert_ok(vj_pq_rows_between(file, 0, start, lo, hi, &ranges, &err), &err);
    assert_int_equal(ranges.n, 0);
    assert_ok(vj_pq_rows_between(file, 1, start, lo, hi, &ranges, &err), &err);
    assert_int_equal(ranges.n, 1);
    assert_int_equal(ranges.ptr[0].beg, 500);
    assert_int_equal(ranges.ptr[0].end, 800);
    VJ_VEC_FINI(&ranges);
    vj_pq_free(file);
    vj_buf_fini(&bytes);
    test_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_read_back),
        cmocka_unit_test(the_page_index_finds_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
