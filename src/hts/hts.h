/*
 * hts.h - variants from VCF text (own parser), BGZF, gzip and BCF (htslib), and back to them.
 *
 * Format sources: hts-specs VCFv4.1 ... VCFv4.5, SAMv1 section 4.1 (BGZF), BCF2, RFC 1952.
 *
 * in:      bytes of one file, pipe or memory, hostile until parsed
 * out:     vj_vcf_rows: the normalised table (docs/semantics.md) as columns, plus the keys
 * not:     the join, Parquet; the only module that includes htslib
 * threads: a reader belongs to one thread at a time; vj_vcf_parse may run on several blocks at
 *          once (one vj_vcf_rows each) because the header is immutable after open
 * tests:   unit/test_vcf_*.c, unit/test_bgzf.c, fuzz/fuzz_vcf.c, fuzz/fuzz_bgzf.c
 */
#ifndef VJ_HTS_HTS_H
#define VJ_HTS_HTS_H

#include "col/col.h"
#include "genome/genome.h"
#include "os/os.h"

/* ---- header ---- */

typedef enum vj_vcf_kind { VJ_VCF_FLAG, VJ_VCF_INTEGER, VJ_VCF_FLOAT, VJ_VCF_CHARACTER, VJ_VCF_STRING } vj_vcf_kind;
/* Number= of an INFO or FORMAT line; counts >= 0 are themselves. */
enum { VJ_NUMBER_A = -1, VJ_NUMBER_R = -2, VJ_NUMBER_G = -3, VJ_NUMBER_DOT = -4, VJ_NUMBER_P = -5 };

typedef struct vj_vcf_def {
    const char *id;
    vj_vcf_kind kind;
    int32_t number;
    const char *description;
    bool declared; /* false: met in a record without a header line: String, Number=1 */
} vj_vcf_def;

typedef struct vj_vcf_contig {
    const char *name;
    int64_t length; /* -1: not given */
} vj_vcf_contig;

typedef struct vj_vcf_header {
    int32_t version_minor; /* 4.x */
    int32_t n_contigs, n_infos, n_formats, n_filters, n_samples;
    const vj_vcf_contig *contigs;
    const vj_vcf_def *infos;
    const vj_vcf_def *formats;
    const char *const *filters;
    const char *const *samples;
    const char *const *lines; /* all ## lines without their newline, in order */
    int32_t n_lines;
} vj_vcf_header;

/* ---- reader ---- */

typedef struct vj_vcf_read_options {
    const char *samples;     /* -s list ("A,B", "^C"), NULL: all */
    bool sites_only;
    bool all_samples;        /* one row per sample and allele row, with a `sample` column */
    const char *info_fields; /* comma list, NULL: all, "": none */
    const char *format_fields;
    bool with_formats;       /* FORMAT columns wanted (default of normalize: true) */
    bool variants_only;      /* drop gVCF reference blocks */
    const char *filter_pass; /* -f list "PASS,.", NULL: all */
    double min_qual, min_dp, min_gq; /* NAN: no such filter */
    const char *assume_number; /* "SVLEN=A,AD=R", NULL: header as it is */
    bool strict;             /* a cell that does not fit is an error */
    const char *bad_records_path; /* --bad-records skip=FILE, NULL: an error */
    bool allow_truncated;    /* a missing BGZF end block is a warning */
    const char *regions;     /* -r: chr:beg-end,... through an index; NULL */
    const char *regions_file;
    const char *targets;     /* -t: the same, streamed; "^..." negates */
    const char *targets_file;
    int32_t n_threads;
} vj_vcf_read_options;
#define VJ_VCF_READ_OPTIONS_INIT                                                           \
    {.with_formats = true, .min_qual = VJ_NAN, .min_dp = VJ_NAN, .min_gq = VJ_NAN}
#define VJ_NAN __builtin_nan("")

typedef struct vj_vcf_reader vj_vcf_reader;

/*
 * Detect (VCF text, BGZF, gzip of one or more members, BCF), open and read the header. "-" is
 * standard input. VJ_E_CORRUPT names file and line.
 */
VJ_MUST_CHECK vj_status vj_vcf_open(const char *path, const vj_vcf_read_options *options,
                                    vj_budget *budget, vj_vcf_reader **out, vj_error *err);
VJ_MUST_CHECK vj_status vj_vcf_open_memory(const char *name, const void *ptr, size_t len_bytes,
                                           const vj_vcf_read_options *options, vj_budget *budget,
                                           vj_vcf_reader **out, vj_error *err);
