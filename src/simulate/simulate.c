/* simulate.c - options checked, rows shared out over contigs, files written in parallel. */
#include "simulate/sim_parts.h"

#include <math.h>
#include <stdio.h>

#define MAX_THREADS 64
#define DEFAULT_ROWS 1000000
#define DEFAULT_SPACING 2.9
#define LEAST_SPACING 1.25
#define GENOME_ROWS INT64_C(1100000000)
#define GENOME_SAMPLE_VARIANTS 5000000
static const char genome_contigs[] = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,X,Y";
#define DEFAULT_MEMORY_BYTES (256 * 1000 * 1000)
/* What a contig needs that is built as it is written. */
#define BYTES_PER_BUILDER ((int64_t)72 << 20)

/* GRCh38 */
static const struct {
    const char *name;
    int64_t length;
} karyotype[] = {
    {"1", 248956422}, {"2", 242193529}, {"3", 198295559}, {"4", 190214555}, {"5", 181538259},
    {"6", 170805979}, {"7", 159345973}, {"8", 145138636}, {"9", 138394717}, {"10", 133797422},
    {"11", 135086622}, {"12", 133275309}, {"13", 114364328}, {"14", 107043718}, {"15", 101991189},
    {"16", 90338345}, {"17", 83257441}, {"18", 80373285}, {"19", 58617616}, {"20", 64444167},
    {"21", 46709983}, {"22", 50818468}, {"X", 156040895}, {"Y", 57227415}, {"MT", 16569},
};

/* ---- the plan ---- */

static vj_status add_contig(vj_sim_plan *plan, vj_span name, vj_error *err)
{
    char shown[80];

    if (name.len_bytes > 3 && memcmp(name.ptr, "chr", 3) == 0)
        name = (vj_span){name.ptr + 3, name.len_bytes - 3};
    for (size_t i = 0; i < VJ_COUNT(karyotype); i++) {
        if (!vj_span_is(name, karyotype[i].name))
            continue;
        for (int32_t c = 0; c < plan->n_contigs; c++)
            if (plan->contigs[c].ordinal == (int32_t)i)
                return vj_fail(err, VJ_E_USAGE, "contig %s is named twice", karyotype[i].name);
        plan->contigs[plan->n_contigs++] = (vj_sim_contig){
            .name = karyotype[i].name, .length = karyotype[i].length, .ordinal = (int32_t)i};
        return VJ_OK;
    }
    return vj_fail(err, VJ_E_USAGE, "contig '%s' is none of 1..22, X, Y, MT",
                   vj_quote(shown, sizeof shown, name.ptr, name.len_bytes));
}

static vj_status parse_contigs(vj_sim_plan *plan, vj_error *err)
{
    const char *at = plan->options.contigs;

    for (;;) {
        size_t n = strcspn(at, ",");

        VJ_TRY(add_contig(plan, (vj_span){at, n}, err));
        if (at[n] == '\0')
            return VJ_OK;
        at += n + 1;
    }
}

/* Rows by length; the rounding's rest goes to the longest contig's neighbours in order. */
static vj_status share_rows(vj_sim_plan *plan, vj_error *err)
{
    int64_t total_length = 0, shared = 0;

    for (int32_t c = 0; c < plan->n_contigs; c++)
        total_length += plan->contigs[c].length;
    for (int32_t c = 0; c < plan->n_contigs; c++) {
        vj_sim_contig *contig = &plan->contigs[c];

        contig->n_rows = (int64_t)((double)plan->options.n_rows * (double)contig->length /
                                   (double)total_length);
        shared += contig->n_rows;
    }
    for (int32_t c = 0; shared < plan->options.n_rows; c = (c + 1) % plan->n_contigs, shared++)
        plan->contigs[c].n_rows++;
    for (int32_t c = 0; c < plan->n_contigs; c++) {
        vj_sim_contig *contig = &plan->contigs[c];
        double room = (double)contig->length - (contig->length > 1000000 ? 20000 : 0);

        contig->spacing = VJ_MIN(plan->options.spacing, room / (double)(contig->n_rows + 1));
        if (contig->spacing < LEAST_SPACING)
            return vj_fail(err, VJ_E_USAGE,
                           "%lld rows do not fit into contig %s of %lld bases (most: %lld)",
                           (long long)contig->n_rows, contig->name, (long long)contig->length,
                           (long long)(room / LEAST_SPACING) - 1);
        contig->n_segments =
            (int32_t)((contig->n_rows + VJ_SIM_SEGMENT_ROWS - 1) / VJ_SIM_SEGMENT_ROWS);
    }
    return VJ_OK;
}

