/*
 * hts_out.h - the output side of hts.h: VCF, VCF.gz, BCF, their indexes, TSV and TSV.gz.
 *
 * Part of hts.h; include that. Format sources: hts-specs VCFv4.1 ... VCFv4.5 (section 1.2 for the
 * percent encoding), SAMv1 section 4.1 (BGZF), BCF2, tabix, CSI.
 *
 * in:      raw record lines with annotation columns, or the normalised table
 * out:     bytes of one file through a vj_outfile, and its index through another
 * not:     which columns there are and what they are called (engine)
 * threads: a writer belongs to one thread at a time; the *_format functions only read it and may
 *          run on several workers at once; compression threads are the writer's own
 * tests:   unit/test_vcf_out*.c, unit/test_bgzf_out.c, unit/test_tsv_out.c, fault/fault_hts_out.c
 */
#ifndef VJ_HTS_HTS_OUT_H
#define VJ_HTS_HTS_OUT_H

/* ---- provenance, the same for every text format ---- */

typedef struct vj_out_database {
    const char *name;
    const char *release;  /* NULL: unknown */
    const char *checksum; /* NULL: not computed */
} vj_out_database;

/*
 * Written as ##varjoin_<verb>Version=, ##varjoin_<verb>Command= and one ##varjoin_database=<...>
 * line per database (TSV: the same lines). NULL version or command: no such line. no_version
 * drops the first two, which change from run to run, and keeps the databases.
 */
typedef struct vj_out_provenance {
    const char *verb; /* "annotate" */
    const char *version;
    const char *command;
    const vj_out_database *databases;
    int32_t n_databases;
    bool no_version;
} vj_out_provenance;

/* ---- VCF, VCF.gz, BCF ---- */

typedef enum vj_vcf_out_kind {
    VJ_OUT_VCF,
    VJ_OUT_VCF_GZ,
    VJ_OUT_BCF,
    VJ_OUT_BCF_PLAIN /* without BGZF, for pipes (-O u) */
} vj_vcf_out_kind;

/*
 * One annotation column, an INFO field with Number=A in the file.
 *
 *   column type                    INFO type   a value
 *   bool                           Integer     1 or 0
 *   integers                       Integer     beyond what BCF can hold (int32 less its eight
 *                                              reserved values): '.', counted in n_out_of_range
 *   floats, decimals               Float       shortest text that reads back; nan, inf, -inf
 *   text, dates, bytes (hex) ...   String      percent-encoded
 *   list of any of these           String      elements joined by '|'; no or null list: '.'
 *   struct, list of lists          VJ_E_UNSUPPORTED when the writer is made
 *
 * id is made legal (bytes outside [0-9A-Za-z_.] become '_', a leading digit gets one before it);
 * two fields of one id, or one that the header has already, are VJ_E_USAGE.
 */
typedef struct vj_vcf_annotation {
    const char *id;
    vj_type type;            /* its kids must outlive the writer */
    const char *column;      /* name in the database; NULL: id */
    const char *database;    /* NULL: not from a database */
    const char *release;     /* NULL: unknown */
    const char *description; /* NULL: made of column, database and release */
} vj_vcf_annotation;

typedef struct vj_vcf_write_options {
    vj_vcf_out_kind kind;
    bool write_index;  /* tbi, or csi when a contig is longer than 2^29 or the file is BCF */
    bool index_if_sorted; /* unsorted records: no index and vj_vcf_writer_note, no error */
    int32_t level;     /* of compression, 1 ... 9; 0: the default, 6 */
    int32_t n_threads; /* compression threads beside the caller's; 0 or 1: none */
    const vj_vcf_header *header; /* read by _open only; its lines are written as they are */
    bool chooses_samples;   /* false: all samples of the header */
    const int32_t *samples; /* else these of it, in this order; none: no FORMAT column; copied */
    int32_t n_samples;
    const vj_vcf_annotation *annotations; /* read by _open only */
    int32_t n_annotations;
    const vj_out_provenance *provenance; /* NULL: none */
} vj_vcf_write_options;

typedef struct vj_vcf_out_counts {
    int64_t n_records;      /* lines written */
    int64_t n_values;       /* annotation values that are not null */
    int64_t n_out_of_range; /* integers that VCF cannot hold, written '.' */
    int64_t n_extra_rows;   /* rows of an ALT that had its row already: not written */
} vj_vcf_out_counts;

