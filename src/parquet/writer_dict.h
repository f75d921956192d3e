/*
 * writer_dict.h - dictionary of one column chunk (private to parquet/).
 *
 * Values are numbered in the order of their first appearance; the body of the dictionary page
 * (PLAIN) grows with them. Numbers below VJ_DICT_DIRECT and strings of one byte have their code
 * in a table of their own; the others are found by open addressing over entries that hold eight
 * bytes of the value, so that short strings and numbers are compared without touching their bytes.
 */
#ifndef VJ_PARQUET_WRITER_DICT_H
#define VJ_PARQUET_WRITER_DICT_H

#include "base/base.h"

#define VJ_DICT_MAX_VALUES ((size_t)65536)
#define VJ_DICT_MAX_BYTES ((size_t)1 << 20)

/* Bytes that must be readable behind the last string given to vj_dict_map_bytes. */
#define VJ_DICT_SLACK 8

/* Such numbers, and single bytes, are looked up without hashing. */
#define VJ_DICT_DIRECT 1024

typedef struct vj_dict_entry {
    uint64_t key; /* the value (numbers, strings up to 8 bytes), or its hash */
    uint32_t off; /* of the bytes in `plain` */
    uint32_t len;
} vj_dict_entry;

typedef struct vj_dict {
    vj_buf plain; /* body of the dictionary page */
    VJ_VEC(vj_dict_entry) entries;
    uint32_t *direct; /* VJ_DICT_DIRECT of them: code + 1; 0: no such value yet */
    uint32_t *slots;  /* the same by hash; 0 is free */
    size_t n_slots;   /* a power of two */
} vj_dict;

void vj_dict_init(vj_dict *dict, vj_budget *budget);
void vj_dict_fini(vj_dict *dict);
/* Empty, keep the memory. */
void vj_dict_reset(vj_dict *dict);

/*
 * Codes of n values; new values are added. *fits is false when the dictionary would pass its
 * limits or max_new entries would be new: the codes are then worthless and vj_dict_cut must
 * follow. Strings lie one after the other in `bytes`.
 */
VJ_MUST_CHECK vj_status vj_dict_map_bytes(vj_dict *dict, const uint8_t *bytes,
                                          const uint32_t *lens, size_t n, size_t max_new,
                                          uint32_t *codes, bool *fits, vj_error *err);
VJ_MUST_CHECK vj_status vj_dict_map32(vj_dict *dict, const uint32_t *values, size_t n,
                                      size_t max_new, uint32_t *codes, bool *fits, vj_error *err);
VJ_MUST_CHECK vj_status vj_dict_map64(vj_dict *dict, const uint64_t *values, size_t n,
                                      size_t max_new, uint32_t *codes, bool *fits, vj_error *err);
/*
 * Forget all entries from n_keep on, and the body from keep_bytes on (what both were before).
 * Nothing may be mapped after it until _reset: the slots still hold the forgotten ones.
 */
void vj_dict_cut(vj_dict *dict, size_t n_keep, size_t keep_bytes);
vj_span vj_dict_bytes(const vj_dict *dict, uint32_t code);

#endif