/* A layout says all about the files; only rows that a build would take as they are can skip one. */
static vj_status check_layout(vj_simulate_options *o, vj_error *err)
{
    const char *layout = o->layout;

    if (layout == NULL || strcmp(layout, "as-is") == 0) {
        o->layout = NULL;
        return VJ_OK;
    }
    if (strcmp(layout, "tuned") != 0 && strcmp(layout, "plain") != 0)
        return vj_fail(err, VJ_E_USAGE, "layout: expected as-is, tuned or plain, found '%s'",
                       layout);
    if (o->joined_alts || o->unsorted || o->compat || o->rows_per_rowgroup != 0 ||
        o->compression != NULL)
        return vj_fail(err, VJ_E_USAGE, "layout %s makes the files as reference build does: rows "
                       "sorted, one an ALT, groups and codec its own", layout);
    return VJ_OK;
}

static vj_status make_plan(const vj_simulate_options *given, vj_sim_plan *plan, vj_error *err)
{
    vj_simulate_options *o = &plan->options;

    memcpy(o, given, VJ_MIN(given->struct_size, sizeof *o));
    if (o->directory == NULL && o->sample_path == NULL)
        return vj_fail(err, VJ_E_USAGE, "neither a database nor a sample is asked for");
    if (o->n_rows < 0 || o->n_sample_variants < 0 || o->n_samples < 0 || o->spacing < 0 ||
        !(o->private_share <= 1) || o->rows_per_rowgroup < 0 || o->memory_bytes < 0)
        return vj_fail(err, VJ_E_USAGE, "a number of the simulation is out of its range");
    VJ_TRY(check_layout(o, err));
    if (o->genome) {
        o->n_rows = o->n_rows == 0 ? GENOME_ROWS : o->n_rows;
        o->contigs = o->contigs == NULL ? genome_contigs : o->contigs;
        if (o->n_sample_variants == 0 && o->n_rows == GENOME_ROWS)
            o->n_sample_variants = GENOME_SAMPLE_VARIANTS;
    }
    o->n_rows = o->n_rows == 0 ? DEFAULT_ROWS : o->n_rows;
    o->contigs = o->contigs == NULL ? "22" : o->contigs;
    o->spacing = o->spacing == 0 ? DEFAULT_SPACING : o->spacing;
    o->compression = o->compression == NULL ? "zstd" : o->compression;
    o->n_samples = o->n_samples == 0 ? 1 : o->n_samples;
    o->sample_seed = o->sample_seed == 0 ? o->seed : o->sample_seed;
    o->private_share = o->private_share == 0 ? 0.04 : VJ_MAX(o->private_share, 0);
    if (o->n_sample_variants == 0)
        o->n_sample_variants = VJ_MAX(1, (int64_t)((double)o->n_rows * 0.0045));
    o->n_threads = VJ_MAX(1, VJ_MIN(o->n_threads, MAX_THREADS));
    vj_budget_init(&plan->budget,
                   o->memory_bytes == 0 ? DEFAULT_MEMORY_BYTES : o->memory_bytes);
    VJ_TRY(parse_contigs(plan, err));
    return share_rows(plan, err);
}

/* ---- disk space ---- */