typedef struct vj_vcf_writer vj_vcf_writer;

/*
 * Make a writer on path and write the header: the lines of the input header in order, then the
 * new INFO lines, then provenance, then #CHROM with the samples. Standard output
 * ("-"), pipes and memory never get an index, nor do formats without BGZF.
 *
 * errors:  VJ_E_USAGE (ids, see above), VJ_E_UNSUPPORTED (column types), VJ_E_OUTPUT,
 *          VJ_E_CORRUPT (BCF: a header that htslib refuses), VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_vcf_writer_open(const char *path, const vj_vcf_write_options *options,
                                           vj_budget *budget, vj_vcf_writer **out, vj_error *err);
/* The same on an output that is open already; it is owned from here on, also on failure. */
VJ_MUST_CHECK vj_status vj_vcf_writer_take(vj_outfile *file, const vj_vcf_write_options *options,
                                           vj_budget *budget, vj_vcf_writer **out, vj_error *err);

/*
 * Records with their annotations. Rows are those of the normalised table that belong to the
 * records: row [first_row[i], first_row[i+1]) are of record i, alt_index (1-based) rising. ALTs
 * without a row (such as <NON_REF>) get '.'; of several rows of one ALT (duplicates, samples) the
 * first counts. A field whose values are all null in a record is left out of it.
 */
typedef struct vj_vcf_annotated {
    int64_t n_records;
    const vj_span *lines;     /* raw lines; a line end is cut off */
    const int64_t *first_row; /* n_records + 1 of them; NULL: no rows at all */
    const vj_col *alt_index;  /* any integer kind; NULL: the rows of a record are ALT 1, 2, ... */
    const vj_col *cols;       /* one per annotation; not read when there are none */
} vj_vcf_annotated;

/*
 * Text of the records as the writer wants it, appended to text; counts are added to. Pure with
 * regard to the writer. All bytes of a record stay as they are except: INFO grows by the
 * annotations ('.' gives way to them), the line end is one LF, where samples are chosen the others
 * are left out, and without samples a FORMAT column is cut off.
 *
 * errors:  VJ_E_CORRUPT a line of fewer than 8 columns or, with chosen samples, without one of
 *          them; VJ_E_NOMEM
 * cost:    O(bytes of the lines + rows * fields)
 */
VJ_MUST_CHECK vj_status vj_vcf_writer_format(const vj_vcf_writer *writer,
                                             const vj_vcf_annotated *records, vj_buf *text,
                                             vj_vcf_out_counts *counts, vj_error *err);
/*
 * Write whole lines made by vj_vcf_writer_format, in the order of the calls. With an index the
 * records must be sorted (contigs in one piece each): VJ_E_USAGE names the first that is not.
 * BCF: contigs and tags that the header lacks are added to it, and _finish joins header and body
 * anew; where there is no file to read back (streams, memory) that is VJ_E_UNSUPPORTED.
 */
VJ_MUST_CHECK vj_status vj_vcf_writer_write(vj_vcf_writer *writer, vj_span text,
                                            const vj_vcf_out_counts *counts, vj_error *err);
/* Both in one. */
VJ_MUST_CHECK vj_status vj_vcf_writer_append(vj_vcf_writer *writer,
                                             const vj_vcf_annotated *records, vj_error *err);
/* Why there is no index, or NULL. */
const char *vj_vcf_writer_note(const vj_vcf_writer *writer);
const vj_vcf_out_counts *vj_vcf_writer_counts(const vj_vcf_writer *writer);
/* Flush, write the end block, publish the data, then the index (never older than the data). */
VJ_MUST_CHECK vj_status vj_vcf_writer_finish(vj_vcf_writer *writer, vj_error *err);
/* Without _finish nothing appears. */
void vj_vcf_writer_free(vj_vcf_writer *writer);

/* ---- the normalised table as VCF lines ---- */

/*
 * For inputs that have no lines to pass through (Parquet). Consecutive rows of one chrom, start
 * and ref with rising alt_index become one record; without an alt_index column every row is one.
 *
 *   chrom start rsid ref alt qual filter   the columns of the same meaning; a contig takes the
 *                                          spelling of the header (shown "1" is its "chr1")
 *   end             INFO END where it is not start + length of ref - 1
 *   genotype        GT, unphased: an allele string becomes its number, an unknown one '.'
 *   origin INFO, FORMAT   rebuilt by Number: A and R of all rows, others of the first row
 *   anything else   an INFO field with Number=A, as vj_vcf_annotation says
 *
 * chrom, start, ref and alt must be there. A `sample` column is VJ_E_UNSUPPORTED: rows of several
 * samples are no longer known to be one record.
 */
