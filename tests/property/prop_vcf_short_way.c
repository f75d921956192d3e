/*
 * prop_vcf_short_way.c - the short way of the usual record (one ALT, one sample) gives what the
 * long way gives: each record is read from a file with one sample and from a file that holds the
 * sample twice, where every row must come out twice.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support/vcf_case.h"

#define N_RECORDS 60
#define N_ROUNDS 60

static const char head[] = VCF_HEAD
    "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n"
    "##INFO=<ID=DPX,Number=.,Type=Integer,Description=\"d\">\n"
    "##INFO=<ID=AF,Number=A,Type=Float,Description=\"d\">\n"
    "##INFO=<ID=LONGER_THAN_8,Number=1,Type=Float,Description=\"d\">\n"
    "##INFO=<ID=DB,Number=0,Type=Flag,Description=\"d\">\n"
    "##INFO=<ID=END,Number=1,Type=Integer,Description=\"d\">\n"
    "##INFO=<ID=T,Number=1,Type=String,Description=\"d\">\n"
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"d\">\n"
    "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"d\">\n"
    "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"d\">\n"
    "##FORMAT=<ID=VAF,Number=A,Type=Float,Description=\"d\">\n"
    "##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"d\">\n"
    "##FORMAT=<ID=P2,Number=2,Type=Integer,Description=\"d\">\n"
    "##FORMAT=<ID=FT,Number=.,Type=String,Description=\"d\">\n"
    "##FORMAT=<ID=LEN,Number=1,Type=Integer,Description=\"d\">\n";

static const char *const values[] = {
    "0",    "7",     "12",   "-3",  "1,2",  "1,2,3", ".",        "",       "x",
    "0.5",  "1e-3",  "5.",   ".5",  ".",    "nan",   "1.,2",     "007",    "0.333333",
    "1,.",  ".,.",   "a,b",  "1,",  "+4",   "0/1",   "16777217", "0.1234567890123",
    "0|0",  "1/1/1", "./.",  "0/2", "./1",  "1",     "999999999", "9999999999", "123456789.5",
    "2147483647", "33554433", "1.00000001", "0.00000000001"};

static const char *pick(uint64_t *rng, const char *const *from, size_t n)
{
    return from[test_random(rng) % n];
}

/* A record up to FORMAT, and its sample. */
static void make_record(uint64_t *rng, int pos, char *record, size_t cap, char *sample,
                        size_t sample_cap)
{
    static const char *const info[] = {"DP", "DPX", "AF", "LONGER_THAN_8", "DB", "END", "T", "NEW"};
    static const char *const format[] = {"GT", "GQ", "AD", "VAF", "PL", "P2", "FT", "XX", "LEN"};
    static const char *const alts[] = {"G", "G", "G", "AT", ".", "<DEL>", "<*>", "g", "*",
                                       "ACGTACGTACGTACGTA", "A1", "C]2:3]"};
    static const char *const ids[] = {".", ".", "rs1", "a;b", "an_id_of_more_than_16_bytes"};
    static const char *const refs[] = {"A", "A", "AC", "acG", "N", "ACGTACGTACGTACGTACGT", "G1"};
    static const char *const quals[] = {".", "10.2", "7", "0", "1e2", "x", "123456.78",
                                        "99999999999", "0.000000001", "12345678.12345678"};
    static const char *const filters[] = {".", "PASS", "PASS", "q10;s50", "a_filter_of_length_19"};
    size_t n = (size_t)snprintf(record, cap, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t",
                                pos % 23 == 0 ? "chr2" : "1", pos, pick(rng, ids, VJ_COUNT(ids)),
                                pick(rng, refs, VJ_COUNT(refs)), pick(rng, alts, VJ_COUNT(alts)),
                                pick(rng, quals, VJ_COUNT(quals)),
                                pick(rng, filters, VJ_COUNT(filters)));
    size_t n_sample = 0;
    size_t n_info = test_random(rng) % 5;
    size_t n_format = test_random(rng) % 7;

    for (size_t i = 0; i < n_info; i++)
        n += (size_t)snprintf(record + n, cap - n, "%s%s%s%s", i > 0 ? ";" : "",
                              pick(rng, info, VJ_COUNT(info)),
                              test_random(rng) % 8 > 0 ? "=" : "",
                              pick(rng, values, VJ_COUNT(values)));
    n += (size_t)snprintf(record + n, cap - n, "%s\t", n_info == 0 ? "." : "");
    sample[0] = '\0';
    for (size_t i = 0; i < n_format; i++) {
        n += (size_t)snprintf(record + n, cap - n, "%s%s", i > 0 ? ":" : "",
                              pick(rng, format, VJ_COUNT(format)));
        if (i == 0 || test_random(rng) % 8 > 0)
            n_sample += (size_t)snprintf(sample + n_sample, sample_cap - n_sample, "%s%s",
                                         i > 0 ? ":" : "", pick(rng, values, VJ_COUNT(values)));
    }
    snprintf(record + n, cap - n, "%s", n_format == 0 ? "." : "");
}

static void assert_twice(const char *once, const char *twice)
{
    while (*once != '\0') {
        size_t n = strcspn(once, "\n") + 1;

        for (int i = 0; i < 2; i++) {
            if (strncmp(once, twice, n) != 0)
                fail_msg("the short way: %.*sthe long way: %.*s", (int)n, once,
                         (int)strcspn(twice, "\n"), twice);
            twice += n;
        }
        once += n;
    }
    assert_string_equal(twice, "");
}

static void one_round(uint64_t *rng)
{
    static char one[100000];
    static char two[100000];
    size_t n_one = (size_t)snprintf(one, sizeof one, "%s" VCF_COLS "\tFORMAT\tS\n", head);
    size_t n_two = (size_t)snprintf(two, sizeof two, "%s" VCF_COLS "\tFORMAT\tS\tS2\n", head);
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    static const char columns[] = "chrom,start,end,rsid,ref,alt,alt_index,qual,filter,genotype,DP,"
                                  "DPX,AF,LONGER_THAN_8,DB,T,GQ,AD,VAF,PL,P2,FT";

    for (int i = 0; i < N_RECORDS; i++) {
        char record[600];
        char sample[600];

        make_record(rng, i + 1, record, sizeof record, sample, sizeof sample);
        n_one += (size_t)snprintf(one + n_one, sizeof one - n_one, "%s\t%s\n", record, sample);
        n_two += (size_t)snprintf(two + n_two, sizeof two - n_two, "%s\t%s\t%s\n", record, sample,
                                  sample);
    }
    options.all_samples = true;
    vcf_case a = vcf_case_text(one, NULL, columns);
    vcf_case b = vcf_case_text(two, &options, columns);
    assert_int_equal(a.status, VJ_OK);
    assert_int_equal(b.status, VJ_OK);
    assert_twice(a.rows, b.rows);
    vcf_case_fini(&a);
    vcf_case_fini(&b);
}

static void the_short_way_equals_the_long_one(void **state)
{
    (void)state;
    uint64_t rng = test_seed();

    for (int i = 0; i < N_ROUNDS; i++)
        one_round(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_short_way_equals_the_long_one)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
