#include "engine/samples.h"

#include <stdio.h>

/* ---- names ---- */

static bool cut_suffix(vj_span *name, const char *suffix)
{
    size_t n = strlen(suffix);

    if (name->len_bytes <= n || memcmp(name->ptr + name->len_bytes - n, suffix, n) != 0)
        return false;
    name->len_bytes -= n;
    return true;
}

/* a/b/NA12878.vcf.gz -> NA12878 */
static vj_span stem_of(const char *path)
{
    static const char *const known[] = {".vcf.gz", ".vcf.bgz", ".vcf", ".bcf", ".parquet", ".pq"};
    const char *slash = strrchr(path, '/');
    vj_span name = vj_span_of(slash != NULL ? slash + 1 : path);

    for (size_t i = 0; i < VJ_COUNT(known); i++)
        if (cut_suffix(&name, known[i]))
            break;
    return name;
}

static const char *suffix_of(vj_output_kind kind)
{
    switch (kind) {
    case VJ_TO_VCF:
        return ".vcf";
    case VJ_TO_VCF_GZ:
        return ".vcf.gz";
    case VJ_TO_BCF:
    case VJ_TO_BCF_PLAIN:
        return ".bcf";
    case VJ_TO_TSV:
        return ".tsv";
    case VJ_TO_TSV_GZ:
        return ".tsv.gz";
    case VJ_TO_PARQUET:
    case VJ_TO_GUESS:
        break;
    }
    return ".parquet";
}

static const char *output_in(vj_plan *plan, const char *input, vj_error *err)
{
    const char *dir = plan->options.output;
    vj_span stem = stem_of(input);
    const char *suffix = suffix_of(plan->output_kind);
    size_t n_dir = strlen(dir);
    size_t cap = n_dir + stem.len_bytes + strlen(suffix) + 2;
    char *path = vj_arena_alloc(&plan->arena, cap, err);

    while (n_dir > 1 && dir[n_dir - 1] == '/')
        n_dir--;
    if (path != NULL)
        snprintf(path, cap, "%.*s%s%.*s%s", (int)n_dir, dir, n_dir == 1 && *dir == '/' ? "" : "/",
                 (int)stem.len_bytes, stem.ptr, suffix);
    return path;
}

/* ---- what cannot be ---- */

static bool is_stream(const char *path)
{
    return strcmp(path, "-") == 0;
}

static vj_status check_output(const vj_plan *plan, const char *output, vj_error *err)
{
    const vj_job_options *o = &plan->options;

    if (is_stream(output))
        return VJ_OK;
    for (int32_t i = 0; i < plan->n_samples; i++) {
        const char *input = plan->samples[i]->options.input;

        if (!is_stream(input) && vj_path_same_file(input, output))
            return vj_fail(err, VJ_E_USAGE, "%s: the output is the input itself", output);
    }
    for (int i = 0; i < o->n_databases; i++)
        VJ_TRY(vj_path_spares("output", output, o->databases[i].path, err));
    return VJ_OK;
}

/* The file for bad lines is an output as well. */
static vj_status check_bad_records(const vj_plan *plan, vj_error *err)
{
    const vj_job_options *o = &plan->options;
    const char *path = o->bad_records_path;

    if (path == NULL)
        return VJ_OK;
    for (int32_t i = 0; i < plan->n_samples; i++) {
        const vj_job_options *sample = &plan->samples[i]->options;

        VJ_TRY(vj_path_spares("file for bad records", path, sample->input, err));
        if (!is_stream(sample->output) && strcmp(path, sample->output) == 0)
            return vj_fail(err, VJ_E_USAGE, "%s: output and bad records would be one file", path);
    }
    for (int i = 0; i < o->n_databases; i++)
        VJ_TRY(vj_path_spares("file for bad records", path, o->databases[i].path, err));
    return VJ_OK;
}

static vj_status check_pair(const vj_job_options *a, const vj_job_options *b, vj_error *err)
{
    if (vj_path_same_file(a->input, b->input))
        return vj_fail(err, VJ_E_USAGE, "one input is given twice: %s and %s", a->input, b->input);
    if (strcmp(a->output, b->output) == 0)
        return vj_fail(err, VJ_E_USAGE, "%s and %s would both be written to %s; annotate one of "
                       "them by itself", a->input, b->input, a->output);
    return VJ_OK;
}

