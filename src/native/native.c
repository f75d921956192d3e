#include "native/native.h"

#include <stdlib.h>

#include "engine/sweep.h"
#include "native/expand.h"
#include "native/joint.h"

/* Left rows [beg, beg + n) come out one after the other. */
typedef struct stretch {
    int64_t beg, n;
} stretch;

/* Rows of one input in a batch, and what is to be written for them. */
typedef struct native_part {
    const vj_plan *plan;    /* its sample's */
    vj_left *left;
    bool has_rows;          /* else the batch holds nothing of this input */
    int32_t first_key;      /* where its keys begin among the batch's */
    vj_expansion rows;      /* to write: the worker makes the first piece, nearly always the whole */
    VJ_VEC(stretch) stretches; /* of the piece; none: gather row by row */
    vj_buf places;          /* of the rows of the database at hand */
    vj_colb *builders;      /* columns of the piece that had to be gathered */
    vj_col *cols;
    vj_content_hash hash;   /* of the piece */
    int64_t n_expected; /* rows the output must have for these; -1: not known here */
} native_part;

/* One batch on its way: rows of every input, and what each database answers to all of them. */
typedef struct native_batch {
    native_part *parts;     /* one per sample of the plan */
    vj_joint joint;         /* keys of all parts, where there are several */
    const vj_key_list *keys;
    vj_join_index index;
    vj_matches *matches;    /* one per database */
    vj_buf scratch;
    int64_t bytes_done;     /* of the inputs, when the batch was read */
    vj_keyed_rows keyed;    /* when another engine joins */
} native_batch;

typedef struct native_run {
    vj_plan *plan;
    vj_sweep *sweep;
    vj_sink *const *sinks; /* one per sample, or: */
    vj_keyed *keyed;
    vj_pq_cache *cache;    /* pages that neighbouring batches share */
    vj_result *results;    /* one per sample */
    vj_crew *crew;         /* who helps to commit */
    int64_t last_progress_ns;
    int64_t bytes_read; /* of the inputs, up to the last batch */
} native_run;

/* ---- batches ---- */

static void part_fini(native_part *part)
{
    const vj_plan *plan = part->plan;

    if (plan == NULL)
        return;
    vj_left_batch_free(part->left);
    for (int32_t c = 0; part->builders != NULL && c < plan->out_schema.n_fields; c++)
        vj_colb_fini(&part->builders[c]);
    vj_expansion_fini(&part->rows);
    vj_buf_fini(&part->places);
    VJ_VEC_FINI(&part->stretches);
    vj_free(part->builders);
    vj_free(part->cols);
}

static vj_status part_init(native_part *part, const vj_plan *plan, vj_error *err)
{
    vj_budget *budget = plan->budget;
    size_t n_fields = (size_t)plan->out_schema.n_fields;

    part->plan = plan;
    part->places.budget = part->stretches.budget = budget;
    VJ_TRY(vj_expansion_init(&part->rows, plan->n_dbs, budget, err));
    VJ_TRY(vj_left_batch_new(plan->source, budget, &part->left, err));
    part->builders = vj_calloc(budget, VJ_MAX(n_fields, 1), sizeof *part->builders, err);
    part->cols = vj_calloc(budget, VJ_MAX(n_fields, 1), sizeof *part->cols, err);
    if (part->builders == NULL || part->cols == NULL)
        return VJ_E_NOMEM;
    for (size_t c = 0; c < n_fields; c++)
        VJ_TRY(vj_colb_init(&part->builders[c], &plan->out_schema.fields[c].type, budget, err));
    return VJ_OK;
}

static void batch_free(void *ctx, void *arg)
{
    native_run *run = ctx;
    native_batch *b = arg;

    if (b == NULL)
        return;
    for (int32_t i = 0; b->parts != NULL && i < run->plan->n_samples; i++)
        part_fini(&b->parts[i]);
    for (int32_t d = 0; b->matches != NULL && d < run->plan->n_dbs; d++)
        vj_matches_fini(&b->matches[d]);
    vj_joint_fini(&b->joint);
    vj_join_index_fini(&b->index);
    vj_buf_fini(&b->scratch);
    vj_keyed_rows_fini(&b->keyed);
    vj_free(b->matches);
    vj_free(b->parts);
    vj_free(b);
}

