#include "engine/sink_vcf.h"

struct vj_sink_vcf {
    const vj_plan *plan;
    vj_vcf_writer *writer;
    vj_vcf_table *table; /* Parquet input: lines are made of the rows */
    vj_buf lines;
    VJ_VEC(int64_t) first_row;
    int32_t alt_index_i; /* field of the left schema */
    int64_t n_sample_rows; /* of alleles that an earlier sample gave already: one line has all */
};

static vj_vcf_out_kind out_kind(vj_output_kind kind)
{
    switch (kind) {
    case VJ_TO_VCF_GZ:
        return VJ_OUT_VCF_GZ;
    case VJ_TO_BCF:
        return VJ_OUT_BCF;
    case VJ_TO_BCF_PLAIN:
        return VJ_OUT_BCF_PLAIN;
    default:
        return VJ_OUT_VCF;
    }
}

static int32_t find_field(const vj_schema *schema, const char *name)
{
    for (int32_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return i;
    return -1;
}

static void describe_annotations(const vj_plan *plan, vj_vcf_annotation *out)
{
    int32_t n = 0;

    for (int32_t d = 0; d < plan->n_dbs; d++)
        for (int32_t c = 0; c < plan->dbs[d]->n_columns; c++) {
            const vj_db_column *column = &plan->dbs[d]->columns[c];

            if (column->name == NULL)
                continue;
            out[n++] = (vj_vcf_annotation){.id = column->name,
                                           .type = column->field.type,
                                           .column = column->field.name,
                                           .database = plan->dbs[d]->name,
                                           .release = plan->dbs[d]->release};
        }
}

/* Parquet input: a header is made, lines come from the rows. */
static vj_status make_table(vj_sink_vcf *sink, vj_vcf_write_options *options, vj_error *err)
{
    const vj_plan *plan = sink->plan;
    const vj_vcf_table_options table = {
        .schema = &plan->out_schema,
        .annotations = options->annotations,
        .n_annotations = options->n_annotations,
    };

    VJ_TRY(vj_vcf_table_new(&table, plan->budget, &sink->table, err));
    options->header = vj_vcf_table_header(sink->table);
    options->annotations = vj_vcf_table_annotations(sink->table, &options->n_annotations);
    return VJ_OK;
}

/* Compressed outputs to a file have an index (S-50); a stream has none. */
static bool wants_index(const vj_plan *plan)
{
    bool indexable = plan->output_kind == VJ_TO_VCF_GZ || plan->output_kind == VJ_TO_BCF;

    return indexable && strcmp(plan->options.output, "-") != 0;
}

static vj_status open_writer(vj_sink_vcf *sink, vj_error *err)
{
    const vj_plan *plan = sink->plan;
    const vj_vcf_reader *reader = vj_left_vcf(plan->source);
    int32_t n = plan->out_schema.n_fields - plan->n_left_fields;
    vj_arena arena;
    vj_status rc = VJ_E_NOMEM;

    vj_arena_init(&arena, plan->budget, 4096);
    vj_vcf_annotation *annotations =
        vj_arena_zalloc(&arena, (size_t)VJ_MAX(n, 1) * sizeof *annotations, err);
    vj_out_database *dbs =
        vj_arena_zalloc(&arena, (size_t)VJ_MAX(plan->n_dbs, 1) * sizeof *dbs, err);
    if (annotations == NULL || dbs == NULL)
        goto out;
    describe_annotations(plan, annotations);
    for (int32_t d = 0; d < plan->n_dbs; d++)
        dbs[d] = (vj_out_database){plan->dbs[d]->name, plan->dbs[d]->release,
                                   plan->dbs[d]->checksum};
    vj_out_provenance provenance = {
        .verb = plan->annotating ? "annotate" : "normalize",
        .version = VJ_VERSION,
        .command = plan->options.command_line,
        .databases = dbs,
        .n_databases = plan->n_dbs,
        .no_version = plan->options.no_version != 0,
    };
    vj_vcf_write_options options = {
        .kind = out_kind(plan->output_kind),
        .write_index = wants_index(plan),
        .n_threads = plan->n_workers,
        .index_if_sorted = true,
        .header = reader != NULL ? vj_vcf_header_view(reader) : NULL,
        .annotations = annotations,
        .n_annotations = n,
        .provenance = &provenance,
    };
    if (reader != NULL && (plan->options.samples != NULL || plan->options.sites_only)) {
        options.chooses_samples = true;
        options.n_samples = vj_vcf_chosen_view(reader, &options.samples);
    }
    rc = reader == NULL ? make_table(sink, &options, err) : VJ_OK;
    if (rc != VJ_OK)
        goto out;
    VJ_GO(rc, vj_vcf_writer_open(plan->options.output, &options, plan->budget, &sink->writer,
                                 err));
out:
    vj_arena_fini(&arena);
    return rc;
}

/* A record's own fields stay as they are, so the choices of columns have nothing to choose. */
static void say_what_lines_keep(const vj_plan *plan)
{
    const vj_job_options *o = &plan->options;

    if (o->info_fields != NULL || o->format_fields != NULL || o->without_formats)
        vj_plan_log(plan, VJ_LOG_WARNING,
                    "VCF and BCF keep the INFO and FORMAT fields of their records: --info-fields, "
                    "--format-fields and --no-formats choose columns of Parquet and TSV only "
                    "(--sites-only leaves the samples out of VCF too)");
}

vj_status vj_sink_vcf_open(const vj_plan *plan, vj_sink_vcf **out, vj_error *err)
{
    *out = NULL;
    vj_sink_vcf *sink = vj_zalloc(plan->budget, sizeof *sink, err);
    if (sink == NULL)
        return VJ_E_NOMEM;
    sink->plan = plan;
    sink->first_row.budget = sink->lines.budget = plan->budget;
    sink->alt_index_i = find_field(vj_left_schema(plan->source), "alt_index");
    vj_status rc = open_writer(sink, err);
    if (rc != VJ_OK) {
        vj_sink_vcf_free(sink);
        return rc;
    }
    if (sink->table == NULL)
        say_what_lines_keep(plan);
    *out = sink;
    return VJ_OK;
}

/* Rows of each record: rows come in record order. */
static vj_status find_first_rows(vj_sink_vcf *sink, const vj_out_batch *rows, vj_error *err)
{
    const vj_left *left = rows->left;
    int64_t record = 0;

    VJ_VEC_RESET(&sink->first_row);
    VJ_TRY(VJ_VEC_RESERVE(&sink->first_row, left->n_records + 1, err));
    for (int64_t i = 0; i < rows->batch.n_rows; i++) {
        int32_t left_row = rows->row_left != NULL ? rows->row_left[i] : (int32_t)i;

        sink->n_sample_rows +=
            left_row > 0 && left->row_key[left_row] == left->row_key[left_row - 1];
        for (; record <= left->key_record[left->row_key[left_row]]; record++)
            sink->first_row.ptr[sink->first_row.n++] = i;
    }
    for (; record <= left->n_records; record++)
        sink->first_row.ptr[sink->first_row.n++] = rows->batch.n_rows;
    return VJ_OK;
}

static vj_status append_table(vj_sink_vcf *sink, const vj_out_batch *rows, vj_error *err)
{
    vj_vcf_out_counts counts = {0};

    vj_buf_reset(&sink->lines);
    if (rows != NULL)
        VJ_TRY(vj_vcf_table_add(sink->table, &rows->batch, &sink->lines, &counts, err));
    else
        VJ_TRY(vj_vcf_table_end(sink->table, &sink->lines, &counts, err));
    return vj_vcf_writer_write(sink->writer, vj_buf_span(&sink->lines), &counts, err);
}

static void note_counts(const vj_sink_vcf *sink, vj_result *result)
{
    const vj_vcf_out_counts *counts = vj_vcf_writer_counts(sink->writer);

    /* Beside those that never came here. */
    result->vcf_extra_rows += counts->n_extra_rows - sink->n_sample_rows;
    result->vcf_out_of_range = counts->n_out_of_range;
}

vj_status vj_sink_vcf_append(vj_sink_vcf *sink, const vj_out_batch *rows, vj_result *result,
                             vj_error *err)
{
    (void)result;
    if (sink->table != NULL)
        return append_table(sink, rows, err);
    VJ_TRY(find_first_rows(sink, rows, err));
    vj_vcf_annotated records = {
        .n_records = rows->left->n_records,
        .lines = rows->left->record_lines,
        .first_row = sink->first_row.ptr,
        .alt_index = sink->alt_index_i >= 0 ? &rows->batch.cols[sink->alt_index_i] : NULL,
        .cols = rows->batch.cols + sink->plan->n_left_fields,
    };
    return vj_vcf_writer_append(sink->writer, &records, err);
}

vj_status vj_sink_vcf_finish(vj_sink_vcf *sink, vj_result *result, vj_error *err)
{
    if (sink->table != NULL)
        VJ_TRY(append_table(sink, NULL, err));
    note_counts(sink, result);
    const char *note = vj_vcf_writer_note(sink->writer);
    if (note != NULL && *note != '\0')
        vj_plan_log(sink->plan, VJ_LOG_WARNING, "%s", note);
    return vj_vcf_writer_finish(sink->writer, err);
}

void vj_sink_vcf_free(vj_sink_vcf *sink)
{
    if (sink == NULL)
        return;
    vj_vcf_writer_free(sink->writer);
    vj_vcf_table_free(sink->table);
    vj_buf_fini(&sink->lines);
    VJ_VEC_FINI(&sink->first_row);
    vj_free(sink);
}
