#include "engine/engine.h"

/*
 * One ordered pipeline: a batch travels with its worker from read to commit.
 *
 *   free list --read turn--> worker (prepare) --link turn--> worker (work) --> ring[seq % n]
 *   ring --commit turn--> free list
 *
 * The link turn is short and optional; a batch waits for those read before it to be linked.
 * Everything below is under one lock, which is never held while calling out. The batch at the
 * head of the order waits for nobody: a worker that finishes it commits it, and all that is ready
 * behind it, itself. In-flight batches are bounded by the pool. Who commits may split its work
 * (vj_crew_run): workers that wait for a batch or for the end take parts of it.
 */

typedef struct slot {
    void *batch;
    bool ready;
} slot;

/* Work that the committing worker shares out; one at a time, as there is one who commits. */
struct vj_crew {
    vj_lock *lock;
    vj_crew_fn fn;
    void *arg;
    int64_t n;
    _Atomic int64_t next; /* part to be taken; n and more: none is left */
    int n_helpers;        /* other workers inside fn */
    bool open;            /* others may join */
    int64_t failed_i;     /* lowest part that failed; INT64_MAX: none */
    vj_status rc;
    vj_error err;
};

typedef struct pipeline {
    const vj_pipeline_ops *ops;
    const vj_stop *stop;
    vj_lock lock;
    int n_batches;
    void **free_list;
    int n_free;
    slot *ring;
    int64_t next_seq;    /* of the next batch to be read */
    int64_t link_seq;    /* of the next batch to be linked */
    int64_t commit_seq;  /* of the next batch to be committed */
    bool reading, committing;
    bool no_more;        /* read said so, or the run failed */
    int64_t failed_seq;  /* INT64_MAX: none */
    vj_status rc;
    vj_error err;
    vj_crew crew;
} pipeline;

/* Parts until none is left. Lock not held. */
static void do_parts(vj_crew *crew)
{
    for (;;) {
        int64_t i = atomic_fetch_add(&crew->next, 1);
        vj_error err = {0};

        if (i >= crew->n)
            return;
        vj_status rc = crew->fn(crew->arg, i, &err);
        if (rc == VJ_OK)
            continue;
        vj_lock_take(crew->lock);
        if (i < crew->failed_i) {
            crew->failed_i = i;
            crew->rc = rc;
            crew->err = err;
        }
        vj_lock_give(crew->lock);
    }
}

vj_status vj_crew_run(vj_crew *crew, int64_t n, vj_crew_fn fn, void *arg, vj_error *err)
{
    if (crew == NULL) {
        for (int64_t i = 0; i < n; i++)
            VJ_TRY(fn(arg, i, err));
        return VJ_OK;
    }
    vj_lock_take(crew->lock);
    crew->fn = fn;
    crew->arg = arg;
    crew->n = n;
    atomic_store(&crew->next, 0);
    crew->failed_i = INT64_MAX;
    crew->rc = VJ_OK;
    crew->open = true;
    vj_lock_wake(crew->lock);
    vj_lock_give(crew->lock);
    do_parts(crew);
    vj_lock_take(crew->lock);
    crew->open = false;
    while (crew->n_helpers > 0)
        vj_lock_wait(crew->lock);
    vj_lock_give(crew->lock);
    if (crew->rc != VJ_OK && err != NULL)
        *err = crew->err;
    return crew->rc;
}

/* Take part in what is shared out, if anything is. Lock held on entry and exit. */
static bool help(vj_crew *crew)
{
    if (!crew->open || atomic_load(&crew->next) >= crew->n)
        return false;
    crew->n_helpers++;
    vj_lock_give(crew->lock);
    do_parts(crew);
    vj_lock_take(crew->lock);
    if (--crew->n_helpers == 0)
        vj_lock_wake(crew->lock);
    return true;
}

/* Keep the failure with the lowest sequence number. Lock held. */
static void fail_at(pipeline *p, int64_t seq, vj_status rc, const vj_error *err)
{
    if (seq < p->failed_seq) {
        p->failed_seq = seq;
        p->rc = rc;
        p->err = *err;
    }
    p->no_more = true;
    vj_lock_wake(&p->lock);
}

/* Take a batch and the read turn; fill it. NULL when there is nothing more to do. */
static void *take_and_read(pipeline *p, int64_t *out_seq)
{
    vj_error err = {0};
    bool more = false;

    vj_lock_take(&p->lock);
    /* behind the last read a worker stays as long as batches are on their way: to help */
    while (p->no_more ? p->n_free < p->n_batches : p->reading || p->n_free == 0)
        if (!help(&p->crew))
            vj_lock_wait(&p->lock);
    if (p->no_more) {
        vj_lock_give(&p->lock);
        return NULL;
    }
    void *batch = p->free_list[--p->n_free];
    p->reading = true;
    *out_seq = p->next_seq++;
    vj_lock_give(&p->lock);

    vj_status rc = vj_stop_check(p->stop, &err);
    if (rc == VJ_OK)
        rc = p->ops->read(p->ops->ctx, batch, &more, &err);

    vj_lock_take(&p->lock);
    p->reading = false;
    if (rc != VJ_OK)
        fail_at(p, *out_seq, rc, &err);
    else if (!more)
        p->no_more = true;
    if (rc != VJ_OK || !more) {
        p->free_list[p->n_free++] = batch;
        batch = NULL;
    }
    vj_lock_wake(&p->lock);
    vj_lock_give(&p->lock);
    return batch;
}

