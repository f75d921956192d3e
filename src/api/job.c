#include "varjoin/job.h"

#include <stdio.h>

#include "api/choose.h"
#include "api/job_pipes.h"
#include "api/job_samples.h"
#include "api/run_external.h"
#include "engine/engine.h"
#include "native/native.h"

/*
 * A job owns what a run leaves behind: its record as JSON and as a table.
 *
 *   new -> annotate | normalize -> (report_json, report_text, report_multiqc) -> ... -> free
 */
struct vj_job {
    vj_job_options options;
    vj_stop stop;
    vj_buf json, table, multiqc;
};

/* One run: from options to a finished output and a filled record. */
typedef struct job_run {
    vj_job *job;
    bool annotating;
    const vj_job_rows *rows; /* takes the rows in place of a file, or NULL */
    vj_budget budget;
    vj_track *track;
    vj_report *report;
    vj_plan *plan;
    vj_job_samples samples;
    vj_result result; /* sums over the samples */
    vj_job_pipes pipes;
} job_run;

vj_status vj_job_new(const vj_job_options *options, vj_job **out, vj_error *err)
{
    *out = NULL;
    if (options->struct_size != sizeof *options)
        return vj_fail(err, VJ_E_USAGE, "job options of another version: expected %zu bytes, "
                       "found %zu", sizeof *options, options->struct_size);
    vj_job *job = vj_zalloc(NULL, sizeof *job, err);
    if (job == NULL)
        return VJ_E_NOMEM;
    job->options = *options;
    *out = job;
    return VJ_OK;
}

void vj_job_free(vj_job *job)
{
    if (job == NULL)
        return;
    vj_buf_fini(&job->json);
    vj_buf_fini(&job->table);
    vj_buf_fini(&job->multiqc);
    vj_free(job);
}

void vj_job_cancel(vj_job *job)
{
    vj_stop_request(&job->stop);
}

const char *vj_job_report_json(vj_job *job)
{
    return job->json.len_bytes > 0 ? (const char *)job->json.ptr : "";
}

const char *vj_job_report_text(vj_job *job)
{
    return job->table.len_bytes > 0 ? (const char *)job->table.ptr : "";
}

const char *vj_job_report_multiqc(vj_job *job)
{
    return job->multiqc.len_bytes > 0 ? (const char *)job->multiqc.ptr : "";
}

void vj_text_free(char *text)
{
    vj_free(text);
}

/* ---- the record ---- */

static const char *const duplicate_names[] = {"all", "first", "error"};
static const char *const engine_names[] = {"auto", "native", "polars", "duckdb"};

static vj_status open_report(job_run *run, vj_error *err)
{
    const vj_job_options *o = &run->job->options;
    vj_report *report = vj_report_new(err);

    run->report = report;
    if (report == NULL)
        return VJ_E_NOMEM;
    report->verb = run->annotating ? "annotate" : "normalize";
    report->command_line = o->command_line;
    report->source_vcf = o->source_vcf != NULL ? o->source_vcf
                         : o->n_inputs > 1     ? NULL
                         : o->n_inputs == 1    ? o->inputs[0]
                                               : o->input;
    report->output_file = o->output;
    report->threads = o->threads;
    report->user_name = o->user_name;
    report->sample_name = o->sample_name;
    report->sample_description = o->sample_description;
    report->sequencing_type = o->sequencing_type;
    report->species = o->species;
    report->reference_genome = o->reference_genome;
    report->host_known =
        vj_host_probe("", o->environment, o->user, &report->host, NULL) == VJ_OK;
    return VJ_OK;
}

static vj_status describe_columns(job_run *run, vj_error *err)
{
    const vj_plan *plan = run->plan;
    char type[96];
    int32_t c = 0;

    for (; c < plan->n_left_fields; c++) {
        const vj_field *field = &plan->out_schema.fields[c];

        VJ_TRY(vj_report_add_column(run->report, field->name,
                                    vj_type_name(&field->type, type, sizeof type), "input", NULL,
                                    err));
    }
    for (int32_t d = 0; d < plan->n_dbs; d++)
        for (int32_t k = 0; k < plan->dbs[d]->n_columns; k++) {
            const vj_db_column *column = &plan->dbs[d]->columns[k];

            if (column->name != NULL)
                VJ_TRY(vj_report_add_column(run->report, column->name,
                                            vj_type_name(&column->field.type, type, sizeof type),
                                            plan->dbs[d]->name, NULL, err));
        }
    return VJ_OK;
}

