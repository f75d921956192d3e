/*
 * test_vcf_conformance.c - the specification clause by clause (docs/vcf-conformance.md cites the
 * tests by name): what is refused, what becomes null, what is kept and counted, what is legal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support/vcf_case.h"

#define V45 "##fileformat=VCFv4.5\n"
#define DEF(SECTION, ID, NUMBER, TYPE)                                                     \
    "##" SECTION "=<ID=" ID ",Number=" NUMBER ",Type=" TYPE ",Description=\"d\">\n"
#define INFOS                                                                              \
    DEF("INFO", "I", "1", "Integer") DEF("INFO", "F", "1", "Float")                        \
    DEF("INFO", "C", "1", "Character") DEF("INFO", "S", "1", "String")                     \
    DEF("INFO", "B", "0", "Flag") DEF("INFO", "I2", "2", "Integer")                        \
    DEF("INFO", "A", "A", "Integer") DEF("INFO", "R", "R", "Integer")                      \
    DEF("INFO", "G", "G", "Integer") DEF("INFO", "L", ".", "String")                       \
    DEF("INFO", "END", "1", "Integer")
#define FORMATS                                                                            \
    DEF("FORMAT", "GT", "1", "String") DEF("FORMAT", "DP", "1", "Integer")                 \
    DEF("FORMAT", "AD", "R", "Integer") DEF("FORMAT", "FT", "1", "String")
#define CONTIG "##contig=<ID=1,length=1000>\n"
#define SITES V45 CONTIG INFOS VCF_COLS "\n"
#define SAMPLE V45 CONTIG INFOS FORMATS VCF_COLS "\tFORMAT\tS1\n"
#define NOT_ODD VJ_ODD_KINDS

/* What a record gives: cells, and the one kind of oddness that is counted once. */
typedef struct rule {
    const char *record, *cells;
    vj_vcf_odd odd;
} rule;

static void check_counts(const rule *r, const vj_vcf_counts *counts)
{
    for (int k = 0; k < VJ_ODD_KINDS; k++)
        if (counts->odd[k] != (k == (int)r->odd))
            fail_msg("%s: %s counted %lld times", r->record, vj_vcf_odd_name((vj_vcf_odd)k),
                     (long long)counts->odd[k]);
    if (r->odd != NOT_ODD && vj_vcf_odd_keeps(r->odd) != (counts->kept_example[0] != '\0'))
        fail_msg("%s: kept: '%s'", r->record, counts->kept_example);
}

/* Each record alone behind the header; its line and line end are put around the record. */
static void check_rules(const char *header, const char *before, const char *columns,
                        const rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[4000];

        snprintf(text, sizeof text, "%s%s%s\n", header, before, rules[i].record);
        vcf_case c = vcf_case_text(text, NULL, columns);
        if (c.status != VJ_OK)
            fail_msg("%s: %s", rules[i].record, c.err.text);
        if (strcmp(c.rows, rules[i].cells) != 0)
            fail_msg("%s: expected '%s', found '%s'", rules[i].record, rules[i].cells, c.rows);
        check_counts(&rules[i], &c.counts);
        vcf_case_fini(&c);
        /* strict: what is odd ends the run, and names its line; keys without a header line do not */
        vj_vcf_read_options strict = VJ_VCF_READ_OPTIONS_INIT;
        bool fails = rules[i].odd != NOT_ODD && rules[i].odd != VJ_ODD_UNDECLARED;
        strict.strict = true;
        c = vcf_case_text(text, &strict, columns);
        if ((c.status == VJ_E_CORRUPT) != fails || (fails && strstr(c.err.text, ": line ") == NULL))
            fail_msg("%s: strict: %s", rules[i].record, c.err.text);
        vcf_case_fini(&c);
    }
}
#define CHECK(HEADER, BEFORE, COLUMNS, RULES)                                              \
    check_rules(HEADER, BEFORE, COLUMNS, RULES, VJ_COUNT(RULES))

static void check_refused(const char *before, const char *const (*cases)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[4000];

        snprintf(text, sizeof text, "%s%s", before, cases[i][0]);
        vcf_case c = vcf_case_text(text, NULL, NULL);
        if ((c.status != VJ_E_CORRUPT && c.status != VJ_E_UNSUPPORTED) ||
            strstr(c.err.text, "t.vcf") == NULL || strstr(c.err.text, cases[i][1]) == NULL)
            fail_msg("'%s': expected '%s', found status %d '%s'", cases[i][0], cases[i][1],
                     (int)c.status, c.err.text);
        vcf_case_fini(&c);
    }
}

