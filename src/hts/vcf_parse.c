#include "hts/parse.h"

#include <stdio.h>

/* A record's line number within one block must fit what joins pairs of rows. */
#define MAX_ROWS INT32_MAX

/* ---- broken lines ---- */

typedef enum verdict { VERDICT_ROWS, VERDICT_NONE, VERDICT_BROKEN } verdict;

/* The line breaks the format: an error, or set aside (*out is then VERDICT_BROKEN). */
static __attribute__((cold, noinline)) vj_status broken(vj_parse *p, verdict *out,
                                                        const char *expected, vj_span found)
{
    char shown[100];

    *out = VERDICT_BROKEN;
    if (p->reader->options.bad_records_path != NULL) {
        p->rows->counts.n_bad_records++;
        VJ_TRY(vj_buf_append(&p->rows->bad_lines, p->original.ptr, p->original.len_bytes,
                             p->err));
        return vj_buf_push(&p->rows->bad_lines, '\n', p->err);
    }
    vj_quote(shown, sizeof shown, found.ptr, VJ_MIN(found.len_bytes, 80));
    return vj_fail(p->err, VJ_E_CORRUPT, "%s: line %lld: expected %s, found '%s'",
                   p->reader->name, (long long)p->line_number, expected, shown);
}

static vj_span column(const vj_parse *p, int32_t col)
{
    const uint32_t *tabs = p->s->tabs.ptr;
    size_t beg = col > 0 ? (size_t)tabs[col - 1] + 1 : 0;
    size_t end = col + 1 < p->n_columns ? tabs[col] : p->line.len_bytes;

    return (vj_span){p->line.ptr + beg, end - beg};
}

vj_span vj_parse_sample(const vj_parse *p, int32_t sample_i)
{
    return sample_i + 9 < p->n_columns ? column(p, sample_i + 9) : (vj_span){"", 0};
}

/* As many as the header has, or none behind INFO. */
static bool has_columns(const vj_vcf_reader *reader, size_t n)
{
    return n == 8 || (n == 9 + (size_t)reader->header.n_samples && reader->has_format_column);
}

/* Are there as many columns as the header has? */
static vj_status count_columns(vj_parse *p, verdict *out)
{
    const vj_vcf_scratch *s = p->s;
    size_t most = 9 + (size_t)p->reader->header.n_samples;
    size_t n = s->tabs.n;

    p->n_columns = (int32_t)n + 1;
    if (VJ_LIKELY(has_columns(p->reader, n + 1)))
        return VJ_OK;
    if (n > 7 && (size_t)s->tabs.ptr[n - 1] + 1 == p->line.len_bytes && has_columns(p->reader, n)) {
        p->n_columns--; /* one tab at the end of the line is accepted */
        p->line.len_bytes--;
        return VJ_OK;
    }
    char expected[120];
    snprintf(expected, sizeof expected, "%zu tab-separated columns (found %s%zu%s)",
             p->reader->has_format_column ? most : 8, n >= most ? "more than " : "",
             VJ_MIN(n + 1, most),
             n < 7 && memchr(p->line.ptr, ' ', p->line.len_bytes) != NULL
                 ? "; blanks instead of tabs?"
                 : "");
    return broken(p, out, expected, p->line);
}

/* POS: digits only, up to 2^32-1. */
static bool parse_pos(vj_span text, int64_t *out)
{
    uint32_t value = 0;

    if (VJ_LIKELY(plain_digits(text.ptr, text.len_bytes, &value))) {
        *out = value;
        return true;
    }
    if (text.len_bytes != 10 || !plain_digits(text.ptr, 9, &value))
        return false;
    unsigned digit = (unsigned)(uint8_t)text.ptr[9] - '0';
    *out = (int64_t)value * 10 + digit;
    return digit <= 9 && *out <= UINT32_MAX;
}

