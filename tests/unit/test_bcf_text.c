/* test_bcf_text.c - BCF records laid down byte by byte, legal and broken ones. */
#include <stdio.h>

#include "hts/bcf_text.h"
#include "support/support.h"
#include "support/vcf_case.h"

/* Numbers in the dictionary: PASS 0, q10 1, DP 2, AF 3, DB 4, S 5, GT 6, X 7. */
#define HEADER_LINES                                                                       \
    "##FILTER=<ID=PASS,Description=\"d\">\n##FILTER=<ID=q10,Description=\"d\">\n"          \
    "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n"                             \
    "##INFO=<ID=AF,Number=A,Type=Float,Description=\"d\">\n"                               \
    "##INFO=<ID=DB,Number=0,Type=Flag,Description=\"d\">\n"                                \
    "##INFO=<ID=S,Number=1,Type=String,Description=\"d\">\n"                               \
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"d\">\n"                            \
    "##FORMAT=<ID=X,Number=1,Type=String,Description=\"d\">\n"                             \
    "##contig=<ID=1>\n" VCF_COLS "\tFORMAT\tA\tB\n"

typedef struct bytes {
    uint8_t ptr[4096];
    size_t n;
} bytes;

static void put(bytes *to, const void *ptr, size_t n)
{
    memcpy(to->ptr + to->n, ptr, n);
    to->n += n;
}
#define PUT(TO, TEXT) put(TO, TEXT, sizeof(TEXT) - 1)

static void put32(bytes *to, uint32_t value)
{
    const uint8_t le[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                           (uint8_t)(value >> 24)};

    put(to, le, 4);
}

/* What may vary: typed values from ID on, and those of the samples. */
typedef struct record {
    uint32_t contig, pos0, qual_bits;
    unsigned n_alleles, n_infos, n_formats, n_samples;
    const char *shared, *samples;
    size_t shared_bytes, samples_bytes;
} record;
#define SHARED(TEXT) .shared = (TEXT), .shared_bytes = sizeof(TEXT) - 1
#define SAMPLES(TEXT) .samples = (TEXT), .samples_bytes = sizeof(TEXT) - 1
/* ID '.', alleles A and T */
#define A_TO_T "\x07\x17" "A\x17" "T"
#define NO_QUAL 0x7f800001u

static bytes make_file(const char *version, const record *r)
{
    char header[1500];
    bytes out = {.n = 0};
    int n = snprintf(header, sizeof header, "##fileformat=VCFv%s\n%s", version, HEADER_LINES);

    PUT(&out, "BCF\2\2");
    put32(&out, (uint32_t)n + 1);
    put(&out, header, (size_t)n + 1);
    put32(&out, (uint32_t)r->shared_bytes + 24);
    put32(&out, (uint32_t)r->samples_bytes);
    put32(&out, r->contig);
    put32(&out, r->pos0);
    put32(&out, 1);
    put32(&out, r->qual_bits);
    put32(&out, r->n_alleles << 16 | r->n_infos);
    put32(&out, r->n_formats << 24 | r->n_samples);
    if (r->shared_bytes > 0)
        put(&out, r->shared, r->shared_bytes);
    if (r->samples_bytes > 0)
        put(&out, r->samples, r->samples_bytes);
    return out;
}

#define COLUMNS "start,rsid,ref,alt,qual,filter,sample,genotype,DP,AF,DB,S,X"

static vcf_case read_record(const char *version, const record *r)
{
    bytes file = make_file(version, r);
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.all_samples = true;
    return vcf_case_run(file.ptr, file.n, &options, COLUMNS, 100, 1 << 20);
}

static void assert_record(const record *r, const char *rows)
{
    vcf_case c = read_record("4.3", r);

    assert_string_equal(c.err.text, "");
    assert_string_equal(c.rows, rows);
    vcf_case_fini(&c);
}

static void assert_broken(const record *r, const char *part)
{
    vcf_case c = read_record("4.2", r);

    assert_int_equal(c.status, VJ_E_CORRUPT);
    if (strstr(c.err.text, "record 1: ") == NULL || strstr(c.err.text, part) == NULL)
        fail_msg("'%s' does not name record 1 and %s", c.err.text, part);
    vcf_case_fini(&c);
}

