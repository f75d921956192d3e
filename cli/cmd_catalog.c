/* cmd_catalog.c - varjoin catalog: a DuckDB file with one view per database, and no table. */
#include <stdlib.h>

#include "duck/duck.h"
#include "tracked.h"

enum { OPT_DUCKDB_LIB = 256, OPT_TEMP_DIR, OPT_REPORT };

static const vj_cli_option options[] = {
    {'o', "output", "FILE", "Output", "the catalog to write", NULL},
    {'a', "annotate", "NAME=PATH", "Input", "a database and its name; may be repeated", NULL},
    TRACKED_OPTION(OPT_REPORT),
    {OPT_DUCKDB_LIB, "duckdb-lib", "FILE", "Machine", "libduckdb.so to load",
     "VARJOIN_DUCKDB_LIB"},
    {OPT_TEMP_DIR, "temp-dir", "DIR", "Machine", "where the temporary folder is made [/tmp]",
     "VARJOIN_TEMP_DIR"},
    {0},
};

#define MAX_DATABASES 1000

typedef struct arguments {
    const char *output;
    const char *report_path;
    vj_duck_options duck;
    vj_duck_catalog_entry *entries;
    int32_t n_entries;
    char **owned; /* names that were cut out of paths */
} arguments;

/* Name of a database that was given as a path alone: its last part, without .parquet. */
static char *name_of_path(const char *path)
{
    size_t end = strlen(path);
    char *name = NULL;

    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t beg = end;
    while (beg > 0 && path[beg - 1] != '/')
        beg--;
    /* A glob is named after its folder. */
    if (memchr(path + beg, '*', end - beg) != NULL && beg > 1) {
        end = beg - 1;
        for (beg = end; beg > 0 && path[beg - 1] != '/';)
            beg--;
    }
    if (end - beg > 8 && memcmp(path + end - 8, ".parquet", 8) == 0)
        end -= 8;
    if ((name = malloc(end - beg + 1)) != NULL) {
        memcpy(name, path + beg, end - beg);
        name[end - beg] = '\0';
    }
    return name;
}

static vj_status add_entry(arguments *a, const char *text, vj_error *err)
{
    const char *equals = strchr(text, '=');
    char *name = NULL;

    if (a->n_entries == MAX_DATABASES)
        return vj_fail(err, VJ_E_USAGE, "more than %d databases", MAX_DATABASES);
    /* A path may hold '=' too: what exists as it stands is a path. */
    if (equals == NULL || vj_path_exists(text)) {
        name = name_of_path(text);
        equals = text - 1;
    } else if ((name = malloc((size_t)(equals - text) + 1)) != NULL) {
        memcpy(name, text, (size_t)(equals - text));
        name[equals - text] = '\0';
    }
    if (name == NULL)
        return vj_fail(err, VJ_E_NOMEM, "no memory for the names");
    a->owned[a->n_entries] = name;
    a->entries[a->n_entries++] = (vj_duck_catalog_entry){.name = name, .pattern = equals + 1};
    return VJ_OK;
}

/* VJ_OK with *code < 0: go on; else the run ends with *code. */
static vj_status parse(int argc, char **argv, const vj_cli_verb *verb, arguments *a, int *code,
                       vj_error *err)
{
    vj_cli_args args;
    int id = 0;

    *code = -1;
    vj_cli_args_init(&args, verb, argc, argv);
    while ((id = vj_cli_next(&args)) > 0) {
        switch (id) {
        case 'o': a->output = args.value; break;
        case 'a': VJ_TRY(add_entry(a, args.value, err)); break;
        case OPT_DUCKDB_LIB: a->duck.library_path = args.value; break;
        case OPT_TEMP_DIR: a->duck.temp_dir = args.value; break;
        case OPT_REPORT: a->report_path = args.value; break;
        default: break;
        }
    }
    if (id == VJ_CLI_EXIT) {
        *code = args.exit_code;
        return VJ_OK;
    }
    for (int i = 0; i < args.n_rest; i++)
        VJ_TRY(add_entry(a, args.rest[i], err));
    if (a->output == NULL)
        return vj_fail(err, VJ_E_USAGE, "where to? give -o FILE.duckdb");
    if (a->n_entries == 0)
        return vj_fail(err, VJ_E_USAGE, "which databases? give folders or NAME=PATH");
    return VJ_OK;
}

static void say_result(const arguments *a, const vj_duck_catalog_report *report)
{
    char size[32], files[32];

    vj_format_size(size, sizeof size, report->size_bytes);
    vj_format_size(files, sizeof files, report->n_bytes);
    vj_cli_note("%s %s: %d views over %lld files (%s), %s", a->output,
                report->rebuilt ? "written" : "is up to date", a->n_entries,
                (long long)report->n_files, files, size);
}

