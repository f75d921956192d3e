#include <string.h>

#include "job_args.h"
#include "tracked.h"
#include "varjoin/reference.h"

static int run_build(int argc, char **argv);
static int run_info(int argc, char **argv);

enum { OPT_REPLACE = 512, OPT_LAYOUT, OPT_SMALL, OPT_PAGE_ROWS, OPT_BASE, OPT_TIER, OPT_NO_TIERS, OPT_RESTART };

static const vj_cli_option build_options[] = {
    {'o', "output", "DIR", "Output", "folder to make; one Parquet file per contig", NULL},
    {OPT_RELEASE, "release", "TEXT", "Output", "release of the database, kept in the files", NULL},
    {OPT_COMPRESSION, "compression", "CODEC[:LEVEL]", "Output",
     "zstd, snappy, gzip, lz4, brotli, none (default: zstd where it pays; with --layout tuned "
     "on free text, reals and lists only)",
     "VARJOIN_COMPRESSION"},
    {OPT_LAYOUT, "layout", "tuned|plain", "Output",
     "tuned (default): stored for this join, read under the original names and types; plain: "
     "every column as it was", NULL},
    {OPT_SMALL, "small", NULL, "Output", "zstd on alleles too: smaller, slower to read", NULL},
    {OPT_PAGE_ROWS, "page-rows", "N", "Output", "rows a page (default 4096)", NULL},
    {OPT_TIER, "tier", "COLUMN:LEAST", "Output",
     "rows at least so frequent stand apart: fewer bytes are read from a cold disk (default: MAF "
     "or AF at 0.0005, if the database has it and over 16 million rows)", NULL},
    {OPT_NO_TIERS, "no-tiers", NULL, "Output", "all rows in one order", NULL},
    {OPT_RESTART, "restart", NULL, "Output",
     "begin anew where a killed build of the same database left finished contigs", NULL},
    {OPT_REPLACE, "replace", NULL, "Output", "take the place of a folder that has files", NULL},
    {OPT_NO_VERSION, "no-version", NULL, "Output", "leave version and command line out", NULL},
    TRACKED_OPTION(OPT_REPORT),
    {OPT_BASE, "start-base", "0|1", "Records",
     "Parquet: how it counts starts (default: read off the data)", NULL},
    {OPT_INFO_FIELDS, "info-fields", "LIST", "Records", "only these INFO fields", NULL},
    {OPT_ASSUME_NUMBER, "assume-number", "TAG=A|R,...", "Records",
     "treat a Number=. field as one per allele", NULL},
    {OPT_BAD_RECORDS, "bad-records", "skip=FILE", "Records",
     "set broken records aside instead of stopping", NULL},
    {OPT_FAIL_ON_SKIPPED, "fail-on-skipped", NULL, "Records",
     "exit 4 when records were set aside; the database is complete", NULL},
    {OPT_ALLOW_TRUNCATED, "allow-truncated", NULL, "Records",
     "accept BGZF without its end block", NULL},
    NO_CHECKSUMS_OPTION(OPT_NO_CHECKSUMS, "Records"),
    {'@', "threads", "N", "Resources", "threads (default 2)", "VARJOIN_THREADS"},
    {'m', "memory", "SIZE", "Resources", "never use more than this (default 256MB)", "VARJOIN_MEMORY"},
    {OPT_BATCH_ROWS, "rows-per-run", "N", "Resources", "rows sorted at once (default: from the memory)", NULL},
    {0}};

const vj_cli_verb vj_verb_reference_build;
const vj_cli_verb vj_verb_reference_build = {
    .name = "reference build",
    .args = "[options] -o DIR IN [IN ...]",
    .summary = "make a database of VCF, BCF or Parquet",
    .details = "IN is VCF or BCF (several with the same INFO fields), or one Parquet database: a "
               "file, a folder or a glob. Splits records with several ALTs (Number=A and R cut to the allele), trims shared "
               "bases, sorts by contig, start, ref and alt, and writes one Parquet file per contig.",
    .options = build_options,
    .run = run_build,
};

