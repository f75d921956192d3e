/*
 * fuzz_runs.c - RLE and bit-packed runs, as levels and indices have them. byte 0: width, bytes
 * 1-2: how many values, the rest: runs. Read at once, one by one, as bytes, as bits and by number:
 * the same.
 */
#include <stdlib.h>

#include "parquet/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MAX_VALUES 4096

typedef struct stream {
    const uint8_t *ptr, *end;
    int width;
    int64_t n;
} stream;

static pq_runs begin(const stream *s)
{
    pq_runs runs;

    pq_runs_init(&runs, s->ptr, s->end, s->width);
    return runs;
}

static void check_singles(const stream *s, const uint32_t *all, bool good)
{
    pq_runs one = begin(s);
    pq_runs skipped = begin(s);
    uint32_t value = 0;
    int64_t i = 0;

    while (i < s->n && pq_runs_read32(&one, 1, &value) && (!good || value == all[i]))
        i++;
    if ((i == s->n) != good)
        abort();
    if (good && s->n > 3 && (!pq_runs_skip(&skipped, s->n - 2) ||
                             !pq_runs_read32(&skipped, 1, &value) || value != all[s->n - 2]))
        abort();
}

static void check_bytes(const stream *s, const uint32_t *all, bool good)
{
    static uint8_t bytes[MAX_VALUES];
    static uint8_t bits[MAX_VALUES / 8 + 16];
    pq_runs runs = begin(s);
    int64_t ones = 0;

    if (s->width <= 8) {
        if (pq_runs_read8(&runs, s->n, bytes) != good)
            abort();
        for (int64_t i = 0; good && i < s->n; i++)
            if (bytes[i] != all[i])
                abort();
    }
    if (s->width != 1)
        return;
    runs = begin(s);
    if (pq_runs_read_bits(&runs, s->n, bits, 3, &ones) != good)
        abort();
    for (int64_t i = 0; good && i < s->n; i++) {
        if (vj_bit_get(bits, 3 + i) != (all[i] != 0))
            abort();
        ones -= all[i];
    }
    if (good && ones != 0)
        abort();
}

static void check_picks(const stream *s, const uint32_t *all, bool good)
{
    static int32_t idx[MAX_VALUES];
    static uint32_t picked[MAX_VALUES];
    pq_runs runs = begin(s);
    int64_t n = 0;

    for (int64_t i = s->n % 5; i < s->n; i += 1 + i % 7)
        idx[n++] = (int32_t)i;
    if (pq_runs_gather(&runs, idx, n, s->n, picked) != good)
        abort();
    for (int64_t i = 0; good && i < n; i++)
        if (picked[i] != all[idx[i]])
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint32_t all[MAX_VALUES];
    vj_error err = {0};

    if (len < 3)
        return 0;
    size_t n_bytes = len - 3;
    uint8_t *bytes = vj_zalloc(NULL, n_bytes + PQ_SLACK, &err);
    if (bytes == NULL)
        abort();
    memcpy(bytes, data + 3, n_bytes);
    stream s = {bytes, bytes + n_bytes, data[0] % 33, (data[1] | data[2] << 8) % MAX_VALUES};
    pq_runs runs = begin(&s);
    bool good = pq_runs_read32(&runs, s.n, all);
    check_singles(&s, all, good);
    check_bytes(&s, all, good);
    check_picks(&s, all, good);
    vj_free(bytes);
    return 0;
}
