/* cmd_doctor.c - varjoin doctor: what is here, what may be used of it, and what is missing. */
#include "cli.h"

#include <stdlib.h>

#include "duck/duck.h"
#include "polars/polars.h"
#include "track/track.h"

enum { ID_PYTHON = 256, ID_DUCKDB, ID_DUCKDB_MEMORY, ID_DUCKDB_THREADS, ID_MEMORY };

static const vj_cli_option options[] = {
    {ID_MEMORY, "memory", "SIZE", "Limits", "bound of memory of the native engine [256MB]",
     "VARJOIN_MEMORY"},
    {ID_DUCKDB_MEMORY, "duckdb-memory", "SIZE", "Limits", "DuckDB's memory_limit",
     "VARJOIN_DUCKDB_MEMORY"},
    {ID_DUCKDB_THREADS, "duckdb-threads", "N", "Limits", "DuckDB's threads",
     "VARJOIN_DUCKDB_THREADS"},
    {ID_DUCKDB, "duckdb-lib", "FILE", "Engines", "libduckdb.so to load",
     "VARJOIN_DUCKDB_LIB"},
    {ID_PYTHON, "python", "FILE", "Engines", "interpreter of the Polars worker", "VARJOIN_PYTHON"},
    {0},
};

static int vj_cmd_doctor(int argc, char **argv);

const vj_cli_verb vj_verb_doctor = {
    .name = "doctor",
    .args = "[options]",
    .summary = "show versions, machine limits with their origin, and which engines work",
    .details = "Each value is followed by where it comes from. Exit 0 also when an optional engine\n"
               "is missing: the line says how to get it.",
    .options = options,
    .run = vj_cmd_doctor,
};

typedef struct settings {
    const char *python;
    const char *duckdb;
    int64_t memory_bytes;
    int64_t duckdb_memory_bytes;
    int64_t duckdb_threads;
} settings;

