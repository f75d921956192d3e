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
    vj_free(dict->direct);
    dict->slots = dict->direct = NULL;
    dict->n_slots = 0;
}

void vj_dict_reset(vj_dict *dict)
{
    if (dict->slots != NULL) { /* entries that were cut off may stand in the tables */
        memset(dict->direct, 0, VJ_DICT_DIRECT * sizeof *dict->direct);
        memset(dict->slots, 0, dict->n_slots * sizeof *dict->slots);
    }
    vj_buf_reset(&dict->plain);
    VJ_VEC_RESET(&dict->entries);
}

static inline size_t slot_of(uint64_t key, uint32_t len, size_t n_slots)
{
    return (size_t)(vj_mix64(key, len) & (n_slots - 1));
}

static vj_status new_slots(vj_dict *dict, size_t want, vj_error *err)
{
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
 * Room for what a page adds, but for the slots, which grow as they fill: one check before the
 * loop instead of one a value. *max_new is lowered to what the limit of entries leaves.
 */
static vj_status make_room(vj_dict *dict, size_t *max_new, size_t new_bytes, vj_error *err)
{
    *max_new = VJ_MIN(*max_new, VJ_DICT_MAX_VALUES - dict->entries.n);
    if (dict->direct == NULL &&
        (dict->direct = vj_calloc(dict->plain.budget, VJ_DICT_DIRECT, sizeof *dict->direct,
                                  err)) == NULL)
        return VJ_E_NOMEM;
    if (dict->slots == NULL)
        VJ_TRY(new_slots(dict, FIRST_SLOTS, err));
    VJ_TRY(VJ_VEC_RESERVE(&dict->entries, *max_new, err));
    return vj_buf_reserve(&dict->plain, new_bytes + VJ_DICT_SLACK, err);
}

/* Append an entry; its code + 1. The table that finds it is the caller's to fill. */
static inline uint32_t put_entry(vj_dict *dict, uint64_t key, uint32_t head_bytes, uint32_t len)
{
    dict->entries.ptr[dict->entries.n++] =
        (vj_dict_entry){key, (uint32_t)dict->plain.len_bytes + head_bytes, len};
    return (uint32_t)dict->entries.n;
}

/* An entry was put at slot `at`; more slots before they are half full. */
static inline vj_status fill_slot(vj_dict *dict, size_t at, uint32_t found, vj_error *err)
{
    dict->slots[at] = found;
    return VJ_UNLIKELY(2 * dict->entries.n > dict->n_slots)
               ? new_slots(dict, 2 * dict->n_slots, err)
               : VJ_OK;
}

/* The bytes of a string of up to eight, as a number; eight bytes are readable at ptr. */
static inline uint64_t short_key(const uint8_t *ptr, uint32_t len)
{
    uint64_t key;

    memcpy(&key, ptr, sizeof key);
    return len >= 8 ? key : key & (((uint64_t)1 << (8 * len)) - 1);
}

/* A string that is new: its PLAIN form (length as little-endian u32, then the bytes). */
static inline uint32_t put_string(vj_dict *dict, uint64_t key, const uint8_t *ptr, uint32_t len)
{
    uint8_t *dst = dict->plain.ptr + dict->plain.len_bytes;
    uint32_t found = put_entry(dict, key, sizeof len, len);

    memcpy(dst, &len, sizeof len);
    memcpy(dst + sizeof len, ptr, len);
    dict->plain.len_bytes += sizeof len + len;
    return found;
}

static inline bool same_bytes(const vj_dict *dict, const vj_dict_entry *entry, uint64_t key,
                              const uint8_t *ptr, uint32_t len)
{
    return entry->key == key && entry->len == len &&
           (len <= 8 || memcmp(dict->plain.ptr + entry->off, ptr, len) == 0);
}

/* Code + 1 of a string, made when it is new and may be (`room`); else 0. */
static inline vj_status find_string(vj_dict *dict, const uint8_t *ptr, uint32_t len, bool room,
                                    uint32_t *out, vj_error *err)
{
    uint64_t key = len <= 8 ? short_key(ptr, len) : vj_hash_bytes(ptr, len, 0);
    size_t at = slot_of(key, len, dict->n_slots);

    for (uint32_t found = 0; (found = dict->slots[at]) != 0;) {
        if (same_bytes(dict, &dict->entries.ptr[found - 1], key, ptr, len)) {
            *out = found;
            return VJ_OK;
        }
        at = (at + 1) & (dict->n_slots - 1);
    }
    *out = room ? put_string(dict, key, ptr, len) : 0;
    return room ? fill_slot(dict, at, *out, err) : VJ_OK;
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
    const uint8_t *last = bytes; /* the last string that was looked up */
    uint32_t last_len = 0;
    uint32_t last_code = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t len = lens[i];
        uint32_t found = 0;

        if (len == 1 && (found = dict->direct[*bytes]) != 0) {
            codes[i] = found - 1;
            bytes++;
            continue;
        }
        if (len == last_len && len - 1 < 8 && short_key(bytes, len) == short_key(last, len)) {
            codes[i] = last_code; /* contigs and filters stay the same for long */
            bytes += len;
            continue;
        }
        bool room = dict->entries.n < stop && dict->plain.len_bytes <= VJ_DICT_MAX_BYTES;
        VJ_TRY(find_string(dict, bytes, len, room, &found, err));
        *fits = found != 0;
        if (!*fits)
            return VJ_OK;
        if (len == 1)
            dict->direct[*bytes] = found;
        last = bytes;
        last_len = len;
        codes[i] = last_code = found - 1;
        bytes += len;
    }
    return VJ_OK;
}

/* Numbers: the key is the value. */
#define DEFINE_MAP(NAME, T)                                                                \
    static vj_status find_##T(vj_dict *dict, T value, bool room, uint32_t *out, vj_error *err) \
    {                                                                                      \
        size_t at = slot_of(value, 0, dict->n_slots);                                      \
        uint32_t found = 0;                                                                \
                                                                                           \
        while ((found = dict->slots[at]) != 0 && dict->entries.ptr[found - 1].key != value) \
            at = (at + 1) & (dict->n_slots - 1);                                           \
        *out = found;                                                                      \
        if (found != 0 || !room)                                                           \
            return VJ_OK;                                                                  \
        *out = put_entry(dict, value, 0, 0);                                               \
        memcpy(dict->plain.ptr + dict->plain.len_bytes, &value, sizeof value);             \
        dict->plain.len_bytes += sizeof value;                                             \
        return fill_slot(dict, at, *out, err);                                             \
    }                                                                                      \
    vj_status NAME(vj_dict *dict, const T *values, size_t n, size_t max_new,               \
                   uint32_t *codes, bool *fits, vj_error *err)                             \
    {                                                                                      \
        *fits = true;                                                                      \
        VJ_TRY(make_room(dict, &max_new, max_new * sizeof(T), err));                       \
        size_t stop = dict->entries.n + max_new;                                           \
        for (size_t i = 0; i < n; i++) {                                                   \
            T value = values[i];                                                           \
            uint32_t found = value < VJ_DICT_DIRECT ? dict->direct[value] : 0;             \
                                                                                           \
            if (found == 0) {                                                              \
                VJ_TRY(find_##T(dict, value, dict->entries.n < stop, &found, err));        \
                if (value < VJ_DICT_DIRECT)                                                \
                    dict->direct[value] = found;                                           \
            }                                                                              \
            if (found == 0) {                                                              \
                *fits = false;                                                             \
                return VJ_OK;                                                              \
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