static vj_status split_alts(vj_parse *p, verdict *out)
{
    vj_vcf_scratch *s = p->s;
    const char *at = p->rec.alt.ptr;
    const char *end = at + p->rec.alt.len_bytes;

    VJ_VEC_RESET(&s->alts);
    if (VJ_LIKELY(p->rec.alt.len_bytes == 1 && *at != ',')) {
        p->rec.n_alts = 1;
        return VJ_VEC_PUSH(&s->alts, p->rec.alt, p->err);
    }
    while (at <= end) {
        const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        const char *stop = comma != NULL ? comma : end;

        if (stop == at)
            return broken(p, out, "an ALT allele or '.'", p->rec.alt);
        VJ_TRY(VJ_VEC_PUSH(&s->alts, ((vj_span){at, (size_t)(stop - at)}), p->err));
        at = stop + 1;
    }
    p->rec.n_alts = (int32_t)s->alts.n;
    return VJ_OK;
}

/* The fixed columns of the line, checked as far as a broken one must be told from an odd one. */
static vj_status read_record(vj_parse *p, verdict *out)
{
    vj_record *rec = &p->rec;

    *rec = (vj_record){0};
    VJ_TRY(count_columns(p, out));
    if (*out == VERDICT_BROKEN)
        return VJ_OK;
    const uint32_t *tabs = p->s->tabs.ptr;
    const char *line = p->line.ptr;
    rec->chrom = (vj_span){line, tabs[0]};
    vj_span pos = vj_parse_between(line, tabs[0], tabs[1]);
    rec->id = vj_parse_between(line, tabs[1], tabs[2]);
    rec->ref = vj_parse_between(line, tabs[2], tabs[3]);
    rec->alt = vj_parse_between(line, tabs[3], tabs[4]);
    rec->qual = vj_parse_between(line, tabs[4], tabs[5]);
    rec->filter = vj_parse_between(line, tabs[5], tabs[6]);
    rec->info = column(p, 7);
    rec->format = p->n_columns > 8 ? column(p, 8) : (vj_span){"", 0};
    if (rec->chrom.len_bytes == 0 || rec->chrom.ptr[0] == '#')
        return broken(p, out, "a contig name as CHROM", p->line);
    if (!parse_pos(pos, &rec->pos1))
        return broken(p, out, "a POS from 0 to 4294967295", pos);
    if (rec->ref.len_bytes == 0)
        return broken(p, out, "a REF allele", p->line);
    return split_alts(p, out);
}

/* ---- contig and order ---- */

static int64_t contig_length(const vj_vcf_reader *reader, vj_span name)
{
    int64_t i = vj_map_get(&reader->contig_by_name, name, -1);

    return i >= 0 ? reader->contigs.ptr[i].length : -1;
}

static void note_unsorted(vj_parse *p, const char *what)
{
    vj_vcf_counts *counts = &p->rows->counts;

    if (counts->unsorted)
        return;
    counts->unsorted = true;
    snprintf(counts->unsorted_at, sizeof counts->unsorted_at, "line %lld: %s",
             (long long)p->line_number, what);
}

/*
 * What tells contigs of a file apart: the shown name, and for a mitochondrion which of the two
 * sequences it is; "M" and "chrM" of other lengths share the name and not the contig (S-33).
 */
static vj_span contig_identity(vj_span shown, vj_span raw, int64_t length, char dst[64])
{
    char text[VJ_CONTIG_BYTES];
    vj_span canonical = vj_contig_canonical(raw, length, text);

    if (!vj_span_is(canonical, "M") || shown.len_bytes >= 32)
        return shown;
    return (vj_span){dst, (size_t)snprintf(dst, 64, "%.*s\tM", (int)shown.len_bytes, shown.ptr)};
}