static const char *format_name(vj_output_kind kind)
{
    switch (kind) {
    case VJ_TO_PARQUET: return "parquet";
    case VJ_TO_VCF: return "vcf";
    case VJ_TO_VCF_GZ: return "vcf.gz";
    case VJ_TO_BCF:
    case VJ_TO_BCF_PLAIN: return "bcf";
    case VJ_TO_TSV: return "tsv";
    case VJ_TO_TSV_GZ: return "tsv.gz";
    case VJ_TO_GUESS: break;
    }
    return NULL;
}

static vj_status describe_plan(job_run *run, vj_error *err)
{
    const vj_plan *plan = run->plan;
    vj_report *report = run->report;

    report->engine = engine_names[plan->engine];
    VJ_TRY(vj_report_keep(report, plan->reason, &report->engine_reason, err));
    report->columns_in = plan->n_left_fields;
    report->columns_out = plan->out_schema.n_fields;
    report->threads = plan->n_workers;
    report->memory_promise_bytes = plan->engine == VJ_ENGINE_NATIVE ? plan->memory_bytes
                                                                    : plan->options.memory_bytes;
    report->output_format = format_name(plan->output_kind);
    VJ_TRY(vj_report_keep(report,
                          plan->options.compression == NULL && plan->output_kind == VJ_TO_PARQUET
                              ? "zstd"
                              : plan->options.compression,
                          &report->compression, err));
    if (plan->n_samples == 1)
        report->output_file = plan->samples[0]->options.output;
    for (int32_t i = 0; i < plan->n_samples; i++) {
        const vj_plan *sample = plan->samples[i];

        VJ_TRY(vj_report_add_input(report, sample->options.input, vj_left_format(sample->source),
                                   vj_left_bytes_total(sample->source), -1, err));
    }
    for (int32_t d = 0; d < plan->n_dbs; d++) {
        const vj_database *from = plan->dbs[d];
        vj_report_db *db = vj_report_add_db(report, from->name, err);

        if (db == NULL)
            return VJ_E_NOMEM;
        db->path = plan->options.databases[d].path;
        if (from->release != NULL && from->release[0] != '\0')
            VJ_TRY(vj_report_keep(report, from->release, &db->release, err));
        VJ_TRY(vj_report_keep(report, from->checksum, &db->checksum, err));
        db->n_files = from->n_files;
        db->bytes = from->size_bytes;
        db->rows = from->n_rows;
        db->n_rowgroups = from->n_rowgroups;
        db->matched_alleles = db->matched_rows = db->matched_records = db->duplicate_keys = 0;
        db->duplicates = duplicate_names[plan->options.duplicates];
    }
    return describe_columns(run, err);
}

static vj_status note_odd_cells(job_run *run, vj_error *err)
{
    const vj_vcf_counts *counts = &run->result.counts;

    for (int k = 0; k < VJ_ODD_KINDS; k++)
        if (counts->odd[k] > 0)
            VJ_TRY(vj_report_add_odd(run->report, vj_vcf_odd_name((vj_vcf_odd)k), counts->odd[k],
                                     NULL, err));
    for (int32_t i = 0; i < counts->n_odd_examples; i++)
        VJ_TRY(vj_report_add_odd(run->report, "examples", 0, counts->odd_examples[i], err));
    if (counts->undeclared_example[0] != '\0')
        VJ_TRY(vj_report_add_odd(run->report, "undeclared", 0, counts->undeclared_example, err));
    if (counts->kept_example[0] != '\0')
        VJ_TRY(vj_report_add_odd(run->report, "kept", 0, counts->kept_example, err));
    return VJ_OK;
}

static void say(job_run *run, vj_log_level level, const char *fmt, ...) VJ_PRINTF(3, 4);
static void say(job_run *run, vj_log_level level, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (level == VJ_LOG_WARNING && vj_report_warn(run->report, NULL, "%s", text) != VJ_OK)
        return;
    if (run->job->options.log != NULL)
        run->job->options.log(run->job->options.user, level, text);
}

