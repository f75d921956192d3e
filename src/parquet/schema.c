#include "parquet/footer.h"

#include <stdio.h>

/*
 * Schema list -> fields, nodes, leaves. LogicalTypes.md, "Nested Types" has the rules for lists
 * and maps and for the older forms of them:
 *
 *   3 levels   <rep> group a (LIST) { repeated group list { <rep> T element } }
 *   2 levels   <rep> group a (LIST) { repeated T element }      element is the repeated field,
 *              also when it is a group of several fields or named "array" or "a_tuple"
 *   none       repeated T a                                     a required list of required T
 *   MAP        <rep> group a (MAP) { repeated group kv { key; value } }   a list of structs
 */

/* Deeper trees than any data have; levels then fit a byte. */
#define DEPTH_MAX 40

typedef struct builder {
    vj_pq_file *file;
    const pq_element *els;
    int32_t n_els;
    int32_t at;      /* next element */
    int32_t n_leaves;
    char path[1024];
} builder;

typedef struct place {
    uint8_t def, rep;             /* levels of the node itself */
    uint8_t rep_outer, def_outer; /* of the innermost repeated ancestor */
    int depth;
} place;

static vj_status fail_schema(const builder *b, const char *why, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s: schema of the footer: %s (element %d of %d, %s)",
                   vj_source_name(b->file->source), why, b->at, b->n_els,
                   b->at < b->n_els ? b->els[b->at].name : "behind the end");
}

static vj_status build_field(builder *b, place at, vj_field *field, pq_node *node, vj_error *err);
static vj_status build_value(builder *b, place at, vj_field *field, pq_node *node, vj_error *err);

/* Room for n children of field and node. */
static vj_status make_kids(builder *b, int32_t n, vj_field *field, pq_node *node,
                           vj_field **fields, pq_node **nodes, vj_error *err)
{
    *fields = vj_arena_zalloc(&b->file->arena, (size_t)n * sizeof **fields, err);
    *nodes = vj_arena_zalloc(&b->file->arena, (size_t)n * sizeof **nodes, err);
    if (*fields == NULL || *nodes == NULL)
        return VJ_E_NOMEM;
    field->type.n_kids = node->n_kids = n;
    field->type.kids = *fields;
    node->kids = *nodes;
    return VJ_OK;
}

static vj_status build_leaf(builder *b, place at, vj_field *field, pq_node *node, vj_error *err)
{
    pq_leaf *leaf = &b->file->leaves[b->n_leaves++];

    leaf->path = vj_arena_strndup(&b->file->arena, b->path, strlen(b->path), err);
    if (leaf->path == NULL)
        return VJ_E_NOMEM;
    leaf->max_def = at.def;
    leaf->max_rep = at.rep;
    pq_leaf_type(&b->els[b->at], leaf);
    field->type = leaf->type;
    node->kind = PQ_NODE_LEAF;
    b->at++;
    return VJ_OK;
}

static place item_place(place at)
{
    uint8_t def = (uint8_t)(at.def + 1);
    uint8_t rep = (uint8_t)(at.rep + 1);

    return (place){def, rep, rep, def, at.depth + 1};
}

/* Begin a list at `at`; the element's field and node are given back. */
static vj_status begin_list(builder *b, place at, vj_field *field, pq_node *node,
                            vj_field **element, pq_node **element_node, vj_error *err)
{
    field->type = (vj_type){.kind = VJ_LIST};
    node->kind = PQ_NODE_LIST;
    node->rep_item = (uint8_t)(at.rep + 1);
    node->def_item = (uint8_t)(at.def + 1);
    VJ_TRY(make_kids(b, 1, field, node, element, element_node, err));
    (*element)->name = "element";
    return VJ_OK;
}

static bool ends_with_tuple(const char *name, const char *list)
{
    size_t n = strlen(list);

    return strncmp(name, list, n) == 0 && strcmp(name + n, "_tuple") == 0;
}

/* Path of what is built while the call runs. */
static size_t push_path(builder *b, const char *name)
{
    size_t used = strlen(b->path);

    snprintf(b->path + used, sizeof b->path - used, "%s%s", used > 0 ? "." : "", name);
    return used;
}

