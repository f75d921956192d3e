#include "job_args.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracked.h"

static vj_status parse_database(job_args *args, const vj_cli_args *cli, vj_error *err)
{
    int n = args->options.n_databases;
    const char *equals = strchr(cli->value, '=');

    if (n == MAX_DATABASES)
        return vj_cli_refuse(cli, err, "more than %d databases", MAX_DATABASES);
    if (equals == NULL || equals == cli->value || equals[1] == '\0' ||
        (size_t)(equals - cli->value) >= sizeof args->names[n])
        return vj_cli_refuse(cli, err, "expected NAME=PATH, found '%s'", cli->value);
    memcpy(args->names[n], cli->value, (size_t)(equals - cli->value));
    for (const char *p = args->names[n]; *p != '\0'; p++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.", *p) == NULL)
            return vj_cli_refuse(cli, err, "a database's name is made of letters, digits, _ - ., "
                                 "found '%s'", args->names[n]);
    args->databases[n] = (vj_job_database){args->names[n], equals + 1, NULL};
    args->options.databases = args->databases;
    args->options.n_databases++;
    return VJ_OK;
}

static vj_status parse_release(job_args *args, const vj_cli_args *cli, vj_error *err)
{
    if (args->options.n_databases == 0)
        return vj_cli_refuse(cli, err, "stands behind the -a that it belongs to");
    args->databases[args->options.n_databases - 1].release = cli->value;
    return VJ_OK;
}

static vj_status parse_word(const vj_cli_args *cli, const char *const *words, int n, int *out,
                            vj_error *err)
{
    for (int i = 0; i < n; i++)
        if (strcmp(cli->value, words[i]) == 0) {
            *out = i;
            return VJ_OK;
        }
    const char *near = vj_cli_nearest(cli->value, words, n);
    return near != NULL
               ? vj_cli_refuse(cli, err, "no such choice '%s'; nearest is '%s'", cli->value, near)
               : vj_cli_refuse(cli, err, "no such choice '%s'", cli->value);
}

static vj_status parse_output_type(job_args *args, const vj_cli_args *cli, vj_error *err)
{
    if (strlen(cli->value) != 1 || strchr("pvzbut", cli->value[0]) == NULL)
        return vj_cli_refuse(cli, err, "expected one of p v z b u t, found '%s'", cli->value);
    args->options.output_kind = (vj_output_kind)cli->value[0];
    return VJ_OK;
}

static vj_status parse_bad_records(job_args *args, const vj_cli_args *cli, vj_error *err)
{
    if (strncmp(cli->value, "skip=", 5) != 0 || cli->value[5] == '\0')
        return vj_cli_refuse(cli, err, "expected skip=FILE, found '%s'", cli->value);
    args->options.bad_records_path = cli->value + 5;
    return VJ_OK;
}

static vj_status parse_threads(job_args *args, const vj_cli_args *cli, vj_error *err)
{
    int64_t n = 0;

    VJ_TRY(vj_cli_int(cli, 1, 1024, &n, err));
    args->options.threads = (int)n;
    return VJ_OK;
}

static vj_status parse_engine_option(job_args *args, const vj_cli_args *cli, int id,
                                     vj_error *err)
{
    static const char *const engines[] = {"auto", "native", "polars", "duckdb"};
    static const char *const policies[] = {"all", "first", "error"};
    vj_job_options *o = &args->options;
    int word = 0;
    int64_t n = 0;

    switch (id) {
    case OPT_ENGINE:
        VJ_TRY(parse_word(cli, engines, 4, &word, err));
        o->engine = (vj_engine_kind)word;
        return VJ_OK;
    case OPT_DUPLICATES:
        VJ_TRY(parse_word(cli, policies, 3, &word, err));
        o->duplicates = (vj_duplicates)word;
        return VJ_OK;
    case OPT_START_BASE:
        VJ_TRY(vj_cli_int(cli, 0, 1, &n, err));
        o->start_base = (int)n;
        return VJ_OK;
    case OPT_DUCKDB_MEMORY:
        return vj_cli_size(cli, &o->duckdb_memory_bytes, err);
    case OPT_DUCKDB_THREADS:
        VJ_TRY(vj_cli_int(cli, 1, 1024, &n, err));
        o->duckdb_threads = (int)n;
        return VJ_OK;
    case OPT_BATCH_ROWS:
        return vj_cli_int(cli, 1, 1 << 24, &o->rows_per_batch, err);
    case 'a':
        return parse_database(args, cli, err);
    case OPT_RELEASE:
        return parse_release(args, cli, err);
    case 'O':
        return parse_output_type(args, cli, err);
    case OPT_BAD_RECORDS:
        return parse_bad_records(args, cli, err);
    case '@':
        return parse_threads(args, cli, err);
    case 'm':
        return vj_cli_size(cli, &o->memory_bytes, err);
    case OPT_MIN_QUAL:
        return vj_cli_real(cli, &o->min_qual, err);
    case OPT_MIN_DP:
        return vj_cli_real(cli, &o->min_dp, err);
    case OPT_MIN_GQ:
        return vj_cli_real(cli, &o->min_gq, err);
    default:
        return vj_fail(err, VJ_E_BUG, "option %d has no meaning", id);
    }
}

/* Options that are one text or one switch: where it goes. */
static bool take_plain(job_args *args, const char *value, int id)
{
    vj_job_options *o = &args->options;
    const struct {
        int id;
        const char **text;
        int *flag;
    } plain[] = {
        {'o', &o->output, NULL},
        {OPT_COMPRESSION, &o->compression, NULL},
        {OPT_COMPAT, NULL, &o->compat},
        {OPT_JSON, NULL, &args->as_json},
        {'W', NULL, &o->write_index},
        {OPT_NO_VERSION, NULL, &o->no_version},
        {OPT_SPREADSHEET, NULL, &o->spreadsheet},
        {OPT_REPORT, &args->report_path, NULL},
        {OPT_MULTIQC, &args->multiqc_path, NULL},
        {'r', &o->regions, NULL},
        {'R', &o->regions_file, NULL},
        {'t', &o->targets, NULL},
        {'T', &o->targets_file, NULL},
        {'f', &o->filter_pass, NULL},
        {OPT_VARIANTS_ONLY, NULL, &o->variants_only},
        {OPT_STRICT, NULL, &o->strict},
        {OPT_FAIL_ON_SKIPPED, NULL, &o->fail_on_skipped},
        {OPT_ALLOW_TRUNCATED, NULL, &o->allow_truncated},
        {OPT_NO_CHECKSUMS, NULL, &o->ignore_checksums},
        {'s', &o->samples, NULL},
        {OPT_ALL_SAMPLES, NULL, &o->all_samples},
        {OPT_SITES_ONLY, NULL, &o->sites_only},
        {OPT_INFO_FIELDS, &o->info_fields, NULL},
        {OPT_FORMAT_FIELDS, &o->format_fields, NULL},
        {OPT_NO_FORMATS, NULL, &o->without_formats},
        {OPT_ASSUME_NUMBER, &o->assume_number, NULL},
        {OPT_TEMP_DIR, &o->temp_dir, NULL},
        {OPT_USER_NAME, &o->user_name, NULL},
        {OPT_SAMPLE_NAME, &o->sample_name, NULL},
        {OPT_SAMPLE_DESCRIPTION, &o->sample_description, NULL},
        {OPT_SEQUENCING_TYPE, &o->sequencing_type, NULL},
        {OPT_SPECIES, &o->species, NULL},
        {OPT_REFERENCE_GENOME, &o->reference_genome, NULL},
        {OPT_SOURCE_VCF, &o->source_vcf, NULL},
        {'c', &o->columns, NULL},
        {OPT_FAIL_ON_EMPTY, NULL, &o->fail_on_empty},
        {OPT_JOIN_COLUMNS, &o->join_columns, NULL},
        {OPT_ANY_ORDER, NULL, &o->any_order},
        {OPT_SQL_FILE, &o->sql_file, NULL},
        {OPT_DUCKDB_LIB, &o->duckdb_library, NULL},
        {OPT_PYTHON, &o->python, NULL},
    };

    for (size_t i = 0; i < VJ_COUNT(plain); i++) {
        if (plain[i].id != id)
            continue;
        if (plain[i].text != NULL)
            *plain[i].text = value;
        else
            *plain[i].flag = 1;
        return true;
    }
    return false;
}

static void log_line(void *user, vj_log_level level, const char *text)
{
    (void)user;
    if (level == VJ_LOG_WARNING)
        vj_cli_warn("%s", text);
    else
        vj_cli_note("%s", text);
}

static void progress_line(void *user, const vj_progress *progress)
{
    (void)user;
    vj_cli_progress(progress->rows_done, progress->bytes_done, progress->bytes_total);
}

/* What the machine gives where the user said nothing. */
static vj_status set_defaults(job_args *args, vj_error *err)
{
    vj_job_options *o = &args->options;

    vj_host host;

    VJ_TRY(vj_host_probe("", cli_environment, NULL, &host, err));
    vj_duck_limits limits = vj_host_duck_limits(&host);
    if (o->duckdb_memory_bytes == 0)
        o->duckdb_memory_bytes = limits.memory_bytes;
    o->polars_memory_bytes = host.ram_bytes / 10 * 9;
    if (o->duckdb_threads == 0)
        o->duckdb_threads = o->threads > 0 ? o->threads : (int)limits.threads;
    if (o->threads == 0)
        o->threads = (int)VJ_MAX(1, VJ_MIN(host.cpus, 16));
    o->pipes_context = getenv("DAGSTER_PIPES_CONTEXT");
    o->pipes_messages = getenv("DAGSTER_PIPES_MESSAGES");
    o->environment = cli_environment;
    /* for the benchmark of the tracker, which compares runs with and without it */
    o->without_tracking = getenv("VARJOIN_NO_TRACKING") != NULL;
    o->log = log_line;
    o->progress = progress_line;
    return VJ_OK;
}

/* Several inputs, or one for a folder, have one output each in it. */
static void take_inputs(job_args *args, const vj_cli_args *cli)
{
    vj_job_options *o = &args->options;

    if (o->output == NULL)
        o->output = "-";
    o->input = cli->n_rest == 1 ? cli->rest[0] : isatty(STDIN_FILENO) ? NULL : "-";
    size_t n = strlen(o->output);
    bool folder = vj_path_is_dir(o->output) || (n > 1 && o->output[n - 1] == '/');
    if (cli->n_rest > 1 || (cli->n_rest == 1 && folder && strcmp(o->input, "-") != 0)) {
        o->inputs = (const char *const *)cli->rest;
        o->n_inputs = cli->n_rest;
    }
}

int job_args_parse(job_args *args, const vj_cli_verb *verb, int argc, char **argv)
{
    vj_cli_args cli;
    vj_error err = {0};
    int id = 0;

    *args = (job_args){.options = VJ_JOB_OPTIONS_INIT};
    vj_cli_args_init(&cli, verb, argc, argv);
    while ((id = vj_cli_next(&cli)) > 0)
        if (!take_plain(args, cli.value, id) &&
            parse_engine_option(args, &cli, id, &err) != VJ_OK)
            return vj_cli_error(&err);
    if (id == VJ_CLI_EXIT)
        return cli.exit_code;
    take_inputs(args, &cli);
    if (set_defaults(args, &err) != VJ_OK)
        return vj_cli_error(&err);
    args->command_line = cli_command_line(NULL, argc, argv, &err);
    if (args->command_line == NULL)
        return vj_cli_error(&err);
    args->options.command_line = args->command_line;
    return -1;
}

/* A record must not take the place of what is read, or of the result. */
static vj_status check_record(const job_args *args, const char *what, const char *path,
                              vj_error *err)
{
    const vj_job_options *o = &args->options;

    if (path == NULL)
        return VJ_OK;
    if (strcmp(path, o->output) == 0 && strcmp(path, "-") != 0)
        return vj_fail(err, VJ_E_USAGE, "%s: output and %s would be one file", path, what);
    VJ_TRY(vj_path_spares(what, path, o->input, err));
    for (int i = 0; i < o->n_inputs; i++)
        VJ_TRY(vj_path_spares(what, path, o->inputs[i], err));
    for (int i = 0; i < o->n_databases; i++)
        VJ_TRY(vj_path_spares(what, path, o->databases[i].path, err));
    return VJ_OK;
}

static vj_status write_text(const char *path, const char *text, vj_error *err)
{
    vj_outfile *file = NULL;

    VJ_TRY(vj_outfile_open(path, &file, err));
    vj_status rc = vj_outfile_write(file, text, strlen(text), err);
    if (rc == VJ_OK)
        rc = vj_outfile_finish(file, err);
    vj_outfile_free(file);
    return rc;
}

/* Nothing where nobody asked, or where there is no text since memory ran out. */
static vj_status write_wanted(const char *path, const char *text, vj_error *err)
{
    return path != NULL && text[0] != '\0' ? write_text(path, text, err) : VJ_OK;
}

/* A signal cancels the job; the watcher sleeps on the lock, so that the job's end wakes it. */
typedef struct watch {
    vj_lock lock;
    vj_job *job;
    vj_thread *thread;
    bool ready, over;
} watch;

static void cancel_running(void *arg)
{
    watch *w = arg;

    vj_lock_take(&w->lock);
    while (!w->over && vj_stop_check(vj_cli_stop(), NULL) == VJ_OK)
        vj_lock_wait_ms(&w->lock, 20);
    if (!w->over)
        vj_job_cancel(w->job);
    vj_lock_give(&w->lock);
}

static vj_status watch_start(watch *w, vj_job *job, vj_error *err)
{
    w->job = job;
    VJ_TRY(vj_lock_init(&w->lock, err));
    w->ready = true;
    return vj_thread_start(cancel_running, w, &w->thread, err);
}

static void watch_end(watch *w)
{
    if (!w->ready)
        return;
    vj_lock_take(&w->lock);
    w->over = true;
    vj_lock_wake(&w->lock);
    vj_lock_give(&w->lock);
    vj_thread_join(w->thread);
    vj_lock_fini(&w->lock);
}

int job_args_run(job_args *args, job_function run)
{
    vj_job *job = NULL;
    watch watcher = {0};
    vj_error err = {0};
    vj_error report_err = {0};
    vj_status rc = VJ_OK;

    VJ_GO(rc, check_record(args, "report", args->report_path, &err));
    VJ_GO(rc, check_record(args, "MultiQC file", args->multiqc_path, &err));
    VJ_GO(rc, vj_job_new(&args->options, &job, &err));
    VJ_GO(rc, watch_start(&watcher, job, &err));
    rc = run(job, &err);
    vj_cli_progress_end();
    if (rc == VJ_OK && vj_cli_verbosity >= 1)
        fputs(vj_job_report_text(job), stderr);
    if ((write_wanted(args->report_path, vj_job_report_json(job), &report_err) != VJ_OK ||
         write_wanted(rc == VJ_OK ? args->multiqc_path : NULL, vj_job_report_multiqc(job),
                      &report_err) != VJ_OK) &&
        rc == VJ_OK) {
        rc = report_err.code;
        err = report_err;
    }
out:
    watch_end(&watcher);
    vj_job_free(job);
    vj_free(args->command_line);
    args->command_line = NULL;
    return rc == VJ_OK ? 0 : vj_cli_error(&err);
}
