/*
 * row_stream.c - the rows of a job as an Arrow C Stream, made while they are fetched.
 *
 *   job's thread:  native engine -> take: copy into builders -> queue (2 batches), sleep while full
 *   consumer:      get_next: sleep while empty -> export the builders
 *
 * The job's thread never waits for a consumer that has gone: release asks it to stop, wakes it and
 * joins it. What was handed out lives on in `shared`, which goes with the last of its users.
 */
#include "varjoin/stream.h"

#include "api/arrow.h"
#include "api/job_rows.h"

#define QUEUE_BATCHES 2
#define DEFAULT_MEMORY_BYTES INT64_C(256000000)

typedef struct shared_rows {
    _Atomic int64_t n_refs;
    vj_budget budget; /* of the batches that are queued or handed out */
    vj_arena arena;   /* the schema */
    vj_schema schema;
} shared_rows;

typedef struct queued_batch {
    vj_colb *builders; /* of the schema's fields; the exported batch takes them */
    int64_t n_rows;
} queued_batch;

typedef struct row_stream {
    shared_rows *shared;
    vj_job *job;
    bool annotating;
    vj_thread *thread;
    vj_lock lock;
    queued_batch queue[QUEUE_BATCHES];
    int32_t head, n_queued;
    bool begun; /* the schema is there */
    bool done;  /* the job has returned */
    bool gone;  /* the consumer has */
    vj_status rc;
    vj_error err;
    vj_error fetch_err; /* of get_schema and get_next themselves; repeats */
} row_stream;

static void let_go(void *arg)
{
    shared_rows *shared = arg;

    if (atomic_fetch_sub(&shared->n_refs, 1) != 1)
        return;
    vj_arena_fini(&shared->arena);
    vj_free(shared);
}

static void free_builders(vj_colb *builders, int32_t n)
{
    for (int32_t i = 0; builders != NULL && i < n; i++)
        vj_colb_fini(&builders[i]);
    vj_free(builders);
}

/* ---- the job's thread ---- */

static vj_status begin_rows(void *ctx, const vj_schema *schema, vj_error *err)
{
    row_stream *s = ctx;
    shared_rows *shared = s->shared;
    vj_field *fields = vj_arena_zalloc(&shared->arena, (size_t)schema->n_fields * sizeof *fields,
                                       err);

    if (fields == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < schema->n_fields; i++)
        VJ_TRY(vj_field_copy(&shared->arena, &schema->fields[i], &fields[i], err));
    vj_lock_take(&s->lock);
    shared->schema = (vj_schema){schema->n_fields, fields};
    s->begun = true;
    vj_lock_wake(&s->lock);
    vj_lock_give(&s->lock);
    return VJ_OK;
}

static vj_status copy_rows(row_stream *s, const vj_batch *rows, vj_colb **out, vj_error *err)
{
    shared_rows *shared = s->shared;
    int32_t n = shared->schema.n_fields;
    vj_colb *builders = vj_calloc(&shared->budget, (size_t)VJ_MAX(n, 1), sizeof *builders, err);
    vj_status rc = builders != NULL ? VJ_OK : VJ_E_NOMEM;

    for (int32_t i = 0; rc == VJ_OK && i < n; i++) {
        rc = vj_colb_init(&builders[i], &shared->schema.fields[i].type, &shared->budget, err);
        if (rc == VJ_OK)
            rc = vj_colb_append(&builders[i], &rows->cols[i], 0, rows->n_rows, err);
    }
    if (rc != VJ_OK) {
        free_builders(builders, n);
        return vj_wrap(err, rc, "batches of a stream that were not released yet take its memory");
    }
    *out = builders;
    return VJ_OK;
}

static vj_status take_rows(void *ctx, const vj_batch *rows, vj_error *err)
{
    row_stream *s = ctx;
    vj_colb *builders = NULL;

    if (rows->n_rows == 0)
        return VJ_OK;
    VJ_TRY(copy_rows(s, rows, &builders, err));
    vj_lock_take(&s->lock);
    while (s->n_queued == QUEUE_BATCHES && !s->gone)
        vj_lock_wait(&s->lock);
    bool gone = s->gone;
    if (!gone) {
        s->queue[(s->head + s->n_queued) % QUEUE_BATCHES] = (queued_batch){builders, rows->n_rows};
        s->n_queued++;
        vj_lock_wake(&s->lock);
    }
    vj_lock_give(&s->lock);
    if (!gone)
        return VJ_OK;
    free_builders(builders, s->shared->schema.n_fields);
    return vj_fail(err, VJ_E_CANCELLED, "interrupted");
}

static void run_job(void *arg)
{
    row_stream *s = arg;
    const vj_job_rows rows = {begin_rows, {take_rows, s}};
    vj_error err = {0};
    vj_status rc = vj_job_run_rows(s->job, s->annotating, &rows, &err);

    vj_lock_take(&s->lock);
    s->rc = rc;
    s->err = err;
    s->done = true;
    vj_lock_wake(&s->lock);
    vj_lock_give(&s->lock);
}

