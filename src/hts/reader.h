/*
 * reader.h - private to hts: what the parts of the VCF reader know of each other.
 *
 *   textin ──bytes──> block.c ──whole lines──> parse.c ──cells──> cells.c ──> builders
 *   bcfin  ──lines───┘             header.c, schema.c: immutable after open
 */
#ifndef VJ_HTS_READER_H
#define VJ_HTS_READER_H

#include "hts/hts.h"
#include "hts/textin.h"

/* How a field's values become a column. */
typedef enum vj_shape {
    VJ_SHAPE_FLAG,
    VJ_SHAPE_ONE,     /* Number=1 */
    VJ_SHAPE_PER_ALT, /* Number=A: the value of the row's ALT */
    VJ_SHAPE_REF_ALT, /* Number=R: a list of two */
    VJ_SHAPE_LIST     /* all others */
} vj_shape;

typedef enum vj_special {
    VJ_FIELD_PLAIN,
    VJ_FIELD_END,   /* INFO END: becomes `end` */
    VJ_FIELD_SVLEN, /* INFO SVLEN: also a source of `end` */
    VJ_FIELD_GT     /* FORMAT GT: becomes `genotype` */
} vj_special;

/* What to do with one INFO or FORMAT key. */
typedef struct vj_field_plan {
    const char *id;
    uint32_t id_bytes;
    uint64_t id_word, id_mask; /* its first 8 bytes, and which of them count */
    int32_t col; /* -1: no column */
    vj_vcf_kind kind;
    vj_shape shape;
    int32_t count; /* LIST: exactly so many values; -1: any */
    vj_special special;
    bool is_info;
    bool declared;
} vj_field_plan;

/* Fill in what follows from id. */
void vj_field_plan_key(vj_field_plan *plan);

/* Fixed columns' places in the schema. */
enum {
    VJ_COL_CHROM, VJ_COL_START, VJ_COL_END, VJ_COL_RSID, VJ_COL_REF, VJ_COL_ALT,
    VJ_COL_ALT_INDEX, VJ_COL_QUAL, VJ_COL_FILTER, VJ_COL_FIXED
};

/* Ranges of -r, -R, -t, -T: closed, 1-based, merged, by canonical contig. */
typedef struct vj_range {
    int64_t beg1, end1;
} vj_range;
typedef struct vj_ranges {
    VJ_VEC(vj_range) list;
} vj_ranges;
typedef struct vj_regions {
    vj_budget *budget;
    vj_map contigs; /* canonical name -> index into by_contig */
    VJ_VEC(vj_ranges) by_contig;
    bool negate;
} vj_regions;

typedef struct vj_bcfin vj_bcfin;

struct vj_vcf_reader {
    vj_budget *budget;
    vj_arena arena; /* header, schema, names */
    vj_vcf_read_options options;
    char *name;
    char format_name[32];
    vj_textin *in; /* NULL with regions */
    vj_bcfin *bcf; /* BCF, or regions */
    /* plain bytes that are read and not yet handed out: win[win_beg, win.len_bytes) */
    vj_buf win;
    size_t win_beg;
    size_t win_searched; /* so many bytes from win_beg on are known to hold no newline */
    VJ_VEC(uint32_t) peeked; /* ends of the lines that were looked at, from win_beg on */
    bool win_end; /* the input has no more */
    bool cut_noted;
    bool ahead; /* blocks are read, filled and linked in three steps (vcf_share.c) */
    _Atomic int64_t line_bytes; /* mean length of the lines so far; 0: not known */
    size_t held_blanks; /* blank lines behind the last block, not yet known to be the end */
    int64_t released_bytes; /* read when the file was closed */
    int64_t total_bytes; /* of the file; -1: a pipe */
    int64_t next_line; /* number of the line that begins at win_beg */
    /* order of the lines handed out so far */
    vj_map contigs_seen;
    vj_buf last_contig; /* as shown */
    int64_t last_pos1;
    /* header */
    vj_vcf_header header;
    VJ_VEC(const char *) lines;
    VJ_VEC(vj_vcf_contig) contigs;
    VJ_VEC(vj_vcf_def) infos;
    VJ_VEC(vj_vcf_def) formats;
    VJ_VEC(const char *) filters;
    VJ_VEC(const char *) samples;
    VJ_VEC(const char *) notes;
    vj_map contig_by_name, info_by_id, format_by_id; /* index into contigs, *_plans */
    bool has_format_column;
    bool decode_percent; /* VCF 4.3 and later */
    /* schema and plans */
    VJ_VEC(int32_t) chosen; /* samples to read, by index in the header */
    bool per_sample;        /* a `sample` column, one row for each of chosen */
    int32_t col_sample, col_genotype; /* -1: none */
    vj_schema schema;
    VJ_VEC(vj_field) fields;
    VJ_VEC(vj_vcf_origin) origins;
    VJ_VEC(vj_field_plan) info_plans;
    VJ_VEC(vj_field_plan) format_plans;
    VJ_VEC(vj_span) filter_pass;
    int32_t plan_info_dp, plan_dp, plan_gq, plan_len; /* -1: not in the header */
    vj_regions *targets;
    vj_regions *regions;
};

