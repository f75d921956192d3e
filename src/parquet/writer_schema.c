/*
 * writer_schema.c - the schema as Parquet has it: leaves with their paths, SchemaElements with
 * LogicalType and, for older readers, ConvertedType.
 */
#include "parquet/writer_meta.h"

/* ---- leaves ---- */

typedef struct leaf_walk {
    const vj_leaf_options *options;
    vj_arena *arena;
    vj_budget *budget;
    vj_leaf *leaves; /* NULL: only count */
    int32_t n;
    int32_t top_i;
    vj_path_step path[VJ_SCHEMA_DEPTH_MAX];
} leaf_walk;

static vj_status add_leaf(leaf_walk *walk, int32_t depth, vj_error *err)
{
    int32_t i = walk->n++;
    size_t bytes = (size_t)depth * sizeof(vj_path_step);

    if (walk->leaves == NULL)
        return VJ_OK;
    vj_path_step *steps = vj_arena_alloc(walk->arena, bytes, err);
    if (steps == NULL)
        return VJ_E_NOMEM;
    memcpy(steps, walk->path, bytes);
    return vj_leaf_init(&walk->leaves[i], walk->options, steps, depth, walk->top_i, walk->budget,
                        err);
}

/* Depth is limited, so the recursion is. */
static vj_status walk_field(leaf_walk *walk, const vj_field *field, int32_t kid_i, int32_t depth,
                            vj_error *err)
{
    bool nested = field->type.kind == VJ_LIST || field->type.kind == VJ_STRUCT;
    int32_t n_kids = field->type.kind == VJ_LIST ? 1 : field->type.n_kids;

    if (depth >= VJ_SCHEMA_DEPTH_MAX)
        return vj_fail(err, VJ_E_UNSUPPORTED, "column %s is nested more than %d deep",
                       walk->path[0].field->name, VJ_SCHEMA_DEPTH_MAX);
    walk->path[depth] = (vj_path_step){field, kid_i};
    if (!nested)
        return add_leaf(walk, depth + 1, err);
    if (field->type.n_kids == 0 || field->type.kids == NULL)
        return vj_fail(err, VJ_E_UNSUPPORTED,
                       "column %s: Parquet has no form for a %s", walk->path[0].field->name,
                       field->type.kind == VJ_LIST ? "list without an element type"
                                                   : "struct without members");
    for (int32_t i = 0; i < n_kids; i++)
        VJ_TRY(walk_field(walk, &field->type.kids[i], i, depth + 1, err));
    return VJ_OK;
}

vj_status vj_schema_leaves(const vj_schema *schema, const vj_leaf_options *options,
                           vj_arena *arena, vj_budget *budget, vj_leaf **leaves,
                           int32_t *n_leaves, int32_t **first_leaf, vj_error *err)
{
    leaf_walk walk = {.options = options, .arena = arena, .budget = budget};
    size_t n_fields = (size_t)schema->n_fields;

    for (int32_t i = 0; i < schema->n_fields; i++)
        VJ_TRY(walk_field(&walk, &schema->fields[i], 0, 0, err));
    walk.leaves = vj_arena_zalloc(arena, (size_t)VJ_MAX(walk.n, 1) * sizeof *walk.leaves, err);
    *first_leaf = vj_arena_zalloc(arena, (n_fields + 1) * sizeof **first_leaf, err);
    if (walk.leaves == NULL || *first_leaf == NULL)
        return VJ_E_NOMEM;
    *leaves = walk.leaves;
    *n_leaves = walk.n;
    walk.n = 0;
    for (int32_t i = 0; i < schema->n_fields; i++) {
        (*first_leaf)[i] = walk.n;
        walk.top_i = i;
        walk.options = &options[i];
        VJ_TRY(walk_field(&walk, &schema->fields[i], 0, 0, err));
    }
    (*first_leaf)[schema->n_fields] = walk.n;
    return VJ_OK;
}

/* ---- SchemaElement ---- */

