/* vcf_case.h - VCF text in, rows as text out. */
#ifndef VJ_TESTS_VCF_CASE_H
#define VJ_TESTS_VCF_CASE_H

#include "hts/hts.h"
#include "support/support.h"

#define VCF_HEAD "##fileformat=VCFv4.2\n"
#define VCF_COLS "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"

typedef struct vcf_case {
    vj_status status;
    vj_error err;
    char *rows;    /* one line per row, wanted cells joined by blanks, null as '.' */
    char *columns; /* "chrom:text start:uint32 ..." */
    char *keys;    /* "1:100:A:T" per key, '!' behind those that never match */
    char *bad_lines;
    vj_vcf_counts counts;
    int32_t n_notes;
    char notes[4][200];
} vcf_case;

/*
 * Read bytes as a VCF and collect the wanted columns (comma list, NULL: all) in blocks of
 * block_lines lines and block_bytes bytes. block_lines below 0: about so many in three steps with
 * three blocks under way, where the reader can. Free with vcf_case_fini.
 */
vcf_case vcf_case_run(const void *bytes, size_t len_bytes, const vj_vcf_read_options *options,
                      const char *columns, int64_t block_lines, int64_t block_bytes);
/* The same of a text in one block. */
vcf_case vcf_case_text(const char *text, const vj_vcf_read_options *options,
                       const char *columns);
/* The same of a file, in blocks of 1000 lines. */
vcf_case vcf_case_path(const char *path, const vj_vcf_read_options *options,
                       const char *columns);
void vcf_case_fini(vcf_case *c);
/* The text's wanted columns must be `rows`. */
void assert_vcf_rows(const char *text, const vj_vcf_read_options *options, const char *columns,
                     const char *rows);
/* Reading must fail with this status and an error text that holds `part`. */
void assert_vcf_fails(const char *text, const vj_vcf_read_options *options, vj_status status,
                      const char *part);

#endif
