#include "native/native.h"

#include <stdlib.h>

#include "native/refscan.h"

typedef VJ_VEC(int32_t) row_list;

/* One batch on its way: left rows, what each database answers, the rows to write. */
typedef struct native_batch {
    vj_left *left;
    vj_join_index index;
    vj_matches *matches;    /* one per database */
    VJ_VEC(int32_t) row_left;
    bool identity;          /* output row i is left row i */
    row_list *row_db;       /* per database: payload row of each output row, -1: none */
    vj_colb *builders;      /* output columns that had to be gathered */
    vj_col *cols;
    int64_t n_rows;
    vj_content_hash hash;
    vj_buf scratch;
    int64_t bytes_done; /* of the input, when the batch was read */
    vj_keyed_rows keyed; /* when another engine joins */
} native_batch;

typedef struct native_run {
    vj_plan *plan;
    vj_sink *sink;   /* one of the two */
    vj_keyed *keyed;
    vj_pq_cache *cache; /* pages that neighbouring batches share */
    bool with_reasons;
    vj_result *result;
    vj_crew *crew; /* who helps to commit */
    int64_t last_progress_ns;
} native_run;

static void batch_free(void *ctx, void *arg)
{
    native_run *run = ctx;
    native_batch *b = arg;

    if (b == NULL)
        return;
    vj_left_batch_free(b->left);
    vj_join_index_fini(&b->index);
    for (int32_t d = 0; d < run->plan->n_dbs; d++) {
        if (b->matches != NULL)
            vj_matches_fini(&b->matches[d]);
        if (b->row_db != NULL)
            VJ_VEC_FINI(&b->row_db[d]);
    }
    for (int32_t c = 0; b->builders != NULL && c < run->plan->out_schema.n_fields; c++)
        vj_colb_fini(&b->builders[c]);
    VJ_VEC_FINI(&b->row_left);
    vj_buf_fini(&b->scratch);
    vj_keyed_rows_fini(&b->keyed);
    vj_free(b->matches);
    vj_free(b->row_db);
    vj_free(b->builders);
    vj_free(b->cols);
    vj_free(b);
}

static vj_status init_batch(native_run *run, native_batch *b, vj_error *err)
{
    const vj_plan *plan = run->plan;
    vj_budget *budget = plan->budget;
    size_t n_dbs = (size_t)plan->n_dbs;
    size_t n_fields = (size_t)plan->out_schema.n_fields;

    vj_join_index_init(&b->index, budget);
    b->row_left.budget = b->scratch.budget = budget;
    VJ_TRY(vj_left_batch_new(plan->source, budget, &b->left, err));
    b->builders = vj_calloc(budget, VJ_MAX(n_fields, 1), sizeof *b->builders, err);
    b->cols = vj_calloc(budget, VJ_MAX(n_fields, 1), sizeof *b->cols, err);
    b->matches = vj_calloc(budget, VJ_MAX(n_dbs, 1), sizeof *b->matches, err);
    b->row_db = vj_calloc(budget, VJ_MAX(n_dbs, 1), sizeof *b->row_db, err);
    if (b->builders == NULL || b->cols == NULL || b->matches == NULL || b->row_db == NULL)
        return VJ_E_NOMEM;
    for (size_t c = 0; c < n_fields; c++)
        VJ_TRY(vj_colb_init(&b->builders[c], &plan->out_schema.fields[c].type, budget, err));
    for (size_t d = 0; d < n_dbs; d++) {
        b->row_db[d].budget = budget;
        VJ_TRY(vj_matches_init(&b->matches[d], plan->dbs[d], budget, err));
    }
    return run->keyed != NULL ? vj_keyed_rows_init(&b->keyed, run->keyed, err) : VJ_OK;
}

static vj_status batch_new(void *ctx, void **out, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = vj_zalloc(run->plan->budget, sizeof *b, err);

    if (b == NULL)
        return VJ_E_NOMEM;
    vj_status rc = init_batch(run, b, err);
    if (rc != VJ_OK) {
        batch_free(ctx, b);
        return rc;
    }
    *out = b;
    return VJ_OK;
}

static vj_status worker_new(void *ctx, void **out, vj_error *err)
{
    native_run *run = ctx;
    vj_refscan *scan = NULL;

    VJ_TRY(vj_refscan_new(run->plan, run->cache, &scan, err));
    *out = scan;
    return VJ_OK;
}