/* What a message about one of several inputs begins with. */
static void name_sample(const job_run *run, int32_t sample_i, char dst[256])
{
    const char *input = run->plan->samples[sample_i]->options.input;

    dst[0] = '\0';
    if (run->samples.n > 1)
        snprintf(dst, 256, "%.250s: ", input);
}

/* S-36: nothing matched on a contig that both sides have with over 100 rows, or at all. */
static bool warn_of_nothing(job_run *run, int32_t sample_i, int32_t d)
{
    vj_report_db *db = run->samples.results[sample_i].dbs[d];
    int64_t matchable = 0;
    bool empty = false;
    char who[256];

    name_sample(run, sample_i, who);
    for (int r = 0; r < VJ_REASON_COUNT; r++)
        matchable += r == VJ_REASON_NOT_MATCHABLE ? 0 : db->n[r];
    if (matchable > 0 && db->n[VJ_REASON_MATCHED] == 0) {
        say(run, VJ_LOG_WARNING,
            "%snothing matched in the whole database %s (%lld alleles): is it of another genome "
            "build, or are its contigs named otherwise?", who, db->name, (long long)matchable);
        db->warning = "nothing matched";
        return true;
    }
    for (size_t i = 0; i < db->contigs.n; i++) {
        const vj_report_contig *contig = &db->contigs.ptr[i];
        int64_t n = contig->n[VJ_REASON_NO_POSITION] + contig->n[VJ_REASON_REF_DIFFERS] +
                    contig->n[VJ_REASON_ALT_DIFFERS];

        if (contig->n[VJ_REASON_CONTIG_ABSENT] > 0)
            say(run, VJ_LOG_WARNING, "%sdatabase %s has no contig %s: %lld alleles pass through "
                "without annotation", who, db->name, contig->name,
                (long long)contig->n[VJ_REASON_CONTIG_ABSENT]);
        if (n <= 100 || contig->n[VJ_REASON_MATCHED] > 0)
            continue;
        say(run, VJ_LOG_WARNING, "%snothing matched on contig %s in database %s (%lld alleles)",
            who, contig->name, db->name, (long long)n);
        db->warning = "nothing matched on a contig";
        empty = true;
    }
    return empty;
}

/* A run whose remarks are being said, and what those on one of several inputs begin with. */
typedef struct remarks_of {
    job_run *run;
    const char *who;
} remarks_of;

/* A remark on an input; those not for the user's eyes go to the run record alone. */
static void say_remark(void *ctx, bool shown, const char *text)
{
    const remarks_of *of = ctx;

    if (shown)
        say(of->run, VJ_LOG_WARNING, "%s%s", of->who, text);
    else if (vj_report_warn(of->run->report, NULL, "%s%s", of->who, text) != VJ_OK)
        return; /* the record lacks a remark: no reason to fail a run that is done */
}

static void say_oddities(job_run *run, int32_t sample_i)
{
    const vj_result *result = &run->samples.results[sample_i];
    const vj_vcf_counts *counts = &result->counts;
    const vj_plan *plan = run->plan->samples[sample_i];
    char who[256];
    remarks_of header = {run, ""}; /* these name the input anyway */
    remarks_of cells = {run, who};

    name_sample(run, sample_i, who);
    vj_remarks_header(&(vj_remarks){say_remark, &header}, vj_left_vcf(plan->source),
                      plan->options.input);
    vj_remarks_cells(&(vj_remarks){say_remark, &cells}, counts);
    if (counts->unsorted)
        say(run, VJ_LOG_WARNING, "%sthe input is not sorted by position (%s): it is joined all "
            "the same, row order stays", who, counts->unsorted_at);
    if (counts->n_bad_records > 0)
        say(run, VJ_LOG_WARNING, "%lld broken records were set aside to %s",
            (long long)counts->n_bad_records, run->job->options.bad_records_path);
    if (result->vcf_extra_rows > 0)
        say(run, VJ_LOG_WARNING, "%s%lld database rows beyond the first of an allele have no place "
            "in VCF and were left out; Parquet and TSV hold them", who,
            (long long)result->vcf_extra_rows);
    if (result->vcf_out_of_range > 0)
        say(run, VJ_LOG_WARNING, "%s%lld whole numbers do not fit VCF's Integer and became '.'",
            who, (long long)result->vcf_out_of_range);
}

