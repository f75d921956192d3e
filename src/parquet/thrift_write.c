#include "parquet/thrift_write.h"

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

void vj_tw_raw(vj_tw *tw, const void *ptr, size_t len_bytes)
{
    if (tw->rc == VJ_OK)
        tw->rc = vj_buf_append(tw->out, ptr, len_bytes, tw->err);
}

static void put_byte(vj_tw *tw, unsigned byte)
{
    uint8_t value = (uint8_t)byte;

    vj_tw_raw(tw, &value, 1);
}

void vj_tw_varint(vj_tw *tw, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    vj_tw_raw(tw, bytes, n);
}

void vj_tw_field(vj_tw *tw, int id, vj_tw_type type)
{
    int delta = id - tw->last[tw->depth];

    if (delta > 0 && delta <= 15) {
        put_byte(tw, (unsigned)delta << 4 | (unsigned)type);
    } else {
        put_byte(tw, (unsigned)type);
        vj_tw_varint(tw, zigzag(id));
    }
    tw->last[tw->depth] = id;
}

void vj_tw_bool(vj_tw *tw, int id, bool value)
{
    vj_tw_field(tw, id, value ? VJ_TW_TRUE : VJ_TW_FALSE);
}

void vj_tw_i8(vj_tw *tw, int id, int8_t value)
{
    vj_tw_field(tw, id, VJ_TW_I8);
    put_byte(tw, (uint8_t)value);
}

void vj_tw_int(vj_tw *tw, int id, vj_tw_type type, int64_t value)
{
    vj_tw_field(tw, id, type);
    vj_tw_varint(tw, zigzag(value));
}

void vj_tw_binary(vj_tw *tw, int id, vj_span bytes)
{
    vj_tw_field(tw, id, VJ_TW_BINARY);
    vj_tw_item_binary(tw, bytes);
}

static void open_struct(vj_tw *tw)
{
    if (tw->rc == VJ_OK && tw->depth + 1 >= VJ_TW_DEPTH)
        tw->rc = vj_fail(tw->err, VJ_E_BUG, "thrift structs are nested more than %d deep",
                         VJ_TW_DEPTH - 1);
    if (tw->rc == VJ_OK)
        tw->last[++tw->depth] = 0;
}

void vj_tw_struct(vj_tw *tw, int id)
{
    vj_tw_field(tw, id, VJ_TW_STRUCT);
    open_struct(tw);
}

void vj_tw_item(vj_tw *tw)
{
    open_struct(tw);
}

void vj_tw_struct_end(vj_tw *tw)
{
    put_byte(tw, 0);
    if (tw->rc == VJ_OK)
        tw->depth--;
}

void vj_tw_empty(vj_tw *tw, int id)
{
    vj_tw_field(tw, id, VJ_TW_STRUCT);
    put_byte(tw, 0);
}

void vj_tw_list(vj_tw *tw, int id, vj_tw_type item, size_t n)
{
    vj_tw_field(tw, id, VJ_TW_LIST);
    if (n < 15) {
        put_byte(tw, (unsigned)n << 4 | (unsigned)item);
    } else {
        put_byte(tw, 0xf0u | (unsigned)item);
        vj_tw_varint(tw, n);
    }
}

void vj_tw_item_int(vj_tw *tw, int64_t value)
{
    vj_tw_varint(tw, zigzag(value));
}

void vj_tw_item_bool(vj_tw *tw, bool value)
{
    put_byte(tw, value ? VJ_TW_TRUE : VJ_TW_FALSE);
}

void vj_tw_item_binary(vj_tw *tw, vj_span bytes)
{
    vj_tw_varint(tw, bytes.len_bytes);
    vj_tw_raw(tw, bytes.ptr, bytes.len_bytes);
}

vj_status vj_tw_end(vj_tw *tw)
{
    put_byte(tw, 0);
    return tw->rc;
}
