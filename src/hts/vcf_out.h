/*
 * vcf_out.h - the VCF writer's insides, shared by its files; private to hts.
 */
#ifndef VJ_HTS_VCF_OUT_H
#define VJ_HTS_VCF_OUT_H

#include "hts/bcf_out.h"
#include "hts/bgzf_out.h"
#include "hts/hts_out_parts.h"
#include "hts/index_out.h"

/*
 *   _open: header written --write--> records ... --finish--> published
 * Lines are text up to the last step; BCF records are made of them there.
 */
struct vj_vcf_writer {
    vj_budget *budget;
    vj_vcf_out_kind kind;
    vj_text_out sink;
    vj_bgzf_out_options bgzf_options;
    vj_bcf_out *bcf;     /* NULL: text */
    vj_index_out *index; /* NULL: none */
    bool index_if_sorted;
    bool has_note;
    vj_error note;       /* why there is no index */
    int64_t body_off;    /* in the file: first byte after the header's last block */
    vj_arena arena; /* the fields' keys */
    vj_vcf_out_field *fields;
    int32_t n_fields;
    bool space_is_legal; /* in values: from VCF 4.3 on */
    bool has_samples;
    bool chooses_samples;
    int32_t *samples; /* chosen ones, in the arena */
    int32_t n_samples;
    vj_buf text;  /* of _append */
    vj_buf bytes; /* one BCF record */
    vj_vcf_out_counts counts;
};

#endif
