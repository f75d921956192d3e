#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "support/runs.h"
#include "support/support.h"

/* The page as a string for these records; freed by the caller. */
static char *page_of(const vj_page_input *inputs, size_t n)
{
    vj_buf page = {0};
    vj_error err = {0};

    assert_ok(vj_page_build(inputs, n, &page, &err), &err);
    assert_true(vj_utf8_valid(page.ptr, page.len_bytes));
    char *text = vj_strndup(NULL, page.ptr, page.len_bytes, &err);
    vj_buf_fini(&page);
    return text;
}

static vj_buf record_of_made_up_run(void)
{
    vj_report *r = NULL;
    vj_buf text = {0};
    vj_error err = {0};

    assert_ok(made_up_run(&r, &err), &err);
    assert_ok(vj_report_json(r, &text, &err), &err);
    vj_report_free(r);
    return text;
}

static void nothing_of_the_record_becomes_markup(void **state)
{
    (void)state;
    vj_buf record = record_of_made_up_run();
    vj_page_input input = {"<img src=x>.json", vj_buf_span(&record)};
    char *page = page_of(&input, 1);

    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "<var>"));
    assert_null(strstr(page, "<b>.parquet"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt; &quot;q&quot; &amp; "));
    assert_non_null(strstr(page, "clin&lt;var&gt;"));
    vj_free(page);
    vj_buf_fini(&record);
}

static void page_stands_alone(void **state)
{
    (void)state;
    vj_buf record = record_of_made_up_run();
    vj_page_input input = {"run.json", vj_buf_span(&record)};
    char *page = page_of(&input, 1);

    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https:"));
    assert_null(strstr(page, "url("));
    assert_non_null(strstr(page, "prefers-color-scheme:dark"));
    assert_non_null(strstr(page, "9,000"));
    assert_non_null(strstr(page, "no such position: 60 (0.66 %)"));
    assert_non_null(strstr(page, "<polyline"));
    vj_free(page);
    vj_buf_fini(&record);
}

static void several_runs_stand_side_by_side(void **state)
{
    (void)state;
    vj_buf record = record_of_made_up_run();
    vj_page_input inputs[3] = {{"a.json", vj_buf_span(&record)},
                               {"b.json", vj_buf_span(&record)},
                               {"c.json", {"{\"schema\":\"varjoin.run/1\",\"status\":\"failed\","
                                           "\"error\":\"disk <full>\"}", 70}}};
    inputs[2].text.len_bytes = strlen(inputs[2].text.ptr);
    char *page = page_of(inputs, 3);

    assert_non_null(strstr(page, "Side by side"));
    assert_non_null(strstr(page, "a.json"));
    assert_non_null(strstr(page, "disk &lt;full&gt;"));
    vj_free(page);
    vj_buf_fini(&record);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        vj_status rc;
    } cases[] = {
        {"{\"schema\":\"varjoin.run/2\"}",
         "x.json: expected a run record with schema varjoin.run/1, found varjoin.run/2",
         VJ_E_SCHEMA},
        {"[]", "x.json: expected a run record with schema varjoin.run/1, found no schema",
         VJ_E_SCHEMA},
        {"{", "x.json: line 1, column 1: not JSON: string or '}' expected near end of file",
         VJ_E_CORRUPT},
    };
    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        vj_page_input input = {"x.json", vj_span_of(cases[i].text)};
        vj_buf page = {0};
        vj_error err = {0};

        assert_int_equal(vj_page_build(&input, 1, &page, &err), cases[i].rc);
        assert_string_equal(err.text, cases[i].message);
        vj_buf_fini(&page);
    }
    vj_error err = {0};
    vj_buf page = {0};
    assert_int_equal(vj_page_build(NULL, 0, &page, &err), VJ_E_USAGE);
}

static void odd_numbers_and_types_do_no_harm(void **state)
{
    (void)state;
    static const char text[] =
        "{\"schema\":\"varjoin.run/1\",\"resources\":{\"wall_seconds\":1e308,\"cpu_percent\":-5,"
        "\"peak_rss_bytes\":\"many\",\"memory_promise_bytes\":1e300},\"databases\":[7,{\"name\":3,"
        "\"matched_alleles\":1e308,\"unmatched\":{\"no_position\":1e308},\"contigs\":{}}],"
        "\"stages\":[{\"name\":\"x\",\"first_seconds\":9,\"last_seconds\":1,\"wall_seconds\":1e9},"
        "null],\"timeline\":{\"at_seconds\":[0,5,1,\"a\",6],\"rss_bytes\":[1,-2,3,4,1e308]},"
        "\"warnings\":[1,null],\"output\":{\"bytes\":1e308,\"column_schema\":[[]]}}";
    vj_page_input inputs[2] = {{"x.json", {text, sizeof text - 1}},
                               {"y.json", {text, sizeof text - 1}}};
    char *page = page_of(inputs, 2);

    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "inf"));
    vj_free(page);
}

static vj_status build_body(void *arg, vj_error *err)
{
    vj_buf *record = arg;
    vj_page_input inputs[2] = {{"a", vj_buf_span(record)}, {"b", vj_buf_span(record)}};
    vj_buf page = {0};
    vj_status rc = vj_page_build(inputs, 2, &page, err);

    vj_buf_fini(&page);
    return rc;
}

static void failing_allocations(void **state)
{
    (void)state;
    vj_buf record = record_of_made_up_run();

    sweep_allocations(build_body, &record);
    vj_buf_fini(&record);
}

/* "test_html OUT.html RUN.json...": the page of records, for a look at it. */
static int write_page(int argc, char **argv)
{
    vj_page_input inputs[VJ_PAGE_MAX_RUNS];
    vj_buf texts[VJ_PAGE_MAX_RUNS] = {{0}};
    vj_buf page = {0};
    vj_error err = {0};
    vj_status rc = VJ_OK;
    size_t n = 0;

    for (int i = 2; i < argc && rc == VJ_OK && n < VJ_PAGE_MAX_RUNS; i++, n++) {
        rc = vj_path_read(argv[i], &texts[n], &err);
        inputs[n] = (vj_page_input){argv[i], vj_buf_span(&texts[n])};
    }
    if (rc == VJ_OK)
        rc = vj_page_build(inputs, n, &page, &err);
    FILE *file = rc == VJ_OK ? fopen(argv[1], "w") : NULL;
    if (file != NULL) {
        fwrite(page.ptr, 1, page.len_bytes, file);
        fclose(file);
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    for (size_t i = 0; i < n; i++)
        vj_buf_fini(&texts[i]);
    vj_buf_fini(&page);
    return vj_status_exit_code(rc);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_record_becomes_markup),
        cmocka_unit_test(page_stands_alone),
        cmocka_unit_test(several_runs_stand_side_by_side),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(odd_numbers_and_types_do_no_harm),
        cmocka_unit_test(failing_allocations),
    };
    if (argc >= 3)
        return write_page(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
