#include "api/job_pipes.h"

static void forward_log(void *user, vj_log_level level, const char *text)
{
    vj_job_pipes *self = user;

    vj_pipes_log(self->pipes, level == VJ_LOG_WARNING ? "WARNING" : "INFO", "%s", text);
    if (self->given.log != NULL)
        self->given.log(self->given.user, level, text);
}

static void forward_progress(void *user, const vj_progress *progress)
{
    vj_job_pipes *self = user;

    vj_pipes_progress(self->pipes, progress->rows_done, progress->bytes_done,
                      progress->bytes_total);
    if (self->given.progress != NULL)
        self->given.progress(self->given.user, progress);
}

static const char *forward_environment(void *user, const char *name)
{
    vj_job_pipes *self = user;

    return self->given.environment(self->given.user, name);
}

vj_status vj_job_pipes_open(vj_job_pipes *self, vj_job_options *options, vj_error *err)
{
    *self = (vj_job_pipes){.given = *options};
    VJ_TRY(vj_pipes_open(options->pipes_context, options->pipes_messages, &self->pipes, err));
    if (self->pipes == NULL)
        return VJ_OK;
    options->user = self;
    options->log = forward_log;
    options->progress = forward_progress;
    if (options->environment != NULL)
        options->environment = forward_environment;
    return VJ_OK;
}

vj_status vj_job_pipes_close(vj_job_pipes *self, vj_job_options *options, vj_report *report,
                             vj_status rc, vj_error *err)
{
    vj_error lost = {0};
    vj_status told = VJ_OK;

    if (self->pipes == NULL)
        return rc;
    if (rc == VJ_OK && report != NULL)
        told = vj_pipes_report(self->pipes, report, &lost);
    if (told == VJ_OK)
        told = vj_pipes_close(self->pipes, rc == VJ_OK ? NULL : err, &lost);
    vj_pipes_free(self->pipes);
    self->pipes = NULL;
    *options = self->given;
    if (rc != VJ_OK || told == VJ_OK)
        return rc;
    *err = lost;
    return vj_wrap(err, told, "telling Dagster about a run that succeeded (its output stands)");
}
