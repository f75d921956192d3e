/*
 * Dagster Pipes: variables in, lines out. As a program of its own ("emit") it reports a made-up
 * run under the real library, driven by python/test_pipes.py.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "codec/codec.h"
#include "support/runs.h"
#include "support/support.h"

static void base64(vj_span bytes, vj_buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+/";
    for (size_t i = 0; i < bytes.len_bytes; i += 3) {
        uint32_t word = 0;
        size_t n = VJ_MIN(bytes.len_bytes - i, 3);

        for (size_t k = 0; k < 3; k++)
            word = word << 8 | (k < n ? (uint8_t)bytes.ptr[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(vj_buf_push(out, k <= n ? (uint8_t)digits[word >> (18 - 6 * k) & 63]
                                                     : '=', NULL), VJ_OK);
    }
}

/* What Dagster would put into a variable for this JSON; freed by the caller. */
static char *variable(const char *json)
{
    vj_buf packed = {0};
    vj_buf text = {0};
    vj_error err = {0};

    assert_ok(vj_codec_zlib_encode(vj_span_of(json), &packed, &err), &err);
    base64(vj_buf_span(&packed), &text);
    assert_ok(vj_buf_push(&text, 0, &err), &err);
    char *copy = vj_strdup(NULL, (const char *)text.ptr, &err);
    vj_buf_fini(&packed);
    vj_buf_fini(&text);
    return copy;
}

typedef struct session {
    char path[64];
    vj_pipes *pipes;
} session;

static session session_open(const char *context_json)
{
    session s = {.path = "/tmp/vj-pipes-XXXXXX"};
    char messages[128];
    vj_error err = {0};
    int fd = mkstemp(s.path);

    assert_true(fd >= 0);
    close(fd);
    snprintf(messages, sizeof messages, "{\"path\":\"%s\",\"include_stdio_in_messages\":false}",
             s.path);
    char *a = variable(context_json);
    char *b = variable(messages);
    assert_ok(vj_pipes_open(a, b, &s.pipes, &err), &err);
    vj_free(a);
    vj_free(b);
    return s;
}

static vj_buf session_text(session *s)
{
    vj_buf text = {0};
    vj_error err = {0};

    assert_ok(vj_path_read(s->path, &text, &err), &err);
    unlink(s->path);
    vj_pipes_free(s->pipes);
    return text;
}

/* The rules of the reader: whole JSON lines, none across a page, and of a method that it knows. */
static json_t *messages_of(vj_buf *text)
{
    json_t *all = json_array();
    size_t beg = 0;
    vj_error err = {0};

    while (beg < text->len_bytes) {
        uint8_t *end = memchr(text->ptr + beg, '\n', text->len_bytes - beg);
        json_t *one = NULL;

        assert_non_null(end);
        size_t len = (size_t)(end - text->ptr) - beg;
        assert_true(len > 0);
        assert_int_equal(beg / 4096, (beg + len) / 4096);
        assert_ok(vj_json_parse((vj_span){(char *)text->ptr + beg, len}, "line", &one, &err),
                  &err);
        const char *method = json_string_value(json_object_get(one, "method"));
        if (strcmp(method, "log_external_stream") != 0)
            json_array_append(all, one);
        json_decref(one);
        beg += len + 1;
    }
    vj_buf_fini(text);
    return all;
}

static const char *method_of(json_t *all, size_t i)
{
    return json_string_value(json_object_get(json_array_get(all, i), "method"));
}

static json_t *params_of(json_t *all, size_t i)
{
    return json_object_get(json_array_get(all, i), "params");
}

#define CONTEXT                                                                            \
    "{\"data\":{\"asset_keys\":[\"a/b\"],\"partition_key\":\"anna/s\\u00e9\",\"run_id\":\"r1\"," \
    "\"retry_number\":2,\"extras\":{\"asset_keys\":\"not these\",\"note\":\"hello\"%s}}}"

static session session_with(const char *extras)
{
    char json[1024];

    snprintf(json, sizeof json, CONTEXT, extras);
    return session_open(json);
}