static void values_keep_all_their_digits(void **state)
{
    (void)state;
    /* 9999999 and 0.123456895: six digits would be other numbers */
    record r = {.pos0 = 9, .qual_bits = 0x4b18967f, .n_alleles = 2, .n_infos = 4, .n_samples = 2,
                SHARED("\x27rs" "\x17" "A\x17" "T" "\x11\x01"
                       "\x11\x02\x12\x2c\x01"         /* DP=300 */
                       "\x11\x03\x15\xf8\xd6\xfc\x3d" /* AF */
                       "\x11\x04\x00"                 /* DB */
                       "\x11\x05\x27pq")};

    assert_record(&r, "10 rs A T 9999999 q10 A [] 300 0.123456895 true pq .\n"
                      "10 rs A T 9999999 q10 B [] 300 0.123456895 true pq .\n");
}

static void missing_values_and_ends_of_runs(void **state)
{
    (void)state;
    record r = {.pos0 = UINT32_MAX, .qual_bits = NO_QUAL, .n_alleles = 2, .n_infos = 4,
                .n_formats = 2, .n_samples = 2,
                SHARED(A_TO_T "\x00"
                       "\x11\x02\x11\x80"             /* DP=. */
                       "\x11\x03\x25\x01\x00\x80\x7f\x02\x00\x80\x7f" /* AF=., then the end */
                       "\x11\x04\x11\x01"             /* DB as a 1 */
                       "\x11\x05\x07"),               /* S of no byte: missing */
                SAMPLES("\x11\x06\x21\x02\x05\x04\x81" /* GT 0|1 and haploid 1 */
                        "\x11\x07\x37" "x\0\0" "\x07\0\0")};

    assert_record(&r, "0 . A T . . A [A,T] . . true . x\n0 . A T . . B [T] . . true . .\n");
    r = (record){.pos0 = 4000000000u, .qual_bits = NO_QUAL, .n_alleles = 1, .n_formats = 1,
                 .n_samples = 2, SHARED("\x07\x17" "A\x11\x00"),
                 SAMPLES("\x11\x06\x21\x00\x80\x81\x81")};
    assert_record(&r, "4000000001 . A . . PASS A [] . . false . .\n"
                      "4000000001 . A . . PASS B [] . . false . .\n");
}

/* A long run has its length behind it; INT16 and INT32 values are read as such. */
static void lengths_of_fifteen_and_more(void **state)
{
    (void)state;
    record r = {.pos0 = 0, .qual_bits = NO_QUAL, .n_alleles = 2, .n_infos = 2, .n_samples = 2,
                SHARED(A_TO_T "\x00\x11\x05\xf7\x11\x10" "abcdefghijklmnop"
                       "\x12\x02\x00\x13\x40\x42\x0f\x00")};

    assert_record(&r, "1 . A T . . A [] 1000000 . false abcdefghijklmnop .\n"
                      "1 . A T . . B [] 1000000 . false abcdefghijklmnop .\n");
}

/* Text that would be read as another part of the line. */
static void bytes_that_vcf_cannot_hold(void **state)
{
    (void)state;
    record r = {.qual_bits = NO_QUAL, .n_alleles = 2, .n_infos = 1, .n_samples = 2,
                SHARED(A_TO_T "\x00\x11\x05\x57" "a;\tb\n")};

    assert_record(&r, "1 . A T . . A [] . . false a;\tb\n .\n1 . A T . . B [] . . false a;\tb\n .\n");
    assert_broken(&r, "expected text that VCF can hold, found byte 0x3b");
    r = (record){.qual_bits = NO_QUAL, .n_alleles = 2, .n_samples = 2,
                 SHARED("\x27r\n\x17" "A\x17" "T\x00")};
    assert_broken(&r, "found byte 0x0a");
}