/* The annotated group at b->at; its single child is repeated. */
static vj_status build_list(builder *b, place at, bool is_map, vj_field *field, pq_node *node,
                            vj_error *err)
{
    const char *list_name = b->els[b->at].name;
    const pq_element *item = &b->els[b->at + 1];
    vj_field *element = NULL;
    pq_node *element_node = NULL;

    VJ_TRY(begin_list(b, at, field, node, &element, &element_node, err));
    b->at++;
    size_t used = push_path(b, item->name);
    bool item_is_element = is_map || item->physical >= 0 || item->n_children != 1 ||
                           (b->at + 1 < b->n_els && item[1].repetition == 2) ||
                           strcmp(item->name, "array") == 0 ||
                           ends_with_tuple(item->name, list_name);
    vj_status rc = VJ_OK;
    if (item_is_element) {
        rc = build_value(b, item_place(at), element, element_node, err);
    } else {
        b->at++;
        if (b->at >= b->n_els)
            return fail_schema(b, "a list has no element", err);
        push_path(b, b->els[b->at].name);
        rc = build_field(b, item_place(at), element, element_node, err);
        element->name = "element";
    }
    b->path[used] = '\0';
    return rc;
}

static vj_status build_struct(builder *b, place at, vj_field *field, pq_node *node, vj_error *err)
{
    int32_t n = b->els[b->at].n_children;
    vj_field *fields = NULL;
    pq_node *nodes = NULL;

    if (n <= 0 || n > b->n_els - b->at - 1)
        return fail_schema(b, "a group has no children or more than there are elements", err);
    field->type = (vj_type){.kind = VJ_STRUCT};
    node->kind = PQ_NODE_STRUCT;
    VJ_TRY(make_kids(b, n, field, node, &fields, &nodes, err));
    b->at++;
    at.depth++;
    for (int32_t i = 0; i < n; i++) {
        if (b->at >= b->n_els)
            return fail_schema(b, "a group has more children than there are elements", err);
        size_t used = push_path(b, b->els[b->at].name);
        VJ_TRY(build_field(b, at, &fields[i], &nodes[i], err));
        b->path[used] = '\0';
    }
    return VJ_OK;
}

/* The element at b->at, its own repetition being dealt with. */
static vj_status build_value(builder *b, place at, vj_field *field, pq_node *node, vj_error *err)
{
    const pq_element *el = &b->els[b->at];
    const pq_element *child = b->at + 1 < b->n_els ? el + 1 : NULL;
    bool wraps = el->n_children == 1 && child != NULL && child->repetition == 2;
    bool is_list = el->logical == 3 || el->converted == 3;
    bool is_map = el->logical == 2 || el->converted == 1 || el->converted == 2;

    if (at.depth > DEPTH_MAX)
        return fail_schema(b, "groups are nested too deep", err);
    node->rep_outer = at.rep_outer;
    node->def_outer = at.def_outer;
    node->def_here = at.def;
    node->leaf_beg = b->n_leaves;
    if (el->physical >= 0)
        VJ_TRY(build_leaf(b, at, field, node, err));
    else if (wraps && (is_list || (is_map && child->physical < 0)))
        VJ_TRY(build_list(b, at, !is_list, field, node, err));
    else
        VJ_TRY(build_struct(b, at, field, node, err));
    node->leaf_end = b->n_leaves;
    return VJ_OK;
}

static vj_status build_field(builder *b, place at, vj_field *field, pq_node *node, vj_error *err)
{
    const pq_element *el = &b->els[b->at];
    vj_field *element = NULL;
    pq_node *element_node = NULL;

    field->name = el->name;
    field->nullable = el->repetition == 1;
    if (el->repetition != 2) {
        at.def = (uint8_t)(at.def + (el->repetition == 1));
        return build_value(b, at, field, node, err);
    }
    node->rep_outer = at.rep_outer;
    node->def_outer = at.def_outer;
    node->def_here = at.def;
    node->leaf_beg = b->n_leaves;
    VJ_TRY(begin_list(b, at, field, node, &element, &element_node, err));
    VJ_TRY(build_value(b, item_place(at), element, element_node, err));
    node->leaf_end = b->n_leaves;
    return VJ_OK;
}

