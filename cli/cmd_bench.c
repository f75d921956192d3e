/*
 * cmd_bench.c - varjoin bench: how fast this machine does the four main jobs, on made-up data.
 * Comparisons with other programs are bench/bench.py's (`make bench`).
 */
#include "cli.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/json.h"
#include "varjoin/job.h"
#include "varjoin/simulate.h"
#include "varjoin/verify.h"

#define MAX_REPEATS 25
#define PATH_BYTES 4200

enum { ID_ROWS = 256, ID_VARIANTS, ID_REPEATS, ID_DIR, ID_JSON };

static const vj_cli_option options[] = {
    {ID_ROWS, "rows", "N", "Size", "rows of the database [2000000]", NULL},
    {ID_VARIANTS, "sample-variants", "N", "Size", "records of the sample [12000]", NULL},
    {ID_REPEATS, "repeats", "N", "Size", "runs of each job, the median is shown [3]", NULL},
    {'@', "threads", "N", "Resources", "threads [2]", "VARJOIN_THREADS"},
    {'m', "memory", "SIZE", "Resources", "bound of each job [256MB]", "VARJOIN_MEMORY"},
    {ID_DIR, "dir", "DIR", "Resources", "where the data is made, and removed [/tmp]", "TMPDIR"},
    {ID_JSON, "json", NULL, "Output", "JSON instead of a table", NULL},
    {0},
};

static int vj_cmd_bench(int argc, char **argv);

const vj_cli_verb vj_verb_bench = {
    .name = "bench",
    .args = "[options]",
    .summary = "time simulate, normalize, annotate and verify on this machine",
    .details = "Makes a database and a sample, runs each job in turn and removes everything. To compare\n"
               "with Polars, DuckDB and polars-bio there is `make bench`.",
    .options = options,
    .run = vj_cmd_bench,
};

typedef struct settings {
    int64_t rows, variants, repeats, threads, memory_bytes;
    const char *dir;
    bool json;
} settings;

typedef struct measured {
    double wall_s[MAX_REPEATS], cpu_s[MAX_REPEATS];
    int64_t peak_bytes; /* largest of the runs; 0: not told */
    int64_t n_rows;     /* of one run */
} measured;

typedef struct bench {
    settings how;
    char database[PATH_BYTES], sample[PATH_BYTES], output[PATH_BYTES];
    vj_job *job; /* the one that runs, to be stopped */
} bench;

/* ---- the jobs: each does one run and tells the rows it worked on ---- */

static int stop_wanted(void *user, int64_t n_rows_done, int64_t n_rows_total)
{
    (void)user;
    (void)n_rows_done;
    (void)n_rows_total;
    return atomic_load(&vj_cli_stop()->requested);
}

static vj_status run_simulate(bench *b, measured *m, vj_error *err)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result result;

    o.seed = 1;
    o.directory = b->database;
    o.sample_path = b->sample;
    o.n_rows = b->how.rows;
    o.n_sample_variants = b->how.variants;
    o.n_threads = (int32_t)b->how.threads;
    o.memory_bytes = b->how.memory_bytes;
    o.progress = stop_wanted;
    VJ_TRY(vj_simulate(&o, &result, err));
    m->n_rows = result.n_rows;
    return VJ_OK;
}

static void on_progress(void *user, const vj_progress *progress)
{
    bench *b = user;

    (void)progress;
    if (stop_wanted(NULL, 0, 0) && b->job != NULL)
        vj_job_cancel(b->job);
}

static int64_t report_number(const json_t *report, const char *object, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(report, object), key));
}

static vj_status read_report(const char *text, measured *m, bool annotating, int64_t database_rows,
                             vj_error *err)
{
    json_t *report = NULL;
    int64_t peak;

    VJ_TRY(vj_json_parse(vj_span_of(text), "run record", &report, err));
    peak = report_number(report, "resources", "peak_rss_bytes");
    m->peak_bytes = VJ_MAX(m->peak_bytes, peak);
    m->n_rows = annotating ? database_rows : report_number(report, "rows", "records_in");
    json_decref(report);
    return VJ_OK;
}

