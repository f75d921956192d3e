#include "base/base.h"

void vj_map_init(vj_map *map, vj_budget *budget)
{
    *map = (vj_map){.budget = budget};
    vj_arena_init(&map->keys_arena, budget, 4096);
}

void vj_map_fini(vj_map *map)
{
    vj_arena_fini(&map->keys_arena);
    vj_free(map->keys);
    vj_free(map->values);
    vj_free(map->slots);
    map->keys = NULL;
    map->values = NULL;
    map->slots = NULL;
    map->n = map->cap = map->n_slots = 0;
}

/* Slot that holds the key or the free one where it belongs; n_slots is a power of two. */
static size_t slot_of(const vj_map *map, vj_span key)
{
    size_t i = (size_t)vj_hash_bytes(key.ptr, key.len_bytes, 0) & (map->n_slots - 1);

    while (map->slots[i] != 0 && !vj_span_eq(map->keys[map->slots[i] - 1], key))
        i = (i + 1) & (map->n_slots - 1);
    return i;
}

int64_t vj_map_find(const vj_map *map, vj_span key)
{
    if (map->n_slots == 0)
        return -1;
    return (int64_t)map->slots[slot_of(map, key)] - 1;
}

int64_t vj_map_get(const vj_map *map, vj_span key, int64_t absent)
{
    int64_t i = vj_map_find(map, key);

    return i < 0 ? absent : map->values[i];
}

static vj_status grow_slots(vj_map *map, vj_error *err)
{
    size_t n = map->n_slots == 0 ? 16 : map->n_slots * 2;
    uint32_t *slots = vj_calloc(map->budget, n, sizeof *slots, err);

    if (slots == NULL)
        return VJ_E_NOMEM;
    vj_free(map->slots);
    map->slots = slots;
    map->n_slots = n;
    for (size_t i = 0; i < map->n; i++)
        map->slots[slot_of(map, map->keys[i])] = (uint32_t)i + 1;
    return VJ_OK;
}

static vj_status grow_keys(vj_map *map, vj_error *err)
{
    size_t cap = map->cap == 0 ? 8 : map->cap * 2;
    vj_span *keys = vj_realloc(map->budget, map->keys, cap * sizeof *keys, err);

    if (keys == NULL)
        return VJ_E_NOMEM;
    map->keys = keys;
    int64_t *values = vj_realloc(map->budget, map->values, cap * sizeof *values, err);
    if (values == NULL)
        return VJ_E_NOMEM;
    map->values = values;
    map->cap = cap;
    return VJ_OK;
}

vj_status vj_map_put(vj_map *map, vj_span key, int64_t value, int64_t *out_i, bool *out_new,
                     vj_error *err)
{
    int64_t found = vj_map_find(map, key);

    if (out_new != NULL)
        *out_new = found < 0;
    if (found >= 0) {
        map->values[found] = value;
    } else {
        if ((map->n + 1) * 2 > map->n_slots)
            VJ_TRY(grow_slots(map, err));
        if (map->n == map->cap)
            VJ_TRY(grow_keys(map, err));
        char *copy = vj_arena_strndup(&map->keys_arena, key.ptr, key.len_bytes, err);
        if (copy == NULL)
            return VJ_E_NOMEM;
        size_t slot = slot_of(map, key);
        found = (int64_t)map->n++;
        map->keys[found] = (vj_span){copy, key.len_bytes};
        map->values[found] = value;
        map->slots[slot] = (uint32_t)found + 1;
    }
    if (out_i != NULL)
        *out_i = found;
    return VJ_OK;
}