/* Bytes a row, measured at 2 and 13.5 M rows: they grow with the span of rsIDs only. */
static double bytes_per_row(const vj_simulate_options *o)
{
    static const struct {
        const char *codec;
        double bytes;
    } measured[] = {{"none", 19.2}, {"snappy", 15.3}, {"lz4", 14.6}, {"gzip", 9.8},
                    {"brotli", 10.0}, {"zstd", 10.0}};

    if (o->layout != NULL)
        return o->layout[0] == 't' ? 9.0 : 10.5;
    if (o->compat)
        return o->compression[0] == 'n' ? 23 : 13;
    for (size_t i = 0; i < VJ_COUNT(measured); i++)
        if (strncmp(o->compression, measured[i].codec, strlen(measured[i].codec)) == 0)
            return measured[i].bytes;
    return measured[0].bytes;
}

/* Bytes a record and a further person. A gVCF has about 45 blocks of 1.8 bytes a row instead. */
static double bytes_of_sample(const vj_simulate_options *o)
{
    const char *path = o->sample_path;
    const char *end = path + strlen(path);
    bool text = end - path >= 4 && strcmp(end - 4, ".vcf") == 0;
    double packed = (double)o->n_sample_variants * (17.5 + 6.2 * (o->n_samples - 1));
    double bytes = o->gvcf ? packed + 0.62 * (double)o->n_rows : packed;

    return text ? bytes * (o->gvcf ? 5.5 : 4.6) : bytes;
}

static vj_status check_room(const char *path, int64_t needed, int64_t *free_bytes, vj_error *err)
{
    *free_bytes = vj_path_free_bytes(path);
    if (*free_bytes < 0 || needed <= *free_bytes)
        return VJ_OK;
    return vj_fail(err, VJ_E_OUTPUT, "%s: about %.1f GB are needed, %.1f GB are free", path,
                   (double)needed / 1e9, (double)*free_bytes / 1e9);
}

static vj_status find_need(const vj_sim_plan *plan, vj_simulate_need *need, vj_error *err)
{
    const vj_simulate_options *o = &plan->options;

    *need = (vj_simulate_need){0};
    if (o->directory != NULL) {
        need->database_bytes = (int64_t)(bytes_per_row(o) * (double)o->n_rows);
        VJ_TRY(check_room(o->directory, need->database_bytes, &need->database_free_bytes, err));
    }
    if (o->sample_path != NULL && strcmp(o->sample_path, "-") != 0) {
        need->sample_bytes = (int64_t)bytes_of_sample(o);
        VJ_TRY(check_room(o->sample_path, need->sample_bytes, &need->sample_free_bytes, err));
    }
    return VJ_OK;
}

vj_status vj_simulate_plan(const vj_simulate_options *options, vj_simulate_need *need,
                           vj_error *err)
{
    vj_sim_plan *plan = vj_zalloc(NULL, sizeof *plan, err);
    vj_status rc = VJ_E_NOMEM;

    if (plan == NULL)
        return rc;
    rc = make_plan(options, plan, err);
    if (rc == VJ_OK)
        rc = find_need(plan, need, err);
    vj_free(plan);
    return rc;
}

/* ---- the run ---- */

vj_status vj_sim_advance(vj_sim_run *run, int64_t n_rows, vj_error *err)
{
    const vj_simulate_options *o = &run->plan->options;
    bool stopped;

    vj_lock_take(&run->lock);
    run->rows_done += n_rows;
    if (o->progress != NULL && !run->stopped)
        run->stopped = o->progress(o->user, run->rows_done, run->rows_total) != 0;
    stopped = run->stopped || run->rc != VJ_OK;
    vj_lock_give(&run->lock);
    return stopped ? vj_fail(err, VJ_E_CANCELLED, "interrupted") : VJ_OK;
}

