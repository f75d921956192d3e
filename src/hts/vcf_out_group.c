#include "hts/vcf_out_table.h"

/* Pools have some dozens; a list beyond that is no genotype. */
#define PLOIDY_MAX 256

/* ---- one record ---- */

static bool has_int(const vj_col *cols, int32_t col_i, int64_t row_i)
{
    return col_i >= 0 && !vj_col_is_null(&cols[col_i], row_i);
}

/* Rows [beg, end) of cols are one record. */
typedef struct group {
    const vj_vcf_table *table;
    const vj_col *cols;
    int64_t beg, end;
    vj_buf *out;
    vj_vcf_out_counts *counts;
    vj_error *err;
} group;

static const vj_col *fixed_col(const group *g, vj_fixed_col which)
{
    int32_t col_i = g->table->fixed[which];

    return col_i >= 0 ? &g->cols[col_i] : NULL;
}

/* Text of a fixed column in a row; empty when there is none. */
static vj_span fixed_text(const group *g, vj_fixed_col which, int64_t row_i)
{
    const vj_col *col = fixed_col(g, which);

    if (col == NULL || vj_col_is_null(col, row_i))
        return (vj_span){0};
    return vj_col_bytes(col, row_i);
}

/* A whole column of the line: what would break the line apart is percent-encoded. */
static vj_status put_column(const group *g, vj_span text)
{
    static const char digits[] = "0123456789ABCDEF";

    if (text.len_bytes == 0)
        return vj_buf_push(g->out, '.', g->err);
    for (size_t i = 0; i < text.len_bytes; i++) {
        uint8_t byte = (uint8_t)text.ptr[i];
        char code[3] = {'%', digits[byte >> 4], digits[byte & 15]};

        if (byte > ' ' && byte != 0x7f)
            VJ_TRY(vj_buf_push(g->out, byte, g->err));
        else
            VJ_TRY(vj_buf_append(g->out, code, sizeof code, g->err));
    }
    return VJ_OK;
}

/* "1" of the table is the header's "chr1". */
static vj_status put_contig(const group *g)
{
    vj_span shown = fixed_text(g, VJ_FIXED_CHROM, g->beg);
    int64_t contig_i = vj_map_get(&g->table->contigs, shown, -1);

    return put_column(g, contig_i >= 0 ? vj_span_of(g->table->header.contigs[contig_i].name)
                                       : shown);
}

static vj_status put_number(const group *g, vj_fixed_col which)
{
    const vj_col *col = fixed_col(g, which);
    char text[VJ_NUM_TEXT_BYTES];
    size_t n = 0;

    if (col == NULL || vj_col_is_null(col, g->beg))
        return vj_buf_push(g->out, '.', g->err);
    if (col->type->kind == VJ_F64)
        n = vj_format_f64(text, ((const double *)col->data)[g->beg]);
    else if (col->type->kind == VJ_F32)
        n = vj_format_f32(text, ((const float *)col->data)[g->beg]);
    else
        n = vj_format_i64(text, vj_col_i64(col, g->beg));
    return vj_buf_append(g->out, text, n, g->err);
}

static vj_status put_alts(const group *g)
{
    for (int64_t row_i = g->beg; row_i < g->end; row_i++) {
        if (row_i > g->beg)
            VJ_TRY(vj_buf_push(g->out, ',', g->err));
        VJ_TRY(put_column(g, fixed_text(g, VJ_FIXED_ALT, row_i)));
    }
    return VJ_OK;
}

/* ---- fields ---- */

static vj_status put_scalar(const group *g, const vj_col *col, int64_t row_i, bool in_bars)
{
    vj_cell_style style = g->table->space_is_legal
                              ? (in_bars ? VJ_CELL_VCF_ELEMENT : VJ_CELL_VCF)
                              : (in_bars ? VJ_CELL_VCF_STRICT_ELEMENT : VJ_CELL_VCF_STRICT);

    if (vj_col_is_null(col, row_i))
        return vj_buf_push(g->out, '.', g->err);
    return vj_cell_put(g->out, col, row_i, style, &g->counts->n_out_of_range, g->err);
}

