#include "track/pipes.h"

#include <stdio.h>

#include "track/pipes_io.h"
#include "track/pipes_meta.h"

#define LONGEST_LINE_BYTES ((int64_t)16 << 20)
#define PROGRESS_EVERY_NS ((int64_t)10 * 1000000000)

struct vj_pipes {
    json_t *context;
    vj_pipes_lines *lines;
    vj_lock lock;
    bool lock_ready;
    size_t max_line_bytes;
    int64_t last_progress_ns;
    bool closed;
    vj_error lost; /* the first message that could not be delivered */
};

/* One message under the lock; the first failure ends the traffic. params is taken. */
static void send(vj_pipes *pipes, const char *method, json_t *params_take)
{
    vj_lock_take(&pipes->lock);
    if (pipes->lost.code == VJ_OK && !pipes->closed)
        (void)!vj_pipes_lines_put(pipes->lines, method, params_take, pipes->max_line_bytes,
                                  &pipes->lost);
    else
        json_decref(params_take);
    vj_lock_give(&pipes->lock);
}

static vj_status delivered(vj_pipes *pipes, vj_error *err)
{
    vj_lock_take(&pipes->lock);
    vj_error lost = pipes->lost;
    vj_lock_give(&pipes->lock);
    return lost.code == VJ_OK ? VJ_OK
                              : vj_fail(err, lost.code, "%s, while reporting to Dagster",
                                        lost.text);
}

static const json_t *extra(const vj_pipes *pipes, const char *name)
{
    return json_object_get(json_object_get(pipes->context, "extras"), name);
}

vj_status vj_pipes_open(const char *context, const char *messages, vj_pipes **out, vj_error *err)
{
    vj_pipes *pipes = NULL;
    json_t *params = NULL;
    vj_status rc = VJ_E_NOMEM;

    *out = NULL;
    if (context == NULL || context[0] == '\0' || messages == NULL || messages[0] == '\0')
        return VJ_OK;
    if ((pipes = vj_zalloc(NULL, sizeof *pipes, err)) == NULL)
        goto out;
    VJ_GO(rc, vj_lock_init(&pipes->lock, err));
    pipes->lock_ready = true;
    VJ_GO(rc, vj_pipes_decode("DAGSTER_PIPES_CONTEXT", context, &params, err));
    VJ_GO(rc, vj_pipes_context(params, &pipes->context, err));
    json_decref(params);
    params = NULL;
    VJ_GO(rc, vj_pipes_decode("DAGSTER_PIPES_MESSAGES", messages, &params, err));
    VJ_GO(rc, vj_pipes_lines_open(params, &pipes->lines, err));
    int64_t wanted = json_integer_value(extra(pipes, "varjoin_max_line_bytes"));
    pipes->max_line_bytes =
        (size_t)VJ_MIN(VJ_MAX(wanted, (int64_t)VJ_PIPES_PAGE_BYTES), LONGEST_LINE_BYTES);
    send(pipes, "opened", json_pack("{s:{}}", "extras"));
    VJ_GO(rc, delivered(pipes, err));
    *out = pipes;
    pipes = NULL;
out:
    json_decref(params);
    vj_pipes_free(pipes);
    return rc;
}

void vj_pipes_free(vj_pipes *pipes)
{
    if (pipes == NULL)
        return;
    json_decref(pipes->context);
    vj_pipes_lines_free(pipes->lines);
    if (pipes->lock_ready)
        vj_lock_fini(&pipes->lock);
    vj_free(pipes);
}

const char *vj_pipes_partition_key(const vj_pipes *pipes)
{
    return pipes == NULL ? NULL
                         : json_string_value(json_object_get(pipes->context, "partition_key"));
}

const char *vj_pipes_run_id(const vj_pipes *pipes)
{
    return pipes == NULL ? NULL : json_string_value(json_object_get(pipes->context, "run_id"));
}

int64_t vj_pipes_retry_number(const vj_pipes *pipes)
{
    return pipes == NULL ? 0
                         : json_integer_value(json_object_get(pipes->context, "retry_number"));
}

const char *vj_pipes_extra_text(const vj_pipes *pipes, const char *name)
{
    return pipes == NULL ? NULL : json_string_value(extra(pipes, name));
}

/*
 * Text as a JSON string whose message stays within a line: cut by halves at character borders,
 * since escapes make its length hard to foresee. NULL without memory.
 */
static json_t *fitting_text(const vj_pipes *pipes, const char *text, size_t others_bytes)
{
    size_t len = strlen(text);

    for (;;) {
        json_t *value = vj_json_text((vj_span){text, len});
        vj_buf written = {0};
        vj_status rc = value == NULL ? VJ_E_NOMEM
                                     : vj_json_write(value, JSON_ENCODE_ANY, &written, NULL);
        size_t n = written.len_bytes;

        vj_buf_fini(&written);
        if (rc != VJ_OK) {
            json_decref(value);
            return NULL;
        }
        if (n + others_bytes <= pipes->max_line_bytes)
            return value;
        json_decref(value);
        len = len * 3 / 4; /* a torn last character becomes U+FFFD */
    }
}