/* The largest contig that is left, so that no thread is late with one; -1: none is. */
static int32_t next_contig(vj_sim_run *run)
{
    int32_t best = -1;

    vj_lock_take(&run->lock);
    for (int32_t c = 0; run->rc == VJ_OK && c < run->plan->n_contigs; c++)
        if (!run->taken[c] &&
            (best < 0 || run->plan->contigs[c].n_rows > run->plan->contigs[best].n_rows))
            best = c;
    if (best >= 0)
        run->taken[best] = true;
    vj_lock_give(&run->lock);
    return best;
}

/* Contig after contig; the first failure stops all. */
static void work(void *arg)
{
    vj_sim_run *run = arg;

    for (int32_t contig_i = next_contig(run); contig_i >= 0; contig_i = next_contig(run)) {
        vj_error err = {0};
        vj_status rc = vj_sim_write_contig(run, contig_i, &err);

        if (rc == VJ_OK)
            continue;
        rc = vj_wrap(&err, rc, "simulating contig %s", run->plan->contigs[contig_i].name);
        vj_lock_take(&run->lock);
        if (run->rc == VJ_OK) {
            run->rc = rc;
            if (run->err != NULL)
                *run->err = err;
        }
        vj_lock_give(&run->lock);
    }
}

static void write_contigs(vj_sim_run *run, int32_t n_threads)
{
    vj_thread *threads[MAX_THREADS] = {0};

    for (int32_t i = 1; i < n_threads; i++)
        if (vj_thread_start(work, run, &threads[i], NULL) != VJ_OK)
            break; /* fewer threads are only slower */
    work(run);
    for (int32_t i = 1; i < n_threads; i++)
        vj_thread_join(threads[i]);
}

static vj_status write_database(vj_sim_run *run)
{
    const vj_simulate_options *o = &run->plan->options;
    int32_t n = VJ_MIN(o->n_threads, run->plan->n_contigs);
    vj_sim_store *store = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_path_make_dirs(o->directory, run->err));
    if (o->layout != NULL) {
        VJ_GO(rc, vj_sim_store_new(run->plan, &store, run->err));
        run->store = store;
        n = (int32_t)VJ_MAX(1, VJ_MIN(n, run->plan->budget.limit_bytes / BYTES_PER_BUILDER));
    }
    write_contigs(run, n);
    rc = run->rc;
    if (rc == VJ_OK && store != NULL)
        rc = vj_sim_store_view(store, run->plan, run->err);
out:
    run->store = NULL;
    vj_sim_store_free(store);
    return rc;
}

static int64_t plan_rows(const vj_sim_plan *plan)
{
    int64_t n = 0;

    for (int32_t c = 0; c < plan->n_contigs; c++)
        n += plan->contigs[c].n_rows;
    return n;
}

vj_status vj_simulate(const vj_simulate_options *options, vj_simulate_result *result,
                      vj_error *err)
{
    vj_sim_plan *plan = vj_zalloc(NULL, sizeof *plan, err);
    vj_sim_run run = {.plan = plan, .result = result, .err = err};
    vj_simulate_need need;
    vj_status rc = VJ_E_NOMEM;
    bool locked = false;

    *result = (vj_simulate_result){0};
    if (plan == NULL)
        goto out;
    VJ_GO(rc, make_plan(options, plan, err));
    VJ_GO(rc, find_need(plan, &need, err));
    VJ_GO(rc, vj_lock_init(&run.lock, err));
    locked = true;
    run.rows_total = plan_rows(plan) * ((plan->options.directory != NULL) +
                                        (plan->options.sample_path != NULL));
    if (plan->options.directory != NULL) {
        VJ_GO(rc, write_database(&run));
        result->n_rows = plan_rows(plan);
        result->n_files = plan->n_contigs;
    }
    if (plan->options.sample_path != NULL)
        VJ_GO(rc, vj_sim_write_sample(&run, err));
out:
    if (locked)
        vj_lock_fini(&run.lock);
    vj_free(plan);
    return rc;
}
