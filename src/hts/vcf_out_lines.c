#include "hts/vcf_out.h"

/* Where INFO lies in a record, and where the record ends for the output. */
typedef struct record_parts {
    vj_span head; /* up to and with the tab before INFO */
    vj_span info;
    vj_span tail; /* from the tab after INFO on; empty without samples */
    vj_span alt;
} record_parts;

static vj_span without_line_end(vj_span line)
{
    while (line.len_bytes > 0 && (line.ptr[line.len_bytes - 1] == '\n' ||
                                  line.ptr[line.len_bytes - 1] == '\r'))
        line.len_bytes--;
    return line;
}

/* Start of the column after the next tab, or NULL. */
static const char *next_column(const char *at, const char *end)
{
    const char *tab = at < end ? memchr(at, '\t', (size_t)(end - at)) : NULL;

    return tab != NULL ? tab + 1 : NULL;
}

static vj_status split_record(vj_span line, bool has_samples, record_parts *parts, vj_error *err)
{
    const char *columns[9] = {line.ptr}; /* starts; [8] is FORMAT */
    const char *end = line.ptr + line.len_bytes;
    char shown[96];
    int n = 1;

    while (n < 9 && (columns[n] = next_column(columns[n - 1], end)) != NULL)
        n++;
    if (n < 8)
        return vj_fail(err, VJ_E_CORRUPT,
                       "a record for the output has %d columns, expected at least 8: %s", n,
                       vj_quote(shown, sizeof shown, line.ptr, line.len_bytes));
    const char *info_end = n == 9 ? columns[8] - 1 : end;
    parts->head = (vj_span){line.ptr, (size_t)(columns[7] - line.ptr)};
    parts->info = (vj_span){columns[7], (size_t)(info_end - columns[7])};
    parts->tail = has_samples ? (vj_span){info_end, (size_t)(end - info_end)} : (vj_span){0};
    parts->alt = (vj_span){columns[4], (size_t)(columns[5] - 1 - columns[4])};
    return VJ_OK;
}

/* ALT '.' counts as one: a join on position alone may annotate it. */
static int64_t count_alts(vj_span alt)
{
    int64_t n = 1;

    for (size_t i = 0; i < alt.len_bytes; i++)
        n += alt.ptr[i] == ',';
    return n;
}

/* Rows [beg, end) of one record, with its ALTs. */
typedef struct record_rows {
    int64_t beg, end;
    int64_t n_alts;
    const vj_col *alt_index;
} record_rows;

/* 1-based ALT of a row; 0 when it is not known. */
static int64_t alt_of(const record_rows *rows, int64_t row_i)
{
    if (rows->alt_index == NULL)
        return row_i - rows->beg + 1;
    return vj_col_is_null(rows->alt_index, row_i) ? 0 : vj_col_i64(rows->alt_index, row_i);
}

/*
 * First row of the ALT at or after *row_i, or -1; *row_i moves behind it, so that one pass over
 * the ALTs sees every row once.
 */
static int64_t take_row(const record_rows *rows, int64_t alt, int64_t *row_i)
{
    while (*row_i < rows->end && alt_of(rows, *row_i) < alt)
        (*row_i)++;
    if (*row_i >= rows->end || alt_of(rows, *row_i) != alt)
        return -1;
    return (*row_i)++;
}

static int64_t count_extra_rows(const record_rows *rows)
{
    int64_t row_i = rows->beg;
    int64_t n_used = 0;

    for (int64_t alt = 1; alt <= rows->n_alts && row_i < rows->end; alt++)
        n_used += take_row(rows, alt, &row_i) >= 0;
    return rows->end - rows->beg - n_used;
}

static bool all_null(const vj_col *col, const record_rows *rows)
{
    int64_t row_i = rows->beg;

    if (col->valid == NULL)
        return rows->beg == rows->end;
    while (row_i < rows->end && !vj_bit_get(col->valid, row_i))
        row_i++;
    return row_i == rows->end;
}

static vj_status put_list(const vj_vcf_writer *writer, vj_buf *text, const vj_col *col,
                          int64_t row_i, vj_vcf_out_counts *counts, vj_error *err)
{
    const vj_col *kid = &col->kids[0];
    vj_cell_style style =
        writer->space_is_legal ? VJ_CELL_VCF_ELEMENT : VJ_CELL_VCF_STRICT_ELEMENT;

    if (col->offs[row_i] == col->offs[row_i + 1])
        return vj_buf_push(text, '.', err);
    for (int32_t i = col->offs[row_i]; i < col->offs[row_i + 1]; i++) {
        if (i > col->offs[row_i])
            VJ_TRY(vj_buf_push(text, '|', err));
        if (vj_col_is_null(kid, i))
            VJ_TRY(vj_buf_push(text, '.', err));
        else
            VJ_TRY(vj_cell_put(text, kid, i, style, &counts->n_out_of_range, err));
    }
    return VJ_OK;
}

