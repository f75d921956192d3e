#include <math.h>

#include "api/choose.h"
#include "base/json.h"
#include "engine/estimate.h"
#include "varjoin/job.h"

static const char *const engine_names[] = {"auto", "native", "polars", "duckdb"};

static json_t *describe_db(const vj_database *db, const vj_estimate_db *estimate)
{
    json_t *one = json_object();

    json_object_set_new(one, "name", vj_json_text(vj_span_of(db->name)));
    json_object_set_new(one, "files", json_integer(estimate->n_files));
    json_object_set_new(one, "files_total", json_integer(db->n_files));
    json_object_set_new(one, "row_groups", json_integer((json_int_t)estimate->n_rowgroups));
    json_object_set_new(one, "row_groups_total", json_integer(db->n_rowgroups));
    json_object_set_new(one, "rows", json_integer((json_int_t)estimate->n_rows));
    json_object_set_new(one, "rows_total", json_integer((json_int_t)db->n_rows));
    json_object_set_new(one, "bytes", json_integer((json_int_t)estimate->bytes));
    json_object_set_new(one, "sorted", json_boolean(db->sorted));
    json_object_set_new(one, "start_base", json_integer(db->start_base));
    return one;
}

static json_t *describe_sample(const vj_plan *sample, const vj_estimate_input *input)
{
    json_t *one = json_object();

    json_object_set_new(one, "input", vj_json_text(vj_span_of(sample->options.input)));
    json_object_set_new(one, "output", vj_json_text(vj_span_of(sample->options.output)));
    json_object_set_new(one, "records",
                        input->known ? json_integer((json_int_t)input->n_records) : json_null());
    json_object_set_new(one, "rows",
                        input->known ? json_integer((json_int_t)input->n_rows) : json_null());
    json_object_set_new(one, "columns", json_integer(sample->out_schema.n_fields));
    return one;
}

static json_t *describe(const vj_plan *plan, const vj_estimate *e)
{
    json_t *root = json_object();
    json_t *dbs = json_array();
    json_t *columns = json_array();
    json_t *samples = json_array();

    for (int32_t i = 0; plan->n_samples > 1 && i < plan->n_samples; i++)
        json_array_append_new(samples, describe_sample(plan->samples[i], &e->inputs[i]));
    for (int32_t d = 0; d < plan->n_dbs; d++)
        json_array_append_new(dbs, describe_db(plan->dbs[d], &e->dbs[d]));
    for (int32_t c = 0; c < plan->out_schema.n_fields; c++)
        json_array_append_new(columns,
                              vj_json_text(vj_span_of(plan->out_schema.fields[c].name)));
    json_object_set_new(root, "engine", json_string(engine_names[plan->engine]));
    json_object_set_new(root, "reason", vj_json_text(vj_span_of(plan->reason)));
    json_object_set_new(root, "input", vj_json_text(vj_span_of(plan->options.input)));
    json_object_set_new(root, "records",
                        e->input_known ? json_integer((json_int_t)e->n_records) : json_null());
    json_object_set_new(root, "rows",
                        e->input_known ? json_integer((json_int_t)e->n_rows) : json_null());
    json_object_set_new(root, "bytes", json_integer((json_int_t)e->bytes));
    json_object_set_new(root, "cpu_sec", json_real(round(e->cpu_s * 1000) / 1000));
    json_object_set_new(root, "duration_sec", json_real(round(e->wall_s * 1000) / 1000));
    json_object_set_new(root, "peak_memory_mb", json_real(round((double)e->memory_bytes / 1e5) / 10));
    json_object_set_new(root, "threads", json_integer(plan->n_workers));
    json_object_set_new(root, "rows_per_batch", json_integer((json_int_t)plan->rows_per_batch));
    json_object_set_new(root, "samples", samples);
    json_object_set_new(root, "databases", dbs);
    json_object_set_new(root, "columns", columns);
    return root;
}