void vj_pipes_log(vj_pipes *pipes, const char *level, const char *fmt, ...)
{
    char text[3000];
    va_list args;

    if (pipes == NULL)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    send(pipes, "log", json_pack("{s:o, s:s}", "message", fitting_text(pipes, text, 200), "level",
                                 level));
}

void vj_pipes_progress(vj_pipes *pipes, int64_t rows, int64_t done, int64_t total)
{
    int64_t now_ns = vj_clock_ns();

    if (pipes == NULL)
        return;
    vj_lock_take(&pipes->lock);
    bool due = now_ns - pipes->last_progress_ns >= PROGRESS_EVERY_NS;
    if (pipes->last_progress_ns == 0) {
        due = false; /* the first is worth telling after ten seconds, too */
        pipes->last_progress_ns = now_ns;
    }
    if (due)
        pipes->last_progress_ns = now_ns;
    vj_lock_give(&pipes->lock);
    if (due && total > 0)
        vj_pipes_log(pipes, "INFO", "%lld rows, %.0f %% of the input", (long long)rows,
                     100.0 * (double)done / (double)total);
    else if (due)
        vj_pipes_log(pipes, "INFO", "%lld rows", (long long)rows);
}

static void report_asset(vj_pipes *pipes, vj_report *report, const char *asset_key)
{
    json_t *params = json_pack("{s:s, s:s?, s:n}", "asset_key", asset_key, "data_version",
                               report->content_hash, "metadata");
    size_t envelope = vj_pipes_line_bytes("report_asset_materialization", params);
    json_t *metadata = NULL;

    if (params != NULL && envelope > 0 && envelope < pipes->max_line_bytes)
        metadata = vj_pipes_metadata(report, pipes->max_line_bytes - envelope);
    if (metadata == NULL || json_object_set_new(params, "metadata", metadata) != 0) {
        json_decref(params);
        params = NULL; /* told as a lost message */
    }
    send(pipes, "report_asset_materialization", params);
}

/* Whether the Dagster side declared this check; an undeclared one would fail its step. */
static bool check_is_wanted(const vj_pipes *pipes, const char *name)
{
    const json_t *wanted = extra(pipes, "varjoin_checks");
    const json_t *one;
    size_t i;

    json_array_foreach(wanted, i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

static void report_check(vj_pipes *pipes, const vj_report_check *check, const char *asset_key)
{
    json_t *text = vj_pipes_value("text", fitting_text(pipes, check->text, 1000));

    send(pipes, "report_asset_check",
         json_pack("{s:s, s:s, s:b, s:s, s:{s:o}}", "asset_key", asset_key, "check_name",
                   check->name, "passed", check->passed, "severity",
                   check->is_error ? "ERROR" : "WARN", "metadata", "text", text));
}

/* Checks that were asked for but cannot be judged pass, and say so: Dagster waits for them. */
static size_t complete_checks(vj_report_check checks[VJ_REPORT_MAX_CHECKS], size_t n)
{
    static const char *const names[] = {"rows_in_equals_rows_out", "matches_above_zero",
                                        "memory_within_promise"};

    for (size_t i = 0; i < VJ_COUNT(names) && n < VJ_REPORT_MAX_CHECKS; i++) {
        bool found = false;

        for (size_t k = 0; k < n && !found; k++)
            found = strcmp(checks[k].name, names[i]) == 0;
        if (!found)
            checks[n++] = (vj_report_check){.name = names[i], .passed = true,
                                            .text = "this run makes no such promise"};
    }
    return n;
}

vj_status vj_pipes_report(vj_pipes *pipes, vj_report *report, vj_error *err)
{
    vj_report_check checks[VJ_REPORT_MAX_CHECKS];
    const json_t *keys;
    const json_t *key;
    size_t n = 0;
    size_t i;

    if (pipes == NULL)
        return VJ_OK;
    VJ_TRY(vj_report_checks(report, checks, &n, err));
    n = complete_checks(checks, n);
    keys = json_object_get(pipes->context, "asset_keys");
    json_array_foreach(keys, i, key) {
        report_asset(pipes, report, json_string_value(key));
        for (size_t k = 0; k < n; k++) {
            if (check_is_wanted(pipes, checks[k].name))
                report_check(pipes, &checks[k], json_string_value(key));
        }
    }
    return delivered(pipes, err);
}

vj_status vj_pipes_close(vj_pipes *pipes, const vj_error *failure, vj_error *err)
{
    if (pipes == NULL)
        return VJ_OK;
    if (failure == NULL || failure->code == VJ_OK)
        send(pipes, "closed", json_object());
    else
        send(pipes, "closed",
             json_pack("{s:{s:o, s:[], s:s, s:n, s:n}}", "exception", "message",
                       fitting_text(pipes, failure->text, 300), "stack", "name",
                       vj_status_name(failure->code), "cause", "context"));
    pipes->closed = true;
    VJ_TRY(delivered(pipes, err));
    return vj_pipes_lines_finish(pipes->lines, err);
}