/* 1: zero-length fields; line ends; 1.2: encoding and control bytes */
static void characters_and_line_ends(void **state)
{
    (void)state;
    static const rule rules[] = {
        {"1\t5\t\tA\tG\t1\tPASS\t.", "5 . A G 1 PASS .\n", VJ_ODD_BAD_TEXT},
        {"1\t5\t.\tA\tG\t\tPASS\t.", "5 . A G . PASS .\n", VJ_ODD_BAD_TEXT},
        {"1\t5\t.\tA\tG\t1\t\t.", "5 . A G 1 . .\n", VJ_ODD_BAD_TEXT},
        {"1\t5\t.\tA\tG\t1\tPASS\t", "5 . A G 1 PASS .\n", VJ_ODD_BAD_TEXT},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=x\r", "5 . A G 1 PASS x\n", NOT_ODD},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=x\t", "5 . A G 1 PASS x\n", NOT_ODD},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=\xc3\xa9", "5 . A G 1 PASS \xc3\xa9\n", NOT_ODD},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=\xc3", "5 . A G 1 PASS \xef\xbf\xbd\n", VJ_ODD_BAD_UTF8},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=a\x01", "5 . A G 1 PASS a\x01\n", VJ_ODD_BAD_TEXT},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=a\x0b", "5 . A G 1 PASS a\x0b\n", VJ_ODD_BAD_TEXT},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=a b", "5 . A G 1 PASS a b\n", NOT_ODD},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=%3A%3b%3D%25%2C", "5 . A G 1 PASS :;=%,\n", NOT_ODD},
        {"1\t5\t.\tA\tG\t1\tPASS\tS=%41%", "5 . A G 1 PASS %41%\n", NOT_ODD},
    };
    CHECK(SITES, "", "start,rsid,ref,alt,qual,filter,S", rules);
    static const char nul[] = SITES "1\t5\t.\tA\tG\t.\t.\tS=a\0b\n";
    vcf_case c = vcf_case_run(nul, sizeof nul - 1, NULL, NULL, 100, 1000);
    assert_int_equal(c.status, VJ_E_CORRUPT);
    assert_non_null(strstr(c.err.text, "line 15: expected text without NUL bytes"));
    vcf_case_fini(&c);
}

/* 1.3: Integer, Float, Flag, Character, String; 1.4.2: Number */
static void types_and_numbers_of_info(void **state)
{
    (void)state;
    static const rule rules[] = {
        {"I=5", "5 . . . false . . . . .\n", NOT_ODD},
        {"I=+5", "5 . . . false . . . . .\n", NOT_ODD},
        {"I=.", ". . . . false . . . . .\n", NOT_ODD},
        {"I=2147483647", "2147483647 . . . false . . . . .\n", NOT_ODD},
        {"I=2147483648", ". . . . false . . . . .\n", VJ_ODD_BAD_INTEGER},
        {"I=-2147483640", "-2147483640 . . . false . . . . .\n", NOT_ODD},
        {"I=-2147483641", "-2147483641 . . . false . . . . .\n", VJ_ODD_BAD_RANGE},
        {"I=-2147483648", "-2147483648 . . . false . . . . .\n", VJ_ODD_BAD_RANGE},
        {"I=-2147483649", ". . . . false . . . . .\n", VJ_ODD_BAD_INTEGER},
        {"I=1.5", ". . . . false . . . . .\n", VJ_ODD_BAD_INTEGER},
        {"I=1e3", ". . . . false . . . . .\n", VJ_ODD_BAD_INTEGER},
        {"I=0x10", ". . . . false . . . . .\n", VJ_ODD_BAD_INTEGER},
        {"I=", ". . . . false . . . . .\n", VJ_ODD_NO_VALUE},
        {"I", ". . . . false . . . . .\n", VJ_ODD_NO_VALUE},
        {"I=1,2", ". . . . false . . . . .\n", VJ_ODD_BAD_NUMBER},
        {"F=-.5e-3", ". -0.0005 . . false . . . . .\n", NOT_ODD},
        {"F=1.", ". 1 . . false . . . . .\n", NOT_ODD},
        {"F=Infinity", ". inf . . false . . . . .\n", NOT_ODD},
        {"F=-INF", ". -inf . . false . . . . .\n", NOT_ODD},
        {"F=NaN", ". nan . . false . . . . .\n", NOT_ODD},
        {"F=0e9", ". 0 . . false . . . . .\n", NOT_ODD},
        {"F=1e-50", ". 0 . . false . . . . .\n", VJ_ODD_BAD_RANGE},
        {"F=1e50", ". inf . . false . . . . .\n", VJ_ODD_BAD_RANGE},
        {"F=0.5x", ". . . . false . . . . .\n", VJ_ODD_BAD_FLOAT},
        {"F=0x1p3", ". . . . false . . . . .\n", VJ_ODD_BAD_FLOAT},
        {"F=,", ". . . . false . . . . .\n", VJ_ODD_BAD_NUMBER},
        {"C=x", ". . x . false . . . . .\n", NOT_ODD},
        {"C=\xc3\xa9", ". . \xc3\xa9 . false . . . . .\n", NOT_ODD},
        {"C=%3B", ". . ; . false . . . . .\n", NOT_ODD},
        {"C=xy", ". . xy . false . . . . .\n", VJ_ODD_BAD_TEXT},
        {"S=a,b=c", ". . . a,b=c false . . . . .\n", NOT_ODD},
        {"B", ". . . . true . . . . .\n", NOT_ODD},
        {"B=1", ". . . . true . . . . .\n", VJ_ODD_BAD_FLAG},
        {"I2=1,2", ". . . . false [1,2] . . . .\n", NOT_ODD},
        {"I2=.,.", ". . . . false [.,.] . . . .\n", NOT_ODD},
        {"I2=.", ". . . . false . . . . .\n", NOT_ODD},
        {"I2=1", ". . . . false . . . . .\n", VJ_ODD_BAD_NUMBER},
        {"I2=1,x", ". . . . false [1,.] . . . .\n", VJ_ODD_BAD_INTEGER},
        {"A=1", ". . . . false . 1 . . .\n", NOT_ODD},
        {"A=1,2", ". . . . false . . . . .\n", VJ_ODD_BAD_NUMBER},
        {"R=1,2", ". . . . false . . [1,2] . .\n", NOT_ODD},
        {"R=1", ". . . . false . . . . .\n", VJ_ODD_BAD_NUMBER},
        {"G=1,2,3", ". . . . false . . . [1,2,3] .\n", NOT_ODD},
        {"G=1", ". . . . false . . . [1] .\n", NOT_ODD}, /* ploidy is not known in INFO */
        {"L=a,.,b", ". . . . false . . . . [a,.,b]\n", NOT_ODD},
        {"I=1;I=2", "1 . . . false . . . . .\n", VJ_ODD_DUPLICATE_KEY},
        {"I=1;;S=x;", "1 . . x false . . . . .\n", NOT_ODD},
        {"I=1;NEW=2", "1 . . . false . . . . .\n", VJ_ODD_UNDECLARED},
        {"i=1", ". . . . false . . . . .\n", VJ_ODD_UNDECLARED},
        {"=1", ". . . . false . . . . .\n", VJ_ODD_UNDECLARED},
        {"I =1", ". . . . false . . . . .\n", VJ_ODD_UNDECLARED},
    };
    CHECK(SITES, "1\t5\t.\tA\tG\t.\t.\t", "I,F,C,S,B,I2,A,R,G,L", rules);
}