static void session_from_open_to_close(void **state)
{
    (void)state;
    session s = session_with("");
    vj_error err = {0};

    assert_string_equal(vj_pipes_partition_key(s.pipes), "anna/s\xc3\xa9");
    assert_string_equal(vj_pipes_run_id(s.pipes), "r1");
    assert_int_equal(vj_pipes_retry_number(s.pipes), 2);
    assert_string_equal(vj_pipes_extra_text(s.pipes, "note"), "hello");
    vj_pipes_log(s.pipes, "INFO", "half\xff\xed\xa0\x80 way\n%d", 7);
    assert_ok(vj_pipes_close(s.pipes, NULL, &err), &err);
    vj_buf text = session_text(&s);
    assert_true(vj_utf8_valid(text.ptr, text.len_bytes));
    json_t *all = messages_of(&text);
    assert_int_equal(json_array_size(all), 3);
    assert_string_equal(method_of(all, 0), "opened");
    assert_true(json_is_object(json_object_get(params_of(all, 0), "extras")));
    assert_int_equal(json_object_size(params_of(all, 1)), 2);
    assert_string_equal(json_string_value(json_object_get(params_of(all, 1), "message")),
                        "half\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd way\n7");
    assert_int_equal(json_object_size(params_of(all, 2)), 0);
    json_decref(all);
}

static void failure_is_told_with_all_five_keys(void **state)
{
    (void)state;
    session s = session_with("");
    vj_error err = {0};
    vj_error failure = {0};

    vj_fail(&failure, VJ_E_CORRUPT, "in.vcf: line 7: expected a number, found \"x\"");
    assert_ok(vj_pipes_close(s.pipes, &failure, &err), &err);
    vj_pipes_log(s.pipes, "INFO", "nothing goes out after the end");
    vj_buf text = session_text(&s);
    json_t *all = messages_of(&text);
    json_t *exception = json_object_get(params_of(all, 1), "exception");
    assert_int_equal(json_array_size(all), 2);
    assert_int_equal(json_object_size(exception), 5);
    assert_string_equal(json_string_value(json_object_get(exception, "message")), failure.text);
    assert_true(json_is_array(json_object_get(exception, "stack")));
    assert_true(json_is_null(json_object_get(exception, "cause")));
    json_decref(all);
}

static void lines_never_cross_a_page(void **state)
{
    (void)state;
    session s = session_with("");
    uint64_t rng = test_seed();
    char noise[3000];
    vj_error err = {0};

    for (int i = 0; i < 600; i++) {
        size_t len = (size_t)(test_random(&rng) % 2900);

        for (size_t k = 0; k < len; k++)
            noise[k] = (char)(1 + test_random(&rng) % (i % 3 == 0 ? 255 : 100));
        noise[len] = '\0';
        vj_pipes_log(s.pipes, "DEBUG", "%s", noise);
    }
    assert_ok(vj_pipes_close(s.pipes, NULL, &err), &err);
    vj_buf text = session_text(&s);
    json_t *all = messages_of(&text);
    assert_int_equal(json_array_size(all), 602);
    json_decref(all);
}

static const char *entry(json_t *params, const char *key, json_t **raw)
{
    json_t *value = json_object_get(json_object_get(params, "metadata"), key);

    *raw = json_object_get(value, "raw_value");
    return json_string_value(json_object_get(value, "type"));
}

static json_t *report_with(const char *extras, void (*change)(vj_report *r))
{
    session s = session_with(extras);
    vj_report *r = NULL;
    vj_error err = {0};

    assert_ok(made_up_run(&r, &err), &err);
    if (change != NULL)
        change(r);
    assert_ok(vj_pipes_report(s.pipes, r, &err), &err);
    assert_ok(vj_pipes_close(s.pipes, NULL, &err), &err);
    vj_report_free(r);
    vj_buf text = session_text(&s);
    return messages_of(&text);
}