void vj_vcf_free(vj_vcf_reader *reader);
/* After the last block: close the file and give its buffers back. Header, schema, notes and the
 * bytes read stay; a further block is not to be had. */
void vj_vcf_release(vj_vcf_reader *reader);
const vj_vcf_header *vj_vcf_header_view(const vj_vcf_reader *reader);
/* The samples that give rows, as indices into the header's, in the order of -s; their number. */
int32_t vj_vcf_chosen_view(const vj_vcf_reader *reader, const int32_t **out);
const char *vj_vcf_format_name(const vj_vcf_reader *reader); /* "VCF 4.2, BGZF" */
/*
 * Stretch i of a contig that regions (else targets) leave, ascending, 1-based and closed; false:
 * there are no more. Without regions the whole contig is one stretch.
 */
bool vj_vcf_stretch(const vj_vcf_reader *reader, vj_span contig, int64_t length, size_t i,
                    int64_t *beg1, int64_t *end1);
/*
 * What was odd about header and file and did not stop the reading (a header line dropped, a
 * missing end block that was allowed), one line each; grows until the last block is read.
 */
int32_t vj_vcf_notes_view(const vj_vcf_reader *reader, const char *const **out);
/*
 * Schema of the normalised table for this header and these options, in SPEC order: chrom, start,
 * end, rsid, ref, alt, alt_index, qual, filter, [sample,] genotype, INFO fields, FORMAT fields.
 * Without samples (or with sites_only) there is no genotype column and no FORMAT field.
 */
const vj_schema *vj_vcf_schema_view(const vj_vcf_reader *reader);

/*
 * Where a column came from, for VCF output: parallel to the schema's fields.
 */
typedef enum vj_vcf_role { VJ_ROLE_FIXED, VJ_ROLE_INFO, VJ_ROLE_FORMAT } vj_vcf_role;
typedef struct vj_vcf_origin {
    vj_vcf_role role;
    const vj_vcf_def *def; /* NULL for FIXED */
} vj_vcf_origin;
const vj_vcf_origin *vj_vcf_origins_view(const vj_vcf_reader *reader);

/* A run of whole lines (or BCF records), as read: cheap to fill, parsed later, maybe elsewhere. */
typedef struct vj_vcf_block vj_vcf_block;
VJ_MUST_CHECK vj_status vj_vcf_block_new(vj_budget *budget, vj_vcf_block **out, vj_error *err);
void vj_vcf_block_free(vj_vcf_block *block);
/*
 * Fill block with the next lines: about want_lines of them, not over want_bytes of text unless
 * one line is longer. *out_more is false at the end (block is then empty).
 */
VJ_MUST_CHECK vj_status vj_vcf_block_next(vj_vcf_reader *reader, int64_t want_lines,
                                          int64_t want_bytes, vj_vcf_block *block, bool *out_more,
                                          vj_error *err);

/*
 * vj_vcf_block_next in three steps, for several workers, where vj_vcf_can_share says so (BGZF text
 * without rows per sample). read and link are serial, each in the same order of blocks; fill and
 * what follows the link may run side by side. A block is cut where BGZF blocks end, near
 * want_lines; after its link it may hold no line. Not to be mixed with the calls above and below.
 *
 *   read (takes BGZF blocks) --> fill (inflates, finds lines) --> link (joins lines that were cut)
 */
bool vj_vcf_can_share(const vj_vcf_reader *reader);
VJ_MUST_CHECK vj_status vj_vcf_block_read(vj_vcf_reader *reader, int64_t want_lines,
                                          int64_t want_bytes, vj_vcf_block *block, bool *out_more,
                                          vj_error *err);
VJ_MUST_CHECK vj_status vj_vcf_block_fill(const vj_vcf_reader *reader, vj_vcf_block *block,
                                          vj_error *err);
VJ_MUST_CHECK vj_status vj_vcf_block_link(vj_vcf_reader *reader, vj_vcf_block *block,
                                          vj_error *err);

/*
 * Look at the lines that the next block would hold, without taking them: *out_n of them, 0 at the
 * end. Valid until the next call on the reader.
 */
VJ_MUST_CHECK vj_status vj_vcf_peek(vj_vcf_reader *reader, int64_t want_lines, int64_t want_bytes,
                                    int64_t *out_n, vj_error *err);
/* CHROM and POS of line i of those peeked at, as cheaply as can be; "" and -1 where broken. */
void vj_vcf_peek_place(const vj_vcf_reader *reader, int64_t i, vj_span *contig, int64_t *pos1);
/* vj_vcf_block_next for exactly n lines, as many as there are. */
VJ_MUST_CHECK vj_status vj_vcf_block_take(vj_vcf_reader *reader, int64_t n_lines,
                                          vj_vcf_block *block, bool *out_more, vj_error *err);

