/* vcf_all.h - read and parse all that a reader has, for the targets that only want it to end well. */
#ifndef VJ_FUZZ_VCF_ALL_H
#define VJ_FUZZ_VCF_ALL_H

#include "hts/hts.h"

/* Blocks of about want_lines; the reader stays the caller's. */
static inline vj_status parse_all(vj_vcf_reader *reader, int64_t want_lines, vj_budget *budget,
                                  vj_error *err)
{
    vj_vcf_block *block = NULL;
    vj_vcf_rows *rows = NULL;
    vj_status rc = VJ_OK;
    bool more = true;

    VJ_GO(rc, vj_vcf_block_new(budget, &block, err));
    VJ_GO(rc, vj_vcf_rows_new(reader, budget, &rows, err));
    for (;;) {
        VJ_GO(rc, vj_vcf_block_next(reader, want_lines, 1 << 16, block, &more, err));
        if (!more)
            break;
        VJ_GO(rc, vj_vcf_parse(reader, block, rows, err));
    }
out:
    vj_vcf_rows_free(rows);
    vj_vcf_block_free(block);
    return rc;
}

#endif
