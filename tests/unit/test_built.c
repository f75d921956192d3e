/* Layouts: planned, encoded, written, read back; and what a layout may not say. */
#include <stdio.h>

#include "built/built.h"
#include "support/built_case.h"
#include "support/support.h"

typedef struct opened {
    vj_buf bytes;
    vj_pq_file *file;
    vj_built *built;
} opened;

/* A layout from `sample`, the rows of `rows` in a file of it. */
static void make_file(const vj_batch *sample, const vj_batch *rows, int64_t batch_rows,
                      int64_t group_rows, opened *out)
{
    vj_built_options options = built_case_options();
    vj_built *plan = NULL;
    vj_source *source = NULL;
    vj_error err = {0};

    *out = (opened){0};
    assert_ok(vj_built_plan(sample, &options, NULL, &plan, &err), &err);
    assert_ok(built_case_write(plan, rows, batch_rows, group_rows, NULL, &out->bytes, &err), &err);
    vj_built_free(plan);
    assert_ok(vj_source_memory("tuned", out->bytes.ptr, out->bytes.len_bytes, &source, &err), &err);
    assert_ok(vj_pq_open(source, NULL, &out->file, &err), &err);
    assert_ok(vj_built_read(out->file, NULL, &out->built, &err), &err);
    assert_non_null(out->built);
}

static void close_file(opened *o)
{
    vj_built_free(o->built);
    vj_pq_free(o->file);
    vj_buf_fini(&o->bytes);
}

static vj_batch part_of(const vj_batch *rows, int64_t n)
{
    return (vj_batch){rows->schema, VJ_MIN(n, rows->n_rows), rows->cols};
}

/* Rows of a view cut to n: the planner looks at n_rows of the columns themselves. */
static void cut(const vj_batch *rows, int64_t n, vj_col cols[CASE_FIELDS], vj_batch *out)
{
    for (int f = 0; f < CASE_FIELDS; f++) {
        cols[f] = rows->cols[f];
        cols[f].n_rows = VJ_MIN(n, rows->n_rows);
    }
    *out = part_of(rows, n);
    out->cols = cols;
}

static void same_value(const vj_col *a, int64_t i, const vj_col *b, int64_t k, const char *name)
{
    bool null_a = vj_col_is_null(a, i);

    if (null_a != vj_col_is_null(b, k))
        fail_msg("column %s row %lld: null on one side", name, (long long)i);
    if (null_a)
        return;
    if (a->type->kind == VJ_TEXT) {
        if (!vj_span_eq(vj_col_bytes(a, i), vj_col_bytes(b, k)))
            fail_msg("column %s row %lld: %.*s is %.*s", name, (long long)i,
                     (int)vj_col_bytes(a, i).len_bytes, vj_col_bytes(a, i).ptr,
                     (int)vj_col_bytes(b, k).len_bytes, vj_col_bytes(b, k).ptr);
    } else if (a->type->kind == VJ_F32) {
        assert_true(vj_col_f64(a, i) == vj_col_f64(b, k));
    } else if (a->type->kind == VJ_BOOL) {
        assert_int_equal(vj_bit_get(a->data, i), vj_bit_get(b->data, k));
    } else if (a->type->kind == VJ_LIST) {
        assert_int_equal(a->offs[i + 1] - a->offs[i], b->offs[k + 1] - b->offs[k]);
        for (int32_t e = 0; e < a->offs[i + 1] - a->offs[i]; e++)
            same_value(&a->kids[0], a->offs[i] + e, &b->kids[0], b->offs[k] + e, name);
    } else if (vj_col_i64(a, i) != vj_col_i64(b, k)) {
        fail_msg("column %s row %lld: %lld is %lld", name, (long long)i,
                 (long long)vj_col_i64(a, i), (long long)vj_col_i64(b, k));
    }
}

