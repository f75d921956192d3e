#include <stdio.h>

#include "support/vcf_case.h"

#define INFO_LINES                                                                         \
    "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n"                             \
    "##INFO=<ID=AF,Number=A,Type=Float,Description=\"d\">\n"                               \
    "##INFO=<ID=AD,Number=R,Type=Integer,Description=\"d\">\n"                             \
    "##INFO=<ID=DB,Number=0,Type=Flag,Description=\"d\">\n"                                \
    "##INFO=<ID=GENE,Number=1,Type=String,Description=\"d\">\n"                            \
    "##INFO=<ID=TAGS,Number=.,Type=String,Description=\"d\">\n"                            \
    "##INFO=<ID=END,Number=1,Type=Integer,Description=\"d\">\n"
#define FORMAT_LINES                                                                       \
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"d\">\n"                            \
    "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n"                           \
    "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"d\">\n"                           \
    "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"d\">\n"                           \
    "##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"d\">\n"
#define SITES VCF_HEAD INFO_LINES VCF_COLS "\n"
#define ONE_SAMPLE VCF_HEAD INFO_LINES FORMAT_LINES VCF_COLS "\tFORMAT\tS1\n"
#define TWO_SAMPLES VCF_HEAD INFO_LINES FORMAT_LINES VCF_COLS "\tFORMAT\tS1\tS2\n"

/* S-12, S-14, S-19, S-21 */
static void columns_follow_the_header(void **state)
{
    (void)state;
    vcf_case c = vcf_case_text(ONE_SAMPLE, NULL, NULL);

    assert_int_equal(c.status, VJ_OK);
    assert_string_equal(c.columns,
                        "chrom:text start:uint32 end:uint32 rsid:text ref:text alt:text "
                        "alt_index:int32 qual:float64 filter:text genotype:list<text> DP:int32 "
                        "AF:float32 AD:list<int32> DB:bool GENE:text TAGS:list<text> "
                        "FORMAT_DP:int32 GQ:int32 FORMAT_AD:list<int32> PL:list<int32>");
    assert_string_equal(c.rows, "");
    vcf_case_fini(&c);
}

static void a_plain_record_becomes_a_row(void **state)
{
    (void)state;
    assert_vcf_rows(ONE_SAMPLE
                    "chr1\t100\trs1;rs2\tA\tG\t12.5\tPASS\tDP=7;AF=0.25;AD=3,4;DB;GENE=X,Y;"
                    "TAGS=a,.,b\tGT:DP:GQ:AD:PL\t0/1:9:30:5,4:0,27,34\n",
                    NULL, NULL,
                    "1 100 100 rs1;rs2 A G 1 12.5 PASS [A,G] 7 0.25 [3,4] true X,Y [a,.,b] 9 30 "
                    "[5,4] [0,27,34]\n");
    assert_vcf_rows(ONE_SAMPLE "1\t100\t.\tAT\t.\t.\t.\t.\tGT\t0/0\n", NULL, NULL,
                    "1 100 101 . AT . 1 . . [AT,AT] . . . false . . . . . .\n");
}

/* S-13, S-16, S-25 */
static void every_alt_gives_a_row_with_its_own_values(void **state)
{
    (void)state;
    vcf_case c = vcf_case_text(
        ONE_SAMPLE "1\t10\t.\tCTT\tC,CT,*\t.\t.\tAF=0.1,.,0.3;AD=1,2,3,4\tGT:AD:PL\t"
                   "1/2:9,8,7,6:1,2,3,4,5,6,7,8,9,10\n",
        NULL, "start,ref,alt,alt_index,genotype,AF,AD,FORMAT_AD,PL");

    assert_int_equal(c.status, VJ_OK);
    assert_string_equal(c.rows,
                        "10 CTT C 1 [C,CT] 0.1 [1,2] [9,8] [1,2,3,4,5,6,7,8,9,10]\n"
                        "10 CTT CT 2 [C,CT] . [1,3] [9,7] [1,2,3,4,5,6,7,8,9,10]\n"
                        "10 CTT * 3 [C,CT] 0.3 [1,4] [9,6] [1,2,3,4,5,6,7,8,9,10]\n");
    assert_string_equal(c.keys, "1:10:CTT:C 1:10:CT:C 1:10:CTT:*! ");
    assert_int_equal(c.counts.n_records, 1);
    assert_int_equal(c.counts.n_rows, 3);
    vcf_case_fini(&c);
}