/* 1.6.1: CHROM and POS */
static void contigs_and_positions(void **state)
{
    (void)state;
    static const rule rules[] = {
        {"1\t0\t.\tN\tG\t.\t.\t.", "1 0 0\n", NOT_ODD},
        {"1\t1000\t.\tA\tG\t.\t.\t.", "1 1000 1000\n", NOT_ODD},
        {"1\t1001\t.\tA\tG\t.\t.\t.", "1 1001 1001\n", NOT_ODD}, /* the telomere */
        {"1\t1002\t.\tA\tG\t.\t.\t.", "1 1002 1002\n", VJ_ODD_BAD_RANGE},
        {"2\t4294967295\t.\tA\tG\t.\t.\t.", "2 4294967295 4294967295\n", NOT_ODD},
        {"1\t007\t.\tA\tG\t.\t.\t.", "1 7 7\n", NOT_ODD},
        {"<ctg1>\t7\t.\tA\tG\t.\t.\t.", "<ctg1> 7 7\n", NOT_ODD},
        {"HLA-A*01:01\t7\t.\tA\tG\t.\t.\t.", "HLA-A*01:01 7 7\n", NOT_ODD},
        {"c 1\t7\t.\tA\tG\t.\t.\t.", "c 1 7 7\n", VJ_ODD_BAD_TEXT},
        {"c,1\t7\t.\tA\tG\t.\t.\t.", "c,1 7 7\n", VJ_ODD_BAD_TEXT},
        {"*1\t7\t.\tA\tG\t.\t.\t.", "*1 7 7\n", VJ_ODD_BAD_TEXT},
        {"a]b\t7\t.\tA\tG\t.\t.\t.", "a]b 7 7\n", VJ_ODD_BAD_TEXT},
        {"1\t7\t.\tACG\tA\t.\t.\tEND=9", "1 7 9\n", NOT_ODD},
        {"1\t7\t.\tA\t<DEL>\t.\t.\tEND=900", "1 7 900\n", NOT_ODD},
        {"1\t7\t.\tA\t<DEL>\t.\t.\tEND=6", "1 7 7\n", VJ_ODD_BAD_END},
        {"1\t7\t.\tA\t<DEL>\t.\t.\tEND=x", "1 7 7\n", VJ_ODD_BAD_END},
    };
    static const char *const refused[][2] = {
        {"1\t.\t.\tA\tG\t.\t.\t.\n", "line 15: expected a POS from 0 to 4294967295, found '.'"},
        {"1\t-1\t.\tA\tG\t.\t.\t.\n", "expected a POS"},
        {"1\t4294967296\t.\tA\tG\t.\t.\t.\n", "expected a POS"},
        {"1\t1e3\t.\tA\tG\t.\t.\t.\n", "expected a POS"},
        {"1\t1,000\t.\tA\tG\t.\t.\t.\n", "expected a POS"},
        {"1\t 5\t.\tA\tG\t.\t.\t.\n", "expected a POS"},
        {"\t5\t.\tA\tG\t.\t.\t.\n", "expected a contig name"},
        {"#1\t5\t.\tA\tG\t.\t.\t.\n", "expected a contig name"},
        {"1\t5\t.\tA\tG\t.\t.\n", "expected 8 tab-separated columns (found 7)"},
        {"1\t5\t.\tA\tG\t.\t.\t.\tGT\n", "expected 8 tab-separated columns"},
        {"1 5 . A G . . .\n", "blanks instead of tabs?"},
        {"##late=1\n", "expected 8"},
        {"\n1\t5\t.\tA\tG\t.\t.\t.\n", "line 15: expected 8"},
    };
    CHECK(SITES, "", "chrom,start,end", rules);
    check_refused(SITES, refused, VJ_COUNT(refused));
}

