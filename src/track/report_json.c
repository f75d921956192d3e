/* The run record as JSON; docs/run.schema.json describes it, docs/report.md explains it. */
#include "base/json.h"
#include "track/record.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

/* Every value goes through here, so that one missing allocation spoils the whole, not a key. */
static void put(vj_record *rec, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        rec->failed = true;
}

static void push(vj_record *rec, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        rec->failed = true;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? vj_json_text(vj_span_of(text)) : json_null();
}

/* -1 stands for "not known" throughout the report. */
static json_t *count_or_null(int64_t n)
{
    return n >= 0 ? json_integer(n) : json_null();
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *rounded(double value, double unit)
{
    return real(round(value / unit) * unit);
}

static json_t *seconds(int64_t ns)
{
    return rounded((double)ns / 1e9, 1e-6);
}

static json_t *megabytes(int64_t bytes)
{
    return rounded((double)bytes / 1e6, 1e-3);
}

static json_t *time_text(int64_t wall_ns)
{
    time_t at = (time_t)(wall_ns / 1000000000);
    struct tm tm;
    char text[64];

    if (wall_ns <= 0 || gmtime_r(&at, &tm) == NULL)
        return json_null();
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03dZ", (int)(wall_ns / 1000000 % 1000));
    return json_string(text);
}

json_t *vj_record_metadata(vj_record *rec, const vj_report *r)
{
    const vj_track_figures *f = &r->figures;
    json_t *m = json_object();

    put(rec, m, "user_name", text_or_null(r->user_name));
    put(rec, m, "sample_name", text_or_null(r->sample_name));
    put(rec, m, "sample_description", text_or_null(r->sample_description));
    put(rec, m, "sequencing_type", text_or_null(r->sequencing_type));
    put(rec, m, "species", text_or_null(r->species));
    put(rec, m, "reference_genome", text_or_null(r->reference_genome));
    put(rec, m, "source_vcf", text_or_null(r->source_vcf));
    put(rec, m, "output_file", text_or_null(r->output_file));
    put(rec, m, "file_size_mb",
        r->output_bytes >= 0 ? megabytes(r->output_bytes) : json_null());
    put(rec, m, "num_rows", count_or_null(r->rows_out));
    put(rec, m, "num_columns", count_or_null(r->columns_out));
    put(rec, m, "compression", text_or_null(r->compression));
    put(rec, m, "engine", text_or_null(r->engine));
    put(rec, m, "duration_sec", seconds(f->wall_ns));
    put(rec, m, "cpu_percent", rounded(f->cpu_percent, 0.1));
    put(rec, m, "peak_memory_mb", megabytes(f->peak_rss_bytes));
    put(rec, m, "memory_delta_mb", megabytes(f->memory_delta_bytes));
    return m;
}

static json_t *host_json(vj_record *rec, const vj_report *r)
{
    json_t *host = json_object();
    json_t *facts = json_array();

    put(rec, host, "ram_bytes", json_integer(r->host.ram_bytes));
    put(rec, host, "ram_origin", text_or_null(r->host.ram_origin));
    put(rec, host, "physical_ram_bytes", json_integer(r->host.physical_ram_bytes));
    put(rec, host, "cpus", json_integer(r->host.cpus));
    put(rec, host, "cpus_origin", text_or_null(r->host.cpus_origin));
    put(rec, host, "cpu_model", text_or_null(r->host.cpu_model));
    put(rec, host, "kernel", text_or_null(r->host.kernel));
    for (size_t i = 0; i < r->host.n_facts; i++) {
        const vj_host_fact *fact = &r->host.facts[i];
        json_t *one = json_object();

        put(rec, one, "kind", json_string(fact->kind == VJ_HOST_RAM ? "ram_bytes" : "cpus"));
        put(rec, one, "value", json_integer(fact->value));
        put(rec, one, "origin", text_or_null(fact->origin));
        push(rec, facts, one);
    }
    put(rec, host, "limits", facts);
    return host;
}

static json_t *inputs_json(vj_record *rec, const vj_report *r)
{
    json_t *inputs = json_array();

    for (size_t i = 0; i < r->inputs.n; i++) {
        const vj_report_input *input = &r->inputs.ptr[i];
        json_t *one = json_object();

        put(rec, one, "path", text_or_null(input->path));
        put(rec, one, "format", text_or_null(input->format));
        put(rec, one, "bytes", count_or_null(input->bytes));
        put(rec, one, "records", count_or_null(input->records));
        push(rec, inputs, one);
    }
    return inputs;
}

static json_t *output_json(vj_record *rec, const vj_report *r)
{
    json_t *output = json_object();
    json_t *columns = json_array();

    for (size_t i = 0; i < r->columns.n; i++) {
        const vj_report_column *column = &r->columns.ptr[i];
        json_t *one = json_object();

        put(rec, one, "name", text_or_null(column->name));
        put(rec, one, "type", text_or_null(column->type));
        put(rec, one, "origin", text_or_null(column->origin));
        if (column->description != NULL)
            put(rec, one, "description", text_or_null(column->description));
        push(rec, columns, one);
    }
    put(rec, output, "path", text_or_null(r->output_file));
    put(rec, output, "format", text_or_null(r->output_format));
    put(rec, output, "compression", text_or_null(r->compression));
    put(rec, output, "bytes", count_or_null(r->output_bytes));
    put(rec, output, "rows", count_or_null(r->rows_out));
    put(rec, output, "columns", count_or_null(r->columns_out));
    put(rec, output, "content_hash", text_or_null(r->content_hash));
    put(rec, output, "column_schema", columns);
    return output;
}

static json_t *rows_json(vj_record *rec, const vj_report *r)
{
    json_t *rows = json_object();

    put(rec, rows, "records_in", count_or_null(r->records_in));
    put(rec, rows, "bad_records", json_integer(r->bad_records));
    put(rec, rows, "rows_in", count_or_null(r->rows_in));
    put(rec, rows, "rows_filtered", json_integer(r->rows_filtered));
    put(rec, rows, "rows_joined", count_or_null(r->rows_joined));
    put(rec, rows, "rows_expected",
        count_or_null(r->rows_expected == -1 ? r->rows_joined : r->rows_expected));
    put(rec, rows, "rows_out", count_or_null(r->rows_out));
    put(rec, rows, "columns_in", count_or_null(r->columns_in));
    put(rec, rows, "columns_out", count_or_null(r->columns_out));
    return rows;
}

static void put_reasons(vj_record *rec, json_t *object, const int64_t n[VJ_REASON_COUNT])
{
    json_t *unmatched = json_object();

    put(rec, object, "matched_alleles", json_integer(n[VJ_REASON_MATCHED]));
    for (vj_reason i = VJ_REASON_NO_POSITION; i < VJ_REASON_COUNT; i++)
        put(rec, unmatched, vj_reason_name(i), json_integer(n[i]));
    put(rec, object, "unmatched", unmatched);
}

static json_t *db_json(vj_record *rec, const vj_report_db *db)
{
    json_t *one = json_object();
    json_t *contigs = json_array();

    put(rec, one, "name", text_or_null(db->name));
    put(rec, one, "path", text_or_null(db->path));
    put(rec, one, "release", text_or_null(db->release));
    put(rec, one, "checksum", text_or_null(db->checksum));
    put(rec, one, "files", json_integer(db->n_files));
    put(rec, one, "bytes", json_integer(db->bytes));
    put(rec, one, "rows", count_or_null(db->rows));
    put(rec, one, "row_groups", count_or_null(db->n_rowgroups));
    put(rec, one, "row_groups_read", count_or_null(db->n_rowgroups_read));
    put(rec, one, "rows_read", count_or_null(db->rows_read));
    put(rec, one, "matched_rows", json_integer(db->matched_rows));
    put(rec, one, "matched_records", count_or_null(db->matched_records));
    put_reasons(rec, one, db->n);
    put(rec, one, "duplicates", text_or_null(db->duplicates));
    put(rec, one, "duplicate_keys", count_or_null(db->duplicate_keys));
    put(rec, one, "warning", text_or_null(db->warning));
    for (size_t i = 0; i < db->contigs.n; i++) {
        json_t *contig = json_object();

        put(rec, contig, "name", text_or_null(db->contigs.ptr[i].name));
        put_reasons(rec, contig, db->contigs.ptr[i].n);
        push(rec, contigs, contig);
    }
    put(rec, one, "contigs", contigs);
    return one;
}

static json_t *sample_db_json(vj_record *rec, const vj_report_db *db)
{
    json_t *one = json_object();

    put(rec, one, "name", text_or_null(db->name));
    put(rec, one, "matched_rows", json_integer(db->matched_rows));
    put(rec, one, "matched_records", count_or_null(db->matched_records));
    put_reasons(rec, one, db->n);
    put(rec, one, "duplicate_keys", count_or_null(db->duplicate_keys));
    put(rec, one, "warning", text_or_null(db->warning));
    return one;
}

static json_t *samples_json(vj_record *rec, const vj_report *r)
{
    json_t *all = json_array();

    for (size_t i = 0; i < r->samples.n; i++) {
        const vj_report_sample *sample = r->samples.ptr[i];
        json_t *one = json_object();
        json_t *dbs = json_array();

        for (size_t d = 0; d < sample->dbs.n; d++)
            push(rec, dbs, sample_db_json(rec, sample->dbs.ptr[d]));
        put(rec, one, "input", text_or_null(sample->input));
        put(rec, one, "output", text_or_null(sample->output));
        put(rec, one, "input_bytes", count_or_null(sample->input_bytes));
        put(rec, one, "records_in", count_or_null(sample->records_in));
        put(rec, one, "rows_in", count_or_null(sample->rows_in));
        put(rec, one, "rows_joined", count_or_null(sample->rows_joined));
        put(rec, one, "rows_expected",
            count_or_null(sample->rows_expected == -1 ? sample->rows_joined
                                                      : sample->rows_expected));
        put(rec, one, "rows_out", count_or_null(sample->rows_out));
        put(rec, one, "columns_out", count_or_null(sample->columns_out));
        put(rec, one, "output_bytes", count_or_null(sample->output_bytes));
        put(rec, one, "content_hash", text_or_null(sample->content_hash));
        put(rec, one, "databases", dbs);
        push(rec, all, one);
    }
    return all;
}

static json_t *odd_json(vj_record *rec, const vj_report *r)
{
    json_t *all = json_array();

    for (size_t i = 0; i < r->odd.n; i++) {
        const vj_report_odd *odd = &r->odd.ptr[i];
        json_t *one = json_object();
        json_t *examples = json_array();

        for (size_t k = 0; k < odd->n_examples; k++)
            push(rec, examples, text_or_null(odd->examples[k]));
        put(rec, one, "kind", text_or_null(odd->kind));
        put(rec, one, "count", json_integer(odd->n));
        put(rec, one, "examples", examples);
        push(rec, all, one);
    }
    return all;
}

static json_t *fact_json(const vj_report_fact *fact)
{
    switch (fact->kind) {
    case VJ_FACT_TEXT:
    case VJ_FACT_PATH: return text_or_null(fact->text);
    case VJ_FACT_INT: return json_integer((json_int_t)fact->number);
    case VJ_FACT_FLOAT: return rounded(fact->number, 1e-6);
    case VJ_FACT_BOOL: return json_boolean(fact->number != 0);
    }
    return json_null();
}

static json_t *facts_json(vj_record *rec, const vj_report *r)
{
    json_t *facts = json_object();

    for (size_t i = 0; i < r->facts.n; i++)
        put(rec, facts, r->facts.ptr[i].name, fact_json(&r->facts.ptr[i]));
    return facts;
}

static json_t *resources_json(vj_record *rec, const vj_report *r)
{
    const vj_track_figures *f = &r->figures;
    json_t *m = json_object();

    put(rec, m, "wall_seconds", seconds(f->wall_ns));
    put(rec, m, "user_cpu_seconds", seconds(f->user_ns));
    put(rec, m, "system_cpu_seconds", seconds(f->system_ns));
    put(rec, m, "cpu_percent", rounded(f->cpu_percent, 0.1));
    put(rec, m, "peak_rss_bytes", json_integer(f->peak_rss_bytes));
    put(rec, m, "peak_exact", json_boolean(f->peak_exact));
    put(rec, m, "peak_sample_interval_ms",
        f->peak_interval_ms > 0 ? json_integer(f->peak_interval_ms) : json_null());
    put(rec, m, "peak_rss_least_bytes", json_integer(f->peak_rss_least_bytes));
    put(rec, m, "peak_rss_bound_bytes", json_integer(f->peak_rss_bound_bytes));
    put(rec, m, "peak_self_bytes", json_integer(f->peak_self_bytes));
    put(rec, m, "peak_child_bytes", json_integer(f->peak_child_bytes));
    put(rec, m, "peak_child_cgroup_bytes",
        f->peak_child_group_bytes > 0 ? json_integer(f->peak_child_group_bytes) : json_null());
    put(rec, m, "peak_method", text_or_null(f->peak_method));
    put(rec, m, "memory_delta_bytes", json_integer(f->memory_delta_bytes));
    put(rec, m, "memory_promise_bytes",
        r->memory_promise_bytes > 0 ? json_integer(r->memory_promise_bytes) : json_null());
    put(rec, m, "budget_peak_bytes",
        r->budget_peak_bytes > 0 ? json_integer(r->budget_peak_bytes) : json_null());
    put(rec, m, "read_bytes", count_or_null(f->read_bytes));
    put(rec, m, "written_bytes", count_or_null(f->written_bytes));
    put(rec, m, "disk_read_bytes", count_or_null(f->disk_read_bytes));
    put(rec, m, "disk_written_bytes", count_or_null(f->disk_written_bytes));
    put(rec, m, "minor_faults", json_integer(f->minor_faults));
    put(rec, m, "major_faults", json_integer(f->major_faults));
    put(rec, m, "voluntary_switches", json_integer(f->voluntary_switches));
    put(rec, m, "involuntary_switches", json_integer(f->involuntary_switches));
    put(rec, m, "measuring_cpu_seconds", seconds(f->measuring_cpu_ns));
    put(rec, m, "sample_interval_ms",
        f->sample_interval_ms > 0 ? json_integer(f->sample_interval_ms) : json_null());
    return m;
}

static json_t *stages_json(vj_record *rec, const vj_track_figures *f)
{
    json_t *stages = json_array();

    for (size_t i = 0; i < f->n_stages; i++) {
        const vj_stage_figures *s = &f->stages[i];
        json_t *one = json_object();

        put(rec, one, "name", text_or_null(s->name));
        put(rec, one, "parent",
            s->parent_i >= 0 ? text_or_null(f->stages[s->parent_i].name) : json_null());
        put(rec, one, "calls", json_integer(s->calls));
        put(rec, one, "wall_seconds", seconds(s->wall_ns));
        put(rec, one, "cpu_seconds", seconds(s->cpu_ns));
        put(rec, one, "first_seconds", seconds(s->first_ns));
        put(rec, one, "last_seconds", seconds(s->last_ns));
        put(rec, one, "rows", json_integer(s->rows));
        put(rec, one, "bytes", s->bytes > 0 ? json_integer(s->bytes) : json_null());
        push(rec, stages, one);
    }
    return stages;
}

static json_t *timeline_json(vj_record *rec, const vj_track_figures *f)
{
    json_t *line = json_object();
    json_t *at = json_array();
    json_t *rss = json_array();
    json_t *cpu = json_array();

    for (size_t i = 0; i < f->n_points; i++) {
        push(rec, at, rounded((double)f->points[i].at_ns / 1e9, 1e-4));
        push(rec, rss, json_integer(f->points[i].rss_bytes));
        push(rec, cpu, rounded((double)f->points[i].cpu_ns / 1e9, 1e-4));
    }
    put(rec, line, "at_seconds", at);
    put(rec, line, "rss_bytes", rss);
    put(rec, line, "cpu_seconds", cpu);
    return line;
}

static json_t *checks_json(vj_record *rec, vj_report *r)
{
    vj_report_check checks[VJ_REPORT_MAX_CHECKS];
    json_t *all = json_array();
    size_t n = 0;

    if (vj_report_checks(r, checks, &n, NULL) != VJ_OK)
        rec->failed = true;
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_object();

        put(rec, one, "name", json_string(checks[i].name));
        put(rec, one, "passed", json_boolean(checks[i].passed));
        put(rec, one, "severity", json_string(checks[i].is_error ? "ERROR" : "WARN"));
        put(rec, one, "text", text_or_null(checks[i].text));
        push(rec, all, one);
    }
    return all;
}