/* Enter a contig other than that of the record before. */
static vj_status enter_contig(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;
    vj_key_list *keys = &p->rows->keys;
    vj_span raw = p->rec.chrom;
    vj_span shown = vj_contig_shown(raw);
    bool added = false;
    bool first = s->contig_raw.ptr == NULL;
    int64_t i = 0;
    int64_t length = contig_length(p->reader, raw);
    char identity[64];

    VJ_TRY(vj_map_put(&s->contig_index, contig_identity(shown, raw, length, identity), 0, &i,
                      &added, p->err));
    if (added) {
        const char *name = vj_arena_strndup(&p->rows->arena, shown.ptr, shown.len_bytes, p->err);

        if (name == NULL)
            return VJ_E_NOMEM;
        VJ_TRY(VJ_VEC_PUSH(&keys->contig_names, ((vj_span){name, shown.len_bytes}), p->err));
        VJ_TRY(VJ_VEC_PUSH(&keys->contig_lengths, length, p->err));
    } else if (!first && s->contig_i != (int32_t)i) {
        note_unsorted(p, "a contig comes back after another one");
    }
    if (s->contig_i != (int32_t)i)
        s->last_pos1 = -1;
    s->contig_i = (int32_t)i;
    if (first && vj_span_eq(shown, vj_buf_span(&p->block->prev_contig)))
        s->last_pos1 = p->block->prev_pos1; /* the order goes on from block to block */
    s->contig_raw = raw;
    s->contig_last = length > 0 ? length + 1 : INT64_MAX; /* the telomere is length + 1 */
    s->shown_skip = (size_t)(shown.ptr - raw.ptr);
    s->target = p->reader->targets != NULL
                    ? vj_regions_of(p->reader->targets, raw, length)
                    : NULL;
    s->contig_odd = vj_check_contig(raw);
    return VJ_OK;
}

static vj_status follow_order(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;

    if (VJ_UNLIKELY(!vj_span_eq(s->contig_raw, p->rec.chrom)))
        VJ_TRY(enter_contig(p));
    if (VJ_UNLIKELY(p->rec.pos1 < s->last_pos1))
        note_unsorted(p, "a position lies before its predecessor");
    s->last_pos1 = p->rec.pos1;
    if (VJ_UNLIKELY(s->contig_odd))
        VJ_TRY(vj_parse_odd(p, VJ_ODD_BAD_TEXT, "CHROM", (vj_span){0}, p->rec.chrom,
                            "a name without blanks, commas, quotes and brackets"));
    if (VJ_UNLIKELY(p->rec.pos1 > s->contig_last))
        return vj_parse_odd(p, VJ_ODD_BAD_RANGE, "POS", (vj_span){0}, p->line,
                            "a position on the contig as long as the header has it");
    return VJ_OK;
}

/* ---- which rows ---- */

static bool passes_filter_list(const vj_parse *p)
{
    vj_span filter = p->rec.filter;
    const char *at = filter.ptr;
    const char *end = at + filter.len_bytes;
    size_t n = p->reader->filter_pass.n;

    if (n == 0)
        return true;
    if (filter.len_bytes == 0)
        filter = vj_span_of(".");
    for (size_t i = 0; i < n; i++)
        if (vj_span_eq(filter, p->reader->filter_pass.ptr[i]))
            return true;
    while (at < end) {
        const char *semicolon = memchr(at, ';', (size_t)(end - at));
        const char *stop = semicolon != NULL ? semicolon : end;

        for (size_t i = 0; i < n; i++)
            if (vj_span_eq((vj_span){at, (size_t)(stop - at)}, p->reader->filter_pass.ptr[i]))
                return true;
        at = stop + 1;
    }
    return false;
}

/* A missing value passes no minimum. */
static bool reaches(vj_span text, double minimum)
{
    double value = 0;

    return !span_is_missing(text) && vj_parse_f64(text, &value) && value >= minimum;
}

static bool sample_passes(const vj_parse *p, size_t chosen_i)
{
    const vj_vcf_read_options *options = &p->reader->options;
    bool has_sample = p->reader->chosen.n > 0;
    vj_span depth = {0};

    if (options->min_gq == options->min_gq &&
        (!has_sample ||
         !reaches(vj_parse_format_peek(p, p->reader->plan_gq, chosen_i), options->min_gq)))
        return false;
    if (options->min_dp != options->min_dp)
        return true;
    if (has_sample)
        depth = vj_parse_format_peek(p, p->reader->plan_dp, chosen_i);
    if (depth.ptr == NULL && p->reader->plan_info_dp >= 0)
        depth = vj_parse_info_peek(p, &p->reader->info_plans.ptr[p->reader->plan_info_dp]);
    return reaches(depth, options->min_dp);
}

