/*
 * job_args.h - options that annotate, normalize and plan share: one list of rows, one parser.
 */
#ifndef VJ_CLI_JOB_ARGS_H
#define VJ_CLI_JOB_ARGS_H

#include "cli.h"
#include "varjoin/job.h"

enum {
    OPT_SITES_ONLY = 256,
    OPT_ALL_SAMPLES,
    OPT_INFO_FIELDS,
    OPT_FORMAT_FIELDS,
    OPT_NO_FORMATS,
    OPT_VARIANTS_ONLY,
    OPT_MIN_QUAL,
    OPT_MIN_DP,
    OPT_MIN_GQ,
    OPT_ASSUME_NUMBER,
    OPT_STRICT,
    OPT_BAD_RECORDS,
    OPT_FAIL_ON_SKIPPED,
    OPT_ALLOW_TRUNCATED,
    OPT_NO_CHECKSUMS,
    OPT_COMPRESSION,
    OPT_COMPAT,
    OPT_NO_VERSION,
    OPT_REPORT,
    OPT_MULTIQC,
    OPT_BATCH_ROWS,
    OPT_TEMP_DIR,
    OPT_USER_NAME,
    OPT_SAMPLE_NAME,
    OPT_SAMPLE_DESCRIPTION,
    OPT_SEQUENCING_TYPE,
    OPT_SPECIES,
    OPT_REFERENCE_GENOME,
    OPT_SOURCE_VCF,
    OPT_ENGINE,
    OPT_DUPLICATES,
    OPT_JOIN_COLUMNS,
    OPT_START_BASE,
    OPT_ANY_ORDER,
    OPT_FAIL_ON_EMPTY,
    OPT_SPREADSHEET,
    OPT_RELEASE,
    OPT_DUCKDB_LIB,
    OPT_PYTHON,
    OPT_SQL_FILE,
    OPT_JSON,
    OPT_DUCKDB_MEMORY,
    OPT_DUCKDB_THREADS
};

/* Rows of the option table of every verb that runs a job. */
#define JOB_OPTIONS                                                                        \
    {'o', "output", "FILE", "Output", "where to write; - is standard output", NULL},       \
    {'O', "output-type", "p|v|z|b|u|t", "Output",                                          \
     "Parquet, VCF, VCF.gz, BCF, uncompressed BCF or TSV\n(guessed from the suffix)", NULL}, \
    {OPT_COMPRESSION, "compression", "CODEC[:LEVEL]", "Output",                            \
     "of Parquet: zstd (default), snappy, gzip, lz4, brotli, none", "VARJOIN_COMPRESSION"}, \
    {OPT_COMPAT, "compat", NULL, "Output", "Parquet that old readers understand", NULL},   \
    {'W', "write-index", NULL, "Output", "index beside VCF.gz or BCF (files have one anyway)", NULL},     \
    {OPT_SPREADSHEET, "spreadsheet", NULL, "Output",                                       \
     "TSV for spreadsheets: text like a formula begins with '", NULL},                     \
    {OPT_NO_VERSION, "no-version", NULL, "Output",                                         \
     "leave version and command line out of the output", NULL},                            \
    {OPT_REPORT, "report", "FILE", "Output", "write the run record as JSON", "VARJOIN_REPORT"}, \
    {OPT_MULTIQC, "multiqc", "FILE", "Output", "write figures for MultiQC as JSON", NULL}, \
    {'r', "regions", "CHR[:BEG-END],...", "Records", "only records that overlap, by index", NULL}, \
    {'R', "regions-file", "FILE", "Records", "the same from a file (BED or TAB)", NULL},   \
    {'t', "targets", "[^]CHR[:BEG-END],...", "Records", "only records there, streamed; ^ negates", NULL}, \
    {'T', "targets-file", "[^]FILE", "Records", "the same from a file", NULL},             \
    {'f', "apply-filters", "LIST", "Records", "only records with one of these FILTERs (PASS,.)", NULL}, \
    {OPT_MIN_QUAL, "min-qual", "X", "Records", "only records with at least this QUAL", NULL}, \
    {OPT_MIN_DP, "min-dp", "N", "Records", "only records with at least this depth (DP)", NULL}, \
    {OPT_MIN_GQ, "min-gq", "N", "Records", "only records with at least this GQ", NULL},    \
    {OPT_VARIANTS_ONLY, "variants-only", NULL, "Records", "drop the reference blocks of gVCF", NULL}, \
    {OPT_BAD_RECORDS, "bad-records", "skip=FILE", "Records",                               \
     "set broken records aside instead of stopping", NULL},                                \
    {OPT_FAIL_ON_SKIPPED, "fail-on-skipped", NULL, "Records",                              \
     "exit 4 when records were set aside; the output is complete", NULL},                  \
    {OPT_STRICT, "strict", NULL, "Records", "stop at a value that does not fit its type", NULL}, \
    {OPT_ALLOW_TRUNCATED, "allow-truncated", NULL, "Records",                              \
     "accept BGZF without its end block", NULL},                                           \
    NO_CHECKSUMS_OPTION(OPT_NO_CHECKSUMS, "Records"),                                      \
    {'s', "samples", "[^]LIST", "Columns", "these samples (^: all but these)", NULL},      \
    {OPT_ALL_SAMPLES, "all-samples", NULL, "Columns", "one row per sample and allele", NULL}, \
    {OPT_SITES_ONLY, "sites-only", NULL, "Columns", "no genotype and no FORMAT columns", NULL}, \
    {OPT_INFO_FIELDS, "info-fields", "LIST", "Columns", "only these INFO fields", NULL},   \
    {OPT_FORMAT_FIELDS, "format-fields", "LIST", "Columns", "only these FORMAT fields", NULL}, \
    {OPT_NO_FORMATS, "no-formats", NULL, "Columns", "no FORMAT columns", NULL},            \
    {OPT_ASSUME_NUMBER, "assume-number", "TAG=A|R,...", "Columns",                         \
     "treat a Number=. field as one per allele", NULL},                                    \
    {'@', "threads", "N", "Resources", "threads (default: what the machine has)", "VARJOIN_THREADS"}, \
    {'m', "memory", "SIZE", "Resources", "never use more than this (default 256MB)", "VARJOIN_MEMORY"}, \
    {OPT_TEMP_DIR, "temp-dir", "DIR", "Resources", "for spilled data (default: beside the output)", "TMPDIR"}, \
    {OPT_BATCH_ROWS, "batch-rows", "N", "Resources", "rows in one batch (default: from the memory)", NULL}, \
    {OPT_USER_NAME, "user-name", "TEXT", "Run record", "shown in the run record", NULL},   \
    {OPT_SAMPLE_NAME, "sample-name", "TEXT", "Run record", "shown in the run record", NULL}, \
    {OPT_SAMPLE_DESCRIPTION, "sample-description", "TEXT", "Run record", "shown in the run record", NULL}, \
    {OPT_SEQUENCING_TYPE, "sequencing-type", "TEXT", "Run record", "shown in the run record (WGS, WES, ...)", NULL}, \
    {OPT_SPECIES, "species", "TEXT", "Run record", "shown in the run record", NULL},       \
    {OPT_REFERENCE_GENOME, "reference-genome", "TEXT", "Run record", "shown in the run record", NULL}, \
    {OPT_SOURCE_VCF, "source-vcf", "FILE", "Run record", "where a normalised input came from", NULL}

