/*
 * survey.h - part of hts.h: how many records a VCF has and where, without reading it.
 *
 * Looks at a few windows spread over the file, counts lines a byte in them and takes the first
 * record of each; exact for files smaller than the windows together.
 */
#ifndef VJ_HTS_SURVEY_H
#define VJ_HTS_SURVEY_H

#include "base/base.h"

#define VJ_SURVEY_WINDOWS 16

typedef struct vj_vcf_place {
    char contig[128];
    int64_t pos1;
} vj_vcf_place;

typedef struct vj_vcf_survey {
    bool known;          /* false: a pipe, a plain gzip, or BCF: nothing can be said */
    int64_t n_records;   /* estimate */
    int32_t n_places;
    vj_vcf_place places[VJ_SURVEY_WINDOWS + 1]; /* first record of each window; last record last */
} vj_vcf_survey;

/* errors: VJ_E_IO, VJ_E_NOMEM; a file that it cannot understand gives known = false */
VJ_MUST_CHECK vj_status vj_vcf_survey_file(const char *path, vj_vcf_survey *out, vj_error *err);

#endif
