/* The Parquet writer from inside: bounds, footers, threads, memory. Other readers: python/. */
#include "parquet/parquet.h"
#include "parquet/writer_bounds.h"
#include "parquet/writer_footer.h"
#include "support/support.h"
#include "support/tables.h"

/* ---- bounds ---- */

static char *cut_max(const char *text, size_t repeat, bool is_text)
{
    static char whole[600];
    static char cut[80];
    uint8_t raised[VJ_BOUND_BYTES + 4];
    size_t len = 0;

    for (size_t i = 0; i < repeat; i++, len += strlen(text))
        memcpy(whole + len, text, strlen(text));
    size_t n = vj_bound_cut_max((vj_span){whole, len}, is_text, raised);
    memcpy(cut, raised, n);
    cut[n] = '\0';
    return cut;
}

static void short_bounds_stay_whole(void **state)
{
    (void)state;
    assert_string_equal(cut_max("abc", 1, true), "abc");
    assert_int_equal(vj_bound_cut_min(vj_span_of("abc"), true), 3);
    assert_int_equal(strlen(cut_max("a", 64, true)), 64);
}

static void long_upper_bounds_are_raised_at_a_character(void **state)
{
    const char *cut = NULL;

    (void)state;
    cut = cut_max("a", 65, true);
    assert_int_equal(strlen(cut), 64);
    assert_string_equal(cut + 62, "ab");
    cut = cut_max("é", 33, true); /* 66 bytes: 32 characters fit */
    assert_int_equal(strlen(cut), 64);
    assert_string_equal(cut + 60, "éê");
    cut = cut_max("漢", 22, true); /* 66 bytes: 21 characters, 63 bytes, fit */
    assert_int_equal(strlen(cut), 63);
    assert_string_equal(cut + 60, "漣");
    cut = cut_max("\x7f", 65, true); /* the successor needs two bytes */
    assert_int_equal(strlen(cut), 65);
    assert_string_equal(cut + 62, "\x7f\xc2\x80");
    cut = cut_max("\xed\x9f\xbf", 22, true); /* U+D7FF: surrogates are left out */
    assert_string_equal(cut + 60, "\xee\x80\x80");
}

static void bounds_that_cannot_be_raised(void **state)
{
    (void)state;
    assert_string_equal(cut_max("\xf4\x8f\xbf\xbf", 17, true), ""); /* U+10FFFF */
    assert_string_equal(cut_max("\xff", 65, false), "");
    assert_string_equal(cut_max("\xfe\xff", 40, false) + 62, "\xff"); /* the last 0xff is dropped */
    assert_string_equal(cut_max("\xfe\xff", 40, true) + 62, "\xff");  /* no text: by bytes */
}

static void zeros_and_nan(void **state)
{
    static const float zeros[] = {0.0f, -0.0f, 0.0f};
    static const float minus[] = {-0.0f, -0.0f};
    static const float with_nan[] = {1.0f, __builtin_nanf(""), 2.0f};
    uint32_t words[3];
    vj_bounds bounds;
    float value;

    (void)state;
    memcpy(words, zeros, sizeof zeros);
    vj_bounds_words32(VJ_ORDER_F32, words, 3, &bounds);
    memcpy(&value, bounds.min.ptr, sizeof value);
    assert_true(bounds.has && __builtin_signbit(value) && value == 0);
    memcpy(&value, bounds.max.ptr, sizeof value);
    assert_true(!__builtin_signbit(value) && value == 0);
    memcpy(words, minus, sizeof minus);
    vj_bounds_words32(VJ_ORDER_F32, words, 2, &bounds);
    memcpy(&value, bounds.max.ptr, sizeof value);
    assert_true(!__builtin_signbit(value));
    memcpy(words, with_nan, sizeof with_nan);
    vj_bounds_words32(VJ_ORDER_F32, words, 3, &bounds);
    assert_true(bounds.nan && !bounds.has);
}

static void signs_decide_the_order(void **state)
{
    static const uint32_t values[] = {1, 0xffffffffu, 7};
    static const uint8_t decimals[] = {0xff, 0xfe, 0x00, 0x05}; /* -2 and 5, big endian */
    vj_bounds bounds;

    (void)state;
    vj_bounds_words32(VJ_ORDER_I32, values, 3, &bounds);
    assert_memory_equal(bounds.min.ptr, &values[1], 4);
    vj_bounds_words32(VJ_ORDER_U32, values, 3, &bounds);
    assert_memory_equal(bounds.max.ptr, &values[1], 4);
    vj_bounds_fixed(VJ_ORDER_DECIMAL, decimals, 2, 2, &bounds);
    assert_memory_equal(bounds.min.ptr, decimals, 2);
    assert_memory_equal(bounds.max.ptr, decimals + 2, 2);
}