static vj_status put_value(const group *g, const vj_col *col, int64_t row_i, char separator)
{
    if (col->type->kind != VJ_LIST)
        return put_scalar(g, col, row_i, false);
    if (vj_col_is_null(col, row_i) || col->offs[row_i] == col->offs[row_i + 1])
        return vj_buf_push(g->out, '.', g->err);
    for (int32_t i = col->offs[row_i]; i < col->offs[row_i + 1]; i++) {
        if (i > col->offs[row_i])
            VJ_TRY(vj_buf_push(g->out, (uint8_t)separator, g->err));
        VJ_TRY(put_scalar(g, &col->kids[0], i, separator == '|'));
    }
    return VJ_OK;
}

/* Element of a [ref, alt] list; '.' when it is not there. */
static vj_status put_one_of_two(const group *g, const vj_col *col, int64_t row_i, int32_t which)
{
    if (vj_col_is_null(col, row_i) || col->offs[row_i + 1] - col->offs[row_i] <= which)
        return vj_buf_push(g->out, '.', g->err);
    return put_scalar(g, &col->kids[0], col->offs[row_i] + which, false);
}

static vj_status put_field_value(const group *g, const vj_table_field *field)
{
    const vj_col *col = &g->cols[field->col_i];

    if (field->rule == VJ_JOIN_FIRST || field->rule == VJ_JOIN_FLAG)
        return put_value(g, col, g->beg, ',');
    if (field->rule == VJ_JOIN_REF_ALTS) {
        VJ_TRY(put_one_of_two(g, col, g->beg, 0));
        VJ_TRY(vj_buf_push(g->out, ',', g->err));
    }
    for (int64_t row_i = g->beg; row_i < g->end; row_i++) {
        if (row_i > g->beg)
            VJ_TRY(vj_buf_push(g->out, ',', g->err));
        VJ_TRY(field->rule == VJ_JOIN_REF_ALTS ? put_one_of_two(g, col, row_i, 1)
                                               : put_value(g, col, row_i, '|'));
        g->counts->n_values +=
            field->rule == VJ_JOIN_ANNOTATION && !vj_col_is_null(col, row_i);
    }
    return VJ_OK;
}

static bool is_absent(const group *g, const vj_table_field *field)
{
    const vj_col *col = &g->cols[field->col_i];
    int64_t end = field->rule == VJ_JOIN_FIRST || field->rule == VJ_JOIN_FLAG ? g->beg + 1
                                                                              : g->end;

    for (int64_t row_i = g->beg; row_i < end; row_i++)
        if (!vj_col_is_null(col, row_i))
            return field->rule == VJ_JOIN_FLAG && !vj_bit_get(col->data, row_i);
    return true;
}

static vj_status put_end(const group *g)
{
    const vj_col *end = fixed_col(g, VJ_FIXED_END);
    const vj_col *start = fixed_col(g, VJ_FIXED_START);
    int64_t ref_bytes = (int64_t)fixed_text(g, VJ_FIXED_REF, g->beg).len_bytes;

    if (end == NULL || vj_col_is_null(end, g->beg) || vj_col_is_null(start, g->beg) ||
        vj_col_i64(end, g->beg) == vj_col_i64(start, g->beg) + ref_bytes - 1)
        return VJ_OK;
    VJ_TRY(vj_buf_append_text(g->out, "END=", g->err));
    return put_number(g, VJ_FIXED_END);
}

static vj_status put_info(const group *g)
{
    size_t info_at = g->out->len_bytes;

    VJ_TRY(put_end(g));
    for (int32_t i = 0; i < g->table->n_infos; i++) {
        const vj_table_field *field = &g->table->infos[i];

        if (is_absent(g, field))
            continue;
        if (g->out->len_bytes > info_at)
            VJ_TRY(vj_buf_push(g->out, ';', g->err));
        VJ_TRY(vj_buf_append(g->out, field->id.ptr, field->id.len_bytes, g->err));
        if (field->rule == VJ_JOIN_FLAG)
            continue;
        VJ_TRY(vj_buf_push(g->out, '=', g->err));
        VJ_TRY(put_field_value(g, field));
    }
    return g->out->len_bytes > info_at ? VJ_OK : vj_buf_push(g->out, '.', g->err);
}

