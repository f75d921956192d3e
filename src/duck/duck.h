/*
 * duck.h - the DuckDB engine: the real DuckDB, loaded at run time, joins Parquet with Parquet.
 *
 * in:      a keyed Parquet file of the left side (engine/ writes it) and, per database, Parquet
 *          files with the names of their key columns; nothing here depends on engine/
 * out:     one Parquet file, written by DuckDB itself; nothing of the result enters this process
 *          but the counts
 * relies:  base, os, built/built.h (catalogs show built databases as they are meant); libduckdb.so through dlopen, never linked
 * not:     reading the input, naming output columns, choosing the engine (engine/)
 * threads: a vj_duck belongs to one thread at a time; several may be open
 * tests:   unit/test_duck_sql.c, unit/test_duck_run.c (skips without the library),
 *          engines/test_duck.py (against a brute-force oracle)
 */
#ifndef VJ_DUCK_DUCK_H
#define VJ_DUCK_DUCK_H

#include "os/os.h"

/* ---- the library ---- */

typedef struct vj_duck_library {
    char version[32]; /* "v1.5.6" */
    char path[1024];  /* the file, as far as the loader tells */
} vj_duck_library;

/*
 * Is the library there, and is it right? For `doctor` and the planner; vj_duck_open does the
 * same by itself. path NULL: looked for beside the program (., ../lib, ../lib/varjoin, ../duckdb,
 * ../../duckdb) and by the system's loader; never in the working folder. Versions from 1.5.6 up
 * to, not including, 3 are accepted. What was loaded stays loaded, and serves all later calls of
 * the process whatever path they name.
 *
 * errors:  VJ_E_UNSUPPORTED: not found (the text says how to get it), another version, or a
 *          symbol that it lacks
 * threads: safe from any
 */
VJ_MUST_CHECK vj_status vj_duck_probe(const char *path, vj_duck_library *out, vj_error *err);

/* ---- quoting ---- */

/*
 * Append text as an SQL identifier "..." or as a string literal '...'. Any bytes but NUL may
 * stand in it (spans that hold one: VJ_E_USAGE); nothing in it can end the quotation.
 */
VJ_MUST_CHECK vj_status vj_duck_quote_name(vj_buf *sql, vj_span text, vj_error *err);
VJ_MUST_CHECK vj_status vj_duck_quote_text(vj_buf *sql, vj_span text, vj_error *err);
/* The same for a file name where DuckDB expands globs: the name stands for itself alone.
 * VJ_E_UNSUPPORTED for the one kind of name that cannot be said: with a backslash and * ? or [ */
VJ_MUST_CHECK vj_status vj_duck_quote_path(vj_buf *sql, const char *path, vj_error *err);

/* ---- a session ---- */

/* How much of the statement is done, 0..1; called from a thread of the session, up to ten times
 * a second, and only where DuckDB can tell. It never goes back within one statement. */
typedef void (*vj_duck_progress)(void *arg, double fraction);

typedef struct vj_duck_options {
    vj_budget *budget;          /* of our own small memory; may be NULL */
    const char *library_path;   /* see vj_duck_probe; may be NULL */
    const char *database_path;  /* NULL: in memory */
    bool read_only;             /* database_path must exist */
    int64_t memory_limit_bytes; /* DuckDB's own limit; 0: its default */
    int threads;                /* 0: its default */
    const char *temp_dir;       /* parent of the private spill folder; NULL: /tmp */
    int64_t spill_limit_bytes;  /* 0: what the disk has */
    bool keep_insertion_order;  /* off: less memory; the join orders by itself */
    const vj_stop *stop;        /* may be NULL; a running statement ends within a second */
    vj_duck_progress progress;  /* may be NULL */
    void *progress_arg;
} vj_duck_options;

