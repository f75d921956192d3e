#include "polars/talk.h"

#include <stdio.h>

#include "polars_worker_text.h" /* made from python/varjoin/_polars_worker.py by the build */

static vj_status status_of(const char *kind)
{
    if (strcmp(kind, "policy") == 0)
        return VJ_E_CORRUPT; /* a key twice under --duplicates error: the input's fault (S-39) */
    if (strcmp(kind, "schema") == 0)
        return VJ_E_SCHEMA;
    if (strcmp(kind, "memory") == 0)
        return VJ_E_NOMEM;
    if (strcmp(kind, "output") == 0)
        return VJ_E_OUTPUT;
    return strcmp(kind, "import") == 0 ? VJ_E_UNSUPPORTED : VJ_E_IO;
}

static const char *text_of(const json_t *event, const char *name)
{
    const char *text = json_string_value(json_object_get(event, name));

    return text != NULL ? text : "";
}

static void note_error(vj_plr_talk *c, const json_t *event)
{
    const char *text = text_of(event, "text");

    c->failed = status_of(text_of(event, "kind"));
    if (c->failed == VJ_E_UNSUPPORTED)
        vj_fail(&c->why, c->failed, "this Python has no Polars (%s): install it with "
                "`pip install polars==2.1.0` or name another Python with --python", text);
    else if (c->failed == VJ_E_IO || c->failed == VJ_E_OUTPUT)
        vj_fail(&c->why, c->failed, "Polars could not join %s: %s", c->what, text);
    else
        vj_fail(&c->why, c->failed, "%s", text);
}

vj_status vj_plr_talk_line(void *arg, vj_span line, vj_error *err)
{
    vj_plr_talk *c = arg;
    json_t *event = NULL;
    vj_status rc = VJ_OK;

    if (line.len_bytes == 0 || line.ptr[0] != '{')
        return VJ_OK; /* something that a library printed */
    VJ_TRY(vj_json_parse(line, "the Polars worker", &event, err));
    const char *name = text_of(event, "event");
    if (strcmp(name, "done") == 0)
        c->done = true;
    else if (strcmp(name, "error") == 0)
        note_error(c, event);
    if (c->options->on_event != NULL)
        rc = c->options->on_event(c->options->arg, event, err);
    json_decref(event);
    return rc;
}

static void note_start(void *arg, int64_t pid)
{
    const vj_plr_talk *c = arg;

    if (c->options->on_start != NULL)
        c->options->on_start(c->options->arg, pid);
}

/* Last line of the worker's standard error, for a death without a word. */
static void last_line(const vj_buf *tail, char *dst, size_t cap)
{
    size_t end = tail->len_bytes;

    while (end > 0 && (tail->ptr[end - 1] == '\n' || tail->ptr[end - 1] == '\r'))
        end--;
    size_t beg = end;
    while (beg > 0 && tail->ptr[beg - 1] != '\n')
        beg--;
    vj_quote(dst, cap, tail->ptr + beg, end - beg);
}

static vj_status judge(const vj_plr_talk *c, const vj_child_result *result, vj_error *err)
{
    char said[256];

    if (result->out_of_memory || c->failed == VJ_E_NOMEM)
        return vj_fail(err, VJ_E_NOMEM,
                       "Polars ran out of its %.0f MB while joining %s; --engine native or "
                       "duckdb would do it in this memory, or give more with --memory",
                       (double)c->options->memory_limit_bytes / 1e6, c->what);
    if (c->failed != VJ_OK) {
        *err = c->why;
        return c->failed;
    }
    if (result->signal == 0 && result->exit_code == 0 && c->done)
        return VJ_OK;
    last_line(&result->tail, said, sizeof said);
    if (result->signal == VJ_SIGNAL_KILL) /* somebody did, or the kernel for want of memory */
        return vj_fail(err, VJ_E_NOMEM, "the Polars worker was killed by signal 9 while joining "
                       "%s; --engine native or duckdb need less memory", c->what);
    if (result->signal != 0)
        return vj_fail(err, VJ_E_IO, "the Polars worker was killed by signal %d while joining %s",
                       result->signal, c->what);
    return vj_fail(err, VJ_E_IO, "the Polars worker ended with code %d while joining %s: %s",
                   result->exit_code, c->what, said);
}

