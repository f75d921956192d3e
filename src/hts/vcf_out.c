#include "hts/vcf_out.h"

#define COPY_BYTES ((size_t)256 << 10)

static bool is_bcf(vj_vcf_out_kind kind)
{
    return kind == VJ_OUT_BCF || kind == VJ_OUT_BCF_PLAIN;
}

/* BCF: the text goes to htslib, whose binary form of it replaces it. */
static vj_status encode_header(vj_vcf_writer *writer, vj_buf *header, vj_error *err)
{
    VJ_TRY(vj_bcf_out_new(header, writer->budget, &writer->bcf, err));
    vj_buf_reset(header);
    return vj_bcf_out_header(writer->bcf, header, err);
}

/* The header ends with a block of its own, so that records begin at a known place. */
static vj_status write_header(vj_vcf_writer *writer, const vj_vcf_write_options *options,
                              vj_error *err)
{
    vj_buf header;
    vj_status rc = VJ_OK;

    vj_buf_init(&header, writer->budget, 0);
    VJ_GO(rc, vj_vcf_header_put(&header, options, &writer->arena, writer->fields, err));
    if (is_bcf(writer->kind))
        VJ_GO(rc, encode_header(writer, &header, err));
    VJ_GO(rc, vj_text_out_write(&writer->sink, vj_buf_span(&header), err));
    if (writer->sink.bgzf != NULL)
        VJ_GO(rc, vj_bgzf_out_flush(writer->sink.bgzf, err));
    writer->body_off = vj_outfile_offset(writer->sink.file);
out:
    vj_buf_fini(&header);
    return rc;
}

static vj_status start_index(vj_vcf_writer *writer, const vj_vcf_write_options *options,
                             vj_error *err)
{
    if (!options->write_index || writer->sink.bgzf == NULL ||
        vj_outfile_temp_path(writer->sink.file) == NULL)
        return VJ_OK;
    VJ_TRY(vj_index_out_new(options->header, is_bcf(writer->kind), writer->budget,
                            &writer->index, err));
    VJ_TRY(vj_index_out_begin(writer->index, writer->body_off, err));
    vj_bgzf_out_watch(writer->sink.bgzf, vj_index_out_on_block, writer->index);
    return VJ_OK;
}

static vj_status open_sink(vj_vcf_writer *writer, const vj_vcf_write_options *options,
                           vj_error *err)
{
    writer->bgzf_options =
        (vj_bgzf_out_options){.level = options->level, .n_threads = options->n_threads};
    if (writer->kind == VJ_OUT_VCF || writer->kind == VJ_OUT_BCF_PLAIN)
        return VJ_OK;
    return vj_bgzf_out_new(writer->sink.file, &writer->bgzf_options, writer->budget,
                           &writer->sink.bgzf, err);
}