/* 1.6.1: ID, QUAL, FILTER */
static void ids_qualities_and_filters(void **state)
{
    (void)state;
    static const rule rules[] = {
        {"rs1;rs2\tA\tG\t1\tPASS", "rs1;rs2 1 PASS\n", NOT_ODD},
        {"rs1;\tA\tG\t1\tPASS", "rs1; 1 PASS\n", VJ_ODD_BAD_TEXT},
        {";rs1\tA\tG\t1\tPASS", ";rs1 1 PASS\n", VJ_ODD_BAD_TEXT},
        {"rs 1\tA\tG\t1\tPASS", "rs 1 1 PASS\n", VJ_ODD_BAD_TEXT},
        {".\tA\tG\t1e-5\tPASS", ". 1e-05 PASS\n", NOT_ODD},
        {".\tA\tG\t+Inf\tPASS", ". inf PASS\n", NOT_ODD},
        {".\tA\tG\tNaN\tPASS", ". nan PASS\n", NOT_ODD},
        {".\tA\tG\t-0\tPASS", ". -0 PASS\n", NOT_ODD},
        {".\tA\tG\t-1\tPASS", ". -1 PASS\n", VJ_ODD_BAD_RANGE},
        {".\tA\tG\t1e400\tPASS", ". inf PASS\n", VJ_ODD_BAD_RANGE},
        {".\tA\tG\t1e-400\tPASS", ". 0 PASS\n", VJ_ODD_BAD_RANGE},
        {".\tA\tG\tq\tPASS", ". . PASS\n", VJ_ODD_BAD_FLOAT},
        {".\tA\tG\t.\tq10;s50", ". . q10;s50\n", NOT_ODD}, /* without header lines: legal */
        {".\tA\tG\t.\tPASS;", ". . PASS;\n", VJ_ODD_BAD_TEXT},
        {".\tA\tG\t.\tq10;;s50", ". . q10;;s50\n", VJ_ODD_BAD_TEXT},
        {".\tA\tG\t.\t0", ". . 0\n", VJ_ODD_BAD_TEXT},
        {".\tA\tG\t.\tq10;0", ". . q10;0\n", VJ_ODD_BAD_TEXT},
        {".\tA\tG\t.\tq10;.", ". . q10;.\n", VJ_ODD_BAD_TEXT},
        {".\tA\tG\t.\tq 10", ". . q 10\n", VJ_ODD_BAD_TEXT},
    };

    for (size_t i = 0; i < VJ_COUNT(rules); i++) {
        char record[200];

        snprintf(record, sizeof record, "1\t5\t%s\t.", rules[i].record);
        rule whole = {record, rules[i].cells, rules[i].odd};
        check_rules(SITES, "", "rsid,qual,filter", &whole, 1);
    }
}

