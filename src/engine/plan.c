#include "engine/samples.h"

#include <stdio.h>

/* Memory that is not charged to the budget: code, stacks, libraries, the allocator's slack. */
#define FIXED_BYTES ((int64_t)24 << 20)
#define DEFAULT_MEMORY_BYTES ((int64_t)256000000)
#define ROWS_PER_BATCH 4096
#define MIN_ROWS_PER_BATCH 512
/* Matches up to so many times the batch's rows are laid out by the worker, more by and by. */
#define PIECES_PER_BATCH 8
#define MIN_ROWS_PER_PART 64 /* of each of several inputs */
/*
 * A row group of an output waits in memory until it is whole. With the writer's 122,880 rows a
 * run's peak would grow until one is full (41, 49, 52 MB at 1, 4, 8 times 80,000 variants); with
 * these it stays within a tenth (33, 35, 35 MB), and the files are no larger.
 */
#define ROWS_PER_ROWGROUP 32768
#define MIN_ROWS_PER_ROWGROUP 4096
#define OUTPUT_BYTES ((int64_t)3 << 19)
#define VCF_OUTPUT_BYTES ((int64_t)6 << 20)
#define BYTES_PER_OUTPUT_COLUMN ((int64_t)120 << 10)
#define BYTES_PER_WAITING_CELL 3
/* Estimate of what a left row takes in a batch: text and keys, and each output column twice. */
#define BYTES_PER_ROW 400
#define BYTES_PER_CELL 30
/* Estimate of what a worker takes while it reads a database: pages in both forms. */
#define BYTES_PER_WORKER ((int64_t)6 << 20)