/*
 * What to give DuckDB so that the whole process stays within total_bytes: its memory_limit
 * covers its buffers only; code, Parquet buffers and the allocator come on top (measured: up to
 * 80 MB with one thread, 60 MB more for each further one). Pure. *threads is lowered to 1 below
 * 900 MB, and so that half of the total is DuckDB's own. Never less than 96 MB, without which DuckDB gives up instead of spilling: so a total
 * below 176 MB is exceeded. VJ_DUCK_FIXED_BYTES on top of total_bytes hold in every case; that
 * is what the docs and doctor promise and bench/memory.py checks.
 */
#define VJ_DUCK_FIXED_BYTES (80LL * 1000 * 1000)
int64_t vj_duck_memory_within(int64_t total_bytes, int *threads);
/* Rows of a row group of a result for this memory_limit (0: DuckDB's default): DuckDB holds a
 * row group of the result outside its limit while it encodes it. Pure. */
int64_t vj_duck_rowgroup_rows(int64_t memory_limit_bytes);

typedef struct vj_duck vj_duck;

/*
 * errors:  VJ_E_UNSUPPORTED (library), VJ_E_CORRUPT (database_path is not a DuckDB file or is
 *          damaged), VJ_E_NOTFOUND, VJ_E_OUTPUT (spill folder), VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_duck_open(const vj_duck_options *options, vj_duck **out,
                                     vj_error *err);
/* Closes it and removes the spill folder. NULL allowed. */
void vj_duck_free(vj_duck *duck);
/*
 * Run one statement; its rows are dropped. *n_changed (may be NULL): rows written, or 0.
 * Errors of DuckDB are mapped: out of memory NOMEM, interrupt CANCELLED, missing files NOTFOUND,
 * damaged files CORRUPT, disk full OUTPUT, unknown columns SCHEMA, syntax USAGE.
 */
VJ_MUST_CHECK vj_status vj_duck_exec(vj_duck *duck, const char *sql, int64_t *n_changed,
                                     vj_error *err);
/*
 * Run one statement and hand each row's cells as text to the callback (NULL cells: ptr NULL).
 * Every column must be text: write CAST(... AS VARCHAR). A status other than VJ_OK ends it.
 */
typedef vj_status (*vj_duck_row)(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err);
VJ_MUST_CHECK vj_status vj_duck_query(vj_duck *duck, const char *sql, vj_duck_row row, void *arg,
                                      vj_error *err);

/*
 * Distinct values of a column over Parquet files, as text, into map (value 0). For the contig
 * spellings of a database: a file whose row groups have one value each costs its footer only, of
 * any other file that one column is read.
 */
VJ_MUST_CHECK vj_status vj_duck_distinct(vj_duck *duck, const char *const *paths, int32_t n_paths,
                                         const char *column, vj_map *values, vj_error *err);

/* ---- the join ---- */

/* How ALT is kept in a database. */
typedef enum vj_duck_alt {
    VJ_DUCK_ALT_TEXT,   /* one ALT per row; text with ',' or '|' never matches */
    VJ_DUCK_ALT_JOINED, /* text; ',' and '|' separate several */
    VJ_DUCK_ALT_LIST    /* list of text */
} vj_duck_alt;

typedef enum vj_duck_duplicates {
    VJ_DUCK_DUP_ALL,   /* one output row per database row, in database order */
    VJ_DUCK_DUP_FIRST, /* the first in database order */
    VJ_DUCK_DUP_ERROR  /* VJ_E_CORRUPT naming the first left row whose key has two database rows */
} vj_duck_duplicates;

/* A spelling of a contig in a database's files and the canonical name that it stands for. */
typedef struct vj_duck_contig {
    const char *raw;
    const char *canonical;
} vj_duck_contig;

typedef struct vj_duck_column {
    const char *source; /* name in the file; NULL: in no file that is read, all null */
    const char *name;   /* name in the output */
    const char *cast;   /* SQL type to cast to; NULL: as DuckDB reads it */
} vj_duck_column;

/* left.left_name = database.db_name. */
typedef struct vj_duck_pair {
    const char *left_name;
    const char *db_name;
    bool as_text;   /* both cast to text: for columns of different kinds */
    bool fold_case; /* text, ASCII letters folded (alleles) */
} vj_duck_pair;

