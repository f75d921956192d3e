#include "parquet/writer_dict.h"

#define FIRST_SLOTS ((size_t)1024)

void vj_dict_init(vj_dict *dict, vj_budget *budget)
{
    *dict = (vj_dict){.plain.budget = budget, .entries.budget = budget};
}

void vj_dict_fini(vj_dict *dict)
{
    vj_buf_fini(&dict->plain);
    VJ_VEC_FINI(&dict->entries);
    vj_free(dict->slots);
    dict->slots = NULL;
    dict->n_slots = 0;
}

void vj_dict_reset(vj_dict *dict)
{
    vj_buf_reset(&dict->plain);
    VJ_VEC_RESET(&dict->entries);
    if (dict->slots != NULL)
        memset(dict->slots, 0, dict->n_slots * sizeof *dict->slots);
}

static inline size_t slot_of(uint64_t key, uint32_t len, size_t n_slots)
{
    return (size_t)(vj_mix64(key, len) & (n_slots - 1));
}

/* Room for n entries at a load of at most one half. */
static vj_status grow_slots(vj_dict *dict, size_t n, vj_error *err)
{
    size_t want = dict->n_slots > 0 ? dict->n_slots : FIRST_SLOTS;

    while (want < 2 * n)
        want *= 2;
    if (want == dict->n_slots)
        return VJ_OK;
    uint32_t *slots = vj_calloc(dict->plain.budget, want, sizeof *slots, err);
    if (slots == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < dict->entries.n; i++) {
        size_t at = slot_of(dict->entries.ptr[i].key, dict->entries.ptr[i].len, want);

        while (slots[at] != 0)
            at = (at + 1) & (want - 1);
        slots[at] = (uint32_t)i + 1;
    }
    vj_free(dict->slots);
    dict->slots = slots;
    dict->n_slots = want;
    return VJ_OK;
}

/*
 * Room for a page that adds max_new values: one check before the loop instead of one a value.
 * *max_new is lowered to what the limit of entries leaves.
 */
static vj_status make_room(vj_dict *dict, size_t *max_new, size_t new_bytes, vj_error *err)
{
    *max_new = VJ_MIN(*max_new, VJ_DICT_MAX_VALUES - dict->entries.n);
    VJ_TRY(grow_slots(dict, dict->entries.n + *max_new, err));
    VJ_TRY(VJ_VEC_RESERVE(&dict->entries, *max_new, err));
    return vj_buf_reserve(&dict->plain, new_bytes, err);
}

/* The bytes of a string of up to eight, as a number; eight bytes are readable at ptr. */
static inline uint64_t short_key(const uint8_t *ptr, uint32_t len)
{
    uint64_t key;

    memcpy(&key, ptr, sizeof key);
    return len >= 8 ? key : key & (((uint64_t)1 << (8 * len)) - 1);
}

static inline bool same_bytes(const vj_dict *dict, const vj_dict_entry *entry, uint64_t key,
                              const uint8_t *ptr, uint32_t len)
{
    return entry->key == key && entry->len == len &&
           (len <= 8 || memcmp(dict->plain.ptr + entry->off, ptr, len) == 0);
}

/* Entry of the string, or a new one; make_room went before. */
static inline uint32_t find_bytes(vj_dict *dict, const uint8_t *ptr, uint32_t len)
{
    uint64_t key = len <= 8 ? short_key(ptr, len) : vj_hash_bytes(ptr, len, 0);
    size_t at = slot_of(key, len, dict->n_slots);

    for (uint32_t found = 0; (found = dict->slots[at]) != 0;) {
        if (same_bytes(dict, &dict->entries.ptr[found - 1], key, ptr, len))
            return found - 1;
        at = (at + 1) & (dict->n_slots - 1);
    }
    uint8_t *dst = dict->plain.ptr + dict->plain.len_bytes;
    memcpy(dst, &len, sizeof len); /* PLAIN: length as little-endian u32, then the bytes */
    memcpy(dst + sizeof len, ptr, len);
    dict->entries.ptr[dict->entries.n++] =
        (vj_dict_entry){key, (uint32_t)(dict->plain.len_bytes + sizeof len), len, 0};
    dict->plain.len_bytes += sizeof len + len;
    dict->slots[at] = (uint32_t)dict->entries.n;
    return (uint32_t)dict->entries.n - 1;
}