static void keys_are_folded_and_only_split_records_are_trimmed(void **state)
{
    (void)state;
    vcf_case c = vcf_case_text(SITES "1\t10\t.\tctt\tct\t.\t.\t.\n"
                                     "1\t10\t.\tATG\taCG,ATT\t.\t.\t.\n"
                                     "1\t11\t.\tA\t<DEL>,G]17:198982],.A,.\t.\t.\t.\n"
                                     "1\t12\t.\tN\tR\t.\t.\t.\n",
                               NULL, "ref,alt");

    assert_string_equal(c.keys, "1:10:CTT:CT 1:11:T:C 1:12:G:T 1:11:A:<DEL>! "
                                "1:11:A:G]17:198982]! 1:11:A:.A! 1:11:A:.! 1:12:N:R ");
    assert_string_equal(c.rows, "ctt ct\nATG aCG\nATG ATT\nA <DEL>\nA G]17:198982]\nA .A\nA .\n"
                                "N R\n");
    vcf_case_fini(&c);
}

/* S-16, S-17 */
static void reference_blocks_keep_their_end(void **state)
{
    (void)state;
    static const char text[] = ONE_SAMPLE "1\t100\t.\tA\t<NON_REF>\t.\t.\tEND=150\tGT:DP\t0/0:30\n"
                                          "1\t151\t.\tC\tT,<NON_REF>\t50\t.\tAF=0.5,0\tGT:DP\t0/1:9\n"
                                          "1\t152\t.\tC\t<*>\t.\t.\tEND=160\tGT:DP\t0/0:9\n"
                                          "1\t161\t.\tC\t.\t.\t.\tEND=170\tGT:DP\t0/0:9\n";
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    assert_vcf_rows(text, NULL, "start,end,alt,alt_index,genotype,AF,FORMAT_DP",
                    "100 150 <NON_REF> 1 [A,A] . 30\n151 151 T 1 [C,T] 0.5 9\n"
                    "152 160 <*> 1 [C,C] . 9\n161 170 . 1 [C,C] . 9\n");
    options.variants_only = true;
    vcf_case c = vcf_case_text(text, &options, "start");
    assert_string_equal(c.rows, "151\n");
    assert_int_equal(c.counts.n_blocks_dropped, 3);
    vcf_case_fini(&c);
}

/* S-15 */
static void the_end_is_the_furthest_base_named(void **state)
{
    (void)state;
    static const char text[] =
        VCF_HEAD "##INFO=<ID=SVLEN,Number=.,Type=Integer,Description=\"d\">\n"
                 "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"d\">\n"
                 "##FORMAT=<ID=LEN,Number=1,Type=Integer,Description=\"d\">\n" VCF_COLS
                 "\tFORMAT\tS\n"
                 "1\t100\t.\tACGT\tA\t.\t.\t.\tGT\t0\n"
                 "1\t100\t.\tA\t<DEL>\t.\t.\tEND=120;SVLEN=-30\tGT\t0\n"
                 "1\t100\t.\tA\t<DEL>,<DUP:TANDEM>,<INS>\t.\t.\tSVLEN=-30,40,50\tGT\t0\n"
                 "1\t100\t.\tA\t<*>\t.\t.\t.\tGT:LEN\t0:25\n"
                 "1\t100\t.\tA\tG\t.\t.\tEND=90\tGT\t0\n"
                 "1\t100\t.\tACG\tG\t.\t.\tEND=.\tGT\t0\n"
                 "1\t0\t.\tN\tG\t.\t.\t.\tGT\t0\n"
                 "1\t4294967295\t.\tNN\tG\t.\t.\t.\tGT\t0\n";
    vcf_case c = vcf_case_text(text, NULL, "start,end");

    assert_string_equal(c.rows, "100 103\n100 130\n100 130\n100 140\n100 100\n100 124\n100 100\n"
                                "100 102\n0 0\n4294967295 4294967295\n");
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_END], 2);
    assert_string_equal(c.counts.odd_examples[0],
                        "line 10: INFO/END: expected a position at or behind POS, found '90'");
    vcf_case_fini(&c);
}