static void broken_records_are_named(void **state)
{
    (void)state;
    const struct {
        record r;
        const char *part;
    } cases[] = {
        {{.contig = 7, .n_alleles = 2, SHARED(A_TO_T "\x00")}, "expected a contig of the header, "
                                                               "found number 7"},
        {{.contig = UINT32_MAX, .n_alleles = 2, SHARED(A_TO_T "\x00")}, "found number -1"},
        {{.n_alleles = 2, SHARED(A_TO_T "\x11\x63")}, "expected a FILTER of the header, found "
                                                      "number 99"},
        {{.n_alleles = 2, SHARED(A_TO_T "\x17q")}, "expected FILTER as whole numbers"},
        {{.n_alleles = 2, .n_infos = 1, SHARED(A_TO_T "\x00\x11\x63\x00")}, "expected an INFO key"},
        {{.n_alleles = 2, .n_infos = 1, SHARED(A_TO_T "\x00\x21\x02\x02\x00")},
         "expected one whole number"},
        {{.n_alleles = 2, .n_infos = 1, SHARED(A_TO_T "\x00\x15\x02\x02\x00\x00")},
         "expected a whole number, found type 5"},
        {{.n_alleles = 2, .n_infos = 1, SHARED(A_TO_T "\x00\x11\x02\x14\x01")},
         "expected a type of BCF2, found 4"},
        {{.n_alleles = 2, .n_infos = 1, SHARED(A_TO_T "\x00\x11\x02\xf3\x13\xff\xff\xff\x7f")},
         "expected 2147483647 values"},
        {{.n_alleles = 2, .n_infos = 1, SHARED(A_TO_T "\x00\x11\x02\xf3\x11\xf0")},
         "expected a length, found -16"},
        {{.n_alleles = 2, .n_infos = 1, SHARED(A_TO_T "\x00\x11\x02")}, "the record ends"},
        {{.n_alleles = 3, SHARED(A_TO_T "\x00")}, "expected"},
        {{.n_alleles = 2, SHARED(A_TO_T "\x00\x00")}, "expected the end of INFO, found 1 more"},
        {{.n_alleles = 2, SHARED("\x11\x01\x17" "A\x17" "T\x00")}, "expected ID as text"},
        {{.n_alleles = 2, .n_formats = 1, .n_samples = 3, SHARED(A_TO_T "\x00"),
          SAMPLES("\x11\x06\x11\x02\x02\x02")}, "expected 2 samples as the header has, found 3"},
        {{.n_alleles = 2, .n_formats = 1, .n_samples = 2, SHARED(A_TO_T "\x00"),
          SAMPLES("\x11\x06\x11\x02")}, "expected 1 values for each of 2, found 1 bytes"},
        {{.n_alleles = 2, .n_samples = 2, SHARED(A_TO_T "\x00"), SAMPLES("\x11")},
         "expected the end of the samples"},
    };

    for (size_t i = 0; i < VJ_COUNT(cases); i++)
        assert_broken(&cases[i].r, cases[i].part);
}

/* Every cut inside the file, and every byte of the record changed: an answer, never more. */
static void cuts_and_changes_do_no_harm(void **state)
{
    (void)state;
    record r = {.pos0 = 9, .qual_bits = NO_QUAL, .n_alleles = 2, .n_infos = 2, .n_formats = 2,
                .n_samples = 2,
                SHARED(A_TO_T "\x11\x01\x11\x02\x12\x2c\x01\x11\x05\x27pq"),
                SAMPLES("\x11\x06\x21\x02\x05\x04\x81\x11\x07\x17xy")};
    bytes whole = make_file("4.2", &r);
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.all_samples = true;
    for (size_t n = 0; n < whole.n; n++) {
        vcf_case c = vcf_case_run(whole.ptr, n, &options, "start", 10, 1000);

        if (c.status == VJ_OK && c.rows[0] != '\0')
            fail_msg("a row out of the first %zu bytes", n);
        vcf_case_fini(&c);
    }
    for (size_t i = whole.n - r.shared_bytes - r.samples_bytes - 32; i < whole.n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes changed = whole;

            changed.ptr[i] ^= (uint8_t)(1 << bit);
            vcf_case c = vcf_case_run(changed.ptr, changed.n, &options, NULL, 10, 1000);
            assert_true(c.status == VJ_OK || c.status == VJ_E_CORRUPT);
            vcf_case_fini(&c);
        }
    }
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    static const char old[] = "BCF\4\0\0\0\0\0\0\0\0";
    vcf_case c = vcf_case_run(old, sizeof old, NULL, NULL, 10, 1000);

    assert_int_equal(c.status, VJ_E_UNSUPPORTED);
    assert_non_null(strstr(c.err.text, "expected BCF 2.1 or 2.2, found version 4"));
    vcf_case_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keep_all_their_digits),
        cmocka_unit_test(missing_values_and_ends_of_runs),
        cmocka_unit_test(lengths_of_fifteen_and_more),
        cmocka_unit_test(bytes_that_vcf_cannot_hold),
        cmocka_unit_test(broken_records_are_named),
        cmocka_unit_test(cuts_and_changes_do_no_harm),
        cmocka_unit_test(other_versions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
