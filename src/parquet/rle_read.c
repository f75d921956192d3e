#include "parquet/decode.h"

#define UNPACK(NAME, T)                                                                    \
    void NAME(const uint8_t *src, int64_t bit_off, int width, int64_t n, T *out)           \
    {                                                                                      \
        uint64_t mask = ((uint64_t)1 << width) - 1;                                        \
                                                                                           \
        for (int64_t i = 0; i < n; i++, bit_off += width)                                  \
            out[i] = (T)(pq_load64(src + (bit_off >> 3)) >> (bit_off & 7) & mask);         \
    }

UNPACK(pq_unpack32, uint32_t)
UNPACK(pq_unpack8, uint8_t)

void pq_unpack64(const uint8_t *src, int64_t bit_off, int width, int64_t n, uint64_t *out)
{
    uint64_t mask = width < 64 ? ((uint64_t)1 << width) - 1 : UINT64_MAX;

    if (width <= 57) { /* with a bit offset of up to 7 a value lies in one load */
        for (int64_t i = 0; i < n; i++, bit_off += width)
            out[i] = pq_load64(src + (bit_off >> 3)) >> (bit_off & 7) & mask;
        return;
    }
    for (int64_t i = 0; i < n; i++, bit_off += width) {
        const uint8_t *p = src + (bit_off >> 3);
        int shift = (int)(bit_off & 7);
        uint64_t low = pq_load64(p) >> shift;

        out[i] = (shift > 0 ? low | (uint64_t)p[8] << (64 - shift) : low) & mask;
    }
}

void pq_runs_init(pq_runs *runs, const uint8_t *ptr, const uint8_t *end, int width)
{
    *runs = (pq_runs){.ptr = ptr, .end = end, .width = width};
}

static bool read_head(pq_runs *r, uint64_t *head)
{
    *head = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (r->ptr >= r->end)
            return false;
        uint8_t byte = *r->ptr++;
        *head |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return *head <= UINT32_MAX;
    }
    return false;
}

bool pq_runs_load(pq_runs *r)
{
    while (r->left == 0) {
        uint64_t head = 0;

        if (!read_head(r, &head))
            return false;
        r->packed = (head & 1) != 0;
        r->at = 0;
        if (r->packed) {
            int64_t values = (int64_t)(head >> 1) * 8;
            int64_t have = r->end - r->ptr;
            int64_t need = (int64_t)(head >> 1) * r->width;

            /* some writers cut the padding of the last run: what is there counts */
            if (need > have) {
                values = have * 8 / r->width;
                need = have;
            }
            r->bits = r->ptr;
            r->ptr += need;
            r->left = values;
        } else {
            int bytes = (r->width + 7) / 8;

            if (r->end - r->ptr < bytes)
                return false;
            r->value = 0;
            for (int i = 0; i < bytes; i++)
                r->value |= (uint32_t)r->ptr[i] << (8 * i);
            r->ptr += bytes;
            r->left = (int64_t)(head >> 1);
            if (r->width < 32 && r->value >> r->width != 0)
                return false;
        }
    }
    return true;
}

#define READ_RUNS(NAME, T, UNPACKER)                                                       \
    bool NAME(pq_runs *r, int64_t n, T *out)                                               \
    {                                                                                      \
        while (n > 0) {                                                                    \
            if (r->left == 0 && !pq_runs_load(r))                                          \
                return false;                                                              \
            int64_t take = VJ_MIN(n, r->left);                                             \
            if (r->packed)                                                                 \
                UNPACKER(r->bits, r->at * r->width, r->width, take, out);                  \
            else                                                                           \
                for (int64_t i = 0; i < take; i++)                                         \
                    out[i] = (T)r->value;                                                  \
            r->at += take;                                                                 \
            r->left -= take;                                                               \
            out += take;                                                                   \
            n -= take;                                                                     \
        }                                                                                  \
        return true;                                                                       \
    }

READ_RUNS(pq_runs_read32, uint32_t, pq_unpack32)
READ_RUNS(pq_runs_read8, uint8_t, pq_unpack8)

bool pq_runs_skip(pq_runs *r, int64_t n)
{
    while (n > 0) {
        if (r->left == 0 && !pq_runs_load(r))
            return false;
        int64_t take = VJ_MIN(n, r->left);
        r->at += take;
        r->left -= take;
        n -= take;
    }
    return true;
}

bool pq_runs_gather(pq_runs *r, const int32_t *idx, int64_t n, int64_t total, uint32_t *out)
{
    int64_t here = 0; /* value number of the first value left in the run at hand */

    for (int64_t i = 0; i < n;) {
        if (idx[i] >= here + r->left) {
            here += r->left;
            r->left = 0;
            if (!pq_runs_load(r))
                return false;
            continue;
        }
        int64_t end = here + r->left;
        if (r->packed && r->width > 0)
            for (; i < n && idx[i] < end; i++)
                out[i] = pq_unpack_one(r->bits, r->at + idx[i] - here, r->width);
        else
            for (; i < n && idx[i] < end; i++)
                out[i] = r->packed ? 0 : r->value;
    }
    return pq_runs_skip(r, total - here);
}