static void progress_line(void *user, const vj_progress *progress)
{
    tracked_progress(user, progress->rows_done, progress->bytes_done, progress->bytes_total);
}

static vj_status parse_option(const vj_cli_args *cli, int id, vj_reference_options *o,
                              vj_error *err)
{
    int64_t n = 0;

    switch (id) {
    case 'o':
        o->output_dir = cli->value;
        return VJ_OK;
    case OPT_RELEASE:
        o->release = cli->value;
        return VJ_OK;
    case OPT_COMPRESSION:
        o->compression = cli->value;
        return VJ_OK;
    case OPT_LAYOUT:
        o->layout = cli->value;
        return VJ_OK;
    case OPT_SMALL:
        o->small = 1;
        return VJ_OK;
    case OPT_PAGE_ROWS:
        return vj_cli_int(cli, 64, 1 << 20, &o->rows_per_page, err);
    case OPT_TIER:
        o->tier = cli->value;
        return VJ_OK;
    case OPT_NO_TIERS:
        o->no_tiers = 1;
        return VJ_OK;
    case OPT_RESTART:
        o->restart = 1;
        return VJ_OK;
    case OPT_BASE:
        o->start_base = cli->value;
        return VJ_OK;
    case OPT_REPLACE:
        o->replace = 1;
        return VJ_OK;
    case OPT_NO_VERSION:
        o->no_version = 1;
        return VJ_OK;
    case OPT_INFO_FIELDS:
        o->info_fields = cli->value;
        return VJ_OK;
    case OPT_ASSUME_NUMBER:
        o->assume_number = cli->value;
        return VJ_OK;
    case OPT_ALLOW_TRUNCATED:
        o->allow_truncated = 1;
        return VJ_OK;
    case OPT_NO_CHECKSUMS:
        o->ignore_checksums = 1;
        return VJ_OK;
    case OPT_FAIL_ON_SKIPPED:
        o->fail_on_skipped = 1;
        return VJ_OK;
    case OPT_BAD_RECORDS:
        if (strncmp(cli->value, "skip=", 5) != 0 || cli->value[5] == '\0')
            return vj_cli_refuse(cli, err, "expected skip=FILE, found '%s'", cli->value);
        o->bad_records_path = cli->value + 5;
        return VJ_OK;
    case '@':
        VJ_TRY(vj_cli_int(cli, 1, 1024, &n, err));
        o->threads = (int)n;
        return VJ_OK;
    case 'm':
        return vj_cli_size(cli, &o->memory_bytes, err);
    case OPT_BATCH_ROWS:
        return vj_cli_int(cli, 1, INT32_MAX / 4, &o->rows_per_run, err);
    default:
        return vj_fail(err, VJ_E_BUG, "option %d has no meaning", id);
    }
}

static int64_t size_of_path(const char *path)
{
    vj_source *source = NULL;
    int64_t size = -1;

    if (vj_source_open(path, &source, NULL) == VJ_OK)
        size = vj_source_size(source);
    vj_source_free(source);
    return size;
}

static vj_status note_build(vj_report *to, const vj_reference_options *o,
                            const vj_reference_result *result, vj_error *err)
{
    to->engine = "native";
    to->output_file = o->output_dir;
    to->output_format = "parquet";
    to->compression = o->compression != NULL ? o->compression : "zstd";
    to->output_bytes = result->bytes_out;
    to->records_in = result->n_records;
    to->rows_in = to->rows_joined = to->rows_out = result->n_rows;
    to->threads = o->threads;
    to->memory_promise_bytes = o->memory_bytes;
    for (int i = 0; i < o->n_inputs; i++)
        VJ_TRY(vj_report_add_input(to, o->inputs[i], NULL, size_of_path(o->inputs[i]), -1, err));
    VJ_TRY(vj_report_add_text(to, "release", VJ_FACT_TEXT, o->release, err));
    VJ_TRY(vj_report_add_number(to, "num_contigs", VJ_FACT_INT, (double)result->n_contigs, err));
    return vj_report_add_number(to, "num_sorted_runs", VJ_FACT_INT, (double)result->n_runs, err);
}

