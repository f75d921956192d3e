/*
 * report.h - the run record "varjoin.run/1": what was run, what it found, what it cost.
 *
 * Whoever knows a fact sets the field; zero, NULL and -1 (where said) mean "not known" and show
 * as null. Texts given to the functions are copied; texts assigned to fields directly must be
 * copied with vj_report_keep() or outlive the report. Any bytes will do: the sinks clean them.
 *
 *   vj_report *r = vj_report_new(&err);             cli/api: first thing in a run
 *   r->verb = "annotate"; r->source_vcf = path;
 *   vj_report_db *db = vj_report_add_db(r, "ensembl", &err);
 *   vj_report_count(r, db, "22", VJ_REASON_..., n)  engine: per database and contig, in bulk
 *   vj_track_end(track, &r->figures);
 *   vj_report_write_json(r, "run.json", &err); vj_report_table(r, &text, &err);
 *
 * threads: one at a time
 */
#ifndef VJ_TRACK_REPORT_H
#define VJ_TRACK_REPORT_H

#include "track/meter.h"

/* What became of an allele row in one database. */
typedef enum vj_reason {
    VJ_REASON_MATCHED = 0,
    VJ_REASON_NO_POSITION,   /* the database has no row that starts there */
    VJ_REASON_REF_DIFFERS,   /* it has, but with another REF */
    VJ_REASON_ALT_DIFFERS,   /* REF is the same, ALT is not */
    VJ_REASON_CONTIG_ABSENT, /* the database has nothing on this contig */
    VJ_REASON_NOT_MATCHABLE, /* symbolic, breakend, "*", missing ALT, a null in the key */
    VJ_REASON_COUNT
} vj_reason;
/* Names as in the record: "matched", "no_position", "ref_differs" ... */
const char *vj_reason_name(vj_reason reason);

typedef struct vj_report_contig {
    const char *name;
    int64_t n[VJ_REASON_COUNT]; /* allele rows by what became of them */
} vj_report_contig;

typedef struct vj_report_db {
    const char *name;
    const char *path;
    const char *release;
    const char *checksum;
    int64_t n_files;
    int64_t bytes;          /* of its files */
    int64_t rows;           /* in all its files; -1 unknown */
    int64_t n_rowgroups, n_rowgroups_read, rows_read; /* -1 unknown */
    int64_t matched_alleles;/* n[VJ_REASON_MATCHED]; kept by vj_report_count() */
    int64_t matched_rows;   /* output rows that carry a database row (duplicates repeat) */
    int64_t matched_records;/* records with at least one matched allele; -1 unknown */
    int64_t duplicate_keys; /* query keys that met more than one database row; -1 unknown */
    const char *duplicates; /* policy: all, first, error */
    const char *warning;    /* "nothing matched" and the like; NULL: none */
    int64_t n[VJ_REASON_COUNT]; /* sums over the contigs, kept by vj_report_count() */
    VJ_VEC(vj_report_contig) contigs;
} vj_report_db;

typedef struct vj_report_input {
    const char *path;
    const char *format; /* vcf, vcf.gz, bcf, parquet */
    int64_t bytes;      /* -1 unknown (a stream) */
    int64_t records;    /* -1 unknown */
} vj_report_input;

/* One of several inputs of a sweep, and what became of it; -1 unknown. */
typedef struct vj_report_sample {
    const char *input;
    const char *output;
    int64_t input_bytes;
    int64_t records_in;
    int64_t rows_in;       /* before filters */
    int64_t rows_joined;
    int64_t rows_expected; /* as in the report */
    int64_t rows_out;
    int64_t columns_out;
    int64_t output_bytes;
    const char *content_hash;
    VJ_VEC(vj_report_db *) dbs; /* this sample's counts, databases in the record's order */
} vj_report_sample;

/* A column of the output, for the schema in the record and in Dagster. */
typedef struct vj_report_column {
    const char *name;
    const char *type;   /* text, int32, float64, bool, list<text> ... */
    const char *origin; /* "input", "INFO", "FORMAT" or a database's name; may be NULL */
    const char *description; /* may be NULL */
} vj_report_column;

/* Cells that did not fit their type, by kind, with the first three. */
typedef struct vj_report_odd {
    const char *kind;
    int64_t n;
    size_t n_examples;
    const char *examples[3];
} vj_report_odd;

/* A figure or a word of one verb alone (a catalog's views, a database's contigs). */
typedef enum vj_fact_kind {
    VJ_FACT_TEXT = 0,
    VJ_FACT_PATH,
    VJ_FACT_INT,
    VJ_FACT_FLOAT,
    VJ_FACT_BOOL
} vj_fact_kind;
typedef struct vj_report_fact {
    const char *name; /* static; unit in the name, as everywhere in the record */
    vj_fact_kind kind;
    const char *text;
    double number; /* integers are exact up to 2^53 */
} vj_report_fact;

typedef struct vj_report_check {
    const char *name;
    bool passed;
    bool is_error; /* severity: ERROR, else WARN */
    const char *text;
} vj_report_check;

#define VJ_REPORT_ROWS_ANY ((int64_t)-2)