static void worker_free(void *ctx, void *worker)
{
    (void)ctx;
    vj_refscan_free(worker);
}

static void show_progress(native_run *run, int64_t bytes_done, int64_t now_ns)
{
    const vj_job_options *o = &run->plan->options;
    vj_progress progress = {"annotate", run->result->rows_out,
                            bytes_done,
                            vj_left_bytes_total(run->plan->source)};

    if (!run->plan->annotating)
        progress.stage = "normalize";
    run->last_progress_ns = now_ns;
    o->progress(o->user, &progress);
}

static vj_status read_batch(void *ctx, void *batch, bool *out_more, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = batch;

    vj_stage_mark mark = vj_stage_start(run->plan->track);
    vj_status rc = vj_left_read(run->plan->source, run->plan->rows_per_batch, b->left, out_more,
                                err);

    b->bytes_done = vj_left_bytes_done(run->plan->source);
    vj_stage_stop(run->plan->track, VJ_STAGE_READ, mark, 0, 0);
    return rc;
}

/* Matches of a row's key in one database. */
static int32_t n_matches(const native_batch *b, int32_t d, int32_t key)
{
    const int32_t *first = b->matches[d].first.ptr;

    return first[key + 1] - first[key];
}

/* Rows to write for one left row: the product over the databases, the first one slowest. */
static vj_status expand_row(const vj_plan *plan, native_batch *b, int32_t row, vj_error *err)
{
    int32_t key = b->left->row_key[row];
    int64_t total = 1;

    for (int32_t d = 0; d < plan->n_dbs; d++) {
        int32_t n = n_matches(b, d, key);

        if (plan->options.duplicates == VJ_DUPLICATES_FIRST)
            n = VJ_MIN(n, 1);
        total *= VJ_MAX(n, 1);
        if (total > INT32_MAX / 2)
            return vj_fail(err, VJ_E_NOMEM, "one variant has over a billion combinations of "
                           "database rows; use --duplicates first");
    }
    VJ_TRY(VJ_VEC_RESERVE(&b->row_left, total, err));
    for (int64_t i = 0; i < total; i++)
        b->row_left.ptr[b->row_left.n++] = row;
    int64_t repeat = total;
    for (int32_t d = 0; d < plan->n_dbs; d++) {
        row_list *list = &b->row_db[d];
        const vj_matches *m = &b->matches[d];
        int32_t n = n_matches(b, d, key);

        if (plan->options.duplicates == VJ_DUPLICATES_FIRST)
            n = VJ_MIN(n, 1);
        VJ_TRY(VJ_VEC_RESERVE(list, total, err));
        repeat /= VJ_MAX(n, 1);
        for (int64_t i = 0; i < total; i++)
            list->ptr[list->n++] =
                n == 0 ? -1 : m->by_key.ptr[m->first.ptr[key] + (i / repeat) % n];
    }
    return VJ_OK;
}

static vj_status expand_rows(const vj_plan *plan, native_batch *b, vj_error *err)
{
    VJ_VEC_RESET(&b->row_left);
    for (int32_t d = 0; d < plan->n_dbs; d++)
        VJ_VEC_RESET(&b->row_db[d]);
    VJ_TRY(VJ_VEC_RESERVE(&b->row_left, b->left->n_rows, err));
    for (int64_t i = 0; i < b->left->n_rows; i++)
        VJ_TRY(expand_row(plan, b, (int32_t)i, err));
    b->n_rows = (int64_t)b->row_left.n;
    b->identity = b->n_rows == b->left->n_rows;
    return VJ_OK;
}

static vj_status gather_columns(const vj_plan *plan, native_batch *b, vj_error *err)
{
    int32_t c = 0;

    for (; c < plan->n_left_fields; c++) {
        if (b->identity) {
            b->cols[c] = b->left->cols[c];
            continue;
        }
        vj_colb_reset(&b->builders[c]);
        VJ_TRY(vj_colb_gather(&b->builders[c], &b->left->cols[c], b->row_left.ptr, b->n_rows,
                              err));
        b->cols[c] = vj_colb_view(&b->builders[c]);
    }
    for (int32_t d = 0; d < plan->n_dbs; d++) {
        vj_matches *m = &b->matches[d];

        for (int32_t p = 0; p < m->n_payload; p++, c++) {
            vj_col from = vj_colb_view(&m->payload[p]);

            vj_colb_reset(&b->builders[c]);
            VJ_TRY(vj_colb_gather(&b->builders[c], &from, b->row_db[d].ptr, b->n_rows, err));
            b->cols[c] = vj_colb_view(&b->builders[c]);
        }
    }
    return VJ_OK;
}