/* Rows that only make sense where databases are joined. */
#define JOIN_OPTIONS                                                                       \
    {'a', "annotations", "NAME=PATH", "Databases",                                         \
     "database: file, folder or glob of Parquet; may be repeated", NULL},                  \
    {OPT_RELEASE, "release", "TEXT", "Databases", "release of the database named before", NULL}, \
    {'c', "columns", "LIST", "Databases", "database columns: NAME, NEW:=NAME, patterns with *", NULL}, \
    {OPT_DUPLICATES, "duplicates", "all|first|error", "Databases",                         \
     "what to do with keys that a database has twice", NULL},                              \
    {OPT_START_BASE, "start-base", "0|1", "Databases",                                     \
     "how databases count starts (default: read off the data)", NULL},                     \
    {OPT_FAIL_ON_EMPTY, "fail-on-empty", NULL, "Databases", "exit 4 when nothing matched", NULL}, \
    {OPT_ENGINE, "engine", "auto|native|polars|duckdb", "Engine", "what performs the join", "VARJOIN_ENGINE"}, \
    {OPT_JOIN_COLUMNS, "join-columns", "LIST", "Engine", "join on these (default chrom,start,ref,alt)", NULL}, \
    {OPT_ANY_ORDER, "any-order", NULL, "Engine", "rows may come in any order", NULL},      \
    {OPT_SQL_FILE, "sql-file", "FILE", "Engine", "duckdb: a SELECT of your own over the views", NULL}, \
    {OPT_DUCKDB_MEMORY, "duckdb-memory", "SIZE", "Engine",                                 \
     "DuckDB's memory_limit (default: 75 % of what the machine has)", "VARJOIN_DUCKDB_MEMORY"}, \
    {OPT_DUCKDB_THREADS, "duckdb-threads", "N", "Engine", "DuckDB's threads",               \
     "VARJOIN_DUCKDB_THREADS"},                                                             \
    {OPT_DUCKDB_LIB, "duckdb-lib", "FILE", "Engine", "the DuckDB library", "VARJOIN_DUCKDB_LIB"}, \
    {OPT_PYTHON, "python", "FILE", "Engine", "the Python that has Polars", "VARJOIN_PYTHON"}

#define MAX_DATABASES 64

typedef struct job_args {
    vj_job_options options;
    vj_job_database databases[MAX_DATABASES];
    char names[MAX_DATABASES][128];
    const char *report_path;
    int as_json; /* plan */
    const char *multiqc_path;
    char *command_line;
} job_args;

/*
 * Parse a job's command line. Returns -1 to go on, else the exit code (help, or a mistake that
 * has been said). args->command_line is the caller's to vj_free.
 */
int job_args_parse(job_args *args, const vj_cli_verb *verb, int argc, char **argv);

typedef vj_status (*job_function)(vj_job *job, vj_error *err);
/* Run, show the table of costs, write the record; the exit code. */
int job_args_run(job_args *args, job_function run);

#endif