typedef struct vj_report {
    vj_arena arena; /* owns every text given through a function */

    /* what was run */
    const char *verb;
    const char *command_line;
    const char *version; /* set by _new */
    const char *engine;
    const char *engine_reason; /* why the planner took it */
    int64_t threads;
    int exit_status;
    const char *error; /* the one line of a failed run */
    bool host_known;
    vj_host host;

    /* names of SPEC section 8, shown verbatim */
    const char *user_name;
    const char *sample_name;
    const char *sample_description;
    const char *sequencing_type;
    const char *species;
    const char *reference_genome;
    const char *source_vcf;
    const char *output_file;
    const char *compression;

    /* what went in and came out; -1 unknown */
    int64_t records_in;        /* lines of the input */
    int64_t rows_in;           /* allele rows after splitting, before filters */
    int64_t rows_filtered;     /* removed by filters */
    int64_t rows_joined;       /* allele rows that went into the join */
    int64_t rows_expected;     /* rows the output must have; -1: as many as rows_joined,
                                * VJ_REPORT_ROWS_ANY: nobody knows, and no check is made */
    int64_t rows_out;
    int64_t columns_in;
    int64_t columns_out;
    int64_t output_bytes;
    const char *output_format;
    const char *content_hash;
    int64_t bad_records;       /* written aside by --bad-records */

    /* the promise of --memory; 0: none was made */
    int64_t memory_promise_bytes;
    int64_t budget_peak_bytes; /* highest use of the budget; 0 unknown */

    vj_track_figures figures;

    VJ_VEC(vj_report_input) inputs;
    VJ_VEC(vj_report_db *) dbs;
    VJ_VEC(vj_report_sample *) samples; /* none where there is one input */
    VJ_VEC(vj_report_column) columns;
    VJ_VEC(vj_report_odd) odd;
    VJ_VEC(vj_report_fact) facts;
    VJ_VEC(const char *) warnings;
} vj_report;

/* An empty report; unknown numbers are -1. NULL with err set without memory. */
vj_report *vj_report_new(vj_error *err);
void vj_report_free(vj_report *report);

/* Copy into the report's arena; NULL stays NULL. NULL with err set without memory. */
VJ_MUST_CHECK vj_status vj_report_keep(vj_report *report, const char *text, const char **out,
                                       vj_error *err);
VJ_MUST_CHECK vj_status vj_report_add_input(vj_report *report, const char *path,
                                            const char *format, int64_t bytes, int64_t records,
                                            vj_error *err);
/* The database of that name, added when new; NULL without memory. It stays where it is. */
vj_report_db *vj_report_add_db(vj_report *report, const char *name, vj_error *err);
/* Add n allele rows of one contig (shown name) and outcome; keeps the sums. */
VJ_MUST_CHECK vj_status vj_report_count(vj_report *report, vj_report_db *db, const char *contig,
                                        vj_reason reason, int64_t n, vj_error *err);
/* A further sample, all unknown; NULL without memory. It stays where it is. */
vj_report_sample *vj_report_add_sample(vj_report *report, vj_error *err);
/* A sample's counts of the next database; NULL without memory. They stay where they are. */
vj_report_db *vj_report_sample_db(vj_report *report, vj_report_sample *sample, const char *name,
                                  vj_error *err);
/* Add a sample's counts of a database to the record's own. */
VJ_MUST_CHECK vj_status vj_report_sum_db(vj_report *report, vj_report_db *sum,
                                         const vj_report_db *part, vj_error *err);
VJ_MUST_CHECK vj_status vj_report_add_column(vj_report *report, const char *name,
                                             const char *type, const char *origin,
                                             const char *description, vj_error *err);
/* Count n odd cells of a kind; the first three examples are kept. example may be NULL. */
VJ_MUST_CHECK vj_status vj_report_add_odd(vj_report *report, const char *kind, int64_t n,
                                          const char *example, vj_error *err);
/* A fact as text (copied; NULL: left out), or as a number of that kind. name must be static. */
VJ_MUST_CHECK vj_status vj_report_add_text(vj_report *report, const char *name, vj_fact_kind kind,
                                           const char *text, vj_error *err);
VJ_MUST_CHECK vj_status vj_report_add_number(vj_report *report, const char *name,
                                             vj_fact_kind kind, double number, vj_error *err);
VJ_MUST_CHECK vj_status vj_report_warn(vj_report *report, vj_error *err, const char *fmt, ...)
    VJ_PRINTF(3, 4);

#define VJ_REPORT_MAX_CHECKS 4
/*
 * The promises, looked at after the run: rows_in_equals_rows_out (ERROR), matches_above_zero
 * (WARN), memory_within_promise (ERROR). Those that cannot be judged are left out.
 * texts live in the report's arena.
 */
VJ_MUST_CHECK vj_status vj_report_checks(vj_report *report,
                                         vj_report_check out[VJ_REPORT_MAX_CHECKS],
                                         size_t *out_n, vj_error *err);

/* ---- sinks ---- */

/* The record as one JSON object, indented, with a newline at the end (docs/run.schema.json). */
VJ_MUST_CHECK vj_status vj_report_json(vj_report *report, vj_buf *out, vj_error *err);
/* The same into a file that appears whole or not at all. */
VJ_MUST_CHECK vj_status vj_report_write_json(vj_report *report, const char *path, vj_error *err);
/* Table for people, at most 100 columns wide, plain text; for stderr. */
VJ_MUST_CHECK vj_status vj_report_table(vj_report *report, vj_buf *out, vj_error *err);
/* MultiQC custom content: one general-statistics row and one bar per database. */
VJ_MUST_CHECK vj_status vj_report_multiqc(vj_report *report, vj_buf *out, vj_error *err);
VJ_MUST_CHECK vj_status vj_report_write_multiqc(vj_report *report, const char *path,
                                                vj_error *err);

#endif
