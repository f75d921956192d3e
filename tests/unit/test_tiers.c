/* Tiers: which rows are frequent, how a start's rows stay together, what a footer may not say. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "built/tiers.h"
#include "support/support.h"

typedef struct taken {
    char text[2][400]; /* rare, common: "start:number " of each row */
} taken;

static const vj_field fields[] = {{.name = "start", .type = {.kind = VJ_U32}},
                                  {.name = "number", .type = {.kind = VJ_I32}}};
static const vj_schema schema = {2, fields};

static vj_status take(void *ctx, bool common, const vj_batch *rows, vj_error *err)
{
    taken *t = ctx;

    (void)err;
    for (int64_t i = 0; i < rows->n_rows; i++) {
        size_t used = strlen(t->text[common]);

        snprintf(t->text[common] + used, sizeof t->text[common] - used, "%lld:%lld ",
                 (long long)vj_col_i64(&rows->cols[0], i),
                 (long long)vj_col_i64(&rows->cols[1], i));
    }
    return VJ_OK;
}

/* Rows by their starts, numbered; those written with a '+' behind are frequent. */
static void split(const char *rows, int64_t batch_rows, taken *out)
{
    vj_tier_split *s = NULL;
    vj_colb cols[2];
    vj_error err = {0};
    uint8_t frequent[64] = {0};
    int64_t n = 0;

    *out = (taken){0};
    assert_ok(vj_tier_split_new(&schema, take, out, NULL, &s, &err), &err);
    for (int i = 0; i < 2; i++)
        assert_ok(vj_colb_init(&cols[i], &fields[i].type, NULL, &err), &err);
    for (const char *at = rows; *at != '\0';) {
        char *end = NULL;

        assert_ok(vj_colb_int(&cols[0], strtol(at, &end, 10), &err), &err);
        assert_ok(vj_colb_int(&cols[1], n, &err), &err);
        frequent[n++] = *end == '+';
        at = end + strcspn(end, "0123456789");
    }
    vj_col all[2] = {vj_colb_view(&cols[0]), vj_colb_view(&cols[1])};
    for (int64_t beg = 0; beg < n; beg += batch_rows) {
        int64_t m = VJ_MIN(batch_rows, n - beg);
        vj_colb part[2];
        vj_col views[2];

        for (int i = 0; i < 2; i++) {
            assert_ok(vj_colb_init(&part[i], &fields[i].type, NULL, &err), &err);
            assert_ok(vj_colb_append(&part[i], &all[i], beg, m, &err), &err);
            views[i] = vj_colb_view(&part[i]);
        }
        vj_batch batch = {&schema, m, views};
        assert_ok(vj_tier_split_append(s, &batch, &views[0], frequent + beg, &err), &err);
        for (int i = 0; i < 2; i++)
            vj_colb_fini(&part[i]);
    }
    assert_ok(vj_tier_split_end(s, &err), &err);
    vj_tier_split_free(s);
    vj_colb_fini(&cols[0]);
    vj_colb_fini(&cols[1]);
}

static void rows_of_a_start_stay_together(void **state)
{
    taken got;

    (void)state;
    for (int64_t batch = 1; batch <= 12; batch++) {
        split("5 5+ 5 6 7 7 8+ 9 9 9+ 10", batch, &got);
        assert_string_equal(got.text[0], "6:3 7:4 7:5 10:10 ");
        assert_string_equal(got.text[1], "5:0 5:1 5:2 8:6 9:7 9:8 9:9 ");
        split("1 1 1", batch, &got);
        assert_string_equal(got.text[0], "1:0 1:1 1:2 ");
        assert_string_equal(got.text[1], "");
        split("1 1+ 2+ 2", batch, &got);
        assert_string_equal(got.text[0], "");
        assert_string_equal(got.text[1], "1:0 1:1 2:2 2:3 ");
    }
}

static vj_status count(void *ctx, bool common, const vj_batch *rows, vj_error *err)
{
    (void)err;
    ((int64_t *)ctx)[common] += rows->n_rows;
    return VJ_OK;
}

