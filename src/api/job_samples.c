#include "api/job_samples.h"

#include <stdio.h>

/* ---- results ---- */

/* Counts of one sample: in the record's databases, or, of several, in the sample's own. */
static vj_status count_in(vj_result *result, const vj_plan *plan, vj_report_sample *sample,
                          vj_error *err)
{
    vj_report *report = result->report;

    result->dbs = vj_arena_zalloc(&report->arena,
                                  (size_t)VJ_MAX(plan->n_dbs, 1) * sizeof *result->dbs, err);
    if (result->dbs == NULL)
        return VJ_E_NOMEM;
    for (int32_t d = 0; d < plan->n_dbs; d++) {
        result->dbs[d] = sample == NULL
                             ? report->dbs.ptr[d]
                             : vj_report_sample_db(report, sample, plan->dbs[d]->name, err);
        if (result->dbs[d] == NULL)
            return VJ_E_NOMEM;
    }
    return VJ_OK;
}

vj_status vj_job_samples_init(vj_job_samples *self, vj_plan *plan, vj_report *report,
                              vj_error *err)
{
    size_t n = (size_t)plan->n_samples;

    *self = (vj_job_samples){.plan = plan, .n = plan->n_samples};
    self->results = vj_calloc(NULL, n, sizeof *self->results, err);
    self->sinks = vj_calloc(NULL, n, sizeof *self->sinks, err);
    self->outputs = vj_calloc(NULL, n, sizeof *self->outputs, err);
    if (self->results == NULL || self->sinks == NULL || self->outputs == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < self->n; i++) {
        const vj_plan *of = plan->samples[i];
        vj_report_sample *sample = NULL;

        self->outputs[i] = of->options.output;
        self->results[i].report = report;
        if (self->n > 1) {
            if ((sample = vj_report_add_sample(report, err)) == NULL)
                return VJ_E_NOMEM;
            VJ_TRY(vj_report_keep(report, of->options.input, &sample->input, err));
            VJ_TRY(vj_report_keep(report, of->options.output, &sample->output, err));
            sample->input_bytes = vj_left_bytes_total(of->source);
            sample->columns_out = of->out_schema.n_fields;
        }
        VJ_TRY(count_in(&self->results[i], plan, sample, err));
    }
    return VJ_OK;
}

/*
 * Rows that an output must have. The join counts them by its matches (native pass, DuckDB's tally,
 * the Polars worker), never by what was written; a statement of the user's may give any number.
 */
static int64_t expected_rows(const vj_job_samples *self, int32_t sample_i)
{
    int64_t n = self->results[sample_i].rows_expected;

    return self->plan->options.sql_file == NULL && n >= 0 ? n : VJ_REPORT_ROWS_ANY;
}

void vj_job_samples_sum(const vj_job_samples *self, vj_result *out)
{
    vj_result sum = self->results[0];

    sum.rows_expected = expected_rows(self, 0);
    for (int32_t i = 1; i < self->n; i++) {
        const vj_result *one = &self->results[i];
        int64_t expected = expected_rows(self, i);

        if (expected < 0 || sum.rows_expected < 0)
            sum.rows_expected = VJ_REPORT_ROWS_ANY;
        else
            sum.rows_expected += expected;

        sum.rows_in += one->rows_in;
        sum.rows_out += one->rows_out;
        sum.records_in += one->records_in;
        sum.alleles_in += one->alleles_in;
        sum.bytes_out += one->bytes_out;
        sum.vcf_extra_rows += one->vcf_extra_rows;
        sum.vcf_out_of_range += one->vcf_out_of_range;
        vj_vcf_counts_add(&sum.counts, &one->counts);
    }
    *out = sum;
}

vj_status vj_job_samples_note(const vj_job_samples *self, vj_report *report, vj_error *err)
{
    char hash[40];

    for (int32_t i = 0; self->n > 1 && i < self->n; i++) {
        const vj_result *result = &self->results[i];
        vj_report_sample *sample = report->samples.ptr[i];

        sample->records_in = result->counts.n_records;
        sample->rows_in = result->rows_in + result->counts.n_filtered;
        sample->rows_joined = result->rows_in;
        sample->rows_expected = expected_rows(self, i);
        sample->rows_out = result->rows_out;
        sample->output_bytes = result->bytes_out;
        VJ_TRY(vj_report_keep(report, vj_content_hash_text(&result->hash, hash),
                              &sample->content_hash, err));
        for (int32_t d = 0; d < self->plan->n_dbs; d++)
            VJ_TRY(vj_report_sum_db(report, report->dbs.ptr[d], result->dbs[d], err));
    }
    return VJ_OK;
}