vj_status vj_dict_map_bytes(vj_dict *dict, const uint8_t *bytes, const uint32_t *lens, size_t n,
                            size_t max_new, uint32_t *codes, bool *fits, vj_error *err)
{
    size_t total = 0;
    uint32_t longest = 0;

    for (size_t i = 0; i < n; i++) {
        total += lens[i];
        longest = VJ_MAX(longest, lens[i]);
    }
    /* A value alone may be larger than a dictionary may be: no dictionary for such a page. */
    *fits = longest <= VJ_DICT_MAX_BYTES / 8;
    if (!*fits)
        return VJ_OK;
    VJ_TRY(make_room(dict, &max_new, VJ_MIN(total + 4 * n, VJ_DICT_MAX_BYTES) + longest + 4, err));
    size_t stop = dict->entries.n + max_new;
    size_t stop_bytes = VJ_DICT_MAX_BYTES;
    for (size_t i = 0; i < n; i++) {
        if (dict->entries.n >= stop || dict->plain.len_bytes > stop_bytes) {
            *fits = false;
            return VJ_OK;
        }
        codes[i] = find_bytes(dict, bytes, lens[i]);
        bytes += lens[i];
    }
    return VJ_OK;
}

/* Numbers: the key is the value; LEN tells 4-byte from 8-byte PLAIN form. */
#define DEFINE_MAP(NAME, T)                                                                \
    vj_status NAME(vj_dict *dict, const T *values, size_t n, size_t max_new,               \
                   uint32_t *codes, bool *fits, vj_error *err)                             \
    {                                                                                      \
        *fits = true;                                                                      \
        VJ_TRY(make_room(dict, &max_new, max_new * sizeof(T), err));                       \
        size_t stop = dict->entries.n + max_new;                                           \
        for (size_t i = 0; i < n; i++) {                                                   \
            size_t at = slot_of(values[i], 0, dict->n_slots);                              \
            uint32_t found = 0;                                                            \
                                                                                           \
            while ((found = dict->slots[at]) != 0 &&                                       \
                   dict->entries.ptr[found - 1].key != values[i])                          \
                at = (at + 1) & (dict->n_slots - 1);                                       \
            if (found == 0) {                                                              \
                if (dict->entries.n >= stop) {                                             \
                    *fits = false;                                                         \
                    return VJ_OK;                                                          \
                }                                                                          \
                memcpy(dict->plain.ptr + dict->plain.len_bytes, &values[i], sizeof(T));    \
                dict->entries.ptr[dict->entries.n++] = (vj_dict_entry){                    \
                    values[i], (uint32_t)dict->plain.len_bytes, 0, 0};                     \
                dict->plain.len_bytes += sizeof(T);                                        \
                dict->slots[at] = found = (uint32_t)dict->entries.n;                       \
            }                                                                              \
            codes[i] = found - 1;                                                          \
        }                                                                                  \
        return VJ_OK;                                                                      \
    }

DEFINE_MAP(vj_dict_map32, uint32_t)
DEFINE_MAP(vj_dict_map64, uint64_t)

void vj_dict_cut(vj_dict *dict, size_t n_keep, size_t keep_bytes)
{
    dict->entries.n = n_keep;
    dict->plain.len_bytes = keep_bytes;
}

vj_span vj_dict_bytes(const vj_dict *dict, uint32_t code)
{
    const vj_dict_entry *entry = &dict->entries.ptr[code];

    return (vj_span){(const char *)dict->plain.ptr + entry->off, entry->len};
}