static vj_status choose_kept(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;
    const vj_vcf_read_options *options = &p->reader->options;
    bool filters = options->min_gq == options->min_gq || options->min_dp == options->min_dp;
    size_t n = VJ_MAX(p->reader->chosen.n, (size_t)1);

    VJ_VEC_RESET(&s->kept);
    VJ_TRY(VJ_VEC_RESERVE(&s->kept, n, p->err));
    for (size_t i = 0; i < n; i++)
        if (!filters || sample_passes(p, i))
            s->kept.ptr[s->kept.n++] = (int32_t)i;
    p->rows->counts.n_filtered += (int64_t)((n - s->kept.n) * s->row_alts.n);
    return VJ_OK;
}

/* Rows are made for all ALTs but <NON_REF> and <*>; those alone make one (S-16). */
static vj_status choose_alts(vj_parse *p, bool *out_is_reference)
{
    vj_vcf_scratch *s = p->s;

    VJ_VEC_RESET(&s->row_alts);
    VJ_TRY(VJ_VEC_RESERVE(&s->row_alts, s->alts.n, p->err));
    for (size_t i = 0; i < s->alts.n; i++)
        if (s->alts.ptr[i].ptr[0] != '<' || !vj_allele_is_nonref(s->alts.ptr[i]))
            s->row_alts.ptr[s->row_alts.n++] = (int32_t)i;
    *out_is_reference = s->row_alts.n == 0 || span_is_dot(p->rec.alt);
    if (s->row_alts.n == 0)
        s->row_alts.ptr[s->row_alts.n++] = 0;
    return VJ_OK;
}

/* ---- end ---- */

/* Symbolic alleles whose SVLEN is a length on the reference, with or without a subtype. */
static bool spans_reference(vj_span alt)
{
    static const char *const kinds[] = {"<DEL", "<DUP", "<CNV", "<INV"};

    if (alt.len_bytes < 5 || (alt.ptr[4] != '>' && alt.ptr[4] != ':'))
        return false;
    for (size_t i = 0; i < VJ_COUNT(kinds); i++)
        if (memcmp(alt.ptr, kinds[i], 4) == 0)
            return true;
    return false;
}

/* SVLEN of one ALT, 0 when there is none. */
static int64_t svlen_of(const vj_parse *p, int32_t alt_i, vj_walk *walk)
{
    int64_t value = 0;

    if (p->rec.svlen.ptr == NULL || !spans_reference(p->s->alts.ptr[alt_i]) ||
        !vj_parse_i64(vj_walk_value(walk, p->rec.svlen, alt_i), &value) ||
        value < -(int64_t)UINT32_MAX || value > (int64_t)UINT32_MAX)
        return 0;
    return value < 0 ? -value : value;
}

/* The furthest base that the whole record names, but for SVLEN, which is an ALT's own (S-15). */
static vj_status record_end(vj_parse *p, int64_t *out_end1)
{
    vj_record *rec = &p->rec;
    int64_t end1 = rec->pos1 + (int64_t)rec->ref.len_bytes - 1;
    int64_t value = 0;

    end1 = VJ_MAX(end1, rec->pos1);
    *out_end1 = end1;
    if (VJ_LIKELY(rec->info_end.ptr == NULL)) {
        vj_span length = {0};

        if (rec->alt.ptr[0] == '<' && p->reader->chosen.n > 0 && !p->single)
            length = vj_parse_format_peek(p, p->reader->plan_len, 0);
        if (length.ptr != NULL && vj_allele_is_nonref(rec->alt) &&
            vj_parse_i64(length, &value) && value > 0 && value <= (int64_t)UINT32_MAX)
            *out_end1 = VJ_MAX(end1, rec->pos1 + value - 1);
        return VJ_OK;
    }
    if (vj_parse_i64(rec->info_end, &value) && value >= rec->pos1 &&
        value <= (int64_t)UINT32_MAX) {
        *out_end1 = VJ_MAX(end1, value);
        return VJ_OK;
    }
    return vj_parse_odd(p, VJ_ODD_BAD_END, "INFO/", vj_span_of("END"), rec->info_end,
                        "a position at or behind POS");
}

/* ---- rows of the fixed columns ---- */

static inline vj_status put_text_or_null(vj_colb *b, vj_span text, vj_error *err)
{
    return span_is_missing(text) ? app_null_text(b, err) : app_text_padded(b, text, err);
}

