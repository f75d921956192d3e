#include "parquet/pagecache.h"

#define PAGES_MAX 1024

struct vj_pq_cache {
    vj_lock lock;
    vj_budget *budget;
    size_t max_bytes, held_bytes;
    int64_t clock;
    int32_t n_pages; /* ever used */
    pq_shared pages[PAGES_MAX];
};

vj_status vj_pq_cache_new(vj_budget *budget, size_t max_bytes, vj_pq_cache **out, vj_error *err)
{
    vj_pq_cache *cache = vj_zalloc(budget, sizeof *cache, err);

    *out = NULL;
    if (cache == NULL)
        return VJ_E_NOMEM;
    cache->budget = budget;
    cache->max_bytes = max_bytes;
    vj_status rc = vj_lock_init(&cache->lock, err);
    if (rc != VJ_OK) {
        vj_free(cache);
        return rc;
    }
    *out = cache;
    return VJ_OK;
}

void vj_pq_cache_free(vj_pq_cache *cache)
{
    if (cache == NULL)
        return;
    for (int32_t i = 0; i < cache->n_pages; i++)
        vj_buf_fini(&cache->pages[i].bytes);
    vj_lock_fini(&cache->lock);
    vj_free(cache);
}

/* ---- lock held ---- */

static pq_shared *find(vj_pq_cache *cache, const vj_pq_file *file, int64_t off)
{
    for (int32_t i = 0; i < cache->n_pages; i++) {
        pq_shared *page = &cache->pages[i];

        if (page->off == off && page->file == file && page->state != PQ_SHARED_FREE)
            return page;
    }
    return NULL;
}

/* The page with memory that is unused for longest; NULL when all are in use. */
static pq_shared *oldest(vj_pq_cache *cache)
{
    pq_shared *best = NULL;

    for (int32_t i = 0; i < cache->n_pages; i++) {
        pq_shared *page = &cache->pages[i];

        if (page->users == 0 && page->bytes.cap_bytes > 0 &&
            (best == NULL || page->last_use < best->last_use))
            best = page;
    }
    return best;
}

static void forget(vj_pq_cache *cache, pq_shared *page)
{
    cache->held_bytes -= page->bytes.cap_bytes;
    vj_buf_fini(&page->bytes);
    page->state = PQ_SHARED_FREE;
}

/* A page without memory; NULL when there are none. */
static pq_shared *bare(vj_pq_cache *cache)
{
    for (int32_t i = 0; i < cache->n_pages; i++)
        if (cache->pages[i].users == 0 && cache->pages[i].bytes.cap_bytes == 0)
            return &cache->pages[i];
    if (cache->n_pages == PAGES_MAX)
        return NULL;
    cache->pages[cache->n_pages].bytes.budget = cache->budget;
    return &cache->pages[cache->n_pages++];
}

/*
 * An empty page with memory for `need` bytes, or NULL. The pages of a row group are asked for in
 * the same order as those of the one before, so the oldest one mostly has the right size.
 */
static pq_shared *make_room(vj_pq_cache *cache, size_t need)
{
    size_t take = need + need / 8;
    pq_shared *page = bare(cache);

    if (take > cache->max_bytes / 4)
        return NULL;
    while (page == NULL || cache->held_bytes + take > cache->max_bytes) {
        page = oldest(cache);
        if (page == NULL)
            return NULL;
        if (page->bytes.cap_bytes >= need) {
            vj_buf_reset(&page->bytes);
            return page;
        }
        forget(cache, page);
    }
    if (vj_buf_reserve(&page->bytes, take, NULL) != VJ_OK)
        return NULL;
    cache->held_bytes += page->bytes.cap_bytes;
    return page;
}

/* ---- calls ---- */

pq_shared *pq_cache_take(vj_pq_cache *cache, const vj_pq_file *file, int64_t off,
                         const pq_page_head *head, bool *fill)
{
    pq_shared *page = NULL;

    *fill = false;
    vj_lock_take(&cache->lock);
    while ((page = find(cache, file, off)) != NULL && page->state == PQ_SHARED_FILLING)
        vj_lock_wait(&cache->lock);
    if (page == NULL && (page = make_room(cache, (size_t)head->uncompressed_bytes + PQ_SLACK)) !=
                            NULL) {
        page->file = file;
        page->off = off;
        page->head = *head;
        page->state = PQ_SHARED_FILLING;
        *fill = true;
    }
    if (page != NULL) {
        page->users++;
        page->last_use = ++cache->clock;
    }
    vj_lock_give(&cache->lock);
    return page;
}

void pq_cache_filled(vj_pq_cache *cache, pq_shared *page, bool ok)
{
    vj_lock_take(&cache->lock);
    page->state = ok ? PQ_SHARED_READY : PQ_SHARED_FREE;
    page->users -= !ok;
    vj_lock_wake(&cache->lock);
    vj_lock_give(&cache->lock);
}

void pq_cache_give(vj_pq_cache *cache, pq_shared *page)
{
    if (page == NULL)
        return;
    vj_lock_take(&cache->lock);
    page->users--;
    vj_lock_give(&cache->lock);
}

bool pq_cache_head(vj_pq_cache *cache, const vj_pq_file *file, int64_t off, pq_page_head *head)
{
    vj_lock_take(&cache->lock);
    const pq_shared *page = find(cache, file, off);
    bool ready = page != NULL && page->state == PQ_SHARED_READY;

    if (ready)
        *head = page->head;
    vj_lock_give(&cache->lock);
    return ready;
}