/* S-18 */
static void genotypes_of_any_ploidy_become_sorted_alleles(void **state)
{
    (void)state;
    vcf_case c = vcf_case_text(ONE_SAMPLE "1\t1\t.\tT\tC,G\t.\t.\t.\tGT\t2|1\n"
                                          "1\t2\t.\tT\tC\t.\t.\t.\tGT\t./.\n"
                                          "1\t3\t.\tT\tC\t.\t.\t.\tGT\t./1\n"
                                          "1\t4\t.\tT\tC\t.\t.\t.\tGT\t1\n"
                                          "1\t5\t.\tT\tC\t.\t.\t.\tGT\t0/1/1/0\n"
                                          "1\t6\t.\tT\tC\t.\t.\t.\tGT\t|0|1\n"
                                          "1\t7\t.\tT\tC\t.\t.\t.\tDP\t3\n"
                                          "1\t8\t.\tT\tC\t.\t.\t.\tGT\t0/2\n"
                                          "1\t9\t.\tT\tC\t.\t.\t.\tGT\t0/x\n"
                                          "1\t10\t.\tT\tC\t.\t.\t.\tGT\t0/\n"
                                          "1\t11\t.\tT\tC\t.\t.\t.\tGT\t.\n"
                                          "1\t12\t.\tT\tC\t.\t.\t.\tGT\t99999999999999999999\n",
                               NULL, "start,alt,genotype");

    assert_string_equal(c.rows, "1 C [C,G]\n1 G [C,G]\n2 C []\n3 C [C]\n4 C [C]\n5 C [C,C,T,T]\n"
                                "6 C [C,T]\n7 C []\n8 C []\n9 C []\n10 C []\n11 C []\n12 C []\n");
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_GENOTYPE], 4);
    vcf_case_fini(&c);
}

/* S-6, S-7, S-8, S-13 */
static void odd_cells_are_null_and_counted(void **state)
{
    (void)state;
    static const char text[] = ONE_SAMPLE
        "1\t1\t.\tT\tC\t.\t.\tDP=x;AF=y\tGT\t0\n"
        "1\t2\t.\tT\tC\t.\t.\tDP=1,2;AF=0.1,0.2;AD=1\tGT\t0\n"
        "1\t3\t.\tT\tC\t.\t.\tDP;AF=;DB=1;GENE\tGT\t0\n"
        "1\t4\t.\tT\tC\t.\t.\tDP=5;DP=6;NEW=1;;\tGT:DP:DP:XX\t0:1:2:3\n"
        "1\t5\t.\tT\tC\t.\t.\tDP=2147483648;AF=.;AD=.;TAGS=.\tGT:DP\t0:1:2\n"
        "1\t6\t.\tT\tC\t.\t.\tDP=-2147483648\tGT:DP:AD\t0::1,x\n";
    vcf_case c = vcf_case_text(text, NULL, "start,DP,AF,AD,DB,GENE,TAGS,FORMAT_DP,FORMAT_AD");

    assert_int_equal(c.status, VJ_OK);
    assert_string_equal(c.rows, "1 . . . false . . . .\n2 . . . false . . . .\n"
                                "3 . . . true . . . .\n4 5 . . false . . 1 .\n"
                                "5 . . . false . . 1 .\n6 -2147483648 . . false . . . [1,.]\n");
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_INTEGER], 3);
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_FLOAT], 1);
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_NUMBER], 4);
    assert_int_equal(c.counts.odd[VJ_ODD_NO_VALUE], 3);
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_FLAG], 1);
    assert_int_equal(c.counts.odd[VJ_ODD_DUPLICATE_KEY], 2);
    assert_int_equal(c.counts.odd[VJ_ODD_UNDECLARED], 2);
    assert_int_equal(c.counts.n_odd_examples, 3);
    assert_string_equal(c.counts.odd_examples[0],
                        "line 15: INFO/DP: expected a 32-bit whole number, found 'x'");
    vcf_case_fini(&c);
}