/* Everything that is odd about the results; true where nothing matched somewhere. */
static bool look_at_results(job_run *run)
{
    bool empty = false;

    for (int32_t i = 0; i < run->samples.n; i++) {
        say_oddities(run, i);
        for (int32_t d = 0; d < run->plan->n_dbs; d++)
            empty |= warn_of_nothing(run, i, d);
    }
    return empty;
}

/* Which row groups the run looked into. */
static void note_reads(const job_run *run)
{
    for (int32_t d = 0; d < run->plan->n_dbs; d++) {
        const vj_database *from = run->plan->dbs[d];
        vj_report_db *db = run->result.dbs[d];

        db->n_rowgroups_read = db->rows_read = 0;
        for (int32_t g = 0; g < from->n_rowgroups; g++) {
            if (atomic_load_explicit(&from->was_read[g], memory_order_relaxed) == 0)
                continue;
            db->n_rowgroups_read++;
            db->rows_read += from->rowgroups[g].n_rows;
        }
    }
}

static vj_status note_result(job_run *run, vj_error *err)
{
    vj_report *report = run->report;
    const vj_result *result = &run->result;
    char hash[40];

    vj_job_samples_sum(&run->samples, &run->result);
    VJ_TRY(vj_job_samples_note(&run->samples, report, err));
    note_reads(run);
    report->records_in = result->counts.n_records;
    report->rows_in = result->rows_in + result->counts.n_filtered;
    report->rows_filtered = result->counts.n_filtered;
    report->rows_joined = result->rows_in;
    report->rows_expected = result->rows_expected;
    report->rows_out = result->rows_out;
    report->output_bytes = result->bytes_out;
    report->bad_records = result->counts.n_bad_records;
    report->budget_peak_bytes = run->budget.peak_bytes;
    if (run->samples.n == 1)
        VJ_TRY(vj_report_keep(report, vj_content_hash_text(&result->hash, hash),
                              &report->content_hash, err));
    return note_odd_cells(run, err);
}

/* ---- the run ---- */

static void say_unsorted(job_run *run)
{
    for (int32_t d = 0; d < run->plan->n_dbs; d++)
        if (!run->plan->dbs[d]->sorted && run->plan->engine == VJ_ENGINE_NATIVE)
            say(run, VJ_LOG_WARNING,
                "database %s is not sorted by contig and start: it is read once for each batch of "
                "the input; `varjoin reference build` sorts it", run->plan->dbs[d]->name);
}

static vj_status run_native(job_run *run, vj_error *err)
{
    vj_job_samples *samples = &run->samples;

    VJ_TRY(vj_job_samples_open(samples, run->rows, err));
    VJ_TRY(vj_native_run(run->plan, samples->sinks, samples->results, err));
    VJ_TRY(vj_stop_check(&run->job->stop, err));
    vj_stage_mark mark = vj_stage_start(run->track);
    int64_t written_before = vj_os_bytes_written();
    VJ_TRY(vj_job_samples_finish(samples, err));
    vj_stage_stop(run->track, VJ_STAGE_WRITE, mark, 0, vj_os_bytes_written() - written_before);
    return VJ_OK;
}

/* The other engines take one input after the other. */
static vj_status run_external(job_run *run, vj_external_join join, vj_error *err)
{
    for (int32_t i = 0; i < run->samples.n; i++) {
        vj_plan *plan = run->plan->samples[i];
        vj_status rc = vj_external_run(plan, join, &run->samples.results[i], err);

        if (rc != VJ_OK)
            return run->samples.n > 1 ? vj_wrap(err, rc, "annotating %s", plan->options.input)
                                      : rc;
    }
    return VJ_OK;
}

static vj_status run_engine(job_run *run, vj_error *err)
{
    if (run->rows != NULL && run->plan->engine != VJ_ENGINE_NATIVE)
        return vj_fail(err, VJ_E_UNSUPPORTED, "rows as a stream come from the native engine, and "
                       "this join needs %s: %s", engine_names[run->plan->engine],
                       run->plan->reason);
    if (run->rows != NULL && run->plan->options.n_inputs > 0)
        return vj_fail(err, VJ_E_USAGE, "rows as a stream come from one input, found a list");
    VJ_TRY(vj_job_samples_stage(&run->samples, err));
    switch (run->plan->engine) {
    case VJ_ENGINE_DUCKDB:
        VJ_TRY(run_external(run, vj_duck_engine_join, err));
        break;
    case VJ_ENGINE_POLARS:
        VJ_TRY(run_external(run, vj_polars_engine_join, err));
        break;
    case VJ_ENGINE_NATIVE:
    case VJ_ENGINE_AUTO:
        VJ_TRY(run_native(run, err));
        break;
    }
    return VJ_OK;
}

