/* cmd_verify.c - varjoin verify: rows and content hash of Parquet files. */
#include "tracked.h"

#include "base/json.h"
#include "varjoin/verify.h"

enum { ID_JSON = 256, ID_SAME, ID_EXPECT, ID_MEMORY, ID_REPORT, ID_NO_CHECKSUMS };

static const vj_cli_option options[] = {
    {ID_EXPECT, "expect", "HASH", NULL,
     "compare with this content hash instead of the one in the file", NULL},
    {ID_SAME, "same", NULL, NULL, "all files must have the same rows, in any order", NULL},
    NO_CHECKSUMS_OPTION(ID_NO_CHECKSUMS, NULL),
    TRACKED_OPTION(ID_REPORT),
    {ID_JSON, "json", NULL, NULL, "one JSON object a line on standard output", NULL},
    {'@', "threads", "N", NULL, "threads [2]", "VARJOIN_THREADS"},
    {ID_MEMORY, "memory", "SIZE", NULL, "bound of memory [256MB]", "VARJOIN_MEMORY"},
    {0},
};

static int vj_cmd_verify(int argc, char **argv);

const vj_cli_verb vj_verb_verify = {
    .name = "verify",
    .args = "[options] FILE.parquet...",
    .summary = "count and hash the rows of Parquet files, compare with what they say",
    .details = "Reads every row of every column, checks the checksums of the pages, and compares the\n"
               "number of rows and the content hash with the file's varjoin.rows and\n"
               "varjoin.content_hash. The hash depends on the values alone: not on the order of the\n"
               "rows, the engine, the threads, the codec or the layout. Exit 4 when something differs.",
    .options = options,
    .run = vj_cmd_verify,
};

typedef struct settings {
    vj_verify_options verify;
    bool json, same;
    const char *report_path;
} settings;

static vj_status take_option(const vj_cli_args *args, int id, settings *s, vj_error *err)
{
    int64_t n = 0;

    switch (id) {
    case ID_JSON: s->json = true; return VJ_OK;
    case ID_REPORT: s->report_path = args->value; return VJ_OK;
    case ID_SAME: s->same = true; return VJ_OK;
    case ID_NO_CHECKSUMS: s->verify.ignore_checksums = 1; return VJ_OK;
    case ID_EXPECT:
        if (strlen(args->value) != 37 || strncmp(args->value, "vjh1:", 5) != 0)
            return vj_cli_refuse(args, err, "expected vjh1: and 32 hexadecimal digits, found %.80s",
                                 args->value);
        s->verify.expected_hash = args->value;
        return VJ_OK;
    case ID_MEMORY: return vj_cli_size(args, &s->verify.memory_bytes, err);
    default:
        VJ_TRY(vj_cli_int(args, 1, 64, &n, err));
        s->verify.n_threads = (int32_t)n;
        return VJ_OK;
    }
}

static int on_progress(void *user, int64_t n_rows_done, int64_t n_rows_total)
{
    tracked_progress(user, n_rows_done, n_rows_done, n_rows_total);
    return atomic_load(&vj_cli_stop()->requested);
}

static vj_status print_json(const char *path, const vj_verify_result *r, vj_error *err)
{
    vj_buf text = {0};
    json_t *object = json_object();

    json_object_set_new(object, "path", vj_json_text(vj_span_of(path)));
    json_object_set_new(object, "rows", json_integer((json_int_t)r->n_rows));
    json_object_set_new(object, "columns", json_integer(r->n_columns));
    json_object_set_new(object, "row_groups", json_integer(r->n_rowgroups));
    json_object_set_new(object, "content_hash", json_string(r->content_hash));
    json_object_set_new(object, "expected_rows", json_integer((json_int_t)r->expected_rows));
    json_object_set_new(object, "expected_content_hash",
                        r->expected_hash[0] != '\0' ? json_string(r->expected_hash) : json_null());
    json_object_set_new(object, "ok", json_boolean(!r->rows_differ && !r->hash_differs));
    vj_status rc = vj_json_write(object, JSON_COMPACT, &text, err);
    if (rc == VJ_OK)
        printf("%.*s\n", (int)text.len_bytes, (const char *)text.ptr);
    json_decref(object);
    vj_buf_fini(&text);
    return rc;
}

static vj_status print_result(const settings *s, const char *path, const vj_verify_result *r,
                              vj_error *err)
{
    if (s->json)
        return print_json(path, r, err);
    const char *verdict = r->rows_differ || r->hash_differs ? "DIFFERS"
                          : r->expected_hash[0] == '\0'     ? "no hash in the file"
                                                            : "ok";
    printf("%s: %lld rows, %d columns, %s: %s\n", path, (long long)r->n_rows, r->n_columns,
           r->content_hash, verdict);
    return VJ_OK;
}

