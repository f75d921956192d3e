#include "support/support.h"

#include "genome/genome.h"

static void assert_canonical(const char *name, int64_t length, const char *expected)
{
    char text[VJ_CONTIG_BYTES];
    vj_span got = vj_contig_canonical(vj_span_of(name), length, text);

    if (!vj_span_is(got, expected))
        fail_msg("%s (%lld): got %.*s, expected %s", name, (long long)length, (int)got.len_bytes,
                 got.ptr, expected);
}

static void chr_prefix_and_case_do_not_make_another_contig(void **state)
{
    (void)state;
    assert_canonical("chr1", -1, "1");
    assert_canonical("CHR1", -1, "1");
    assert_canonical("1", 248956422, "1");
    assert_canonical("Chrx", -1, "X");
    assert_canonical("chrUn_gl000220", -1, "UN_GL000220");
    assert_canonical("chr", -1, "CHR");
    assert_canonical("", -1, "");
}

static void refseq_accessions_of_both_builds_are_known(void **state)
{
    (void)state;
    assert_canonical("NC_000001.10", -1, "1");
    assert_canonical("NC_000001.11", -1, "1");
    assert_canonical("nc_000022.10", -1, "22");
    assert_canonical("NC_000022.11", -1, "22");
    assert_canonical("NC_000014.8", -1, "14");
    assert_canonical("NC_000014.9", -1, "14");
    assert_canonical("NC_000023.11", -1, "X");
    assert_canonical("NC_000024.9", -1, "Y");
    assert_canonical("NC_000024.10", -1, "Y");
    /* GRCh36 and made-up versions are other sequences */
    assert_canonical("NC_000001.9", -1, "NC_000001.9");
    assert_canonical("NC_000025.1", -1, "NC_000025.1");
    assert_canonical("NC_+00001.11", -1, "NC_+00001.11");
    assert_canonical("NC_000001.", -1, "NC_000001.");
}

static void mitochondrion_is_mt_only_at_its_length(void **state)
{
    (void)state;
    assert_canonical("chrM", -1, "MT");
    assert_canonical("M", 16569, "MT");
    assert_canonical("mt", 16569, "MT");
    assert_canonical("NC_012920.1", -1, "MT");
    assert_canonical("chrM", 16571, "M");
    assert_canonical("MT", 16571, "M");
    assert_canonical("NC_001807.4", -1, "M");
}

static void long_names_are_never_cut(void **state)
{
    (void)state;
    char a[VJ_CONTIG_BYTES + 10];
    char b[VJ_CONTIG_BYTES + 10];
    char ta[VJ_CONTIG_BYTES];
    char tb[VJ_CONTIG_BYTES];

    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    b[sizeof b - 1] = 'y';
    vj_span ka = vj_contig_canonical((vj_span){a, sizeof a}, -1, ta);
    vj_span kb = vj_contig_canonical((vj_span){b, sizeof b}, -1, tb);
    assert_false(vj_span_eq(ka, kb));
    assert_true(vj_contig_canonical((vj_span){a, VJ_CONTIG_BYTES}, -1, ta).len_bytes ==
                VJ_CONTIG_BYTES);
}

static void shown_names_lose_only_the_prefix(void **state)
{
    (void)state;
    assert_true(vj_span_is(vj_contig_shown(vj_span_of("chrX")), "X"));
    assert_true(vj_span_is(vj_contig_shown(vj_span_of("cHr7_alt")), "7_alt"));
    assert_true(vj_span_is(vj_contig_shown(vj_span_of("chr")), "chr"));
    assert_true(vj_span_is(vj_contig_shown(vj_span_of("NC_000001.11")), "NC_000001.11"));
}

