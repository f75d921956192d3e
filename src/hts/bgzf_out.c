#include "hts/bgzf_out.h"

#include "codec/codec.h"

/* As htslib cuts: what does not compress still fits one block of at most 64 KiB. */
#define IN_BYTES ((size_t)0xff00)
#define BLOCK_MAX ((size_t)0x10000)
/* A BGZF head is a gzip head with an extra field of 8 bytes; the rest of the member is the same. */
#define HEAD_BYTES ((size_t)18)
#define EXTRA_BYTES ((size_t)8)
#define OUT_BYTES (BLOCK_MAX + 1024)

/*
 *   FREE --submit--> FILLED --worker--> BUSY --worker--> DONE --written--> FREE
 * FREE and DONE belong to the producer, FILLED to the lock, BUSY to its worker.
 */
typedef enum slot_state { FREE = 0, FILLED, BUSY, DONE } slot_state;

typedef struct slot {
    slot_state state;
    size_t in_bytes, out_bytes;
    vj_status rc; /* of the worker, with err */
    vj_error err;
    uint8_t in[IN_BYTES];
    uint8_t out[OUT_BYTES];
} slot;

typedef struct worker {
    struct vj_bgzf_out *bgzf;
    vj_codec *codec;
    vj_thread *thread;
} worker;

struct vj_bgzf_out {
    vj_outfile *file;
    vj_budget *budget;
    int32_t level;
    slot *slots;
    size_t n_slots;
    worker *workers; /* one per thread; without threads one without a thread */
    size_t n_workers;
    bool has_lock, stop;
    vj_lock lock;
    uint64_t filled_n, taken_n, written_n; /* serial numbers; slot = serial % n_slots */
    int64_t in_offset; /* uncompressed bytes in written blocks */
    int64_t offset;    /* uncompressed bytes taken */
    vj_bgzf_on_block on_block;
    void *on_block_arg;
};

/* ---- one block ---- */

/*
 * A gzip member is made EXTRA_BYTES into the buffer and its head then overwritten by the longer
 * one of BGZF: deflate data and trailer are already where they belong.
 */
static vj_status compress_slot(slot *s, vj_codec *codec, int32_t level, vj_error *err)
{
    static const uint8_t head[16] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C', 2, 0};
    size_t n = 0;

    VJ_TRY(vj_codec_encode(codec, VJ_CODEC_GZIP, level, s->in, s->in_bytes, s->out + EXTRA_BYTES,
                           OUT_BYTES - EXTRA_BYTES, &n, err));
    s->out_bytes = n + EXTRA_BYTES;
    if (s->out_bytes > BLOCK_MAX)
        return vj_fail(err, VJ_E_BUG, "a block of %zu bytes became %zu", s->in_bytes,
                       s->out_bytes);
    memcpy(s->out, head, sizeof head);
    s->out[HEAD_BYTES - 2] = (uint8_t)(s->out_bytes - 1);
    s->out[HEAD_BYTES - 1] = (uint8_t)((s->out_bytes - 1) >> 8);
    return VJ_OK;
}

/* ---- workers ---- */

static void work(void *arg)
{
    worker *self = arg;
    vj_bgzf_out *bgzf = self->bgzf;

    vj_lock_take(&bgzf->lock);
    for (;;) {
        while (!bgzf->stop && bgzf->taken_n == bgzf->filled_n)
            vj_lock_wait(&bgzf->lock);
        if (bgzf->stop)
            break;
        slot *s = &bgzf->slots[bgzf->taken_n++ % bgzf->n_slots];
        s->state = BUSY;
        vj_lock_give(&bgzf->lock);
        s->rc = compress_slot(s, self->codec, bgzf->level, &s->err);
        vj_lock_take(&bgzf->lock);
        s->state = DONE;
        vj_lock_wake(&bgzf->lock);
    }
    vj_lock_give(&bgzf->lock);
}

static vj_status start_workers(vj_bgzf_out *bgzf, size_t n_threads, vj_error *err)
{
    for (size_t i = 0; i < bgzf->n_workers; i++) {
        bgzf->workers[i].bgzf = bgzf;
        VJ_TRY(vj_codec_new(bgzf->budget, &bgzf->workers[i].codec, err));
    }
    if (n_threads == 0)
        return VJ_OK;
    VJ_TRY(vj_lock_init(&bgzf->lock, err));
    bgzf->has_lock = true;
    for (size_t i = 0; i < n_threads; i++)
        VJ_TRY(vj_thread_start(work, &bgzf->workers[i], &bgzf->workers[i].thread, err));
    return VJ_OK;
}

vj_status vj_bgzf_out_new(vj_outfile *file, const vj_bgzf_out_options *options,
                          vj_budget *budget, vj_bgzf_out **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    size_t n_threads = options->n_threads > 1 ? (size_t)VJ_MIN(options->n_threads, 64) : 0;
    vj_bgzf_out *bgzf = vj_zalloc(budget, sizeof *bgzf, err);

    *out = NULL;
    if (bgzf == NULL)
        return VJ_E_NOMEM;
    bgzf->file = file;
    bgzf->budget = budget;
    bgzf->level = options->level;
    bgzf->n_slots = n_threads > 0 ? 2 * n_threads + 2 : 1;
    bgzf->n_workers = VJ_MAX(n_threads, 1);
    if ((bgzf->slots = vj_calloc(budget, bgzf->n_slots, sizeof *bgzf->slots, err)) == NULL ||
        (bgzf->workers = vj_calloc(budget, bgzf->n_workers, sizeof *bgzf->workers, err)) == NULL)
        goto out;
    VJ_GO(rc, start_workers(bgzf, n_threads, err));
    *out = bgzf;
    return VJ_OK;
out:
    vj_bgzf_out_free(bgzf);
    return rc;
}