static const char *from_environment(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

static const char *size_text(char dst[32], int64_t bytes)
{
    return vj_format_size(dst, 32, bytes);
}

static void print_program(void)
{
    printf("varjoin %s\n", VJ_VERSION);
    printf("  libraries       %s\n", VJ_LIBRARY_VERSIONS);
    printf("  CPU level       %s  (VJ_CPU=scalar, sse42 or avx2 lowers it)\n",
           vj_cpu_name(vj_cpu()));
}

static void print_machine(const vj_host *host)
{
    char size[32];

    printf("machine\n");
    printf("  RAM             %s  <- %s\n",
           host->ram_bytes > 0 ? size_text(size, host->ram_bytes) : "unknown", host->ram_origin);
    printf("  CPUs            %lld  <- %s\n", (long long)host->cpus, host->cpus_origin);
    if (host->cpu_model[0] != '\0')
        printf("  processor       %s\n", host->cpu_model);
    printf("  kernel          %s\n", host->kernel);
    printf("  bounds seen\n");
    for (size_t i = 0; i < host->n_facts; i++) {
        const vj_host_fact *fact = &host->facts[i];

        if (fact->kind == VJ_HOST_RAM)
            printf("    RAM  %-10s %s\n", size_text(size, fact->value), fact->origin);
        else
            printf("    CPUs %-10lld %s\n", (long long)fact->value, fact->origin);
    }
}

static void print_limits(const vj_host *host, const settings *s)
{
    vj_duck_limits limits = vj_host_duck_limits(host);
    char size[32];

    printf("limits\n");
    printf("  native memory   %s  <- %s\n",
           size_text(size, s->memory_bytes > 0 ? s->memory_bytes : 256000000),
           s->memory_bytes > 0 ? "--memory or VARJOIN_MEMORY" : "default; --memory, VARJOIN_MEMORY");
    printf("  native threads  %lld  <- CPUs; --threads, VARJOIN_THREADS\n", (long long)host->cpus);
    if (s->duckdb_memory_bytes > 0)
        printf("  duckdb memory   %s  <- --duckdb-memory or VARJOIN_DUCKDB_MEMORY\n",
               size_text(size, s->duckdb_memory_bytes));
    else if (limits.memory_bytes > 0)
        printf("  duckdb memory   %s  <- 75 %% of the RAM, at least 8 GB or 90 %% of it, at most "
               "128 GB\n", size_text(size, limits.memory_bytes));
    else
        printf("  duckdb memory   DuckDB's own default  <- the RAM is unknown\n");
    printf("  duckdb process  --memory + %s at most, where --memory is given\n",
           size_text(size, VJ_DUCK_FIXED_BYTES));
    if (s->duckdb_threads > 0)
        printf("  duckdb threads  %lld  <- --duckdb-threads or VARJOIN_DUCKDB_THREADS\n",
               (long long)s->duckdb_threads);
    else
        printf("  duckdb threads  %lld  <- 75 %% of the CPUs, at least 2 where there are, at most "
               "16\n", (long long)limits.threads);
}

static void print_duckdb(const settings *s)
{
    vj_duck_library library;
    vj_error err = {0};

    if (vj_duck_probe(s->duckdb, &library, &err) == VJ_OK)
        printf("  duckdb          %s  <- %s\n", library.version, library.path);
    else
        printf("  duckdb          missing: %s\n", err.text);
}

static void print_polars(const settings *s)
{
    char version[64];
    vj_error err = {0};

    if (vj_plr_probe(s->python, version, sizeof version, &err) == VJ_OK)
        printf("  polars          %s  <- %s\n", version,
               s->python != NULL ? s->python : "python3 of PATH; --python, VARJOIN_PYTHON");
    else
        printf("  polars          missing: %s\n", err.text);
}

/* What the resource tracker can measure exactly here. */
static void print_tracker(void)
{
    vj_peak_mark mark;
    vj_usage usage;

    vj_peak_begin(&mark);
    bool exact = mark.exact;
    vj_peak_end(&mark);
    vj_usage_now(&usage);
    printf("tracker\n");
    printf("  peak memory     %s\n", exact ? "exact: the kernel's high-water mark can be reset"
                                           : "sampled: /proc/self/clear_refs cannot be written");
    printf("  bytes moved     %s\n", usage.read_bytes >= 0 ? "from /proc/self/io" : "unknown");
    printf("  Dagster Pipes   %s\n",
           getenv("DAGSTER_PIPES_CONTEXT") != NULL ? "variables are set" : "not under Dagster");
}

static vj_status take_option(const vj_cli_args *args, int id, settings *s, vj_error *err)
{
    switch (id) {
    case ID_MEMORY: return vj_cli_size(args, &s->memory_bytes, err);
    case ID_DUCKDB_MEMORY: return vj_cli_size(args, &s->duckdb_memory_bytes, err);
    case ID_DUCKDB_THREADS: return vj_cli_int(args, 1, 4096, &s->duckdb_threads, err);
    case ID_DUCKDB: s->duckdb = args->value; return VJ_OK;
    case ID_PYTHON: s->python = args->value; return VJ_OK;
    default: return VJ_OK;
    }
}

static int vj_cmd_doctor(int argc, char **argv)
{
    vj_cli_args args;
    settings s = {0};
    vj_host host;
    vj_error err = {0};
    int id;

    vj_cli_args_init(&args, &vj_verb_doctor, argc, argv);
    while ((id = vj_cli_next(&args)) > 0) {
        if (take_option(&args, id, &s, &err) != VJ_OK)
            return vj_cli_error(&err);
    }
    if (id == VJ_CLI_EXIT)
        return args.exit_code;
    if (args.n_rest > 0) {
        vj_fail(&err, VJ_E_USAGE, "doctor takes no files, found %.200s", args.rest[0]);
        return vj_cli_error(&err);
    }
    if (vj_host_probe("", from_environment, NULL, &host, &err) != VJ_OK)
        return vj_cli_error(&err);
    print_program();
    print_machine(&host);
    print_limits(&host, &s);
    printf("engines\n  native          ready\n");
    print_duckdb(&s);
    print_polars(&s);
    print_tracker();
    return 0;
}
