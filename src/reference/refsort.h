/*
 * refsort.h - private to reference: sort normalised rows by contig, start, ref, alt into one Parquet
 * file per contig, within a budget.
 *
 *   append -> buffer (rows in memory) -> sorted -> run files, one open at a time
 *
 * Rows that can no longer be overtaken by later ones (start below the watermark of a sorted
 * input) go out early, so a sorted input gives one run per contig, which is the result. A row that
 * belongs before what its contig's run holds already begins another run; runs of one contig are
 * merged at the end. Batches that are sorted and follow each other skip the buffer.
 *
 * With tiers every file has its rare rows first: common ones wait in a file of their own beside it
 * and are appended when it is closed. A merge takes the two parts of a run as two inputs.
 */
#ifndef VJ_REFERENCE_REFSORT_H
#define VJ_REFERENCE_REFSORT_H

#include "engine/engine.h"

typedef struct vj_refsort vj_refsort;

typedef struct vj_refsort_options {
    const vj_schema *schema;
    int32_t chrom_i, start_i, ref_i, alt_i; /* in schema */
    const char *out_dir;     /* exists; receives chr<contig>.parquet */
    vj_pq_codec codec;
    int level;
    bool codec_on_free; /* with tuned: only on free text, reals and nested columns that stand as they are */
    bool codec_on_text; /* with codec_on_free: and on all other columns of text */
    int64_t rows_per_page; /* 0: the writer's default */
    const vj_built_options *tuned; /* NULL: columns are stored as they are */
    const vj_built *built; /* with tuned: the layout; NULL: planned from the first rows */
    bool by_start; /* rows of one start stay in the order of the input; else by ref and alt */
    int64_t rows_per_run; /* rows held in memory */
    /* the column whose values of at least tier_from make a row common (tiers.h); -1: no tiers */
    int32_t tier_i;
    double tier_from;
    int32_t n_sorters;    /* that share the memory, one a contig at a time */
    size_t merge_inputs;  /* runs merged at once: more are merged in steps; 0: all */
    bool no_empty;        /* without a row there is no file */
    const vj_pq_kv *kvs;  /* for each file; borrowed */
    int32_t n_kvs;
    bool no_version;
    const vj_stop *stop;
} vj_refsort_options;

VJ_MUST_CHECK vj_status vj_refsort_new(const vj_refsort_options *options, vj_budget *budget,
                                       vj_refsort **out, vj_error *err);
/* Rows without REF or ALT, which match nothing and have no place in the tuned layout. */
int64_t vj_refsort_n_dropped(const vj_refsort *sort);
/*
 * Append rows, none with a null start; watermark: no later row of the last row's contig lies before it, unless the input
 * is unsorted (then rows are still sorted rightly).
 */
VJ_MUST_CHECK vj_status vj_refsort_append(vj_refsort *sort, const vj_batch *rows,
                                          int64_t watermark, vj_error *err);
/* Merge what has several runs and leave the final files in out_dir. */
VJ_MUST_CHECK vj_status vj_refsort_finish(vj_refsort *sort, vj_error *err);
void vj_refsort_free(vj_refsort *sort);
int64_t vj_refsort_n_runs(const vj_refsort *sort);
int64_t vj_refsort_n_contigs(const vj_refsort *sort);
/* Name of the contig of that number, as its first row spells it. */
vj_span vj_refsort_name(const vj_refsort *sort, int64_t contig_i);
/* The layout of the files, once rows came; NULL: they are plain. */
const vj_built *vj_refsort_built(const vj_refsort *sort);
int64_t vj_refsort_bytes_out(const vj_refsort *sort);
/* File name of a contig: chr<name>.parquet with unsafe bytes percent-encoded; of a name that is too
 * long the beginning, ~ and its hash. */
char *vj_refsort_file_name(vj_span contig, char dst[900]);

#endif