/* ---- the sample ---- */

/* Number of an allele string in the record, or -1. */
static int64_t allele_number(const group *g, const vj_col *alleles, int64_t i)
{
    if (vj_col_is_null(alleles, i))
        return -1;
    vj_span allele = vj_col_bytes(alleles, i);
    if (vj_span_eq(allele, fixed_text(g, VJ_FIXED_REF, g->beg)))
        return 0;
    for (int64_t row_i = g->beg; row_i < g->end; row_i++) {
        vj_span alt = fixed_text(g, VJ_FIXED_ALT, row_i);
        if (alt.len_bytes > 0 && vj_span_eq(allele, alt))
            return row_i - g->beg + 1;
    }
    return -1;
}

/* Unknown alleles first, then by number: the order of the calls is not in the table. */
static vj_status put_genotype(const group *g)
{
    const vj_col *col = fixed_col(g, VJ_FIXED_GENOTYPE);
    int64_t numbers[PLOIDY_MAX];
    bool is_known = col != NULL && !vj_col_is_null(col, g->beg);
    int32_t n = is_known ? col->offs[g->beg + 1] - col->offs[g->beg] : 0;

    if (n == 0 || n > PLOIDY_MAX)
        return vj_buf_append_text(g->out, "./.", g->err);
    for (int32_t i = 0; i < n; i++) {
        int64_t number = allele_number(g, &col->kids[0], col->offs[g->beg] + i);
        int32_t at = i;
        for (; at > 0 && numbers[at - 1] > number; at--)
            numbers[at] = numbers[at - 1];
        numbers[at] = number;
    }
    for (int32_t i = 0; i < n; i++) {
        if (i > 0)
            VJ_TRY(vj_buf_push(g->out, '/', g->err));
        VJ_TRY(numbers[i] < 0 ? vj_buf_push(g->out, '.', g->err)
                              : vj_buf_printf(g->out, g->err, "%lld", (long long)numbers[i]));
    }
    return VJ_OK;
}

static vj_status put_sample(const group *g)
{
    VJ_TRY(vj_buf_append_text(g->out, "\tGT", g->err));
    for (int32_t i = 0; i < g->table->n_formats; i++) {
        if (is_absent(g, &g->table->formats[i]))
            continue;
        VJ_TRY(vj_buf_push(g->out, ':', g->err));
        VJ_TRY(vj_buf_append(g->out, g->table->formats[i].id.ptr,
                             g->table->formats[i].id.len_bytes, g->err));
    }
    VJ_TRY(vj_buf_push(g->out, '\t', g->err));
    VJ_TRY(put_genotype(g));
    for (int32_t i = 0; i < g->table->n_formats; i++) {
        if (is_absent(g, &g->table->formats[i]))
            continue;
        VJ_TRY(vj_buf_push(g->out, ':', g->err));
        VJ_TRY(put_field_value(g, &g->table->formats[i]));
    }
    return VJ_OK;
}

static vj_status put_tab(const group *g)
{
    return vj_buf_push(g->out, '\t', g->err);
}

vj_status vj_vcf_table_put_record(const vj_vcf_table *table, const vj_col *cols, int64_t beg,
                                  int64_t end, vj_buf *lines, vj_vcf_out_counts *counts,
                                  vj_error *err)
{
    group g = {table, cols, beg, end, lines, counts, err};
    vj_span ref = fixed_text(&g, VJ_FIXED_REF, beg);

    if (!has_int(cols, table->fixed[VJ_FIXED_START], beg))
        return vj_fail(err, VJ_E_CORRUPT, "a row without start cannot become a VCF record");
    VJ_TRY(put_contig(&g));
    VJ_TRY(put_tab(&g));
    VJ_TRY(put_number(&g, VJ_FIXED_START));
    VJ_TRY(put_tab(&g));
    VJ_TRY(put_column(&g, fixed_text(&g, VJ_FIXED_RSID, beg)));
    VJ_TRY(put_tab(&g));
    VJ_TRY(put_column(&g, ref.len_bytes > 0 ? ref : vj_span_of("N"))); /* VCF must have one */
    VJ_TRY(put_tab(&g));
    VJ_TRY(put_alts(&g));
    VJ_TRY(put_tab(&g));
    VJ_TRY(put_number(&g, VJ_FIXED_QUAL));
    VJ_TRY(put_tab(&g));
    VJ_TRY(put_column(&g, fixed_text(&g, VJ_FIXED_FILTER, beg)));
    VJ_TRY(put_tab(&g));
    VJ_TRY(put_info(&g));
    if (table->header.n_samples > 0)
        VJ_TRY(put_sample(&g));
    counts->n_records++;
    return vj_buf_push(lines, '\n', err);
}

