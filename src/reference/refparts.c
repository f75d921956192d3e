#include "reference/refparts.h"

#include <stdio.h>

#include "base/json.h"

#define MAX_WORKERS 16
#define STATE_VERSION 1
#define PATH_BYTES 4096

typedef struct part {
    bool done;
    char file[904]; /* "": the contig gave no row */
    int64_t bytes;
    vj_reference_result counts;
} part;

typedef struct parts {
    const vj_refparts_job *job;
    const vj_database *db;
    char dir[PATH_BYTES]; /* the parts folder; "": the files go straight to the output's */
    vj_hold *hold;
    char identity[48];
    part *list; /* by contig code */
    int32_t n;
    vj_lock lock; /* guards what follows, list and the progress of the caller */
    bool has_lock;
    int32_t next;
    int32_t n_workers_begun;
    int64_t n_records, n_rows, last_ns;
    vj_status rc;
    vj_error first; /* failure */
} parts;

typedef struct worker {
    parts *all;
    vj_refparquet *in;
    char dir[PATH_BYTES];
} worker;

bool vj_refparts_can(const vj_database *db)
{
    return !db->has_unknown_contigs && db->n_rowgroups > 0;
}

/* ---- the folder and its state ---- */

/* .NAME.vj-parts beside the output, or "" where there is no room for the name. */
static void parts_path(const char *output_dir, char dst[PATH_BYTES])
{
    size_t n = strlen(output_dir);

    while (n > 1 && output_dir[n - 1] == '/')
        n--;
    size_t base = n;
    while (base > 0 && output_dir[base - 1] != '/')
        base--;
    int used = snprintf(dst, PATH_BYTES, "%.*s.%.*s.vj-parts", (int)base, output_dir,
                        (int)(n - base), output_dir + base);
    if (used >= PATH_BYTES || n - base > 200)
        dst[0] = '\0';
}

void vj_refparts_forget(const char *output_dir)
{
    char dir[PATH_BYTES];
    vj_hold *hold = NULL;
    vj_error ignored = {0};

    parts_path(output_dir, dir);
    if (dir[0] == '\0' || !vj_path_is_dir(dir) || vj_path_hold(dir, &hold, &ignored) != VJ_OK ||
        hold == NULL)
        return;
    vj_path_remove(dir);
    vj_hold_free(hold);
}

/* What the files would be made of: the same text means the same bytes. */
static vj_status identify(parts *p, vj_error *err)
{
    const vj_refsort_options *sort = p->job->sort;
    vj_hasher *hasher = vj_hasher_new(err);
    vj_buf layout = {.budget = p->job->budget};
    vj_status rc = VJ_OK;

    if (hasher == NULL)
        return VJ_E_NOMEM;
    vj_hasher_add(hasher, VJ_VERSION, sizeof VJ_VERSION);
    for (int32_t i = 0; i < sort->n_kvs; i++) {
        vj_hasher_add(hasher, sort->kvs[i].key, strlen(sort->kvs[i].key) + 1);
        vj_hasher_add(hasher, sort->kvs[i].value, strlen(sort->kvs[i].value) + 1);
    }
    for (int32_t i = 0; i < p->db->n_files; i++) {
        vj_source *source = NULL;

        VJ_GO(rc, vj_source_open(p->db->files[i].path, &source, err));
        const int64_t facts[] = {vj_source_size(source), vj_source_mtime_ns(source)};
        vj_source_free(source);
        vj_hasher_add(hasher, facts, sizeof facts);
        vj_hasher_add(hasher, p->db->files[i].path, strlen(p->db->files[i].path) + 1);
    }
    if (sort->built != NULL) {
        VJ_GO(rc, vj_built_write(sort->built, &layout, err));
        vj_hasher_add(hasher, layout.ptr, layout.len_bytes);
    }
    vj_hash128 hash = vj_hasher_get(hasher);
    snprintf(p->identity, sizeof p->identity, "%016llx%016llx", (unsigned long long)hash.hi,
             (unsigned long long)hash.lo);
out:
    vj_hasher_free(hasher);
    vj_buf_fini(&layout);
    return rc;
}

static void state_path(const parts *p, char dst[PATH_BYTES + 16])
{
    snprintf(dst, PATH_BYTES + 16, "%s/state.json", p->dir);
}

