#include "parquet/thrift_read.h"

#define NESTING_MAX 32

void th_fail(th *t, const char *why)
{
    if (t->why == NULL) {
        t->why = why;
        t->why_at = th_used(t);
    }
    t->ptr = t->end;
}

static void fail_short(th *t)
{
    if (t->why == NULL)
        t->short_read = true;
    th_fail(t, "the bytes end inside a value");
}

static uint8_t take_byte(th *t)
{
    if (t->ptr >= t->end) {
        fail_short(t);
        return 0;
    }
    return *t->ptr++;
}

static uint64_t take_varint(th *t)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = take_byte(t);

        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return t->why == NULL ? value : 0;
    }
    th_fail(t, "a number has more than 10 bytes");
    return 0;
}

int64_t th_item_i64(th *t)
{
    uint64_t zigzag = take_varint(t);

    return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
}

int32_t th_item_i32(th *t)
{
    int64_t value = th_item_i64(t);

    if (value < INT32_MIN || value > INT32_MAX) {
        th_fail(t, "a number does not fit 32 bits");
        return 0;
    }
    return (int32_t)value;
}

bool th_item_bool(th *t)
{
    return take_byte(t) == TH_TRUE;
}

vj_span th_item_bytes(th *t)
{
    uint64_t len = take_varint(t);

    if (len > (uint64_t)(t->end - t->ptr)) {
        fail_short(t);
        return (vj_span){NULL, 0};
    }
    vj_span bytes = {(const char *)t->ptr, (size_t)len};
    t->ptr += len;
    return bytes;
}

bool th_next(th *t, th_field *f)
{
    uint8_t head = take_byte(t);

    if (t->why != NULL || head == TH_STOP)
        return false;
    f->type = head & 0x0f;
    if (head >> 4 != 0)
        f->id += head >> 4;
    else
        f->id = (int32_t)th_item_i64(t);
    if (f->type > TH_UUID || f->type == TH_STOP || f->id < INT16_MIN || f->id > INT16_MAX)
        th_fail(t, "a field has an unknown type or number");
    return t->why == NULL;
}

int64_t th_i64(th *t, const th_field *f)
{
    if (f->type == TH_BYTE)
        return (int8_t)take_byte(t);
    if (f->type != TH_I16 && f->type != TH_I32 && f->type != TH_I64) {
        th_fail(t, "a field is not the integer that was expected");
        return 0;
    }
    return th_item_i64(t);
}

int32_t th_i32(th *t, const th_field *f)
{
    int64_t value = th_i64(t, f);

    if (value < INT32_MIN || value > INT32_MAX) {
        th_fail(t, "a number does not fit 32 bits");
        return 0;
    }
    return (int32_t)value;
}

bool th_bool(th *t, const th_field *f)
{
    if (f->type != TH_TRUE && f->type != TH_FALSE)
        th_fail(t, "a field is not the boolean that was expected");
    return f->type == TH_TRUE;
}

vj_span th_bytes(th *t, const th_field *f)
{
    if (f->type != TH_BINARY) {
        th_fail(t, "a field is not the text that was expected");
        return (vj_span){NULL, 0};
    }
    return th_item_bytes(t);
}

bool th_struct(th *t, const th_field *f)
{
    if (f->type != TH_STRUCT)
        th_fail(t, "a field is not the structure that was expected");
    return t->why == NULL;
}

/* Every item takes a byte at least, so that the bytes left bound the loop that follows. */
static uint32_t take_list_head(th *t, uint8_t *item)
{
    uint8_t head = take_byte(t);
    uint64_t n = head >> 4;

    *item = head & 0x0f;
    if (n == 15)
        n = take_varint(t);
    if (n > (uint64_t)(t->end - t->ptr)) {
        fail_short(t);
        return 0;
    }
    return t->why == NULL ? (uint32_t)VJ_MIN(n, (uint64_t)UINT32_MAX) : 0;
}

uint32_t th_list(th *t, const th_field *f, th_type item)
{
    uint8_t found = 0;

    if (f->type != TH_LIST) {
        th_fail(t, "a field is not the list that was expected");
        return 0;
    }
    uint32_t n = take_list_head(t, &found);
    bool is_bool = item == TH_TRUE && (found == TH_TRUE || found == TH_FALSE);
    if (n > 0 && found != item && !is_bool) {
        th_fail(t, "a list has items of another type than expected");
        return 0;
    }
    return n;
}

static void skip_value(th *t, uint8_t type, int depth);

static void skip_items(th *t, uint8_t type, uint32_t n, int depth)
{
    for (uint32_t i = 0; i < n && t->why == NULL; i++) {
        /* in a list a bool takes a byte, in a struct it is in the field's type */
        if (type == TH_TRUE || type == TH_FALSE)
            take_byte(t);
        else
            skip_value(t, type, depth + 1);
    }
}

static void skip_map(th *t, int depth)
{
    uint64_t n = take_varint(t);

    if (n == 0)
        return;
    uint8_t types = take_byte(t);
    if (n > (uint64_t)(t->end - t->ptr))
        fail_short(t);
    for (uint64_t i = 0; i < n && t->why == NULL; i++) {
        skip_items(t, types >> 4, 1, depth);
        skip_items(t, types & 0x0f, 1, depth);
    }
}

static void skip_bytes(th *t, size_t n)
{
    if ((size_t)(t->end - t->ptr) < n)
        fail_short(t);
    else
        t->ptr += n;
}

static void skip_value(th *t, uint8_t type, int depth)
{
    th_field f = {0};
    uint8_t item = 0;
    uint32_t n = 0;

    if (depth > NESTING_MAX) {
        th_fail(t, "structures are nested too deep");
        return;
    }
    switch (type) {
    case TH_TRUE:
    case TH_FALSE:
        break;
    case TH_BYTE:
        take_byte(t);
        break;
    case TH_I16:
    case TH_I32:
    case TH_I64:
        take_varint(t);
        break;
    case TH_DOUBLE:
        skip_bytes(t, 8);
        break;
    case TH_UUID:
        skip_bytes(t, 16);
        break;
    case TH_BINARY:
        th_item_bytes(t);
        break;
    case TH_LIST:
    case TH_SET:
        n = take_list_head(t, &item);
        skip_items(t, item, n, depth);
        break;
    case TH_MAP:
        skip_map(t, depth);
        break;
    case TH_STRUCT:
        while (th_next(t, &f))
            skip_value(t, f.type, depth + 1);
        break;
    default:
        th_fail(t, "a value has an unknown type");
    }
}

void th_skip(th *t, const th_field *f)
{
    skip_value(t, f->type, 0);
}

void th_item_skip(th *t, th_type item)
{
    skip_items(t, (uint8_t)item, 1, 0);
}