vj_status pq_schema_build(vj_pq_file *file, const pq_element *els, int32_t n, vj_error *err)
{
    builder *b = NULL;
    vj_status rc = VJ_OK;
    int32_t n_leaves = 0;

    for (int32_t i = 0; i < n; i++)
        n_leaves += els[i].physical >= 0;
    if (n < 1 || els[0].physical >= 0 || els[0].n_children < 0 || els[0].n_children > n - 1)
        return vj_fail(err, VJ_E_CORRUPT, "%s: schema of the footer: expected a root group of at "
                       "most %d columns, found %d", vj_source_name(file->source), n - 1,
                       n > 0 ? els[0].n_children : -1);
    int32_t n_fields = els[0].n_children;
    vj_field *fields = vj_arena_zalloc(&file->arena, (size_t)n_fields * sizeof *fields, err);
    file->nodes = vj_arena_zalloc(&file->arena, (size_t)n_fields * sizeof *file->nodes, err);
    file->leaves = vj_arena_zalloc(&file->arena, (size_t)n_leaves * sizeof *file->leaves, err);
    b = vj_zalloc(file->budget, sizeof *b, err);
    if (fields == NULL || file->nodes == NULL || file->leaves == NULL || b == NULL) {
        rc = VJ_E_NOMEM;
        goto out;
    }
    *b = (builder){.file = file, .els = els, .n_els = n, .at = 1};
    for (int32_t i = 0; i < n_fields; i++) {
        if (b->at >= n) {
            rc = fail_schema(b, "the root has more children than there are elements", err);
            goto out;
        }
        b->path[0] = '\0';
        push_path(b, els[b->at].name);
        VJ_GO(rc, build_field(b, (place){0}, &fields[i], &file->nodes[i], err));
    }
    if (b->at != n) {
        rc = fail_schema(b, "elements are left over", err);
        goto out;
    }
    file->meta.n_leaves = n_leaves;
    file->meta.schema = (vj_schema){n_fields, fields};
out:
    vj_free(b);
    return rc;
}

/* ---- types ---- */

static void set_integer(vj_type *type, pq_leaf *leaf, int32_t bits, bool is_signed)
{
    if (leaf->physical == PQ_INT32 && (bits == 8 || bits == 16)) {
        static const vj_kind kinds[2][2] = {{VJ_U8, VJ_I8}, {VJ_U16, VJ_I16}};

        type->kind = kinds[bits == 16][is_signed];
        leaf->convert = bits == 8 ? PQ_TO_8 : PQ_TO_16;
    } else if (leaf->physical == PQ_INT32 && bits == 32 && !is_signed) {
        type->kind = VJ_U32;
    } else if (leaf->physical == PQ_INT64 && bits == 64 && !is_signed) {
        type->kind = VJ_U64;
    }
}

/* Bytes that hold a signed number of so many decimal digits. */
static int32_t decimal_width(int32_t precision)
{
    /* log2(10) < 3322/1000; one bit for the sign */
    return (int32_t)(((int64_t)precision * 3322 + 999) / 1000 + 1 + 7) / 8;
}

static void set_decimal(vj_type *type, pq_leaf *leaf, const pq_element *el)
{
    bool fits = el->precision > 0 && el->precision <= 76 && el->scale >= 0 &&
                el->scale <= el->precision;

    if (!fits || (leaf->physical == PQ_INT32 && el->precision > 9) ||
        (leaf->physical == PQ_INT64 && el->precision > 18))
        return;
    if (leaf->physical == PQ_BYTE_ARRAY) {
        type->kind = VJ_FIXED;
        type->width_bytes = decimal_width(el->precision);
        leaf->convert = PQ_FROM_DECIMAL;
    } else if (leaf->physical != PQ_INT32 && leaf->physical != PQ_INT64 &&
               leaf->physical != PQ_FLBA) {
        return;
    }
    type->logical = VJ_LOGICAL_DECIMAL;
    type->precision = el->precision;
    type->scale = el->scale;
}

/* TIME of ms is INT32, all others INT64; a mismatch leaves the physical type. */
static void set_time(vj_type *type, const pq_leaf *leaf, vj_logical logical, int32_t unit, bool utc)
{
    bool short_time = logical == VJ_LOGICAL_TIME && unit == 1;

    if (unit < 1 || unit > 3 || leaf->physical != (short_time ? PQ_INT32 : PQ_INT64))
        return;
    type->logical = logical;
    type->unit = (vj_time_unit)(unit - 1);
    type->utc = utc;
}

static void set_text(vj_type *type, const pq_leaf *leaf, vj_logical logical)
{
    if (leaf->physical == PQ_BYTE_ARRAY) {
        type->kind = VJ_TEXT;
        type->logical = logical;
    }
}

