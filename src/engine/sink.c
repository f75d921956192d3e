#include "engine/sink_vcf.h"

#include <stdio.h>

/* One of three writers, or somebody who takes the rows, behind one face. */
struct vj_sink {
    const vj_plan *plan;
    vj_outfile *file; /* Parquet; the others own theirs */
    vj_pq_writer *parquet;
    vj_sink_vcf *vcf;
    vj_tsv_writer *tsv;
    const vj_row_taker *taker;
    vj_outfile *bad_records;
};

static vj_status open_parquet(vj_sink *sink, vj_error *err)
{
    const vj_plan *plan = sink->plan;
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD,
                                    .rows_per_rowgroup = plan->rows_per_rowgroup,
                                    .compat = plan->options.compat != 0,
                                    .created_by = plan->options.no_version ? "varjoin" : NULL};

    if (plan->options.compression != NULL)
        VJ_TRY(vj_pq_codec_parse(plan->options.compression, &options.codec, &options.level, err));
    VJ_TRY(vj_outfile_open(plan->options.output, &sink->file, err));
    return vj_pq_writer_new(sink->file, &plan->out_schema, &options, plan->budget, &sink->parquet,
                            err);
}

static vj_status open_tsv(vj_sink *sink, vj_error *err)
{
    const vj_plan *plan = sink->plan;
    vj_out_database dbs[64];
    vj_out_provenance provenance = {
        .verb = plan->annotating ? "annotate" : "normalize",
        .version = VJ_VERSION,
        .command = plan->options.command_line,
        .databases = dbs,
        .n_databases = VJ_MIN(plan->n_dbs, (int32_t)VJ_COUNT(dbs)),
        .no_version = plan->options.no_version != 0,
    };
    vj_tsv_write_options options = {
        .schema = &plan->out_schema,
        .bgzf = plan->output_kind == VJ_TO_TSV_GZ,
        .n_threads = plan->n_workers,
        .provenance = &provenance,
        .spreadsheet = plan->options.spreadsheet != 0,
    };

    for (int32_t d = 0; d < provenance.n_databases; d++)
        dbs[d] = (vj_out_database){plan->dbs[d]->name, plan->dbs[d]->release,
                                   plan->dbs[d]->checksum};
    return vj_tsv_writer_open(plan->options.output, &options, plan->budget, &sink->tsv, err);
}

static vj_status open_writer(vj_sink *sink, vj_error *err)
{
    switch (sink->plan->output_kind) {
    case VJ_TO_PARQUET:
        return open_parquet(sink, err);
    case VJ_TO_TSV:
    case VJ_TO_TSV_GZ:
        return open_tsv(sink, err);
    case VJ_TO_VCF:
    case VJ_TO_VCF_GZ:
    case VJ_TO_BCF:
    case VJ_TO_BCF_PLAIN:
        return vj_sink_vcf_open(sink->plan, &sink->vcf, err);
    case VJ_TO_GUESS:
        break;
    }
    return vj_fail(err, VJ_E_BUG, "an output without a format");
}

static vj_status open_sink(const vj_plan *plan, const vj_row_taker *taker, vj_sink **out,
                           vj_error *err)
{
    vj_sink *sink = vj_zalloc(plan->budget, sizeof *sink, err);
    vj_status rc = VJ_OK;

    *out = NULL;
    if (sink == NULL)
        return VJ_E_NOMEM;
    sink->plan = plan;
    sink->taker = taker;
    if (taker == NULL)
        VJ_GO(rc, open_writer(sink, err));
    if (plan->options.bad_records_path != NULL)
        VJ_GO(rc, vj_outfile_open(plan->options.bad_records_path, &sink->bad_records, err));
    *out = sink;
    sink = NULL;
out:
    vj_sink_free(sink);
    return rc;
}

vj_status vj_sink_open(const vj_plan *plan, vj_sink **out, vj_error *err)
{
    return open_sink(plan, NULL, out, err);
}

