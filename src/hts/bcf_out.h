/*
 * bcf_out.h - BCF records out of VCF lines, by htslib's own line parser; private to hts.
 *
 * The bytes go through our BGZF writer like all others, so that threads, write faults and the
 * index work as they do for VCF.gz.
 */
#ifndef VJ_HTS_BCF_OUT_H
#define VJ_HTS_BCF_OUT_H

#include "hts/hts_out_parts.h"

typedef struct vj_bcf_out vj_bcf_out;

/* What the index wants to know of a record. */
typedef struct vj_bcf_place {
    int32_t contig;
    int64_t beg0, end0;
} vj_bcf_place;

/* header_text is a whole VCF header, changed by htslib while it is read. */
VJ_MUST_CHECK vj_status vj_bcf_out_new(vj_buf *header_text, vj_budget *budget, vj_bcf_out **out,
                                       vj_error *err);
void vj_bcf_out_free(vj_bcf_out *bcf);
/* "BCF\\2\\2" and the header as it now is, appended. */
VJ_MUST_CHECK vj_status vj_bcf_out_header(vj_bcf_out *bcf, vj_buf *bytes, vj_error *err);
/*
 * One record out of a line (without line end), appended to bytes. Contigs and tags that the
 * header lacks are added to it; vj_bcf_out_n_added tells that the written header is then old.
 * errors: VJ_E_CORRUPT with the line's start
 */
VJ_MUST_CHECK vj_status vj_bcf_out_line(vj_bcf_out *bcf, vj_span line, vj_buf *bytes,
                                        vj_bcf_place *place, vj_error *err);
/* Definitions that records made necessary since the header was written. */
int32_t vj_bcf_out_n_added(const vj_bcf_out *bcf);

#endif