/* Parts of the key rule that a join uses. */
enum {
    VJ_DUCK_KEY_CONTIG = 1,
    VJ_DUCK_KEY_POS = 2,
    VJ_DUCK_KEY_ALLELES = 4,
    VJ_DUCK_KEY_ALL = 7
};

typedef struct vj_duck_db {
    const char *name;             /* for messages */
    const char *const *paths;     /* only files that are needed, in database order */
    int32_t n_paths;              /* 0: nothing matches, all payload columns are null */
    /* "expr AS name, ..." that gives the columns below from what the files hold; NULL: the files
     * have them as they are */
    const char *projection;
    bool keys_stored; /* its chrom and start are columns of the files themselves */
    const char *chrom, *start, *ref, *alt; /* column names; those that the key uses */
    /* SQL types of chrom and start, for the builder; NULL: _run_join asks the files. */
    const char *chrom_type, *start_type;
    int start_base;               /* 0 or 1 */
    vj_duck_alt alt_kind;
    const vj_duck_contig *contigs; /* every raw spelling to be met; others never match */
    int32_t n_contigs;
    int64_t pos1_min, pos1_max;   /* rows outside are not needed; both 0: no bound */
    int key;                      /* VJ_DUCK_KEY_*; 0: the pairs alone */
    const vj_duck_pair *pairs;    /* further (or other) equalities */
    int32_t n_pairs;
    const vj_duck_column *payload;
    const char *const *payload_types; /* SQL types, for columns that no file read has; NULL: VARCHAR */
    int32_t n_payload;
} vj_duck_db;

typedef struct vj_duck_kv {
    const char *key;
    const char *value;
} vj_duck_kv;

/*
 * The left file has the columns to be shown and the key columns:
 *   __vj_row    BIGINT   0, 1, 2 ... in input order, each once
 *   __vj_contig VARCHAR  canonical contig
 *   __vj_pos    BIGINT   1-based
 *   __vj_ref    VARCHAR  upper case, trimmed where the record was split
 *   __vj_alt    VARCHAR  the same; NULL where the allele never matches
 *
 * Match (all parts that `key` names): contig spelling maps to __vj_contig; start + (1 - base) =
 * __vj_pos; alleles equal, ASCII case folded. A database row with one ALT is compared as it
 * stands; one with several (joined or list) gives a candidate per ALT with the suffix shared with
 * REF cut, leaving a base in each. A row whose candidates coincide counts once. NULL in a key, and
 * alleles with anything but letters, never match. Several databases give the product per left
 * row, in the order of the databases' rows (file, row in file), the last database fastest.
 */
typedef struct vj_duck_join {
    const char *left_path;
    const vj_duck_column *left; /* columns to be shown, in order */
    int32_t n_left;
    int64_t n_left_rows;        /* of the file: for the match ledger (a byte a row and db) */
    int64_t row_beg, row_end;   /* only left rows with beg <= __vj_row < end; both 0: all */
    int64_t rows_per_statement; /* 0: _run_join decides by the session's memory limit */
    const vj_duck_db *dbs;
    int32_t n_dbs;
    vj_duck_duplicates duplicates;
    bool any_order;             /* leave out the final sort */
    const char *out_path;       /* overwritten; temp path of a vj_outfile */
    const char *codec;          /* "zstd", "snappy", "gzip", "lz4_raw", "brotli", "uncompressed" */
    int level;                  /* zstd only; 0: default */
    int64_t rows_per_rowgroup;  /* 0: 122,880 */
    const vj_duck_kv *kvs;      /* into the footer */
    int32_t n_kvs;
} vj_duck_join;

/* Whole statement COPY (SELECT ...) TO ...; with_tally adds the counting calls of _run_join. */
VJ_MUST_CHECK vj_status vj_duck_join_sql(const vj_duck_join *join, bool with_tally, vj_buf *sql,
                                         vj_error *err);