/* 1.6.1: REF and ALT; 5.4: breakends; 5.5: unspecified alleles */
static void alleles(void **state)
{
    (void)state;
    static const rule rules[] = {
        {"A\tG", "A G\n", NOT_ODD},
        {"acgtn\tN", "acgtn N\n", NOT_ODD},
        {"A\tACGTNacgtn", "A ACGTNacgtn\n", NOT_ODD},
        {"A\t*", "A *\n", NOT_ODD},
        {"A\t.", "A .\n", NOT_ODD},
        {"A\t<DEL>", "A <DEL>\n", NOT_ODD},
        {"A\t<DEL:ME:ALU>", "A <DEL:ME:ALU>\n", NOT_ODD},
        {"A\t<*>", "A <*>\n", NOT_ODD},
        {"A\t<NON_REF>", "A <NON_REF>\n", NOT_ODD},
        {"A\tG]17:198982]", "A G]17:198982]\n", NOT_ODD},
        {"A\t]13:123456]T", "A ]13:123456]T\n", NOT_ODD},
        {"A\tC[<ctg1>:7[", "A C[<ctg1>:7[\n", NOT_ODD},
        {"A\t.[13:1[", "A .[13:1[\n", NOT_ODD},
        {"A\tG.", "A G.\n", NOT_ODD},
        {"A\t.G", "A .G\n", NOT_ODD},
        {"A\tC<ctg1>", "A C<ctg1>\n", NOT_ODD},
        {"R\tG", "R G\n", VJ_ODD_BAD_ALLELE},
        {".\tG", ". G\n", VJ_ODD_BAD_ALLELE},
        {"A-\tG", "A- G\n", VJ_ODD_BAD_ALLELE},
        {"A C\tG", "A C G\n", VJ_ODD_BAD_ALLELE},
        {"<A>\tG", "<A> G\n", VJ_ODD_BAD_ALLELE},
        {"A\tY", "A Y\n", VJ_ODD_BAD_ALLELE},
        {"A\tA G", "A A G\n", VJ_ODD_BAD_ALLELE},
        {"A\t-", "A -\n", VJ_ODD_BAD_ALLELE},
        {"A\t0", "A 0\n", VJ_ODD_BAD_ALLELE},
        {"A\tG;T", "A G;T\n", VJ_ODD_BAD_ALLELE},
        {"A\t..", "A ..\n", VJ_ODD_BAD_ALLELE},
        {"A\t<>", "A <>\n", VJ_ODD_BAD_ALLELE},
        {"A\t<A", "A <A\n", VJ_ODD_BAD_ALLELE},
        {"A\t<INS>X>", "A <INS>X>\n", VJ_ODD_BAD_ALLELE},
        {"A\t<A B>", "A <A B>\n", VJ_ODD_BAD_ALLELE},
        {"A\tG]17:1[", "A G]17:1[\n", VJ_ODD_BAD_ALLELE},
        {"A\t[17:1[", "A [17:1[\n", VJ_ODD_BAD_ALLELE},
        {"A\tG]17:1", "A G]17:1\n", VJ_ODD_BAD_ALLELE},
    };
    static const char *const refused[][2] = {
        {"1\t5\t.\t\tG\t.\t.\t.\n", "line 15: expected a REF allele"},
        {"1\t5\t.\tA\t\t.\t.\t.\n", "expected an ALT allele"},
        {"1\t5\t.\tA\tG,\t.\t.\t.\n", "expected an ALT allele or '.', found 'G,'"},
        {"1\t5\t.\tA\t,G\t.\t.\t.\n", "expected an ALT allele"},
        {"1\t5\t.\tA\tG,,T\t.\t.\t.\n", "expected an ALT allele"},
    };

    for (size_t i = 0; i < VJ_COUNT(rules); i++) {
        char record[200];

        snprintf(record, sizeof record, "1\t5\t.\t%s\t.\t.\t.", rules[i].record);
        rule whole = {record, rules[i].cells, rules[i].odd};
        check_rules(SITES, "", "ref,alt", &whole, 1);
    }
    check_refused(SITES, refused, VJ_COUNT(refused));
    /* '.' is for a record without alternatives */
    static const rule list[] = {{"1\t5\t.\tA\tG,.\t.\t.\t.", "G\n.\n", VJ_ODD_BAD_ALLELE},
                                {"1\t5\t.\tA\tG,<*>\t.\t.\t.", "G\n", NOT_ODD},
                                {"1\t5\t.\tA\tG,G\t.\t.\t.", "G\nG\n", NOT_ODD}};
    CHECK(SITES, "", "alt", list);
}

