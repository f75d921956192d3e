/*
 * encode.h - value encodings of Parquet pages, writing side (private to parquet/).
 *
 * Kernels: they neither allocate nor fail; `out` has the room that the matching _max function
 * tells, and each returns the bytes it wrote. Format: parquet-format/Encodings.md.
 */
#ifndef VJ_PARQUET_ENCODE_H
#define VJ_PARQUET_ENCODE_H

#include "base/base.h"

/* Bits needed for the largest of the values; 0 for 0. */
static inline unsigned vj_enc_bit_width(uint64_t largest)
{
    return largest == 0 ? 0 : 64u - (unsigned)__builtin_clzll(largest);
}

/* Bytes of n values of `width` bits, padded to groups of eight values. */
static inline size_t vj_enc_packed_bytes(size_t n, unsigned width)
{
    return (n + 7) / 8 * width;
}

/*
 * RLE / bit-packed hybrid without a length prefix, width 1..32. One bit-packed run, unless runs
 * of equal values make it at least a quarter smaller: a single run lets a reader address value
 * i directly. Values must fit the width.
 */
size_t vj_enc_hybrid_max(size_t n, unsigned width);
size_t vj_enc_hybrid(const uint32_t *values, size_t n, unsigned width, uint8_t *out);
/* The same for single bits (booleans, definition levels 0 and 1). */
size_t vj_enc_hybrid_bits(const uint8_t *bits, size_t n, uint8_t *out);

/* The same for levels, a byte each. scratch: room for n. */
size_t vj_enc_hybrid_bytes(const uint8_t *values, size_t n, unsigned width, uint32_t *scratch,
                           uint8_t *out);

/* DELTA_BINARY_PACKED, blocks of 128 values in four miniblocks. n may be 0. */
size_t vj_enc_delta_max(size_t n, size_t value_bytes);
size_t vj_enc_delta32(const uint32_t *values, size_t n, uint8_t *out);
size_t vj_enc_delta64(const uint64_t *values, size_t n, uint8_t *out);

#endif
