/* Encodings are read back by decoders written here from the format's text, bit by bit. */
#include "parquet/encode.h"
#include "support/support.h"

static uint64_t take_varint(const uint8_t **at)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static uint64_t bits_at(const uint8_t *bytes, size_t first_bit, unsigned width)
{
    uint64_t value = 0;

    for (unsigned b = 0; b < width; b++)
        value |= (uint64_t)vj_bit_get(bytes, (int64_t)(first_bit + b)) << b;
    return value;
}

/* Decode n values; returns the number of runs. */
static size_t decode_hybrid(const uint8_t *at, size_t len, unsigned width, size_t n, uint32_t *out)
{
    const uint8_t *end = at + len;
    size_t found = 0;
    size_t runs = 0;

    for (; at < end; runs++) {
        uint64_t head = take_varint(&at);
        size_t count = (size_t)(head >> 1);

        if ((head & 1) != 0) {
            for (size_t i = 0; i < count * 8 && found < n; i++)
                out[found++] = (uint32_t)bits_at(at, i * width, width);
            at += count * width;
        } else {
            uint32_t value = (uint32_t)bits_at(at, 0, (width + 7) / 8 * 8);

            at += (width + 7) / 8;
            for (size_t i = 0; i < count; i++) {
                assert_true(found < n);
                out[found++] = value;
            }
        }
    }
    assert_ptr_equal(at, end);
    assert_int_equal(found, n);
    return runs;
}

static size_t decode_delta(const uint8_t *at, size_t len, unsigned value_bits, uint64_t *out)
{
    const uint8_t *end = at + len;
    uint64_t mask = value_bits == 64 ? UINT64_MAX : UINT32_MAX;
    uint64_t block = take_varint(&at);
    uint64_t minis = take_varint(&at);
    size_t n = (size_t)take_varint(&at);
    uint64_t value = (uint64_t)unzigzag(take_varint(&at));
    size_t found = 0;

    assert_int_equal(block % 128, 0);
    assert_int_equal(block / minis % 32, 0);
    if (n > 0)
        out[found++] = value & mask;
    while (found < n) {
        uint64_t least = (uint64_t)unzigzag(take_varint(&at));
        const uint8_t *widths = at;

        at += minis;
        for (size_t m = 0; m < minis && found < n; m++) {
            assert_true(widths[m] <= value_bits);
            for (size_t i = 0; i < block / minis && found < n; i++) {
                value += least + bits_at(at, i * widths[m], widths[m]);
                out[found++] = value & mask;
            }
            at += block / minis * widths[m] / 8;
        }
    }
    assert_ptr_equal(at, end);
    return n;
}

#define MOST 1500
static uint32_t values32[MOST], back32[MOST];
static uint64_t values64[MOST], back64[MOST];
static uint8_t bytes[MOST * 16 + 1000];

static void hybrid_is_read_back(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (int round = 0; round < 400; round++) {
        unsigned width = 1 + (unsigned)(test_random(&seed) % 32);
        size_t n = test_random(&seed) % MOST;
        unsigned sticky = (unsigned)(test_random(&seed) % 101);

        for (size_t i = 0; i < n; i++)
            values32[i] = i > 0 && test_random(&seed) % 100 < sticky
                              ? values32[i - 1]
                              : (uint32_t)(test_random(&seed) & (UINT64_MAX >> (64 - width)));
        size_t len = vj_enc_hybrid(values32, n, width, bytes);
        assert_true(len <= vj_enc_hybrid_max(n, width));
        decode_hybrid(bytes, len, width, n, back32);
        assert_memory_equal(values32, back32, n * sizeof *back32);
    }
}

static void hybrid_of_bits_is_read_back(void **state)
{
    static uint8_t bits[MOST / 8 + 1];
    uint64_t seed = test_seed();

    (void)state;
    for (int round = 0; round < 400; round++) {
        size_t n = test_random(&seed) % MOST;
        uint64_t rare = 1 + test_random(&seed) % 300;
        bool base = test_random(&seed) % 2 != 0;

        memset(bits, 0xa5, sizeof bits); /* what lies behind the last bit must not matter */
        for (size_t i = 0; i < n; i++)
            vj_bit_put(bits, (int64_t)i, (test_random(&seed) % rare == 0) != base);
        size_t len = vj_enc_hybrid_bits(bits, n, bytes);
        assert_true(len <= vj_enc_hybrid_max(n, 1));
        decode_hybrid(bytes, len, 1, n, back32);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(back32[i], vj_bit_get(bits, (int64_t)i));
    }
}

