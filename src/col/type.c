#include "col/col.h"

#include <stdio.h>

size_t vj_type_width(const vj_type *type)
{
    switch (type->kind) {
    case VJ_I8:
    case VJ_U8:
        return 1;
    case VJ_I16:
    case VJ_U16:
        return 2;
    case VJ_I32:
    case VJ_U32:
    case VJ_F32:
        return 4;
    case VJ_I64:
    case VJ_U64:
    case VJ_F64:
        return 8;
    case VJ_FIXED:
        return (size_t)type->width_bytes;
    case VJ_BOOL:
    case VJ_TEXT:
    case VJ_BINARY:
    case VJ_LIST:
    case VJ_STRUCT:
        break;
    }
    return 0;
}

bool vj_type_eq(const vj_type *a, const vj_type *b)
{
    if (a->kind != b->kind || a->logical != b->logical || a->n_kids != b->n_kids)
        return false;
    if (a->kind == VJ_FIXED && a->width_bytes != b->width_bytes)
        return false;
    if (a->logical == VJ_LOGICAL_DECIMAL &&
        (a->precision != b->precision || a->scale != b->scale))
        return false;
    if ((a->logical == VJ_LOGICAL_TIME || a->logical == VJ_LOGICAL_TIMESTAMP) &&
        (a->unit != b->unit || a->utc != b->utc))
        return false;
    for (int32_t i = 0; i < a->n_kids; i++) {
        if (!vj_type_eq(&a->kids[i].type, &b->kids[i].type))
            return false;
        if (a->kind == VJ_STRUCT && strcmp(a->kids[i].name, b->kids[i].name) != 0)
            return false;
    }
    return true;
}

vj_type vj_type_list_of(vj_kind element)
{
    static const vj_field elements[] = {
        [VJ_BOOL] = {"element", {.kind = VJ_BOOL}, true},
        [VJ_I8] = {"element", {.kind = VJ_I8}, true},
        [VJ_I16] = {"element", {.kind = VJ_I16}, true},
        [VJ_I32] = {"element", {.kind = VJ_I32}, true},
        [VJ_I64] = {"element", {.kind = VJ_I64}, true},
        [VJ_U8] = {"element", {.kind = VJ_U8}, true},
        [VJ_U16] = {"element", {.kind = VJ_U16}, true},
        [VJ_U32] = {"element", {.kind = VJ_U32}, true},
        [VJ_U64] = {"element", {.kind = VJ_U64}, true},
        [VJ_F32] = {"element", {.kind = VJ_F32}, true},
        [VJ_F64] = {"element", {.kind = VJ_F64}, true},
        [VJ_TEXT] = {"element", {.kind = VJ_TEXT}, true},
        [VJ_BINARY] = {"element", {.kind = VJ_BINARY}, true},
    };

    return (vj_type){.kind = VJ_LIST, .n_kids = 1, .kids = &elements[element]};
}

/* Appends what fits; the result is always terminated. */
static void put(char *dst, size_t cap, const char *text)
{
    size_t used = strlen(dst);

    snprintf(dst + used, cap - used, "%s", text);
}

static void put_type(const vj_type *type, char *dst, size_t cap);

static void put_logical(const vj_type *type, char *dst, size_t cap)
{
    static const char *const units[] = {"ms", "us", "ns"};
    size_t used = strlen(dst);

    switch (type->logical) {
    case VJ_LOGICAL_DECIMAL:
        snprintf(dst + used, cap - used, "decimal(%d,%d)", type->precision, type->scale);
        break;
    case VJ_LOGICAL_DATE:
        put(dst, cap, "date");
        break;
    case VJ_LOGICAL_TIME:
        snprintf(dst + used, cap - used, "time[%s%s]", units[type->unit],
                 type->utc ? ", UTC" : "");
        break;
    case VJ_LOGICAL_TIMESTAMP:
        snprintf(dst + used, cap - used, "timestamp[%s%s]", units[type->unit],
                 type->utc ? ", UTC" : "");
        break;
    case VJ_LOGICAL_UUID:
        put(dst, cap, "uuid");
        break;
    case VJ_LOGICAL_F16:
        put(dst, cap, "float16");
        break;
    case VJ_LOGICAL_JSON:
        put(dst, cap, "json");
        break;
    case VJ_LOGICAL_ENUM:
        put(dst, cap, "enum");
        break;
    case VJ_LOGICAL_INTERVAL:
        put(dst, cap, "interval");
        break;
    case VJ_LOGICAL_NULL:
        put(dst, cap, "null");
        break;
    case VJ_LOGICAL_NONE:
        break;
    }
}

static void put_type(const vj_type *type, char *dst, size_t cap)
{
    static const char *const names[] = {
        "bool",  "int8",   "int16",  "int32",   "int64", "uint8",  "uint16", "uint32",
        "uint64", "float32", "float64", "text", "binary", "fixed", "list<",  "struct<"};
    size_t used = 0;

    if (type->logical != VJ_LOGICAL_NONE) {
        put_logical(type, dst, cap);
        return;
    }
    put(dst, cap, names[type->kind]);
    if (type->kind == VJ_FIXED) {
        used = strlen(dst);
        snprintf(dst + used, cap - used, "[%d]", type->width_bytes);
    }
    if (type->kind != VJ_LIST && type->kind != VJ_STRUCT)
        return;
    for (int32_t i = 0; i < type->n_kids; i++) {
        if (type->kind == VJ_STRUCT) {
            put(dst, cap, i > 0 ? ", " : "");
            put(dst, cap, type->kids[i].name);
            put(dst, cap, ": ");
        }
        put_type(&type->kids[i].type, dst, cap);
    }
    put(dst, cap, ">");
}

char *vj_type_name(const vj_type *type, char *dst, size_t cap_bytes)
{
    dst[0] = '\0';
    put_type(type, dst, cap_bytes);
    return dst;
}

vj_status vj_field_copy(vj_arena *arena, const vj_field *from, vj_field *to, vj_error *err)
{
    *to = *from;
    to->name = vj_arena_strndup(arena, from->name, strlen(from->name), err);
    if (to->name == NULL)
        return VJ_E_NOMEM;
    if (from->type.n_kids == 0)
        return VJ_OK;
    vj_field *kids = vj_arena_zalloc(arena, (size_t)from->type.n_kids * sizeof *kids, err);
    if (kids == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < from->type.n_kids; i++)
        VJ_TRY(vj_field_copy(arena, &from->type.kids[i], &kids[i], err));
    to->type.kids = kids;
    return VJ_OK;
}