static vj_status hash_rows(const vj_plan *plan, native_batch *b, vj_error *err)
{
    vj_batch batch = {&plan->out_schema, b->n_rows, b->cols};

    b->hash = (vj_content_hash){0};
    vj_buf_reset(&b->scratch);
    VJ_TRY(vj_buf_reserve(&b->scratch, (size_t)b->n_rows * sizeof(uint64_t), err));
    vj_content_hash_add(&b->hash, &batch, (uint64_t *)(void *)b->scratch.ptr);
    return VJ_OK;
}

static vj_status work_batch(void *ctx, void *worker, void *batch, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = batch;
    const vj_plan *plan = run->plan;
    vj_stage_mark mark = vj_stage_start(plan->track);

    VJ_TRY(vj_left_parse(plan->source, b->left, err));
    vj_stage_stop(plan->track, VJ_STAGE_PARSE, mark, b->left->n_rows, 0);
    if (plan->n_dbs > 0 && run->with_reasons) {
        VJ_TRY(vj_join_index_build(&b->index, b->left->keys, err));
        for (int32_t d = 0; d < plan->n_dbs; d++)
            VJ_TRY(vj_refscan_run(worker, plan->dbs[d], &b->index, run->keyed == NULL,
                                  &b->matches[d], err));
    }
    if (run->keyed != NULL)
        return vj_keyed_build(&b->keyed, b->left, err);
    mark = vj_stage_start(plan->track);
    VJ_TRY(expand_rows(plan, b, err));
    VJ_TRY(gather_columns(plan, b, err));
    VJ_TRY(hash_rows(plan, b, err));
    vj_stage_stop(plan->track, VJ_STAGE_ENCODE, mark, b->n_rows, 0);
    return VJ_OK;
}

/* ---- commit ---- */

static vj_reason reason_of(const native_batch *b, int32_t d, int32_t key_i)
{
    static const vj_reason by_best[] = {
        [VJ_JOIN_NO_POSITION] = VJ_REASON_NO_POSITION,
        [VJ_JOIN_REF_DIFFERS] = VJ_REASON_REF_DIFFERS,
        [VJ_JOIN_ALT_DIFFERS] = VJ_REASON_ALT_DIFFERS,
        [VJ_JOIN_MATCHED] = VJ_REASON_MATCHED,
    };
    const vj_key *key = &b->left->keys->keys.ptr[key_i];

    if (!key->matchable)
        return VJ_REASON_NOT_MATCHABLE;
    if (!b->matches[d].contig_known.ptr[key->contig])
        return VJ_REASON_CONTIG_ABSENT;
    return by_best[b->matches[d].best.ptr[key_i]];
}

/* Counts of one stretch of keys on one contig into the record; counts are emptied. */
static vj_status note_contig(native_run *run, int32_t d, vj_span contig, int64_t *counts,
                             vj_error *err)
{
    char name[VJ_CONTIG_BYTES];

    vj_quote(name, sizeof name, contig.ptr, contig.len_bytes);
    for (int r = 0; r < VJ_REASON_COUNT; r++) {
        if (counts[r] > 0)
            VJ_TRY(vj_report_count(run->result->report, run->result->dbs[d], name, (vj_reason)r,
                                   counts[r], err));
        counts[r] = 0;
    }
    return VJ_OK;
}

static vj_status note_reasons(native_run *run, const native_batch *b, int32_t d, vj_error *err)
{
    vj_report_db *db = run->result->dbs[d];
    const vj_key_list *list = b->left->keys;
    int64_t counts[VJ_REASON_COUNT] = {0};
    int32_t last_record = -1;

    for (size_t k = 0; k < list->keys.n; k++) {
        vj_reason reason = reason_of(b, d, (int32_t)k);
        int32_t contig = list->keys.ptr[k].contig;

        counts[reason]++;
        if (reason == VJ_REASON_MATCHED) {
            db->duplicate_keys += n_matches(b, d, (int32_t)k) > 1;
            db->matched_records += b->left->key_record[k] != last_record;
            last_record = b->left->key_record[k];
        }
        if (k + 1 == list->keys.n || list->keys.ptr[k + 1].contig != contig)
            VJ_TRY(note_contig(run, d, list->contig_names.ptr[contig], counts, err));
    }
    for (int64_t i = 0; run->sink != NULL && i < b->n_rows; i++)
        db->matched_rows += b->row_db[d].ptr[i] >= 0;
    return VJ_OK;
}