static void bounds_of_strings(void **state)
{
    static const char bytes[] = "bananabanaapple\0\0apple\0pearzzzzzzzzz";
    static const uint32_t lens[] = {6, 4, 7, 5, 0, 5};
    vj_bounds bounds;

    (void)state;
    vj_bounds_strings((const uint8_t *)bytes, lens, 4, &bounds);
    assert_true(vj_span_is(bounds.min, "apple")); /* shorter than "apple\0\0" */
    assert_true(vj_span_is(bounds.max, "banana"));
    vj_bounds_strings((const uint8_t *)bytes, lens, 6, &bounds);
    assert_int_equal(bounds.min.len_bytes, 0);
}

/* ---- options ---- */

static void codecs_by_name(void **state)
{
    vj_pq_codec codec = VJ_PQ_NONE;
    int level = -1;
    vj_error err = {0};

    (void)state;
    assert_ok(vj_pq_codec_parse("ZSTD:9", &codec, &level, &err), &err);
    assert_int_equal(codec, VJ_PQ_ZSTD);
    assert_int_equal(level, 9);
    assert_ok(vj_pq_codec_parse("lz4", &codec, &level, &err), &err);
    assert_int_equal(codec, VJ_PQ_LZ4_RAW);
    assert_int_equal(level, 0);
    assert_int_equal(vj_pq_codec_parse("zst", &codec, &level, &err), VJ_E_USAGE);
    assert_string_equal(err.text, "compression zst: expected zstd, snappy, gzip, lz4, brotli or "
                                  "none, with a level as in zstd:9");
    assert_int_equal(vj_pq_codec_parse("zstd:0", &codec, &level, &err), VJ_E_USAGE);
    assert_string_equal(err.text, "compression zstd:0: expected a level from 1 to 19");
    assert_int_equal(vj_pq_codec_parse("snappy:1", &codec, &level, &err), VJ_E_USAGE);
    assert_string_equal(err.text, "compression snappy:1: snappy has no levels");
}

/* ---- whole files ---- */

static vj_status write_whole(const test_table *table, const vj_pq_writer_options *options,
                             int64_t batch_rows, vj_budget *budget, vj_buf *out, vj_error *err)
{
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    int64_t n = table->batch.n_rows;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_outfile_memory(out, &file, err));
    VJ_GO(rc, vj_pq_writer_new(file, &table->schema, options, budget, &writer, err));
    for (int64_t beg = 0; beg < n; beg += batch_rows) {
        test_table part = {0};

        rc = test_table_slice(table, beg, VJ_MIN(batch_rows, n - beg), &part, err);
        if (rc == VJ_OK)
            rc = vj_pq_writer_append(writer, &part.batch, err);
        test_table_free(&part);
        VJ_GO(rc, rc);
    }
    VJ_GO(rc, vj_pq_writer_finish(writer, err));
out:
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    return rc;
}

/* Long rows end groups early; that too must not depend on the batches. */
static void wide_rows_end_groups_by_their_weight(void **state)
{
    static const vj_field fields[] = {{"text", {.kind = VJ_TEXT}, true},
                                      {"n", {.kind = VJ_I32}, false}};
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD};
    test_table table = {.schema = {2, fields}};
    vj_colb cols[2];
    vj_col views[2];
    vj_buf text = {0};
    vj_buf files[3] = {{0}};
    static const int64_t cuts[] = {20000, 1000, 77};
    vj_budget budget;
    vj_error err = {0};

    (void)state;
    assert_ok(vj_buf_reserve(&text, 9000, &err), &err);
    memset(text.ptr, 'x', 9000);
    for (int i = 0; i < 2; i++)
        assert_ok(vj_colb_init(&cols[i], &fields[i].type, NULL, &err), &err);
    for (int i = 0; i < 20000; i++) {
        assert_ok(vj_colb_bytes(&cols[0], text.ptr, 4000 + (size_t)i % 5000, &err), &err);
        assert_ok(vj_colb_int(&cols[1], i, &err), &err);
    }
    for (int i = 0; i < 2; i++)
        views[i] = vj_colb_view(&cols[i]);
    table.cols = cols;
    table.views = views;
    table.batch = (vj_batch){&table.schema, 20000, views};
    for (int i = 0; i < 3; i++) {
        vj_budget_init(&budget, 0);
        assert_ok(write_whole(&table, &options, cuts[i], &budget, &files[i], &err), &err);
        /* 130 MB of text; two groups, pages of 1 MiB */
        assert_true(atomic_load(&budget.peak_bytes) < (int64_t)16 << 20);
        assert_int_equal(atomic_load(&budget.used_bytes), 0);
        assert_int_equal(files[i].len_bytes, files[0].len_bytes);
        assert_memory_equal(files[i].ptr, files[0].ptr, files[0].len_bytes);
    }
    for (int i = 0; i < 3; i++)
        vj_buf_fini(&files[i]);
    for (int i = 0; i < 2; i++)
        vj_colb_fini(&cols[i]);
    vj_buf_fini(&text);
}