/* What one file of the user's cannot be for several inputs at once. */
static vj_status check_several(const vj_plan *plan, vj_error *err)
{
    const vj_job_options *o = &plan->options;

    if (vj_path_exists(o->output) && !vj_path_is_dir(o->output))
        return vj_fail(err, VJ_E_USAGE, "%s: expected a folder for the outputs of %d inputs, found "
                       "a file", o->output, o->n_inputs);
    if (o->bad_records_path != NULL && o->n_inputs > 1)
        return vj_fail(err, VJ_E_USAGE, "--bad-records: one file for the lines of %d inputs; "
                       "annotate them one by one", o->n_inputs);
    for (int i = 0; i < o->n_inputs; i++)
        if (is_stream(o->inputs[i]))
            return vj_fail(err, VJ_E_USAGE, "standard input cannot be one of several inputs");
    return VJ_OK;
}

static vj_status check_samples(const vj_plan *plan, vj_error *err)
{
    for (int32_t i = 0; i < plan->n_samples; i++) {
        VJ_TRY(check_output(plan, plan->samples[i]->options.output, err));
        for (int32_t k = 0; k < i; k++)
            VJ_TRY(check_pair(&plan->samples[k]->options, &plan->samples[i]->options, err));
    }
    return check_bad_records(plan, err);
}

/* ---- making them ---- */

static vj_status check_options(const vj_job_options *o, vj_error *err)
{
    if (o->n_inputs == 0 && (o->input == NULL || *o->input == '\0'))
        return vj_fail(err, VJ_E_USAGE, "expected an input file (or - for standard input)");
    if (o->output == NULL || *o->output == '\0')
        return vj_fail(err, VJ_E_USAGE,
                       "expected an output file: -o FILE (or - for standard output)");
    return VJ_OK;
}

static vj_status add_sample(vj_plan *plan, const char *input, const char *output, vj_error *err)
{
    vj_plan *sample = vj_arena_zalloc(&plan->arena, sizeof *sample, err);

    if (sample == NULL || output == NULL)
        return VJ_E_NOMEM;
    sample->options = plan->options;
    sample->options.input = input;
    sample->options.output = output;
    plan->samples[plan->n_samples++] = sample;
    return VJ_OK;
}

vj_status vj_samples_make(vj_plan *plan, vj_error *err)
{
    const vj_job_options *o = &plan->options;
    int n = VJ_MAX(o->n_inputs, 1);

    VJ_TRY(check_options(o, err));
    plan->samples = vj_arena_zalloc(&plan->arena, (size_t)n * sizeof *plan->samples, err);
    if (plan->samples == NULL)
        return VJ_E_NOMEM;
    if (o->n_inputs > 0) {
        VJ_TRY(check_several(plan, err));
        for (int i = 0; i < n; i++)
            VJ_TRY(add_sample(plan, o->inputs[i], output_in(plan, o->inputs[i], err), err));
        plan->options.input = plan->samples[0]->options.input;
    } else {
        VJ_TRY(add_sample(plan, o->input, o->output, err));
    }
    return check_samples(plan, err);
}

vj_status vj_samples_view_databases(vj_plan *plan, int32_t sample_i, vj_error *err)
{
    vj_plan *sample = plan->samples[sample_i];
    size_t n = (size_t)VJ_MAX(plan->n_dbs, 1);

    if (sample_i == 0) { /* the first one's names are the plan's */
        sample->dbs = plan->dbs;
        sample->n_dbs = plan->n_dbs;
        return VJ_OK;
    }
    sample->dbs = vj_arena_zalloc(&plan->arena, n * sizeof *sample->dbs, err);
    if (sample->dbs == NULL)
        return VJ_E_NOMEM;
    for (int32_t d = 0; d < plan->n_dbs; d++) {
        const vj_database *db = plan->dbs[d];
        vj_database *view = vj_arena_zalloc(&plan->arena, sizeof *view, err);
        size_t bytes = (size_t)VJ_MAX(db->n_columns, 1) * sizeof *db->columns;
        vj_db_column *columns = vj_arena_zalloc(&plan->arena, bytes, err);

        if (view == NULL || columns == NULL)
            return VJ_E_NOMEM;
        *view = *db;
        view->columns = columns;
        if (db->n_columns > 0)
            memcpy(columns, db->columns, (size_t)db->n_columns * sizeof *columns);
        vj_arena_init(&view->arena, plan->budget, 1024);
        sample->dbs[sample->n_dbs++] = view;
    }
    return VJ_OK;
}

void vj_samples_free(vj_plan *plan)
{
    for (int32_t i = 0; i < plan->n_samples; i++) {
        vj_plan *sample = plan->samples[i];

        vj_left_free(sample->source);
        for (int32_t d = 0; i > 0 && d < sample->n_dbs; d++)
            vj_arena_fini(&sample->dbs[d]->arena);
    }
}