static vj_status run_job(bench *b, measured *m, bool annotating, vj_error *err)
{
    const vj_job_database database = {"ensembl", b->database, NULL};
    vj_job_options o = VJ_JOB_OPTIONS_INIT;
    vj_status rc;

    o.input = b->sample;
    o.output = b->output;
    o.databases = annotating ? &database : NULL;
    o.n_databases = annotating;
    o.engine = VJ_ENGINE_NATIVE;
    o.threads = (int)b->how.threads;
    o.memory_bytes = b->how.memory_bytes;
    o.progress = on_progress;
    o.user = b;
    VJ_GO(rc, vj_job_new(&o, &b->job, err));
    VJ_GO(rc, annotating ? vj_job_annotate(b->job, err) : vj_job_normalize(b->job, err));
    VJ_GO(rc, read_report(vj_job_report_json(b->job), m, annotating, b->how.rows, err));
out:
    vj_job_free(b->job);
    b->job = NULL;
    return rc;
}

static vj_status run_normalize(bench *b, measured *m, vj_error *err)
{
    return run_job(b, m, false, err);
}

static vj_status run_annotate(bench *b, measured *m, vj_error *err)
{
    return run_job(b, m, true, err);
}

/* The database itself is verified: every column of every row is read. */
static vj_status run_verify(bench *b, measured *m, vj_error *err)
{
    vj_verify_options o = VJ_VERIFY_OPTIONS_INIT;
    vj_verify_result result;
    char path[PATH_BYTES + 40];

    snprintf(path, sizeof path, "%s/homo_sapiens-chr22.parquet", b->database);
    o.n_threads = (int32_t)b->how.threads;
    o.memory_bytes = b->how.memory_bytes;
    o.progress = stop_wanted;
    VJ_TRY(vj_verify(path, &o, &result, err));
    m->n_rows = result.n_rows;
    return VJ_OK;
}

static const struct {
    const char *name, *unit;
    vj_status (*run)(bench *b, measured *m, vj_error *err);
} jobs[] = {
    {"simulate", "database rows written, and the sample", run_simulate},
    {"normalize", "records", run_normalize},
    {"annotate", "database rows joined with the sample", run_annotate},
    {"verify", "rows of all columns read and hashed", run_verify},
};
#define N_JOBS VJ_COUNT(jobs)

/* ---- measuring ---- */

static double cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int64_t n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* The jobs in turn, so that a busy moment of the machine does not hit one job alone. */
static vj_status measure(bench *b, measured *m, vj_error *err)
{
    for (int64_t r = 0; r < b->how.repeats; r++)
        for (size_t j = 0; j < N_JOBS; j++) {
            double cpu = cpu_seconds();
            int64_t begun_ns = vj_clock_ns();

            VJ_TRY(jobs[j].run(b, &m[j], err));
            m[j].wall_s[r] = (double)(vj_clock_ns() - begun_ns) / 1e9;
            m[j].cpu_s[r] = cpu_seconds() - cpu;
            VJ_TRY(vj_stop_check(vj_cli_stop(), err));
        }
    return VJ_OK;
}

/* ---- output ---- */

static void print_table(const bench *b, measured *m)
{
    printf("%-10s %12s %9s %9s %12s %9s\n", "job", "rows", "wall s", "CPU s", "rows/s", "peak MB");
    for (size_t j = 0; j < N_JOBS; j++) {
        double wall = median(m[j].wall_s, b->how.repeats);
        double cpu = median(m[j].cpu_s, b->how.repeats);
        char peak[24] = "-";

        if (m[j].peak_bytes > 0)
            snprintf(peak, sizeof peak, "%.0f", (double)m[j].peak_bytes / 1e6);
        printf("%-10s %12lld %9.3f %9.3f %12.0f %9s  %s\n", jobs[j].name, (long long)m[j].n_rows,
               wall, cpu, wall > 0 ? (double)m[j].n_rows / wall : 0, peak, jobs[j].unit);
    }
}