vj_status vj_sink_open_taker(const vj_plan *plan, const vj_row_taker *taker, vj_sink **out,
                             vj_error *err)
{
    return open_sink(plan, taker, out, err);
}

typedef struct columns_job {
    vj_pq_writer *writer;
    const vj_batch *batch;
} columns_job;

static vj_status append_column(void *arg, int64_t i, vj_error *err)
{
    const columns_job *job = arg;

    return vj_pq_writer_append_column(job->writer, job->batch, (int32_t)i, err);
}

/* Columns side by side when there is somebody to help. */
static vj_status append_parquet(vj_pq_writer *writer, const vj_out_batch *rows, vj_error *err)
{
    columns_job job = {writer, &rows->batch};

    if (rows->crew == NULL)
        return vj_pq_writer_append(writer, &rows->batch, err);
    VJ_TRY(vj_crew_run(rows->crew, rows->batch.schema->n_fields, append_column, &job, err));
    return vj_pq_writer_end_append(writer, &rows->batch, err);
}

vj_status vj_sink_append(vj_sink *sink, const vj_out_batch *rows, vj_result *result,
                         vj_error *err)
{
    if (sink->bad_records != NULL && rows->left != NULL && rows->left->bad_lines != NULL)
        VJ_TRY(vj_outfile_write(sink->bad_records, rows->left->bad_lines->ptr,
                                rows->left->bad_lines->len_bytes, err));
    if (sink->taker != NULL)
        return sink->taker->take(sink->taker->ctx, &rows->batch, err);
    if (sink->parquet != NULL)
        return append_parquet(sink->parquet, rows, err);
    if (sink->tsv != NULL)
        return vj_tsv_writer_append(sink->tsv, &rows->batch, err);
    return vj_sink_vcf_append(sink->vcf, rows, result, err);
}

static vj_status finish_parquet(vj_sink *sink, vj_result *result, vj_error *err)
{
    vj_arena arena;
    vj_pq_kv *kvs = NULL;
    int32_t n = 0;
    vj_status rc = VJ_OK;

    vj_arena_init(&arena, sink->plan->budget, 4096);
    VJ_GO(rc, vj_provenance_make(sink->plan, result, &arena, &kvs, &n, err));
    for (int32_t i = 0; i < n; i++)
        VJ_GO(rc, vj_pq_writer_kv(sink->parquet, kvs[i].key, kvs[i].value, err));
    VJ_GO(rc, vj_pq_writer_finish(sink->parquet, err));
    result->rows_out = vj_pq_writer_rows(sink->parquet);
    result->bytes_out = vj_outfile_offset(sink->file);
    VJ_GO(rc, vj_outfile_finish(sink->file, err));
out:
    vj_arena_fini(&arena);
    return rc;
}

vj_status vj_sink_finish(vj_sink *sink, vj_result *result, vj_error *err)
{
    if (sink->bad_records != NULL)
        VJ_TRY(vj_outfile_ready(sink->bad_records, err));
    if (sink->parquet != NULL)
        VJ_TRY(finish_parquet(sink, result, err));
    else if (sink->taker != NULL)
        result->bytes_out = 0;
    else if (sink->tsv != NULL)
        VJ_TRY(vj_tsv_writer_finish(sink->tsv, err));
    else
        VJ_TRY(vj_sink_vcf_finish(sink->vcf, result, err));
    if (sink->bad_records != NULL)
        VJ_TRY(vj_outfile_finish(sink->bad_records, err));
    return VJ_OK;
}

void vj_sink_free(vj_sink *sink)
{
    if (sink == NULL)
        return;
    vj_pq_writer_free(sink->parquet);
    vj_outfile_free(sink->file);
    vj_tsv_writer_free(sink->tsv);
    vj_sink_vcf_free(sink->vcf);
    vj_outfile_free(sink->bad_records);
    vj_free(sink);
}