/* Columns encoded by several threads give the file that one thread gives. */
typedef struct column_job {
    vj_pq_writer *writer;
    const vj_batch *batch;
    _Atomic int *next;
    vj_status rc;
    vj_error err;
} column_job;

static void append_columns(void *arg)
{
    column_job *job = arg;

    for (int c; (c = atomic_fetch_add(job->next, 1)) < job->batch->schema->n_fields;) {
        vj_status rc = vj_pq_writer_append_column(job->writer, job->batch, c, &job->err);

        if (rc != VJ_OK)
            job->rc = rc;
    }
}

static void columns_may_be_encoded_side_by_side(void **state)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD, .rows_per_rowgroup = 3000};
    test_table table;
    vj_buf serial = {0};
    vj_buf parallel = {0};
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_error err = {0};

    (void)state;
    assert_ok(test_table_make("flat", 8000, test_seed(), &table, &err), &err);
    assert_ok(write_whole(&table, &options, 500, NULL, &serial, &err), &err);
    assert_ok(vj_outfile_memory(&parallel, &file, &err), &err);
    assert_ok(vj_pq_writer_new(file, &table.schema, &options, NULL, &writer, &err), &err);
    for (int64_t beg = 0; beg < 8000; beg += 2000 + beg) {
        test_table part;
        vj_thread *threads[3];
        _Atomic int next = 0;
        column_job jobs[3];

        assert_ok(test_table_slice(&table, beg, VJ_MIN(2000 + beg, 8000 - beg), &part, &err),
                  &err);
        for (int t = 0; t < 3; t++) {
            jobs[t] = (column_job){writer, &part.batch, &next, VJ_OK, {0}};
            assert_ok(vj_thread_start(append_columns, &jobs[t], &threads[t], &err), &err);
        }
        for (int t = 0; t < 3; t++) {
            vj_thread_join(threads[t]);
            assert_ok(jobs[t].rc, &jobs[t].err);
        }
        assert_ok(vj_pq_writer_end_append(writer, &part.batch, &err), &err);
        test_table_free(&part);
    }
    assert_ok(vj_pq_writer_finish(writer, &err), &err);
    assert_int_equal(parallel.len_bytes, serial.len_bytes);
    assert_memory_equal(parallel.ptr, serial.ptr, serial.len_bytes);
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    vj_buf_fini(&serial);
    vj_buf_fini(&parallel);
    test_table_free(&table);
}

/* ---- refusals ---- */

static void nulls_in_a_required_column_are_refused(void **state)
{
    static const vj_field fields[] = {{"must", {.kind = VJ_I32}, false}};
    vj_schema schema = {1, fields};
    uint8_t valid = 5;
    int32_t values[3] = {1, 0, 3};
    vj_col col = {.type = &fields[0].type, .n_rows = 3, .valid = &valid, .data = values};
    vj_batch batch = {&schema, 3, &col};
    vj_buf bytes = {0};
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_error err = {0};

    (void)state;
    assert_ok(vj_outfile_memory(&bytes, &file, &err), &err);
    assert_ok(vj_pq_writer_new(file, &schema, NULL, NULL, &writer, &err), &err);
    assert_int_equal(vj_pq_writer_append(writer, &batch, &err), VJ_E_SCHEMA);
    assert_string_equal(err.text, "column must: expected no nulls by its schema, found one, "
                                  "while writing memory");
    assert_int_equal(vj_pq_writer_finish(writer, &err), VJ_E_BUG);
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    vj_buf_fini(&bytes);
}