static void an_odd_cell_of_a_split_record_is_counted_once(void **state)
{
    (void)state;
    vcf_case c = vcf_case_text(ONE_SAMPLE "1\t1\t.\tT\tC,G\t.\t.\tDP=x;AF=1;AD=x,1,y\tGT\t0\n",
                               NULL, "AF,AD");

    assert_string_equal(c.rows, ". [.,1]\n. [.,.]\n");
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_INTEGER], 3);
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_NUMBER], 1);
    vcf_case_fini(&c);
}

static void strict_makes_the_first_odd_cell_an_error(void **state)
{
    (void)state;
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.strict = true;
    assert_vcf_fails(SITES "1\t1\t.\tT\tC\t.\t.\tNEW=1\n1\t1\t.\tT\tC\t.\t.\tAF=x\n", &options,
                     VJ_E_CORRUPT, "t.vcf: line 11: INFO/AF: expected a number, found 'x'");
}

/* S-3 */
static void broken_lines_stop_with_their_number(void **state)
{
    (void)state;
    assert_vcf_fails(SITES "1\t1\t.\tT\tC\t.\t.\n", NULL, VJ_E_CORRUPT,
                     "t.vcf: line 10: expected 8 tab-separated columns (found 7)");
    assert_vcf_fails(SITES "1 1 . T C . . .\n", NULL, VJ_E_CORRUPT,
                     "(found 1; blanks instead of tabs?)");
    assert_vcf_fails(TWO_SAMPLES "1\t1\t.\tT\tC\t.\t.\t.\tGT\t0/1\n", NULL, VJ_E_CORRUPT,
                     "line 15: expected 11 tab-separated columns (found 10)");
    assert_vcf_fails(ONE_SAMPLE "1\t1\t.\tT\tC\t.\t.\t.\tGT\t0/1\t0/1\n", NULL, VJ_E_CORRUPT,
                     "expected 10 tab-separated columns (found more than 10)");
    static const char *const bad_pos[] = {"x", "-1", "+1", "", "1.5", "4294967296", " 1"};
    for (size_t i = 0; i < VJ_COUNT(bad_pos); i++) {
        char text[2000];

        snprintf(text, sizeof text, SITES "1\t%s\t.\tT\tC\t.\t.\t.\n", bad_pos[i]);
        assert_vcf_fails(text, NULL, VJ_E_CORRUPT, "line 10: expected a POS from 0 to 4294967295");
    }
    assert_vcf_fails(SITES "\t1\t.\tT\tC\t.\t.\t.\n", NULL, VJ_E_CORRUPT, "a contig name");
    assert_vcf_fails(SITES "1\t1\t.\t\tC\t.\t.\t.\n", NULL, VJ_E_CORRUPT, "a REF allele");
    assert_vcf_fails(SITES "1\t1\t.\tT\tC,,G\t.\t.\t.\n", NULL, VJ_E_CORRUPT, "an ALT allele");
    assert_vcf_fails(SITES "1\t1\t.\tT\t\t.\t.\t.\n", NULL, VJ_E_CORRUPT, "an ALT allele");
    assert_vcf_fails(SITES "\n1\t1\t.\tT\tC\t.\t.\t.\n", NULL, VJ_E_CORRUPT, "line 10: expected 8");
}

static void bad_records_can_be_set_aside(void **state)
{
    (void)state;
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.bad_records_path = "bad.txt";
    vcf_case c = vcf_case_text(SITES "1\t1\t.\tT\tC\t.\t.\t.\n1 2\r\n1\t-3\t.\tT\tC\t.\t.\t.\n"
                                     "1\t4\t.\tT\tC\t.\t.\tDP=4\n",
                               &options, "start,DP");
    assert_string_equal(c.rows, "1 .\n4 4\n");
    assert_string_equal(c.bad_lines, "1 2\n1\t-3\t.\tT\tC\t.\t.\t.\n");
    assert_int_equal(c.counts.n_bad_records, 2);
    vcf_case_fini(&c);
}

