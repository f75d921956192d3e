#include "engine/left_parquet.h"

struct vj_left_source {
    vj_vcf_reader *vcf;       /* one of the two */
    vj_left_parquet *parquet;
};

static void vcf_options(const vj_job_options *from, vj_vcf_read_options *to)
{
    *to = (vj_vcf_read_options)VJ_VCF_READ_OPTIONS_INIT;
    to->samples = from->samples;
    to->sites_only = from->sites_only != 0;
    to->all_samples = from->all_samples != 0;
    to->info_fields = from->info_fields;
    to->format_fields = from->format_fields;
    to->with_formats = !from->without_formats;
    to->variants_only = from->variants_only != 0;
    to->filter_pass = from->filter_pass;
    to->min_qual = from->min_qual;
    to->min_dp = from->min_dp;
    to->min_gq = from->min_gq;
    to->assume_number = from->assume_number;
    to->strict = from->strict != 0;
    to->bad_records_path = from->bad_records_path;
    to->allow_truncated = from->allow_truncated != 0;
    to->regions = from->regions;
    to->regions_file = from->regions_file;
    to->targets = from->targets;
    to->targets_file = from->targets_file;
    to->n_threads = from->threads;
}

vj_status vj_left_open(const vj_job_options *options, vj_budget *budget, vj_left_source **out,
                       vj_error *err)
{
    vj_vcf_read_options read_options;
    vj_status rc = VJ_E_NOMEM;
    vj_left_source *source = vj_zalloc(budget, sizeof *source, err);

    *out = NULL;
    if (source == NULL)
        return VJ_E_NOMEM;
    vcf_options(options, &read_options);
    rc = vj_pq_is_file(options->input)
             ? vj_left_parquet_open(options->input, options->ignore_checksums != 0, budget,
                                    &source->parquet, err)
             : vj_vcf_open(options->input, &read_options, budget, &source->vcf, err);
    if (rc != VJ_OK) {
        vj_left_free(source);
        return rc;
    }
    *out = source;
    return VJ_OK;
}

void vj_left_free(vj_left_source *source)
{
    if (source == NULL)
        return;
    vj_vcf_free(source->vcf);
    vj_left_parquet_free(source->parquet);
    vj_free(source);
}

void vj_left_release(vj_left_source *source)
{
    if (source->vcf != NULL)
        vj_vcf_release(source->vcf);
    if (source->parquet != NULL)
        vj_left_parquet_release(source->parquet);
}

const vj_schema *vj_left_schema(const vj_left_source *source)
{
    return source->vcf != NULL ? vj_vcf_schema_view(source->vcf)
                               : vj_left_parquet_schema(source->parquet);
}

const vj_vcf_reader *vj_left_vcf(const vj_left_source *source)
{
    return source->vcf;
}

int64_t vj_left_bytes_done(const vj_left_source *source)
{
    return source->vcf != NULL ? vj_vcf_bytes_done(source->vcf)
                               : vj_left_parquet_bytes_done(source->parquet);
}

int64_t vj_left_bytes_total(const vj_left_source *source)
{
    return source->vcf != NULL ? vj_vcf_bytes_total(source->vcf)
                               : vj_left_parquet_bytes_total(source->parquet);
}

const char *vj_left_format(const vj_left_source *source)
{
    return source->vcf != NULL ? vj_vcf_format_name(source->vcf) : "Parquet";
}

vj_status vj_left_batch_new(const vj_left_source *source, vj_budget *budget, vj_left **out,
                            vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_left *left = vj_zalloc(budget, sizeof *left, err);

    *out = NULL;
    if (left == NULL)
        return VJ_E_NOMEM;
    left->schema = *vj_left_schema(source);
    if (source->vcf != NULL) {
        VJ_GO(rc, vj_vcf_block_new(budget, &left->block, err));
        VJ_GO(rc, vj_vcf_rows_new(source->vcf, budget, &left->rows, err));
    } else {
        VJ_GO(rc, vj_left_parquet_rows_new(source->parquet, budget, &left->parquet, err));
    }
    *out = left;
    left = NULL;
out:
    vj_left_batch_free(left);
    return rc;
}