/* However they are cut into batches: nobody holds all of them back. */
static void a_start_with_many_rows_is_common(void **state)
{
    static uint8_t frequent[3 * VJ_TIER_MANY_ROWS];

    (void)state;
    for (int64_t batch = 1000; batch <= 3 * VJ_TIER_MANY_ROWS; batch += 2861) {
        for (int64_t n = VJ_TIER_MANY_ROWS - 1; n <= VJ_TIER_MANY_ROWS; n++) {
            vj_tier_split *s = NULL;
            vj_colb cols[2];
            vj_error err = {0};
            int64_t rows[2] = {0};

            assert_ok(vj_tier_split_new(&schema, count, rows, NULL, &s, &err), &err);
            for (int64_t beg = 0; beg < n + 2; beg += batch) {
                vj_col views[2];
                vj_batch part = {&schema, VJ_MIN(batch, n + 2 - beg), views};

                for (int i = 0; i < 2; i++)
                    assert_ok(vj_colb_init(&cols[i], &fields[i].type, NULL, &err), &err);
                for (int64_t i = beg; i < beg + part.n_rows; i++) {
                    assert_ok(vj_colb_int(&cols[0], i == 0 ? 1 : i <= n ? 2 : 3, &err), &err);
                    assert_ok(vj_colb_int(&cols[1], i, &err), &err);
                }
                views[0] = vj_colb_view(&cols[0]);
                views[1] = vj_colb_view(&cols[1]);
                assert_ok(vj_tier_split_append(s, &part, &views[0], frequent, &err), &err);
                vj_colb_fini(&cols[0]);
                vj_colb_fini(&cols[1]);
            }
            assert_ok(vj_tier_split_end(s, &err), &err);
            assert_int_equal(rows[1], n == VJ_TIER_MANY_ROWS ? n : 0);
            assert_int_equal(rows[0], n + 2 - rows[1]);
            vj_tier_split_free(s);
        }
    }
}

static void frequencies_are_reals_or_lists_of_them(void **state)
{
    vj_field item = {.name = "item", .type = {.kind = VJ_F64}, .nullable = true};
    vj_type list = {.kind = VJ_LIST, .n_kids = 1, .kids = &item};
    vj_field with[] = {{.name = "ID", .type = {.kind = VJ_TEXT}},
                       {.name = "af", .type = {.kind = VJ_TEXT}},
                       {.name = "maf", .type = {.kind = VJ_F32}}};
    vj_schema of_three = {3, with};
    vj_schema of_two = {2, with};
    vj_type number = {.kind = VJ_F64};
    vj_colb b;
    vj_error err = {0};
    uint8_t flags[4];

    (void)state;
    assert_int_equal(vj_tiers_find_column(&of_three), 2);
    assert_int_equal(vj_tiers_find_column(&of_two), -1);
    assert_ok(vj_colb_init(&b, &number, NULL, &err), &err);
    assert_ok(vj_colb_f64(&b, 0.25, &err), &err);
    assert_ok(vj_colb_null(&b, &err), &err);
    assert_ok(vj_colb_f64(&b, 0.2, &err), &err);
    vj_col col = vj_colb_view(&b);
    vj_tiers_flag(&col, 3, 0.25, flags);
    assert_memory_equal(flags, "\1\0\0", 3);
    vj_colb_fini(&b);
    assert_true(vj_tiers_type_fits(&list));
    assert_ok(vj_colb_init(&b, &list, NULL, &err), &err);
    for (int i = 0; i < 2; i++) {
        assert_ok(vj_colb_f64(&b.kids[0], 0.1, &err), &err);
        assert_ok(vj_colb_null(&b.kids[0], &err), &err);
        if (i == 1)
            assert_ok(vj_colb_f64(&b.kids[0], 0.3, &err), &err);
        assert_ok(vj_colb_end_list(&b, &err), &err);
    }
    assert_ok(vj_colb_null(&b, &err), &err);
    col = vj_colb_view(&b);
    vj_tiers_flag(&col, 3, 0.25, flags);
    assert_memory_equal(flags, "\0\1\0", 3);
    vj_colb_fini(&b);
}