/* S-2 */
static void line_ends_and_edges_of_the_file(void **state)
{
    (void)state;
    assert_vcf_rows(VCF_HEAD VCF_COLS "\r\n1\t1\t.\tT\tC\t.\t.\t.\r\n1\t2\t.\tT\tC\t.\t.\t.", NULL,
                    "start,alt", "1 C\n2 C\n");
    assert_vcf_rows(SITES "1\t1\t.\tT\tC\t.\t.\tGENE=q\t\n\n\r\n\n", NULL, "start,GENE", "1 q\n");
    assert_vcf_rows(ONE_SAMPLE "1\t1\t.\tT\tC\t.\t.\t.\tGT\t\n1\t2\t.\tT\tC\t.\t.\t.\tGT\t0\t\n"
                               "1\t3\t.\tT\tC\t.\t.\t.\t\n",
                    NULL, "start,genotype", "1 []\n2 [T]\n3 []\n");
    assert_vcf_rows(SITES, NULL, NULL, "");
    assert_vcf_rows(VCF_HEAD VCF_COLS, NULL, NULL, "");
    assert_vcf_rows(ONE_SAMPLE "1\t1\t.\tT\tC\t.\t.\t.\n", NULL, "start,genotype,GQ", "1 [] .\n");
    assert_vcf_rows("\xef\xbb\xbf" SITES "1\t1\t.\tT\tC\t.\t.\t.\n", NULL, "start", "1\n");
}

/* S-2: blank lines are seen to be the end, or not, wherever blocks are cut. */
static void blank_lines_are_legal_at_the_end_only(void **state)
{
    (void)state;
    static const char end[] = SITES "1\t1\t.\tT\tC\t.\t.\t.\n\n\r\n\n\n";
    static const char middle[] = SITES "1\t1\t.\tT\tC\t.\t.\t.\n\n\n\n1\t2\t.\tT\tC\t.\t.\t.\n";

    for (int64_t bytes = 1; bytes < 60; bytes++) {
        for (int64_t lines = 1; lines < 7; lines++) {
            vcf_case c = vcf_case_run(end, sizeof end - 1, NULL, "start", lines, bytes);

            assert_int_equal(c.status, VJ_OK);
            assert_string_equal(c.rows, "1\n");
            vcf_case_fini(&c);
            c = vcf_case_run(middle, sizeof middle - 1, NULL, "start", lines, bytes);
            assert_int_equal(c.status, VJ_E_CORRUPT);
            assert_non_null(strstr(c.err.text, "t.vcf: line 11: expected 8 tab-separated"));
            vcf_case_fini(&c);
        }
    }
}

/* S-9 */
static void percent_encoding_is_decoded_from_4_3_on(void **state)
{
    (void)state;
#define GENE_LINE "##INFO=<ID=GENE,Number=1,Type=String,Description=\"d\">\n"
    static const char record[] = "1\t1\t.\tT\tC\t.\t.\tGENE=a%3Bb%3dc%25%20%2\n";
    char text[500];

    snprintf(text, sizeof text, "##fileformat=VCFv4.3\n" GENE_LINE VCF_COLS "\n%s", record);
    assert_vcf_rows(text, NULL, "GENE", "a;b=c%%20%2\n");
    snprintf(text, sizeof text, "##fileformat=VCFv4.2\n" GENE_LINE VCF_COLS "\n%s", record);
    assert_vcf_rows(text, NULL, "GENE", "a%3Bb%3dc%25%20%2\n");
}

/* S-10 */
static void broken_utf8_is_mended_and_counted(void **state)
{
    (void)state;
    vcf_case c = vcf_case_text(SITES "1\t1\t.\tT\tC\t.\t.\tGENE=a\xff" "b\n"
                                     "1\t2\t.\tT\tC\t.\t.\tGENE=\xc3\xa9\n",
                               NULL, "GENE");

    assert_string_equal(c.rows, "a\xef\xbf\xbd" "b\n\xc3\xa9\n");
    assert_int_equal(c.counts.odd[VJ_ODD_BAD_UTF8], 1);
    vcf_case_fini(&c);
}