static void apply_logical(const pq_element *el, pq_leaf *leaf)
{
    vj_type *type = &leaf->type;

    switch (el->logical) {
    case 1:
        set_text(type, leaf, VJ_LOGICAL_NONE);
        break;
    case 4:
        set_text(type, leaf, VJ_LOGICAL_ENUM);
        break;
    case 5:
        set_decimal(type, leaf, el);
        break;
    case 6:
        if (leaf->physical == PQ_INT32)
            type->logical = VJ_LOGICAL_DATE;
        break;
    case 7:
        set_time(type, leaf, VJ_LOGICAL_TIME, el->unit, el->utc);
        break;
    case 8:
        set_time(type, leaf, VJ_LOGICAL_TIMESTAMP, el->unit, el->utc);
        break;
    case 10:
        set_integer(type, leaf, el->int_bits, el->int_signed);
        break;
    case 11:
        if (leaf->physical == PQ_INT32)
            type->logical = VJ_LOGICAL_NULL;
        break;
    case 12:
        set_text(type, leaf, VJ_LOGICAL_JSON);
        break;
    case 14:
        if (leaf->width_bytes == 16 && leaf->physical == PQ_FLBA)
            type->logical = VJ_LOGICAL_UUID;
        break;
    case 15:
        if (leaf->width_bytes == 2 && leaf->physical == PQ_FLBA)
            type->logical = VJ_LOGICAL_F16;
        break;
    default: /* BSON, VARIANT, GEOMETRY and what is not known yet: the bytes themselves */
        break;
    }
}

static void apply_converted(const pq_element *el, pq_leaf *leaf)
{
    vj_type *type = &leaf->type;

    switch (el->converted) {
    case 0:
        set_text(type, leaf, VJ_LOGICAL_NONE);
        break;
    case 4:
        set_text(type, leaf, VJ_LOGICAL_ENUM);
        break;
    case 5:
        set_decimal(type, leaf, el);
        break;
    case 6:
        if (leaf->physical == PQ_INT32)
            type->logical = VJ_LOGICAL_DATE;
        break;
    case 7:
    case 8:
        set_time(type, leaf, VJ_LOGICAL_TIME, el->converted - 6, true);
        break;
    case 9:
    case 10:
        set_time(type, leaf, VJ_LOGICAL_TIMESTAMP, el->converted - 8, true);
        break;
    case 11:
    case 12:
    case 13:
    case 14:
        set_integer(type, leaf, 8 << (el->converted - 11), false);
        break;
    case 15:
    case 16:
        set_integer(type, leaf, 8 << (el->converted - 15), true);
        break;
    case 19:
        set_text(type, leaf, VJ_LOGICAL_JSON);
        break;
    case 21:
        if (leaf->physical == PQ_FLBA && leaf->width_bytes == 12)
            type->logical = VJ_LOGICAL_INTERVAL;
        break;
    default:
        break;
    }
}

void pq_leaf_type(const pq_element *el, pq_leaf *leaf)
{
    static const struct {
        vj_kind kind;
        int32_t width_bytes;
    } physical[] = {
        [PQ_BOOLEAN] = {VJ_BOOL, 0},  [PQ_INT32] = {VJ_I32, 4},  [PQ_INT64] = {VJ_I64, 8},
        [PQ_INT96] = {VJ_I64, 12},    [PQ_FLOAT] = {VJ_F32, 4},  [PQ_DOUBLE] = {VJ_F64, 8},
        [PQ_BYTE_ARRAY] = {VJ_BINARY, 0}, [PQ_FLBA] = {VJ_FIXED, 0},
    };

    leaf->physical = (pq_physical)el->physical;
    leaf->width_bytes = physical[el->physical].width_bytes;
    leaf->type = vj_type_of(physical[el->physical].kind);
    if (leaf->physical == PQ_FLBA)
        leaf->width_bytes = leaf->type.width_bytes = el->type_length;
    if (leaf->physical == PQ_INT96) {
        leaf->convert = PQ_FROM_INT96;
        leaf->type.logical = VJ_LOGICAL_TIMESTAMP;
        leaf->type.unit = VJ_NS;
    } else if (el->logical != 0 && !(el->logical == 11 && el->converted == 21)) {
        /* parquet-mr wrote UNKNOWN beside the converted INTERVAL */
        apply_logical(el, leaf);
    } else {
        apply_converted(el, leaf);
    }
}
