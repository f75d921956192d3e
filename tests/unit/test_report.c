#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "support/runs.h"
#include "support/support.h"

static vj_report *run(void)
{
    vj_report *r = NULL;
    vj_error err = {0};

    assert_ok(made_up_run(&r, &err), &err);
    return r;
}

static json_t *record_of(vj_report *r)
{
    vj_buf text = {0};
    json_t *root = NULL;
    vj_error err = {0};

    assert_ok(vj_report_json(r, &text, &err), &err);
    assert_true(vj_utf8_valid(text.ptr, text.len_bytes));
    assert_ok(vj_json_parse(vj_buf_span(&text), "record", &root, &err), &err);
    vj_buf_fini(&text);
    return root;
}

static json_int_t number(json_t *root, const char *a, const char *b)
{
    json_t *value = json_object_get(json_object_get(root, a), b);

    if (!json_is_integer(value))
        fail_msg("%s.%s is not an integer", a, b);
    return json_integer_value(value);
}

static void record_has_the_names_of_the_contract(void **state)
{
    (void)state;
    static const char *const names[] = {
        "user_name",     "sample_name",  "sample_description", "sequencing_type", "species",
        "reference_genome", "source_vcf", "output_file",       "file_size_mb",    "num_rows",
        "num_columns",   "compression",  "engine",             "duration_sec",    "cpu_percent",
        "peak_memory_mb", "memory_delta_mb"};
    vj_report *r = run();
    json_t *root = record_of(r);
    json_t *meta = json_object_get(root, "metadata");

    for (size_t i = 0; i < VJ_COUNT(names); i++)
        assert_non_null(json_object_get(meta, names[i]));
    assert_int_equal(json_object_size(meta), VJ_COUNT(names));
    assert_string_equal(json_string_value(json_object_get(root, "schema")), "varjoin.run/1");
    assert_string_equal(json_string_value(json_object_get(root, "started_at")),
                        "2023-11-14T22:13:20.123Z");
    assert_int_equal(number(root, "metadata", "num_rows"), 9902);
    assert_true(json_is_null(json_object_get(meta, "species")));
    assert_true(json_real_value(json_object_get(meta, "peak_memory_mb")) == 123.456);
    assert_true(json_real_value(json_object_get(meta, "duration_sec")) == 2.5);
    json_decref(root);
    vj_report_free(r);
}

static void samples_stand_beside_their_sums(void **state)
{
    (void)state;
    vj_report *r = run();
    vj_error err = {0};
    vj_report_db *sum = vj_report_add_db(r, "sums", &err);

    sum->matched_records = sum->duplicate_keys = 0;
    for (size_t i = 0; i < r->samples.n; i++)
        assert_ok(vj_report_sum_db(r, sum, r->samples.ptr[i]->dbs.ptr[0], &err), &err);
    assert_int_equal(sum->n[VJ_REASON_MATCHED], 9000);
    assert_int_equal(sum->n[VJ_REASON_ALT_DIFFERS], 902);
    assert_int_equal(sum->contigs.n, 1);
    json_t *root = record_of(r);
    json_t *samples = json_object_get(root, "samples");
    json_t *first = json_array_get(samples, 0);
    assert_int_equal(json_array_size(samples), 2);
    assert_string_equal(json_string_value(json_object_get(first, "input")), "in <1>.vcf.gz");
    assert_int_equal(json_integer_value(json_object_get(first, "rows_expected")), 4951);
    assert_true(json_is_null(json_object_get(first, "input_bytes")));
    json_t *db = json_array_get(json_object_get(first, "databases"), 0);
    assert_int_equal(json_integer_value(json_object_get(db, "matched_alleles")), 4500);
    json_decref(root);
    vj_report_free(r);
}

static void reasons_add_up_per_database_and_contig(void **state)
{
    (void)state;
    vj_report *r = run();
    assert_int_equal(r->dbs.ptr[0]->matched_alleles, 9000);
    json_t *root = record_of(r);
    json_t *db = json_array_get(json_object_get(root, "databases"), 0);
    json_t *contigs = json_object_get(db, "contigs");
    json_int_t matched = 0;
    json_t *one;
    size_t i;

    json_array_foreach(contigs, i, one)
        matched += json_integer_value(json_object_get(one, "matched_alleles"));
    assert_int_equal(json_array_size(contigs), 4);
    assert_int_equal(matched, 9000);
    assert_int_equal(json_integer_value(json_object_get(db, "matched_alleles")), 9000);
    assert_int_equal(number(db, "unmatched", "no_position"), 60);
    assert_int_equal(number(db, "unmatched", "ref_differs"), 3);
    assert_int_equal(number(db, "unmatched", "alt_differs"), 21);
    assert_int_equal(number(db, "unmatched", "contig_absent"), 4);
    assert_int_equal(number(db, "unmatched", "not_matchable"), 1);
    json_decref(root);
    vj_report_free(r);
}

static const vj_report_check *find(const vj_report_check *checks, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(checks[i].name, name) == 0)
            return &checks[i];
    }
    return NULL;
}

