/*
 * pagecache.h - inflated pages that cursors of several threads share. Private to the reader.
 *
 * A page is inflated by whoever asks for it first; others who want it meanwhile wait for that
 * alone. Pages that nobody uses go when room is needed, the longest unused first; their memory
 * is used again. Where there is no room, a cursor inflates for itself as without a cache.
 *
 *   absent ─take─> filling ─filled─> ready ─take/give─> ready (users > 0: stays)
 *                     └── failed ──> absent
 */
#ifndef VJ_PARQUET_PAGECACHE_H
#define VJ_PARQUET_PAGECACHE_H

#include "parquet/page.h"

struct pq_shared {
    const vj_pq_file *file;
    int64_t off;
    enum { PQ_SHARED_FREE, PQ_SHARED_FILLING, PQ_SHARED_READY } state;
    int users;
    int64_t last_use;
    pq_page_head head;
    vj_buf bytes; /* as the page was before compression, PQ_SLACK behind it */
};

/*
 * The page at that offset, held until pq_cache_give; or an empty one that the caller fills
 * (*fill) and hands to pq_cache_filled. NULL: there is no room for its bytes.
 */
pq_shared *pq_cache_take(vj_pq_cache *cache, const vj_pq_file *file, int64_t off,
                         const pq_page_head *head, bool *fill);
/* The caller filled it, and holds it; or failed, and holds it no more. */
void pq_cache_filled(vj_pq_cache *cache, pq_shared *page, bool ok);
/* NULL allowed. */
void pq_cache_give(vj_pq_cache *cache, pq_shared *page);
/* Head of the page at that offset, where it is ready. */
bool pq_cache_head(vj_pq_cache *cache, const vj_pq_file *file, int64_t off, pq_page_head *head);

#endif