/* A file of three row groups of one row, with this said of its tiers. */
static vj_status read_said(const char *said, vj_tiers *out, vj_error *err)
{
    vj_pq_writer_options options = {.rows_per_rowgroup = 1};
    vj_pq_writer *writer = NULL;
    vj_outfile *file = NULL;
    vj_pq_file *pq = NULL;
    vj_colb cols[2];
    vj_col views[2];
    char path[64];

    snprintf(path, sizeof path, "/tmp/vj-tiers-%d.parquet", (int)getpid());
    for (int i = 0; i < 2; i++) {
        assert_ok(vj_colb_init(&cols[i], &fields[i].type, NULL, err), err);
        for (int k = 0; k < 3; k++)
            assert_ok(vj_colb_int(&cols[i], k, err), err);
        views[i] = vj_colb_view(&cols[i]);
    }
    vj_batch rows = {&schema, 3, views};
    assert_ok(vj_outfile_open(path, &file, err), err);
    assert_ok(vj_pq_writer_new(file, &schema, &options, NULL, &writer, err), err);
    assert_ok(vj_pq_writer_append(writer, &rows, err), err);
    assert_ok(vj_pq_writer_kv(writer, VJ_TIERS_KEY, said, err), err);
    assert_ok(vj_pq_writer_finish(writer, err), err);
    assert_ok(vj_outfile_finish(file, err), err);
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    for (int i = 0; i < 2; i++)
        vj_colb_fini(&cols[i]);
    assert_ok(vj_pq_open_path(path, NULL, &pq, err), err);
    unlink(path);
    vj_status rc = vj_tiers_read(pq, out, err);
    vj_pq_free(pq);
    return rc;
}

static void footers_are_held_against_the_file(void **state)
{
    static const struct {
        const char *said, *error;
    } bad[] = {
        {"{}", "expected a version"},
        {"{\"version\":2}", "this program reads up to 1"},
        {"{\"version\":1,\"column\":3}", "expected a column and a threshold"},
        {"{\"version\":1,\"column\":\"AF\",\"threshold\":0.5,\"rare_row_groups\":4}", "or fewer"},
        {"{\"version\":1,\"column\":\"AF\",\"threshold\":0.5,\"rare_row_groups\":-1}", "or fewer"},
        {"{\"version\":1,\"column\":\"AF\",\"threshold\":0.5,\"rare_row_groups\":2,"
         "\"rare_rows\":1,\"common_rows\":2}", "the numbers of rows"},
    };
    vj_tiers got;
    vj_error err = {0};
    vj_buf text = {0};

    (void)state;
    for (size_t i = 0; i < VJ_COUNT(bad); i++) {
        assert_int_not_equal(read_said(bad[i].said, &got, &err), VJ_OK);
        assert_non_null(strstr(err.text, bad[i].error));
    }
    vj_tiers tiers = {.threshold = 0.001, .n_rare_groups = 2, .n_rare_rows = 2,
                      .n_common_rows = 1};
    assert_ok(vj_tiers_write(&tiers, "AF", &text, &err), &err);
    assert_ok(read_said((const char *)text.ptr, &got, &err), &err);
    assert_true(got.present && got.n_rare_groups == 2 && got.threshold == 0.001);
    assert_string_equal(got.column, "AF");
    vj_buf_fini(&text);
}

/* ---- pages of few rows ---- */

enum { FEW_ROWS = 40000, FEW_PAGE = 128 };

static bool always(void)
{
    return true;
}

/* Numbers, codes of a dictionary, and numbers that are mostly null. */
static void write_columns(const char *path, const vj_schema *of)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_NONE, .rows_per_page = FEW_PAGE,
                                    .rows_per_rowgroup = FEW_ROWS / 2};
    vj_pq_writer *writer = NULL;
    vj_outfile *file = NULL;
    vj_colb cols[3];
    vj_col views[3];
    vj_error err = {0};

    for (int i = 0; i < 3; i++)
        assert_ok(vj_colb_init(&cols[i], &of->fields[i].type, NULL, &err), &err);
    for (int64_t i = 0; i < FEW_ROWS; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "A\t%d", (int)(i * 7919 % 1000));

        assert_ok(vj_colb_int(&cols[0], i * 2654435761 % 1000003, &err), &err);
        assert_ok(vj_colb_bytes(&cols[1], text, (size_t)n, &err), &err);
        assert_ok(i % 97 == 0 ? vj_colb_int(&cols[2], i, &err) : vj_colb_null(&cols[2], &err),
                  &err);
    }
    for (int i = 0; i < 3; i++)
        views[i] = vj_colb_view(&cols[i]);
    vj_batch rows = {of, FEW_ROWS, views};
    assert_ok(vj_outfile_open(path, &file, &err), &err);
    assert_ok(vj_pq_writer_new(file, of, &options, NULL, &writer, &err), &err);
    assert_ok(vj_pq_writer_append(writer, &rows, &err), &err);
    assert_ok(vj_pq_writer_finish(writer, &err), &err);
    assert_ok(vj_outfile_finish(file, &err), &err);
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    for (int i = 0; i < 3; i++)
        vj_colb_fini(&cols[i]);
}