struct vj_vcf_block {
    vj_budget *budget;
    vj_buf text; /* whole lines; VJ_SCAN_PAD_BYTES readable bytes lie behind them */
    size_t text_beg; /* the first line's first byte; what lies before is no part of the block */
    VJ_VEC(uint32_t) line_ends; /* offset of each line's newline, or of the end of the text */
    int64_t first_line;
    /* where the previous block ended, to see whether the order goes on */
    vj_buf prev_contig;
    int64_t prev_pos1;
    /* read ahead: the blocks of the file, until they are inflated; has it been, and is it the last? */
    bool ahead, at_end;
    vj_buf raw;
    vj_bgzf_pieces pieces;
    vj_inflater *inflater;
    int64_t returns_at_line; /* a contig comes back here after another; 0: nowhere */
};

/* vcf_block.c, for vcf_share.c: a last line without a newline, at the end of the input. */
VJ_MUST_CHECK vj_status vj_vcf_take_rest(vj_vcf_reader *reader, vj_vcf_block *block,
                                         vj_error *err);
/* A longer line than this is none. */
VJ_MUST_CHECK vj_status vj_vcf_check_window(const vj_vcf_reader *reader, vj_error *err);
/*
 * Number the block's lines, hold back the blank ones at its end, put those held before it, and
 * see whether a contig comes back. The block may be empty afterwards.
 */
VJ_MUST_CHECK vj_status vj_vcf_close_block(vj_vcf_reader *reader, vj_vcf_block *block,
                                           vj_error *err);
/* Message for a person, kept in the reader (vj_vcf_notes_view). */
VJ_MUST_CHECK vj_status vj_vcf_note(vj_vcf_reader *reader, vj_error *err, const char *fmt, ...)
    VJ_PRINTF(3, 4);
/*
 * Next line of the window, without LF or CRLF; *out.ptr NULL at the end. Valid until the next
 * call. Used for the header only.
 */
VJ_MUST_CHECK vj_status vj_vcf_line_next(vj_vcf_reader *reader, vj_span *out, vj_error *err);
/* header.c: everything up to and with the #CHROM line. */
VJ_MUST_CHECK vj_status vj_vcf_header_read(vj_vcf_reader *reader, vj_error *err);
/* vcf_reserved.c: note where a line contradicts what the specification reserves its ID for. */
VJ_MUST_CHECK vj_status vj_vcf_reserved_check(vj_vcf_reader *reader, bool is_info,
                                              const vj_vcf_def *def, vj_error *err);
/* schema.c: columns and plans, after the header. */
VJ_MUST_CHECK vj_status vj_vcf_schema_build(vj_vcf_reader *reader, vj_error *err);

/* regions.c */
VJ_MUST_CHECK vj_status vj_regions_new(const char *list, const char *path, vj_budget *budget,
                                       vj_regions **out, vj_error *err);
void vj_regions_free(vj_regions *regions);
/* Ranges of a contig as named in a file; NULL: none. */
const vj_ranges *vj_regions_of(const vj_regions *regions, vj_span contig, int64_t length);
bool vj_ranges_overlap(const vj_ranges *ranges, int64_t beg1, int64_t end1);

/* bcfin.c: what htslib reads, as lines of text: BCF, or VCF through an index */
/* BCF out of a textin, which stays the caller's and must outlive it; first was read off it. */
VJ_MUST_CHECK vj_status vj_bcfin_open_stream(vj_textin *in, const vj_buf *first,
                                             vj_budget *budget, vj_bcfin **out, vj_error *err);
/* The records of some regions, through the index beside the file. regions must outlive it. */
VJ_MUST_CHECK vj_status vj_bcfin_open_regions(const char *path, const vj_regions *regions,
                                              bool allow_truncated, vj_budget *budget,
                                              vj_bcfin **out, vj_error *err);
void vj_bcfin_free(vj_bcfin *bcf);
const char *vj_bcfin_format(const vj_bcfin *bcf);
/* Header as VCF text, appended. */
VJ_MUST_CHECK vj_status vj_bcfin_header(vj_bcfin *bcf, vj_buf *dst, vj_error *err);
/* Append some records as lines; *out_end when there was none left. */
VJ_MUST_CHECK vj_status vj_bcfin_read(vj_bcfin *bcf, vj_buf *dst, bool *out_end, vj_error *err);
/* With regions: where in the file; asked of a stream, its textin knows. */
int64_t vj_bcfin_bytes_done(const vj_bcfin *bcf);

#endif
