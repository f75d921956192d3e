#include "hts/parse.h"

/*
 * The plain record: one sample, one ALT of letters, no wish that could leave the record out. All
 * that could make the line odd or broken is asked before a column is touched; then the fixed
 * columns are written where they belong, without asking for room value by value. Every other
 * line goes the way of vcf_parse.c, which is the specification of this one.
 */

/* Rows for which room is made at once. */
#define ROOM_ROWS 1024
/* Bytes that are copied whatever the length of a text. */
#define TEXT_BYTES 16

bool vj_plain_wanted(const vj_vcf_reader *reader)
{
    const vj_vcf_read_options *o = &reader->options;

    return reader->chosen.n == 1 && reader->col_sample < 0 && reader->targets == NULL &&
           reader->filter_pass.n == 0 && o->min_qual != o->min_qual && o->min_gq != o->min_gq &&
           o->min_dp != o->min_dp;
}

static vj_status reserve_text(vj_colb *b, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&b->offs, (ROOM_ROWS + 1) * sizeof(int32_t), err));
    if (b->offs.len_bytes == 0) {
        memset(b->offs.ptr, 0, sizeof(int32_t));
        b->offs.len_bytes = sizeof(int32_t);
    }
    return vj_buf_reserve(&b->data, ROOM_ROWS * TEXT_BYTES, err);
}

/*
 * Room for ROOM_ROWS more rows, each of one key and one record, in what every row has. Lines that
 * go the other way take of it too, one for each row: it holds until n_rows passes room_rows.
 */
static vj_status make_room(vj_parse *p)
{
    static const int words[] = {VJ_COL_START, VJ_COL_END, VJ_COL_ALT_INDEX};
    static const int texts[] = {VJ_COL_CHROM, VJ_COL_REF, VJ_COL_ALT};
    vj_vcf_rows *rows = p->rows;

    for (size_t i = 0; i < VJ_COUNT(words); i++)
        VJ_TRY(vj_buf_reserve(&rows->builders[words[i]].data, ROOM_ROWS * sizeof(int32_t),
                              p->err));
    for (size_t i = 0; i < VJ_COUNT(texts); i++)
        VJ_TRY(reserve_text(&rows->builders[texts[i]], p->err));
    VJ_TRY(vj_parse_reserve_keys(rows, ROOM_ROWS, ROOM_ROWS, ROOM_ROWS, p->err));
    p->s->room_rows = rows->n_rows + ROOM_ROWS;
    return VJ_OK;
}

/* ---- is it plain? ---- */

