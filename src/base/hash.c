#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/base.h"

uint64_t vj_hash_bytes(const void *ptr, size_t len_bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(ptr != NULL ? ptr : "", len_bytes, seed);
}

void vj_hash_texts(const void *bytes, const int32_t *offs, size_t n, uint64_t *out)
{
    const uint8_t *from = bytes != NULL ? bytes : (const uint8_t *)"";

    for (size_t i = 0; i < n; i++)
        out[i] = XXH3_64bits(from + offs[i], (size_t)(offs[i + 1] - offs[i]));
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