static void metadata_is_typed(void **state)
{
    (void)state;
    json_t *all = report_with("", NULL);
    json_t *params = params_of(all, 1);
    json_t *raw = NULL;

    assert_int_equal(json_array_size(all), 3);
    assert_string_equal(method_of(all, 1), "report_asset_materialization");
    assert_int_equal(json_object_size(params), 3);
    assert_string_equal(json_string_value(json_object_get(params, "asset_key")), "a/b");
    assert_string_equal(json_string_value(json_object_get(params, "data_version")),
                        "0011223344556677");
    assert_string_equal(entry(params, "duration_sec", &raw), "float");
    assert_true(json_is_real(raw));
    assert_string_equal(entry(params, "cpu_percent", &raw), "float");
    assert_true(json_is_real(raw)); /* 140 keeps its dot */
    assert_string_equal(entry(params, "num_rows", &raw), "int");
    assert_int_equal(json_integer_value(raw), 9902);
    assert_string_equal(entry(params, "source_vcf", &raw), "path");
    assert_string_equal(entry(params, "dagster/partition_row_count", &raw), "int");
    assert_string_equal(entry(params, "dagster/last_updated_timestamp", &raw), "timestamp");
    assert_string_equal(entry(params, "rows_matched_ensembl", &raw), "int");
    assert_int_equal(json_integer_value(raw), 9000);
    assert_string_equal(entry(params, "matches", &raw), "table");
    assert_int_equal(json_array_size(json_object_get(raw, "records")), 2);
    assert_string_equal(entry(params, "dagster/column_schema", &raw), "table_schema");
    assert_int_equal(json_array_size(json_object_get(raw, "columns")), 3);
    json_decref(all);
}

static void many_columns(vj_report *r)
{
    char name[64];
    vj_error err = {0};

    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "column_with_a_long_name_%d_\xc3\xa9", i);
        assert_ok(vj_report_add_column(r, name, "list<text>", "INFO", "what it is", &err), &err);
        if (i < 100)
            assert_ok(vj_report_warn(r, &err, "warning number %d", i), &err);
    }
}

/* What does not fit into a page is left out by importance, and the message says so. */
static void large_metadata_is_cut_to_a_page(void **state)
{
    (void)state;
    json_t *all = report_with("", many_columns);
    json_t *params = params_of(all, 1);
    json_t *raw = NULL;

    assert_string_equal(method_of(all, 1), "report_asset_materialization");
    assert_string_equal(entry(params, "duration_sec", &raw), "float");
    assert_string_equal(entry(params, "dagster/column_schema", &raw), "table_schema");
    assert_in_range(json_array_size(json_object_get(raw, "columns")), 3, 40);
    assert_string_equal(entry(params, "left_out", &raw), "text");
    assert_non_null(strstr(json_string_value(raw), "of 503 rows of dagster/column_schema"));
    json_decref(all);
}

/* With a reader that takes long lines (read as a whole here) nothing is left out. */
static void long_lines_on_request(void **state)
{
    (void)state;
    session s = session_with(",\"varjoin_max_line_bytes\":1000000");
    vj_report *r = NULL;
    vj_error err = {0};
    json_t *raw = NULL;
    json_t *one = NULL;

    assert_ok(made_up_run(&r, &err), &err);
    many_columns(r);
    assert_ok(vj_pipes_report(s.pipes, r, &err), &err);
    vj_report_free(r);
    vj_buf text = session_text(&s);
    char *second = strstr((char *)text.ptr, "{\"__dagster_pipes_version\":\"0.1\",\"method\":"
                                            "\"report_asset_materialization\"");
    assert_non_null(second);
    char *end = memchr(second, '\n', text.len_bytes - (size_t)(second - (char *)text.ptr));
    assert_ok(vj_json_parse((vj_span){second, (size_t)(end - second)}, "line", &one, &err), &err);
    json_t *params = json_object_get(one, "params");
    assert_null(entry(params, "left_out", &raw));
    entry(params, "dagster/column_schema", &raw);
    assert_int_equal(json_array_size(json_object_get(raw, "columns")), 503);
    entry(params, "memory_over_time", &raw);
    assert_non_null(strstr(json_string_value(raw), "data:image/svg+xml;base64,PHN2Zy"));
    json_decref(one);
    vj_buf_fini(&text);
}