static void say_dropped(tracked *t, int64_t n)
{
    char text[140];

    snprintf(text, sizeof text, "%lld rows have no value in a key column and are left out: nothing "
             "matches them", (long long)n);
    tracked_log(t, VJ_LOG_WARNING, text);
}

static vj_status build(vj_reference_options *options, tracked *t, vj_error *err)
{
    vj_reference_result result = {0};
    char size[32];

    options->log = tracked_log;
    options->progress = progress_line;
    options->user = t;
    options->stop = vj_cli_stop();
    options->track = t->track;
    VJ_TRY(vj_reference_build(options, &result, err));
    vj_cli_progress_end();
    if (result.n_dropped > 0)
        say_dropped(t, result.n_dropped);
    if (vj_cli_verbosity >= 1)
        fprintf(stderr, "%s: %lld records gave %lld rows on %lld contigs, %s\n",
                options->output_dir, (long long)result.n_records, (long long)result.n_rows,
                (long long)result.n_contigs,
                vj_format_size(size, sizeof size, result.bytes_out));
    return note_build(t->report, options, &result, err);
}

static int run_build(int argc, char **argv)
{
    vj_cli_args cli;
    vj_reference_options options = VJ_REFERENCE_OPTIONS_INIT;
    tracked t = {0};
    vj_error err = {0};
    int id = 0;

    options.threads = 2;
    vj_cli_args_init(&cli, &vj_verb_reference_build, argc, argv);
    while ((id = vj_cli_next(&cli)) > 0) {
        if (id == OPT_REPORT)
            t.report_path = cli.value;
        else if (parse_option(&cli, id, &options, &err) != VJ_OK)
            return vj_cli_error(&err);
    }
    if (id == VJ_CLI_EXIT)
        return cli.exit_code;
    options.inputs = (const char *const *)(void *)cli.rest;
    options.n_inputs = cli.n_rest;
    for (int i = 0; i < cli.n_rest; i++)
        if (vj_path_spares("report", t.report_path, cli.rest[i], &err) != VJ_OK)
            return vj_cli_error(&err);
    vj_status rc = tracked_begin(&t, "reference build", argc, argv, &err);
    if (rc == VJ_OK)
        rc = build(&options, &t, &err);
    return tracked_end(&t, rc, &err);
}

static const vj_cli_option info_options[] = {
    {OPT_JSON, "json", NULL, "Output", "as JSON", NULL},
    NO_CHECKSUMS_OPTION(OPT_NO_CHECKSUMS, "Records"),
    {0}};

const vj_cli_verb vj_verb_reference_info;
const vj_cli_verb vj_verb_reference_info = {
    .name = "reference info",
    .args = "[options] PATH",
    .summary = "describe a database",
    .details = "PATH is a Parquet file, a folder or a glob: files, rows, contigs, whether it is "
               "sorted, release, checksum, columns.",
    .options = info_options,
    .run = run_info,
};

static int run_info(int argc, char **argv)
{
    vj_cli_args cli;
    vj_error err = {0};
    char *text = NULL;
    int flags = 0;
    int id = 0;

    vj_cli_args_init(&cli, &vj_verb_reference_info, argc, argv);
    while ((id = vj_cli_next(&cli)) > 0)
        flags |= id == OPT_JSON ? VJ_INFO_JSON : VJ_INFO_IGNORE_CHECKSUMS;
    if (id == VJ_CLI_EXIT)
        return cli.exit_code;
    if (cli.n_rest != 1) {
        vj_fail(&err, VJ_E_USAGE, "expected one database: a file, a folder or a glob");
        return vj_cli_error(&err);
    }
    if (vj_reference_info(cli.rest[0], flags, &text, &err) != VJ_OK)
        return vj_cli_error(&err);
    fputs(text, stdout);
    vj_text_free(text);
    return vj_cli_flush(&err) == VJ_OK ? 0 : vj_cli_error(&err);
}
