/* test_pq_decode.c - bit unpacking, the RLE hybrid and deltas on bytes written by hand. */
#include "support/support.h"

#include "parquet/decode.h"

/* Bytes with the slack that kernels may touch. */
typedef struct page_bytes {
    uint8_t b[4096 + PQ_SLACK];
} page_bytes;

static uint64_t naive_bits(const uint8_t *src, int64_t bit, int width)
{
    uint64_t v = 0;

    for (int i = 0; i < width; i++)
        v |= (uint64_t)vj_bit_get(src, bit + i) << i;
    return v;
}

static void unpacked_values_equal_their_bits(void **state)
{
    (void)state;
    static page_bytes p;
    static uint64_t v64[512];
    static uint32_t v32[512];
    static uint8_t v8[512];
    uint64_t seed = test_seed();

    for (size_t i = 0; i < sizeof p.b; i++)
        p.b[i] = (uint8_t)test_random(&seed);
    for (int width = 0; width <= 64; width++)
        for (int64_t off = 0; off < 40; off += 3) {
            int64_t n = (int64_t)(test_random(&seed) % 300);

            pq_unpack64(p.b, off, width, n, v64);
            for (int64_t i = 0; i < n; i++)
                assert_true(v64[i] == naive_bits(p.b, off + i * width, width));
            if (width <= 32) {
                pq_unpack32(p.b, off, width, n, v32);
                for (int64_t i = 0; i < n; i++)
                    assert_true(v32[i] == naive_bits(p.b, off + i * width, width));
            }
            if (width <= 8) {
                pq_unpack8(p.b, off, width, n, v8);
                for (int64_t i = 0; i < n; i++)
                    assert_true(v8[i] == naive_bits(p.b, off + i * width, width));
            }
            if (width >= 1 && width <= 32)
                assert_true(pq_unpack_one(p.b, off, width) ==
                            naive_bits(p.b, off * width, width));
        }
}

/* 5 times 3, then 8 packed values 0..7, then 2 times 1; width 3. */
static const uint8_t hybrid[] = {10, 3, 3, 0x88, 0xc6, 0xfa, 4, 1};
static const uint32_t hybrid_values[] = {3, 3, 3, 3, 3, 0, 1, 2, 3, 4, 5, 6, 7, 1, 1};

static void runs_of_both_kinds_are_read(void **state)
{
    (void)state;
    page_bytes p = {{0}};
    pq_runs runs;
    uint32_t v[15];

    memcpy(p.b, hybrid, sizeof hybrid);
    for (int64_t cut = 1; cut <= 15; cut++) { /* in pieces of every size */
        pq_runs_init(&runs, p.b, p.b + sizeof hybrid, 3);
        for (int64_t i = 0; i < 15; i += cut)
            assert_true(pq_runs_read32(&runs, VJ_MIN(cut, 15 - i), v + i));
        assert_memory_equal(v, hybrid_values, sizeof v);
        assert_false(pq_runs_read32(&runs, 1, v));
    }
}

static void picked_and_skipped_values_are_the_read_ones(void **state)
{
    (void)state;
    page_bytes p = {{0}};
    uint64_t seed = test_seed();

    memcpy(p.b, hybrid, sizeof hybrid);
    for (int round = 0; round < 500; round++) {
        int64_t skip = (int64_t)(test_random(&seed) % 8);
        int64_t total = 1 + (int64_t)(test_random(&seed) % (uint64_t)(15 - skip));
        int32_t idx[15];
        uint32_t v[15];
        int64_t n = 0;
        pq_runs runs;

        for (int64_t i = 0; i < total; i++)
            if (test_random(&seed) % 3 == 0)
                idx[n++] = (int32_t)i;
        pq_runs_init(&runs, p.b, p.b + sizeof hybrid, 3);
        assert_true(pq_runs_skip(&runs, skip));
        assert_true(pq_runs_gather(&runs, idx, n, total, v));
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(v[i], hybrid_values[skip + idx[i]]);
        for (int64_t i = skip + total; i < 15; i++) {
            assert_true(pq_runs_read32(&runs, 1, v));
            assert_int_equal(v[0], hybrid_values[i]);
        }
    }
}

