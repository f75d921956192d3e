/* The pipeline under random sizes, delays, failures and cancels: order, bound, right error. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "support/support.h"

typedef struct trial {
    _Atomic int64_t in_flight;
    int64_t max_in_flight, n_items, next, committed;
    int64_t linked;
    bool with_link;
    /* item number or -1 */
    int64_t fail_read, fail_prepare, fail_link, fail_work, fail_commit, cancel_at;
    vj_stop stop;
    _Atomic uint64_t rng;
    _Atomic bool out_of_order;
    vj_crew *crew;
    bool parts_missing; /* a part of a commit that was not done, or done twice */
} trial;

#define N_PARTS 23
typedef struct shared_work {
    trial *trial;
    _Atomic int done[N_PARTS];
    int64_t n, fail_a, fail_b; /* parts that fail, -1: none */
} shared_work;

static void maybe_wait(trial *t)
{
    uint64_t state = atomic_fetch_add(&t->rng, 0x9e3779b97f4a7c15u);

    if (test_random(&state) % 50 == 0)
        vj_sleep_ms(1);
}

static vj_status batch_new(void *ctx, void **out, vj_error *err)
{
    (void)ctx;
    *out = vj_zalloc(NULL, sizeof(int64_t), err);
    return *out != NULL ? VJ_OK : VJ_E_NOMEM;
}

static void batch_free(void *ctx, void *batch)
{
    (void)ctx;
    vj_free(batch);
}

static vj_status read_item(void *ctx, void *batch, bool *out_more, vj_error *err)
{
    trial *t = ctx;

    maybe_wait(t);
    if (t->next == t->fail_read)
        return vj_fail(err, VJ_E_IO, "read %lld", (long long)t->next);
    *out_more = t->next < t->n_items;
    if (!*out_more)
        return VJ_OK;
    *(int64_t *)batch = t->next++;
    int64_t n = atomic_fetch_add(&t->in_flight, 1) + 1;
    t->max_in_flight = VJ_MAX(t->max_in_flight, n);
    return VJ_OK;
}

static vj_status prepare_item(void *ctx, void *batch, vj_error *err)
{
    trial *t = ctx;

    maybe_wait(t);
    return *(int64_t *)batch == t->fail_prepare ? vj_fail(err, VJ_E_NOMEM, "prepare") : VJ_OK;
}

static vj_status link_item(void *ctx, void *batch, vj_error *err)
{
    trial *t = ctx;
    int64_t number = *(int64_t *)batch;

    maybe_wait(t);
    t->out_of_order |= number != t->linked;
    t->linked++;
    return number == t->fail_link ? vj_fail(err, VJ_E_SCHEMA, "link") : VJ_OK;
}

static vj_status work_item(void *ctx, void *worker, void *batch, vj_error *err)
{
    trial *t = ctx;
    int64_t number = *(int64_t *)batch;

    (void)worker;
    maybe_wait(t);
    if (number == t->cancel_at)
        vj_stop_request(&t->stop);
    if (number == t->fail_work)
        return vj_fail(err, VJ_E_CORRUPT, "work %lld", (long long)number);
    return VJ_OK;
}

static vj_status do_part(void *arg, int64_t i, vj_error *err)
{
    shared_work *w = arg;

    maybe_wait(w->trial);
    atomic_fetch_add(&w->done[i], 1);
    if (i == w->fail_a || i == w->fail_b)
        return vj_fail(err, VJ_E_OUTPUT, "part %lld", (long long)i);
    return VJ_OK;
}

/* Share out some parts; the lowest of those that fail is the one that is heard of. */
static void share_parts(trial *t)
{
    uint64_t state = atomic_fetch_add(&t->rng, 0x9e3779b97f4a7c15u);
    shared_work w = {.trial = t, .n = (int64_t)(test_random(&state) % (N_PARTS + 1)),
                     .fail_a = -1, .fail_b = -1};
    vj_error err = {0};
    char expected[32];

    if (test_random(&state) % 4 == 0) {
        w.fail_a = (int64_t)(test_random(&state) % N_PARTS);
        w.fail_b = (int64_t)(test_random(&state) % N_PARTS);
    }
    int64_t lowest = w.fail_a < w.fail_b ? w.fail_a : w.fail_b;
    if (lowest >= w.n || lowest < 0)
        lowest = -1;
    vj_status rc = vj_crew_run(t->crew, w.n, do_part, &w, &err);
    snprintf(expected, sizeof expected, "part %lld", (long long)lowest);
    if (rc != (lowest >= 0 ? VJ_E_OUTPUT : VJ_OK) ||
        (lowest >= 0 && strcmp(err.text, expected) != 0))
        t->parts_missing = true;
    for (int64_t i = 0; i < w.n; i++)
        t->parts_missing |= lowest < 0 ? w.done[i] != 1 : w.done[i] > 1;
}

