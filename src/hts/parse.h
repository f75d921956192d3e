/*
 * parse.h - private to hts: one record on its way from a line to rows.
 *
 *   vcf_parse.c   lines, fixed columns, keys, order, filters
 *   vcf_fields.c  INFO, FORMAT, genotype: which text belongs to which column
 *   vcf_cell.c    one text into one row of one column
 */
#ifndef VJ_HTS_PARSE_H
#define VJ_HTS_PARSE_H

#include "hts/append.h"
#include "hts/reader.h"

/* What the parser keeps between records of a block and between blocks. */
typedef struct vj_vcf_scratch {
    vj_budget *budget;
    vj_map contig_index; /* shown name -> index in keys.contig_names */
    VJ_VEC(uint32_t) tabs;
    VJ_VEC(vj_span) alts;
    VJ_VEC(int32_t) row_alts; /* ALTs that give rows, 0-based */
    VJ_VEC(int32_t) kept;     /* samples of this record that give rows, index into chosen */
    VJ_VEC(int32_t) format_plans; /* of format_text, one per key; -1: to be ignored */
    VJ_VEC(vj_span) cells;    /* kept sample x FORMAT key */
    VJ_VEC(vj_span) called;   /* alleles of one GT */
    VJ_VEC(int32_t) next_info; /* guess: plan + 1 -> plan that came after it last time */
    VJ_VEC(int64_t) info_seen;   /* plan -> record that last had this key */
    VJ_VEC(int64_t) format_seen; /* plan -> record whose FORMAT was last taken apart with it */
    vj_buf decoded;
    /* FORMAT of the record before: format_plans answers for it */
    vj_span format_text;
    int32_t format_gt; /* index of GT among the keys, -1: none */
    int32_t format_duplicates, format_undeclared;
    /* contig of the record before */
    vj_span contig_raw;
    int32_t contig_i;
    const vj_ranges *target; /* ranges of -t on this contig */
    int64_t last_pos1;
    int64_t record_serial;
} vj_vcf_scratch;

typedef struct vj_record {
    vj_span chrom, id, ref, alt, qual, filter, info, format; /* ptr is never NULL */
    int64_t pos1;
    int32_t n_alts;       /* of the line; ALT '.' counts as one */
    vj_span info_end, svlen; /* ptr NULL: absent */
    int64_t row0;         /* first row of this record */
    int64_t n_rows;       /* rows: row_alts x kept */
} vj_record;

typedef struct vj_parse {
    const vj_vcf_reader *reader;
    const vj_vcf_block *block;
    vj_vcf_rows *rows;
    vj_vcf_scratch *s;
    vj_error *err;
    int64_t line_number;
    vj_span line;     /* without its end; mended where it was not UTF-8 */
    vj_span original; /* as it stands in the block */
    int32_t n_columns; /* of the line */
    vj_record rec;
} vj_parse;

/* One cell of a field: which field, which ALT the row is of, whether oddness is to be counted. */
typedef struct vj_cell {
    const vj_field_plan *plan;
    vj_span text;
    int32_t alt_i;  /* 0-based */
    bool report;    /* first row of this value: count what is odd */
    bool first_alt; /* first ALT row: count what is odd about the whole list */
} vj_cell;

static inline bool span_is_dot(vj_span text)
{
    return text.len_bytes == 1 && text.ptr[0] == '.';
}

static inline bool span_is_missing(vj_span text)
{
    return text.len_bytes == 0 || span_is_dot(text);
}

/* Empty the rows before a block; what was learned about the order of INFO keys stays. */
VJ_MUST_CHECK vj_status vj_vcf_rows_reset(vj_vcf_rows *rows, const vj_vcf_reader *reader,
                                          vj_error *err);
/* Count an odd cell, or fail with it (strict). where is "INFO/AF", found the text. */
VJ_MUST_CHECK vj_status vj_parse_odd(vj_parse *p, vj_vcf_odd kind, const char *tag,
                                     vj_span where, vj_span found, const char *expected);
/* The same about a field's cell. */
VJ_MUST_CHECK vj_status vj_parse_odd_cell(vj_parse *p, vj_vcf_odd kind, const vj_cell *cell,
                                          vj_span found, const char *expected);
/* Append one row; the builder stands at that row. */
VJ_MUST_CHECK vj_status vj_parse_cell(vj_parse *p, vj_colb *b, const vj_cell *cell);
/* All INFO columns of the record; sets info_end and svlen. */
VJ_MUST_CHECK vj_status vj_parse_info(vj_parse *p);
/* Value of an INFO key by its plan, looked up before any column is touched; ptr NULL: absent. */
vj_span vj_parse_info_peek(const vj_parse *p, const vj_field_plan *plan);
/* Split FORMAT and the samples' cells. */
VJ_MUST_CHECK vj_status vj_parse_format_split(vj_parse *p);
/* Cell of a FORMAT field for a kept sample; ptr NULL: absent. */
vj_span vj_parse_format_peek(const vj_parse *p, int32_t plan_i, size_t kept_i);
/* All FORMAT columns and `genotype`. */
VJ_MUST_CHECK vj_status vj_parse_format(vj_parse *p);
/* Text of a header's sample in this line; empty when the line ends before it. */
vj_span vj_parse_sample(const vj_parse *p, int32_t sample_i);

#endif
