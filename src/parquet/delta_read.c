#include "parquet/decode.h"

/*
 * header: block size, miniblocks a block, value count (varints), first value (zigzag)
 * block:  min delta (zigzag), a width byte per miniblock, the miniblocks
 * A miniblock's bytes are there in full when one of its values is; behind the last value there
 * are none.
 */

/* Larger blocks than any writer makes. */
#define BLOCK_VALUES_MAX (1u << 20)

static const char *const ends_early = "delta stream ends early";

static bool read_varint(const uint8_t **ptr, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (*ptr >= end)
            return false;
        uint8_t byte = *(*ptr)++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static uint64_t unzigzag(uint64_t v)
{
    return (v >> 1) ^ (0 - (v & 1));
}

const char *pq_delta_init(pq_delta *d, const uint8_t *ptr, const uint8_t *end, int max_width)
{
    uint64_t block = 0;
    uint64_t minis = 0;
    uint64_t total = 0;
    uint64_t first = 0;

    *d = (pq_delta){.end = end, .max_width = max_width};
    if (!read_varint(&ptr, end, &block) || !read_varint(&ptr, end, &minis) ||
        !read_varint(&ptr, end, &total) || !read_varint(&ptr, end, &first))
        return ends_early;
    if (block == 0 || block > BLOCK_VALUES_MAX || minis == 0 || minis > block ||
        block % minis != 0 || block / minis % 8 != 0)
        return "delta stream has a block size that is not a multiple of 8 values a miniblock";
    if (total > INT32_MAX)
        return "delta stream claims more than 2147483647 values";
    d->ptr = ptr;
    d->n_minis = d->mini_i = (uint32_t)minis;
    d->mini_values = (uint32_t)(block / minis);
    d->n_total = d->n_left = total;
    d->last = unzigzag(first);
    d->first_due = total > 0;
    return NULL;
}

/* Read the head of the next block; there is a value left in it. */
static const char *next_block(pq_delta *d)
{
    uint64_t min_delta = 0;

    if (!read_varint(&d->ptr, d->end, &min_delta) || (uint64_t)(d->end - d->ptr) < d->n_minis)
        return ends_early;
    d->min_delta = unzigzag(min_delta);
    d->widths = d->ptr;
    d->ptr += d->n_minis;
    d->mini_i = 0;
    return NULL;
}

/* Step to the next miniblock; there is a value left in it. */
static const char *next_mini(pq_delta *d)
{
    if (d->mini_i == d->n_minis) {
        const char *why = next_block(d);

        if (why != NULL)
            return why;
    }
    d->width = d->widths[d->mini_i++];
    if (d->width > d->max_width)
        return d->max_width == 32   ? "delta stream has a bit width above 32"
               : d->max_width == 64 ? "delta stream has a bit width above 64"
                                    : "delta stream of INT32 has a bit width above 57";
    uint64_t bytes = (uint64_t)d->mini_values / 8 * (uint64_t)d->width;
    if ((uint64_t)(d->end - d->ptr) < bytes) {
        /* the padding of the last miniblock may be cut */
        uint64_t left = d->n_left < d->mini_values ? d->n_left : d->mini_values;

        bytes = (left * (uint64_t)d->width + 7) / 8;
        if ((uint64_t)(d->end - d->ptr) < bytes)
            return ends_early;
    }
    d->mini = d->ptr;
    d->ptr += bytes;
    d->mini_at = 0;
    d->mini_left = d->mini_values;
    return NULL;
}

/* Sums of the next n deltas of the miniblock at hand; returns the last. */
static uint64_t sum_deltas(const pq_delta *d, int64_t n, uint64_t *out)
{
    int64_t bit_off = (int64_t)d->mini_at * d->width;
    uint64_t mask = d->width < 64 ? ((uint64_t)1 << d->width) - 1 : UINT64_MAX;
    uint64_t min_delta = d->min_delta;
    uint64_t last = d->last;

    if (d->width == 0) {
        for (int64_t i = 0; i < n; i++)
            out[i] = last += min_delta;
    } else if (d->width <= 57) { /* a value lies in one load */
        for (int64_t i = 0; i < n; i++, bit_off += d->width)
            out[i] = last += (pq_load64(d->mini + (bit_off >> 3)) >> (bit_off & 7) & mask) +
                             min_delta;
    } else {
        pq_unpack64(d->mini, bit_off, d->width, n, out);
        for (int64_t i = 0; i < n; i++)
            out[i] = last += out[i] + min_delta;
    }
    return last;
}

const char *pq_delta_read(pq_delta *d, int64_t n, int64_t *out)
{
    if (n > 0 && (uint64_t)n > d->n_left)
        return ends_early;
    if (n > 0 && d->first_due) {
        *out++ = (int64_t)d->last;
        d->first_due = false;
        d->n_left--;
        n--;
    }
    while (n > 0) {
        if (d->mini_left == 0) {
            const char *why = next_mini(d);

            if (why != NULL)
                return why;
        }
        int64_t take = VJ_MIN(n, (int64_t)d->mini_left);
        d->last = sum_deltas(d, take, (uint64_t *)(void *)out);
        d->mini_at += (uint32_t)take;
        d->mini_left -= (uint32_t)take;
        d->n_left -= (uint64_t)take;
        out += take;
        n -= take;
    }
    return NULL;
}

/*
 * As many of the block's miniblocks, all of whose values are among the next n, as one kernel call
 * takes; none is at hand. Returns how many values that were: 0 where next_mini has to look.
 */
static int64_t read_minis32(pq_delta *d, int64_t n, uint32_t *last, uint32_t *out)
{
    int64_t n_minis = VJ_MIN((int64_t)(d->n_minis - d->mini_i), n / d->mini_values);
    const uint8_t *widths = d->widths + d->mini_i;
    uint64_t bytes = 0;
    uint8_t most = 0;

    for (int64_t i = 0; i < n_minis; i++) {
        bytes += (uint64_t)d->mini_values / 8 * widths[i];
        most = VJ_MAX(most, widths[i]);
    }
    if (n_minis == 0 || most > PQ_MINI_WIDTH_MAX || (uint64_t)(d->end - d->ptr) < bytes)
        return 0;
    pq_sum_minis32(d->ptr, widths, n_minis, d->mini_values, (uint32_t)d->min_delta, last, out);
    d->ptr += bytes;
    d->mini_i += (uint32_t)n_minis;
    d->n_left -= (uint64_t)n_minis * d->mini_values;
    return n_minis * d->mini_values;
}

const char *pq_delta_read32(pq_delta *d, int64_t n, uint32_t *out)
{
    uint32_t last = (uint32_t)d->last;

    if (n > 0 && (uint64_t)n > d->n_left)
        return ends_early;
    if (n > 0 && d->first_due) {
        *out++ = last;
        d->first_due = false;
        d->n_left--;
        n--;
    }
    while (n > 0) {
        if (d->mini_left == 0) {
            const char *why = d->mini_i == d->n_minis ? next_block(d) : NULL;
            int64_t whole = why == NULL ? read_minis32(d, n, &last, out) : 0;

            out += whole;
            n -= whole;
            if (whole > 0)
                continue;
            if (why == NULL)
                why = next_mini(d);
            if (why != NULL)
                return why;
        }
        int64_t take = VJ_MIN(n, (int64_t)d->mini_left);
        pq_sum_deltas32(d->mini, d->mini_at, d->width, (uint32_t)d->min_delta, &last, take, out);
        d->mini_at += (uint32_t)take;
        d->mini_left -= (uint32_t)take;
        d->n_left -= (uint64_t)take;
        out += take;
        n -= take;
    }
    d->last = last;
    return NULL;
}

const char *pq_delta_end(const pq_delta *delta, const uint8_t **end)
{
    pq_delta d = *delta;

    if (d.first_due) {
        d.first_due = false;
        d.n_left--;
    }
    while (d.n_left > 0) {
        if (d.mini_left == 0) {
            const char *why = next_mini(&d);

            if (why != NULL)
                return why;
        }
        uint64_t take = VJ_MIN((uint64_t)d.mini_left, d.n_left);
        d.n_left -= take;
        d.mini_left = 0;
    }
    *end = d.ptr;
    return NULL;
}