/* 1.6.2: FORMAT and samples */
static void genotype_fields(void **state)
{
    (void)state;
    static const rule rules[] = {
        {"GT:DP\t0/1:7", "[A,C] 7 . .\n", NOT_ODD},
        {"GT:DP:AD:FT\t0/1", "[A,C] . . .\n", NOT_ODD}, /* dropped at the end */
        {"GT:DP\t0/1:", "[A,C] . . .\n", NOT_ODD},
        {"GT\t.", "[] . . .\n", NOT_ODD},
        {".\t.", "[] . . .\n", NOT_ODD},
        {"DP\t7", "[] 7 . .\n", NOT_ODD},
        {"GT\t|0|1", "[A,C] . . .\n", NOT_ODD},
        {"GT\t/0/1", "[A,C] . . .\n", NOT_ODD},
        {"GT\t1", "[C] . . .\n", NOT_ODD},
        {"GT\t0/1|1", "[A,C,C] . . .\n", NOT_ODD},
        {"GT\t./1", "[C] . . .\n", NOT_ODD},
        {"GT\t11/10", "[CA,T] . . .\n", NOT_ODD},
        {"GT\t12/0", "[] . . .\n", VJ_ODD_BAD_GENOTYPE},
        {"GT\t0/|1", "[] . . .\n", VJ_ODD_BAD_GENOTYPE},
        {"GT\t0/", "[] . . .\n", VJ_ODD_BAD_GENOTYPE},
        {"GT\t|", "[] . . .\n", VJ_ODD_BAD_GENOTYPE},
        {"GT\t1/C", "[] . . .\n", VJ_ODD_BAD_GENOTYPE},
        {"GT\t-1/0", "[] . . .\n", VJ_ODD_BAD_GENOTYPE},
        {"GT\t0,1", "[] . . .\n", VJ_ODD_BAD_GENOTYPE},
        {"GT:FT\t0/1:q10;s50", "[A,C] . . q10;s50\n", NOT_ODD},
        {"DP:GT\t7:0/1", "[A,C] 7 . .\n", VJ_ODD_BAD_TEXT},
        {"GT:DP:DP\t0/1:7:8", "[A,C] 7 . .\n", VJ_ODD_DUPLICATE_KEY},
        {"GT:X\t0/1:7", "[A,C] . . .\n", VJ_ODD_UNDECLARED},
        {"GT::DP\t0/1:x:7", "[A,C] 7 . .\n", VJ_ODD_UNDECLARED},
        {"GT:DP\t0/1:7:8", "[A,C] 7 . .\n", VJ_ODD_BAD_NUMBER},
        {"GT:DP\t0/1:7,8", "[A,C] . . .\n", VJ_ODD_BAD_NUMBER},
        {"GT:DP\t0/1:x", "[A,C] . . .\n", VJ_ODD_BAD_INTEGER},
        {"GT:AD\t0/1:1,2", "[A,C] . . .\n", VJ_ODD_BAD_NUMBER},
    };

    for (size_t i = 0; i < VJ_COUNT(rules); i++) {
        char text[4000];

        /* eleven ALTs, of which the first gives the row that is looked at */
        snprintf(text, sizeof text,
                 "1\t5\t.\tA\tC,<*>,<*>,<*>,<*>,<*>,<*>,<*>,<*>,T,CA\t.\t.\t.\t%s",
                 rules[i].record);
        char rows[300];
        snprintf(rows, sizeof rows, "%s%s%s", rules[i].cells, rules[i].cells, rules[i].cells);
        rule whole = {text, rows, rules[i].odd};
        check_rules(SAMPLE, "", "genotype,DP,AD,FT", &whole, 1);
        /* the short way of a record with one ALT counts the same */
        if (strstr(rules[i].cells, "[CA") == NULL && strncmp(rules[i].record, "GT:AD", 5) != 0) {
            snprintf(text, sizeof text, "1\t5\t.\tA\tC\t.\t.\t.\t%s", rules[i].record);
            whole.cells = rules[i].cells;
            check_rules(SAMPLE, "", "genotype,DP,AD,FT", &whole, 1);
        }
    }
}

/* Characters of a fixed Number stand without commas in the files of some callers (GLnexus). */
static void characters_without_commas(void **state)
{
    (void)state;
    static const char header[] = V45 DEF("FORMAT", "RNC", "2", "Character") VCF_COLS
        "\tFORMAT\tS1\n";
    static const rule rules[] = {
        {"RNC\tM.", "[M,.]\n", NOT_ODD},   {"RNC\t..", "[.,.]\n", NOT_ODD},
        {"RNC\ta,b", "[a,b]\n", NOT_ODD},  {"RNC\t.", ".\n", NOT_ODD},
        {"RNC\tabc", ".\n", VJ_ODD_BAD_NUMBER}, {"RNC\ta", ".\n", VJ_ODD_BAD_NUMBER},
    };
    CHECK(header, "1\t5\t.\tA\tC\t.\t.\t.\t", "RNC", rules);
}

/* 1.4.4: LA, LR, LG, P, M of VCF 4.5 are lists whose length is the writer's affair */
static void numbers_of_4_5(void **state)
{
    (void)state;
    static const char header[] = V45 DEF("FORMAT", "GT", "1", "String") DEF(
        "FORMAT", "LAA", ".", "Integer") DEF("FORMAT", "LAD", "LR", "Integer")
        DEF("FORMAT", "LPL", "LG", "Integer") DEF("FORMAT", "LEC", "LA", "Integer")
            DEF("FORMAT", "PSL", "P", "String") DEF("FORMAT", "M5mC", "M", "Float")
                VCF_COLS "\tFORMAT\tS1\n";
    static const rule rules[] = {
        {"GT:LAA:LAD:LPL:LEC:PSL:M5mC\t/2|1:1,2:5,6,7:1,2,3,4,5,6:8,9:a,.:0.5,.",
         "1 [C,T] [1,2] [5,6,7] [1,2,3,4,5,6] [8,9] [a,.] [0.5,.]\n"
         "2 [C,T] [1,2] [5,6,7] [1,2,3,4,5,6] [8,9] [a,.] [0.5,.]\n", NOT_ODD},
        {"GT:LAA:LEC\t0/0::", "1 [A,A] . . . . . .\n2 [A,A] . . . . . .\n", NOT_ODD},
    };
    CHECK(header, "1\t5\t.\tA\tC,T\t.\t.\t.\t", "alt_index,genotype,LAA,LAD,LPL,LEC,PSL,M5mC",
          rules);
}