static void put_run(vj_record *rec, json_t *root, const vj_report *r)
{
    int64_t start_ns = r->figures.started_wall_ns;

    put(rec, root, "schema", json_string("varjoin.run/1"));
    put(rec, root, "version", text_or_null(r->version));
    put(rec, root, "verb", text_or_null(r->verb));
    put(rec, root, "command_line", text_or_null(r->command_line));
    put(rec, root, "started_at", time_text(start_ns));
    put(rec, root, "finished_at", time_text(start_ns > 0 ? start_ns + r->figures.wall_ns : 0));
    put(rec, root, "status", json_string(r->exit_status == 0 ? "ok" : "failed"));
    put(rec, root, "exit_status", json_integer(r->exit_status));
    put(rec, root, "error", text_or_null(r->error));
    put(rec, root, "engine", text_or_null(r->engine));
    put(rec, root, "engine_reason", text_or_null(r->engine_reason));
    put(rec, root, "threads", r->threads > 0 ? json_integer(r->threads) : json_null());
    put(rec, root, "host", r->host_known ? host_json(rec, r) : json_null());
}

json_t *vj_record_json(vj_report *r)
{
    vj_record rec = {0};
    json_t *root = json_object();
    json_t *dbs = json_array();
    json_t *warnings = json_array();

    for (size_t i = 0; i < r->dbs.n; i++)
        push(&rec, dbs, db_json(&rec, r->dbs.ptr[i]));
    for (size_t i = 0; i < r->warnings.n; i++)
        push(&rec, warnings, text_or_null(r->warnings.ptr[i]));
    put_run(&rec, root, r);
    put(&rec, root, "metadata", vj_record_metadata(&rec, r));
    put(&rec, root, "facts", facts_json(&rec, r));
    put(&rec, root, "inputs", inputs_json(&rec, r));
    put(&rec, root, "output", output_json(&rec, r));
    put(&rec, root, "rows", rows_json(&rec, r));
    put(&rec, root, "databases", dbs);
    put(&rec, root, "samples", samples_json(&rec, r));
    put(&rec, root, "odd_cells", odd_json(&rec, r));
    put(&rec, root, "warnings", warnings);
    put(&rec, root, "checks", checks_json(&rec, r));
    put(&rec, root, "resources", resources_json(&rec, r));
    put(&rec, root, "stages", stages_json(&rec, &r->figures));
    put(&rec, root, "timeline", timeline_json(&rec, &r->figures));
    if (rec.failed) {
        json_decref(root);
        return NULL;
    }
    return root;
}

vj_status vj_report_json(vj_report *report, vj_buf *out, vj_error *err)
{
    json_t *root = vj_record_json(report);
    vj_status rc = VJ_OK;

    if (root == NULL)
        return vj_fail(err, VJ_E_NOMEM, "no memory to build the run record");
    VJ_GO(rc, vj_json_write(root, JSON_INDENT(1) | JSON_REAL_PRECISION(12), out, err));
    VJ_GO(rc, vj_buf_push(out, '\n', err));
out:
    json_decref(root);
    return rc;
}

vj_status vj_record_write(vj_report *report, vj_record_sink sink, const char *path, vj_error *err)
{
    vj_buf text = {0};
    vj_outfile *file = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, sink(report, &text, err));
    VJ_GO(rc, vj_outfile_open(path, &file, err));
    VJ_GO(rc, vj_outfile_write(file, text.ptr, text.len_bytes, err));
    VJ_GO(rc, vj_outfile_finish(file, err));
out:
    vj_outfile_free(file);
    vj_buf_fini(&text);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "writing the report %s", path);
}

vj_status vj_report_write_json(vj_report *report, const char *path, vj_error *err)
{
    return vj_record_write(report, vj_report_json, path, err);
}