/* S-11 */
static void disorder_is_noticed_within_and_between_blocks(void **state)
{
    (void)state;
#define REC(chrom, pos) chrom "\t" pos "\t.\tT\tC\t.\t.\t.\n"
    static const struct {
        const char *text;
        bool unsorted;
    } cases[] = {
        {SITES REC("1", "5") REC("1", "5") REC("1", "7") REC("2", "1") REC("3", "1"), false},
        {SITES REC("1", "5") REC("1", "4"), true},
        {SITES REC("1", "5") REC("2", "4") REC("1", "6"), true},
        {SITES REC("1", "5") REC("2", "4") REC("3", "6") REC("3", "7") REC("2", "8"), true},
        {SITES REC("1", "5") REC("1", "6") REC("1", "7") REC("1", "8") REC("1", "7"), true},
    };

    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        for (int64_t lines = 1; lines < 6; lines++) {
            vcf_case c = vcf_case_run(cases[i].text, strlen(cases[i].text), NULL, "start", lines,
                                      1 << 20);

            if (c.counts.unsorted != cases[i].unsorted)
                fail_msg("case %zu in blocks of %lld: %d", i, (long long)lines,
                         c.counts.unsorted);
            vcf_case_fini(&c);
        }
    }
}

/* S-20 */
static void samples_are_chosen(void **state)
{
    (void)state;
    static const char text[] = TWO_SAMPLES "1\t1\t.\tT\tC,G\t.\t.\tDP=3\tGT:DP\t0/1:1\t2/2:2\n";
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    assert_vcf_rows(text, &options, "alt,genotype,FORMAT_DP", "C [C,T] 1\nG [C,T] 1\n");
    options.samples = "S2";
    assert_vcf_rows(text, &options, "alt,genotype,FORMAT_DP", "C [G,G] 2\nG [G,G] 2\n");
    options.samples = "^S2";
    assert_vcf_rows(text, &options, "alt,genotype,FORMAT_DP", "C [C,T] 1\nG [C,T] 1\n");
    options.samples = "S2,S1";
    assert_vcf_rows(text, &options, "alt,sample,genotype,DP,FORMAT_DP",
                    "C S2 [G,G] 3 2\nC S1 [C,T] 3 1\nG S2 [G,G] 3 2\nG S1 [C,T] 3 1\n");
    options.samples = "S3";
    assert_vcf_fails(text, &options, VJ_E_USAGE,
                     "no sample 'S3' (2 samples; the nearest name is S1)");
    options.samples = NULL;
    options.all_samples = true;
    vcf_case c = vcf_case_text(text, &options, "alt,sample");
    assert_string_equal(c.rows, "C S1\nC S2\nG S1\nG S2\n");
    assert_string_equal(c.keys, "1:1:T:C 1:1:T:G ");
    vcf_case_fini(&c);
    options.sites_only = true;
    vcf_case sites = vcf_case_text(text, &options, NULL);
    assert_null(strstr(sites.columns, "genotype"));
    assert_null(strstr(sites.columns, "FORMAT_DP"));
    vcf_case_fini(&sites);
}

/* S-22 */
static void quality_filters_remove_and_count(void **state)
{
    (void)state;
    static const char text[] = TWO_SAMPLES "1\t1\t.\tT\tC\t10\tPASS\tDP=50\tGT:DP:GQ\t0:9:20\t0:30:9\n"
                                           "1\t2\t.\tT\tC\t30\tq10;s50\tDP=50\tGT:GQ\t0:30\t0:30\n"
                                           "1\t3\t.\tT\tC,G\t.\t.\tDP=5\tGT:DP\t0:30\t0:30\n";
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.filter_pass = "PASS,.";
    assert_vcf_rows(text, &options, "start", "1\n3\n3\n");
    options.filter_pass = "s50";
    assert_vcf_rows(text, &options, "start", "2\n");
    options.filter_pass = NULL;
    options.min_qual = 10;
    assert_vcf_rows(text, &options, "start", "1\n2\n");
    options = (vj_vcf_read_options)VJ_VCF_READ_OPTIONS_INIT;
    options.min_dp = 10;
    assert_vcf_rows(text, &options, "start", "2\n3\n3\n");
    options.min_gq = 10;
    options.all_samples = true;
    options.min_dp = VJ_NAN;
    vcf_case c = vcf_case_text(text, &options, "start,sample");
    assert_string_equal(c.rows, "1 S1\n2 S1\n2 S2\n");
    assert_int_equal(c.counts.n_filtered, 5);
    assert_int_equal(c.counts.n_rows, 3);
    assert_int_equal(c.counts.n_alleles, 2);
    vcf_case_fini(&c);
}