/* ---- outputs ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static vj_status make_folder(vj_job_samples *self, vj_error *err)
{
    const char *dir = self->plan->options.output;
    char inside[4096];

    self->is_folder = !vj_path_exists(dir);
    if (self->is_folder)
        return vj_tempdir_beside(dir, &self->staging, err);
    int n = snprintf(inside, sizeof inside, "%s/sweep", dir);
    if (n < 0 || (size_t)n >= sizeof inside)
        return vj_fail(err, VJ_E_USAGE, "%.200s...: the name of the folder is too long", dir);
    return vj_tempdir_beside(inside, &self->staging, err);
}

vj_status vj_job_samples_stage(vj_job_samples *self, vj_error *err)
{
    vj_arena *arena = &self->plan->arena;

    if (self->plan->options.n_inputs == 0)
        return VJ_OK;
    if (strcmp(self->plan->options.output, "-") == 0)
        return vj_fail(err, VJ_E_USAGE, "expected a folder for the outputs of %d inputs: -o DIR",
                       self->plan->options.n_inputs);
    for (int32_t i = 0; i < self->n; i++)
        if (vj_path_is_dir(self->outputs[i]))
            return vj_fail(err, VJ_E_OUTPUT, "%s: expected a file to write, found a folder",
                           self->outputs[i]);
    VJ_TRY(make_folder(self, err));
    for (int32_t i = 0; i < self->n; i++) {
        const char *name = base_name(self->outputs[i]);
        size_t cap = strlen(self->staging) + strlen(name) + 2;
        char *path = vj_arena_alloc(arena, cap, err);

        if (path == NULL)
            return VJ_E_NOMEM;
        snprintf(path, cap, "%s/%s", self->staging, name);
        self->plan->samples[i]->options.output = path;
    }
    return VJ_OK;
}

vj_status vj_job_samples_open(vj_job_samples *self, const vj_job_rows *rows, vj_error *err)
{
    for (int32_t i = 0; rows == NULL && i < self->n; i++) {
        vj_status rc = vj_sink_open(self->plan->samples[i], &self->sinks[i], err);

        if (rc != VJ_OK)
            return self->staging != NULL ? vj_wrap(err, rc, "writing %s", self->outputs[i]) : rc;
    }
    if (rows == NULL)
        return VJ_OK;
    VJ_TRY(rows->begin(rows->taker.ctx, &self->plan->out_schema, err));
    return vj_sink_open_taker(self->plan->samples[0], &rows->taker, &self->sinks[0], err);
}

vj_status vj_job_samples_finish(vj_job_samples *self, vj_error *err)
{
    for (int32_t i = 0; i < self->n; i++) {
        vj_status rc = vj_sink_finish(self->sinks[i], &self->results[i], err);

        if (rc != VJ_OK)
            return self->staging != NULL ? vj_wrap(err, rc, "writing %s", self->outputs[i]) : rc;
    }
    return VJ_OK;
}

/* An output and the index beside it. */
static vj_status move_output(const char *from, const char *to, vj_error *err)
{
    static const char *const beside[] = {".tbi", ".csi"};
    char index_from[4096];
    char index_to[4096];

    VJ_TRY(vj_path_rename(from, to, err));
    for (size_t i = 0; i < VJ_COUNT(beside); i++) {
        snprintf(index_from, sizeof index_from, "%s%s", from, beside[i]);
        snprintf(index_to, sizeof index_to, "%s%s", to, beside[i]);
        if (vj_path_exists(index_from))
            VJ_TRY(vj_path_rename(index_from, index_to, err));
    }
    return VJ_OK;
}

vj_status vj_job_samples_publish(vj_job_samples *self, const vj_stop *stop, vj_error *err)
{
    if (self->staging == NULL)
        return VJ_OK;
    VJ_TRY(vj_stop_check(stop, err));
    if (self->is_folder)
        return vj_path_rename(self->staging, self->plan->options.output, err);
    for (int32_t i = 0; i < self->n; i++) {
        vj_status rc = move_output(self->plan->samples[i]->options.output, self->outputs[i], err);

        if (rc != VJ_OK)
            return vj_wrap(err, rc, "moving %d finished outputs to their places, of which %d are "
                           "there", self->n, i);
    }
    return VJ_OK;
}

void vj_job_samples_close(vj_job_samples *self)
{
    for (int32_t i = 0; self->sinks != NULL && i < self->n; i++) {
        vj_sink_free(self->sinks[i]);
        self->sinks[i] = NULL;
    }
    vj_tempdir_remove(self->staging);
    self->staging = NULL;
}

void vj_job_samples_free(vj_job_samples *self)
{
    vj_job_samples_close(self);
    vj_free(self->results);
    vj_free(self->sinks);
    vj_free(self->outputs);
    *self = (vj_job_samples){0};
}
