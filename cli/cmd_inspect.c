/* cmd_inspect.c - varjoin inspect: what files say about themselves. */
#include "cli.h"

#include "varjoin/inspect.h"

enum { ID_JSON = 256, ID_ROWGROUPS, ID_PAGES, ID_FULL, ID_HEAD, ID_MEMORY, ID_NO_CHECKSUMS };

static const vj_cli_option options[] = {
    {ID_ROWGROUPS, "row-groups", NULL, "Parquet", "each row group with its column chunks", NULL},
    {ID_PAGES, "pages", "COLUMN", "Parquet", "the pages of a column", NULL},
    {ID_HEAD, "head", "N", "Parquet", "instead, the first N rows as TSV", NULL},
    NO_CHECKSUMS_OPTION(ID_NO_CHECKSUMS, "Parquet"),
    {ID_FULL, "full", NULL, "Output", "key-values, names and header lines uncut", NULL},
    {ID_JSON, "json", NULL, "Output", "JSON: an object for one file, an array for several", NULL},
    {ID_MEMORY, "memory", "SIZE", "Output", "bound of memory [256MB]", "VARJOIN_MEMORY"},
    {0},
};

static int vj_cmd_inspect(int argc, char **argv);

const vj_cli_verb vj_verb_inspect = {
    .name = "inspect",
    .args = "[options] FILE...",
    .summary = "schema, row groups, pages, statistics, provenance of Parquet, VCF and BCF files",
    .details = "Parquet of any writer, VCF (text, gzip, BGZF) and BCF; '-' is VCF or BCF on standard\n"
               "input. Reads footers and headers, and values only for --head.",
    .options = options,
    .run = vj_cmd_inspect,
};

static vj_status take_option(const vj_cli_args *args, int id, vj_inspect_options *o,
                             vj_error *err)
{
    switch (id) {
    case ID_JSON: o->json = 1; return VJ_OK;
    case ID_ROWGROUPS: o->row_groups = 1; return VJ_OK;
    case ID_PAGES: o->pages_of = args->value; return VJ_OK;
    case ID_HEAD: return vj_cli_int(args, 1, 100000, &o->head_rows, err);
    case ID_NO_CHECKSUMS: o->ignore_checksums = 1; return VJ_OK;
    case ID_FULL: o->whole_values = 1; return VJ_OK;
    default: return vj_cli_size(args, &o->memory_bytes, err);
    }
}

static void print_piece(void *user, const char *text, size_t len)
{
    (void)user;
    fwrite(text, 1, len, stdout);
}

static vj_status inspect_all(const vj_inspect_options *o, char **paths, int n, vj_error *err)
{
    if (o->json && n > 1)
        puts("[");
    for (int i = 0; i < n; i++) {
        if (i > 0)
            puts(o->json ? "," : "");
        VJ_TRY(vj_inspect(paths[i], o, print_piece, NULL, err));
        if (o->json)
            puts("");
    }
    if (o->json && n > 1)
        puts("]");
    return VJ_OK;
}

static int vj_cmd_inspect(int argc, char **argv)
{
    vj_inspect_options o = VJ_INSPECT_OPTIONS_INIT;
    vj_cli_args args;
    vj_error err = {0};
    vj_error flush_err = {0};
    int id;

    vj_cli_args_init(&args, &vj_verb_inspect, argc, argv);
    while ((id = vj_cli_next(&args)) > 0)
        if (take_option(&args, id, &o, &err) != VJ_OK)
            return vj_cli_error(&err);
    if (id == VJ_CLI_EXIT)
        return args.exit_code;
    if (args.n_rest == 0) {
        vj_fail(&err, VJ_E_USAGE, "which file? varjoin inspect FILE");
        return vj_cli_error(&err);
    }
    vj_status rc = inspect_all(&o, args.rest, args.n_rest, &err);
    if (vj_cli_flush(&flush_err) != VJ_OK && rc == VJ_OK)
        return vj_cli_error(&flush_err);
    return rc == VJ_OK ? 0 : vj_cli_error(&err);
}