/* S-21 */
static void no_two_columns_differ_by_case_alone(void **state)
{
    (void)state;
    vcf_case c = vcf_case_text(
        VCF_HEAD "##INFO=<ID=Start,Number=1,Type=Integer,Description=\"d\">\n"
                 "##INFO=<ID=af,Number=1,Type=Float,Description=\"d\">\n"
                 "##INFO=<ID=AF,Number=1,Type=Float,Description=\"d\">\n"
                 "##INFO=<ID=Af,Number=1,Type=Float,Description=\"d\">\n"
                 "##INFO=<ID=FORMAT_AF,Number=1,Type=Float,Description=\"d\">\n"
                 "##FORMAT=<ID=AF,Number=1,Type=Float,Description=\"d\">\n"
                 "##FORMAT=<ID=Genotype,Number=1,Type=Float,Description=\"d\">\n" VCF_COLS
                 "\tFORMAT\tS\n",
        NULL, NULL);

    assert_non_null(strstr(c.columns, " Start_2:int32 af:float32 AF_2:float32 Af_3:float32 "
                                      "FORMAT_AF:float32 FORMAT_AF_2:float32 Genotype_2:float32"));
    vcf_case_fini(&c);
}

static void fields_can_be_picked(void **state)
{
    (void)state;
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.info_fields = "GENE,INFO/DP";
    options.format_fields = "";
    vcf_case c = vcf_case_text(ONE_SAMPLE "1\t1\t.\tT\tC\t.\t.\tAF=x;DP=3;GENE=g\tGT:DP\t0:1\n",
                               &options, NULL);
    assert_string_equal(c.rows, "1 1 1 . T C 1 . . [T] 3 g\n");
    vcf_case_fini(&c);
    options.info_fields = "NOPE";
    assert_vcf_fails(ONE_SAMPLE, &options, VJ_E_USAGE, "found 'NOPE'");
}

static void numbers_can_be_assumed(void **state)
{
    (void)state;
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.assume_number = "TAGS=A";
    assert_vcf_rows(SITES "1\t1\t.\tT\tC,G\t.\t.\tTAGS=a,b\n", &options, "alt,TAGS", "C a\nG b\n");
    options.assume_number = "TAGS=5";
    assert_vcf_fails(SITES, &options, VJ_E_USAGE, "expected TAG=A or TAG=R");
}

/* S-14 */
static void floats_of_every_spelling(void **state)
{
    (void)state;
    assert_vcf_rows(SITES "1\t1\t.\tT\tC\tnan\t.\tAF=inf\n1\t2\t.\tT\tC\t1e3\t.\tAF=-Inf\n"
                          "1\t3\t.\tT\tC\tx\t.\tAF=1e-400\n1\t4\t.\tT\tC\t0\t.\tAF=0.1\n",
                    NULL, "qual,AF", "nan inf\n1000 -inf\n. 0\n0 0.1\n");
}

/* S-23 */
static void targets_keep_what_overlaps(void **state)
{
    (void)state;
    static const char text[] = SITES "chr1\t10\t.\tACGT\tA\t.\t.\t.\nchr1\t20\t.\tA\tC\t.\t.\t.\n"
                                     "chr1\t30\t.\tA\t<DEL>\t.\t.\tEND=50\n"
                                     "chr2\t5\t.\tA\tC\t.\t.\t.\n";
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.targets = "1:13-19,1:40";
    assert_vcf_rows(text, &options, "start", "10\n30\n");
    options.targets = "^1:13-19,1:40";
    assert_vcf_rows(text, &options, "start", "20\n5\n");
    options.targets = "2";
    assert_vcf_rows(text, &options, "chrom,start", "2 5\n");
    options.targets = "1:1,000-2,000,2:1-";
    assert_vcf_rows(text, &options, "start", "5\n");
    options.targets = "1:x";
    assert_vcf_fails(text, &options, VJ_E_USAGE, "expected a region");
}