typedef struct vj_vcf_table_options {
    const vj_schema *schema;      /* must outlive the table, as the origins and the header */
    const vj_vcf_origin *origins; /* of the first n_origins columns; NULL: fixed ones by name */
    int32_t n_origins;
    const vj_vcf_header *header;  /* NULL: one is made */
    const char *sample_name;      /* of a header that is made; NULL: SAMPLE */
    const vj_vcf_contig *contigs; /* of a header that is made */
    int32_t n_contigs;
    const vj_vcf_annotation *annotations; /* of the last n_annotations columns; copied shallowly */
    int32_t n_annotations;
} vj_vcf_table_options;

typedef struct vj_vcf_table vj_vcf_table;
VJ_MUST_CHECK vj_status vj_vcf_table_new(const vj_vcf_table_options *options, vj_budget *budget,
                                         vj_vcf_table **out, vj_error *err);
void vj_vcf_table_free(vj_vcf_table *table);
/* For vj_vcf_write_options; views memory of the table. */
const vj_vcf_header *vj_vcf_table_header(const vj_vcf_table *table);
const vj_vcf_annotation *vj_vcf_table_annotations(const vj_vcf_table *table, int32_t *out_n);
/* Append the lines of all records that are known to be complete; the last one waits. */
VJ_MUST_CHECK vj_status vj_vcf_table_add(vj_vcf_table *table, const vj_batch *batch,
                                         vj_buf *lines, vj_vcf_out_counts *counts,
                                         vj_error *err);
/* The record that waits, if any. */
VJ_MUST_CHECK vj_status vj_vcf_table_end(vj_vcf_table *table, vj_buf *lines,
                                         vj_vcf_out_counts *counts, vj_error *err);

/* ---- TSV ---- */

/*
 * First the provenance as lines that begin with "##", then the column names, then the rows.
 * Reversible, given the types:
 *
 *   null                empty cell              text      tab \t, newline \n, CR \r, backslash \\
 *   the empty text      \e                      list      elements joined by ','; in an element a
 *   the empty list      \z                                comma is \, and a null is \N
 *   bool                true false              floats    shortest that reads back; nan inf -inf
 *   bytes               hexadecimal             dates     ISO 8601
 *
 * A list of one null is \N, so no two values share a text. Struct columns and lists of lists are
 * VJ_E_UNSUPPORTED.
 */
typedef struct vj_tsv_write_options {
    const vj_schema *schema; /* must outlive the writer */
    bool bgzf;               /* TSV.gz */
    bool spreadsheet;        /* text that begins with = + - @ gets ' before it */
    int32_t level;           /* as above */
    int32_t n_threads;
    const vj_out_provenance *provenance; /* NULL: none */
} vj_tsv_write_options;

typedef struct vj_tsv_writer vj_tsv_writer;
VJ_MUST_CHECK vj_status vj_tsv_writer_open(const char *path, const vj_tsv_write_options *options,
                                           vj_budget *budget, vj_tsv_writer **out, vj_error *err);
/* The output is owned from here on, also on failure. */
VJ_MUST_CHECK vj_status vj_tsv_writer_take(vj_outfile *file, const vj_tsv_write_options *options,
                                           vj_budget *budget, vj_tsv_writer **out, vj_error *err);
/* Lines of the batch, appended to text; only reads the writer. */
VJ_MUST_CHECK vj_status vj_tsv_writer_format(const vj_tsv_writer *writer, const vj_batch *batch,
                                             vj_buf *text, vj_error *err);
VJ_MUST_CHECK vj_status vj_tsv_writer_write(vj_tsv_writer *writer, vj_span text, vj_error *err);
/* One scalar that is not null, as a cell of TSV has it. */
VJ_MUST_CHECK vj_status vj_tsv_value(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err);
VJ_MUST_CHECK vj_status vj_tsv_writer_append(vj_tsv_writer *writer, const vj_batch *batch,
                                             vj_error *err);
VJ_MUST_CHECK vj_status vj_tsv_writer_finish(vj_tsv_writer *writer, vj_error *err);
void vj_tsv_writer_free(vj_tsv_writer *writer);

#endif