static vj_status run_child(const vj_plr_options *options, const char *script, const vj_buf *input,
                           vj_plr_talk *c, vj_child_result *result, vj_error *err)
{
    const char *python = options->python != NULL ? options->python : "python3";
    const char *argv[] = {python, "-c", script, NULL};
    char threads[64];
    char temp[4200];
    const char *env[4] = {"PYTHONDONTWRITEBYTECODE=1", NULL, NULL, NULL};
    size_t n = 1;

    if (options->threads > 0) {
        snprintf(threads, sizeof threads, "POLARS_MAX_THREADS=%d", options->threads);
        env[n++] = threads;
    }
    if (options->temp_dir != NULL) {
        snprintf(temp, sizeof temp, "POLARS_TEMP_DIR=%s", options->temp_dir);
        env[n++] = temp;
    }
    const vj_child_options child = {
        .argv = argv,
        .env_add = env,
        .stdin_ptr = input->ptr,
        .stdin_len_bytes = input->len_bytes,
        .limit_how = options->memory_limit_bytes > 0 ? VJ_CHILD_LIMIT_RSS : VJ_CHILD_NO_LIMIT,
        .memory_limit_bytes = options->memory_limit_bytes,
        .stop = options->stop,
        .on_line = vj_plr_talk_line,
        .on_start = note_start,
        .arg = c,
    };
    vj_status rc = vj_child_run(&child, result, err);

    if (rc == VJ_E_NOTFOUND)
        return vj_fail(err, VJ_E_UNSUPPORTED, "no Python called %s: the polars engine needs one "
                       "with Polars (--python, or `pip install polars==2.1.0`)", python);
    return rc;
}

vj_status vj_plr_run(const vj_plr_options *options, const json_t *job, const char *what,
                     vj_plr_usage *usage, vj_error *err)
{
    vj_plr_talk c = {.options = options, .what = what};
    vj_child_result result = {0};
    vj_buf input = {0};
    vj_error local = {0};
    vj_status rc = VJ_OK;

    *usage = (vj_plr_usage){0};
    if (err == NULL)
        err = &local;
    VJ_GO(rc, vj_json_write(job, JSON_COMPACT, &input, err));
    VJ_GO(rc, run_child(options, polars_worker_text, &input, &c, &result, err));
    usage->pid = result.pid;
    usage->max_rss_bytes = result.max_rss_bytes;
    usage->group_peak_bytes = result.group_peak_bytes;
    usage->limit_by = result.limit_by;
    rc = judge(&c, &result, err);
out:
    vj_child_fini(&result);
    vj_buf_fini(&input);
    return rc;
}

/* ---- probe ---- */

typedef struct probe {
    char *dst;
    size_t cap;
} probe;

static vj_status take_version(void *arg, const json_t *event, vj_error *err)
{
    probe *p = arg;

    (void)err;
    if (json_object_get(event, "polars") != NULL)
        snprintf(p->dst, p->cap, "%s", text_of(event, "polars"));
    return VJ_OK;
}

vj_status vj_plr_probe(const char *python, char *dst, size_t cap_bytes, vj_error *err)
{
    static const char script[] =
        "import json\n"
        "try:\n"
        "    import polars\n"
        "    print(json.dumps({'event': 'done', 'polars': polars.__version__}))\n"
        "except ImportError as e:\n"
        "    print(json.dumps({'event': 'error', 'kind': 'import', 'text': str(e)}))\n";
    probe p = {dst, cap_bytes};
    vj_plr_options options = {.python = python, .on_event = take_version, .arg = &p};
    vj_plr_talk c = {.options = &options, .what = "nothing"};
    vj_child_result result = {0};
    vj_buf input = {0};
    vj_error local = {0};

    if (err == NULL)
        err = &local;
    dst[0] = '\0';
    vj_status rc = run_child(&options, script, &input, &c, &result, err);
    if (rc == VJ_OK)
        rc = judge(&c, &result, err);
    vj_child_fini(&result);
    return rc;
}
