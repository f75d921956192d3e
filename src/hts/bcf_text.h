/*
 * bcf_text.h - private to hts: one BCF2 record as a line of VCF.
 *
 * in:      the record's bytes, hostile; the dictionaries of its header
 * out:     the line, whose numbers read back as the values that the record holds: floats have as
 *          many digits as that takes (htslib's own text has six)
 * not:     framing of records (bcfin.c)
 * tests:   unit/test_bcf_text.c, unit/test_bcf_read.c, fuzz/fuzz_vcf.c
 */
#ifndef VJ_HTS_BCF_TEXT_H
#define VJ_HTS_BCF_TEXT_H

#include <htslib/vcf.h>

#include "base/base.h"

/* The words before a record's typed values. */
typedef struct vj_bcf_head {
    int32_t contig; /* number in the dictionary */
    uint32_t pos0;  /* UINT32_MAX: POS 0 */
    uint32_t qual_bits;
    uint32_t n_alleles, n_infos, n_formats, n_samples;
} vj_bcf_head;

/* The 24 bytes behind a record's two lengths. */
vj_bcf_head vj_bcf_head_read(const uint8_t bytes[24]);

/*
 * Append the line, with its LF. shared are the bytes behind the head, up to the samples'.
 * encoded: the header is of VCF 4.3 or later, so that bytes that may not stand in a value can be
 * written as %XX; else they are an error.
 *
 * errors: VJ_E_CORRUPT (text: expected, found; without file and record), VJ_E_NOMEM. dst then
 *         ends in a piece of a line.
 */
VJ_MUST_CHECK vj_status vj_bcf_text(const bcf_hdr_t *header, bool encoded, const vj_bcf_head *head,
                                    vj_span shared, vj_span samples, vj_buf *dst, vj_error *err);

#endif
