/* Lines that are looked at before they are taken: what a sweep over several inputs cuts by. */
#include <stdio.h>

#include "support/support.h"

#include "hts/hts.h"

#define HEAD "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
#define RECORD(contig, pos1) contig "\t" pos1 "\t.\tA\tC\t.\t.\t.\n"

typedef struct peeking {
    vj_vcf_reader *reader;
    vj_vcf_block *block;
    vj_vcf_rows *rows;
    vj_error err;
} peeking;

static peeking open_text(const char *text)
{
    const vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    peeking p = {0};

    assert_ok(vj_vcf_open_memory("peek.vcf", text, strlen(text), &options, NULL, &p.reader, &p.err),
              &p.err);
    assert_ok(vj_vcf_block_new(NULL, &p.block, &p.err), &p.err);
    assert_ok(vj_vcf_rows_new(p.reader, NULL, &p.rows, &p.err), &p.err);
    return p;
}

static void close_text(peeking *p)
{
    vj_vcf_rows_free(p->rows);
    vj_vcf_block_free(p->block);
    vj_vcf_free(p->reader);
}

static int64_t peek(peeking *p, int64_t lines, int64_t bytes)
{
    int64_t n = -1;

    assert_ok(vj_vcf_peek(p->reader, lines, bytes, &n, &p->err), &p->err);
    return n;
}

static void assert_place(const peeking *p, int64_t i, const char *contig, int64_t pos1)
{
    vj_span found = {0};
    int64_t found_pos1 = 0;

    vj_vcf_peek_place(p->reader, i, &found, &found_pos1);
    assert_true(vj_span_is(found, contig));
    assert_int_equal(found_pos1, pos1);
}

/* Take n lines; the rows they gave, -1: none was there. */
static int64_t take(peeking *p, int64_t n)
{
    bool more = false;

    assert_ok(vj_vcf_block_take(p->reader, n, p->block, &more, &p->err), &p->err);
    if (!more)
        return -1;
    assert_ok(vj_vcf_parse(p->reader, p->block, p->rows, &p->err), &p->err);
    return p->rows->n_rows;
}

static void places_of_lines_that_stay(void **state)
{
    (void)state;
    peeking p = open_text(HEAD RECORD("chr1", "5") RECORD("chr1", "7") RECORD("2", "3"));

    assert_int_equal(peek(&p, 2, 1000), 2);
    assert_place(&p, 1, "chr1", 7);
    assert_int_equal(peek(&p, 10, 1000), 3);
    assert_place(&p, 0, "chr1", 5);
    assert_place(&p, 2, "2", 3);
    assert_int_equal(take(&p, 1), 1);
    assert_int_equal(p.rows->keys.keys.ptr[0].pos1, 5);
    assert_int_equal(peek(&p, 10, 1000), 2);
    assert_place(&p, 0, "chr1", 7);
    assert_int_equal(take(&p, 2), 2);
    assert_int_equal(peek(&p, 10, 1000), 0);
    assert_int_equal(take(&p, 1), -1);
    close_text(&p);
}

static void the_last_line_needs_no_end_and_a_long_one_counts(void **state)
{
    (void)state;
    peeking p = open_text(HEAD RECORD("1", "5") "1\t9\t.\tA\tC\t.\t.\t.");

    assert_int_equal(peek(&p, 5, 3), 1); /* longer than what is asked for: one all the same */
    assert_int_equal(take(&p, 1), 1);
    assert_int_equal(peek(&p, 5, 1000), 1);
    assert_place(&p, 0, "1", 9);
    assert_int_equal(take(&p, 1), 1);
    assert_int_equal(peek(&p, 5, 1000), 0);
    close_text(&p);
}

static void broken_and_blank_lines_have_no_place(void **state)
{
    (void)state;
    peeking p = open_text(HEAD "\n1\n1\tx\t.\n\t4\t.\n" RECORD("1", "99999999999999999999"));

    assert_int_equal(peek(&p, 9, 1000), 5);
    assert_place(&p, 0, "", -1);
    assert_place(&p, 1, "1", -1);
    assert_place(&p, 2, "1", -1);
    assert_place(&p, 3, "", 4);
    assert_place(&p, 4, "1", -1);
    close_text(&p);
}

/* However they are cut, every record comes once and in order; blank lines at the end are nothing. */
static void any_cuts_give_the_same_records(void **state)
{
    (void)state;
    char text[40000] = HEAD;
    size_t len = strlen(text);
    vj_error err = {0};
    bool more = false;

    for (int i = 1; i <= 900; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "1\t%d\t.\tA\tC\t.\t.\t.\n%s",
                                i, i == 900 ? "\n\n\n" : "");
    for (unsigned seed = 1; seed <= 5; seed++) {
        peeking p = open_text(text);
        unsigned random = seed;
        int64_t next_pos1 = 1;

        for (;;) {
            random = random * 1103515245u + 12345u;
            int64_t n = peek(&p, 1 + (random >> 8) % 200, 1 + (random >> 4) % 3000);
            if (n == 0)
                break;
            assert_ok(vj_vcf_block_take(p.reader, 1 + (random >> 16) % n, p.block, &more, &err),
                      &err);
            if (!more)
                continue;
            assert_ok(vj_vcf_parse(p.reader, p.block, p.rows, &err), &err);
            for (size_t k = 0; k < p.rows->keys.keys.n; k++)
                assert_int_equal(p.rows->keys.keys.ptr[k].pos1, next_pos1++);
            assert_false(p.rows->counts.unsorted);
        }
        assert_int_equal(next_pos1, 901);
        close_text(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_lines_that_stay),
        cmocka_unit_test(the_last_line_needs_no_end_and_a_long_one_counts),
        cmocka_unit_test(broken_and_blank_lines_have_no_place),
        cmocka_unit_test(any_cuts_give_the_same_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