/* Every `step`th row of the file against the table. */
static void compare(const opened *o, const built_case *c, int64_t group_rows, int64_t step)
{
    vj_built_reader *reader = NULL;
    vj_error err = {0};
    int32_t rows[4096];

    assert_ok(vj_built_reader_new(NULL, NULL, NULL, &reader, &err), &err);
    for (int32_t g = 0; g < vj_pq_meta_view(o->file)->n_rowgroups; g++) {
        int64_t n = 0;

        for (int64_t row = 0; row < vj_pq_rowgroup_view(o->file, g).n_rows; row += step)
            rows[n++] = (int32_t)row;
        assert_ok(vj_built_reader_rows(reader, o->file, o->built, g, rows, n, &err), &err);
        for (int f = 0; f < CASE_FIELDS; f++) {
            vj_colb dst;

            assert_ok(vj_colb_init(&dst, &c->schema.fields[f].type, NULL, &err), &err);
            assert_ok(vj_built_reader_column(reader, f, &dst, &err), &err);
            vj_col got = vj_colb_view(&dst);
            assert_int_equal(got.n_rows, n);
            for (int64_t i = 0; i < n; i++)
                same_value(&c->views[f], g * group_rows + rows[i], &got, i,
                           c->schema.fields[f].name);
            vj_colb_fini(&dst);
        }
    }
    vj_built_reader_free(reader);
}

/* Whatever the sample showed, every value comes back. */
static void rows_come_back(void **state)
{
    static const struct { int odd_sample, odd; int64_t batch, group, step; } cases[] = {
        {0, 0, 1000, 1000, 1}, {0, 30, 100, 300, 1}, {2, 2, 77, 500, 3}, {100, 0, 1000, 64, 7},
        {0, 100, 512, 999, 5}};
    vj_error err = {0};

    (void)state;
    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        built_case sample, rows;
        opened o;

        assert_ok(built_case_make(3000, i + 1, cases[i].odd_sample, &sample, &err), &err);
        assert_ok(built_case_make(2500, i + 50, cases[i].odd, &rows, &err), &err);
        make_file(&sample.batch, &rows.batch, cases[i].batch, cases[i].group, &o);
        compare(&o, &rows, cases[i].group, cases[i].step);
        close_file(&o);
        built_case_free(&sample);
        built_case_free(&rows);
    }
}

/* An empty or tiny sample gives a layout that holds anything. */
static void a_poor_sample_is_enough(void **state)
{
    built_case rows;
    vj_col cols[CASE_FIELDS];
    vj_batch sample;
    opened o;
    vj_error err = {0};

    (void)state;
    assert_ok(built_case_make(700, 9, 20, &rows, &err), &err);
    for (int64_t n = 1; n < 4; n++) {
        cut(&rows.batch, n, cols, &sample);
        make_file(&sample, &rows.batch, 128, 256, &o);
        compare(&o, &rows, 256, 1);
        close_file(&o);
    }
    built_case_free(&rows);
}

static const vj_built_column *column_of(const vj_built *b, int field)
{
    return &b->columns[field];
}

static void the_plan_is_what_it_should_be(void **state)
{
    built_case sample;
    vj_built_options options = built_case_options();
    vj_built *b = NULL;
    vj_buf text = {0};
    char words[200];
    vj_error err = {0};

    (void)state;
    assert_ok(built_case_make(20000, 4, 0, &sample, &err), &err);
    assert_ok(vj_built_plan(&sample.batch, &options, NULL, &b, &err), &err);
    assert_int_equal(column_of(b, CASE_CHROM)->how, VJ_BUILT_COLUMN);
    assert_int_equal(column_of(b, CASE_START)->how, VJ_BUILT_COLUMN);
    assert_int_equal(column_of(b, CASE_END)->how, VJ_BUILT_PACKED);
    assert_int_equal(column_of(b, CASE_END)->meanings[0].kind, VJ_MEANS_SPAN);
    assert_int_equal(column_of(b, CASE_END)->meanings[0].number, -1);
    assert_int_equal(column_of(b, CASE_ID)->how, VJ_BUILT_PREFIXED);
    assert_true(vj_span_is(column_of(b, CASE_ID)->prefix, "rs"));
    assert_int_equal(column_of(b, CASE_REF)->how, VJ_BUILT_REF);
    assert_int_equal(column_of(b, CASE_ALT)->how, VJ_BUILT_ALT);
    assert_int_equal(column_of(b, CASE_FLAG)->how, VJ_BUILT_PACKED);
    assert_int_equal(column_of(b, CASE_ANCESTRAL)->meanings[0].kind, VJ_MEANS_REF);
    assert_int_equal(column_of(b, CASE_LEVEL)->how, VJ_BUILT_PACKED);
    assert_int_equal(column_of(b, CASE_COUNT)->how, VJ_BUILT_COLUMN);
    assert_int_equal(column_of(b, CASE_TAGS)->how, VJ_BUILT_COLUMN);
    assert_int_equal(column_of(b, CASE_EMPTY)->how, VJ_BUILT_CONSTANT);
    assert_false(b->physical.fields[column_of(b, CASE_START)->physical_i].nullable);
    assert_string_equal(vj_built_describe(b, CASE_ID, words, sizeof words),
                        "rs + number vj_int_id, else vj_side_id");
    assert_string_equal(vj_built_describe(b, CASE_EMPTY, words, sizeof words), "one value");
    assert_ok(vj_built_sql(b, &text, &err), &err);
    assert_ok(vj_buf_push(&text, 0, &err), &err);
    assert_non_null(strstr((const char *)text.ptr, "'indel''s'"));
    assert_non_null(strstr((const char *)text.ptr, "CAST(NULL AS DOUBLE) AS \"empty\""));
    vj_buf_fini(&text);
    vj_built_free(b);
    built_case_free(&sample);
}