/* ---- 1.4, 1.5: the header ---- */

static void broken_headers_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "expected a VCF header, the file is empty"},
        {"\n", "line 1: expected a header line"},
        {"1\t5\t.\tA\tG\t.\t.\t.\n", "line 1: expected a header line"},
        {V45, "expected a #CHROM line, the file ends after line 1"},
        {V45 "\n" VCF_COLS "\n", "line 2: expected a header line"},
        {V45 "text\n" VCF_COLS "\n", "line 2: expected a header line (## or #CHROM), found 'text'"},
        {V45 "##ALT=<ID=X,Description=\"a\nb\">\n" VCF_COLS "\n", "line 3: expected a header line"},
        {"##fileformat=VCFv3.3\n", "line 1: expected VCF version 4.x, found '3.3'"},
        {"##fileformat=VCFv5.0\n", "found '5.0'"},
        {"##fileformat=VCFv4\n", "found '4'"},
        {"##fileformat=VCFv4.5\r" VCF_COLS "\r", "line 1: expected VCF version 4.x"},
        {V45 "#CHROM POS ID REF ALT QUAL FILTER INFO\n", "expected #CHROM as tab-separated column 1"},
        {V45 "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\n", "expected at least 8 tab-separated"},
        {V45 "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tINFO\tFILTER\n", "expected FILTER as tab-separated"},
        {V45 VCF_COLS "\tS1\n", "expected FORMAT as tab-separated column 9, found 'S1'"},
        {V45 VCF_COLS "\tFORMAT\tS1\tS1\n", "line 2: sample 'S1' stands twice"},
        {V45 VCF_COLS "\tFORMAT\t\xff\n", "is not UTF-8"},
    };

    check_refused("", cases, VJ_COUNT(cases));
}

/* Odd header lines: read as well as can be, and each one said. */
static void odd_header_lines_are_said(void **state)
{
    (void)state;
    static const struct {
        const char *version, *lines, *note;
    } cases[] = {
        {V45, "", NULL},
        {"", "", "no ##fileformat line: read as VCF 4.2"},
        {"##fileformat=VCF v4.3\n", "", "line 1: expected ##fileformat=VCFv4.x, found"},
        {"##source=x\n" V45, "", "line 2: expected ##fileformat as line 1"},
        {"##fileformat=VCFv4.9\n", "", "VCF 4.9 is newer than this program knows"},
        {"\xef\xbb\xbf" V45, "", "a byte order mark is passed over"},
        {V45, "##plain text\n", "header line 2 kept as text: expected ##key=value"},
        {V45, "##reference=\n", "header line 2 kept as text: expected a value"},
        {V45, "##ALT=<ID=DUP,Description=\"d>\n", "kept as text: a quote that is not closed"},
        {V45, "##ALT=<ID=DUP,Description=\"a \"b\"\">\n", "text behind a closing quote"},
        {V45, "##ToolCommand=<ID=t,CommandLine=\"a \"b\"\">\n", NULL},
        {V45, "##SAMPLE=<ID=a\n", "kept as text: expected <...>"},
        {V45, "##META=<ID=a,Values=[b, c]>\n##PEDIGREE=<ID=c,Father=f>\n##pedigreeDB=<http://x>\n",
         NULL},
        {V45, "##INFO=<ID=X,Number=1,Type=Integer,Description=\"d\"\n",
         "header line 2 dropped: expected <...>"},
        {V45, "##INFO=<ID=X,Number=1,Type=Integer,Description=\"d>\n",
         "header line 2 dropped: a quote that is not closed"},
        {V45, "##INFO=<ID=X,Number=1,Type=Integer,Description=\"d\"x>\n",
         "dropped: text behind a closing quote"},
        {V45, "##INFO=<Number=1,Type=Integer,Description=\"d\">\n", "dropped: no ID"},
        {V45, "##INFO=<Type=Integer,Number=1,Description=\"\\\"q\\\" < , =\",ID=X>\n", NULL},
        {V45, "##INFO=<ID=X,Number=1,Type=Integer,Description=\"d\",Source=\"s\",Version=\"1\">\n",
         NULL},
        {V45, "##INFO=<ID=X,Number=1,Type=Integer,Description=\"a\",b>\n",
         "header line 2: a part without '=' is passed over"},
        {V45, "##INFO=<ID=X,Number=1,Type=Integer>\n", "INFO/X: expected a Description in quotes"},
        {V45, "##FILTER=<ID=q>\n", "FILTER/q: expected a Description in quotes"},
        {V45, "##INFO=<ID=X,Type=Integer,Description=\"d\">\n", "expected a Number, found ''"},
        {V45, DEF("INFO", "X", "-1", "Integer"), "expected a Number, found '-1'"},
        {V45, DEF("INFO", "X", "1", "integer"), "expected a Type, found 'integer', read as String"},
        {V45, DEF("INFO", "X", "1", "Flag"), "INFO/X: a Flag must have Number=0"},
        {V45, DEF("INFO", "X", "0", "Integer"), "Number=0 is for Flags"},
        {V45, DEF("FORMAT", "X", "0", "Flag"), "FORMAT/X: a Flag is legal in INFO only"},
        {V45, DEF("INFO", "X-Y", "1", "Integer"), "INFO/X-Y: expected an ID of letters"},
        {"##fileformat=VCFv4.2\n", DEF("INFO", "X-Y", "1", "Integer"), NULL},
        {V45, DEF("INFO", "1000G", "0", "Flag"), NULL},
        {V45, DEF("INFO", "AF", "1", "Float"), "INFO/AF: Number=1 where the specification has A"},
        {V45, DEF("INFO", "AF", ".", "Float"), NULL},
        {V45, DEF("FORMAT", "HQ", "2", "Float"), "FORMAT/HQ: Type=Float where the specification"},
        {V45, DEF("FORMAT", "AD", "1", "Integer"), "FORMAT/AD: Number=1 where the specification"},
        {"##fileformat=VCFv4.2\n", DEF("FORMAT", "AD", "1", "Integer"), NULL},
        {V45, DEF("INFO", "X", "1", "Integer") DEF("INFO", "X", "1", "Float"),
         "a second line for INFO/X dropped"},
        {V45, CONTIG CONTIG, "a second line for contig 1 dropped"},
        {V45, "##contig=<ID=1,length=x>\n", "contig 1: length 'x' is not a number"},
        {V45, "##contig=<ID=1,A,length=9>\n", "a part without '=' is passed over"},
    };

    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        char text[1000];

        snprintf(text, sizeof text, "%s%s" VCF_COLS "\n", cases[i].version, cases[i].lines);
        vcf_case c = vcf_case_text(text, NULL, NULL);
        if (c.status != VJ_OK)
            fail_msg("%s: %s", text, c.err.text);
        if (c.n_notes != (cases[i].note != NULL) ||
            (cases[i].note != NULL && strstr(c.notes[0], cases[i].note) == NULL))
            fail_msg("%s: expected '%s', found %d: '%s'", text,
                     cases[i].note != NULL ? cases[i].note : "nothing", c.n_notes,
                     c.n_notes > 0 ? c.notes[0] : "");
        vcf_case_fini(&c);
    }
}