static void promises_are_checked(void **state)
{
    (void)state;
    vj_report_check checks[VJ_REPORT_MAX_CHECKS];
    vj_report *r = run();
    vj_error err = {0};
    size_t n = 0;

    assert_ok(vj_report_checks(r, checks, &n, &err), &err);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_true(checks[i].passed);
    r->rows_out = 9901;
    r->memory_promise_bytes = 1000;
    vj_report_add_db(r, "empty", &err);
    assert_ok(vj_report_checks(r, checks, &n, &err), &err);
    assert_false(find(checks, n, "rows_in_equals_rows_out")->passed);
    assert_true(find(checks, n, "rows_in_equals_rows_out")->is_error);
    assert_string_equal(find(checks, n, "rows_in_equals_rows_out")->text,
                        "9902 rows expected, 9901 written");
    assert_false(find(checks, n, "matches_above_zero")->passed);
    assert_false(find(checks, n, "matches_above_zero")->is_error);
    assert_string_equal(find(checks, n, "matches_above_zero")->text,
                        "nothing matched in database empty");
    assert_string_equal(find(checks, n, "memory_within_promise")->text,
                        "peak 123.5 MB, promised 1.0 kB");
    vj_report_free(r);
}

static void unknown_things_are_not_judged_or_invented(void **state)
{
    (void)state;
    vj_report_check checks[VJ_REPORT_MAX_CHECKS];
    vj_error err = {0};
    size_t n = 9;
    vj_report *r = vj_report_new(&err);
    assert_ok(vj_report_checks(r, checks, &n, &err), &err);
    assert_int_equal(n, 0);
    json_t *root = record_of(r);
    assert_true(json_is_null(json_object_get(json_object_get(root, "rows"), "rows_out")));
    assert_true(json_is_null(json_object_get(root, "host")));
    json_decref(root);
    vj_report_free(r);
}

static void table_fits_a_terminal(void **state)
{
    (void)state;
    vj_report *r = run();
    vj_buf text = {0};
    vj_error err = {0};
    size_t width = 0;

    assert_ok(vj_report_table(r, &text, &err), &err);
    for (size_t i = 0; i < text.len_bytes; i++) {
        width = text.ptr[i] == '\n' ? 0 : width + 1;
        if (width > 100)
            fail_msg("line too long: %.*s", (int)text.len_bytes, text.ptr);
    }
    assert_ok(vj_buf_push(&text, '\0', &err), &err);
    const char *shown = (const char *)text.ptr;
    assert_non_null(strstr(shown, "9,000 records in, 10,000 allele rows, 100 filtered out, 9,902"));
    assert_non_null(strstr(shown, "2.50 s wall, 3.00 s user + 0.50 s system CPU (140 %)"));
    assert_non_null(strstr(shown, "peak 123.5 MB of a promised 256.0 MB"));
    assert_non_null(strstr(shown, "e.g. line 13: DP=\\xff<i>"));
    vj_buf_fini(&text);
    vj_report_free(r);
}

static void multiqc_gets_a_table(void **state)
{
    (void)state;
    vj_report *r = run();
    vj_buf text = {0};
    vj_error err = {0};
    json_t *root = NULL;

    assert_ok(vj_report_multiqc(r, &text, &err), &err);
    assert_ok(vj_json_parse(vj_buf_span(&text), "multiqc", &root, &err), &err);
    assert_string_equal(json_string_value(json_object_get(root, "plot_type")), "table");
    json_t *row = json_object_iter_value(json_object_iter(json_object_get(root, "data")));
    assert_int_equal(json_integer_value(json_object_get(row, "rows")), 9902);
    double percent = json_real_value(json_object_get(row, "matched_percent_ensembl"));
    assert_true(percent > 99.0 && percent < 99.1);
    assert_int_equal(json_object_size(json_object_get(root, "headers")), json_object_size(row));
    json_decref(root);
    vj_buf_fini(&text);
    vj_report_free(r);
}

/* For the tests in Python: write the record, the MultiQC table and the page of a made-up run. */
static int write_files(const char *json_path, const char *multiqc_path)
{
    vj_report *r = NULL;
    vj_error err = {0};
    vj_status rc = made_up_run(&r, &err);

    if (rc == VJ_OK)
        rc = vj_report_write_json(r, json_path, &err);
    if (rc == VJ_OK)
        rc = vj_report_write_multiqc(r, multiqc_path, &err);
    vj_report_free(r);
    if (rc != VJ_OK)
        fprintf(stderr, "%s\n", err.text);
    return vj_status_exit_code(rc);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_has_the_names_of_the_contract),
        cmocka_unit_test(samples_stand_beside_their_sums),
        cmocka_unit_test(reasons_add_up_per_database_and_contig),
        cmocka_unit_test(promises_are_checked),
        cmocka_unit_test(unknown_things_are_not_judged_or_invented),
        cmocka_unit_test(table_fits_a_terminal),
        cmocka_unit_test(multiqc_gets_a_table),
    };
    if (argc == 3)
        return write_files(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