/* Counters of odd cells and records; summed over blocks by the caller with _add. */
typedef enum vj_vcf_odd {
    VJ_ODD_BAD_INTEGER, VJ_ODD_BAD_FLOAT, VJ_ODD_BAD_NUMBER, VJ_ODD_BAD_FLAG, VJ_ODD_NO_VALUE,
    VJ_ODD_DUPLICATE_KEY, VJ_ODD_UNDECLARED, VJ_ODD_BAD_GENOTYPE, VJ_ODD_BAD_END, VJ_ODD_BAD_UTF8,
    /* kept as they stand, and counted (S-61) */
    VJ_ODD_BAD_ALLELE, VJ_ODD_BAD_TEXT, VJ_ODD_BAD_RANGE,
    VJ_ODD_KINDS
} vj_vcf_odd;
const char *vj_vcf_odd_name(vj_vcf_odd odd);
/* Does what is odd in this way keep its value? All others become null or are left out. */
bool vj_vcf_odd_keeps(vj_vcf_odd odd);
typedef struct vj_vcf_counts {
    int64_t n_records, n_alleles, n_rows;
    int64_t n_filtered;    /* rows removed by quality filters */
    int64_t n_bad_records; /* written aside */
    int64_t n_blocks_dropped; /* gVCF blocks dropped by variants_only */
    int64_t odd[VJ_ODD_KINDS];
    char odd_examples[3][160]; /* "line 12: INFO/AF: 'x' is not a number" */
    int32_t n_odd_examples;
    char undeclared_example[160]; /* the first of UNDECLARED; "" when there is none */
    char kept_example[160];       /* the first of those that keep their value */
    bool unsorted; /* a record lies before its predecessor, or a contig comes back */
    char unsorted_at[160]; /* the first place */
} vj_vcf_counts;
void vj_vcf_counts_add(vj_vcf_counts *sum, const vj_vcf_counts *more);

/* One allele's key, for the join: alleles of split records are trimmed, case folded. */
/* Rows of one parsed block. cols are parallel to the schema. */
typedef struct vj_vcf_rows {
    vj_schema schema;    /* borrowed from the reader */
    int64_t n_rows;
    int32_t n_cols;
    vj_colb *builders;
    vj_col *cols;        /* views of the builders */
    /* Keys: one per allele (not per sample); row_key[row_i] is the row's key. */
    vj_key_list keys;
    VJ_VEC(int32_t) row_key;
    VJ_VEC(int32_t) key_record; /* record number inside the block, for "records matched" */
    /*
     * The records that gave rows, in order: their line (without its line end; views the text of
     * the block, which must then outlive the rows), its number in the file, how many ALTs it has.
     */
    VJ_VEC(vj_span) record_lines;
    VJ_VEC(int64_t) record_line_numbers;
    VJ_VEC(int32_t) record_alleles;
    vj_vcf_counts counts;
    vj_buf bad_lines; /* --bad-records: the lines to set aside, in order */
    vj_arena arena;
    struct vj_vcf_scratch *scratch; /* private to the parser */
} vj_vcf_rows;
VJ_MUST_CHECK vj_status vj_vcf_rows_new(const vj_vcf_reader *reader, vj_budget *budget,
                                        vj_vcf_rows **out, vj_error *err);
void vj_vcf_rows_free(vj_vcf_rows *rows);
/*
 * Parse a block into rows (emptied first). The reader is only read.
 *
 * Broken lines (S-3) are an error, or set aside where options.bad_records_path is not NULL;
 * odd cells (S-6) are null and counted, or an error where options.strict is set.
 *
 * owns:   keys' alleles and record_lines view the block's text: keep the block as long as them
 * errors: VJ_E_CORRUPT with file, line, column, expected, found
 */
VJ_MUST_CHECK vj_status vj_vcf_parse(const vj_vcf_reader *reader, const vj_vcf_block *block,
                                     vj_vcf_rows *rows, vj_error *err);
/* Compressed bytes consumed so far, for progress; total is -1 for a pipe. */
int64_t vj_vcf_bytes_done(const vj_vcf_reader *reader);
int64_t vj_vcf_bytes_total(const vj_vcf_reader *reader);

#include "hts/hts_out.h" /* the output side */
#include "hts/survey.h"  /* records and places without reading the file */

#endif
