#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/base.h"

uint64_t vj_hash_bytes(const void *ptr, size_t len_bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(ptr != NULL ? ptr : "", len_bytes, seed);
}

/* Alleles are one letter of four, mostly: their hashes, by two bits that tell A, C, G, T apart. */
typedef struct letter_hashes {
    uint8_t letter[4];
    uint64_t hash[4];
} letter_hashes;

static inline uint64_t hash_letter(letter_hashes *known, const uint8_t *ptr)
{
    unsigned i = *ptr >> 1 & 3;

    if (known->letter[i] != *ptr) {
        known->letter[i] = *ptr;
        known->hash[i] = XXH3_64bits(ptr, 1);
    }
    return known->hash[i];
}

/* Is the text of len (1 to 8) bytes at ptr the one that ends there? Eight bytes lie before both ends. */
static inline bool is_repeated(const uint8_t *ptr, size_t len)
{
    uint64_t before;
    uint64_t here;

    memcpy(&before, ptr - 8, sizeof before);
    memcpy(&here, ptr + len - 8, sizeof here);
    return (before ^ here) >> (64 - 8 * len) == 0;
}

void vj_hash_texts(const void *bytes, const int32_t *offs, size_t n, uint64_t *out)
{
    const uint8_t *from = bytes != NULL ? bytes : (const uint8_t *)"";
    letter_hashes known = {.letter = {2, 0, 0, 0}}; /* none of them stands at its own place */

    for (size_t i = 0; i < n; i++) {
        const uint8_t *ptr = from + offs[i];
        size_t len = (size_t)(offs[i + 1] - offs[i]);

        if (len == 1)
            out[i] = hash_letter(&known, ptr);
        else if (i > 0 && len - 1 < 8 && offs[i - 1] >= 8 &&
                 len == (size_t)(offs[i] - offs[i - 1]) && is_repeated(ptr, len))
            out[i] = out[i - 1]; /* contigs and filters stay the same for long */
        else
            out[i] = XXH3_64bits(ptr, len);
    }
}

struct vj_hasher {
    XXH3_state_t state;
};

vj_hasher *vj_hasher_new(vj_error *err)
{
    vj_hasher *hasher = vj_alloc(NULL, sizeof *hasher, err);

    if (hasher != NULL)
        XXH3_128bits_reset(&hasher->state);
    return hasher;
}

void vj_hasher_add(vj_hasher *hasher, const void *ptr, size_t len_bytes)
{
    if (len_bytes > 0)
        XXH3_128bits_update(&hasher->state, ptr, len_bytes);
}

vj_hash128 vj_hasher_get(const vj_hasher *hasher)
{
    XXH128_hash_t hash = XXH3_128bits_digest(&hasher->state);

    return (vj_hash128){hash.low64, hash.high64};
}

void vj_hasher_free(vj_hasher *hasher)
{
    vj_free(hasher);
}
