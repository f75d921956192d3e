/*
 * prop_pq_kernels.c - kernels of the Parquet writer against plain loops: bounds of numbers (also
 * the vector bodies against the scalar ones) and codes of the dictionary.
 */
#include <math.h>

#include "parquet/writer_bounds.h"
#include "parquet/writer_dict.h"
#include "support/support.h"

#define MAX_N 300

/* Bits of a number: extremes, both zeros, infinities, NaNs and plain ones. */
static uint64_t odd_bits(uint64_t *rng, bool wide)
{
    static const double odd[] = {0.0, -0.0, INFINITY, -INFINITY, 1.5, -1.5, 1e-310, 3e38};
    uint64_t bits = 0;
    double value = odd[test_random(rng) % VJ_COUNT(odd)];
    float narrow = (float)value;

    if (test_random(rng) % 3 != 0)
        return wide ? test_random(rng) : (uint32_t)test_random(rng);
    if (wide)
        memcpy(&bits, &value, sizeof value);
    else
        memcpy(&bits, &narrow, sizeof narrow);
    return bits;
}

static double real_of(uint64_t bits, bool wide)
{
    double value = 0;
    float narrow = 0;
    uint32_t low = (uint32_t)bits;

    if (wide) {
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    memcpy(&narrow, &low, sizeof narrow);
    return (double)narrow;
}

static void assert_same_bounds(const vj_bounds *a, const vj_bounds *b, size_t width)
{
    assert_int_equal(a->has, b->has);
    assert_int_equal(a->nan, b->nan);
    if (a->has) {
        assert_memory_equal(a->min.ptr, b->min.ptr, width);
        assert_memory_equal(a->max.ptr, b->max.ptr, width);
    }
}

static void assert_real_bounds(const uint64_t *bits, size_t n, bool wide, const vj_bounds *got)
{
    double low = INFINITY;
    double high = -INFINITY;
    bool nan = false;
    uint64_t min = 0;
    uint64_t max = 0;

    for (size_t i = 0; i < n; i++) {
        double value = real_of(bits[i], wide);

        nan |= isnan(value);
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    assert_int_equal(got->nan, nan);
    assert_int_equal(got->has, n > 0 && !nan);
    if (!got->has)
        return;
    memcpy(&min, got->min.ptr, wide ? 8 : 4);
    memcpy(&max, got->max.ptr, wide ? 8 : 4);
    assert_true(real_of(min, wide) == low && real_of(max, wide) == high);
    assert_true(low != 0 || signbit(real_of(min, wide)));
    assert_true(high != 0 || !signbit(real_of(max, wide)));
}

static void bounds_of_numbers_are_right_at_every_level(void **state)
{
    static const vj_order orders[2][3] = {{VJ_ORDER_I32, VJ_ORDER_U32, VJ_ORDER_F32},
                                          {VJ_ORDER_I64, VJ_ORDER_U64, VJ_ORDER_F64}};
    (void)state;
    uint64_t rng = test_seed();
    uint64_t bits[MAX_N];
    uint32_t words[MAX_N];

    for (int round = 0; round < 4000; round++) {
        size_t n = test_random(&rng) % (round % 2 == 0 ? 12 : MAX_N);
        bool wide = round / 2 % 2 == 1;
        vj_order order = orders[wide][test_random(&rng) % 3];
        bool real = order == VJ_ORDER_F32 || order == VJ_ORDER_F64;
        vj_bounds got;
        vj_bounds plain;

        for (size_t i = 0; i < n; i++) {
            do
                bits[i] = odd_bits(&rng, wide);
            while (real && isnan(real_of(bits[i], wide)) && test_random(&rng) % 512 != 0);
            words[i] = (uint32_t)bits[i];
        }
        if (wide) {
            vj_bounds_words64(order, bits, n, &got);
            vj_bounds_words64_scalar(order, bits, n, &plain);
        } else {
            vj_bounds_words32(order, words, n, &got);
            vj_bounds_words32_scalar(order, words, n, &plain);
        }
        assert_same_bounds(&got, &plain, wide ? 8 : 4);
        if (real)
            assert_real_bounds(bits, n, wide, &got);
    }
}

/* ---- dictionary ---- */

static void codes_number_values_by_first_appearance(void **state)
{
    (void)state;
    uint64_t rng = test_seed();
    vj_error err = {0};
    static uint32_t values[6000];
    static uint32_t codes[6000];
    static uint32_t seen[6000];
    vj_dict dict;

    vj_dict_init(&dict, NULL);
    for (int round = 0; round < 12; round++) {
        size_t n_seen = 0;
        bool fits = false;
        uint32_t range = round % 3 == 0 ? 40 : round % 3 == 1 ? 3000 : UINT32_MAX;

        for (int page = 0; page < 2; page++) {
            size_t n = VJ_COUNT(values) / 2;

            for (size_t i = 0; i < n; i++)
                values[i] = (uint32_t)(test_random(&rng) % range) * (i % 7 == 0 ? 977u : 1u);
            assert_ok(vj_dict_map32(&dict, values, n, n, codes, &fits, &err), &err);
            assert_true(fits);
            for (size_t i = 0; i < n; i++) {
                if (codes[i] == n_seen)
                    seen[n_seen++] = values[i];
                assert_true(codes[i] < n_seen && seen[codes[i]] == values[i]);
            }
            for (size_t a = 0; a < n_seen && range == 40; a++) /* each value once */
                for (size_t b = a + 1; b < n_seen; b++)
                    assert_true(seen[a] != seen[b]);
        }
        assert_int_equal(dict.entries.n, n_seen);
        assert_int_equal(dict.plain.len_bytes, 4 * n_seen);
        assert_memory_equal(dict.plain.ptr, seen, 4 * n_seen);
        vj_dict_reset(&dict);
    }
    vj_dict_fini(&dict);
}

static void codes_of_strings_lead_back_to_them(void **state)
{
    (void)state;
    uint64_t rng = test_seed();
    vj_error err = {0};
    uint8_t bytes[3000 * 12 + VJ_DICT_SLACK] = {0};
    static uint32_t lens[3000];
    static uint32_t codes[3000];
    vj_dict dict;

    vj_dict_init(&dict, NULL);
    for (int round = 0; round < 30; round++) {
        uint32_t letters = 2 + (uint32_t)(test_random(&rng) % 200);
        uint32_t longest = round % 2 == 0 ? 2 : 12;
        size_t total = 0;
        bool fits = false;
        size_t n_seen = 0;

        for (size_t i = 0; i < 3000; i++) {
            lens[i] = (uint32_t)(test_random(&rng) % (longest + 1));
            for (uint32_t b = 0; b < lens[i]; b++)
                bytes[total++] = (uint8_t)(test_random(&rng) % letters);
        }
        assert_ok(vj_dict_map_bytes(&dict, bytes, lens, 3000, 3000, codes, &fits, &err), &err);
        assert_true(fits);
        total = 0;
        for (size_t i = 0; i < 3000; total += lens[i++]) {
            vj_span got = vj_dict_bytes(&dict, codes[i]);

            assert_true(codes[i] <= n_seen);
            n_seen += codes[i] == n_seen;
            assert_int_equal(got.len_bytes, lens[i]);
            assert_memory_equal(got.ptr, bytes + total, lens[i]);
        }
        assert_int_equal(dict.entries.n, n_seen);
        vj_dict_reset(&dict);
    }
    /* what does not fit: more new values than allowed, known ones still do */
    bool fits = true;
    lens[0] = lens[1] = lens[2] = 1;
    memcpy(bytes, "aba", 3);
    assert_ok(vj_dict_map_bytes(&dict, bytes, lens, 3, 2, codes, &fits, &err), &err);
    assert_true(fits);
    assert_ok(vj_dict_map_bytes(&dict, bytes, lens, 3, 0, codes, &fits, &err), &err);
    assert_true(fits);
    bytes[2] = 'c';
    assert_ok(vj_dict_map_bytes(&dict, bytes, lens, 3, 0, codes, &fits, &err), &err);
    assert_false(fits);
    vj_dict_fini(&dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_of_numbers_are_right_at_every_level),
        cmocka_unit_test(codes_number_values_by_first_appearance),
        cmocka_unit_test(codes_of_strings_lead_back_to_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
