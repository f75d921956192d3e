/*
 * mem.h - the budget, the only allocator of the library, and the batch arena.
 *
 * Every allocation is charged to a vj_budget before the system is asked for it, so that
 * `limit_bytes` bounds what the library holds. A NULL budget is unlimited.
 *
 * threads: a budget may be shared (atomic); an arena belongs to one thread at a time.
 */
#ifndef VJ_BASE_MEM_H
#define VJ_BASE_MEM_H

#include <stdatomic.h>

#include "base/status.h"

typedef struct vj_budget {
    int64_t limit_bytes; /* 0: no limit */
    _Atomic int64_t used_bytes;
    _Atomic int64_t peak_bytes;
} vj_budget;

/* Make a budget empty with the given limit (0: none). */
void vj_budget_init(vj_budget *budget, int64_t limit_bytes);

/* Charge bytes; VJ_E_NOMEM names limit, used and needed. Memory itself is not touched. */
VJ_MUST_CHECK vj_status vj_budget_reserve(vj_budget *budget, int64_t bytes, const char *what,
                                          vj_error *err);
void vj_budget_release(vj_budget *budget, int64_t bytes);

/*
 * Allocate len_bytes charged to budget. Zero bytes give a valid pointer. Blocks of 128 KiB and
 * more start on a page (kernel copies into them are several times faster), all others on 64
 * bytes. NULL with err set (VJ_E_NOMEM) on failure.
 */
void *vj_alloc(vj_budget *budget, size_t len_bytes, vj_error *err);
void *vj_zalloc(vj_budget *budget, size_t len_bytes, vj_error *err);
/* n * item bytes with overflow check, zeroed. */
void *vj_calloc(vj_budget *budget, size_t n, size_t item_bytes, vj_error *err);
/* Grow or shrink; on failure NULL and `ptr` is still valid. ptr NULL allocates from budget. */
void *vj_realloc(vj_budget *budget, void *ptr, size_t len_bytes, vj_error *err);
/* Release; NULL is allowed. The block remembers its budget, which must still live. */
void vj_free(void *ptr);
/*
 * Hand freed memory that the C library keeps for later back to the system: before something that
 * has a limit of its own begins (another library, a long wait). Costs milliseconds.
 */
void vj_mem_trim(void);
/* Copy of a NUL-terminated string. */
char *vj_strdup(vj_budget *budget, const char *text, vj_error *err);
/* Copy of len bytes as a NUL-terminated string. */
char *vj_strndup(vj_budget *budget, const void *bytes, size_t len_bytes, vj_error *err);

/*
 * Test hook, present only in builds with VJ_TESTING: called before each allocation; true makes
 * it fail as if the system had no memory.
 */
#ifdef VJ_TESTING
extern bool (*vj_alloc_fault_hook)(size_t len_bytes);
#endif

/*
 * Bump allocator: blocks are kept on reset, freed on fini. Nothing in it is freed singly.
 *
 *   head block -> block -> block      each: [header | used .... | free ....]
 */
typedef struct vj_arena_block vj_arena_block;
typedef struct vj_arena {
    vj_budget *budget;
    vj_arena_block *first;
    vj_arena_block *current;
    size_t block_bytes;
} vj_arena;

/* Zero-cost; memory comes with the first allocation. block_bytes 0: 64 KiB. */
void vj_arena_init(vj_arena *arena, vj_budget *budget, size_t block_bytes);
void vj_arena_fini(vj_arena *arena);
/* Forget all allocations, keep the blocks. */
void vj_arena_reset(vj_arena *arena);
/* 16-byte aligned, uninitialised; NULL with err on failure. */
void *vj_arena_alloc(vj_arena *arena, size_t len_bytes, vj_error *err);
void *vj_arena_zalloc(vj_arena *arena, size_t len_bytes, vj_error *err);
/* NUL-terminated copy of len bytes. */
char *vj_arena_strndup(vj_arena *arena, const void *bytes, size_t len_bytes, vj_error *err);
/* Bytes held in blocks, used or not. */
size_t vj_arena_held_bytes(const vj_arena *arena);

#endif
