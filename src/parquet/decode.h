/*
 * decode.h - bit-packed integers, RLE runs and deltas out of page bytes. Private to the reader.
 *
 * Kernels trust their counts; who calls them has held the counts against the bytes. All of them
 * may load up to PQ_SLACK bytes behind the bytes they use: every buffer of pages has that room.
 *
 * Format: Encodings.md, "RLE/Bit-Packing Hybrid" and "Delta Encoding".
 * tests:  unit/test_pq_decode.c
 */
#ifndef VJ_PARQUET_DECODE_H
#define VJ_PARQUET_DECODE_H

#include "base/base.h"

#define PQ_SLACK ((size_t)32)

static inline uint32_t pq_load32(const uint8_t *ptr)
{
    uint32_t v;

    memcpy(&v, ptr, sizeof v);
    return v;
}
static inline uint64_t pq_load64(const uint8_t *ptr)
{
    uint64_t v;

    memcpy(&v, ptr, sizeof v);
    return v;
}

/* Bits that hold 0..max. */
static inline int pq_bit_width(unsigned max)
{
    int width = 0;

    for (; max > 0; max >>= 1)
        width++;
    return width;
}

/* n values of `width` bits (0..32, 0..8, 0..64), the first at bit bit_off of src. */
void pq_unpack32(const uint8_t *src, int64_t bit_off, int width, int64_t n, uint32_t *out);
void pq_unpack8(const uint8_t *src, int64_t bit_off, int width, int64_t n, uint8_t *out);
void pq_unpack64(const uint8_t *src, int64_t bit_off, int width, int64_t n, uint64_t *out);
/* Value i of width 1..32. */
static inline uint32_t pq_unpack_one(const uint8_t *src, int64_t i, int width)
{
    int64_t bit = i * width;

    return (uint32_t)(pq_load64(src + (bit >> 3)) >> (bit & 7)) &
           (uint32_t)(((uint64_t)1 << width) - 1);
}
/* Ones among the first n bits. Loads whole words. */
int64_t pq_count_bits(const uint8_t *bits, int64_t n);
/*
 * Rows of a bitmap to numbers of its ones: for each of rows[0..n), rising, bit rows[i] - row; bit
 * i of present is set when it is one, and idx gets how many ones are before it. Returns the
 * number of idx; idx has room for n + 1. Loads whole words around the rows.
 */
int64_t pq_rank_bits(const uint8_t *bits, int64_t row, const int32_t *rows, int64_t n,
                     int32_t *idx, uint8_t *present);

/* ---- RLE / bit-packing hybrid ---- */

typedef struct pq_runs {
    const uint8_t *ptr, *end; /* what is behind the run at hand */
    int width;                /* 0..32 */
    bool packed;
    int64_t left;         /* values left in the run at hand */
    uint32_t value;       /* of an RLE run */
    const uint8_t *bits;  /* of a bit-packed run */
    int64_t at;           /* values of it that are consumed */
} pq_runs;

void pq_runs_init(pq_runs *runs, const uint8_t *ptr, const uint8_t *end, int width);
/*
 * Make `left` positive by reading run heads. False when the bytes end or a head is broken.
 */
bool pq_runs_load(pq_runs *runs);
/* The next n values. False when there are fewer. */
bool pq_runs_read32(pq_runs *runs, int64_t n, uint32_t *out);
bool pq_runs_read8(pq_runs *runs, int64_t n, uint8_t *out);
/*
 * The next n values of width 1, as bits at out_off of out; adds the ones to *ones. Bits before
 * out_off are kept; out has room for 8 bytes behind the last.
 */
bool pq_runs_read_bits(pq_runs *runs, int64_t n, uint8_t *out, int64_t out_off, int64_t *ones);
bool pq_runs_skip(pq_runs *runs, int64_t n);
/* Values idx[0..n), ascending, counted from here on; then stand behind total (> idx[n-1]). */
bool pq_runs_gather(pq_runs *runs, const int32_t *idx, int64_t n, int64_t total, uint32_t *out);

/* ---- PLAIN byte arrays ---- */

#define PQ_WALK_CHAINS 4

/* Where the values of a page are. */
typedef struct pq_walk {
    const uint8_t *ptr;
    uint32_t *marks[PQ_WALK_CHAINS];
    int64_t first[PQ_WALK_CHAINS + 1]; /* number of the first value of each chain, and of all */
} pq_walk;

/* How many marks a walk over so many bytes may need. */
size_t pq_walk_marks(size_t len_bytes);
/*
 * Walk all values of [ptr, ptr + len_bytes). False where the quick way does not tell, be they
 * whole or broken: then they are walked one after the other.
 */
bool pq_walk_begin(pq_walk *walk, const uint8_t *ptr, size_t len_bytes, uint32_t *marks);
int64_t pq_walk_count(const pq_walk *walk);
/* The length in front of value i, below the count; the value lies inside the bytes. */
const uint8_t *pq_walk_find(const pq_walk *walk, int64_t i);

/* ---- DELTA_BINARY_PACKED ---- */

typedef struct pq_delta {
    const uint8_t *ptr, *end; /* behind the miniblock at hand */
    uint64_t n_total;
    uint64_t n_left;          /* values not yet given out */
    uint64_t last;
    uint64_t min_delta;
    bool first_due;
    uint32_t mini_values;     /* values a miniblock */
    uint32_t n_minis;         /* miniblocks a block */
    uint32_t mini_i;          /* next miniblock of the block */
    const uint8_t *widths;
    const uint8_t *mini;      /* bits of the miniblock at hand */
    uint32_t mini_at, mini_left;
    int width;
    int max_width;
} pq_delta;

/* Deltas of INT32 columns: 33 bits are seen (DuckDB counts unsigned numbers in 64 bits); a value of
 * so many lies in one load. */
#define PQ_DELTA32_WIDTH 57
/* Text of what is wrong, or NULL. max_width: PQ_DELTA32_WIDTH for INT32, 32 for lengths, else 64. */
const char *pq_delta_init(pq_delta *delta, const uint8_t *ptr, const uint8_t *end, int max_width);
/* The next n values, wrapping modulo 2^64. */
const char *pq_delta_read(pq_delta *delta, int64_t n, int64_t *out);
/* The same modulo 2^32, which is how INT32 columns count. */
const char *pq_delta_read32(pq_delta *delta, int64_t n, uint32_t *out);
/*
 * n running sums of deltas of 0..57 bits plus min_delta, on from *last, modulo 2^32; the first
 * delta is value number `at` of src.
 */
void pq_sum_deltas32(const uint8_t *src, int64_t at, int width, uint32_t min_delta,
                     uint32_t *last, int64_t n, uint32_t *out);
void pq_sum_deltas32_scalar(const uint8_t *src, int64_t at, int width, uint32_t min_delta,
                            uint32_t *last, int64_t n, uint32_t *out);
/* The same over whole miniblocks of mini_values, a multiple of 8, and widths of up to that. */
#define PQ_MINI_WIDTH_MAX 25
void pq_sum_minis32(const uint8_t *src, const uint8_t *widths, int64_t n_minis,
                    int64_t mini_values, uint32_t min_delta, uint32_t *last, uint32_t *out);
/* Where the stream ends; the stream itself stays where it is. */
const char *pq_delta_end(const pq_delta *delta, const uint8_t **end);

#endif