static void checks_come_when_asked_for(void **state)
{
    (void)state;
    json_t *all = report_with(
        ",\"varjoin_checks\":[\"rows_in_equals_rows_out\",\"matches_above_zero\",3]", NULL);
    json_t *params = params_of(all, 2);

    assert_int_equal(json_array_size(all), 5);
    assert_string_equal(method_of(all, 2), "report_asset_check");
    assert_int_equal(json_object_size(params), 5);
    assert_string_equal(json_string_value(json_object_get(params, "check_name")),
                        "rows_in_equals_rows_out");
    assert_true(json_is_true(json_object_get(params, "passed")));
    assert_string_equal(json_string_value(json_object_get(params, "severity")), "ERROR");
    json_decref(all);
}

static void not_a_number(vj_report *r)
{
    r->figures.cpu_percent = NAN;
    r->output_bytes = INT64_MAX;
}

static void numbers_at_the_edges(void **state)
{
    (void)state;
    json_t *all = report_with("", not_a_number);
    json_t *raw = NULL;

    assert_null(entry(params_of(all, 1), "cpu_percent", &raw));
    entry(params_of(all, 1), "dagster/size_bytes", &raw);
    assert_true(json_integer_value(raw) == INT64_MAX);
    json_decref(all);
}

static void no_variables_no_session(void **state)
{
    (void)state;
    vj_pipes *pipes = (void *)1;
    vj_error err = {0};

    assert_ok(vj_pipes_open(NULL, NULL, &pipes, &err), &err);
    assert_null(pipes);
    vj_pipes_log(pipes, "INFO", "x");
    vj_pipes_progress(pipes, 1, 1, 1);
    assert_ok(vj_pipes_report(pipes, NULL, &err), &err);
    assert_ok(vj_pipes_close(pipes, NULL, &err), &err);
    assert_null(vj_pipes_partition_key(pipes));
    vj_pipes_free(pipes);
}

static void broken_variables_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json; /* NULL: not encoded, `raw` as it is */
        const char *raw;
        const char *text;
    } cases[] = {
        {NULL, "a", "DAGSTER_PIPES_CONTEXT: expected base64, found 1 other bytes"},
        {NULL, "a\xc3\xa9=", "DAGSTER_PIPES_CONTEXT: expected base64, found 4 other bytes"},
        {NULL, "eJwrSS0uAQA=", "DAGSTER_PIPES_CONTEXT: not a Dagster Pipes parameter"},
        {"[1]", NULL, "DAGSTER_PIPES_CONTEXT: expected a JSON object"},
        {"{", NULL, "DAGSTER_PIPES_CONTEXT: not a Dagster Pipes parameter"},
        {"{}", NULL, "DAGSTER_PIPES_CONTEXT: expected \"path\" or \"data\""},
        {"{\"data\":{\"asset_keys\":[1]}}", NULL,
         "the Dagster Pipes context cannot be used: asset_keys holds something other than texts"},
    };
    char *messages = variable("{\"path\":\"/nonexistent/x\"}");

    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        vj_pipes *pipes = NULL;
        vj_error err = {0};
        char *text = cases[i].json != NULL ? variable(cases[i].json)
                                           : vj_strdup(NULL, cases[i].raw, &err);

        assert_int_equal(vj_pipes_open(text, messages, &pipes, &err), VJ_E_USAGE);
        assert_string_equal(err.text, cases[i].text);
        vj_free(text);
    }
    vj_pipes *pipes = NULL;
    vj_error err = {0};
    char *context = variable("{\"data\":{}}");
    assert_int_equal(vj_pipes_open(context, messages, &pipes, &err), VJ_E_OUTPUT);
    vj_free(context);
    context = variable("{\"path\":\"/nonexistent/context\"}");
    assert_int_equal(vj_pipes_open(context, messages, &pipes, &err), VJ_E_NOTFOUND);
    vj_free(context);
    vj_free(messages);
}

