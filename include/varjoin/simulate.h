/*
 * simulate.h - databases and samples that look like real ones, of any size.
 *
 * The database has the columns and frequencies of Ensembl's human variation set; the samples
 * carry its variants as often as their allele frequencies say, and a few of their own. The same
 * options give the same bytes, whatever the number of threads.
 *
 * threads: a call uses threads of its own; calls are independent of each other
 */
#ifndef VARJOIN_SIMULATE_H
#define VARJOIN_SIMULATE_H

#include <stddef.h>
#include <stdint.h>

#include "varjoin/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vj_simulate_options {
    size_t struct_size; /* sizeof(vj_simulate_options): which fields the caller knows */
    uint64_t seed;

    /* Database: one file homo_sapiens-chr<contig>.parquet per contig in `directory`. */
    const char *directory; /* NULL: no database is written, only samples of it */
    int64_t n_rows;        /* over all contigs, shared out by their length; 0: 1,000,000 */
    const char *contigs;   /* "1,2,X" of GRCh38; NULL: "22" */
    double spacing;        /* mean bases between rows; 0: 2.9, less where a contig is full */
    int joined_alts;       /* ALTs of a site in one row, joined by '|'; else a row for each */
    int unsorted;          /* rows in no order */
    int compat;            /* Parquet for old readers (V1 pages) */
    int64_t rows_per_rowgroup; /* 0: 122,880 */
    const char *compression;   /* "zstd", "snappy", ...; NULL: zstd */

    /* Sample: one VCF (.vcf, .vcf.gz, .bcf by suffix; "-" is VCF on standard output). */
    const char *sample_path;   /* NULL: none */
    int64_t n_sample_variants; /* about so many records; 0: 0.45 % of the rows, as in people */
    int32_t n_samples;         /* columns; 0: one */
    uint64_t sample_seed;      /* another person of the same population; 0: seed */
    double private_share;      /* of the records, not in the database; 0: 0.04; < 0: none */
    int gvcf;                  /* with reference blocks */

    int64_t memory_bytes; /* bound; 0: 256 MB */
    int32_t n_threads;    /* 0: 1 */
    /* Called now and then, from one thread at a time; non-zero stops the run (cancelled). */
    int (*progress)(void *user, int64_t n_rows_done, int64_t n_rows_total);
    void *user;
    /* A whole genome: contigs 1..22, X, Y; where not given: 1.1 G rows, 5 M records a sample. */
    int genome;
    /* "as-is" (NULL); "tuned", "plain": the files that `reference build` makes of as-is ones, the
     * same rows in the same order, chr<contig>.parquet and view.sql (not: source checksum) */
    const char *layout;
} vj_simulate_options;
#define VJ_SIMULATE_OPTIONS_INIT {.struct_size = sizeof(vj_simulate_options)}

/* What a simulation will write, to be said before it starts. */
typedef struct vj_simulate_need {
    int64_t database_bytes, database_free_bytes; /* estimated within a tenth; free: -1 unknown */
    int64_t sample_bytes, sample_free_bytes;
} vj_simulate_need;

typedef struct vj_simulate_result {
    int64_t n_rows;            /* database rows */
    int64_t n_files;
    int64_t n_records;         /* of the sample, reference blocks not counted */
    int64_t n_private_records; /* of these, made without the database */
    int64_t n_blocks;          /* reference blocks */
} vj_simulate_result;

/*
 * Estimate the disk space that the options need, and find what is free.
 *
 * errors: VJ_E_USAGE as vj_simulate; VJ_E_OUTPUT when there is less than needed
 */
VJ_API VJ_MUST_CHECK vj_status vj_simulate_plan(const vj_simulate_options *options,
                                                vj_simulate_need *need, vj_error *err);

/*
 * Write the database and the sample that the options ask for. Each file appears whole or not at
 * all; files that were finished before a failure stay.
 *
 * errors: VJ_E_USAGE (an unknown contig, more rows than the contigs have places for),
 *         VJ_E_OUTPUT, VJ_E_NOMEM, VJ_E_CANCELLED
 */
VJ_API VJ_MUST_CHECK vj_status vj_simulate(const vj_simulate_options *options,
                                           vj_simulate_result *result, vj_error *err);

#ifdef __cplusplus
}
#endif
#endif