static vj_status init_batch(native_run *run, native_batch *b, vj_error *err)
{
    const vj_plan *plan = run->plan;
    vj_budget *budget = plan->budget;
    size_t n_dbs = (size_t)plan->n_dbs;

    vj_join_index_init(&b->index, budget);
    vj_joint_init(&b->joint, budget);
    b->scratch.budget = budget;
    b->parts = vj_calloc(budget, (size_t)plan->n_samples, sizeof *b->parts, err);
    b->matches = vj_calloc(budget, VJ_MAX(n_dbs, 1), sizeof *b->matches, err);
    if (b->parts == NULL || b->matches == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < plan->n_samples; i++)
        VJ_TRY(part_init(&b->parts[i], plan->samples[i], err));
    for (size_t d = 0; d < n_dbs; d++)
        VJ_TRY(vj_matches_init(&b->matches[d], plan->dbs[d], budget, err));
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

/* ---- read ---- */

static void show_progress(native_run *run, int64_t bytes_done, int64_t now_ns)
{
    const vj_job_options *o = &run->plan->options;
    vj_progress progress = {.stage = run->plan->annotating ? "annotate" : "normalize",
                            .bytes_done = bytes_done,
                            .bytes_total = vj_sweep_bytes_total(run->plan)};

    for (int32_t i = 0; i < run->plan->n_samples; i++)
        progress.rows_done += run->results[i].rows_out;
    run->last_progress_ns = now_ns;
    o->progress(o->user, &progress);
}

static vj_status read_batch(void *ctx, void *batch, bool *out_more, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = batch;
    vj_stage_mark mark = vj_stage_start(run->plan->track);

    bool again = false;

    *out_more = false;
    do {
        VJ_TRY(vj_sweep_next(run->sweep, &again, err));
        for (int32_t i = 0; i < run->plan->n_samples; i++) {
            native_part *part = &b->parts[i];

            VJ_TRY(vj_sweep_take(run->sweep, i, part->left, &part->has_rows, err));
            *out_more |= part->has_rows;
        }
    } while (again && !*out_more);
    b->bytes_done = vj_sweep_bytes_done(run->plan);
    vj_stage_stop(run->plan->track, VJ_STAGE_READ, mark, 0, b->bytes_done - run->bytes_read);
    run->bytes_read = b->bytes_done;
    return VJ_OK;
}

static vj_status prepare_batch(void *ctx, void *batch, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = batch;
    vj_stage_mark mark = vj_stage_start(run->plan->track);

    for (int32_t i = 0; i < run->plan->n_samples; i++)
        if (b->parts[i].has_rows)
            VJ_TRY(vj_left_fill(b->parts[i].plan->source, b->parts[i].left, err));
    vj_stage_stop(run->plan->track, VJ_STAGE_READ, mark, 0, 0);
    return VJ_OK;
}

static vj_status link_batch(void *ctx, void *batch, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = batch;

    for (int32_t i = 0; i < run->plan->n_samples; i++)
        if (b->parts[i].has_rows)
            VJ_TRY(vj_left_link(b->parts[i].plan->source, b->parts[i].left, err));
    return VJ_OK;
}

/* ---- work ---- */

/* Below this mean length stretches of left rows are gathered row by row. */
#define STRETCH_MIN 16

/* Stretches of the piece whose left rows follow one another: repeated keys are what ends them. */
static vj_status find_stretches(native_part *part, vj_error *err)
{
    const vj_expansion *rows = &part->rows;
    const int32_t *row_left = rows->row_left.ptr;
    int64_t most = rows->n_rows / STRETCH_MIN + 1;

    part->stretches.n = 0;
    VJ_TRY(VJ_VEC_RESERVE(&part->stretches, most, err));
    for (int64_t beg = 0, end; beg < rows->n_rows; beg = end) {
        for (end = beg + 1; end < rows->n_rows && row_left[end] == row_left[end - 1] + 1;)
            end++;
        if ((int64_t)part->stretches.n == most) {
            part->stretches.n = 0;
            return VJ_OK;
        }
        part->stretches.ptr[part->stretches.n++] = (stretch){row_left[beg], end - beg};
    }
    return VJ_OK;
}

/* A left column of the piece. */
static vj_status gather_left(native_part *part, int32_t c, vj_error *err)
{
    const vj_col *from = &part->left->cols[c];
    vj_colb *to = &part->builders[c];

    vj_colb_reset(to);
    if (part->stretches.n == 0)
        return vj_colb_gather(to, from, part->rows.row_left.ptr, part->rows.n_rows, err);
    for (size_t i = 0; i < part->stretches.n; i++)
        VJ_TRY(vj_colb_append(to, from, part->stretches.ptr[i].beg, part->stretches.ptr[i].n,
                              err));
    return VJ_OK;
}

/* Columns of the current piece. */
static vj_status gather_columns(const native_batch *b, native_part *part, vj_error *err)
{
    const vj_expansion *rows = &part->rows;
    int32_t c = 0;

    if (!rows->identity)
        VJ_TRY(find_stretches(part, err));
    for (; c < part->plan->n_left_fields; c++) {
        if (rows->identity) {
            part->cols[c] = part->left->cols[c];
            continue;
        }
        VJ_TRY(gather_left(part, c, err));
        part->cols[c] = vj_colb_view(&part->builders[c]);
    }
    for (int32_t d = 0; d < part->plan->n_dbs; d++) {
        vj_matches *m = &b->matches[d];

        vj_places places;

        vj_buf_reset(&part->places);
        VJ_TRY(vj_buf_reserve(&part->places, vj_places_bytes(rows->n_rows), err));
        vj_places_find(rows->row_db[d].ptr, rows->n_rows, part->places.ptr, &places);
        for (int32_t p = 0; p < m->n_payload; p++, c++) {
            vj_colb_reset(&part->builders[c]);
            VJ_TRY(vj_colb_place(&part->builders[c], &m->payload[p], &places, err));
            part->cols[c] = vj_colb_view(&part->builders[c]);
        }
    }
    return VJ_OK;
}

static vj_status hash_rows(native_part *part, vj_buf *scratch, vj_error *err)
{
    int64_t n_rows = part->rows.n_rows;
    vj_batch batch = {&part->plan->out_schema, n_rows, part->cols};

    part->hash = (vj_content_hash){0};
    vj_buf_reset(scratch);
    VJ_TRY(vj_buf_reserve(scratch, (size_t)n_rows * sizeof(uint64_t), err));
    vj_content_hash_add(&part->hash, &batch, (uint64_t *)(void *)scratch->ptr);
    return VJ_OK;
}

/* Text of the records; 0 for an input that has none (Parquet). */
static int64_t text_bytes(const vj_left *left)
{
    int64_t bytes = 0;

    for (int64_t i = 0; left->record_lines != NULL && i < left->n_records; i++)
        bytes += (int64_t)left->record_lines[i].len_bytes + 1;
    return bytes;
}

static vj_status parse_parts(native_run *run, native_batch *b, vj_error *err)
{
    vj_stage_mark mark = vj_stage_start(run->plan->track);
    int64_t n_rows = 0;
    int64_t bytes = 0;

    for (int32_t i = 0; i < run->plan->n_samples; i++) {
        native_part *part = &b->parts[i];

        if (!part->has_rows)
            continue;
        VJ_TRY(vj_left_parse(part->plan->source, part->left, err));
        n_rows += part->left->n_rows;
        bytes += text_bytes(part->left);
    }
    vj_stage_stop(run->plan->track, VJ_STAGE_PARSE, mark, n_rows,
                  bytes > 0 ? bytes : VJ_STAGE_BYTES_READ);
    return VJ_OK;
}

/* One list of the keys of all parts; of a single part, its own. */
static vj_status join_keys(native_run *run, native_batch *b, vj_error *err)
{
    b->keys = b->parts[0].left->keys;
    if (run->plan->n_samples == 1)
        return VJ_OK;
    vj_joint_reset(&b->joint);
    for (int32_t i = 0; i < run->plan->n_samples; i++)
        if (b->parts[i].has_rows)
            VJ_TRY(vj_joint_add(&b->joint, b->parts[i].left->keys, &b->parts[i].first_key, err));
    b->keys = &b->joint.list;
    return VJ_OK;
}

/* Ask every database once, for all parts. */
static vj_status find_matches(native_run *run, vj_refscan *scan, native_batch *b, vj_error *err)
{
    const vj_plan *plan = run->plan;

    if (plan->n_dbs == 0 || run->keyed != NULL)
        return VJ_OK;
    vj_stage_mark mark = vj_stage_start(plan->track);
    VJ_TRY(join_keys(run, b, err));
    VJ_TRY(vj_join_index_build(&b->index, b->keys, err));
    vj_stage_stop(plan->track, VJ_STAGE_KEYS, mark, 0, 0);
    for (int32_t d = 0; d < plan->n_dbs; d++)
        VJ_TRY(vj_refscan_run(scan, plan->dbs[d], &b->index, &b->matches[d], err));
    return VJ_OK;
}

/*
 * Rows that must come out, from the matches alone and not from the rows that are built of them
 * (expand.c), nor from those that the writer or another engine then has: the promise "rows in =
 * rows out" compares the two.
 */
static int64_t expected_rows(const native_run *run, const native_part *part)
{
    const vj_left *left = part->left;
    int64_t n = 0;

    if (run->plan->n_dbs == 0 || run->plan->options.duplicates != VJ_DUPLICATES_ALL)
        return left->n_rows;
    if (run->keyed != NULL)
        return -1;
    for (int64_t i = 0; i < left->n_rows; i++) {
        int64_t product = 1;

        for (int32_t d = 0; d < run->plan->n_dbs; d++)
            product *= VJ_MAX(vj_expansion_matches(&part->rows, d, left->row_key[i]), 1);
        n += product;
    }
    return n;
}

static void aim_expansion(const native_batch *b, native_part *part)
{
    part->rows.left = part->left;
    part->rows.first_key = part->first_key;
    part->rows.index = &b->index;
    part->rows.matches = b->matches;
    vj_expansion_rewind(&part->rows, part->plan->options.duplicates == VJ_DUPLICATES_FIRST);
}

/* The next piece of a part, ready to be written. */
static vj_status make_piece(const native_run *run, native_batch *b, native_part *part,
                            vj_error *err)
{
    VJ_TRY(vj_expansion_next(&part->rows, VJ_MAX(run->plan->rows_per_piece, 1), err));
    VJ_TRY(gather_columns(b, part, err));
    return hash_rows(part, &b->scratch, err);
}

static vj_status work_batch(void *ctx, void *worker, void *batch, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = batch;

    VJ_TRY(parse_parts(run, b, err));
    VJ_TRY(find_matches(run, worker, b, err));
    for (int32_t i = 0; i < run->plan->n_samples; i++) {
        if (!b->parts[i].has_rows)
            continue;
        aim_expansion(b, &b->parts[i]);
        b->parts[i].n_expected = expected_rows(run, &b->parts[i]);
    }
    if (run->keyed != NULL)
        return vj_keyed_build(&b->keyed, b->parts[0].left, err);
    for (int32_t i = 0; i < run->plan->n_samples; i++) {
        native_part *part = &b->parts[i];

        if (!part->has_rows)
            continue;
        vj_stage_mark mark = vj_stage_start(run->plan->track);
        VJ_TRY(make_piece(run, b, part, err));
        vj_stage_stop(run->plan->track, VJ_STAGE_ENCODE, mark, part->rows.n_rows, 0);
    }
    return VJ_OK;
}

/* ---- commit ---- */

/* What became of key key_i of the batch. */
static vj_reason reason_of(const native_batch *b, int32_t d, int32_t key_i)
{
    static const vj_reason by_best[] = {
        [VJ_JOIN_NO_POSITION] = VJ_REASON_NO_POSITION,
        [VJ_JOIN_REF_DIFFERS] = VJ_REASON_REF_DIFFERS,
        [VJ_JOIN_ALT_DIFFERS] = VJ_REASON_ALT_DIFFERS,
        [VJ_JOIN_MATCHED] = VJ_REASON_MATCHED,
    };
    const vj_key *key = &b->keys->keys.ptr[key_i];

    if (!b->matches[d].contig_known.ptr[key->contig])
        return VJ_REASON_CONTIG_ABSENT;
    if (!key->matchable)
        return VJ_REASON_NOT_MATCHABLE;
    return by_best[b->matches[d].best.ptr[key_i]];
}

/* Counts of one stretch of keys on one contig into the record; counts are emptied. */
static vj_status note_contig(vj_result *result, int32_t d, vj_span contig, int64_t *counts,
                             vj_error *err)
{
    char name[VJ_CONTIG_BYTES];

    vj_quote(name, sizeof name, contig.ptr, contig.len_bytes);
    for (int r = 0; r < VJ_REASON_COUNT; r++) {
        if (counts[r] > 0)
            VJ_TRY(vj_report_count(result->report, result->dbs[d], name, (vj_reason)r, counts[r],
                                   err));
        counts[r] = 0;
    }
    return VJ_OK;
}

static vj_status note_reasons(const native_batch *b, const native_part *part, int32_t d,
                              vj_result *result, vj_error *err)
{
    vj_report_db *db = result->dbs[d];
    const vj_key_list *list = part->left->keys;
    int64_t counts[VJ_REASON_COUNT] = {0};
    int32_t last_record = -1;

    for (size_t k = 0; k < list->keys.n; k++) {
        vj_reason reason = reason_of(b, d, part->first_key + (int32_t)k);
        int32_t contig = list->keys.ptr[k].contig;

        counts[reason]++;
        if (reason == VJ_REASON_MATCHED) {
            db->duplicate_keys += vj_expansion_matches(&part->rows, d, (int32_t)k) > 1;
            db->matched_records += part->left->key_record[k] != last_record;
            last_record = part->left->key_record[k];
        }
        if (k + 1 == list->keys.n || list->keys.ptr[k + 1].contig != contig)
            VJ_TRY(note_contig(result, d, list->contig_names.ptr[contig], counts, err));
    }
    return VJ_OK;
}

static bool to_vcf(const vj_plan *plan)
{
    vj_output_kind kind = plan->output_kind;

    return kind == VJ_TO_VCF || kind == VJ_TO_VCF_GZ || kind == VJ_TO_BCF ||
           kind == VJ_TO_BCF_PLAIN;
}

/* The piece to the sink; the batch's left rows go with its first piece. */
static vj_status append_piece(const native_run *run, const native_part *part, const vj_left *left,
                              vj_sink *sink, vj_result *result, vj_error *err)
{
    const vj_expansion *rows = &part->rows;
    vj_out_batch out = {{&part->plan->out_schema, rows->n_rows, part->cols}, left,
                        rows->identity ? NULL : rows->row_left.ptr, run->crew};

    return vj_sink_append(sink, &out, result, err);
}

static void note_piece(const native_part *part, vj_result *result)
{
    const vj_expansion *rows = &part->rows;

    for (int32_t d = 0; d < rows->n_dbs; d++)
        for (int64_t i = 0; i < rows->n_rows; i++)
            result->dbs[d]->matched_rows += rows->row_db[d].ptr[i] >= 0;
    vj_content_hash_merge(&result->hash, &part->hash);
    result->rows_out += rows->n_rows;
}

/*
 * Rows that do not fit one piece are made here, where it is the batch's turn to write, so that a
 * key that stands ten thousand times on both sides needs no more memory than any other. VCF has
 * room for one row an allele: records are written whole, from the first row of each left row.
 */
static vj_status commit_pieces(const native_run *run, native_batch *b, native_part *part,
                               vj_sink *sink, vj_result *result, vj_error *err)
{
    bool thin = to_vcf(run->plan) && !part->rows.done;
    int64_t rows_before = result->rows_out;
    const vj_left *left = part->left;

    for (;;) {
        if (!thin)
            VJ_TRY(append_piece(run, part, left, sink, result, err));
        note_piece(part, result);
        if (part->rows.done)
            break;
        left = NULL;
        VJ_TRY(vj_stop_check(run->plan->stop, err));
        VJ_TRY(make_piece(run, b, part, err));
    }
    if (!thin)
        return VJ_OK;
    result->vcf_extra_rows += result->rows_out - rows_before - part->left->n_rows;
    vj_expansion_rewind(&part->rows, true);
    VJ_TRY(vj_expansion_next(&part->rows, INT64_MAX, err));
    VJ_TRY(gather_columns(b, part, err));
    return append_piece(run, part, part->left, sink, result, err);
}

/* Rows and their hash to the sink. */
static vj_status commit_rows(const native_run *run, native_batch *b, native_part *part,
                             vj_sink *sink, vj_result *result, vj_error *err)
{
    const vj_left *left = part->left;

    VJ_TRY(commit_pieces(run, b, part, sink, result, err));
    result->rows_in += left->n_rows;
    result->records_in += left->n_records;
    result->alleles_in += (int64_t)left->keys->keys.n;
    vj_vcf_counts_add(&result->counts, left->counts);
    return VJ_OK;
}

static vj_status commit_part(native_run *run, native_batch *b, int32_t i, vj_error *err)
{
    native_part *part = &b->parts[i];
    vj_result *result = &run->results[i];

    for (int32_t d = 0; run->keyed == NULL && d < run->plan->n_dbs; d++)
        VJ_TRY(note_reasons(b, part, d, result, err));
    if (part->n_expected < 0 || result->rows_expected < 0)
        result->rows_expected = -1;
    else
        result->rows_expected += part->n_expected;
    vj_stage_mark mark = vj_stage_start(run->plan->track);
    int64_t written_before = vj_os_bytes_written(); /* nobody else writes meanwhile */
    int64_t rows_before = result->rows_out;
    if (run->keyed != NULL)
        VJ_TRY(vj_keyed_append(run->keyed, &b->keyed, part->left, result, err));
    else
        VJ_TRY(commit_rows(run, b, part, run->sinks[i], result, err));
    vj_stage_stop(run->plan->track, VJ_STAGE_WRITE, mark,
                  run->keyed != NULL ? part->left->n_rows : result->rows_out - rows_before,
                  vj_os_bytes_written() - written_before);
    return VJ_OK;
}

static vj_status commit_batch(void *ctx, void *batch, vj_error *err)
{
    native_run *run = ctx;
    native_batch *b = batch;

    for (int32_t i = 0; i < run->plan->n_samples; i++)
        if (b->parts[i].has_rows)
            VJ_TRY(commit_part(run, b, i, err));
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
        .prepare = prepare_batch,
        .link = link_batch,
        .work = work_batch,
        .commit = commit_batch,
        .crew = &run->crew,
    };
    const vj_plan *plan = run->plan;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_sweep_new(plan, &run->sweep, err));
    if (plan->n_dbs > 0)
        VJ_GO(rc, vj_pq_cache_new(plan->budget, cache_bytes(plan), &run->cache, err));
    rc = vj_pipeline_run(&ops, plan->n_workers, plan->n_batches, plan->stop, err);
out:
    vj_pq_cache_free(run->cache);
    vj_sweep_free(run->sweep);
    return rc;
}

vj_status vj_native_run(vj_plan *plan, vj_sink *const *sinks, vj_result *results, vj_error *err)
{
    native_run run = {.plan = plan, .sinks = sinks, .results = results};

    return run_pipeline(&run, err);
}

vj_status vj_native_run_keyed(vj_plan *plan, vj_keyed *keyed, vj_result *result, vj_error *err)
{
    native_run run = {.plan = plan, .keyed = keyed, .results = result};

    return run_pipeline(&run, err);
}