/* Commit every ready batch at the head, unless somebody else does. Lock held on entry and exit. */
static void commit_ready(pipeline *p)
{
    if (p->committing)
        return;
    p->committing = true;
    for (;;) {
        slot *head = &p->ring[p->commit_seq % p->n_batches];
        vj_error err = {0};
        vj_status rc = VJ_OK;

        if (!head->ready)
            break;
        void *batch = head->batch;
        int64_t seq = p->commit_seq;
        bool dropped = seq >= p->failed_seq;
        head->ready = false;
        vj_lock_give(&p->lock);
        if (!dropped)
            rc = p->ops->commit(p->ops->ctx, batch, &err);
        vj_lock_take(&p->lock);
        if (rc != VJ_OK)
            fail_at(p, seq, rc, &err);
        p->free_list[p->n_free++] = batch;
        p->commit_seq++;
        vj_lock_wake(&p->lock);
    }
    p->committing = false;
}

/*
 * What lies between reading and working. Not to be called for a batch behind a failed one: its
 * predecessors may never be linked (*out_dropped).
 */
static vj_status prepare_and_link(pipeline *p, void *batch, int64_t seq, bool *out_dropped,
                                  vj_error *err)
{
    *out_dropped = false;
    if (p->ops->prepare != NULL)
        VJ_TRY(p->ops->prepare(p->ops->ctx, batch, err));
    if (p->ops->link == NULL)
        return VJ_OK;
    vj_lock_take(&p->lock);
    while (p->link_seq != seq && p->failed_seq > seq)
        if (!help(&p->crew))
            vj_lock_wait(&p->lock);
    *out_dropped = p->failed_seq <= seq;
    vj_lock_give(&p->lock);
    if (*out_dropped)
        return VJ_OK;
    VJ_TRY(p->ops->link(p->ops->ctx, batch, err));
    vj_lock_take(&p->lock);
    p->link_seq++;
    vj_lock_wake(&p->lock);
    vj_lock_give(&p->lock);
    return VJ_OK;
}

static vj_status work_on(pipeline *p, void *worker, void *batch, int64_t seq, vj_error *err)
{
    bool dropped = false;

    VJ_TRY(vj_stop_check(p->stop, err));
    VJ_TRY(prepare_and_link(p, batch, seq, &dropped, err));
    return dropped ? VJ_OK : p->ops->work(p->ops->ctx, worker, batch, err);
}

static void run_worker(void *arg)
{
    pipeline *p = arg;
    void *worker = NULL;
    vj_error err = {0};
    int64_t seq = 0;
    void *batch = NULL;
    vj_status rc = p->ops->worker_new != NULL
                       ? p->ops->worker_new(p->ops->ctx, &worker, &err)
                       : VJ_OK;

    if (rc != VJ_OK) {
        vj_lock_take(&p->lock);
        fail_at(p, -1, rc, &err);
        vj_lock_give(&p->lock);
    }
    while (rc == VJ_OK && (batch = take_and_read(p, &seq)) != NULL) {
        vj_error work_err = {0};
        vj_status work_rc = work_on(p, worker, batch, seq, &work_err);

        vj_lock_take(&p->lock);
        if (work_rc != VJ_OK)
            fail_at(p, seq, work_rc, &work_err);
        p->ring[seq % p->n_batches] = (slot){batch, true};
        commit_ready(p);
        vj_lock_give(&p->lock);
    }
    if (p->ops->worker_free != NULL)
        p->ops->worker_free(p->ops->ctx, worker);
}

static vj_status make_pool(pipeline *p, vj_error *err)
{
    p->free_list = vj_calloc(NULL, (size_t)p->n_batches, sizeof *p->free_list, err);
    p->ring = vj_calloc(NULL, (size_t)p->n_batches, sizeof *p->ring, err);
    if (p->free_list == NULL || p->ring == NULL)
        return VJ_E_NOMEM;
    for (; p->n_free < p->n_batches; p->n_free++)
        VJ_TRY(p->ops->batch_new(p->ops->ctx, &p->free_list[p->n_free], err));
    return VJ_OK;
}

static vj_status run_workers(pipeline *p, int n_workers, vj_error *err)
{
    vj_thread **threads = vj_calloc(NULL, (size_t)n_workers, sizeof(vj_thread *), err);
    int started = 0;
    vj_status rc = VJ_OK;

    if (threads == NULL)
        return VJ_E_NOMEM;
    /* the caller's thread is the first worker */
    for (started = 1; started < n_workers; started++)
        if ((rc = vj_thread_start(run_worker, p, &threads[started], err)) != VJ_OK)
            break;
    if (rc != VJ_OK) {
        vj_lock_take(&p->lock);
        fail_at(p, -1, rc, err);
        vj_lock_give(&p->lock);
    } else {
        run_worker(p);
    }
    for (int i = 1; i < started; i++)
        vj_thread_join(threads[i]);
    vj_free(threads);
    return rc;
}

vj_status vj_pipeline_run(const vj_pipeline_ops *ops, int n_workers, int n_batches,
                          const vj_stop *stop, vj_error *err)
{
    pipeline p = {.ops = ops, .stop = stop, .n_batches = n_batches, .failed_seq = INT64_MAX};
    vj_status rc = vj_lock_init(&p.lock, err);

    if (rc != VJ_OK)
        return rc;
    p.crew.lock = &p.lock;
    if (ops->crew != NULL)
        *ops->crew = n_workers > 1 ? &p.crew : NULL;
    VJ_GO(rc, make_pool(&p, err));
    VJ_GO(rc, run_workers(&p, n_workers, err));
    rc = p.rc;
    if (rc != VJ_OK && err != NULL)
        *err = p.err;
out:
    for (int i = 0; i < p.n_free; i++)
        ops->batch_free(ops->ctx, p.free_list[i]);
    vj_free(p.free_list);
    vj_free(p.ring);
    vj_lock_fini(&p.lock);
    return rc;
}
