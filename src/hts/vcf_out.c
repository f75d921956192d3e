#include "hts/vcf_out.h"

static vj_status write_header(vj_vcf_writer *writer, const vj_vcf_write_options *options,
                              vj_error *err)
{
    vj_buf header;
    vj_status rc = VJ_OK;

    vj_buf_init(&header, writer->budget, 0);
    VJ_GO(rc, vj_vcf_header_put(&header, options, &writer->arena, writer->fields, err));
    VJ_GO(rc, vj_text_out_write(&writer->sink, vj_buf_span(&header), err));
out:
    vj_buf_fini(&header);
    return rc;
}

static vj_status open_sink(vj_vcf_writer *writer, const vj_vcf_write_options *options,
                           vj_error *err)
{
    vj_bgzf_out_options bgzf = {.level = options->level, .n_threads = options->n_threads};

    if (writer->kind == VJ_OUT_VCF)
        return VJ_OK;
    if (writer->kind == VJ_OUT_BCF || options->write_index)
        return vj_fail(err, VJ_E_UNSUPPORTED, "BCF and indexes are not written yet");
    return vj_bgzf_out_new(writer->sink.file, &bgzf, writer->budget, &writer->sink.bgzf, err);
}

vj_status vj_vcf_writer_take(vj_outfile *file, const vj_vcf_write_options *options,
                             vj_budget *budget, vj_vcf_writer **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_vcf_writer *writer = vj_zalloc(budget, sizeof *writer, err);

    *out = NULL;
    if (writer == NULL) {
        vj_outfile_free(file);
        return VJ_E_NOMEM;
    }
    writer->budget = budget;
    writer->kind = options->kind;
    writer->sink.file = file;
    writer->n_fields = options->n_annotations;
    writer->space_is_legal = options->header->version_minor >= 3;
    writer->has_samples = options->header->n_samples > 0;
    vj_arena_init(&writer->arena, budget, 4096);
    vj_buf_init(&writer->text, budget, 0);
    writer->fields = vj_calloc(budget, (size_t)writer->n_fields, sizeof *writer->fields, err);
    if (writer->fields == NULL)
        goto out;
    VJ_GO(rc, open_sink(writer, options, err));
    VJ_GO(rc, write_header(writer, options, err));
    *out = writer;
    return VJ_OK;
out:
    rc = vj_wrap(err, rc, "starting %s", vj_outfile_name(file));
    vj_vcf_writer_free(writer);
    return rc;
}

vj_status vj_vcf_writer_open(const char *path, const vj_vcf_write_options *options,
                             vj_budget *budget, vj_vcf_writer **out, vj_error *err)
{
    vj_outfile *file = NULL;

    *out = NULL;
    VJ_TRY(vj_outfile_open(path, &file, err));
    return vj_vcf_writer_take(file, options, budget, out, err);
}

static void add_counts(vj_vcf_out_counts *sum, const vj_vcf_out_counts *more)
{
    sum->n_records += more->n_records;
    sum->n_values += more->n_values;
    sum->n_out_of_range += more->n_out_of_range;
    sum->n_extra_rows += more->n_extra_rows;
}

vj_status vj_vcf_writer_write(vj_vcf_writer *writer, vj_span text,
                              const vj_vcf_out_counts *counts, vj_error *err)
{
    add_counts(&writer->counts, counts);
    return vj_text_out_write(&writer->sink, text, err);
}

vj_status vj_vcf_writer_append(vj_vcf_writer *writer, const vj_vcf_annotated *records,
                               vj_error *err)
{
    vj_vcf_out_counts counts = {0};

    vj_buf_reset(&writer->text);
    VJ_TRY(vj_vcf_writer_format(writer, records, &writer->text, &counts, err));
    return vj_vcf_writer_write(writer, vj_buf_span(&writer->text), &counts, err);
}

const vj_vcf_out_counts *vj_vcf_writer_counts(const vj_vcf_writer *writer)
{
    return &writer->counts;
}

vj_status vj_vcf_writer_finish(vj_vcf_writer *writer, vj_error *err)
{
    if (writer->sink.bgzf != NULL)
        VJ_TRY(vj_bgzf_out_finish(writer->sink.bgzf, err));
    return vj_outfile_finish(writer->sink.file, err);
}

void vj_vcf_writer_free(vj_vcf_writer *writer)
{
    if (writer == NULL)
        return;
    vj_text_out_fini(&writer->sink);
    vj_buf_fini(&writer->text);
    vj_arena_fini(&writer->arena);
    vj_free(writer->fields);
    vj_free(writer);
}