static void bits_of_width_one_are_counted(void **state)
{
    (void)state;
    page_bytes p = {{6, 1, 5, 0xf0, 0x0f, 8, 0}}; /* 3 ones, 16 packed, 4 zeros */
    uint8_t out[16] = {0};
    int64_t ones = 0;
    pq_runs runs;

    pq_runs_init(&runs, p.b, p.b + 7, 1);
    assert_true(pq_runs_read_bits(&runs, 23, out, 0, &ones));
    assert_int_equal(ones, 3 + 8);
    assert_int_equal(out[0], 0x87);
    assert_int_equal(out[1], 0x7f);
    assert_int_equal(out[2], 0x00);
}

/* Random runs of width 1 into p, their values into levels; returns the count, *len the bytes. */
static int64_t draw_levels(uint64_t *seed, page_bytes *p, uint8_t *levels, size_t *len)
{
    size_t at = 0;
    int64_t n = 0;

    while (at < 300 && n < 38000) {
        uint64_t what = test_random(seed);

        if (what % 3 == 0) { /* a packed run of 8..64 */
            int64_t groups = 1 + (int64_t)((what >> 8) % 8);

            p->b[at++] = (uint8_t)(groups << 1 | 1);
            for (int64_t g = 0; g < groups; g++)
                p->b[at + (size_t)g] = (uint8_t)test_random(seed);
            for (int64_t i = 0; i < groups * 8; i++)
                levels[n++] = vj_bit_get(p->b + at, i);
            at += (size_t)groups;
        } else { /* the same value up to 1000 times */
            uint64_t count = 1 + (what >> 8) % (what % 3 == 1 ? 20 : 1000);
            uint64_t head = count << 1;

            for (; head >= 0x80; head >>= 7)
                p->b[at++] = (uint8_t)(head | 0x80);
            p->b[at++] = (uint8_t)head;
            p->b[at] = what >> 60 & 1;
            memset(levels + n, p->b[at++], count);
            n += (int64_t)count;
        }
    }
    *len = at;
    return n;
}

/* Read as bits in random pieces. */
static void bits_equal_the_levels(void **state)
{
    (void)state;
    uint64_t seed = test_seed();

    for (int round = 0; round < 300; round++) {
        page_bytes p = {{0}};
        static uint8_t levels[40000];
        static uint8_t out[5000 + 64];
        size_t len = 0;
        int64_t n = draw_levels(&seed, &p, levels, &len);
        int64_t ones = 0;
        int64_t want = 0;
        pq_runs runs;

        pq_runs_init(&runs, p.b, p.b + len, 1);
        for (int64_t i = 0; i < n;) {
            int64_t some = 1 + (int64_t)(test_random(&seed) % 900);
            int64_t take = VJ_MIN(n - i, some);

            assert_true(pq_runs_read_bits(&runs, take, out, i, &ones));
            i += take;
        }
        for (int64_t i = 0; i < n; i++) {
            assert_int_equal(vj_bit_get(out, i), levels[i]);
            want += levels[i];
        }
        assert_int_equal(ones, want);
    }
}

static void ranks_count_the_ones_before(void **state)
{
    (void)state;
    uint64_t seed = test_seed();

    for (int round = 0; round < 300; round++) {
        static uint8_t bits[1000 + 16];
        static int32_t rows[8000];
        static int32_t idx[8001];
        static int32_t want[8000];
        uint8_t present[1000];
        uint64_t one_in = 1 + test_random(&seed) % 100;
        int64_t n_rows = 0;
        int64_t n_want = 0;
        int32_t rank = 0;

        for (size_t i = 0; i < sizeof bits; i++)
            bits[i] = (uint8_t)test_random(&seed);
        for (int32_t i = 0; i < 8000; i++) {
            bool on = vj_bit_get(bits, i);

            if (test_random(&seed) % one_in == 0) {
                rows[n_rows++] = i + 100;
                if (on)
                    want[n_want++] = rank;
            }
            rank += on;
        }
        assert_int_equal(pq_rank_bits(bits, 100, rows, n_rows, idx, present), n_want);
        assert_memory_equal(idx, want, (size_t)n_want * sizeof *want + (n_want == 0));
        for (int64_t i = 0; i < n_rows; i++)
            assert_int_equal(vj_bit_get(present, i), vj_bit_get(bits, rows[i] - 100));
    }
}