/* How near a left row came to a match with a database. */
enum {
    VJ_DUCK_BEST_NONE = 0,     /* no row with its contig and position (or pairs) */
    VJ_DUCK_BEST_POSITION = 1, /* there are, none with its REF */
    VJ_DUCK_BEST_REF = 2,      /* there are, none with its ALT */
    VJ_DUCK_BEST_MATCH = 3,
    VJ_DUCK_BEST_SEVERAL = 4   /* a flag beside _MATCH: it met more than one row */
};

/* Of one database. */
typedef struct vj_duck_db_counts {
    int64_t n_pairs;      /* (left row, database row) matches, before the duplicate policy */
    int64_t n_left_rows;  /* left rows with a match */
    int64_t n_multi_rows; /* left rows with more than one */
    int64_t n_result_rows; /* rows of the result that carry one of its rows */
    uint8_t *best; /* caller's array of n_left_rows, or NULL: VJ_DUCK_BEST_* per __vj_row */
} vj_duck_db_counts;

typedef struct vj_duck_counts {
    int64_t n_rows; /* written */
    int64_t n_all_rows; /* that the result must have, by the matches and the duplicate policy */
    vj_duck_db_counts *dbs; /* caller's array of n_dbs, or NULL */
} vj_duck_counts;

/*
 * Run the join, by one statement; but where the session has a memory limit and the tables to be
 * joined or sorted are expected to be, or turn out to be, much larger than it, by one for each of
 * several ranges of left rows, whose results are then appended in order. After an error nothing
 * usable is at out_path.
 */
VJ_MUST_CHECK vj_status vj_duck_run_join(vj_duck *duck, const vj_duck_join *join,
                                         vj_duck_counts *counts, vj_error *err);

/* ---- the user's own statement ---- */

/*
 * COPY (the user's SELECT) TO join->out_path, with views `sample` (the left columns of
 * join->left_path), `sample_rows` (the same with the ordinal __vj_row before them, for ORDER BY)
 * and one per database by name (all columns of its files).
 * select: one SELECT or WITH statement; anything else is VJ_E_USAGE. The rows come in the order
 * that the statement asks for.
 */
VJ_MUST_CHECK vj_status vj_duck_run_select(vj_duck *duck, const vj_duck_join *join,
                                           vj_span select, int64_t *n_rows, vj_error *err);
/* Plan of the join as DuckDB prints it, into out. */
VJ_MUST_CHECK vj_status vj_duck_explain_join(vj_duck *duck, const vj_duck_join *join, vj_buf *out,
                                             vj_error *err);

/* ---- catalog ---- */

/* One database of a catalog: the view's name and where its files are (file, folder or glob). */
typedef struct vj_duck_catalog_entry {
    const char *name;
    const char *pattern;
} vj_duck_catalog_entry;

typedef struct vj_duck_catalog_report {
    bool rebuilt;       /* false: the catalog was up to date and was not touched */
    int64_t n_files;
    int64_t n_bytes;    /* of the Parquet files */
    int64_t size_bytes; /* of the catalog */
} vj_duck_catalog_report;

/*
 * Write a DuckDB file with one view per entry over read_parquet(), plus the view
 * `varjoin_catalog` (name, pattern, files, bytes, fingerprint). No table, so it stays small
 * whatever the files' size. Paths are made absolute. When an existing catalog has the views that
 * the new one has, to the letter (the fingerprint of paths, sizes and times of the files is in
 * them), nothing is written. Otherwise it appears under out_path by rename. What stands there is
 * read as text: none of its SQL runs.
 *
 * errors:  VJ_E_NOTFOUND (no Parquet file there), VJ_E_CORRUPT (a file that is not Parquet, an
 *          existing out_path that is not DuckDB's),
 *          VJ_E_USAGE (two entries of one name, letter case aside; out_path exists and is no
 *          catalog of ours: not a file, over 64 MB, without our view, with a table), as vj_duck_open
 */
VJ_MUST_CHECK vj_status vj_duck_catalog_write(const vj_duck_options *options,
                                              const vj_duck_catalog_entry *entries,
                                              int32_t n_entries, const char *out_path,
                                              vj_duck_catalog_report *report, vj_error *err);

#endif
