#include "base/base.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

/* Blocks from this size on start on a page. */
#define LARGE_BYTES ((size_t)128 << 10)
#define PAGE_BYTES ((size_t)4096)
#define HEAD_BYTES ((size_t)64)

/* Lies right before every block that vj_alloc hands out. */
typedef struct block_head {
    vj_budget *budget;
    void *base;       /* what the system gave */
    size_t len_bytes; /* what the caller asked for */
    int64_t charged_bytes;
} block_head;

_Static_assert(sizeof(block_head) <= HEAD_BYTES, "the head fits before the block");

#ifdef VJ_TESTING
bool (*vj_alloc_fault_hook)(size_t len_bytes);
#endif

void vj_budget_init(vj_budget *budget, int64_t limit_bytes)
{
    budget->limit_bytes = limit_bytes;
    atomic_init(&budget->used_bytes, 0);
    atomic_init(&budget->peak_bytes, 0);
}

vj_status vj_budget_reserve(vj_budget *budget, int64_t bytes, const char *what, vj_error *err)
{
    if (budget == NULL)
        return VJ_OK;
    int64_t used = atomic_fetch_add(&budget->used_bytes, bytes) + bytes;
    if (budget->limit_bytes > 0 && used > budget->limit_bytes) {
        atomic_fetch_sub(&budget->used_bytes, bytes);
        return vj_fail(err, VJ_E_NOMEM,
                       "memory budget of %.1f MB is used up: %.1f MB in use, %.1f MB more "
                       "needed for %s (raise --memory)",
                       (double)budget->limit_bytes / 1e6, (double)(used - bytes) / 1e6,
                       (double)bytes / 1e6, what);
    }
    int64_t peak = atomic_load(&budget->peak_bytes);
    while (used > peak && !atomic_compare_exchange_weak(&budget->peak_bytes, &peak, used))
        ;
    return VJ_OK;
}

void vj_budget_release(vj_budget *budget, int64_t bytes)
{
    if (budget != NULL)
        atomic_fetch_sub(&budget->used_bytes, bytes);
}

static block_head *head_of(void *ptr)
{
    return (block_head *)(void *)((uint8_t *)ptr - HEAD_BYTES);
}

void *vj_alloc(vj_budget *budget, size_t len_bytes, vj_error *err)
{
    size_t align = len_bytes >= LARGE_BYTES ? PAGE_BYTES : HEAD_BYTES;
    size_t total = 0;
    void *base = NULL;

#ifdef VJ_TESTING
    if (vj_alloc_fault_hook != NULL && vj_alloc_fault_hook(len_bytes)) {
        vj_fail(err, VJ_E_NOMEM, "the system has no memory for %zu bytes", len_bytes);
        return NULL;
    }
#endif
    if (__builtin_add_overflow(len_bytes, align, &total) || total > (size_t)INT64_MAX / 2) {
        vj_fail(err, VJ_E_NOMEM, "a block of %zu bytes is larger than any memory", len_bytes);
        return NULL;
    }
    if (vj_budget_reserve(budget, (int64_t)total, "a buffer", err) != VJ_OK)
        return NULL;
    if (posix_memalign(&base, align, total) != 0) {
        vj_budget_release(budget, (int64_t)total);
        vj_fail(err, VJ_E_NOMEM, "the system has no memory for %zu bytes", len_bytes);
        return NULL;
    }
    void *ptr = (uint8_t *)base + align;
    *head_of(ptr) = (block_head){budget, base, len_bytes, (int64_t)total};
    return ptr;
}

void *vj_zalloc(vj_budget *budget, size_t len_bytes, vj_error *err)
{
    void *ptr = vj_alloc(budget, len_bytes, err);

    if (ptr != NULL)
        memset(ptr, 0, len_bytes);
    return ptr;
}

void *vj_calloc(vj_budget *budget, size_t n, size_t item_bytes, vj_error *err)
{
    size_t len = 0;

    if (__builtin_mul_overflow(n, item_bytes, &len)) {
        vj_fail(err, VJ_E_NOMEM, "%zu items of %zu bytes are larger than any memory", n,
                item_bytes);
        return NULL;
    }
    return vj_zalloc(budget, len, err);
}

void *vj_realloc(vj_budget *budget, void *ptr, size_t len_bytes, vj_error *err)
{
    if (ptr == NULL)
        return vj_alloc(budget, len_bytes, err);
    size_t old = head_of(ptr)->len_bytes;
    void *grown = vj_alloc(head_of(ptr)->budget, len_bytes, err);
    if (grown == NULL)
        return NULL;
    memcpy(grown, ptr, old < len_bytes ? old : len_bytes);
    vj_free(ptr);
    return grown;
}