/* Rows and their hash to the sink. */
static vj_status commit_rows(native_run *run, native_batch *b, vj_error *err)
{
    vj_result *result = run->result;
    vj_out_batch out = {{&run->plan->out_schema, b->n_rows, b->cols}, b->left,
                        b->identity ? NULL : b->row_left.ptr, run->crew};
    vj_stage_mark mark = vj_stage_start(run->plan->track);

    VJ_TRY(vj_sink_append(run->sink, &out, result, err));
    vj_stage_stop(run->plan->track, VJ_STAGE_WRITE, mark, b->n_rows, 0);
    vj_content_hash_merge(&result->hash, &b->hash);
    result->rows_in += b->left->n_rows;
    result->rows_out += b->n_rows;
    result->records_in += b->left->n_records;
    result->alleles_in += (int64_t)b->left->keys->keys.n;
    vj_vcf_counts_add(&result->counts, b->left->counts);
    return VJ_OK;
}

static vj_status commit_batch(void *ctx, void *batch, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = batch;

    for (int32_t d = 0; run->with_reasons && d < run->plan->n_dbs; d++)
        VJ_TRY(note_reasons(run, b, d, err));
    if (run->keyed != NULL)
        VJ_TRY(vj_keyed_append(run->keyed, &b->keyed, b->left, run->result, err));
    else
        VJ_TRY(commit_rows(run, b, err));
    int64_t now_ns = vj_clock_ns();
    if (run->plan->options.progress != NULL && now_ns - run->last_progress_ns > 100000000)
        show_progress(run, b->bytes_done, now_ns);
    return VJ_OK;
}

/* Larger row groups are inflated once a batch. */
#define CACHE_BYTES ((int64_t)16 << 20)

/*
 * Room for the row groups where batches meet: one between each two that are worked on, and the
 * one that the next batch will begin with. An eighth of the budget at most.
 */
static size_t cache_bytes(const vj_plan *plan)
{
    int64_t room = VJ_MAX(plan->budget->limit_bytes - plan->budget->used_bytes, 0) / 8;
    int64_t group = 0;

    for (int32_t d = 0; d < plan->n_dbs; d++) {
        const vj_database *db = plan->dbs[d];
        int64_t bytes = 0;

        for (int32_t i = 0; i < db->n_rowgroups; i++)
            bytes += vj_pq_rowgroup_view(db->files[db->rowgroups[i].file_i].pq,
                                         db->rowgroups[i].rowgroup_i).uncompressed_bytes;
        group += bytes / VJ_MAX(db->n_rowgroups, 1);
    }
    return (size_t)VJ_MIN(VJ_MIN(group + group / 2, CACHE_BYTES) * (plan->n_workers + 1),
                          VJ_MIN(CACHE_BYTES, room));
}

static vj_status run_pipeline(native_run *run, vj_error *err)
{
    const vj_pipeline_ops ops = {
        .ctx = run,
        .batch_new = batch_new,
        .batch_free = batch_free,
        .worker_new = worker_new,
        .worker_free = worker_free,
        .read = read_batch,
        .work = work_batch,
        .commit = commit_batch,
        .crew = &run->crew,
    };

    const vj_plan *plan = run->plan;

    if (plan->n_dbs > 0)
        VJ_TRY(vj_pq_cache_new(plan->budget, cache_bytes(plan), &run->cache, err));
    vj_status rc = vj_pipeline_run(&ops, plan->n_workers, plan->n_batches, plan->stop, err);
    vj_pq_cache_free(run->cache);
    return rc;
}

vj_status vj_native_run(vj_plan *plan, vj_sink *sink, vj_result *result, vj_error *err)
{
    native_run run = {.plan = plan, .sink = sink, .with_reasons = true, .result = result};

    return run_pipeline(&run, err);
}

vj_status vj_native_run_keyed(vj_plan *plan, vj_keyed *keyed, vj_result *result, vj_error *err)
{
    /* DuckDB tells itself what became of each row, without the pairs in memory. */
    bool with_reasons = vj_plan_is_standard(plan) && plan->engine != VJ_ENGINE_DUCKDB;
    native_run run = {.plan = plan, .keyed = keyed, .with_reasons = with_reasons,
                      .result = result};

    return run_pipeline(&run, err);
}
