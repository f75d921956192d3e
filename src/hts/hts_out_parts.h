/*
 * hts_out_parts.h - what the writers of this module share; private to it.
 */
#ifndef VJ_HTS_HTS_OUT_PARTS_H
#define VJ_HTS_HTS_OUT_PARTS_H

#include "hts/hts.h"

/* ---- cell_text.c: values as text ---- */

typedef enum vj_cell_style {
    VJ_CELL_TSV = 0,
    VJ_CELL_TSV_ELEMENT,
    VJ_CELL_VCF,         /* header of 4.3 and later: a space may stand */
    VJ_CELL_VCF_STRICT,  /* before 4.3: a space becomes %20 */
    VJ_CELL_VCF_ELEMENT, /* of a list: '|' is encoded too */
    VJ_CELL_VCF_STRICT_ELEMENT
} vj_cell_style;

static inline bool vj_cell_style_is_vcf(vj_cell_style style)
{
    return style >= VJ_CELL_VCF;
}

/* Scalars have a text; a struct has none, nor has a list here. */
bool vj_cell_has_text(const vj_type *type);
/* Bytes with what the style forbids replaced. */
VJ_MUST_CHECK vj_status vj_cell_put_bytes(vj_buf *out, vj_span bytes, vj_cell_style style,
                                          vj_error *err);
/*
 * Text of one scalar that is not null; the row must be inside the column. VCF styles write '.'
 * for integers that VCF cannot hold and add to *out_of_range.
 */
VJ_MUST_CHECK vj_status vj_cell_put(vj_buf *out, const vj_col *col, int64_t row_i,
                                    vj_cell_style style, int64_t *out_of_range, vj_error *err);

/* ---- provenance_out.c ---- */

/* Lines "##key=value\n"; nothing when provenance is NULL. */
VJ_MUST_CHECK vj_status vj_provenance_put(vj_buf *out, const vj_out_provenance *provenance,
                                          vj_error *err);
/* text inside double quotes of a header line: quote and backslash escaped, no control bytes. */
VJ_MUST_CHECK vj_status vj_header_quoted_put(vj_buf *out, const char *text, vj_error *err);
/* An ID for a header line: bytes outside [0-9A-Za-z_.] become '_'. */
VJ_MUST_CHECK vj_status vj_header_id_put(vj_buf *out, const char *text, vj_error *err);

/* ---- vcf_out_header.c ---- */

/* One annotation as the writer keeps it. */
typedef struct vj_vcf_out_field {
    vj_span key; /* "ID=" */
    bool is_list;
} vj_vcf_out_field;

/* Header text and fields; text of the keys lies in the arena. */
VJ_MUST_CHECK vj_status vj_vcf_header_put(vj_buf *out, const vj_vcf_write_options *options,
                                          vj_arena *arena, vj_vcf_out_field *fields,
                                          vj_error *err);

#endif
