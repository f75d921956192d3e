/* One type for a column that files store differently, and the values in it. */
#include "support/support.h"

#include <math.h>

#include "col/col.h"

static vj_error err;

static vj_type decimal(vj_kind kind, int32_t width, int32_t precision, int32_t scale)
{
    return (vj_type){.kind = kind, .logical = VJ_LOGICAL_DECIMAL, .precision = precision,
                     .scale = scale, .width_bytes = width};
}

static vj_type stamp(vj_time_unit unit, bool utc)
{
    return (vj_type){.kind = VJ_I64, .logical = VJ_LOGICAL_TIMESTAMP, .unit = unit, .utc = utc};
}

/* Either order gives the type of this name; NULL: neither gives one. */
static void widens(vj_type a, vj_type b, const char *expected)
{
    const vj_type *const order[2][2] = {{&a, &b}, {&b, &a}};
    vj_type out;
    char name[64];

    for (int i = 0; i < 2; i++) {
        assert_int_equal(vj_type_widen(order[i][0], order[i][1], &out), expected != NULL);
        if (expected != NULL)
            assert_string_equal(vj_type_name(&out, name, sizeof name), expected);
    }
}

static void whole_numbers(void **state)
{
    static const vj_kind kinds[] = {VJ_I8, VJ_I16, VJ_I32, VJ_I64, VJ_U8, VJ_U16, VJ_U32, VJ_U64};
    static const char *const expected[8][8] = {
        {"int8", "int16", "int32", "int64", "int16", "int32", "int64", NULL},
        {"int16", "int16", "int32", "int64", "int16", "int32", "int64", NULL},
        {"int32", "int32", "int32", "int64", "int32", "int32", "int64", NULL},
        {"int64", "int64", "int64", "int64", "int64", "int64", "int64", NULL},
        {"int16", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"},
        {"int32", "int32", "int32", "int64", "uint16", "uint16", "uint32", "uint64"},
        {"int64", "int64", "int64", "int64", "uint32", "uint32", "uint32", "uint64"},
        {NULL, NULL, NULL, NULL, "uint64", "uint64", "uint64", "uint64"},
    };

    (void)state;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            widens(vj_type_of(kinds[i]), vj_type_of(kinds[j]), expected[i][j]);
}

static void other_kinds(void **state)
{
    const vj_type fixed = {.kind = VJ_FIXED, .width_bytes = 4};
    const vj_type json = {.kind = VJ_TEXT, .logical = VJ_LOGICAL_JSON};
    const vj_type date = {.kind = VJ_I32, .logical = VJ_LOGICAL_DATE};

    (void)state;
    widens(vj_type_of(VJ_F32), vj_type_of(VJ_F64), "float64");
    widens(json, vj_type_of(VJ_TEXT), "text");
    widens(fixed, vj_type_of(VJ_BINARY), "binary");
    widens(stamp(VJ_MS, false), stamp(VJ_NS, false), "timestamp[ns]");
    widens(stamp(VJ_US, true), stamp(VJ_MS, true), "timestamp[us, UTC]");
    widens(stamp(VJ_US, true), stamp(VJ_US, true), "timestamp[us, UTC]");
    widens(stamp(VJ_US, true), stamp(VJ_US, false), NULL);
    widens(stamp(VJ_US, false), vj_type_of(VJ_I64), NULL);
    widens(vj_type_of(VJ_I32), vj_type_of(VJ_F64), NULL);
    widens(vj_type_of(VJ_TEXT), vj_type_of(VJ_BINARY), NULL);
    widens(vj_type_of(VJ_BOOL), vj_type_of(VJ_I8), NULL);
    widens(date, vj_type_of(VJ_I32), NULL);
    widens(vj_type_list_of(VJ_I32), vj_type_list_of(VJ_I64), NULL);
}

static void decimals(void **state)
{
    const vj_type d9_2 = decimal(VJ_I32, 0, 9, 2);

    (void)state;
    widens(d9_2, decimal(VJ_I64, 0, 18, 4), "decimal(18,4)");
    widens(d9_2, decimal(VJ_I32, 0, 5, 4), "decimal(11,4)"); /* 7 digits before, 4 behind */
    widens(decimal(VJ_FIXED, 16, 38, 0), decimal(VJ_I32, 0, 9, 0), "decimal(38,0)");
    widens(decimal(VJ_FIXED, 16, 38, 0), decimal(VJ_I32, 0, 9, 1), NULL);
    widens(d9_2, vj_type_of(VJ_I32), NULL);
}

/* ---- values ---- */

static void begin(vj_colb *b, const vj_type *type)
{
    assert_ok(vj_colb_init(b, type, NULL, &err), &err);
}

static void integers_keep_value_and_null(void **state)
{
    const vj_type narrow = vj_type_of(VJ_U32), wide = vj_type_of(VJ_I64);
    vj_colb from = {0}, to = {0};

    (void)state;
    begin(&from, &narrow);
    begin(&to, &wide);
    assert_ok(vj_colb_int(&to, -5, &err), &err); /* behind what is there already */
    assert_ok(vj_colb_int(&from, 4294967295, &err), &err);
    assert_ok(vj_colb_null(&from, &err), &err);
    vj_col col = vj_colb_view(&from);
    assert_ok(vj_colb_append_wider(&to, &wide, &col, &err), &err);
    col = vj_colb_view(&to);
    assert_int_equal(col.n_rows, 3);
    assert_int_equal(vj_col_i64(&col, 0), -5);
    assert_true(vj_col_i64(&col, 1) == 4294967295);
    assert_true(vj_col_is_null(&col, 2));
    vj_colb_fini(&from);
    vj_colb_fini(&to);
}

static void floats_keep_zero_sign_and_nan(void **state)
{
    const vj_type narrow = vj_type_of(VJ_F32), wide = vj_type_of(VJ_F64);
    vj_colb from = {0}, to = {0};

    (void)state;
    begin(&from, &narrow);
    begin(&to, &wide);
    assert_ok(vj_colb_f32(&from, 0.1f, &err), &err);
    assert_ok(vj_colb_f32(&from, -0.0, &err), &err);
    assert_ok(vj_colb_f32(&from, NAN, &err), &err);
    vj_col col = vj_colb_view(&from);
    assert_ok(vj_colb_append_wider(&to, &wide, &col, &err), &err);
    col = vj_colb_view(&to);
    assert_true(vj_col_f64(&col, 0) == (double)0.1f);
    assert_true(signbit(vj_col_f64(&col, 1)));
    assert_true(isnan(vj_col_f64(&col, 2)));
    vj_colb_fini(&from);
    vj_colb_fini(&to);
}

static void bytes_of_a_fixed_width(void **state)
{
    const vj_type fixed = {.kind = VJ_FIXED, .width_bytes = 3}, wide = vj_type_of(VJ_BINARY);
    vj_colb from = {0}, to = {0};

    (void)state;
    begin(&from, &fixed);
    begin(&to, &wide);
    assert_ok(vj_colb_bytes(&from, "a\0c", 3, &err), &err);
    vj_col col = vj_colb_view(&from);
    assert_ok(vj_colb_append_wider(&to, &wide, &col, &err), &err);
    assert_ok(vj_colb_bytes(&to, "", 0, &err), &err);
    col = vj_colb_view(&to);
    assert_int_equal(vj_col_bytes(&col, 0).len_bytes, 3);
    assert_memory_equal(vj_col_bytes(&col, 0).ptr, "a\0c", 3);
    assert_int_equal(vj_col_bytes(&col, 1).len_bytes, 0);
    vj_colb_fini(&from);
    vj_colb_fini(&to);
}

/* One time of a unit in another; false: refused. */
static bool time_in(vj_time_unit from_unit, vj_time_unit to_unit, int64_t value, int64_t *out)
{
    const vj_type narrow = stamp(from_unit, false), wide = stamp(to_unit, false);
    vj_colb from = {0}, to = {0};

    begin(&from, &narrow);
    begin(&to, &wide);
    assert_ok(vj_colb_int(&from, value, &err), &err);
    vj_col col = vj_colb_view(&from);
    vj_status rc = vj_colb_append_wider(&to, &wide, &col, &err);
    col = vj_colb_view(&to);
    if (rc == VJ_OK)
        *out = vj_col_i64(&col, 0);
    else
        assert_int_equal(rc, VJ_E_CORRUPT);
    vj_colb_fini(&from);
    vj_colb_fini(&to);
    return rc == VJ_OK;
}

static void times_of_the_finer_unit(void **state)
{
    int64_t found = 0;

    (void)state;
    assert_true(time_in(VJ_MS, VJ_NS, -7, &found));
    assert_int_equal(found, -7000000);
    assert_true(time_in(VJ_US, VJ_US, INT64_MIN, &found));
    assert_true(found == INT64_MIN);
    assert_true(time_in(VJ_US, VJ_NS, INT64_MAX / 1000, &found));
    assert_false(time_in(VJ_US, VJ_NS, INT64_MAX / 1000 + 1, &found));
    assert_false(time_in(VJ_MS, VJ_NS, INT64_MIN / 1000000 - 1, &found));
}

/* The unscaled number of a decimal of this type in decimal(to_precision, to_scale), the last 8 bytes. */
static bool decimal_in(vj_type narrow, const void *bytes, int64_t value, vj_type other, int64_t *out)
{
    vj_colb from = {0}, to = {0};
    vj_type wide;

    assert_true(vj_type_widen(&narrow, &other, &wide));
    assert_int_equal(wide.kind, VJ_FIXED);
    begin(&from, &narrow);
    begin(&to, &wide);
    if (narrow.kind == VJ_FIXED)
        assert_ok(vj_colb_bytes(&from, bytes, (size_t)narrow.width_bytes, &err), &err);
    else
        assert_ok(vj_colb_int(&from, value, &err), &err);
    vj_col col = vj_colb_view(&from);
    vj_status rc = vj_colb_append_wider(&to, &wide, &col, &err);
    if (rc == VJ_OK) {
        col = vj_colb_view(&to);
        vj_span found = vj_col_bytes(&col, 0);
        uint64_t bits = found.ptr[0] & 0x80 ? UINT64_MAX : 0;
        for (size_t i = 0; i < found.len_bytes; i++)
            bits = bits << 8 | (uint8_t)found.ptr[i];
        *out = (int64_t)bits;
    } else {
        assert_int_equal(rc, VJ_E_CORRUPT);
    }
    vj_colb_fini(&from);
    vj_colb_fini(&to);
    return rc == VJ_OK;
}

static void decimals_keep_their_number(void **state)
{
    const vj_type d9_2 = decimal(VJ_I32, 0, 9, 2), d18_4 = decimal(VJ_I64, 0, 18, 4);
    const vj_type bytes5 = decimal(VJ_FIXED, 5, 11, 2), bytes20 = decimal(VJ_FIXED, 20, 9, 2);
    const uint8_t minus_two[20] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                   255, 255, 255, 255, 255, 255, 255, 255, 255, 254};
    const uint8_t much[20] = {0, 0, 1};
    int64_t found = 0;

    (void)state;
    assert_true(decimal_in(d9_2, NULL, -123456789, d18_4, &found));
    assert_int_equal(found, -12345678900);
    assert_true(decimal_in(d9_2, NULL, 999999999, d18_4, &found));
    assert_int_equal(found, 99999999900);
    assert_true(decimal_in(bytes5, minus_two + 15, 0, d18_4, &found));
    assert_int_equal(found, -200);
    /* wider than any number of its digits: signs in front go, digits do not */
    assert_true(decimal_in(bytes20, minus_two, 0, d18_4, &found));
    assert_int_equal(found, -200);
    assert_false(decimal_in(bytes20, much, 0, d18_4, &found));
}