void vj_plan_log(const vj_plan *plan, vj_log_level level, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    if (plan->options.log == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    plan->options.log(plan->options.user, level, text);
}

static vj_output_kind guess_kind(const char *path, bool annotating)
{
    static const struct {
        const char *suffix;
        vj_output_kind kind;
    } known[] = {{".parquet", VJ_TO_PARQUET}, {".pq", VJ_TO_PARQUET},
                 {".vcf", VJ_TO_VCF},         {".vcf.gz", VJ_TO_VCF_GZ},
                 {".vcf.bgz", VJ_TO_VCF_GZ},  {".bcf", VJ_TO_BCF},
                 {".tsv", VJ_TO_TSV},         {".txt", VJ_TO_TSV},
                 {".tsv.gz", VJ_TO_TSV_GZ}};
    size_t n = strlen(path);

    for (size_t i = 0; i < VJ_COUNT(known); i++) {
        size_t m = strlen(known[i].suffix);

        if (n >= m && strcmp(path + n - m, known[i].suffix) == 0)
            return known[i].kind;
    }
    if (strcmp(path, "-") != 0)
        return VJ_TO_PARQUET;
    return annotating ? VJ_TO_VCF : VJ_TO_TSV;
}

static vj_status open_databases(vj_plan *plan, vj_error *err)
{
    const vj_job_options *o = &plan->options;

    plan->dbs = vj_arena_zalloc(&plan->arena, VJ_MAX((size_t)o->n_databases, 1) * sizeof *plan->dbs,
                                err);
    if (plan->dbs == NULL)
        return VJ_E_NOMEM;
    for (int i = 0; i < o->n_databases; i++) {
        for (int k = 0; k < i; k++)
            if (strcmp(o->databases[k].name, o->databases[i].name) == 0)
                return vj_fail(err, VJ_E_USAGE, "two databases are called %s",
                               o->databases[i].name);
        VJ_TRY(vj_database_open(&o->databases[i], o->start_base, o->ignore_checksums != 0,
                                plan->budget, &plan->dbs[i], err));
        plan->n_dbs++;
    }
    return VJ_OK;
}

static bool writes_vcf(vj_output_kind kind)
{
    return kind == VJ_TO_VCF || kind == VJ_TO_VCF_GZ || kind == VJ_TO_BCF ||
           kind == VJ_TO_BCF_PLAIN;
}

/* In VCF output a database column may not take the name of an INFO field that the header has,
 * whether or not it was selected. */
static vj_status reserve_info_ids(const vj_plan *sample, vj_arena *arena, const char ***out,
                                  int32_t *out_n, vj_error *err)
{
    const vj_vcf_reader *reader = vj_left_vcf(sample->source);
    const vj_vcf_header *header = reader != NULL ? vj_vcf_header_view(reader) : NULL;

    if (header == NULL || !writes_vcf(sample->output_kind))
        return VJ_OK;
    *out = vj_arena_zalloc(arena, (size_t)VJ_MAX(header->n_infos, 1) * sizeof **out, err);
    if (*out == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < header->n_infos; i++)
        (*out)[(*out_n)++] = header->infos[i].id;
    return VJ_OK;
}

/* Names and types of a sample's output. */
static vj_status make_schema(vj_plan *sample, vj_arena *arena, vj_error *err)
{
    const vj_schema *left = vj_left_schema(sample->source);
    int32_t n = left->n_fields;

    const char **reserved = NULL;
    int32_t n_reserved = 0;
    VJ_TRY(reserve_info_ids(sample, arena, &reserved, &n_reserved, err));
    VJ_TRY(vj_names_resolve(left, reserved, n_reserved, sample->dbs, sample->n_dbs,
                            sample->options.columns, err));
    for (int32_t d = 0; d < sample->n_dbs; d++)
        n += sample->dbs[d]->n_columns;
    vj_field *fields = vj_arena_zalloc(arena, (size_t)VJ_MAX(n, 1) * sizeof *fields, err);
    if (fields == NULL)
        return VJ_E_NOMEM;
    memcpy(fields, left->fields, (size_t)left->n_fields * sizeof *fields);
    n = sample->n_left_fields = left->n_fields;
    for (int32_t d = 0; d < sample->n_dbs; d++)
        for (int32_t c = 0; c < sample->dbs[d]->n_columns; c++) {
            const vj_db_column *column = &sample->dbs[d]->columns[c];

            if (column->name == NULL)
                continue;
            fields[n] = column->field;
            fields[n].name = column->name;
            fields[n++].nullable = true;
        }
    sample->out_schema = (vj_schema){n, fields};
    return VJ_OK;
}

/* Source, names and types of every sample; the first one's are the plan's. */
static vj_status open_samples(vj_plan *plan, vj_error *err)
{
    for (int32_t i = 0; i < plan->n_samples; i++) {
        vj_plan *sample = plan->samples[i];

        sample->output_kind = plan->output_kind;
        VJ_TRY(vj_left_open(&sample->options, plan->budget, &sample->source, err));
        VJ_TRY(vj_samples_view_databases(plan, i, err));
        vj_status rc = make_schema(sample, &plan->arena, err);
        if (rc != VJ_OK)
            return plan->n_samples > 1 ? vj_wrap(err, rc, "naming the columns of %s",
                                                 sample->options.input)
                                       : rc;
    }
    plan->source = plan->samples[0]->source;
    plan->out_schema = plan->samples[0]->out_schema;
    plan->n_left_fields = plan->samples[0]->n_left_fields;
    return VJ_OK;
}

/* What else a sample's plan has in common with the whole. */
static void share_plan(vj_plan *plan)
{
    for (int32_t i = 0; i < plan->n_samples; i++) {
        vj_plan *sample = plan->samples[i];
        vj_plan own = *sample;

        *sample = *plan;
        sample->options = own.options;
        sample->source = own.source;
        sample->dbs = own.dbs;
        sample->out_schema = own.out_schema;
        sample->n_left_fields = own.n_left_fields;
        sample->n_samples = 1;
        sample->samples = &plan->samples[i];
        sample->arena = (vj_arena){0};
    }
}

/*
 * What a further input takes besides its rows in the batches: an output in the making. Measured
 * with 39 columns: 7.8 MB for Parquet with row groups of 32,768 rows, 6.0 MB of 8,192, 5.8 MB for
 * VCF.gz or BCF with an index, 1.3 MB for TSV.
 */
static int64_t output_bytes(const vj_plan *sample, int64_t rows_per_rowgroup)
{
    if (sample->output_kind == VJ_TO_PARQUET)
        return OUTPUT_BYTES +
               (BYTES_PER_OUTPUT_COLUMN + BYTES_PER_WAITING_CELL * rows_per_rowgroup) *
                   (int64_t)sample->out_schema.n_fields;
    return writes_vcf(sample->output_kind) ? VCF_OUTPUT_BYTES : OUTPUT_BYTES;
}

static int64_t further_outputs(const vj_plan *plan, int64_t rows_per_rowgroup)
{
    int64_t sum = 0;

    for (int32_t i = 1; i < plan->n_samples; i++)
        sum += output_bytes(plan->samples[i], rows_per_rowgroup);
    return sum;
}

/* Rows of several inputs share the memory of one: fewer of each; and of their row groups too. */
static void size_rowgroups(vj_plan *plan, int64_t room)
{
    plan->rows_per_rowgroup = ROWS_PER_ROWGROUP;
    while (plan->rows_per_rowgroup > MIN_ROWS_PER_ROWGROUP &&
           further_outputs(plan, plan->rows_per_rowgroup) > room / 2)
        plan->rows_per_rowgroup /= 2;
}

/* Batch size and counts from the budget (decision 004). */
static vj_status size_batches(vj_plan *plan, vj_error *err)
{
    int64_t memory = plan->options.memory_bytes > 0 ? plan->options.memory_bytes
                                                    : DEFAULT_MEMORY_BYTES;
    int64_t room = memory - FIXED_BYTES;
    int workers = plan->options.threads > 0 ? plan->options.threads : 1;
    int64_t min_rows = VJ_MAX(MIN_ROWS_PER_BATCH / plan->n_samples, MIN_ROWS_PER_PART);
    int64_t row_bytes = 0; /* of one row of each input */
    bool unsorted = false;

    for (int32_t i = 0; i < plan->n_samples; i++)
        row_bytes += BYTES_PER_ROW +
                     BYTES_PER_CELL * (int64_t)plan->samples[i]->out_schema.n_fields;

    for (int32_t d = 0; d < plan->n_dbs; d++)
        unsorted |= !plan->dbs[d]->sorted;
    int64_t least = FIXED_BYTES + BYTES_PER_WORKER + 2 * min_rows * row_bytes +
                    further_outputs(plan, MIN_ROWS_PER_ROWGROUP) + plan->budget->used_bytes +
                    ((int64_t)4 << 20);
    if (memory < least)
        return vj_fail(err, VJ_E_NOMEM,
                       "memory budget of %.0f MB is too small for this job%s: at least %.0f MB "
                       "are needed (--memory)", (double)memory / 1e6,
                       plan->n_samples > 1 ? " of several inputs" : "", (double)least / 1e6 + 1);
    room -= plan->budget->used_bytes + ((int64_t)4 << 20);
    size_rowgroups(plan, room);
    plan->further_bytes = further_outputs(plan, plan->rows_per_rowgroup);
    room -= plan->further_bytes;
    while (workers > 1 &&
           room < workers * BYTES_PER_WORKER + (workers + 2) * min_rows * row_bytes)
        workers--;
    plan->n_workers = workers;
    plan->n_batches = workers + 2;
    int64_t rows = (room - workers * BYTES_PER_WORKER) / plan->n_batches / row_bytes / 2;
    plan->rows_per_piece = VJ_MIN(rows, PIECES_PER_BATCH * ROWS_PER_BATCH);
    /* an unsorted database is read whole for each batch: as few of them as fit */
    rows = VJ_MIN(rows, unsorted ? (int64_t)1 << 20 : ROWS_PER_BATCH);
    plan->rows_per_batch = VJ_MAX(rows, min_rows);
    if (plan->options.rows_per_batch > 0)
        plan->rows_per_batch = plan->options.rows_per_batch;
    plan->rows_per_piece = VJ_MAX(plan->rows_per_piece, plan->rows_per_batch);
    plan->memory_bytes = memory;
    plan->budget->limit_bytes = memory - FIXED_BYTES;
    return VJ_OK;
}

static vj_status add_join_column(vj_plan *plan, vj_span name, bool seen[2], vj_error *err)
{
    vj_join_parts *parts = &plan->join_parts;

    if (vj_span_is(name, "chrom")) {
        parts->contig = true;
    } else if (vj_span_is(name, "start")) {
        parts->pos = true;
    } else if (vj_span_is(name, "ref")) {
        seen[0] = true;
    } else if (vj_span_is(name, "alt")) {
        seen[1] = true;
    } else {
        char *copy = vj_arena_strndup(&plan->arena, name.ptr, name.len_bytes, err);

        if (copy == NULL)
            return VJ_E_NOMEM;
        if (name.len_bytes == 0)
            return vj_fail(err, VJ_E_USAGE, "--join-columns: an empty name in '%s'",
                           plan->options.join_columns);
        parts->others[parts->n_others++] = copy;
    }
    return VJ_OK;
}

/* Both sides must have a column that is joined by its value. */
static vj_status check_join_column(const vj_plan *plan, const char *name, vj_error *err)
{
    for (int32_t k = 0; k < plan->n_samples; k++) {
        const vj_schema *left = vj_left_schema(plan->samples[k]->source);
        bool found = false;

        for (int32_t i = 0; i < left->n_fields; i++)
            found |= strcmp(left->fields[i].name, name) == 0;
        if (!found)
            return vj_fail(err, VJ_E_USAGE, "--join-columns: the input has no column %s%s%s", name,
                           plan->n_samples > 1 ? ": " : "",
                           plan->n_samples > 1 ? plan->samples[k]->options.input : "");
    }
    for (int32_t d = 0; d < plan->n_dbs; d++)
        for (int32_t i = 0; i < plan->dbs[d]->n_files; i++)
            if (vj_db_field_find(&plan->dbs[d]->files[i], name) < 0)
                return vj_fail(err, VJ_E_USAGE, "--join-columns: %s has no column %s",
                               plan->dbs[d]->files[i].path, name);
    return VJ_OK;
}

static vj_status parse_join_columns(vj_plan *plan, vj_error *err)
{
    const char *list = plan->options.join_columns;
    vj_join_parts *parts = &plan->join_parts;
    bool seen[2] = {false, false};
    size_t n = 1;

    *parts = (vj_join_parts){.contig = true, .pos = true, .alleles = true};
    if (list == NULL)
        return VJ_OK;
    *parts = (vj_join_parts){0};
    for (const char *p = list; *p != '\0'; p++)
        n += *p == ',';
    parts->others = vj_arena_zalloc(&plan->arena, n * sizeof *parts->others, err);
    if (parts->others == NULL)
        return VJ_E_NOMEM;
    for (const char *p = list;;) {
        size_t len = strcspn(p, ",");

        VJ_TRY(add_join_column(plan, (vj_span){p, len}, seen, err));
        if (p[len] == '\0')
            break;
        p += len + 1;
    }
    if (seen[0] != seen[1])
        return vj_fail(err, VJ_E_USAGE, "--join-columns: ref and alt go together, found '%s'",
                       list);
    parts->alleles = seen[0];
    for (int32_t i = 0; i < parts->n_others; i++)
        VJ_TRY(check_join_column(plan, parts->others[i], err));
    return VJ_OK;
}

bool vj_plan_is_standard(const vj_plan *plan)
{
    const vj_join_parts *parts = &plan->join_parts;

    return parts->contig && parts->pos && parts->alleles && parts->n_others == 0 &&
           plan->options.sql_file == NULL;
}

vj_status vj_plan_build(const vj_job_options *options, bool annotating, vj_budget *budget,
                        vj_stop *stop, vj_track *track, vj_plan **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_plan *plan = vj_zalloc(NULL, sizeof *plan, err);

    *out = NULL;
    if (plan == NULL)
        return VJ_E_NOMEM;
    plan->options = *options;
    plan->annotating = annotating;
    plan->budget = budget;
    plan->stop = stop;
    plan->track = track;
    vj_arena_init(&plan->arena, budget, 16384);
    plan->output_kind = options->output_kind;
    if (plan->output_kind == VJ_TO_GUESS)
        plan->output_kind = options->n_inputs > 0 ? VJ_TO_PARQUET
                                                  : guess_kind(options->output, annotating);
    VJ_GO(rc, vj_samples_make(plan, err));
    if (annotating && options->n_databases == 0) {
        rc = vj_fail(err, VJ_E_USAGE, "expected at least one database: -a NAME=PATH");
        goto out;
    }
    VJ_GO(rc, open_databases(plan, err));
    VJ_GO(rc, open_samples(plan, err));
    VJ_GO(rc, size_batches(plan, err));
    VJ_GO(rc, parse_join_columns(plan, err));
    plan->engine = options->engine;
    share_plan(plan);
    *out = plan;
    plan = NULL;
out:
    vj_plan_free(plan);
    return rc;
}

void vj_plan_free(vj_plan *plan)
{
    if (plan == NULL)
        return;
    vj_samples_free(plan);
    for (int32_t d = 0; d < plan->n_dbs; d++)
        vj_database_free(plan->dbs[d]);
    vj_arena_fini(&plan->arena);
    vj_free(plan);
}