void vj_free(void *ptr)
{
    if (ptr == NULL)
        return;
    block_head *head = head_of(ptr);
    vj_budget_release(head->budget, head->charged_bytes);
    free(head->base);
}

char *vj_strndup(vj_budget *budget, const void *bytes, size_t len_bytes, vj_error *err)
{
    char *copy = vj_alloc(budget, len_bytes + 1, err);

    if (copy != NULL) {
        if (len_bytes > 0)
            memcpy(copy, bytes, len_bytes);
        copy[len_bytes] = '\0';
    }
    return copy;
}

void vj_mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

char *vj_strdup(vj_budget *budget, const char *text, vj_error *err)
{
    return vj_strndup(budget, text, strlen(text), err);
}

/* ---- arena ---- */

struct vj_arena_block {
    vj_arena_block *next;
    size_t cap_bytes;
    size_t used_bytes;
    _Alignas(16) uint8_t data[];
};

/* Unaddressable gap after each allocation under AddressSanitizer. */
#define RED_ZONE_BYTES ((size_t)16)

void vj_arena_init(vj_arena *arena, vj_budget *budget, size_t block_bytes)
{
    *arena = (vj_arena){.budget = budget,
                        .block_bytes = block_bytes > 0 ? block_bytes : (size_t)64 << 10};
}

void vj_arena_fini(vj_arena *arena)
{
    vj_arena_block *next = NULL;

    for (vj_arena_block *block = arena->first; block != NULL; block = next) {
        next = block->next;
        ASAN_UNPOISON_MEMORY_REGION(block->data, block->cap_bytes);
        vj_free(block);
    }
    arena->first = arena->current = NULL;
}

void vj_arena_reset(vj_arena *arena)
{
    for (vj_arena_block *block = arena->first; block != NULL; block = block->next) {
        block->used_bytes = 0;
        ASAN_POISON_MEMORY_REGION(block->data, block->cap_bytes);
    }
    arena->current = arena->first;
}

static vj_arena_block *next_block(vj_arena *arena, size_t need_bytes, vj_error *err)
{
    vj_arena_block *block = arena->current != NULL ? arena->current->next : arena->first;

    while (block != NULL && block->cap_bytes < need_bytes)
        block = block->next;
    if (block != NULL)
        return arena->current = block;

    size_t cap = need_bytes > arena->block_bytes ? need_bytes : arena->block_bytes;
    block = vj_alloc(arena->budget, sizeof *block + cap, err);
    if (block == NULL)
        return NULL;
    block->cap_bytes = cap;
    block->used_bytes = 0;
    ASAN_POISON_MEMORY_REGION(block->data, cap);
    if (arena->current == NULL) {
        block->next = arena->first;
        arena->first = block;
    } else {
        block->next = arena->current->next;
        arena->current->next = block;
    }
    return arena->current = block;
}

void *vj_arena_alloc(vj_arena *arena, size_t len_bytes, vj_error *err)
{
    size_t need = ((len_bytes + 15) & ~(size_t)15) + RED_ZONE_BYTES;
    vj_arena_block *block = arena->current;

    if (need < len_bytes) {
        vj_fail(err, VJ_E_NOMEM, "a block of %zu bytes is larger than any memory", len_bytes);
        return NULL;
    }
    if (block == NULL || block->cap_bytes - block->used_bytes < need) {
        block = next_block(arena, need, err);
        if (block == NULL)
            return NULL;
    }
    uint8_t *ptr = block->data + block->used_bytes;
    block->used_bytes += need;
    ASAN_UNPOISON_MEMORY_REGION(ptr, len_bytes);
    return ptr;
}

void *vj_arena_zalloc(vj_arena *arena, size_t len_bytes, vj_error *err)
{
    void *ptr = vj_arena_alloc(arena, len_bytes, err);

    if (ptr != NULL)
        memset(ptr, 0, len_bytes);
    return ptr;
}

char *vj_arena_strndup(vj_arena *arena, const void *bytes, size_t len_bytes, vj_error *err)
{
    char *copy = vj_arena_alloc(arena, len_bytes + 1, err);

    if (copy != NULL) {
        if (len_bytes > 0)
            memcpy(copy, bytes, len_bytes);
        copy[len_bytes] = '\0';
    }
    return copy;
}

size_t vj_arena_held_bytes(const vj_arena *arena)
{
    size_t held = 0;

    for (const vj_arena_block *block = arena->first; block != NULL; block = block->next)
        held += block->cap_bytes;
    return held;
}
