/* vcf_text.h - a vj_vcf_header and record lines out of VCF text in memory, for tests of writers. */
#ifndef VJ_TESTS_VCF_TEXT_H
#define VJ_TESTS_VCF_TEXT_H

#include "hts/hts.h"
#include "support/support.h"

typedef struct vcf_text {
    vj_vcf_header header;
    vj_arena arena;
    vj_span *records; /* views of the text */
    int64_t n_records;
} vcf_text;

/*
 * The text must outlive it. Only what the writers read is filled: version, lines, samples,
 * contigs with lengths, IDs of INFO lines.
 */
void vcf_text_init(vcf_text *vcf, vj_span text);
void vcf_text_fini(vcf_text *vcf);

#endif