static inline bool is_letter(char c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* Letters and no comma; '.', '*' and symbolic alleles go the other way. */
static inline bool is_plain_alt(vj_span alt)
{
    return VJ_LIKELY(alt.len_bytes == 1) ? is_letter(*alt.ptr) : vj_allele_is_plain(alt);
}

/* Fill p->rec with the line's parts; false: not plain, nothing else was touched. */
static bool take_apart(vj_parse *p, double *qual, bool *has_qual)
{
    const uint32_t *tabs = p->s->tabs.ptr;
    const char *line = p->line.ptr;
    vj_record *rec = &p->rec;
    uint32_t pos1 = 0;

    *rec = (vj_record){.chrom = {line, tabs[0]}, .n_alts = 1, .n_rows = 1};
    rec->ref = vj_parse_between(line, tabs[2], tabs[3]);
    rec->alt = vj_parse_between(line, tabs[3], tabs[4]);
    rec->qual = vj_parse_between(line, tabs[4], tabs[5]);
    *has_qual = !span_is_missing(rec->qual);
    if (tabs[0] == 0 || !vj_span_eq(p->s->contig_raw, rec->chrom) ||
        !plain_digits(line + tabs[0] + 1, tabs[1] - tabs[0] - 1, &pos1) ||
        pos1 < p->s->last_pos1 || pos1 > p->s->contig_last || rec->ref.len_bytes == 0 || !is_plain_alt(rec->alt) ||
        (*has_qual && !scan_plain_double(rec->qual, qual)))
        return false;
    rec->pos1 = pos1;
    rec->id = vj_parse_between(line, tabs[1], tabs[2]);
    rec->filter = vj_parse_between(line, tabs[5], tabs[6]);
    rec->info = vj_parse_between(line, tabs[6], tabs[7]);
    rec->format = vj_parse_between(line, tabs[7], tabs[8]);
    rec->row0 = p->rows->n_rows;
    return true;
}

/* ---- columns ---- */

static inline void put_word(vj_colb *b, uint32_t value)
{
    memcpy(b->data.ptr + b->data.len_bytes, &value, sizeof value);
    b->data.len_bytes += sizeof value;
    b->n_rows++;
}

static inline vj_status put_text(vj_colb *b, vj_span text, vj_error *err)
{
    if (VJ_UNLIKELY(text.len_bytes > TEXT_BYTES || b->n_nulls > 0 ||
                    b->data.cap_bytes - b->data.len_bytes < TEXT_BYTES))
        return app_text(b, text, err);
    memcpy(b->data.ptr + b->data.len_bytes, text.ptr, TEXT_BYTES);
    b->data.len_bytes += text.len_bytes;
    int32_t end = (int32_t)b->data.len_bytes;
    memcpy(b->offs.ptr + b->offs.len_bytes, &end, sizeof end);
    b->offs.len_bytes += sizeof end;
    b->n_rows++;
    return VJ_OK;
}

static vj_status put_columns(vj_parse *p, double qual, bool has_qual)
{
    vj_colb *b = p->rows->builders;
    const vj_record *rec = &p->rec;
    vj_span shown = {rec->chrom.ptr + p->s->shown_skip, rec->chrom.len_bytes - p->s->shown_skip};

    VJ_TRY(put_text(&b[VJ_COL_CHROM], shown, p->err));
    put_word(&b[VJ_COL_START], (uint32_t)rec->pos1);
    put_word(&b[VJ_COL_END],
             (uint32_t)VJ_MIN(rec->pos1 + VJ_MAX((int64_t)rec->ref.len_bytes - 1, 0),
                              (int64_t)UINT32_MAX));
    VJ_TRY(put_text(&b[VJ_COL_REF], rec->ref, p->err));
    VJ_TRY(put_text(&b[VJ_COL_ALT], rec->alt, p->err));
    put_word(&b[VJ_COL_ALT_INDEX], 1);
    VJ_TRY(vj_parse_put_maybe(&b[VJ_COL_RSID], rec->id, rec->row0, p->err));
    if (has_qual) {
        VJ_TRY(app_fill(&b[VJ_COL_QUAL], rec->row0, p->err));
        VJ_TRY(app_f64(&b[VJ_COL_QUAL], qual, p->err));
    }
    return vj_parse_put_maybe(&b[VJ_COL_FILTER], rec->filter, rec->row0, p->err);
}

static vj_status put_key(vj_parse *p)
{
    vj_vcf_rows *rows = p->rows;
    int32_t record_i = (int32_t)rows->record_lines.n;
    int32_t key_i = (int32_t)rows->keys.keys.n;

    if (!is_upper_base(p->rec.ref) || !is_upper_base(p->rec.alt))
        VJ_TRY(vj_check_alleles(p));
    rows->record_lines.ptr[rows->record_lines.n++] = p->original;
    rows->record_line_numbers.ptr[rows->record_line_numbers.n++] = p->line_number;
    rows->record_alleles.ptr[rows->record_alleles.n++] = 1;
    VJ_TRY(vj_parse_make_key(p, p->rec.alt, &rows->keys.keys.ptr[key_i]));
    rows->keys.keys.n++;
    rows->key_record.ptr[rows->key_record.n++] = record_i;
    rows->row_key.ptr[rows->row_key.n++] = key_i;
    return VJ_OK;
}

/* What the parts that this record shares with others look at. */
static void note_alleles(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;

    p->single = true;
    s->alts.n = s->row_alts.n = s->kept.n = 1;
    s->alts.ptr[0] = p->rec.alt;
    s->row_alts.ptr[0] = s->kept.ptr[0] = 0;
    s->last_pos1 = p->rec.pos1;
    s->record_serial++;
}

vj_status vj_parse_plain(vj_parse *p, bool *out_done)
{
    vj_vcf_scratch *s = p->s;
    double qual = 0;
    bool has_qual = false;

    *out_done = false;
    if (!p->plain || s->contig_odd || s->tabs.n != 8 + (size_t)p->reader->header.n_samples ||
        !take_apart(p, &qual, &has_qual))
        return VJ_OK;
    *out_done = true;
    if (VJ_UNLIKELY(p->rows->n_rows >= s->room_rows))
        VJ_TRY(make_room(p));
    note_alleles(p);
    p->rows->counts.n_records++;
    VJ_TRY(vj_parse_format_keys(p));
    VJ_TRY(vj_parse_check_record(p));
    VJ_TRY(vj_parse_info(p));
    if (VJ_UNLIKELY(p->rec.info_end.ptr != NULL || p->rec.svlen.ptr != NULL))
        VJ_TRY(vj_parse_put_fixed(p, qual, has_qual));
    else
        VJ_TRY(put_columns(p, qual, has_qual));
    VJ_TRY(vj_parse_format_single(p));
    VJ_TRY(put_key(p));
    p->rows->n_rows++;
    return VJ_OK;
}