static vj_status read_qual(vj_parse *p, double *out, bool *present)
{
    *present = !span_is_missing(p->rec.qual);
    if (VJ_UNLIKELY(p->rec.qual.len_bytes == 0))
        return vj_parse_odd(p, VJ_ODD_BAD_TEXT, "QUAL", (vj_span){0}, p->rec.qual,
                            "'.' for a missing value");
    if (!*present || scan_plain_double(p->rec.qual, out))
        return VJ_OK;
    if (vj_parse_f64(p->rec.qual, out))
        return *out >= 0 && !vj_check_lost(p->rec.qual, *out)
                   ? VJ_OK
                   : vj_check_qual(p, *out);
    *present = false;
    return vj_parse_odd(p, VJ_ODD_BAD_FLOAT, "QUAL", (vj_span){0}, p->rec.qual, "a number");
}

static vj_status put_alt_row(vj_parse *p, int32_t alt_i, int64_t end1, double qual, bool has_qual,
                             vj_walk *walk)
{
    vj_colb *b = p->rows->builders;
    vj_record *rec = &p->rec;
    vj_error *err = p->err;
    int64_t svlen = rec->svlen.ptr != NULL ? svlen_of(p, alt_i, walk) : 0;

    end1 = VJ_MAX(end1, rec->pos1 + svlen);
    end1 = VJ_MIN(end1, (int64_t)UINT32_MAX);
    VJ_TRY(app_text_padded(&b[VJ_COL_CHROM], vj_contig_shown(rec->chrom), err));
    VJ_TRY(app_32(&b[VJ_COL_START], (uint32_t)rec->pos1, err));
    VJ_TRY(app_32(&b[VJ_COL_END], (uint32_t)end1, err));
    int64_t row_i = b[VJ_COL_START].n_rows - 1;
    VJ_TRY(vj_parse_put_maybe(&b[VJ_COL_RSID], rec->id, row_i, err));
    VJ_TRY(app_text_padded(&b[VJ_COL_REF], rec->ref, err));
    VJ_TRY(put_text_or_null(&b[VJ_COL_ALT], p->s->alts.ptr[alt_i], err));
    VJ_TRY(app_i32(&b[VJ_COL_ALT_INDEX], alt_i + 1, err));
    if (has_qual) {
        VJ_TRY(app_fill(&b[VJ_COL_QUAL], row_i, err));
        VJ_TRY(app_f64(&b[VJ_COL_QUAL], qual, err));
    }
    return vj_parse_put_maybe(&b[VJ_COL_FILTER], rec->filter, row_i, err);
}

vj_status vj_parse_put_fixed(vj_parse *p, double qual, bool has_qual)
{
    vj_vcf_scratch *s = p->s;
    int64_t end1 = 0;
    vj_walk walk = {.text = p->rec.svlen.ptr, .at = p->rec.svlen.ptr};

    VJ_TRY(record_end(p, &end1));
    for (size_t a = 0; a < s->row_alts.n; a++) {
        for (size_t i = 0; i < s->kept.n; i++) {
            VJ_TRY(put_alt_row(p, s->row_alts.ptr[a], end1, qual, has_qual, &walk));
            if (p->reader->col_sample >= 0) {
                int32_t sample_i = p->reader->chosen.ptr[s->kept.ptr[i]];

                VJ_TRY(app_text(&p->rows->builders[p->reader->col_sample],
                                vj_span_of(p->reader->samples.ptr[sample_i]), p->err));
            }
        }
    }
    return VJ_OK;
}

/* ---- keys ---- */

/* The text itself when it has no lower-case letter, else a folded copy in the arena. */
static vj_status fold_upper(vj_parse *p, vj_span text, vj_span *out)
{
    size_t i = 0;

    *out = text;
    while (i < text.len_bytes && !(text.ptr[i] >= 'a' && text.ptr[i] <= 'z'))
        i++;
    if (VJ_LIKELY(i == text.len_bytes))
        return VJ_OK;
    char *copy = vj_arena_strndup(&p->rows->arena, text.ptr, text.len_bytes, p->err);
    if (copy == NULL)
        return VJ_E_NOMEM;
    for (; i < text.len_bytes; i++)
        if (copy[i] >= 'a' && copy[i] <= 'z')
            copy[i] = (char)(copy[i] - 'a' + 'A');
    *out = (vj_span){copy, text.len_bytes};
    return VJ_OK;
}