static void schemas_without_a_form_are_refused(void **state)
{
    static const vj_field empty_struct[] = {{"s", {.kind = VJ_STRUCT}, true}};
    vj_schema schema = {1, empty_struct};
    vj_schema none = {0, empty_struct};
    vj_buf bytes = {0};
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_error err = {0};

    (void)state;
    assert_ok(vj_outfile_memory(&bytes, &file, &err), &err);
    assert_int_equal(vj_pq_writer_new(file, &schema, NULL, NULL, &writer, &err),
                     VJ_E_UNSUPPORTED);
    assert_string_equal(err.text, "column s: Parquet has no form for a struct without members");
    assert_int_equal(vj_pq_writer_new(file, &none, NULL, NULL, &writer, &err), VJ_E_SCHEMA);
    vj_outfile_free(file);
    vj_buf_fini(&bytes);
}

/* ---- key-values of a finished footer ---- */

/* {1: i32 1, 5: [{1:"k",2:"v"}], 6: "me", 40: true (unknown)} and the same without field 5 */
static const uint8_t with_kvs[] = {0x15, 2,    0x49, 0x1c, 0x18, 1,   'k', 0x18, 1,
                                   'v',  0,    0x18, 2,    'm',  'e', 0x01, 80,  0};
static const uint8_t without_kvs[] = {0x15, 2, 0x58, 2, 'm', 'e', 0x01, 80, 0};

static void kvs_are_added_and_replaced(void **state)
{
    static const vj_pq_kv kvs[] = {{"k", "new"}, {"a", "b"}, {"a", "c"}};
    static const uint8_t expected[] = {0x15, 2,    0x49, 0x2c, 0x18, 1,    'k', 0x18, 3, 'n',
                                       'e',  'w',  0,    0x18, 1,    'a',  0x18, 1,   'c', 0,
                                       0x18, 2,    'm',  'e',  0x01, 80,   0};
    const uint8_t *inputs[] = {with_kvs, without_kvs};
    const size_t lens[] = {sizeof with_kvs, sizeof without_kvs};
    vj_error err = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        vj_buf out = {0};

        assert_ok(vj_footer_merge_kvs((vj_span){(const char *)inputs[i], lens[i]}, kvs, 3, "f",
                                      &out, &err),
                  &err);
        assert_int_equal(out.len_bytes, sizeof expected);
        assert_memory_equal(out.ptr, expected, sizeof expected);
        vj_buf_fini(&out);
    }
}

static void no_new_kvs_leave_a_footer_as_it_is(void **state)
{
    vj_buf out = {0};
    vj_error err = {0};

    (void)state;
    assert_ok(vj_footer_merge_kvs((vj_span){(const char *)with_kvs, sizeof with_kvs}, NULL, 0,
                                  "f", &out, &err),
              &err);
    assert_int_equal(out.len_bytes, sizeof with_kvs);
    assert_memory_equal(out.ptr, with_kvs, sizeof with_kvs);
    vj_buf_fini(&out);
}

static void damaged_footers_are_refused(void **state)
{
    static const vj_pq_kv kv = {"a", "b"};
    static const uint8_t is_signed[] = {0x15, 2, 0x7c, 0, 0};
    vj_error err = {0};
    vj_buf out = {0};

    (void)state;
    for (size_t n = 0; n < sizeof with_kvs; n++) {
        assert_int_equal(vj_footer_merge_kvs((vj_span){(const char *)with_kvs, n}, &kv, 1, "f",
                                             &out, &err),
                         VJ_E_CORRUPT);
        vj_buf_reset(&out);
    }
    assert_string_equal(err.text,
                        "f: the footer is damaged 17 bytes behind its beginning (17 bytes long)");
    assert_int_equal(vj_footer_merge_kvs((vj_span){(const char *)is_signed, sizeof is_signed},
                                         &kv, 1, "f", &out, &err),
                     VJ_E_UNSUPPORTED);
    vj_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_bounds_stay_whole),
        cmocka_unit_test(long_upper_bounds_are_raised_at_a_character),
        cmocka_unit_test(bounds_that_cannot_be_raised),
        cmocka_unit_test(zeros_and_nan),
        cmocka_unit_test(signs_decide_the_order),
        cmocka_unit_test(bounds_of_strings),
        cmocka_unit_test(codecs_by_name),
        cmocka_unit_test(wide_rows_end_groups_by_their_weight),
        cmocka_unit_test(columns_may_be_encoded_side_by_side),
        cmocka_unit_test(nulls_in_a_required_column_are_refused),
        cmocka_unit_test(schemas_without_a_form_are_refused),
        cmocka_unit_test(kvs_are_added_and_replaced),
        cmocka_unit_test(no_new_kvs_leave_a_footer_as_it_is),
        cmocka_unit_test(damaged_footers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