/* Rows of a column in two selections, as text. Returns the bytes borrowed or read. */
static int64_t select_text(const vj_pq_file *file, int32_t g, int32_t field_i, bool scattered,
                           const int32_t *rows, int64_t n, vj_buf *out)
{
    vj_pq_cursor *cur = NULL;
    vj_colb dst;
    vj_error err = {0};
    int64_t before = vj_os_bytes_read();

    vj_buf_reset(out);
    assert_ok(vj_colb_init(&dst, &vj_pq_meta_view(file)->schema.fields[field_i].type, NULL, &err),
              &err);
    assert_ok(vj_pq_cursor_open(file, g, field_i, NULL, &cur, &err), &err);
    vj_pq_cursor_scattered(cur, scattered);
    assert_ok(vj_pq_cursor_select(cur, rows, n / 3, &dst, &err), &err);
    assert_ok(vj_pq_cursor_select(cur, rows + n / 3, n - n / 3, &dst, &err), &err);
    vj_pq_cursor_free(cur);
    vj_col col = vj_colb_view(&dst);
    for (int64_t i = 0; i < n; i++) {
        if (vj_col_is_null(&col, i))
            assert_ok(vj_buf_printf(out, &err, "null "), &err);
        else if (col.type->kind == VJ_TEXT)
            assert_ok(vj_buf_printf(out, &err, "%.*s ", (int)vj_col_bytes(&col, i).len_bytes,
                                    vj_col_bytes(&col, i).ptr), &err);
        else
            assert_ok(vj_buf_printf(out, &err, "%lld ", (long long)vj_col_i64(&col, i)), &err);
    }
    vj_colb_fini(&dst);
    return vj_os_bytes_read() - before;
}

static void few_rows_are_read_by_their_pages(void **state)
{
    static const vj_field of[] = {{.name = "number", .type = {.kind = VJ_U32}},
                                  {.name = "code", .type = {.kind = VJ_TEXT}},
                                  {.name = "seldom", .type = {.kind = VJ_I64}, .nullable = true}};
    static const vj_schema three = {3, of};
    static int32_t rows[FEW_ROWS];
    vj_pq_file *file = NULL;
    vj_buf expected = {0};
    vj_buf found = {0};
    vj_error err = {0};
    char path[64];
    uint64_t seed = 11;

    (void)state;
    snprintf(path, sizeof path, "/tmp/vj-few-%d.parquet", (int)getpid());
    vj_source_map_files(true);
    write_columns(path, &three);
    assert_ok(vj_pq_open_path(path, NULL, &file, &err), &err);
    vj_pq_file_scattered(file);
    unlink(path);
    for (int round = 0; round < 60; round++) {
        int64_t step = (int64_t)2 << (round % 13);
        int64_t n = 0;

        for (int64_t row = round % 2 == 0 ? 0 : round; row < FEW_ROWS / 2;) {
            rows[n++] = (int32_t)row;
            seed = vj_mix64(seed, (uint64_t)row);
            row += 1 + (int64_t)(seed % (uint64_t)step);
        }
        for (int32_t f = 0; f < 3; f++) {
            vj_cold_hook = NULL;
            int64_t all = select_text(file, round & 1, f, false, rows, n, &expected);
            vj_cold_hook = always;
            int64_t few = select_text(file, round & 1, f, true, rows, n, &found);
            vj_cold_hook = NULL;
            assert_int_equal(expected.len_bytes, found.len_bytes);
            assert_memory_equal(expected.ptr, found.ptr, expected.len_bytes);
            if (f == 0 && step > 4000)
                assert_true(few < all / 4);
        }
    }
    vj_pq_free(file);
    vj_buf_fini(&expected);
    vj_buf_fini(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_start_stay_together),
        cmocka_unit_test(a_start_with_many_rows_is_common),
        cmocka_unit_test(frequencies_are_reals_or_lists_of_them),
        cmocka_unit_test(footers_are_held_against_the_file),
        cmocka_unit_test(few_rows_are_read_by_their_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
