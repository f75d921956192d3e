/*
 * job.h - annotate and normalise variants: options, run, result.
 *
 * A job reads variants (VCF, VCF.gz, BCF, normalised Parquet), joins them with databases and
 * writes one output, or one for each of several inputs. It prints nothing: messages come through the log callback, costs through
 * the report.
 *
 * threads: one thread at a time per job; vj_job_cancel may be called from any thread.
 */
#ifndef VARJOIN_JOB_H
#define VARJOIN_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "varjoin/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One database: `name=path` as the user gives it; path is a file, a folder or a glob. */
typedef struct vj_job_database {
    const char *name;
    const char *path;
    const char *release; /* NULL: read from the files' provenance, else "" */
} vj_job_database;

typedef enum vj_engine_kind { VJ_ENGINE_AUTO = 0, VJ_ENGINE_NATIVE, VJ_ENGINE_POLARS, VJ_ENGINE_DUCKDB } vj_engine_kind;
typedef enum vj_duplicates { VJ_DUPLICATES_ALL = 0, VJ_DUPLICATES_FIRST, VJ_DUPLICATES_ERROR } vj_duplicates;
typedef enum vj_log_level { VJ_LOG_INFO = 0, VJ_LOG_WARNING } vj_log_level;

/* Output formats, by the letters of bcftools plus p (Parquet) and t (TSV). */
typedef enum vj_output_kind {
    VJ_TO_GUESS = 0,
    VJ_TO_PARQUET = 'p',
    VJ_TO_VCF = 'v',
    VJ_TO_VCF_GZ = 'z',
    VJ_TO_BCF = 'b',
    VJ_TO_BCF_PLAIN = 'u',
    VJ_TO_TSV = 't',
    VJ_TO_TSV_GZ = 'T'
} vj_output_kind;

/* Where a run stands; rows_total and bytes_total are -1 where unknown. */
typedef struct vj_progress {
    const char *stage;
    int64_t rows_done;
    int64_t bytes_done, bytes_total;
} vj_progress;

/* All strings are borrowed for the duration of the job. Zero means default. */
typedef struct vj_job_options {
    size_t struct_size;
    const char *input;  /* path or "-" */
    const char *output; /* path or "-" */
    /*
     * Several inputs in one sweep (annotate): files, not "-"; input is not looked at. output then
     * names a folder, made where need be, and each input's output is called as the input without
     * .vcf, .vcf.gz, .bcf or .parquet, with the suffix of output_kind (Parquet where it is guess).
     * All outputs appear when all are whole, or none does.
     */
    const char *const *inputs;
    int n_inputs;
    const char *temp_dir; /* NULL: beside the output */
    vj_output_kind output_kind;
    const char *compression; /* "zstd", "zstd:9", "none" ...; NULL: zstd */
    int compat;              /* Parquet that old readers understand */

    const vj_job_database *databases;
    int n_databases;
    vj_engine_kind engine;
    vj_duplicates duplicates;
    const char *columns;      /* -c list: "AF:=MAF,CLIN_*" */
    const char *join_columns; /* NULL: chrom,start,ref,alt */
    int start_base;           /* -1: read off the data; 0 or 1 */
    int any_order;
    int fail_on_empty;

    const char *samples; /* -s */
    int sites_only;
    int all_samples;
    const char *info_fields;
    const char *format_fields;
    int without_formats;
    int variants_only;
    const char *filter_pass; /* -f */
    double min_qual, min_dp, min_gq; /* NAN: none */
    const char *assume_number;
    int strict;
    const char *bad_records_path;
    int allow_truncated;
    const char *regions, *regions_file, *targets, *targets_file;

    int64_t memory_bytes; /* 0: 256 MB */
    int threads;          /* 0: CPUs of the machine */
    int write_index;
    int no_version;
    const char *command_line; /* for the provenance; NULL: none */
    int64_t rows_per_batch;   /* 0: from the budget */

    int64_t duckdb_memory_bytes; /* DuckDB's own limit where memory_bytes is 0; 0: its default */
    int duckdb_threads;          /* 0: threads */
    int duckdb_keep_insertion_order;
    int64_t polars_memory_bytes; /* hard limit of its worker where memory_bytes is 0; 0: none */
    const char *duckdb_library; /* path of libduckdb, NULL: where it is looked for */
    const char *python;         /* interpreter for the Polars worker */
    const char *sql_file;       /* duckdb: a SELECT of the user's over the views */
    const char *keep_normalized; /* also write the normalised table here */

    /* for the run record only */
    const char *user_name, *sample_name, *sample_description, *sequencing_type, *species,
        *reference_genome;
    const char *source_vcf; /* NULL: input; for tables that were normalised before */

    /* values of Dagster's two Pipes variables: the run then reports to it; NULL: it does not */
    const char *pipes_context, *pipes_messages;

    /*
     * Nothing is measured and there is no record, unless Dagster waits for one: to find out what
     * measuring costs.
     */
    int without_tracking;

    void (*log)(void *user, vj_log_level level, const char *text);
    void (*progress)(void *user, const vj_progress *progress);
    /* Variables that bound the machine (Slurm's), for the record; NULL: none are looked at. */
    const char *(*environment)(void *user, const char *name);
    void *user;

    int fail_on_skipped; /* VJ_E_POLICY where bad_records_path took a record; the output is whole */
    int spreadsheet; /* TSV: text that a spreadsheet would take for a formula begins with ' */
    int ignore_checksums; /* read pages of Parquet whose checksum differs, in input and databases */
} vj_job_options;
#define VJ_JOB_OPTIONS_INIT                                                                \
    {.struct_size = sizeof(vj_job_options), .start_base = -1, .min_qual = __builtin_nan(""), \
     .min_dp = __builtin_nan(""), .min_gq = __builtin_nan("")}

typedef struct vj_job vj_job;

/* Make a job; options are copied, their strings borrowed. */
VJ_API VJ_MUST_CHECK vj_status vj_job_new(const vj_job_options *options, vj_job **out,
                                          vj_error *err);
VJ_API void vj_job_free(vj_job *job);
/* Stop a running job from any thread or signal handler; it returns VJ_E_CANCELLED. */
VJ_API void vj_job_cancel(vj_job *job);

/* Join input with databases and write output. */
VJ_API VJ_MUST_CHECK vj_status vj_job_annotate(vj_job *job, vj_error *err);
/* Write the normalised table. */
VJ_API VJ_MUST_CHECK vj_status vj_job_normalize(vj_job *job, vj_error *err);
/*
 * The decision and what it would cost, as text or JSON, from headers and footers alone; released
 * with vj_text_free.
 */
VJ_API VJ_MUST_CHECK vj_status vj_job_plan(const vj_job_options *options, int as_json,
                                           char **out_text, vj_error *err);
/* Run record (schema varjoin.run/1) of the last run as JSON; owned by the job; "" before. */
VJ_API const char *vj_job_report_json(vj_job *job);
/* The table for people; owned by the job. */
VJ_API const char *vj_job_report_text(vj_job *job);
/* One row of MultiQC's custom content as JSON; owned by the job; "" before. */
VJ_API const char *vj_job_report_multiqc(vj_job *job);
VJ_API void vj_text_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