static void table_gives_one_code_per_contig(void **state)
{
    (void)state;
    vj_error err = {0};
    vj_contigs contigs;
    int32_t a = -1;
    int32_t b = -1;

    vj_contigs_init(&contigs, NULL);
    assert_ok(vj_contigs_add(&contigs, vj_span_of("chr2"), -1, &a, &err), &err);
    assert_ok(vj_contigs_add(&contigs, vj_span_of("NC_000001.11"), -1, &b, &err), &err);
    assert_int_equal(a, 0);
    assert_int_equal(b, 1);
    assert_ok(vj_contigs_add(&contigs, vj_span_of("2"), -1, &a, &err), &err);
    assert_int_equal(a, 0);
    assert_int_equal(vj_contigs_find(&contigs, vj_span_of("CHR1"), -1), 1);
    assert_int_equal(vj_contigs_find(&contigs, vj_span_of("3"), -1), -1);
    assert_true(vj_span_is(vj_contigs_name(&contigs, 1), "1"));
    vj_contigs_fini(&contigs);
}

static void only_letters_match_by_allele(void **state)
{
    (void)state;
    static const char *const plain[] = {"A", "acgtN", "B"};
    static const char *const other[] = {"", ".", "*", "<DEL>", "G]17:198982]", "A*", "A1", ".A"};

    for (size_t i = 0; i < VJ_COUNT(plain); i++)
        assert_true(vj_allele_is_plain(vj_span_of(plain[i])));
    for (size_t i = 0; i < VJ_COUNT(other); i++)
        assert_false(vj_allele_is_plain(vj_span_of(other[i])));
    assert_true(vj_allele_is_nonref(vj_span_of("<NON_REF>")));
    assert_true(vj_allele_is_nonref(vj_span_of("<*>")));
    assert_false(vj_allele_is_nonref(vj_span_of("*")));
}

static void assert_trim(const char *ref, const char *alt, int64_t pos1, const char *want_ref,
                        const char *want_alt, int64_t want_pos1)
{
    vj_span r = vj_span_of(ref);
    vj_span a = vj_span_of(alt);

    vj_allele_trim(&r, &a, &pos1);
    if (!vj_span_is(r, want_ref) || !vj_span_is(a, want_alt) || pos1 != want_pos1)
        fail_msg("%s>%s: got %lld:%.*s>%.*s", ref, alt, (long long)pos1, (int)r.len_bytes, r.ptr,
                 (int)a.len_bytes, a.ptr);
}

static void trimming_takes_the_suffix_first(void **state)
{
    (void)state;
    assert_trim("A", "T", 10, "A", "T", 10);
    assert_trim("CTC", "CC", 10, "CT", "C", 10);
    assert_trim("CTT", "CT", 10, "CT", "C", 10); /* prefix first would give TT>T at 11 */
    assert_trim("ATG", "ACG", 10, "T", "C", 11);
    assert_trim("AAAA", "AA", 10, "AAA", "A", 10);
    assert_trim("aTG", "ACg", 10, "T", "C", 11);
    assert_trim("GATT", "GAT", 10, "AT", "A", 11);
    assert_trim("", "A", 10, "", "A", 10);
    assert_trim("A", "A", 10, "A", "A", 10);
}

static vj_status fill_table(void *arg, vj_error *err)
{
    vj_contigs contigs;
    vj_status rc = VJ_OK;
    int32_t code = 0;
    char name[16];

    (void)arg;
    vj_contigs_init(&contigs, NULL);
    for (int i = 0; i < 40 && rc == VJ_OK; i++) {
        name[0] = 'c';
        name[1] = (char)('A' + i);
        rc = vj_contigs_add(&contigs, (vj_span){name, 2}, -1, &code, err);
    }
    vj_contigs_fini(&contigs);
    return rc;
}

static void the_table_survives_want_of_memory(void **state)
{
    (void)state;
    sweep_allocations(fill_table, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chr_prefix_and_case_do_not_make_another_contig),
        cmocka_unit_test(refseq_accessions_of_both_builds_are_known),
        cmocka_unit_test(mitochondrion_is_mt_only_at_its_length),
        cmocka_unit_test(long_names_are_never_cut),
        cmocka_unit_test(shown_names_lose_only_the_prefix),
        cmocka_unit_test(table_gives_one_code_per_contig),
        cmocka_unit_test(only_letters_match_by_allele),
        cmocka_unit_test(trimming_takes_the_suffix_first),
        cmocka_unit_test(the_table_survives_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