static vj_status write_state(parts *p, vj_error *err)
{
    char path[PATH_BYTES + 16];
    json_t *root = json_object();
    json_t *list = json_array();
    vj_buf text = {.budget = p->job->budget};
    vj_outfile *out = NULL;
    vj_status rc = VJ_OK;

    for (int32_t c = 0; c < p->n; c++) {
        const part *one = &p->list[c];
        json_t *of = json_object();

        if (!one->done) {
            json_decref(of);
            continue;
        }
        vj_put(&of, "contig", vj_json_text(vj_contigs_name(&p->db->contigs, c)));
        vj_put(&of, "file", vj_json_text(vj_span_of(one->file)));
        vj_put(&of, "bytes", json_integer((json_int_t)one->bytes));
        vj_put(&of, "records", json_integer((json_int_t)one->counts.n_records));
        vj_put(&of, "rows", json_integer((json_int_t)one->counts.n_rows));
        vj_put(&of, "dropped", json_integer((json_int_t)one->counts.n_dropped));
        vj_put(&of, "runs", json_integer((json_int_t)one->counts.n_runs));
        vj_add(&list, of);
    }
    vj_put(&root, "version", json_integer(STATE_VERSION));
    vj_put(&root, "identity", vj_json_text(vj_span_of(p->identity)));
    vj_put(&root, "parts", list);
    state_path(p, path);
    VJ_GO(rc, vj_json_write(root, JSON_COMPACT, &text, err));
    VJ_GO(rc, vj_outfile_open(path, &out, err));
    VJ_GO(rc, vj_outfile_write(out, text.ptr, text.len_bytes, err));
    VJ_GO(rc, vj_outfile_finish(out, err));
out:
    vj_outfile_free(out);
    vj_buf_fini(&text);
    json_decref(root);
    return rc;
}

/* A part that the state names counts when its file is there, as long as it was, and whole. */
static void take_up(parts *p, const json_t *of)
{
    const char *contig = json_string_value(json_object_get(of, "contig"));
    const char *file = json_string_value(json_object_get(of, "file"));
    int64_t bytes = (int64_t)json_integer_value(json_object_get(of, "bytes"));
    int64_t code = contig != NULL ? vj_map_find(&p->db->contigs.by_name, vj_span_of(contig)) : -1;
    char path[PATH_BYTES + 1000];
    vj_pq_file *pq = NULL;
    vj_error ignored = {0};

    if (code < 0 || code >= p->n || file == NULL || strlen(file) >= sizeof p->list->file ||
        strchr(file, '/') != NULL)
        return;
    if (file[0] != '\0') {
        snprintf(path, sizeof path, "%s/%s", p->dir, file);
        if (vj_pq_open_path(path, NULL, &pq, &ignored) != VJ_OK)
            return;
        bool whole = vj_pq_meta_view(pq)->size_bytes == bytes;
        vj_pq_free(pq);
        if (!whole)
            return;
    }
    part *one = &p->list[code];
    snprintf(one->file, sizeof one->file, "%s", file);
    one->bytes = bytes;
    one->counts.n_records = (int64_t)json_integer_value(json_object_get(of, "records"));
    one->counts.n_rows = (int64_t)json_integer_value(json_object_get(of, "rows"));
    one->counts.n_dropped = (int64_t)json_integer_value(json_object_get(of, "dropped"));
    one->counts.n_runs = (int64_t)json_integer_value(json_object_get(of, "runs"));
    one->done = true;
}

static void read_state(parts *p)
{
    char path[PATH_BYTES + 16];
    vj_buf text = {.budget = p->job->budget};
    json_t *root = NULL;
    vj_error ignored = {0};

    state_path(p, path);
    if (!vj_path_exists(path) || vj_path_read(path, &text, &ignored) != VJ_OK ||
        vj_json_parse(vj_buf_span(&text), path, &root, &ignored) != VJ_OK) {
        vj_buf_fini(&text);
        return;
    }
    const char *identity = json_string_value(json_object_get(root, "identity"));
    const json_t *list = json_object_get(root, "parts");
    if (json_integer_value(json_object_get(root, "version")) == STATE_VERSION &&
        identity != NULL && strcmp(identity, p->identity) == 0)
        for (size_t i = 0; i < json_array_size(list); i++)
            take_up(p, json_array_get(list, i));
    json_decref(root);
    vj_buf_fini(&text);
}

static vj_status open_folder(parts *p, vj_error *err)
{
    VJ_TRY(identify(p, err));
    parts_path(p->job->options->output_dir, p->dir);
    if (p->dir[0] == '\0')
        return VJ_OK;
    if (p->job->options->restart)
        vj_refparts_forget(p->job->options->output_dir);
    VJ_TRY(vj_path_make_dirs(p->dir, err));
    VJ_TRY(vj_path_hold(p->dir, &p->hold, err));
    if (p->hold == NULL) { /* somebody else builds it now, or the disk knows no locks */
        p->dir[0] = '\0';
        return VJ_OK;
    }
    read_state(p);
    return VJ_OK;
}

