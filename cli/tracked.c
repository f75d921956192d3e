#include "tracked.h"

#include <stdlib.h>

#include "track/pipes.h"

const char *cli_environment(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

char *cli_command_line(const char *verb, int argc, char **argv, vj_error *err)
{
    vj_buf text = {0};
    char *out = NULL;

    if (vj_buf_printf(&text, err, "varjoin%s%s", verb != NULL ? " " : "",
                      verb != NULL ? verb : "") != VJ_OK)
        goto out;
    for (int i = 0; i < argc; i++) {
        const char *quote = strpbrk(argv[i], " \t\n'\"\\$*?;&|<>()") != NULL ? "'" : "";

        if (vj_buf_printf(&text, err, " %s%s%s", quote, argv[i], quote) != VJ_OK)
            goto out;
    }
    out = vj_strndup(NULL, text.ptr, text.len_bytes, err);
out:
    vj_buf_fini(&text);
    return out;
}

vj_status tracked_begin(tracked *t, const char *verb, int argc, char **argv, vj_error *err)
{
    VJ_TRY(vj_pipes_open(getenv("DAGSTER_PIPES_CONTEXT"), getenv("DAGSTER_PIPES_MESSAGES"),
                         &t->pipes, err));
    VJ_TRY(vj_track_begin(NULL, &t->track, err));
    if ((t->report = vj_report_new(err)) == NULL)
        return VJ_E_NOMEM;
    t->command_line = cli_command_line(verb, argc - 1, argv + 1, err);
    if (t->command_line == NULL)
        return VJ_E_NOMEM;
    t->report->verb = verb;
    t->report->command_line = t->command_line;
    t->report->host_known =
        vj_host_probe("", cli_environment, NULL, &t->report->host, NULL) == VJ_OK;
    return VJ_OK;
}

void tracked_log(void *user, vj_log_level level, const char *text)
{
    tracked *t = user;

    vj_pipes_log(t->pipes, level == VJ_LOG_WARNING ? "WARNING" : "INFO", "%s", text);
    if (level != VJ_LOG_WARNING) {
        vj_cli_note("%s", text);
        return;
    }
    vj_cli_warn("%s", text);
    (void)!vj_report_warn(t->report, NULL, "%s", text); /* it has been said */
}

void tracked_progress(tracked *t, int64_t rows, int64_t done, int64_t total)
{
    vj_pipes_progress(t->pipes, rows, done, total);
    vj_cli_progress(rows, done, total);
}

/* The table and the file. */
static vj_status show_record(tracked *t, vj_status rc, vj_error *err)
{
    vj_buf text = {0};

    if (rc == VJ_OK && vj_cli_verbosity >= 1 && vj_report_table(t->report, &text, NULL) == VJ_OK)
        fprintf(stderr, "%.*s", (int)text.len_bytes, (const char *)text.ptr);
    vj_buf_fini(&text);
    return t->report_path != NULL ? vj_report_write_json(t->report, t->report_path, err) : VJ_OK;
}

static vj_status tell_dagster(tracked *t, vj_status rc, const vj_error *failure, vj_error *err)
{
    if (rc == VJ_OK)
        VJ_TRY(vj_pipes_report(t->pipes, t->report, err));
    return vj_pipes_close(t->pipes, rc == VJ_OK ? NULL : failure, err);
}

int tracked_end(tracked *t, vj_status rc, vj_error *err)
{
    vj_error lost = {0};
    vj_status told = VJ_OK;

    vj_cli_progress_end();
    if (t->report != NULL) {
        vj_track_end(t->track, &t->report->figures);
        t->report->exit_status = vj_status_exit_code(rc);
        t->report->error = rc != VJ_OK ? err->text : NULL;
        told = show_record(t, rc, &lost);
    }
    if (told == VJ_OK || rc != VJ_OK)
        told = tell_dagster(t, rc, err, &lost);
    else
        (void)!vj_pipes_close(t->pipes, &lost, NULL);
    vj_pipes_free(t->pipes);
    vj_report_free(t->report);
    vj_track_free(t->track);
    vj_free(t->command_line);
    if (rc == VJ_OK && told == VJ_OK)
        return 0;
    return vj_cli_error(rc != VJ_OK ? err : &lost);
}