void vj_bgzf_out_free(vj_bgzf_out *bgzf)
{
    if (bgzf == NULL)
        return;
    if (bgzf->has_lock) {
        vj_lock_take(&bgzf->lock);
        bgzf->stop = true;
        vj_lock_wake(&bgzf->lock);
        vj_lock_give(&bgzf->lock);
    }
    for (size_t i = 0; bgzf->workers != NULL && i < bgzf->n_workers; i++) {
        vj_thread_join(bgzf->workers[i].thread);
        vj_codec_free(bgzf->workers[i].codec);
    }
    if (bgzf->has_lock)
        vj_lock_fini(&bgzf->lock);
    vj_free(bgzf->workers);
    vj_free(bgzf->slots);
    vj_free(bgzf);
}

void vj_bgzf_out_watch(vj_bgzf_out *bgzf, vj_bgzf_on_block on_block, void *arg)
{
    bgzf->on_block = on_block;
    bgzf->on_block_arg = arg;
}

/* ---- the producer ---- */

static vj_status write_slot(vj_bgzf_out *bgzf, slot *s, vj_error *err)
{
    int64_t file_off = vj_outfile_offset(bgzf->file);
    int64_t beg = bgzf->in_offset;

    if (s->rc != VJ_OK)
        return vj_fail(err, s->rc, "%s", s->err.text);
    VJ_TRY(vj_outfile_write(bgzf->file, s->out, s->out_bytes, err));
    bgzf->in_offset += (int64_t)s->in_bytes;
    s->in_bytes = 0;
    if (bgzf->on_block == NULL)
        return VJ_OK;
    return bgzf->on_block(bgzf->on_block_arg, beg, bgzf->in_offset, file_off,
                          (int64_t)s->out_bytes, err);
}

/* Write the blocks that are done; wait for them until at most max_open are under way. */
static vj_status write_done(vj_bgzf_out *bgzf, uint64_t max_open, vj_error *err)
{
    while (bgzf->written_n < bgzf->filled_n) {
        slot *s = &bgzf->slots[bgzf->written_n % bgzf->n_slots];

        vj_lock_take(&bgzf->lock);
        while (s->state != DONE && bgzf->filled_n - bgzf->written_n > max_open)
            vj_lock_wait(&bgzf->lock);
        bool is_done = s->state == DONE;
        vj_lock_give(&bgzf->lock);
        if (!is_done)
            break;
        VJ_TRY(write_slot(bgzf, s, err));
        s->state = FREE; /* nobody looks at it before it is submitted again */
        bgzf->written_n++;
    }
    return VJ_OK;
}

/* The slot being filled is full, or the stream is flushed. */
static vj_status submit(vj_bgzf_out *bgzf, vj_error *err)
{
    slot *s = &bgzf->slots[bgzf->filled_n % bgzf->n_slots];

    if (!bgzf->has_lock) {
        VJ_TRY(compress_slot(s, bgzf->workers[0].codec, bgzf->level, err));
        return write_slot(bgzf, s, err);
    }
    vj_lock_take(&bgzf->lock);
    s->state = FILLED;
    bgzf->filled_n++;
    vj_lock_wake(&bgzf->lock);
    vj_lock_give(&bgzf->lock);
    return write_done(bgzf, bgzf->n_slots - 1, err);
}

vj_status vj_bgzf_out_write(vj_bgzf_out *bgzf, const void *ptr, size_t len_bytes, vj_error *err)
{
    const uint8_t *at = ptr;

    bgzf->offset += (int64_t)len_bytes;
    while (len_bytes > 0) {
        slot *s = &bgzf->slots[bgzf->filled_n % bgzf->n_slots];
        size_t n = VJ_MIN(len_bytes, IN_BYTES - s->in_bytes);

        memcpy(s->in + s->in_bytes, at, n);
        s->in_bytes += n;
        at += n;
        len_bytes -= n;
        if (s->in_bytes == IN_BYTES)
            VJ_TRY(submit(bgzf, err));
    }
    return VJ_OK;
}

vj_status vj_bgzf_out_flush(vj_bgzf_out *bgzf, vj_error *err)
{
    if (bgzf->slots[bgzf->filled_n % bgzf->n_slots].in_bytes > 0)
        VJ_TRY(submit(bgzf, err));
    return bgzf->has_lock ? write_done(bgzf, 0, err) : VJ_OK;
}

int64_t vj_bgzf_out_offset(const vj_bgzf_out *bgzf)
{
    return bgzf->offset;
}

vj_status vj_bgzf_out_finish(vj_bgzf_out *bgzf, vj_error *err)
{
    /* The empty block that marks the end of a whole file (SAMv1 section 4.1.2). */
    static const uint8_t end_block[28] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C',
                                          2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    VJ_TRY(vj_bgzf_out_flush(bgzf, err));
    return vj_outfile_write(bgzf->file, end_block, sizeof end_block, err);
}