/* Room for the keys and rows of some records, so that pushes cannot fail. */
vj_status vj_parse_reserve_keys(vj_vcf_rows *rows, size_t n_keys, size_t n_rows,
                                size_t n_records, vj_error *err)
{
    VJ_TRY(VJ_VEC_RESERVE(&rows->keys.keys, n_keys, err));
    VJ_TRY(VJ_VEC_RESERVE(&rows->key_record, n_keys, err));
    VJ_TRY(VJ_VEC_RESERVE(&rows->row_key, n_rows, err));
    VJ_TRY(VJ_VEC_RESERVE(&rows->record_lines, n_records, err));
    VJ_TRY(VJ_VEC_RESERVE(&rows->record_line_numbers, n_records, err));
    return VJ_VEC_RESERVE(&rows->record_alleles, n_records, err);
}

vj_status vj_parse_make_key(vj_parse *p, vj_span alt, vj_key *key)
{
    *key = (vj_key){.contig = p->s->contig_i, .pos1 = p->rec.pos1, .ref = p->rec.ref, .alt = alt};
    if (VJ_LIKELY(is_upper_base(key->ref) && is_upper_base(alt))) {
        key->matchable = true; /* nothing to fold, nothing to trim */
        return VJ_OK;
    }
    VJ_TRY(fold_upper(p, key->ref, &key->ref));
    key->matchable = vj_allele_is_plain(key->ref) && vj_allele_is_plain(alt);
    if (!key->matchable)
        return VJ_OK;
    VJ_TRY(fold_upper(p, alt, &key->alt));
    if (p->rec.n_alts > 1) {
        vj_allele_trim(&key->ref, &key->alt, &key->pos1);
        key->trimmed = key->ref.len_bytes != p->rec.ref.len_bytes;
    }
    return VJ_OK;
}

static vj_status put_record(vj_parse *p)
{
    vj_vcf_rows *rows = p->rows;
    vj_vcf_scratch *s = p->s;
    int32_t record_i = (int32_t)rows->record_lines.n;

    VJ_TRY(vj_parse_reserve_keys(rows, s->row_alts.n, (size_t)p->rec.n_rows, 1, p->err));
    if (!is_upper_base(p->rec.ref) || !is_upper_base(p->rec.alt))
        VJ_TRY(vj_check_alleles(p));
    rows->record_lines.ptr[rows->record_lines.n++] = p->original;
    rows->record_line_numbers.ptr[rows->record_line_numbers.n++] = p->line_number;
    rows->record_alleles.ptr[rows->record_alleles.n++] = p->rec.n_alts;
    for (size_t a = 0; a < s->row_alts.n; a++) {
        int32_t key_i = (int32_t)rows->keys.keys.n;

        VJ_TRY(vj_parse_make_key(p, s->alts.ptr[s->row_alts.ptr[a]],
                                 &rows->keys.keys.ptr[key_i]));
        rows->keys.keys.n++;
        rows->key_record.ptr[rows->key_record.n++] = record_i;
        for (size_t i = 0; i < s->kept.n; i++)
            rows->row_key.ptr[rows->row_key.n++] = key_i;
    }
    return VJ_OK;
}

/* ---- one line, one block ---- */

static vj_span peek_info(const vj_parse *p, const char *id)
{
    int64_t i = vj_map_get(&p->reader->info_by_id, vj_span_of(id), 0); /* both are implied */

    return vj_parse_info_peek(p, &p->reader->info_plans.ptr[i]);
}

