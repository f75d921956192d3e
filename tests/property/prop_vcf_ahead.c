/*
 * prop_vcf_ahead.c - a BGZF file read in the three steps for several workers has the rows, counts
 * and notes that it has read at once: lines of any length, blank ones, CRLF, no end of the last
 * line, BGZF blocks that end anywhere.
 */
#include <stdlib.h>

#include "support/bgzf_make.h"
#include "support/vcf_case.h"

static const char head[] = VCF_HEAD
    "##INFO=<ID=T,Number=1,Type=String,Description=\"d\">\n" VCF_COLS "\n";

static void add(vj_buf *text, const char *part)
{
    vj_error err = {0};

    assert_ok(vj_buf_append_text(text, part, &err), &err);
}

/* Mostly short, some longer than the gap before a block, a few longer than a block. */
static size_t random_length(uint64_t *rng)
{
    uint64_t kind = test_random(rng) % 400;

    return test_random(rng) % (kind < 388 ? 40 : kind < 399 ? 20000 : 90000);
}

static void make_text(uint64_t *rng, vj_buf *text)
{
    size_t n = test_random(rng) % 100;
    bool crlf = test_random(rng) % 4 == 0;
    vj_error err = {0};

    add(text, head);
    for (size_t i = 0; i < n; i++) {
        assert_ok(vj_buf_printf(text, &err, "%d\t%zu\t.\tA\tC\t.\t.\tT=x", i < n / 2 ? 1 : 2,
                                test_random(rng) % 50 == 0 ? 1 : i + 1), &err);
        for (size_t k = random_length(rng); k > 0; k--)
            assert_ok(vj_buf_push(text, (uint8_t)('a' + k % 26), &err), &err);
        if (i + 1 < n || test_random(rng) % 3 > 0)
            add(text, crlf ? "\r\n" : "\n");
    }
    for (uint64_t k = test_random(rng) % 8; k > 4; k--)
        add(text, "\n"); /* blank lines at the end are none */
}

static void pack(uint64_t *rng, const vj_buf *text, vj_buf *file)
{
    size_t most = (size_t)1 << (5 + test_random(rng) % 11);

    for (size_t at = 0; at < text->len_bytes;) {
        size_t wish = test_random(rng) % (most + 1);
        size_t n = VJ_MIN(wish, text->len_bytes - at);

        bgzf_add_block(file, text->ptr + at, n); /* empty ones may stand anywhere */
        at += n;
    }
    bgzf_add_block(file, "", 0);
}

static void steps_give_what_one_call_gives(void **state)
{
    (void)state;
    uint64_t rng = test_seed();

    for (int round = 0; round < 40; round++) {
        vj_buf text = {0};
        vj_buf file = {0};
        int64_t lines = 1 + (int64_t)(test_random(&rng) % 60);

        make_text(&rng, &text);
        pack(&rng, &text, &file);
        vcf_case once = vcf_case_run(file.ptr, file.len_bytes, NULL, "chrom,start,T", 1000000,
                                     1 << 28);
        vcf_case ahead = vcf_case_run(file.ptr, file.len_bytes, NULL, "chrom,start,T", -lines,
                                      1 << (4 + test_random(&rng) % 16));
        if (once.status != VJ_OK)
            fail_msg("round %d, at once: %s", round, once.err.text);
        if (ahead.status != VJ_OK)
            fail_msg("round %d: %s", round, ahead.err.text);
        assert_string_equal(ahead.rows, once.rows);
        assert_string_equal(ahead.keys, once.keys);
        assert_int_equal(ahead.counts.n_records, once.counts.n_records);
        assert_int_equal(ahead.counts.unsorted, once.counts.unsorted);
        assert_string_equal(ahead.counts.unsorted_at, once.counts.unsorted_at);
        assert_int_equal(ahead.n_notes, once.n_notes);
        vcf_case_fini(&once);
        vcf_case_fini(&ahead);
        vj_buf_fini(&text);
        vj_buf_fini(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_give_what_one_call_gives)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