/* ---- one contig ---- */

/* Rows go on; not when another worker has failed. */
static vj_status note_rows(void *ctx, int64_t n_records, int64_t n_rows, vj_error *err)
{
    parts *p = ctx;
    const vj_reference_options *o = p->job->options;
    int64_t now_ns = vj_clock_ns();

    vj_lock_take(&p->lock);
    p->n_records += n_records;
    p->n_rows += n_rows;
    if (o->progress != NULL && now_ns - p->last_ns >= 100000000) {
        double share = (double)p->n_records / (double)VJ_MAX(p->db->n_rows, 1);
        vj_progress progress = {"reference build", p->n_rows,
                                (int64_t)(share * (double)p->db->size_bytes), p->db->size_bytes};

        p->last_ns = now_ns;
        o->progress(o->user, &progress);
    }
    bool failed = p->rc != VJ_OK;
    vj_lock_give(&p->lock);
    return failed ? vj_fail(err, VJ_E_CANCELLED, "another contig failed") : VJ_OK;
}

/* The sorted file of a contig in the worker's folder; its name, or "" where no row is left. */
static vj_status sort_contig(worker *w, int32_t contig, part *out, vj_error *err)
{
    vj_refsort_options options = *w->all->job->sort;
    vj_refsort *sort = NULL;
    vj_status rc = VJ_OK;

    options.out_dir = w->dir;
    options.no_empty = true;
    vj_stage_mark mark = vj_stage_start(w->all->job->options->track);
    int64_t written_before = vj_os_bytes_written();
    VJ_GO(rc, vj_refsort_new(&options, w->all->job->budget, &sort, err));
    VJ_GO(rc, vj_refparquet_read(w->in, contig, sort, note_rows, w->all, &out->counts, err));
    VJ_GO(rc, vj_refsort_finish(sort, err));
    vj_stage_stop(w->all->job->options->track, VJ_STAGE_WRITE, mark, out->counts.n_rows,
                  vj_os_bytes_written() - written_before);
    out->counts.n_dropped += vj_refsort_n_dropped(sort);
    out->counts.n_rows -= vj_refsort_n_dropped(sort);
    out->counts.n_runs = vj_refsort_n_runs(sort);
    out->bytes = vj_refsort_bytes_out(sort);
    out->file[0] = '\0';
    if (vj_refsort_n_contigs(sort) > 0)
        vj_refsort_file_name(vj_refsort_name(sort, 0), out->file);
out:
    vj_refsort_free(sort);
    return rc;
}

static vj_status build_contig(worker *w, int32_t contig, vj_error *err)
{
    parts *p = w->all;
    part made = {0};
    char from[PATH_BYTES + 1000];
    char to[PATH_BYTES + 1000];
    vj_status rc = VJ_OK;

    VJ_TRY(sort_contig(w, contig, &made, err));
    if (made.file[0] != '\0') {
        snprintf(from, sizeof from, "%s/%s", w->dir, made.file);
        snprintf(to, sizeof to, "%s/%s", p->dir[0] != '\0' ? p->dir : p->job->sort->out_dir,
                 made.file);
        VJ_TRY(vj_path_rename(from, to, err));
    }
    made.done = true;
    vj_lock_take(&p->lock);
    p->list[contig] = made;
    if (p->dir[0] != '\0')
        rc = write_state(p, err);
    vj_lock_give(&p->lock);
    return rc;
}

/* ---- workers ---- */

static int32_t next_contig(parts *p)
{
    int32_t contig = -1;

    vj_lock_take(&p->lock);
    while (p->next < p->n && p->list[p->next].done)
        p->next++;
    if (p->rc == VJ_OK && p->next < p->n)
        contig = p->next++;
    vj_lock_give(&p->lock);
    return contig;
}

static void keep_failure(parts *p, vj_status rc, const vj_error *err)
{
    vj_lock_take(&p->lock);
    if (p->rc == VJ_OK) {
        p->rc = rc;
        p->first = *err;
    }
    vj_lock_give(&p->lock);
}