static void broken_runs_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t len;
        int width;
    } cases[] = {
        {{0}, 0, 3},                                  /* nothing */
        {{10}, 1, 3},                                 /* value missing */
        {{10, 9}, 2, 3},                              /* value above its width */
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, 6, 3}, /* head of more than 5 bytes */
        {{0, 0, 0, 0}, 4, 8},                         /* runs of zero values only */
    };

    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        page_bytes p = {{0}};
        uint32_t v[8];
        pq_runs runs;

        memcpy(p.b, cases[i].bytes, cases[i].len);
        pq_runs_init(&runs, p.b, p.b + cases[i].len, cases[i].width);
        assert_false(pq_runs_read32(&runs, 8, v));
    }
}

/* The two examples of Encodings.md, and one with a run of blocks. */
static void deltas_give_the_values_back(void **state)
{
    (void)state;
    page_bytes p = {{0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0}};
    static const uint8_t second[] = {0x80, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0};
    static const int64_t second_values[] = {7, 5, 3, 1, 2, 3, 4, 5};
    const uint8_t *end = NULL;
    int64_t v[8];
    pq_delta d;

    assert_null(pq_delta_init(&d, p.b, p.b + 10, 64));
    assert_null(pq_delta_end(&d, &end));
    assert_ptr_equal(end, p.b + 10);
    assert_null(pq_delta_read(&d, 5, v));
    for (int64_t i = 0; i < 5; i++)
        assert_int_equal(v[i], i + 1);
    assert_non_null(pq_delta_read(&d, 1, v));

    memcpy(p.b, second, sizeof second);
    for (int64_t cut = 1; cut <= 8; cut++) {
        assert_null(pq_delta_init(&d, p.b, p.b + sizeof second, 32));
        for (int64_t i = 0; i < 8; i += cut)
            assert_null(pq_delta_read(&d, VJ_MIN(cut, 8 - i), v + i));
        assert_memory_equal(v, second_values, sizeof v);
    }
}

static void sums_of_deltas_equal_their_scalar_twin(void **state)
{
    (void)state;
    static page_bytes p;
    static uint32_t fast[900];
    static uint32_t slow[900];
    uint64_t seed = test_seed();

    for (size_t i = 0; i < sizeof p.b; i++)
        p.b[i] = (uint8_t)test_random(&seed);
    for (int round = 0; round < 3000; round++) {
        int width = round % 33;
        int64_t at = (int64_t)(test_random(&seed) % 40);
        int64_t n = (int64_t)(test_random(&seed) % 900);
        uint32_t min_delta = (uint32_t)test_random(&seed);
        uint32_t last = (uint32_t)test_random(&seed);
        uint32_t last_slow = last;

        pq_sum_deltas32(p.b, at, width, min_delta, &last, n, fast);
        pq_sum_deltas32_scalar(p.b, at, width, min_delta, &last_slow, n, slow);
        assert_int_equal(last, last_slow);
        assert_memory_equal(fast, slow, (size_t)n * sizeof *fast);
    }
}

/* INT32 columns count modulo 2^32: the same low bits as of the 64-bit sums. */
static void narrow_deltas_are_the_wide_ones(void **state)
{
    (void)state;
    page_bytes p = {{0}};
    uint64_t seed = test_seed();

    for (int round = 0; round < 2000; round++) {
        static const uint8_t head[] = {128, 1, 4, 0xe8, 7, 200, 1}; /* 128 / 4, 1000 values */
        uint32_t narrow[1000];
        int64_t wide[1000];
        pq_delta a, b;

        memcpy(p.b, head, sizeof head);
        for (size_t i = sizeof head; i < sizeof p.b - PQ_SLACK; i++)
            p.b[i] = (uint8_t)(test_random(&seed) % (1 + PQ_DELTA32_WIDTH));
        assert_null(pq_delta_init(&a, p.b, p.b + sizeof p.b - PQ_SLACK, PQ_DELTA32_WIDTH));
        assert_null(pq_delta_init(&b, p.b, p.b + sizeof p.b - PQ_SLACK, PQ_DELTA32_WIDTH));
        for (int64_t i = 0; i < 1000;) {
            int64_t n = VJ_MIN((int64_t)(test_random(&seed) % 200), 1000 - i);
            const char *why = pq_delta_read32(&a, n, narrow + i);

            assert_true((why == NULL) == (pq_delta_read(&b, n, wide + i) == NULL));
            if (why != NULL)
                break;
            for (int64_t k = i; k < i + n; k++)
                assert_int_equal(narrow[k], (uint32_t)wide[k]);
            i += n;
        }
    }
}