/* Report under the variables of the environment; argv tells how it ends. */
static int emit(const char *how)
{
    vj_pipes *pipes = NULL;
    vj_report *r = NULL;
    vj_error err = {0};
    vj_error failure = {0};
    vj_status rc = vj_pipes_open(getenv("DAGSTER_PIPES_CONTEXT"),
                                 getenv("DAGSTER_PIPES_MESSAGES"), &pipes, &err);
    if (rc == VJ_OK)
        rc = made_up_run(&r, &err);
    if (rc == VJ_OK && strcmp(how, "many") == 0)
        many_columns(r);
    for (int i = 0; rc == VJ_OK && strcmp(how, "lines") == 0 && i < 5000; i++)
        vj_pipes_log(pipes, "DEBUG", "line %d %.*s", i, i % 2000,
                     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 and so on");
    if (rc == VJ_OK && strcmp(how, "fail") == 0)
        vj_fail(&failure, VJ_E_CORRUPT, "in.vcf: line 7: expected a number, found \"x\"");
    if (rc == VJ_OK && failure.code == VJ_OK)
        rc = vj_pipes_report(pipes, r, &err);
    if (rc == VJ_OK)
        rc = vj_pipes_close(pipes, &failure, &err);
    vj_report_free(r);
    vj_pipes_free(pipes);
    if (rc != VJ_OK)
        fprintf(stderr, "%s\n", err.text);
    return rc != VJ_OK ? vj_status_exit_code(rc) : vj_status_exit_code(failure.code);
}

static bool jansson_fails;

static vj_status session_body(void *arg, vj_error *err)
{
    char *const *variables = arg;
    vj_pipes *pipes = NULL;
    vj_report *r = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, made_up_run(&r, err));
    VJ_GO(rc, vj_pipes_open(variables[0], variables[1], &pipes, err));
    jansson_fails = true; /* its parser does not tell want of memory from bad text */
    vj_pipes_log(pipes, "INFO", "a line");
    VJ_GO(rc, vj_pipes_report(pipes, r, err));
    VJ_GO(rc, vj_pipes_close(pipes, NULL, err));
out:
    jansson_fails = false;
    vj_pipes_free(pipes);
    vj_report_free(r);
    return rc;
}

static void *faulty_malloc(size_t len)
{
    return jansson_fails && vj_alloc_fault_hook != NULL && vj_alloc_fault_hook(len) ? NULL
                                                                                    : malloc(len);
}

/* Allocations of jansson and writes fail one after another: never a crash or a false success. */
static void sessions_survive_faults(void **state)
{
    (void)state;
    char path[] = "/tmp/vj-pipes-XXXXXX";
    char messages[128];
    int fd = mkstemp(path);

    close(fd);
    snprintf(messages, sizeof messages, "{\"path\":\"%s\"}", path);
    char *variables[2] = {variable("{\"data\":{\"asset_keys\":[\"a\"],\"extras\":{"
                                   "\"varjoin_max_line_bytes\":100000,"
                                   "\"varjoin_checks\":[\"matches_above_zero\"]}}}"),
                          variable(messages)};
    sweep_writes(session_body, variables);
    json_set_alloc_funcs(faulty_malloc, free);
    sweep_allocations(session_body, variables);
    json_set_alloc_funcs(malloc, free);
    vj_free(variables[0]);
    vj_free(variables[1]);
    unlink(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_from_open_to_close),
        cmocka_unit_test(failure_is_told_with_all_five_keys),
        cmocka_unit_test(lines_never_cross_a_page),
        cmocka_unit_test(metadata_is_typed),
        cmocka_unit_test(large_metadata_is_cut_to_a_page),
        cmocka_unit_test(long_lines_on_request),
        cmocka_unit_test(checks_come_when_asked_for),
        cmocka_unit_test(numbers_at_the_edges),
        cmocka_unit_test(no_variables_no_session),
        cmocka_unit_test(broken_variables_are_refused),
        cmocka_unit_test(sessions_survive_faults),
    };
    if (argc == 2)
        return emit(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