/* ---- the consumer ---- */

static void free_stream(row_stream *s)
{
    if (s->thread != NULL) {
        vj_job_cancel(s->job);
        vj_lock_take(&s->lock);
        s->gone = true;
        vj_lock_wake(&s->lock);
        vj_lock_give(&s->lock);
        vj_thread_join(s->thread);
    }
    for (; s->n_queued > 0; s->n_queued--) {
        free_builders(s->queue[s->head].builders, s->shared->schema.n_fields);
        s->head = (s->head + 1) % QUEUE_BATCHES;
    }
    vj_lock_fini(&s->lock);
    vj_job_free(s->job);
    let_go(s->shared);
    vj_free(s);
}

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    row_stream *s = self->private_data;

    return vj_arrow_errno(vj_arrow_schema_export(&s->shared->schema, out, &s->fetch_err));
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    row_stream *s = self->private_data;
    queued_batch batch = {0};
    vj_status rc = VJ_OK;

    *out = (struct ArrowArray){0};
    if (s->fetch_err.code != VJ_OK)
        return vj_arrow_errno(s->fetch_err.code);
    vj_lock_take(&s->lock);
    while (s->n_queued == 0 && !s->done)
        vj_lock_wait(&s->lock);
    if (s->n_queued > 0) {
        batch = s->queue[s->head];
        s->head = (s->head + 1) % QUEUE_BATCHES;
        s->n_queued--;
        vj_lock_wake(&s->lock);
    } else {
        rc = s->rc;
    }
    vj_lock_give(&s->lock);
    if (batch.builders == NULL)
        return vj_arrow_errno(rc);
    atomic_fetch_add(&s->shared->n_refs, 1);
    rc = vj_arrow_batch_export(batch.builders, s->shared->schema.n_fields, batch.n_rows,
                               (vj_arrow_owner){let_go, s->shared}, &s->shared->budget, out,
                               &s->fetch_err);
    vj_free(batch.builders);
    return vj_arrow_errno(rc);
}

static const char *get_last_error(struct ArrowArrayStream *self)
{
    row_stream *s = self->private_data;
    const vj_error *err = s->fetch_err.code != VJ_OK ? &s->fetch_err : &s->err;

    return err->code == VJ_OK ? NULL : err->text;
}

static void release(struct ArrowArrayStream *self)
{
    free_stream(self->private_data);
    *self = (struct ArrowArrayStream){0};
}

/* ---- opening ---- */

static vj_status new_stream(const vj_job_options *options, row_stream **out, vj_error *err)
{
    row_stream *s = vj_zalloc(NULL, sizeof *s, err);
    shared_rows *shared = vj_zalloc(NULL, sizeof *shared, err);
    vj_job_options o = *options;
    vj_status rc = s != NULL && shared != NULL ? vj_lock_init(&s->lock, err) : VJ_E_NOMEM;

    if (rc != VJ_OK) {
        vj_free(s);
        vj_free(shared);
        return rc;
    }
    vj_budget_init(&shared->budget,
                   o.memory_bytes > 0 ? o.memory_bytes : DEFAULT_MEMORY_BYTES);
    vj_arena_init(&shared->arena, NULL, 0);
    shared->n_refs = 1;
    s->shared = shared;
    o.output = "-"; /* no file: the plan looks at names only */
    o.output_kind = VJ_TO_PARQUET;
    rc = vj_job_new(&o, &s->job, err);
    if (rc != VJ_OK) {
        free_stream(s);
        return rc;
    }
    *out = s;
    return VJ_OK;
}

/* Wait for the schema, or for the failure that comes in its place. */
static vj_status start(row_stream *s, vj_error *err)
{
    VJ_TRY(vj_thread_start(run_job, s, &s->thread, err));
    vj_lock_take(&s->lock);
    while (!s->begun && !s->done)
        vj_lock_wait(&s->lock);
    vj_status rc = s->begun ? VJ_OK : s->rc;
    if (rc != VJ_OK && err != NULL)
        *err = s->err;
    vj_lock_give(&s->lock);
    return rc;
}

static vj_status open_stream(const vj_job_options *options, bool annotating,
                             struct ArrowArrayStream *out, vj_error *err)
{
    row_stream *s = NULL;

    *out = (struct ArrowArrayStream){0};
    if (options->struct_size != sizeof *options)
        return vj_fail(err, VJ_E_USAGE, "job options of another version: expected %zu bytes, "
                       "found %zu", sizeof *options, options->struct_size);
    VJ_TRY(new_stream(options, &s, err));
    s->annotating = annotating;
    vj_status rc = start(s, err);
    if (rc != VJ_OK) {
        free_stream(s);
        return rc;
    }
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, s};
    return VJ_OK;
}

vj_status vj_annotate_stream(const vj_job_options *options, struct ArrowArrayStream *out,
                             vj_error *err)
{
    return open_stream(options, true, out, err);
}

vj_status vj_vcf_stream(const vj_job_options *options, struct ArrowArrayStream *out, vj_error *err)
{
    return open_stream(options, false, out, err);
}