/* The end of S-15 as targets ask for it, but for FORMAT LEN, before any column is touched. */
static int64_t target_end1(vj_parse *p)
{
    vj_record *rec = &p->rec;
    int64_t end1 = rec->pos1 + (int64_t)rec->ref.len_bytes - 1;
    int64_t value = 0;
    vj_span text = peek_info(p, "END");

    if (text.ptr != NULL && vj_parse_i64(text, &value))
        end1 = VJ_MAX(end1, value);
    if (memchr(rec->alt.ptr, '<', rec->alt.len_bytes) == NULL)
        return end1;
    rec->svlen = peek_info(p, "SVLEN");
    vj_walk walk = {.text = rec->svlen.ptr, .at = rec->svlen.ptr};
    for (int32_t i = 0; i < rec->n_alts; i++)
        end1 = VJ_MAX(end1, rec->pos1 + svlen_of(p, i, &walk));
    rec->svlen = (vj_span){0}; /* to be met again with its column */
    return end1;
}

/* Is the record wanted at all? Asked before any column is touched. */
static vj_status select_record(vj_parse *p, verdict *out)
{
    vj_vcf_counts *counts = &p->rows->counts;
    vj_record *rec = &p->rec;
    bool is_reference = false;
    double qual = 0;

    *out = VERDICT_NONE;
    if (p->reader->targets != NULL) {
        bool hit = p->s->target != NULL && vj_ranges_overlap(p->s->target, rec->pos1, target_end1(p));
        if (hit == p->reader->targets->negate)
            return VJ_OK;
    }
    counts->n_records++;
    VJ_TRY(choose_alts(p, &is_reference));
    if (is_reference && p->reader->options.variants_only) {
        counts->n_blocks_dropped++;
        return VJ_OK;
    }
    double minimum = p->reader->options.min_qual;
    bool fails = minimum == minimum && (span_is_missing(rec->qual) ||
                                        !vj_parse_f64(rec->qual, &qual) || qual < minimum);
    if (fails || !passes_filter_list(p)) {
        counts->n_filtered += (int64_t)(p->s->row_alts.n * VJ_MAX(p->reader->chosen.n, (size_t)1));
        return VJ_OK;
    }
    VJ_TRY(vj_parse_format_keys(p));
    const vj_vcf_read_options *options = &p->reader->options;
    p->single = p->s->alts.n == 1 && p->reader->chosen.n <= 1 &&
                options->min_gq != options->min_gq && options->min_dp != options->min_dp;
    /* LEN of a reference block is looked up before the columns are filled */
    if (!p->single || (rec->alt.ptr[0] == '<' && p->reader->plan_len >= 0)) {
        p->single = false;
        VJ_TRY(vj_parse_format_split(p));
    }
    VJ_TRY(choose_kept(p));
    if (p->s->kept.n > 0)
        *out = VERDICT_ROWS;
    return VJ_OK;
}

/* A line that is not UTF-8: its broken bytes become U+FFFD in a copy (S-10). */
static vj_status mend_utf8(vj_parse *p)
{
    static const char replacement[] = "\xef\xbf\xbd";
    vj_span line = p->line;
    size_t out = 0;

    if (line.len_bytes > SIZE_MAX / 4)
        return vj_fail(p->err, VJ_E_NOMEM, "a line is too long to be mended");
    char *copy = vj_arena_alloc(&p->rows->arena, line.len_bytes * 3 + VJ_SCAN_PAD_BYTES, p->err);
    if (copy == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < line.len_bytes;) {
        size_t n = vj_utf8_sequence((const uint8_t *)line.ptr + i, line.len_bytes - i);

        memcpy(copy + out, n > 0 ? line.ptr + i : replacement, n > 0 ? n : 3);
        out += n > 0 ? n : 3;
        i += n > 0 ? n : 1;
    }
    memset(copy + out, 0, VJ_SCAN_PAD_BYTES);
    p->line = (vj_span){copy, out};
    return vj_parse_odd(p, VJ_ODD_BAD_UTF8, "the line", (vj_span){0}, line, "UTF-8 text");
}