static vj_status commit_item(void *ctx, void *batch, vj_error *err)
{
    trial *t = ctx;
    int64_t number = *(int64_t *)batch;

    maybe_wait(t);
    share_parts(t);
    t->out_of_order |= number != t->committed;
    t->committed++;
    atomic_fetch_sub(&t->in_flight, 1);
    if (number == t->fail_commit)
        return vj_fail(err, VJ_E_OUTPUT, "commit %lld", (long long)number);
    return VJ_OK;
}

static vj_status run(trial *t, int n_workers, int n_batches, vj_error *err)
{
    vj_pipeline_ops ops = {.ctx = t, .batch_new = batch_new, .batch_free = batch_free,
                                 .read = read_item, .work = work_item, .commit = commit_item,
                                 .crew = &t->crew};

    if (t->with_link) {
        ops.prepare = prepare_item;
        ops.link = link_item;
    }
    return vj_pipeline_run(&ops, n_workers, n_batches, &t->stop, err);
}

/* An earlier item's failure wins; of one item, that of the earlier step. */
static void expect(int64_t fails_at, vj_status status, int64_t *first, vj_status *expected)
{
    if (fails_at < 0 || fails_at > *first)
        return;
    *first = fails_at;
    *expected = status;
}

static int64_t maybe(uint64_t *rng, int64_t n)
{
    return test_random(rng) % 4 == 0 && n > 0 ? (int64_t)(test_random(rng) % (uint64_t)n) : -1;
}

static void order_holds_under_failures(void **state)
{
    (void)state;
    uint64_t rng = test_seed();

    for (int round = 0; round < 400; round++) {
        int n_workers = 1 + (int)(test_random(&rng) % 8);
        int n_batches = 1 + (int)(test_random(&rng) % 8);
        trial t = {.n_items = (int64_t)(test_random(&rng) % 60), .rng = test_random(&rng),
                   .cancel_at = -1};
        int64_t first = INT64_MAX;
        vj_status expected = VJ_OK;
        vj_error err = {0};

        t.fail_read = maybe(&rng, t.n_items);
        t.fail_work = maybe(&rng, t.n_items);
        t.fail_commit = maybe(&rng, t.n_items);
        t.with_link = round % 2 == 0;
        t.fail_prepare = t.with_link ? maybe(&rng, t.n_items) : -1;
        t.fail_link = t.with_link ? maybe(&rng, t.n_items) : -1;
        expect(t.fail_commit, VJ_E_OUTPUT, &first, &expected);
        expect(t.fail_work, VJ_E_CORRUPT, &first, &expected);
        expect(t.fail_link, VJ_E_SCHEMA, &first, &expected);
        expect(t.fail_prepare, VJ_E_NOMEM, &first, &expected);
        expect(t.fail_read, VJ_E_IO, &first, &expected);
        vj_status rc = run(&t, n_workers, n_batches, &err);
        assert_false(t.out_of_order);
        assert_false(t.parts_missing);
        assert_true(t.max_in_flight <= n_batches);
        assert_int_equal(rc, expected);
        if (rc == VJ_OK)
            assert_int_equal(t.committed, t.n_items);
        else
            assert_true(t.committed <= first + 1);
    }
}

static void a_cancel_ends_it(void **state)
{
    (void)state;
    uint64_t rng = test_seed();

    for (int round = 0; round < 60; round++) {
        trial t = {.n_items = 400, .rng = test_random(&rng), .fail_read = -1, .fail_prepare = -1,
                   .fail_link = -1, .fail_work = -1, .with_link = round % 2 == 0,
                   .fail_commit = -1, .cancel_at = (int64_t)(test_random(&rng) % 200)};
        vj_error err = {0};

        assert_int_equal(run(&t, 1 + round % 8, 1 + round % 5, &err), VJ_E_CANCELLED);
        assert_true(t.committed < 400);
        assert_false(t.out_of_order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_holds_under_failures),
                                       cmocka_unit_test(a_cancel_ends_it)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
