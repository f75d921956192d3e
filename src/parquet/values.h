/*
 * values.h - the values of one data page, in order: read, skip, or pick by number.
 * Private to the reader.
 *
 * Values here are those that are present (nulls have none) and physical: what the file stores,
 * before pq_convert. A pq_dense collects them:
 *
 *   fixed width  data: n * width_bytes      BOOLEAN  data: bitmap      BYTE_ARRAY  offs, data
 *
 * errors:  VJ_E_CORRUPT with the fact; file, column and page are added by the cursor
 */
#ifndef VJ_PARQUET_VALUES_H
#define VJ_PARQUET_VALUES_H

#include "parquet/decode.h"
#include "parquet/footer.h"

typedef struct pq_dense {
    int64_t n;
    vj_buf data;
    vj_buf offs; /* int32, n + 1 of them once n > 0 */
} pq_dense;

void pq_dense_init(pq_dense *dense, vj_budget *budget);
void pq_dense_fini(pq_dense *dense);
void pq_dense_reset(pq_dense *dense);
/* Room for n more values of that width (0: bits or byte arrays, see kind). */
VJ_MUST_CHECK vj_status pq_dense_grow(pq_dense *dense, const pq_leaf *leaf, int64_t n,
                                      vj_error *err);

/*
 * A decoded dictionary page. Fixed values lie one behind the other; byte array i is
 * ptr[offs[i] .. offs[i+1] - 4): its successor's length prefix lies between.
 */
typedef struct pq_dict {
    int64_t n; /* -1: none seen in this chunk */
    const uint8_t *ptr;
    size_t len_bytes;
    vj_buf bytes; /* what ptr views, unless the page lies in a cache */
    vj_buf offs;  /* uint32 */
} pq_dict;

typedef struct pq_values {
    const pq_leaf *leaf;
    const pq_dict *dict;
    int encoding; /* PLAIN, RLE_DICTIONARY, RLE, DELTA_*, BYTE_STREAM_SPLIT */
    const uint8_t *ptr, *end;
    int64_t at; /* values consumed: PLAIN of fixed width, bits, BYTE_STREAM_SPLIT */
    pq_runs runs;
    pq_delta lens, prefixes;
    vj_buf last; /* DELTA_BYTE_ARRAY: the value before */
    vj_buf scratch;
} pq_values;

void pq_values_init(pq_values *values, const pq_leaf *leaf, const pq_dict *dict,
                    vj_budget *budget);
void pq_values_fini(pq_values *values);

/* Begin a page's value section [ptr, end), which has PQ_SLACK bytes behind it. */
VJ_MUST_CHECK vj_status pq_values_begin(pq_values *values, int encoding, const uint8_t *ptr,
                                        const uint8_t *end, vj_error *err);
/*
 * Append the next n values. Byte arrays stop early, after at least one, when a value would make
 * data longer than limit_bytes; *done is how many were read.
 */
VJ_MUST_CHECK vj_status pq_values_read(pq_values *values, int64_t n, size_t limit_bytes,
                                       pq_dense *dense, int64_t *done, vj_error *err);
VJ_MUST_CHECK vj_status pq_values_skip(pq_values *values, int64_t n, vj_error *err);
/*
 * Append values idx[0..n), ascending, counted from here on, then stand behind the next `total`.
 */
VJ_MUST_CHECK vj_status pq_values_gather(pq_values *values, const int32_t *idx, int64_t n,
                                         int64_t total, pq_dense *dense, vj_error *err);
/* PLAIN of fixed width: address of the next value when n values are there, else NULL. */
const uint8_t *pq_values_direct(const pq_values *values, int64_t n);

/* Index a dictionary page of n values that lies at dict->ptr. */
VJ_MUST_CHECK vj_status pq_dict_index(pq_dict *dict, const pq_leaf *leaf, int64_t n,
                                      vj_error *err);

#endif