/* ---- groups ---- */

static bool same_text(const vj_col *a, int64_t a_i, const vj_col *b, int64_t b_i)
{
    bool a_null = vj_col_is_null(a, a_i);
    bool b_null = vj_col_is_null(b, b_i);

    return a_null || b_null ? a_null && b_null
                            : vj_span_eq(vj_col_bytes(a, a_i), vj_col_bytes(b, b_i));
}

/* Row b_i of b goes on with the record whose last row is a_i of a. */
static bool goes_on(const vj_vcf_table *table, const vj_col *a, int64_t a_i, const vj_col *b,
                    int64_t b_i)
{
    int32_t index = table->fixed[VJ_FIXED_ALT_INDEX];
    int32_t start = table->fixed[VJ_FIXED_START];
    int32_t chrom = table->fixed[VJ_FIXED_CHROM];
    int32_t ref = table->fixed[VJ_FIXED_REF];

    return has_int(a, index, a_i) && has_int(b, index, b_i) && has_int(a, start, a_i) &&
           has_int(b, start, b_i) &&
           vj_col_i64(&b[index], b_i) > vj_col_i64(&a[index], a_i) &&
           vj_col_i64(&b[start], b_i) == vj_col_i64(&a[start], a_i) &&
           same_text(&a[chrom], a_i, &b[chrom], b_i) && same_text(&a[ref], a_i, &b[ref], b_i);
}

static vj_status carry_rows(vj_vcf_table *table, const vj_col *cols, int64_t beg, int64_t n,
                            vj_error *err)
{
    for (int32_t i = 0; i < table->schema->n_fields; i++) {
        VJ_TRY(vj_colb_append(&table->carry[i], &cols[i], beg, n, err));
        table->carry_cols[i] = vj_colb_view(&table->carry[i]);
    }
    table->n_carried += n;
    return VJ_OK;
}

vj_status vj_vcf_table_end(vj_vcf_table *table, vj_buf *lines, vj_vcf_out_counts *counts,
                           vj_error *err)
{
    int64_t n = table->n_carried;

    if (n == 0)
        return VJ_OK;
    VJ_TRY(vj_vcf_table_put_record(table, table->carry_cols, 0, n, lines, counts, err));
    for (int32_t i = 0; i < table->schema->n_fields; i++)
        vj_colb_reset(&table->carry[i]);
    table->n_carried = 0;
    return VJ_OK;
}

vj_status vj_vcf_table_add(vj_vcf_table *table, const vj_batch *batch, vj_buf *lines,
                           vj_vcf_out_counts *counts, vj_error *err)
{
    int64_t beg = 0;

    while (beg < batch->n_rows && table->n_carried > 0 &&
           goes_on(table, table->carry_cols, table->n_carried - 1, batch->cols, beg)) {
        VJ_TRY(carry_rows(table, batch->cols, beg, 1, err));
        beg++;
    }
    if (beg == batch->n_rows)
        return VJ_OK;
    VJ_TRY(vj_vcf_table_end(table, lines, counts, err));
    for (int64_t row_i = beg + 1; row_i < batch->n_rows; row_i++) {
        if (goes_on(table, batch->cols, row_i - 1, batch->cols, row_i))
            continue;
        VJ_TRY(vj_vcf_table_put_record(table, batch->cols, beg, row_i, lines, counts, err));
        beg = row_i;
    }
    return carry_rows(table, batch->cols, beg, batch->n_rows - beg, err);
}