static vj_status put_value(const vj_vcf_writer *writer, vj_buf *text, const vj_col *col,
                           int64_t row_i, vj_vcf_out_counts *counts, vj_error *err)
{
    if (row_i < 0 || vj_col_is_null(col, row_i))
        return vj_buf_push(text, '.', err);
    counts->n_values++;
    if (col->type->kind == VJ_LIST)
        return put_list(writer, text, col, row_i, counts, err);
    return vj_cell_put(text, col, row_i,
                       writer->space_is_legal ? VJ_CELL_VCF : VJ_CELL_VCF_STRICT,
                       &counts->n_out_of_range, err);
}

/* "KEY=v,v" for every field that has a value; with_sep: something stands before. */
static vj_status put_fields(const vj_vcf_writer *writer, const vj_vcf_annotated *in,
                            const record_rows *rows, bool with_sep, vj_buf *text,
                            vj_vcf_out_counts *counts, vj_error *err)
{
    for (int32_t field_i = 0; field_i < writer->n_fields; field_i++) {
        const vj_col *col = &in->cols[field_i];
        vj_span key = writer->fields[field_i].key;
        int64_t row_i = rows->beg;

        if (all_null(col, rows))
            continue;
        if (with_sep)
            VJ_TRY(vj_buf_push(text, ';', err));
        with_sep = true;
        VJ_TRY(vj_buf_append(text, key.ptr, key.len_bytes, err));
        for (int64_t alt = 1; alt <= rows->n_alts; alt++) {
            if (alt > 1)
                VJ_TRY(vj_buf_push(text, ',', err));
            VJ_TRY(put_value(writer, text, col, take_row(rows, alt, &row_i), counts, err));
        }
    }
    return VJ_OK;
}

/* Starts of the columns of tail: FORMAT, then the samples; one more for the end. */
typedef VJ_VEC(const char *) column_starts;

static vj_status split_samples(vj_span tail, column_starts *starts, vj_error *err)
{
    const char *end = tail.ptr + tail.len_bytes;

    VJ_VEC_RESET(starts);
    for (const char *at = tail.ptr + 1; at != NULL; at = next_column(at, end))
        VJ_TRY(VJ_VEC_PUSH(starts, at, err));
    return VJ_VEC_PUSH(starts, end + 1, err);
}

/* FORMAT and the chosen samples, each behind its tab. */
static vj_status put_chosen_samples(const vj_vcf_writer *writer, vj_span tail,
                                    column_starts *starts, vj_buf *text, vj_error *err)
{
    if (tail.len_bytes == 0)
        return VJ_OK;
    VJ_TRY(split_samples(tail, starts, err));
    for (int32_t i = -1; i < writer->n_samples; i++) {
        size_t column = i < 0 ? 0 : (size_t)writer->samples[i] + 1;
        if (column + 1 >= starts->n)
            return vj_fail(err, VJ_E_CORRUPT,
                           "a record for the output has %zu samples, expected at least %zu",
                           starts->n - 2, column);
        const char *beg = starts->ptr[column] - 1;
        VJ_TRY(vj_buf_append(text, beg, (size_t)(starts->ptr[column + 1] - 1 - beg), err));
    }
    return VJ_OK;
}

static vj_status put_record(const vj_vcf_writer *writer, const vj_vcf_annotated *in,
                            int64_t record_i, column_starts *starts, vj_buf *text,
                            vj_vcf_out_counts *counts, vj_error *err)
{
    record_parts parts = {0};
    bool has_rows = in->first_row != NULL && writer->n_fields > 0;

    VJ_TRY(split_record(without_line_end(in->lines[record_i]), writer->has_samples, &parts, err));
    bool is_bare = parts.info.len_bytes == 0 || vj_span_is(parts.info, ".");
    VJ_TRY(vj_buf_append(text, parts.head.ptr, parts.head.len_bytes, err));
    size_t info_at = text->len_bytes;
    if (!is_bare)
        VJ_TRY(vj_buf_append(text, parts.info.ptr, parts.info.len_bytes, err));
    if (has_rows) {
        record_rows rows = {.beg = in->first_row[record_i],
                            .end = in->first_row[record_i + 1],
                            .n_alts = count_alts(parts.alt),
                            .alt_index = in->alt_index};
        bool with_sep = !is_bare && parts.info.ptr[parts.info.len_bytes - 1] != ';';
        counts->n_extra_rows += count_extra_rows(&rows);
        VJ_TRY(put_fields(writer, in, &rows, with_sep, text, counts, err));
    }
    if (text->len_bytes == info_at)
        VJ_TRY(vj_buf_push(text, '.', err));
    if (writer->chooses_samples)
        VJ_TRY(put_chosen_samples(writer, parts.tail, starts, text, err));
    else
        VJ_TRY(vj_buf_append(text, parts.tail.ptr, parts.tail.len_bytes, err));
    counts->n_records++;
    return vj_buf_push(text, '\n', err);
}

vj_status vj_vcf_writer_format(const vj_vcf_writer *writer, const vj_vcf_annotated *records,
                               vj_buf *text, vj_vcf_out_counts *counts, vj_error *err)
{
    vj_status rc = VJ_OK;
    column_starts starts = {.budget = writer->budget};

    for (int64_t i = 0; i < records->n_records && rc == VJ_OK; i++)
        rc = put_record(writer, records, i, &starts, text, counts, err);
    VJ_VEC_FINI(&starts);
    return rc;
}