static void work(void *arg)
{
    parts *p = arg;
    worker w = {.all = p};
    vj_error err = {0};
    vj_status rc = VJ_OK;

    vj_lock_take(&p->lock);
    int32_t number = p->n_workers_begun++;
    vj_lock_give(&p->lock);
    snprintf(w.dir, sizeof w.dir, "%.4000s/w%d", p->job->sort->out_dir, number);
    VJ_GO(rc, vj_path_make_dirs(w.dir, &err));
    VJ_GO(rc, vj_refparquet_open(p->job->options->inputs[0], p->job->start_base,
                                 p->job->options->ignore_checksums != 0, p->job->budget, &w.in,
                                 &err));
    for (int32_t c = next_contig(p); c >= 0; c = next_contig(p))
        VJ_GO(rc, build_contig(&w, c, &err));
    vj_path_remove(w.dir);
out:
    vj_refparquet_free(w.in);
    if (rc != VJ_OK)
        keep_failure(p, rc, &err);
}

static vj_status run_workers(parts *p, vj_error *err)
{
    vj_thread *threads[MAX_WORKERS] = {0};
    int32_t n = VJ_MIN(p->job->sort->n_sorters, MAX_WORKERS);

    for (int32_t i = 1; i < n; i++)
        if (vj_thread_start(work, p, &threads[i], NULL) != VJ_OK)
            break; /* fewer threads are only slower */
    work(p);
    for (int32_t i = 1; i < n; i++)
        vj_thread_join(threads[i]);
    if (p->rc != VJ_OK && err != NULL)
        *err = p->first;
    return p->rc;
}

/* ---- all ---- */

static void add_up(parts *p)
{
    vj_reference_result *sum = p->job->result;

    for (int32_t c = 0; c < p->n; c++) {
        const part *one = &p->list[c];

        sum->n_records += one->counts.n_records;
        sum->n_rows += one->counts.n_rows;
        sum->n_dropped += one->counts.n_dropped;
        sum->n_runs += one->counts.n_runs;
        sum->n_contigs += one->file[0] != '\0';
        sum->bytes_out += one->bytes;
    }
}

/* From the parts folder to the output's, which is then complete. */
static vj_status collect(parts *p, vj_error *err)
{
    char from[PATH_BYTES + 1000];
    char to[PATH_BYTES + 1000];

    for (int32_t c = 0; p->dir[0] != '\0' && c < p->n; c++) {
        if (p->list[c].file[0] == '\0')
            continue;
        snprintf(from, sizeof from, "%s/%s", p->dir, p->list[c].file);
        snprintf(to, sizeof to, "%s/%s", p->job->sort->out_dir, p->list[c].file);
        VJ_TRY(vj_path_rename(from, to, err));
    }
    return VJ_OK;
}

/* No contig gave a row: the columns are to be known all the same. */
static vj_status write_empty(parts *p, vj_error *err)
{
    vj_refsort *sort = NULL;
    vj_status rc = vj_refsort_new(p->job->sort, p->job->budget, &sort, err);

    if (rc == VJ_OK)
        rc = vj_refsort_finish(sort, err);
    vj_refsort_free(sort);
    return rc;
}

static void say_taken_up(const parts *p)
{
    const vj_reference_options *o = p->job->options;
    int32_t n = 0;
    char text[120];

    for (int32_t c = 0; c < p->n; c++)
        n += p->list[c].done;
    snprintf(text, sizeof text, "going on where a build was killed: %d of %d contigs are there", n,
             p->n);
    if (n > 0 && o->log != NULL)
        o->log(o->user, VJ_LOG_WARNING, text);
}

vj_status vj_refparts_run(const vj_refparts_job *job, vj_error *err)
{
    parts *p = vj_zalloc(job->budget, sizeof *p, err);
    vj_status rc = VJ_E_NOMEM;

    if (p == NULL)
        return VJ_E_NOMEM;
    p->job = job;
    p->db = vj_refparquet_database(job->parquet);
    p->n = (int32_t)p->db->contigs.by_name.n;
    p->list = vj_calloc(job->budget, (size_t)p->n, sizeof *p->list, err);
    if (p->list == NULL)
        goto out;
    VJ_GO(rc, vj_lock_init(&p->lock, err));
    p->has_lock = true;
    VJ_GO(rc, open_folder(p, err));
    say_taken_up(p);
    VJ_GO(rc, run_workers(p, err));
    VJ_GO(rc, collect(p, err));
    add_up(p);
    if (job->result->n_contigs == 0)
        rc = write_empty(p, err);
out:
    if (p->dir[0] != '\0')
        vj_path_remove(p->dir);
    vj_hold_free(p->hold);
    if (p->has_lock)
        vj_lock_fini(&p->lock);
    vj_free(p->list);
    vj_free(p);
    return rc;
}