/* Written and parsed, a layout says the same. */
static void json_goes_round(void **state)
{
    built_case sample;
    vj_built_options options = built_case_options();
    vj_built *b = NULL;
    vj_built *again = NULL;
    vj_buf first = {0}, second = {0};
    vj_error err = {0};

    (void)state;
    assert_ok(built_case_make(5000, 4, 3, &sample, &err), &err);
    assert_ok(vj_built_plan(&sample.batch, &options, NULL, &b, &err), &err);
    assert_ok(vj_built_write(b, &first, &err), &err);
    assert_ok(vj_built_parse(vj_buf_span(&first), "f", &b->physical, NULL, &again, &err), &err);
    assert_ok(vj_built_write(again, &second, &err), &err);
    assert_true(vj_span_eq(vj_buf_span(&first), vj_buf_span(&second)));
    vj_buf_fini(&first);
    vj_buf_fini(&second);
    vj_built_free(b);
    vj_built_free(again);
    built_case_free(&sample);
}

/* ---- what a layout may not say ---- */

#define COLUMNS(middle)                                                                    \
    "{\"version\":1,\"start_base\":1,\"start\":\"pos\",\"ref\":\"r\",\"alt\":\"a\",\"columns\":["   \
    "{\"name\":\"pos\",\"how\":\"column\"},"                                              \
    "{\"name\":\"r\",\"how\":\"ref\",\"type\":\"text\",\"column\":\"both\"},"             \
    "{\"name\":\"a\",\"how\":\"alt\",\"type\":\"text\",\"column\":\"both\"}" middle "]}"
#define PACKED(more) ",{\"name\":\"p\",\"how\":\"packed\",\"type\":\"int8\"," more "}"

static void refused(const char *json, const char *text)
{
    static const vj_field fields[] = {{"pos", {.kind = VJ_I32}, false},
                                      {"both", {.kind = VJ_TEXT}, false},
                                      {"n", {.kind = VJ_I32}, false},
                                      {"u", {.kind = VJ_U32}, false},
                                      {"side", {.kind = VJ_TEXT}, true}};
    vj_schema schema = {VJ_COUNT(fields), fields};
    vj_built *b = NULL;
    vj_error err = {0};
    vj_status rc = vj_built_parse(vj_span_of(json), "f.parquet", &schema, NULL, &b, &err);

    if (text == NULL) {
        assert_ok(rc, &err);
        vj_built_free(b);
        return;
    }
    assert_null(b);
    assert_int_equal(rc, strstr(text, "up to 1") != NULL ? VJ_E_UNSUPPORTED : VJ_E_CORRUPT);
    if (strstr(err.text, text) == NULL)
        fail_msg("expected '%s' in '%s'", text, err.text);
}