/* One file: printed whatever came out; the status tells whether it is as it should be. */
static vj_status verify_one(const settings *s, const char *path, vj_verify_result *result,
                            vj_error *err)
{
    vj_error print_err = {0};
    vj_status rc = vj_verify(path, &s->verify, result, err);

    vj_cli_progress_end();
    if ((rc == VJ_OK || rc == VJ_E_POLICY) &&
        print_result(s, path, result, &print_err) != VJ_OK) {
        *err = print_err;
        rc = print_err.code;
    }
    return rc;
}

/* Rows of all files; hash and columns where there is one file alone. */
static vj_status note_result(vj_report *to, const settings *s, const char *path, bool is_only,
                             const vj_verify_result *result, vj_error *err)
{
    to->threads = s->verify.n_threads;
    to->memory_promise_bytes = s->verify.memory_bytes;
    to->rows_out = VJ_MAX(to->rows_out, 0) + result->n_rows;
    to->rows_expected = VJ_MAX(to->rows_expected, 0) + result->expected_rows;
    if (!is_only)
        return vj_report_add_input(to, path, "parquet", -1, result->n_rows, err);
    to->columns_out = result->n_columns;
    VJ_TRY(vj_report_keep(to, result->content_hash, &to->content_hash, err));
    VJ_TRY(vj_report_add_number(to, "num_row_groups", VJ_FACT_INT, result->n_rowgroups, err));
    VJ_TRY(vj_report_add_text(to, "expected_content_hash", VJ_FACT_TEXT,
                              result->expected_hash[0] != '\0' ? result->expected_hash : NULL,
                              err));
    VJ_TRY(vj_report_add_number(to, "hash_is_right", VJ_FACT_BOOL, !result->hash_differs, err));
    return vj_report_add_input(to, path, "parquet", -1, result->n_rows, err);
}

static vj_status verify_all(const settings *s, char **paths, int n, vj_report *report,
                            vj_error *err)
{
    vj_verify_result first;
    vj_verify_result result;
    vj_status worst = VJ_OK;

    for (int i = 0; i < n; i++) {
        vj_error one = {0};
        vj_status rc = verify_one(s, paths[i], &result, &one);

        if (rc == VJ_OK && s->same && i > 0 &&
            strcmp(first.content_hash, result.content_hash) != 0)
            rc = vj_fail(&one, VJ_E_POLICY, "%s and %s do not hold the same rows", paths[0],
                         paths[i]);
        if (i == 0)
            first = result;
        if (rc == VJ_OK || rc == VJ_E_POLICY)
            VJ_TRY(note_result(report, s, paths[i], n == 1, &result, err));
        if (rc == VJ_OK)
            continue;
        if (rc != VJ_E_POLICY) {
            *err = one;
            return rc;
        }
        if (worst == VJ_OK)
            *err = one;
        worst = rc;
    }
    return worst;
}

static int vj_cmd_verify(int argc, char **argv)
{
    settings s = {.verify = VJ_VERIFY_OPTIONS_INIT};
    tracked t = {0};
    vj_cli_args args;
    vj_error err = {0};
    vj_error flush_err = {0};
    int id;

    s.verify.n_threads = 2;
    s.verify.progress = on_progress;
    s.verify.user = &t;
    vj_cli_args_init(&args, &vj_verb_verify, argc, argv);
    while ((id = vj_cli_next(&args)) > 0)
        if (take_option(&args, id, &s, &err) != VJ_OK)
            return vj_cli_error(&err);
    if (id == VJ_CLI_EXIT)
        return args.exit_code;
    if (args.n_rest == 0) {
        vj_fail(&err, VJ_E_USAGE, "which file? varjoin verify FILE.parquet");
        return vj_cli_error(&err);
    }
    for (int i = 0; i < args.n_rest; i++)
        if (vj_path_spares("report", s.report_path, args.rest[i], &err) != VJ_OK)
            return vj_cli_error(&err);
    t.report_path = s.report_path;
    vj_status rc = tracked_begin(&t, "verify", argc, argv, &err);
    if (rc == VJ_OK)
        rc = verify_all(&s, args.rest, args.n_rest, t.report, &err);
    if (vj_cli_flush(&flush_err) != VJ_OK && rc == VJ_OK) {
        err = flush_err;
        rc = err.code;
    }
    return tracked_end(&t, rc, &err);
}