enum { REQUIRED = 0, OPTIONAL = 1, REPEATED = 2 };
enum { NO_CONVERTED = -1, CONVERTED_LIST = 3 };

/* Bits and sign of an integer kind; false for others. */
static bool int_kind(vj_kind kind, int *bits, bool *is_signed)
{
    static const int widths[] = {8, 16, 32, 64};

    if (kind < VJ_I8 || kind > VJ_U64)
        return false;
    *is_signed = kind <= VJ_I64;
    *bits = widths[(kind - VJ_I8) % 4];
    return true;
}

/* ConvertedType number, or NO_CONVERTED where there is none. */
static int converted_of(const vj_type *type)
{
    static const int ints[] = {15, 16, NO_CONVERTED, NO_CONVERTED, 11, 12, 13, 14};

    switch (type->logical) {
    case VJ_LOGICAL_DECIMAL:
        return 5;
    case VJ_LOGICAL_DATE:
        return 6;
    case VJ_LOGICAL_TIME: /* the converted types mean UTC; nanoseconds have none */
        return !type->utc || type->unit == VJ_NS ? NO_CONVERTED : 7 + (int)type->unit;
    case VJ_LOGICAL_TIMESTAMP:
        return !type->utc || type->unit == VJ_NS ? NO_CONVERTED : 9 + (int)type->unit;
    case VJ_LOGICAL_JSON:
        return 19;
    case VJ_LOGICAL_ENUM:
        return 4;
    case VJ_LOGICAL_INTERVAL:
        return 21;
    case VJ_LOGICAL_UUID:
    case VJ_LOGICAL_F16:
    case VJ_LOGICAL_NULL:
        return NO_CONVERTED;
    case VJ_LOGICAL_NONE:
        break;
    }
    if (type->kind == VJ_TEXT)
        return 0;
    return type->kind >= VJ_I8 && type->kind <= VJ_U64 ? ints[type->kind - VJ_I8] : NO_CONVERTED;
}

static void write_time(vj_tw *tw, int id, const vj_type *type)
{
    vj_tw_struct(tw, id);
    vj_tw_bool(tw, 1, type->utc);
    vj_tw_struct(tw, 2);
    vj_tw_empty(tw, 1 + (int)type->unit);
    vj_tw_struct_end(tw);
    vj_tw_struct_end(tw);
}

/* Field 10: the LogicalType union; nothing for types without one. */
static void write_logical(vj_tw *tw, const vj_type *type)
{
    static const int empties[] = {[VJ_LOGICAL_DATE] = 6,  [VJ_LOGICAL_UUID] = 14,
                                  [VJ_LOGICAL_F16] = 15,  [VJ_LOGICAL_JSON] = 12,
                                  [VJ_LOGICAL_ENUM] = 4,  [VJ_LOGICAL_NULL] = 11};
    int bits = 0;
    bool is_signed = false;
    bool plain_int = int_kind(type->kind, &bits, &is_signed) && type->logical == VJ_LOGICAL_NONE;

    if (type->logical == VJ_LOGICAL_INTERVAL)
        return;
    if (type->logical == VJ_LOGICAL_NONE && type->kind != VJ_TEXT && type->kind != VJ_LIST &&
        (!plain_int || (is_signed && bits >= 32)))
        return;
    vj_tw_struct(tw, 10);
    if (type->logical == VJ_LOGICAL_DECIMAL) {
        vj_tw_struct(tw, 5);
        vj_tw_i32(tw, 1, type->scale);
        vj_tw_i32(tw, 2, type->precision);
        vj_tw_struct_end(tw);
    } else if (type->logical == VJ_LOGICAL_TIME || type->logical == VJ_LOGICAL_TIMESTAMP) {
        write_time(tw, type->logical == VJ_LOGICAL_TIME ? 7 : 8, type);
    } else if (type->logical != VJ_LOGICAL_NONE) {
        vj_tw_empty(tw, empties[type->logical]);
    } else if (plain_int) {
        vj_tw_struct(tw, 10);
        vj_tw_i8(tw, 1, (int8_t)bits);
        vj_tw_bool(tw, 2, is_signed);
        vj_tw_struct_end(tw);
    } else {
        vj_tw_empty(tw, type->kind == VJ_LIST ? 3 : 1);
    }
    vj_tw_struct_end(tw);
}

