/*
 * text.h - numbers and UTF-8 as text, hashes, a string map, the CPU level.
 */
#ifndef VJ_BASE_TEXT_H
#define VJ_BASE_TEXT_H

#include "base/buf.h"

/*
 * Parse the whole span as a base-10 integer (optional sign). False when it is not one or
 * does not fit; *out is then untouched.
 */
bool vj_parse_i64(vj_span text, int64_t *out);
/*
 * Parse the whole span as a real number: decimal with optional exponent, or (any case) nan,
 * inf, infinity with optional sign. Correctly rounded. False when it is not one.
 */
bool vj_parse_f64(vj_span text, double *out);
/* The same, rounded once to single precision. */
bool vj_parse_f32(vj_span text, float *out);

#define VJ_NUM_TEXT_BYTES 40
/*
 * Shortest text that reads back as the same value; no trailing ".0"; "nan", "inf", "-inf".
 * Writes at most VJ_NUM_TEXT_BYTES with a terminator; returns the length.
 */
size_t vj_format_f64(char dst[VJ_NUM_TEXT_BYTES], double value);
size_t vj_format_f32(char dst[VJ_NUM_TEXT_BYTES], float value);
size_t vj_format_i64(char dst[VJ_NUM_TEXT_BYTES], int64_t value);

/* Parse "256MB", "1.5 GiB", "4096", "2g": bytes. KB is 1000, KiB and bare K are 1024. */
bool vj_parse_size(vj_span text, int64_t *out_bytes);
/* "12.3 MB" with decimal prefixes; returns dst. */
char *vj_format_size(char *dst, size_t cap_bytes, int64_t bytes);

/* Length of the well-formed UTF-8 sequence at ptr (1..4), or 0 when it is broken. */
size_t vj_utf8_sequence(const uint8_t *ptr, size_t len_bytes);
/* True when all of it is well-formed UTF-8. */
bool vj_utf8_valid(const void *ptr, size_t len_bytes);

/* xxHash3 of bytes. */
uint64_t vj_hash_bytes(const void *ptr, size_t len_bytes, uint64_t seed);
/* The same, seed 0, of n texts that lie at offs[0..n] in bytes. */
void vj_hash_texts(const void *bytes, const int32_t *offs, size_t n, uint64_t *out);
/* 128-bit xxHash3, for checksums of files (streaming below). */
typedef struct vj_hash128 {
    uint64_t lo, hi;
} vj_hash128;
typedef struct vj_hasher vj_hasher;
vj_hasher *vj_hasher_new(vj_error *err);
void vj_hasher_add(vj_hasher *hasher, const void *ptr, size_t len_bytes);
vj_hash128 vj_hasher_get(const vj_hasher *hasher);
void vj_hasher_free(vj_hasher *hasher);
/* Mix two 64-bit words well; for combining hashes. */
static inline uint64_t vj_mix64(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * Map from byte strings to int64 values. Keys are copied. Insertion order is kept in
 * keys[0..n). Zero-initialise through vj_map_init.
 */
typedef struct vj_map {
    vj_budget *budget;
    vj_arena keys_arena;
    vj_span *keys;
    int64_t *values;
    size_t n;
    size_t cap;
    uint32_t *slots; /* index + 1 into keys; 0 is free */
    size_t n_slots;
} vj_map;
void vj_map_init(vj_map *map, vj_budget *budget);
void vj_map_fini(vj_map *map);
/* Index of the key in keys/values, or -1. */
int64_t vj_map_find(const vj_map *map, vj_span key);
/* Value of the key, or `absent`. */
int64_t vj_map_get(const vj_map *map, vj_span key, int64_t absent);
/* Insert or overwrite; *out_i (may be NULL) is the key's index, *out_new whether it was added. */
VJ_MUST_CHECK vj_status vj_map_put(vj_map *map, vj_span key, int64_t value, int64_t *out_i,
                                   bool *out_new, vj_error *err);

/* Instruction level that kernels may use; VJ_CPU=scalar|sse42|avx2 lowers it. Read once. */
typedef enum vj_cpu_level { VJ_CPU_SCALAR = 0, VJ_CPU_SSE42, VJ_CPU_AVX2 } vj_cpu_level;
vj_cpu_level vj_cpu(void);
const char *vj_cpu_name(vj_cpu_level level);

#endif