static void wrong_layouts_are_refused(void **state)
{
    (void)state;
    refused(COLUMNS(""), NULL);
    refused("{", "f.parquet");
    refused("{\"version\":2}", "layout version 2, this program reads up to 1");
    refused("{\"version\":1}", "expected a list of columns");
    refused("[]", "expected a version");
    refused(COLUMNS(",{\"name\":\"pos\",\"how\":\"column\"}"), "column pos: expected each name once");
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"column\"}"), "column x: expected a column of that name");
    refused(COLUMNS(",{\"name\":\"x\\u0000y\",\"how\":\"column\"}"), "f.parquet");
    refused(COLUMNS(",{\"name\":7,\"how\":\"column\"}"), "expected a name");
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"magic\",\"type\":\"text\"}"), "\"how\" to be column");
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"constant\",\"type\":\"list<text>\",\"value\":1}"),
            "the name of a simple type");
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"constant\",\"type\":\"int8\",\"value\":128}"),
            "values of the column's type");
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"constant\",\"type\":\"int8\",\"value\":-128}"), NULL);
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"constant\",\"type\":\"float32\",\"value\":1}"),
            "values of the column's type");
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"prefixed\",\"type\":\"text\",\"column\":\"n\","
                    "\"prefix\":\"rs\"}"), "an unsigned integer column");
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"prefixed\",\"type\":\"text\",\"column\":\"u\"}"),
            "a prefix of up to 64 bytes");
    refused(COLUMNS(",{\"name\":\"x\",\"how\":\"prefixed\",\"type\":\"text\",\"column\":\"u\","
                    "\"prefix\":\"rs\",\"side\":\"side\"}"), NULL);
    refused(COLUMNS(PACKED("\"column\":\"n\",\"shift\":0,\"bits\":1,\"means\":[{\"value\":1},null]")),
            NULL);
    refused(COLUMNS(PACKED("\"column\":\"both\",\"shift\":0,\"bits\":1,\"means\":[null]")),
            "an int32 or int64 column");
    refused(COLUMNS(PACKED("\"column\":\"n\",\"shift\":31,\"bits\":1,\"means\":[null]")),
            "0 to 8 bits inside its column");
    refused(COLUMNS(PACKED("\"column\":\"n\",\"shift\":-1,\"bits\":1,\"means\":[null]")),
            "0 to 8 bits inside its column");
    refused(COLUMNS(PACKED("\"column\":\"n\",\"shift\":0,\"bits\":1,\"means\":[null,null,null]")),
            "as many meanings as its bits can tell");
    refused(COLUMNS(PACKED("\"column\":\"n\",\"shift\":0,\"bits\":1,\"means\":[\"ref\"]")),
            "meanings null");
    refused(COLUMNS(PACKED("\"column\":\"n\",\"shift\":0,\"bits\":1,\"means\":[\"side\"]")),
            "meanings null");
    refused(COLUMNS(PACKED("\"column\":\"n\",\"shift\":0,\"bits\":1,\"side\":\"side\","
                           "\"means\":[\"side\"]")), "a side column of its type");
    refused("{\"version\":1,\"start_base\":1,\"start\":\"pos\",\"ref\":\"r\",\"alt\":\"pos\","
            "\"columns\":[{\"name\":\"pos\",\"how\":\"column\"},{\"name\":\"r\",\"how\":\"ref\","
            "\"type\":\"text\",\"column\":\"both\"}]}", "the two sides of one column");
}

/* A null where a key must be, and a tab in REF, cannot be stored. */
static void keys_must_be_there(void **state)
{
    built_case sample, rows;
    vj_buf out = {0};
    vj_built *b = NULL;
    vj_built_options options = built_case_options();
    vj_error err = {0};

    (void)state;
    assert_ok(built_case_make(100, 4, 0, &sample, &err), &err);
    assert_ok(vj_built_plan(&sample.batch, &options, NULL, &b, &err), &err);
    for (int bad = 0; bad < 2; bad++) {
        assert_ok(built_case_make(3, 4, 0, &rows, &err), &err);
        vj_colb_reset(&rows.cols[CASE_REF]);
        for (int i = 0; i < 3; i++)
            assert_ok(bad == 0 ? vj_colb_null(&rows.cols[CASE_REF], &err)
                               : vj_colb_bytes(&rows.cols[CASE_REF], "A\tC", 3, &err), &err);
        rows.views[CASE_REF] = vj_colb_view(&rows.cols[CASE_REF]);
        assert_int_equal(built_case_write(b, &rows.batch, 10, 10, NULL, &out, &err), VJ_E_SCHEMA);
        assert_non_null(strstr(err.text, bad == 0 ? "a null REF" : "a REF with a tab"));
        built_case_free(&rows);
        vj_buf_reset(&out);
    }
    vj_buf_fini(&out);
    vj_built_free(b);
    built_case_free(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(a_poor_sample_is_enough),
        cmocka_unit_test(the_plan_is_what_it_should_be),
        cmocka_unit_test(json_goes_round),
        cmocka_unit_test(wrong_layouts_are_refused),
        cmocka_unit_test(keys_must_be_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