/* The output is there, and so are the records that it lacks, each under its name. */
static vj_status refuse_skipped(const job_run *run, vj_error *err)
{
    const vj_job_options *o = &run->job->options;
    int64_t n_skipped = 0;

    for (int32_t i = 0; i < run->samples.n; i++)
        n_skipped += run->samples.results[i].counts.n_bad_records;
    return o->fail_on_skipped ? vj_refuse_skipped(n_skipped, o->bad_records_path, "output", err)
                              : VJ_OK;
}

static vj_status do_run(job_run *run, vj_error *err)
{
    VJ_TRY(vj_plan_build(&run->job->options, run->annotating, &run->budget, &run->job->stop,
                         run->track, &run->plan, err));
    VJ_TRY(vj_choose_engine(run->plan, err));
    say_unsorted(run);
    VJ_TRY(describe_plan(run, err));
    VJ_TRY(vj_job_samples_init(&run->samples, run->plan, run->report, err));
    VJ_TRY(run_engine(run, err));
    VJ_TRY(note_result(run, err));
    bool empty = look_at_results(run);
    /* last of all: what can fail has not failed */
    VJ_TRY(vj_job_samples_publish(&run->samples, &run->job->stop, err));
    if (empty && run->job->options.fail_on_empty)
        return vj_fail(err, VJ_E_POLICY, "nothing matched in a database or on a contig and "
                       "--fail-on-empty was given (the output is complete)");
    return refuse_skipped(run, err);
}

typedef vj_status (*report_sink)(vj_report *report, vj_buf *out, vj_error *err);

/* What a sink gives as a C string; empty when memory does not do. */
static void keep_text(vj_report *report, report_sink sink, vj_buf *out)
{
    vj_buf_reset(out);
    if (sink(report, out, NULL) != VJ_OK || vj_buf_push(out, 0, NULL) != VJ_OK)
        vj_buf_reset(out);
}

/* The record is wanted after a failure too, so its own failures do not hide the run's. */
static void close_report(job_run *run, vj_status rc, const vj_error *err)
{
    vj_report *report = run->report;

    if (report == NULL || run->track == NULL)
        return;
    vj_track_end(run->track, &report->figures);
    report->exit_status = vj_status_exit_code(rc);
    report->error = rc != VJ_OK ? err->text : NULL;
    keep_text(report, vj_report_json, &run->job->json);
    keep_text(report, vj_report_table, &run->job->table);
    keep_text(report, vj_report_multiqc, &run->job->multiqc);
}

static vj_status run_job(vj_job *job, bool annotating, const vj_job_rows *rows, vj_error *err)
{
    job_run run = {.job = job, .annotating = annotating, .rows = rows};
    vj_error local = {0};
    vj_status rc = VJ_OK;

    if (err == NULL)
        err = &local;
    vj_budget_init(&run.budget, 0);
    VJ_TRY(vj_job_pipes_open(&run.pipes, &job->options, err));
    if (!job->options.without_tracking || run.pipes.pipes != NULL)
        VJ_GO(rc, vj_track_begin(NULL, &run.track, err));
    VJ_GO(rc, open_report(&run, err));
    rc = do_run(&run, err);
    vj_job_samples_close(&run.samples);
out:
    close_report(&run, rc, err);
    rc = vj_job_pipes_close(&run.pipes, &job->options, run.report, rc, err);
    vj_job_samples_free(&run.samples);
    vj_plan_free(run.plan);
    vj_report_free(run.report);
    vj_track_free(run.track);
    return rc;
}

vj_status vj_job_annotate(vj_job *job, vj_error *err)
{
    return run_job(job, true, NULL, err);
}

vj_status vj_job_normalize(vj_job *job, vj_error *err)
{
    return run_job(job, false, NULL, err);
}

vj_status vj_job_run_rows(vj_job *job, bool annotating, const vj_job_rows *rows, vj_error *err)
{
    return run_job(job, annotating, rows, err);
}