static vj_status parse_line(vj_parse *p)
{
    vj_vcf_rows *rows = p->rows;
    verdict what = VERDICT_ROWS;
    bool has_qual = false;
    bool done = false;
    double qual = 0;

    if (p->line.len_bytes > 0 && p->line.ptr[p->line.len_bytes - 1] == '\r')
        p->line.len_bytes--;
    p->original = p->line;
    if (VJ_UNLIKELY((p->kinds & VJ_BYTES_HIGH) != 0) &&
        !vj_utf8_valid(p->line.ptr, p->line.len_bytes))
        VJ_TRY(mend_utf8(p));
    if (VJ_UNLIKELY((p->kinds & VJ_BYTES_CONTROL) != 0) &&
        memchr(p->line.ptr, '\0', p->line.len_bytes) != NULL)
        return broken(p, &what, "text without NUL bytes", p->line);
    size_t most = 9 + (size_t)p->reader->header.n_samples;
    p->s->tabs.n = p->scan(p->line.ptr, p->line.len_bytes, '\t', p->s->tabs.ptr, most + 1);
    p->n_columns = (int32_t)p->s->tabs.n + 1;
    VJ_TRY(vj_parse_plain(p, &done));
    if (VJ_LIKELY(done))
        return VJ_OK;
    VJ_TRY(read_record(p, &what));
    if (what == VERDICT_BROKEN)
        return VJ_OK;
    VJ_TRY(follow_order(p));
    p->s->record_serial++;
    VJ_TRY(select_record(p, &what));
    if (what != VERDICT_ROWS)
        return VJ_OK;
    p->rec.row0 = rows->n_rows;
    p->rec.n_rows = (int64_t)(p->s->row_alts.n * p->s->kept.n);
    if (rows->n_rows + p->rec.n_rows > MAX_ROWS)
        return vj_fail(p->err, VJ_E_NOMEM, "more than %d rows in one block", MAX_ROWS);
    VJ_TRY(vj_parse_check_record(p));
    VJ_TRY(read_qual(p, &qual, &has_qual));
    VJ_TRY(vj_parse_info(p));
    VJ_TRY(vj_parse_put_fixed(p, qual, has_qual));
    VJ_TRY(vj_parse_format(p));
    VJ_TRY(put_record(p));
    rows->n_rows += p->rec.n_rows;
    return VJ_OK;
}

/* Room that every record needs. */
static vj_status make_scratch(vj_parse *p)
{
    VJ_VEC_RESET(&p->s->tabs);
    VJ_TRY(VJ_VEC_RESERVE(&p->s->tabs, 11 + (size_t)p->reader->header.n_samples, p->err));
    VJ_TRY(VJ_VEC_RESERVE(&p->s->alts, 1, p->err));
    VJ_TRY(VJ_VEC_RESERVE(&p->s->row_alts, 1, p->err));
    return VJ_VEC_RESERVE(&p->s->kept, 1, p->err);
}

vj_status vj_vcf_parse(const vj_vcf_reader *reader, const vj_vcf_block *block,
                       vj_vcf_rows *rows, vj_error *err)
{
    vj_parse p = {.reader = reader, .block = block, .rows = rows, .s = rows->scratch, .err = err,
                  .scan = vj_scan_best(), .marks = vj_scan_best_marks()};
    const char *text = (const char *)block->text.ptr;
    size_t beg = block->text_beg;
    size_t text_bytes = block->text.len_bytes - beg;

    p.kinds = text_bytes > 0 ? vj_scan_kinds(text + beg, text_bytes) : 0;
    p.plain = vj_plain_wanted(reader) && (p.kinds & (VJ_BYTES_BLANK | VJ_BYTES_CONTROL)) == 0;
    VJ_TRY(vj_vcf_rows_reset(rows, reader, err));
    VJ_TRY(make_scratch(&p));
    for (size_t i = 0; i < block->line_ends.n; i++) {
        p.line = (vj_span){text + beg, block->line_ends.ptr[i] - beg};
        p.line_number = block->first_line + (int64_t)i;
        beg = (size_t)block->line_ends.ptr[i] + 1;
        if (p.line_number == block->returns_at_line)
            note_unsorted(&p, "a contig comes back after another one");
        VJ_TRY(parse_line(&p));
    }
    rows->counts.n_alleles = (int64_t)rows->keys.keys.n;
    rows->counts.n_rows = rows->n_rows;
    for (int32_t c = 0; c < rows->n_cols; c++) {
        VJ_TRY(app_fill(&rows->builders[c], rows->n_rows, err));
        rows->cols[c] = vj_colb_view(&rows->builders[c]);
    }
    return VJ_OK;
}