static vj_status note_views(vj_report *to, const arguments *a, vj_error *err)
{
    vj_buf names = {0};
    vj_status rc = VJ_OK;

    for (int32_t i = 0; i < a->n_entries; i++)
        VJ_GO(rc, vj_buf_printf(&names, err, "%s%s", i > 0 ? ", " : "", a->entries[i].name));
    VJ_GO(rc, vj_buf_push(&names, 0, err));
    VJ_GO(rc, vj_report_add_text(to, "view_names", VJ_FACT_TEXT, (const char *)names.ptr, err));
out:
    vj_buf_fini(&names);
    return rc;
}

/* The names that the pipeline's own asset shows, and where they say more, ours. */
static vj_status note_result(vj_report *to, const arguments *a,
                             const vj_duck_catalog_report *report, vj_error *err)
{
    to->engine = "duckdb";
    to->output_file = a->output;
    to->output_format = "duckdb";
    to->output_bytes = report->size_bytes;
    VJ_TRY(vj_report_add_text(to, "db_path", VJ_FACT_PATH, a->output, err));
    VJ_TRY(vj_report_add_number(to, "db_size_mb", VJ_FACT_FLOAT, (double)report->size_bytes / 1e6,
                                err));
    VJ_TRY(vj_report_add_number(to, "num_views", VJ_FACT_INT, a->n_entries, err));
    VJ_TRY(note_views(to, a, err));
    VJ_TRY(vj_report_add_number(to, "total_parquet_files", VJ_FACT_INT, (double)report->n_files,
                                err));
    VJ_TRY(vj_report_add_number(to, "total_parquet_mb", VJ_FACT_FLOAT,
                                (double)report->n_bytes / 1e6, err));
    VJ_TRY(vj_report_add_text(to, "storage_type", VJ_FACT_TEXT, "views over Parquet", err));
    VJ_TRY(vj_report_add_number(to, "memory_efficient", VJ_FACT_BOOL, 1, err));
    return vj_report_add_text(to, "status", VJ_FACT_TEXT,
                              report->rebuilt ? "built" : "up to date", err);
}

static vj_status write_catalog(const arguments *a, tracked *t, vj_error *err)
{
    vj_duck_catalog_report report = {0};

    VJ_TRY(vj_duck_catalog_write(&a->duck, a->entries, a->n_entries, a->output, &report, err));
    say_result(a, &report);
    return note_result(t->report, a, &report, err);
}

static int run_catalog(int argc, char **argv)
{
    extern const vj_cli_verb vj_verb_catalog;
    arguments a = {.duck = {.stop = vj_cli_stop(), .threads = 2}};
    tracked t = {0};
    vj_error err = {0};
    int code = -1;
    vj_status rc = VJ_E_NOMEM;

    a.entries = calloc(MAX_DATABASES, sizeof *a.entries);
    a.owned = calloc(MAX_DATABASES, sizeof *a.owned);
    if (a.entries == NULL || a.owned == NULL)
        vj_fail(&err, rc, "no memory for the list of databases");
    else
        rc = parse(argc, argv, &vj_verb_catalog, &a, &code, &err);
    if (rc == VJ_OK && code < 0) {
        rc = tracked_begin(&t, "catalog", argc, argv, &err);
        t.report_path = a.report_path;
        if (rc == VJ_OK)
            rc = write_catalog(&a, &t, &err);
        code = tracked_end(&t, rc, &err);
    } else if (rc != VJ_OK) {
        code = vj_cli_error(&err);
    }
    for (int32_t i = 0; i < a.n_entries; i++)
        free(a.owned[i]);
    free(a.owned);
    free(a.entries);
    return code;
}

extern const vj_cli_verb vj_verb_catalog;
const vj_cli_verb vj_verb_catalog = {
    .name = "catalog",
    .args = "[options] -o FILE.duckdb {DIR | NAME=PATH}...",
    .summary = "write a DuckDB file with one view per database",
    .details = "The file holds views over the Parquet files and no copy of them: it stays below a "
               "megabyte, and any DuckDB client of this version (1.5.6) or newer reads it. A "
               "database is a folder, a file or a glob; its name is the last part of the path "
               "unless NAME=PATH gives another. The view varjoin_catalog tells what the views "
               "stand on. When files have changed the catalog is written anew, else it is left as "
               "it is.",
    .options = options,
    .run = run_catalog,
};
