/*
 * thrift_write.h - Thrift compact protocol, writing side (private to parquet/).
 *
 * Errors are sticky: a failed append leaves rc set, later calls do nothing, and the caller
 * checks rc once at the end.
 */
#ifndef VJ_PARQUET_THRIFT_WRITE_H
#define VJ_PARQUET_THRIFT_WRITE_H

#include "base/base.h"

#define VJ_TW_DEPTH 12

/* Wire types of the compact protocol. */
typedef enum vj_tw_type {
    VJ_TW_TRUE = 1,
    VJ_TW_FALSE = 2,
    VJ_TW_I8 = 3,
    VJ_TW_I16 = 4,
    VJ_TW_I32 = 5,
    VJ_TW_I64 = 6,
    VJ_TW_DOUBLE = 7,
    VJ_TW_BINARY = 8,
    VJ_TW_LIST = 9,
    VJ_TW_SET = 10,
    VJ_TW_MAP = 11,
    VJ_TW_STRUCT = 12
} vj_tw_type;

typedef struct vj_tw {
    vj_buf *out;
    vj_error *err;
    vj_status rc;
    int depth;
    int last[VJ_TW_DEPTH]; /* field id written last, per open struct */
} vj_tw;

/* Start writing one struct behind what out holds. */
static inline vj_tw vj_tw_begin(vj_buf *out, vj_error *err)
{
    return (vj_tw){.out = out, .err = err};
}
/* End of the outermost struct; what went wrong, or VJ_OK. */
VJ_MUST_CHECK vj_status vj_tw_end(vj_tw *tw);

/* Field header alone; the value follows with one of the raw calls. */
void vj_tw_field(vj_tw *tw, int id, vj_tw_type type);
void vj_tw_varint(vj_tw *tw, uint64_t value);
void vj_tw_raw(vj_tw *tw, const void *ptr, size_t len_bytes);

void vj_tw_bool(vj_tw *tw, int id, bool value);
void vj_tw_i8(vj_tw *tw, int id, int8_t value);
/* i16, i32 and i64 differ in the wire type only. */
void vj_tw_int(vj_tw *tw, int id, vj_tw_type type, int64_t value);
static inline void vj_tw_i32(vj_tw *tw, int id, int64_t value)
{
    vj_tw_int(tw, id, VJ_TW_I32, value);
}
static inline void vj_tw_i64(vj_tw *tw, int id, int64_t value)
{
    vj_tw_int(tw, id, VJ_TW_I64, value);
}
void vj_tw_binary(vj_tw *tw, int id, vj_span bytes);
/* A struct as a field; close it with _struct_end. */
void vj_tw_struct(vj_tw *tw, int id);
/* A struct as a list item. */
void vj_tw_item(vj_tw *tw);
void vj_tw_struct_end(vj_tw *tw);
/* A field that is an empty struct (members of unions without content). */
void vj_tw_empty(vj_tw *tw, int id);
/* List header; n items of the given type must follow. */
void vj_tw_list(vj_tw *tw, int id, vj_tw_type item, size_t n);
/* Items of lists. */
void vj_tw_item_int(vj_tw *tw, int64_t value);
void vj_tw_item_bool(vj_tw *tw, bool value);
void vj_tw_item_binary(vj_tw *tw, vj_span bytes);

#endif