/* 1.6: the last line must end; a text that stops within one may be cut off. */
static void a_last_line_without_end_is_said(void **state)
{
    (void)state;
    static const char *const texts[] = {SITES "1\t5\t.\tA\tG\t.\t.\tS=x",
                                        V45 VCF_COLS};

    for (size_t i = 0; i < VJ_COUNT(texts); i++) {
        vcf_case c = vcf_case_text(texts[i], NULL, "start");

        assert_int_equal(c.status, VJ_OK);
        assert_string_equal(c.rows, i == 0 ? "5\n" : "");
        assert_int_equal(c.n_notes, 1);
        assert_non_null(strstr(c.notes[0], "the last line has no line end"));
        vcf_case_fini(&c);
    }
}

/* Rows of a record go on in a list where the row before stood. */
static void many_alts_are_walked_once(void **state)
{
    (void)state;
    enum { N = 3000 };
    size_t cap = (size_t)N * 40 + 1000;
    char *text = malloc(cap);
    size_t n = (size_t)snprintf(text, cap, "%s1\t5\t.\tA\t", SAMPLE);

    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s<DEL:%d>", i > 0 ? "," : "", i);
    n += (size_t)snprintf(text + n, cap - n, "\t.\t.\tSVLEN=");
    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s%d", i > 0 ? "," : "", i);
    n += (size_t)snprintf(text + n, cap - n, ";A=");
    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s%d", i > 0 ? "," : "", i);
    n += (size_t)snprintf(text + n, cap - n, "\tGT:AD\t0/1:0");
    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, cap - n, ",%d", i);
    snprintf(text + n, cap - n, "\n");
    vcf_case c = vcf_case_text(text, NULL, "end,alt_index,A,AD");
    assert_int_equal(c.status, VJ_OK);
    assert_int_equal(c.counts.n_rows, N);
    assert_non_null(strstr(c.rows, "\n2350 2346 2345 [0,2345]\n"));
    vcf_case_fini(&c);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_and_line_ends),
        cmocka_unit_test(types_and_numbers_of_info),
        cmocka_unit_test(contigs_and_positions),
        cmocka_unit_test(ids_qualities_and_filters),
        cmocka_unit_test(alleles),
        cmocka_unit_test(genotype_fields),
        cmocka_unit_test(characters_without_commas),
        cmocka_unit_test(numbers_of_4_5),
        cmocka_unit_test(broken_headers_are_refused),
        cmocka_unit_test(odd_header_lines_are_said),
        cmocka_unit_test(a_last_line_without_end_is_said),
        cmocka_unit_test(many_alts_are_walked_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