/* Whatever the cut, the rows are the same. */
static void blocks_of_any_size_give_one_result(void **state)
{
    (void)state;
    static const char text[] = ONE_SAMPLE "chr1\t1\trs1\tA\tG,T\t1\tPASS\tDP=1;GENE=abc\tGT:PL\t0/1:1,2\r\n"
                                          "chr1\t2\t.\tA\tG\t.\t.\tAF=0.5\tGT\t0/1\n"
                                          "chr2\t2\t.\tA\tG\t.\t.\tDB;TAGS=x,y\tGT:DP\t0/1:4\n"
                                          "chr2\t9\t.\tA\tG\t.\t.\t.\tGT:DP\t0/1:4";
    vcf_case whole = vcf_case_text(text, NULL, NULL);

    assert_int_equal(whole.status, VJ_OK);
    for (int64_t lines = 1; lines < 6; lines++) {
        for (int64_t bytes = 1; bytes < 260; bytes += 3) {
            vcf_case c = vcf_case_run(text, sizeof text - 1, NULL, NULL, lines, bytes);

            assert_int_equal(c.status, VJ_OK);
            assert_string_equal(c.rows, whole.rows);
            assert_string_equal(c.keys, whole.keys);
            vcf_case_fini(&c);
        }
    }
    vcf_case_fini(&whole);
}

static vj_status read_all(void *arg, vj_error *err)
{
    vcf_case c = vcf_case_text(arg, NULL, NULL);
    vj_status rc = c.status;

    *err = c.err;
    vcf_case_fini(&c);
    return rc;
}

static void want_of_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    static char text[] = ONE_SAMPLE "1\t1\trs1\tA\tG,T\t1\tPASS\tDP=1;GENE=a;AF=1\tGT:PL\t0/1:1,2\n"
                                    "2\t2\t.\ta\tG\t.\t.\tAF=0.5;TAGS=\xff\tGT\t0/1\n";

    sweep_allocations(read_all, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_follow_the_header),
        cmocka_unit_test(a_plain_record_becomes_a_row),
        cmocka_unit_test(every_alt_gives_a_row_with_its_own_values),
        cmocka_unit_test(keys_are_folded_and_only_split_records_are_trimmed),
        cmocka_unit_test(reference_blocks_keep_their_end),
        cmocka_unit_test(the_end_is_the_furthest_base_named),
        cmocka_unit_test(genotypes_of_any_ploidy_become_sorted_alleles),
        cmocka_unit_test(odd_cells_are_null_and_counted),
        cmocka_unit_test(an_odd_cell_of_a_split_record_is_counted_once),
        cmocka_unit_test(strict_makes_the_first_odd_cell_an_error),
        cmocka_unit_test(broken_lines_stop_with_their_number),
        cmocka_unit_test(bad_records_can_be_set_aside),
        cmocka_unit_test(line_ends_and_edges_of_the_file),
        cmocka_unit_test(blank_lines_are_legal_at_the_end_only),
        cmocka_unit_test(percent_encoding_is_decoded_from_4_3_on),
        cmocka_unit_test(broken_utf8_is_mended_and_counted),
        cmocka_unit_test(disorder_is_noticed_within_and_between_blocks),
        cmocka_unit_test(samples_are_chosen),
        cmocka_unit_test(quality_filters_remove_and_count),
        cmocka_unit_test(no_two_columns_differ_by_case_alone),
        cmocka_unit_test(fields_can_be_picked),
        cmocka_unit_test(numbers_can_be_assumed),
        cmocka_unit_test(floats_of_every_spelling),
        cmocka_unit_test(targets_keep_what_overlaps),
        cmocka_unit_test(blocks_of_any_size_give_one_result),
        cmocka_unit_test(want_of_memory_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
