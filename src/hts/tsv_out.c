#include "hts/bgzf_out.h"
#include "hts/hts_out_parts.h"

struct vj_tsv_writer {
    vj_budget *budget;
    vj_text_out sink;
    const vj_schema *schema;
    bool spreadsheet;
    vj_buf text; /* of _append */
};

static vj_status check_types(const vj_schema *schema, vj_error *err)
{
    char name[128];

    for (int32_t i = 0; i < schema->n_fields; i++) {
        const vj_type *type = &schema->fields[i].type;

        if (!vj_cell_has_text(type->kind == VJ_LIST ? &type->kids[0].type : type))
            return vj_fail(err, VJ_E_UNSUPPORTED,
                           "column %s: TSV has no form for the type %s; leave it out with -c or "
                           "write Parquet", schema->fields[i].name,
                           vj_type_name(type, name, sizeof name));
    }
    return VJ_OK;
}

static vj_status write_header(vj_tsv_writer *writer, const vj_out_provenance *provenance,
                              vj_error *err)
{
    VJ_TRY(vj_provenance_put(&writer->text, provenance, err));
    for (int32_t i = 0; i < writer->schema->n_fields; i++) {
        if (i > 0)
            VJ_TRY(vj_buf_push(&writer->text, '\t', err));
        VJ_TRY(vj_cell_put_bytes(&writer->text, vj_span_of(writer->schema->fields[i].name),
                                 VJ_CELL_TSV, err));
    }
    VJ_TRY(vj_buf_push(&writer->text, '\n', err));
    return vj_text_out_write(&writer->sink, vj_buf_span(&writer->text), err);
}

vj_status vj_tsv_writer_take(vj_outfile *file, const vj_tsv_write_options *options,
                             vj_budget *budget, vj_tsv_writer **out, vj_error *err)
{
    vj_bgzf_out_options bgzf = {.level = options->level, .n_threads = options->n_threads};
    vj_status rc = VJ_OK;
    vj_tsv_writer *writer = vj_zalloc(budget, sizeof *writer, err);

    *out = NULL;
    if (writer == NULL) {
        vj_outfile_free(file);
        return VJ_E_NOMEM;
    }
    writer->budget = budget;
    writer->sink.file = file;
    writer->schema = options->schema;
    writer->spreadsheet = options->spreadsheet;
    vj_buf_init(&writer->text, budget, 0);
    VJ_GO(rc, check_types(options->schema, err));
    if (options->bgzf)
        VJ_GO(rc, vj_bgzf_out_new(file, &bgzf, budget, &writer->sink.bgzf, err));
    VJ_GO(rc, write_header(writer, options->provenance, err));
    *out = writer;
    return VJ_OK;
out:
    rc = vj_wrap(err, rc, "starting %s", vj_outfile_name(file));
    vj_tsv_writer_free(writer);
    return rc;
}

vj_status vj_tsv_writer_open(const char *path, const vj_tsv_write_options *options,
                             vj_budget *budget, vj_tsv_writer **out, vj_error *err)
{
    vj_outfile *file = NULL;

    *out = NULL;
    VJ_TRY(vj_outfile_open(path, &file, err));
    return vj_tsv_writer_take(file, options, budget, out, err);
}

/* ---- rows ---- */

static vj_status put_element(vj_buf *text, const vj_col *kid, int64_t row_i, vj_error *err)
{
    int64_t out_of_range = 0;

    if (vj_col_is_null(kid, row_i))
        return vj_buf_append_text(text, "\\N", err);
    return vj_cell_put(text, kid, row_i, VJ_CELL_TSV_ELEMENT, &out_of_range, err);
}

vj_status vj_tsv_value(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err)
{
    int64_t out_of_range = 0;

    return vj_cell_put(out, col, row_i, VJ_CELL_TSV, &out_of_range, err);
}

static vj_status put_list(vj_buf *text, const vj_col *col, int64_t row_i, vj_error *err)
{
    int32_t beg = col->offs[row_i];
    int32_t end = col->offs[row_i + 1];

    if (beg == end)
        return vj_buf_append_text(text, "\\z", err);
    for (int32_t i = beg; i < end; i++) {
        if (i > beg)
            VJ_TRY(vj_buf_push(text, ',', err));
        VJ_TRY(put_element(text, &col->kids[0], i, err));
    }
    return VJ_OK;
}

/* Text that a spreadsheet would take for a formula; numbers are meant to stay numbers. */
static bool is_formula(const vj_col *col, int64_t row_i)
{
    const vj_col *at = col;

    if (col->type->kind == VJ_LIST) {
        if (col->offs[row_i] == col->offs[row_i + 1])
            return false;
        at = &col->kids[0];
        row_i = col->offs[row_i];
    }
    if (at->type->kind != VJ_TEXT || vj_col_is_null(at, row_i))
        return false;
    vj_span bytes = vj_col_bytes(at, row_i);
    return bytes.len_bytes > 0 && memchr("=+-@", bytes.ptr[0], 4) != NULL;
}

static vj_status put_cell(const vj_tsv_writer *writer, vj_buf *text, const vj_col *col,
                          int64_t row_i, vj_error *err)
{
    int64_t out_of_range = 0;

    if (vj_col_is_null(col, row_i))
        return VJ_OK;
    if (writer->spreadsheet && is_formula(col, row_i))
        VJ_TRY(vj_buf_push(text, '\'', err));
    return col->type->kind == VJ_LIST
               ? put_list(text, col, row_i, err)
               : vj_cell_put(text, col, row_i, VJ_CELL_TSV, &out_of_range, err);
}

vj_status vj_tsv_writer_format(const vj_tsv_writer *writer, const vj_batch *batch, vj_buf *text,
                               vj_error *err)
{
    int32_t n_cols = writer->schema->n_fields;

    for (int64_t row_i = 0; row_i < batch->n_rows; row_i++) {
        for (int32_t col_i = 0; col_i < n_cols; col_i++) {
            VJ_TRY(put_cell(writer, text, &batch->cols[col_i], row_i, err));
            VJ_TRY(vj_buf_push(text, col_i + 1 < n_cols ? '\t' : '\n', err));
        }
    }
    return VJ_OK;
}

vj_status vj_tsv_writer_write(vj_tsv_writer *writer, vj_span text, vj_error *err)
{
    return vj_text_out_write(&writer->sink, text, err);
}

vj_status vj_tsv_writer_append(vj_tsv_writer *writer, const vj_batch *batch, vj_error *err)
{
    vj_buf_reset(&writer->text);
    VJ_TRY(vj_tsv_writer_format(writer, batch, &writer->text, err));
    return vj_tsv_writer_write(writer, vj_buf_span(&writer->text), err);
}

vj_status vj_tsv_writer_finish(vj_tsv_writer *writer, vj_error *err)
{
    if (writer->sink.bgzf != NULL)
        VJ_TRY(vj_bgzf_out_finish(writer->sink.bgzf, err));
    return vj_outfile_finish(writer->sink.file, err);
}

void vj_tsv_writer_free(vj_tsv_writer *writer)
{
    if (writer == NULL)
        return;
    vj_text_out_fini(&writer->sink);
    vj_buf_fini(&writer->text);
    vj_free(writer);
}
