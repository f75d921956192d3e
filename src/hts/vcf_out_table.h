/*
 * vcf_out_table.h - rows of the normalised table put together to records; private to hts.
 */
#ifndef VJ_HTS_VCF_OUT_TABLE_H
#define VJ_HTS_VCF_OUT_TABLE_H

#include "hts/hts_out_parts.h"

/* The columns with a place of their own in a VCF line. */
typedef enum vj_fixed_col {
    VJ_FIXED_CHROM, VJ_FIXED_START, VJ_FIXED_END, VJ_FIXED_RSID, VJ_FIXED_REF, VJ_FIXED_ALT,
    VJ_FIXED_ALT_INDEX, VJ_FIXED_QUAL, VJ_FIXED_FILTER, VJ_FIXED_SAMPLE, VJ_FIXED_GENOTYPE,
    VJ_FIXED_COLS
} vj_fixed_col;

/* How the values of a record's rows become one field. */
typedef enum vj_join_rule {
    VJ_JOIN_FLAG,       /* key alone where true */
    VJ_JOIN_FIRST,      /* the first row's; elements of a list joined by ',' */
    VJ_JOIN_ALTS,       /* Number=A: one of each row */
    VJ_JOIN_REF_ALTS,   /* Number=R: each row has a list of two */
    VJ_JOIN_ANNOTATION  /* Number=A; elements of a list joined by '|' */
} vj_join_rule;

typedef struct vj_table_field {
    int32_t col_i;
    vj_join_rule rule;
    vj_span id;
} vj_table_field;

/*
 *   rows of a batch -> groups; the last group of a batch moves to `carry`, because the next
 *   batch may go on with it
 */
struct vj_vcf_table {
    vj_budget *budget;
    vj_arena arena;
    const vj_schema *schema;
    int32_t fixed[VJ_FIXED_COLS]; /* column, or -1 */
    vj_table_field *infos, *formats;
    int32_t n_infos, n_formats;
    vj_vcf_annotation *annotations;
    int32_t n_annotations;
    vj_vcf_header header;
    bool space_is_legal;
    vj_map contigs; /* shown name -> index in header.contigs */
    vj_colb *carry; /* rows of the last group */
    vj_col *carry_cols;
    int64_t n_carried;
};

/* vcf_out_group.c: the line of rows [beg, end) of cols. */
VJ_MUST_CHECK vj_status vj_vcf_table_put_record(const vj_vcf_table *table, const vj_col *cols,
                                                int64_t beg, int64_t end, vj_buf *lines,
                                                vj_vcf_out_counts *counts, vj_error *err);

#endif