static void print_json(const bench *b, measured *m)
{
    printf("{\"version\": \"%s\", \"cpu_level\": \"%s\", \"threads\": %lld, \"repeats\": %lld, "
           "\"jobs\": [", VJ_VERSION, vj_cpu_name(vj_cpu()), (long long)b->how.threads,
           (long long)b->how.repeats);
    for (size_t j = 0; j < N_JOBS; j++)
        printf("%s\n  {\"job\": \"%s\", \"rows\": %lld, \"wall_seconds\": %.4f, "
               "\"cpu_seconds\": %.4f, \"peak_rss_bytes\": %lld}", j == 0 ? "" : ",", jobs[j].name,
               (long long)m[j].n_rows, median(m[j].wall_s, b->how.repeats),
               median(m[j].cpu_s, b->how.repeats), (long long)m[j].peak_bytes);
    puts("\n]}");
}

/* ---- the verb ---- */

static vj_status take_option(const vj_cli_args *args, int id, settings *s, vj_error *err)
{
    switch (id) {
    case ID_ROWS: return vj_cli_int(args, 1000, 20000000, &s->rows, err);
    case ID_VARIANTS: return vj_cli_int(args, 1, 1000000, &s->variants, err);
    case ID_REPEATS: return vj_cli_int(args, 1, MAX_REPEATS, &s->repeats, err);
    case '@': return vj_cli_int(args, 1, 64, &s->threads, err);
    case 'm': return vj_cli_size(args, &s->memory_bytes, err);
    case ID_DIR: s->dir = args->value; return VJ_OK;
    default: s->json = true; return VJ_OK;
    }
}

static vj_status run_bench(bench *b, vj_error *err)
{
    measured *m = vj_calloc(NULL, N_JOBS, sizeof *m, err);
    char *folder = NULL;
    vj_status rc = VJ_E_NOMEM;

    if (m == NULL)
        goto out;
    VJ_GO(rc, vj_tempdir_make(b->how.dir, "varjoin-bench", &folder, err));
    if (strlen(folder) > PATH_BYTES - 40) {
        rc = vj_fail(err, VJ_E_USAGE, "--dir: the name is too long");
        goto out;
    }
    snprintf(b->database, sizeof b->database, "%s/ensembl", folder);
    snprintf(b->sample, sizeof b->sample, "%s/sample.vcf.gz", folder);
    snprintf(b->output, sizeof b->output, "%s/out.parquet", folder);
    VJ_GO(rc, measure(b, m, err));
    if (b->how.json)
        print_json(b, m);
    else
        print_table(b, m);
    rc = vj_cli_flush(err);
out:
    vj_tempdir_remove(folder);
    vj_free(m);
    return rc;
}

static int vj_cmd_bench(int argc, char **argv)
{
    static bench b = {.how = {.rows = 2000000, .variants = 12000, .repeats = 3, .threads = 2,
                              .dir = "/tmp"}};
    vj_cli_args args;
    vj_error err = {0};
    int id;

    vj_cli_args_init(&args, &vj_verb_bench, argc, argv);
    while ((id = vj_cli_next(&args)) > 0)
        if (take_option(&args, id, &b.how, &err) != VJ_OK)
            return vj_cli_error(&err);
    if (id == VJ_CLI_EXIT)
        return args.exit_code;
    if (args.n_rest > 0) {
        vj_fail(&err, VJ_E_USAGE, "'%.60s' is not expected", args.rest[0]);
        return vj_cli_error(&err);
    }
    return run_bench(&b, &err) == VJ_OK ? 0 : vj_cli_error(&err);
}