static void hybrid_of_levels_is_read_back(void **state)
{
    static uint8_t levels[MOST];
    uint64_t seed = test_seed();

    (void)state;
    for (int round = 0; round < 400; round++) {
        unsigned width = 1 + (unsigned)(test_random(&seed) % 3);
        size_t n = test_random(&seed) % (round % 4 == 0 ? 20 : MOST);
        uint64_t rare = 1 + test_random(&seed) % 60;

        for (size_t i = 0; i < n; i++)
            levels[i] = (uint8_t)(test_random(&seed) % rare == 0
                                      ? test_random(&seed) & ((1u << width) - 1)
                                      : 1);
        size_t len = vj_enc_hybrid_bytes(levels, n, width, values32, bytes);
        assert_true(len <= vj_enc_hybrid_max(n, width));
        decode_hybrid(bytes, len, width, n, back32);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(back32[i], levels[i]);
    }
}

/* A reader addresses value i of a page directly only when the page is one run. */
static void values_without_long_runs_are_one_packed_run(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        values32[i] = (uint32_t)(test_random(&seed) % 4);
    size_t len = vj_enc_hybrid(values32, 1000, 2, bytes);
    assert_int_equal(decode_hybrid(bytes, len, 2, 1000, back32), 1);
    assert_int_equal(len, 2 + 250);
}

static void equal_values_are_one_repeated_run(void **state)
{
    static const uint8_t expected[] = {0xd0, 0x0f, 5}; /* 1000 << 1, then the value */

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        values32[i] = 5;
    assert_int_equal(vj_enc_hybrid(values32, 1000, 3, bytes), sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
}

static void delta_is_read_back(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (int round = 0; round < 400; round++) {
        size_t n = test_random(&seed) % (round < 40 ? 4 : MOST);
        unsigned step_bits = 1 + (unsigned)(test_random(&seed) % 64);
        uint64_t value = test_random(&seed);

        for (size_t i = 0; i < n; i++) {
            value += test_random(&seed) >> (64 - step_bits);
            values64[i] = value;
            values32[i] = (uint32_t)value;
        }
        size_t len = vj_enc_delta64(values64, n, bytes);
        assert_true(len <= vj_enc_delta_max(n, 8));
        assert_int_equal(decode_delta(bytes, len, 64, back64), n);
        assert_memory_equal(values64, back64, n * sizeof *back64);
        len = vj_enc_delta32(values32, n, bytes);
        assert_true(len <= vj_enc_delta_max(n, 4));
        assert_int_equal(decode_delta(bytes, len, 32, back64), n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(back64[i], values32[i]);
    }
}

/* Differences wrap in the value's width: the extremes side by side need no wider field. */
static void delta_of_extremes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 300; i++) {
        values64[i] = i % 2 != 0 ? (uint64_t)INT64_MIN : (uint64_t)INT64_MAX;
        values32[i] = i % 3 != 0 ? (uint32_t)INT32_MIN : (uint32_t)INT32_MAX;
    }
    size_t len = vj_enc_delta64(values64, 300, bytes);
    decode_delta(bytes, len, 64, back64);
    assert_memory_equal(values64, back64, 300 * sizeof *back64);
    len = vj_enc_delta32(values32, 300, bytes);
    decode_delta(bytes, len, 32, back64);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(back64[i], values32[i]);
}

/* The example of Encodings.md: 1..5 are one block without payload. */
static void delta_of_a_ramp(void **state)
{
    static const uint8_t expected[] = {0x80, 0x01, 4, 5, 2, 2, 0, 0, 0, 0};

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        values32[i] = i + 1;
    assert_int_equal(vj_enc_delta32(values32, 5, bytes), sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hybrid_is_read_back),
        cmocka_unit_test(hybrid_of_bits_is_read_back),
        cmocka_unit_test(hybrid_of_levels_is_read_back),
        cmocka_unit_test(values_without_long_runs_are_one_packed_run),
        cmocka_unit_test(equal_values_are_one_repeated_run),
        cmocka_unit_test(delta_is_read_back),
        cmocka_unit_test(delta_of_extremes),
        cmocka_unit_test(delta_of_a_ramp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
