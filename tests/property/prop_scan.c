/* prop_scan.c - the vector bodies of the delimiter scan equal the scalar one. */
#include <stdlib.h>

#include "hts/scan.h"
#include "support/support.h"

static void vector_bodies_equal_the_scalar_one(void **state)
{
    (void)state;
    uint64_t rng = test_seed();
    char text[300 + VJ_SCAN_PAD_BYTES];
    uint32_t want[300];
    uint32_t got[300];

    for (int round = 0; round < 20000; round++) {
        size_t beg = test_random(&rng) % 40;
        size_t len = test_random(&rng) % (300 - beg);
        size_t max = test_random(&rng) % 2 == 0 ? 300 : test_random(&rng) % 12;
        unsigned rare = 1 + (unsigned)(test_random(&rng) % 30);
        size_t count = 0;

        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (char)(test_random(&rng) % rare == 0 ? '\t' : 33 + test_random(&rng) % 90);
        /* any one byte, so that each is seen alone to be of its kind */
        text[test_random(&rng) % sizeof text] = (char)(test_random(&rng) % 256);
        for (size_t i = beg; i < beg + len; i++)
            count += text[i] == '\t';
        size_t n = vj_scan_delims_scalar(text + beg, len, '\t', want, max);
        assert_int_equal(vj_scan_delims(text + beg, len, '\t', got, max), n);
        assert_int_equal(n, VJ_MIN(count, max));
        assert_memory_equal(got, want, n * sizeof *want);
        for (size_t i = 0; i < sizeof text; i++)
            if (text[i] == '\t')
                text[i] = round % 2 == 0 ? ':' : ',';
        assert_true(vj_scan_best_marks()(text + beg, len) ==
                    vj_scan_marks_scalar(text + beg, len));
        for (size_t i = 0; i < sizeof text; i++)
            if (text[i] == (round % 2 == 0 ? ':' : ','))
                text[i] = '\t';
        count = 0;
        for (size_t i = beg; i < beg + len; i++)
            count += text[i] == '\t';
        assert_int_equal(vj_scan_count(text + beg, len, '\t'), count);
        assert_int_equal(vj_scan_kinds(text + beg, len), vj_scan_kinds_scalar(text + beg, len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vector_bodies_equal_the_scalar_one)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
