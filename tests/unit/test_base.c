#include <math.h>

#include <stdio.h>
#include <stdlib.h>

#include "support/support.h"

static void integers_parse_whole_or_not_at_all(void **state)
{
    (void)state;
    int64_t value = 7;

    assert_true(vj_parse_i64(vj_span_of("-9223372036854775808"), &value));
    assert_int_equal(value, INT64_MIN);
    assert_false(vj_parse_i64(vj_span_of("9223372036854775808"), &value));
    assert_false(vj_parse_i64(vj_span_of("12x"), &value));
    assert_false(vj_parse_i64(vj_span_of(""), &value));
    assert_false(vj_parse_i64(vj_span_of("-"), &value));
}

static void reals_round_trip_in_shortest_form(void **state)
{
    (void)state;
    static const char *const texts[] = {"0.1", "1e-05", "3.14159", "1.7976931348623157e+308",
                                        "5e-324", "-0", "123456789", "nan", "-inf"};
    for (size_t i = 0; i < VJ_COUNT(texts); i++) {
        double value = 0;
        char text[VJ_NUM_TEXT_BYTES];

        assert_true(vj_parse_f64(vj_span_of(texts[i]), &value));
        vj_format_f64(text, value);
        assert_string_equal(text, texts[i]);
    }
    float single = 0;
    char text[VJ_NUM_TEXT_BYTES];
    assert_true(vj_parse_f32(vj_span_of("0.1"), &single));
    vj_format_f32(text, single);
    assert_string_equal(text, "0.1");
    double bad = 0;
    assert_false(vj_parse_f64(vj_span_of("1e"), &bad));
    assert_false(vj_parse_f64(vj_span_of("."), &bad));
    assert_false(vj_parse_f64(vj_span_of("0x10"), &bad));
}

static void random_reals_agree_with_strtod(void **state)
{
    (void)state;
    uint64_t rng = test_seed();

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_random(&rng);
        double value;
        double back = 0;
        char text[VJ_NUM_TEXT_BYTES];

        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        size_t len = vj_format_f64(text, value);
        assert_true(vj_parse_f64((vj_span){text, len}, &back));
        assert_memory_equal(&back, &value, sizeof value);
    }
}

/* The shortest of "%.<least>g" and longer ones that reads back as the number. */
static void assert_shortest(double value, int least, int most, bool single)
{
    char expected[64];
    char text[VJ_NUM_TEXT_BYTES];

    for (int digits = isnormal(single ? (float)value : value) ? least : 1; digits <= most; digits++) {
        snprintf(expected, sizeof expected, "%.*g", digits, value);
        if (single ? strtof(expected, NULL) == (float)value : strtod(expected, NULL) == value)
            break;
    }
    size_t len = single ? vj_format_f32(text, (float)value) : vj_format_f64(text, value);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void short_reals_are_written_as_printf_does(void **state)
{
    static const double edges[] = {1e-4, 0.001, 0.01, 0.1, 1, 10, 999999, 1e6, 999999.5, 1e14,
                                   999999999999999.0, 1e15, 9.9999e-5, 0.00012345, 0.5, 1e5};
    (void)state;
    uint64_t rng = test_seed();

    for (size_t i = 0; i < VJ_COUNT(edges); i++) {
        assert_shortest(edges[i], 15, 17, false);
        assert_shortest(-edges[i], 15, 17, false);
        assert_shortest((double)(float)edges[i], 6, 9, true);
    }
    for (int i = 0; i < 20000; i++) {
        double whole = (double)(test_random(&rng) >> (40 + test_random(&rng) % 24));
        double value = whole / pow(10, (double)(test_random(&rng) % 12));

        assert_shortest(value, 15, 17, false);
        assert_shortest((double)(float)value, 6, 9, true);
        /* a float of any digits between 2^-14 and 2^21 */
        uint32_t bits = (uint32_t)(0x38800000u + test_random(&rng) % (35u << 23));
        float any = 0;
        memcpy(&any, &bits, sizeof any);
        assert_shortest((double)any, 6, 9, true);
    }
}

static void sizes_have_units(void **state)
{
    (void)state;
    int64_t bytes = 0;

    assert_true(vj_parse_size(vj_span_of("256MB"), &bytes));
    assert_int_equal(bytes, 256000000);
    assert_true(vj_parse_size(vj_span_of("1.5 GiB"), &bytes));
    assert_int_equal(bytes, 1610612736);
    assert_false(vj_parse_size(vj_span_of("12 parsecs"), &bytes));
}

static void budget_refuses_beyond_its_limit(void **state)
{
    (void)state;
    vj_budget budget;
    vj_error err = {0};

    vj_budget_init(&budget, 10000);
    void *a = vj_alloc(&budget, 6000, &err);
    assert_non_null(a);
    assert_null(vj_alloc(&budget, 6000, &err));
    assert_int_equal(err.code, VJ_E_NOMEM);
    vj_free(a);
    assert_int_equal(budget.used_bytes, 0);
}

static void map_keeps_order_and_finds(void **state)
{
    (void)state;
    vj_map map;
    vj_error err = {0};
    char key[16];

    vj_map_init(&map, NULL);
    for (int i = 0; i < 1000; i++) {
        bool is_new = false;

        snprintf(key, sizeof key, "k%d", i);
        assert_ok(vj_map_put(&map, vj_span_of(key), i, NULL, &is_new, &err), &err);
        assert_true(is_new);
    }
    assert_int_equal(vj_map_get(&map, vj_span_of("k777"), -1), 777);
    assert_int_equal(vj_map_get(&map, vj_span_of("absent"), -1), -1);
    assert_true(vj_span_is(map.keys[3], "k3"));
    vj_map_fini(&map);
}

static void outside_bytes_are_quoted(void **state)
{
    (void)state;
    char text[32];

    assert_string_equal(vj_quote(text, sizeof text, "a\tb\xff", 4), "a\\x09b\\xff");
    assert_string_equal(vj_quote(text, 12, "0123456789abcdef", 16), "01234567...");
}

static vj_status fill_map(void *arg, vj_error *err)
{
    (void)arg;
    vj_map map;
    char key[16];
    vj_status rc = VJ_OK;

    vj_map_init(&map, NULL);
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "k%d", i);
        VJ_GO(rc, vj_map_put(&map, vj_span_of(key), i, NULL, NULL, err));
    }
out:
    vj_map_fini(&map);
    return rc;
}

static void map_survives_failing_allocations(void **state)
{
    (void)state;
    sweep_allocations(fill_map, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_parse_whole_or_not_at_all),
        cmocka_unit_test(reals_round_trip_in_shortest_form),
        cmocka_unit_test(random_reals_agree_with_strtod),
        cmocka_unit_test(short_reals_are_written_as_printf_does),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(budget_refuses_beyond_its_limit),
        cmocka_unit_test(map_keeps_order_and_finds),
        cmocka_unit_test(outside_bytes_are_quoted),
        cmocka_unit_test(map_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