static vj_status print_dbs(const vj_plan *plan, const vj_estimate *e, vj_buf *out, vj_error *err)
{
    char size[32];

    VJ_TRY(vj_buf_printf(out, err, "%-20s %12s %16s %16s %12s\n", "database", "files",
                         "row groups", "rows", "bytes"));
    for (int32_t d = 0; d < plan->n_dbs; d++) {
        const vj_estimate_db *db = &e->dbs[d];

        VJ_TRY(vj_buf_printf(out, err, "%-20s %5d of %4d %7lld of %5d %16lld %12s%s\n",
                             plan->dbs[d]->name, db->n_files, plan->dbs[d]->n_files,
                             (long long)db->n_rowgroups, plan->dbs[d]->n_rowgroups,
                             (long long)db->n_rows, vj_format_size(size, sizeof size, db->bytes),
                             plan->dbs[d]->sorted ? "" : "  not sorted"));
    }
    return VJ_OK;
}

static vj_status print_input(const vj_plan *sample, const vj_estimate_input *input, vj_buf *out,
                             vj_error *err)
{
    if (input->known)
        return vj_buf_printf(out, err, "input     %s: about %lld records, %lld rows\n",
                             sample->options.input, (long long)input->n_records,
                             (long long)input->n_rows);
    return vj_buf_printf(out, err, "input     %s: records unknown before it is read; what may be "
                         "read is counted\n", sample->options.input);
}

/* One sweep, or one run after the other. */
static vj_status print_sweep(const vj_plan *plan, vj_buf *out, vj_error *err)
{
    if (plan->n_samples == 1)
        return VJ_OK;
    if (plan->engine == VJ_ENGINE_NATIVE)
        return vj_buf_printf(out, err, "inputs    %d in one sweep: each database is read once for "
                             "all of them, %lld rows of each at a time\n", plan->n_samples,
                             (long long)plan->rows_per_batch);
    return vj_buf_printf(out, err, "inputs    %d, one after the other: each has the databases "
                         "read again\n", plan->n_samples);
}

static vj_status print(const vj_plan *plan, const vj_estimate *e, vj_buf *out, vj_error *err)
{
    char bytes[32];
    char memory[32];

    VJ_TRY(vj_buf_printf(out, err, "engine    %s: %s\n", engine_names[plan->engine],
                         plan->reason));
    VJ_TRY(print_sweep(plan, out, err));
    for (int32_t i = 0; i < plan->n_samples; i++)
        VJ_TRY(print_input(plan->samples[i], &e->inputs[i], out, err));
    VJ_TRY(vj_buf_printf(out, err, "expected  %s to read, %.2f s on %d threads (%.2f CPU s), "
                         "%s of memory\n",
                         vj_format_size(bytes, sizeof bytes, e->bytes), e->wall_s, plan->n_workers,
                         e->cpu_s, vj_format_size(memory, sizeof memory, e->memory_bytes)));
    VJ_TRY(vj_buf_printf(out, err, "output    %d columns, %d of them of the input\n\n",
                         plan->out_schema.n_fields, plan->n_left_fields));
    return print_dbs(plan, e, out, err);
}

vj_status vj_job_plan(const vj_job_options *options, int as_json, char **out_text, vj_error *err)
{
    vj_budget budget;
    vj_plan *plan = NULL;
    vj_estimate estimate;
    json_t *root = NULL;
    vj_buf text = {0};
    vj_status rc = VJ_OK;

    *out_text = NULL;
    vj_budget_init(&budget, 0);
    VJ_GO(rc, vj_plan_build(options, true, &budget, NULL, NULL, &plan, err));
    VJ_GO(rc, vj_choose_engine(plan, err));
    VJ_GO(rc, vj_estimate_make(plan, &estimate, err));
    if (as_json) {
        root = describe(plan, &estimate);
        VJ_GO(rc, vj_json_write(root, JSON_INDENT(2), &text, err));
        VJ_GO(rc, vj_buf_push(&text, '\n', err));
    } else {
        VJ_GO(rc, print(plan, &estimate, &text, err));
    }
    *out_text = vj_strndup(NULL, text.ptr, text.len_bytes, err);
    rc = *out_text != NULL ? VJ_OK : VJ_E_NOMEM;
out:
    json_decref(root);
    vj_buf_fini(&text);
    vj_plan_free(plan);
    return rc;
}