static void a_decimal_beyond_its_digits_is_refused(void **state)
{
    const vj_type d18_0 = decimal(VJ_I64, 0, 1, 0), other = decimal(VJ_I32, 0, 2, 1);
    int64_t found = 0;

    (void)state;
    /* decimal(1,0) and decimal(2,1) have room in two digits: -128 does not come through times ten */
    assert_true(decimal_in(d18_0, NULL, 9, other, &found));
    assert_int_equal(found, 90);
    assert_false(decimal_in(d18_0, NULL, INT64_MAX, other, &found));
    assert_false(decimal_in(d18_0, NULL, -128, other, &found));
}

static vj_status widen_much(void *arg, vj_error *fault)
{
    const vj_type d9_2 = decimal(VJ_I32, 0, 9, 2), d38_4 = decimal(VJ_FIXED, 16, 36, 4);
    vj_colb from = {0}, to = {0};
    vj_type wide = {0};
    vj_status rc;

    (void)arg;
    assert_true(vj_type_widen(&d9_2, &d38_4, &wide));
    VJ_GO(rc, vj_colb_init(&from, &d9_2, NULL, fault));
    VJ_GO(rc, vj_colb_init(&to, &wide, NULL, fault));
    for (int i = 0; i < 300; i++) {
        VJ_GO(rc, vj_colb_int(&from, i, fault));
        VJ_GO(rc, vj_colb_null(&from, fault));
    }
    vj_col col = vj_colb_view(&from);
    for (int i = 0; i < 3; i++)
        VJ_GO(rc, vj_colb_append_wider(&to, &wide, &col, fault));
out:
    vj_colb_fini(&from);
    vj_colb_fini(&to);
    return rc;
}

static void each_failed_allocation_is_told(void **state)
{
    (void)state;
    sweep_allocations(widen_much, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(other_kinds),
        cmocka_unit_test(decimals),
        cmocka_unit_test(integers_keep_value_and_null),
        cmocka_unit_test(floats_keep_zero_sign_and_nan),
        cmocka_unit_test(bytes_of_a_fixed_width),
        cmocka_unit_test(times_of_the_finer_unit),
        cmocka_unit_test(decimals_keep_their_number),
        cmocka_unit_test(a_decimal_beyond_its_digits_is_refused),
        cmocka_unit_test(each_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
