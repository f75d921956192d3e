/*
 * thrift_read.h - Thrift compact protocol, reading only, over bytes in memory.
 *
 * The first fault sticks: `why` is set, every later call gives zeros, th_next ends its loop.
 * So a parser reads a whole struct and asks once at its end.
 *
 *     th_field f = {0};
 *     while (th_next(t, &f))
 *         switch (f.id) {
 *         case 1: x = th_i64(t, &f); break;
 *         default: th_skip(t, &f);
 *         }
 *
 * in:      hostile bytes; a list's size is held against the bytes left before anyone loops over
 *          it, nesting is limited
 * tests:   unit/test_pq_footer.c, fuzz/fuzz_parquet.c
 */
#ifndef VJ_PARQUET_THRIFT_READ_H
#define VJ_PARQUET_THRIFT_READ_H

#include "base/base.h"

typedef enum th_type {
    TH_STOP = 0,
    TH_TRUE,
    TH_FALSE,
    TH_BYTE,
    TH_I16,
    TH_I32,
    TH_I64,
    TH_DOUBLE,
    TH_BINARY,
    TH_LIST,
    TH_SET,
    TH_MAP,
    TH_STRUCT,
    TH_UUID
} th_type;

typedef struct th {
    const uint8_t *beg, *ptr, *end;
    const char *why; /* NULL: all well */
    size_t why_at;   /* byte from beg */
    bool short_read; /* the fault is that the bytes ended */
} th;

typedef struct th_field {
    int32_t id;
    uint8_t type;
} th_field;

static inline void th_init(th *t, const void *ptr, size_t len_bytes)
{
    *t = (th){.beg = ptr, .ptr = ptr, .end = (const uint8_t *)ptr + len_bytes};
}
static inline size_t th_used(const th *t)
{
    return (size_t)(t->ptr - t->beg);
}
void th_fail(th *t, const char *why);

/* The struct's next field; false at its stop byte or after a fault. Start with f zeroed. */
bool th_next(th *t, th_field *f);
void th_skip(th *t, const th_field *f);

/* Value of the field at hand; a fault when its type is another one. */
int64_t th_i64(th *t, const th_field *f);
int32_t th_i32(th *t, const th_field *f);
bool th_bool(th *t, const th_field *f);
vj_span th_bytes(th *t, const th_field *f);
/* Faults unless the field is a struct; its fields follow. True when they do. */
bool th_struct(th *t, const th_field *f);
/* Number of items of a list of the given item type (TH_TRUE: bools); 0 after a fault. */
uint32_t th_list(th *t, const th_field *f, th_type item);

/* Items of a list. */
int64_t th_item_i64(th *t);
int32_t th_item_i32(th *t);
bool th_item_bool(th *t);
vj_span th_item_bytes(th *t);
void th_item_skip(th *t, th_type item);

#endif
