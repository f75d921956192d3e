#include "parquet/decode.h"

/*
 * PLAIN byte arrays stand one behind the other, each behind its length: where value i lies is
 * known when all before it have been looked at, and every look waits for the load before it.
 * Text has no zero bytes and lengths have three, so a place in the middle of a page where a value
 * begins can be guessed: four chains then go side by side. A guess counts when the chain before
 * it comes out exactly there; if one does not, the caller walks as ever.
 *
 *   0                 start[1]           start[2]           start[3]          len
 *   |-- chain 0 ------>|-- chain 1 ------>|-- chain 2 ------>|-- chain 3 ------>|
 *   marks: every MARK_STEP-th value of each chain
 */

#define MARK_STEP 16
#define WALK_MIN ((size_t)1 << 14) /* shorter pages are not worth the guesses */
#define GUESS_BYTES ((size_t)1 << 12)
#define GUESS_LINKS 8

size_t pq_walk_marks(size_t len_bytes)
{
    /* a value takes 4 bytes at least */
    return len_bytes / 4 / MARK_STEP + (size_t)2 * PQ_WALK_CHAINS;
}

/*
 * Some values one after the other from `at` on, shorter than 256 bytes: then a length does not
 * look like one from the byte before it, where a chain might fall into step by chance.
 */
static bool links_fit(const uint8_t *ptr, size_t len, size_t at)
{
    for (int i = 0; i < GUESS_LINKS && at < len; i++) {
        uint32_t value = pq_load32(ptr + at);

        if (value > UINT8_MAX)
            return false;
        at += 4 + (size_t)value;
    }
    return at <= len;
}

static bool guess_start(const uint8_t *ptr, size_t len, size_t at, size_t *start)
{
    for (size_t end = VJ_MIN(at + GUESS_BYTES, len); at < end; at++) {
        if (!links_fit(ptr, len, at))
            continue;
        *start = at;
        return true;
    }
    return false;
}

/* The rest of a chain of which n values are behind `at`. True when it ends where it should. */
static bool end_chain(const uint8_t *ptr, size_t at, size_t end, uint32_t *marks, int64_t *n)
{
    for (; at < end; ++*n) {
        if (*n % MARK_STEP == 0)
            marks[*n / MARK_STEP] = (uint32_t)at;
        at += 4 + (size_t)pq_load32(ptr + at);
    }
    return at == end;
}

bool pq_walk_begin(pq_walk *w, const uint8_t *ptr, size_t len_bytes, uint32_t *marks)
{
    size_t start[PQ_WALK_CHAINS + 1] = {0};
    int64_t n = 0;

    if (len_bytes < WALK_MIN || len_bytes > UINT32_MAX)
        return false;
    start[PQ_WALK_CHAINS] = len_bytes;
    for (size_t k = 1; k < PQ_WALK_CHAINS; k++)
        if (!guess_start(ptr, len_bytes, VJ_MAX(len_bytes / PQ_WALK_CHAINS * k, start[k - 1] + 1),
                         &start[k]))
            return false;
    *w = (pq_walk){.ptr = ptr};
    for (size_t k = 0; k < PQ_WALK_CHAINS; k++) {
        w->marks[k] = marks;
        marks += (start[k + 1] - start[k]) / 4 / MARK_STEP + 1;
    }
    size_t a = start[0], b = start[1], c = start[2], d = start[3];
    while (a < start[1] && b < start[2] && c < start[3] && d < len_bytes) {
        if (n % MARK_STEP == 0) {
            w->marks[0][n / MARK_STEP] = (uint32_t)a;
            w->marks[1][n / MARK_STEP] = (uint32_t)b;
            w->marks[2][n / MARK_STEP] = (uint32_t)c;
            w->marks[3][n / MARK_STEP] = (uint32_t)d;
        }
        a += 4 + (size_t)pq_load32(ptr + a);
        b += 4 + (size_t)pq_load32(ptr + b);
        c += 4 + (size_t)pq_load32(ptr + c);
        d += 4 + (size_t)pq_load32(ptr + d);
        n++;
    }
    const size_t at[PQ_WALK_CHAINS] = {a, b, c, d};
    for (size_t k = 0; k < PQ_WALK_CHAINS; k++) {
        int64_t in_chain = n;

        if (!end_chain(ptr, at[k], start[k + 1], w->marks[k], &in_chain))
            return false;
        w->first[k + 1] = w->first[k] + in_chain;
    }
    return true;
}

int64_t pq_walk_count(const pq_walk *w)
{
    return w->first[PQ_WALK_CHAINS];
}

const uint8_t *pq_walk_find(const pq_walk *w, int64_t i)
{
    size_t k = 0;

    while (i >= w->first[k + 1])
        k++;
    i -= w->first[k];
    const uint8_t *at = w->ptr + w->marks[k][i / MARK_STEP];
    for (int64_t left = i % MARK_STEP; left > 0; left--)
        at += 4 + (size_t)pq_load32(at);
    return at;
}