static vj_status take_samples(vj_vcf_writer *writer, const vj_vcf_write_options *options,
                              vj_error *err)
{
    size_t n = (size_t)options->n_samples;

    writer->chooses_samples = options->chooses_samples;
    writer->has_samples = options->chooses_samples ? n > 0 : options->header->n_samples > 0;
    if (!options->chooses_samples || n == 0)
        return VJ_OK;
    writer->samples = vj_arena_alloc(&writer->arena, n * sizeof *writer->samples, err);
    if (writer->samples == NULL)
        return VJ_E_NOMEM;
    memcpy(writer->samples, options->samples, n * sizeof *writer->samples);
    writer->n_samples = options->n_samples;
    return VJ_OK;
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
    vj_arena_init(&writer->arena, budget, 4096);
    vj_buf_init(&writer->text, budget, 0);
    vj_buf_init(&writer->bytes, budget, 0);
    writer->index_if_sorted = options->index_if_sorted;
    writer->fields = vj_calloc(budget, (size_t)writer->n_fields, sizeof *writer->fields, err);
    if (writer->fields == NULL)
        goto out;
    VJ_GO(rc, take_samples(writer, options, err));
    VJ_GO(rc, open_sink(writer, options, err));
    VJ_GO(rc, write_header(writer, options, err));
    VJ_GO(rc, start_index(writer, options, err));
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

/* Unsorted records cannot be indexed: an error, or an end of the index only. */
static vj_status give_up_index(vj_vcf_writer *writer, vj_status rc, vj_error *why, vj_error *err)
{
    if (rc != VJ_E_USAGE || !writer->index_if_sorted)
        return vj_fail(err, rc, "%s", why->text);
    vj_bgzf_out_watch(writer->sink.bgzf, NULL, NULL);
    vj_index_out_free(writer->index);
    writer->index = NULL;
    writer->note = *why;
    writer->has_note = true;
    return VJ_OK;
}

static vj_status check_definitions(const vj_vcf_writer *writer, vj_span line, vj_error *err)
{
    char shown[96];

    if (vj_bcf_out_n_added(writer->bcf) == 0 || vj_outfile_temp_path(writer->sink.file) != NULL)
        return VJ_OK;
    return vj_fail(err, VJ_E_UNSUPPORTED,
                   "%s: the header lacks a contig or tag of this record, which BCF needs before "
                   "the first record; write to a file, or VCF: %s",
                   vj_outfile_name(writer->sink.file),
                   vj_quote(shown, sizeof shown, line.ptr, line.len_bytes));
}

static vj_status write_bcf_line(vj_vcf_writer *writer, vj_span line, vj_error *err)
{
    vj_bcf_place place;
    const char *tab = memchr(line.ptr, '\t', line.len_bytes);
    vj_error why = {0};

    vj_buf_reset(&writer->bytes);
    VJ_TRY(vj_bcf_out_line(writer->bcf, line, &writer->bytes, &place, err));
    VJ_TRY(check_definitions(writer, line, err));
    if (writer->index != NULL) {
        vj_span contig = {line.ptr, tab != NULL ? (size_t)(tab - line.ptr) : 0};
        int64_t end = vj_bgzf_out_offset(writer->sink.bgzf) + (int64_t)writer->bytes.len_bytes;
        vj_status rc = vj_index_out_record(writer->index, place.contig, contig, place.beg0,
                                           place.end0, end, &why);
        if (rc != VJ_OK)
            VJ_TRY(give_up_index(writer, rc, &why, err));
    }
    return vj_text_out_write(&writer->sink, vj_buf_span(&writer->bytes), err);
}

/* One line without its line end, but the line end follows it in memory. */
static vj_status write_line(vj_vcf_writer *writer, vj_span line, vj_error *err)
{
    vj_span whole = {line.ptr, line.len_bytes + 1};
    vj_error why = {0};

    if (writer->bcf != NULL)
        return write_bcf_line(writer, line, err);
    if (writer->index != NULL) {
        int64_t end = vj_bgzf_out_offset(writer->sink.bgzf) + (int64_t)whole.len_bytes;
        vj_status rc = vj_index_out_line(writer->index, line, end, &why);
        if (rc != VJ_OK)
            VJ_TRY(give_up_index(writer, rc, &why, err));
    }
    return vj_text_out_write(&writer->sink, whole, err);
}

vj_status vj_vcf_writer_write(vj_vcf_writer *writer, vj_span text,
                              const vj_vcf_out_counts *counts, vj_error *err)
{
    const char *at = text.ptr;
    const char *end = text.ptr + text.len_bytes;

    if (counts != NULL)
        add_counts(&writer->counts, counts);
    if (writer->bcf == NULL && writer->index == NULL)
        return vj_text_out_write(&writer->sink, text, err);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (stop == NULL)
            return vj_fail(err, VJ_E_BUG, "the last line of a text lacks its line end");
        VJ_TRY(write_line(writer, (vj_span){at, (size_t)(stop - at)}, err));
        at = stop + 1;
    }
    return VJ_OK;
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

const char *vj_vcf_writer_note(const vj_vcf_writer *writer)
{
    return writer->has_note ? writer->note.text : NULL;
}

/* ---- the end ---- */

static vj_status copy_rest(const char *path, int64_t beg, int64_t end, vj_outfile *to,
                           vj_budget *budget, vj_error *err)
{
    vj_source *source = NULL;
    uint8_t *chunk = vj_alloc(budget, COPY_BYTES, err);
    vj_status rc = VJ_E_NOMEM;

    if (chunk == NULL)
        return VJ_E_NOMEM;
    VJ_GO(rc, vj_source_open(path, &source, err));
    for (int64_t off = beg; off < end;) {
        size_t n = (size_t)VJ_MIN(end - off, (int64_t)COPY_BYTES);
        VJ_GO(rc, vj_source_read(source, off, chunk, n, err));
        VJ_GO(rc, vj_outfile_write(to, chunk, n, err));
        off += (int64_t)n;
    }
out:
    vj_source_free(source);
    vj_free(chunk);
    return rc;
}

/*
 * Records made htslib add contigs or tags to the header that was written already. The numbers in
 * the records stay right (new ones come last), so a new file takes the new header and the old
 * body, block for block.
 */
static vj_status renew_header(vj_vcf_writer *writer, vj_error *err)
{
    vj_outfile *old = writer->sink.file;
    vj_text_out renewed = {0};
    vj_bgzf_out_options options = {.level = writer->bgzf_options.level};
    vj_status rc = VJ_OK;

    VJ_TRY(vj_outfile_flush(old, err));
    VJ_GO(rc, vj_outfile_open(vj_outfile_name(old), &renewed.file, err));
    if (writer->sink.bgzf != NULL)
        VJ_GO(rc, vj_bgzf_out_new(renewed.file, &options, writer->budget, &renewed.bgzf, err));
    vj_buf_reset(&writer->bytes);
    VJ_GO(rc, vj_bcf_out_header(writer->bcf, &writer->bytes, err));
    VJ_GO(rc, vj_text_out_write(&renewed, vj_buf_span(&writer->bytes), err));
    if (renewed.bgzf != NULL)
        VJ_GO(rc, vj_bgzf_out_flush(renewed.bgzf, err));
    VJ_GO(rc, copy_rest(vj_outfile_temp_path(old), writer->body_off, vj_outfile_offset(old),
                        renewed.file, writer->budget, err));
    if (writer->index != NULL)
        vj_index_out_set_stale(writer->index);
    writer->sink.file = renewed.file;
    renewed.file = NULL;
    vj_outfile_free(old);
out:
    vj_text_out_fini(&renewed);
    return rc;
}

vj_status vj_vcf_writer_finish(vj_vcf_writer *writer, vj_error *err)
{
    vj_status rc = VJ_OK;
    vj_outfile *index = NULL;
    int64_t records_end = 0;

    if (writer->sink.bgzf != NULL) {
        VJ_TRY(vj_bgzf_out_flush(writer->sink.bgzf, err));
        records_end = vj_outfile_offset(writer->sink.file);
        VJ_TRY(vj_bgzf_out_finish(writer->sink.bgzf, err));
    }
    if (writer->bcf != NULL && vj_bcf_out_n_added(writer->bcf) > 0)
        VJ_TRY(renew_header(writer, err));
    if (writer->index != NULL) {
        /* All data bytes leave before the index is written: it must not look older. */
        VJ_TRY(vj_outfile_flush(writer->sink.file, err));
        VJ_TRY(vj_index_out_save(writer->index, writer->sink.file, records_end, &index, err));
    }
    if (index != NULL) {
        VJ_GO(rc, vj_outfile_ready(index, err));
        VJ_GO(rc, vj_outfile_ready(writer->sink.file, err));
        /* Between the two names no index is better than that of another file. */
        vj_path_remove(vj_outfile_name(index));
    }
    VJ_GO(rc, vj_outfile_finish(writer->sink.file, err));
    if (index != NULL)
        VJ_GO(rc, vj_outfile_finish(index, err));
out:
    vj_outfile_free(index);
    return rc;
}

void vj_vcf_writer_free(vj_vcf_writer *writer)
{
    if (writer == NULL)
        return;
    vj_text_out_fini(&writer->sink);
    vj_bcf_out_free(writer->bcf);
    vj_index_out_free(writer->index);
    vj_buf_fini(&writer->text);
    vj_buf_fini(&writer->bytes);
    vj_arena_fini(&writer->arena);
    vj_free(writer->fields);
    vj_free(writer);
}
