#include "hts/hts.h"
#include "support/support.h"

static const char *text_of(vj_buf *buf)
{
    vj_error err = {0};

    assert_ok(vj_buf_push(buf, 0, &err), &err);
    buf->len_bytes--;
    return (const char *)buf->ptr;
}

/* The file that a batch of one column gives. */
static void check_column(const vj_type *type, vj_colb *b, bool spreadsheet, const char *expected)
{
    vj_error err = {0};
    vj_field field = {.name = "c\tol", .type = *type, .nullable = true};
    vj_schema schema = {.n_fields = 1, .fields = &field};
    vj_col col = vj_colb_view(b);
    vj_batch batch = {.schema = &schema, .n_rows = col.n_rows, .cols = &col};
    vj_tsv_write_options options = {.schema = &schema, .spreadsheet = spreadsheet};
    vj_buf file = {0};
    vj_outfile *out = NULL;
    vj_tsv_writer *writer = NULL;

    assert_ok(vj_outfile_memory(&file, &out, &err), &err);
    assert_ok(vj_tsv_writer_take(out, &options, NULL, &writer, &err), &err);
    assert_ok(vj_tsv_writer_append(writer, &batch, &err), &err);
    assert_ok(vj_tsv_writer_finish(writer, &err), &err);
    vj_tsv_writer_free(writer);
    assert_string_equal(text_of(&file), expected);
    vj_buf_fini(&file);
}

static void put_text(vj_colb *b, const char *text)
{
    vj_error err = {0};

    if (text == NULL)
        assert_ok(vj_colb_null(b, &err), &err);
    else
        assert_ok(vj_colb_bytes(b, text, strlen(text), &err), &err);
}

static void text_is_escaped_reversibly(void **state)
{
    (void)state;
    static const char *const values[] = {"plain", "a\tb\nc\rd\\e", "", NULL, "x,y", "=1+2", "\\N"};
    vj_error err = {0};
    vj_type type = vj_type_of(VJ_TEXT);
    vj_colb b = {0};

    assert_ok(vj_colb_init(&b, &type, NULL, &err), &err);
    for (size_t i = 0; i < VJ_COUNT(values); i++)
        put_text(&b, values[i]);
    check_column(&type, &b, false,
                 "c\\tol\nplain\na\\tb\\nc\\rd\\\\e\n\\e\n\nx,y\n=1+2\n\\\\N\n");
    check_column(&type, &b, true,
                 "c\\tol\nplain\na\\tb\\nc\\rd\\\\e\n\\e\n\nx,y\n'=1+2\n\\\\N\n");
    vj_colb_fini(&b);
}

static void lists_are_joined_by_commas(void **state)
{
    (void)state;
    vj_error err = {0};
    vj_type type = vj_type_list_of(VJ_TEXT);
    vj_colb b = {0};

    assert_ok(vj_colb_init(&b, &type, NULL, &err), &err);
    put_text(&b.kids[0], "a,b");
    put_text(&b.kids[0], NULL);
    put_text(&b.kids[0], "");
    assert_ok(vj_colb_end_list(&b, &err), &err);
    assert_ok(vj_colb_end_list(&b, &err), &err); /* no elements */
    assert_ok(vj_colb_null(&b, &err), &err);
    put_text(&b.kids[0], NULL);
    assert_ok(vj_colb_end_list(&b, &err), &err);
    put_text(&b.kids[0], "");
    assert_ok(vj_colb_end_list(&b, &err), &err);
    put_text(&b.kids[0], "@x");
    assert_ok(vj_colb_end_list(&b, &err), &err);
    check_column(&type, &b, true, "c\\tol\na\\,b,\\N,\\e\n\\z\n\n\\N\n\\e\n'@x\n");
    vj_colb_fini(&b);
}

static void check_ints(const vj_type *type, const int64_t *values, int n, const char *expected)
{
    vj_error err = {0};
    vj_colb b = {0};

    assert_ok(vj_colb_init(&b, type, NULL, &err), &err);
    for (int i = 0; i < n; i++)
        assert_ok(type->kind == VJ_BOOL ? vj_colb_bool(&b, values[i] != 0, &err)
                                        : vj_colb_int(&b, values[i], &err), &err);
    check_column(type, &b, true, expected);
    vj_colb_fini(&b);
}