static int phys_of(const vj_type *type)
{
    switch (type->kind) {
    case VJ_BOOL:
        return VJ_PHYS_BOOLEAN;
    case VJ_I64:
    case VJ_U64:
        return VJ_PHYS_INT64;
    case VJ_F32:
        return VJ_PHYS_FLOAT;
    case VJ_F64:
        return VJ_PHYS_DOUBLE;
    case VJ_TEXT:
    case VJ_BINARY:
        return VJ_PHYS_BYTE_ARRAY;
    case VJ_FIXED:
        return VJ_PHYS_FIXED;
    default:
        return VJ_PHYS_INT32;
    }
}

/* One element; n_kids 0 means a leaf. */
static void write_element(vj_tw *tw, const char *name, const vj_type *type, int repetition,
                          int32_t n_kids)
{
    int converted = type == NULL ? NO_CONVERTED : converted_of(type);
    bool decimal = type != NULL && type->logical == VJ_LOGICAL_DECIMAL;

    if (type != NULL && type->kind == VJ_LIST)
        converted = CONVERTED_LIST;
    vj_tw_item(tw);
    if (n_kids == 0)
        vj_tw_i32(tw, 1, phys_of(type));
    if (n_kids == 0 && type->kind == VJ_FIXED)
        vj_tw_i32(tw, 2, type->width_bytes);
    if (repetition >= 0)
        vj_tw_i32(tw, 3, repetition);
    vj_tw_binary(tw, 4, vj_span_of(name));
    if (n_kids > 0)
        vj_tw_i32(tw, 5, n_kids);
    if (converted != NO_CONVERTED)
        vj_tw_i32(tw, 6, converted);
    if (decimal) {
        vj_tw_i32(tw, 7, type->scale);
        vj_tw_i32(tw, 8, type->precision);
    }
    if (type != NULL)
        write_logical(tw, type);
    vj_tw_struct_end(tw);
}

static void write_field(vj_tw *tw, const vj_field *field, const char *name)
{
    const vj_type *type = &field->type;
    int repetition = field->nullable ? OPTIONAL : REQUIRED;

    if (type->kind == VJ_LIST) {
        write_element(tw, name, type, repetition, 1);
        write_element(tw, "list", NULL, REPEATED, 1);
        write_field(tw, &type->kids[0], "element");
    } else if (type->kind == VJ_STRUCT) {
        write_element(tw, name, type, repetition, type->n_kids);
        for (int32_t i = 0; i < type->n_kids; i++)
            write_field(tw, &type->kids[i], type->kids[i].name);
    } else {
        write_element(tw, name, type, repetition, 0);
    }
}

static size_t count_elements(const vj_field *field)
{
    size_t n = field->type.kind == VJ_LIST ? 2 : 1;

    for (int32_t i = 0; i < field->type.n_kids; i++)
        n += count_elements(&field->type.kids[i]);
    return n;
}

void vj_schema_write(vj_tw *tw, const vj_schema *schema)
{
    size_t n = 1;

    for (int32_t i = 0; i < schema->n_fields; i++)
        n += count_elements(&schema->fields[i]);
    vj_tw_list(tw, 2, VJ_TW_STRUCT, n);
    vj_tw_item(tw); /* the root has neither type nor repetition */
    vj_tw_binary(tw, 4, vj_span_of("schema"));
    vj_tw_i32(tw, 5, schema->n_fields);
    vj_tw_struct_end(tw);
    for (int32_t i = 0; i < schema->n_fields; i++)
        write_field(tw, &schema->fields[i], schema->fields[i].name);
}