void vj_left_batch_free(vj_left *left)
{
    if (left == NULL)
        return;
    vj_vcf_rows_free(left->rows);
    vj_vcf_block_free(left->block);
    vj_left_parquet_rows_free(left->parquet);
    vj_free(left);
}

/* Text a batch may take whatever its rows: long lines must not break the budget. */
#define BATCH_BYTES_PER_ROW 400

vj_status vj_left_read(vj_left_source *source, int64_t want_rows, vj_left *left, bool *out_more,
                       vj_error *err)
{
    if (source->vcf != NULL)
        return vj_vcf_block_next(source->vcf, want_rows, want_rows * BATCH_BYTES_PER_ROW,
                                 left->block, out_more, err);
    return vj_left_parquet_read(source->parquet, want_rows, left->parquet, out_more, err);
}

vj_status vj_left_peek(vj_left_source *source, int64_t want_rows, int64_t *out_n, vj_error *err)
{
    if (source->vcf != NULL)
        return vj_vcf_peek(source->vcf, want_rows, want_rows * BATCH_BYTES_PER_ROW, out_n, err);
    return vj_left_parquet_peek(source->parquet, want_rows, out_n, err);
}

void vj_left_place(const vj_left_source *source, int64_t i, vj_span *contig, int64_t *pos1)
{
    if (source->vcf != NULL)
        vj_vcf_peek_place(source->vcf, i, contig, pos1);
    else
        vj_left_parquet_place(source->parquet, i, contig, pos1);
}

vj_status vj_left_take(vj_left_source *source, int64_t n, vj_left *left, bool *out_more,
                       vj_error *err)
{
    return source->vcf != NULL ? vj_vcf_block_take(source->vcf, n, left->block, out_more, err)
                               : vj_left_parquet_read(source->parquet, n, left->parquet, out_more,
                                                      err);
}

/* Below this many rows a batch is smaller than what a BGZF block may hold. */
#define MIN_RAW_ROWS 1024

vj_status vj_left_read_raw(vj_left_source *source, int64_t want_rows, vj_left *left,
                           bool *out_more, vj_error *err)
{
    left->raw = source->vcf != NULL && want_rows >= MIN_RAW_ROWS && vj_vcf_can_share(source->vcf);
    if (!left->raw)
        return vj_left_read(source, want_rows, left, out_more, err);
    return vj_vcf_block_read(source->vcf, want_rows, want_rows * BATCH_BYTES_PER_ROW, left->block,
                             out_more, err);
}

vj_status vj_left_fill(const vj_left_source *source, vj_left *left, vj_error *err)
{
    return left->raw ? vj_vcf_block_fill(source->vcf, left->block, err) : VJ_OK;
}

vj_status vj_left_link(vj_left_source *source, vj_left *left, vj_error *err)
{
    return left->raw ? vj_vcf_block_link(source->vcf, left->block, err) : VJ_OK;
}

static void view_vcf_rows(vj_left *left)
{
    const vj_vcf_rows *rows = left->rows;

    left->n_rows = rows->n_rows;
    left->cols = rows->cols;
    left->keys = &rows->keys;
    left->row_key = rows->row_key.ptr;
    left->key_record = rows->key_record.ptr;
    left->n_records = (int64_t)rows->record_lines.n;
    left->record_lines = rows->record_lines.ptr;
    left->record_alleles = rows->record_alleles.ptr;
    left->counts = &rows->counts;
    left->bad_lines = &rows->bad_lines;
}

vj_status vj_left_parse(const vj_left_source *source, vj_left *left, vj_error *err)
{
    if (source->vcf != NULL) {
        VJ_TRY(vj_vcf_parse(source->vcf, left->block, left->rows, err));
        view_vcf_rows(left);
        return VJ_OK;
    }
    return vj_left_parquet_keys(left->parquet, left, err);
}