static void broken_deltas_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t len;
    } cases[] = {
        {{0}, 0},
        {{0x80, 1, 4, 5}, 4},                      /* no first value */
        {{0, 4, 5, 2}, 4},                         /* block of nothing */
        {{0x80, 1, 0, 5, 2}, 5},                   /* no miniblocks */
        {{0x80, 1, 3, 5, 2}, 5},                   /* 128 is no multiple of 3 */
        {{4, 1, 5, 2}, 4},                         /* 4 values a miniblock */
        {{0x80, 1, 4, 5, 2, 2, 0, 0}, 8},          /* widths missing */
        {{0x80, 1, 4, 5, 2, 2, 33, 0, 0, 0}, 10},  /* width above 32 */
        {{0x80, 1, 4, 9, 2, 2, 8, 0, 0, 0, 1}, 11} /* miniblock cut */
    };

    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        page_bytes p = {{0}};
        const uint8_t *end = NULL;
        int64_t v[8];
        pq_delta d;

        memcpy(p.b, cases[i].bytes, cases[i].len);
        const char *why = pq_delta_init(&d, p.b, p.b + cases[i].len, 32);
        if (why == NULL)
            why = pq_delta_end(&d, &end);
        assert_non_null(why);
        if (pq_delta_init(&d, p.b, p.b + cases[i].len, 32) == NULL)
            assert_non_null(pq_delta_read(&d, 5, v));
    }
}

/* Values of random lengths, some of which hold what looks like further values. */
static size_t draw_texts(uint64_t *seed, bool decoys, uint8_t *to, size_t room, uint32_t *offs,
                         int64_t *n)
{
    size_t at = 0;

    for (*n = 0; at + 300 < room; ++*n) {
        uint32_t len = (uint32_t)(test_random(seed) % 100 == 0 ? 200 : !decoys + test_random(seed) % 14);

        offs[*n] = (uint32_t)at;
        memcpy(to + at, &len, sizeof len);
        for (uint32_t i = 0; i < len; i++)
            to[at + 4 + i] = decoys ? (uint8_t)(i % 4 == 0 ? test_random(seed) % 3 : 0)
                                    : (uint8_t)('a' + i % 20);
        at += 4 + len;
    }
    return at;
}

static void chains_find_the_values_or_say_that_they_do_not(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    static uint8_t page[40000 + PQ_SLACK];
    static uint32_t offs[10001];
    static uint32_t marks[40000];
    int found = 0;

    for (int round = 0; round < 60; round++) {
        int64_t n = 0;
        size_t len = draw_texts(&seed, round % 3 == 2, page, round % 7 == 0 ? 900 : 40000, offs, &n);
        bool cut = round % 5 == 4;
        pq_walk walk;

        assert_true(pq_walk_marks(len) <= VJ_COUNT(marks));
        bool whole = pq_walk_begin(&walk, page, len - cut, marks);
        found += whole;
        assert_false(whole && cut);
        assert_false(whole && round % 7 == 0); /* too short to be worth it */
        if (round % 3 != 2 && round % 7 != 0 && !cut)
            assert_true(whole);
        for (int64_t i = 0; whole && i < n; i++)
            assert_ptr_equal(pq_walk_find(&walk, i), page + offs[i]);
        if (whole)
            assert_int_equal(pq_walk_count(&walk), n);
    }
    assert_true(found > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpacked_values_equal_their_bits),
        cmocka_unit_test(runs_of_both_kinds_are_read),
        cmocka_unit_test(picked_and_skipped_values_are_the_read_ones),
        cmocka_unit_test(bits_of_width_one_are_counted),
        cmocka_unit_test(bits_equal_the_levels),
        cmocka_unit_test(ranks_count_the_ones_before),
        cmocka_unit_test(broken_runs_are_refused),
        cmocka_unit_test(deltas_give_the_values_back),
        cmocka_unit_test(sums_of_deltas_equal_their_scalar_twin),
        cmocka_unit_test(narrow_deltas_are_the_wide_ones),
        cmocka_unit_test(broken_deltas_are_refused),
        cmocka_unit_test(chains_find_the_values_or_say_that_they_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