static void numbers_and_dates_have_their_text(void **state)
{
    (void)state;
    vj_type boolean = vj_type_of(VJ_BOOL);
    vj_type i64 = vj_type_of(VJ_I64);
    vj_type u64 = vj_type_of(VJ_U64);
    vj_type date = {.kind = VJ_I32, .logical = VJ_LOGICAL_DATE};
    vj_type time = {.kind = VJ_I64, .logical = VJ_LOGICAL_TIME, .unit = VJ_US};
    vj_type stamp = {.kind = VJ_I64, .logical = VJ_LOGICAL_TIMESTAMP, .unit = VJ_NS};
    vj_type money = {.kind = VJ_I32, .logical = VJ_LOGICAL_DECIMAL, .precision = 9, .scale = 3};
    vj_type whole = {.kind = VJ_I64, .logical = VJ_LOGICAL_DECIMAL, .precision = 18};

    check_ints(&boolean, (int64_t[]){1, 0}, 2, "c\\tol\ntrue\nfalse\n");
    check_ints(&i64, (int64_t[]){INT64_MIN, -1}, 2, "c\\tol\n-9223372036854775808\n-1\n");
    check_ints(&u64, (int64_t[]){-1, 5}, 2, "c\\tol\n18446744073709551615\n5\n");
    check_ints(&date, (int64_t[]){0, -719468, 11016, 2932896}, 4,
               "c\\tol\n1970-01-01\n0000-03-01\n2000-02-29\n9999-12-31\n");
    check_ints(&time, (int64_t[]){0, 86399999999}, 2, "c\\tol\n00:00:00\n23:59:59.999999\n");
    check_ints(&stamp, (int64_t[]){-1, 1}, 2,
               "c\\tol\n1969-12-31T23:59:59.999999999\n1970-01-01T00:00:00.000000001\n");
    check_ints(&money, (int64_t[]){0, 5, -12345, 1000}, 4,
               "c\\tol\n0.000\n0.005\n-12.345\n1.000\n");
    check_ints(&whole, (int64_t[]){0, -70}, 2, "c\\tol\n0\n-70\n");
}

static void check_fixed(const vj_type *type, const char *bytes, const char *expected)
{
    vj_error err = {0};
    vj_colb b = {0};

    assert_ok(vj_colb_init(&b, type, NULL, &err), &err);
    assert_ok(vj_colb_bytes(&b, bytes, (size_t)type->width_bytes, &err), &err);
    check_column(type, &b, false, expected);
    vj_colb_fini(&b);
}

static void fixed_bytes_have_their_text(void **state)
{
    (void)state;
    vj_type half = {.kind = VJ_FIXED, .logical = VJ_LOGICAL_F16, .width_bytes = 2};
    vj_type uuid = {.kind = VJ_FIXED, .logical = VJ_LOGICAL_UUID, .width_bytes = 16};
    vj_type interval = {.kind = VJ_FIXED, .logical = VJ_LOGICAL_INTERVAL, .width_bytes = 12};
    vj_type bytes = {.kind = VJ_FIXED, .width_bytes = 3};
    vj_type decimal = {.kind = VJ_FIXED, .logical = VJ_LOGICAL_DECIMAL, .width_bytes = 16,
                       .precision = 38, .scale = 38};

    check_fixed(&half, "\x00\x3c", "c\\tol\n1\n");
    check_fixed(&half, "\x01\x00", "c\\tol\n5.9604645e-08\n");
    check_fixed(&half, "\x00\xfc", "c\\tol\n-inf\n");
    check_fixed(&uuid, "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef",
                "c\\tol\n01234567-89ab-cdef-0123-456789abcdef\n");
    check_fixed(&interval, "\x01\0\0\0\x02\0\0\0\xdc\x05\0\0", "c\\tol\nP1M2DT1.500S\n");
    check_fixed(&bytes, "\x00\xffz", "c\\tol\n00ff7a\n");
    check_fixed(&decimal, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                "c\\tol\n-0.00000000000000000000000000000000000001\n");
}

static void provenance_comes_first_and_structs_are_refused(void **state)
{
    (void)state;
    vj_error err = {0};
    vj_field members[] = {{.name = "a", .type = vj_type_of(VJ_I32)}};
    vj_field fields[] = {{.name = "x", .type = vj_type_of(VJ_I32)},
                         {.name = "s", .type = {.kind = VJ_STRUCT, .n_kids = 1, .kids = members}}};
    vj_schema schema = {.n_fields = 1, .fields = fields};
    vj_out_provenance provenance = {.verb = "normalize", .version = "1.0", .command = "c"};
    vj_tsv_write_options options = {.schema = &schema, .provenance = &provenance};
    vj_buf file = {0};
    vj_outfile *out = NULL;
    vj_tsv_writer *writer = NULL;

    assert_ok(vj_outfile_memory(&file, &out, &err), &err);
    assert_ok(vj_tsv_writer_take(out, &options, NULL, &writer, &err), &err);
    assert_ok(vj_tsv_writer_finish(writer, &err), &err);
    vj_tsv_writer_free(writer);
    assert_string_equal(text_of(&file),
                        "##varjoin_normalizeVersion=1.0\n##varjoin_normalizeCommand=c\nx\n");
    schema.n_fields = 2;
    assert_ok(vj_outfile_memory(&file, &out, &err), &err);
    assert_int_equal(vj_tsv_writer_take(out, &options, NULL, &writer, &err), VJ_E_UNSUPPORTED);
    assert_string_equal(err.text, "column s: TSV has no form for the type struct<a: int32>; leave "
                                  "it out with -c or write Parquet, while starting memory");
    vj_buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_reversibly),
        cmocka_unit_test(lists_are_joined_by_commas),
        cmocka_unit_test(numbers_and_dates_have_their_text),
        cmocka_unit_test(fixed_bytes_have_their_text),
        cmocka_unit_test(provenance_comes_first_and_structs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
